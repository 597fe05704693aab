"""Days of one person on insulin as a table: TIME, GLUCOSE, BOLUS, BASAL, CARBS, and the person's weight, ratio and factor.

Everything is asked for with its unit where it has two: glucose in mg/dL or mmol/L, insulin in units (never mL, never marks of a
syringe for another strength).
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import Finding, InputError
from dosetwin.io.glucose import HARDLY_MG_DL, MG_PER_MMOL
from dosetwin.io.table import MISSING, raise_all
from dosetwin.io.text import number, read_text

STEP_MIN = 5
NEEDED = ("TIME", "GLUCOSE", "BOLUS", "BASAL", "CARBS", "WT", "RATIO", "FACTOR")
COLUMNS = (*NEEDED, "ID", "STRENGTH", "EXERCISE")
MOST_BOLUS, MOST_DAILY = 0.8, 3.0
"""U/kg: no bolus, no day's basal insulin of a person on rapid-acting insulin is above these (assumed, wide)."""
HOURS, ACTIVE = 24.0, 0.7
"""h of readings that an answer needs, and the share of them that must be there (Battelino 2019 asks for 70 %; recalled)."""
CAN = {"WT": (8.0, 250.0, "kg"), "RATIO": (1.0, 80.0, "g a U"), "FACTOR": (5.0, 600.0, "mg/dL a U"), "CARBS": (0.0, 400.0, "g")}
"""What can be."""


@dataclass(frozen=True)
class InsulinDays:
    """Every five minutes [n]: ``readings`` mg/dL (nan: none), ``insulin`` U of basal and boluses, ``food`` g. ``weight`` kg,
    ``basal`` U/h on average, ``ratio`` g/U, ``factor`` mg/dL per U as last said; ``meal`` g of the last line where no bolus is
    beside it, ``first`` and ``last`` moments as the file says them."""

    readings: NDArray[np.float64]
    insulin: NDArray[np.float64]
    food: NDArray[np.float64]
    weight: float
    basal: float
    ratio: float
    factor: float
    meal: float
    first: str
    last: str
    findings: tuple[Finding, ...]


def read_insulin(path: Path) -> InsulinDays:
    """The days of a table. Raises InputError for columns that are missing or unknown, a unit not said or contradicted by its
    values, what cannot be of this weight, insulin of another strength than U-100, and too few readings."""
    return days_of(read_text(path), path.name)


def days_of(text: str, name: str) -> InsulinDays:
    """The days of a table's text, as ``read_insulin``; ``name`` is what the file is called."""
    rows = list(csv.reader(text.splitlines()))
    if len(rows) < 2:
        raise InputError("no line under the header", where=name, allowed="a line per reading, bolus or meal")
    heads, unit = _heads(rows[0], name)
    cells = [dict(zip(heads, (c.strip() for c in row), strict=False)) for row in rows[1:] if any(c.strip() for c in row)]
    minutes = _minutes([c.get("TIME", "") for c in cells], name)
    wrong: list[InputError] = []

    def column(name: str) -> NDArray[np.float64]:
        out = np.full(len(cells), np.nan)
        for i, c in enumerate(cells):
            word = c.get(name, "")
            if word in MISSING:
                continue
            value = number(word)
            if value is None or value < 0:
                wrong.append(InputError("not a number of at least 0", where=f"{name}:{i + 2} {name}", value=word[:40]))
            else:
                out[i] = value
        return out

    if len({c.get("ID", "") for c in cells}) > 1:
        raise InputError("several people in one file", where=name, value=len({c["ID"] for c in cells}), allowed="one")
    found = {name: column(name) for name in COLUMNS if name in heads and name not in ("TIME", "ID")}
    raise_all(wrong)
    findings = [*_strength(found.get("STRENGTH"), name)]
    glucose = _glucose(found["GLUCOSE"], unit, name)
    said = {name: _said(found[name], name, name) for name in ("WT", "RATIO", "FACTOR")}
    _possible(found, said["WT"], name)
    if found.get("EXERCISE") is not None and np.nansum(found["EXERCISE"]) > 0:
        findings.append(
            Finding(
                "warning",
                "exercise_not_modelled",
                name,
                "exercise is on record: what it did is carried as glucose from elsewhere, what it will do is not foretold",
                float(np.nansum(found["EXERCISE"])),
                "",
                "less insulin before and after it, as your clinic says; more readings",
            )
        )
    n = int(minutes[-1] // STEP_MIN) + 1
    at = (minutes // STEP_MIN).astype(int)
    readings, bolus, food = np.full(n, np.nan), np.zeros(n), np.zeros(n)
    for i, k in enumerate(at):
        readings[k] = glucose[i] if np.isfinite(glucose[i]) else readings[k]
        bolus[k] += np.nan_to_num(found["BOLUS"][i])
        food[k] += np.nan_to_num(found["CARBS"][i])
    rate = _carried(found["BASAL"], at, n, name)
    _enough(readings, name)
    waiting = np.isfinite(found["CARBS"][-1]) and found["CARBS"][-1] > 0 and not np.nan_to_num(found["BOLUS"][-1]) > 0
    meal = float(found["CARBS"][-1]) if waiting else 0.0
    food[at[-1]] -= meal  # not eaten yet: what it asks for is the question
    return InsulinDays(
        readings,
        bolus + rate * STEP_MIN / 60.0,
        food,
        said["WT"],
        float(rate.mean()),
        said["RATIO"],
        said["FACTOR"],
        meal,
        cells[0]["TIME"],
        cells[-1]["TIME"],
        tuple(findings),
    )


def _heads(row: list[str], name: str) -> tuple[list[str], str]:
    unit, heads = "", []
    for cell in row:
        word, _, rest = cell.strip().partition("(")
        heads.append(word.strip().upper())
        if heads[-1] == "GLUCOSE":
            unit = rest.rstrip(") ").strip()
    if lacking := [n for n in NEEDED if n not in heads]:
        raise InputError("columns are missing", where=name, value=", ".join(lacking), allowed=", ".join(COLUMNS))
    if unknown := [h for h in heads if h not in COLUMNS]:
        raise InputError(
            "unknown columns",
            where=name,
            value=", ".join(unknown),
            allowed=", ".join(COLUMNS),
            remedy="leave them out: what is not read must not look as if it were",
        )
    if unit not in ("mg/dL", "mmol/L"):
        raise InputError(
            "the unit of glucose is not said",
            where=f"{name} header",
            value=unit or "none",
            allowed="mg/dL or mmol/L",
            remedy="write the heading GLUCOSE (mg/dL)",
        )
    return heads, unit


def _minutes(words: list[str], name: str) -> NDArray[np.float64]:
    try:
        if all(number(w) is not None for w in words):
            told = np.array([float(w) for w in words])
        else:
            when = [datetime.fromisoformat(w.replace("Z", "+00:00")) for w in words]
            told = np.array([(w if w.tzinfo else w.replace(tzinfo=UTC)).timestamp() / 60.0 for w in when])
    except ValueError:
        raise InputError("not a time", where=f"{name} TIME", allowed="2026-03-01T08:30, or minutes") from None
    if (np.diff(told) < 0).any():
        k = int(np.argmax(np.diff(told) < 0)) + 3
        raise InputError("times go back", where=f"{name}:{k} TIME", value=words[k - 2], allowed="lines in order")
    return told - told[0]


def _strength(column: NDArray[np.float64] | None, name: str) -> tuple[Finding, ...]:
    seen = set() if column is None else set(column[np.isfinite(column)].tolist())
    if seen - {100.0}:
        raise InputError(
            "insulin of another strength than U-100",
            where=f"{name} STRENGTH",
            value=sorted(seen),
            allowed="100",
            remedy="concentrated insulin acts longer than the model knows; doses are units, never marks of a syringe",
        )
    if not seen:
        return (Finding("info", "strength_assumed", name, "U-100 insulin is taken: no column STRENGTH says so"),)
    return ()


def _glucose(values: NDArray[np.float64], unit: str, name: str) -> NDArray[np.float64]:
    seen = values[np.isfinite(values)]
    if unit == "mmol/L":
        if len(seen) and np.median(seen) > 33.0:
            raise InputError(
                "glucose said to be mmol/L cannot be",
                where=f"{name} GLUCOSE",
                value=float(np.median(seen)),
                allowed="1 to 33 mmol/L",
                remedy="it is mg/dL: correct the heading",
            )
        return values * MG_PER_MMOL
    if len(seen) and np.median(seen) < HARDLY_MG_DL:
        raise InputError(
            "glucose said to be mg/dL cannot be",
            where=f"{name} GLUCOSE",
            value=float(np.median(seen)),
            allowed="34 to 600 mg/dL",
            remedy="it is mmol/L: correct the heading",
        )
    return values


def _said(values: NDArray[np.float64], name: str, where: str) -> float:
    seen = values[np.isfinite(values)]
    low, high, unit = CAN[name]
    if not len(seen):
        raise InputError(
            f"{name} is not known", where=where, allowed=f"{low:g} to {high:g} {unit}", remedy="say it in its column, once"
        )
    if not low <= seen[-1] <= high:
        remedy = "mmol/L a U times 18 is mg/dL a U" if name == "FACTOR" and seen[-1] < low else "correct it"
        raise InputError(
            f"{name} cannot be this", where=where, value=float(seen[-1]), allowed=f"{low:g} to {high:g} {unit}", remedy=remedy
        )
    return float(seen[-1])


def _possible(found: dict[str, NDArray[np.float64]], weight: float, name: str) -> None:
    wrong = []
    for what, most, text in (
        ("BOLUS", MOST_BOLUS * weight, "a bolus that cannot be of this weight"),
        ("BASAL", MOST_DAILY * weight / 24.0, "a basal rate that cannot be of this weight"),
        ("CARBS", CAN["CARBS"][1], "a meal that cannot be"),
    ):
        for i in np.flatnonzero(np.nan_to_num(found[what]) > most).tolist():
            remedy = "units, not marks of a syringe for another strength, not mL; a rate per hour, not a day's dose"
            wrong.append(
                InputError(
                    text,
                    where=f"{name}:{i + 2} {what}",
                    value=float(found[what][i]),
                    allowed=f"<= {most:.3g}",
                    remedy="grams of carbohydrate" if what == "CARBS" else remedy,
                )
            )
    raise_all(wrong)


def _carried(values: NDArray[np.float64], at: NDArray[np.int64], n: int, name: str) -> NDArray[np.float64]:
    """U/h of every step: the last rate said; before the first that one."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        raise InputError("no basal rate", where=f"{name} BASAL", allowed="U/h, said where it changes")
    out = np.full(n, values[known[0]])
    for i in known:
        out[at[i] :] = values[i]
    return out


def _enough(readings: NDArray[np.float64], name: str) -> None:
    n, there = len(readings), np.isfinite(readings)
    if n * STEP_MIN / 60.0 < HOURS - 0.5:
        raise InputError(
            "too few hours of glucose",
            where=name,
            value=f"{n * STEP_MIN / 60.0:.1f} h",
            allowed=f">= {HOURS:g} h",
            remedy="send the last three days or more",
        )
    # a monitor that reads every 15 minutes leaves two steps of three empty
    apart = max(float(np.median(np.diff(np.flatnonzero(there)))), 1.0) if there.sum() > 2 else float(n)
    if there.sum() * apart < ACTIVE * n or apart > 4:
        raise InputError(
            "too many gaps in the readings",
            where=name,
            value=f"{there.sum() * apart / n:.0%}",
            allowed=f">= {ACTIVE:.0%}",
            remedy="days in which the monitor was worn",
        )
