"""Model files of earlier programs that give the numbers of today's: what they answered is replayed as the same answer.

An answer names the hash of every model file it rests on, so a new comment would make every stored answer another one. A file is
listed here only when its numbers are those of today's to the last digit, which tests/reference/test_earlier_files.py shows on the
files themselves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dosetwin.serve.canon import digest

GENERATIONS: tuple[Mapping[str, str], ...] = (
    # 0.1.0 up to November 2026: told filtration was a second file beside the flagship
    {
        "amikacin_neonate": "f5b2d0946eac759879e2c7f8f9d62f9f313ebdc07a5ea067c072c789b778c11e",
        "amikacin_neonate_kidney": "8182f6afce69b10ee15ca3b1c1fde16babc132be6b1738e9a0e13359b6e0ba50",
    },
)
"""Name -> SHA-256 of its file, per program."""


def same_file(name: str, sha256: str) -> bool:
    """Whether an earlier file of this name and hash gives the numbers of today's."""
    return any(files.get(name) == sha256 for files in GENERATIONS)


def same_made(inputs: Mapping[str, Any], what: str) -> bool:
    """Whether what a stored question was made of (``model_hash``, ``kidney_hash``) gives the numbers of today's."""
    from dosetwin.serve.twins import weights_of

    model, kidney = inputs["model"], inputs.get("kidney")
    if what == "model_hash":
        return same_file(model, inputs[what])
    if what != "kidney_hash" or kidney is None or (weights := weights_of(kidney)) is None:
        return False
    return inputs[what] in kidney_hashes(kidney, model, weights)


def kidney_hashes(kidney: str, model: str, weights: list[str]) -> Iterator[str]:
    """Hashes that a kidney with these ``weights`` had in questions of earlier programs (``twins.kidney_hash``)."""
    for files in GENERATIONS:
        if model in files:
            own = [files[model]] if kidney == "evidence" else []
            yield files[model] if kidney == "mechanistic" else digest([files[f"{model}_kidney"], *own, *weights])


def as_written_then(answer: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Today's answer, with hash and title of every model file as ``then`` had them where that file gives the same numbers."""
    now, before = answer["provenance"]["models"], then["provenance"]["models"]
    if [m["name"] for m in now] != [m["name"] for m in before]:
        return dict(answer)
    models = [
        {**m, "hash": b["hash"], "title": b["title"]} if same_file(m["name"], b["hash"]) else m
        for m, b in zip(now, before, strict=True)
    ]
    return {**answer, "provenance": {**answer["provenance"], "models": models}}
