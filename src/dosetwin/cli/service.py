"""The service for a ward: run it, look after its store, check its audit trail, bring a hospital's records in."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.options import Json
from dosetwin.errors import InputError


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="A ward of made-up newborns whose data arrive live.")] = False,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on. Default: 8000.")] = None,
) -> None:
    """The service for a ward: API, page, FHIR, CDS Hooks. Settings come from the environment, see docs/service.md."""
    _needs_serve()
    from dosetwin.serve.command import serve as body

    raise typer.Exit(body(demo=demo, host=host, port=port))


def store(
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="migrate, back REVISION, backup FILE, restore FILE, drill [FILE], erase PATIENT, retain, open-archive FILE, "
            "rotate-keys or new-key.",
        ),
    ],
    about: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A file, a revision or a patient's id.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Of an erasure: who asked, on what ground.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what rules of retention would do, and do nothing.")] = False,
) -> None:
    """Look after the service's store; which one, DOSETWIN_DATABASE_URL or DOSETWIN_DATA_DIR says."""
    _needs_serve()
    from dosetwin.serve.command import store as body

    raise typer.Exit(body(action, about, reason, dry_run))


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
