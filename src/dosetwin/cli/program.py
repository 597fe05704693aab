"""The command line: every word has its file, with its options; exits 0 ok, 1 our fault, 2 bad input, 3 refusal."""

import errno
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from dosetwin import __version__
from dosetwin.cli.advise import advise
from dosetwin.cli.demo import demo
from dosetwin.cli.diary import diary
from dosetwin.cli.fit import fit
from dosetwin.cli.genes import genes
from dosetwin.cli.glucose import glucose
from dosetwin.cli.inr import inr
from dosetwin.cli.kidney import kidney_predict, kidney_train
from dosetwin.cli.kidney_evaluate import kidney_evaluate
from dosetwin.cli.mechanism import mechanism
from dosetwin.cli.models import models
from dosetwin.cli.new import new
from dosetwin.cli.operation import operation
from dosetwin.cli.pacemaker import advise as pacemaker_advise
from dosetwin.cli.pacemaker import examined as pacemaker_test
from dosetwin.cli.pacemaker import show as pacemaker_show
from dosetwin.cli.qt import advise as qt_advise
from dosetwin.cli.qt import classify as qt_class
from dosetwin.cli.replay import replay
from dosetwin.cli.retro import retro
from dosetwin.cli.rule import rule
from dosetwin.cli.sbml import import_model, sbml
from dosetwin.cli.score import score
from dosetwin.cli.service import audit, fhir_import, serve, store
from dosetwin.cli.simulate import simulate
from dosetwin.cli.therapies import therapies
from dosetwin.cli.trial import trial
from dosetwin.cli.validate import validate
from dosetwin.cli.warm import warm
from dosetwin.cli.years import years
from dosetwin.errors import DosetwinError, InputError, one_line

ISSUES = "please report this"
OK, OUR_FAULT, BAD_INPUT, REFUSAL, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="dosetwin",
    help="A digital twin for drug dosing: keeps a virtual copy of a patient, updates it with levels, tries regimens on the copy "
    "first. Decision support for research and evaluation, not a medical device.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

kidney = typer.Typer(help="The learned kidney: train it, ask it about one newborn's creatinine.", rich_markup_mode=None)
app.add_typer(kidney, name="kidney")
fhir = typer.Typer(help="Records of the hospital's systems into the service's store.", rich_markup_mode=None)
app.add_typer(fhir, name="fhir")
pacemaker = typer.Typer(
    help="A pacemaker on virtual hearts: its logic tested, its timing chosen for a patient.", rich_markup_mode=None
)
app.add_typer(pacemaker, name="pacemaker")
qt = typer.Typer(
    help="The QT interval under a drug: its class from a cell's currents, a patient's dose from readings.", rich_markup_mode=None
)
app.add_typer(qt, name="qt")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"dosetwin {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
) -> None:
    """Options of the program itself; ``--debug`` is taken out of the words by ``main``, so that it may stand anywhere."""


for word in (
    demo, advise, simulate, fit, replay, models, therapies, rule, score, genes, glucose, validate, new, trial, retro, serve,
    store, audit, warm, inr, diary, sbml, years, mechanism, operation,
):  # fmt: skip
    app.command()(word)
app.command("import")(import_model)
fhir.command("import")(fhir_import)
kidney.command("train")(kidney_train)
kidney.command("predict")(kidney_predict)
kidney.command("evaluate")(kidney_evaluate)
qt.command("class")(qt_class)
qt.command("advise")(qt_advise)
pacemaker.command("test")(pacemaker_test)
pacemaker.command("show")(pacemaker_show)
pacemaker.command("advise")(pacemaker_advise)


class Lost(Exception):
    """Standard output took nothing more: ``error`` says why (a full disk, a closed file, a reader that has gone)."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.error = error


class _Stdout:
    """Standard output whose failures are told apart from those of any other file, whoever writes to it."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        if self._stream is None:
            raise Lost(OSError(errno.EBADF, "it is closed"))
        try:
            return self._stream.write(text)
        except OSError as error:
            raise Lost(error) from None

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            raise Lost(error) from None

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _say(text: str) -> None:
    # a terminal that has gone is no reason for another exit code
    with suppress(OSError):
        sys.stderr.write(f"dosetwin: {one_line(text)}\n")


def _complete(words: list[str]) -> None:
    """Refuse an option whose value is the next option: ``--forecasts --json`` would else write a file named ``--json``.

    Raises InputError.
    """
    command: Any = typer.main.get_command(app)
    for k, word in enumerate(words):
        if word == "--":
            return
        inner = getattr(command, "commands", {}).get(word)
        if inner is not None:
            command = inner
            continue
        name, sign, value = word.partition("=")
        option = next((p for p in command.params if name in p.opts and name.startswith("-")), None)
        if option is None or getattr(option, "is_flag", False) or getattr(option, "count", False):
            continue
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("-")} | {"-h"}
        value = value if sign else words[k + 1] if k + 1 < len(words) else ""
        if value.startswith("--") or (not sign and value in known):
            what = option.metavar or "VALUE"
            raise InputError("its value is missing", where=name, value=value, allowed=f"{name} {what}",
                             remedy=f"write what belongs to {name}; a name with a leading dash is ./{value}")  # fmt: skip


def run(words: list[str]) -> int:
    """Do what the words say; returns the exit code. Errors are one line on stderr, never a traceback (unless --debug)."""
    words = words or ["--help"]
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug:
        words = [w for w in words if w != "--debug"]
    try:
        _complete(words)
        code = app(args=words, prog_name="dosetwin", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # newer versions of typer turn Ctrl-C into this code, older ones into Abort
            _say("stopped")
        return code if isinstance(code, int) else OK
    except DosetwinError as error:
        if debug:
            raise
        _say(str(error))
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped")
        return INTERRUPTED
    except Lost as lost:
        # what is still buffered has nowhere to go; a second complaint at exit would be noise
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if lost.error.errno == errno.EPIPE:  # the reader (head, less) has seen enough
            return OK
        _say(f"standard output cannot be written: {lost.error.strerror or lost.error}; make room, or send the output elsewhere")
        return BAD_INPUT
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own usage errors; typer carries its own copy of click or needs the package
            of = getattr(getattr(error, "ctx", None), "command_path", None) or "dosetwin"
            _say(f"{str(error.format_message()).rstrip('.')}; see '{of} --help'")  # type: ignore[attr-defined]
            return int(getattr(error, "exit_code", BAD_INPUT))
        if debug:
            raise
        _say(f"unexpected {type(error).__name__}: {str(error)[:200]}; {ISSUES}, with the output of the same command and --debug")
        return OUR_FAULT


def one_thread_of_algebra() -> None:
    """Linear algebra by one thread, unless the environment says otherwise: to be asked before numpy is loaded.

    Matrices here have tens of rows. With two threads a symmetric one of 60 rows is decomposed in 30 ms instead of 0.3, and last
    digits depend on the number of cores. Our own kernels use every core all the same.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """The ``dosetwin`` command."""
    one_thread_of_algebra()
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        if stream is None:  # closed by who started us: the next file that is opened must not become it
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (as long as the program)
    # names in files and reports need not be in the terminal's own alphabet
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    sys.stdout = _Stdout(sys.stdout)  # type: ignore[assignment]
    sys.exit(run(sys.argv[1:]))
