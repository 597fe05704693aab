"""A PostgreSQL of our own for the tests: Debian's installed program, a temporary folder, loopback, never as root."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

HOMES = Path("/usr/lib/postgresql")
OPTIONS = {"max_connections": "200", "shared_buffers": "64MB", "logging_collector": "off",
           # the machine does not lose power in a test: what a killed process wrote is in the kernel's hands
           "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}  # fmt: skip


def installed() -> Path | None:
    """The newest installed version's programs, None where there is none."""
    found = sorted(HOMES.glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])) if HOMES.is_dir() else []
    return found[-1].parent if found else None


def why_not() -> str:
    """Why PostgreSQL cannot be started here; empty when it can."""
    if installed() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses to run as root and there is no user postgres"
    return ""


class Postgres:
    """A running server. ``url(name)`` of a database, ``create()`` a fresh one, ``kill()`` as in a crash, ``start()`` again."""

    def __init__(self, *, fsync: bool = False, under: Path | None = None, wal_segment_mb: int = 16) -> None:
        """``under``: a folder to make the data in (default the system's for temporary files)."""
        self._options = OPTIONS | ({"fsync": "on", "full_page_writes": "on"} if fsync else {})
        home = installed()
        assert home is not None
        self._home = home
        self._folder = Path(tempfile.mkdtemp(prefix="dosetwin-pg-", dir=under))
        self._count = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._folder.chmod(0o700)
        self._data = self._folder / "data"
        more = ["--no-sync", f"--wal-segsize={wal_segment_mb}", "--locale=C.UTF-8"]
        self._as_user([str(home / "initdb"), "-D", str(self._data), "-U", "dosetwin", "-A", "trust", "-E", "UTF8", *more])
        self.start()

    def _words(self, words: list[str]) -> list[str]:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words] if os.geteuid() == 0 else words

    def _as_user(self, words: list[str]) -> None:
        done = subprocess.run(self._words(words), capture_output=True, text=True, cwd=self._folder, timeout=120)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [x for k, v in self._options.items() for x in ("-c", f"{k}={v}")]
        words = [str(self._home / "postgres"), "-D", str(self._data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", f"unix_socket_directories={self._folder}", *options]  # fmt: skip
        self._log = (self._folder / "log").open("ab")
        self._server = subprocess.Popen(self._words(words), stdout=self._log, stderr=self._log, cwd=self._folder)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or self._server.poll() is not None:
                    raise
                time.sleep(0.1)

    def _dsn(self, name: str) -> str:
        return f"postgresql://dosetwin@127.0.0.1:{self.port}/{name}"

    def create(self) -> str:
        """URL of a new, empty database."""
        self._count += 1
        name = f"test_{self._count}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}".encode())
        return self._dsn(name)

    def kill(self) -> None:
        """As in a crash: the server and all its children are gone at once."""
        found = subprocess.run(["pgrep", "-P", str(self._server.pid)], capture_output=True, text=True, check=False)
        for pid in (self._server.pid, *map(int, found.stdout.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._server.wait(timeout=20)
        self._log.close()

    def close(self) -> None:
        """Stop at once (nobody needs the data any more) and clean up."""
        if self._server.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
