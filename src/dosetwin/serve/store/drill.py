"""A restore drill: is this backup one from which the service would go on? Restored aside, verified, opened, replayed, timed."""

import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import desc, func, select

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.clock import WallClock
from dosetwin.serve.store.backup import backup, erased_since, restore
from dosetwin.serve.store.erase import erase
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.tables import advice, facts, identities, patients

if TYPE_CHECKING:
    from dosetwin.serve.settings import Settings

REPLAYS = 3
"""So many of the last advices are computed again."""
WHO = Principal("restore-drill", "the restore drill", frozenset({"pharmacist", "feed"}), frozenset({"*"}), "service")


@dataclass
class Report:
    """What a drill found; ``wrong`` empty: the service would go on from this backup."""

    backup: str
    made_at: str
    age_h: float
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    replayed: int = 0
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"ok": not self.wrong, **self.__dict__}

    def lines(self) -> list[str]:
        """The report in words."""
        took = ", ".join(f"{name} {s:.1f} s" for name, s in self.seconds.items())
        return [
            f"backup {self.backup}, made {self.made_at}, {self.age_h:.1f} h ago: what was recorded since would be lost",
            f"took: {took}",
            f"held: {', '.join(f'{n} {name}' for name, n in self.rows.items())}; {self.entries} entries of the trail",
            f"{self.replayed} advices computed again",
            *(f"WRONG: {w}" for w in self.wrong),
            "the service would go on from this backup" if not self.wrong else "DO NOT RELY on this backup",
        ]


def drill(settings: "Settings", file: Path | None, now: datetime) -> Report:
    """Restore ``file`` (None: a backup made now) into a new SQLite database aside, and look at everything. Raises InputError."""
    from dosetwin.serve.service import Service
    from dosetwin.serve.store.store import Store

    seconds: dict[str, float] = {}
    began = time.monotonic()

    def took(name: str) -> None:
        nonlocal began
        seconds[name], began = round(time.monotonic() - began, 2), time.monotonic()

    with tempfile.TemporaryDirectory(prefix="dosetwin-drill-") as aside:
        folder = Path(aside)
        if file is None:
            file = folder / "now.zip"
            store = Store(settings.url, migrate=False)
            try:
                backup(store, file, now)
            finally:
                store.close()
            took("backup")
        # nobody ever reaches it: no login, no feeds
        aside_only = {"oidc_issuer": "https://drill.invalid", "oidc_client_id": "drill", "public_url": "https://drill.invalid",
                      "mllp_port": None, "mqtt_host": "", "mqtt_user": "", "fhir_servers": None, "twin_processes": 0}  # fmt: skip
        files = {"database_url": f"sqlite:///{folder / 'restored.sqlite3'}", "data_dir": folder, "checkpoint_file": None}
        there = settings.model_copy(update=aside_only | files)
        manifest = restore(file, there.url, key=there.chain_key)
        took("restore")
        made = datetime.fromisoformat(manifest["made_at"])
        report = Report(file.name, manifest["made_at"], (now - made).total_seconds() / 3600, seconds)
        service = Service.open(there, WallClock())
        try:
            with service.store.read() as conn:
                gone = erased_since(conn)
            why = "erased after this backup was made"
            for id_ in gone:  # as a restore does
                service.store.write(lambda conn, i=id_: erase(conn, service.vault, service.trail, WHO, i, why, now))
            with service.store.read() as conn:
                found = service.verified(conn)
                report.entries, report.wrong = found.entries, list(found.wrong)
                took("verify")
                for name, table in (("patients", patients), ("facts", facts), ("advices", advice)):
                    report.rows[name] = conn.execute(select(func.count()).select_from(table)).scalar() or 0
                    said = manifest["tables"].get(table.name, {}).get("rows")
                    if said is not None and said != report.rows[name]:
                        report.wrong.append(f"{said} {name} in the backup, {report.rows[name]} restored")
                for row in conn.execute(select(identities)).mappings():
                    open_(conn, service.vault, row)
                report.rows["patients erased since"] = len(gone)
                last = select(advice.c.id).where(advice.c.patient_id.in_(select(identities.c.patient_id)))
                ids = list(conn.execute(last.order_by(desc(advice.c.asked_at)).limit(REPLAYS)).scalars())
            took("open identities")
            for id_ in ids:
                again = service.replay(WHO, id_)
                report.replayed += 1
                if not again["same"] and not again["changed_since"]:
                    report.wrong.append(f"advice {id_} is another one when it is computed again")
            took("replay")
        finally:
            service.close()
    return report
