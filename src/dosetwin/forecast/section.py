"""What a forecast that is in use says for itself: sentences, panels of a figure, a table. Pages and prints loop over sections."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Panel:
    """One quantity ahead of now: ``name`` as records or a model's parameters call it, ``text`` in words.

    ``hours`` [n] from now and ``quantiles`` [n, 5] (5, 25, 50, 75, 95 %) in ``unit``; ``measured`` (h from now, value) so far;
    ``odd``: it is what is warned of; ``by_model``: the model in use predicts it itself, and these are its numbers.
    """

    name: str
    text: str
    unit: str
    hours: np.ndarray
    quantiles: np.ndarray
    measured: tuple[tuple[float, float], ...] = ()
    odd: bool = False
    by_model: bool = False


@dataclass(frozen=True)
class Heard:
    """A measurement that the forecast was told (or left unused), ``time`` h on the timeline's clock, beside the median it
    ``expected`` and the ``percentile`` of what was measured there (None: not judged); the ``verdict`` in words."""

    time: float
    name: str
    value: float
    record: str
    verdict: str
    odd: bool = False
    expected: float | None = None
    percentile: float | None = None


@dataclass(frozen=True, eq=False)
class Section:
    """All of one forecast. ``code`` its short name, ``name`` the same as a heading, ``title`` of its part of a report.

    ``used`` which of its kinds is in use; ``lines`` what it expects; ``said`` that it warns, or that it does not (``warns``);
    ``flag`` the warning in two words and ``remedy`` what to do about it. ``head`` and ``rows`` its table with its ``caption``,
    ``note`` what stands under the figure. ``heard`` the measurements it was told and ``heard_as`` how these were judged.
    """

    code: str
    name: str
    title: str
    used: str
    lines: tuple[str, ...]
    said: str
    warns: bool
    flag: str
    remedy: str
    panels: tuple[Panel, ...]
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    heard: tuple[Heard, ...] = ()
    heard_as: str = ""
