"""Settings of the service: from the environment (``DOSETWIN_*``), checked once at the start, secrets never printed."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from dosetwin.errors import InputError

PREFIX = "DOSETWIN_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ELSEWHERE = frozenset({"cache", "shared", "models", "chromium"})
"""Variables of the same prefix that other parts of the program (and its tests) read: none of the service's business."""
DEMO_KEY = base64.b64encode(b"dosetwin-demo-key-not-a-secret!!").decode()
"""Encrypts the made-up identifiers of the demo; any other start refuses it."""


class Settings(BaseModel):
    """What the service needs to know. Each field is read from ``DOSETWIN_`` and its name in capitals.

    ``data_keys``: ``id:base64`` pairs, comma-separated, 32 bytes each, newest first; the first encrypts, all decrypt.
    ``therapies``: names of listed therapies, or paths of files that the operator installed, comma-separated, the usual one first;
    ``NAME@MODEL`` asks another of its models. ``usual``: ``ward=therapy`` pairs, comma-separated: what a patient of the ward is
    followed for before any drug is on record, and which therapy of a drug where several are installed. ``places``:
    such pairs, of wards followed as places (docs/settings.md). ``policy`` and ``model`` are what ``therapies`` was called
    when there was one.
    ``wards``: a file of how wards prepare doses, by the names of wards (docs/preparation.md).
    ``told``: who tells the effects of models, by the name of who does (``told.OPTION``).
    ``audit_key``: base64, at least 32 bytes; keys the chain of the audit trail and the blind index of identifiers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    demo: bool = False
    database_url: str = ""
    data_dir: Path = Path("dosetwin-data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str = ""
    site: str = "dosetwin"

    checkpoint_file: Path | None = None

    data_keys: SecretStr = SecretStr("")
    audit_key: SecretStr = SecretStr("")

    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_audience: str = ""
    oidc_access_typ: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/.-]*$")] = ""
    oidc_jwks_file: Path | None = None
    oidc_roles_claim: str = "dosetwin_roles"
    oidc_wards_claim: str = "dosetwin_wards"
    session_hours: Annotated[float, Field(gt=0, le=24)] = 8.0
    break_glass_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 60.0

    therapies: str = ""
    usual: str = ""
    places: str = ""
    model: str = ""
    policy: str = ""
    told: str = ""
    wards: Path | None = None
    time_zone: str = "UTC"
    language: Annotated[str, Field(pattern=r"^(en|de|fr|es|it)$")] = "en"
    seed: Annotated[int, Field(ge=0)] = 1
    draws: Annotated[int, Field(ge=100, le=5000)] = 500
    workers: Annotated[int, Field(ge=1, le=64)] = max(1, (os.cpu_count() or 2) - 1)
    twin_processes: Annotated[int, Field(ge=0, le=64)] = max(1, (os.cpu_count() or 2) - 1)
    try_processes: Annotated[int, Field(ge=0, le=16)] = min(max(0, (os.cpu_count() or 2) - 2), 4)
    refresh_after_h: Annotated[float, Field(gt=0)] = 6.0
    twins_in_memory: Annotated[int, Field(ge=1)] = 256

    trusted_proxies: str = ""
    connections: Annotated[int, Field(ge=16, le=100_000)] = 1000
    connections_per_address: Annotated[int, Field(ge=4)] = 200
    head_seconds: Annotated[float, Field(gt=0)] = 10.0
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    max_body_mb: Annotated[float, Field(gt=0, le=512)] = 8.0
    rate_per_minute: Annotated[int, Field(ge=1)] = 1200
    login_per_minute: Annotated[int, Field(ge=1)] = 10
    frame_ancestors: str = ""
    cds_clients: Path | None = None
    fhir_servers: Path | None = None
    cds_origins: str = ""
    smart_servers: Path | None = None
    mllp_host: str = "127.0.0.1"
    mllp_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    mllp_zone: str = ""
    mllp_tls_cert: Path | None = None
    mllp_tls_key: Path | None = None
    mllp_tls_clients: Path | None = None
    adt_wards: str = ""
    mqtt_host: str = ""
    mqtt_port: Annotated[int, Field(ge=1, le=65535)] = 1883
    mqtt_root: Annotated[str, Field(pattern=r"^[^+#\s]+$")] = "dosetwin"
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_tls: bool = False
    feed_silent_min: Annotated[float, Field(ge=0)] = 0.0
    alert_late_min: Annotated[float, Field(gt=0)] = 60.0
    alert_escalate_min: Annotated[float, Field(gt=0)] = 30.0
    retain_rejected_days: Annotated[float, Field(ge=0)] = 0.0
    retain_stays_days: Annotated[float, Field(ge=0)] = 0.0
    archive_dir: Path | None = None
    results_dir: Path | None = None
    log_json: bool = False
    alert_mail: str = ""
    alert_from: str = ""
    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_tls: bool = True
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    alert_webhook: str = ""
    alert_webhook_key: SecretStr = SecretStr("")
    alert_quiet: str = ""
    alert_fhir: str = ""
    alert_summary: str = ""
    metrics_open: bool = False
    demo_babies: Annotated[int, Field(ge=0, le=2000)] = 12
    demo_speed: Annotated[float, Field(ge=0)] = 60.0

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @model_validator(mode="before")
    @classmethod
    def _called(cls, words: Any) -> Any:
        """What is ``told`` here has the name of who tells outside."""
        if not isinstance(words, dict) or set(words) <= set(cls.model_fields):
            return words
        from dosetwin.serve.told import OPTION

        return {("told" if k == OPTION else k): v for k, v in words.items()}

    @field_validator("told")
    @classmethod
    def _teller(cls, name: str) -> str:
        if name:
            from dosetwin.serve.told import NAMES

            if name not in NAMES:
                raise ValueError(f"not one of {', '.join(NAMES)}")
        return name

    @field_validator("usual", "places")
    @classmethod
    def _wards(cls, text: str) -> str:
        for part in filter(None, (p.strip() for p in text.split(","))):
            ward, sign, name = (x.strip() for x in part.rpartition("="))
            if not (sign and ward and name):
                raise ValueError("not ward=therapy pairs, such as NICU=NAME, MED=NAME")
        return text

    @field_validator("adt_wards")
    @classmethod
    def _locations(cls, text: str) -> str:
        for part in filter(None, (p.strip() for p in text.split(","))):
            location, sign, ward = (x.strip() for x in part.partition("="))
            if not location or (sign and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}", ward)):
                raise ValueError("not location=ward pairs (PV1-3.1 = ward here), such as NICU=NICU-1, MED")
        return text

    @field_validator("alert_quiet")
    @classmethod
    def _hours(cls, text: str) -> str:
        from datetime import time

        try:
            if text:
                begins, ends = (time.fromisoformat(w.strip()) for w in text.split("-"))
                if begins == ends:
                    raise ValueError
        except ValueError:
            raise ValueError("not hours of the day, such as 22:00-06:00") from None
        return text

    @field_validator("alert_summary")
    @classmethod
    def _hour(cls, text: str) -> str:
        from datetime import time

        try:
            if text:
                time.fromisoformat(text)
        except ValueError:
            raise ValueError("not a time of the day, such as 07:00") from None
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, text: str) -> str:
        from ipaddress import ip_network

        try:
            return " ".join(str(ip_network(w, strict=False)) for w in text.replace(",", " ").split())
        except ValueError:
            raise ValueError("not addresses or networks, such as 127.0.0.1 or 10.1.0.0/16") from None

    @field_validator("mllp_zone", "time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            if name:
                ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("not a time zone known here; an IANA name such as Europe/Berlin (needs tzdata)") from None
        return name

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **given: Any) -> "Settings":
        """Settings from the environment; ``given`` (what the command line said; None is not said) wins.

        Raises InputError naming the variable for a value that is not accepted or a variable nobody declared.
        """
        found = os.environ if environ is None else environ
        words: dict[str, Any] = {k[len(PREFIX) :].lower(): v for k, v in found.items() if k.startswith(PREFIX) and v != ""}
        words = {k: v for k, v in words.items() if k not in ELSEWHERE}
        unknown = sorted(set(words) - (set(cls.model_fields) - {"told"}))
        if unknown:
            from dosetwin.serve.told import OPTION

            unknown = [k for k in unknown if k != OPTION]
        if unknown:
            raise InputError("unknown setting", where=PREFIX + unknown[0].upper(), remedy="see docs/service.md")
        words |= {k: v for k, v in given.items() if v is not None}
        try:
            return cls(**words)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            if name == "told":
                from dosetwin.serve.told import OPTION as name
            name = PREFIX + name.upper()
            raise InputError(f"not accepted: {first['msg']}", where=name, remedy="see docs/service.md") from None

    @property
    def therapy_names(self) -> tuple[str, ...]:
        """The therapies to follow, each a name or a file, with ``@MODEL`` where another model than its usual is asked."""
        words = tuple(filter(None, (w.strip() for w in self.therapies.split(","))))
        if words:
            return words
        from dosetwin.formulary import USUAL

        return (f"{self.policy or USUAL}{'@' if self.model else ''}{self.model}",)

    @property
    def usual_of_wards(self) -> tuple[tuple[str, str], ...]:
        """(ward, therapy) of ``usual``."""
        return self.ward_pairs("usual")

    def ward_pairs(self, of: str) -> tuple[tuple[str, str], ...]:
        """(ward, therapy) of a setting of such pairs."""
        parts = [p.rpartition("=") for p in getattr(self, of).split(",") if p.strip()]
        return tuple((ward.strip(), name.strip()) for ward, _, name in parts)

    @property
    def wards_of_adt(self) -> dict[str, str]:
        """Ward here by location (PV1-3.1); a location alone is its own ward."""
        parts = [p.partition("=") for p in self.adt_wards.split(",") if p.strip()]
        return {place.strip(): ward.strip() or place.strip() for place, _, ward in parts}

    @property
    def superseded(self) -> tuple[str, ...]:
        """What is set by a name of before, each with the name of today."""
        return tuple(f"{PREFIX}{old.upper()} is {PREFIX}THERAPIES now" for old in ("policy", "model") if getattr(self, old))

    @property
    def url(self) -> str:
        """The database: as given, else an SQLite file in ``data_dir``."""
        if self.database_url.startswith("postgresql://"):
            return "postgresql+psycopg://" + self.database_url.removeprefix("postgresql://")
        return self.database_url or f"sqlite:///{(self.data_dir / 'dosetwin.sqlite3').as_posix()}"

    @property
    def checkpoint(self) -> Path:
        """Where the head of the trail is noted outside the database: as given, else a file in ``data_dir``."""
        return self.checkpoint_file or self.data_dir / "audit-checkpoint.json"

    @property
    def keys(self) -> dict[str, bytes]:
        """Data keys by id, the one that encrypts first. Raises InputError for a key that is none."""
        text = self.data_keys.get_secret_value() or (f"demo:{DEMO_KEY}" if self.demo else "")
        out: dict[str, bytes] = {}
        for part in filter(None, (p.strip() for p in text.split(","))):
            name, sign, key = part.partition(":")
            raw = _decoded(key, PREFIX + "DATA_KEYS")
            if not sign or not name or len(raw) != 32 or name in out:
                raise InputError("not a key", where=PREFIX + "DATA_KEYS", allowed="id:base64 of 32 bytes, each id once")
            out[name] = raw
        return out

    @property
    def chain_key(self) -> bytes:
        """The key of the audit chain."""
        text = self.audit_key.get_secret_value()
        return _decoded(text, PREFIX + "AUDIT_KEY") if text else (b"dosetwin demo audit chain, no secret" if self.demo else b"")

    @property
    def session_time(self) -> timedelta:
        """How long a login lasts."""
        return timedelta(hours=self.session_hours)

    def refuse_unsafe(self) -> None:
        """Raise InputError, naming every variable to set, when a default that is only safe in the demo would be used."""
        wrong: list[str] = []
        keys = self.keys
        if not self.demo:
            if not keys or base64.b64decode(DEMO_KEY) in keys.values():
                wrong.append("DOSETWIN_DATA_KEYS (make one with 'dosetwin store new-key')")
            if len(self.chain_key) < 32:
                wrong.append("DOSETWIN_AUDIT_KEY (at least 32 bytes, base64)")
            if not (self.oidc_issuer and self.oidc_client_id):
                wrong.append("DOSETWIN_OIDC_ISSUER and DOSETWIN_OIDC_CLIENT_ID (local users exist only in the demo)")
            if not self.public_url.startswith("https://"):
                wrong.append("DOSETWIN_PUBLIC_URL (https://..., what the browser sees; cookies are for https only)")
            if self.oidc_issuer and not self.oidc_issuer.startswith("https://") and not _loopback(self.oidc_issuer):
                wrong.append("DOSETWIN_OIDC_ISSUER (https)")
            if self.mqtt_user and not self.mqtt_tls and self.mqtt_host not in LOOPBACK:
                wrong.append("DOSETWIN_MQTT_TLS (a password would cross the network in the clear)")
            if self.mllp_port is not None and self.mllp_host not in LOOPBACK and not (self.mllp_tls_cert and self.mllp_tls_key):
                wrong.append("DOSETWIN_MLLP_TLS_CERT and DOSETWIN_MLLP_TLS_KEY (patients' data would cross the network in the "
                             "clear), or leave DOSETWIN_MLLP_HOST at 127.0.0.1")  # fmt: skip
        if self.alert_mail and not (self.smtp_host and self.alert_from):
            wrong.append("DOSETWIN_SMTP_HOST and DOSETWIN_ALERT_FROM (alerts go to DOSETWIN_ALERT_MAIL)")
        if self.alert_summary and not self.alert_mail:
            wrong.append("DOSETWIN_ALERT_MAIL (DOSETWIN_ALERT_SUMMARY goes there)")
        if self.alert_fhir and self.fhir_servers is None:
            wrong.append("DOSETWIN_FHIR_SERVERS (DOSETWIN_ALERT_FHIR names one of them)")
        if self.smtp_host and not self.smtp_tls and self.smtp_host not in LOOPBACK:
            wrong.append("DOSETWIN_SMTP_TLS (alerts would cross the network in the clear)")
        if self.alert_webhook and (not secure(self.alert_webhook) or len(self.alert_webhook_key.get_secret_value()) < 16):
            wrong.append("DOSETWIN_ALERT_WEBHOOK (https) and DOSETWIN_ALERT_WEBHOOK_KEY (at least 16 characters)")
        if self.demo and self.database_url:
            wrong.append("DOSETWIN_DATABASE_URL (the demo keeps its made-up ward to itself: unset it)")
        if wrong:
            raise InputError("unsafe settings, not started", where="dosetwin serve", remedy="set " + "; ".join(wrong)
                             if not self.demo else "; ".join(wrong))  # fmt: skip


def secure(url: Any) -> bool:
    """Whether an address is https, or on this machine."""
    from urllib.parse import urlsplit

    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _loopback(url: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname in LOOPBACK


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("not base64", where=where) from None
