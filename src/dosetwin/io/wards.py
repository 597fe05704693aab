"""Wards, their rounds and how they prepare doses, as a TOML file: ``[NICU.amikacin]``, ``dilution = "5 mg/mL"``, tablets."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dosetwin import formulary
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.rounds import minutes
from dosetwin.declare.ward import Dilution, Ward
from dosetwin.errors import InputError, UnknownName
from dosetwin.io.text import number, read_text
from dosetwin.quantities.units import convert

KEYS = ("dilution", "syringes", "least_mL", "bags", "strongest", "vials", "tablets", "halves")
OF_WARD = ("rounds", "time_zone")
"""What stands in a ward's own table, beside its drugs."""
MARKS_MOST = 10_000
"""Marks on a syringe, those of pumps included: each is an order that may be weighed."""
_AMOUNT = re.compile(r"\s*([0-9.,]+)\s*([^\s/0-9][^/]*?)\s*(?:/\s*([0-9.,]*)\s*([A-Za-z]+))?\s*")
_U = re.compile(r"\s*[Uu]-?(40|100|200|300|500)\s*")


def read_wards(path: Path, zone: str = "") -> dict[str, Ward]:
    """Wards by name; ``zone`` of the rounds of a ward that names no ``time_zone``.

    Raises InputError naming the file and the entry for what is none, a drug or therapy nobody declares, or a dilution, tablets
    or rounds that cannot be.
    """
    try:
        data = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not TOML: {error}", where=path.name) from None
    return {name: _ward(name, said, f"{path.name}: {name}", zone) for name, said in data.items()}


def _ward(name: str, said: Any, where: str, zone: str) -> Ward:
    if not isinstance(said, dict):
        raise InputError("not a ward", where=where, value=said, allowed="a table [WARD.DRUG] for each drug")
    therapies = {t.name: t for t in formulary.therapies()}
    dilutions: dict[str, Dilution] = {}
    for what, entry in said.items():
        if what in OF_WARD:
            continue
        at = f"{where}.{what}"
        if what not in therapies and what not in formulary.by_name():
            raise UnknownName("neither a drug nor a therapy", where=where, value=what, allowed="see 'dosetwin therapies'")
        if not isinstance(entry, dict):
            raise InputError("not a preparation", where=at, value=entry, allowed=", ".join(KEYS))
        if unknown := sorted(set(entry) - set(KEYS)):
            raise UnknownName("unknown key", where=at, value=unknown[0], allowed=", ".join(KEYS))
        drug = therapies[what].drug if what in therapies else formulary.by_name()[what]
        dilutions[what] = _dilution(entry, drug.amount, at)
    ward = Ward(name, dilutions, minutes(_listed(said.get("rounds", []), f"{where}.rounds"), f"{where}.rounds"),
                _zone(said.get("time_zone", zone), f"{where}.time_zone"))  # fmt: skip
    for therapy in therapies.values():  # what cannot be is refused here, not at the first patient's bed
        if therapy.name in dilutions or therapy.drug.name in dilutions:
            ward.therapy(therapy)
    return ward


def _zone(said: Any, where: str) -> str:
    """A time zone's name, or none. Raises InputError."""
    try:
        return str(ZoneInfo(said)) if said else ""
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InputError("not a time zone", where=where, value=said, allowed="an IANA name such as Europe/Berlin") from None


def _tablets(said: Any, of: Any, where: str) -> tuple[float, ...]:
    """``["1 mg", "5 mg"]`` in the drug's unit, the largest first."""
    out = []
    for word in _listed(said, where):
        amount, mL = _parts(word, of, where, "a tablet's content, such as '5 mg'")
        if mL is not None or not amount > 0:
            raise InputError("not a tablet", where=where, value=word, allowed="its content, such as '5 mg'")
        out.append(amount)
    if not out or len(set(out)) != len(out):
        raise InputError("tablets are named once each", where=where, value=said, allowed="one at least")
    return tuple(sorted(out, reverse=True))


def _dilution(entry: Mapping[str, Any], of: Any, at: str) -> Dilution:
    found = Dilution(at=at)
    if "dilution" in entry:
        found = replace(found, per_mL=concentration(entry["dilution"], of, f"{at}.dilution"))
    if "strongest" in entry:
        found = replace(found, strongest=concentration(entry["strongest"], of, f"{at}.strongest"))
    if "syringes" in entry:
        found = replace(found, marks=_marks(entry["syringes"], f"{at}.syringes"))
    if "least_mL" in entry:
        found = replace(found, least_mL=_mL(entry["least_mL"], f"{at}.least_mL"))
    if "bags" in entry:
        found = replace(found, bags=tuple(sorted(_mL(b, f"{at}.bags") for b in _listed(entry["bags"], f"{at}.bags"))))
    if "vials" in entry:
        found = replace(found, vials=tuple(_vial(v, of, f"{at}.vials") for v in _listed(entry["vials"], f"{at}.vials")))
    if "tablets" in entry:
        found = replace(found, tablets=_tablets(entry["tablets"], of, f"{at}.tablets"))
    if "halves" in entry:
        if not isinstance(entry["halves"], bool):
            raise InputError("halved or not", where=f"{at}.halves", value=entry["halves"], allowed="true, false")
        found = replace(found, halves=entry["halves"])
    Preparation(found.per_mL or 1.0, found.marks or ((0.0, 0.1),), at, found.least_mL or 0.0, found.bags or ())
    return found


def concentration(word: Any, of: Any, where: str) -> float:
    """``5 mg/mL``, ``500 mg/100 mL``, ``U-100`` as the drug's unit per mL; ``of`` the drug's amount. Raises InputError."""
    if isinstance(word, str) and (units := _U.fullmatch(word)):
        return convert(float(units[1]), "[IU]" if "[IU]" in of.units else "[U]", of, where=where)
    amount, mL = _parts(word, of, where, "a dilution is an amount per mL, such as '5 mg/mL'")
    if mL is None:
        raise InputError("a content without its volume is no dilution", where=where, value=word,
                         allowed="'5 mg/mL', '500 mg/100 mL'", remedy="write the mL that hold it")  # fmt: skip
    if not amount > 0:
        raise InputError("a dilution holds something", where=where, value=word, allowed="> 0 per mL")
    return amount / mL


def _vial(word: Any, of: Any, where: str) -> Vial:
    amount, mL = _parts(word, of, where, "a vial is an amount in mL, such as '500 mg/2 mL'")
    if mL is None:
        raise InputError("a vial without its volume", where=where, value=word, allowed="'500 mg/2 mL' (a powder: once dissolved)")
    return Vial(amount, mL, "the ward's")


def _parts(word: Any, of: Any, where: str, allowed: str) -> tuple[float, float | None]:
    found = _AMOUNT.fullmatch(word) if isinstance(word, str) else None
    value = None if found is None else number(found[1], comma=True)
    if found is None or value is None:
        raise InputError("not an amount", where=where, value=word, allowed=allowed)
    amount = convert(value, found[2], of, where=where)
    if found[4] is None:
        return amount, None
    volume = number(found[3], comma=True) if found[3] else 1.0
    if volume is None or not volume > 0:
        raise InputError("not a volume", where=where, value=word, allowed=allowed)
    return amount, convert(volume, found[4], "volume", where=where) * 1000.0


def _marks(said: Any, where: str) -> tuple[tuple[float, float], ...]:
    """Syringes as (mL it holds, mL from mark to mark), as steps from the volume that the one before it no longer holds."""
    allowed = "[[1, 0.01], [10, 0.2]]: mL it holds, mL from mark to mark"
    out: list[tuple[float, float]] = []
    start = 0.0
    for row in _listed(said, where):
        if not isinstance(row, list) or len(row) != 2:
            raise InputError("not a syringe", where=where, value=row, allowed=allowed)
        holds, step = (_mL(x, where) for x in row)
        if not holds > start:
            raise InputError("syringes ascend", where=where, value=row, allowed=allowed)
        if not 0 < step <= holds:
            raise InputError("the syringe's step is larger than the volume", where=where, value=row, allowed=allowed)
        if holds > MARKS_MOST * step:
            raise InputError("marks finer than any syringe's", where=where, value=row, allowed=f"at most {MARKS_MOST} marks")
        out.append((start, step))
        start = holds
    if not out:
        raise InputError("no syringe", where=where, allowed=allowed)
    return tuple(out)


def _listed(said: Any, where: str) -> list[Any]:
    if not isinstance(said, list):
        raise InputError("not a list", where=where, value=said, allowed="[...]")
    return said


def _mL(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 100_000:
        raise InputError("not a volume", where=where, value=value, allowed="a number of mL")
    return float(value)
