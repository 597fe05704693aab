"""Drug-induced QT: the cell against FDA's own program, the twelve training drugs' classes, and the volunteers' QT intervals."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin.evaluate.check import Check, near
from dosetwin.outcomes.repolarisation import beats as cell
from dosetwin.outcomes.repolarisation import interval
from dosetwin.outcomes.repolarisation.drugs import row_of, training
from dosetwin.structure.two_variable_cell import TwoVariableCell

NAME, TITLE = "qt", "Drug-induced QT"
TEXT = (
    "The cell is O'Hara and Rudy's with hERG dynamics, beside FDA's own program (its C code compiled, 1,000 beats, lsoda at "
    "1e-6). Fewer "
    "than 1,000 beats start from the stored steady states of 1,000; `--n 1000` starts every drug from the state without drug. It "
    "is the training set, run with fixed parameters and recalled cut-offs: a check of the program, no evidence of "
    "predictive value. "
    "Volunteers: dofetilide and ranolazine in 22 people, read where the data folder is at hand (DOSETWIN_SHARED)."
)
FDA = "FDA/CiPA v1.0, newordherg_qNet.c compiled and run (organ notes), last of 1,000 beats"
NEAR, FAR = 0.0005, 2.0
"""uC/uF of qNet and ms of APD within which another implementation must be."""
ALTERNATES = "a bifurcation: beats at this dose alternate or drift, and small differences of the solver decide when"


def run(*, n: int, seed: int) -> list[Check]:
    """Formulas, the cell without drug, twelve drugs, step halving, volunteers; ``n`` beats at each dose."""
    found = [
        _check(f"qtc_{name}", f"QTc of QT 400 ms at RR 0.8 s, {name}", exact, interval.corrected(400.0, 0.8, name), 0.005, "ms",
               "closed form")
        for name, exact in (("fridericia", 430.89), ("bazett", 447.21), ("framingham", 430.80), ("hodges", 426.25))
    ]  # fmt: skip
    found += [*_control(), *_two_variables()]
    profiles = cell.profiles(list(training().values()), 1000 if n >= 1000 else cell.JUDGED)
    for p in profiles:
        found += _against(p)
    for p in profiles:
        published = float(row_of(p.of.name)["qNet_mean"])
        if p.of.name != "quinidine":  # its mean is of last beats, the better of two
            found.append(
                _check(
                    f"{p.of.name}_mean",
                    f"{p.of.name}: mean qNet over 1 to 4 times the peak",
                    published,
                    p.mean,
                    NEAR,
                    "uC/uF",
                    FDA,
                )
            )
    right = sum(p.risk == p.of.risk for p in profiles)
    found.append(_check("classes", "training drugs in their class, flags first", 12.0, float(right), 0.0, "1", "CiPA's classes; "
                        "cut-offs of Li 2019 (recalled)", "recalled"))  # fmt: skip
    coarse, finer = (cell.run(training()["dofetilide"], 8.0, 3, fine=f) for f in (1.0, 2.0))
    found.append(_check("halved_qNet", "change of qNet with every step halved, dofetilide at 4 times its peak", 0.0,
                        coarse.qNet - finer.qNet, 5e-5, "uC/uF", "step halving"))  # fmt: skip
    found.append(_check("halved_APD90", "change of APD90 with every step halved", 0.0, coarse.APD90 - finer.APD90, 0.5, "ms",
                        "step halving"))  # fmt: skip
    folder = Path(os.environ.get("DOSETWIN_SHARED", "")) / "data" / "heart"
    return found + (volunteers(folder) if os.environ.get("DOSETWIN_SHARED") and folder.is_dir() else [])


def _two_variables() -> list[Check]:
    """A cell in two variables: restitution by its formula, and the equations paced, of another program."""
    of, source = TwoVariableCell(), "Mitchell and Schaeffer 2003, closed form"
    rests = ((50.0, 128.99), (100.0, 177.33), (200.0, 216.84), (400.0, 237.07), (1e9, 241.42))
    out = [_check(f"two_variables_{x:g}", f"two variables: beat after {x:g} ms of rest", y, of.duration(x), 0.006, "ms", source,
                  "derived") for x, y in rests]  # fmt: skip
    for cycle, y in ((1000.0, 284.4), (600.0, 275.9), (400.0, 244.8), (300.0, 205.7)):
        out.append(_check(f"two_variables_paced_{cycle:.0f}", f"the same solved, twentieth beat every {cycle:.0f} ms", y,
                          of.paced(cycle), 0.005 * y, "ms", "a second program (organ notes, run)"))  # fmt: skip
    return out


def _control() -> list[Check]:
    b = cell.run(None, 0.0, 5)
    rows = (("qNet", 0.06967, b.qNet, NEAR, "uC/uF"), ("APD50", 239.0, b.APD50, FAR, "ms"), ("APD90", 291.0, b.APD90, FAR, "ms"),
            ("Vmax", 41.7, b.Vmax, 0.5, "mV"), ("Vrest", -88.01, b.Vend, 0.05, "mV"), ("Ca_low", 74.5, b.Ca_low, 0.5, "nmol/L"),
            ("Ca_peak", 239.1, b.Ca_peak, 1.0, "nmol/L"))  # fmt: skip
    return [
        _check(f"control_{k}", f"{k} without drug at a cycle of 2,000 ms", exact, got, tol, unit, FDA)
        for k, exact, got, tol, unit in rows
    ]


def _against(p: cell.Profile) -> list[Check]:
    """The largest difference over the doses, of qNet and of APD90; where beats alternate the last of FDA's run is the better
    one."""
    row = row_of(p.of.name)
    dq, da = 0.0, 0.0
    for x, b in zip(cell.DOSES, p.doses, strict=True):
        qs, aps = float(row[f"qNet_{x:.0f}"]), float(row[f"APD90_{x:.0f}"])
        far = min((q - qs for q in b.qNets), key=abs)
        dq = far if abs(far) > abs(dq) else dq
        near = min((a - aps for a in b.APD90s if np.isfinite(a)), key=abs, default=np.inf)
        da = near if abs(near) > abs(da) else da
    cause = ALTERNATES if p.of.name == "quinidine" else "not yet explained"
    return [
        _check(
            f"{p.of.name}_qNet",
            f"{p.of.name}: largest difference of qNet at 1 to 4 times the peak",
            0.0,
            dq,
            NEAR,
            "uC/uF",
            FDA,
            cause=cause,
        ),
        _check(f"{p.of.name}_APD90", f"{p.of.name}: largest difference of APD90", 0.0, da, FAR, "ms", FDA, cause=cause),
    ]


def volunteers(folder: Path) -> list[Check]:
    """Slopes in the volunteers, and whether a person's first readings tell of the later ones (each left out of what is told of
    it)."""
    pairs = dofetilide(folder)
    c, dd = np.concatenate([p["c"] for p in pairs]), np.concatenate([p["dd"] for p in pairs])
    slope = float(np.polyfit(c, dd, 1)[0])
    mixed, _, _, cov = interval.fitted([(p["c"], p["dd"]) for p in pairs], 100)
    rano = ranolazine(folder)
    plain = float(np.polyfit(np.concatenate([x for x, _ in rano]), np.concatenate([y for _, y in rano]), 1)[0])
    source = "rstrotmann/cqtc and ECGRDVQ 1.0.0 (organ notes, run)"
    at = [(float(p["dd"][list(p["t"]).index(2.5)]), float(p["c"][list(p["t"]).index(2.5)])) for p in pairs if 2.5 in p["t"]]
    peak, peak_c = (float(np.mean([v[k] for v in at])) for k in (0, 1))
    bound = float(mixed[0] + mixed[1] * peak_c + 1.645 * np.sqrt(np.array([1, peak_c]) @ cov @ np.array([1, peak_c])))
    told, prior = foretold(pairs)
    return [
        _check("dofetilide_slope", "ddQTcF per ng/mL of dofetilide, 22 volunteers", 27.62, slope, 0.02 * 27.62, "ms", source),
        _check(
            "dofetilide_within",
            "the same with a level and a slope of each person",
            27.9,
            float(mixed[1]),
            0.02 * 27.9,
            "ms",
            source,
        ),
        _check("dofetilide_peak", "largest mean ddQTcF", 79.1, peak, 0.5, "ms", source),
        _check("dofetilide_peak_C", "mean concentration then", 2.63, peak_c, 0.01, "ng/mL", source),
        _check("ranolazine_slope", "dQTcF per ng/mL of ranolazine", 0.0042, plain, 0.02 * 0.0042, "ms", source),
        Check(
            "heart",
            "qt.e14",
            "linear mixed",
            interval.LIMITS,
            "recalled",
            interval.E14,
            bound,
            0.0,
            (interval.E14, 1e3),
            "ms",
            bound >= interval.E14,
            "",
            "upper 90 % bound of ddQTcF at the mean peak of dofetilide: over 10, a QT drug",
            "ICH E14",
        ),
        Check(
            "heart",
            "qt.told",
            "linear mixed",
            "each volunteer left out of the fit",
            "derived",
            1.0,
            told / prior,
            0.0,
            (0.0, 0.95),
            "1",
            told / prior <= 0.95,
            "" if told / prior <= 0.95 else "the noise of a reading outweighs what differs between people",
            f"error of QTcF after 2 h, told the readings to 2 h ({told:.1f} ms) over not told ({prior:.1f} ms)",
            "at least 5 % less",
        ),
    ]


def dofetilide(folder: Path) -> list[dict[str, Any]]:
    """Of each volunteer: hours ``t``, concentration ``c`` (ng/mL), ``dd`` change of QTcF less that under placebo, ``q`` QTcF,
    ``base``."""
    import pandas as pd

    d = pd.read_csv(folder / "dofetilide_cqtc.csv")
    d = d.assign(person=(d.ID + 1) // 2)  # each volunteer is two lines of ID, active and placebo
    both = (
        d[d.ACTIVE].merge(d[~d.ACTIVE], on=["person", "NTIME"], suffixes=("", "_P")).dropna(subset=["CONC", "DQTCF", "DQTCF_P"])
    )
    out = []
    for _, g in both.sort_values("NTIME").groupby("person"):
        out.append(
            {
                "t": g.NTIME.to_numpy(),
                "c": g.CONC.to_numpy(),
                "dd": (g.DQTCF - g.DQTCF_P).to_numpy(),
                "d": g.DQTCF.to_numpy(),
                "q": g.QTCF.to_numpy(),
                "base": float((g.QTCF - g.DQTCF).iloc[0]),
            }
        )
    return out


def ranolazine(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each volunteer: concentrations (ng/mL) and changes of QTcF from its baseline, means of the readings of a moment."""
    import pandas as pd

    r = pd.read_csv(folder / "ranolazine_cqtc.csv")
    base = r[r.BASELINE == "Y"].groupby("ID").QTCF.mean()
    kept: Any = r[(r.BASELINE == "N") & r.CONC.notna()].assign(D=r.QTCF - r.ID.map(base)).dropna(subset=["D"])
    mean = kept.groupby(["ID", "NTIME"])[["CONC", "D"]].mean().reset_index()
    return [(g.CONC.to_numpy(), g.D.to_numpy()) for _, g in mean.groupby("ID")]


def foretold(pairs: list[dict[str, Any]]) -> tuple[float, float]:
    """RMSE (ms) of QTcF after 2 h of each volunteer by the fit of the others: told the readings until 2 h, and not told."""
    from dataclasses import replace

    told, prior = [], []
    for k, p in enumerate(pairs):
        b, W, noise, _ = interval.fitted([(o["c"], o["d"]) for i, o in enumerate(pairs) if i != k], 60)
        sds = (float(W[0, 0]) ** 0.5, float(W[1, 1]) ** 0.5)
        response = replace(interval.RESPONSES["dofetilide"], level=float(b[0]), slope=float(b[1]), sds=sds,
                           corr=float(W[0, 1] / (sds[0] * sds[1])), noise=noise)  # fmt: skip
        start = interval.QTPatient(response, p["base"])
        early, late = (p["t"] > 0) & (p["t"] <= 2.0), p["t"] > 2.0
        knows = start.told(*zip(p["c"][early].tolist(), p["q"][early].tolist(), strict=True))
        for patient, errors in ((knows, told), (start, prior)):
            m, _ = patient.posterior()
            errors += list(p["q"][late] - (p["base"] + m[0] + m[1] * p["c"][late]))
    return float(np.sqrt(np.mean(np.square(told)))), float(np.sqrt(np.mean(np.square(prior))))


def _check(name: str, text: str, exact: float, got: float, within: float, unit: str, source: str, provenance: Any = "secondary",
           cause: str = "not yet explained") -> Check:  # fmt: skip
    model = "cell" if "FDA" in source else "QT"
    return near("heart", f"{NAME}.{name}", text, model, source, provenance, exact, got, within, unit, "tolerance set before",
                cause=cause)  # fmt: skip
