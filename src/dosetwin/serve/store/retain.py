"""What is kept how long: refused messages so many days, closed stays archived after so many; nothing goes without a rule.

An archived stay is a sealed file (AES-GCM with the data key) whose hash the trail notes; then the record is erased. The file is
opened again with ``dosetwin store open-archive``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select

from dosetwin.errors import InputError
from dosetwin.serve.audit import Trail
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.canon import stamp
from dosetwin.serve.crypto import Vault
from dosetwin.serve.store.erase import _On, erase
from dosetwin.serve.store.merges import MOST, parts_of, with_absorbed
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.private import private_file, private_folder
from dosetwin.serve.store.schema import append_only, changeable
from dosetwin.serve.store.tables import advice, audit, facts, identities, patients, rejected

ABOUT = "archive"


@dataclass(frozen=True)
class Rules:
    """Days that refused messages, and closed stays without a new fact, are kept; 0: for good. ``folder`` of the archive."""

    rejected_days: float = 0.0
    stays_days: float = 0.0
    folder: Path | None = None


def record(conn: Connection, vault: Vault, patient: str) -> dict[str, Any]:
    """Everything on record about a patient: who, every fact in the order recorded, every advice with question and answer.

    ``merged``: the same of each record that was merged into it.
    """
    row = conn.execute(select(patients).where(patients.c.id == patient)).mappings().one()
    who = (
        conn.execute(select(identities).where(identities.c.patient_id == patient).order_by(identities.c.version)).mappings().all()
    )
    own = [dict(r) for r in conn.execute(select(facts).where(facts.c.patient_id == patient).order_by(facts.c.seq)).mappings()]
    parts = parts_of(conn, patient)
    given = conn.execute(select(advice).where(advice.c.patient_id == patient).order_by(advice.c.asked_at)).mappings().all()
    return {
        "format": "dosetwin record 1", "patient": patient, "ward": row["ward"], "here": row["active"],
        "identity": [{"version": r["version"], "since": stamp(r["recorded_at"]), **open_(conn, vault, r)} for r in who],
        "facts": [{"id": f["id"], "kind": f["kind"], "at": stamp(f["at"]), "recorded_at": stamp(f["recorded_at"]),
                   "by": f["actor"], "said": f["body"]} for f in with_absorbed(conn, patient, own, 0, MOST)],
        "advice": [{"id": a["id"], "asked_at": stamp(a["asked_at"]), "asked_by": a["asked_by"], "question": a["inputs"],
                    "answer": a["answer"]} for a in given],
        **({"merged": [record(conn, vault, id_) for id_ in parts]} if parts else {}),
    }  # fmt: skip


def due(conn: Connection, rules: Rules, now: datetime) -> tuple[list[str], list[str]]:
    """Ids of refused messages, and of patients whose stays are closed, whose time is over."""
    messages: list[str] = []
    if rules.rejected_days:
        old = rejected.c.at < now - timedelta(days=rules.rejected_days)
        messages = list(conn.execute(select(rejected.c.id).where(old).order_by(rejected.c.at)).scalars())
    stays: list[str] = []
    if rules.stays_days:
        last = patients.join(facts, facts.c.seq == patients.c.head)
        query = select(patients.c.id).select_from(last).where(
            patients.c.active.is_(False), patients.c.merged_into.is_(None), patients.c.erased_at.is_(None),
            patients.c.arriving.is_(False), facts.c.recorded_at < now - timedelta(days=rules.stays_days),
        ).order_by(patients.c.id)  # fmt: skip
        stays = list(conn.execute(query).scalars())
    return messages, stays


def forget_refused(conn: Connection, trail: Trail, who: Principal, ids: Sequence[str], now: datetime) -> None:
    """Delete refused messages; the trail says which."""
    if not ids:
        return
    changeable(_On(conn), "rejected")
    conn.execute(delete(rejected).where(rejected.c.id.in_(list(ids))))
    append_only(_On(conn), "rejected")
    trail.add(conn, now, who, "retention", detail={"refused": len(ids), "sealed": {f"rejected:{id_}": None for id_ in ids}})


def archive(conn: Connection, vault: Vault, trail: Trail, who: Principal, patient: str, folder: Path, now: datetime) -> Path:
    """Write a closed stay into a sealed file, then erase it here; the trail notes the file's hash."""
    sealed = vault.seal(record(conn, vault, patient), f"{ABOUT}:{patient}")
    raw = json.dumps({"format": "dosetwin archive 1", "patient": patient, "key_id": sealed.key_id}).encode() + b"\n" + sealed.body
    private_folder(folder)
    target = folder / f"{patient}.archive"
    if target.exists() and not _left_over(conn, vault, patient, target):
        raise InputError("the file exists", where=str(target), remedy="move it elsewhere: an archive is never overwritten")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    private_file(part)
    part.write_bytes(raw)
    part.replace(target)
    digest = hashlib.sha256(raw).hexdigest()
    trail.add(conn, now, who, "archive", patient=patient, detail={"sha256": digest})
    erase(conn, vault, trail, who, patient, f"archived, file with SHA-256 {digest}", now, remember=False)
    return target


def _left_over(conn: Connection, vault: Vault, patient: str, file: Path) -> bool:
    """Whether a file is an archive of this patient that the trail knows nothing of: its commit failed, and nothing was erased."""
    try:
        if opened(vault, file)["patient"] != patient:
            return False
    except InputError:
        return False
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    noted = select(audit.c.detail).where(audit.c.patient_id == patient, audit.c.action == "archive")
    return digest not in {(detail or {}).get("sha256") for detail in conn.execute(noted).scalars()}


def opened(vault: Vault, file: Path) -> dict[str, Any]:
    """What an archive holds. Raises InputError for a file that is none, was changed, or whose key is not given."""
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        said = json.loads(head)
        about, key = f"{ABOUT}:{said['patient']}", said["key_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"not an archive ({type(error).__name__})", where=str(file)) from None
    return vault.open(key, body, about)
