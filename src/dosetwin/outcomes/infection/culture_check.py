"""Are predicted culture results calibrated? A cohort whose truth differs from the belief, predicted culture by culture.

Every baby has a positive culture at 0 h with its time to positivity; the belief (draws of the pack ``BELIEF``, typical levels)
is updated by it, and predicts cultures 6, 24, 48 and 72 h into treatment. The truth is another pack, other kinetics for every
baby, and bacteria played out by chance. Accuracy would be worthless here: most cultures are negative after the first day.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from dosetwin.outcomes.infection.course import run
from dosetwin.outcomes.infection.culture import (
    AFTER_ANTIBIOTICS,
    CONTAMINATED,
    TTP_SD,
    Calibration,
    Culture,
    blood_link,
    calibration,
    detected_share,
    p_positive,
    ttp,
    weights,
)
from dosetwin.outcomes.infection.draws import Infections, draw_infections
from dosetwin.outcomes.infection.mic import setting
from dosetwin.outcomes.infection.packs import PACKS, Pack
from dosetwin.outcomes.infection.stochastic import play
from dosetwin.streams import row_uniforms

HOURS = (6.0, 24.0, 48.0, 72.0)
DT = 0.25
BELIEF = PACKS["peak_driven"]
TRUTH = BELIEF.having(load_log10=8.5, load_sd=1.0, net_growth=0.45, penetration=0.25)
"""More bacteria, faster, less reached by the drug than believed; the numbers are scenarios."""
WAYS = ("prior", "culture at 0 h", "expected count above 1/mL: yes, else no")
"""Three ways to predict: without any culture; with the first; and a hard rule on the expected count, as others use."""


def levels(
    n: int, dose: float = 15.0, tau: float = 36.0, hours: float = HOURS[-1], spread: np.ndarray | None = None
) -> np.ndarray:
    """mg/L [n, T]: one compartment, 0.5 L/kg, 0.05 L/kg/h, half-hour infusions; ``spread`` [n, 2] normal (CV 30, 15 %)."""
    z = np.zeros((n, 2)) if spread is None else spread
    k = (0.05 / 0.5 * np.exp(0.3 * z[:, 0] - 0.15 * z[:, 1]))[:, None]
    V = (0.5 * np.exp(0.15 * z[:, 1]))[:, None]
    t = np.arange(round(hours / DT) + 1) * DT
    out = np.zeros((n, len(t)))
    for start in np.arange(0.0, hours, tau):
        s = np.clip(t - start, 0.0, None)[None, :]
        during, after = np.minimum(s, 0.5), np.maximum(s - 0.5, 0.0)
        out += dose / 0.5 / V / k * (1.0 - np.exp(-k * during)) * np.exp(-k * after)
    return out


def _belief(draws: int, seed: int, where: str) -> tuple[Infections, np.ndarray, np.ndarray]:
    names = setting(where).draw(row_uniforms(seed, "check/belief organism", draws, 1)[:, 0])
    drawn = draw_infections(BELIEF, draws, seed=seed, organism=names, stream="check/belief")
    return drawn, levels(draws), blood_link(drawn, row_uniforms(seed, "check/belief link", draws, 1)[:, 0])


def check(
    n: int = 400, draws: int = 2000, *, seed: int = 1, truth: Pack = TRUTH, where: str = "gram_negative",
    hours: Sequence[float] = HOURS, threads: int | None = 1,
) -> tuple[Mapping[str, Calibration], Mapping[float, float]]:  # fmt: skip
    """Calibration of each way to predict over all cultures of ``n`` babies, and the share positive at each of ``hours``.

    Only babies whose first culture was positive count: the first ``n`` of 3 ``n`` drawn.
    """
    pool = 3 * n
    names = setting(where).draw(row_uniforms(seed, "check/organism", pool, 1)[:, 0])
    babies = draw_infections(truth, pool, seed=seed, organism=names, stream="check/truth")
    u = row_uniforms(seed, "check/results", pool, 5 + 2 * len(hours))
    link = blood_link(babies, row_uniforms(seed, "check/link", pool, 1)[:, 0])
    in_bottle = babies.N0.sum(axis=1) * link * detected_share(names)
    kept = np.flatnonzero(u[:, 0] < 1.0 - np.exp(-in_bottle))[:n]
    babies, link, u = babies.take(kept), link[kept], u[kept]
    conc = levels(len(kept), spread=ndtri(u[:, 1:3]))
    # time to positivity of at least one bacterium in the bottle
    mean = in_bottle[kept]
    bottle = np.maximum(np.round(mean + np.sqrt(mean) * ndtri(u[:, 3])), 1.0)
    observed_ttp = ttp(bottle, babies.organisms) * np.exp(TTP_SD * ndtri(u[:, 4]))
    at = np.array([round(h / DT) for h in hours])
    cells = play(conc, DT, babies, seed=seed, at=at).sum(axis=(2, 3))

    drawn, typical, own_link = _belief(draws, seed, where)
    predicted = np.stack([p_positive(drawn, typical, DT, h, own_link, threads=threads) for h in hours], axis=1)
    believed_density = []
    for k in at:
        count = run(typical[:, : k + 1], DT, drawn, threads=threads).log10_load
        believed_density.append(10.0 ** np.minimum(count, 30.0) * own_link)
    above = np.stack(believed_density, axis=1)
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    positive = np.zeros((len(kept), len(hours)), dtype=bool)
    for b in range(len(kept)):
        culture = Culture(0.0, True, 12.0, ttp=float(observed_ttp[b]), organism=babies.organisms[b])
        w = weights(drawn, typical, DT, (culture,), culture.reported, own_link, threads=threads)
        for i in range(len(hours)):
            theta = link[b] * detected_share(babies.organisms[b : b + 1])[0] * AFTER_ANTIBIOTICS
            p = 1.0 - (1.0 - CONTAMINATED) * np.exp(-theta * cells[b, i])
            y = positive[b, i] = u[b, 5 + i] < p
            guesses = (predicted[:, i].mean(), w @ predicted[:, i], float(w @ (above[:, i] > 1.0) > 0.5))
            for way, guess in zip(WAYS, guesses, strict=True):
                found[way].append((float(np.clip(guess, 0.0, 1.0)), float(y)))
    answers = {way: calibration(np.array([p for p, _ in rows]), np.array([y for _, y in rows])) for way, rows in found.items()}
    return answers, {h: float(positive[:, i].mean()) for i, h in enumerate(hours)}
