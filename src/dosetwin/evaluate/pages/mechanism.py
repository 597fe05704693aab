"""The drug's way from receptor to harm against numbers of others: binding, insulin, renin, glutathione."""

from collections.abc import Callable, Sequence

import numpy as np

from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Check, judged, table
from dosetwin.structure import glutathione, insulin_signalling, receptor, renin

PAGE = "mechanism"
N, N_QUICK, SEED = 1, 1, 0
FORM = "closed form, computed independently"
RUNNER = "libRoadRunner 2.10 on the curated file (rtol 1e-9)"
LINE = "Rumack and Matthew 1975, as a formula (recalled)"
ALGEBRA = "closed form: equal to rounding"


def check(name: str, model: str, text: str, published: float, found: float, tolerance: float, unit: str, source: str,
          provenance: Provenance = "derived", why: str = ALGEBRA, cause: str = "not yet explained") -> Check:  # fmt: skip
    """One number and its absolute tolerance."""
    band = (published - tolerance, published + tolerance)
    return judged(PAGE, name, text, model, source, provenance, published, found, band, unit, why, cause=cause)


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every number; ``n`` and ``seed`` change nothing."""
    found = [*_receptors(), *_insulin(), *_liver(), *_renin()]
    if progress:
        progress(1, 1)
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    return "\n".join([
        "# From receptor to harm, against others' numbers", "",
        f"Written by `dosetwin validate {PAGE}`; do not edit. {sum(c.passed for c in checks)} of {len(checks)} in their band.",
        "What is recalled was not looked up; what is derived was computed independently from the same equations.", "",
        *table(checks), "",
    ])  # fmt: skip


def _receptors() -> list[Check]:
    r = receptor
    exact = (
        ("occupied", "share taken after 1,000 s (1 nmol/L, kon 1e6, koff 1e-3)", 0.5 * (1.0 - np.exp(-2.0)),
         r.occupied_after(1e-9, 1e6, 1e-3, 1000.0)),
        ("equilibrium", "share taken at equilibrium", 0.5, r.occupancy(1e-9, 1e-9)),
        ("half", "operational model: half effect, tau 10", 1.0 / 11.0, r.operational_half(10.0, 1.0)),
        ("top", "operational model: largest effect", 10.0 / 11.0, r.operational_top(10.0)),
        ("at_half", "operational model: effect at its half", 5.0 / 11.0, r.operational(1.0 / 11.0, 10.0, 1.0)),
        ("steep_top", "operational model, n 2: largest effect", 100.0 / 101.0, r.operational_top(10.0, 2.0)),
        ("neutral", "two states: a neutral drug changes nothing", 0.01 / 1.01, r.active(5.0, 0.01, 1.0, 1.0)),
        ("agonist", "two states: no more than alpha L0 / (1 + alpha L0)", 1.0 / 2.0, r.active(1e12, 0.01, 100.0, 1.0)),
        ("schild", "dose ratio beside ten KB of an antagonist", 11.0, r.dose_ratio(10.0, 1.0)),
        ("shifted", "agonist times that ratio does the same", r.operational(0.3, 10.0, 1.0),
         r.operational(0.3 * r.dose_ratio(4.0, 2.0), 10.0, 1.0 * r.dose_ratio(4.0, 2.0))),
    )  # fmt: skip
    found = [check(f"receptor.{n}", "receptor", t, a, b, 1e-10, "1", FORM) for n, t, a, b in exact]
    x = r.complex_tight(1.0, 1.0, 0.1)
    found.append(check("receptor.tight_balance", "receptor", "tight binding: free ligand x free receptor / complex is KD", 0.1,
                       (1.0 - x) ** 2 / x, 1e-10, "1", FORM))  # fmt: skip
    written = (
        ("occupied", 0.432332, r.occupied_after(1e-9, 1e6, 1e-3, 1000.0)), ("tight", 0.729844, x),
        ("effect", 0.476190, r.operational(0.1, 10.0, 1.0)), ("half_2", 0.109896, r.operational_half(10.0, 1.0, 2.0)),
        ("top_2", 0.990099, r.operational_top(10.0, 2.0)), ("half_1", 0.090909, r.operational_half(10.0, 1.0)),
    )  # fmt: skip
    for n, a, b in written:
        text = f"as written to six digits: {n.replace('_', ' ')}"
        found.append(check(f"receptor.written.{n}", "receptor", text, a, b, 6e-7, "1", FORM, why="six digits"))
    return found


def _insulin() -> list[Check]:
    said = {"normal": {"IR": 11.874, "IRins": 85.739, "IRS1": 39.766},
            "diabetic": {"IR": 5.9406, "IRins": 42.894, "IRi": 1.0866}}  # fmt: skip
    number = {"normal": 448, "diabetic": 449}
    out = []
    for state, of in said.items():
        got = insulin_signalling.course(np.array([0.0, 15.0]), state)
        out += [
            check(f"insulin.{state}.{name}", f"BioModels {number[state]}", f"{name} after 15 min of insulin, {state}", a,
                  float(got[name][-1]), 1e-3 * a, "%", RUNNER, "secondary",
                  "0.1 %: another engine" + ("; written down as IRS1's, which is 80.64" if name == "IRi" else ""))
            for name, a in of.items()
        ]  # fmt: skip
    return out


def _liver() -> list[Check]:
    g = glutathione
    day = g.course(np.array([0.0, 1.0, 24.0]))
    said = ((0, "sulphate", 7.33867e-15), (1, "glutathione", 4.52114e-15), (2, "reactive metabolite", 8.52488e-20),
            (3, "parent", 1.98589e-15), (4, "adducts", 2.26805e-16))  # fmt: skip
    out = [
        check(f"liver.{name.replace(' ', '_')}", "BioModels 609", f"{name} at 1 (the file's time), 1e-15 mol per cell", a * 1e15,
              float(day[1, k]) * 1e15, 1e-4 * a * 1e15, "1", RUNNER, "secondary", "1e-4: another engine")
        for k, name, a in said
    ]  # fmt: skip
    low, late = (0.2806, 0.0019, 0.0005, 0.0002), (2.284e-16, 1.670e-14, 9.844e-14, 3.445e-13)
    for dose, a, b in zip((1.0, 3.0, 10.0, 30.0), low, late, strict=True):
        y = g.course(np.linspace(0.0, 24.0, 241), parent=dose)
        out += [
            check(f"liver.lowest.{dose:g}", "BioModels 609", f"lowest share of glutathione, dose x {dose:g}", a,
                  float(y[:, 1].min()) / g.Liver().G0, 6e-5, "1", RUNNER, "secondary", "four digits, on its grid of a tenth"),
            check(f"liver.adducts.{dose:g}", "BioModels 609", f"adducts at 24, dose x {dose:g}, 1e-15 mol per cell", b * 1e15,
                  float(y[-1, 4]) * 1e15, 5e-4 * b * 1e15, "1", RUNNER, "secondary", "four digits"),
        ]  # fmt: skip
    nomogram = ((4, 150.0), (6, 106.066), (8, 75.0), (12, 37.5), (16, 18.75), (20, 9.375), (24, 4.6875))
    out += [check(f"nomogram.{h}", "Rumack-Matthew", f"treatment line {h} h after ingestion", a, g.treatment_line(h), 1e-3,
                  "mg/L", LINE, "recalled", "the line's own formula, halving every 4 h") for h, a in nomogram]  # fmt: skip
    out.append(check("nomogram.uk", "Rumack-Matthew", "the UK's line at 8 h", 50.0, g.treatment_line(8.0, 100.0), 1e-10, "mg/L",
                     LINE, "recalled"))  # fmt: skip
    return out


def _renin() -> list[Check]:
    p = renin.Renin()
    rest = renin.course(np.linspace(0.0, 48.0, 25), 0.0)
    held = renin.course(np.linspace(0.0, 480.0, 121), 5.0)
    # at a constant inhibition i: AII = AII0 + (Vmax/Km AI (1 - i) - Vmax/Km AI0) / kcons, while AI follows renin
    i = renin.inhibition(2.2, p.C50, p.hill)
    return [
        check("renin.rest", "Versypt 2017", "angiotensin II without a drug stays", p.AII0, float(rest["AII"][-1]), 1e-6, "1",
              "steady state by construction", why="nothing happens"),
        check("renin.half", "Versypt 2017", "converting enzyme inhibited at C50", 0.5, i, 1e-12, "1", FORM),
        check("renin.falls", "Versypt 2017", "angiotensin II lower on the twentieth day of 5 mg (1: yes)", 1.0,
              float(held["AII"][-6:].max() < p.AII0), 0.0, "1", "what the drug is given for", "assumed", "a direction, no size"),
        check("renin.rises", "Versypt 2017", "renin and angiotensin I higher (1: yes)", 1.0,
              float(held["AI"][-6:].min() > p.AI0 and held["renin"][-6:].min() > p.R0), 0.0, "1",
              "the loop that the drug opens", "assumed", "a direction, no size"),
    ]  # fmt: skip
