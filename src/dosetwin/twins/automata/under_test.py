"""Somebody else's pacemaker tested against the hearts of the house: a Python callable, or a process spoken to in lines."""

import json
import math
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dosetwin.errors import InputError
from dosetwin.twins.automata.heart import NEVER
from dosetwin.twins.automata.programme import Programme

Answer = Mapping[str, Any]
Logic = Callable[[float, str], Answer]
"""``logic(t_ms, event)`` of a device, event ``start``, ``wake``, ``A`` or ``V``: {"marks": ["AS", ...], "wake": ms or None}."""
PATIENCE_S, WHOLE_S = 5.0, 120.0
"""s that one answer may take, and all answers of one test."""
MOST_MS = 1e12
"""A wake later than this is none."""
LONGEST = 65_536
"""Characters of an answer."""
UNASKED_S = 0.2
"""What comes within this time of the last answer was not asked for, s."""


class UnderTest:
    """A device made of somebody's logic: it keeps when the logic wants to wake, and refuses answers that are none."""

    def __init__(self, logic: Logic) -> None:
        self.logic, self.at = logic, NEVER
        self._ask(0.0, "start")

    def due(self) -> float:
        """ms of its next wake."""
        return self.at

    def wake(self, t: float) -> list[str]:
        """It is woken once for what it asked for."""
        self.at = NEVER
        return self._ask(t, "wake")

    def sense(self, t: float, channel: str) -> list[str]:
        """A signal on a channel."""
        return self._ask(t, channel)

    def _ask(self, t: float, event: str) -> list[str]:
        where = f"device at {t:g} ms, {event}"
        try:
            answer = self.logic(t, event)
        except InputError:
            raise
        except Exception as error:  # whatever it does wrong is told, with the moment it did it
            raise InputError(f"stopped: {type(error).__name__}: {error}", where=where) from None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("marks", []), list | tuple):
            raise InputError("no answer of a device", where=where, value=repr(answer)[:80],
                             allowed='{"marks": ["AS", ...], "wake": ms or null}')  # fmt: skip
        if "wake" in answer:
            wake = answer["wake"]
            if wake is not None and (isinstance(wake, bool) or not isinstance(wake, int | float) or not wake >= t - 1e-9):
                raise InputError("a wake that has passed, or is no time", where=where, value=wake, allowed=f">= {t:g}, or null")
            self.at = NEVER if wake is None or wake > MOST_MS else float(wake)
        return [str(m) for m in answer.get("marks", [])]


def from_file(path: Path) -> Callable[[Programme], UnderTest]:
    """The devices a Python file makes: it defines ``make(programme)``, which returns a ``Logic``. Raises InputError."""
    from dosetwin.declare.own_file import run_file

    module = run_file(path, "device")
    make = getattr(module, "make", None)
    if not callable(make):
        raise InputError("makes no device", where=str(path), allowed="def make(programme): return logic(t_ms, event)")

    def made(programme: Programme) -> UnderTest:
        with _hung("device, make(programme)"):
            logic = make(asdict(programme))
        if not callable(logic):
            raise InputError("makes no logic", where=str(path), value=repr(logic)[:40], allowed="return logic(t_ms, event)")

        def watched(t: float, event: str) -> Answer:
            with _hung(f"device at {t:g} ms, {event}"):
                return logic(t, event)  # type: ignore[no-any-return]

        return UnderTest(watched)

    return made


@contextmanager
def _hung(where: str) -> Iterator[None]:
    """End a call of a file that does not return within ``PATIENCE_S``; where no alarm can be set (a thread) it may hang."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def late(number: int, frame: object) -> None:
        raise InputError("no answer", where=where, allowed=f"it returns within {PATIENCE_S:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class Process:
    """A program that reads a line of JSON and answers with one: {"t": ms, "event": ..., "programme": {...} at the start}.

    A context: the program is ended with it. Every ``start`` begins a new test.
    """

    def __init__(self, command: str, patience_s: float = PATIENCE_S, whole_s: float = WHOLE_S) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:  # a quotation that never ends
            raise InputError(f"not a command ({error})", where="--process", value=command[:80]) from None
        if not words:
            raise InputError("no program", where="--process", value=command)
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program runs
        try:
            self.of = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints,
                                       start_new_session=True)  # fmt: skip
        except OSError as error:
            self.complaints.close()
            raise InputError(f"cannot be started ({error.strerror})", where="--process", value=words[0]) from None
        self.patience_s, self.whole_s, self._rest, self._waited = patience_s, whole_s, b"", 0.0
        self._silent = False  # its last answer was taken and nothing was found wrong with it: now it is silent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        babbled = self._silent and kind is None and self._spoke(UNASKED_S)
        try:
            os.killpg(self.of.pid, signal.SIGKILL)  # what it started ends with it
        except OSError:
            self.of.kill()
        self.of.wait()
        self.complaints.close()
        for pipe in (self.of.stdin, self.of.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was never read has nowhere to go
                    continue
        if babbled:  # answers too many may each have been taken for that of the next event
            raise InputError(
                "it spoke without being asked", where="device at the end", allowed="one line for each event, no more"
            )

    def __call__(self, programme: Programme) -> UnderTest:
        """A device of this programme, in this process."""

        def logic(t: float, event: str) -> Answer:
            more = {"programme": asdict(programme)} if event == "start" else {}
            self._silent = False
            answer = self._line({"t": t, "event": event, **more})
            self._silent = True
            return answer

        return UnderTest(logic)

    def _spoke(self, wait_s: float) -> bool:
        """Whether something lies there that nobody asked for, or comes within this time, s."""
        assert self.of.stdout is not None
        with selectors.DefaultSelector() as waits:
            waits.register(self.of.stdout, selectors.EVENT_READ)
            return bool(self._rest or (waits.select(wait_s) and os.read(self.of.stdout.fileno(), 1)))

    def _line(self, said: Mapping[str, Any]) -> Answer:
        where = f"device at {said['t']:g} ms, {said['event']}"
        assert self.of.stdin is not None
        assert self.of.stdout is not None
        if said["event"] == "start":
            self._waited = 0.0
        begin = time.monotonic()
        if self._spoke(0.0):
            raise InputError("it spoke without being asked", where=where, allowed="one line for each event, no more")
        with selectors.DefaultSelector() as waits:
            waits.register(self.of.stdout, selectors.EVENT_READ)
            try:
                self.of.stdin.write((json.dumps(said, allow_nan=False) + "\n").encode())
                self.of.stdin.flush()
            except OSError:
                raise self._gone(where) from None
            while b"\n" not in self._rest:
                left = begin + self.patience_s - time.monotonic()
                if left <= 0 or not waits.select(left):
                    raise InputError("no answer", where=where, allowed=f"a line within {self.patience_s:g} s, flushed")
                part = os.read(self.of.stdout.fileno(), 65536)
                self._rest += part
                if not part:
                    raise self._gone(where)
                if len(self._rest) > LONGEST:
                    raise InputError("it talks without end", where=where, allowed=f"a line of at most {LONGEST} characters")
        self._waited += time.monotonic() - begin
        if self._waited > self.whole_s:
            raise InputError("too slow", where=where, value=f"{self._waited:.0f} s of waiting in this test",
                             allowed=f"{self.whole_s:g} s for all its answers")  # fmt: skip
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError("not a line of JSON", where=where, value=line[:80].decode(errors="replace")) from None
        if isinstance(answer, dict) and isinstance(answer.get("wake"), float) and not math.isfinite(answer["wake"]):
            answer["wake"] = None
        return answer

    def _gone(self, where: str) -> InputError:
        """That the program ended: its exit code, and the last line it complained with."""
        try:
            code: int | str = self.of.wait(1.0)
        except subprocess.TimeoutExpired:
            code = "it runs but its output is closed"
        self.complaints.seek(max(0, self.complaints.seek(0, os.SEEK_END) - 2000))
        last = self.complaints.read().decode(errors="replace").strip().splitlines()
        more = f": {last[-1][:200]}" if last else ""
        return InputError(f"the program has gone{more}", where=where, value=code, allowed="it runs until it is ended")
