"""Backup and restore: one file that holds every fact, readable on either database, checked before and after."""

import base64
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Table, func, select, text

from dosetwin.errors import InputError
from dosetwin.serve.audit import stamp
from dosetwin.serve.store import schema
from dosetwin.serve.store.patient_keys import OWN
from dosetwin.serve.store.private import private_file, write_private
from dosetwin.serve.store.store import Store, open_engine
from dosetwin.serve.store.tables import Moment, identities, metadata, patient_keys, patients

LEFT_OUT = ("twin_states", "twin_jobs", "sessions", "heartbeat", "patient_keys")
"""Derived again, worth nothing after a restore, or kept apart (``KEYS``)."""
KEYS = "patient-keys.jsonl"
"""Beside the backups of a folder, overwritten by each: so that who was erased is erased in the older ones too."""
FORMAT = "dosetwin backup 1"
ROWS = 500
LARGEST_MANIFEST = 2**20
"""Bytes."""
NEXT_SEQ = "SELECT setval(pg_get_serial_sequence('facts', 'seq'), COALESCE(MAX(seq), 1)) FROM facts"


def _tables() -> list[Table]:
    return [t for t in metadata.sorted_tables if t.name not in LEFT_OUT]


def _line(row: Any) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return stamp(value)
        return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value

    return json.dumps({k: plain(v) for k, v in row.items()}, separators=(",", ":")) + "\n"


def backup(store: Store, target: Path, now: datetime) -> dict[str, Any]:
    """Write everything of one moment into ``target``, while the service runs. Whole or not at all.

    Returns the manifest. Identifiers stay encrypted; the keys are not in it: keep them elsewhere, but keep them.
    Raises InputError when ``target`` exists or cannot be written.
    """
    if target.exists():
        raise InputError("the file exists", where=str(target.name), remedy="choose another name: a backup is never overwritten")
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        private_file(part)
        with store.read() as conn, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as out:
            keys = [_line(r) for r in conn.execute(select(patient_keys).order_by(patient_keys.c.patient_id)).mappings()]
            manifest: dict[str, Any] = {"format": FORMAT, "made_at": stamp(now), "revision": schema.head(), "tables": {}}
            for table in _tables():
                manifest["tables"][table.name] = _write_table(conn, out, table)
            out.writestr("manifest.json", json.dumps(manifest, indent=1))
        with part.open("rb") as written:
            os.fsync(written.fileno())
        write_private(target.with_name(KEYS), "".join(keys))
        part.rename(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror}", where=str(target.name)) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return manifest


def _write_table(conn: Connection, out: zipfile.ZipFile, table: Table) -> dict[str, Any]:
    count, digest = 0, hashlib.sha256()
    with out.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        found = conn.execution_options(yield_per=ROWS).execute(select(table).order_by(*table.primary_key.columns))
        for row in found.mappings():
            raw = _line(row).encode()
            digest.update(raw)
            file.write(raw)
            count += 1
    return {"rows": count, "sha256": digest.hexdigest(), "columns": [c.name for c in table.columns]}


def restore(source: Path, url: str, *, key: bytes = b"") -> dict[str, Any]:
    """Fill an empty database from a backup, whole or not at all, and bring its schema up to date.

    ``key``: of the audit chain, to seal the rows of a backup that an older program made.

    Raises InputError for a file that is no sound backup, or a database that holds patients already.
    """
    try:
        with zipfile.ZipFile(source) as file:
            manifest = _manifest(file, source.name)
            engine = open_engine(url)
            try:
                _refuse_filled(engine)
                schema.upgrade(engine, manifest["revision"])
                with engine.connect() as conn, conn.begin():
                    for table in _tables():
                        if table.name in manifest["tables"]:
                            _read_table(conn, file, table, manifest["tables"][table.name], source.name)
                    if conn.dialect.name == "postgresql":
                        conn.execute(
                            text("SELECT setval(pg_get_serial_sequence('facts', 'seq'), COALESCE(MAX(seq), 1)) FROM facts")
                        )
                schema.upgrade(engine, key=key)
                _read_keys(engine, source.with_name(KEYS))
            finally:
                engine.dispose()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=source.name) from None
    except zipfile.BadZipFile:
        raise InputError("not a backup, or cut off", where=source.name) from None
    return manifest


def _read_keys(engine: Engine, file: Path) -> None:
    """The patients' own keys, as the newest backup of the folder has them. Raises InputError where they are missing."""
    with engine.connect() as conn, conn.begin():
        needed = set(conn.execute(select(identities.c.patient_id).where(identities.c.key_id == OWN)).scalars())
        if not needed:
            return
        try:
            rows = [_row(patient_keys, json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"the patients' keys cannot be read ({type(error).__name__}): nobody could be identified",
                             where=str(file), remedy="copy it beside the backup: each backup writes it") from None  # fmt: skip
        mine = [r for r in rows if r["patient_id"] in needed]
        if mine:
            conn.execute(patient_keys.insert(), mine)


def erased_since(conn: Connection) -> list[str]:
    """Patients of a restored backup whose key was destroyed after it was made: they are to be erased again."""
    there = select(patient_keys.c.patient_id)
    query = select(patients.c.id).join(identities, identities.c.patient_id == patients.c.id).distinct()
    query = query.where(identities.c.key_id == OWN, patients.c.id.not_in(there), patients.c.erased_at.is_(None))
    return list(conn.execute(query).scalars())


def _manifest(file: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        if file.getinfo("manifest.json").file_size > LARGEST_MANIFEST:
            raise ValueError
        manifest = json.loads(file.read("manifest.json"))
    except (KeyError, ValueError):
        raise InputError("not a backup", where=name, allowed="a file of 'dosetwin store backup'") from None
    if manifest.get("format") != FORMAT or manifest.get("revision") not in schema.revisions():
        raise InputError("a backup of another program version", where=name, value=manifest.get("revision"),
                         allowed=", ".join(schema.revisions()))  # fmt: skip
    return manifest


def _refuse_filled(engine: Engine) -> None:
    if schema.current(engine) is None:
        return
    with engine.connect() as conn:
        if conn.execute(select(func.count()).select_from(metadata.tables["facts"])).scalar():
            raise InputError("the database is not empty", where="store restore", remedy="restore into a new one")


def _read_table(conn: Connection, file: zipfile.ZipFile, table: Table, said: dict[str, Any], name: str) -> None:
    digest, count = hashlib.sha256(), 0
    batch: list[dict[str, Any]] = []

    def lines() -> Iterator[bytes]:
        with file.open(f"{table.name}.jsonl") as raw:
            yield from raw

    for line in lines():
        digest.update(line)
        count += 1
        batch.append(_row(table, json.loads(line)))
        if len(batch) >= ROWS:
            conn.execute(table.insert(), batch)
            batch = []
    if batch:
        conn.execute(table.insert(), batch)
    if digest.hexdigest() != said["sha256"] or count != said["rows"]:
        raise InputError("the backup is damaged: nothing was restored", where=name, value=table.name)


def _row(table: Table, data: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for name, value in data.items():
        kind = table.columns[name].type
        if value is not None and isinstance(kind, Moment):
            value = datetime.fromisoformat(value)
        elif value is not None and isinstance(kind, LargeBinary):
            value = base64.b64decode(value)
        out[name] = value
    return out
