"""The closed list of operators of SBML's mathematics: what each computes (infinite or nan where it must), and its text."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from dosetwin.io.sbml_math import TIME, Expr, Unsupported

INF, NAN = math.inf, math.nan


def _quiet(f: Callable[..., float], overflow: float = INF) -> Callable[..., float]:
    """``f`` with nan where it has no value and ``overflow`` where it is too large for a number."""

    def quiet(*a: float) -> float:
        try:
            return f(*a)
        except OverflowError:
            return overflow
        except (ValueError, ZeroDivisionError):
            return NAN

    return quiet


def div(a: float, b: float) -> float:
    """a / b; a division by zero is infinite or nan."""
    if b != 0:
        return a / b
    return NAN if a == 0 or a != a else math.copysign(INF, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """a ** b among the real numbers."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -INF if a < 0 and b % 2 == 1 else INF
    except ValueError:
        return INF if a == 0 else NAN


def root(*a: float) -> float:
    """``root(degree, x)``, or the square root of ``x``."""
    degree, x = a if len(a) == 2 else (2.0, a[0])
    if x < 0 and degree % 2 == 1:
        return -power(-x, 1.0 / degree)
    return (math.sqrt(x) if x >= 0 else NAN) if degree == 2 else power(x, div(1.0, degree))


def ln(x: float) -> float:
    """Natural logarithm; minus infinity at zero."""
    return math.log(x) if x > 0 else -INF if x == 0 else NAN


def log(*a: float) -> float:
    """``log(base, x)``, or the decimal logarithm of ``x``."""
    if len(a) == 2 and a[0] != 10:
        return div(ln(a[1]), ln(a[0]))
    return math.log10(a[-1]) if a[-1] > 0 else -INF if a[-1] == 0 else NAN


def floor(x: float) -> float:
    """The next whole number below."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceiling(x: float) -> float:
    """The next whole number above."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def factorial(x: float) -> float:
    """x! of a whole number that is not negative, else nan."""
    return _gamma(x + 1.0) if x >= 0 and x == math.floor(x) else NAN


def quotient(a: float, b: float) -> float:
    """a / b cut towards zero, as rem takes the sign of a."""
    q = div(a, b)
    return float(math.trunc(q)) if math.isfinite(q) else q


_gamma = _quiet(math.gamma)
_asin, _acos, _acosh, _atanh, _fmod = (_quiet(f) for f in (math.asin, math.acos, math.acosh, math.atanh, math.fmod))
_sin, _cos, _tan, _cosh, _exp = (_quiet(f) for f in (math.sin, math.cos, math.tan, math.cosh, math.exp))


def _sinh(x: float) -> float:
    return _quiet(math.sinh, math.copysign(INF, x))(x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "divide": div, "power": power, "root": root, "ln": ln, "log": log, "exp": _exp, "abs": abs, "ceiling": ceiling,
    "floor": floor, "factorial": factorial, "quotient": quotient, "rem": _fmod,
    "sin": _sin, "cos": _cos, "tan": _tan, "sinh": _sinh, "cosh": _cosh, "tanh": math.tanh,
    "sec": lambda x: div(1.0, _cos(x)), "csc": lambda x: div(1.0, _sin(x)), "cot": lambda x: div(1.0, _tan(x)),
    "sech": lambda x: div(1.0, _cosh(x)), "csch": lambda x: div(1.0, _sinh(x)), "coth": lambda x: div(1.0, math.tanh(x)),
    "arcsin": _asin, "arccos": _acos, "arctan": math.atan, "arcsinh": math.asinh, "arccosh": _acosh, "arctanh": _atanh,
    "arcsec": lambda x: _acos(div(1.0, x)), "arccsc": lambda x: _asin(div(1.0, x)), "arccot": lambda x: math.atan(div(1.0, x)),
    "arcsech": lambda x: _acosh(div(1.0, x)), "arccsch": lambda x: math.asinh(div(1.0, x)),
    "arccoth": lambda x: _atanh(div(1.0, x)),
}  # fmt: skip
HELPERS: dict[str, Any] = {f"f_{name}": f for name, f in FUNCTIONS.items()} | {
    "nan": NAN, "inf": INF, "f_max": max, "f_min": min, "bool": bool, "float": float, "__builtins__": {},
}  # fmt: skip
_ARITY = {"divide": (2, 2), "power": (2, 2), "root": (1, 2), "log": (1, 2), "quotient": (2, 2), "rem": (2, 2), "not": (1, 1),
          "implies": (2, 2), "max": (1, 999), "min": (1, 999), "minus": (1, 2), "neq": (2, 2)}  # fmt: skip
_SIGNS = {"eq": "==", "neq": "!=", "gt": ">", "lt": "<", "geq": ">=", "leq": "<="}


def _helper(op: str, arguments: list[str]) -> str:
    return f"f_{op}({', '.join(arguments)})"


def text(e: Expr, names: Mapping[str, str], call: Callable[[str, list[str]], str] = _helper) -> str:
    """Python of an expression; symbols are called as ``names`` says, functions as ``call`` writes them.

    Raises Unsupported for an operator with a number of arguments it does not take.
    """
    if isinstance(e, bool):
        return str(e)
    if isinstance(e, float):
        return repr(e) if e >= 0 else f"({e!r})"
    if isinstance(e, str):
        return names[e]
    op, *a = e
    if op == "time":
        return names.get(TIME, "t")
    if op == "rate":
        return names[f"rate of {a[0]}"]
    least, most = _ARITY.get(op, (1, 1) if op in FUNCTIONS else (0, 10**6))
    if not least <= len(a) <= most:
        raise Unsupported("an operator with this number of arguments", where=op, value=len(a))
    if op == "piecewise":
        return _pieces(a, names, call)
    s = [text(x, names, call) for x in a]
    if op in ("plus", "times"):
        return f"({(' + ' if op == 'plus' else ' * ').join(s)})" if s else "0.0" if op == "plus" else "1.0"
    if op == "minus":
        return f"(-{s[0]})" if len(s) == 1 else f"({s[0]} - {s[1]})"
    if op in _SIGNS:
        return f"({f' {_SIGNS[op]} '.join(s)})" if len(s) > 1 else "True"
    if op in ("and", "or"):
        return f"({f' {op} '.join(f'bool({x})' for x in s)})" if s else str(op == "and")
    if op == "xor":
        return (
            f"({' != '.join(f'bool({x})' for x in s)})"
            if len(s) == 2
            else f"(({' + '.join(f'bool({x})' for x in s) or '0'}) % 2 == 1)"
        )
    if op == "not":
        return f"(not {s[0]})"
    if op == "implies":
        return f"((not {s[0]}) or bool({s[1]}))"
    if op in ("max", "min") and len(s) == 1:
        return s[0]
    return call(op, s)


def _pieces(a: list[Expr], names: Mapping[str, str], call: Callable[[str, list[str]], str]) -> str:
    """A chain of conditional expressions; without an otherwise there is no value (nan)."""
    tail = text(a[-1], names, call) if len(a) % 2 else "nan"
    for value, condition in reversed(list(zip(a[:-1:2], a[1::2], strict=False))):
        tail = f"({text(value, names, call)} if {text(condition, names, call)} else {tail})"
    return tail
