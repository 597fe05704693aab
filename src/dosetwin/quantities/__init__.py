"""Every measurable thing once: what it is called, its units and codes, what of it can be. A drug's level stands with its drug."""

from collections.abc import Mapping
from types import MappingProxyType

from dosetwin.errors import UnknownName
from dosetwin.quantities.body import BODY, mosteller, predicted_weight
from dosetwin.quantities.breathing import BREATHING
from dosetwin.quantities.flags import FLAGS
from dosetwin.quantities.genes import GENES
from dosetwin.quantities.laboratory import LABORATORY, UMOL_PER_MG_DL
from dosetwin.quantities.plain import PLAIN
from dosetwin.quantities.quantity import Code, Kind, Quantity, many
from dosetwin.quantities.theatre import THEATRE

__all__ = [
    "ASSAYED",
    "FLAGS",
    "QUANTITIES",
    "UMOL_PER_MG_DL",
    "Code",
    "Kind",
    "Quantity",
    "flags",
    "many",
    "mosteller",
    "predicted_weight",
    "quantity",
    "traits",
]

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {q.name: q for q in (*PLAIN, *BODY, *LABORATORY, *BREATHING, *THEATRE, *FLAGS, *GENES)}
)
"""Name -> quantity. The name is what records, models and files call it."""
ASSAYED: Mapping[str, Quantity] = MappingProxyType({q.text: q for q in QUANTITIES.values() if q.assayed})
"""Kind of a fact -> the quantity whose results it tells, with their assay."""


def quantity(name: str, where: str = "") -> Quantity:
    """The quantity of this name. Raises UnknownName with the names there are."""
    if name not in QUANTITIES:
        raise UnknownName("unknown quantity", where=where, value=name, allowed=", ".join(QUANTITIES))
    return QUANTITIES[name]


def flags() -> tuple[str, ...]:
    """Names of what runs or does not."""
    return tuple(name for name, q in QUANTITIES.items() if q.kind == "flag")


def traits() -> tuple[str, ...]:
    """Names of what never changes in a patient."""
    return tuple(name for name, q in QUANTITIES.items() if q.kind == "trait")
