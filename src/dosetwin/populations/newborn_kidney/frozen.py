"""The frozen record of the kidney truths: parameters, test seeds, and the hash of everything that makes a baby.

``verify()`` refuses to go on when the generator is no longer the recorded one, so that a figure can only come from the truths
that were fixed before any training. A deliberate change: ``python -m dosetwin.populations.newborn_kidney.frozen`` writes a new
record, to be committed alone, saying why; every figure published before then is void. A part that has moved to another room since
it was frozen is read under the name it had then (``MOVED``): a move is no change. A function that everybody shares by now is
read as it stood in its part (``lent`` in the record), and must give the numbers of then to the last bit.
"""

import hashlib
import inspect
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin import streams
from dosetwin.errors import InputError
from dosetwin.populations.newborn_kidney import babies as kidney_babies
from dosetwin.populations.newborn_kidney import cohort as kidney_cohort
from dosetwin.populations.newborn_kidney import parameters as kidney_parameters
from dosetwin.populations.newborn_kidney import sampling as kidney_sampling
from dosetwin.populations.newborn_kidney import truth as kidney_truth
from dosetwin.quantities.assays import ASSAYS, UMOL_PER_MG_DL
from dosetwin.structure import growth

RECORD = Path(__file__).with_name("kidney_frozen.json")
GENERATOR = (kidney_parameters, kidney_babies, kidney_truth, kidney_sampling, kidney_cohort)
BORROWED = (growth.birth_weight, streams.subject_stream, streams.subject_uniforms, streams.subject_normals)
MOVED = {
    "dosetwin.populations.newborn.draws": "dosetwin.trial.cohort",
    "dosetwin.streams": "dosetwin.trial.cohort",
    "dosetwin.quantities.assays": "dosetwin.units",
    **{
        f"dosetwin.populations.newborn_kidney.{name}": f"dosetwin.trial.kidney_{name}"
        for name in ("parameters", "babies", "truth", "sampling", "cohort")
    },
}
"""Where each part stands today -> its name when it was frozen."""


LENT = {kidney_babies: ("weight_ratio", "birth_weight, weight_ratio", "birth_weight", "def draw(")}
"""Part -> function it had of its own, its imports now and then, and before what the function stood."""


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _then(text: str) -> str:
    """A source or a name as it was when it was frozen: today's rooms under their names of then, imports in the order of then."""
    for now, then in sorted(MOVED.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"{re.escape(now)}(?![A-Za-z0-9_])", then, text)
    text = re.sub(r"\bsubject_(stream|uniforms|normals)\b", r"\1", text)
    return re.sub(
        r"(?:^from dosetwin\.\S+ import [^(\n]+\n)+", lambda block: "".join(sorted(block[0].splitlines(True))), text, flags=re.M
    )


def _source(part: Any) -> str:
    """The source of a part as it was when it was frozen."""
    text = inspect.getsource(part)
    if part in LENT:
        name, now, then, before = LENT[part]
        text = text.replace(f"import {now}\n", f"import {then}\n").replace(before, f"{recorded()['lent'][name]}\n\n{before}", 1)
    return _then(text)


def _lent_as_then() -> bool:
    """Whether the shared growth curve gives the bits of the one of then: every gestation by half weeks, every age by hours."""
    space: dict[str, Any] = {"np": np}
    exec(recorded()["lent"]["weight_ratio"], space)
    GA, PNA = np.arange(22.0, 44.5, 0.5)[:, None], np.arange(0.0, 60.0, 1 / 24)[None, :]
    return bool(np.array_equal(growth.weight_ratio(GA, PNA), space["weight_ratio"](GA, PNA)))


def current() -> dict[str, Any]:
    """The record as the present code makes it: parameters, seeds, SHA-256 of each part and of all, and a print of its babies."""
    constants = {"ASSAYS": dict(ASSAYS), "UMOL_PER_MG_DL": UMOL_PER_MG_DL, "VERY_PRETERM": growth.VERY_PRETERM}
    # through JSON, so that it compares equal with what is read back
    parameters = json.loads(json.dumps(asdict(kidney_parameters.PARAMETERS)))
    seeds = list(kidney_parameters.TEST_SEEDS)
    sources = {_then(part.__name__): _sha(_source(part)) for part in GENERATOR}
    sources |= {_then(f"{part.__module__}.{part.__name__}"): _sha(_then(inspect.getsource(part))) for part in BORROWED}
    sha256 = {
        "parameters": _sha(json.dumps(parameters, sort_keys=True)),
        "test_seeds": _sha(json.dumps(seeds)),
        "constants": _sha(json.dumps(constants, sort_keys=True)),
        "sources": sources,
    }
    return {
        "lent": recorded()["lent"],
        "parameters": parameters,
        "test_seeds": seeds,
        "sha256": {**sha256, "all": _sha(json.dumps(sha256, sort_keys=True))},
        "babies": babies_print(),
    }


def babies_print() -> dict[str, dict[str, float]]:
    """Sums over 60 babies of each truth and noise (seed for checks): they show a change that comes from a library."""
    found = {}
    for truth in ("A", "B", "C"):
        for noise in kidney_parameters.PARAMETERS.noise:
            c = kidney_cohort.cohort(truth, 60, kidney_parameters.CHECK_SEED, noise=noise)
            m = c.seen.measurements
            found[f"{truth}/{noise}"] = {
                "results": len(m["ID"]),
                "mg_dL": float(m["mg_dL"].sum()),
                "latent": float(c.hidden.latent.sum()),
                "GFR": float(c.hidden.GFR.sum()),
            }
    return found


def recorded() -> dict[str, Any]:
    """The committed record."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def verify() -> str:
    """The hash of the frozen generator. Raises InputError, naming what changed, when the present code is not the recorded one."""
    now, then = current(), recorded()
    if now["sha256"]["all"] != then["sha256"]["all"]:
        parts = [name for name in ("parameters", "test_seeds", "constants") if now["sha256"][name] != then["sha256"][name]]
        old = then["sha256"]["sources"]
        parts += [name for name, value in now["sha256"]["sources"].items() if old.get(name) != value]
        raise InputError(
            f"the kidney truths are not the frozen ones; changed: {', '.join(parts) or 'the list of parts'}",
            where=RECORD.name,
            value=now["sha256"]["all"],
            allowed=then["sha256"]["all"],
            remedy="undo the change, or freeze again in a commit of its own and repeat training and evaluation",
        )
    if not _lent_as_then():
        raise InputError(
            "the growth curve is not the frozen one",
            where=RECORD.name,
            value="structure.growth.weight_ratio",
            allowed="its numbers to the last bit",
            remedy="undo the change, or give the generator a curve of its own",
        )
    for name, sums in then["babies"].items():
        for key, value in sums.items():
            if abs(now["babies"][name][key] - value) > 1e-6 * abs(value):
                raise InputError(
                    "the frozen generator makes other babies than recorded: a library changed its numbers",
                    where=f"{RECORD.name}: {name} {key}",
                    value=now["babies"][name][key],
                    allowed=str(value),
                )
    return now["sha256"]["all"]


if __name__ == "__main__":
    RECORD.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"frozen: {recorded()['sha256']['all']}")
