"""Seals: every row that decides whose, who or what bears a MAC of its content and its place, made with the audit key.

Who can write into the database but does not have the key can neither make such a row nor change one, nor move one elsewhere. That
a row is gone, or an older one put in its place, shows against the trail, which notes the seal of each (``verify.py``).
"""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dosetwin.serve.canon import canonical, stamp
from dosetwin.serve.problems import Problem
from dosetwin.serve.store.tables import (
    audit_head,
    break_glass,
    identities,
    identity_index,
    patients,
    rejected,
    sessions,
    twin_states,
)

log = logging.getLogger("dosetwin.serve")
_LEFT_OUT = {"patients": ("head",), "twin_states": ("answer",)}
"""Columns that follow from facts (and are checked against them), or are sealed by their hash in another column."""
OPTIONAL = {"patients": ("merged_into", "merges", "erased_at")}
"""Columns that a seal covers where they say something: rows sealed before there were such columns keep their seal."""
SEALED: dict[str, tuple[str, ...]] = {
    t.name: tuple(c.name for c in t.columns if c.name not in ("seal", *_LEFT_OUT.get(t.name, ())))
    for t in (patients, identities, identity_index, break_glass, rejected, sessions, twin_states, audit_head)
}
"""Table -> the columns its seal covers."""


class Seals:
    """Makes and checks seals. The key is derived from that of the audit chain."""

    def __init__(self, chain_key: bytes):
        self._key = hmac.new(chain_key, b"row seals", hashlib.sha256).digest()

    def of(self, table: str, row: Mapping[Any, Any]) -> str:
        """The seal of a row of ``table``; ``row`` has at least the columns that it covers."""
        silent = OPTIONAL.get(table, ())
        return self.mac(table, {name: row[name] for name in SEALED[table] if name not in silent or row.get(name) is not None})

    def mac(self, table: str, said: Mapping[str, Any]) -> str:
        """The seal of these columns and no others."""
        plain = {k: _plain(v) for k, v in said.items()}
        return hmac.new(self._key, canonical([table, plain]), hashlib.sha256).hexdigest()

    def holds(self, table: str, row: Mapping[Any, Any]) -> bool:
        """Whether a row bears the seal it must."""
        return hmac.compare_digest(self.of(table, row), row["seal"] or "")

    def require(self, table: str, row: Mapping[Any, Any]) -> None:
        """Raise Problem 503 for a row that does not bear its seal."""
        if not self.holds(table, row):
            raise changed(table)

    def sealed(self, table: str, **row: Any) -> dict[str, Any]:
        """The row with its seal."""
        return row | {"seal": self.of(table, row)}


def changed(table: str) -> Problem:
    """What is answered where a row was changed, put in or taken away behind the program: nothing of it is used."""
    log.error("a row of %s does not bear its seal, or is missing: changed behind the program? run 'dosetwin audit verify'", table)
    return Problem(503, "record_changed", "the record was changed behind the program and is not used; whoever runs the "
                   "service must run 'dosetwin audit verify'")  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
