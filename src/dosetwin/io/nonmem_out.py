"""NONMEM-style CSV out: timelines become one table that read_table reads back to the same facts."""

import csv
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io.table import MISSING, STANDARD
from dosetwin.records import Timeline

_COLUMNS = ("ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "II", "ADDL", "SS", "DV", "MDV", "DVID", "BLQ", "LOQ")


def write_table(timelines: Iterable[Timeline], path: Path | str) -> None:
    """Write one block of records per timeline, ordered by time; an observation stands after a dose at the same time only
    if it was drawn after it. A covariate value stands on the first record at its time (EVID 2 where there is none); other
    cells are ``.``. Written to a temporary file first, so that a failure leaves no partial output.

    Raises InputError for what the format cannot say: two subjects with one id, a covariate named like a standard column,
    values that are not finite.
    """
    subjects = list(timelines)
    names = list(dict.fromkeys(c.name for t in subjects for c in t.covariates))
    for name in names:
        if name.upper() in STANDARD and name != "OCC":
            raise InputError("a covariate cannot have the name of a standard column", where=str(path), value=name)
    if len({name.upper() for name in names}) < len(names):
        raise InputError("two covariates differ only in case", where=str(path), value=", ".join(names))
    # one drug is said elsewhere, as by whoever asks; two are told apart here
    several = any(len(t.drugs()) > 1 for t in subjects)
    if several and "DRUG" in {name.upper() for name in names}:
        raise InputError("a covariate named as the column of drugs", where=str(path), value="DRUG")
    columns = (*_COLUMNS, "DRUG") if several else _COLUMNS
    seen: set[str] = set()
    target = Path(path)
    scratch = target.with_name(f".{target.name}.part")
    try:
        with scratch.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*columns, *names])
            for timeline in subjects:
                if timeline.patient.id in seen:
                    raise InputError("two timelines have the same id", where=str(path), value=timeline.patient.id)
                if timeline.patient.id in MISSING or timeline.patient.id.startswith("#"):
                    raise InputError("an id that the format cannot hold", where=str(path), value=timeline.patient.id)
                seen.add(timeline.patient.id)
                writer.writerows([[_cell(row.get(name)) for name in (*columns, *names)] for row in _records(timeline)])
        scratch.replace(target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise InputError(f"cannot be written ({error.strerror or error})", where=str(path)) from None
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _records(timeline: Timeline) -> list[dict[str, Any]]:
    """The rows of one subject. Rank within one time: covariates, levels before the dose, doses, levels after it."""
    rows: list[tuple[float, float, dict[str, Any]]] = []
    for d in timeline.doses:
        constant = d.infusion == "constant"
        row = {
            "AMT": 0.0 if constant else d.amount,
            "RATE": {"rate": d.rate or None, "constant": d.amount, "model_rate": -1, "model_duration": -2}.get(d.infusion),
            "DUR": (d.duration or None) if d.infusion == "duration" else None,
            "EVID": 1,
            "CMT": d.cmt,
            "II": None if constant else d.ii or None,
            "ADDL": d.addl or None,
            "SS": int(d.ss) or None,
            "MDV": 1,
            "DRUG": d.drug or timeline.drug or None,
        }
        rows.append((d.time, 2, row))
    rows += [(t, 1.5, {"EVID": 3, "MDV": 1}) for t in timeline.resets]
    for o in timeline.observations:
        row = {
            "EVID": 0,
            "CMT": o.cmt,
            "DV": o.value,
            "MDV": 0,
            "DVID": o.measures or None,
            "BLQ": int(o.blq) or None,
            "LOQ": o.loq,
        }
        rows.append((o.time, 3 if o.after_dose else 1, row))
    rows += [
        (o.time, 3 if o.after_dose else 1, {"EVID": 0, "CMT": o.cmt, "MDV": 1, "DVID": o.measures or None})
        for o in timeline.asked
    ]
    rows.sort(key=lambda r: (r[0], r[1]))
    at: dict[float, list[dict[str, Any]]] = {}
    for time, _, row in rows:
        at.setdefault(time, []).append(row)
    for c in timeline.covariates:
        here = at.setdefault(c.time, [])
        # several values of one covariate at one time stand on successive records, in the order in which they were written
        place = 1 + max((i for i, row in enumerate(here) if c.name in row), default=-1)
        if place == len(here):
            here.append({"EVID": 2, "MDV": 1})
        here[place][c.name] = c.value
    return [{"ID": timeline.patient.id, "TIME": time, **row} for time in sorted(at) for row in at[time]]


def _cell(value: Any) -> str:
    if value is None:
        return "."
    if isinstance(value, float):
        if not isfinite(value):
            raise InputError("a value that is not finite cannot be written", value=value)
        return repr(value)
    return str(value)
