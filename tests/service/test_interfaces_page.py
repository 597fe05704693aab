"""Every example of docs/interfaces.md is run: messages are accepted, configuration files load, settings exist."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from dosetwin.io import codes
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.cds.routes import Callers, Hook
from dosetwin.serve.fhir.sync import servers
from dosetwin.serve.live.hl7v2 import Reader
from dosetwin.serve.live.hl7v2 import receive as hl7_receive
from dosetwin.serve.live.mqtt import Thinner, receive
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart.servers import listed
from dosetwin.serve.store.facts import NewPatient, Person

PAGE = Path(__file__).parents[2] / "docs" / "interfaces.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(json|hl7|csv)( \w+)?\n(.*?)```", TEXT, re.S)


class Fixed:
    def now(self) -> datetime:
        return datetime(2026, 4, 13, 14, tzinfo=UTC)


@pytest.fixture
def service(tmp_path):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path, draws=200), Fixed())
    new = NewPatient(ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, person=Person(
        identifiers={"HOSP": "4711"}, birth=datetime(2026, 4, 11, 10, tzinfo=UTC)))  # fmt: skip
    opened.change(THE_SERVICE, lambda conn, reach: opened.ledger.create_patient(conn, THE_SERVICE, new, reach.now))
    yield opened
    opened.close()


def blocks(language, name=""):
    return [text for kind, tag, text in BLOCKS if kind == language and tag.strip() == name]


def test_the_messages_are_accepted(service):
    (message,) = blocks("hl7")
    code, why, taken = hl7_receive(service, Reader("amikacin"), message)
    assert (code, why) == ("AA", "")
    assert taken.new == 2
    given = blocks("json", "mqtt")
    assert len(given) == 2
    for text in given:
        assert receive(service, Thinner(), "dosetwin/HOSP/4711/pump1", text.encode()).new == 1


def test_the_files_load(tmp_path):
    for name in ("fhir_servers", "cds_clients", "smart_servers"):
        (text,) = blocks("json", name)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert servers(tmp_path / "fhir_servers")[0].write_back
    ehr = listed(tmp_path / "smart_servers")[0]
    assert ehr.iss == servers(tmp_path / "fhir_servers")[0].base
    Callers(Settings(demo=True, cds_clients=tmp_path / "cds_clients"))


def test_the_table_is_read():
    from dosetwin.serve.case import understood_table
    from dosetwin.serve.zone import Zone

    (text,) = blocks("csv")
    found = understood_table(text.encode(), "amikacin", {"": datetime(2026, 4, 12, 6, tzinfo=UTC)}, Zone())
    assert [(t.patient.id, len(t.doses), t.patient.GA) for t in found] == [("A1", 1, 29.0), ("B2", 1, 35.0)]


def test_the_hook_is_a_request_and_the_subscription_a_resource():
    from fhir.resources.R4B.subscription import Subscription

    subscription, hook = (json.loads(t) for t in blocks("json"))
    assert Subscription.model_validate(subscription).channel.type == "rest-hook"
    assert Hook.model_validate(hook).hook == "order-sign"


def test_settings_and_codes_named_here_exist():
    named = {n.lower() for n in re.findall(r"`(?:DOSETWIN_)?((?:MQTT|MLLP|ALERT|FEED|CDS|SMART|FHIR|FRAME)_[A-Z_]+)`", TEXT)}
    assert len(named) > 10
    assert named <= set(Settings.model_fields)
    known = codes.loinc()
    loinc = set(re.findall(r"\b\d{4,5}-\d\b", TEXT))
    assert loinc <= set(known)
    assert {c for c, of in known.items() if of.name == "amikacin"} <= loinc
