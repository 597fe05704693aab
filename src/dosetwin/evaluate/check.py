"""One figure that somebody else found, beside what the program finds: the row of every page of ``dosetwin validate``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dosetwin.declare import Provenance

Band = tuple[float, float]


@dataclass(frozen=True)
class Check:
    """One published figure (or closed form) against one model, on the ``page`` it belongs to.

    ``band`` and all figures in ``unit``; ``mc_error`` is a standard error.

    ``kin`` says why the model is not independent of the study ("" = independent); ``cause`` what we suspect behind a miss;
    ``borderline``: the nearer end of the band lies within two Monte-Carlo errors, so another seed could decide otherwise.
    """

    page: str
    check: str
    model: str
    source: str
    provenance: Provenance
    published: float
    simulated: float
    mc_error: float
    band: Band
    unit: str
    passed: bool
    cause: str = ""
    text: str = ""
    why: str = ""
    kin: str = ""
    borderline: bool = False
    extra: tuple[tuple[str, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "page": self.page,
            "check": self.check,
            "source": self.source,
            "published": self.published,
            "simulated": self.simulated,
            "mc_error": self.mc_error,
            "band": list(self.band),
            "pass": self.passed,
            "model": self.model,
            "unit": self.unit,
            "provenance": self.provenance,
            "text": self.text,
            "why": self.why,
            "kin": self.kin,
            "cause": self.cause,
            "borderline": self.borderline,
            **({"extra": dict(self.extra)} if self.extra else {}),
        }


def judged(
    page: str, name: str, text: str, model: str, source: str, provenance: Provenance, published: float, found: float, band: Band,
    unit: str, why: str = "", mc_error: float = 0.0, cause: str = "not yet explained",
) -> Check:  # fmt: skip
    """A figure that passes where ``found`` lies in ``band``, borders included; ``cause`` is said of a miss alone."""
    passed = bool(band[0] <= found <= band[1])
    return Check(page, name, model, source, provenance, published, float(found), mc_error, band, unit, passed,
                 "" if passed else cause, text, why)  # fmt: skip


def near(
    page: str, name: str, text: str, model: str, source: str, provenance: Provenance, published: float, found: float,
    within: float, unit: str, why: str = "", mc_error: float = 0.0, cause: str = "not yet explained",
) -> Check:  # fmt: skip
    """A figure that passes where ``found`` is no further than ``within`` (in ``unit``) from the published one."""
    passed = bool(abs(found - published) <= within)  # not by the band, whose borders are rounded
    band = (published - within, published + within)
    return Check(page, name, model, source, provenance, published, float(found), mc_error, band, unit, passed,
                 "" if passed else cause, text, why)  # fmt: skip


def table(checks: Sequence[Check]) -> list[str]:
    """Lines of a Markdown table, a row a check."""
    head = ["| figure | unit | model | published | simulated | MC | band | verdict |", "|---|---|---|---|---|---|---|---|"]
    return [*head, *map(row, checks)]


def figure(value: float, unit: str) -> str:
    """A number as it is printed in its unit."""
    return f"{value:.1f}" if unit == "%" else f"{value:.3g}"


def row(c: Check) -> str:
    """One check as a row of a Markdown table."""
    low, high = (figure(v, c.unit) for v in c.band)
    label = "" if c.provenance == "paper" else f" ({c.provenance})"
    verdict = ("pass" if c.passed else "**MISS**") + (", borderline" if c.borderline else "") + (" ¹" if c.kin else "")
    error = figure(c.mc_error, c.unit) if c.mc_error else "-"
    return (
        f"| {c.text} | {c.unit} | {c.model} | {figure(c.published, c.unit)}{label} | {figure(c.simulated, c.unit)} | {error} | "
        f"{low} to {high} | {verdict} |"
    )
