"""Who tells a twin's effects, as the service is asked for it: one name in settings, API, pages and stored questions.

Names and words are those of ``forecast.tells``; nobody here knows which organ it is.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dosetwin.forecast.tells import Tells, listed, teller_of
from dosetwin.quantities import QUANTITIES
from dosetwin.serve.audit import stamp
from dosetwin.serve.store.measured import measurement

OPTION = next(iter(listed()))
"""What the option is called outside, and its part of a stored question."""
NAMES = tuple(n for t in listed().values() for n in t.names)
"""Everybody who may be asked for."""
PATTERN = f"^({'|'.join(NAMES)})?$"


def in_stored(question: Mapping[str, Any]) -> str | None:
    """Who was asked for in a stored question; None in one that named nobody."""
    return next((question[name] for name in listed() if question.get(name) is not None), None)


def used_in(answer: Mapping[str, Any]) -> str:
    """Who told an answer, in words; "" for nobody."""
    said = answer.get("provenance", {})
    return ", ".join(f"{said[name]['used']} {name}" for name in listed() if (said.get(name) or {}).get("used"))


def turning(of: Tells, care: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether what was measured shows that this turns, and why, with the last values."""
    values = sorted((f["at"], m.value) for f in care if (m := measurement(f)) is not None and m.quantity == of.watch.of)
    if not values:
        return {"turning": False, "why": "", "last": None}
    at, last = values[-1]
    why = of.watch.why([((t - at) / timedelta(hours=1), v) for t, v in values])
    return {"turning": bool(why), "why": why, "last": {"at": stamp(at), "value": last, "unit": QUANTITIES[of.watch.of].unit},
            "series": [[stamp(t), v] for t, v in values[-8:]]}  # fmt: skip


def marks(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Code, text and flag of everything of this that a summary says somebody must look at: what turns, and what is feared."""
    found = []
    for name, t in listed().items():
        if summary.get(name, {}).get("turning"):
            found.append((f"{name}_turning", summary[name]["why"], t.watch.flag))
        if summary.get(f"{name}_expected"):
            found.append((f"{name}_expected", summary[f"{name}_expected"], t.watch.fear))
    return found


CODES = tuple(f"{name}_{what}" for name in listed() for what in ("turning", "expected"))
"""Codes of alerts about the patient, whichever therapy sees them."""


def watching(told: str | None, shown: Sequence[str]) -> tuple[Tells, ...]:
    """Those a twin is told by, or whose measurement its therapy shows on the list."""
    return tuple(t for t in listed().values() if t is teller_of(told) or t.watch.of in shown)
