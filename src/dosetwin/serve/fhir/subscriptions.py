"""Our Subscriptions at a FHIR server: made where they are missing, switched on again where the server switched them off.

What is posted to us is not read (``routes.notified``): it says that there is news, and the server is asked.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dosetwin.serve.fhir.client import FhirClient

REASON = "dosetwin: news for digital twins"
LOOK_S = 600.0
"""How often they are looked at."""


def wanted(kinds: Sequence[str], endpoint: str, secret_env: str) -> list[dict[str, Any]]:
    """A rest-hook Subscription (R4) for each kind, without payload: only that there is news."""
    header = [f"Authorization: Bearer {os.environ.get(secret_env, '')}"]
    channel = {"type": "rest-hook", "endpoint": endpoint, "header": header}
    return [{"resourceType": "Subscription", "status": "requested", "reason": REASON, "criteria": f"{kind}?", "channel": channel}
            for kind in kinds]  # fmt: skip


def keep(client: FhirClient, kinds: Sequence[str], endpoint: str, secret_env: str) -> dict[str, str]:
    """See to it that the server notifies us of these kinds; what was done, by kind: ``there``, ``made`` or ``again``.

    Raises FhirError where the server refuses.
    """
    mine: dict[str, Mapping[str, Any]] = {}
    for found in client.search("Subscription", {"url": endpoint, "_count": "200"}):
        channel = found.get("channel") or {}
        if found.get("resourceType") == "Subscription" and channel.get("endpoint") == endpoint:
            mine[str(found.get("criteria", "")).partition("?")[0]] = found
    out = {}
    for each in wanted(kinds, endpoint, secret_env):
        kind = each["criteria"].partition("?")[0]
        old = mine.get(kind)
        if old is None:
            client.write(each)
        elif old.get("status") not in ("active", "requested"):
            client.write({**each, "id": old["id"]})
        out[kind] = "made" if old is None else "there" if old.get("status") in ("active", "requested") else "again"
    return out
