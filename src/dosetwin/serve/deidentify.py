"""De-identified export: pseudonyms, dates moved by an amount of each patient's own, free text and places left out."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dosetwin.quantities import ASSAYED
from dosetwin.serve.audit import stamp
from dosetwin.serve.store.facts import Person
from dosetwin.serve.store.measured import assayed_in

KEPT = {
    "patient_created": ("sex", "GA_weeks", "birth_weight_kg", "synthetic"),
    "dose": ("drug", "amount_mg", "infusion_h"),
    "measured": ("quantity", "canonical_value", "canonical_unit", "below_limit", "after_dose", "time_sd_h", "assay"),
    "level": ("drug", "mg_per_L", "below_loq", "after_dose", "time_sd_h"),
    **{kind: (assayed_in(of), "assay") for kind, of in ASSAYED.items()},
    "covariate": ("name", "canonical_value", "canonical_unit"),
    "culture": ("specimen", "result", "drug", "mic_mg_per_L", "susceptibility"),
    "planned": ("drug", "action", "amount_mg", "every_h"),
    "advice_issued": ("status", "regimen", "therapy"),
    "advice_answered": ("decision", "given"),
}
"""Fields that leave the house, per kind; kinds and fields not listed stay (free text, wards, actors, source keys, organisms'
names as typed)."""
FURTHEST_DAYS = 365


def pseudonym(key: bytes, patient: str) -> str:
    """A name that only this key's holder can trace back."""
    return hmac.new(key, b"pseudonym " + patient.encode(), hashlib.sha256).hexdigest()[:16]


def shift(key: bytes, patient: str) -> timedelta:
    """How far this patient's dates are moved: the same for all of them, so that intervals stay; never less than a week."""
    raw = int.from_bytes(hmac.new(key, b"date shift " + patient.encode(), hashlib.sha256).digest()[:8], "big")
    days, sign = 7 + raw % (FURTHEST_DAYS - 6), 1 if raw >> 63 else -1
    return timedelta(days=sign * days, minutes=(raw >> 20) % 1440)


def lines(key: bytes, patient: str, facts: Sequence[Mapping[str, Any]], person: Person) -> Iterator[str]:
    """One JSON line per fact of a patient who did not deny research."""
    name, by = pseudonym(key, patient), shift(key, patient)
    numbers = {f["id"]: k for k, f in enumerate(facts)}
    for k, f in enumerate(facts):
        out: dict[str, Any] = {"patient": name, "number": k, "kind": f["kind"], "at": stamp(f["at"] + by)}
        if f["kind"] == "patient_created" and person.birth is not None:
            out["birth"] = stamp(person.birth + by)
        body = f["body"]
        if f["kind"] == "correction":
            out |= {"corrects": numbers.get(body["corrects"]), "action": body["action"]}
            if body["action"] == "replace":
                out |= {
                    "new_at": stamp(datetime.fromisoformat(body["at"]) + by),
                    "body": _kept(body["body"]["kind"], body["body"]),
                }
        elif f["kind"] in KEPT:
            out["body"] = _kept(f["kind"], body)
            regimen = out["body"].get("regimen")
            if isinstance(regimen, Mapping) and isinstance(regimen.get("first_at"), str):
                out["body"]["regimen"] = dict(regimen) | {"first_at": stamp(datetime.fromisoformat(regimen["first_at"]) + by)}
        else:
            continue
        yield json.dumps(out, sort_keys=True) + "\n"


def _kept(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {k: body[k] for k in KEPT[kind] if k in body}
