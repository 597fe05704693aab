"""A chunk of a trial on newborns: every arm of its babies as a table, one row per baby and arm."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.populations.newborn.newborns import ORGANISMS
from dosetwin.studies.newborn_sepsis.arms import Chunk, dosed
from dosetwin.studies.newborn_sepsis.design import Design
from dosetwin.studies.newborn_sepsis.endpoints import ENDPOINTS
from dosetwin.studies.newborn_sepsis.scoring import World, scored, world

if TYPE_CHECKING:
    import pyarrow as pa


def table(design: Design, first: int, n: int) -> "pa.Table":
    """Every arm of a chunk's babies: one row per baby and arm, ordered by baby, then arm as in the design."""
    of = world(design, first, n)
    babies = Chunk(of)
    frames: list[dict[str, list[Any]]] = []
    who_of: list[np.ndarray] = []
    for place, arm in enumerate(design.arms):
        made = dosed(babies, arm)
        frame = _columns(of, made.who, made.given)
        frame |= {"arm": [arm.name] * len(made.who), "place": [place] * len(made.who), "failure": [""] * len(made.who)}
        frames.append(frame)
        who_of.append(made.who)
        if made.failed:
            frames.append(_failures(of, made.failed, arm.name, place))
            who_of.append(np.array(sorted(made.failed)))
    return _table(of, frames, who_of)


def _columns(of: World, who: np.ndarray, given: Any) -> dict[str, list[Any]]:
    if not len(who):
        return {name: [] for name in (*ENDPOINTS, "dose_h", "dose_mg", "peak", "trough", "next_due_h")}
    result = scored(of, given, who)
    count = given.count
    columns: dict[str, list[Any]] = {name: values.tolist() for name, values in result.endpoints.items()}
    for name, values in (
        ("dose_h", given.time), ("dose_mg", given.mg), ("peak", result.values.peak), ("trough", result.values.trough),
    ):  # fmt: skip
        columns[name] = [values[i, : count[i]].tolist() for i in range(len(who))]
    columns["next_due_h"] = given.due.tolist()
    return columns


def _failures(of: World, failed: dict[int, str], arm: str, place: int) -> dict[str, list[Any]]:
    m = len(failed)
    empty: dict[str, list[Any]] = {name: [float("nan")] * m for name in (*ENDPOINTS, "next_due_h")}
    empty |= {name: [[] for _ in range(m)] for name in ("dose_h", "dose_mg", "peak", "trough")}
    return empty | {"arm": [arm] * m, "place": [place] * m, "failure": [failed[i] for i in sorted(failed)]}


def _table(of: World, frames: list[dict[str, list[Any]]], who_of: list[np.ndarray]) -> "pa.Table":
    import pyarrow as pa

    who = np.concatenate(who_of)
    columns = {name: [x for frame in frames for x in frame[name]] for name in frames[0]}
    b = of.babies
    facts: dict[str, np.ndarray] = {
        "baby": b.number, "GA": b.GA, "BW": b.BW, "WT": b.WT, "PNA": b.PNA, "male": b.male.astype(bool),
        "condition": b.condition.astype(str), "changing": np.isfinite(b.injury[:, 0]),
        "organism": np.array(ORGANISMS)[b.organism], "MIC": of.infections.MIC, "SCR": of.bodies.SCR[:, 0],
    }  # fmt: skip
    order = np.lexsort((np.array(columns["place"]), who))
    data: dict[str, Any] = {name: pa.array(values[who[order]]) for name, values in facts.items()}
    data["arm"] = pa.array([columns["arm"][i] for i in order])
    for name, values in columns.items():
        if name in ("arm", "place"):
            continue
        kind = pa.list_(pa.float64()) if name in ("dose_h", "dose_mg", "peak", "trough") else None
        kind = kind or (pa.string() if name == "failure" else pa.float64())
        data[name] = pa.array([values[i] for i in order], type=kind)
    return pa.table(data)
