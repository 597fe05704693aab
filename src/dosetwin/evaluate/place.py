"""Would the twin have foretold past days of a place? Who comes in each day and what is taken at its end, from what came before.

For the day that begins at t everything later than t is hidden. ``a_priori`` believes what the pool declares before anything is
seen, ``a_posteriori`` what was learned by t; both start from those in bed and waiting at t, with the beds open then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dosetwin.declare import Therapy
from dosetwin.errors import InputError
from dosetwin.evaluate.replay import Forecast, summarize
from dosetwin.records import Setting
from dosetwin.streams import stream
from dosetwin.twins.place import BedPool, Known, Place
from dosetwin.twins.place.belief import Drawn, arrived, drawn

What = Literal["taken", "arrivals"]
DAY = 24.0
TEXT = {"taken": "{of} taken at the end of the day", "arrivals": "people who come in the day"}


@dataclass(frozen=True, eq=False)
class Unlearned(BedPool):
    """The same pool and people in it, believed as declared before anything was seen."""

    def believed(self, draws: int, seed: int) -> Drawn:
        """Draws of the arrivals and stays as declared."""
        return drawn(self.pool, Known(), draws, seed)


@dataclass(frozen=True)
class PlaceReplay:
    """Forecasts of every watched day of a place after the first."""

    place: str
    therapy: str
    measures: What
    seed: int
    draws: int
    forecasts: tuple[Forecast, ...]
    of: str = "beds"

    def to_json(self, *, forecasts: bool = False) -> dict[str, Any]:
        """The machine-readable contract; percentages in %, rmse in people. ``forecasts`` adds every single forecast."""
        found = summarize(self.forecasts).to_json()
        text = TEXT[self.measures].format(of=self.of)
        out = {"place": self.place, "therapy": self.therapy, "measures": self.measures, "text": text, "seed": self.seed,
               "draws": self.draws, "n_days": found.pop("n_levels"), **found}  # fmt: skip
        return out | {"forecasts": [dict(vars(f)) for f in self.forecasts]} if forecasts else out


def replay_place(
    therapy: Therapy, place: Place, *, seed: int, draws: int = 500, measures: What = "taken",
    progress: Callable[[int, int], None] | None = None,
) -> PlaceReplay:  # fmt: skip
    """Forecast every watched day after the first from what was known when it began.

    Raises InputError: a therapy of no place, an unknown measure, or no whole watched day after a first one.
    """
    if therapy.kind != "place" or therapy.pool is None:
        raise InputError("the therapy is of no place", where=f"therapy {therapy.name}", value=therapy.kind, allowed="place")
    if measures not in get_args(What):
        raise InputError("nothing of a place is called so", where="--measures", value=measures, allowed=", ".join(get_args(What)))
    whole = Known().told(*place.facts)
    begins = [a + DAY * k for a, b in whole.watched for k in range(1, int((b - a) // DAY))]
    if not begins:
        raise InputError("no day could be foretold", where=place.name, allowed="a watch of two days and more",
                         remedy='say since when everybody is in the list: "watched": [[0, 720]]')  # fmt: skip
    found = []
    for k, begin in enumerate(begins):
        found.append(_day(therapy, place, whole, begin, k + 1, measures, draws, seed))
        if progress:
            progress(k + 1, len(begins))
    return PlaceReplay(place.name, therapy.name, measures, seed, draws, tuple(found), therapy.pool.of)


def _day(
    therapy: Therapy, place: Place, whole: Known, begin: float, number: int, measures: What, draws: int, seed: int
) -> Forecast:
    assert therapy.pool is not None
    known = Known().told(*place.until(begin).facts)
    if not known.settings:
        raise InputError(f"how many {therapy.pool.of} were open is not known", where=f"{place.name}, {begin:g} h",
                         remedy=f'say it: "{therapy.pool.of}": [[0, 12]]')  # fmt: skip
    order, end = Setting(dict(known.settings[-1].values), at=begin), begin + DAY
    came = sum(begin <= t < end for v in whole.visits if (t := arrived(v)) is not None)
    there = sum(v.admitted is not None and v.admitted <= end and (v.left is None or v.left > end) for v in whole.visits)
    observed = float(there if measures == "taken" else came)
    own = int(stream(seed, "replay", place.name, number).integers(2**31))
    values = [_foretold(twin(therapy.pool, known), order, begin, end, measures, draws, own) for twin in (Unlearned, BedPool)]
    points = [float(np.median(v)) for v in values]
    pits = [float((v < observed).mean() + 0.5 * (v == observed).mean()) for v in values]
    (low, high), own = (np.quantile(v, (0.05, 0.95)).tolist() for v in values)
    return Forecast(
        subject=place.name, record=f"day {number}", time=begin, measures=measures, number=number, earlier=len(known.visits),
        observed=observed, blq=False, prior=points[0], updated=points[1], prior_pit=pits[0], updated_pit=pits[1],
        ess=float(draws), method="draws",
        prior_low=low, prior_high=high, updated_low=own[0], updated_high=own[1],
    )  # fmt: skip


def _foretold(twin: BedPool, order: Setting, begin: float, end: float, measures: What, draws: int, seed: int) -> np.ndarray:
    """What each draw foretells [draws]; the last moment lies just before the end of what is played."""
    played = twin.play([order], end + 1e-6, draws=draws, seed=seed)
    return played.read("refused", "count", begin, end)[0] if measures == "arrivals" else played.read("taken", "at", end)[0]


__all__: Sequence[str] = ["PlaceReplay", "replay_place"]
