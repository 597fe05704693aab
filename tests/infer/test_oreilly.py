"""O'Reilly's 32 volunteers, one dose of warfarin each: fitted one by one, their means are near the published population fit."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.infer.map import fit_many
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

pytestmark = pytest.mark.slow
PUBLISHED = {"CL": 0.131, "V": 8.06, "E0": 95.9, "C50": 1.17, "TEQ": 13.3}
"""Holford's fit of these data, by its control stream: L/h and L per 70 kg, %, mg/L, h."""
FIRST = {"CL": 0.2, "V": 12.0, "E0": 110.0, "C50": 2.0, "TEQ": 22.0}
"""What the model begins with."""


def _read(path: Path) -> list[Timeline]:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(path.read_text().splitlines()):
        rows.setdefault(row["id"], []).append(row)
    out = []
    for id_, mine in rows.items():
        doses = tuple(DoseEvent(float(r["time"]), float(r["amt"])) for r in mine if r["evid"] == "1")
        seen = tuple(
            Observation(float(r["time"]), measures={"cp": "warfarin", "pca": "PCA"}[r["dvid"]], value=float(r["dv"]))
            for r in mine if r["evid"] == "0" and (float(r["dv"]) > 0 or r["dvid"] == "pca")
        )  # fmt: skip
        who = Timeline(Patient(id=id_), doses=doses, observations=seen, covariates=(Covariate(0.0, "WT", float(mine[0]["wt"])),))
        out.append(who)
    return out


def test_means_of_single_fits_are_near_the_published_population(shared: Path):
    model = models.load(str(Path(__file__).with_name("oreilly_model.py")))
    people = _read(shared / "data" / "warfarin_oreilly.csv")
    assert len(people) == 32
    found = fit_many(model, people)
    etas = np.array([f.eta for f in found])
    mean = dict(zip(model.etas, np.exp(np.median(etas, axis=0)), strict=True))
    for name, published in PUBLISHED.items():
        assert FIRST[name] * mean[name] == pytest.approx(published, rel=0.15), name
