"""Attacks through names: a model, a kidney or a stored question must never make the server run, read or tell a file."""

import logging
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from dosetwin import formulary
from dosetwin.errors import UnknownName
from dosetwin.formulary import therapy_from_json
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.twins import KeptQuestion
from service.conftest import Running, course, new_patient, record

ATTACK = '''"""Runs when imported: says so in a file, and tells the key in its exception."""
import os, pathlib
pathlib.Path({mark!r}).write_text("run")
raise RuntimeError("key " + os.environ.get("DOSETWIN_AUDIT_KEY", "KEY-MATERIAL"))
'''


@pytest.fixture
def evil(tmp_path: Path) -> tuple[Path, Path]:
    """A file that leaves a mark when somebody runs it."""
    file, mark = tmp_path / "evil.py", tmp_path / "mark"
    file.write_text(ATTACK.format(mark=str(mark)))
    return file, mark


def spellings(file: Path) -> list[str]:
    """Ways to write the name of a file where a model's name is expected."""
    return [str(file), f"../../..{file}", f"file://{file}", str(file.with_suffix("")), file.name, f"{file}\u0000", "os", "os.py",
            "dosetwin.cli", "..cli", "__init__", "amikacin_neonate.py", "./amikacin_neonate", "AMIKACIN_NEONATE",
            " amikacin_neonate",            "amikacin_neonate/../vancomycin", "{{7*7}}", "$(id)", "x" * 5000]  # fmt: skip


def test_no_name_of_a_client_runs_a_file(quiet: Running, evil: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    file, mark = evil
    caplog.set_level(logging.DEBUG, "dosetwin")
    doctor, chief = quiet.as_("prescriber"), quiet.as_("pharmacist")
    patient = new_patient(doctor)
    record(doctor, patient, course())
    for name in spellings(file):
        for field in ("model", "policy", "kidney", "rule", "pack"):
            answer = doctor.post(f"/api/v1/patients/{patient}/advice", json={field: name})
            assert answer.status_code == 422, (field, name, answer.text)
            assert "KEY-MATERIAL" not in answer.text
            assert "RuntimeError" not in answer.text
        url = httpx.URL(quiet.url).copy_with(raw_path=b"/api/v1/models/" + name.encode().replace(b"\0", b"%00")[:300])
        if name.isprintable() and " " not in name and name[0] not in "{.":
            assert chief.get(url).status_code in (404, 422, 400), name
    assert not mark.exists()
    assert "KEY-MATERIAL" not in caplog.text


@pytest.mark.parametrize("named", ["amikacin_neonate", "amikacin"])
def test_a_stored_question_that_names_a_file_is_not_run(quiet: Running, evil: tuple[Path, Path], named: str) -> None:
    """Somebody who can write into the database must not get from there into the program."""
    file, mark = evil
    doctor = quiet.as_("prescriber")
    patient = new_patient(doctor)
    record(doctor, patient, course())
    asked = doctor.post(f"/api/v1/patients/{patient}/advice", json={"draws": 100}).json()
    store = quiet.service.store
    drop = "DROP TRIGGER advice_no_update" if store.sqlite else "DROP TRIGGER advice_no_change ON advice"
    new = "REPLACE(CAST(inputs AS TEXT), :old, :new)"
    change = f"UPDATE advice SET inputs = {new if store.sqlite else f'CAST({new} AS json)'}"
    with store.engine.connect() as conn, conn.begin():
        conn.execute(text(drop))
        assert conn.execute(text(change), {"old": f'"{named}"', "new": f'"{file}"'}).rowcount == 1
        assert str(file) in str(conn.execute(text("SELECT CAST(inputs AS TEXT) FROM advice")).scalar())
    answer = doctor.post(f"/api/v1/advice/{asked['id']}/replay")
    assert answer.status_code in (422, 503), answer.text
    assert "RuntimeError" not in answer.text
    assert not mark.exists()


def test_a_kept_answer_of_a_place_that_names_a_file_is_not_run(
    quiet: Running, evil: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor from an answer about a ward, whoever could write one that passes for issued."""
    file, mark = evil
    places = quiet.service.places
    monkeypatch.setitem(places.of, "NICU-1", formulary.therapy("bed_pool"))
    monkeypatch.setattr(places, "one", lambda *of: {"inputs": {"policy": {"name": str(file)}}})
    answer = quiet.as_("pharmacist").post(f"/api/v1/place/advice/{'0' * 36}/replay", params={"ward": "NICU-1"})
    assert answer.status_code in (422, 503), answer.text
    assert "unknown therapy" in answer.text
    assert not mark.exists()


def test_a_stored_therapy_whose_drug_is_a_file_is_refused(evil: tuple[Path, Path]) -> None:
    file, mark = evil
    kept = formulary.therapy("amikacin_neonate").to_json() | {"drug": str(file)}
    with pytest.raises(UnknownName, match="unknown drug"):
        therapy_from_json(kept)
    assert not mark.exists()


def test_questions_and_settings_take_listed_names_only(evil: tuple[Path, Path], settings: Settings) -> None:
    file, mark = evil
    with pytest.raises(UnknownName, match="unknown model"):
        KeptQuestion.from_json({"model": str(file), "policy": {}, "seed": 1, "draws": 100, "now": "2026-04-12T00:00:00+00:00",
                            "mic_mg_per_L": None, "rule": "locf", "sensitivity": False})  # fmt: skip
    from dosetwin.serve.clock import WallClock

    with pytest.raises(UnknownName, match="unknown model"):
        Service.open(settings.model_copy(update={"model": str(file)}), WallClock())
    for name in (str(file), f"{file}:evil", f"amikacin_neonate@{file}"):
        with pytest.raises(UnknownName, match="unknown therapy"):
            Service.open(settings.model_copy(update={"policy": name}), WallClock())
    assert not mark.exists()


def test_what_goes_wrong_unexpectedly_is_told_by_an_id_only(
    quiet: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def boom(*_: object, **__: object) -> None:
        raise RuntimeError("Mina Madeup, KEY-MATERIAL")

    doctor = quiet.as_("prescriber")
    patient = new_patient(doctor)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handlers", [caplog.handler])  # the server below logs too
    monkeypatch.setattr(quiet.service, "ask", boom)
    answer = doctor.post(f"/api/v1/patients/{patient}/advice", json={})
    assert answer.status_code == 500
    assert answer.json()["error_id"] in caplog.text
    assert "RuntimeError" in caplog.text
    for shown in (answer.text, caplog.text):
        assert "Mina" not in shown
        assert "KEY-MATERIAL" not in shown
