"""The command line: words and options here, what they do beside it; exits 0 ok, 1 our fault, 2 bad input, 3 refusal."""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin import __version__
from dosetwin.cli.advise import advise
from dosetwin.cli.options import Covariates, Data, Json, LeaveOut, Map, ModelName, Report, Seed
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


@app.command()
def demo(
    report: Report = Path("dosetwin-demo-report.html"),
    seed: Seed = 1,
    replay_page: Annotated[
        Path | None, typer.Option("--replay-page", metavar="FILE.md", help="Also write the replay's tables as Markdown.")
    ] = None,
    json_: Json = False,
) -> None:
    """A made-up newborn on amikacin, advised and reported; then 59 real newborns on phenobarbital, replayed."""
    from dosetwin.cli.demo import run

    run(report or Path("dosetwin-demo-report.html"), seed=seed, as_json=json_, markdown=replay_page)


app.command()(advise)


@app.command()
def simulate(
    model: ModelName,
    data: Data,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", help="Also percentiles P05 P25 P50 P75 P95 of what would be measured, from N draws.")
    ] = None,
    individual: Annotated[
        bool, typer.Option("--individual", help="Draws from each subject's posterior instead of the population.")
    ] = False,
    residual: Annotated[
        bool, typer.Option("--residual/--no-residual", help="Percentiles with or without residual error.")
    ] = True,
    seed: Seed = 1,
    covariates: Covariates = "locf",
    map_: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    json_: Json = False,
) -> None:
    """Predictions at every observation record (and EVID 2 record) of a table: ID, TIME, PRED and every output."""
    from dosetwin.cli.simulate import run

    run(model, data, out, draws=draws, individual=individual, residual=residual, seed=seed, covariates=covariates, mapping=map_,
        leave_out=leave_out,
        as_json=json_)  # fmt: skip


@app.command()
def fit(
    model: ModelName,
    data: Data,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    records: Annotated[
        Path | None, typer.Option("--records", metavar="FILE", help="Also PRED and IPRED of every level, as a table.")
    ] = None,
    covariates: Covariates = "locf",
    prior: Annotated[
        str, typer.Option("--prior", help="weighed: as advise weighs levels; normal: the MAP of other programs, every level in.")
    ] = "weighed",
    map_: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    json_: Json = False,
) -> None:
    """Each subject's random effects, standard errors, individual parameters, objective value, and records in doubt."""
    from dosetwin.cli.fit import run

    run(model, data, out, records=records, covariates=covariates, prior=prior, mapping=map_, leave_out=leave_out, as_json=json_)


@app.command()
def replay(
    model: ModelName,
    data: Data,
    seed: Seed = 1,
    draws: Annotated[int, typer.Option("--draws", help="Draws behind the intervals.")] = 1000,
    measures: Annotated[
        str | None, typer.Option("--measures", help="Which quantity is scored. Default: the first output measured.")
    ] = None,
    covariates: Covariates = "locf",
    map_: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    report: Report = None,
    forecasts: Annotated[
        Path | None, typer.Option("--forecasts", metavar="FILE", help="Also every single forecast, as a table.")
    ] = None,
    json_: Json = False,
) -> None:
    """Forecast each level of past patients from the data before it: would the twin have known better than the model alone?"""
    from dosetwin.cli.replay import run

    run(model, data, seed=seed, draws=draws, measures=measures, covariates=covariates, mapping=map_, leave_out=leave_out,
        report=report,
        forecasts=forecasts, as_json=json_)  # fmt: skip


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print this model's card.")] = None,
    json_: Json = False,
) -> None:
    """List the models, or print one model's card: equations, parameters with sources, where it may be used."""
    from dosetwin.cli.models import run

    run(name, as_json=json_)


@app.command()
def validate(
    page: Annotated[
        str, typer.Argument(metavar="[PAGE]", help="One page, such as amikacin_newborns or beds; all by default.")
    ] = "",
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the table as a Markdown page.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller cohorts: a glance, not the record.")] = False,
    n: Annotated[int | None, typer.Option("--n", help="Virtual patients (or runs) per study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the virtual patients.")] = None,
    json_: Json = False,
) -> None:
    """What others published beside what the program finds, page by page; a miss is printed as a miss."""
    from dosetwin.cli.validate import run

    run(page=page, markdown=markdown, quick=quick, n=n, seed=seed, as_json=json_)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(metavar="model|therapy", help="What is to be written.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the file, such as phenytoin_ludden_1977.")],
    drug: Annotated[str, typer.Option("--drug", metavar="NAME", help="The drug; else the first word of NAME.")] = "",
    model: Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="The model of a therapy.")] = "",
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where the file goes.")] = Path(),
) -> None:
    """A commented skeleton of a model's or a therapy's file, to fill in."""
    from dosetwin.cli.new import run

    run(kind, name, drug=drug, model=model, folder=folder)


@app.command()
def trial(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="A design file (./mine.toml) or the name of a shipped one.")],
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT/", help="Folder of the results; run again to continue a run.")
    ],
    n: Annotated[int | None, typer.Option("-n", help="Number of babies, instead of the design's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, instead of the design's.")] = None,
    workers: Annotated[int, typer.Option("--workers", help="How many chunks at once.")] = 1,
    by: Annotated[str, typer.Option("--by", help="Workers as threads or processes.")] = "threads",
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="local|ADDRESS", help="On Dask: a local cluster, or a scheduler's address.")
    ] = "",
    json_: Json = False,
) -> None:
    """Policies compared on virtual newborns, as a design says; resumable; exit code 1 when chunks are missing."""
    from dosetwin.cli.trial import run

    raise typer.Exit(run(design, out, n=n, seed=seed, workers=workers, by=by, cluster=cluster, as_json=json_))


@app.command()
def retro(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Past patients: .csv table, FHIR bundle, or folder of bundles.")],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Model of the twins.")] = "amikacin_neonate",
    policies: Annotated[
        list[str], typer.Option("--policy", metavar="NAME", help="Policy to compare; repeatable. Default: all and the twin.")
    ] = [],  # noqa: B006
    turnaround: Annotated[float, typer.Option("--turnaround", help="Hours until a level was known.")] = 3.0,
    draws: Annotated[int, typer.Option("--draws", help="Posterior draws behind every prediction.")] = 300,
    seed: Seed = 1,
    covariates: Covariates = "locf",
    map_: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    report: Report = None,
    rows: Annotated[Path | None, typer.Option("--rows", metavar="FILE", help="Also every dose and policy, as a table.")] = None,
    json_: Json = False,
) -> None:
    """A hospital's past patients: forecast errors, what each policy would have said, and the predicted difference."""
    from dosetwin.cli.retro import run

    run(data, model, policies=policies, turnaround=turnaround, draws=draws, seed=seed, covariates=covariates, mapping=map_,
        leave_out=leave_out, report=report, rows=rows, as_json=json_)  # fmt: skip


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="A ward of made-up newborns whose data arrive live.")] = False,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on. Default: 8000.")] = None,
) -> None:
    """The service for a ward: API, page, FHIR, CDS Hooks. Settings come from the environment, see docs/service.md."""
    _needs_serve()
    from dosetwin.serve.command import serve as body

    raise typer.Exit(body(demo=demo, host=host, port=port))


@app.command()
def store(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="migrate, backup, restore, rotate-keys or new-key.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The backup to write, or to read.")] = None,
) -> None:
    """Look after the service's store; which one, DOSETWIN_DATABASE_URL or DOSETWIN_DATA_DIR says."""
    _needs_serve()
    from dosetwin.serve.command import store as body

    raise typer.Exit(body(action, file))


@app.command()
def audit(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="verify: check every link and every fact.")] = "verify",
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="HASH", help="A head noted earlier that must still be in the chain.")
    ] = None,
) -> None:
    """Check the service's audit trail; exit code 1 when it does not hold."""
    _needs_serve()
    from dosetwin.serve.command import audit as body

    raise typer.Exit(body(action, expect))


@fhir.command("import")
def fhir_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Bulk files (.ndjson), bundles of one patient (.json).")],
    ward: Annotated[str, typer.Option("--ward", metavar="WARD", help="Where patients not known yet are put.")],
    server: Annotated[
        str, typer.Option("--server", metavar="NAME", help="Where the resources live; say the same name for the same source.")
    ] = "import",
    json_: Json = False,
) -> None:
    """Records into the service's store, patient by patient; exit code 2 when one was refused (it is kept, with the reasons)."""
    _needs_serve()
    from dosetwin.serve.fhir.command import run

    raise typer.Exit(run(files, ward=ward, server=server, as_json=json_))


def _needs_serve() -> None:
    """Say in one line what to install where the service's packages are missing."""
    from importlib.util import find_spec

    missing = [n for n in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "joserfc", "cryptography") if find_spec(n) is None]
    if missing:
        raise InputError(f"the service is not installed ({', '.join(missing)} missing)", remedy="pip install 'dosetwin[serve]'")


@kidney.command("train")
def kidney_train(
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="A long CSV, a FHIR bundle or a folder of bundles (docs/kidney.md).")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder the weights go to.")] = Path("kidney"),
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Train on babies made by the program instead of DATA.")] = False,
    start: Annotated[
        str, typer.Option("--start", metavar="WHERE", help="shipped, none, or a folder of weights to go on from. Default: "
                          "shipped with DATA, none with --synthetic.")
    ] = "auto",
    seed: Seed = 1,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How often every baby is seen.")] = None,
    babies: Annotated[int | None, typer.Option("--babies", help="Synthetic babies to train on.")] = None,
    members: Annotated[int, typer.Option("--members", help="Networks in the ensemble.")] = 5,
    network: Annotated[
        str, typer.Option("--network", help="lstm, gru, or on the typical curve alone: lstm-curve, gru-curve.")
    ] = "lstm",
    noise: Annotated[str, typer.Option("--noise", help="Error of synthetic measurements: low or wu.")] = "low",
    drug: Annotated[str | None, typer.Option("--drug", help="Which drug, where a bundle holds several.")] = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """Train the learned kidney on synthetic newborns or on a hospital's own; started again after a kill, it goes on. Needs
    PyTorch."""
    from datetime import UTC, datetime

    from dosetwin.cli.kidney import run_train

    run_train(data, out, synthetic=synthetic, start=start, seed=seed, epochs=epochs, babies=babies, members=members,
              network=network, noise=noise, drug=drug, date=datetime.now(UTC).date().isoformat(), as_json=json_)  # fmt: skip


@kidney.command("predict")
def kidney_predict(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A FHIR bundle (JSON) or a long CSV (docs/kidney.md).")],
    weights: Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Folder of weights. Default: shipped.")] = None,
    now: Annotated[float | None, typer.Option("--now", metavar="H", help="Hours after birth. Default: the last record.")] = None,
    hours: Annotated[list[float], typer.Option("--hours", help="Hours ahead; repeatable. Default: 24 48 72.")] = [],  # noqa: B006
    baby: Annotated[str | None, typer.Option("--id", help="Which newborn of a CSV.")] = None,
    drug: Annotated[str | None, typer.Option("--drug", help="Which drug, where a bundle holds several.")] = None,
    json_: Json = False,
) -> None:
    """A newborn's creatinine in the next days with its uncertainty; exit code 3 when the learned kidney declines."""
    from dosetwin.cli.kidney import run_predict

    code = run_predict(case, weights=weights, now=now, hours=hours, baby=baby, drug=drug, as_json=json_)
    raise typer.Exit(code)


@kidney.command("evaluate")
def kidney_evaluate(
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds: new babies each, and with --train new networks.")] = 3,
    babies: Annotated[int, typer.Option("--babies", help="Fresh babies of each truth a seed.")] = 400,
    weights: Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Folder of weights. Default: shipped.")] = None,
    train: Annotated[bool, typer.Option("--train", help="Train anew for every seed; needs PyTorch.")] = False,
    training_babies: Annotated[
        int | None, typer.Option("--training-babies", help="With --train: babies the networks are trained on.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="Measured values of your own newborns, not synthetic ones.")
    ] = None,
    first: Annotated[int, typer.Option("--first-seed", help="The first test seed.")] = 900_001,
    noise: Annotated[str, typer.Option("--noise", help="Error of synthetic measurements: low or wu.")] = "low",
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="DIR", help="Keep every finished seed here, and go on from those kept.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="OUT", help="Also write a page, OUT.md or OUT.html with figures.")
    ] = None,
    json_: Json = False,
) -> None:
    """Every kidney on newborns none has met: errors, intervals, injury, filtration, troughs, and the bars, missed ones too."""
    from dosetwin.cli.kidney_evaluate import run

    run(seeds=seeds, first=first, babies=babies, training_babies=training_babies, weights=weights, train=train, data=data,
        noise=noise, report=report, resume=resume, as_json=json_)  # fmt: skip


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
            _say(f"{str(error.format_message()).rstrip('.')}; see 'dosetwin --help'")  # type: ignore[attr-defined]
            return int(getattr(error, "exit_code", BAD_INPUT))
        if debug:
            raise
        _say(f"unexpected {type(error).__name__}: {str(error)[:200]}; {ISSUES}, with the output of the same command and --debug")
        return OUR_FAULT


def main() -> None:
    """The ``dosetwin`` command."""
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
