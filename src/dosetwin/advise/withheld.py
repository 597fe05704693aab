"""More of a drug is withheld where a level, or what is on record, says that more will not help until something else is known."""

from dataclasses import replace

from dosetwin.advise.question import Asked
from dosetwin.declare.drug import Alarm
from dosetwin.declare.limit import Limit
from dosetwin.declare.menu import Repeated
from dosetwin.errors import Reason


def withheld(asked: Asked) -> Asked:
    """The same question with the present order (as it can be measured) as the most, and why; as it is where nothing is withheld.

    The chances that goals with a low border demand are not asked then: they are what more would be ordered for.
    """
    therapy, menu = asked.therapy, asked.therapy.menu
    given = sorted((d for dose in asked.bare.doses for d in dose.expanded() if d.time <= asked.now), key=lambda d: d.time)
    rung = next((a for a in therapy.drug.alarms if a.withholds and _rings(asked, a, given[-1].time if given else 0.0)), None)
    if rung is None or not isinstance(menu, Repeated) or len(given) < 2 or any(x.code == CODE for x in therapy.limits):
        return asked
    last, gap = given[-1], given[-1].time - given[-2].time
    every = min(menu.intervals, key=lambda h: abs(h - gap))
    why, source = f"no more {therapy.drug.name} than now", rung.source
    limits = (
        Limit(CODE, "dose", None, menu.measured(last.amount) + 1e-6, menu.unit, "one dose", f"{why}: {source}"),
        Limit(f"{CODE}_often", "interval_h", every - 1e-6, None, "h", "interval", f"{why}: {source}"),
    )
    goals = tuple(replace(g, min_probability=None) if g.low is not None else g for g in therapy.goals)
    limited = replace(therapy, limits=(*therapy.limits, *limits), goals=goals)
    said = Reason(CODE, text=f"{why}: {rung.remedy}", source=source)
    return replace(asked, question=replace(asked.question, therapy=limited), withheld=said)


CODE = "more_withheld"


def _rings(asked: Asked, alarm: Alarm, since: float) -> bool:
    """Whether antibodies are on record, or an alarm rang and nobody measured since the last dose (h) that there are none."""
    found = [c for c in asked.bare.covariates if c.name == alarm.withholds and c.time <= asked.now]
    latest = max(found, key=lambda c: c.time, default=None)
    if latest is not None and (latest.value != 0 or latest.time >= since):
        return latest.value != 0
    return any(f.code == alarm.code for f in asked.findings)
