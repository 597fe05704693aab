"""Our individual estimates against those of other programs, on the inputs of the shared reference folder."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Model, combined
from dosetwin.infer import map_estimate
from dosetwin.infer.fit import fit_one
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

HERE = Path(__file__).parent / "models"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_subject(table: list[dict[str, str]]) -> dict[int, list[dict[str, str]]]:
    out: dict[int, list[dict[str, str]]] = {}
    for row in table:
        out.setdefault(int(float(row["ID"])), []).append(row)
    return out


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, dict]:
    return {c["id"][:2]: c for c in json.loads((shared / "reference/cases/cases.json").read_text(encoding="utf-8"))}


def one_patient(case: dict, covariates: dict[str, float], occasions: tuple[float, ...] = ()) -> Timeline:
    patient = case["patient"]
    doses = patient.get("doses") or [[t, patient["dose_mg"], patient["dur_h"]] for t in patient.get("dose_times", [0.0])]
    return Timeline(
        Patient(case["id"]),
        doses=tuple(DoseEvent(t, amount, duration) for t, amount, duration in doses),
        observations=tuple(Observation(t, "", value) for t, value in patient["obs"]),
        covariates=tuple(Covariate(0.0, name, value) for name, value in covariates.items()),
        occasions=occasions,
    )


def test_bench_map_1000_first_20(shared: Path) -> None:
    """Etas and objective of an independent program on bench model A."""
    model = models.load(str(Path(__file__).parents[1] / "infer/bench_model.py"))
    data = by_subject(rows(shared / "reference/bench/map_1000.csv"))
    for expected in rows(shared / "reference/bench/reference_map_first20.csv"):
        found = map_estimate(model, bench_timeline(data[int(expected["ID"])]))
        assert found.converged
        np.testing.assert_allclose(found.eta, [float(expected["ETA1"]), float(expected["ETA2"])], atol=1e-6)
        assert found.objective == pytest.approx(float(expected["OFV"]), abs=1e-6)


def bench_timeline(records: list[dict[str, str]]) -> Timeline:
    return Timeline(
        Patient(records[0]["ID"]),
        doses=tuple(
            DoseEvent(float(r["time"]), float(r["amt"]), float(r["amt"]) / float(r["rate"])) for r in records if r["evid"] == "1"
        ),
        observations=tuple(Observation(float(r["time"]), "", float(r["DV"])) for r in records if r["evid"] == "0"),
        covariates=tuple(Covariate(float(r["time"]), "COV", float(r["COV"])) for r in records),
    )


def test_case_01_nonmem_and_mapbayr_oral(shared: Path) -> None:
    """NONMEM FOCEI (MAXEVAL=0) etas of 8 patients, from mapbayr's inst/nm001; OURS_OFV is the documented objective."""
    model = models.load(str(HERE / "mapbayr_run001.py"))
    data = by_subject(rows(shared / "reference/cases/01_mapbayr_run001_data.csv"))
    for expected in rows(shared / "reference/cases/01_mapbayr_run001_expected.csv"):
        records = data[int(expected["ID"])]
        timeline = Timeline(
            Patient(expected["ID"]),
            doses=tuple(
                DoseEvent(float(r["time"]), float(r["amt"]), ii=float(r["ii"]), addl=int(r["addl"]))
                for r in records
                if r["evid"] == "1"
            ),
            observations=tuple(Observation(float(r["time"]), "", float(r["DV"])) for r in records if r["evid"] == "0"),
        )
        found = map_estimate(model, timeline)
        np.testing.assert_allclose(found.eta, [float(expected[f"NM_ETA{i}"]) for i in (1, 2, 3)], atol=1e-3)
        assert found.objective == pytest.approx(float(expected["OURS_OFV"]), abs=1e-3)


BURDET = {"CLCR": 50.0, "WT": 62.0, "POVERF": 169.0}


def test_case_02_amikacin_posologyr(cases: dict[str, dict]) -> None:
    """Etas, time to 2.5 mg/L and the next dose of posologyr's a-posteriori vignette (Burdet 2015, SD = 0.2 + 0.1 F)."""
    model = models.load("amikacin_burdet_2015")
    timeline = one_patient(cases["02"], BURDET)
    found = map_estimate(model, timeline)
    # their order is CL, V1, V2, Q, as ours
    np.testing.assert_allclose(found.eta, cases["02"]["expected"]["eta"], atol=1e-3)

    grid = np.arange(1.0, 60.0, 0.1)
    curve = predict(model, schedule_for(model, timeline, grid), found.eta[None]).value[0, :, 0]
    below = grid[np.argmax(curve < 2.5)]
    assert below == pytest.approx(33.9, abs=0.1 + 1e-9)

    at = np.array([35.0])
    without = predict(model, schedule_for(model, timeline, at), found.eta[None]).value[0, 0, 0]
    extra = (DoseEvent(34.0, 1.0, 0.5),)
    per_mg = predict(model, schedule_for(model, timeline, at, extra_doses=extra), found.eta[None]).value[0, 0, 0] - without
    assert (80.0 - without) / per_mg == pytest.approx(2447.917, rel=1e-3)


def test_case_04_vancomycin_monolix(cases: dict[str, dict]) -> None:
    """Monolix individual parameters (Goti 2018), from posologyr's tests."""
    model = models.load(str(HERE / "vancomycin_goti.py"))
    found = fit_one(model, one_patient(cases["04"], {"CLCR": 34.0, "WT": 62.0, "DIAL": 0.0}), prior="normal").parameters
    expected = cases["04"]["expected"]
    assert found["CL"] == pytest.approx(expected["Cl"], rel=0.01)
    assert found["V1"] == pytest.approx(expected["Vc"], rel=0.01)
    assert found["V2"] == pytest.approx(expected["Vp"], rel=0.01)


def with_residual(model: Model, residual) -> Model:
    return replace(model, outputs={name: replace(o, residual=residual) for name, o in model.outputs.items()})


def test_case_07_amikacin_nlmixr(cases: dict[str, dict]) -> None:
    """nlmixr post-hoc parameters: case 02's model with the residual on the variance, 0.2^2 + (0.1 F)^2."""
    model = with_residual(models.load("amikacin_burdet_2015"), combined(0.2, 0.1, form="variance"))
    found = fit_one(model, one_patient(cases["07"], BURDET), prior="normal").parameters
    expected = cases["07"]["expected"]
    for ours, theirs in (("CL", "Cl"), ("V1", "Vc"), ("V2", "Vp"), ("Q", "Q")):
        # 0.1 %, and half a unit of their last printed digit
        assert found[ours] == pytest.approx(expected[theirs], rel=1e-3, abs=0.005)


def test_case_08_piperacillin_occasions(cases: dict[str, dict]) -> None:
    """Monolix clearances of four occasions (Roberts 2010), from posologyr's tests."""
    model = models.load(str(HERE / "piperacillin_roberts.py"))
    timeline = one_patient(cases["08"], {"WT": 92.0}, occasions=(48.0, 72.0, 96.0))
    found = map_estimate(model, timeline)
    CL = found.eta[1] + found.eta[5::2]
    clearances = 17.1 * (92.0 / 70.0) * np.exp(CL)
    np.testing.assert_allclose(clearances, cases["08"]["expected"]["Cl_by_occ"], rtol=1e-3, atol=0.05)


def test_case_12_newborns_nonmem(shared: Path) -> None:
    """NONMEM's per-subject etas of 59 newborns on phenobarbital with the final parameters (Pharmpy's pheno_real)."""
    model = models.load("phenobarbital_grasela_1985")
    data = by_subject(rows(shared / "reference/cases/12_pheno_data.csv"))
    worst = 0.0
    for expected in rows(shared / "reference/cases/12_pheno_expected.csv"):
        records = data[int(expected["ID"])]
        timeline = Timeline(
            Patient(expected["ID"]),
            doses=tuple(DoseEvent(float(r["TIME"]), float(r["AMT"])) for r in records if float(r["AMT"]) > 0),
            observations=tuple(Observation(float(r["TIME"]), "", float(r["DV"])) for r in records if float(r["DV"]) > 0),
            covariates=tuple(
                c
                for r in records
                for c in (Covariate(float(r["TIME"]), "WT", float(r["WGT"])), Covariate(0.0, "APGR", float(r["APGR"])))
            ),
        )
        found = map_estimate(model, timeline, rule="nocb")
        worst = max(worst, float(np.abs(found.eta - [float(expected["NM_ETA1"]), float(expected["NM_ETA2"])]).max()))
    assert worst < 1e-2


def test_case_04_by_the_listed_model(cases: dict[str, dict]) -> None:
    """The same patient by ``vancomycin_goti_2018``: of 62 kg, with the age, sex and creatinine that make 34 mL/min."""
    age, weight = 70.0, 62.0
    scr = (140.0 - age) * weight / (72.0 * 34.0)
    patient = one_patient(cases["04"], {"AGE": age, "WT": weight, "SCR": scr, "SEX": 1.0, "DIAL": 0.0})
    found = fit_one(models.load("vancomycin_goti_2018"), patient, prior="normal").parameters
    expected = cases["04"]["expected"]
    assert found["CLCR"] == pytest.approx(34.0)
    assert [found[n] for n in ("CL", "V1", "V2")] == pytest.approx([expected[n] for n in ("Cl", "Vc", "Vp")], rel=0.01)
