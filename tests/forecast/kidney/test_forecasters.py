"""What every forecaster must do, whatever it believes: be listed here, be tested."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.forecast.kidney.answer import CreatinineForecast, Forecaster
from dosetwin.forecast.kidney.carried import Carried, SteadyWu
from dosetwin.forecast.kidney.filter import FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.gaussian_process import GaussianProcess
from dosetwin.forecast.kidney.record import WardRecord, ward_record
from dosetwin.forecast.kidney.steps import STEP, expected_curve, steps_for
from dosetwin.forecast.kidney.vandonge import VanDonge
from dosetwin.forecast.kidney.warning import injury_risk
from dosetwin.structure.growth import birth_weight
from dosetwin.structure.kidney import balance_step, birth_creatinine, creatinine_balance, wu_creatinine
from forecast.kidney.babies import baby, cohort

ALL: tuple[Forecaster, ...] = (
    Carried(),
    Carried(shifted=True),
    SteadyWu(),
    SteadyWu(sd=0.3),
    GaussianProcess(),
    VanDonge(),
    KalmanFilter(),
)
every = pytest.mark.parametrize("forecaster", ALL, ids=lambda f: f.name)
FIT = (Carried.fit, lambda r: Carried.fit(r, shifted=True), SteadyWu.fit, GaussianProcess.fit,
       lambda r: VanDonge.fit(r, babies=25, max_iterations=5), KalmanFilter.fit)  # fmt: skip


def sound(answer: CreatinineForecast, n: int) -> None:
    assert answer.ok
    assert answer.latent.shape == answer.measured.shape == (n, 5)
    assert np.isfinite(answer.latent).all()
    assert np.isfinite(answer.measured).all()
    assert (np.diff(answer.latent, axis=1) >= 0).all()
    assert (np.diff(answer.measured, axis=1) > 0).all()
    assert answer.measured[:, 2] == pytest.approx(answer.latent[:, 2])
    assert (answer.measured[:, 4] - answer.measured[:, 0] > answer.latent[:, 4] - answer.latent[:, 0]).all()


@every
def test_works_without_any_creatinine(forecaster: Forecaster) -> None:
    answer = forecaster.forecast(ward_record("new", 28, 1.05, now=6.0))
    sound(answer, 3)
    assert ((answer.median > 0.2) & (answer.median < 1.5)).all()
    json.dumps(answer.to_json())


records = st.builds(
    lambda GA, z, times, level, late, flag: ward_record(
        "any", GA, birth_weight(min(max(GA, 24), 43), 1, z), sorted(times),
        [level * (1 + 0.1 * (k % 3)) for k in range(len(times))],
        now=max(times, default=0.0) + late, flags={"IBU": ((0.0,), (flag,)), "COOLING": ((1.0,), (flag,))},
    ),
    st.sampled_from([22.0, 44.0]) | st.floats(22.0, 44.0),
    st.floats(-2.5, 2.5),
    st.lists(st.floats(0.0, 1000.0), max_size=6),
    st.sampled_from([0.1, 15.0]) | st.floats(0.05, 15.0),
    st.floats(0.0, 300.0),
    st.sampled_from([0.0, 1.0]),
)  # fmt: skip


@every
@settings(max_examples=40, deadline=None)
@given(record=records)
def test_is_sound_at_the_borders(forecaster: Forecaster, record: WardRecord) -> None:
    sound(forecaster.forecast(record, (1.0, 24.0, 72.0, 336.0)), 4)


BAD = [
    (ward_record("a", 21.9, 0.5, [24.0], [0.6]), "gestational_age_implausible"),
    (ward_record("a", 44.1, 4.0, [24.0], [0.6]), "gestational_age_implausible"),
    (ward_record("a", 189, 1.0, [24.0], [0.6]), "gestational_age_implausible"),
    (ward_record("a", float("nan"), 1.0, [24.0], [0.6]), "gestational_age_implausible"),
    (ward_record("a", 28, 1.0, [24.0], [0.0]), "creatinine_implausible"),
    (ward_record("a", 28, 1.0, [24.0], [-0.6]), "creatinine_implausible"),
    (ward_record("a", 28, 1.0, [24.0], [20.1]), "creatinine_implausible"),
    (ward_record("a", 28, 1.0, [24.0], [float("nan")]), "creatinine_implausible"),
    (ward_record("a", 28, 1.0, [-2.0], [0.6]), "before_birth"),
    (ward_record("a", 28, 1.0, now=-2.0), "before_birth"),
    (ward_record("a", 28, float("nan")), "no_weight"),
    (ward_record("a", 28, 1050.0), "weight_implausible"),
    (ward_record("a", 28, 1.0, now=24.0 * 200), "age_out_of_range"),
]


@every
@pytest.mark.parametrize(("record", "code"), BAD)
def test_bad_input_is_refused_by_name(forecaster: Forecaster, record: WardRecord, code: str) -> None:
    answer = forecaster.forecast(record)
    assert not answer.ok
    assert answer.refusal is not None
    assert code in [r.code for r in answer.refusal.reasons]
    assert answer.latent.size == answer.measured.size == answer.hours.size == 0
    assert code in answer.refusal.message
    json.dumps(answer.to_json())
    assert injury_risk(record, answer).criteria.size == 0


@every
@pytest.mark.parametrize("hours", [(), (0.0,), (-24.0,), (48.0, 24.0), (24.0, 24.0), (1000.0,), (float("nan"),)])
def test_impossible_horizons_are_refused(forecaster: Forecaster, hours: tuple[float, ...]) -> None:
    answer = forecaster.forecast(ward_record("a", 28, 1.0, [24.0], [0.6]), hours)
    assert answer.refusal is not None
    assert [r.code for r in answer.refusal.reasons] == ["horizon_out_of_range"]


@every
def test_the_past_does_not_know_the_future(forecaster: Forecaster) -> None:
    whole = baby(3).record
    now = float(whole.time[3])
    seen = [(t, s) for t, s in zip(whole.time, whole.scr, strict=True) if t <= now]
    weight = tuple(zip(*[(t, w) for t, w in zip(*whole.weight, strict=True) if t <= now], strict=True))
    alone = ward_record(
        whole.id, whole.GA, whole.BW, *zip(*seen, strict=True), now=now, weight=weight, male=whole.male, flags=whole.flags
    )
    cut, fresh = forecaster.forecast(whole.until(now)), forecaster.forecast(alone)
    assert (cut.latent == fresh.latent).all()
    assert (cut.measured == fresh.measured).all()


@pytest.mark.parametrize("forecaster", [f for f in ALL if not isinstance(f, SteadyWu)], ids=lambda f: f.name)
def test_uncertainty_does_not_shrink_with_distance_from_the_last_value(forecaster: Forecaster) -> None:
    answer = forecaster.forecast(ward_record("a", 29, 1.2, [400.0, 500.0, 590.0], [0.6, 0.55, 0.5]), (1.0, 24.0, 72.0))
    width = answer.latent[:, 4] - answer.latent[:, 0]
    assert (np.diff(width) > -1e-9).all()


@pytest.mark.parametrize("fit", FIT)
def test_every_fit_gives_a_forecaster_that_is_sound(fit) -> None:
    train = [b.record for b in cohort(40)] + [BAD[0][0]]  # a bad record teaches nothing and stops nobody
    sound(fit(train).forecast(train[0].until(100.0)), 3)


def test_gaussian_process_is_exact_conditioning() -> None:
    g = GaussianProcess()
    record = ward_record("a", 30, 1.4, [12.0, 40.0, 41.0, 150.0], [0.7, 0.6, 0.9, 0.5], now=160.0)
    steps = steps_for(record, (24.0,))
    age = np.append(record.time, 184.0)
    both = age[:, None] + age[None, :], np.abs(age[:, None] - age[None, :])
    K = g.constant**2 + g.early**2 * np.exp(-both[0] / g.fade) + g.wander**2 * np.exp(-both[1] / g.tau)
    noise = np.diag(g.prop**2 + (g.add / steps.curve_seen) ** 2)
    gain = K[4, :4] @ np.linalg.inv(K[:4, :4] + noise)
    residual = np.log(record.scr / steps.curve_seen) + 0.5 * np.diag(noise) - g.mean  # a log of normal errors lies too low
    answer = g.forecast(record, (24.0,))
    assert answer.latent[0, 2] == pytest.approx(np.log(steps.curve_ahead[0]) + g.mean + gain @ residual, rel=1e-9)
    sd = np.sqrt(K[4, 4] - gain @ K[:4, 4])
    assert answer.latent[0, 4] - answer.latent[0, 2] == pytest.approx(1.6448536 * sd, rel=1e-6)


def test_carried_values_by_hand() -> None:
    record = ward_record("a", 27, 0.95, [30.0, 60.0], [0.6, 0.8], now=66.0)
    past, ahead = expected_curve(record, (24.0, 48.0))
    assert Carried().forecast(record, (24.0, 48.0)).median == pytest.approx([0.8, 0.8])
    assert Carried(shifted=True).forecast(record, (24.0, 48.0)).median == pytest.approx(0.8 * ahead / past[-1])
    steady = SteadyWu().forecast(record, (24.0,)).median
    assert steady == pytest.approx([wu_creatinine(27, 0.95, record.weight_at(90.0), 90.0 / 24.0, 0.5)])


def test_van_donge_is_the_published_typical_baby_without_data_and_says_where_it_was_not_studied() -> None:
    """Front Pharmacol 2021, table 2: 27 wk, 0.830 mg/dL after day 3, 0.439 before day 15."""
    answer = VanDonge().forecast(ward_record("a", 27, 0.85, now=0.0), (72.0, 336.0))
    assert answer.median == pytest.approx([0.830, 0.439], abs=0.008)
    assert [f.code for f in answer.findings] == ["no_past_creatinine"]
    term = VanDonge().forecast(ward_record("a", 39, 3.2, [24.0], [0.7]))
    assert "outside_studied_range" in [f.code for f in term.findings]


def test_van_donge_finds_the_most_probable_parameters() -> None:
    """No direction away from the estimate is more probable, by the model written out again with scipy's search."""
    from scipy.optimize import minimize

    from dosetwin.forecast.kidney._vandonge_kernel import course, estimate
    from dosetwin.forecast.kidney.vandonge import typical

    v, record = VanDonge(), ward_record("a", 26, 0.8, [10.0, 50.0, 100.0, 300.0], [0.5, 1.1, 1.2, 0.6])
    s, base = steps_for(record), typical(26.0)
    ibuprofen, y, sd = np.zeros(len(s.dt)), np.log(record.scr), np.array(v.sd)

    def loss(eta: np.ndarray) -> float:
        f = np.empty(4)
        course(s.dt, s.middle, ibuprofen, s.seen, s.ahead, base, eta, f, np.empty(0))
        R = v.prop**2 + (v.add / np.exp(f)) ** 2
        return float(0.5 * ((y - f + 0.5 * R) ** 2 / R + np.log(R)).sum() + 0.5 * ((eta / sd) ** 2).sum())

    eta = np.zeros(4)
    estimate(
        s.dt, s.middle, ibuprofen, s.seen, s.ahead, base, y, np.zeros(4), sd, v.prop, v.add, np.zeros(0), np.zeros(0), eta
    )  # fmt: skip
    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    assert loss(eta) == pytest.approx(best.fun, abs=1e-5)
    assert eta == pytest.approx(best.x, abs=5e-3)


@pytest.mark.parametrize(("GA", "BW"), [(24, 0.6), (28, 1.05), (34, 2.2), (40, 3.4)])
def test_the_curve_of_long_steps_is_that_of_fine_ones(GA: float, BW: float) -> None:
    record = ward_record("a", GA, BW, now=0.0)
    hours = tuple(float(h) for h in (24, 72, 168, 336))
    S, fine = birth_creatinine(GA), {}
    for k in range(336 * 4):
        t = (k + 0.5) / 4
        b = creatinine_balance(GA, BW, record.weight_at(t), t / 24)
        S = balance_step(S, b.into, b.out, 0.25)
        fine[(k + 1) / 4] = S
    assert STEP > 1.0
    assert expected_curve(record, hours)[1] == pytest.approx([fine[h] for h in hours], rel=0.002)


def test_an_assay_shows_its_own_values() -> None:
    answer = Carried().forecast(ward_record("a", 28, 1.0, [24.0], [0.6], assay="jaffe"))
    # Srivastava 2009: IDMS = 1.027 Jaffe - 0.254
    assert answer.mg_per_dL(assay="jaffe")[0, 2] == pytest.approx((0.6 + 0.254) / 1.027)
    assert answer.mg_per_dL()[0, 2] == pytest.approx(0.6)


def test_injury_risk_by_hand() -> None:
    """Carried forward, 1.5 times a value of 0.6 a day ahead is log 1.5 away: a normal tail."""
    from scipy.stats import norm

    record = ward_record("a", 40, 3.4, [240.0], [0.6])
    flat = Carried()
    answer = flat.forecast(record, (24.0,))
    sd = (answer.latent[0, 4] - answer.latent[0, 2]) / 1.6448536
    risk = injury_risk(record, answer)
    assert risk.criteria[0] == pytest.approx(norm.sf(np.log(1.5) / sd), rel=1e-6)
    past, ahead = expected_curve(record, (24.0,))
    lower = min(1.5 * 0.6 * ahead[0] / past[0], 0.9 + ahead[0] - past[0])
    assert risk.unexpected[0] == pytest.approx(norm.sf(np.log(lower / 0.6) / sd), rel=1e-6)
    assert 0.0 <= injury_risk(ward_record("a", 40, 3.4), flat.forecast(ward_record("a", 40, 3.4))).criteria[0] < 0.01


def test_a_healthy_rise_raises_no_warning_but_a_steep_one_does() -> None:
    healthy = ward_record("a", 25, 0.75, [6.0, 24.0], [0.45, 0.6])
    f = KalmanFilter(FilterParameters(prop=0.05, add=0.03))
    risk = injury_risk(healthy, f.forecast(healthy))
    assert (risk.unexpected < risk.criteria).all()
    steep = ward_record("a", 25, 0.75, [6.0, 24.0, 36.0], [0.45, 0.6, 1.4])
    assert injury_risk(steep, f.forecast(steep)).unexpected[0] > 0.8
