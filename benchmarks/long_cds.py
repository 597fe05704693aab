"""What a CDS Hooks call costs end to end with a long record in its prefetch: the babies of ``long_record``.

Processor seconds of this process, service and client together: FHIR read, record checked, advice, cards. The service keeps no
prefetched record, so that every call pays for all of it. Run from the root with ``PYTHONPATH=benchmarks``.
"""

import argparse
import copy
import json
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey

from dosetwin.serve.app import create_app
from dosetwin.serve.settings import Settings
from long_record import least, newborn

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORDER = {"resourceType": "MedicationRequest", "id": "draft", "status": "draft", "intent": "order",
         "medicationCodeableConcept": {"text": "amikacin"}, "subject": {"reference": "Patient/demo-newborn"}}  # fmt: skip
ISSUER = "https://ehr.example"


def resources(days: float) -> dict[str, list[dict[str, Any]]]:
    """FHIR resources of a made-up baby ``days`` old now, by type, after the models of the demo's."""
    demo = json.loads((files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8"))
    one = {r["id"]: r for r in (e["resource"] for e in demo["entry"])}
    birth, baby = NOW - timedelta(days=days), newborn(days)

    def at(h: float) -> str:
        return (birth + timedelta(seconds=round(3600 * h))).isoformat()

    def like(name: str, number: int, h: float, value: float, unit: str) -> dict[str, Any]:
        new = copy.deepcopy(one[name]) | {"id": f"{name}-n{number}", "effectiveDateTime": at(h)}
        quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        return new | {"valueQuantity": quantity}

    patient = copy.deepcopy(one["demo-newborn"]) | {"birthDate": birth.date().isoformat()}
    patient.pop("_birthDate", None)
    observations = [like("gestational-age", 0, 0.2, 32, "wk"), like("birth-weight", 0, 0.2, 1700, "g")]
    observations += [like("weight-day-1", i, c.time, c.value * 1000, "g") for i, c in enumerate(baby.covariates) if c.time > 0]
    for i, o in enumerate(baby.observations):
        name, unit = ("creatinine-day-1", "mg/dL") if o.measures == "SCR" else ("amikacin-level-1", "mg/L")
        new = like(name, i, o.time, o.value, unit)
        if o.measures == "SCR":
            new["code"] = {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}]}
        observations.append(new)
    given = []
    for i, d in enumerate(baby.doses):
        new = copy.deepcopy(one["amikacin-1"]) | {"id": f"amikacin-n{i}"}
        new["effectivePeriod"] = {"start": at(d.time), "end": at(d.time + 0.5)}
        new["dosage"]["dose"]["value"] = d.amount
        given.append(new)
    return {"Patient": [patient], "Observation": observations, "MedicationAdministration": given}


def main() -> None:
    """Print processor (wall) seconds by days, and the last answer's first line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=365.0, help="age of the baby; one per start")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    key = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)

    class Fixed:
        def now(self) -> datetime:
            return NOW

    with tempfile.TemporaryDirectory() as folder:
        listed = {ISSUER: {"keys": [key.as_dict(private=False)], "ward": "nicu"}}
        (Path(folder) / "clients.json").write_text(json.dumps(listed), encoding="utf-8")
        settings = Settings(demo=True, data_dir=Path(folder), demo_babies=0, draws=500, public_url="http://testserver",
                            cds_clients=Path(folder) / "clients.json")  # fmt: skip
        with TestClient(create_app(settings, clock=Fixed(), background=False)) as client:
            days = chosen.days
            found = resources(days)

            def call(found: dict[str, list[dict[str, Any]]] = found) -> str:
                sets = {k: {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in v]}
                        for k, v in found.items()}  # fmt: skip
                body = {"hook": "order-select", "hookInstance": str(uuid.uuid4()),
                        "context": {"userId": "Practitioner/1", "patientId": "demo-newborn",
                                    "selections": ["MedicationRequest/draft"],
                                    "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": ORDER}]}},
                        "prefetch": {"patient": found["Patient"][0], "observations": sets["Observation"],
                                     "administrations": sets["MedicationAdministration"], "procedures": None,
                                     "conditions": {"resourceType": "Bundle", "type": "searchset", "entry": []}}}  # fmt: skip
                path, s = "/cds-services/dosetwin-order-select", NOW.timestamp()
                claims = {"iss": ISSUER, "aud": "http://testserver" + path, "iat": s, "exp": s + 120, "jti": str(uuid.uuid4())}
                token = jwt.encode({"alg": "ES256", "kid": "k1", "typ": "JWT"}, claims, key, algorithms=["ES256"])
                answer = client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
                answer.raise_for_status()
                return answer.json()["cards"][0]["summary"]

            cpu, wall = least(call, chosen.runs)
            print(f"{days:g} d: {sum(map(len, found.values()))} resources, {cpu:.2f} ({wall:.2f}) s: {call()}")


if __name__ == "__main__":
    main()
