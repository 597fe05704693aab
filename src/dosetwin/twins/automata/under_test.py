"""Somebody else's pacemaker tested against the hearts of the house: a Python callable, or a process spoken to in lines."""

import json
import math
import os
import selectors
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
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
PATIENCE_S = 5.0
MOST_MS = 1e12
"""A wake later than this is none."""
LONGEST = 65_536
"""Characters of an answer."""


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
    return lambda programme: UnderTest(make(asdict(programme)))  # type: ignore[arg-type]


class Process:
    """A program that reads a line of JSON and answers with one: {"t": ms, "event": ..., "programme": {...} at the start}.

    A context: the program is ended with it. Every ``start`` begins a new test.
    """

    def __init__(self, command: str, patience_s: float = PATIENCE_S) -> None:
        words = shlex.split(command)
        if not words:
            raise InputError("no program", where="--process", value=command)
        try:
            self.of = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            raise InputError(f"cannot be started ({error.strerror})", where="--process", value=words[0]) from None
        self.patience_s, self._rest = patience_s, b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.of.kill()
        self.of.wait()
        for pipe in (self.of.stdin, self.of.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was never read has nowhere to go
                    continue

    def __call__(self, programme: Programme) -> UnderTest:
        """A device of this programme, in this process."""

        def logic(t: float, event: str) -> Answer:
            more = {"programme": asdict(programme)} if event == "start" else {}
            return self._line({"t": t, "event": event, **more})

        return UnderTest(logic)

    def _line(self, said: Mapping[str, Any]) -> Answer:
        where = f"device at {said['t']:g} ms, {said['event']}"
        assert self.of.stdin is not None
        assert self.of.stdout is not None
        try:
            self.of.stdin.write((json.dumps(said, allow_nan=False) + "\n").encode())
            self.of.stdin.flush()
        except OSError:
            raise InputError("the program has gone", where=where, value=self.of.poll()) from None
        end = time.monotonic() + self.patience_s
        with selectors.DefaultSelector() as waits:
            waits.register(self.of.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = end - time.monotonic()
                if left <= 0 or not waits.select(left):
                    raise InputError("no answer", where=where, allowed=f"a line within {self.patience_s:g} s, flushed")
                part = os.read(self.of.stdout.fileno(), 65536)
                self._rest += part
                if not part or len(self._rest) > LONGEST:
                    raise InputError("the program has gone, or says no line", where=where, value=self.of.poll())
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            raise InputError("not a line of JSON", where=where, value=line[:80].decode(errors="replace")) from None
        if isinstance(answer, dict) and isinstance(answer.get("wake"), float) and not math.isfinite(answer["wake"]):
            answer["wake"] = None
        return answer
