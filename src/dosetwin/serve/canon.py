"""The bytes that are hashed and sealed: JSON in one form, moments in UTC to the microsecond."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that are hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def stamp(when: datetime) -> str:
    """A moment as it is hashed: UTC, to the microsecond."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")
