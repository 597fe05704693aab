"""A model's card as plain data: equations, parameters with unit, value and source, where it may be used."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosetwin.declare import Cov, Eta, Model, Residual


def reference_of(m: "Model") -> str:
    """Authors, year, place and doi."""
    r = m.reference
    return f"{r.authors} ({r.year}). {r.where}" + (f". doi {r.doi}" if r.doi else "")


def variability(e: "Eta") -> str:
    """A random effect's size as it was declared: ``CV 28 %``, ``SD 0.22``, ``variance 0.03``."""
    if e.cv is not None:
        return f"CV {100 * e.cv:g} %"
    return f"SD {e.sd:g}" if e.sd is not None else f"variance {e.var:g}"


def residual(r: "Residual", unit: str) -> str:
    """A residual error in words."""
    if r.kind == "additive":
        return f"additive, SD {r.a:g} {unit}"
    if r.kind == "lognormal":
        return f"log-normal, SD {r.a:g} on the log scale"
    if r.kind == "proportional":
        return f"proportional, SD {100 * r.b:.3g} %"
    form = "variances add" if r.form == "variance" else "SDs add"
    return f"combined, SD {r.a:g} {unit} and {100 * r.b:.3g} % ({form})"


def studied(c: "Cov") -> str:
    """The range of a covariate that was studied."""
    if c.flag:
        return "0 or 1"
    low = "" if not math.isfinite(c.low) else f"{c.low:g}"
    high = "" if not math.isfinite(c.high) else f"{c.high:g}"
    unit = "" if c.unit == "1" else c.unit
    return f"{low} to {high} {unit}".strip() if low or high else f"any, {unit}".removesuffix(", ")


def missing(c: "Cov") -> str:
    """What happens without a covariate's value."""
    if c.flag:
        return "taken as 0" + (f"; its effect fades over {c.fades_h:g} h after its end" if c.fades_h else "")
    if c.age:
        return "computed from birth, else refused" if c.missing == "refuse" else "computed from birth, else carried"
    if c.missing == "population":
        unit = "" if c.unit == "1" else f" {c.unit}"
        return f"{c.population:g}{unit} with a warning" if c.population is not None else "population value with a warning"
    return {"carry": "nearest known value carried", "interpolate": "interpolated", "refuse": "refused"}[c.missing]


EXACT_PAYS = 12
"""States up to which solving exactly is quicker than stepping at 1e-6 (chains of 4, 8, 16 states: 14, 50, 250 us a course of ten
days with hourly outputs, stepped 65, 87, 155)."""


def _slow(m: "Model") -> list[str]:
    """What to know of a model that takes longer than it need."""
    if m.solver != "exact" or len(m.states) <= EXACT_PAYS:
        return []
    said = f"{len(m.states)} states are solved exactly, which costs by their cube"
    return [f'{said}: solver="explicit" is quicker from about {EXACT_PAYS}']


def card(m: "Model") -> dict[str, Any]:
    """Everything a model card says, as plain data. Numbers without a provenance of their own have their reference's."""
    default = m.reference.provenance
    values = m.theta()
    thetas = [
        {"name": n, "value": float(getattr(values, n)), "unit": t.unit, "meaning": t.text, "provenance": t.provenance or default,
         "source": t.source}
        for n, t in m.thetas.items()
    ]  # fmt: skip
    etas = [
        {"name": n, "between": "occasions" if type(e).__name__ == "Kappa" else "subjects", "variability": variability(e),
         "variance": float(e.variance), "meaning": e.text, "provenance": e.provenance or default, "source": e.source}
        for n, e in m.etas.items()
    ]  # fmt: skip
    pairs = [
        {"first": a, "second": b, "correlation": float(m.omega[i, j] / math.sqrt(m.omega[i, i] * m.omega[j, j]))}
        for i, a in enumerate(m.eta_names) for j, b in enumerate(m.eta_names) if i < j and m.omega[i, j] != 0
    ]  # fmt: skip
    return {
        "name": m.name, "title": m.title, "drug": m.drug, "population": m.population,
        "reference": reference_of(m), "provenance": default, "note": m.reference.note, "equations": m.equations,
        "solver": m.solver, "linear_in_dose": m.linear_in_dose, "dose_compartment": m.dose_cmt, "dose_unit": m.dose_unit,
        "states": [{"name": n, "unit": a.unit, "meaning": a.text} for n, a in m.states.items()],
        "parameters": thetas, "random_effects": etas, "correlations": pairs,
        "covariates": [{"name": n, "meaning": c.text, "unit": c.unit, "studied": studied(c), "without": missing(c),
                        "loinc": c.loinc} for n, c in m.covs.items()],
        "outside_the_studied_range": "refused" if m.outside == "refuse" else "warning",
        "outputs": [{"name": n, "measures": o.measures, "unit": o.unit, "meaning": o.text,
                     "residual": residual(o.residual, o.unit), "provenance": o.residual.provenance or default,
                     "source": o.residual.source} for n, o in m.outputs.items()],
        "anchors": [{"text": a.text, "parameter": a.parameter, "at": dict(a.cov), "value": a.value, "tolerance": a.rtol,
                     "source": a.source} for a in m.anchors],
        "notes": [*m.notes, *_slow(m)],
    }  # fmt: skip
