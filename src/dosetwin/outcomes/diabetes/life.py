"""Years of people with type 2 diabetes, each lived once: what happened in which year, and who died (UKPDS-OM2, a year a step)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dosetwin import streams
from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import EVENTS, FACTORS, believable, predictor, terms, within_a_year

AGAIN = {"infarction": "infarction_again", "stroke": "stroke_again", "amputation": "amputation_again"}
"""Events that have an equation of their own for the second time; the others are counted once."""


@dataclass(frozen=True, eq=False)
class Lives:
    """``happened`` [n, years, events] bool in the order of ``EVENTS``; ``died`` [n] year of death from 0, or ``years``."""

    happened: np.ndarray
    died: np.ndarray
    before: np.ndarray
    """[n, events] bool: had before the first year."""

    @property
    def years(self) -> int:
        """Years that were followed."""
        return self.happened.shape[1]

    @property
    def alive(self) -> np.ndarray:
        """[n, years] bool: alive when the year began."""
        return np.arange(self.years) <= self.died[:, None]

    def share(self, event: str) -> np.ndarray:
        """[years] share of people in whom the event has happened by the end of each year."""
        seen = self.happened[:, :, EVENTS.index(event)]
        return np.logical_or.accumulate(seen, axis=1).mean(axis=0)

    def dead(self) -> np.ndarray:
        """[years] share of people who have died by the end of each year."""
        return (self.died[:, None] <= np.arange(self.years)).mean(axis=0)


def live(
    people: Mapping[str, np.ndarray],
    paths: Mapping[str, np.ndarray] | None = None,
    had: Mapping[str, np.ndarray] | None = None,
    *,
    years: int = 10,
    seed: int = 1,
    first: int = 0,
) -> Lives:
    """Live ``years`` years.

    ``people`` factor -> [n] at the beginning (``FACTORS``); ``paths`` factor -> [n, years], where it moves; ``had`` event -> [n]
    bool, what happened before. Person ``i`` draws the numbers of ``first + i``: the same life whoever else is in the table, and
    the same luck under another plan. Events of a year come in an order drawn for each person, and one may raise the chance of the
    next; death is drawn last, from what was had before the year and what happened in it. Raises InputError for what nobody has.
    """
    people = {k: np.atleast_1d(np.asarray(v, dtype=float)) for k, v in people.items()}
    believable(people)
    if not 1 <= years <= 80:
        raise InputError("years that can be lived", where="years", value=years, allowed="1 to 80")
    n = len(people["DURATION"])
    moved = {k: np.broadcast_to(np.asarray(v, dtype=float), (n, years)) for k, v in (paths or {}).items()}
    if strange := sorted({*moved} - {*FACTORS}) or sorted({*(had or {})} - {*EVENTS}):
        raise InputError("not known", where="paths, had", value=strange[0], allowed=", ".join((*FACTORS, *EVENTS)))
    before = np.zeros((n, len(EVENTS)), dtype=bool)
    for event, value in (had or {}).items():
        before[:, EVENTS.index(event)] = value
    draws = streams.uniforms(seed, "years of type 2 diabetes", first + np.arange(n), years * (2 * len(EVENTS) + 1))
    draws = draws.reshape(n, years, -1)
    history, alive = before.copy(), np.ones(n, dtype=bool)
    happened, died = np.zeros((n, years, len(EVENTS)), dtype=bool), np.full(n, years)
    for year in range(years):
        now = {k: moved[k][:, year] if k in moved else v for k, v in people.items()}
        of = terms({**now, "DURATION": people["DURATION"] + year})
        event = _events(of, history, alive, draws[:, year, : len(EVENTS)], draws[:, year, len(EVENTS) : -1])
        dies = alive & (draws[:, year, -1] < _death(of, history, event))
        happened[:, year], history = event, history | event
        died[dies], alive = year, alive & ~dies
    return Lives(happened, died, before)


def _events(of: Mapping[str, np.ndarray], history: np.ndarray, alive: np.ndarray, order: np.ndarray, u: np.ndarray) -> np.ndarray:
    """[n, events] bool: what happens in a year, one event after the other in each person's own order."""
    event = np.zeros_like(history)
    turns = np.argsort(order, axis=1)
    for turn in range(len(EVENTS)):
        for k, name in enumerate(EVENTS):
            who = np.flatnonzero((turns[:, turn] == k) & alive)
            if not len(who):
                continue
            own = {t: v[who] for t, v in of.items()}
            seen = history[who] | event[who]
            own |= {f"had_{e}": seen[:, i].astype(float) for i, e in enumerate(EVENTS)}
            event[who, k] = u[who, k] < _chance(name, own, history[who, k])
    return event


def _chance(name: str, of: Mapping[str, np.ndarray], had: np.ndarray) -> np.ndarray:
    """Chance of an event within the year: the first time, or again where it has an equation for that."""

    def p(equation: str) -> np.ndarray:
        return within_a_year(equation, predictor(equation, of), of)

    if name == "infarction":
        first = np.where(of["FEMALE"] == 1.0, p("infarction_women"), p("infarction_men"))
    elif name == "amputation":
        first = np.where(of["had_ulcer"] == 1.0, p("amputation_after_ulcer"), p("amputation"))
    else:
        first = p(name)
    return np.where(had, p(AGAIN[name]) if name in AGAIN else 0.0, first)


def _death(of: Mapping[str, np.ndarray], history: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Chance of death in the year: four equations, by what was had before and what happened in the year."""
    full = {f"had_{e}": history[:, i].astype(float) for i, e in enumerate(EVENTS)}
    full |= {f"now_{e}": event[:, i].astype(float) for i, e in enumerate(EVENTS)}
    k = EVENTS.index("amputation")
    full["now_amputation_again"] = (event[:, k] & history[:, k]).astype(float)
    full["now_amputation"] = (event[:, k] & ~history[:, k]).astype(float)
    full = {**of, **full}
    had, now = history.any(axis=1), event.any(axis=1)

    def p(equation: str) -> np.ndarray:
        return within_a_year(equation, predictor(equation, full), full)

    return np.where(
        now, np.where(had, p("death_another_event"), p("death_first_event")), np.where(had, p("death_after"), p("death"))
    )
