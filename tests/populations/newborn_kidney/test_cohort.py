"""The kidney cohorts: one baby whatever n, truths as declared, a ward that sees no truth, results as laboratories print them."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dosetwin.errors import InputError
from dosetwin.models import amikacin_neonate as composite
from dosetwin.populations.newborn_kidney.babies import Interval, typical
from dosetwin.populations.newborn_kidney.checks import ward_injury
from dosetwin.populations.newborn_kidney.cohort import HORIZONS_H, STATE, KidneyCohort, cohort
from dosetwin.populations.newborn_kidney.export import COLUMNS, long_csv, truth_csv, write
from dosetwin.populations.newborn_kidney.parameters import FIRST_TEST_SEED, PARAMETERS, TEST_SEEDS, Noise
from dosetwin.populations.newborn_kidney.truth import no_luck, ornstein_uhlenbeck, solve
from dosetwin.quantities.assays import creatinine
from dosetwin.structure.growth import weight_after_birth, weight_ratio

SEED = 7
ALL = ("A", "B", "C")


@pytest.fixture(scope="module")
def made() -> dict[str, KidneyCohort]:
    return {truth: cohort(truth, 1600, SEED) for truth in ALL}  # type: ignore[arg-type]


@pytest.mark.parametrize("truth", ALL)
def test_a_baby_does_not_depend_on_how_many_are_drawn(truth) -> None:
    few, many = cohort(truth, 30, SEED), cohort(truth, 75, SEED)
    for name in ("latent", "GFR", "onset", "leaves"):
        np.testing.assert_array_equal(getattr(few.hidden, name), getattr(many.hidden, name)[:30])
    for name in ("babies", "daily", "measurements", "changes"):
        small, large = few.seen.frames()[name], many.seen.frames()[name]
        pd.testing.assert_frame_equal(small, large[large["ID"] < 30].reset_index(drop=True))


def test_another_seed_makes_other_babies() -> None:
    one, two = cohort("A", 20, 1), cohort("A", 20, 2)
    assert not np.any(one.seen.babies["BW"] == two.seen.babies["BW"])
    assert not np.any(one.hidden.latent[:, 500] == two.hidden.latent[:, 500])


def test_sixteen_hundred_babies_have_seven_thousand_results(made) -> None:
    again = cohort("A", 1600, SEED + 1)
    for c in (made["A"], again):
        assert len(c.seen.measurements["ID"]) > 7000


@pytest.mark.parametrize(("GA", "BW", "ibuprofen"), [(25.0, 0.75, True), (31.0, 1.5, False), (40.0, 3.4, False)])
def test_typical_truth_a_is_the_composite_model(GA: float, BW: float, ibuprofen: bool) -> None:
    """The same balance written twice, here solved in hours, there by an adaptive solver on the model file's own functions."""
    from scipy.integrate import solve_ivp

    def there(PNA: float) -> composite.parameters:
        WT = weight_after_birth(BW, GA, PNA)
        return composite.individual(
            composite.theta(), composite.eta(), composite.cov(BW, WT, GA, PNA, float(ibuprofen), 0.0, 0.0)
        )

    def slope(t: float, S: np.ndarray) -> np.ndarray:
        p = there(t / 24.0)
        return p.INTO - p.KS * S

    hours = np.array([0, 6, 24, 48, 72, 168, 336, 672])
    expected = solve_ivp(slope, (0.0, 672.0), [there(0.0).S0], t_eval=hours, rtol=1e-8, max_step=6.0).y[0]
    always = Interval(np.array([[0.0 if ibuprofen else np.inf]]), np.array([[np.inf]]))
    here = solve("A", typical(np.array([GA]), np.array([BW]), ibuprofen=always), no_luck(1, 672), PARAMETERS)
    np.testing.assert_allclose(here.SCR[0, hours], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("GA", "published"), [(24.0, (0.876, 0.500, 0.375)), (27.0, (0.830, 0.439, 0.345)), (32.0, (0.772, 0.374, 0.321))]
)
def test_typical_truth_b_keeps_van_donges_profile_at_constant_weight(GA: float, published: tuple[float, ...]) -> None:
    """The reconstruction was fitted with a constant volume; with it the published table comes back within 0.012 mg/dL."""
    babies = replace(typical(np.array([GA]), np.array([0.83])), weight_scatter=np.array([[0.0, 1.0, 0.0]]))
    SCR = solve("B", babies, no_luck(1, 700), PARAMETERS).SCR[0]
    np.testing.assert_allclose(SCR[[72, 14 * 24, 28 * 24]], published, atol=0.012)


def test_weight_without_scatter_is_the_growth_module() -> None:
    for GA in (24.0, 30.0, 36.5, 40.0):
        for PNA in (0.0, 1.0, 4.0, 8.0, 12.0, 25.0):
            assert weight_ratio(np.array([GA]), np.array([PNA]))[0] == pytest.approx(weight_after_birth(1.0, GA, PNA), rel=1e-12)


def test_wander_has_its_sd_and_correlation() -> None:
    x = ornstein_uhlenbeck(np.random.default_rng(1).standard_normal((4000, 200)), 0.12, 36.0)
    assert x.std() == pytest.approx(0.12, rel=0.02)
    r = np.corrcoef(x[:, 100], x[:, 136])[0, 1]
    assert r == pytest.approx(np.exp(-1), abs=0.05)


def test_c_is_b_but_for_the_injured(made) -> None:
    b, c = made["B"].hidden, made["C"].hidden
    well = ~np.isfinite(c.onset)
    np.testing.assert_array_equal(b.SCR[well], c.SCR[well])
    assert 0.27 < 1 - well.mean() < 0.34
    # an injury lies in the declared range, starts on the ward, and does not change what was before
    deepest = c.injury[~well].max(axis=1)
    assert deepest.max() <= 1.8
    assert np.all(c.onset[~well] < c.leaves[~well])
    for i in np.flatnonzero(~well)[:50]:
        before = int(c.onset[i]) - 1
        np.testing.assert_array_equal(b.SCR[i, : before + 1], c.SCR[i, : before + 1])
    assert np.all(c.SCR[~well].max(axis=1) >= b.SCR[~well].max(axis=1) - 1e-12)


def test_the_injured_are_told_to_nobody(made) -> None:
    """No column of the ward's tables differs between B and C before the onset, drugs and flags differ never."""
    b, c = made["B"].seen.frames(), made["C"].seen.frames()
    pd.testing.assert_frame_equal(b["babies"], c["babies"])
    onset = made["C"].hidden.onset
    for name in ("measurements", "daily"):
        early = [f[f["t_h"] < np.floor(onset[f["ID"]])].reset_index(drop=True) for f in (b[name], c[name])]
        pd.testing.assert_frame_equal(*early)
    both = pd.merge(b["daily"], c["daily"], on=["ID", "t_h"])
    for flag in ("IBU", "INDO", "COOLING", "ASPHYXIA", "INO", "AMINO", "VANCO"):
        assert (both[f"{flag}_x"] == both[f"{flag}_y"]).all()


def test_truths_move_the_creatinine_as_they_say(made) -> None:
    """Everything positive; filtration of B is Rhodin's, far below Wu's in very preterm babies after four weeks."""
    a = made["A"].hidden
    assert np.all(a.SCR > 0)
    assert np.all(a.GFR > 0)
    small = a.GA < 29
    assert np.median(made["B"].hidden.GFR[small, 28 * 24]) < 0.6 * np.median(a.GFR[small, 28 * 24])


def test_the_latent_value_is_there_one_two_and_three_days_later(made) -> None:
    for c in made.values():
        m, h = c.hidden.measurements, c.hidden
        np.testing.assert_array_equal(m["ID"], c.seen.measurements["ID"])
        np.testing.assert_array_equal(m["t_h"], c.seen.measurements["t_h"])
        assert np.all(np.isfinite(h.latent))
        for ahead in HORIZONS_H:
            np.testing.assert_array_equal(m[f"LATENT_{ahead}"], h.latent[m["ID"], m["t_h"] + ahead])
            np.testing.assert_array_equal(m[f"STAYS_{ahead}"], m["t_h"] + ahead < h.leaves[m["ID"]])


@pytest.mark.parametrize("noise", ["low", "wu"])
def test_results_scatter_as_declared_and_nothing_else(noise: str) -> None:
    c = cohort("A", 1600, SEED, noise=noise)
    m, latent, of = c.seen.measurements, c.hidden.measurements["LATENT"], PARAMETERS.noise[noise]
    score = (m["mg_dL"] - latent) / np.hypot(of.proportional * latent, of.additive)
    assert score.std() == pytest.approx(1.0, abs=0.05)
    assert score.mean() == pytest.approx(0.0, abs=0.05)
    assert m["mg_dL"].min() >= 0.1


def test_results_are_printed_in_the_hospitals_unit_and_lead_back_to_the_truth() -> None:
    exact = replace(PARAMETERS, noise={"none": Noise(0.0, 0.0)})
    for truth in ("A", "C"):
        c = cohort(truth, 200, SEED, noise="none", parameters=exact)
        m, true = c.seen.measurements, c.hidden.measurements["SCR"]
        assert set(m["UNIT"]) == {"umol/L", "mg/dL"}
        for value, unit, assay, SCR in zip(
            m["VALUE"].tolist(), m["UNIT"].tolist(), m["ASSAY"].tolist(), true.tolist(), strict=True
        ):
            # rounding to 1 umol/L or 0.01 mg/dL, no more
            assert creatinine(value, unit, assay).value == pytest.approx(max(SCR, 0.1), abs=0.0061)


def test_what_the_ward_sees_is_charted_at_its_hour(made) -> None:
    for c in made.values():
        changes = c.seen.frames()["changes"]
        m = c.seen.measurements
        for k in range(0, len(m["ID"]), 97):
            i, t = m["ID"][k], m["t_h"][k]
            for name in ("IBU", "COOLING", "ASPHYXIA", "AMINO"):
                past = changes[(changes["ID"] == i) & (changes["NAME"] == name) & (changes["t_h"] <= t)]
                assert m[name][k] == (past["VALUE"].iloc[-1] if len(past) else 0)
        last_day = pd.DataFrame(dict(c.seen.daily)).groupby("ID")["t_h"].max()
        assert (last_day < c.hidden.leaves[last_day.index]).all()
        assert np.all(m["t_h"] < c.hidden.leaves[m["ID"]])


def test_nothing_hidden_has_a_column_on_the_ward(made) -> None:
    allowed = {"ID", "t_h", *STATE, "VALUE", "UNIT", "ASSAY", "mg_dL", "GA", "BW", "SEX", "CAESAREAN", "HOSPITAL", "NAME"}
    for table in made["C"].seen.frames().values():
        assert set(table.columns) <= allowed
    assert not {"LATENT", "GFR", "ONSET"} & set(COLUMNS)


def test_sampling_is_informative(made) -> None:
    """The ill, the rising and the very preterm are sampled more often; outside hospitals sample less."""
    c = made["C"]
    count = np.bincount(c.seen.measurements["ID"], minlength=len(c))
    hurt, band = np.isfinite(c.hidden.onset), np.searchsorted((29.0, 36.0), c.hidden.GA, side="right")
    for k in range(3):
        assert count[hurt & (band == k)].mean() > count[~hurt & (band == k)].mean()
    assert count[band == 0].mean() > 2 * count[band == 2].mean()
    outside = cohort("A", 1600, SEED, hospitals="outside")
    assert len(outside.seen.measurements["ID"]) < len(made["A"].seen.measurements["ID"])
    assert ward_injury(c).mean() > ward_injury(made["B"]).mean() + 0.05


def test_gestational_age_is_wrong_by_a_week_in_the_declared_share(made) -> None:
    for truth, share in (("A", PARAMETERS.home.wrong_GA), ("B", PARAMETERS.outside.wrong_GA)):
        error = made[truth].seen.babies["GA"] - made[truth].hidden.GA
        wrong = np.abs(error) > 0.5
        assert wrong.mean() == pytest.approx(share, abs=0.025)
        np.testing.assert_allclose(np.abs(error[wrong]), 1.0, atol=0.08)
        np.testing.assert_allclose(error[~wrong], 0.0, atol=0.08)


def test_export_reads_back(made, tmp_path: Path) -> None:
    c = made["B"]
    write(c, tmp_path / "data.csv", tmp_path / "truth.csv")
    data = pd.read_csv(tmp_path / "data.csv", na_values=".")
    assert tuple(data.columns) == COLUMNS
    results = data[data["EVID"] == 0].reset_index(drop=True)
    m = c.seen.measurements
    np.testing.assert_array_equal(results["ID"], m["ID"])
    np.testing.assert_allclose(results["DV"], m["VALUE"], rtol=1e-9)
    assert list(results["UNIT"]) == m["UNIT"].tolist()
    assert data["DV"].isna().sum() == len(c.seen.daily["ID"])
    assert data.groupby("ID")["TIME"].apply(lambda t: t.is_monotonic_increasing).all()
    true = pd.read_csv(io.StringIO(truth_csv(c)))
    np.testing.assert_allclose(true["LATENT_24"], c.hidden.measurements["LATENT_24"], rtol=1e-5)
    assert len(true) == len(results)
    assert "LATENT" not in long_csv(c).splitlines()[0]


def test_wrong_requests_are_refused() -> None:
    for wrong in ({"truth": "D"}, {"noise": "none"}, {"n": 0}, {"hospitals": "abroad"}):
        with pytest.raises(InputError):
            cohort(**{"truth": "A", "n": 5, "seed": 1, **wrong})  # type: ignore[arg-type]


def test_test_seeds_are_apart_from_training() -> None:
    assert len(set(TEST_SEEDS)) >= 10
    assert min(TEST_SEEDS) >= FIRST_TEST_SEED
