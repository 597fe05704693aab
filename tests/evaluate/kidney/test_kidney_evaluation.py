"""The kidneys' evaluation: metrics by hand, batches equal to one baby at a time, oracles that win, babies on one side only."""

import json
from dataclasses import replace
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.calibrate.kidney_training import training_cohorts
from dosetwin.errors import InputError
from dosetwin.evaluate.kidney import bars, kernel, page, scores
from dosetwin.evaluate.kidney import study as evaluation
from dosetwin.evaluate.kidney.batch import Competitors, answers, moments
from dosetwin.evaluate.kidney.origins import HOURS, kdigo_course, next_measured, of_cohort, of_records
from dosetwin.evaluate.kidney.truth import courses, oracle_today, told
from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES
from dosetwin.forecast.kidney.carried import Carried, SteadyWu
from dosetwin.forecast.kidney.filter import KalmanFilter
from dosetwin.forecast.kidney.gaussian_process import GaussianProcess
from dosetwin.forecast.kidney.vandonge import VanDonge
from dosetwin.forecast.kidney.warning import injury_risk
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.parameters import FIRST_TEST_SEED, TEST_SEEDS
from dosetwin.populations.newborn_kidney.records import records
from dosetwin.structure.kidney_injury import judge

UNFITTED = Competitors(Carried(), Carried(shifted=True), SteadyWu(0.3), VanDonge(), GaussianProcess(), KalmanFilter())
SEED = 871_003
TRUTHS = ("A", "B", "C")
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def judged() -> list[evaluation.Seed]:
    """Two tiny seeds; the network is played by a filter that believes in less noise."""
    other = KalmanFilter(replace(KalmanFilter().parameters, prop=0.06))
    learned = {evaluation.LEARNED: lambda some: [other.forecast(r) for r in some]}
    return [evaluation.evaluate(SEED + k, UNFITTED, learned, evaluation.Plan(30)) for k in range(2)]


# ------------------------------------------------------------------------------------------------- batches against one by one


@pytest.mark.parametrize(("truth", "name"), [("C", "measured"), ("A", "daily")])
def test_a_batch_answers_as_each_forecaster_does(truth, name) -> None:
    origins = of_cohort(cohort(truth, 12, SEED))[name]
    found = answers(moments(origins), UNFITTED)
    known = origins.records()
    for k in range(0, len(origins), 3):
        for who, forecaster in UNFITTED.all.items():
            one = forecaster.forecast(known[k], HOURS)
            np.testing.assert_allclose(found[who].latent[k], one.latent, atol=2e-6)
            np.testing.assert_allclose(found[who].measured[k], one.measured, atol=2e-6)


def test_filtration_of_the_filter_is_its_own() -> None:
    origins = of_cohort(cohort("B", 6, SEED))["measured"]
    found = answers(moments(origins), UNFITTED)["filter"].log_GFR
    for k, record in enumerate(origins.records()):
        np.testing.assert_allclose(found[k], UNFITTED.filter.state(record, HOURS).log_GFR_mean, atol=1e-6)


def test_risk_of_injury_is_that_of_the_warning() -> None:
    origins = of_cohort(cohort("C", 10, SEED))["measured"]
    m = moments(origins)
    a = answers(m, UNFITTED)["filter"]
    limits = kernel.kdigo_limits(m.begin, m.n_seen, m.time, m.scr, m.curve_seen, m.curve, origins.now, np.array(HOURS))
    for k, record in enumerate(origins.records()):
        risk = injury_risk(record, UNFITTED.filter.forecast(record, HOURS))
        np.testing.assert_allclose(limits[k], risk.threshold, atol=1e-6)
        np.testing.assert_allclose(scores.above(a.latent, limits[..., 0])[k], risk.criteria, atol=1e-5)
        np.testing.assert_allclose(scores.above(a.latent, limits[..., 1])[k], risk.unexpected, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------------ metrics


def _normal(mean: float, sd: float) -> np.ndarray:
    return log(mean) + sd * NORMAL_QUANTILES


def test_metrics_by_hand() -> None:
    target = np.array([[1.0], [0.5], [2.0], [np.nan]])
    quantiles = np.stack([_normal(1.1, 0.1), _normal(0.5, 0.1), _normal(1.2, 0.1), _normal(1.0, 0.1)])[:, None]
    found = scores.per_moment(target, quantiles, np.tile([1.0, 0.0], (4, 1)))
    baby = np.array([0, 0, 1, 2])
    rows = scores.by_group(found, baby, {"all": np.ones(4, dtype=bool), "second": baby == 1, "nobody": baby == 9})
    one = dict(zip(scores.METRICS, rows["all"][0], strict=True))
    assert (one["n"], one["babies"]) == (3, 2)
    assert one["rmse"] == pytest.approx(sqrt((0.1**2 + 0.0 + 0.8**2) / 3))
    assert one["mae"] == pytest.approx((0.1 + 0.0 + 0.8) / 3)
    assert one["bias"] == pytest.approx((0.1 - 0.8) / 3)
    assert one["rmse_log"] == pytest.approx(sqrt((log(1.1) ** 2 + log(0.6) ** 2) / 3))
    assert one["mdape"] == pytest.approx(10.0)
    assert one["within20"] == pytest.approx(200 / 3)
    assert one["within30"] == pytest.approx(200 / 3)
    # 1.0 lies at -0.95 SD of 1.1: outside the middle half, inside 90 %; 0.5 inside both; 2.0 inside none
    assert one["cover50"] == pytest.approx(100 / 3)
    assert one["cover90"] == pytest.approx(200 / 3)
    assert rows["second"][0][1] == 1
    assert "nobody" not in rows
    total, count = scores.per_baby(found["se"], baby, 4)
    np.testing.assert_allclose(total[:, 0], [0.01, 0.64, 0.0, 0.0], atol=1e-12)
    np.testing.assert_array_equal(count[:, 0], [2, 1, 0, 0])


def test_a_jaffe_hospital_is_judged_on_its_own_scale() -> None:
    line = np.array([[1.027, -0.254]])
    own = (0.8 + 0.254) / 1.027
    found = scores.per_moment(np.array([[own]]), _normal(0.8, 0.2)[None, None], line)
    assert found["ae"][0, 0] == pytest.approx(0.0, abs=1e-12)


def test_crps_of_a_point_is_the_absolute_error_and_of_a_normal_the_known_one() -> None:
    line = np.array([[1.0, 0.0]])
    point = scores.crps(np.array([[1.5]]), np.full((1, 1, 5), log(1.2)), line)
    assert point[0, 0] == pytest.approx(0.3)
    # a narrow log-normal is a normal: CRPS at its middle is sd (sqrt 2 - 1) / sqrt pi
    sd = 0.01
    found = scores.crps(np.array([[1.0]]), _normal(1.0, sd)[None, None], line)
    assert found[0, 0] == pytest.approx(sd * (sqrt(2) - 1) / sqrt(np.pi), rel=0.02)


def test_levels_run_through_the_given_quantiles() -> None:
    given_ = np.array([0.1, 0.3, 0.35, 0.6, 1.4])
    np.testing.assert_allclose(scores.at_levels(given_, np.array([0.05, 0.25, 0.5, 0.75, 0.95])), given_, atol=1e-9)
    assert np.all(np.diff(scores.at_levels(given_)) > 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=25))
def test_auroc_is_the_share_of_pairs_in_order(pairs) -> None:
    score, label = np.array([float(s) for s, _ in pairs]), np.array([float(y) for _, y in pairs])
    yes, no = score[label > 0], score[label == 0]
    found = scores.auroc(np.append(score, 9.0), np.append(label, np.nan))
    if not len(yes) or not len(no):
        assert np.isnan(found)
        return
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no)
    assert found == pytest.approx(wins / (len(yes) * len(no)))


def test_bootstrap_draws_whole_babies() -> None:
    rng = np.random.default_rng(1)
    total, count = np.array([[4.0], [0.0]]), np.array([[1.0], [4.0]])
    drawn = scores.resampled(total, count, 2000, rng)[:, 0]
    # either baby twice, or one of each: RMSE 2, 0 or sqrt(4/5)
    assert set(np.round(np.unique(drawn), 6)) == {0.0, round(sqrt(0.8), 6), 2.0}
    assert np.mean(drawn == 0.0) == pytest.approx(0.25, abs=0.04)


def test_the_course_meets_kdigo_where_the_criteria_say_so() -> None:
    rng = np.random.default_rng(3)
    SCR = 0.6 * np.exp(np.cumsum(0.03 * rng.standard_normal((3, 400)), axis=1))
    found = kdigo_course(SCR)
    t = np.arange(400.0)
    for k in range(3):
        said = [j.kdigo >= 1 for j in judge(30.0, t.tolist(), SCR[k].tolist(), SCR[k].tolist())]
        np.testing.assert_array_equal(found[k], said)
    assert 0 < found.sum() < found.size


def test_the_measured_target_is_the_nearest_within_eight_hours() -> None:
    who, time = np.array([0, 0, 0, 0, 1]), np.array([0.0, 17.0, 30.0, 80.1, 24.0])
    value = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = next_measured(np.array([0, 0, 1]), np.array([0.0, 30.0, 24.0]), who, time, value)
    np.testing.assert_array_equal(found, [[3.0, np.nan, np.nan], [np.nan, 4.0, np.nan], [np.nan] * 3])


# ------------------------------------------------------------------------------------------------------- truth and troughs


@pytest.mark.parametrize("truth", TRUTHS)
def test_the_hidden_side_is_remade_exactly(truth) -> None:
    made = cohort(truth, 8, SEED)
    about = told(made)
    SCR = made.hidden.SCR[:, 0].copy()
    for h in range(about.rate.shape[1]):
        k = about.rate[:, h] * np.exp(about.luck.wander[:, h] - about.luck.injury[:, h])
        SCR = about.inflow[:, h] / k + (SCR - about.inflow[:, h] / k) * np.exp(-k)
    np.testing.assert_allclose(SCR, made.hidden.SCR[:, -1], rtol=1e-9)
    np.testing.assert_array_equal(about.luck.onset, made.hidden.onset)


def test_two_compartments_against_a_solver() -> None:
    from scipy.integrate import solve_ivp

    k10, k12, k21, rate = 0.11, 0.05, 0.07, 9.0
    ode = solve_ivp(
        lambda t, x: [rate - (k10 + k12) * x[0] + k21 * x[1], k12 * x[0] - k21 * x[1]], (0, 5), [3.0, 1.0], rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(kernel.two_compartments(3.0, 1.0, k10, k12, k21, rate, 5.0), ode.y[:, -1], rtol=1e-8)


def test_who_knows_the_filtration_knows_the_trough() -> None:
    made = cohort("C", 25, SEED)
    about, origins = told(made), of_cohort(made)["measured"]
    course = courses(made, about, origins)
    assert np.isfinite(course.trough).mean() > 0.9
    # less filtration, higher trough; and a constant factor handed over at the three horizons is used as such
    low, one = course.predicted(np.full((len(origins), 3), log(0.5))), course.predicted(np.zeros((len(origins), 3)))
    assert np.all(low[np.isfinite(low)] > one[np.isfinite(one)])
    flat = kernel.troughs(course.dose, course.tau, 1 / 3, course.CL, np.full_like(course.relative, 0.5), course.V1, course.Q)
    np.testing.assert_allclose(low[np.isfinite(low)], flat[np.isfinite(low)], rtol=1e-12)


def test_todays_state_without_new_luck_is_the_truth_itself(monkeypatch) -> None:
    made = cohort("A", 6, SEED)
    about, origins = told(made), of_cohort(made)["measured"]
    still = replace(about.luck, wander=np.zeros_like(about.luck.wander))
    # a truth in which nothing wanders: the oracle's path has to be that truth, hour by hour
    SCR = np.empty_like(made.hidden.SCR)
    SCR[:, 0] = made.hidden.SCR[:, 0]
    for h in range(about.rate.shape[1]):
        steady = about.inflow[:, h] / about.rate[:, h]
        SCR[:, h + 1] = steady + (SCR[:, h] - steady) * np.exp(-about.rate[:, h])
    quiet = replace(made, hidden=replace(made.hidden, SCR=SCR))
    mean, _ = oracle_today(quiet, replace(about, luck=still, wander=(0.0, 36.0)), origins)
    ahead = origins.now.astype(int)[:, None] + np.array([24, 48, 72])
    np.testing.assert_allclose(np.exp(mean), SCR[origins.baby[:, None], ahead], rtol=1e-9)


# ------------------------------------------------------------------------------------------------------- whole evaluations


@pytest.mark.slow
def test_oracles_beat_everyone_and_the_future_is_without_error(judged) -> None:
    rmse = scores.METRICS.index("rmse")
    for one in judged:
        for truth in TRUTHS:
            for name in ("measured", "daily"):
                part = one.found["truths"][truth][name]["latent"]
                assert part["oracle-future"]["all"][:, rmse].max() < 1e-12
                others = [v["all"][0, rmse] for k, v in part.items() if not k.startswith("oracle")]
                assert part["oracle-today"]["all"][0, rmse] < min(others)


def test_the_trough_of_a_kidney_beats_none_and_the_oracle_beats_the_kidney(judged) -> None:
    for truth in TRUTHS:
        sums = np.mean([[one.found["truths"][truth]["measured"]["trough"][n]["all"][2] for n in
                         ("oracle-future", "oracle-today", "filter", "maturation")] for one in judged], axis=0)  # fmt: skip
        assert sums[0] <= sums[1] * 1.05
        assert sums[1] < sums[2] < sums[3]


def test_training_babies_are_never_test_babies() -> None:
    teaching = [evaluation.training_seed(seed) for seed in TEST_SEEDS]
    assert len(set(teaching)) == len(TEST_SEEDS)
    made = [training_cohorts(seed, 20, held_out=20) for seed in (min(teaching), max(teaching))]
    seeds = {c.seed for n in made for c in (n.plain, n.strayed, n.plain_held, n.strayed_held)}
    assert len(seeds) == 8
    assert max(seeds) < FIRST_TEST_SEED <= min(evaluation.SEEDS)
    assert set(evaluation.SEEDS) <= set(TEST_SEEDS)
    assert len(evaluation.SEEDS) == 10


def test_cross_fitting_keeps_a_baby_on_one_side(monkeypatch) -> None:
    stays = records(cohort("A", 60, SEED))
    taught: list[set[str]] = []
    asked: list[set[str]] = []

    def fit(some, clock=None) -> Competitors:
        taught.append({r.id for r in some})
        return UNFITTED

    def many(some):
        asked.append({r.id for r in some})
        return [KalmanFilter().forecast(r) for r in some]

    monkeypatch.setattr(Competitors, "fit", staticmethod(fit))
    found = evaluation.cross_fitted(stays, {evaluation.LEARNED: many})
    assert all(not (a & b) for a, b in zip(taught, asked, strict=True))
    assert len(asked[0] | asked[1]) == found["babies"]
    whole = of_records([r for r in stays if len(r.time) >= 2])
    assert found["next"]["filter"]["all"][0][0] == np.isfinite(whole.measured[:, 0]).sum()
    own = bars.own_summary(found, source="ours.csv")
    assert set(own["gains"]) == set(found["next"]) - {evaluation.LEARNED}
    # the stand-in for the network is the filter itself
    assert own["gains"]["filter"][0]["gain"] == pytest.approx(0.0, abs=1e-9)
    assert "not a medical device" in page.markdown(own)


def test_too_few_babies_of_a_hospital_are_refused() -> None:
    with pytest.raises(InputError, match="too few babies"):
        evaluation.cross_fitted(records(cohort("A", 12, SEED)), {})


def test_seeds_are_kept_and_another_plan_is_refused(judged, tmp_path: Path) -> None:
    plan = evaluation.Plan(30)
    assert evaluation.stored(tmp_path, SEED, plan) is None
    evaluation.store(tmp_path, judged[0])
    again = evaluation.stored(tmp_path, SEED, plan)
    assert again is not None
    for key, value in judged[0].sums.items():
        np.testing.assert_array_equal(again.sums[key], value)
    first = judged[0].found["truths"]["A"]["measured"]["latent"]["filter"]["all"]
    np.testing.assert_allclose(np.array(again.found["truths"]["A"]["measured"]["latent"]["filter"]["all"]), first, rtol=1e-5)
    with pytest.raises(InputError, match="another evaluation"):
        evaluation.stored(tmp_path, SEED, replace(plan, babies=31))


def _roots(gain: float, seeds: int = 10) -> bars.Roots:
    """A learner that is ``gain`` percent better than the filter and 30 % better than van Donge, with a little scatter."""
    scatter = 1.0 + 0.002 * np.random.default_rng(5).standard_normal((seeds, 50))
    value = np.ones((seeds, 3, 3)) * np.array([1.0 - gain / 100.0, 1.0, 1.4])[None, :, None]
    value = value * np.stack([scatter[:, 0], np.ones(seeds), np.ones(seeds)], axis=1)[:, :, None]
    drawn = (
        np.repeat(value[:, None], 50, axis=1)
        * np.stack([scatter, np.ones_like(scatter), np.ones_like(scatter)], axis=2)[..., None]
    )
    return bars.Roots((evaluation.LEARNED, "filter", "van-donge-map"), value, drawn)


@pytest.mark.parametrize(("gain", "met"), [(6.0, [True, True, False]), (9.0, [True, True, True]), (-1.0, [True, False, False])])
def test_bars_are_met_and_missed_as_they_were_set(gain, met) -> None:
    found = bars._gain_bars("C", _roots(gain), (evaluation.LEARNED,))
    assert [b.met for b in found] == met
    assert [b.against for b in found] == ["van-donge-map", "filter", "filter"]
    assert found[1].value == pytest.approx(gain, abs=0.5)
    assert [b.stretch for b in found] == [False, False, True]
    assert all((b.cause == "") == b.met for b in found)


def test_one_seed_is_never_enough_for_a_bar() -> None:
    assert not any(b.met for b in bars._gain_bars("C", _roots(9.0, seeds=1), (evaluation.LEARNED,)))


def test_the_page_shows_every_bar_and_every_miss_with_its_cause(judged, tmp_path: Path) -> None:
    found = bars.summary(judged, inference_ms={"median": 1.5}, draws=50)
    again = {row[0] for row in page.rows_of_bars(found)}
    assert len(found["bars"]) >= 20
    assert any("trough" in name for name in again)
    text = page.markdown(found)
    for row in page.rows_of_bars(found):
        assert f"| {row[0]} | {row[1]} |" in text
    missed = [b for b in found["bars"] if not b["met"]]
    assert text.count("**MISSED**") == len(missed) > 0
    assert all(b["cause"] in text for b in missed)
    assert "not a medical device" in text
    whole = page.html(found)
    assert whole.count("<svg") == 3
    assert "http" not in whole.replace("http://www.w3.org", "")
    doc = tmp_path / "kidney.md"
    doc.write_text("# Kidney\n\ntext\n\n## Evaluation\n\nof last year\n\n## Later\n\nkept\n", encoding="utf-8")
    page.write(found, doc)
    page.write(found, doc)
    written = doc.read_text(encoding="utf-8")
    assert written.count("## Evaluation\n") == 1
    assert "of last year" not in written
    assert written.endswith("## Later\n\nkept\n")
    assert "### All figures at +72 h" in (tmp_path / "kidney_evaluation.md").read_text(encoding="utf-8")
    assert (tmp_path / "img" / "kidney_rmse.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(not (DOCS / "data" / "kidney_evaluation.json").is_file(), reason="no published evaluation in this checkout")
def test_the_published_page_is_made_from_the_published_figures() -> None:
    """The section and the long page say what the figures beside them say, every miss with a cause that somebody wrote."""
    import json

    found = json.loads((DOCS / "data" / "kidney_evaluation.json").read_text(encoding="utf-8"))
    assert page.sections(found).rstrip() in (DOCS / "kidney.md").read_text(encoding="utf-8")
    assert page.markdown(found, heading=page.LONG) == (DOCS / "kidney_evaluation.md").read_text(encoding="utf-8")
    assert set(found["seeds"]) <= set(TEST_SEEDS)
    assert found["babies"] >= 2000
    for bar in found["bars"]:
        assert bar["met"] == (not bar["cause"])
        assert bar["cause"] != "not known", bar["bar"]
    for truth in TRUTHS:
        over = [b for b in found["bars"] if b["truth"] == truth and b["bar"].startswith("RMSE") and not b["stretch"]]
        gains = found["gains"][truth]["latent"]
        assert [b["value"] for b in over] == [gains["over"][n][0]["gain"] for n in (bars.PUBLISHED, gains["best"])]


@pytest.mark.slow
def test_the_command_from_end_to_end(monkeypatch, tmp_path: Path, capsys) -> None:
    import json

    from dosetwin import cli
    from dosetwin.evaluate.kidney import batch as kidney_evaluation_batch
    from dosetwin.forecast.kidney import learned

    class Stand:
        """The shipped network, played by an unfitted filter."""

        filters = (KalmanFilter(), KalmanFilter())
        second = None

        def forecast(self, record, hours=HOURS):
            return KalmanFilter().forecast(record, hours)

        def forecast_many(self, some, hours=HOURS):
            return [self.forecast(r, hours) for r in some]

    monkeypatch.setattr(learned, "load", lambda path=None: Stand())
    monkeypatch.setattr(kidney_evaluation_batch, "FIT_BABIES", 40)
    words = [
        "kidney",
        "evaluate",
        "--seeds",
        "1",
        "--first-seed",
        "871005",
        "--babies",
        "25",
        "--resume",
        str(tmp_path / "kept"),
        "--json",
    ]
    assert cli.run(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [871005]
    assert any(b["bar"] == "forecast of one baby" for b in found["bars"])
    # the seed is kept: a second run only puts it together
    monkeypatch.setattr(evaluation, "evaluate", lambda *a, **k: pytest.fail("evaluated again"))
    report = tmp_path / "page.md"
    assert cli.run([*words[:-1], "--report", str(report)]) == 0
    assert "MISSED" in capsys.readouterr().out
    assert "### Bars" in report.read_text(encoding="utf-8")
    assert cli.run(["kidney", "evaluate", "--train", "--weights", str(tmp_path)]) == 2


def test_the_published_evaluation_is_of_the_weights_that_ship():
    from dosetwin.forecast.kidney.learned import load

    published = json.loads((Path(__file__).parents[3] / "docs" / "data" / "kidney_evaluation.json").read_text(encoding="utf-8"))
    assert published["shipped_sha256"] == load().card["sha256_of_card"]
