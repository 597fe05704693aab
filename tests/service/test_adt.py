"""ADT as hospitals send it: admissions, transfers, discharges, names, merged numbers; orders; what is not read is kept."""

import asyncio
import subprocess
from contextlib import suppress
from datetime import UTC, datetime

import pytest

pytest.importorskip("hl7", reason="the service's packages are not installed (extra serve)")
import hl7.mllp
from sqlalchemy import select

from dosetwin import Question, formulary, models
from dosetwin.advise import advise
from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.hl7v2 import Listener, Reader, answer, receive, secured
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.tables import rejected
from dosetwin.serve.timeline import in_force, timeline_of
from service.conftest import apart
from service.test_hl7 import Fixed, obx
from service.test_hl7 import oru as oru_of_x

READER = Reader("amikacin", "Europe/Berlin")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    settings = Settings(demo=True, data_dir=tmp_path_factory.mktemp("adt"), draws=200, adt_wards="NICU=nicu, MED")
    opened = Service.open(settings, Fixed())
    opened.touched = lambda *_, **__: None  # type: ignore[method-assign]
    yield opened
    opened.close()


def adt(event, number, *more, sent="202604131200", place="NICU^3^B", name="Madeup^Mina", birth="20260411101500+0000", sex="F"):
    lines = [f"MSH|^~\\&|PAS|H|DT|H|{sent}00+0000||ADT^{event}|{event}{number}{sent}|P|2.5.1", f"EVN|{event}|{sent}00+0000",
             f"PID|1||{number}^^^H^MR||{name}||{birth}|{sex}", f"PV1|1|I|{place}"]  # fmt: skip
    return "\r".join([*lines, *more]) + "\r"


def oru(*said, **more):
    return oru_of_x(*said, **more).replace("||X\r", "||Madeup^Mina\r")


def told(service, message):
    return answer(service, READER, message)


def found(service, number):
    reach = service.reach(THE_SERVICE)
    with service.store.read() as conn:
        id_ = reach.find(conn, "H", number)
        return id_ and (reach.patient(conn, id_) | {"person": reach.person(conn, id_)[1]})


def care(service, id_):
    with service.store.read() as conn:
        return [f["body"] for f in in_force(service.reach(THE_SERVICE).facts(conn, id_))]


def test_a_stay_from_admission_to_discharge_and_back(service):
    assert told(service, adt("A01", "1")).code == "AA"
    row = found(service, "1")
    assert (row["ward"], row["active"], row["person"].name) == ("nicu", True, "Mina Madeup")
    again = told(service, adt("A01", "1"))
    assert again.code == "AA"
    assert found(service, "1")["head"] == row["head"]
    told(service, adt("A02", "1", sent="202604131210", place="MED^1^A"))
    assert found(service, "1")["ward"] == "MED"
    stale = told(service, adt("A02", "1", sent="202604131205"))
    assert "older than" in stale.text
    assert found(service, "1")["ward"] == "MED"
    told(service, adt("A12", "1", sent="202604131215"))
    assert found(service, "1")["ward"] == "nicu"
    told(service, adt("A03", "1", sent="202604131220"))
    assert not found(service, "1")["active"]
    told(service, adt("A08", "1", sent="202604131222"))
    assert not found(service, "1")["active"], "an update of somebody who left brings nobody back"
    told(service, adt("A13", "1", sent="202604131225"))
    assert found(service, "1")["active"]
    gone = told(service, adt("A02", "1", sent="202604131230", place="ORTHO^1^A"))
    assert "not followed here" in gone.text
    assert not found(service, "1")["active"]


def test_who_is_not_followed_here_is_named_and_not_taken_in(service):
    assert "ORTHO is not followed" in told(service, adt("A01", "2", place="ORTHO^1^A")).text
    assert "expected, not here yet" in told(service, adt("A05", "2")).text
    assert "nobody with this number" in told(service, adt("A03", "2")).text
    assert found(service, "2") is None
    assert told(service, adt("A99", "2")).code == "AE"


def test_a_name_after_birth_changes_and_another_person_is_refused(service):
    told(service, adt("A01", "3", name="Madeup^Baby girl", birth="20260411"))
    assert "00:00" not in told(service, adt("A08", "3", sent="202604131210", birth="20260411101500+0000")).text
    person = found(service, "3")["person"]
    assert (person.name, person.birth) == ("Mina Madeup", datetime(2026, 4, 11, 10, 15, tzinfo=UTC))
    other = told(service, adt("A08", "3", sent="202604131220", name="Other^Oda", birth="20260409"))
    assert other.code == "AE"
    assert "neither name nor date of birth" in other.text
    assert told(service, adt("A08", "3", sent="202604131221", sex="M")).code == "AE"
    cancelled = told(service, adt("A11", "3", sent="202604131230"))
    assert cancelled.code == "AA"
    assert not found(service, "3")["active"]


def test_what_adt_carries_beside_is_read_kept_or_refused(service):
    weight = "OBX|1|NM|29463-7^Weight^LN||1.08|kg^^UCUM|||||F|||20260413115000+0000"
    message = adt("A01", "4", "NK1|1|Mother^A", weight, "AL1|1|DA|7980^Penicillin^RXNORM", "DG1|1||P36.9^Sepsis^I10")
    done = told(service, message)
    assert done.code == "AA"
    assert "kept as" in done.text
    assert any("NK1" in r for r in done.remarks)
    id_ = found(service, "4")["id"]
    assert [b["canonical_value"] for b in care(service, id_)] == [1.08]
    with service.store.read() as conn:
        reasons = [r["message"] for said in conn.execute(select(rejected.c.reasons)).scalars() for r in said]
    assert any("Penicillin" in r for r in reasons)
    assert any("DG1" in r for r in reasons)
    allergic = told(service, adt("A08", "4", "AL1|1|DA|641^Amikacin^RXNORM", sent="202604131210"))
    assert allergic.code == "AA"
    assert [b["name"] for b in care(service, id_)][1:] == ["ALLERGY_AMINOGLYCOSIDE"]
    again = told(service, adt("A08", "4", "AL1|1|DA|641^Amikacin^RXNORM", sent="202604131210"))
    assert (again.code, len(care(service, id_))) == ("AA", 2)
    with service.store.read() as conn:
        reach = service.reach(THE_SERVICE)
        facts, person = reach.facts(conn, id_), reach.person(conn, id_)[1]
    known = timeline_of(id_, facts, person, "amikacin")
    question = Question(formulary.therapy("amikacin_neonate"), (models.load("amikacin_decock_2012"),), draws=100)
    with pytest.raises(InputError, match="nothing of amikacin may be ordered: an allergy to aminoglycosides is on record"):
        advise(known, question)


def test_two_numbers_of_one_person_are_merged_and_made_two_again(service):
    for number in ("51", "52"):
        told(service, adt("A01", number))
    stays, other = found(service, "51")["id"], found(service, "52")["id"]
    receive(service, READER, oru("51", obx(value="2.8", n=1)))
    receive(service, READER, oru("52", obx(value="9.1", at="20260413113000+0000", n=1)))
    same = obx(value="1.0", unit="kg", code="29463-7", at="20260413110000+0000")
    for number in ("51", "52"):
        receive(service, READER, oru(number, same))
    done = told(service, adt("A40", "51", "MRG|52^^^H^MR", sent="202604131230"))
    assert (done.code, done.text) == ("AA", "A40: 1 facts that both records hold are counted once")
    assert sorted(b["value"] for b in care(service, stays)) == [1.0, 2.8, 9.1]
    assert found(service, "52")["id"] == stays, "the old number leads to the record that stays"
    with service.store.read() as conn:
        listed = {r["id"] for r in service.reach(THE_SERVICE).patients(conn)}
        known = service.known(conn, service.reach(THE_SERVICE), stays)
        assert service.verified(conn).ok
    assert stays in listed
    assert other not in listed
    assert len(in_force(known.facts)) == 3
    with pytest.raises(Problem, match="merged into another"):
        service.change(THE_SERVICE, lambda conn, reach: reach.patient(conn, other, "record"))
    # the same message again, then a correction of the other record's level, under either number
    assert receive(service, READER, oru("52", obx(value="9.1", at="20260413113000+0000", n=1)))[2].known == 1
    late = oru("52", obx(value="8.1", status="C", at="20260413113000+0000", n=1), sent="20260413123100+0000")
    assert receive(service, READER, late)[2].corrected == 1
    assert sorted(b["value"] for b in care(service, stays)) == [1.0, 2.8, 8.1]
    assert "one record already" in told(service, adt("A40", "51", "MRG|52^^^H^MR", sent="202604131231")).text

    def undo(conn, reach):
        return service.ledger.undo_merge(conn, THE_SERVICE, stays, other, "two babies after all", reach.now)

    assert service.change(THE_SERVICE, undo) == 0
    assert sorted(b["value"] for b in care(service, stays)) == [1.0, 2.8]
    assert sorted(b["value"] for b in care(service, other)) == [1.0, 8.1], "what was corrected meanwhile stays corrected"
    with service.store.read() as conn:
        known = service.known(conn, service.reach(THE_SERVICE), stays)
        assert service.verified(conn).ok
    assert len(in_force(known.facts)) == 2
    assert found(service, "52")["id"] == other


def test_two_people_are_not_merged(service):
    told(service, adt("A01", "61"))
    told(service, adt("A01", "62", name="Other^Oda", birth="20260301100000+0000"))
    told(service, adt("A01", "63", name="Other^Olaf", sex="M"))
    assert "different dates of birth" in told(service, adt("A40", "61", "MRG|62^^^H^MR", sent="202604131230")).text
    assert "different sex" in told(service, adt("A40", "61", "MRG|63^^^H^MR", sent="202604131230")).text
    assert found(service, "62")["id"] != found(service, "61")["id"]
    told(service, adt("A40", "61", "MRG|64^^^H^MR", sent="202604131230"))
    assert found(service, "64")["id"] == found(service, "61")["id"], "a number nobody knew leads to the record"
    assert "neither number" in told(service, adt("A40", "65", "MRG|66^^^H^MR")).text
    with service.store.read() as conn:
        assert service.verified(conn).ok


def rde(number, *segments, kind="RDE^O11", sent="20260413120500+0000"):
    lines = [f"MSH|^~\\&|CPOE|H|DT|H|{sent}||{kind}|O{sent}|P|2.5.1", f"PID|1||{number}^^^H^MR"]
    return "\r".join([*lines, *segments]) + "\r"


def test_an_order_is_kept_beside_the_record_and_is_no_dose(service):
    told(service, adt("A01", "7"))
    id_ = found(service, "7")["id"]
    order = ("ORC|NW|P1|F1", "TQ1|1||Q36H", "RXE||641^Amikacin^RXNORM|17.5||mg", "RXR|IV^Intravenous^HL70162")
    done = told(service, rde("7", *order, "NTE|1||with the evening round"))
    assert done.code == "AA"
    assert done.taken.new == 1
    assert any("NTE" in r for r in done.remarks)
    assert told(service, rde("7", *order)).taken.known == 1
    orm = ("ORC|DC|P1|F1", "RXO|641^Amikacin^RXNORM|17.5||mg")
    assert told(service, rde("7", *orm, kind="ORM^O01", sent="20260413121000+0000")).taken.new == 1
    mixed = ("ORC|NW|P2|F2", "RXE||X^Infusion bag^L|1||{bag}", "RXC|B|NACL^Saline^L|4|mL", "RXC|A|641^Amikacin^RXNORM|20|mg")
    assert told(service, rde("7", *mixed)).taken.new == 1
    assert "not of a drug followed here" in told(service, rde("7", "ORC|NW|P3|F3", "RXE||5640^Ibuprofen^RXNORM|5||mg")).text
    with service.store.read() as conn:
        said = [f["body"] for f in service.reach(THE_SERVICE).facts(conn, id_) if f["kind"] == "ordered"]
    assert [(b["status"], b["amount"], b.get("every_h")) for b in said] == [
        ("new", 17.5, 36),
        ("stopped", 17.5, None),
        ("new", 20, None),
    ]
    assert care(service, id_) == []


@pytest.mark.parametrize(("given", "amount"), [("17|mg", 17), ("4|mL", 20), ("2|mL", None)])
def test_a_dose_of_a_preparation_is_that_of_its_drug(service, given, amount):
    number = f"8{given[0]}"
    told(service, adt("A01", number))
    said = ("ORC|RE|P1|F1", f"RXA|0|1|20260413100000+0000|20260413103000+0000|X^Infusion bag^L|{given}||||||||||||CP", "RXR|IV",
            "RXC|B|NACL^Saline^L|4|mL", "RXC|A|641^Amikacin^RXNORM|20|mg")  # fmt: skip
    done = told(service, rde(number, *said, kind="RAS^O17"))
    assert done.code == ("AA" if amount else "AE"), done.text
    assert [b["amount_mg"] for b in care(service, found(service, number)["id"])] == ([amount] if amount else [])


def test_mllp_over_tls_and_frames_that_are_none(service, tmp_path):
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made = subprocess.run([*words, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key),
                           "-out", str(cert)], capture_output=True)  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not installed")
    import ssl

    client = ssl.create_default_context(cafile=str(cert))
    client.load_cert_chain(cert, key)

    async def ask(port, tls, raw):
        reader, writer = await hl7.mllp.open_hl7_connection("localhost", port, ssl=tls, encoding="utf-8")
        try:
            writer.write(raw)
            return str(await asyncio.wait_for(reader.readmessage(), 10))
        finally:
            writer.close()
            with suppress(OSError):  # refused already
                await writer.wait_closed()

    frame = b"\x0b" + adt("A01", "9").encode() + b"\x1c\r"
    listener = Listener(service, READER, "localhost", 0, tls=secured(cert, key, cert)).start()
    try:
        assert "MSA|AA|" in apart(ask(listener.port, client, frame))
        assert "no MLLP frame" in apart(ask(listener.port, client, b"hello\x1c\r"))
        nobody = ssl.create_default_context(cafile=str(cert))
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            apart(ask(listener.port, nobody, frame))
    finally:
        listener.close()
    with pytest.raises(InputError, match="MLLP_TLS_CERT"):
        secured(key, cert, None)
    with pytest.raises(InputError, match="MLLP_TLS_CERT"):
        Settings(mllp_port=2575, mllp_host="0.0.0.0").refuse_unsafe()
