"""What an answer about insulin says to the ward and to the person: a sentence for every reason, nothing computed."""

from dosetwin.errors import Reason
from dosetwin.formulary.insulin import LOW, VERY_LOW
from dosetwin.loops.insulin.learned import Learned
from dosetwin.loops.insulin.person import Bolus
from dosetwin.loops.insulin.run import BEFORE_MIN, Run, Tried
from dosetwin.loops.insulin.settings import Chosen, Settings

HOW_SURE = ((0.95, "almost surely"), (0.8, "very likely"), (0.6, "probably"), (0.0, "perhaps"))


def percent(share: float) -> str:
    """A share as a ward says it: ``4 %``, ``0.6 %``, ``0 %``."""
    value = 100.0 * share
    return f"{value:.0f} %" if value >= 9.95 or abs(value - round(value)) < 0.05 else f"{value:.1f} %"


def said(r: Reason) -> str:
    """A reason as a sentence. What has no sentence of its own is its text with its numbers."""
    value, limit = (x if isinstance(x, float | int) else None for x in (r.value, r.limit))
    if value is not None and r.code in SENTENCES:
        return SENTENCES[r.code](float(value), None if limit is None else float(limit), r.text)
    number = "" if r.value is None else f" ({r.value}" + ("" if r.limit is None else f"; {r.limit}") + f" {r.unit}".rstrip() + ")"
    return f"{r.text}{number}"


def _lows(v: float, limit: float | None, text: str) -> str:
    return f"{percent(v)} of the readings are below 70 mg/dL; from {percent(limit or 0.0)} on {text}."


def _risk(v: float, limit: float | None, text: str) -> str:
    return f"A glycaemia risk index of {v:.0f} is expected, after {limit or 0.0:.0f} in these days (0 is best, 100 worst)."


def _no_lows(v: float, limit: float | None, text: str) -> str:
    return (
        f"In {percent(v)} of the lives tried glucose is below 70 mg/dL for at most {percent(LOW)} and below 54 for at most "
        f"{percent(VERY_LOW)} of the time; at least {percent(limit or 0.0)} is asked."
    )


def _tail(v: float, limit: float | None, text: str) -> str:
    more = f"{percent(abs(v))} {'more' if v > 0 else 'less'} of the time" if abs(v) >= 5e-4 else "no longer"
    return f"In the worst tenth of the lives tried glucose is below 70 mg/dL {more} than with the present settings."


def _below(v: float, limit: float | None, text: str) -> str:
    return f"The chance of glucose below 70 mg/dL {text} is {percent(v)}; at most {percent(limit or 0.0)} is accepted."


SENTENCES = {
    "lows_on_record": _lows,
    "lowest_risk": _risk,
    "p_no_lows": _no_lows,
    "lows_in_the_worst": _tail,
    "p_below70": _below,
    "nothing_gained": lambda v, limit, text: f"{text} ({limit or 0.0:.1f} instead of {v:.1f}).",
    "no_acceptable_settings": lambda v, limit, text: f"{text}: by {percent(v)} of the time at best.",
    "a_step_only": lambda v, limit, text: (
        f"{text} (inside the bars in {percent(v)} of the lives, {percent(limit or 0.0)} is asked)."
    ),
    "held_by_limits": lambda v, limit, text: f"{text}: {v:.1f} U instead of {limit or 0.0:.1f} U.",
    "p_below70_exercise": lambda v, limit, text: (
        f"The chance of glucose below 70 mg/dL {text} is {percent(v)}, {percent(limit or 0.0)} if nothing is changed."
    ),
    "exercise_lows_stay": lambda v, limit, text: f"{text} (chance {percent(v)}, at most {percent(limit or 0.0)} is accepted).",
    "ketones_first": lambda v, limit, text: f"{text} ({v:.0f} mg/dL).",
    "low_within_a_day": lambda v, limit, text: f"{text} ({v:.0f} mg/dL).",
    "low_without_insulin": lambda v, limit, text: f"{text} (chance {percent(v)}).",
}


def order(chosen: Chosen) -> str:
    """The recommendation in one line."""
    if chosen.best is None:
        return "No settings within a step are acceptable"
    return "No change" if chosen.best is chosen.now else chosen.best.settings.words()


def bolus(b: Bolus) -> str:
    """What to give for a meal, in one line."""
    return f"{b.dose:.1f} U for {b.meal:.0f} g at {b.level:.0f} mg/dL (ratio and factor ask for {b.usual:.1f} U)"


def plan(t: Tried, begins: float, bolus: float = 0.0) -> str:
    """What is done for exercise that begins after so many min, in one line. bolus U before it is made smaller."""
    since = "from now" if begins <= BEFORE_MIN else f"from {begins - BEFORE_MIN:.0f} min after now"
    parts = [
        *([f"basal insulin at {percent(t.basal)} {since} to its end"] if t.basal < 1.0 else []),
        *([f"a bolus of {t.bolus * bolus:.1f} U instead of {bolus:.1f} U"] if t.bolus < 1.0 and bolus else []),
        *([f"eat {t.grams:.0f} g of carbohydrate at its start"] if t.grams else []),
    ]
    return ", ".join(parts) or "nothing to change"


def run(r: Run, bolus: float = 0.0) -> str:
    """A planned session and what to do for it."""
    s = r.session
    when = "now" if s.begins < 5.0 else f"in {s.begins:.0f} min"
    return f"{s.minutes:.0f} min at {percent(s.effort)} of the heart rate's reserve, {when}: {plan(r.best, s.begins, bolus)}"


def changes(now: Settings, new: Settings) -> tuple[str, ...]:
    """What is changed, setting by setting, in plain words; () where nothing is."""
    out = []
    for what, a, b, unit, form in (
        ("Long-acting insulin", 24.0 * now.basal, 24.0 * new.basal, "U", "{:g}")
        if now.pen
        else ("Basal rate", now.basal, new.basal, "U/h", "{:.2f}"),
        ("Carbohydrate covered by 1 U", now.ratio, new.ratio, "g", "{:.1f}"),
        ("Correction by 1 U", now.factor, new.factor, "mg/dL", "{:.0f}"),
    ):
        if abs(b / a - 1.0) > 1e-9:
            more = (b > a) == unit.startswith("U")
            out.append(f"{what}: {form.format(a)} -> {form.format(b)} {unit} ({'more' if more else 'less'} insulin)")
    return tuple(out)


def sure(share: float) -> str:
    """How sure it is that lows stay inside the bars, in words."""
    return next(words for least, words in HOW_SURE if share >= least)


def learned(m: Learned) -> str:
    """What the days taught, with how far it can be trusted."""
    s, e = m.mean(m.sensitivity), m.mean(m.eaten)
    than = "as sensitive as" if 0.95 <= s <= 1.05 else "more sensitive than" if s > 1 else "less sensitive than"
    return (
        f"The days look {than} the basal dose says ({s:.2f} times), with {percent(e)} of the counted carbohydrate arriving; "
        f"five minutes ahead the belief is off by {m.error:.0f} mg/dL. These are the belief's numbers, not a measurement."
    )
