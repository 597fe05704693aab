"""The network: an LSTM (or GRU) over a baby's events whose head gives non-crossing quantiles around a mechanistic forecast."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from dosetwin.forecast.kidney.answer import QUANTILES
from dosetwin.forecast.kidney.learned_inputs import ANCHORS, EVENT, FILTER, WIDE

PARAMETERS_AT_MOST = 30_000
OUTPUTS = len(ANCHORS) * len(QUANTILES)


@dataclass(frozen=True)
class Architecture:
    """``cell`` lstm or gru; ``hidden`` units; ``head`` units between them (and the inputs) and the quantiles; ``base`` of the
    residual: ``filter`` (the filter's forecast) or ``curve`` (the typical curve; then the network sees nothing of the filter)."""

    cell: str = "lstm"
    hidden: int = 32
    head: int = 24
    base: str = "filter"

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)

    @property
    def columns(self) -> list[int]:
        """Columns of the event rows that the network reads."""
        return [k for k, name in enumerate(EVENT) if self.base == "filter" or name not in (*FILTER, *WIDE)]


def _softplus_inverse(y: float) -> float:
    return math.log(math.expm1(y))


class Network(nn.Module):
    """Rows [T, B, n_columns], scaled, to normal scores [T, B, 4, 5] around the base, in units of its spread; ascending.

    Before training the scores are those of a normal distribution: the network starts as its base.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        a, n = architecture, len(architecture.columns)
        self.architecture = a
        self.cell = (nn.LSTM if a.cell == "lstm" else nn.GRU)(n, a.hidden)
        self.inner = nn.Linear(a.hidden + n, a.head)
        self.outer = nn.Linear(a.head, OUTPUTS)
        start = [0.0, _softplus_inverse(0.6745), _softplus_inverse(0.9704), _softplus_inverse(0.6745), _softplus_inverse(0.9704)]
        with torch.no_grad():
            self.outer.weight.mul_(0.1)
            self.outer.bias.copy_(torch.tensor(start * len(ANCHORS)))
        # log of the proportional error and of the additive error (mg/dL) of a measurement
        self.noise = nn.Parameter(torch.log(torch.tensor([0.08, 0.03])))

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        """See the class."""
        h, _ = self.cell(x)
        raw = self.outer(torch.tanh(self.inner(torch.cat([h, x], dim=-1))))
        return scores(raw.reshape(*raw.shape[:-1], len(ANCHORS), len(QUANTILES)))


def scores(raw: "torch.Tensor") -> "torch.Tensor":
    """Ascending scores [..., 5] from a middle and four positive gaps (inner and outer, below and above)."""
    gap = nn.functional.softplus(raw[..., 1:])
    middle = raw[..., 0]
    low, high = middle - gap[..., 0], middle + gap[..., 2]
    return torch.stack([low - gap[..., 1], low, middle, high, high + gap[..., 3]], dim=-1)


def size(network: Network) -> int:
    """Number of trained numbers."""
    return sum(p.numel() for p in network.parameters())
