"""What is expected of an order, in words: each reading with when it is read, its value, its unit and the chance of its goals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dosetwin.decide.played import readable
from dosetwin.declare import After, End, Model
from dosetwin.declare.goal import output_of
from dosetwin.declare.reading import COURSE, SHARES, STEADY, TROUGHS, json_key
from dosetwin.errors import number, percent
from dosetwin.report.narrative import DOSES, INTERVALS, aim, said_of, said_unit, signs, spelled, throughout

if TYPE_CHECKING:
    from dosetwin.decide.recommendation import Candidate, Recommendation
    from dosetwin.declare import Goal, Reading, Therapy
    from dosetwin.twins import Twin


def told(reading: "Reading", dose: str) -> str:
    """A reading and when it is read, as the beginning of a sentence."""
    when, what = reading.when, reading.what or "level"
    if isinstance(when, After):
        text = f"{reading.words if reading.key == 'peak' else what} {when.h:g} h after the start of {DOSES[dose]}"
    elif isinstance(when, End):
        text = f"{what} just before the coming dose" if dose == "pre" else f"{what} at the end of {INTERVALS[dose][0]}"
    elif dose == COURSE:
        text = reading.label
    else:
        area = reading.how == "auc24"
        text = f"{f'mean AUC over 24 h{_of(reading)}' if area else reading.words}, {INTERVALS[dose][1]}"
    return text[0].upper() + text[1:]


def _of(reading: "Reading") -> str:
    return f" of {reading.what}" if reading.what else ""


def value_of(reading: "Reading", value: float | None, unit: str) -> str:
    """A value of a reading: shares and chances in percent, others with their unit."""
    if value is None:
        return "without end"
    if reading.how in SHARES:
        return f"{100 * value:.0f} %"
    return f"{number(value)} {signs(said_unit(unit))}".strip()


def unit_of(reading: "Reading", source: "Model | Twin", drug: str) -> str:
    """The unit of a reading of a model, or of a twin that has none."""
    if not isinstance(source, Model):
        return reading.unit(readable(source, reading).unit)
    name = output_of(reading, source, drug)
    return "" if name is None else reading.unit(source.outputs[name].unit)


def heads(therapy: "Therapy", source: "Model | Twin") -> list[tuple[str, str, str]]:
    """(name, unit, when) of each reading that a table of orders shows."""
    return [(spelled(r.words), said_unit(unit_of(r, source, therapy.drug.name)), told(r, d)) for r, d in therapy.columns]


def medians(c: "Candidate", therapy: "Therapy") -> list[str]:
    """The medians of one row of such a table."""
    keys = [(r, json_key(r.key, d)) for r, d in therapy.columns]
    return ["nan" if key not in c.median else value_of(r, c.median[key], "") for r, key in keys]


def how_sure(sure: Mapping[str, Any], therapy: "Therapy", rests_on: str, source: "Model | Twin") -> list[str]:
    """What is expected of the recommended order and how firmly, as sentences. ``rests_on``: the levels used, in words;
    ``source``: the model that leads, or a place's twin.
    """
    assumed = {a.name for a in therapy.assumed}
    out = []
    if sure.get("joint") is not None:
        joint = "; ".join(
            dict.fromkeys(aim(t) for t in therapy.goals if t.joint and (not t.reading.over or t.reading.over in assumed))
        )
        out.append(
            f"{percent(sure['joint'])} chance that all joint targets ({joint}) are met{throughout(therapy.goals)} "
            f"(± {100 * float(sure['joint_se']):.1f} % from the number of draws)."
        )
    for reading, dose in therapy.shown:
        found = sure.get(json_key(reading.key, dose))
        if found is not None:
            low, _, middle, _, high = found
            unit = unit_of(reading, source, therapy.drug.name)
            lowest, highest = (value_of(reading, x, "") for x in (low, high))
            spread = f"with 90 % probability between {lowest} and {highest}"
            if reading.how == "at" and high == low != 0:  # what a model lets differ between nobody is no certainty
                spread = "a mean: the model lets it differ between nobody"
            out.append(f"{told(reading, dose)}: {value_of(reading, middle, unit)}, {spread}.")
    who = said_of(therapy).who.lower()
    basis = f"{rests_on} of this {who}" if rests_on else f"the population only: no measurement of this {who} yet"
    out.append(f"Rests on {basis}. These chances assume that the model and the records are right.")
    return out


def expected(rec: "Recommendation", therapy: "Therapy") -> list[dict[str, str]]:
    """What is expected of the recommended order, a row per reading and dose it is read at: in words, median, 90 % interval, the
    chance that its goals are met there."""
    out = []
    over = [g.reading for g in therapy.goals if g.reading.over]
    for reading in (*therapy.readings, *over):
        key = (reading.name or f"{reading.key}_{reading.over.lower()}") if reading.over else reading.key
        for dose in reading.doses if reading.over else (*TROUGHS, STEADY, COURSE):
            found = rec.readings.get(json_key(key, dose))
            if found is None:
                continue
            low, middle, high = (value_of(reading, found[q], "") for q in ("q05", "q50", "q95"))
            ratio = reading.how in SHARES
            out.append({
                "name": told(reading, dose) + (f", over {reading.over}" if reading.over else ""),
                "unit": "" if ratio else signs(said_unit(found["unit"])), "middle": middle, "band": f"{low} to {high}",
                "p": "-" if found["p_goal"] is None else percent(found["p_goal"]),
            })  # fmt: skip
            if reading.how in ("ever_above", "ever_below"):  # it happens or it does not: only its chance says something
                out[-1] |= {"middle": "-", "band": "-"}
    return out


def judged(goal: "Goal") -> str:
    """Where a goal is judged, in words; where its chance must hold, if that is not everywhere."""
    places = ", ".join(DOSES[d] for d in goal.doses)
    if goal.constrained and goal.constrained != goal.doses:
        return f"{places}; its chance counts at {' and '.join(DOSES[d] for d in goal.constrained)}"
    return places
