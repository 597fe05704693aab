"""``dosetwin advise``: one case in, the next dose out, as text, JSON or a report."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dosetwin.cli import decision, insulin, pacemaker, pair
from dosetwin.cli.common import at_least, naming, output_path, print_json, progress, rule_of, spoken, terminal, write_whole
from dosetwin.cli.genes import Outside, SampleName, with_genes
from dosetwin.cli.options import Covariates, Json, Language, Report, Seed
from dosetwin.cli.place import opened_place, place_moment
from dosetwin.errors import InputError, UnknownName
from dosetwin.words import speaking

if TYPE_CHECKING:
    from dosetwin.advise import Advice, Question
    from dosetwin.declare import Model, Therapy
    from dosetwin.records import DoseEvent, Timeline
    from dosetwin.twins.place import Place

PACING = "pacing_ddd"
MOST_LATE_H = 366 * 24.0
"""No decision is built on a record older than this: a slip of the pen in --now would else be simulated hour by hour."""
LATE_H = 7 * 24.0
"""A bundle written later than this after its last record was probably not written for a decision now."""


def advise(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A FHIR R4 bundle (JSON) or a table (CSV) of one patient.")],
    model: Annotated[
        list[str], typer.Option("--model", metavar="MODEL", help="Model; repeat it to average; all: those that fit the patient.")
    ] = [],  # noqa: B006
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="T", help="Moment of the decision: ISO 8601 with offset, or h on the case's clock. "
                     "Default: the bundle's timestamp, else the last record."),
    ] = None,
    mic: Annotated[float | None, typer.Option("--mic", help="MIC of the pathogen, mg/L.")] = None,
    seed: Seed = 1,
    draws: Annotated[int, typer.Option("--draws", help="Posterior draws every regimen is scored on.")] = 1000,
    covariates: Covariates = "locf",
    drug: Annotated[str | None, typer.Option("--drug", help="Which drug, where a bundle holds several.")] = None,
    therapy: Annotated[
        str | None, typer.Option("--therapy", metavar="NAME", help="Goals, limits and menu: a listed name (see 'dosetwin "
                                 "therapies') or a file of your own (./my_therapy.py). Default: the drug's own.")
    ] = None,
    beside: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A second therapy of the same patient: both orders are chosen "
                                 "together, each judged under the other, and the harms they share.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", hidden=True, help="The name of --therapy before.")] = None,
    kidney: Annotated[
        str | None,
        typer.Option("--kidney", metavar="NAME", help="How creatinine moves the drug's clearance: learned, filter, "
                     "mechanistic, maturation (not at all), or evidence (default): the one that foretold this baby's creatinines "
                     "best."),
    ] = None,
    look_ahead: Annotated[
        bool, typer.Option("--look-ahead", help="Also what a controller would plan over the next doses in a scenario of "
                           "infection (research).")
    ] = False,
    pack: Annotated[
        str, typer.Option("--pack", metavar="NAME", help="Scenario for --look-ahead: peak_driven, auc_driven or benign.")
    ] = "peak_driven",
    genes: Annotated[
        Path | None, typer.Option("--genes", metavar="FILE.vcf", help="The patient's genotypes; models and bars are told them.")
    ] = None,
    outside: Outside = None,
    sample: SampleName = None,
    wards: Annotated[
        Path | None, typer.Option("--wards", metavar="FILE.toml", envvar="DOSETWIN_WARDS", help="How wards prepare doses: "
                                  "dilutions, syringes, bags, vials. Default: the formulary's usual ones.")
    ] = None,
    ward: Annotated[
        str | None, typer.Option("--ward", metavar="NAME", help="Which ward of --wards. Default: its only one.")
    ] = None,
    planned: Annotated[
        bool, typer.Option("--planned", help="Doses of other drugs that the case has from --now on are orders planned for them: "
                           "answer under them. Default: they are not known yet, and what is given beside goes on as it was.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Everything: what was measured and is believed, all orders, every reason, doubt and "
                           "remark. Default: the answer in at most twelve lines.")
    ] = False,
    language: Language = "en",
    report: Report = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """The next dose for one patient, why, how sure, and what would make it wrong; exit code 3 when nothing is acceptable."""
    rule = rule_of(covariates)
    spoken(language)
    at_least("--draws", draws, 100, 100_000)
    at_least("--seed", seed, 0)
    if mic is not None and not (math.isfinite(mic) and mic > 0):
        raise InputError("the MIC must be a positive number", where="--mic", value=mic, allowed="> 0 mg/L")
    wanted = deprecated(policy, therapy)
    formula = wanted in (insulin.THERAPY, PACING, *decision.names())
    if language != "en" and not json_ and (full or beside is not None or formula):
        part = wanted if formula else "--full" if full else "--with"
        terminal(error=True).print(f"the answer of {part} is in English: nobody has translated it yet", style="dim")
    if wanted == insulin.THERAPY:
        unfit: dict[str, object] = {"--model": model, "--drug": drug, "--genes": genes, "--planned": planned, "--now": now,
                                    "--look-ahead": look_ahead, "--mic": mic, "--with": beside}  # fmt: skip
        page = output_path("--report", report, [case])
        raise typer.Exit(insulin.answer(case, seed=seed, as_json=json_, page=page, unfit=unfit))
    if wanted == PACING:
        unfit = {"--model": model, "--drug": drug, "--genes": genes, "--planned": planned, "--now": now}
        decision.refuse(unfit, PACING)
        page = output_path("--report", report, [case])
        raise typer.Exit(pacemaker.answer(case, draws=30 if draws == 1000 else draws, seed=seed, as_json=json_, page=page))
    if wanted is not None and wanted in decision.names():
        unfit = {"--model": model, "--drug": drug, "--genes": genes, "--planned": planned, "--now": now,
                 "--look-ahead": look_ahead, "--mic": mic, "--wards": wards, "--kidney": kidney}  # fmt: skip
        page = output_path("--report", report, [case])
        raise typer.Exit(decision.answer(case, wanted, draws=draws if draws != 1000 else None, seed=seed, as_json=json_,
                                         page=page, unfit=unfit))  # fmt: skip
    page = output_path("--report", report, [case])
    if beside is not None:
        unfit = {"--model": model, "--drug": drug, "--report": report, "--planned": planned, "--look-ahead": look_ahead,
                 "--full": full, "--wards": wards}  # fmt: skip
        known = {"seed": seed, "draws": draws, "rule": rule, "told": kidney, "facts": {} if mic is None else {"MIC": mic}}
        raise typer.Exit(pair.answer(case, wanted, beside, now, known, (genes, outside, sample), as_json=json_, unfit=unfit))
    facts, question, at, clock = _put(case, model, drug, wanted, now)
    question = replace(question, therapy=_on_ward(question.therapy, wards, ward))
    if question.therapy.kind == "patient":
        facts = with_genes(facts, genes, outside, sample)  # type: ignore[arg-type]
    elif genes or outside:
        raise InputError("a place has no genes", where="--genes", value=str(genes or outside), remedy="leave it out")
    if planned:
        question = replace(question, planned=_plan(facts, question, at))
    question = replace(
        question, now=at, seed=seed, draws=draws, rule=rule, told=kidney, facts={} if mic is None else {"MIC": mic},
        curves=page is not None or (full and not json_), look_ahead=pack if look_ahead else None,
    )  # fmt: skip
    advice = answered(case, facts, question)
    if page is not None:
        from dosetwin.report.page import advice_page

        with progress("drawing the report"), speaking(language):
            text = advice_page(advice, source=case.name, clock=clock)
        write_whole(page, text)
    if json_:
        body = advice.recommendation.to_json()
        body["provenance"]["now_is"] = clock
        print_json(body)
    else:
        with speaking(language):
            _printed(advice, clock, full, page)
    raise typer.Exit(3 if advice.recommendation.status == "refuse" else 0)


def _printed(advice: "Advice", clock: str, full: bool, page: Path | None) -> None:
    """The answer on the terminal, in twelve lines or in full."""
    console = terminal()
    if not full:
        from dosetwin.cli.brief import show_brief

        return show_brief(console, advice, clock, "" if page is None else str(page))
    from dosetwin.cli.show import show_advice

    show_advice(console, advice, clock)
    if page is not None:
        console.print(f"\nReport: {page}")


def _on_ward(therapy: "Therapy", path: Path | None, name: str | None) -> "Therapy":
    """The therapy as a ward prepares it. Raises InputError, UnknownName for a wrong file or ward."""
    if path is None:
        if name is not None:
            raise InputError("no file says how wards prepare doses", where="--ward", value=name, remedy="name one with --wards")
        return therapy
    from dosetwin.io.wards import read_wards

    found = read_wards(path)
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name not in found:
        raise UnknownName("which ward", where="--ward", value=name, allowed=", ".join(found))
    return found[name].therapy(therapy)


def _plan(facts: "Timeline | Place", question: "Question", now: float) -> "tuple[DoseEvent, ...]":
    """The doses of other drugs that the facts have from ``now`` h on. Raises InputError where there is none."""
    from dosetwin.records import Timeline

    if not isinstance(facts, Timeline):
        raise InputError("a place has no other drugs", where="--planned", remedy="leave it out")
    own = (question.therapy.drug.name, "")
    found = tuple(e for d in facts.doses if (d.drug or facts.drug) not in own for e in d.expanded() if e.time > now + 1e-9)
    if not found:
        raise InputError("no dose of another drug after that moment", where="--planned", value=f"now {now:g} h",
                         remedy="write the planned doses into the case, or name an earlier --now")  # fmt: skip
    return found


def _put(
    case: Path, names: "Sequence[str]", drug: str | None, word: str | None, now: str | None
) -> "tuple[Timeline | Place, Question, float, str]":
    """The facts of a patient's or a place's file, what is asked of them, the moment (h) and how it was found."""
    therapy = therapy_of(word) if word is not None else None
    if therapy is None or therapy.kind == "patient":
        timeline, question = opened(case, names, drug=drug, therapy=word, now=now)
        return timeline, question, *moment(timeline, now, case.name)
    from dosetwin.advise import Question

    if names:
        raise InputError("a place has no model to choose", where="--model", value=names[0], remedy="leave it out")
    place, hash_ = opened_place(case, therapy)
    return place, Question(therapy, (), input_hash=hash_), *place_moment(place, now, case.name)


def opened(
    case: Path, names: "Sequence[str]" = (), *, drug: str | None = None, therapy: str | None = None,
    now: str | None = None,
) -> "tuple[Timeline, Question]":  # fmt: skip
    """The facts of a case file, and what can be asked of them: models and therapy by name, else the drug's own, for what is
    known of the patient at the moment ``now`` in words.

    Raises InputError for a wrong file or name, or models and therapy that do not belong together.
    """
    import hashlib

    from dosetwin import formulary, models
    from dosetwin.advise import Question
    from dosetwin.decide.applies import all_that_apply, usual
    from dosetwin.decide.facts import facts_at
    from dosetwin.io.case import hour_zero, read_case
    from dosetwin.io.text import read_bytes

    every = list(names) == ["all"]
    chosen = [] if every else [models.load(name) for name in dict.fromkeys(names)]
    asked = therapy_of(therapy) if therapy is not None else None
    timeline = read_case(case, drug)
    hash_ = hashlib.sha256(read_bytes(case)).hexdigest()
    asked = asked or _therapy_for(timeline.drug or (chosen[0].drug if chosen else ""), case.name)
    if not chosen:
        at = moment(timeline, now, case.name)[0] if len(asked.models) > 1 else 0.0
        known = facts_at(timeline.of(asked.drug.name, formulary.followed()).until(at), at)
        chosen = [models.load(n) for n in (all_that_apply if every else usual)(asked, known)]
    if all(m.drug == asked.drug.name for m in chosen):
        from dosetwin.declare.goal import judges

        judges(asked.goals, chosen, asked.drug.name, therapy or f"therapy {asked.name}")
    nobody = next((f for f in timeline.findings if f.code == "drug_unknown"), None)
    if nobody is not None and not any(d.drug in ("", asked.drug.name) for d in timeline.doses):
        raise UnknownName("doses of a drug that no file declares", where=nobody.record, value=nobody.value,
                          allowed=nobody.allowed, remedy=nobody.remedy)  # fmt: skip
    if timeline.origin is None and case.suffix.lower() != ".json":
        timeline = replace(_of_models(timeline, chosen, case), origin=hour_zero(case))
    return timeline, Question(asked, tuple(chosen), input_hash=hash_)


def answered(case: Path, facts: "Timeline | Place", question: "Question") -> "Advice":
    """The advice on a case file. Raises InputError where the moment lies too long after the last record."""
    last = last_record(facts)
    if last is not None and question.now is not None and question.now - last > MOST_LATE_H:
        raise InputError("the moment of the decision is too long after the last record", where=f"{case.name} --now",
                         value=f"{(question.now - last) / 24:.0f} days", allowed=f"<= {MOST_LATE_H / 24:.0f} days",
                         remedy="correct --now (or the bundle's timestamp), or send newer records")  # fmt: skip
    names = ", ".join(m.name for m in question.models) or question.therapy.name
    with progress(f"asking the twin ({names}; the first use of a model compiles it)"), naming(case):
        from dosetwin.advise import advise

        return advise(facts, question)


def _of_models(timeline: "Timeline", chosen: "Sequence[Model]", case: Path) -> "Timeline":
    """A table's observations named and its measured columns taken as measurements, for the models that are asked."""
    from dosetwin.simulate.measured import bound

    findings = list(timeline.findings)
    with naming(case):
        for model in chosen:
            known = bound(model, [timeline], {}, source=case.name)
            timeline = known.timelines[0]
            findings += known.findings
    return replace(timeline, findings=tuple(dict.fromkeys(findings)))


def _therapy_for(drug: str, where: str) -> "Therapy":
    """The one therapy of a drug. Raises InputError where there is none, or several."""
    from dosetwin import formulary

    found = formulary.about(drug)
    if not drug:
        raise InputError(
            "nothing here says which drug it is", where=where,
            remedy="name what it is given for with --therapy NAME (see 'dosetwin therapies'), or the drug with --drug",
        )  # fmt: skip
    if not found:
        raise InputError(
            "no therapy for this drug", where=where, value=drug,
            allowed=", ".join(sorted({t.drug.name for t in formulary.therapies()})),
            remedy="name the drug with --drug or --model, or give a therapy with --therapy NAME or a file of your own",
        )  # fmt: skip
    if len(found) > 1:
        raise InputError("several therapies of this drug", where=where, value=drug, allowed=", ".join(t.name for t in found),
                         remedy="name one with --therapy")  # fmt: skip
    return next(iter(found))


def therapy_of(word: str) -> "Therapy":
    """A therapy by name or by the path of its file; a JSON file of before is still read. Raises InputError, UnknownName."""
    from dosetwin import formulary
    from dosetwin.io.text import read_json

    if not word.endswith(".json"):
        try:
            return formulary.therapy(word)
        except UnknownName as error:
            if not (near := get_close_matches(word.lower(), (*decision.names(), PACING), 5, 0.7)):
                raise
            raise UnknownName(error.message, where=error.where, value=error.value, allowed=", ".join(near),
                              remedy=error.remedy) from None  # fmt: skip
    data = read_json(Path(word))
    if not isinstance(data, dict):
        raise InputError("not a therapy", where=word, value=type(data).__name__, allowed="a JSON object")
    try:
        return formulary.therapy_from_json(data)
    except InputError as error:
        raise InputError(f"{error}", where=word) from None


def deprecated(policy: str | None, therapy: str | None) -> str | None:
    """The therapy asked for; ``--policy``, its name of before, with a warning."""
    if policy is None:
        return therapy
    terminal(error=True).print("--policy is called --therapy now and goes with the next release", style="yellow")
    return therapy or policy


def moment(timeline: "Timeline", word: str | None, where: str) -> tuple[float, str]:
    """The moment of the decision (h on the timeline's clock) and how it was found, in words."""
    if word is not None:
        return given_moment(timeline, word), "given with --now"
    last = last_record(timeline)
    if timeline.as_of is not None:
        late = last is not None and timeline.as_of - last > LATE_H
        tail = f"; {(timeline.as_of - last) / 24:.0f} days after the last record, name another moment with --now" if late else ""  # type: ignore[operator]
        return timeline.as_of, f"the timestamp of {where}{tail}"
    if last is None:
        raise InputError("nothing is recorded", where=where, remedy="add doses, levels or a weight")
    return last, f"the last record of {where}"


def last_record(timeline: "Timeline | Place") -> float | None:
    """Time (h) of the last dose, level, covariate or coming and going; the announced end of something running is no record."""
    from dosetwin.records import Timeline

    if not isinstance(timeline, Timeline):
        return timeline.last
    times = [e.time for d in timeline.doses for e in d.expanded()]
    times += [o.time for o in timeline.observations]
    times += [c.time for c in timeline.covariates if not (c.value == 0 and c.record.startswith("end of "))]
    return max(times, default=None)


def given_moment(timeline: "Timeline", word: str, where: str = "--now") -> float:
    """A moment in words (h, or ISO 8601 with its offset) as h on the timeline's clock. Raises InputError."""
    try:
        hours = float(word)
    except ValueError:
        pass
    else:
        if not math.isfinite(hours):
            raise InputError("not a moment", where=where, value=word, allowed="a finite number of h, or ISO 8601")
        return hours
    try:
        when = datetime.fromisoformat(word)
    except ValueError:
        allowed = "ISO 8601 such as 2026-04-13T14:00Z, or h on the case's clock"
        raise InputError("not a moment", where=where, value=word, allowed=allowed) from None
    if timeline.origin is None:
        raise InputError("the case has no calendar", where=where, value=word, allowed="h on the case's clock")
    if when.tzinfo is None:
        raise InputError("a moment without its offset from UTC", where=where, value=word, remedy=f"write {word}Z or {word}+02:00")
    return timeline.at(when)
