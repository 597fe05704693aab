"""A trial of a therapy in sentences, for its page: what each arm does, who is treated, what is true, what is measured."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dosetwin.trial.therapy.design import TherapyDesign


def arms(design: "TherapyDesign") -> tuple[tuple[str, str], ...]:
    """Name and words of every arm."""
    out = []
    for a in design.arms:
        if rules := a.rules_of(design.of):
            said = [f"{r.title}: as the rule says for the patient's facts ({r.source})" for r in rules]
            text = "; after the first order ".join(said)
        elif a.policy == "twin":
            seen = f"asked again with each result; {a.draws} draws" if a.sampled else f"no measurement; {a.draws} draws"
            text = f"the twin's choice under {design.believed(a).name}, {seen}"
        else:
            says = a.fixed
            assert says is not None
            unit = design.of.drug.unit + ("/" + says.per if says.per else "")
            text = f"{says.amount:g} {unit} every {says.interval:g} h for everybody"
        out.append((a.name, text))
    return tuple(out)


def sentences(design: "TherapyDesign") -> tuple[str, ...]:
    """How the trial is done."""
    t, s, who = design.of, design.schedule, design.drawn_from
    when = [f"{h / 24:g} d" if h % 24 == 0 else f"{h:g} h" for h in s.at_h]
    begun = "order" if t.drug.device else "dose"
    taken = [f"at {', '.join(when)} after the first {begun}"] if when else []
    taken += [f"just before dose {', '.join(map(str, s.before_doses))}"] if s.before_doses else []
    taken += [f"{s.after_h:g} h after the start of dose {', '.join(map(str, s.after_doses))}"] if s.after_doses else []
    model, last = design.true_model, design.first + design.n - 1
    varies = f"; it varies between occasions of {design.occasion_h:g} h" if model.kappa_names else ""
    facts = ", ".join(f"{k} {v:g}" for k, v in design.known.items())
    return (
        f"Therapy: {t.name}, {t.drug.name}, for {t.population}; goals, limits and rules are its own.",
        f"Patients: {who.text}, numbers {design.first} to {last}, seed {design.seed} ({'; '.join(who.sources)}).",
        f"Truth: {model.name} with its random effects and residual error{varies}.",
        f"Measured: {', '.join((design.measured, *s.also))}, {'; '.join(taken) or 'nothing'}; known {s.turnaround_h:g} h later.",
        f"Followed for {design.horizon_h / 24:g} days from the first {begun}; endpoints are read from what was true, not from "
        "what was measured.",
        *([f"Taken to be so: {facts}."] if facts else []),
    )
