"""The learned kidney at work: an ensemble of networks, run by onnxruntime, that corrects the filter's forecast of creatinine.

All of it stands on one balance, the composite. Because no ward's kidneys are known to follow that one, the forecast is averaged,
quantile by quantile, with a filter on another published structure (van Donge 2021); its share is on the card (``second``).

A folder of weights holds ``kidney.onnx`` (all members in one graph) and ``card.json`` (what it was trained on, the filters it
stands on, its calibration, its hashes); both are checked before use. PyTorch is never imported here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from dosetwin.errors import Finding, InputError, Reason, Refusal
from dosetwin.forecast.kidney.answer import HOURS, NORMAL_QUANTILES, QUANTILES, CreatinineForecast, no_past_finding, refused
from dosetwin.forecast.kidney.filter import FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.learned_inputs import ANCHORS, EVENT, Events, events
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import expected_curve
from dosetwin.quantities.assays import ASSAYS, SCR_FLOOR

SHIPPED = Path(__file__).parent / "weights"
WEIGHTS, CARD = "kidney.onnx", "card.json"
FORMAT = 2
FORMATS = (1, 2)
"""1: the networks alone, without a second structure."""
SPREAD_CURVE, SPREAD_LEAST = 0.35, 0.03
"""SD of log creatinine around the typical curve (scale of that variant), and the least spread a score is counted in."""
GA_BANDS = (29.0, 36.0)
"""Weeks that part the three bands within which intervals are calibrated, as in AWAKEN."""


def sha256_of(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def card_hash(card: Mapping[str, Any]) -> str:
    """SHA-256 of a card but for its own hash."""
    rest = {k: v for k, v in card.items() if k != "sha256_of_card"}
    return sha256_of(json.dumps(rest, sort_keys=True).encode())


def base_and_spread(found: Events, base: str) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread [m, 4] of log creatinine that a network's scores are counted from and in; ``base`` filter or curve."""
    if base == "filter":
        return found.base, np.maximum(found.spread, SPREAD_LEAST)
    return found.curve, np.full_like(found.curve, SPREAD_CURVE)


def with_noise(latent: np.ndarray, line: np.ndarray, noise: tuple[float, float]) -> np.ndarray:
    """Quantiles of a measured value from those of the latent one [..., 5]: errors added in quadrature to each distance.

    ``line`` [..., 2] slope and intercept (mg/dL) of the assay; ``noise`` proportional and additive (mg/dL) error on its scale.
    """
    middle = latent[..., 2:3]
    slope, intercept = line[..., 0:1], line[..., 1:2]
    scr = np.exp(middle)
    own = np.maximum((scr - intercept) / slope, 0.05)
    sd = slope * np.hypot(noise[0] * own, noise[1]) / scr
    return middle + np.sign(NORMAL_QUANTILES) * np.hypot(latent - middle, NORMAL_QUANTILES * sd)


def averaged(quantiles: np.ndarray, mean: np.ndarray, spread: np.ndarray, share: float) -> np.ndarray:
    """Quantiles [..., 5] averaged with those of normals of ``mean`` and ``spread`` [...], which count by ``share``."""
    return (1.0 - share) * quantiles + share * (mean[..., None] + spread[..., None] * NORMAL_QUANTILES)


def widened(quantiles: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Distances from the median times ``factors`` [..., 4] (of quantiles 0.05, 0.25, 0.75, 0.95); stays ascending."""
    middle = quantiles[..., 2]
    away = np.abs(quantiles[..., [0, 1, 3, 4]] - middle[..., None]) * factors
    inner_low, inner_high = np.minimum(away[..., 1], away[..., 0]), np.minimum(away[..., 2], away[..., 3])
    return np.stack([middle - away[..., 0], middle - inner_low, middle, middle + inner_high, middle + away[..., 3]], axis=-1)


@dataclass(frozen=True, eq=False)
class LearnedKidney:
    """A loaded ensemble; make one with ``load``. ``card`` its model card, ``weights`` the bytes of its graph."""

    card: Mapping[str, Any] = field(repr=False)
    weights: bytes = field(repr=False)
    name: str = "learned"

    @cached_property
    def filters(self) -> tuple[KalmanFilter, KalmanFilter]:
        """The plain and the wide filter whose beliefs the networks read, fitted on their own training data."""
        plain, wide = (FilterParameters.from_json(self.card["filters"][k]) for k in ("plain", "wide"))
        return KalmanFilter(plain), KalmanFilter(wide)

    @cached_property
    def second(self) -> tuple[KalmanFilter, float] | None:
        """The filter on the other structure and its share of the forecast; None for weights without."""
        told = self.card.get("second")
        if told is None:
            return None
        return KalmanFilter(FilterParameters.from_json(told["parameters"]), "second", told["structure"]), float(told["share"])

    def alone(self) -> "LearnedKidney":
        """The same networks without the second structure; their intervals are then not calibrated."""
        return replace(self, card=MappingProxyType({k: v for k, v in self.card.items() if k != "second"}), name="networks-alone")

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.weights, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _columns(self) -> list[int]:
        return [EVENT.index(name) for name in self.card["inputs"]]

    @cached_property
    def _factors(self) -> dict[str, np.ndarray]:
        return {kind: np.array(self.card["calibration"][kind]) for kind in ("latent", "measured")}

    def scores(self, found: Events) -> np.ndarray:
        """Scores [m, 4, 5] at every event: quantile = base + spread x score; not yet calibrated."""
        out = np.empty((len(found.time), len(ANCHORS), len(QUANTILES)))
        length = np.diff(found.ptr)
        rows = found.x[:, self._columns].astype(np.float32)
        for T in np.unique(length[length > 0]):
            who = np.flatnonzero(length == T)
            index = found.ptr[who][None, :] + np.arange(T)[:, None]
            out[index] = self._session.run(None, {"events": rows[index]})[0]
        return out

    def forecast(self, record: WardRecord, hours: Sequence[float] = HOURS) -> CreatinineForecast:
        """Quantiles of log creatinine ``hours`` ahead, or a refusal: of a record with errors, or outside what was trained on.

        The network answers now and 24, 48 and 72 h ahead. Between, its correction of the mechanistic forecast is interpolated;
        beyond, the last one is kept while the filter's own spread grows, and a finding says so.
        """
        return self.forecast_many([record], hours)[0]

    def forecast_many(self, records: Sequence[WardRecord], hours: Sequence[float] = HOURS) -> list[CreatinineForecast]:
        """``forecast`` of several records in one go: the same answers, faster."""
        no = [refused(r, self.name, hours) or self._outside(r) for r in records]
        asked = [r for r, n in zip(records, no, strict=True) if n is None]
        answers = iter(self._answers(asked, hours) if asked else [])
        return [n if n is not None else next(answers) for n in no]

    def _outside(self, record: WardRecord) -> CreatinineForecast | None:
        """A refusal when the record lies outside the training range; the reasons name value and limit."""
        reasons = []
        scr = record.scr if len(record.scr) else np.array([np.nan])
        known = {
            "GA": (record.GA, record.GA, "wk"), "BW": (record.BW, record.BW, "kg"),
            "PNA": (record.now / 24.0, record.now / 24.0, "d"), "SCR": (float(scr.min()), float(scr.max()), "mg/dL"),
        }  # fmt: skip
        for name, (least, most, unit) in known.items():
            low, high = self.card["range"][name]
            if least < low - 1e-9 or most > high + 1e-9:
                value, limit = (least, low) if least < low else (most, high)
                text = f"{name} {value:.3g} {unit} is outside what it was trained on ({low:.3g} to {high:.3g} {unit})"
                reasons.append(Reason("outside_training_range", float(value), float(limit), unit, text))
        if not reasons:
            return None
        empty = np.zeros((0, len(QUANTILES)))
        message = "no learned forecast: " + "; ".join(r.text for r in reasons)
        return CreatinineForecast(self.name, np.zeros(0), empty, empty, record.findings, Refusal(message, tuple(reasons)))

    def _answers(self, records: list[WardRecord], hours: Sequence[float]) -> list[CreatinineForecast]:
        plain, wide = self.filters
        second, share = self.second or (None, 0.0)
        found = events(records, plain.parameters, wide.parameters, other=None if second is None else second.parameters)
        last = found.ptr[1:] - 1
        scores, kind = self.scores(found)[last], self.card["architecture"]["base"]
        noise = (self.card["noise"][0], self.card["noise"][1])
        base, spread = (part[last] for part in base_and_spread(found, kind))
        h = np.array([float(x) for x in hours])
        at = np.array(ANCHORS)
        low = np.clip(np.searchsorted(at, h, side="right") - 1, 0, len(at) - 2)
        part = np.clip((h - at[low]) / (at[low + 1] - at[low]), 0.0, 1.0)

        def between(values: np.ndarray) -> np.ndarray:
            """Values [..., 4, k] at ANCHORS, linear at ``h`` [..., n_hours, k]."""
            return values[..., low, :] * (1.0 - part[:, None]) + values[..., low + 1, :] * part[:, None]

        exact = bool(np.all(np.isin(h, at)))
        out = []
        for k, record in enumerate(records):
            other = None
            if exact:
                where = np.searchsorted(at, h)
                centre, width = base[k, where], spread[k, where]
                if found.other is not None and found.other_spread is not None:
                    other = found.other[last[k], where], found.other_spread[last[k], where]
            else:
                centre, width = self._at(record, h, kind)
                if second is not None:
                    other = _level(second, record, h)
            latent = centre[:, None] + width[:, None] * between(scores[k])
            if other is not None:
                latent = averaged(latent, *other, share)
            band = int(np.searchsorted(GA_BANDS, record.GA, side="right"))
            line = np.broadcast_to(np.array(ASSAYS[record.assay]), (len(h), 2))
            noisy = with_noise(latent, line, noise)
            latent = widened(latent, between(self._factors["latent"][band]))
            noisy = widened(noisy, between(self._factors["measured"][band]))
            remarks = record.findings + no_past_finding(record) + _far(record, h)
            # no laboratory reports less than the floor
            floor = np.log(SCR_FLOOR)
            out.append(CreatinineForecast(self.name, h, np.maximum(latent, floor), np.maximum(noisy, floor), remarks))
        return out

    def _at(self, record: WardRecord, h: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
        if kind == "filter":
            mean, spread = _level(self.filters[1], record, h)
            return mean, np.maximum(spread, SPREAD_LEAST)
        return np.log(expected_curve(record, h.tolist())[1]), np.full(len(h), SPREAD_CURVE)


def _level(of: KalmanFilter, record: WardRecord, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of log creatinine at ``h`` by a filter."""
    belief = of.state(record, h.tolist())
    return belief.mean[:, 0], np.sqrt(belief.cov[:, 0, 0])


def _far(record: WardRecord, h: np.ndarray) -> tuple[Finding, ...]:
    if h.max() <= ANCHORS[-1]:
        return ()
    text = f"beyond {ANCHORS[-1]:g} h the last learned correction is kept and the filter's spread grows"
    return (Finding("info", "beyond_learned_horizon", f"patient {record.id}", text, float(h.max()), f"<= {ANCHORS[-1]:g} h"),)


def load(path: Path | None = None) -> LearnedKidney:
    """The ensemble in the folder ``path`` (default: the one shipped with the package).

    Raises InputError, naming the expected and the found hash, when the weights or their card are not what was written together;
    and when a file is missing or of another format.
    """
    return _load(Path(path) if path is not None else SHIPPED)


@lru_cache(maxsize=4)
def _load_once(folder: Path, stamp: tuple[int, ...]) -> LearnedKidney:
    card_text, weights = (folder / CARD).read_text(encoding="utf-8"), (folder / WEIGHTS).read_bytes()
    try:
        card = json.loads(card_text)
    except json.JSONDecodeError as error:
        raise InputError(f"not a model card: {error.msg}", where=str(folder / CARD), remedy="restore it") from None
    if not isinstance(card, dict) or card.get("format") not in FORMATS:
        got = card.get("format") if isinstance(card, dict) else None
        allowed = " or ".join(map(str, FORMATS))
        raise InputError("card of another format", where=str(folder / CARD), value=got, allowed=allowed, remedy="train again")
    for file, expected, found in (
        (WEIGHTS, card.get("sha256_of_weights"), sha256_of(weights)),
        (CARD, card.get("sha256_of_card"), card_hash(card)),
    ):
        if expected != found:
            raise InputError(
                "the learned kidney's files do not belong together or are damaged: SHA-256 differs", where=str(folder / file),
                value=found, allowed=f"{expected}", remedy="restore the folder, or train again",
            )  # fmt: skip
    unknown = [name for name in card["inputs"] if name not in EVENT]
    if unknown or tuple(card["anchors"]) != ANCHORS or tuple(card["quantiles"]) != QUANTILES:
        raise InputError("made for other inputs than this version gives", where=str(folder / CARD), value=unknown or "anchors",
                         remedy="train again with this version")  # fmt: skip
    return LearnedKidney(MappingProxyType(card), weights)


def _load(folder: Path) -> LearnedKidney:
    stamps = []
    for name in (CARD, WEIGHTS):
        file = folder / name
        if not file.is_file():
            raise InputError("no weights of a learned kidney here", where=str(file), remedy="name a folder that 'dosetwin kidney "
                             "train' wrote, or none for the shipped one")  # fmt: skip
        stat = file.stat()
        stamps += [stat.st_mtime_ns, stat.st_size]
    return _load_once(folder.resolve(), tuple(stamps))
