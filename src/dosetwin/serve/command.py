"""Bodies of ``dosetwin serve``, ``dosetwin store`` and ``dosetwin audit``."""

import base64
import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.settings import Settings

if TYPE_CHECKING:
    from dosetwin.serve.store import Store


def serve(*, demo: bool, host: str | None, port: int | None) -> int:
    """Run the service until it is stopped. Raises InputError for unsafe settings."""
    from dosetwin.serve.app import NOTICE, create_app
    from dosetwin.serve.server import run

    settings = Settings.from_environment(demo=demo or None, host=host, port=port)
    if settings.demo and settings.data_dir == Settings().data_dir:
        from tempfile import mkdtemp

        # a demo leaves nothing behind in the folder it was started from, and starts afresh every time
        settings = settings.model_copy(update={"data_dir": Path(mkdtemp(prefix="dosetwin-demo-"))})
    if settings.demo and not (settings.therapies or settings.policy or settings.model):
        from dosetwin.serve.demo import ADULTS, THERAPIES

        usual = settings.usual or f"{ADULTS}={THERAPIES.rpartition(', ')[2]}"
        settings = settings.model_copy(update={"therapies": THERAPIES, "usual": usual})
    if settings.log_json:
        from dosetwin.serve.observe import structured

        structured()
    app = create_app(settings, own_process=True)
    if settings.demo:
        where = f"http://{settings.host}:{settings.port}/"
        sys.stderr.write(f"dosetwin: wards of made-up patients on {where} (Ctrl-C stops it). {NOTICE}\n")
    elif not settings.trusted_proxies:
        sys.stderr.write("dosetwin: DOSETWIN_TRUSTED_PROXIES is not set: everybody behind your proxy counts as one address\n")
    run(app, settings)  # without access logs, which would hold patients' ids
    return 0


ACTIONS = {"migrate": "", "back": "REVISION", "backup": "FILE", "restore": "FILE", "drill": "[FILE]", "erase": "PATIENT",
           "retain": "", "open-archive": "FILE", "rotate-keys": "", "new-key": ""}  # fmt: skip
"""What ``dosetwin store`` does, and what each action takes."""


def store(action: str, about: str | None, reason: str = "", dry_run: bool = False) -> int:
    """Look after the store: one of ``ACTIONS``, ``about`` what it takes. Raises InputError.

    ``reason``: of an erasure; ``dry_run``: say what rules of retention would do.
    """
    if action not in ACTIONS:
        raise InputError("unknown action", where="dosetwin store", value=action, allowed=", ".join(ACTIONS))
    takes = ACTIONS[action]
    if (about is None and takes and takes[0] != "[") or (about is not None and not takes):
        raise InputError(f"needs {'a file' if takes == 'FILE' else takes}" if about is None else "takes no file",
                         where=f"dosetwin store {action}")  # fmt: skip
    file = Path(about) if about is not None else None
    if action == "new-key":
        name = datetime.now(UTC).strftime("k%Y%m%d")
        sys.stdout.write(f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        return 0
    from dosetwin.serve.store import Store, schema
    from dosetwin.serve.store.backup import backup, restore
    from dosetwin.serve.store.checkpoint import set_aside

    settings = Settings.from_environment()
    if action == "restore":
        assert file is not None
        manifest = restore(file, settings.url, key=settings.chain_key)
        aside = set_aside(settings.checkpoint)
        rows = sum(t["rows"] for t in manifest["tables"].values())
        sys.stdout.write(f"restored {rows} rows of {manifest['made_at']}; next: dosetwin audit verify\n")
        _erase_again(settings)
        if aside is not None:
            sys.stdout.write(f"the checkpoint of the database before is kept as {aside}: entries after the backup are not here\n")
        return 0
    if action == "drill":
        from dosetwin.serve.store.drill import drill

        report = drill(settings, file, datetime.now(UTC))
        sys.stdout.write("\n".join(report.lines()) + "\n")
        return 1 if report.wrong else 0
    if action == "open-archive":
        from dosetwin.serve.crypto import Vault
        from dosetwin.serve.store.retain import opened as open_archive

        assert file is not None
        sys.stdout.write(json.dumps(open_archive(Vault(settings.keys, settings.chain_key), file), indent=1) + "\n")
        return 0
    if action == "back":
        from dosetwin.serve.store.store import open_engine

        engine = open_engine(settings.url)
        try:
            schema.back(engine, str(about))
        finally:
            engine.dispose()
        sys.stdout.write(f"schema {about}; now install the program of that time\n")
        return 0
    opened = Store(settings.url, migrate=action == "migrate", key=settings.chain_key)
    try:
        if action == "erase":
            from dosetwin.serve.problems import Problem

            if len(reason.strip()) < 10:
                raise InputError(
                    "an erasure needs a reason", where="--reason", allowed="at least 10 characters: who asked, on what ground"
                )
            try:
                _erase(opened, settings, str(about), reason)
            except Problem as problem:
                raise InputError(problem.detail, where="dosetwin store erase", value=about) from None
        elif action == "retain":
            _retain(opened, settings, dry_run)
        elif action == "migrate":
            sys.stdout.write(f"schema {schema.head()}\n")
        elif action == "backup":
            assert file is not None
            manifest = backup(opened, file, datetime.now(UTC))
            sys.stdout.write(f"wrote {file} ({sum(t['rows'] for t in manifest['tables'].values())} rows)\n")
        else:
            from dosetwin.serve.crypto import Vault
            from dosetwin.serve.store.keys import rotate

            vault = Vault(settings.keys, settings.chain_key)
            sys.stdout.write(f"sealed {rotate(opened, vault)} identities with the key {vault.current}\n")
    finally:
        opened.close()
    return 0


def _who() -> Principal:
    """Whoever runs the command, as the machine knows them."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Principal(f"command:{name}"[:200], name, frozenset(), frozenset(), "command")


def _erase(opened: "Store", settings: Settings, patient: str, reason: str) -> None:
    from dosetwin.serve.audit import Trail
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.store.erase import erase

    vault, trail = Vault(settings.keys, settings.chain_key), Trail(settings.chain_key)
    done = opened.write(lambda conn: erase(conn, vault, trail, _who(), patient, reason, datetime.now(UTC)))
    for e in done:
        sys.stdout.write(f"erased {e.patient_id}: {e.facts} facts, {e.advice} advices, {e.identities} versions of the identity, "
                         f"{e.refused} refused messages\n")  # fmt: skip
    sys.stdout.write(
        "make a backup now: it replaces the file of patients' keys, without which older backups tell nobody's name\n"
    )


def _erase_again(settings: Settings) -> None:
    """Who was erased after the backup was made is erased again."""
    from dosetwin.serve.store import Store
    from dosetwin.serve.store.backup import erased_since

    opened = Store(settings.url, key=settings.chain_key)
    try:
        with opened.read() as conn:
            ids = erased_since(conn)
        for id_ in ids:
            _erase(opened, settings, id_, "erased after this backup was made: the key was destroyed")
    finally:
        opened.close()


def _retain(opened: "Store", settings: Settings, dry_run: bool) -> None:
    """Apply the rules of retention, or say what they would do."""
    from dosetwin.serve.audit import Trail
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.store.retain import Rules, archive, due, forget_refused

    now = datetime.now(UTC)
    rules = Rules(settings.retain_rejected_days, settings.retain_stays_days, settings.archive_dir)
    if rules.stays_days and rules.folder is None:
        raise InputError("closed stays are archived before they go", where="DOSETWIN_ARCHIVE_DIR", remedy="name a folder")
    with opened.read() as conn:
        messages, stays = due(conn, rules, now)
    sys.stdout.write(f"{len(messages)} refused messages and {len(stays)} closed stays {'are' if dry_run else 'were'} due\n")
    if dry_run:
        return
    vault, trail = Vault(settings.keys, settings.chain_key), Trail(settings.chain_key)
    opened.write(lambda conn: forget_refused(conn, trail, _who(), messages, now))
    folder = rules.folder or Path()
    for id_ in stays:
        target = opened.write(  # somebody may have come back since
            lambda conn, id_=id_: (
                archive(conn, vault, trail, _who(), id_, folder, now) if id_ in due(conn, rules, now)[1] else None
            )
        )
        sys.stdout.write(f"left {id_}: no longer due\n" if target is None else f"archived {target}\n")


def audit(action: str, expect: str | None) -> int:
    """``verify``: 0 when the chain and every fact hold, 1 when not."""
    if action != "verify":
        raise InputError("unknown action", where="dosetwin audit", value=action, allowed="verify")
    from dosetwin.serve.audit import Trail
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.store import Store
    from dosetwin.serve.store.checkpoint import Checkpoint

    settings = Settings.from_environment()
    if not settings.chain_key:
        raise InputError("the key of the chain is needed", where="DOSETWIN_AUDIT_KEY")
    opened = Store(settings.url, migrate=False)
    try:
        with opened.read() as conn:
            vault = Vault(settings.keys, settings.chain_key) if settings.keys else None
            trail = Trail(settings.chain_key)
            file = Checkpoint(settings.checkpoint, trail.seals)
            found = trail.verify_with(conn, expect, file, vault)
    finally:
        opened.close()
    if found.checkpoint is None:
        sys.stdout.write(f"no checkpoint at {settings.checkpoint}: an old copy of the whole database would not be noticed\n")
    for line in found.wrong:
        sys.stdout.write(f"WRONG: {line}\n")
    sys.stdout.write(
        f"{found.entries} entries, head {found.head}: {'all links hold' if found.ok else 'the trail does not hold'}\n"
    )
    return 0 if found.ok else 1
