"""A process beside the server that recomputes twins, so that the engine never holds the lock of the process that answers.

It reads the store and writes nothing: results go back over a pipe to the server, whose one writer stores them. It ends when the
pipe does, so no server leaves one behind. Run as ``python -m dosetwin.serve.worker``, by ``crew.py`` only.
"""

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from dosetwin.serve.refresh import Done, Refresher, warm
from dosetwin.serve.settings import Settings
from dosetwin.serve.twins import KeptQuestion

NICER = 2
"""How much the process stands back for the server and the database."""
AT_LEAST_S = 0.2
"""A batch goes back with what is done after so long, the rest undone: news must not wait for a backlog."""
LOST_S = 120.0
"""A batch that takes longer is taken for hung; the process is ended and another one started."""
KEEPS = {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20)}
"""glibc keeps freed memory up to so much instead of giving it back: an answer takes 25 to 40 MB in pieces, and fetching them anew
each time makes it a fifth slower. Left alone glibc learns these numbers from the pieces it meets, so that a process may grow by
that much at any moment of its life; set, it is at its size after the first answer. Other C libraries do not read them; an
operator's own values go first."""
_SIZE = struct.Struct("!Q")


@dataclass(frozen=True)
class Batch:
    """Patients whose twins to recompute, in this order; ``question`` says at which moment and how, each therapy asks its own.
    Answers older than ``older`` are given anew.
    """

    patients: Sequence[str]
    question: KeptQuestion
    older: timedelta


class Lost(RuntimeError):
    """The process died, or was ended because it hung."""


class Process:
    """One such process as the server sees it. Used by one thread."""

    def __init__(self, settings: Settings, question: KeptQuestion, program: str = "dosetwin.serve.worker"):
        """Start it; ``question`` is what it will be asked, so that it can load what that takes; ``program``: its module."""
        words = [sys.executable, "-m", program]
        # secrets go through the pipe: other users may read a command line
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=KEEPS | dict(os.environ))
        self.pid = self._process.pid
        try:
            send(self._in, (settings, question))
        except OSError:
            raise Lost from None

    @property
    def _in(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    def ask(self, batch: Any) -> None:
        """Hand over a batch, or what else its program takes. Raises Lost."""
        try:
            send(self._in, batch)
        except OSError:
            raise Lost from None

    def answer(self) -> Any:
        """Wait for what came of it: the first patients' results, at least one (``Done``). Raises Lost."""
        assert self._process.stdout is not None
        late = threading.Timer(LOST_S, self._process.kill)
        late.daemon = True
        late.start()
        try:
            return receive(self._process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError):
            raise Lost from None
        finally:
            late.cancel()

    def kill(self) -> None:
        """End it at once; whoever waits for its answer gets Lost."""
        self._process.kill()

    def close(self, wait_s: float = 0.0) -> None:
        """End it: by itself within ``wait_s``, else at once."""
        with suppress(OSError):
            self._in.close()
        try:
            self._process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def send(pipe: BinaryIO, value: Any) -> None:
    """A value to the other end of a pipe between processes of this program."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_SIZE.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """What was sent. Raises EOFError where the other end is gone."""
    size = pipe.read(_SIZE.size)
    if len(size) < _SIZE.size:
        raise EOFError
    data = pipe.read(_SIZE.unpack(size)[0])
    return pickle.loads(data)


def main() -> None:
    """The process: settings, then batches come in; results go out, until nothing comes any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer: it closes the pipe when it has finished
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICER)
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the results
    try:
        settings, question = receive(inward)
    except EOFError:
        return
    from dosetwin.serve.crypto import Vault
    from dosetwin.serve.installed import install
    from dosetwin.serve.store.remembered import Remembered
    from dosetwin.serve.store.store import open_engine, reading

    engine = open_engine(settings.url)
    installed = install(settings)
    vault = Vault(settings.keys, settings.chain_key)
    refresher = Refresher(lambda: reading(engine), vault, Remembered(), installed, packs=True)
    for therapy in installed.followed:
        warm(installed.question(question, therapy))
    try:
        while True:
            batch: Batch = receive(inward)
            began, found = time.monotonic(), list[Done]()
            for patient in batch.patients:
                found += refresher.safely(patient, batch.question, batch.older)
                if time.monotonic() - began > AT_LEAST_S:
                    break
            send(outward, found)
    except (EOFError, BrokenPipeError):
        pass
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
