"""Days of one person on insulin as a table: TIME, GLUCOSE, BOLUS, BASAL or LONG, CARBS, and weight, ratio and factor.

Everything is asked for with its unit where it has two: glucose in mg/dL or mmol/L, insulin in units (never mL, never marks of a
syringe for another strength).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import Finding, InputError
from dosetwin.io.glucose import HARDLY_MG_DL, HIGH, HIGH_WORDS, LOW, LOW_WORDS, MG_PER_MMOL
from dosetwin.io.table import MISSING, raise_all
from dosetwin.io.text import number, read_text, rows_of

STEP_MIN = 5
NEEDED = ("TIME", "GLUCOSE", "BOLUS", "CARBS", "WT", "RATIO", "FACTOR")
COLUMNS = (*NEEDED, "BASAL", "LONG", "PEN", "ID", "STRENGTH", "EXERCISE", "EFFORT")
UNITS = {
    "GLUCOSE": ("mg/dL", "mmol/L"), "FACTOR": ("mg/dL", "mmol/L", "mg/dL/U", "mmol/L/U"), "BOLUS": ("U", "IU", "units"),
    "BASAL": ("U/h", "IU/h"), "LONG": ("U", "IU", "units"), "PEN": ("U", "IU", "units"), "CARBS": ("g",), "WT": ("kg",),
    "RATIO": ("g/U", "g"), "EXERCISE": ("min",), "EFFORT": ("%",), "TIME": ("min",),
}  # fmt: skip
"""Units that headings may say; the first is taken where none is said. Of glucose, and a factor beside mmol/L, it is asked."""
PENS, APART_H = (0.5, 1.0), (18.0, 30.0)
"""U: steps of pens. h between two doses of long-acting insulin that is given once a day."""
LEAST_PRODUCT, LEAST_DAILY = 250.0, 0.1
"""mg/dL: correction factor times a day's insulin lies near 1,800 by rule of thumb, 440 to 1,440 in the virtual clinic; a factor
written in mmol/L comes to a hundred. U/kg: less in a day is no treatment of type 1 diabetes, or not in U-100 (assumed)."""
MOST_BOLUS, MOST_DAILY = 0.8, 3.0
"""U/kg: no bolus, no day's basal insulin of a person on rapid-acting insulin is above these (assumed, wide)."""
HOURS, ACTIVE = 24.0, 0.7
"""h of readings that an answer needs, and the share of them that must be there (Battelino 2019 asks for 70 %; recalled)."""
MOST_DAYS = 92.0
"""Days of one table: a year typed wrongly must not become a million readings."""
LATEST_MIN, LENGTH_MIN, SHARE = 360.0, (5.0, 240.0), (0.1, 0.9)
"""Of exercise that is planned: min until it begins, how long it is, its effort."""
CAN = {"WT": (8.0, 250.0, "kg"), "RATIO": (1.0, 80.0, "g a U"), "FACTOR": (5.0, 600.0, "mg/dL a U"), "CARBS": (0.0, 400.0, "g")}
"""What can be."""


@dataclass(frozen=True)
class InsulinDays:
    """Every five minutes [n]: ``readings`` mg/dL (nan: none), ``insulin`` U of basal and boluses, ``food`` g. ``weight`` kg,
    ``basal`` U/h on average, ``ratio`` g/U, ``factor`` mg/dL per U as last said; ``meal`` g of the last line where no bolus is
    beside it, ``first`` and ``last`` moments as the file says them; ``pen`` U that a pen gives at a time, 0: a pump."""

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
    pen: float = 0.0
    session: tuple[float, float, float] | None = None
    """Exercise planned in the last line: begins after so many min, for so many, at this share of the heart rate's reserve."""


def read_insulin(path: Path) -> InsulinDays:
    """The days of a table. Raises InputError for columns that are missing or unknown, a unit not said or contradicted by its
    values, what cannot be of this weight, insulin of another strength than U-100, and too few readings."""
    return days_of(read_text(path), path.name)


def days_of(text: str, name: str) -> InsulinDays:
    """The days of a table's text, as ``read_insulin``; ``name`` is what the file is called."""
    lines = text.splitlines()
    delimiter = max((",", ";", "\t"), key=(lines[0] if lines else "").count)
    rows = list(rows_of(lines, name, delimiter))
    if len(rows) < 2:
        raise InputError("no line under the header", where=name, allowed="a line per reading, bolus or meal")
    heads, units = _heads(rows[0], name)
    cells = [dict(zip(heads, (c.strip() for c in row), strict=False)) for row in rows[1:] if any(c.strip() for c in row)]
    minutes = _minutes([c.get("TIME", "") for c in cells], name)
    cells, minutes, session = _planned(cells, minutes, heads, name, comma=delimiter != ",")
    wrong: list[InputError] = []

    def column(of: str) -> NDArray[np.float64]:
        out = np.full(len(cells), np.nan)
        for i, c in enumerate(cells):
            word = c.get(of, "")
            if word in MISSING:
                continue
            if of == "GLUCOSE" and word.lower() in LOW_WORDS | HIGH_WORDS:
                out[i] = (LOW if word.lower() in LOW_WORDS else HIGH) / (MG_PER_MMOL if units[of] == "mmol/L" else 1.0)
                continue
            if of == "STRENGTH":
                word = word.upper().removeprefix("U").lstrip("-")
            value = number(word, comma=delimiter != ",")
            if value is None or value < 0:
                wrong.append(InputError("not a number of at least 0", where=f"{name}:{i + 2} {of}", value=word[:40]))
            else:
                out[i] = value
        return out

    if len({c.get("ID", "") for c in cells}) > 1:
        raise InputError("several people in one file", where=name, value=len({c["ID"] for c in cells}), allowed="one")
    found = {of: column(of) for of in COLUMNS if of in heads and of not in ("TIME", "ID")}
    raise_all(wrong)
    findings = [*_strength(found.get("STRENGTH"), name)]
    glucose = _glucose(found["GLUCOSE"], units["GLUCOSE"], name)
    said = {of: _said(found[of], of, units, name) for of in ("WT", "RATIO", "FACTOR")}
    _possible(found, said["WT"], name)
    if found.get("EXERCISE") is not None and np.nansum(found["EXERCISE"]) > 0:
        findings.append(
            Finding(
                "warning",
                "exercise_not_modelled",
                name,
                "exercise is on record: what it did is carried as glucose from elsewhere, how insulin works after it is not",
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
    pen = _pen(found, name)
    rate = _long(found["LONG"], minutes, at, n, name) if pen else _carried(found["BASAL"], at, n, name)
    _enough(readings, name)
    _daily(bolus + rate * STEP_MIN / 60.0, said["WT"], said["FACTOR"], name)
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
        pen,
        session,
    )


def _planned(
    cells: list[dict[str, str]], minutes: NDArray[np.float64], heads: list[str], name: str, *, comma: bool
) -> tuple[list[dict[str, str]], NDArray[np.float64], tuple[float, float, float] | None]:
    """Lines and times without the exercise that the last line plans, and that: it stands alone in its line, after all readings.

    Raises InputError for what can be no plan: too late, too long, an effort that nobody makes, a second one.
    """

    def told(c: dict[str, str], of: str) -> float | None:
        return None if c.get(of, "") in MISSING else number(c[of], comma=comma)

    def alone(c: dict[str, str]) -> bool:
        return bool(told(c, "EXERCISE")) and all(
            c.get(of, "") in MISSING for of in heads if of not in ("TIME", "ID", "EXERCISE", "EFFORT")
        )

    if "EFFORT" in heads and "EXERCISE" not in heads:
        raise InputError("EFFORT without EXERCISE", where=name, allowed="min of exercise in a column EXERCISE")
    if "EXERCISE" not in heads or len(cells) < 2 or not alone(cells[-1]):
        return cells, minutes, None
    where = f"{name}:{len(cells) + 1} EXERCISE"
    if alone(cells[-2]):
        raise InputError("several sessions of exercise after the last reading", where=where, allowed="one at a time")
    effort = told(cells[-1], "EFFORT")
    plan = (
        float(minutes[-1] - minutes[-2]),
        float(told(cells[-1], "EXERCISE") or 0.0),
        0.5 if effort is None else effort / 100.0,
    )
    for value, (low, high), unit in zip(
        plan, ((0.0, LATEST_MIN), LENGTH_MIN, SHARE), ("min from now", "min", "of the reserve"), strict=True
    ):
        if not low <= value <= high:
            raise InputError("exercise that is not planned like this", where=where, value=round(value, 2),
                             allowed=f"{low:g} to {high:g} {unit}", remedy="ask nearer to it; EFFORT in %")  # fmt: skip
    return cells[:-1], minutes[:-1], plan


def _pen(found: dict[str, NDArray[np.float64]], name: str) -> float:
    """What a pen gives at a time, U; 0 for a pump. Raises InputError for both, neither, or a step no pen has."""
    if ("BASAL" in found) == ("LONG" in found):
        raise InputError("basal rate of a pump or long-acting insulin of a pen, one of them", where=name,
                         value="both" if "BASAL" in found else "neither", allowed="BASAL (U/h), or LONG (U)")  # fmt: skip
    if "LONG" not in found:
        return 0.0
    said = np.unique(found.get("PEN", np.array([np.nan])))
    said = said[np.isfinite(said)]
    if len(said) > 1 or (len(said) and float(said[0]) not in PENS):
        raise InputError("a step no pen has", where=f"{name} PEN", value=said.tolist(), allowed="0.5 or 1 U")
    return float(said[0]) if len(said) else PENS[1]


def _long(
    values: NDArray[np.float64], minutes: NDArray[np.float64], at: NDArray[np.int64], n: int, name: str
) -> NDArray[np.float64]:
    """U/h of every step: each dose of long-acting insulin spread evenly over a day (assumed; before the first that one)."""
    known = np.flatnonzero(np.nan_to_num(values) > 0.0)
    if not len(known):
        raise InputError("no dose of long-acting insulin", where=f"{name} LONG", allowed="U, at the time of each dose")
    gaps = np.diff(minutes[known]) / 60.0
    wrong = np.flatnonzero((gaps < APART_H[0]) | (gaps > APART_H[1]))
    if len(wrong) or (minutes[-1] - minutes[known[-1]]) / 60.0 > APART_H[1]:
        k = known[wrong[0] + 1] if len(wrong) else known[-1]
        raise InputError(
            "long-acting insulin that is not given once a day",
            where=f"{name}:{k + 2} LONG",
            value=float(values[k]),
            allowed=f"{APART_H[0]:g} to {APART_H[1]:g} h apart",
            remedy="write every dose, also those of the pen at night",
        )
    out = np.full(n, values[known[0]] / 24.0)
    for i in known:
        out[at[i] :] = values[i] / 24.0
    return out


def _heads(row: list[str], name: str) -> tuple[list[str], dict[str, str]]:
    """The columns' names, and the unit of each as its heading says it, else the one that is taken."""
    units, heads = {of: allowed[0] for of, allowed in UNITS.items() if of not in ("GLUCOSE", "FACTOR")}, []
    for cell in row:
        word, _, rest = cell.strip().partition("(")
        of, unit = word.strip().upper(), rest.rstrip(") ").strip()
        heads.append(of)
        if unit and of in UNITS:
            units[of] = next((u for u in UNITS[of] if u.lower() == unit.lower()), unit)
            if units[of] not in UNITS[of]:
                raise InputError(
                    "a unit that is not read",
                    where=f"{name} header, {of}",
                    value=unit,
                    allowed=" or ".join(UNITS[of]),
                    remedy="turn the numbers into that unit: insulin in units, never mL, marks or a day's dose",
                )
    if lacking := [n for n in NEEDED if n not in heads]:
        raise InputError("columns are missing", where=name, value=", ".join(lacking), allowed=", ".join(COLUMNS))
    if unknown := [h for h in heads if h not in COLUMNS]:
        remedy = "leave them out: what is not read must not look as if it were"
        raise InputError("unknown columns", where=name, value=", ".join(unknown), allowed=", ".join(COLUMNS), remedy=remedy)
    if twice := sorted({h for h in heads if heads.count(h) > 1}):
        raise InputError("a column stands twice", where=name, value=", ".join(twice), allowed="each once")
    if "GLUCOSE" not in units:
        raise InputError("the unit of glucose is not said", where=f"{name} header", value="none", allowed="mg/dL or mmol/L",
                         remedy="write the heading GLUCOSE (mg/dL)")  # fmt: skip
    if "FACTOR" not in units and units["GLUCOSE"] != "mg/dL":
        raise InputError("the unit of FACTOR is not said", where=f"{name} header", value="none", allowed="mg/dL or mmol/L",
                         remedy="where glucose is in mmol/L, write the heading FACTOR (mmol/L) or FACTOR (mg/dL)")  # fmt: skip
    units.setdefault("FACTOR", "mg/dL")
    return heads, units


def _minutes(words: list[str], name: str) -> NDArray[np.float64]:
    try:
        if all(number(w) is not None for w in words):
            told = np.array([float(w) for w in words])
        else:
            when = [datetime.fromisoformat(w.replace("Z", "+00:00")) for w in words]
            if len({w.tzinfo is None for w in when}) > 1:
                raise InputError("times with and without their offset", where=f"{name} TIME", allowed="all of one kind")
            told = np.array([(w if w.tzinfo else w.replace(tzinfo=UTC)).timestamp() / 60.0 for w in when])
    except (ValueError, OverflowError):
        raise InputError("not a time", where=f"{name} TIME", allowed="2026-03-01T08:30, or minutes") from None
    if (np.diff(told) < 0).any():
        k = int(np.argmax(np.diff(told) < 0)) + 3
        raise InputError(
            "times go back",
            where=f"{name}:{k} TIME",
            value=words[k - 2],
            allowed="lines in order",
            remedy="where the clock was put back, write times with their offset: 2026-10-25T02:30+01:00",
        )
    if told[-1] - told[0] > MOST_DAYS * 24 * 60:
        days = f"{(told[-1] - told[0]) / 1440:.4g} days, {words[0][:40]} to {words[-1][:40]}"
        raise InputError("more days than are read", where=f"{name} TIME", value=days, allowed=f"at most {MOST_DAYS:g} days")
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


def _said(values: NDArray[np.float64], of: str, units: dict[str, str], name: str) -> float:
    seen = values[np.isfinite(values)]
    low, high, unit = CAN[of]
    if not len(seen):
        raise InputError(
            f"{of} is not known", where=name, allowed=f"{low:g} to {high:g} {unit}", remedy="say it in its column, once"
        )
    value = float(seen[-1]) * (MG_PER_MMOL if of == "FACTOR" and units[of].startswith("mmol") else 1.0)
    if not low <= value <= high:
        remedy = "write the heading FACTOR (mmol/L) if it is that" if of == "FACTOR" and value < low else "correct it"
        raise InputError(f"{of} cannot be this", where=name, value=value, allowed=f"{low:g} to {high:g} {unit}", remedy=remedy)
    return value


def _daily(insulin: NDArray[np.float64], weight: float, factor: float, name: str) -> None:
    """A day's insulin that belongs to another strength, a factor that belongs to another unit."""
    day = float(insulin.sum()) / (len(insulin) * STEP_MIN / 1440.0)
    if not LEAST_DAILY * weight <= day <= MOST_DAILY * weight:
        raise InputError("a day's insulin that cannot be of this weight", where=name, value=round(day, 2),
                         allowed=f"{LEAST_DAILY * weight:.3g} to {MOST_DAILY * weight:.3g} U",
                         remedy="all boluses and basal insulin must be there, in units, never in marks of a syringe")  # fmt: skip
    if factor * day < LEAST_PRODUCT:
        raise InputError("FACTOR cannot be this beside the insulin of a day", where=f"{name} FACTOR", value=round(factor, 2),
                         allowed=f">= {LEAST_PRODUCT / day:.3g} mg/dL a U with {day:.3g} U a day",
                         remedy="mmol/L a U times 18 is mg/dL a U: write the heading FACTOR (mmol/L) if it is that")  # fmt: skip


def _possible(found: dict[str, NDArray[np.float64]], weight: float, name: str) -> None:
    wrong = []
    for what, most, text in (
        ("BOLUS", MOST_BOLUS * weight, "a bolus that cannot be of this weight"),
        ("BASAL", MOST_DAILY * weight / 24.0, "a basal rate that cannot be of this weight"),
        ("LONG", MOST_DAILY * weight, "a dose of long-acting insulin that cannot be of this weight"),
        ("CARBS", CAN["CARBS"][1], "a meal that cannot be"),
    ):
        for i in np.flatnonzero(np.nan_to_num(found.get(what, np.zeros(0))) > most).tolist():
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
