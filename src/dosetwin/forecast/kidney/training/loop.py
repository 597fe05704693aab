"""Training one member: pinball loss over every event, a checkpoint after each epoch, the same bits after a kill."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES, QUANTILES
from dosetwin.forecast.kidney.learned import base_and_spread
from dosetwin.forecast.kidney.training.network import Architecture, Network
from dosetwin.forecast.kidney.training.targets import Lessons

CLIP = 6.0
"""Scaled inputs are cut at this many SDs: an odd chart must not throw the network."""


@dataclass(frozen=True)
class Settings:
    """How a member is trained. ``stale`` weight of a daily event beside one with a creatinine; ``masked`` share of babies whose
    past creatinines are hidden; ``in_mg`` weight of the loss in mg/dL beside that in logs; ``anchors`` weights of 0, 24, 48, 72
    h."""

    architecture: Architecture = field(default_factory=Architecture)
    epochs: int = 6
    batch: int = 128
    rate: float = 3e-3
    decay: float = 1e-4
    masked: float = 0.15
    stale: float = 0.3
    in_mg: float = 1.0
    anchors: tuple[float, ...] = (0.3, 1.0, 0.8, 0.7)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)


ANEW = Settings(epochs=30, masked=0.15)
"""A hospital's own babies from nothing: they are few, so they are seen more often."""
ONWARD = Settings(epochs=8, rate=1e-3)
"""The same, starting from weights that know much already."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and SD of each input column [n_columns]."""

    mean: np.ndarray
    sd: np.ndarray


def scaling(data: Lessons, architecture: Architecture) -> Scaling:
    """From the training events; a column that never moves has SD 1."""
    x = data.events.x[:, architecture.columns]
    sd = x.std(axis=0)
    return Scaling(x.mean(axis=0).astype(np.float32), np.where(sd > 1e-6, sd, 1.0).astype(np.float32))


class Batches:
    """Padded batches of babies of like length: rows [T, B, ...] with weight 0 beyond a baby's last event."""

    def __init__(self, data: Lessons, scale: Scaling, settings: Settings):
        e, a = data.events, settings.architecture
        self.length = np.diff(e.ptr)
        self.begin = e.ptr[:-1]
        x = np.clip((e.x[:, a.columns] - scale.mean) / scale.sd, -CLIP, CLIP)
        base, spread = base_and_spread(e, a.base)
        weight = np.where(e.measured, 1.0, settings.stale)
        columns = [x, base, spread, data.latent, data.measured, data.line, weight[:, None]]
        self.widths = [c.shape[1] for c in columns]
        self.rows = torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))

    def plan(self, size: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Babies of each batch, in random order: shuffled, sorted by length within large groups, then cut."""
        order = rng.permutation(len(self.length))
        order = order[self.length[order] > 0]
        group = size * 24
        out = []
        for k in range(0, len(order), group):
            some = order[k : k + group]
            some = some[np.argsort(self.length[some], kind="stable")]
            out += [some[j : j + size] for j in range(0, len(some), size)]
        return [out[k] for k in rng.permutation(len(out))]

    def get(self, who: np.ndarray) -> "tuple[torch.Tensor, ...]":
        """x, base, spread, latent, measured, line, weight of babies ``who``: [T, B, width]."""
        T = int(self.length[who].max())
        step = np.arange(T)[:, None]
        inside = step < self.length[who][None, :]
        index = np.minimum(self.begin[who][None, :] + step, len(self.rows) - 1)
        rows = self.rows[torch.from_numpy(index)]
        *parts, weight = torch.split(rows, self.widths, dim=-1)
        return (*parts, weight[..., 0] * torch.from_numpy(inside.astype(np.float32)))


_TAU = torch.tensor(QUANTILES)
_NORMAL = torch.from_numpy(NORMAL_QUANTILES.astype(np.float32))


def _pinball(quantiles: "torch.Tensor", y: "torch.Tensor") -> "torch.Tensor":
    """Mean over quantiles [..., 5] against y [...]."""
    miss, tau = y[..., None] - quantiles, _TAU.to(quantiles.device)
    return torch.maximum(tau * miss, (tau - 1.0) * miss).mean(dim=-1)


def _both(quantiles: "torch.Tensor", y: "torch.Tensor", in_mg: float) -> "torch.Tensor":
    loss = _pinball(quantiles, y)
    return loss + in_mg * _pinball(torch.exp(quantiles), torch.exp(y)) if in_mg else loss


def measured_quantiles(latent: "torch.Tensor", line: "torch.Tensor", noise: "torch.Tensor") -> "torch.Tensor":
    """Quantiles of a measured value from those of the latent one [..., 4, 5]: errors are added in quadrature to each distance.

    ``line`` [..., 2] of the assay, ``noise`` [2] logs of its proportional and additive (mg/dL, on its own scale) error.
    """
    middle = latent[..., 2:3]
    slope, intercept = line[..., None, 0:1], line[..., None, 1:2]
    scr = torch.exp(middle)
    own = torch.clamp((scr - intercept) / slope, min=0.05)
    sd = slope * torch.sqrt((torch.exp(noise[0]) * own) ** 2 + torch.exp(noise[1]) ** 2) / scr
    away = torch.sqrt((latent - middle) ** 2 + (_NORMAL * sd) ** 2 + 1e-12)
    return middle + torch.sign(_NORMAL) * away


def loss_of(network: Network, part: "tuple[torch.Tensor, ...]", settings: Settings) -> "torch.Tensor":
    """Weighted mean loss of a batch: of the latent value where it is known; where it is not, of the measured one.

    The measured values of babies whose latent ones are known teach the noise alone.
    """
    x, base, spread, latent, measured, line, weight = part
    quantiles = base[..., None] + spread[..., None] * network(x)
    anchors = torch.tensor(settings.anchors)
    known = ~torch.isnan(latent)
    w = weight[..., None] * anchors
    total = w * torch.where(known, _both(quantiles, torch.nan_to_num(latent), settings.in_mg), 0.0)
    seen = ~torch.isnan(measured)
    if not bool(seen.any()):
        return total.sum() / torch.clamp((w * known).sum(), min=1e-6)
    through = torch.where(known[..., None], quantiles.detach(), quantiles)
    noisy = measured_quantiles(through, line, network.noise)
    total = total + w * torch.where(seen, _both(noisy, torch.nan_to_num(measured), settings.in_mg), 0.0)
    return total.sum() / torch.clamp((w * (known | seen)).sum(), min=1e-6)


def train_member(
    data: Lessons,
    scale: Scaling,
    settings: Settings,
    seed: int,
    *,
    start: dict[str, Any] | None = None,
    checkpoint: Path | None = None,
    tell: Callable[[int], None] | None = None,
) -> Network:
    """One network, trained from ``seed`` (or from the weights ``start``) for ``settings.epochs``.

    ``checkpoint``: file that keeps the state after each epoch; one that is there is taken up. ``tell`` is given the epochs done.
    """
    torch.manual_seed(seed)
    network = Network(settings.architecture)
    if start is not None:
        network.load_state_dict(start)
    batches = Batches(data, scale, settings)
    steps = settings.epochs * max(len(batches.plan(settings.batch, np.random.default_rng(0))), 1)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)
    warm = max(steps // 20, 1) if start is None else 1

    def rate(k: int) -> float:
        return min((k + 1) / warm, 0.5 * (1.0 + math.cos(math.pi * min(k / steps, 1.0))) + 1e-3)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    done = 0
    if checkpoint is not None and checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        done = int(kept["done"])
    for epoch in range(done, settings.epochs):
        # the order of an epoch depends on the seed and its number alone, so that a resumed run goes on as it would have
        for who in batches.plan(settings.batch, np.random.default_rng([seed, epoch])):
            optimiser.zero_grad()
            loss = loss_of(network, batches.get(who), settings)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        if checkpoint is not None:
            part = checkpoint.with_suffix(".part")
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**state, "schedule": schedule.state_dict(), "done": epoch + 1}, part)
            part.replace(checkpoint)
        if tell is not None:
            tell(epoch + 1)
    return network
