"""HL7 v2 over MLLP: results and doses become facts; repeats, corrections, overtaking messages and nonsense are handled."""

import asyncio
import socket
from datetime import UTC, datetime

import pytest

pytest.importorskip("hl7", reason="the service's packages are not installed (extra serve)")
import hl7.mllp

from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.hl7v2 import Listener, Reader, receive
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewPatient, Person
from dosetwin.serve.timeline import in_force
from service.conftest import apart


class Fixed:
    def now(self) -> datetime:
        return datetime(2026, 4, 13, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path_factory.mktemp("hl7"), draws=200), Fixed())
    yield opened
    opened.close()


@pytest.fixture
def baby(service, request):
    name = f"{abs(hash(request.node.name)):x}"[:12]
    new = NewPatient(ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, person=Person(
        identifiers={"H": name}, birth=datetime(2026, 4, 11, 10, tzinfo=UTC)))  # fmt: skip
    id_, _ = service.change(THE_SERVICE, lambda conn, reach: service.ledger.create_patient(conn, THE_SERVICE, new, reach.now))
    return id_, name


READER = Reader("amikacin")


def oru(name, *obx, sent="20260413120500+0000", kind="ORU^R01^ORU_R01"):
    lines = [f"MSH|^~\\&|LAB|H|DT|H|{sent}||{kind}|M{sent}|P|2.5.1", f"PID|1||{name}^^^H^MR||X",
             f"OBR|1||A{name}|3321-7^Amikacin^LN|||20260413115500+0000"]  # fmt: skip
    return "\r".join([*lines, *obx]) + "\r"


def obx(code="3321-7", value="2.8", unit="mg/L", status="F", at="20260413115500+0000", n=1):
    return f"OBX|{n}|NM|{code}^x^LN||{value}|{unit}^x^UCUM|||||{status}|||{at}"


def care(service, id_):
    with service.store.read() as conn:
        return [(f["kind"], f["body"]) for f in in_force(service.reach(THE_SERVICE).facts(conn, id_))]


def test_a_result_is_stored_once_and_a_correction_replaces_it(service, baby):
    id_, name = baby
    message = oru(name, obx(), obx("2160-0", "0.9", "mg/dL", n=2), obx("718-7", "14", "g/dL", n=3))
    code, _, first = receive(service, READER, message)
    assert (code, first.new, first.known) == ("AA", 2, 0)
    assert receive(service, READER, message)[2].known == 2
    later = receive(service, READER, oru(name, obx(value="3.1", status="C"), sent="20260413130000+0000"))[2]
    assert later.corrected == 1
    late = receive(service, READER, oru(name, obx(), sent="20260413120600+0000"))[2]
    assert late.stale == 1
    assert next(b for k, b in care(service, id_) if k == "level")["mg_per_L"] == 3.1
    gone = receive(service, READER, oru(name, obx(status="W"), sent="20260413133000+0000"))[2]
    assert gone.corrected == 1
    assert not [b for k, b in care(service, id_) if k == "level"]


def test_a_correction_that_overtakes_its_result_wins(service, baby):
    id_, name = baby
    receive(service, READER, oru(name, obx(value="3.1", status="C"), sent="20260413130000+0000"))
    assert receive(service, READER, oru(name, obx(value="2.8"), sent="20260413120500+0000"))[2].stale == 1
    assert care(service, id_)[0][1]["mg_per_L"] == 3.1


def test_a_dose_given_becomes_a_dose_and_an_order_does_not(service, baby):
    id_, name = baby
    head = f"MSH|^~\\&|PUMP|H|DT|H|20260412123100+0000||{{}}|7|P|2.5.1\rPID|1||{name}^^^H^MR||X\rORC|RE||O1\r"
    given = "RXA|0|1|20260412120000+0000|20260412123000+0000|641^Amikacin^RXNORM|17.6|mg^milligram^UCUM||||||||||||||CP|A\r"
    assert receive(service, READER, head.format("RAS^O17^RAS_O17") + given)[2].new == 1
    assert receive(service, READER, head.format("RDE^O11^RDE_O11") + given)[0] == "AA"
    ((kind, body),) = care(service, id_)
    assert (kind, body["amount_mg"], body["infusion_h"]) == ("dose", 17.6, 0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.replace("mg/L", "furlong"), "unit"),
        (lambda m: m.replace("|2.8|", "|many|"), "OBX-1.5"),
        (lambda m: m.replace("20260413115500+0000", "20260413115500"), "offset"),
        (lambda m: m.replace("20260413115500+0000", "20261313115500+0000"), "moment"),
        (lambda m: m.replace("^^^H^MR", "^^^OTHER^MR"), "identifier"),
        (lambda m: m.replace("^^^H^MR", ""), "authority"),
        (lambda m: m.replace("ORU^R01^ORU_R01", "MDM^T02"), "not read"),
        (lambda m: m.replace("|2.8|", "|-2.8|"), "greater"),
        (lambda m: "nonsense", "HL7"),
        (lambda m: m.replace("OBR|1||A", "OBR|1|||"), "order"),
    ],
)
def test_a_message_that_cannot_be_used_is_answered_with_its_reason_and_kept(service, baby, change, said):
    id_, name = baby
    code, text, _ = receive(service, READER, change(oru(name, obx())))
    assert code == "AE"
    assert said in text
    kept = text.rpartition("kept as ")[2]
    with service.store.read() as conn:
        assert service.reach(THE_SERVICE).rejected_one(conn, kept)["reasons"]
    assert care(service, id_) == []


def test_local_times_need_the_feeds_zone_and_then_are_right_in_summer(service, baby):
    id_, name = baby
    reader = Reader("amikacin", "Europe/Rome")
    message = oru(name, obx(at="20260413135500"), sent="20260413140500").replace("20260413115500+0000", "20260413135500")
    assert receive(service, reader, message)[:2] == ("AA", "")
    with service.store.read() as conn:
        (fact,) = in_force(service.reach(THE_SERVICE).facts(conn, id_))
    assert fact["at"] == datetime(2026, 4, 13, 11, 55, tzinfo=UTC)


def test_over_mllp_and_its_answers_are_valid_to_another_library(service, baby):
    parser = pytest.importorskip("hl7apy.parser")
    id_, name = baby
    listener = Listener(service, READER, "127.0.0.1", 0).start()

    async def talk():
        reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", listener.port, encoding="utf-8")
        answers = []
        for text in (oru(name, obx()), oru(name, obx(unit="furlong"))):
            writer.writemessage(hl7.parse(text))
            await writer.drain()
            answers.append(str(await asyncio.wait_for(reader.readmessage(), 30)))
        writer.close()
        await writer.wait_closed()
        return answers

    try:
        good, bad = apart(talk())
    finally:
        listener.close()
    assert parser.parse_message(good, find_groups=False).msa.msa_1.value == "AA"
    refused = parser.parse_message(bad, find_groups=False).msa
    assert refused.msa_1.value == "AE"
    assert "unit" in refused.msa_3.value
    assert len(care(service, id_)) == 1


def test_a_slow_client_holds_nobody_up(service, baby):
    _, name = baby
    listener = Listener(service, READER, "127.0.0.1", 0).start()
    try:
        with socket.create_connection(("127.0.0.1", listener.port), 10) as slow:
            slow.sendall(b"\x0b" + oru(name, obx()).encode()[:60])
            with socket.create_connection(("127.0.0.1", listener.port), 10) as other:
                other.settimeout(20)
                other.sendall(b"\x0b" + oru(name, obx()).encode() + b"\x1c\r")
                assert b"MSA|AA" in other.recv(4096)
            slow.sendall(oru(name, obx()).encode()[60:] + b"\x1c\r")
            slow.settimeout(20)
            assert b"MSA|AA" in slow.recv(4096)
        with socket.create_connection(("127.0.0.1", listener.port), 10) as gone:
            gone.sendall(b"\x0bMSH|half a mess")
    finally:
        listener.close()
    assert len(care(service, baby[0])) == 1
