"""Numbers of the models, of targeting, of the surfaces and of the scores, each within its written tolerance."""

from collections.abc import Mapping

import numpy as np

from dosetwin import models
from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Check, judged
from dosetwin.outcomes import scores
from dosetwin.structure import anaesthesia, tci

PAGE = "anaesthesia"
OWN = "the published equations, computed independently"
PEER = "stanpumpR (Aug 2026), its own tests"
MAN = {"WT": 70.0, "HT": 170.0, "AGE": 40.0, "SEX": 1.0}
WOMAN = {"WT": 60.0, "HT": 165.0, "AGE": 65.0, "SEX": 0.0}
REST = {"MAP0": 90.0, "REMI_CE": 0.0, "PROPOFOL_CE": 3.0, "OPIOID": 1.0}
HOUR = 60.0


def disposition(name: str, patient: Mapping[str, float]) -> tci.Disposition:
    """A model's typical patient; L, L/h, 1/h."""
    m = models.load(name)
    p = m.individual(m.theta(), m.eta(), m.cov(**{n: (REST | dict(patient))[n] for n in m.covs}))
    return tci.Disposition(p.CL, p.V1, p.Q2, p.V2, p.Q3, p.V3, p.KE0)


def check(name: str, model: str, text: str, published: float, found: float, band: float | tuple[float, float], unit: str = "1",
          source: str = OWN, provenance: Provenance = "derived", why: str = "rounding of the number") -> Check:  # fmt: skip
    """One number; ``band``: its relative tolerance, or the borders themselves."""
    low, high = band if isinstance(band, tuple) else (published - abs(published) * band, published + abs(published) * band)
    return judged(PAGE, name, text, model, source, provenance, published, found, (low, high), unit, why)


ROUNDED = "0.1 %: the number was made with thetas rounded to four digits"
SITES = (
    ("propofol_schnider_1998", MAN, "man 40 y", 1.521, 17.3714, 0.40605, 5e-5),
    ("propofol_schnider_1998", WOMAN, "woman 65 y", 1.616, 16.1829, 0.39554, 5e-5),
    ("propofol_marsh_1991", MAN, "70 kg", 3.919, 43.6265, 0.36558, 3e-3),
    ("propofol_eleveld_2018", MAN, "man 40 y, with an opioid", 3.241, 41.437, 0.43183, 1e-3),
    ("propofol_eleveld_2018", MAN | {"OPIOID": 0.0}, "man 40 y, without", 2.947, 45.935, 0.35485, 1e-3),
    ("remifentanil_minto_1997", MAN, "man 40 y", 1.434, 17.099, 0.37776, 5e-5),
    ("remifentanil_minto_1997", WOMAN, "woman 65 y", 1.750, 15.194, 0.49274, 5e-5),
)
"""Minutes to the peak of the effect site, a bolus per unit of it, plasma after an hour of one unit a minute; tolerance."""
MAN_50, WOMAN_50 = {"WT": 70.0, "HT": 171.0, "AGE": 50.0, "SEX": 1.0}, {"WT": 55.0, "HT": 160.0, "AGE": 50.0, "SEX": 0.0}
THETAS = (
    ("propofol_eleveld_2018", MAN_50, (6.283078, 20.17078, 137.4287, 1.551355, 1.516118, 0.6698454)),
    ("propofol_eleveld_2018", WOMAN_50, (5.772932, 15.84847, 92.30994, 1.519402, 1.265265, 0.4969959)),
    ("remifentanil_eleveld_2017", MAN_50, (5.371314, 8.442319, 3.148362, 2.462212, 1.52838, 0.08064262)),
)
BIS = (((2, 0), 73.98), ((4, 0), 52.56), ((4, 4), 45.32), ((3, 6), 49.33), ((6, 0), 38.60))
RESPONSE = (((3, 0), 0.98577), ((3, 2), 0.04576), ((3, 4), 0.00421), ((2, 4), 0.06491), ((5, 0), 0.67109))
PARTS = (
    ("propofol_schnider_1998", MAN, "man 40 y", {"V2": 23.983, "CL": 1.6381}, 5e-5),
    (
        "propofol_eleveld_2018",
        MAN,
        "man 40 y, with an opioid",
        {"V1": 6.28, "V2": 23.587, "V3": 157.19, "CL": 1.5965, "Q2": 1.7175, "Q3": 0.7369},
        2e-3,
    ),
    ("propofol_eleveld_2018", MAN | {"OPIOID": 0.0}, "man 40 y, without", {"V3": 273.0, "CL": 1.790}, 2e-3),
)
"""Volumes (L) and clearances (L/min) written down of each typical patient; tolerance."""
POSSUM = (((12, 6), 0.223, 5.468, 1.077), ((20, 12), 2.144, 39.413, 7.447), ((30, 20), 29.132, 93.643, 51.500),
          ((45, 25), 91.864, 99.762, 94.321))  # fmt: skip


def checks() -> list[Check]:
    """All of them."""
    return [*_dispositions(), *_surfaces(), *_targeting(), *_scores()]


def _dispositions() -> list[Check]:
    found = []
    for name, of, who, peak, amount, hour, rtol in SITES:
        d = disposition(name, of)
        at, high = tci.peak_time(d)
        after = float(tci.concentrations(d, [tci.Given(0.0, 60.0, 1.0)], [1.0])[0, 0])
        code = f"{name}.{who.replace(' ', '_').replace(',', '')}"
        why = {1e-3: ROUNDED, 3e-3: "0.3 %: the number was made with volumes rounded to three digits"}.get(
            rtol, "the digits written"
        )
        border = max(6e-4, peak * rtol)
        found += [
            check(
                f"{code}.peak",
                name,
                f"{who}: time of the effect site's peak",
                peak,
                at * HOUR,
                (peak - border, peak + border),
                "min",
                why=why,
            ),
            check(f"{code}.bolus", name, f"{who}: bolus per unit at the effect site", amount, 1.0 / high, rtol, "L", why=why),
            check(f"{code}.hour", name, f"{who}: plasma after 60 min of 1 a minute", hour, after, rtol, "mg/L", why=why),
        ]
    for name, of, said in THETAS:
        d = disposition(name, of)
        got = (d.V1, d.V2, d.V3, d.CL / HOUR, d.Q2 / HOUR, d.Q3 / HOUR)
        who = "man" if of["SEX"] else "woman"
        for part, a, b in zip(("V1", "V2", "V3", "CL", "Q2", "Q3"), said, got, strict=True):
            unit = "L" if part[0] == "V" else "L/min"
            found.append(check(f"{name}.{who}.{part}", name, f"{who} of 50 y: {part}", a, b, 1e-6, unit, PEER, "secondary",
                               "seven digits"))  # fmt: skip
    for name, of, who, parts, rtol in PARTS:
        d = disposition(name, of)
        for part, a in parts.items():
            unit, b = ("L", getattr(d, part)) if part[0] == "V" else ("L/min", getattr(d, part) / HOUR)
            code = f"{name}.{who.replace(' ', '_').replace(',', '')}.{part}"
            why = ROUNDED.replace("0.1", "0.2") if rtol > 1e-3 else "the digits written"
            found.append(check(code, name, f"{who}: {part}", a, b, rtol, unit, why=why))
    d = disposition("propofol_schnider_1998", MAN)
    found.append(check("schnider.site_hour", "propofol_schnider_1998", "man 40 y: effect site after 60 min of 1 mg/min", 0.40368,
                       float(tci.concentrations(d, [tci.Given(0.0, 60.0, 1.0)], [1.0])[0, 1]), 3e-5, "mg/L"))  # fmt: skip
    return found


def _surfaces() -> list[Check]:
    p = models.load("propofol_schnider_1998").theta()
    r = models.load("remifentanil_minto_1997").theta()
    found = [
        check(f"bis.{a}_{b}", "Bouillon 2004", f"BIS at propofol {a} ug/mL and remifentanil {b} ng/mL", said,
              anaesthesia.surface(a, b, p.C50P, p.C50R, p.GAMMA, p.BIS0), (said - 0.006, said + 0.006))
        for (a, b), said in BIS
    ]  # fmt: skip
    found += [
        check(f"response.{a}_{b}", "Bouillon 2004", f"chance of a response at propofol {a} and remifentanil {b}", said,
              anaesthesia.response(a, b, r.STIMULUS, r.C50R, r.SLOPE_R, r.C50P, r.SLOPE_P), (said - 6e-6, said + 6e-6))
        for (a, b), said in RESPONSE
    ]  # fmt: skip
    return found


def _targeting() -> list[Check]:
    d = disposition("propofol_schnider_1998", MAN)
    at, _ = tci.peak_time(d)
    dose = tci.bolus(d, 4.0)
    found = [check("tci.bolus", "propofol_schnider_1998", "bolus for an effect site of 4 ug/mL", 69.508, dose, 1e-3, "mg",
                   "PyTCI 1.2.0 with its exact integrator, bolus over 10 s", "secondary",
                   "0.1 %: that bolus runs for 10 s, ours is at once")]  # fmt: skip
    fine = np.linspace(0.0, 0.05, 361)[1:]
    given = tci.concentrations(d, [tci.Given(0.0, dose)], list(fine))[:, 1]
    found.append(check("tci.once", "propofol_schnider_1998", "highest effect site of that bolus over its target", 1.0,
                       float(given.max()) / 4.0, (0.9999, 1.0001), "1", OWN, "derived", "grid of half a second"))  # fmt: skip
    for name, target in (("propofol_schnider_1998", 4.0), ("propofol_marsh_1991", 4.0), ("propofol_eleveld_2018", 3.0)):
        d = disposition(name, MAN)
        high, first = _course(d, tci.rates(d, target, np.zeros(4), ((10.0 / 3600.0, 60), (1.0 / 60.0, 20))), target)
        at, _ = tci.peak_time(d)
        why = (
            "Shafer and Gregg 1992: it never passes the target; of an interval of 10 s the peak is up to 10 s later than a bolus'"
        )
        found += [
            check(f"tci.{name}.highest", name, f"highest effect site over a target of {target:g}", 1.0, high / target,
                  (0.999, 1.0001), "1", OWN, "derived", why),
            check(f"tci.{name}.first", name, "first time at the target (within 0.1 %)", at * HOUR, first * HOUR,
                  (at * HOUR - 0.25, at * HOUR + 0.17), "min", OWN, "derived", why),
        ]  # fmt: skip
    return found


def _course(d: tci.Disposition, rates: list[tuple[float, float]], target: float) -> tuple[float, float]:
    """Highest effect site, and h at which it is first within 0.1 % of the target; looked at every fifth of an interval."""
    x, t, high, first = np.zeros(4), 0.0, 0.0, np.inf
    for hours, rate in rates:
        for _ in range(5):
            x, t = tci.advance(d, x, hours / 5.0, rate), t + hours / 5.0
            high = max(high, float(x[3]))
            if x[3] >= 0.999 * target:
                first = min(first, t)
    return high, first


def _scores() -> list[Check]:
    found = []
    possum, rcri = scores.load("p_possum"), scores.load("rcri")
    assert possum.of is not None
    assert rcri.of is not None
    said = "ln odds of the papers, computed independently"
    for (ps, os), died, ill, old in POSSUM:
        got = possum.of({"PS": float(ps), "OS": float(os)})
        for part, a in (("MORTALITY", died), ("POSSUM_MORBIDITY", ill), ("POSSUM_MORTALITY", old)):
            text = f"{ps}, {os}: {part.lower().replace('_', ' ')}"
            found.append(check(f"p_possum.{ps}_{os}.{part.lower()}", "p_possum", text, a,
                               float(got[part]), (a - 6e-4, a + 6e-4), "%", said, "recalled"))  # fmt: skip
    flags = ("HIGH_RISK_SURGERY", "ISCHAEMIC", "HEART_FAILURE", "STROKE", "INSULIN")
    for points, risk in enumerate((0.4, 0.9, 6.6, 11.0)):
        got = rcri.of({f: float(k < points) for k, f in enumerate(flags)} | {"SCR": 1.0})
        found.append(check(f"rcri.{points}", "rcri", f"major cardiac events with {points} points", risk, float(got["RISK_LEE"]),
                           (risk, risk), "%", "Lee 1999, Circulation 100:1043 (recalled)", "recalled"))  # fmt: skip
        pooled = (3.9, 6.0, 10.1, 15.0)[points]
        found.append(
            check(
                f"rcri.pooled_{points}",
                "rcri",
                f"the same, pooled, with {points} points",
                pooled,
                float(got["RISK_POOLED"]),
                (pooled, pooled),
                "%",
                "Canadian guideline 2017 (recalled)",
                "recalled",
            )
        )
    return found
