"""Lesions of real trials: forecasts from early readings by the listed model, through the product's own belief."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.calibrate.lesions import LIMIT, Lesion, Population, forecast
from dosetwin.infer import map_estimate
from dosetwin.records import Observation, Patient, Timeline

MODEL = models.load("lesion_laleh_2022")


def population() -> Population:
    """The listed model's numbers as the fit has them."""
    B, C, K = MODEL.theta()
    size = MODEL.outputs["size"].residual
    return Population(np.array([np.log(B), C, np.log(K)]), MODEL.omega_for(1), size.a, size.b)


def lesions(shared: Path, study: str) -> list[Lesion]:
    found = defaultdict(list)
    with gzip.open(shared / "data" / "tumour" / "lesions_4_studies.csv.gz", "rt") as text:
        for row in csv.DictReader(text):
            if row["Study_id"] == study:
                found[row["Pt_hashID"]].append((float(row["T_days"]), float(row["Lesion_diam"])))
    out = []
    for rows in found.values():
        days, size = np.array(sorted(rows)).T
        out.append(Lesion(days - days[0], size))
    return out


@pytest.mark.slow
def test_real_lesions_lie_in_the_band_and_are_foretold_better_than_by_the_prior(shared: Path) -> None:
    """Study 2, three readings told (it is in the fit: what is tested is the belief; docs/tumours.md has trials left out)."""
    p = population()
    inside, ours, prior = [], [], []
    for name, x in enumerate(lesions(shared, "2")[:90]):
        if len(x.days) < 4:
            continue
        low, middle, high = forecast(Lesion(x.days[:3], x.size[:3]), x.days[3:], p, draws=300, name=name)
        later = x.size[3:]
        inside += list(((low <= later) | ((later < LIMIT) & (low < LIMIT))) & (later <= high))
        ours += list(np.abs(middle - later))
        prior += list(np.abs(x.size[0] - later))
    assert 0.85 <= np.mean(inside) <= 0.95
    assert np.mean(ours) < 0.8 * np.mean(prior)


def test_the_product_s_belief_is_the_fit_s() -> None:
    """Mode of the engine's likelihood against the closed form's, one reading below the limit."""
    days, size = np.array([0.0, 60.0, 120.0, 180.0]), np.array([30.0, 18.0, 9.0, 0.0])
    levels = tuple(
        Observation(24.0 * t, "LESION", max(float(y), LIMIT), "mm", loq=LIMIT, blq=bool(y < LIMIT))
        for t, y in zip(days, size, strict=True)
    )
    found = map_estimate(MODEL, Timeline(Patient("a lesion"), (), levels))
    p = population()
    phi = p.mean + found.eta

    from dosetwin.calibrate.lesions import likelihood

    def cost(x: np.ndarray) -> float:
        z = x - p.mean
        return 0.5 * z @ np.linalg.inv(p.cov) @ z - likelihood(x[None], Lesion(days, size), p)[0]

    from scipy.optimize import minimize

    own = minimize(cost, p.mean, method="BFGS")
    assert phi == pytest.approx(own.x, abs=0.02)
