"""MQTT against a real broker (Mosquitto on loopback): delivered once, kept while away, thinned, refused with reasons."""

import json
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("paho.mqtt", reason="the service's packages are not installed (extra serve)")
import paho.mqtt.client as paho
from sqlalchemy.exc import OperationalError

from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.live import mqtt
from dosetwin.serve.live.mqtt import Subscriber, Thinner, receive
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewPatient, Person
from dosetwin.serve.timeline import in_force

ADMIN = Principal("admin", roles=frozenset({"model-admin"}), wards=frozenset({"*"}))
BIRTH = datetime(2026, 4, 11, 10, tzinfo=UTC)
DOSE = {"id": "i1", "sent": "2026-04-12T12:31:00Z", "kind": "infusion", "drug": "amikacin", "amount": 17.6, "unit": "mg",
        "start": "2026-04-12T12:00:00Z", "end": "2026-04-12T12:30:00Z"}  # fmt: skip


class Fixed:
    def now(self) -> datetime:
        return datetime(2026, 4, 13, 14, tzinfo=UTC)


@pytest.fixture
def service(tmp_path):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path, draws=200), Fixed())
    new = NewPatient(
        ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, person=Person(identifiers={"H": "7"}, birth=BIRTH)
    )
    opened.change(THE_SERVICE, lambda conn, reach: opened.ledger.create_patient(conn, THE_SERVICE, new, reach.now))
    yield opened
    opened.close()


def care(service):
    reach = service.reach(THE_SERVICE)
    with service.store.read() as conn:
        return [f["body"] for f in in_force(reach.facts(conn, reach.find(conn, "H", "7")))]


def refused(service):
    with service.store.read() as conn:
        return len(service.reach(ADMIN).rejected(conn, 10))


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Port of a broker of our own."""
    if (program := shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")) is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    folder = tmp_path_factory.mktemp("broker")
    (folder / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(folder / "m.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(timeout=10)


def publish(port, *messages):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, body in messages:
        client.publish(topic, body if isinstance(body, bytes) else json.dumps(body), qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def eventually(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_messages_arrive_once_and_those_sent_while_away_arrive_too(service, broker):
    first = Subscriber(service, "127.0.0.1", broker, "ward")
    assert first.start(10)
    publish(broker, ("ward/H/7/pump1", DOSE), ("ward/H/7/pump1", DOSE), ("ward/H/7/pump1", b"{not json"))
    assert eventually(lambda: len(care(service)) == 1 and refused(service) == 1), (care(service), refused(service))
    first.close()
    publish(broker, ("ward/H/7/pump1", DOSE | {"id": "i2", "start": "2026-04-13T12:00:00Z", "end": "2026-04-13T12:30:00Z"}))
    second = Subscriber(service, "127.0.0.1", broker, "ward")
    assert second.start(10)
    try:
        assert eventually(lambda: len(care(service)) == 2)
        assert {b["amount_mg"] for b in care(service)} == {17.6}
        assert refused(service) == 1
    finally:
        second.close()


def test_a_subscriber_is_there_when_the_broker_has_confirmed_and_not_before(service):
    """A first session keeps nothing that is published between the connection and the subscription."""
    subscriber, asked = Subscriber(service, "127.0.0.1", 1, "ward"), []
    fine = paho.ReasonCode(paho.PacketTypes.SUBACK, identifier=1)
    broken = paho.ReasonCode(paho.PacketTypes.SUBACK, identifier=128)
    client = type("Client", (), {"subscribe": lambda self, topic, qos: asked.append((topic, qos))})()
    subscriber._on_connect(client, None, None, paho.ReasonCode(paho.PacketTypes.CONNACK, "Success"), None)
    assert (asked, subscriber.connected) == ([("ward/#", 1)], False)
    subscriber._on_subscribe(client, None, 1, [broken], None)
    assert not subscriber.connected
    subscriber._on_subscribe(client, None, 1, [fine], None)
    assert subscriber.connected


def test_a_message_the_store_cannot_take_now_arrives_later(service, broker, monkeypatch):
    """As with a full disk: not acknowledged, delivered again over a new connection, and no sample thinned away meanwhile."""
    monkeypatch.setattr(mqtt, "AGAIN_S", 0.3)
    change, tries = service.change, []

    def full(who, work):
        tries.append(who.subject)
        if len(tries) < 4:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        return change(who, work)

    monkeypatch.setattr(service, "change", full)
    subscriber = Subscriber(service, "127.0.0.1", broker, "full", name="dosetwin-full")
    assert subscriber.start(10)
    try:
        sample = {"id": "s1", "sent": "2026-04-12T04:00:00Z", "kind": "sample", "name": "WT", "unit": "kg",
                  "values": [["2026-04-12T03:00:00Z", 1.1]]}  # fmt: skip
        publish(broker, ("full/H/7/scale", sample), ("full/H/7/pump1", DOSE))
        assert eventually(lambda: len(care(service)) == 2, 30), (tries, care(service))
        assert refused(service) == 0
    finally:
        subscriber.close()


def test_a_refused_sample_sent_again_is_not_thinned_away(service):
    sample = {"id": "s1", "sent": "2026-04-12T04:00:00Z", "kind": "sample", "name": "WT", "unit": "kg",
              "values": [["2026-04-12T03:00:00Z", 1.1]]}  # fmt: skip
    thinner = Thinner()
    assert isinstance(receive(service, thinner, "ward/H/8/scale", json.dumps(sample).encode()), str), "nobody has number 8 yet"
    new = NewPatient(ward="nicu", GA_weeks=30, synthetic=True, person=Person(identifiers={"H": "8"}, birth=BIRTH))
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.create_patient(conn, THE_SERVICE, new, reach.now))
    assert receive(service, thinner, "ward/H/8/scale", json.dumps(sample).encode()).new == 1


def test_a_stream_is_thinned_but_a_jump_is_kept(service):
    start = datetime(2026, 4, 12, tzinfo=UTC)
    steady = [[(start + timedelta(seconds=10 * k)).isoformat(), 36.9] for k in range(1080)]
    sample = {"id": "s1", "sent": "2026-04-12T04:00:00Z", "kind": "sample", "name": "TEMP", "unit": "Cel"}
    thinner = Thinner()
    done = receive(service, thinner, "ward/H/7/monitor", json.dumps(sample | {"values": steady}).encode())
    assert done.new == 3
    jump = [[(start + timedelta(hours=3, minutes=1)).isoformat(), 38.2]]
    assert receive(service, thinner, "ward/H/7/monitor", json.dumps(sample | {"values": jump}).encode()).new == 1
    assert receive(service, thinner, "ward/H/7/monitor", json.dumps(sample | {"values": jump}).encode()) is None


@pytest.mark.parametrize(
    "change",
    [{"kind": "x"}, {"amount": -1}, {"unit": "furlong"}, {"end": "2026-04-12T11:00:00Z"}, {"sent": "now"}, {"id": ""},
     {"start": "2026-04-12T12:00:00"}, {"drug": "nobody_makes_it"}, {"kind": "sample"},
     {"kind": "sample", "name": "TEMP", "unit": "Cel", "values": [[1, 2]]}],
)  # fmt: skip
def test_what_cannot_be_used_is_kept_with_its_reason(service, change):
    id_ = receive(service, Thinner(), "ward/H/7/pump1", json.dumps(DOSE | change).encode())
    assert isinstance(id_, str)
    with service.store.read() as conn:
        (reason, *_) = service.reach(THE_SERVICE).rejected_one(conn, id_)["reasons"]
    assert reason["expected"]
    assert care(service) == []


def tell(service, **change):
    return receive(service, Thinner(), "ward/H/7/pump1", json.dumps(DOSE | change).encode())


def test_a_pump_that_counts_anew_replaces_no_infusion(service):
    assert tell(service).new == 1
    later = {"start": "2026-04-13T12:00:00Z", "end": "2026-04-13T12:30:00Z", "sent": "2026-04-13T12:31:00Z"}
    assert tell(service, **later).new == 1
    assert len(care(service)) == 2
    assert tell(service, amount=16, sent="2026-04-13T12:40:00Z").corrected == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1_0"}, {"amount": "17.6"}, {"amount": True}, {"route": "inhaled"}, {"route": 3}, {"comment": "stopped early"},
        {"sent": "2036-04-12T12:31:00Z"}, {"start": "2026-04-12T12:00:00"}, {"unit": "mL"}, {"end": "2026-04-12T11:00:00Z"},
    ],
)  # fmt: skip
def test_what_an_infusion_cannot_mean_is_kept_as_refused(service, change):
    assert isinstance(tell(service, **change), str)
    assert care(service) == []
    assert refused(service) == 1


def test_a_route_that_is_a_vein_is_taken_and_a_name_twice_is_not(service):
    assert tell(service, route="intravenous").new == 1
    twice = json.dumps(DOSE | {"id": "i9"}).replace('"amount": 17.6', '"amount": 17.6, "amount": 176').encode()
    assert isinstance(receive(service, Thinner(), "ward/H/7/pump1", twice), str)
