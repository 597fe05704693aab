"""What the published equations of warfarin ask of a patient, read from a record's numbers or a table's words, or why not.

A value that is not understood is never taken for the usual one: it raises ``NoAnswer`` with a sentence for that line.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

from dosetwin.declare import Facts, Says

UNKNOWN = frozenset({"", ".", "na", "n/a", "nan", "none", "null", "unknown", "missing", "not known", "not done", "not tested",
                     "not genotyped"})  # fmt: skip
YES, NO = frozenset({"1", "yes", "y", "true", "on"}), frozenset({"0", "no", "n", "false", "off"})
RACES = {
    "white": "white", "caucasian": "white", "european": "white", "white or caucasian": "white", "asian": "asian",
    "east asian": "asian", "south asian": "asian", "black": "black", "black or african american": "black",
    "african american": "black", "african-american": "black", "african": "black", "mixed": "other",
    "mixed or missing": "other", "missing or mixed": "other", "mixed race": "other", "mixed/other": "other",
}  # fmt: skip
"""What a table may write -> the categories of the IWPC; ``other`` is its "missing or mixed"."""
DIPLOTYPES = ("*1/*1", "*1/*2", "*1/*3", "*2/*2", "*2/*3", "*3/*3")
"""Of CYP2C9 that the equations have coefficients for."""
ADULT = {"HT": (100.0, 250.0, "cm"), "WT": (25.0, 350.0, "kg"), "BSA": (0.7, 3.6, "m2"), "AGE": (10.0, 120.0, "years")}
"""What an adult's numbers can be (assumed: a height in metres or a weight in grams is a slip)."""


class NoAnswer(Exception):
    """Why an equation has no answer for a patient, as a sentence."""


class Years(NamedTuple):
    """An age: the decade it is in (6: 60 to 69) and years; ``exact`` False: only the decade is known, years are its middle."""

    decade: int
    years: float
    exact: bool


def answered(table: Callable[[Facts], Says]) -> Callable[[Facts], Says | str]:
    """An equation that says why it has no answer instead of raising ``NoAnswer``."""

    @wraps(table)
    def said(facts: Facts) -> Says | str:
        try:
            return table(facts)
        except NoAnswer as why:
            return str(why)

    return said


def word(facts: Facts, name: str) -> str:
    """A fact as a lower-case word; "" where it is not known."""
    value = facts.get(name)
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float | int) else " ".join(str(value).strip().lower().split())
    return "" if text in UNKNOWN else text


def number(facts: Facts, name: str, text: str) -> float:
    """A number an adult can have. Raises NoAnswer where it is none."""
    value = facts.get(name)
    if value is None or (isinstance(value, str) and not word(facts, name)):
        raise NoAnswer(f"{text} is not known")
    if isinstance(value, str):
        raise NoAnswer(f"{text} is {value!r}, not a number")
    low, high, unit = ADULT.get(name, (0.0, 1e6, ""))
    if not low <= value <= high:
        inches = f" ({value:g} inches would be {2.54 * value:.0f} cm)" if name == "HT" and 55.0 <= value <= 84.0 else ""
        raise NoAnswer(f"{text} is {value:g}: of an adult {low:g} to {high:g} {unit}".rstrip() + inches)
    return float(value)


def age(facts: Facts) -> Years:
    """Years, or a decade as tables write it: ``60 - 69``, ``90+``. Raises NoAnswer."""
    value = facts.get("AGE")
    if isinstance(value, str) and word(facts, "AGE"):
        found = re.fullmatch(r"(\d{2,3})\s*(?:-|–|to)\s*(\d{2,3})|(\d{2})\s*\+", value.strip())
        low = int(found[1] or found[3]) if found else -1
        if found is None or low % 10 or (found[2] and int(found[2]) != low + 9) or not 10 <= low <= 110:
            raise NoAnswer(f"age is {value!r}: years, or a decade such as 60 - 69")
        return Years(low // 10, low + 5.0, False)
    years = number(facts, "AGE", "age")
    return Years(int(years // 10), years, True)


def race(facts: Facts) -> str:
    """``white``, ``asian``, ``black`` or ``other`` (missing or mixed). Raises NoAnswer for a word that is none of them."""
    said = word(facts, "RACE")
    if said:
        if said not in RACES:
            raise NoAnswer(f"race is {facts['RACE']!r}: White, Asian, Black or African American, Mixed, Unknown")
        return RACES[said]
    if flag(facts, "AFRICAN_AMERICAN"):
        return "black"
    return "asian" if flag(facts, "ASIAN") else "other"


def flag(facts: Facts, name: str) -> bool:
    """Whether something is so; not recorded counts as no, as the papers have it. Raises NoAnswer for what is neither."""
    said = word(facts, name)
    if said and said not in YES and said not in NO:
        raise NoAnswer(f"{name} is {facts[name]!r}: 1 or 0, yes or no")
    return said in YES


def inducer(facts: Facts) -> bool:
    """Whether carbamazepine, phenytoin or rifampicin is taken."""
    return any(flag(facts, n) for n in ("INDUCER", "CARBAMAZEPINE", "PHENYTOIN", "RIFAMPICIN", "RIFAMPIN"))


def cyp2c9(facts: Facts) -> str:
    """``*1/*3``; "" where it is not known. Raises NoAnswer for alleles the equations have no coefficient for."""
    said = word(facts, "CYP2C9").removeprefix("cyp2c9").strip()
    if said:
        found = re.fullmatch(r"\*?(\d+)\s*/\s*\*?(\d+)", said)
        both = "/".join(sorted((f"*{found[1]}", f"*{found[2]}"))) if found else ""
        if both not in DIPLOTYPES:
            raise NoAnswer(f"CYP2C9 is {facts['CYP2C9']!r}: the equation knows {', '.join(DIPLOTYPES)}")
        return both
    two, three = count(facts, "CYP2C9_2"), count(facts, "CYP2C9_3")
    if two is None or three is None:
        known = two if three is None else three
        return "" if known != 2 else "*2/*2" if two == 2 else "*3/*3"
    if two + three > 2:
        raise NoAnswer(f"CYP2C9 has {two + three} variant alleles: two at most")
    return "/".join(["*1"] * (2 - two - three) + ["*2"] * two + ["*3"] * three)


def vkorc1(facts: Facts) -> int | None:
    """Number of VKORC1 -1639 A alleles; None: not known. Raises NoAnswer for what is no genotype.

    rs9923231 as the genome's forward strand writes it (C/T) is read too: its T is A on the gene's strand.
    """
    said = word(facts, "VKORC1").upper().replace("/", "").replace(" ", "").replace("|", "")
    if said:
        if re.fullmatch("[AG]{2}", said):
            return said.count("A")
        if re.fullmatch("[CT]{2}", said):
            return said.count("T")
        raise NoAnswer(f"VKORC1 is {facts['VKORC1']!r}: A/A, A/G or G/G at -1639 (rs9923231)")
    return count(facts, "VKORC1_A")


def count(facts: Facts, name: str) -> int | None:
    """A number of alleles; None: not known. Raises NoAnswer."""
    said = word(facts, name)
    if not said:
        return None
    if said not in ("0", "1", "2"):
        raise NoAnswer(f"{name} is {facts[name]!r}: 0, 1 or 2 alleles")
    return int(said)


def both_genes(facts: Facts) -> tuple[int, int, int]:
    """VKORC1 A, CYP2C9 *2 and *3 alleles. Raises NoAnswer where a gene is not known: these equations have no term for that."""
    A, pair = vkorc1(facts), cyp2c9(facts)
    if A is None or not pair:
        missing = " and ".join(n for n, gone in (("VKORC1", A is None), ("CYP2C9", not pair)) if gone)
        raise NoAnswer(f"{missing} not known: the equation has no term for that")
    return A, pair.count("*2"), pair.count("*3")


def surface(facts: Facts) -> float:
    """Body surface, m2: given, or by Mosteller from height and weight. Raises NoAnswer."""
    if word(facts, "BSA"):
        return number(facts, "BSA", "body surface")
    return (number(facts, "HT", "height") * number(facts, "WT", "weight") / 3600.0) ** 0.5


def aim(facts: Facts) -> float:
    """The INR aimed at: told, else 2.5. Raises NoAnswer."""
    if not word(facts, "TARGET_INR"):
        return 2.5
    value = number(facts, "TARGET_INR", "the INR aimed at")
    if not 1.5 <= value <= 4.5:
        raise NoAnswer(f"the INR aimed at is {value:g}: 1.5 to 4.5")
    return value
