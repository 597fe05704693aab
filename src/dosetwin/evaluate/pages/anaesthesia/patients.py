"""Virtual patients under propofol: by hand, by target, and by the target of a twin that has read the monitor three times.

The patients are drawn from Eleveld's model with its own spread; the pump and the prior know its typical patient only. What is
compared is said per patient and paired. It shows what reading the monitor is worth if the model is right, and nothing more.
"""

import math
from collections.abc import Sequence

import numpy as np

from dosetwin import formulary, models
from dosetwin.declare import Facts, Provenance
from dosetwin.declare.menu import Situation
from dosetwin.declare.rule import Steps
from dosetwin.drawing import BLUE, GREY, canvas, svg
from dosetwin.evaluate.check import Check
from dosetwin.infer import map_estimate
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Pump, Timeline
from dosetwin.simulate import predict, schedule_for

PAGE, MODEL = "anaesthesia", "propofol_eleveld_2018"
READ = (4.0 / 60.0, 6.0 / 60.0, 8.0 / 60.0)
"""h at which the monitor is read."""
NOW = 9.0 / 60.0
"""h at which a new target is set."""
WATCHED = np.linspace(0.25, 0.75, 61)
"""h over which depth and pressure are judged: minutes 15 to 45."""
LATER = (20.0 / 60.0, 30.0 / 60.0)
FIRST = 3.0
"""ug/mL at the effect site until the monitor has been read."""
GUIDELINE = "label's target and rates by hand (recalled)"


def person(rng: np.random.Generator) -> dict[str, float]:
    """Facts of one adult."""
    sex = float(rng.random() < 0.5)
    height = rng.normal(175.0 if sex else 163.0, 7.0)
    weight = float(rng.uniform(20.0, 32.0)) * (height / 100.0) ** 2
    return {"WT": round(weight, 1), "HT": round(height, 0), "AGE": round(float(rng.uniform(20.0, 80.0))), "SEX": sex,
            "OPIOID": 1.0, "MAP0": round(float(rng.normal(95.0, 9.0)))}  # fmt: skip


class _Course:
    """One patient: what the model says of doses under given random effects."""

    def __init__(self, facts: dict[str, float]) -> None:
        self.model = models.load(MODEL)
        self.facts = facts
        self.covariates = tuple(Covariate(0.0, k, v) for k, v in facts.items())
        self.columns = list(self.model.outputs)

    def timeline(self, doses: Sequence[DoseEvent], seen: Sequence[Observation] = ()) -> Timeline:
        return Timeline(Patient("virtual"), tuple(doses), tuple(seen), self.covariates)

    def of(self, doses: Sequence[DoseEvent], times: Sequence[float] | np.ndarray, eta: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs [n_times] by name."""
        found = predict(self.model, schedule_for(self.model, self.timeline(doses), times), eta[None, :])
        return {name: found.value[0, :, k] for k, name in enumerate(self.columns)}


def _until(order: Pump, now: float) -> tuple[DoseEvent, ...]:
    """What an order gives until ``now`` h, where another takes its place."""
    cut = []
    for d in order.doses(now):
        runs = min(d.duration, now - d.time)
        cut.append(DoseEvent(d.time, d.amount * (runs / d.duration if d.duration else 1.0), runs))
    return tuple(cut)


def _judged(course: dict[str, np.ndarray]) -> tuple[float, float]:
    """Share of the time (%) at 40 to 60, and with depth and pressure both as they should be."""
    deep = (course["BIS"] >= 40.0) & (course["BIS"] <= 60.0)
    return 100.0 * float(deep.mean()), 100.0 * float((deep & (course["MAP"] >= 65.0)).mean())


def checks(n: int, seed: int) -> list[Check]:
    """``n`` virtual patients, each under every way of dosing with the same random effects and noise."""
    therapy = formulary.therapy("propofol_tci")
    menu = therapy.menu
    pump, marsh = menu.pumps["eleveld"], menu.pumps["marsh"]  # type: ignore[attr-defined]
    hand = Steps(1.0, ((10.0, 10.0), (10.0, 8.0), (60.0, 6.0)), "by hand")
    rows: dict[str, list[tuple[float, float]]] = {"hand": [], "label": [], "target": [], "twin": []}
    missed: dict[str, list[float]] = {"prior": [], "twin": []}
    model = models.load(MODEL)
    omega = model.omega_for(1)
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        facts = person(rng)
        eta = rng.multivariate_normal(np.zeros(len(omega)), omega)
        noise = rng.normal(0.0, model.outputs["BIS"].residual.a, len(READ))
        known, course = Facts(dict(facts)), _Course(facts)
        where = Situation(0.0, facts["WT"], facts=known)
        orders = {
            "hand": menu.said(hand, where, lambda _: False), "target": pump(FIRST, known, (), 0.0),
            "label": marsh(4.0 if facts["AGE"] < 55 else 3.0, known, (), 0.0),
        }  # fmt: skip
        for name, order in orders.items():
            rows[name].append(_judged(course.of(order.doses(1.0), WATCHED, eta)))
        begun = _until(orders["target"], NOW)
        seen = course.of(begun, READ, eta)["BIS"] + noise
        told = course.timeline(
            begun, [Observation(t, "BIS", float(min(max(b, 0.0), 100.0))) for t, b in zip(READ, seen, strict=True)]
        )
        best = map_estimate(model, told).eta
        truth = course.of(orders["target"].doses(1.0), LATER, eta)["BIS"]
        for name, guess in (("prior", np.zeros(len(omega))), ("twin", best)):
            missed[name].append(float(np.abs(course.of(orders["target"].doses(1.0), LATER, guess)["BIS"] - truth).mean()))
        again = [pump(float(t), known, begun, NOW) for t in np.arange(1.0, 6.01, 0.5)]
        depth = [abs(float(course.of((*begun, *o.doses(1.0)), WATCHED[::6], best)["BIS"].mean()) - 50.0) for o in again]
        chosen = again[int(np.argmin(depth))]
        rows["twin"].append(_judged(course.of((*begun, *chosen.doses(1.0)), WATCHED, eta)))
    return _compared(rows, missed, n)


def _compared(rows: dict[str, list[tuple[float, float]]], missed: dict[str, list[float]], n: int) -> list[Check]:
    out = [
        _more("forecast", "error of BIS at 20 and 30 min: prior less twin that read the monitor three times",
              np.subtract(missed["prior"], missed["twin"]), "1",
              {"prior": float(np.mean(missed["prior"])), "twin": float(np.mean(missed["twin"]))}),
    ]  # fmt: skip
    said = {"hand": "1 mg/kg, then 10-8-6 mg/kg/h", "label": "the label's target", "target": f"{FIRST:g} ug/mL throughout"}
    for name, words in said.items():
        for k, (what, text) in enumerate((("depth", "time at BIS 40 to 60"), ("both", "the same with pressure at 65 and more"))):
            a, b = np.array(rows["twin"])[:, k], np.array(rows[name])[:, k]
            extra = {"twin": float(a.mean()), name: float(b.mean())}
            out.append(_more(f"twin_less_{name}.{what}", f"{text}: twin's target less {words}", a - b, "%", extra))
    return out


def figure(checks: Sequence[Check]) -> str:
    """What reading the monitor is worth, as SVG: time at depth by way of dosing, and the error of the forecast."""
    by = {c.check: dict(c.extra) for c in checks if c.check.startswith("virtual.")}
    ways = {"hand": "10-8-6 mg/kg/h by hand", "label": "label's plasma target", "target": f"{FIRST:g} ug/mL throughout"}
    with canvas(9.0, 2.9, 1, ncols=2, gridspec_kw={"width_ratios": (2.2, 1.0)}) as (drawn, (left, right)):
        names = [*ways.values(), "twin's target after three readings"]
        for k, (what, text, shade) in enumerate((("depth", "BIS 40 to 60", 1.0), ("both", "and pressure at least 65", 0.5))):
            shares = [by[f"virtual.twin_less_{w}.{what}"][w] for w in ways] + [by[f"virtual.twin_less_hand.{what}"]["twin"]]
            rows = [i + 0.2 - 0.4 * k for i in range(len(names))]
            left.barh(rows, shares, 0.38, color=[GREY] * 3 + [BLUE], alpha=shade, label=text)
            for row, share in zip(rows, shares, strict=True):
                left.annotate(f"{share:.0f}", (share, row), (3, 0), textcoords="offset points", va="center", fontsize=8)
        left.set_yticks(range(len(names)), names)
        left.set_xlabel("% of minutes 15 to 45; pale: with pressure at least 65 mmHg too")
        errors = by["virtual.forecast"]
        right.bar(["prior", "twin"], [errors["prior"], errors["twin"]], 0.6, color=[GREY, BLUE])
        right.set_ylabel("error of BIS at 20, 30 min")
        return svg(
            drawn, "anaesthesia", "Time at depth by way of dosing, and error of the forecast before and after three readings"
        )


def _more(name: str, text: str, difference: np.ndarray, unit: str, extra: dict[str, float]) -> Check:
    """Whether a paired difference is above nothing by two of its standard errors, as found."""
    mean, se = float(difference.mean()), float(difference.std(ddof=1)) / math.sqrt(len(difference))
    passed = mean - 2.0 * se > 0.0
    provenance: Provenance = "assumed"
    return Check(PAGE, f"virtual.{name}", MODEL, "virtual patients of the model itself", provenance, 0.0, mean, se,
                 (2.0 * se, math.inf), unit, passed, "" if passed else "no difference that these patients show", text,
                 "asked of it: more than nothing by two standard errors, paired", extra=tuple(extra.items()))  # fmt: skip
