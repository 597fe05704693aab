"""QT readings of one patient on a drug as a JSON file.

``{"patient": "P1", "drug": "dofetilide", "dose": 500, "readings": [{"qt": 400, "rr": 0.95, "conc": 0}, {"qt": 450, "rr": 0.98,
"conc":
2.6, "peak": true}], "potassium": 3.6}``: QT in ms, RR in s, total concentration in the drug's unit; the first reading is before
the drug.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io.text import read_json

KEYS = ("patient", "drug", "dose", "readings", "formula", "potassium", "magnesium", "qrs")


@dataclass(frozen=True)
class Reading:
    """QT in ms, RR in s, concentration in the drug's unit; ``peak``: drawn at the peak of the dose."""

    qt: float
    rr: float
    conc: float
    peak: bool = False


@dataclass(frozen=True)
class QTRecord:
    """One file: ``dose`` in the drug's dose unit (None: not said), electrolytes in mmol/L, QRS in ms."""

    name: str
    drug: str
    dose: float | None
    readings: tuple[Reading, ...]
    formula: str = "fridericia"
    potassium: float | None = None
    magnesium: float | None = None
    qrs: float | None = None


def read_qt(path: Path) -> QTRecord:
    """The record. Raises InputError naming the file and the entry."""
    data, where = read_json(path), path.name
    if not isinstance(data, dict) or not isinstance(data.get("readings"), list):
        raise InputError("not a record of QT readings", where=where, allowed=f"a JSON object of {', '.join(KEYS)}")
    if unknown := sorted(set(data) - set(KEYS)):
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(KEYS))
    found = []
    for k, row in enumerate(data["readings"]):
        at = f"{where}: readings[{k}]"
        if not isinstance(row, dict) or (wrong := sorted(set(row) - {"qt", "rr", "hr", "conc", "peak"})):
            raise InputError("not a reading", where=at, value=row, allowed='{"qt": 400, "rr": 0.95, "conc": 0}')
        if ("rr" in row) == ("hr" in row):
            raise InputError("one of RR and rate", where=at, value=wrong, allowed='"rr" in s or "hr" in /min')
        rr = _number(row.get("rr"), f"{at}.rr") if "rr" in row else 60.0 / max(_number(row["hr"], f"{at}.hr"), 1e-9)
        found.append(
            Reading(_number(row.get("qt"), f"{at}.qt"), rr, _number(row.get("conc"), f"{at}.conc"), row.get("peak") is True)
        )
    given = {
        k: None if data.get(k) is None else _number(data[k], f"{where}: {k}") for k in ("dose", "potassium", "magnesium", "qrs")
    }
    return QTRecord(str(data.get("patient", path.stem)), str(data.get("drug", "")), given["dose"], tuple(found),
                    str(data.get("formula", "fridericia")), given["potassium"], given["magnesium"], given["qrs"])  # fmt: skip


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 < value < 1e9:
        raise InputError("not a number", where=where, value=value)
    return float(value)
