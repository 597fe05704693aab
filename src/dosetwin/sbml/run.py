"""A network's course through time: LSODA between events, every jump of a comparison found and stepped to, events in SBML's order.

This is the slower path: it carries what the compiled engine does not (triggers, changing volumes, stoichiometry by rule).
Comparisons are looked at several times in every step and their jumps are bisected to neighbouring numbers, so that a trigger
fires where it turns true.
"""

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dosetwin.errors import InputError
from dosetwin.io.sbml import SPECIES, Event, Network
from dosetwin.io.sbml_math import Expr, Unsupported, parts
from dosetwin.sbml.code import AMOUNT, RATE, Code
from dosetwin.streams import stream

if TYPE_CHECKING:
    from dosetwin.io.sbml_settings import Settings

RTOL, COARSE = 1e-9, 50.0
LOOKS = 8
"""Times within one step at which comparisons are looked at."""
LONGEST = 1 / 200
"""Of the whole course: no step is longer where there are comparisons."""
MOST_JUMPS, MOST_AT_ONCE, MOST_STEPS = 1_000_000, 5_000, 500_000


@dataclass
class _Due:
    event: int
    time: float
    values: list[float] | None
    order: int


def run(network: Network, settings: "Settings") -> list[list[float]]:
    """Rows of the variables at the settings' times, without the time.

    The course is computed twice, the second time more coarsely, comparisons looked at at other times; where the two differ
    by more than the settings allow nothing is told: a threshold was passed between two looks, or all hangs on rounding.

    Raises Unsupported (a construct or a value that cannot be honoured, a solution that ends or is not sure), InputError (a
    variable nobody has).
    """
    fine = _Run(network, settings, RTOL, LOOKS)
    rows = fine.rows()
    if fine.by_lot:  # a rounding may exchange two lots: another course, as right as this one
        return rows
    for t, row, other in zip(settings.times, rows, _Run(network, settings, COARSE * RTOL, LOOKS - 3).rows(), strict=True):
        for name, a, b in zip(settings.variables, row, other, strict=True):
            sure = a == b or (a != a and b != b) or abs(a - b) <= settings.absolute + settings.relative * abs(a)
            if not sure:
                raise Unsupported("a course that changes with the solver's steps", where=network.id or "model",
                                  value=f"{name} at time {t:g}: {a:.6g} or {b:.6g}")  # fmt: skip
    return rows


class _Run:
    def __init__(self, network: Network, settings: "Settings", rtol: float, looks: int):
        self.n, self.s, self.rtol, self.looks, self.by_lot = network, settings, rtol, looks, False
        self.where = network.id or "model"
        self.code = code = Code(network)
        outputs = [self._output(name) for name in settings.variables]
        self.changes = code.function([RATE + code.slots[i] for i in code.moving])
        self.out = code.function(outputs)
        self.holds = code.function(network.constraints)
        self.events = network.events
        self.trigger = code.function([e.trigger for e in self.events])
        self.told = [self._pieces_of(e) for e in self.events]
        triggers = [e.trigger for e in self.events]
        everything: list[Expr] = [*(RATE + code.slots[i] for i in code.moving), *outputs, *network.constraints, *triggers,
                                  *(x for e in self.events for x in _later(e))]  # fmt: skip
        self.jumps = code.switches(everything)
        self.look = code.function(self.jumps)
        self._equalities(triggers)
        # stored as concentrations: a rule says how those change
        self.ruled = [
            s for s in network.symbols.values() if s.kind == SPECIES and s.id in network.rated and not code.in_amounts(s)
        ]
        self.volumes = code.function([s.compartment for s in self.ruled])
        self.x, unknown = code.start()
        if lost := code.reads(everything) & unknown:
            raise Unsupported("a value nobody gives", where=self.where, value=", ".join(sorted(lost)))
        self.lots = stream(0, "sbml", "events of equal priority")
        self.due: list[_Due] = []
        self.count = 0
        self.was = [e.initial for e in self.events]

    def _output(self, name: str) -> Expr:
        s = self.n.symbols.get(name)
        if s is None and name not in {r.id for r in self.n.reactions}:
            raise InputError("a variable the model does not have", where="variables", value=name)
        if s is None or s.kind != SPECIES:
            return name
        if name in self.s.amount:
            return AMOUNT + name
        if name in self.s.concentration and self.code.in_amounts(s):
            if self.n.symbols[s.compartment].dimensions == 0:
                raise Unsupported("a concentration in a compartment without dimensions", where=self.where, value=name)
            return ("divide", name, s.compartment)
        return name

    def _pieces_of(self, e: Event) -> tuple[Any, Any, Any]:
        make = self.code.function
        return (make([e.delay]) if e.delay is not None else None, make([e.priority]) if e.priority is not None else None,
                make([expr for _, expr in e.assignments]))  # fmt: skip

    def _equalities(self, triggers: list[Expr]) -> None:
        """A quantity that moves equals another for no time at all: no step would ever see such a trigger true."""
        code = self.code
        every = [*triggers, *(code.defined[name] for name in code.ordered(triggers))]
        for part in (p for expr in every for p in parts(expr)):
            if part[0] in ("eq", "neq") and any(self._real(a) and code.moves(a) for a in part[1:]):
                raise Unsupported("a trigger on equality with what moves", where=self.where, value=part[0])

    def _real(self, e: Expr) -> bool:
        return not (
            isinstance(e, tuple) and e[0] in ("eq", "neq", "gt", "lt", "geq", "leq", "and", "or", "not", "xor", "implies")
        )

    def rows(self) -> list[list[float]]:
        """The course: settle at every stop, step to the next, write the rows between."""
        times, found = self.s.times, []
        if self.s.start > 0:
            times = [0.0, *times]
        end, t, k = times[-1], 0.0, 0
        self._settle(t)
        while True:
            while k < len(times) and times[k] == t:
                found.append(self._row(t))
                k += 1
            if k == len(times):
                return found[1:] if self.s.start > 0 else found
            stop = min([end, *(d.time for d in self.due)])
            # a delay that ends a rounding away from a row ends at that row
            stop = next((r for r in times[k : k + 2] if abs(r - stop) <= 4 * math.ulp(max(abs(r), 1e-300))), stop)
            for d in self.due:
                if abs(d.time - stop) <= 4 * math.ulp(stop):
                    d.time = stop
            t, k = self._advance(t, stop, times, k, found)
            self._settle(t)

    def _row(self, t: float) -> list[float]:
        if not all(self.holds(t, self.x)):
            raise Unsupported("a constraint of the model is broken", where=self.where, value=f"time {t:g}")
        return [float(v) for v in self.out(t, self.x)]

    def _advance(self, t: float, stop: float, times: list[float], k: int, found: list[list[float]]) -> tuple[float, int]:
        """To ``stop`` or to where a comparison jumps; writes the rows before that. Returns the time reached and the next row."""
        import numpy as np
        from scipy.integrate import LSODA

        x, moving = self.x, self.code.moving
        before = self.look(t, x)
        gap = (times[-1] - times[0]) / max(1, len(times) - 1)
        reach = max(min(gap, LONGEST * (times[-1] - times[0])), 1e-12 * stop) if self.jumps else math.inf
        # one still number beside what moves: LSODA needs something to step
        y = np.array([x[i] for i in moving] + [0.0])
        if not np.all(np.isfinite(y)):
            raise Unsupported("a value that is not finite and should change", where=self.where, value=f"time {t:g}")

        def slope(time: float, now: Any) -> Any:
            self._put(now)
            return np.array([*self.changes(time, x), 0.0], dtype=float)

        first = slope(t, y)
        if not np.all(np.isfinite(first)):
            name = self.code.slots[moving[int(np.argmin(np.isfinite(first)))]]
            raise Unsupported("a derivative that is not a number", where=self.where, value=f"{name} at time {t:g}")
        atol = self._absolute(np.abs(y), np.abs(first) * gap)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            solver = LSODA(slope, t, y, stop, max_step=reach, rtol=self.rtol, atol=atol)
            stuck = 0
            for _ in range(MOST_STEPS):
                told = solver.step()
                stuck = stuck + 1 if solver.step_size is not None and solver.step_size < 1e-13 * stop else 0
                if solver.status == "failed" or not np.all(np.isfinite(solver.y)) or stuck > 1000:
                    raise Unsupported(
                        "the solution cannot be followed", where=self.where, value=f"time {solver.t:g}; {told or 'not finite'}"
                    )
                course = solver.dense_output()
                old, new = float(solver.t_old), float(solver.t)  # type: ignore[arg-type]
                jump = self._jump(course, old, new, solver.y, before) if self.jumps else None
                until = new if jump is None else jump
                while k < len(times) and times[k] < until:
                    self._put(course(times[k]))
                    found.append(self._row(times[k]))
                    k += 1
                if jump is not None or solver.status == "finished":
                    self._put(solver.y if until == new else course(until))
                    self.count += jump is not None
                    if self.count > MOST_JUMPS:
                        raise Unsupported("comparisons that jump without end", where=self.where, value=f"time {until:g}")
                    return until, k
        raise Unsupported("more steps than are allowed", where=self.where, value=f"time {solver.t:g}")

    def _absolute(self, now: Any, soon: Any) -> Any:
        """Absolute tolerance of each state by its own size (amounts in mol may be 1e-13), never above what was asked for."""
        import numpy as np

        size = np.maximum(now, soon)
        some = size[(size > 0) & np.isfinite(size)]
        size = np.where(size > 0, size, some.min() if some.size else 1.0)
        return np.clip(1e-3 * self.rtol * size, 1e-28, min(1e-12, 1e-4 * self.s.absolute or 1e-12))

    def _put(self, y: Any) -> None:
        for i, v in zip(self.code.moving, y.tolist() if hasattr(y, "tolist") else y, strict=False):
            self.x[i] = v

    def _jump(self, course: Any, old: float, new: float, last: Any, before: list[Any]) -> float | None:
        """The first time within a step at which a comparison is not what it was, or None."""

        def differs(time: float) -> bool:
            self._put(last if time == new else course(time))
            return self.look(time, self.x) != before

        low = old
        for i in range(1, self.looks + 1):
            high = new if i == self.looks else old + (new - old) * i / self.looks
            if differs(high):
                while True:
                    middle = 0.5 * (low + high)
                    if not low < middle < high:
                        return high
                    if differs(middle):
                        high = middle
                    else:
                        low = middle
            low = high
        return None

    def _settle(self, t: float) -> None:
        """Triggers that turned true, and executions that are due, until nothing more happens at this moment."""
        if not self.events:
            return
        for _ in range(MOST_AT_ONCE):
            now = [bool(v) for v in self.trigger(t, self.x)]
            for i, e in enumerate(self.events):
                if now[i] and not self.was[i]:
                    delay, _, values = self.told[i]
                    wait = float(delay(t, self.x)[0]) if delay is not None else 0.0
                    if not wait >= 0:
                        raise Unsupported("a negative delay", where=self.where, value=f"{e.id}: {wait}")
                    self.count += 1
                    self.due.append(_Due(i, t + wait, values(t, self.x) if e.at_trigger else None, self.count))
                elif not now[i] and not e.persistent:
                    self.due = [d for d in self.due if d.event != i]
            self.was = now
            ready = [d for d in self.due if d.time <= t]
            if not ready:
                return
            chosen = self._next(ready, t)
            self.due.remove(chosen)
            self._execute(chosen, t)
        raise Unsupported("events that call one another without end", where=self.where, value=f"time {t:g}")

    def _next(self, ready: list[_Due], t: float) -> _Due:
        """The highest priority, of equals one by lot (L3V2, 4.11.6; the same in every run); without any the file's order."""
        ready = sorted(ready, key=lambda d: (d.time, d.event, d.order))
        ranks = [self._priority(d.event, t) for d in ready]
        best = [d for d, rank in zip(ready, ranks, strict=True) if rank == max(ranks)]
        if len(best) == 1 or max(ranks) == -math.inf:
            return best[0]
        self.by_lot = True
        return best[int(self.lots.integers(len(best)))]

    def _priority(self, event: int, t: float) -> float:
        told = self.told[event][1]
        value = float(told(t, self.x)[0]) if told is not None else -math.inf
        if value != value:
            raise Unsupported("a priority that is not a number", where=self.where, value=self.events[event].id)
        return value

    def _execute(self, due: _Due, t: float) -> None:
        """All assignments of one event: concentrations are told in the volumes before; where a volume changes, amounts stay."""
        e, code, x = self.events[due.event], self.code, self.x
        values = self.told[due.event][2](t, x) if due.values is None else due.values
        told = dict(zip((v for v, _ in e.assignments), map(float, values), strict=True))
        of_species = {v for v in told if self.n.symbols[v].kind == SPECIES}
        before = [float(v) for v in self.volumes(t, x)]
        for v in of_species:
            s = self.n.symbols[v]
            at = code.at[v if v in code.at else AMOUNT + v]
            x[at] = told[v] if v in code.at or code.in_amounts(s) else told[v] * code.function([s.compartment])(t, x)[0]
        for v in told.keys() - of_species:
            x[code.at[v]] = told[v]
        for s, old, new in zip(self.ruled, before, self.volumes(t, x), strict=True):
            if old != new:
                x[code.at[s.id]] = x[code.at[s.id]] * old / new if new else math.nan


def _later(e: Event) -> list[Expr]:
    return [x for x in (e.delay, e.priority, *(a for _, a in e.assignments)) if x is not None]
