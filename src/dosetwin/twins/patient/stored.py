"""Facts about a patient as plain data and back, bit for bit: what a twin is kept as."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from dosetwin.errors import Finding
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

_RECORDS = {"doses": DoseEvent, "observations": Observation, "covariates": Covariate, "asked": Observation, "findings": Finding}


def timeline_json(timeline: Timeline) -> dict[str, Any]:
    """A timeline as plain data; moments as ISO 8601."""
    data = asdict(timeline)
    data["origin"] = timeline.origin and timeline.origin.isoformat()
    data["patient"]["birth"] = timeline.patient.birth and timeline.patient.birth.isoformat()
    return data


def timeline_from(data: Mapping[str, Any]) -> Timeline:
    """The timeline that ``timeline_json`` wrote."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    for name, kind in _RECORDS.items():
        given[name] = tuple(kind(**row) for row in data.get(name, ()))
    patient = {f.name: data["patient"][f.name] for f in fields(Patient) if f.name in data["patient"]}
    birth = patient.get("birth")
    given["patient"] = replace(Patient(**{**patient, "birth": None}), birth=birth and datetime.fromisoformat(birth))
    given["origin"] = data["origin"] and datetime.fromisoformat(data["origin"])
    return Timeline(**given)
