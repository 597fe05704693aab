"""Write, compile and cache the kernel of a model: one self-contained source file per model, named by its content.

The file holds the model's functions, everything they call, and the templates of this folder with the model's sizes filled
in, so that numba's cache on disk can never be stale: other content is another file.
"""

import ast
import hashlib
import importlib.util
import inspect
import math
import os
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numba
import platformdirs

from dosetwin.declare import Model
from dosetwin.errors import ModelError
from dosetwin.simulate import abreast, event_loop, exact, kept, lanes, ode, scalars
from dosetwin.simulate._globals import work_layout
from dosetwin.simulate.typical import has_lag, typical_covariates, typical_parameters

# reassoc and contract let products and sums fuse; nnan and ninf stay off because failures are found by looking for NaN
OPTIONS = 'nogil=True, error_model="numpy", fastmath=FASTMATH'
FASTMATH = '{"contract", "reassoc", "nsz", "arcp"}'
# where courses are played abreast nothing is reassociated: the compiler does so by where in a register a lane stands
IN_ORDER = '{"contract", "nsz", "arcp"}'
# arrays passed to a function cost reference counts; the innermost steps are inlined before they are counted (4 x faster)
INLINED = (event_loop.advance, event_loop.give, exact.advance_exact, exact.propagator_1, exact.propagator_2)
# the propagator is chosen when the kernel is written: a call that is never made still slows the loop it stands in
PROPAGATORS = {1: exact.propagator_1, 2: exact.propagator_2}
_lock = threading.Lock()


def cache_folder() -> Path:
    """Where generated kernels and their machine code live (``DOSETWIN_CACHE`` moves it)."""
    chosen = os.environ.get("DOSETWIN_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("dosetwin")) / "kernels"


class _Collector:
    """Gathers the source of functions and of everything they refer to, callees first."""

    def __init__(self, stepped: bool = False) -> None:
        self.stepped = stepped
        self.chunks: list[str] = []
        self.seen: dict[str, Any] = {}
        self.imports: set[str] = set()

    def add(self, function: Callable[..., Any], alias: str | None = None) -> None:
        """Add a function; ``alias`` is the name the templates call it by."""
        name = function.__name__
        self._function(name, function)
        if alias and alias != name:
            self.chunks.append(f"{alias} = {name}\n")
            self.seen.setdefault(alias, function)

    def _claim(self, name: str, thing: Any) -> bool:
        if name in self.seen:
            if self.seen[name] is not thing and self.seen[name] != thing:
                raise ModelError(f"two different things are called {name!r} in one model; rename one of them")
            return False
        self.seen[name] = thing
        return True

    def _function(self, name: str, function: Callable[..., Any]) -> None:
        if not self._claim(name, function):
            return
        try:
            source = textwrap.dedent(inspect.getsource(function))
        except OSError as error:
            raise ModelError(f"the source of {name} cannot be read: write models in files") from error
        tree = ast.parse(source).body[0]
        if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
            raise ModelError(f"{name} must be a plain function without decorators")
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        for other in sorted(used & set(function.__globals__)):
            if other != name:
                self.value(other, function.__globals__[other], name)
        tree.name = name  # where it is used it goes by that name
        # annotations and docstrings are for people; the kernel file must not need their imports
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                node.returns = None
                for argument in node.args.args:
                    argument.annotation = None
            if isinstance(node, ast.AnnAssign):
                raise ModelError(f"{name}: annotate no local variables in model functions")
        self.chunks.append(f"@jit\n{ast.unparse(tree)}\n")

    def value(self, name: str, thing: Any, user: str) -> None:
        """Add a global that a function uses."""
        if isinstance(thing, FunctionType):
            self._function(name, thing)
        elif isinstance(thing, BuiltinFunctionType) and thing.__module__ == "math":
            if self._claim(name, thing):
                if thing is math.log10 and self.stepped:
                    # half the time of the C library's, one unit in the last place from it, of what is stepped to a millionth
                    self.chunks.append(f"@inlined\ndef {name}(x):\n    return {math.log10(math.e)!r} * math.log(x)\n")
                else:
                    self.imports.add(f"from math import {thing.__name__} as {name}")
        elif isinstance(thing, ModuleType) and thing.__name__ in ("math", "numpy"):
            if self._claim(name, thing):
                self.imports.add(f"import {thing.__name__} as {name}")
        elif isinstance(thing, bool | int | float):
            if self._claim(name, thing):
                self.chunks.append(f"{name} = {thing!r}\n")
        elif (fields := getattr(thing, "_fields", None)) is not None and isinstance(thing, type):
            if self._claim(name, thing):
                self.chunks.append(f"{name} = namedtuple({thing.__name__!r}, {list(fields)!r})\n")
        elif isinstance(thing, BuiltinFunctionType) or thing in (float, int, bool, range, min, max, abs):
            return
        else:
            raise ModelError(
                f"{user} uses {name!r}, a {type(thing).__name__}: only numbers, NamedTuples, math and plain functions"
            )


def _tuple_maker(name: str, cls_name: str, n: int, item: str, args: str) -> str:
    fields = ", ".join(item.format(i=i) for i in range(n))
    return f"@jit\ndef {name}({args}):\n    return {cls_name}({fields})\n"


def _by_compartment(name: str, prefix: str, default: str, parameters: tuple[str, ...], model: Model) -> str:
    lines = [f"@jit\ndef {name}(p, where):"]
    for i, state in enumerate(model.states):
        if f"{prefix}_{state}" in parameters:
            lines.append(f"    if where == {i}:\n        return float(p.{prefix}_{state})")
    return "\n".join([*lines, f"    return {default}\n"])


def _decorated(function: Callable[..., Any]) -> str:
    return f"@{'inlined' if function in INLINED else 'jit'}\n{inspect.getsource(function)}"


def check_linear(model: Model) -> None:
    """Refuse an exact model whose dynamics are not linear in the states or change with t: it would be solved wrongly.

    Raises ModelError.
    """
    p, cov, n = typical_parameters(model), typical_covariates(model), len(model.states)

    def slope(t: float, *x: float) -> list[float]:
        return [float(v) for v in model.dynamics(t, model.state(*x), p, cov)]

    x, y = [1.0 + 0.7 * k for k in range(n)], [5.0 / (k + 1) for k in range(n)]
    both = slope(0.0, *[a + b for a, b in zip(x, y, strict=True)])
    parts = zip(slope(0.0, *x), slope(0.0, *y), slope(0.0, *([0.0] * n)), slope(7.3, *x), both, strict=True)
    for name, (fx, fy, f0, later, fxy) in zip(model.states, parts, strict=True):
        if not math.isclose(fxy, fx + fy - f0, rel_tol=1e-9, abs_tol=1e-9) or not math.isclose(fx, later, rel_tol=1e-12):
            raise ModelError(f"{model.name}: solver='exact' needs dynamics linear in the states and free of t; d{name}/dt is not")


def source(model: Model) -> str:
    """The text of a model's kernel."""
    n, n_out = len(model.states), len(model.outputs)
    exactly = model.solver == "exact"
    if exactly:
        check_linear(model)
    collect = _Collector(stepped=abreast.steps(model))
    for cls, name in ((model.state, "state_"), (model.cov, "cov_"), (model.eta, "eta_"), (model.theta, "theta_")):
        collect.chunks.append(f"{name} = namedtuple({cls.__name__!r}, {list(cls._fields)!r})\n")
        collect.seen[name] = cls
        collect.seen.setdefault(cls.__name__, cls)
        if cls.__name__ != name:
            collect.chunks.append(f"{cls.__name__} = {name}\n")
    for alias in ("individual", "dynamics", "observe"):
        collect.add(getattr(model, alias), alias)
    if model.initial is not None:
        collect.add(model.initial, "initial")
    constants = {
        "N": n, "N_ETA": len(model.eta_names), "N_KAPPA": len(model.kappa_names), "N_OUT": n_out, "EXACT": exactly,
        **work_layout(n), "STIFF": model.solver == "stiff", "AUTO": model.solver == "auto",
        "HAS_INITIAL": model.initial is not None, "HAS_LAG": has_lag(model),
        **{k: getattr(ode, k) for k in ("OK", "TOO_MANY_STEPS", "STEP_TOO_SMALL", "STIFF_FOUND", "NO_STEADY_STATE",
                                        "TOO_MANY_PENDING", "NO_INPUT", "MAX_STEPS")},
        **{k: getattr(exact, k) for k in ("TAYLOR_ORDER", "TAYLOR_RADIUS")},
        **{k: getattr(event_loop, k) for k in ("COVARIATES", "DOSE", "DOSE_SS", "OUTPUT", "RESET", "DOSE_SS2", "PENDING",
                                               "BY_RATE", "MODEL_RATE", "MODEL_DURATION", "CONSTANT")},
    }  # fmt: skip
    for name in constants:
        if name in collect.seen:
            raise ModelError(f"{model.name}: the name {name!r} belongs to the engine; rename it")
    chunks = [f"{k} = {v!r}\n" for k, v in constants.items()]
    n_eta, n_kappa = len(model.eta_names), len(model.kappa_names)
    eta_items = [f"e[k, {i}]" for i in range(n_eta)] + [f"e[k, base + {i}]" for i in range(n_kappa)]
    chunks += [
        _tuple_maker("make_state", "state_", n, "x[{i}]", "x"),
        _tuple_maker("make_cov", "cov_", len(model.covs), "rows[r, {i}]", "rows, r"),
        _tuple_maker("make_theta", "theta_", len(model.thetas), "th[k, {i}]", "th, k"),
        f"@jit\ndef make_eta(e, k, base):\n    return eta_({', '.join(eta_items)})\n",
        "@jit\ndef put_state(s, x):\n" + "".join(f"    x[{i}] = s[{i}]\n" for i in range(n)),
        "@jit\ndef put_row(s, W, r):\n" + "".join(f"    W[r, {i}] = s[{i}]\n" for i in range(n)),
        "@jit\ndef put_output(o, out, r):\n" + "".join(f"    out[r, {i}] = o[{i}]\n" for i in range(n_out)),
        _by_compartment("bioavailability", "F", "1.0", typical_parameters(model)._fields, model),
        _by_compartment("lag", "LAG", "0.0", typical_parameters(model)._fields, model),
        _by_compartment("modelled_rate", "R", "math.nan", typical_parameters(model)._fields, model),
        _by_compartment("modelled_duration", "D", "math.nan", typical_parameters(model)._fields, model),
    ]
    needed: list[Callable[..., Any]] = [ode.factor, ode.substitute]
    if exactly:
        needed += [exact.integral_of_exp, exact.integral_of_integral, exact.build_linear]
        needed += [PROPAGATORS[n]] if n in PROPAGATORS else [exact.multiply, exact.propagator_n]
        needed += [exact.advance_exact]
        # never called when EXACT, but the names must exist for the compiler
        chunks += [
            "@jit\ndef advance_explicit(x, u, p, cov, t, t_end, h, rtol, atol, fixed, detect):\n    return OK, t, h\n",
            "@jit\ndef advance_stiff(x, u, p, cov, t, t_end, h, rtol, atol, fixed, W):\n    return OK, t, h\n",
        ]
    else:
        if model.solver == "explicit":
            chunks.append("@inlined\ndef advance_stiff(x, u, p, cov, t, t_end, h, rtol, atol, fixed, W):\n    return OK, t, h\n")
        else:
            needed += [ode.slope, ode.advance_stiff]
        chunks += [
            "@jit\n" + ode.explicit_source(n),
            "@jit\ndef advance_exact(x, u, W, dt, want_area):\n    pass\n",
            "@jit\ndef build_linear(W, p, cov, t):\n    pass\n",
        ]
    for function in needed:
        chunks.append(_decorated(function))
        if function is PROPAGATORS.get(n, exact.propagator_n):
            chunks.append(f"propagator = {function.__name__}\n")
    chunks += [
        _decorated(f)
        for f in (
            event_loop.advance,
            event_loop.give,
            event_loop.cycle,
            event_loop.steady_state,
        )
    ]
    chunks.append(
        '@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FASTMATH)\n' + inspect.getsource(event_loop.run)
    )
    if exactly and n <= scalars.LARGEST and not has_lag(model):
        chunks += scalars.source_of(n)
    if lanes.suits(model):
        chunks += lanes.source_of(model, n in PROPAGATORS)
    if abreast.steps(model):
        chunks += abreast.source_of(model)
    head = [
        f'"""Kernel of {model.name}, generated; do not edit."""\n',
        "import math\nfrom collections import namedtuple\n\nimport numba\nimport numpy as np\n",
        *sorted(f"{i}\n" for i in collect.imports),
        f"FASTMATH = {IN_ORDER if abreast.steps(model) else FASTMATH}\n",
        'inlined = numba.njit(inline="always", ' + OPTIONS + ")\n",
        f"jit = numba.njit({OPTIONS})\n",
    ]
    return "\n".join([*head, *collect.chunks, *chunks])


@lru_cache(maxsize=1)
def _private_folder() -> Path:
    # never a name others could guess: what lies there is executed
    return Path(tempfile.mkdtemp(prefix="dosetwin-kernels-"))


def _written(name: str, text: str) -> Path:
    """The file ``name`` with exactly this text in the cache, or in a private folder of this process where none is writable."""
    path = cache_folder() / name
    try:
        # a file cut short or changed by anybody else is written again, not trusted
        if not (path.is_file() and path.read_text(encoding="utf-8") == text):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # another process may write the same file: write aside and move into place
            aside = path.with_suffix(f".{os.getpid()}.tmp")
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, path)
    except OSError as error:
        kept.say(f"{error.strerror or type(error).__name__}: {path.parent}")
        path = _private(name, text)
    return path


def _private(name: str, text: str) -> Path:
    path = _private_folder() / name
    path.write_text(text, encoding="utf-8")
    return path


def _loaded(name: str, path: Path) -> ModuleType:
    """The module in a kernel's file. Raises RuntimeError where numba finds no folder to keep its machine code in."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"cannot load the generated kernel {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@lru_cache(maxsize=256)
def compiled(model: Model) -> ModuleType:
    """The model's kernel module with ``run`` (and steppers); compiled at its first call, cached on disk."""
    text = source(model)
    key = hashlib.sha256(f"{numba.__version__} {sys.version_info[:2]}\n{text}".encode()).hexdigest()[:16]
    name = f"kernel_{model.name}_{key}"
    with _lock:
        if name in sys.modules:
            return sys.modules[name]
        path = _written(f"{name}.py", text)
        try:
            module = _loaded(name, path)
        except RuntimeError as error:
            if "no locator" not in str(error):
                raise
            kept.say(f"nothing can be written in {path.parent}")
            module = _loaded(name, _private(f"{name}.py", text))
        kept.guard(module)
        return module
