"""The image's own start command, without the image: behind the TLS proxy's own configuration, as production starts it."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import httpx

from deploy.test_files import DEPLOY, certificate, instructions
from service.conftest import AUDIT_KEY, DATA_KEY, ISSUER

pytestmark = pytest.mark.slow


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def started(tmp_path: Path):
    """Port of a service started by the image's words and variables; its process."""
    said = dict(re.findall(r"(DOSETWIN_[A-Z_]+)=(\S+)", " ".join(a for v, a in instructions() if v == "ENV")))
    port = free()
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOSETWIN_")} | said | {
        "DOSETWIN_DATA_DIR": str(tmp_path / "data"), "DOSETWIN_PORT": str(port), "DOSETWIN_HOST": "127.0.0.1",
        "DOSETWIN_DATA_KEYS": DATA_KEY, "DOSETWIN_AUDIT_KEY": AUDIT_KEY, "DOSETWIN_OIDC_ISSUER": ISSUER,
        "DOSETWIN_OIDC_CLIENT_ID": "x", "DOSETWIN_PUBLIC_URL": "https://localhost", "DOSETWIN_TRUSTED_PROXIES": "127.0.0.1",
        "DOSETWIN_TWIN_PROCESSES": "0",
    }  # fmt: skip
    env.pop("DOSETWIN_CACHE")  # compiled kernels of this machine: what is started is the same
    if "DOSETWIN_CACHE" in os.environ:
        env["DOSETWIN_CACHE"] = os.environ["DOSETWIN_CACHE"]
    entry, words = (json.loads(next(a for v, a in instructions() if v == verb)) for verb in ("ENTRYPOINT", "CMD"))
    assert entry == ["dosetwin"]
    process = subprocess.Popen([sys.executable, "-m", "dosetwin.cli", *words], env=env, stderr=subprocess.PIPE, text=True)
    try:
        health = next(a for v, a in instructions() if v == "HEALTHCHECK")
        words = json.loads(health[health.index("CMD") + 3 :])
        until = time.monotonic() + 60
        while subprocess.run([sys.executable, "-c", words[2].replace("8000", str(port))], capture_output=True).returncode:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < until, "the image's health check never passed"
            time.sleep(0.2)
        yield port, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)
        if process.stderr is not None:
            process.stderr.close()


def test_it_is_reached_through_the_proxy_and_ends_when_told(started, tmp_path: Path):
    port, process = started
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    certificate(tmp_path)
    outside = free()
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (("twin:8000", f"127.0.0.1:{port}"), ("8443", f"127.0.0.1:{outside}"), ("/tmp/", f"{tmp_path}/"),
                     ("/etc/nginx/tls", str(tmp_path))):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "nginx.conf").write_text(text)
    words = ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off;"]
    tested = subprocess.run([*words[:-2], "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    proxy = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        with httpx.Client(base_url=f"https://localhost:{outside}", verify=trusted, trust_env=False, timeout=20) as client:
            until = time.monotonic() + 10
            while True:
                try:
                    answer = client.get("/health/ready", headers={"X-Forwarded-For": "10.9.9.9"})
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < until
                    time.sleep(0.05)
            assert answer.json()["status"] == "ready"
            assert "max-age" in answer.headers["strict-transport-security"]
            assert client.get("/metrics").status_code == 404, "numbers are asked for from inside"
            assert client.get("/api/v1/patients").status_code == 401
            assert client.post("/api/v1/events", content=b"x" * (10 * 2**20)).status_code == 413
        old = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("localhost", outside)) as raw, old.wrap_socket(raw, server_hostname="localhost") as tls:
            assert tls.version() == "TLSv1.2"
    finally:
        proxy.terminate()
        proxy.wait(timeout=10)
    stop = next(a for v, a in instructions() if v == "STOPSIGNAL")
    process.send_signal(getattr(signal, stop))
    assert process.wait(timeout=25) in (0, -signal.SIGTERM), "the server ends, and by the signal it was sent"
