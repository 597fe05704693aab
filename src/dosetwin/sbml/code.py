"""A network's definitions, put in order and written out as Python functions of time and the stored values.

What a network stores (``slots``): the amount of every species that no rule determines, the value of everything else that no
assignment rule determines. Everything else is a definition. A definition that needs itself is refused.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from dosetwin.io.sbml import SPECIES, Network, Symbol
from dosetwin.io.sbml_math import TIME, Expr, Unsupported, parts, symbols
from dosetwin.sbml.functions import HELPERS, text

Function = Callable[[float, Sequence[float]], list[Any]]
AMOUNT, RATE = "amount of ", "rate of "


class Code:
    """Definitions of one network; ``function`` compiles expressions, ``start`` computes what is stored at time zero.

    ``slots`` are the names of what is stored, ``moving`` the positions of those that change between events.
    """

    def __init__(self, network: Network):
        self.network = n = network
        self.slots: list[str] = []
        self.defined: dict[str, Expr] = {}
        for s in n.symbols.values():
            if s.kind == SPECIES and s.id not in n.rated:
                if s.id in n.assigned:
                    self.defined[AMOUNT + s.id] = self._amount_of(s, s.id)
                else:
                    self.slots.append(AMOUNT + s.id)
                    self.defined[s.id] = self._value_of(s, AMOUNT + s.id)
            elif s.id not in n.assigned:
                self.slots.append(s.id)
                if s.kind == SPECIES:
                    self.defined[AMOUNT + s.id] = self._amount_of(s, s.id)
            if s.id in n.assigned:
                self.defined[s.id] = n.assigned[s.id]
        self._rates()
        self.at = {name: i for i, name in enumerate(self.slots)}
        self.moving = [i for i, name in enumerate(self.slots) if self.defined[RATE + name] != 0.0]

    def in_amounts(self, s: Symbol) -> bool:
        """Whether a species' symbol means its amount."""
        return s.only_substance or self.network.symbols[s.compartment].dimensions == 0

    def _value_of(self, s: Symbol, amount: Expr) -> Expr:
        return amount if self.in_amounts(s) else ("divide", amount, s.compartment)

    def _amount_of(self, s: Symbol, value: Expr) -> Expr:
        return value if self.in_amounts(s) else ("times", value, s.compartment)

    def _rates(self) -> None:
        """The derivative of every slot and symbol; reactions' rates."""
        n = self.network
        flows: dict[str, list[Expr]] = {}
        for r in n.reactions:
            if r.rate is not None:
                self.defined[r.id] = r.rate
            for p in r.parts:
                s = n.symbols[p.species]
                if s.boundary or s.constant or s.id in n.rated or s.id in n.assigned:
                    continue
                if r.rate is None:
                    raise Unsupported("a reaction without a kinetic law", where=n.id or "model", value=r.id)
                flow: Expr = r.id if p.times == 1.0 else ("times", p.times, r.id)
                if factor := s.conversion or n.conversion:
                    flow = ("times", flow, factor)
                if p.sign < 0:
                    flow = ("minus", flow)
                flows.setdefault(s.id, []).append(flow)
        for s in n.symbols.values():
            if s.id in n.assigned:
                continue
            if s.id in n.rated:
                self.defined[RATE + s.id] = n.rated[s.id]
            elif s.kind == SPECIES:
                gained = flows.get(s.id, [])
                self.defined[RATE + AMOUNT + s.id] = ("plus", *gained) if gained else 0.0
                self.defined[RATE + s.id] = self._change(s)
            else:
                self.defined[RATE + s.id] = 0.0

    def _change(self, s: Symbol) -> Expr:
        """d(amount / V)/dt of a species that reactions change."""
        amount = RATE + AMOUNT + s.id
        if self.in_amounts(s):
            return amount
        return ("divide", ("minus", amount, ("times", s.id, RATE + s.compartment)), s.compartment)

    def start(self) -> tuple[list[float], set[str]]:
        """What is stored at time zero, and the names of slots nobody gave a value."""
        n, slots = self.network, self.slots
        first = dict(self.defined)
        given: dict[str, Expr] = {}
        for s in n.symbols.values():
            if s.id in n.assigned:
                continue
            stored = AMOUNT + s.id if AMOUNT + s.id in self.at else s.id
            expr: Expr = n.initial.get(s.id, math.nan if s.value is None else s.value)
            if s.kind != SPECIES:
                given[s.id] = expr
                continue
            concentration = s.is_concentration if s.id not in n.initial else not self.in_amounts(s)
            amount = ("times", expr, s.compartment) if concentration else expr
            if stored == s.id:
                given[s.id] = amount if self.in_amounts(s) else expr if concentration else ("divide", expr, s.compartment)
            else:
                given[stored] = amount
                if s.id in n.initial:  # what it is told to be, not what comes out of multiplying and dividing by a volume
                    first[s.id] = expr
        values = self._written(slots, first | given, {})(0.0, [])
        unknown = {name for name in slots if (s := n.symbols[name.removeprefix(AMOUNT)]).value is None and s.id not in n.initial}
        return [float(v) for v in values], unknown

    def function(self, wanted: Iterable[Expr]) -> Function:
        """A function (t, stored) -> values of the expressions, in their order."""
        return self._written(list(wanted), self.defined, self.at)

    def _written(self, wanted: list[Expr], defined: dict[str, Expr], at: dict[str, int]) -> Function:
        order = self.ordered(wanted, defined, at)
        names = {name: f"v{i}" for i, name in enumerate(order)} | {name: f"x[{i}]" for name, i in at.items()}
        scope: dict[str, Any] = dict(HELPERS)
        try:
            lines = [f"    {names[name]} = {text(defined[name], names)}" for name in order]
            source = "\n".join(["def f(t, x):", *lines, f"    return [{', '.join(text(w, names) for w in wanted)}]"])
            exec(
                compile(source, "<sbml>", "exec"), scope
            )  # only operators of a closed list, numbers and v0, v1, ...: functions.py
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise Unsupported(
                "an expression that is nested too deep", where=self.network.id or "model", value=str(error)
            ) from None
        return scope["f"]

    def ordered(
        self, wanted: Iterable[Expr], defined: dict[str, Expr] | None = None, at: dict[str, int] | None = None
    ) -> list[str]:
        """Names of the definitions that expressions need, each after those it needs.

        Raises Unsupported for one that needs itself and for a derivative of what an assignment rule or a reaction determines.
        """
        defined, at = self.defined if defined is None else defined, self.at if at is None else at
        done: dict[str, bool] = {}
        order: list[str] = []
        todo = [(name, False) for expr in wanted for name in symbols(expr)]
        todo.reverse()
        while todo:
            name, ready = todo.pop()
            if ready:
                done[name] = True
                order.append(name)
                continue
            if name == TIME or name in at or done.get(name):
                continue
            if name in done:
                raise Unsupported(
                    "a value that depends on itself (an algebraic loop)", where=self.network.id or "model", value=name
                )
            if name not in defined:
                what = (
                    "rateOf of what a rule or a reaction determines"
                    if name.startswith(RATE)
                    else "a reaction without a kinetic law"
                )
                raise Unsupported(what, where=self.network.id or "model", value=name.removeprefix(RATE))
            done[name] = False
            todo.append((name, True))
            todo += [(other, False) for other in symbols(defined[name])]
        return order

    def reads(self, wanted: Iterable[Expr]) -> set[str]:
        """Names of the slots that expressions depend on, through every definition, and `TIME`."""
        wanted = list(wanted)
        every = [*wanted, *(self.defined[name] for name in self.ordered(wanted))]
        return {name for expr in every for name in symbols(expr) if name in self.at or name == TIME}

    def moves(self, expr: Expr) -> bool:
        """Whether an expression can change between two events."""
        moving = {self.slots[i] for i in self.moving} | {TIME}
        return bool(self.reads([expr]) & moving)

    def switches(self, wanted: Iterable[Expr]) -> list[Expr]:
        """Every comparison and rounding in expressions and what they need: where one of them jumps, a solution has a kink."""
        wanted = list(wanted)
        found: dict[Expr, None] = {}
        for expr in (*wanted, *(self.defined[name] for name in self.ordered(wanted))):
            for part in parts(expr):
                if part[0] in ("gt", "lt", "geq", "leq"):
                    found |= dict.fromkeys((part[0], a, b) for a, b in pairwise(part[1:]))
                elif part[0] in ("eq", "neq"):
                    found |= dict.fromkeys(("gt", a, b) for a, b in pairwise(part[1:]))
                elif part[0] in ("floor", "ceiling", "abs", "max", "min", "rem", "quotient"):
                    found |= dict.fromkeys(_kinks(part))
        return [s for s in found if self.moves(s)]


def _kinks(part: tuple) -> list[Expr]:
    op, *a = part
    if op in ("floor", "ceiling"):
        return [part]
    if op == "abs":
        return [("gt", a[0], 0.0)]
    if op in ("rem", "quotient") and len(a) == 2:
        return [("quotient", *a)]
    return [("gt", x, y) for x, y in pairwise(a)] if op in ("max", "min") else []
