"""Why somebody should look at a patient: one cause, whatever follows from it, in the ward's words, as bad as its consequences."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from dosetwin.forecast.tells import listed
from dosetwin.serve.told import CODES

Severity = Literal["info", "warning", "critical"]
WORSE: Sequence[Severity] = ("info", "warning", "critical")
PATIENTS = ("level_contradicts", "beyond_threshold", *CODES)
"""Causes that are about the patient, whichever therapy sees them."""


@dataclass(frozen=True)
class Cause:
    """``code``, in words, how bad, and ``key``, what tells this cause from a later one of its code; ``so``: what follows."""

    code: str
    text: str
    severity: Severity
    key: str = ""
    so: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What an alert's fact says it is about; the same cause as bad as before always says the same."""
        told = f"{self.key}:{self.severity}" if self.so else self.key
        return f"{self.code}:{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    @property
    def said(self) -> str:
        """The cause and what follows from it."""
        return "; ".join([self.text.rstrip("."), *self.so])


def causes(summary: Mapping[str, Any] | None, now: datetime, late: timedelta, of: str = "") -> list[Cause]:
    """What a twin's line of the ward list gives reason to alert about at ``now``; ``late``: a dose is overdue after that.

    What else it says because of a cause (the next dose waits, nothing is acceptable) is a consequence of that, not an alert of
    its own: of a level that fits nobody, else of an organ that turns or is feared for. ``of``: the therapy, where it is not the
    service's usual one; its causes are then told apart by it.
    """
    if summary is None:
        return []
    found = _roots(summary)
    drug = summary.get("drug") or of
    so = _consequence(summary, drug)
    apart = f"{of}:" if of else ""
    if so is not None and found:
        found[0] = replace(found[0], severity="critical", so=(so[1],))
    elif so is not None:
        found.append(Cause(so[0], so[1], "warning", f"{apart}{so[1]}"))
    due = datetime.fromisoformat(summary["due_at"]) if isinstance(summary["due_at"], str) else None
    if due is not None and not summary.get("hold") and summary["answered"] != "overridden" and now - due > late:
        last = summary["last_dose"]["at"] if summary["last_dose"] else "none"
        text = f"{_of(drug)}no dose is recorded since it was due at {summary['due_at']}: give it, or record it"
        found.append(Cause("dose_overdue", text, "warning", f"{apart}{last}"))
    return found


def of_patient(found: Iterable[Cause]) -> list[Cause]:
    """Causes of all therapies of a patient: what is about the patient once, with what follows in each of them."""
    out: dict[tuple[str, str], Cause] = {}
    for c in found:
        key = (c.code, c.key)
        old = out.get(key)
        if old is not None:
            c = replace(old, severity=max(old.severity, c.severity, key=WORSE.index), so=tuple(dict.fromkeys((*old.so, *c.so))))
        out[key] = c
    return list(out.values())


def _roots(summary: Mapping[str, Any]) -> list[Cause]:
    out = []
    if said := [x for x in summary["level_contradicts"] if x]:
        text = "A measured level does not fit this patient: check sample, time and doses, and measure again"
        out.append(Cause("level_contradicts", f"{text} ({said[0]})", "critical", said[0]))
    for name in listed():
        turns, feared = summary.get(name, {}).get("turning"), summary.get(f"{name}_expected")
        if turns or feared:  # one organ, one cause: that it turns and that worse is feared
            text = str(summary[name]["why"] if turns else feared)
            also = f", and worse is expected ({feared})" if turns and feared else ""
            code = f"{name}_turning" if turns else f"{name}_expected"
            out.append(Cause(code, f"{name.capitalize()}: {text}{also}", "warning", text))
    for b in summary.get("beyond", ()):
        text = f"{b['text']} {b['value']:g} {b['unit']}".rstrip() + f" is {b['side']} {b['limit']:g}, this patient's limit"
        out.append(Cause("beyond_threshold", text, "warning", f"{b['quantity']}:{b['side']}:{b['id']}"))
    return out


def _consequence(summary: Mapping[str, Any], drug: str) -> tuple[str, str] | None:
    """Code and words of what a therapy does because of a cause; None: nothing."""
    if summary.get("hold"):
        return "hold", _of(drug) + summary["hold"].partition("; then")[0]
    if summary["status"] == "refuse":
        return "no_regimen", f"{_of(drug)}no order is acceptable now ({summary['reason']}): decide by hand"
    if summary["status"] == "cannot" and summary["doses"]:
        return "no_twin", f"{_of(drug)}it is given and nothing can be advised: {summary['reason']}"
    return None


def _of(drug: str) -> str:
    return f"{drug}: " if drug else ""
