"""``dosetwin fhir import``: bundles and bulk files into the store; one unusable patient does not stop the others."""

import json
from importlib.resources import files

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.clock import WallClock
from dosetwin.serve.fhir.command import run
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings

TEXT = (files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "touched", lambda *_, **__: None)
    return Settings(demo=True, data_dir=tmp_path / "data", draws=200)


def resources(name, change=lambda r: r):
    found = [e["resource"] for e in json.loads(TEXT.replace("demo-newborn", name))["entry"]]
    for r in found:
        if r["resourceType"] != "Patient":
            r["id"] = f"{r['id']}-{name}"
        elif "identifier" in r:
            r["identifier"] = [{"system": "urn:test", "value": name}]
    return [change(r) for r in found]


def furlong(r):
    if r["id"].startswith("amikacin-level-1"):
        r["valueQuantity"] |= {"unit": "furlong", "code": "furlong"}
    return r


def bulk(folder, *babies):
    by = {}
    for r in [r for baby in babies for r in baby]:
        by.setdefault(r["resourceType"], []).append(json.dumps(r))
    for kind, lines in by.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sorted(folder.glob("*.ndjson"))


def test_a_ward_is_taken_in_once_and_who_is_not_usable_is_refused_with_reasons(tmp_path, settings, capsys):
    adult = [{"resourceType": "Patient", "id": "adult", "birthDate": "1950-01-01"}]
    found = bulk(tmp_path, resources("one"), resources("two", furlong), resources("three"), adult)
    assert run(found, ward="nicu", server="ehr", as_json=True, settings=settings) == 2
    told = {x["patient"]: x for x in json.loads(capsys.readouterr().out)["patients"]}
    assert {k: x["done"] for k, x in told.items()} == {
        "Patient/one": "stored", "Patient/two": "refused", "Patient/three": "stored", "Patient/adult": "passed over"}  # fmt: skip
    assert any("furlong" in w or "unit" in w for w in told["Patient/two"]["why"])

    mended = bulk(tmp_path, resources("one"), resources("two"), resources("three"), adult)
    assert run(mended, ward="nicu", server="ehr", as_json=True, settings=settings) == 0
    again = {x["patient"]: x for x in json.loads(capsys.readouterr().out)["patients"]}
    assert (again["Patient/one"]["new"], again["Patient/one"]["patient_id"]) == (0, told["Patient/one"]["patient_id"])
    assert again["Patient/two"]["created"]

    service = Service.open(settings, WallClock())
    with service.store.read() as conn:
        assert service.reach(THE_SERVICE).rejected_one(conn, told["Patient/two"]["rejected_id"])["reasons"]
    service.close()


def test_a_bundle_and_a_file_that_is_none(tmp_path, settings, capsys):
    (tmp_path / "patient.json").write_text(TEXT, encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    assert run([tmp_path / "patient.json"], ward="nicu", settings=settings) == 0
    assert "patient.json: stored as" in capsys.readouterr().out
    assert run([tmp_path / "patient.json", tmp_path / "broken.json"], ward="nicu", settings=settings) == 2
    said = capsys.readouterr()
    assert "nothing new" in said.out or "known" in said.out
    assert "broken.json: cannot be read" in said.err


@pytest.mark.parametrize(("name", "ward"), [("absent.json", "nicu"), ("x.xml", "nicu"), ("x.json", "\n"), ("x.json", "")])
def test_what_cannot_be_begun_is_one_line(tmp_path, settings, name, ward):
    for there in ("x.xml", "x.json"):
        (tmp_path / there).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError):
        run([tmp_path / name], ward=ward, settings=settings)


def test_medications_named_by_reference_are_followed(tmp_path, settings, capsys):
    baby = resources("refers")
    for r in baby:
        if r["resourceType"] == "MedicationAdministration":
            r["medicationReference"] = {"reference": "Medication/m1"}
            concept = r.pop("medicationCodeableConcept")
    adult = {"resourceType": "Patient", "id": "adult", "birthDate": "1950-01-01"}
    found = bulk(tmp_path, [*baby, {"resourceType": "Medication", "id": "m1", "code": concept}, adult])
    assert run(found, ward="nicu", as_json=True, settings=settings) == 0
    told = json.loads(capsys.readouterr().out)["patients"]
    assert [x["done"] for x in told] == ["stored", "passed over"]
