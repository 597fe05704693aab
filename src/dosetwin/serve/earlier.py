"""Model files of earlier programs that give the numbers of today's: what they answered is replayed as the same answer.

An answer names the hash of every model file it rests on, so a new comment would make every stored answer another one. A file is
listed (``earlier.json``) only when its numbers are those of today's to the last digit, which
tests/reference/test_earlier_files.py shows on the files themselves.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from dosetwin.forecast.tells import listed, teller_of
from dosetwin.serve.canon import digest

_KEPT = json.loads(files("dosetwin.serve").joinpath("earlier.json").read_text(encoding="utf-8"))
PAGES: str = _KEPT["pages"]
"""Where a patient's pages stood in the first release."""
GENERATIONS: tuple[Mapping[str, str], ...] = tuple(g["files"] for g in _KEPT["models"])
"""Name -> SHA-256 of its file, per program."""


def same_file(name: str, sha256: str) -> bool:
    """Whether an earlier file of this name and hash gives the numbers of today's."""
    return any(files.get(name) == sha256 for files in GENERATIONS)


def same_made(inputs: Mapping[str, Any], what: str) -> bool:
    """Whether what a stored question was made of (``model_hash``, or the hash of who told it) gives the numbers of today's."""
    if what == "model_hash":
        return same_file(inputs["model"], inputs[what])
    by = listed().get(what.removesuffix("_hash"))
    return by is not None and inputs.get(by.name) is not None and inputs[what] in told_hashes(inputs[by.name], inputs["model"])


def told_hashes(told: str, model: str) -> Iterator[str]:
    """Hashes that who tells had in questions of earlier programs (``twins.told_hash``), with the weights of today."""
    by = teller_of(told)
    weights = None if by is None else by.weights(told)
    if by is None or weights is None:
        return
    for then in GENERATIONS:
        if model in then:
            own = [then[model]] if by.inside in by.uses.get(told, ()) else []
            yield then[model] if told == by.inside else digest([then[f"{model}_{by.channel.by}"], *own, *weights])


def as_written_then(answer: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Today's answer, with hash and title of every model file as ``then`` had them where that file gives the same numbers."""
    answer = _said_then(answer, then)
    now, before = answer["provenance"]["models"], then["provenance"]["models"]
    if [m["name"] for m in now] != [m["name"] for m in before]:
        return dict(answer)
    models = [
        {**m, "hash": b["hash"], "title": b["title"]} if same_file(m["name"], b["hash"]) else m
        for m, b in zip(now, before, strict=True)
    ]
    return {**answer, "provenance": {**answer["provenance"], "models": models}}


def _said_then(answer: Mapping[str, Any], then: Mapping[str, Any]) -> Mapping[str, Any]:
    """Today's answer with what a sample tells of in the words of ``then``, which were a variance of a logarithm until 0.1."""
    sample, before = answer.get("next_sample"), then.get("next_sample")
    if not sample or not before or "the variance of" not in before["text"]:
        return answer
    text = (
        sample["text"].replace("the uncertainty about ", "the variance of ln ").replace("that about the last", "that of the last")
    )
    return {**answer, "next_sample": {**sample, "text": text.replace("that about ", "that of ln ")}}
