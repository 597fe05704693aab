"""Made-up outlooks that the tests of looking ahead are run on."""

import numpy as np

from dosetwin.decide.look_ahead.outlook import Outlook
from dosetwin.outcomes.infection.draws import draw_infections
from dosetwin.outcomes.infection.packs import pack

WEIGHT = 1.76


def parameters(n: int, seed: int, *, CL: float = 0.06, V: float = 0.83, sd: float = 0.3, days: int = 8) -> np.ndarray:
    """[n, days, 4] of a baby whose clearance grows 5 % a day."""
    z = np.random.default_rng(seed).standard_normal((n, 2))
    out = np.empty((n, days, 4))
    for day in range(days):
        v = V * np.exp(0.15 * z[:, 1])
        out[:, day] = np.stack([CL * (1 + 0.05 * day) * np.exp(sd * z[:, 0]), v, np.full(n, 0.025), v], axis=1)
    return out


class Made:
    """A belief with no past: prior draws, an infection of ``scenario`` (None: none) and its MIC (None: the distribution)."""

    def __init__(self, scenario: str | None = None, mic: float | None = None, **pk: float) -> None:
        self.scenario, self.mic, self.pk = scenario, mic, pk

    def outlook(self, draws: int, stream: int) -> Outlook:
        infections = None
        if self.scenario is not None:
            infections = draw_infections(pack(self.scenario), draws, seed=stream, mic=self.mic, WT=WEIGHT)
        return Outlook(
            0.0, 0.0, 0.0, WEIGHT, parameters(draws, stream, **self.pk), 24.0 * np.arange(8), np.zeros((draws, 2)),
            np.full(draws, 1.0 / draws), np.zeros(draws), 0.0, np.zeros((draws, 1)), infections,
        )  # fmt: skip


class Later(Made):
    """The same 20 h after a first dose of ``given`` mg."""

    def __init__(self, given: float = 27.0, now: float = 20.0, **rest) -> None:
        super().__init__(**rest)
        self.given, self.now = given, now

    def outlook(self, draws: int, stream: int) -> Outlook:
        o = super().outlook(draws, stream)
        return Outlook(
            self.now, 0.0, self.given, o.weight, o.parameters, o.edges, o.amounts, o.weights, o.before, 0.0, o.past, o.infections
        )
