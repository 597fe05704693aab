"""A pacemaker's timing on one page: what to set beside what is delivered, and the rhythm at the patient's peak under each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dosetwin.declare import Goal
from dosetwin.report.decision_page import decision_page
from dosetwin.report.figures import Shown
from dosetwin.report.strip import strip
from dosetwin.twins.automata import PacedHeart
from dosetwin.twins.automata.device import Pacemaker
from dosetwin.twins.automata.heart import Chance, Conduction
from dosetwin.twins.automata.run import run

PEAK, SECONDS = 150.0, 6.0
"""s into the test: within the minute at peak effort; how long a strip is."""


def rhythm(twin: PacedHeart, settings: Mapping[str, float], seed: int, title: str) -> Shown:
    """Markers of the heart that is believed in the middle, at peak effort."""
    believed = twin.believed(200, seed)
    heart = twin.heart(*(float(np.median(believed[n])) for n in ("sinus", "peak", "ante", "va")))
    programme = twin.programme.with_(settings).checked()
    trace = run(Conduction(heart, Chance(seed, 0)), Pacemaker(programme, heart.activity), 1000.0 * (PEAK + SECONDS))
    return Shown(strip(trace, 1000.0 * PEAK, 1000.0 * (PEAK + SECONDS), title), f"At peak effort, {title}", (), ())


def pacing_page(told: Mapping[str, Any], twin: PacedHeart, targets: Sequence[Goal], seed: int) -> str:
    """The page as HTML that stands alone."""
    figures = [rhythm(twin, of["settings"], seed, f"{word}: {of['order']}")
               for word, of in (("recommended", told), ("guideline", told["guideline"])) if of and of["settings"]]  # fmt: skip
    return decision_page(told, targets, figures)
