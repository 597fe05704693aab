"""From babies to a folder of weights: fit the filters, train every member, calibrate on babies held out, write graph and card."""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin import __version__
from dosetwin.errors import InputError
from dosetwin.forecast.kidney.answer import QUANTILES
from dosetwin.forecast.kidney.filter import VAN_DONGE, FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.learned import (
    CARD,
    FORMAT,
    WEIGHTS,
    LearnedKidney,
    averaged,
    base_and_spread,
    card_hash,
    load,
    sha256_of,
)
from dosetwin.forecast.kidney.learned_inputs import ANCHORS, EVENT
from dosetwin.forecast.kidney.training.calibrate import LEVELS, MOST, PREMIUM, STRAYED, calibration, insured, second_share
from dosetwin.forecast.kidney.training.loop import Batches, Scaling, Settings, scaling, train_member
from dosetwin.forecast.kidney.training.network import PARAMETERS_AT_MOST, Architecture, Network, size
from dosetwin.forecast.kidney.training.targets import Lessons, TrainingBaby, lessons, teachable

Filters = tuple[FilterParameters, FilterParameters]
Progress = Callable[[str, int, int], None]
FILTER_BABIES = 1500
"""Babies the filter is fitted on: more move its numbers by less than their error."""
UNFINISHED = "unfinished"
RARE = 5e-4
"""Share of the highest training creatinines that is not counted as known: there are too few of them to learn from."""


def _quiet(what: str, done: int, of: int) -> None:
    del what, done, of


def train(
    babies: Sequence[TrainingBaby],
    held_out: Sequence[TrainingBaby],
    out: Path,
    *,
    seed: int,
    members: int = 5,
    settings: Settings = Settings(),  # noqa: B008
    strayed: Sequence[TrainingBaby] = (),
    plain: Sequence[TrainingBaby] | None = None,
    wide: Sequence[TrainingBaby] | None = None,
    start: Path | None = None,
    data: Mapping[str, Any] | None = None,
    date: str = "",
    progress: Progress = _quiet,
    resume: bool = True,
) -> LearnedKidney:
    """Train on ``babies``, calibrate on ``held_out`` (other babies), write the folder ``out``, and load it.

    A filter on another structure then gets the share that ``calibrate.second_share`` says, and intervals reach higher
    where ``strayed`` babies, held out too, need it, as far as ``calibrate.MOST`` allows.

    ``start``: a folder of weights to go on from, with its filters, scaling and architecture; else two filters are fitted anew,
    on ``plain`` and on ``wide`` babies (default: all of ``babies`` for both; at most FILTER_BABIES each). ``data`` and ``date``
    go onto the card. ``progress`` is told what is being done and how far. A run that was killed goes on where it stopped when
    it is started again with the same arguments (checkpoints in ``out/unfinished``); one thread, so that the same seed gives the
    same weights on one machine and PyTorch version. Raises InputError without a usable baby on either side, or for a network of
    too many parameters.
    """
    import torch  # pyright: ignore[reportMissingImports]

    taught, tested = _usable(babies, "training"), _usable(held_out, "calibration")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        begun = _start(start)
        if begun is not None:
            filters, scale, settings, states = begun[0], begun[1], replace(settings, architecture=begun[2]), begun[3]
            members = len(states)
        else:
            progress("fitting the filters", 0, 1)
            fitted = [KalmanFilter.fit([b.record for b in (some or taught)[:FILTER_BABIES]]) for some in (plain, wide)]
            filters, scale, states = (fitted[0].parameters, fitted[1].parameters), None, [None] * members
        second = begun[4] if begun is not None else None
        if second is None:
            astray = [b.record for b in (wide or taught)[:FILTER_BABIES]]
            second = KalmanFilter.fit(astray, structure=VAN_DONGE).parameters
        _not_too_large(settings)
        progress("reading the records", 0, 1)
        rng = np.random.default_rng([seed, 1])
        lesson = lessons(taught, *filters, rng, masked=settings.masked)
        exams = _exams(tested, strayed, filters, second, seed)
        scale = scale or scaling(lesson, settings.architecture)
        kept = _checkpoints(out, seed, settings, lesson, start) if resume else None
        networks = []
        for m in range(members):
            text = f"training network {m + 1} of {members}"
            networks.append(
                train_member(
                    lesson, scale, settings, 1000 * seed + m, start=states[m], checkpoint=kept and kept / f"member{m}.pt",
                    tell=lambda done, text=text: progress(text, done, settings.epochs),
                )
            )  # fmt: skip
        progress("calibrating", 0, 1)
        return _write(out, networks, scale, filters, second, settings, lesson, exams, seed, data, date, start, kept)
    finally:
        torch.set_num_threads(threads)


def _exams(
    held_out: Sequence[TrainingBaby],
    strayed: Sequence[TrainingBaby],
    filters: Filters,
    second: FilterParameters | None,
    seed: int,
) -> dict[str, Lessons]:
    """Lessons of the babies held out, whom no network meets."""
    exams = {"held out": lessons(held_out, *filters, np.random.default_rng([seed, 2]), other=second)}
    if strayed:
        exams["strayed"] = lessons(_usable(strayed, "strayed"), *filters, np.random.default_rng([seed, 4]), other=second)
    return exams


def _usable(babies: Sequence[TrainingBaby], what: str) -> list[TrainingBaby]:
    found = [b for b in babies if teachable(b.record)]
    if not found:
        raise InputError(
            "no usable record", where=f"{what} babies", value=len(babies), allowed="at least one baby without errors"
        )
    return found


def _not_too_large(settings: Settings) -> None:
    n = size(Network(settings.architecture))
    if n > PARAMETERS_AT_MOST:
        raise InputError("network too large", where="architecture", value=n, allowed=f"<= {PARAMETERS_AT_MOST} parameters")


def _start(folder: Path | None) -> tuple[Filters, Scaling, Architecture, list[Any], FilterParameters | None] | None:
    """Filters, scaling, architecture and weights of the members to go on from, and the second structure's filter."""
    if folder is None:
        return None
    from dosetwin.forecast.kidney.training.export import from_onnx

    old = load(folder)
    architecture = Architecture(**old.card["architecture"])
    states, scale = from_onnx(old.weights, architecture, tuple(old.card["noise"]))
    second = None if old.second is None else old.second[0].parameters
    return (old.filters[0].parameters, old.filters[1].parameters), scale, architecture, states, second


def _checkpoints(out: Path, seed: int, settings: Settings, lesson: Lessons, start: Path | None) -> Path:
    """The folder for checkpoints of exactly this run; those of another run are thrown away."""
    digest = hashlib.sha256(json.dumps([seed, settings.to_json(), str(start)], sort_keys=True).encode())
    digest.update(lesson.events.x.tobytes())
    digest.update(lesson.latent.tobytes())
    digest.update(lesson.measured.tobytes())
    folder = out / UNFINISHED
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "run"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != digest.hexdigest():
        for old in folder.glob("member*"):
            old.unlink()
        mark.write_text(digest.hexdigest(), encoding="utf-8")
    return folder


def predicted(networks: Sequence[Network], scale: Scaling, settings: Settings, data: Lessons) -> np.ndarray:
    """Uncalibrated quantiles of the latent log creatinine [m, 4, 5] at every event, by PyTorch."""
    import torch  # pyright: ignore[reportMissingImports]

    batches = Batches(data, scale, settings)
    out = np.zeros((len(data.baby), len(ANCHORS), len(QUANTILES)))
    order = np.argsort(batches.length, kind="stable")
    with torch.no_grad():
        for k in range(0, len(order), 256):
            who = order[k : k + 256]
            x = batches.get(who)[0]
            q = torch.stack([n(x) for n in networks]).mean(dim=0).numpy()
            for j, w in enumerate(who):
                out[batches.begin[w] : batches.begin[w] + batches.length[w]] = q[: batches.length[w], j]
    base, spread = base_and_spread(data.events, settings.architecture.base)
    return base[..., None] + spread[..., None] * out


def _calibrated(
    quantiles: Mapping[str, np.ndarray], exams: Mapping[str, Lessons], noise: tuple[float, float], stale: float
) -> dict[str, list]:
    def to(who: str, levels: tuple[float, ...]) -> dict[str, list]:
        return calibration(quantiles[who], exams[who], noise, stale, levels)

    own = to("held out", LEVELS)
    return own if "strayed" not in exams else insured(own, to("strayed", STRAYED), to("held out", MOST))


def _finished(
    quantiles: dict[str, np.ndarray], exams: Mapping[str, Lessons], noise: tuple[float, float], stale: float,
    second: FilterParameters | None,
) -> dict[str, Any]:  # fmt: skip
    """What follows from the babies held out, for the card: the second structure's share, calibration, errors."""
    share = 0.0 if second is None else second_share(quantiles["held out"], exams["held out"])
    for name, exam in exams.items():
        if exam.events.other is not None and exam.events.other_spread is not None:
            quantiles[name] = averaged(quantiles[name], exam.events.other, exam.events.other_spread, share)
    told = second and {"structure": VAN_DONGE, "share": share, "premium": PREMIUM, "parameters": second.to_json()}
    return {
        "second": told,
        "calibration": _calibrated(quantiles, exams, noise, stale),
        "metrics_on_calibration_babies": {k: _scores(quantiles[k], exam) for k, exam in exams.items()},
    }


def recalibrate(
    folder: Path, held_out: Sequence[TrainingBaby], *, strayed: Sequence[TrainingBaby] = (), seed: int = 1
) -> LearnedKidney:
    """The networks in ``folder`` calibrated anew, on babies they were not trained on; the card is written again.

    With ``train``'s own held-out babies and seed it gives what ``train`` gave.
    """
    kidney = load(folder)
    second = None if kidney.second is None else kidney.second[0].parameters
    filters = (kidney.filters[0].parameters, kidney.filters[1].parameters)
    exams = _exams(_usable(held_out, "calibration"), strayed, filters, second, seed)
    quantiles = {}
    for name, exam in exams.items():
        base, spread = base_and_spread(exam.events, kidney.card["architecture"]["base"])
        quantiles[name] = base[..., None] + spread[..., None] * kidney.scores(exam.events)
    card = dict(kidney.card)
    card |= _finished(quantiles, exams, (card["noise"][0], card["noise"][1]), card["settings"]["stale"], second)
    _write_card(folder, card)
    return load(folder)


def _write_card(out: Path, card: dict[str, Any]) -> None:
    card["sha256_of_card"] = card_hash(json.loads(json.dumps(card)))
    part = out / f"{CARD}.part"
    part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8", newline="\n")
    part.replace(out / CARD)


def _scores(q: np.ndarray, data: Lessons) -> dict[str, Any]:
    """RMSE mg/dL of the median at +24, +48, +72 h after a creatinine and after a day without one, beside the filter's."""
    out: dict[str, Any] = {}
    for kind, target in (("latent", data.latent), ("measured", data.measured)):
        y = np.exp(target)
        for origin, rows in (("after a creatinine", data.events.measured), ("daily", ~data.events.measured)):
            for who, median in (("learned", q[..., 2]), ("filter", data.events.plain)):
                error = (np.exp(median) - y)[rows][:, 1:]
                known = ~np.isnan(error)
                rmse = [float(np.sqrt(np.mean(e[k] ** 2))) if k.any() else None for e, k in zip(error.T, known.T, strict=True)]
                out[f"RMSE {who}, {kind}, {origin}"] = [None if r is None else round(r, 4) for r in rmse]
    return out


def _write(
    out: Path, networks: list[Network], scale: Scaling, filters: Filters, second: FilterParameters, settings: Settings,
    lesson: Lessons, exams: Mapping[str, Lessons], seed: int, data: Mapping[str, Any] | None, date: str, start: Path | None,
    kept: Path | None,
) -> LearnedKidney:  # fmt: skip
    import torch  # pyright: ignore[reportMissingImports]

    from dosetwin.forecast.kidney.training.export import to_onnx

    proportional, additive = np.exp(np.mean([n.noise.detach().numpy() for n in networks], axis=0)).tolist()
    noise = (proportional, additive)
    quantiles = {name: predicted(networks, scale, settings, exam) for name, exam in exams.items()}
    finished = _finished(quantiles, exams, noise, settings.stale, second)
    weights = to_onnx(networks, scale)
    e = lesson.events
    births = e.x[e.ptr[:-1][np.diff(e.ptr) > 0]]
    scr = np.exp(e.x[:, EVENT.index("log_scr")][e.measured])
    column = {name: k for k, name in enumerate(EVENT)}
    before = dict(load(start).card["range"]) if start is not None else {}
    ranges = {
        "GA": [float(births[:, 0].min()), float(births[:, 0].max())],
        "BW": [float(np.exp(births[:, column["log_BW"]].min())), float(np.exp(births[:, column["log_BW"]].max()))],
        "PNA": [0.0, float(np.ceil(e.time.max() / 24.0))],
        "SCR": [float(scr.min()), float(np.quantile(scr, 1.0 - RARE))] if len(scr) else [0.1, 0.1],
    }  # fmt: skip
    # what was known before is not forgotten by training on
    ranges = {k: [min([v[0], *before.get(k, [])[:1]]), max([v[1], *before.get(k, [])[1:]])] for k, v in ranges.items()}
    out.mkdir(parents=True, exist_ok=True)
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": "dosetwin learned kidney",
        "notice": "Decision support for research and evaluation, not a medical device.",
        "date": date,
        "data": dict(data or {"source": "not told"}),
        "seed": seed,
        "babies": {"training": len(lesson), "calibration": sum(map(len, exams.values()))},
        "creatinines": {
            "training": int(e.measured.sum()),
            "calibration": sum(int(x.events.measured.sum()) for x in exams.values()),
        },
        "started_from": load(start).card["sha256_of_weights"] if start is not None else None,
        "architecture": settings.architecture.to_json(),
        "members": len(networks),
        "parameters_per_member": size(networks[0]),
        "settings": settings.to_json(),
        "inputs": [EVENT[k] for k in settings.architecture.columns],
        "anchors": list(ANCHORS),
        "quantiles": list(QUANTILES),
        "filters": {"plain": filters[0].to_json(), "wide": filters[1].to_json()},
        "noise": noise,
        "range": ranges,
        **finished,
        "made_with": {"dosetwin": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "sha256_of_weights": sha256_of(weights),
    }
    part = out / f"{WEIGHTS}.part"
    part.write_bytes(weights)
    part.replace(out / WEIGHTS)
    _write_card(out, card)
    if kept is not None:
        for file in kept.iterdir():
            file.unlink()
        kept.rmdir()
    return load(out)
