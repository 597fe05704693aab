"""Advised settings as a FHIR R4 draft: a DeviceRequest for a patient's device, a ServiceRequest for a place."""

from collections.abc import Mapping
from typing import Any

from dosetwin.io.codes import UCUM_SYSTEM
from dosetwin.quantities import QUANTITIES


def settings_request(regimen: Mapping[str, Any], what: str, place: bool) -> dict[str, Any]:
    """The part of a draft that is its own: the code of what is set (``what``, a device's or a place's name), its values, when.

    ``regimen``: ``settings`` and ``first_at`` of an answer. A place's first value is the quantity of the service.
    """
    start = regimen["first_at"] if isinstance(regimen["first_at"], str) else None
    values = {name: _quantity(name, value) for name, value in regimen["settings"].items()}
    kind = "ServiceRequest" if place else "DeviceRequest"
    code = {"text": f"{what}: {regimen['words']}" if place else what}
    own = (
        {"code": code, "quantityQuantity": next(iter(values.values()))}
        if place
        else {"codeCodeableConcept": code,
              "parameter": [{"code": {"text": _text(name)}, "valueQuantity": q} for name, q in values.items()]}
    )  # fmt: skip
    return {"resourceType": kind, **own, **({"occurrenceDateTime": start} if start else {})}


def _text(name: str) -> str:
    return QUANTITIES[name].text if name in QUANTITIES else name


def _quantity(name: str, value: float) -> dict[str, Any]:
    unit = QUANTITIES[name].unit if name in QUANTITIES else "1"
    return {"value": value, "unit": unit, "system": UCUM_SYSTEM, "code": _UCUM.get(unit, unit)}


_UCUM = {"cmH2O": "cm[H2O]", "1/min": "/min"}
