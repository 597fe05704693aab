"""HL7 v2: what a sender meant is stored, refused with its reason, or named in the answer; a bare AA has stored all."""

import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

pytest.importorskip("hl7", reason="the service's packages are not installed (extra serve)")

from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.hl7_text import messages, parsed
from dosetwin.serve.live.hl7v2 import Listener, Reader, answer, frames, receive
from dosetwin.serve.live.whose import Claim, contradiction
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact, NewPatient, Person
from dosetwin.serve.timeline import in_force

READER, BERLIN = Reader("amikacin"), Reader("amikacin", "Europe/Berlin")
BIRTH = datetime(2026, 4, 11, 10, tzinfo=UTC)


class Fixed:
    at = datetime(2026, 4, 14, 14, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path_factory.mktemp("hl7"), draws=200, twin_processes=0), Fixed())
    opened.touched = lambda *_, **__: None  # not about numbers
    yield opened
    opened.close()


def born(service, number, **person):
    new = NewPatient(ward="nicu", sex="female", GA_weeks=29, birth_weight_kg=1.1, synthetic=True,
                     person=Person(identifiers={"H": number}, birth=BIRTH, **person))  # fmt: skip
    return service.change(THE_SERVICE, lambda conn, reach: service.ledger.create_patient(conn, THE_SERVICE, new, reach.now))[0]


@pytest.fixture
def baby(service, request):
    name = f"{abs(hash(request.node.name)):x}"[:12]
    return born(service, name), name


def care(service, id_):
    with service.store.read() as conn:
        return in_force(service.reach(THE_SERVICE).facts(conn, id_))


def values(service, id_):
    return [f["body"].get("mg_per_L", f["body"].get("amount_mg")) for f in care(service, id_)]


def head(name, kind, sent, pid="X", msh="P|2.5.1"):
    return [f"MSH|^~\\&|LAB|H|DT|H|{sent}||{kind}|M{sent}|{msh}", f"PID|1||{name}^^^H^MR||{pid}"]


def oru(name, *segments, sent="20260414120500+0000", obr="OBR|1||A1|35669-1^Amikacin^LN|||20260413115500+0000", **more):
    return "\r".join([*head(name, "ORU^R01^ORU_R01", sent, **more), obr, *segments]) + "\r"


def obx(value="2.8", code="35669-1^x^LN", kind="NM", unit="mg/L", status="F", at="", n=1, sub="", method=""):
    return f"OBX|{n}|{kind}|{code}|{sub}|{value}|{unit}|||||{status}|||{at}|||{method}"


def ras(name, *segments, sent="20260414120500+0000", orc="ORC|RE|PO1|FO1", **more):
    return "\r".join([*head(name, "RAS^O17^RAS_O17", sent, **more), *([orc] if orc else []), *segments]) + "\r"


def rxa(start="20260413100000+0000", end="20260413103000+0000", code="641^amikacin^RXNORM", amount="17", unit="mg^mg^UCUM",
        per="", status="", action="", n="0|1"):  # fmt: skip
    return f"RXA|{n}|{start}|{end}|{code}|{amount}|{unit}|||||{per}||||||||{status}|{action}"


# ------------------------------------------------------------------------------------------------ the inputs that went wrong


@pytest.mark.parametrize(
    ("file", "stored", "said"),
    [
        ("hl7_two_doses_same_order", [17, 17], ""),
        ("hl7_two_doses_no_orc", [17, 17], ""),
        ("hl7_recurring_order_two_levels", [2.8, 9.9], ""),
        ("hl7_loinc_alternate_triplet", [2.8], ""),
        ("hl7_local_code_641", [17], ""),  # of paracetamol, by its name: never of the drug that RxNorm calls 641
        ("hl7_inhaled_rxr", [], "route"),
        ("hl7_underscore_value", [], "OBX-1.5"),
        ("hl7_dst_ambiguous", [], "twice"),
    ],
)
def test_the_inputs_that_went_wrong(service, baby, shared, file, stored, said):
    id_, name = baby
    text = (shared / "faults" / f"{file}.hl7").read_bytes().decode().replace("P1^^^H", f"{name}^^^H")
    found = [receive(service, BERLIN, one) for one in messages(text)]
    assert sorted(values(service, id_)) == stored
    if file == "hl7_local_code_641":
        assert {f["body"]["drug"] for f in care(service, id_)} == {"paracetamol"}
    for code, why, _ in found:
        assert code == ("AE" if file in ("hl7_underscore_value", "hl7_dst_ambiguous") else "AA")
        assert said in why
        assert bool(why) is bool(said)


def test_a_frame_with_two_messages_is_two_messages(service, baby):
    id_, name = baby
    two = ras(name, rxa()).replace("\r", "\r\n") + ras(name, rxa("20260414100000+0000", "20260414103000+0000")).replace(
        "\r", "\n"
    )
    code, why, done = receive(service, READER, two)
    assert (code, why, done.new, len(care(service, id_))) == ("AA", "", 2, 2)
    worse = answer(service, READER, two + oru(name, obx("much")))
    assert (worse.code, worse.taken.known) == ("AE", 2)
    assert "message 3" in worse.text
    assert receive(service, READER, f"FHS|^~\\&\rBHS|^~\\&\r{two}BTS|2\rFTS|1\r")[0] == "AA"
    assert "BTS-1" in receive(service, READER, f"{two}BTS|3\r")[1]


# ------------------------------------------------------------------------------------------------ which fact it is


def test_a_correction_may_move_a_result_and_takes_back_the_right_one(service, baby):
    id_, name = baby
    receive(service, READER, oru(name, obx(at="20260413080000+0000")))
    moved = receive(service, READER, oru(name, obx("2.9", at="20260413083000+0000", status="C"), sent="20260414120600+0000"))[2]
    assert (moved.corrected, values(service, id_)) == (1, [2.9])
    assert receive(service, READER, oru(name, obx("9", at="20260414080000+0000"), sent="20260414120700+0000"))[2].new == 1
    unclear = receive(service, READER, oru(name, obx("8", at="20260414070000+0000", status="C"), sent="20260414120800+0000"))
    assert unclear[0] == "AE"
    assert "could change 2" in unclear[1]
    gone = receive(service, READER, oru(name, obx(at="20260414080000+0000", status="W"), sent="20260414120900+0000"))[2]
    assert (gone.corrected, values(service, id_)) == (1, [2.9])


def test_what_takes_back_a_result_that_has_not_come_is_kept_and_applied_when_it_comes(service, baby):
    id_, name = baby
    late = oru(name, obx(status="W"), sent="20260414120600+0000")
    code, why, done = receive(service, READER, late)
    assert (code, "should it still come" in why, done.corrected) == ("AA", True, 1)
    assert receive(service, READER, late)[2].known == 1
    code, why, done = receive(service, READER, oru(name, obx()))
    assert (code, "taken back by a message that came before it" in why, done.stale) == ("AA", True, 1)
    assert values(service, id_) == []
    again = receive(service, READER, oru(name, obx("2.9"), sent="20260414120700+0000"))[2]
    assert (again.new, values(service, id_)) == (1, [2.9])
    with service.store.read() as conn:
        assert service.trail.verify(conn, None).ok
    assert receive(service, READER, oru(name, obx(status="X", sub="9")))[:2] == ("AA", "OBX-1: nothing on record to take back")


def test_a_withdrawal_of_another_moment_takes_back_no_other_result(service, baby):
    id_, name = baby
    receive(service, READER, oru(name, obx(status="D", at="20260413080000+0000"), sent="20260414120600+0000"))
    code, why, done = receive(service, READER, oru(name, obx()))
    assert (code, done.new, "check that this one stands" in why) == ("AA", 1, True)
    receive(service, READER, ras(name, rxa(action="D"), sent="20260414120600+0000"))
    assert "taken back" in receive(service, READER, ras(name, rxa()))[1]
    assert values(service, id_) == [2.8]


def test_a_correction_before_its_result_is_what_counts(service, baby):
    id_, name = baby
    receive(service, READER, oru(name, obx("3.1", status="C"), sent="20260414120600+0000"))
    assert receive(service, READER, oru(name, obx("31")))[2].stale == 1
    assert values(service, id_) == [3.1]


# ------------------------------------------------------------------------------------------------ one bad segment


BAD = (obx("1_0", n=2), obx(unit="furlong", n=2), obx(status="", n=2), obx(at="20260413", n=2), obx("-3", n=2), obx("2.8~9", n=2),
       obx("999999999", n=2), obx(at="18500101120000+0000", n=2))  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_result_refuses_itself_and_the_others_are_stored(service, baby, bad):
    id_, name = baby
    good = obx("0.9", "2160-0^Creatinine^LN", unit="MG/DL", n=3)
    text = oru(name, obx(), bad, good)
    found = answer(service, READER, text)
    assert (found.code, found.taken.new, len(care(service, id_))) == ("AE", 2, 2)
    assert {e["field"].partition(".")[0].partition(" ")[0] for e in found.errors} == {"OBX-2"}
    assert "the rest is stored" in found.text
    assert "kept as" in found.text
    mended = receive(service, READER, text.replace(bad, obx(at="20260413130000+0000", n=2)))
    assert (mended[0], mended[2].known, mended[2].new) == ("AA", 2, 1)


def test_a_bad_dose_refuses_itself_and_its_neighbours_are_stored(service, baby):
    id_, name = baby
    text = ras(name, rxa(), rxa("20260414100000+0000", "20260414103000+0000", amount="999"), rxa("20260415100000+0000",
               "20260415103000+0000"), sent="20260415120500+0000")  # fmt: skip
    assert receive(service, READER, text)[0] == "AE"
    assert values(service, id_) == [17, 17]


def test_what_is_wrong_with_order_patient_or_message_refuses_all_it_concerns(service, baby):
    id_, name = baby
    urine = ["OBR|2||A2|35669-1^Amikacin^LN|||20260413125500+0000||||||||UR", obx("7", n=1)]
    found = answer(service, READER, oru(name, obx(), *urine))
    assert (found.code, values(service, id_)) == ("AE", [2.8])
    for text in (
        oru(name, obx("5", at="20260413150000+0000")).replace("|P|2.5.1", "|T|2.5.1"),
        oru("nobody", obx(), obx("1_0", n=2)),
    ):
        assert answer(service, READER, text).code == "AE"
    assert values(service, id_) == [2.8]


# ------------------------------------------------------------------------------------------------ acknowledgement modes


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad", "down"),
    [
        ("", "", ["AA"], ["AE"], ["AR"]),
        ("AL", "NE", ["CA"], ["CE"], ["CR"]),
        ("AL", "", ["CA"], ["CE"], ["CR"]),
        ("AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
        ("AL", "ER", ["CA"], ["CA", "AE"], ["CR"]),
        ("ER", "NE", [], ["CE"], ["CR"]),
        ("SU", "SU", ["CA", "AA"], [], []),
        ("NE", "AL", ["AA"], ["AE"], ["AR"]),
        ("NE", "NE", [], [], []),
    ],
)
def test_enhanced_acknowledgement_mode(service, baby, accept, application, good, bad, down):
    _, name = baby
    now = service.clock.now()

    def codes(text, broken=False):
        found = answer(service, READER, text.replace("|P|2.5.1", f"|P|2.5.1|||{accept}|{application}"))
        found = replace(found, code="AR", errors=()) if broken else found
        said = frames(found, now)
        assert all(f.split("\r")[1].split("|")[2] == "M20260414120500+0000" for f in said)
        assert all(("|NE|NE" in f.split("\r")[0]) is bool(accept or application) for f in said)
        return [f.split("\r")[1].split("|")[1] for f in said]

    assert codes(oru(name, obx())) == good
    assert codes(oru(name, obx("1_0"))) == bad
    assert codes(oru(name, obx()), broken=True) == down


def test_an_acknowledgement_is_not_answered(service):
    found = answer(service, READER, "MSH|^~\\&|LAB|H|DT|H|20260414120500+0000||ACK|1|P|2.5.1\rMSA|CA|2\r")
    assert frames(found, service.clock.now()) == []


def test_an_older_version_is_named(service, baby):
    _, name = baby
    receive(service, READER, oru(name, obx("3.1", status="C"), sent="20260414130000+0000"))
    code, why, done = receive(service, READER, oru(name, obx()))
    assert (code, why, done.stale) == ("AA", "OBX-1: older than what is on record; not used", 1)


def test_a_dose_refused_by_the_baby_takes_back_no_other(service, baby):
    id_, name = baby
    receive(service, READER, ras(name, rxa()))
    code, why, _ = receive(service, READER, ras(name, rxa("20260414100000+0000", "", status="RE"), sent="20260414120600+0000"))
    assert (code, "not given" in why, values(service, id_)) == ("AA", True, [17])
    again = receive(service, READER, ras(name, rxa(status="NA"), sent="20260414120700+0000"))
    assert (again[2].corrected, values(service, id_)) == (1, [])


def test_two_facts_under_one_key_in_one_message_are_refused(service, baby):
    id_, name = baby
    code, why, _ = receive(service, READER, oru(name, obx(), obx("28", n=2)))
    assert (code, "OBX-2" in why, care(service, id_)) == ("AE", True, [])
    assert receive(service, READER, oru(name, obx(sub="1"), obx("28", n=2, sub="2")))[2].new == 2


def test_the_same_numbers_of_two_babies_are_two_facts(service, baby):
    id_, name = baby
    other = born(service, f"{name}-2")
    for number in (name, f"{name}-2"):
        assert receive(service, READER, ras(number, rxa(), orc=""))[2].new == 1
    assert values(service, id_) == values(service, other) == [17]


def test_long_and_odd_keys_stay_apart(service, baby):
    id_, name = baby
    long = "N" * 240
    for order in (f"{long}1", f"{long}2", "a:b", "a%3Ab"):
        obr = f"OBR|1||{order}|35669-1^Amikacin^LN|||20260413115500+0000"
        assert receive(service, READER, oru(name, obx(), obr=obr))[2].new == 1
    assert len(care(service, id_)) == 4


def test_facts_stored_before_keys_had_moments_are_found_again(service, baby):
    id_, name = baby
    at = datetime(2026, 4, 13, 11, 55, tzinfo=UTC)
    body = {"kind": "level", "drug": "amikacin", "value": 2.8, "unit": "mg/L"}
    old = NewFact.model_validate({"at": at, "body": body, "source_key": f"hl7:LAB:A1:35669-1:@{at.isoformat()}"})
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, old)], reach.now))
    assert receive(service, READER, oru(name, obx()))[2].known == 1
    assert receive(service, READER, oru(name, obx("3", status="C"), sent="20260414130000+0000"))[2].corrected == 1
    assert values(service, id_) == [3]


# ------------------------------------------------------------------------------------------------ whose it is


@pytest.mark.parametrize(
    ("pid", "field"),
    [
        ("Madeup^Mina||20260411|F", ""),
        ("MADEUP^MINA^^^^^L~Other^Name||20260411|F", ""),
        ("Madeup^Baby girl||20260411093000|U", ""),
        ("Mádeup^Mina||2026|", ""),
        ("||20260411|F", ""),
        ("Other^Mina||20260411|F", "PID-5"),
        ("Madeup^Anna||20260411|F", "PID-5"),
        ("Madeup^Mina||20260409|F", "PID-7"),
        ("Madeup^Mina||11.04.2026|F", "PID-7"),
        ("Madeup^Mina||20260411|M", "PID-8"),
    ],
)
def test_name_sex_and_birth_date_must_not_contradict_the_record(service, request, pid, field):
    name = f"{abs(hash(request.node.name)):x}"[:12]
    id_ = born(service, name, name="Mina Madeup")
    code, why, _ = receive(service, READER, oru(name, obx(), pid=pid))
    assert (code, len(care(service, id_))) == (("AE", 0) if field else ("AA", 1))
    if field:
        assert why.startswith(field)
        with service.store.read() as conn:
            assert service.reach(THE_SERVICE).rejected_one(conn, why.rpartition("kept as ")[2])["reasons"]


def test_twins_without_names_are_told_apart():
    def off(given, known):
        return contradiction(Claim((("Madeup", given),)), Person(name=known), "female", None)

    assert off("Baby girl A", "Baby Girl A Madeup") is None
    assert off("Twin 2", "Twin 1 Madeup")[0] == "PID-5"
    assert off("Baby girl", "Mina Madeup") is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda m: m.replace("^H^MR", "^H^AN"), "PID-3"),
        (lambda m: m + "PID|2||other^^^H^MR||Y\rOBR|2||A2\rOBX|1|NM|35669-1^x^LN||9|mg/L|||||F\r", "PID"),
        (lambda m: m.replace("|P|2.5.1", "|T|2.5.1"), "MSH-11"),
        (lambda m: m.replace("|P|2.5.1", "|D|2.5.1"), "MSH-11"),
        (lambda m: m.replace("|P|2.5.1", "|P|3.0"), "MSH-12"),
        (lambda m: m.replace("|20260414120500+0000||", "|20360414120500+0000||"), "sent"),
        (lambda m: m.replace("^~\\&", "^^\\&", 1), "MSH-2"),
        (lambda m: m + "drawn from the line\r", "segment"),
    ],
)
def test_messages_that_are_not_for_this_baby_or_this_system(service, baby, change, where):
    id_, name = baby
    code, why, _ = receive(service, READER, change(oru(name, obx())))
    assert (code, why.split(":")[0], care(service, id_)) == ("AE", where, [])


def test_a_visit_number_beside_the_record_number_is_left_out_by_name(service, baby):
    _, name = baby
    code, why, done = receive(service, READER, oru(name, obx()).replace("^H^MR", "^H^MR~77^^^H^VN"))
    assert (code, done.new) == ("AA", 1)
    assert "type VN" in why


# ------------------------------------------------------------------------------------------------ what it says


@pytest.mark.parametrize(
    ("segment", "value", "below"),
    [
        (obx("<0.8", kind="ST"), 0.8, True),
        (obx("< 0.8"), 0.8, True),
        (obx("<=0.8", kind="ST"), 0.8, True),
        (obx("<^0.8", kind="SN"), 0.8, True),
        (obx("^2.8", kind="SN"), 2.8, False),
        (obx("=^2.8", kind="SN"), 2.8, False),
        (obx(code="AMI^Amikacin^99L^35669-1^Amikacin^LN"), 2.8, False),
        (obx(code="AMI^A^99L^X^A^99M^^^^35669-1^Amikacin^LN"), 2.8, False),
        (obx(unit="MGL^mg per l^L^mg/L^^UCUM"), 2.8, False),
        (obx(unit="MG/L"), 2.8, False),
        (obx(unit="MG/L^^ISO+"), 2.8, False),
        (obx(unit="UG/ML^^UCUM"), 2.8, False),
        (obx(unit="^milligrams per litre^L"), 2.8, False),
        (obx("2800", unit="\u00b5g/l"), 2.8, False),
    ],
)
def test_values_of_every_form(service, baby, segment, value, below):
    id_, name = baby
    assert receive(service, READER, oru(name, segment))[0] == "AA"
    (fact,) = care(service, id_)
    assert (fact["body"]["mg_per_L"], fact["body"]["below_loq"]) == (value, below)


@pytest.mark.parametrize(
    ("segment", "where"),
    [(obx(v), "OBX-1.5") for v in ("1_0", "nan", "１２", "2,8", ">80", "2.8~9.9", '""', "", "2.8 mg/L")]
    + [
        (obx(">^80", kind="SN"), "OBX-1.5"),
        (obx("^1^-^2", kind="SN"), "OBX-1.5"),
        (obx("2.8", kind="CE"), "OBX-1.2"),
        (obx(unit=""), "OBX-1.6"),
        (obx(unit="mg/L^^UCUM^mg/dL^^L"), "OBX-1.6"),
        (obx(unit="mg/L^^UCUM^KG^^L"), "OBX-1.6"),
        (obx(unit="MG"), "OBX-1.6"),
        (obx(status=""), "OBX-1.11"),
        (obx(status="Q"), "OBX-1.11"),
        (obx(code="35669-1^Amikacin^LN^35668-3^Gentamicin^LN"), "OBX-1.3"),
        (obx(at="20260415120000+0000"), "OBX-1.14"),
        (obx(at="20260413"), "OBX-1.14"),
        (obx("<36.5", code="8310-5^Temp^LN", unit="Cel"), "OBX-1.5"),
    ],
)
def test_a_result_that_cannot_be_used_is_refused_by_name(service, baby, segment, where):
    id_, name = baby
    code, why, _ = receive(service, READER, oru(name, segment))
    assert (code, why.split(":")[0], care(service, id_)) == ("AE", where, [])


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        (obx(code="35669-1^Amikacin^99LOCAL"), "35669-1"),
        (obx("29", code="11884-4^Gestational age^LN", unit="wk"), "11884-4"),
        (obx(status="I"), "no result yet"),
        (obx(status="R"), "no result yet"),
    ],
)
def test_a_result_that_is_left_out_is_named(service, baby, segment, said):
    id_, name = baby
    code, why, _ = receive(service, READER, oru(name, segment))
    assert (code, said in why, care(service, id_)) == ("AA", True, [])


def test_what_is_stored_with_a_remark(service, baby):
    id_, name = baby
    scr = obx("0.9", "2160-0^Creatinine^LN", unit="mg/dL", n=2, method="KIN^kinetic colour^L")
    code, why, done = receive(service, READER, oru(name, obx(status="P"), scr))
    assert (code, done.new, len(care(service, id_))) == ("AA", 2, 2)
    assert "preliminary" in why
    assert "KIN" in why


def test_several_orders_and_an_order_number_in_orc(service, baby):
    id_, name = baby
    text = oru(name, obx(), "ORC|RE||B7", "OBR|2|||35669-1^A^LN|||20260414080000+0000", obx("9", n=2))
    assert receive(service, READER, text)[2].new == 2
    assert {f["source_key"].split(":")[2] for f in care(service, id_)} == {"A1", "B7"}


def test_other_separators_escapes_and_character_sets(service, baby):
    id_, name = baby
    text = oru(name, obx(code="AMI^Ami\\T\\co^99L^35669-1^Amikacin^LN")).translate(str.maketrans("|^~\\&", "#*;!@"))
    assert receive(service, READER, text)[2].new == 1
    assert parsed("MSH|^~\\&|L\\F\\B\\S\\\\X41\\").head.text(3) == "L|B^A"
    latin = oru(name, obx("3", sub="2"), msh="P|2.5.1||||||8859/1").replace("||X\r", "||Mádeup\r").encode("latin-1")
    assert answer(service, READER, latin).code == "AA"
    assert answer(service, READER, latin.replace(b"8859/1", b"")).text.startswith("MSH-18")
    assert answer(service, READER, latin.replace(b"8859/1", b"ISO IR87")).text.startswith("MSH-18")
    assert len(care(service, id_)) == 2


# ------------------------------------------------------------------------------------------------ doses


@pytest.mark.parametrize(
    ("segments", "hours", "said"),
    [
        ([rxa()], 0.5, ""),
        ([rxa(), "RXR|IV^Intravenous^HL70162"], 0.5, ""),
        ([rxa(code="X1^Amikacin 50 mg/mL^99L")], 0.5, ""),
        ([rxa(code="X1^Saline^99L^641^amikacin^RXNORM")], 0.5, ""),
        ([rxa(code="J01GB06^amikacin^WC")], 0.5, ""),
        ([rxa(end="")], 0.0, "no duration"),
        ([rxa(end="20260413100000+0000", per="M30")], 0.5, ""),
        ([rxa(), "RXR|IM^Intramuscular^HL70162"], 0.5, "intramuscular"),
        ([rxa(status="PA")], 0.5, "in part"),
    ],
)
def test_a_dose_given(service, baby, segments, hours, said):
    id_, name = baby
    code, why, _ = receive(service, READER, ras(name, *segments))
    assert (code, said in why, bool(why)) == ("AA", True, bool(said))
    (fact,) = care(service, id_)
    assert (fact["body"]["amount_mg"], fact["body"]["infusion_h"]) == (17, hours)


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ([rxa(), "RXR|IH^Inhalation^HL70162"], "inhaled"),
        ([rxa(), "RXR|OP^^HL70162"], "eye"),
        ([rxa(), "RXR|IT"], "intrathecal"),
        (["RXE|1", "RXR|IH", rxa()], "inhaled"),
        ([rxa(code="X1^Amikacin eye drops^99L")], "eye"),
        ([rxa(code="641^Ondansetron^99L")], "Ondansetron"),
        ([rxa(action="X")], "nothing changes"),
    ],
)
def test_a_dose_that_is_left_out_is_named(service, baby, segments, said):
    id_, name = baby
    code, why, _ = receive(service, READER, ras(name, *segments))
    assert (code, said in why, care(service, id_)) == ("AA", True, [])


@pytest.mark.parametrize(
    ("segments", "where"),
    [
        ([rxa(), "RXR|ZZ^^99L"], "RXR-1"),
        ([rxa(), "RXR|SC^^HL70162"], "RXR-1"),
        ([rxa(code="641^^99L")], "RXA-1.5"),
        ([rxa(code="641^Gentamicin^RXNORM")], "RXA-1.5"),
        ([rxa(amount="1_7")], "RXA-1.6"),
        ([rxa(amount="999")], "RXA-1.6"),
        ([rxa(unit="")], "RXA-1.7"),
        ([rxa(per="H2")], "RXA-1.12"),
        ([rxa(end="20260413093000+0000")], "RXA-1.4"),
        ([rxa(status="ZZ")], "RXA-1.20"),
    ],
)
def test_a_dose_that_cannot_be_used_is_refused_by_name(service, baby, segments, where):
    id_, name = baby
    code, why, _ = receive(service, READER, ras(name, *segments))
    assert (code, why.split(":")[0], care(service, id_)) == ("AE", where, [])


def test_each_dose_has_its_own_route(service, baby):
    id_, name = baby
    text = ras(name, rxa(n="0|1"), "RXR|IV", rxa("20260413220000+0000", "20260413223000+0000", n="0|2"), "RXR|IH")
    assert "inhaled" in receive(service, READER, text)[1]
    assert len(care(service, id_)) == 1


# ------------------------------------------------------------------------------------------------ clocks


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("20260329023000", "20260329030000", "did not exist"),
        ("20251026023000", "20251026030000", "happened twice"),
        ("20260413250000", "20260413103000", "moment"),
    ],
)
def test_an_hour_that_happens_twice_or_never_is_refused(service, baby, start, end, said):
    id_, name = baby
    code, why, _ = receive(service, BERLIN, ras(name, rxa(start, end)))
    assert (code, said in why, care(service, id_)) == ("AE", True, [])
    assert receive(service, BERLIN, ras(name, rxa(f"{start[:8]}013000+0100", f"{start[:8]}020000+0100")))[0] == "AA"


def test_the_time_of_sending_is_read_in_the_hour_that_happens_twice(service, baby, monkeypatch):
    id_, name = baby
    monkeypatch.setattr(Fixed, "at", datetime(2026, 10, 25, 1, 40, tzinfo=UTC))
    for minute, value, status in ((50, "2.8", "F"), (10, "3.1", "C")):  # 02:50 summer time, then 02:10 winter time
        monkeypatch.setattr(Fixed, "at", datetime(2026, 10, 25, 0 if minute == 50 else 1, minute, tzinfo=UTC))
        sent = f"202610250{2}{minute:02d}00"
        assert receive(service, BERLIN, oru(name, obx(value, status=status, at="20261024200000+0200"), sent=sent))[0] == "AA"
    assert values(service, id_) == [3.1]


# ------------------------------------------------------------------------------------------------ on the wire


def test_the_acknowledgement_says_it_in_err(service, baby):
    id_, name = baby
    listener = Listener(service, READER, "127.0.0.1", 0).start()

    def talk(text):
        with socket.create_connection(("127.0.0.1", listener.port), 10) as s:
            s.settimeout(20)
            s.sendall(b"\x0b" + text.encode() + b"\x1c\r")
            return s.recv(65536).decode().strip("\x0b\x1c\r").split("\r")

    try:
        bad = talk(oru(name, obx("1_0")))
        told = talk(oru(name, obx(), obx("14", "718-7^Hb^LN", unit="g/dL", n=2)).replace("\r", "\r\n"))
        nonsense = talk("hello")
    finally:
        listener.close()
    assert bad[1].startswith("MSA|AE|M20260414120500+0000|OBX-1.5: not a value")
    assert bad[2].split("|")[2:5] == ["OBX^1^5", "102^Data type error^HL70357", "E"]
    assert "a number such as 2.8" in bad[2].split("|")[8]
    assert told[1].startswith("MSA|AA|")
    assert told[2].split("|")[4] == "W"
    assert "718-7" in told[2]
    assert nonsense[1].startswith("MSA|AE|")
    assert values(service, id_) == [2.8]


@pytest.mark.parametrize(
    "message",
    [
        lambda name: oru(name, obx(), "SPM|1|||CSF^Cerebrospinal fluid^HL70487"),
        lambda name: oru(name, obx(), obr="OBR|1||A1|35669-1^x^LN|||20260413115500+0000||||||||UR^Urine"),
    ],
)
def test_a_level_of_another_specimen_is_refused(service, baby, message):
    id_, name = baby
    code, why, _ = receive(service, READER, message(name))
    assert (code, "another specimen" in why, values(service, id_)) == ("AE", True, [])
    assert receive(service, READER, oru(name, obx(), "SPM|1|||SER^Serum^HL70487"))[:2] == ("AA", "")


def test_comments_and_own_segments_are_named(service, baby):
    id_, name = baby
    code, why, _ = receive(service, READER, oru(name, obx(), "NTE|1|L|haemolysed", "ZLR|1|x"))
    assert (code, values(service, id_)) == ("AA", [2.8])
    assert "haemolysed" in why
    assert "ZLR" in why


def test_an_INR_is_stored_as_a_measurement(service, baby):
    id_, name = baby
    code, why, _ = receive(service, READER, oru(name, obx("2.8", code="6301-6^INR^LN", unit="{INR}")))
    assert code == "AA", why
    (stored,) = care(service, id_)
    assert (stored["kind"], stored["body"]["quantity"], stored["body"]["canonical_value"]) == ("measured", "INR", 2.8)
