"""A model of the body read as two compartments: its own parameters as CL, V1, Q, V2, its states as fast or slow amounts."""

from collections.abc import Mapping, Sequence

import numpy as np

from dosetwin.errors import InputError

FAST = ("blood", "kidney", "rest", "central")
SLOW = ("tissue", "peripheral")
"""States of the structures here: mixed within minutes (a flow-limited body is one fast compartment), or not."""


def fast_and_slow(states: Sequence[str]) -> tuple[list[int], list[int]]:
    """Places of a model's states that belong to the fast and to the slow compartment."""
    return [i for i, name in enumerate(states) if name in FAST], [i for i, name in enumerate(states) if name in SLOW]


def two_compartments(name: str, inside: Mapping[str, np.ndarray]) -> np.ndarray:
    """[K, s, 4] CL, V1, Q, V2 from the own parameters [K, s] of the model called ``name``. Raises InputError for a form that has
    no such reading."""
    if {"CL", "V1", "Q", "V2"} <= set(inside):
        names = [inside[k] for k in ("CL", "V1", "Q", "V2")]
    elif {"CL", "VB", "VK", "VR", "PS", "VT"} <= set(inside):
        names = [inside["CL"], inside["VB"] + inside["VK"] + inside["VR"], inside["PS"], inside["VT"]]
    elif {"CL", "V"} <= set(inside):
        # one compartment: a second one too small to matter
        names = [inside["CL"], inside["V"], 1e-6 * inside["CL"], 1e-6 * inside["V"]]
    else:
        raise InputError("look-ahead needs a model of one or two compartments", where=name, value=", ".join(inside))
    return np.stack(names, axis=2)
