"""Bodies of ``dosetwin serve``, ``dosetwin store`` and ``dosetwin audit``."""

import base64
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from dosetwin.errors import InputError
from dosetwin.serve.settings import Settings


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
    app = create_app(settings, own_process=True)
    if settings.demo:
        where = f"http://{settings.host}:{settings.port}/"
        sys.stderr.write(f"dosetwin: wards of made-up patients on {where} (Ctrl-C stops it). {NOTICE}\n")
    elif not settings.trusted_proxies:
        sys.stderr.write("dosetwin: DOSETWIN_TRUSTED_PROXIES is not set: everybody behind your proxy counts as one address\n")
    run(app, settings)  # without access logs, which would hold patients' ids
    return 0


def store(action: str, file: Path | None) -> int:
    """``migrate``, ``backup FILE``, ``restore FILE``, ``rotate-keys`` or ``new-key``. Raises InputError."""
    actions = ("migrate", "backup", "restore", "rotate-keys", "new-key")
    if action not in actions:
        raise InputError("unknown action", where="dosetwin store", value=action, allowed=", ".join(actions))
    if (file is None) == (action in ("backup", "restore")):
        raise InputError("needs a file" if file is None else "takes no file", where=f"dosetwin store {action}")
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
        if aside is not None:
            sys.stdout.write(f"the checkpoint of the database before is kept as {aside}: entries after the backup are not here\n")
        return 0
    opened = Store(settings.url, migrate=action == "migrate", key=settings.chain_key)
    try:
        if action == "migrate":
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
