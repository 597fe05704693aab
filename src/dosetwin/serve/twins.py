"""Twins derived from facts: what is known, what is asked, the answer; the last ones are kept in memory by the hash of both."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dosetwin import __version__
from dosetwin.errors import DosetwinError
from dosetwin.serve.audit import digest, stamp
from dosetwin.serve.store.facts import CLINICAL, Person
from dosetwin.serve.timeline import timeline_of

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.decide.policy import Policy
    from dosetwin.declare import Model
    from dosetwin.records import Timeline


@dataclass(frozen=True)
class Question:
    """Everything an answer depends on beside the facts; its JSON form is kept with each advice."""

    model: str
    policy: Mapping[str, Any]
    seed: int
    draws: int
    now: datetime
    mic_mg_per_L: float | None = None
    rule: str = "locf"
    sensitivity: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model, "model_hash": model_hash(self.model), "policy": dict(self.policy), "seed": self.seed,
            "draws": self.draws, "now": stamp(self.now), "mic_mg_per_L": self.mic_mg_per_L, "rule": self.rule,
            "sensitivity": self.sensitivity, "dosetwin": __version__,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Question":
        return cls(data["model"], data["policy"], data["seed"], data["draws"], datetime.fromisoformat(data["now"]),
                   data["mic_mg_per_L"], data["rule"], data["sensitivity"])  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What is on record about one patient, read in one snapshot."""

    patient: str
    facts: Sequence[Mapping[str, Any]]
    identity_version: int
    person: Person

    @property
    def through(self) -> int:
        """Number of the last fact."""
        return self.facts[-1]["seq"] if self.facts else 0

    @property
    def clinical(self) -> list[str]:
        """Hashes of the facts that change what is believed."""
        return [f["hash"] for f in self.facts if f["kind"] in CLINICAL]

    def timeline(self, drug: str) -> "Timeline":
        """The engine's timeline."""
        return timeline_of(self.patient, self.facts, self.person, drug)


@lru_cache(maxsize=64)
def model_hash(name: str) -> str:
    """Hash of a model's file."""
    from dosetwin import models
    from dosetwin.advise.provenance import model_card

    return model_card(models.load(name), 1.0, 0.0, "")["hash"]


@lru_cache(maxsize=16)
def _model(name: str) -> "Model":
    from dosetwin import models

    return models.load(name)


def policy_of(data: Mapping[str, Any]) -> "Policy":
    """A policy from its JSON form."""
    from dosetwin.decide.policy import Policy

    return Policy.from_json(data)


def state_hash(known: Known, question: Question) -> str:
    """Hash of model, code version, settings and facts: equal hashes are the same twin. The moment is not part of it."""
    said = question.to_json()
    del said["now"], said["sensitivity"]
    return digest([said, known.clinical, known.identity_version])


def answer(known: Known, question: Question, *, curves: bool = True) -> "Advice":
    """Ask the engine. Pure: the same facts and question give the same answer. Raises InputError when the facts have errors."""
    from dosetwin.advise import advise_full

    policy = policy_of(question.policy)
    timeline = known.timeline(policy.drug)
    now = hours(timeline, question.now)
    return advise_full(timeline, _model(question.model), policy, now=now, seed=question.seed, draws=question.draws,
                       mic=question.mic_mg_per_L, rule=question.rule, curves=curves,  # type: ignore[arg-type]
                       sensitivity=question.sensitivity)  # fmt: skip


def hours(timeline: "Timeline", at: datetime) -> float:
    """A moment on the timeline's clock, to the second. A timeline without any moment begins now."""
    if timeline.origin is None:
        return 0.0
    return round((at - timeline.origin) / timedelta(seconds=1)) / 3600.0


class Memory:
    """The last twins asked about, by state hash: at most ``most``, least recently used first out."""

    def __init__(self, most: int):
        self._most, self._kept, self._lock = most, OrderedDict[str, Any](), threading.Lock()

    def get(self, key: str) -> Any:
        """What was kept, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keep."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


class Pool:
    """Threads for the numeric work, so that requests wait for a core instead of for each other."""

    def __init__(self, workers: int):
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="dosetwin-twin")

    def run(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        """Do the work in the pool and wait."""
        return self._pool.submit(work, *args, **kwargs).result()

    def start(self, work: Any, *args: Any) -> "Future[Any]":
        """Do the work in the pool."""
        return self._pool.submit(work, *args)

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def timed(work: Any, *args: Any) -> tuple[Any, float]:
    """Result and seconds."""
    began = time.perf_counter()
    return work(*args), time.perf_counter() - began


def cannot(error: DosetwinError) -> dict[str, Any]:
    """The answer where no twin can be built: why, in the shape of a refusal's reasons."""
    return {"status": "cannot", "regimen": None, "reasons": [{"code": "cannot_build_twin", "text": str(error)}]}
