"""Twins derived from facts: what is known, what is asked, the answer; the last ones are kept in memory by the hash of both."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dosetwin import __version__
from dosetwin.errors import DosetwinError, InputError, UnknownName
from dosetwin.forecast.tells import listed, teller_of
from dosetwin.serve.audit import digest, stamp
from dosetwin.serve.memory import Memory as Memory
from dosetwin.serve.planned import planned_of
from dosetwin.serve.store.facts import CLINICAL, Person
from dosetwin.serve.timeline import timeline_of
from dosetwin.serve.told import NAMES, OPTION, in_stored

if TYPE_CHECKING:
    from dosetwin.advise import Advice, Question
    from dosetwin.declare import Model, Therapy
    from dosetwin.records import Timeline


@dataclass(frozen=True)
class KeptQuestion:
    """A question by names: everything an answer depends on beside the facts. Its JSON form is kept with each advice.

    ``told`` None: the model has no effect that anybody could tell, or the question was kept before questions named who does.
    ``beside``: the doses of other drugs are among the facts; a question kept before they were saw none.
    """

    model: str
    policy: Mapping[str, Any]
    seed: int
    draws: int
    now: datetime
    mic_mg_per_L: float | None = None
    rule: str = "locf"
    sensitivity: bool = True
    told: str | None = None
    beside: bool = True

    def to_json(self) -> dict[str, Any]:
        # a question of before is told by nobody and sees no other drug: its JSON, and with it its hash, stays what it was
        by = teller_of(self.told)
        told = {} if by is None else {by.name: self.told, f"{by.name}_hash": told_hash(self.told or "", self.model)}
        told |= {"beside": True} if self.beside else {}
        return told | {
            "model": self.model, "model_hash": model_hash(self.model), "policy": dict(self.policy), "seed": self.seed,
            "draws": self.draws, "now": stamp(self.now), "mic_mg_per_L": self.mic_mg_per_L, "rule": self.rule,
            "sensitivity": self.sensitivity, "dosetwin": __version__,
        }  # fmt: skip

    def __post_init__(self) -> None:
        """Names come from clients and from stored rows: only listed ones are asked with. Raises UnknownName."""
        require_listed(self.model)
        if self.told is not None and self.told not in NAMES:
            raise UnknownName(f"unknown {OPTION}", where=OPTION, value=self.told, allowed=", ".join(NAMES))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KeptQuestion":
        return cls(data["model"], data["policy"], data["seed"], data["draws"], datetime.fromisoformat(data["now"]),
                   data["mic_mg_per_L"], data["rule"], data["sensitivity"], in_stored(data),
                   data.get("beside", False))  # fmt: skip

    def asked(self, known: "Known", curves: bool = False) -> "tuple[Timeline, Question]":
        """The same as the engine is asked it, after the facts it is asked of; told as before where the question names nobody."""
        from dosetwin.advise import Question

        therapy = therapy_of(self.policy)
        timeline = known.timeline(therapy.drug.name, beside=self.beside)
        told = told_for(self.model, None, before=True) if self.told is None else self.told
        facts = {} if self.mic_mg_per_L is None else {"MIC": self.mic_mg_per_L}
        now = hours(timeline, self.now)
        planned, remarks = planned_of(known.facts, timeline, therapy.drug.name, now)
        if remarks:
            timeline = replace(timeline, findings=(*timeline.findings, *remarks))
        return timeline, Question(
            therapy, (model_named(self.model),), now=now, seed=self.seed, draws=self.draws, rule=self.rule, told=told,  # type: ignore[arg-type]
            facts=facts, sensitivity=self.sensitivity, curves=curves, planned=planned,
        )  # fmt: skip


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

    def timeline(self, drug: str, *, beside: bool = True) -> "Timeline":
        """The engine's timeline; ``beside``: with the doses of other drugs."""
        return timeline_of(self.patient, self.facts, self.person, drug, beside=beside)


def require_listed(name: str) -> str:
    """The name, if it is a listed model's or that of one told (``NAME_by``). A path is none, whoever gave it: loading one
    would run its file.

    Raises UnknownName with the names there are.
    """
    from dosetwin import models
    from dosetwin.declare.channels import CHANNELS

    told = {name.removesuffix(f"_{c.by}") for c in CHANNELS.values() if name.endswith(f"_{c.by}")}
    if not ({name} | told) & {*models.names(), *_MODELS}:
        raise UnknownName("unknown model", where="model", value=name[:100], allowed=", ".join(model_names()))
    return name


_MODELS: dict[str, "Model"] = {}
_THERAPIES: dict[str, "Therapy"] = {}
"""Of files that the operator installed, by name: this process has run them, no client's word reaches them."""


def install_model(name: str) -> str:
    """The name by which a model is asked from now on: a listed one's own, or that of the file which the operator installed."""
    from dosetwin import models

    if not name.endswith(".py"):
        return require_listed(name)
    found = models.load(name)
    if found.name in models.names():
        raise InputError("two models of one name", where=name, value=found.name, allowed="a name not taken")
    if found.name not in _MODELS or model_hash(found.name) != _hash_of(found):
        _MODELS[found.name] = found
        model_named.cache_clear()
        model_hash.cache_clear()
    return found.name


def install_therapy(therapy: "Therapy") -> None:
    """A therapy of the operator's is asked by its name from now on, also of stored questions that name it."""
    _THERAPIES[therapy.name] = therapy


_PREPARED: list["Therapy"] = []
"""Therapies as wards prepare their doses."""


def install_prepared(therapy: "Therapy") -> None:
    """A therapy as a ward prepares it is found again by what is kept of it with a question."""
    if therapy not in _PREPARED:
        _PREPARED.append(therapy)


def named_by(therapy: str) -> set[str]:
    """Names of the facts that an installed therapy reads beside its models: in rules, bars, goals and what it assumes."""
    t = _THERAPIES.get(therapy)
    if t is None:
        return set()
    names = {n for r in t.rules for n in r.needs} | {b.fact for b in t.bars} | {a.name for a in t.assumed} | set(t.typical)
    return names | ({"HT"} if "BSA" in names else set())


def model_names() -> tuple[str, ...]:
    """Names of the models that may be asked: the listed ones, and those of files that the operator installed."""
    from dosetwin import models

    return tuple(sorted({*models.names(), *_MODELS}))


@lru_cache(maxsize=64)
def model_hash(name: str) -> str:
    """Hash of a model's file."""
    return _hash_of(model_named(name))


def _hash_of(model: "Model") -> str:
    from dosetwin.advise.provenance import model_card

    return model_card(model, 1.0, 0.0, "")["hash"]


@lru_cache(maxsize=64)
def told_hash(told: str, model: str) -> str:
    """Hash of what tells a model: its weights and the model. "" where it cannot be loaded, or tells this model nothing."""
    by = teller_of(told)
    if by is None or not by.able(model_named(model)):
        return ""
    if told == by.inside:  # the model itself
        return model_hash(model)
    weights = by.weights(told)
    return "" if weights is None else digest([model_hash(model), *weights])


def told_for(model: str, chosen: str | None, *, before: bool = False) -> str | None:
    """Who tells a model: the chosen one, else as ``advise`` asks (``before``: as before there was a choice); None for a model
    that could be told nothing."""
    able = [t for t in listed().values() if t.able(model_named(model)) and (not chosen or chosen in t.names)]
    return None if not able else chosen or (able[0].inside if before else able[0].default)


@lru_cache(maxsize=16)
def model_named(name: str) -> "Model":
    """A listed model, loaded once. Raises UnknownName for anything else: everything in the service loads models here."""
    from dosetwin import models

    return _MODELS[name] if name in _MODELS else models.load(require_listed(name))


def therapy_of(data: Mapping[str, Any]) -> "Therapy":
    """A therapy from the JSON form that is kept with a question, of today's program or of one before."""
    from dosetwin.formulary import therapy_from_json

    name = data.get("name", "")
    installed = (t for t in (_THERAPIES.get(name), *(p for p in _PREPARED if p.name == name)) if t is not None)
    return next((t for t in installed if t.to_json() == dict(data)), None) or therapy_from_json(data)


def state_hash(known: Known, question: KeptQuestion) -> str:
    """Hash of model, code version, settings and facts: equal hashes are the same twin. The moment is not part of it."""
    said = question.to_json()
    del said["now"], said["sensitivity"]
    return digest([said, known.clinical, known.identity_version])


def answer(known: Known, question: KeptQuestion, *, curves: bool = True) -> "Advice":
    """Ask the engine. Pure: the same facts and question give the same answer. Raises InputError when the facts have errors."""
    from dosetwin.advise import advise

    timeline, asked = question.asked(known, curves)
    found = advise(timeline, asked)
    return _nobody_chose(found) if question.told is None and asked.told is not None else found


def _nobody_chose(advice: "Advice") -> "Advice":
    """An answer as it was when questions named nobody who tells: that nobody was asked for is part of it."""
    said = advice.recommendation
    told = {name: {**said.provenance[name], "asked": None} for name in listed() if said.provenance.get(name) is not None}
    if not told:  # a model that could not be told anything then
        return advice
    expected = {name: {**found, "asked": None} if found else found for name, found in said.told.items()}
    outlooks = tuple(replace(o, asked=None) for o in advice.outlooks)  # type: ignore[type-var]
    said = replace(said, provenance={**said.provenance, **told}, told=expected)
    return replace(advice, recommendation=said, outlooks=outlooks)


def hours(timeline: "Timeline", at: datetime) -> float:
    """A moment on the timeline's clock, to the second. A timeline without any moment begins now."""
    if timeline.origin is None:
        return 0.0
    return round((at - timeline.origin) / timedelta(seconds=1)) / 3600.0


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
