"""A file somebody wrote is run, and whatever it does wrong is told with its name, the line and what to do."""

import importlib.util
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType

from dosetwin.errors import DosetwinError, InputError, ModelError

GUIDE = "docs/add_a_drug.md shows a whole one"
REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (SyntaxError, "correct that line (the mistake may stand on the one before it)"),
    (ImportError, "import what a file needs from dosetwin.declare, and install other packages first"),
    (NameError, "import it (from dosetwin.declare import ...), or define it above"),
    (TypeError, f"give every field that is needed, by its name; {GUIDE}"),
)


_ONE_AT_A_TIME = threading.RLock()
"""A file looks itself up among the modules while it runs: two threads at it would take each other's half."""


def run_file(path: Path, kind: str) -> ModuleType:
    """The module of a file of somebody's own; ``kind`` (``model``, ``drug``) says in a message what it was meant to be.

    Raises InputError naming file and line for one that is not there or cannot be run, ModelError for a half-written model.
    """
    if path.is_dir() or not path.is_file():
        raise InputError(
            f"no such {kind} file", where=str(path), remedy=f"write one with 'dosetwin new', or correct the path; {GUIDE}"
        )
    with _ONE_AT_A_TIME:
        name = f"dosetwin_user_{kind}.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise InputError("not a Python file", where=str(path), allowed="NAME.py")
        made = importlib.util.module_from_spec(spec)
        before = sys.modules.get(name)
        sys.modules[name] = made
        try:
            spec.loader.exec_module(made)
            return made
        except BaseException as error:
            sys.modules.pop(name, None)
            if before is not None:
                sys.modules[name] = before
            if isinstance(error, Exception | SystemExit):
                raise told(error, path, f"{kind} file fails") from error
        raise


def told(error: BaseException, path: Path, what: str) -> DosetwinError:
    """The error with file and line of where it happened: itself where it says so already."""
    where = f"{path}:{line_of(error, path)}" if line_of(error, path) else str(path)
    if isinstance(error, DosetwinError):
        if f"{path.name}:" in str(error):
            return error
        return ModelError(f"{where}: {error}; {GUIDE}") if isinstance(error, ModelError) else InputError(str(error), where=where)
    remedy = next((r for kind, r in REMEDIES if isinstance(error, kind)), GUIDE)
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return InputError(f"{what}: {type(error).__name__}: {said}", where=where, remedy=remedy)


def line_of(error: BaseException, path: Path) -> int:
    """The last line of the file that was run before the error; 0: none was."""
    if isinstance(error, SyntaxError) and Path(error.filename or "").name == path.name:
        return error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno or 0 for f in reversed(frames) if Path(f.filename).name == path.name), 0)
