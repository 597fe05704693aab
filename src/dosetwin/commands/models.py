"""``dosetwin models``: the list of models, and one model's card."""

import math
from typing import TYPE_CHECKING, Any

from dosetwin.commands.common import print_json, terminal

if TYPE_CHECKING:
    from dosetwin.declare import Cov, Eta, Model, Residual


def run(name: str | None, *, as_json: bool) -> None:
    """Print the list, or the card of ``name``. Raises UnknownName, InputError."""
    from dosetwin import models

    if name is not None:
        body = card(models.load(name))
        print_json(body) if as_json else _show_card(body)
        return
    found = [models.load(n) for n in models.names()]
    if as_json:
        rows = [{"name": m.name, "drug": m.drug, "population": m.population, "title": m.title, "reference": _reference(m),
                 "provenance": m.reference.provenance} for m in found]  # fmt: skip
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("model", "drug", "population", "source known from"):
        table.add_column(title, overflow="fold")
    for m in found:
        table.add_row(m.name, m.drug, m.population, m.reference.provenance)
    console = terminal()
    console.print(table)
    console.print("One model's card: dosetwin models NAME", style="dim")


def _reference(m: "Model") -> str:
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
    return f"{low} to {high} {c.unit}".strip() if low or high else f"any, {c.unit}"


def missing(c: "Cov") -> str:
    """What happens without a covariate's value."""
    if c.flag:
        return "taken as 0"
    if c.age:
        return "computed from birth, else refused" if c.missing == "refuse" else "computed from birth, else carried"
    if c.missing == "population":
        return f"{c.population:g} {c.unit} with a warning" if c.population is not None else "population value with a warning"
    return {"carry": "nearest known value carried", "interpolate": "interpolated", "refuse": "refused"}[c.missing]


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
        "reference": _reference(m), "provenance": default, "note": m.reference.note, "equations": m.equations,
        "solver": m.solver, "linear_in_dose": m.linear_in_dose, "dose_compartment": m.dose_cmt, "dose_unit": m.dose_unit,
        "states": [{"name": n, "unit": a.unit, "meaning": a.text} for n, a in m.states.items()],
        "parameters": thetas, "random_effects": etas, "correlations": pairs,
        "covariates": [{"name": n, "meaning": c.text, "unit": c.unit, "studied": studied(c), "without": missing(c), "loinc": c.loinc}
                       for n, c in m.covs.items()],
        "outside_the_studied_range": "refused" if m.outside == "refuse" else "warning",
        "outputs": [{"name": n, "measures": o.measures, "unit": o.unit, "meaning": o.text, "residual": residual(o.residual, o.unit),
                     "provenance": o.residual.provenance or default, "source": o.residual.source} for n, o in m.outputs.items()],
        "anchors": [{"text": a.text, "parameter": a.parameter, "at": dict(a.cov), "value": a.value, "tolerance": a.rtol,
                     "source": a.source} for a in m.anchors],
        "notes": list(m.notes),
    }  # fmt: skip


def _show_card(c: dict[str, Any]) -> None:
    from rich.table import Table

    console = terminal()

    def grid(title: str, rows: list[tuple[str, ...]], heads: tuple[str, ...], right: tuple[int, ...] = ()) -> None:
        if not rows:
            return
        console.print(f"\n{title}", style="bold")
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for i, head in enumerate(heads):
            table.add_column(head, overflow="fold", justify="right" if i in right else "left")
        for row in rows:
            table.add_row(*row)
        console.print(table)

    console.print(c["name"], style="bold")
    console.print(c["title"])
    console.print(f"{c['drug']}; {c['population']}")
    console.print(f"Reference: {c['reference']} [{c['provenance']}]" + (f"; {c['note']}" if c["note"] else ""))
    console.print(f"Equations: {c['equations'] or 'see the model file'}")
    console.print(f"Solved: {c['solver']}; doses in {c['dose_unit']} go to '{c['dose_compartment']}'")
    grid("Parameters (typical values)",
         [(p["name"], f"{p['value']:g}", p["unit"], p["meaning"], p["provenance"], p["source"]) for p in c["parameters"]],
         ("name", "value", "unit", "meaning", "known from", "source"), (1,))  # fmt: skip
    grid("Random effects",
         [(e["name"], e["between"], e["variability"], e["meaning"], e["provenance"], e["source"]) for e in c["random_effects"]],
         ("name", "between", "size", "on", "known from", "source"))  # fmt: skip
    grid("Correlations", [(p["first"], p["second"], f"{p['correlation']:.3f}") for p in c["correlations"]], ("", "", "r"))
    grid("Covariates",
         [(v["name"], v["meaning"], v["studied"], v["without"], v["loinc"]) for v in c["covariates"]],
         ("name", "meaning", "studied", "without a value", "LOINC"))  # fmt: skip
    console.print(f"Outside the studied range: {c['outside_the_studied_range']}", style="dim")
    grid("Outputs and residual error",
         [(o["name"], o["measures"], o["unit"], o["residual"], o["provenance"], o["source"]) for o in c["outputs"]],
         ("name", "measures", "unit", "residual error", "known from", "source"))  # fmt: skip
    grid("Anchors (published numbers the model reproduces, tested)",
         [(a["text"], a["parameter"], f"{a['value']:.5g}", f"{a['tolerance']:g}", a["source"]) for a in c["anchors"]],
         ("what", "parameter", "value", "rel. tolerance", "source"), (2,))  # fmt: skip
    if c["notes"]:
        console.print("\nNotes", style="bold")
        for note in c["notes"]:
            console.print(f"  - {note}")
