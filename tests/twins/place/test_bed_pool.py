"""The bed pool against Erlang's closed forms, and what it learns against closed forms and simulated truths."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats
from tests.twins.place import simpy_pool

from dosetwin.errors import InputError
from dosetwin.records import Setting
from dosetwin.structure.queues import erlang_b, erlang_c, mean_wait, waits_longer
from dosetwin.twins.place import Arrivals, BedPool, Exponential, Known, Lognormal, Pool, Seen, Watched
from dosetwin.twins.place.belief import rates, stays
from dosetwin.twins.place.events import World, run

DAY = 24.0
PER_DAY, STAY = 5.0, 48.0
LOAD = PER_DAY / DAY * STAY
FROM, TO, DRAWS = 40 * DAY, 160 * DAY, 60


def known(stay: Exponential | Lognormal | None = None, room: int | None = None) -> BedPool:
    """A pool whose rates are certain."""
    return BedPool(Pool("bench", "Bench.", Arrivals(PER_DAY, math.inf), stay or Exponential(STAY, math.inf), room))


def near(values: np.ndarray, expected: float) -> None:
    """Means of independent runs agree with the closed form within four Monte-Carlo standard errors, and those are small."""
    se = values.std(ddof=1) / math.sqrt(len(values))
    assert abs(values.mean() - expected) < 4 * se, (values.mean(), expected, se)
    assert se < 0.08 * max(expected, 0.05)


@pytest.mark.parametrize("beds", [12, 14])
def test_waits_are_erlang_c(beds: int) -> None:
    found = known().play([Setting(beds=beds)], TO, draws=DRAWS, seed=11)
    near(1 - found.read("wait", "share_within", FROM, TO, (0.0, 0.0))[0], erlang_c(beds, LOAD))
    near(1 - found.read("wait", "share_within", FROM, TO, (0.0, 6.0))[0], waits_longer(beds, LOAD, STAY, 6.0))
    near(found.read("taken", "mean", FROM, TO)[0], LOAD)
    wait = found.read("wait", "mean", FROM, TO)[0]
    assert abs(wait.mean() - mean_wait(beds, LOAD, STAY)) < 4 * wait.std(ddof=1) / math.sqrt(DRAWS)
    assert (found.read("refused", "max", FROM, TO) == 0).all()
    # Little's law in every run, up to who waits at the two ends
    waiting, came = found.read("waiting", "auc", FROM, TO)[0], found.read("wait", "count", FROM, TO)[0]
    np.testing.assert_allclose(waiting.mean(), (wait * came).mean(), rtol=0.05)


@pytest.mark.parametrize("beds", [8, 11])
@pytest.mark.parametrize(
    "stay", [Exponential(STAY, math.inf), Lognormal(STAY * math.exp(-0.5), 1.0, 0.0, 0.0)], ids=["exp", "lognormal"]
)
def test_losses_are_erlang_b_whatever_the_stays(beds: int, stay: Exponential | Lognormal) -> None:
    found = known(stay, room=0).play([Setting(beds=beds)], TO, draws=DRAWS, seed=12)
    lost = erlang_b(beds, LOAD)
    near(found.read("refused", "mean", FROM, TO)[0], lost)
    near(found.read("occupancy", "mean", FROM, TO)[0], LOAD * (1 - lost) / beds)
    assert (found.read("wait", "max", FROM, TO) == 0).all()


def test_long_tailed_stays_wait_otherwise_than_erlang_c() -> None:
    """The check above can fail: with log-normal stays the mean wait is longer (Allen-Cunneen: times (1 + cv^2) / 2)."""
    found = known(Lognormal(STAY * math.exp(-0.5), 1.0, 0.0, 0.0)).play([Setting(beds=12)], TO, draws=DRAWS, seed=11)
    assert found.read("wait", "mean", FROM, TO).mean() > 1.15 * mean_wait(12, LOAD, STAY)


def test_a_busy_hour_is_seen_and_learned() -> None:
    """All arrivals come in the six hours from noon on: learned, and played."""
    seen = [Seen(f"v{d}-{k}", "asked", DAY * d + 12.5 + k) for d in range(40) for k in range(5)]
    twin = BedPool(Pool("hours", "Hours.", Arrivals(4.0, 2.0, slots=4), Exponential(10.0, math.inf))).told(
        *seen, Watched(0.0, 40 * DAY)
    )
    found = rates(twin.pool.arrivals, twin.known)
    np.testing.assert_allclose(found.shape / found.hours, [2 / 252, 2 / 252, 202 / 252, 2 / 252])
    played = twin.play([Setting(beds=30)], 60 * DAY, draws=50, seed=1)
    wait = played.tracks["refused"]
    hour = wait.time[~np.isnan(wait.time)] % DAY
    share = ((hour >= 12) & (hour < 18)).mean()
    assert abs(share - 202 / 208) < 0.02


def test_rates_are_the_gamma_posterior() -> None:
    pool = Pool("p", "P.", Arrivals(6.0, 3.0), Exponential(30.0, 4.0))
    seen = [Seen("a", "admitted", 1.0), Seen("a", "left", 21.0), Seen("b", "asked", 5.0), Seen("b", "admitted", 8.0)]
    twin = BedPool(pool).told(*seen, Watched(0.0, 48.0))
    drawn = twin.believed(20_000, 3)
    # 18 arrivals in 3 days before, 2 in 2 days seen; 4 stays of 30 h before, 20 h ended and 40 h not
    arrivals, leaving = stats.gamma(20, scale=1 / 120), stats.gamma(5, scale=1 / 180)
    assert stats.kstest(drawn.rate[:, 0], arrivals.cdf).pvalue > 0.001
    assert stats.kstest(1 / drawn.stay[:, 1], leaving.cdf).pvalue > 0.001


def test_who_is_there_already_stays_on_conditionally() -> None:
    """Log-normal: what is left of a stay has the truncated distribution; exponential: the whole one again."""
    for stay, mean, sd in (Lognormal(20.0, 0.9, 0.0, 0.0), math.log(20.0), 0.9), (Exponential(20.0, math.inf), 20.0, 0.0):
        twin = BedPool(Pool("p", "P.", Arrivals(1.0, math.inf), stay)).told(
            Seen("a", "admitted", 0.0), Watched(0.0, 30.0), Setting(beds=1)
        )
        found = twin.play([Setting(beds=1, at=30.0)], 30.0 + 1e-6, draws=4000, seed=5)
        left = np.array([world.leaves[0] for world in found.end[0]])
        law = stats.lognorm(sd, scale=math.exp(mean)) if sd else stats.expon(scale=mean)
        assert (left > 30.0).all()
        assert stats.kstest(left, lambda x, law=law: (law.cdf(x) - law.cdf(30.0)) / law.sf(30.0)).pvalue > 0.001


WIDE = Pool("p", "P.", Arrivals(5.0, 5.0), Lognormal(40.0, 1.0, 2.0, 1.0))


def stays_seen(admitted: np.ndarray, lengths: np.ndarray, end: float) -> list[Seen]:
    """Who was admitted by ``end`` and there at 0 or later, and who left by ``end``."""
    there = [k for k in range(len(admitted)) if admitted[k] < end and admitted[k] + lengths[k] > 0]
    seen = [Seen(f"v{k}", "admitted", float(admitted[k])) for k in there]
    return seen + [Seen(f"v{k}", "left", float(t)) for k in there if (t := admitted[k] + lengths[k]) < end]


def likeliest(admitted: np.ndarray, lengths: np.ndarray, end: float) -> np.ndarray:
    """Mean and SD of ln h by maximum likelihood: ended stays, running ones, and those found there (scipy, written anew)."""
    there = (admitted < end) & (admitted + lengths > 0)
    a, length = admitted[there], lengths[there]
    ended, last, found = a + length < end, np.minimum(length, end - a), np.maximum(-a, 0)

    def cost(p: np.ndarray) -> float:
        law: Any = stats.lognorm(math.exp(p[1]), scale=math.exp(p[0]))
        return -(law.logpdf(last[ended]).sum() + law.logsf(last[~ended]).sum() - law.logsf(found).sum())

    simplex = [[3.0, -1.0], [4.5, -1.0], [3.0, 0.5]]
    best = optimize.minimize(cost, simplex[0], method="Nelder-Mead", options={"initial_simplex": simplex}).x
    return np.array([best[0], math.exp(best[1])])


@pytest.mark.parametrize(
    ("begin", "end", "n"), [(0.0, 42 * DAY, 300), (-150 * DAY, 4 * DAY, 6000)], ids=["some go on", "most were found there"]
)
def test_log_normal_stays_are_learned_as_maximum_likelihood_says(begin: float, end: float, n: int) -> None:
    """Under a wide prior the belief lies around the likeliest values; over repeated wards it lies around the truth."""
    truth, off = np.array([math.log(45.0), 0.9]), []
    for ward in range(8):
        rng = np.random.default_rng(ward)
        admitted, lengths = rng.uniform(begin, end, n), rng.lognormal(truth[0], truth[1], n)
        stay = BedPool(WIDE).told(*stays_seen(admitted, lengths, end), Watched(0.0, end)).believed(4000, 2).stay
        mean, sd = stay[:, 1:].mean(axis=0), stay[:, 1:].std(axis=0)
        assert (np.abs(mean - likeliest(admitted, lengths, end)) < 0.3 * sd).all()
        assert (sd < 0.12).all()
        off.append((mean - truth) / sd)
    assert (np.abs(np.mean(off, axis=0)) < 3 / math.sqrt(8)).all(), np.mean(off, axis=0)
    assert (np.std(off, axis=0) > 0.3).all()
    assert (np.std(off, axis=0) < 2.0).all()


BOTH = (Lognormal(48.0, 0.9, 0.7, 0.25), Exponential(60.0, 2.0))


def test_two_laws_are_weighed_by_the_stays_seen() -> None:
    """Before anything: half each. 300 exponential stays: exponential; 300 log-normal ones: log-normal; and the load is right."""
    pool = Pool("p", "P.", Arrivals(5.0, 5.0), BOTH)
    np.testing.assert_allclose(stays(pool.laws, BedPool(pool).known).shares, 0.5, rtol=1e-5)  # the grid ends at 5 SD
    rng = np.random.default_rng(3)
    admitted, end = np.sort(rng.uniform(0, 60 * DAY, 300)), 60 * DAY
    for law, lengths in enumerate((rng.lognormal(math.log(40), 0.6, 300), rng.exponential(48.0, 300))):
        twin = BedPool(pool).told(*stays_seen(admitted, lengths, end), Watched(0.0, end))
        assert stays(pool.laws, twin.known).shares[law] > 0.99
        assert abs(np.median(twin.load(2000, 1)) - 5 / DAY * lengths.mean()) < 1.0


def test_the_evidence_of_both_laws_is_that_of_the_stays() -> None:
    """ln p of a few stays by integration over the prior, without any grid or closed form of ours."""
    law, other = Lognormal(40.0, 0.8, 0.5, 0.3), Exponential(50.0, 3.0)
    admitted, lengths = np.array([-10.0, 2.0, 5.0, 60.0]), np.array([30.0, 20.0, 44.0, 500.0])
    known = (
        BedPool(Pool("p", "P.", Arrivals(5.0, 5.0), law)).told(*stays_seen(admitted, lengths, 100.0), Watched(0.0, 100.0)).known
    )
    rng = np.random.default_rng(0)
    m, s = math.log(40.0) + 0.5 * rng.standard_normal(200_000), 0.8 * np.exp(0.3 * rng.standard_normal(200_000))
    rate = rng.gamma(3.0, 1 / 150.0, 200_000)
    drawn: list[Any] = [stats.lognorm(s, scale=np.exp(m)), stats.expon(scale=1 / rate)]
    for found, d in zip(stays((law, other), known).laws, drawn, strict=True):
        log_p = d.logpdf(30.0) - d.logsf(10.0) + d.logpdf(20.0) + d.logpdf(44.0) + d.logsf(40.0)
        assert found.log_evidence == pytest.approx(math.log(np.exp(log_p).mean()), abs=0.02)


def test_stays_taken_at_face_value_would_mislead() -> None:
    """The check above can fail: who was found there, counted from admission as if everybody had been seen, stays too long."""
    rng = np.random.default_rng(1)
    admitted, lengths = rng.uniform(-150 * DAY, 4 * DAY, 6000), rng.lognormal(math.log(45.0), 0.9, 6000)
    seen = stays_seen(admitted, lengths, 4 * DAY)
    aware = BedPool(WIDE).told(*seen, Watched(0.0, 4 * DAY)).believed(2000, 2).stay
    naive = BedPool(WIDE).told(*seen, Watched(-200 * DAY, 4 * DAY)).believed(2000, 2).stay
    assert naive[:, 1].mean() > aware[:, 1].mean() + 4 * aware[:, 1].std()


def test_one_run_by_hand() -> None:
    """One bed until 10 h, then two; room for one: who comes second waits, who comes third is refused."""
    came, stay = np.array([1.0, 2.0, 5.0, 7.0, 12.0]), np.array([8.0, 9.0, 30.0, 1.0, 1.0])
    rows, ends = run(0.0, 20.0, [World((4.0,), (), 1.0)], [(10.0, 2.0)], 1, [came], [stay])
    found = {name: [(float(t), float(x)) for t, x in zip(time[0], value[0], strict=True)] for name, (time, value) in rows.items()}
    assert found["refused"] == [(1.0, 0.0), (2.0, 1.0), (5.0, 0.0), (7.0, 1.0), (12.0, 0.0)]
    # the first lies down at 4 (until 12), the third at 10 (until 40), the fifth at 12, when that bed is free again
    assert found["wait"] == [(1.0, 3.0), (5.0, 5.0), (12.0, 0.0)]
    assert ends == [World((40.0,), (), 2.0)]
    assert found["open"] == [(0.0, 1.0), (10.0, 2.0)]


@pytest.mark.parametrize("room", [None, 0, 2])
def test_the_compiled_loop_is_simpy_to_the_last_digit(room: int | None) -> None:
    """Crowded and empty places, closed and opened beds, none open at all: everything recorded is that of SimPy's processes."""
    rng = np.random.default_rng(9)
    for beds0, plan in (0.0, []), (3.0, [(20.0, 1.0), (40.0, 5.0)]), (6.0, [(0.0, 2.0), (70.0, 0.0)]), (4.0, [(0.0, 9.0)]):
        worlds, came, stay = [], [], []
        for n in rng.integers(0, 40, 12):
            leaves = tuple(np.sort(rng.exponential(20.0, int(rng.integers(0, 5)))).tolist())
            waits = tuple((-float(x), float(y)) for x, y in rng.exponential(5.0, (int(rng.integers(0, 3)), 2)))
            worlds.append(World(leaves, tuple(sorted(waits)), beds0))
            came.append(np.sort(rng.uniform(0.0, 100.0, n)))
            stay.append(rng.lognormal(1.5, 1.0, n))
        rows, ends = run(0.0, 100.0, worlds, plan, room, came, stay)
        for k, world in enumerate(worlds):
            now = [p for p in plan if p[0] > 0.0]
            first = World(world.leaves, world.waits, plan[0][1] if plan and plan[0][0] == 0.0 else beds0)
            log = simpy_pool.run(0.0, 100.0, first, now, room, came[k].tolist(), stay[k].tolist())
            assert ends[k] == log.end
            for name in ("taken", "waiting", "wait", "refused"):
                time, value = (x[k][~np.isnan(rows[name][0][k])] for x in rows[name])
                assert list(zip(time.tolist(), value.tolist(), strict=True)) == getattr(log, name), name
            assert rows["open"][0][k].tolist() == [t for t, _ in log.open]


def test_a_closed_bed_closes_when_it_is_left() -> None:
    twin = known().told(*(Seen(f"{k}", "admitted", 0.0) for k in range(6)), Setting(beds=6), Watched(0.0, 1.0))
    found = twin.play([Setting(beds=2, at=1.0)], 400.0, draws=20, seed=1)
    assert (found.read("taken", "at", 1.0) == 6).all()
    assert (found.read("occupancy", "at", 1.0) == 3).all()
    assert (found.read("taken", "max", 300.0, 400.0) <= 2).all()


def test_opened_beds_are_taken_at_once() -> None:
    twin = known().told(Seen("a", "admitted", 0.0), Seen("b", "asked", 1.0), Setting(beds=1), Watched(0.0, 2.0))
    found = twin.play([Setting(beds=5, at=2.0)], 3.0, draws=20, seed=1)
    assert (found.read("waiting", "max", 2.0, 3.0) >= 0).all()
    assert (found.read("taken", "at", 2.0) == 2).all()


def test_without_a_bed_everybody_waits_for_ever() -> None:
    found = known().play([Setting(beds=0)], 100.0, draws=5, seed=1)
    assert np.isinf(found.read("wait", "max", 0.0, 50.0)).all()


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ([Seen("a", "admitted", 5.0), Seen("a", "left", 4.0)], "wrong order"),
        ([Seen("a", "admitted", 5.0), Seen("a", "admitted", 6.0)], "twice"),
        ([Seen("a", "admitted", 5.0), Seen("a", "refused", 4.0)], "refused, and admitted"),
        ([Setting(beds=2, nurses=1)], "nothing else"),
    ],
)
def test_contradictions_are_named(facts: list, word: str) -> None:
    with pytest.raises(InputError, match=word):
        known().told(*facts)


@pytest.mark.parametrize("beds", [2.5, -1])
def test_beds_are_whole_and_not_negative(beds: float) -> None:
    with pytest.raises(InputError, match="whole number"):
        known().play([Setting(beds=beds)], 10.0, draws=2, seed=1)


def test_what_is_no_fact_is_no_fact() -> None:
    came: Any = "came"
    for wrong in (lambda: Seen("a", came, 1.0), lambda: Seen("a", "left", math.nan), lambda: Watched(2.0, 2.0)):
        with pytest.raises(InputError):
            wrong()


def test_a_record_of_the_first_bed_pools_is_read_whole() -> None:
    old = {"watched": [[0, 720]], "beds": [[0, 12], [24, 14]], "visits": []}
    new = {"watched": [[0, 720]], "open": [[0, {"beds": 12}], [24, {"beds": 14}]], "visits": []}
    assert Known.from_json(old) == Known.from_json(new)
    assert Known.from_json(old).open == 14
