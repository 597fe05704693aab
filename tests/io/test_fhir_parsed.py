"""A resource sent again is not validated again; what is remembered is compared by content and bounded."""

import copy

import pytest

from dosetwin.errors import InputError
from dosetwin.io import fhir_parsed
from dosetwin.io.fhir_parsed import parsed

WEIGHT = {
    "resourceType": "Observation", "id": "w", "status": "final", "code": {"text": "weight"},
    "effectiveDateTime": "2026-01-01T00:00:00Z", "valueQuantity": {"value": 1, "unit": "kg"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_kept():
    fhir_parsed._kept.clear()
    yield
    fhir_parsed._kept.clear()


def test_the_same_content_is_parsed_once_and_any_other_anew():
    first = parsed("Observation", WEIGHT, "x")
    assert parsed("Observation", copy.deepcopy(WEIGHT), "y") is first
    other = copy.deepcopy(WEIGHT)
    other["valueQuantity"]["value"] = 2
    assert parsed("Observation", other, "x").valueQuantity.value == 2
    assert parsed("Observation", WEIGHT, "x") == fhir_parsed._validated("Observation", WEIGHT, "x")


def test_a_resource_changed_in_place_is_another():
    mine = copy.deepcopy(WEIGHT)
    parsed("Observation", mine, "x")
    mine["status"] = "entered-in-error"
    assert parsed("Observation", mine, "x").status == "entered-in-error"


def test_what_is_not_valid_is_told_each_time_and_not_remembered():
    for where in ("one", "two"):
        with pytest.raises(InputError, match=where):
            parsed("Observation", {"resourceType": "Observation", "status": 7}, where)
    assert not fhir_parsed._kept


def test_what_is_remembered_is_bounded_and_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(fhir_parsed, "KEPT", 3)
    for k in range(5):
        parsed("Observation", WEIGHT | {"id": f"w{k}"}, "x")
    assert [r.id for r in fhir_parsed._kept.values()] == ["w2", "w3", "w4"]
