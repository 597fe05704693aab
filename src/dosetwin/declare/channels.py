"""What a random effect may be told from outside, by name: which physiology it is, within which limits, and who has read what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

COMPONENTS = 3
"""Standard normal random effects a told course rests on: three hold 93-95 % of its variance over the days (docs/kidney.md)."""


@dataclass(frozen=True)
class Channel:
    """A physiology that several models share, as the log of its ratio to that of the typical patient.

    ``sd`` between patients; ``low``, ``high`` limits of the log ratio, whoever tells it. ``read``: what those who tell it have
    read already; a model that is told does not predict it any more, and a model that takes it as a covariate cannot be told.
    ``apart``: covariates whose effect on this physiology is not that on a drug; where a model reads one, it has an effect of its
    own for it, and what is told leaves it out. ``by`` in a word who tells it (a told model is called ``MODEL_by``); ``column``
    the covariate that carries the course: a mean and ``COMPONENTS`` loadings a row. ``adds``: what is told comes on top of a
    model's effect, which stays all its own (``sd`` 0: without a course nothing is added).
    """

    name: str
    text: str
    by: str
    column: str
    sd: float
    low: float
    high: float
    read: tuple[str, ...]
    apart: tuple[str, ...]
    source: str
    adds: bool = False

    def columns(self, sd: float | None = None, own: Collection[str] | None = None) -> tuple[str, ...]:
        """Covariates that carry a course, mean then loadings, for models whose effect has this ``sd`` (default: the channel's)
        and which read these ``own`` of ``apart`` (default: all)."""
        has = [own is None or name in own for name in self.apart]
        if (sd is None or abs(sd - self.sd) < 1e-9) and all(has):
            return (self.column, *(f"{self.column}{k + 1}" for k in range(COMPONENTS)))
        base = f"{self.column}_{1000.0 * (sd or self.sd):.0f}_{''.join('01'[h] for h in has)}"
        return (base, *(f"{base}_{k + 1}" for k in range(COMPONENTS)))


FILTRATION = Channel(
    "filtration", "filtration of the kidney over that of the typical newborn of the same gestation, weight and age", "kidney",
    "KIDNEY", 0.22, -1.6094379124341003, 1.0986122886681098, ("SCR",), ("IBU", "COOLING", "ASPHYXIA"),
    "SD: its share of De Cock's 0.30 for clearance (assumed; Wu 2024: 0.30 at birth); 0.2 to 3 times typical: assumed, the "
    "limits of the kinetic GFR",
)  # fmt: skip

CLEARANCE = Channel(
    "clearance", "clearance over that without the other drugs", "beside", "BESIDE", 0.0, -2.302585092994046, 1.791759469228055,
    (), (), "a tenth to six times: assumed, wider than any interaction declared here", adds=True,
)  # fmt: skip

CHANNELS: Mapping[str, Channel] = {c.name: c for c in (FILTRATION, CLEARANCE)}
"""Name -> channel: what ``Eta(..., told=NAME)`` may say."""
