"""The ventilated lung against closed forms and printed numbers: gases, mechanics, power, recruitment, patients told readings."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dosetwin.evaluate.check import Check, near, table
from dosetwin.formulary.ventilator import TABLE
from dosetwin.outcomes import scores
from dosetwin.structure import gases, ventilation
from dosetwin.structure.receptor import occupancy

PAGE = "lung"
N, N_QUICK, SEED = 60, 50, 1
SEVERINGHAUS = {10: 9.65, 20: 31.98, 26.6: 49.36, 30: 57.38, 40: 74.95, 50: 84.99, 60: 90.58, 80: 95.73, 90: 96.94, 100: 97.75,
                150: 99.32}  # fmt: skip
ELLIS = {0.5: 26.857, 0.75: 40.040, 0.9: 58.655, 0.97: 90.573}
KELMAN = {(20, 40, 7.4): 33.831, (26.8, 40, 7.4): 49.927, (40, 40, 7.4): 74.116, (60, 40, 7.4): 91.057, (80, 40, 7.4): 95.808,
          (100, 40, 7.4): 97.490, (60, 60, 7.2): 84.059}  # fmt: skip
CO2 = {(40, 7.40, 0.45, 0.97): 47.598, (46, 7.37, 0.45, 0.75): 51.798, (60, 7.30, 0.45, 0.97): 57.742}
ALVEOLAR = {(0.21, False): 99.73, (0.4, False): 235.2, (0.6, False): 377.8, (1.0, False): 663.0, (0.21, True): 101.83,
            (0.4, True): 239.2, (0.6, True): 383.8, (1.0, True): 673.0}  # fmt: skip
PBW = {
    150: (47.82, 43.32),
    160: (56.92, 52.42),
    170: (66.02, 61.52),
    175: (70.57, 66.07),
    180: (75.12, 70.62),
    190: (84.22, 79.72),
}
POWER = {(15, 0.5, 20, 10, 0.5, 5): 10.106, (20, 0.42, 33.3, 12, 0.5, 10): 18.138, (30, 0.36, 40, 12, 0.5, 15): 30.355}


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every check; ``n`` virtual patients are told their readings, ``seed`` draws them and the recruitable lung."""
    found = [
        _check(
            f"severinghaus_{p:g}", f"saturation at {p:g} mmHg", s, 100.0 * gases.saturation(p), 0.006, "%", "Severinghaus 1979"
        )
        for p, s in SEVERINGHAUS.items()
    ]
    found += [
        _check(f"ellis_{s:g}", f"tension at {100 * s:g} %", p, gases.tension(s), 0.0006, "mmHg", "Ellis 1989")
        for s, p in ELLIS.items()
    ]
    found += [
        _check(
            f"kelman_{p:g}_{c:g}",
            f"saturation at PO2 {p:g}, PCO2 {c:g}, pH {h:g}",
            s,
            100.0 * gases.saturation_kelman(p, c, h),
            0.0006,
            "%",
            "Kelman 1966",
            "recalled",
        )
        for (p, c, h), s in KELMAN.items()
    ]
    found += [
        _check(
            f"co2_{p:g}",
            f"CO2 of blood at PCO2 {p:g}, pH {h:g}, saturation {s:g}",
            v,
            gases.co2_content(p, h, hct, s),
            0.0006,
            "mL/dL",
            "Kelman 1967",
            "recalled",
        )
        for (p, h, hct, s), v in CO2.items()
    ]
    found += [
        _check(
            f"alveolar_{f:g}_{'full' if full else 'short'}",
            f"alveolar O2, FiO2 {f:g}, {'full' if full else 'short'} form",
            v,
            gases.alveolar(f, 40.0, full=full),
            0.5 if v > 200 else 0.006,
            "mmHg",
            "closed form",
        )
        for (f, full), v in ALVEOLAR.items()
    ]
    for cm, (man, woman) in PBW.items():
        for male, kg in ((True, man), (False, woman)):
            found.append(
                _check(
                    f"pbw_{cm}_{'m' if male else 'f'}",
                    f"predicted weight, {cm} cm, {'man' if male else 'woman'}",
                    kg,
                    ventilation.predicted_weight(cm, male),
                    0.006,
                    "kg",
                    "ARDSNet 2000",
                )
            )
    found += [*_closed(), *_indices()]
    found += _recruitment(seed)
    if progress:
        progress(1, 2)
    found += _told(n, seed)
    if progress:
        progress(2, 2)
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: one table, the causes of misses."""
    causes = [f"- {c.text}: {c.cause}" for c in checks if not c.passed]
    return "\n".join([
        "# Lung and ventilator", "", f"Written by `dosetwin validate {PAGE}`; do not edit. {n} virtual patients, seed {seed}.",
        "Recalled coefficients are marked; recruitment has no printed table, so that what must hold of it is checked.", "",
        *table(checks), "", *(["Misses:", *causes, ""] if causes else []),
    ])  # fmt: skip


def _closed() -> list[Check]:
    v = ventilation.volume_controlled(0.05, 10.0, 0.5, 0.5, 5.0)
    e = math.exp(-2.0)
    rows: list[tuple[str, str, float, float, float, str, str, str]] = [
        (
            "content",
            "O2 of blood, Hb 15, S 0.975, P 100",
            19.907,
            gases.o2_content(15.0, 0.975, 100.0),
            0.0006,
            "mL/dL",
            "closed form",
            "d",
        ),
        ("shunt", "shunt from contents 20.9, 19, 15", 0.3220, gases.shunt(20.9, 19.0, 15.0), 0.0001, "1", "closed form", "d"),
        ("paco2", "PaCO2 of 200 mL/min over 4.3 L/min", 40.14, gases.paco2(200.0, 4.3), 0.005, "mmHg", "closed form", "d"),
        ("dead_space", "VD/VT of 40 and 28 mmHg", 0.30, gases.dead_space(40.0, 28.0), 1e-9, "1", "Bohr, Enghoff", "d"),
        ("peak", "peak pressure, C 50, R 10, 0.5 L/s, VT 0.5, PEEP 5", 20.0, v.peak, 1e-9, "cmH2O", "closed form", "d"),
        ("plateau", "plateau pressure", 15.0, v.plateau, 1e-9, "cmH2O", "closed form", "d"),
        ("driving", "driving pressure", 10.0, v.driving, 1e-9, "cmH2O", "closed form", "d"),
        (
            "pcv",
            "volume of 15 cmH2O for 1 s",
            0.6485,
            ventilation.pressure_controlled(0.05, 10.0, 15.0, 1.0),
            0.0001,
            "L",
            "closed form",
            "d",
        ),
        (
            "auto_peep",
            "trapped volume over VT, 1 s of expiration",
            e / (1 - e),
            ventilation.trapped(0.05, 10.0, 0.5, 1.0) / 0.5,
            1e-9,
            "1",
            "closed form",
            "d",
        ),
        ("auto_peep_breaths", "the same, breath by breath", e / (1 - e), _breaths(), 1e-6, "1", "200 breaths stepped", "d"),
        (
            "power_simple",
            "simplified power (20, 0.42, 34, 14)",
            22.226,
            ventilation.power_simple(20, 0.42, 34.0, 14.0),
            0.0006,
            "J/min",
            "Gattinoni 2016",
            "s",
        ),
        (
            "power_becher",
            "power of pressure control",
            19.757,
            ventilation.power_becher(20, 0.42, 14.0, 10.0),
            0.0006,
            "J/min",
            "Becher 2019",
            "r",
        ),
    ]
    full = {"d": "derived", "s": "secondary", "r": "recalled"}
    out = [_check(n, t, x, g, w, u, s, full[p]) for n, t, x, g, w, u, s, p in rows]
    out += [
        _check(
            f"power_{k[0]}",
            f"mechanical power {k}",
            x,
            ventilation.power_gattinoni(*k),
            0.0006,
            "J/min",
            "Gattinoni 2016",
            "secondary",
        )
        for k, x in POWER.items()
    ]
    blood = gases.riley(0.5, 4.5, 0.3, 6.0, hb=11.0)
    Cc, Ca = (gases.o2_content(11.0, gases.saturation(p), p) for p in (blood.PAO2, blood.PaO2))
    out.append(
        _check(
            "riley",
            "the shunt put in, found again from the contents of Riley's lung",
            0.3,
            gases.shunt(Cc, Ca, Ca - 250.0 / 60.0),
            1e-6,
            "1",
            "round trip",
        )
    )
    return out


def _indices() -> list[Check]:
    """Indices at the bedside, the protocol's table, and how far a Hill curve lies from Severinghaus'."""
    out = [
        _check(name, text, x, float(_answer(score, of)[key]), 0.006 if name == "oi" else 6e-4, "1", "worked example", "recalled")
        for name, text, score, key, of, x in (
            ("vr", "ventilatory ratio of 9 L/min, 50 mmHg, 70 kg", "ventilatory_ratio", "VR",
             {"VE": 9.0, "PACO2": 50.0, "PBW": 70.0}, 1.7143),
            ("rox", "ROX of 92 %, 0.5, 28 /min", "rox", "ROX", {"SPO2": 92.0, "FIO2": 0.5, "RR": 28.0}, 6.5714),
            ("oi", "oxygenation index of 15, 0.6, 70", "oxygenation", "OI", {"PAO2": 70.0, "FIO2": 0.6, "MAP": 15.0}, 12.86),
        )
    ]  # fmt: skip
    classes = [_answer("oxygenation", {"PAO2": pf * 0.5, "FIO2": 0.5, "PEEP": 5.0})["BERLIN"] for pf in (301, 300, 200, 100)]
    right = float(sum(a == b for a, b in zip(classes, ("none", "mild", "moderate", "severe"), strict=True)))
    out.append(_check("berlin", "classes at P/F 301, 300, 200, 100 as Berlin's", 4.0, right, 0.0, "1", "Berlin 2012", "recalled"))
    lower = {0.3: (5,), 0.4: (5, 8), 0.5: (8, 10), 0.6: (10,), 0.7: (10, 12, 14), 0.8: (14,), 0.9: (14, 16, 18),
             1.0: (18, 20, 22, 24)}  # fmt: skip
    same = len({(float(p), f) for f, row in lower.items() for p in row} & set(TABLE))
    out.append(_check("table", "rows of the lower PEEP table that are the rule's", 17.0, float(same), 0.0, "1", "ARDSNet 2000",
                      "recalled"))  # fmt: skip
    for p, s in ((40.0, 74.67), (100.0, 97.22)):
        out.append(_check(f"hill_{p:g}", f"Hill's curve (26.8 mmHg, 2.7) at {p:g} mmHg: not Severinghaus'", s,
                          100.0 * float(occupancy(p, 26.8, 2.7)), 0.006, "%", "closed form"))  # fmt: skip
    return out


def _answer(name: str, of: dict[str, float]) -> Any:
    score = scores.load(name).of
    assert score is not None
    return score(of)


def _breaths() -> float:
    """Trapped volume over VT after many breaths, stepped."""
    left = 0.0
    for _ in range(200):
        left = (left + 0.5) * math.exp(-1.0 / (10.0 * 0.05))
    return left / 0.5


def _recruitment(seed: int) -> list[Check]:
    lung = ventilation.Recruited.make(seed)
    up = lung.at(15.0).litres(15.0)
    down = lung.at(40.0).at(15.0).litres(15.0)
    reached = [lung.at(p).open.mean() for p in (10.0, 20.0, 30.0, 40.0)]
    steps = range(4, 25, 2)
    one, rising = lung, []
    for peep in steps:
        one, c = one.breath(peep, 14.0)
        rising.append(c)
    one, falling = lung.at(45.0), []
    for peep in reversed(steps):
        one, c = one.breath(peep, 14.0)
        falling.append(c)
    say = "Hickling 1998, 2001 (recalled): what must hold"
    return [
        _at_least("hysteresis", "volume at 15 cmH2O after 40, over that on the way up", 1.1, down / up, "1", say),
        _at_least(
            "opens", "units open rise with the highest pressure (smallest step)", 0.0, float(np.diff(reached).min()), "1", say
        ),
        _at_least(
            "decremental",
            "highest compliance of falling PEEP over that of rising PEEP",
            1.0,
            max(falling) / max(rising),
            "1",
            say,
        ),
    ]


def _told(n: int, seed: int) -> list[Check]:
    """Virtual patients of the model: pressures and gases at three settings are told, those at a fourth foretold."""
    told, prior = foretold(n, seed)
    return [
        Check(
            PAGE,
            f"lung.told_{k}",
            "ventilator_ards",
            "virtual patients of the model itself",
            "derived",
            1.0,
            told[k] / prior[k],
            0.0,
            (0.0, 0.8),
            "1",
            told[k] / prior[k] <= 0.8,
            "" if told[k] / prior[k] <= 0.8 else "the readings say little of it",
            f"error of {k} at settings not seen, told over not told ({told[k]:.3g} against {prior[k]:.3g})",
            "at least a fifth less",
            kin="patients drawn from the same model",
        )
        for k in told
    ]


def foretold(n: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """RMSE of each output at settings not seen: of the mode told two hours of readings, and of the typical patient."""
    from dosetwin import models
    from dosetwin.infer import posterior
    from dosetwin.records import Covariate, Observation, Patient, Timeline
    from dosetwin.simulate import predict, schedule_for
    from dosetwin.streams import stream

    model, draw = models.load("ventilator_ards"), stream(seed, "lung page")
    names = list(model.outputs)
    steps = (
        {"VT": 480.0, "RR": 18.0, "PEEP": 8.0, "FIO2": 0.5},
        {"VT": 420.0, "RR": 24.0, "PEEP": 10.0, "FIO2": 0.6},
        {"VT": 380.0, "RR": 28.0, "PEEP": 14.0, "FIO2": 0.7},
        {"VT": 340.0, "RR": 32.0, "PEEP": 12.0, "FIO2": 0.6},
    )
    covs = [Covariate(2.0 * k, name, v) for k, s in enumerate(steps) for name, v in s.items()]
    covs += [Covariate(0.0, "HT", 175.0), Covariate(0.0, "SEX", 1.0), Covariate(0.0, "HCO3", 24.0)]
    times = np.array([2.0 * k + 1.9 for k in range(4)])
    sds = np.sqrt(np.diag(model.omega)) if hasattr(model, "omega") else np.array([0.34, 0.63, 0.2, 0.5])
    noise = {"Pplat": 1.0, "PaCO2": 0.05, "pH": 0.02, "SaO2": 0.02}
    errors: dict[str, tuple[list[float], list[float]]] = {k: ([], []) for k in noise}
    bare = Timeline(Patient("lung"), covariates=tuple(covs))
    schedule = schedule_for(model, bare, times)
    for _ in range(n):
        eta = draw.normal(0.0, 1.0, len(sds)) * sds
        true = predict(model, schedule, eta[None]).value[0]
        seen = []
        for name, sd in noise.items():
            o = model.outputs[name]
            for k in range(3):
                v = true[k, names.index(name)]
                v = v * (1.0 + sd * draw.normal()) if name == "PaCO2" else v + sd * draw.normal()
                v = min(v, 1.0) if name == "SaO2" else v
                seen.append(Observation(float(times[k]), o.measures, float(v)))
        known = Timeline(Patient("lung"), observations=tuple(seen), covariates=tuple(covs))
        mode = posterior(model, known.until(5.95), draws=8, seed=seed).mode
        both = predict(model, schedule, np.stack([mode[: len(eta)], np.zeros(len(eta))])).value[:, 3]
        for name, (a, b) in errors.items():
            i = names.index(name)
            a.append(float(both[0, i] - true[3, i]))
            b.append(float(both[1, i] - true[3, i]))
    told, prior = ({k: float(np.sqrt(np.mean(np.square(v[j])))) for k, v in errors.items()} for j in (0, 1))
    return told, prior


def _check(
    name: str, text: str, exact: float, got: float, within: float, unit: str, source: str, provenance: Any = "secondary"
) -> Check:
    return near(PAGE, f"lung.{name}", text, "lung", source, provenance, exact, got, within, unit, "as many digits as are printed")


def _at_least(name: str, text: str, least: float, got: float, unit: str, source: str) -> Check:
    passed = bool(got >= least)
    return Check(PAGE, f"lung.{name}", "recruitment", source, "recalled", least, float(got), 0.0, (least, 1e3), unit, passed,
                 "" if passed else "not yet explained", text, "a property")  # fmt: skip
