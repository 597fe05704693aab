"""Timeline + model -> Belief: MAP, Laplace, draws, averaging, diagnostics. Names load when first used, so importing is cheap.

``fit`` is a function of the module of the same name: ``from dosetwin.infer.fit import fit``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosetwin.infer.averaging import Mixture, average
    from dosetwin.infer.belief import Belief, Plausibility
    from dosetwin.infer.likelihood import Evidence, evidence_for
    from dosetwin.infer.map import MapEstimate, fit_many, map_estimate
    from dosetwin.infer.sampling import posterior

_WHERE = {
    "Belief": "belief",
    "Evidence": "likelihood",
    "MapEstimate": "map",
    "Mixture": "averaging",
    "Plausibility": "belief",
    "average": "averaging",
    "evidence_for": "likelihood",
    "fit_many": "map",
    "map_estimate": "map",
    "posterior": "sampling",
}
__all__ = [
    "Belief", "Evidence", "MapEstimate", "Mixture", "Plausibility", "average", "evidence_for", "fit_many", "map_estimate",
    "posterior",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
