"""A network as a model file of the house: what the compiled engine runs, readable, with units, names and MIRIAM identifiers.

What never changes becomes a typical value, what changes a state; the model's own time stands where the house has hours. Events
and values the engine has no place for are refused by name: `dosetwin sbml` runs those.
"""

import keyword
import math
import re
from collections.abc import Iterator

from dosetwin.errors import one_line
from dosetwin.io.sbml import SPECIES, Network
from dosetwin.io.sbml_math import TIME, Expr, Unsupported
from dosetwin.sbml.code import AMOUNT, RATE, Code
from dosetwin.sbml.functions import text

_MATH = ("acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "exp", "floor", "fmod", "gamma", "inf", "log",
         "log10", "nan", "sin", "sinh", "sqrt", "tan", "tanh", "trunc")  # fmt: skip
_TAKEN = {*_MATH, "A", "p", "t", "cov", "eta", "theta", "state", "output", "parameters", "individual", "initial", "dynamics",
          "observe", "model", "count", "index", "abs", "max", "min", "Annotated", "NamedTuple", "Amount", "Output", "Reference",
          "Theta", "proportional", "REFERENCE", "RESOURCES", "UNKNOWN", "MODEL"}  # fmt: skip
_FORMS = {
    "divide": "({0} / {1})", "power": "({0} ** {1})", "ln": "log({0})", "exp": "exp({0})", "abs": "abs({0})",
    "floor": "floor({0})",
    "ceiling": "ceil({0})", "factorial": "gamma({0} + 1.0)", "quotient": "trunc({0} / {1})", "rem": "fmod({0}, {1})",
    "sin": "sin({0})", "cos": "cos({0})", "tan": "tan({0})", "sinh": "sinh({0})", "cosh": "cosh({0})", "tanh": "tanh({0})",
    "sec": "(1.0 / cos({0}))", "csc": "(1.0 / sin({0}))", "cot": "(1.0 / tan({0}))", "arcsin": "asin({0})", "arccos": "acos({0})",
    "sech": "(1.0 / cosh({0}))", "csch": "(1.0 / sinh({0}))", "coth": "(1.0 / tanh({0}))", "arctan": "atan({0})",
    "arcsinh": "asinh({0})", "arccosh": "acosh({0})", "arctanh": "atanh({0})", "arcsec": "acos(1.0 / {0})",
    "arccsc": "asin(1.0 / {0})", "arccot": "atan(1.0 / {0})", "arcsech": "acosh(1.0 / {0})", "arccsch": "asinh(1.0 / {0})",
    "arccoth": "atanh(1.0 / {0})",
}  # fmt: skip


def _plain(words: str) -> str:
    """Words that can stand in a docstring or a comment."""
    return " ".join(one_line(words).split()).replace('"', "'").replace("\\", "/")


def _call(op: str, s: list[str]) -> str:
    if op == "root":
        return f"sqrt({s[0]})" if len(s) == 1 else f"({s[1]} ** (1.0 / {s[0]}))"
    if op == "log":
        return f"log10({s[0]})" if len(s) == 1 else f"(log({s[1]}) / log({s[0]}))"
    return f"{op}({', '.join(s)})" if op in ("max", "min") else _FORMS[op].format(*s)


def model_file(network: Network, source: str) -> str:
    """Text of a model file; ``source`` names the file it came from.

    Raises Unsupported for what the compiled engine has no place for (events, constraints) or nobody gives a value for.
    """
    return _Writer(network, source).text()


class _Writer:
    def __init__(self, network: Network, source: str):
        self.n, self.source, self.where = network, source, network.id or source
        for what, there in (("events", network.events), ("constraints", network.constraints)):
            if there:
                raise Unsupported(f"{what}, which a model file has no place for", where=self.where,
                                  value=", ".join(e.id for e in network.events), remedy="dosetwin sbml runs them")  # fmt: skip
        self.code = code = Code(network)
        if not code.moving:
            raise Unsupported("a model in which nothing changes but by rules", where=self.where)
        self.values, unknown = code.start()
        self.moving = [code.slots[i] for i in code.moving]
        self.shown = [s.id for s in network.symbols.values()
                      if (s.kind == SPECIES and (s.id in network.assigned or s.id in code.at or AMOUNT + s.id in self.moving))
                      or s.id in network.assigned or s.id in self.moving]  # fmt: skip
        self.rates = [RATE + name for name in self.moving]
        needed = code.reads([*self.rates, *self.shown])
        self.fixed = [s for s in code.slots if s in needed and s not in self.moving]
        if lost := (needed | set(self.moving)) & unknown:
            raise Unsupported("a value nobody gives", where=self.where, value=", ".join(sorted(lost)))
        if bad := [s for s in (*self.fixed, *self.moving) if not math.isfinite(self.values[code.at[s]])]:
            raise Unsupported("a value that is not a finite number", where=self.where, value=", ".join(bad))
        self.clock = TIME in code.reads(self.shown) or TIME in code.reads(self.rates)
        self.taken = set(_TAKEN)
        self.field = {s: self._name(s.removeprefix(AMOUNT)) for s in (*self.moving, *self.fixed)}
        self.started = {s: self._name(f"{self.field[s]}_0") for s in self.moving}
        self.ticks = self._name("elapsed") if self.clock else ""
        self.local = {d: self._name(self._word(d)) for d in code.ordered([*self.rates, *self.shown])}
        self.output = {s: self._name(s) if s not in self.field.values() else s for s in self.shown}

    def _word(self, name: str) -> str:
        return name.replace(AMOUNT, "amount_").replace(RATE, "rate_")

    def _name(self, wanted: str) -> str:
        """An identifier nobody has yet, as near to the wanted as can be."""
        name = f"x{wanted}" if wanted.startswith("_") or keyword.iskeyword(wanted) else wanted
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def _names(self) -> dict[str, str]:
        names = dict(self.local) | {s: f"A.{self.field[s]}" for s in self.moving} | {s: f"p.{self.field[s]}" for s in self.fixed}
        return names | {TIME: f"A.{self.ticks}" if self.clock else "t"}

    def _lines(self, wanted: list[Expr]) -> list[str]:
        names = self._names()
        return [f"    {self.local[d]} = {self._text(self.code.defined[d], names)}" for d in self.code.ordered(wanted)]

    def _text(self, e: Expr, names: dict[str, str]) -> str:
        return text(e, names, _call)

    def _about(self, slot: str) -> tuple[str, str]:
        """Unit and words of what is stored."""
        s = self.n.symbols[slot.removeprefix(AMOUNT)]
        words = s.name or s.id
        return s.unit or "1", f"{s.kind} {words}" + (", amount" if slot.startswith(AMOUNT) else "")

    def _tables(self) -> Iterator[str]:
        code, n = self.code, self.n
        yield "class theta(NamedTuple):"
        for s in self.fixed:
            unit, words = self._about(s)
            yield f"    {self.field[s]}: Annotated[float, Theta({unit!r}, {words!r})] = {self.values[code.at[s]]!r}"
        for s in self.moving:
            unit, words = self._about(s)
            words += " at the start"
            yield f"    {self.started[s]}: Annotated[float, Theta({unit!r}, {words!r})] = {self.values[code.at[s]]!r}"
        yield from ("", "", "class eta(NamedTuple):", '    """No spread between subjects: the file knows one."""')
        yield from (
            "",
            "",
            "class cov(NamedTuple):",
            '    """Nothing is asked of a subject."""',
            "",
            "",
            "class output(NamedTuple):",
        )
        for name in self.shown:
            s = n.symbols[name]
            amount = s.kind != SPECIES or code.in_amounts(s)
            unit = s.unit if amount else f"({s.unit or '1'}) / ({n.symbols[s.compartment].unit or '1'})"
            unit = "1" if unit in ("", "(1) / (1)") else unit
            yield f"    {self.output[name]}: Annotated[float, Output({unit!r}, {s.name or name!r}, {name!r}, UNKNOWN)]"
        yield from ("", "", "class state(NamedTuple):")
        for s in self.moving:
            unit, words = self._about(s)
            yield f"    {self.field[s]}: Annotated[float, Amount({unit!r}, {words!r})]"
        if self.clock:
            yield f"    {self.ticks}: Annotated[float, Amount({n.time_unit or '1'!r}, 'time since the start')]"
        yield from ("", "", "class parameters(NamedTuple):")
        yield from (f"    {name}: float" for name in (*(self.field[s] for s in self.fixed), *self.started.values()))

    def text(self) -> str:
        """The whole file."""
        n, code = self.n, self.code
        title, source = (_plain(word) for word in (n.name or n.id or self.source, self.source))
        told = f"{title!r}, 0, {source!r}"
        unit = _plain(n.time_unit) or "not said"
        lines = [f'"""{title}; written by `dosetwin import` from {source} (SBML Level {n.level} Version {n.version})."""', "",
                 "IMPORTS", "from typing import Annotated, NamedTuple", "",
                 "from dosetwin.declare import Amount, Output, Reference, Theta, model, proportional", "",
                 f"# One hour of a schedule is one unit of the file's own time: {unit}.",
                 f'REFERENCE = Reference({told}, "", "secondary", note="read from SBML, checked by nobody")',
                 'UNKNOWN = proportional(0.1, provenance="assumed", source="SBML says nothing of measurement")', ""]  # fmt: skip
        found = (
            {"model": n.resources} | {s.id: s.resources for s in n.symbols.values()} | {r.id: r.resources for r in n.reactions}
        )
        lines += ["# MIRIAM identifiers of the file's annotations.", "RESOURCES = {"]
        lines += [f"    {k!r}: {v!r}," for k, v in found.items() if v]
        lines += ["}", "", "", *self._tables(), "", "", "def individual(theta, eta, cov):", '    """The values of the file."""',
                  "    return parameters("]  # fmt: skip
        both = (*(self.field[s] for s in self.fixed), *self.started.values())
        lines += [*(f"        {x}=theta.{x}," for x in both), "    )", "", "", "def initial(p, cov):",
                  '    """What is there at the start."""', "    return state("]  # fmt: skip
        lines += [f"        {self.field[s]}=p.{self.started[s]}," for s in self.moving]
        lines += [f"        {self.ticks}=0.0,"] * self.clock
        lines += ["    )", "", "", "def dynamics(t, A, p, cov):", '    """Changes per unit of time of the file."""',
                  *self._lines(self.rates), "    return state("]  # fmt: skip
        names = self._names()
        lines += [f"        {self.field[s]}={self._text(RATE + s, names)}," for s in self.moving]
        lines += [f"        {self.ticks}=1.0,"] * self.clock
        lines += ["    )", "", "", "def observe(A, p, cov):", '    """What the file gives names to and changes."""',
                  *self._lines(list(self.shown)), "    return output("]  # fmt: skip
        lines += [f"        {self.output[s]}={names[s]}," for s in self.shown]
        sizes = [abs(self.values[code.at[s]]) for s in self.moving]
        least = min((v for v in sizes if v > 0), default=1.0)
        atol = (*(1e-10 * (v or least) for v in sizes), *([1e-6] * self.clock))
        lines += ["    )", "", "", "MODEL = model(", "    __name__,", f"    drug={n.id or 'sbml'!r},",
                  '    population="the one subject of the file",', "    reference=REFERENCE,", '    solver="auto",',
                  "    rtol=1e-8,", f"    atol={atol!r},", "    linear_in_dose=False,",
                  f"    dose_unit={self._about(self.moving[0])[0]!r},",
                  f"    notes=({f'one hour of a schedule is one unit of time of the file: {unit}'!r},),", ")", ""]  # fmt: skip
        body = "\n".join(lines)
        needed = [f for f in _MATH if re.search(rf"\b{f}\b(?!\s*=)", body.split("class parameters", 1)[1])]
        return body.replace("\nIMPORTS\n", f"\nfrom math import {', '.join(needed)}\n" if needed else "\n", 1)
