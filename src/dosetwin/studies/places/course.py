"""One virtual ward under one arm: what is open is decided anew when the promised days are over, from what was seen until then."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise import Question, advise
from dosetwin.decide.facts import facts_at
from dosetwin.decide.played import read
from dosetwin.declare.rule import Sets
from dosetwin.errors import InputError
from dosetwin.populations.wards import VirtualWard
from dosetwin.records import Covariate, Setting
from dosetwin.twins import Trajectory
from dosetwin.twins.place import BedPool, Place, Seen, Watched
from dosetwin.twins.place.events import Rows, World, run
from dosetwin.twins.place.twin import tracks

if TYPE_CHECKING:
    from dosetwin.studies.places.design import Arm, PlaceDesign


@dataclass(frozen=True)
class Decided:
    """A number of beds; ``acceptable`` False: nothing was, and it is what came closest."""

    beds: float
    acceptable: bool = True


def follow(design: "PlaceDesign", ward: VirtualWard, arm: "Arm") -> dict[str, float]:
    """Every endpoint of a ward under an arm, read from what was true."""
    therapy, days = design.of, design.of.follows_h
    plan = [(0.0, ward.beds)]
    begins = [design.watch_h + k * days for k in range(design.periods)]
    unacceptable = 0
    for now in begins:
        found = decided(design, arm, seen(ward, played(design, ward, plan, now), plan, now, design.pool.of), now)
        unacceptable += not found.acceptable
        plan.append((now, found.beds))
    end = begins[-1] + days
    rows = played(design, ward, plan, end)
    was = Trajectory(tracks([rows], design.pool.of), 0.0, end, 1, 1, design.seed)
    twin = BedPool(design.pool, therapy=therapy)
    values = {r.key: np.array([read(was, twin, r, now)[0, 0] for now in begins]) for r in therapy.readings}
    goals = {g.code: values[g.reading.key] for g in therapy.goals}
    out = {g.code: float(g.met(goals[g.code]).mean()) for g in therapy.goals if not g.price}
    out |= {design.value(key): float(x.mean()) for key, x in values.items()}
    out["loss"] = float(sum(g.weight * g.miss(goals[g.code]) for g in therapy.goals).mean())  # type: ignore[union-attr]
    changed = sum(a[1] != b[1] for a, b in pairwise(plan))
    return out | {"changes": float(changed), "nothing_acceptable": float(unacceptable)}


def played(design: "PlaceDesign", ward: VirtualWard, plan: list[tuple[float, float]], until: float) -> Rows:
    """What happened on the ward from its empty start to ``until`` (h) under the numbers of beds of ``plan``."""
    n = int(np.searchsorted(ward.come, until))
    world = World((), (), plan[0][1])
    return run(0.0, until, [world], plan[1:], design.pool.room, [ward.come[:n]], [ward.stay[:n]])[0]


def seen(ward: VirtualWard, rows: Rows, plan: list[tuple[float, float]], now: float, of: str = "beds") -> Place:
    """What the ward's record says at ``now`` (h): everybody who came, was admitted, left or was refused by then."""
    asked, refused = (x[0][~np.isnan(rows["refused"][0][0])] for x in rows["refused"])
    waited = iter(rows["wait"][1][0][~np.isnan(rows["wait"][0][0])])
    facts: list[Any] = [Watched(0.0, now), *(Setting({of: n}, at=t) for t, n in plan)]
    for k, (came, no) in enumerate(zip(asked.tolist(), refused.tolist(), strict=True)):
        facts.append(Seen(f"v{k}", "asked", came))
        if no:
            facts.append(Seen(f"v{k}", "refused", came))
            continue
        admitted = came + float(next(waited))
        left = admitted + float(ward.stay[k])
        facts += [Seen(f"v{k}", what, t) for what, t in (("admitted", admitted), ("left", left)) if t <= now]  # type: ignore[arg-type]
    return Place(f"ward {ward.number}", tuple(facts), now=now)


def decided(design: "PlaceDesign", arm: "Arm", place: Place, now: float) -> Decided:
    """What an arm opens at ``now`` (h); rules are told the load and mean stay that the twin believes. Raises InputError."""
    therapy = design.of
    if arm.fixed is not None:
        return Decided(arm.fixed)
    question = Question(therapy, (), now=now, seed=design.seed, draws=arm.draws, sensitivity=False)
    if arm.policy == "twin":
        rec = advise(place, question).recommendation
        if rec.order:
            return Decided(float(rec.order["values"][design.pool.of]))
        # nothing keeps the promises: the best of what was tried
        closest = rec.candidates[0].regimen
        return Decided(float(closest.settings[design.pool.of]), acceptable=False)  # type: ignore[union-attr]
    rule = next(r for r in therapy.rules if arm.policy == f"rule:{r.name}")
    known = BedPool(design.pool, therapy=therapy).told(*place.facts).rules_facts(arm.draws, design.seed)
    said = rule.advise(facts_at(place.timeline(*(Covariate(now, name, x) for name, x in known.items())), now))
    if not isinstance(said, Sets):
        raise InputError("the rule says nothing", where=f"{place.name}: {rule.name}", value=str(said))
    return Decided(float(said.values[design.pool.of]))
