"""Whether an answer computed again says what it said then, to what arithmetic can promise.

The same program on another processor, or just compiled instead of read from its cache, rounds otherwise in the last digits
(about 1e-12 in a level), and what is searched and weighed carries that on to 1e-8 in a loss. So numbers are compared to one in a
million, and numbers inside sentences to one unit of their last digit; words, orders and everything else must be equal.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

REL, ABS = 1e-6, 1e-9
MADE_OF = ("models", "input_hash", "seed", "draws", "rule", "now")
"""Parts of an answer's provenance that must be found again; the rest says which program gave it."""
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def comparable(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stored answer a repetition must say."""
    made = answer["provenance"]
    return {**answer, "provenance": {k: made[k] for k in MADE_OF if k in made}}


def differs(then: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where ``now`` does not say what ``then`` said (both plain JSON data); it may say more than was known to be said."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key, value in then.items():
            yield from differs(value, now.get(key, "nothing"), f"{path}.{key}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for k, (a, b) in enumerate(zip(then, now, strict=True)):
            yield from differs(a, b, f"{path}[{k}]")
    elif not _alike(then, now):
        yield f"{path}: {then!r} then, {now!r} now"


def _alike(then: Any, now: Any) -> bool:
    if isinstance(then, bool) or isinstance(now, bool) or then is None or now is None:
        return then is now
    if isinstance(then, int | float) and isinstance(now, int | float):
        return math.isclose(then, now, rel_tol=REL, abs_tol=ABS)
    if isinstance(then, str) and isinstance(now, str):
        return then == now or (NUMBER.sub("#", then) == NUMBER.sub("#", now) and all(map(_one_unit, *_numbers(then, now))))
    return bool(then == now)


def _numbers(then: str, now: str) -> tuple[list[str], list[str]]:
    return NUMBER.findall(then), NUMBER.findall(now)


def _one_unit(a: str, b: str) -> bool:
    """Two printed decimals differ by one unit of their last digit at most; whole numbers (ids, dates, counts) must be equal."""
    places = len(a.partition(".")[2])
    if a == b or not places or places != len(b.partition(".")[2]):
        return a == b
    return abs(float(a) - float(b)) < 1.5 * 10.0**-places
