"""A chunk of a trial of a therapy: every arm of its patients as a table, one row per patient and arm."""

from typing import TYPE_CHECKING, Any

from dosetwin.errors import DosetwinError, one_line
from dosetwin.trial.therapy.course import Course, counted, follow
from dosetwin.trial.therapy.truth import VirtualPatient, patients

if TYPE_CHECKING:
    import pyarrow as pa

    from dosetwin.trial.therapy.design import Arm, TherapyDesign

LISTS = ("dose_h", "dose_amount", "sample_h", "sample_value", "order_h")


def table(design: "TherapyDesign", first: int, n: int) -> "pa.Table":
    """Every arm of patients ``first`` .. of a design, by patient, then arm.

    A course that cannot be followed is a failure with its reason, not an end.
    """
    import pyarrow as pa

    rows = [_row(patient, arm) for patient in patients(design, first, n) for arm in design.arms]
    drawn = {name: [p[name] for p, _ in rows] for name in ("patient",)}
    data: dict[str, Any] = {"patient": pa.array(drawn["patient"], type=pa.int64())}
    people = design.drawn_from.people(n, design.seed, design.first + first)
    for name, values in people.values.items():
        data[name] = pa.array([float(v) for v in values for _ in design.arms], type=pa.float64())
    data["arm"] = pa.array([p["arm"] for p, _ in rows])
    data["failure"] = pa.array([p["failure"] for p, _ in rows])
    for name in design.defined:
        data[name] = pa.array([float(found.get(name, float("nan"))) for _, found in rows], type=pa.float64())
    for name in LISTS:
        data[name] = pa.array([p[name] for p, _ in rows], type=pa.list_(pa.float64()))
    data["order"] = pa.array([p["order"] for p, _ in rows], type=pa.list_(pa.string()))
    return pa.table(data)


def _row(patient: VirtualPatient, arm: "Arm") -> tuple[dict[str, Any], dict[str, float]]:
    failure, made, found = "", Course(), {}
    try:
        made = follow(patient, arm)
        found = counted(patient, made)
    except DosetwinError as error:
        failure = one_line(f"{type(error).__name__}: {error}")
    return {
        "patient": patient.number, "arm": arm.name, "failure": failure,
        "dose_h": [d.time for d in made.given], "dose_amount": [d.amount for d in made.given],
        "sample_h": [o.time for o in made.measured], "sample_value": [o.value for o in made.measured],
        "order_h": [t for t, _ in made.orders], "order": [words for _, words in made.orders],
    }, found  # fmt: skip
