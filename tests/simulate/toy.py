"""Writes small model files for the engine's tests: any structure, any solver, parameters given as numbers."""

from pathlib import Path

from dosetwin.declare import Model
from dosetwin.models import load

TEMPLATE = '''"""{title}"""

import math
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Cov, Eta, Output, Reference, Theta, additive, model
from dosetwin.structure import compartments


class theta(NamedTuple):
{thetas}


class eta(NamedTuple):
    CL: Annotated[float, Eta(sd=0.3)] = 0.0


class cov(NamedTuple):
    X: Annotated[float, Cov("1", 0.0, 1e6, "a factor", missing="population", population=1.0)]


class output(NamedTuple):
    C: Annotated[float, Output("mg/L", "concentration", "drug", additive(1.0))]


{state}

class parameters(NamedTuple):
{fields}


def individual(theta, eta, cov):
    return parameters({values})


{before}

{functions}

def observe(A, p, cov):
    return output(C={observe})


MODEL = model(
    __name__, drug="none", population="test", reference=Reference("test", 2026, "test", provenance="assumed"), {options}
)
'''


def toy(
    folder: Path, name: str, parameters: dict[str, float], *, structure: str = "", state: tuple[str, ...] = (),
    dynamics: str = "", initial: str = "", observe: str = "A.central / p.V", solver: str = "exact", options: str = "",
    before: str = "",
) -> Model:  # fmt: skip
    """A model whose CL (or first parameter) carries the eta and the covariate factor."""
    first = next(iter(parameters))
    values = ", ".join(f"{k}=theta.{k} * cov.X * math.exp(eta.CL)" if k == first else f"{k}=theta.{k}" for k in parameters)
    functions = ""
    if dynamics:
        functions += f"def dynamics(t, A, p, cov):\n    return state({dynamics})\n\n\n"
    if initial:
        functions += f"def initial(p, cov):\n    return state({initial})\n\n\n"
    text = TEMPLATE.format(
        before=before,
        title=name,
        thetas="\n".join(f'    {k}: Annotated[float, Theta("1", "parameter")] = {v!r}' for k, v in parameters.items()),
        state="class state(NamedTuple):\n" + "\n".join(f"    {s}: Annotated[float, Amount('mg')]" for s in state) + "\n"
        if state
        else "",
        fields="\n".join(f"    {k}: float" for k in parameters),
        values=values,
        functions=functions,
        observe=observe,
        options=(f"structure=compartments.{structure}, " if structure else "") + f'solver="{solver}", ' + options,
    )
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return load(str(path))
