"""MathML as libSBML parsed it -> a plain expression: a number, a symbol's id, or a tuple of an operator and its arguments.

    Expr = float | bool | str | ("op", Expr, ...)

Function definitions are written out where they are called, so that an expression knows only symbols of the model and the closed
list of operators below. ``("time",)`` is the model's time, ``("rate", "S1")`` the derivative of a symbol. Anything else is
`Unsupported`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from dosetwin.errors import InputError

Expr = Any
MOST_NODES = 200_000
"""Of one expression with its functions written out: more is an attack or a mistake."""
AVOGADRO = 6.02214179e23
"""mol-1; the value SBML Level 3 fixes for its symbol (L3V2, section 3.4.6)."""
TIME = "the time"
"""What ``symbols`` calls time: no id of a model can be that."""
_PLAIN = """PLUS:plus TIMES:times MINUS:minus DIVIDE:divide POWER:power FUNCTION_POWER:power FUNCTION_ROOT:root FUNCTION_LOG:log
FUNCTION_LN:ln FUNCTION_EXP:exp FUNCTION_ABS:abs FUNCTION_CEILING:ceiling FUNCTION_FLOOR:floor FUNCTION_FACTORIAL:factorial
FUNCTION_PIECEWISE:piecewise FUNCTION_MAX:max FUNCTION_MIN:min FUNCTION_REM:rem FUNCTION_QUOTIENT:quotient
RELATIONAL_EQ:eq RELATIONAL_NEQ:neq RELATIONAL_GT:gt RELATIONAL_LT:lt RELATIONAL_GEQ:geq RELATIONAL_LEQ:leq
LOGICAL_AND:and LOGICAL_OR:or LOGICAL_XOR:xor LOGICAL_NOT:not LOGICAL_IMPLIES:implies"""
_TRIG = [f"{a}{f}{h}" for a in ("", "ARC") for f in ("SIN", "COS", "TAN", "SEC", "CSC", "COT") for h in ("", "H")]


class Unsupported(InputError):
    """A construct of a file that is refused by name: nothing was computed (command line: exit code 3)."""


class Reader:
    """Turns libSBML's trees into expressions; holds the model's function definitions.

    ``functions`` are by id (names of arguments, body as libSBML's tree).
    """

    def __init__(self, lib: Any, functions: Mapping[str, tuple[tuple[str, ...], Any]], where: str):
        self.functions, self.where, self.lib, self._left = functions, where, lib, MOST_NODES
        self.plain = {getattr(lib, f"AST_{k}"): v for k, v in (w.split(":") for w in _PLAIN.split())}
        self.plain |= {getattr(lib, f"AST_FUNCTION_{t}"): t.lower() for t in _TRIG}
        self.constants = {lib.AST_CONSTANT_E: math.e, lib.AST_CONSTANT_PI: math.pi, lib.AST_CONSTANT_TRUE: True,
                          lib.AST_CONSTANT_FALSE: False, lib.AST_NAME_AVOGADRO: AVOGADRO}  # fmt: skip
        self.numbers = {lib.AST_REAL, lib.AST_REAL_E, lib.AST_RATIONAL}

    def read(self, node: Any, at: str, local: Mapping[str, Expr] | None = None) -> Expr:
        """The expression of one ``<math>``; ``at`` names the element for messages, ``local`` renames symbols (local parameters).

        Raises Unsupported for a construct that is not carried, InputError for an expression without bounds.
        """
        self._left = MOST_NODES
        try:
            return self._of(node, at, local or {}, ())
        except RecursionError:
            raise Unsupported("functions within functions without bounds", where=f"{self.where}: {at}") from None

    def _of(self, node: Any, at: str, local: Mapping[str, Expr], inside: tuple[str, ...]) -> Expr:
        self._left -= 1
        if self._left < 0:
            raise InputError("an expression is too large", where=f"{self.where}: {at}", allowed=f"{MOST_NODES} parts")
        lib, kind = self.lib, node.getType()
        if kind == lib.AST_INTEGER:
            return float(node.getInteger())
        if kind in self.numbers:
            return float(node.getReal())
        if kind in self.constants:
            return self.constants[kind]
        if kind == lib.AST_NAME_TIME:
            return ("time",)
        if kind == lib.AST_NAME:
            return local.get(node.getName(), node.getName())
        arguments = [node.getChild(i) for i in range(node.getNumChildren())]
        if kind == lib.AST_FUNCTION:
            name = node.getName()
            if name not in self.functions:
                raise Unsupported("a function that is not defined", where=f"{self.where}: {at}", value=name)
            if name in inside:
                raise InputError("a function that calls itself", where=f"{self.where}: {at}", value=name)
            names, body = self.functions[name]
            if body is None:
                raise Unsupported("a call of a function without math", where=f"{self.where}: {at}", value=name)
            if len(names) != len(arguments):
                raise InputError("a function with another number of arguments", where=f"{self.where}: {at}", value=name)
            given = {n: self._of(a, at, local, inside) for n, a in zip(names, arguments, strict=True)}
            return self._of(body, at, given, (*inside, name))
        if kind == lib.AST_FUNCTION_RATE_OF:
            if len(arguments) != 1 or arguments[0].getType() != lib.AST_NAME:
                raise Unsupported("rateOf of something else than one symbol", where=f"{self.where}: {at}")
            symbol = local.get(arguments[0].getName(), arguments[0].getName())
            if not isinstance(symbol, str):
                raise Unsupported("rateOf of something else than one symbol", where=f"{self.where}: {at}")
            return ("rate", symbol)
        if kind == lib.AST_FUNCTION_DELAY:
            raise Unsupported("csymbol delay (a value of the past)", where=f"{self.where}: {at}")
        if kind not in self.plain:
            raise Unsupported(
                "a MathML construct that is not carried", where=f"{self.where}: {at}", value=node.getName() or str(kind)
            )
        op = self.plain[kind]
        return (op, *(self._of(a, at, local, inside) for a in arguments))


def symbols(expr: Expr) -> Iterator[str]:
    """Every id an expression reads; ``'rate of X'`` stands for the derivative of X, `TIME` for time."""
    todo = [expr]
    while todo:
        e = todo.pop()
        if isinstance(e, str):
            yield e
        elif isinstance(e, tuple):
            if e[0] == "rate":
                yield f"rate of {e[1]}"
            elif e[0] == "time":
                yield TIME
            else:
                todo.extend(e[1:])


def parts(expr: Expr) -> Iterator[tuple]:
    """Every operator of an expression with its arguments."""
    todo = [expr]
    while todo:
        e = todo.pop()
        if isinstance(e, tuple):
            yield e
            todo.extend(x for x in e[1:] if e[0] not in ("rate", "time"))
