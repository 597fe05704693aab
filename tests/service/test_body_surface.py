"""Body surface in the service: worked out from length and weight, or as recorded; refused with the remedy without either."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from service.conftest import Running, settings_for


def test_cisplatin_is_advised_from_length_and_weight(jwks_file: Path, token: Callable[..., str], tmp_path: Path) -> None:
    settings = settings_for(
        f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path, therapies="cisplatin_solid_tumour", draws=100
    )
    with Running(settings, token, background=False) as running:
        who, now = running.as_("pharmacist", wards=["*"]), running.service.clock.now()
        at, birth = (now - timedelta(hours=2)).isoformat(), (now - timedelta(days=58 * 365)).isoformat()
        new = {"ward": "ONC", "sex": "male", "at": at, "person": {"birth": birth}}
        id_ = who.post("/api/v1/patients", json=new).json()["id"]

        def tell(*values: tuple[str, float, str]) -> None:
            told = [{"patient_id": id_, "at": at, "body": {"kind": "measured", "quantity": n, "value": v, "unit": u}}
                    for n, v, u in values]  # fmt: skip
            sent = who.post("/api/v1/events", json={"events": told})
            assert sent.status_code == 201, sent.text

        tell(("WT", 70.0, "kg"), ("SCR", 0.9, "mg/dL"), ("ALB", 40.0, "g/L"))
        refused = who.post(f"/api/v1/patients/{id_}/advice", json={})
        assert "HT" in refused.text
        assert refused.status_code != 201 or refused.json()["answer"]["status"] == "refuse"
        tell(("HT", 172.0, "cm"))
        found = who.post(f"/api/v1/patients/{id_}/advice", json={})
        assert found.status_code == 201, found.text
        answer = found.json()["answer"]
        assert answer["status"] in ("recommend", "caution")
        said = {f["code"]: f for f in answer["findings"]}
        assert said["body_surface_worked_out"]["value"] == 1.83
        tell(("BSA", 1.7, "m2"))
        again = who.post(f"/api/v1/patients/{id_}/advice", json={}).json()["answer"]
        assert "body_surface_worked_out" not in {f["code"] for f in again["findings"]}
        high = {"patient_id": id_, "at": at, "body": {"kind": "measured", "quantity": "BSA", "value": 17.0, "unit": "m2"}}
        assert who.post("/api/v1/events", json={"events": [high]}).status_code == 422
