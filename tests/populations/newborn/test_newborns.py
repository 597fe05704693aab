"""Virtual newborns: the same baby in any cohort, marginals against published cohorts, bodies against the models' own answers."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.newborn.newborns import NEVER, ORGANISMS, SETTINGS, Newborns, Setting, birth_weights, cohort
from dosetwin.populations.newborn.truth import TRUTHS, levels, physiology, truth_named
from dosetwin.streams import normals, uniforms
from dosetwin.structure.growth import birth_weight, weight_after_birth
from dosetwin.structure.kidney import balance_step, birth_creatinine, creatinine_balance

MANY = cohort(20_000, 5)


def same(a: Newborns, b: Newborns) -> bool:
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Newborns) if f.name not in ("setting", "seed")
    )


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 19_000), n=st.integers(1, 50))
def test_a_baby_is_the_same_in_any_cohort_and_any_chunk(first, n):
    part = cohort(n, 5, first=first)
    assert same(part, MANY.take(slice(first, first + n)))
    assert same(part.baby(n - 1), cohort(1, 5, first=first + n - 1))


def test_streams_are_uniform_and_unrelated():
    u = uniforms(3, "a", np.arange(50_000), 4)
    assert ((u > 0) & (u < 1)).all()
    assert np.allclose(np.histogram(u, 20, (0, 1))[0] / u.size, 0.05, atol=4 * np.sqrt(0.05 * 0.95 / u.size))
    z = np.column_stack(
        [normals(3, "a", np.arange(50_000), 2), normals(3, "b", np.arange(50_000), 2), normals(4, "a", np.arange(50_000), 2)]
    )
    off = np.corrcoef(z.T) - np.eye(6)
    assert np.abs(off).max() < 4.5 / np.sqrt(50_000)
    # neighbours in number are as unrelated
    assert abs(np.corrcoef(z[1:, 0], z[:-1, 0])[0, 1]) < 4.5 / np.sqrt(50_000)
    assert np.array_equal(uniforms(3, "a", np.arange(10), 2, first=2), u[:10, 2:4])


def test_marginals_against_published_cohorts():
    b = MANY
    # Smits 2015: GA median 34 wk (24-41), birth weight median 2285 g (420-4850), PNA median 2 d
    assert np.median(b.GA) == pytest.approx(34.0, abs=0.3)
    assert np.median(b.BW) == pytest.approx(2.285, rel=0.05)
    assert np.median(b.PNA) == pytest.approx(2.0, abs=0.15)
    assert b.GA.min() >= 23
    assert b.GA.max() <= 42
    assert b.PNA.min() >= 0
    assert b.PNA.max() <= 28
    assert b.BW.min() >= 0.385
    assert b.BW.max() <= 4.65
    # England and Wales: ibuprofen in 6.6 % below 32 wk, median on day 10; Canada: inotropes in 18.7 % below 29 wk
    treated = np.isfinite(b.ibuprofen[:, 0])
    assert treated[b.GA < 32].mean() == pytest.approx(0.066, abs=0.012)
    assert not treated[b.GA >= 32].any()
    assert np.median((b.ibuprofen[:, 0] / 24 + b.PNA)[treated]) == pytest.approx(10.0, abs=0.8)
    assert np.isfinite(b.inotropes[b.GA < 29, 0]).mean() == pytest.approx(0.187, abs=0.02)
    # Cristea 2017: 56 cooled beside 874; nobody below 35 wk is cooled
    cooled = np.isfinite(b.cooling[:, 0])
    assert cooled.mean() == pytest.approx(56 / 930, abs=0.015)
    assert b.GA[cooled].min() >= 35
    assert b.asphyxia[cooled].all()
    assert np.allclose(b.cooling[cooled, 1] - b.cooling[cooled, 0], 72.0)


def test_injured_kidneys_come_in_their_shares():
    b = cohort(20_000, 5, "nicu_changing")
    hurt = np.isfinite(b.injury[:, 0])
    for band, share in enumerate(SETTINGS["nicu_changing"].injury):
        assert hurt[b.band == band].mean() == pytest.approx(share, abs=0.02)
    assert not np.isfinite(MANY.injury[:, 0]).any()


def test_organisms_by_setting():
    b = cohort(20_000, 5, "england")
    early = 24 * b.PNA < 72
    assert (b.organism[early] == ORGANISMS.index("gbs")).mean() == pytest.approx(0.60, abs=0.02)
    assert (b.organism[~early] == ORGANISMS.index("cons")).mean() == pytest.approx(0.55, abs=0.02)
    assert (MANY.organism == ORGANISMS.index("e_coli")).all()


def test_weights_are_those_of_the_growth_standards():
    GA, male, z = (
        np.array([24.0, 30, 32.9, 33, 36, 40, 42]),
        np.array([0.0, 1, 0, 1, 0, 1, 0]),
        np.array([-2.0, 0, 1, -1, 0.5, 0, 2]),
    )
    assert np.allclose(birth_weights(GA, male, z), [birth_weight(*x) for x in zip(GA, male, z, strict=True)], rtol=1e-12)
    plain = replace(MANY.take(slice(0, 50)), weight_scatter=np.ones((50, 3)))
    for t in (-20.0, 0.0, 100.0):
        want = [weight_after_birth(w, g, max(p + t / 24, 0)) for w, g, p in zip(plain.BW, plain.GA, plain.PNA, strict=True)]
        assert np.allclose(plain.weight(t)[:, 0], np.minimum(want, 4.78), rtol=1e-12)


def ordinary(n: int = 6) -> Newborns:
    """Babies without scatter and conditions."""
    b = cohort(n, 9)
    never = np.full((n, 2), NEVER)
    return replace(
        b, weight_scatter=np.ones((n, 3)), pk=np.zeros_like(b.pk), occasion=np.zeros_like(b.occasion),
        wander=np.zeros_like(b.wander), asphyxia=np.zeros(n, dtype=bool), cooling=never, ibuprofen=never,
        inotropes=never, PNA=np.linspace(0.2, 20.0, n),
    )  # fmt: skip


def test_bodies_follow_the_flagship_and_the_creatinine_balance():
    from dosetwin.models import load

    model = load("amikacin_neonate")
    b = ordinary()
    body = physiology(b, 48, TRUTHS["as_believed"])
    theta = model.theta()
    module = __import__("dosetwin.models.amikacin_neonate", fromlist=["cov"])
    for i in range(len(b)):
        t = 7.5
        facts = {
            "BW": b.BW[i],
            "WT": b.weight(t)[i, 0],
            "GA": b.GA[i],
            "PNA": b.PNA[i] + t / 24,
            "IBU": 0,
            "ASPHYXIA": 0,
            "COOLING": 0,
        }
        p = module.individual(theta, module.eta(), module.cov(**facts))
        assert body.CL[i, 7] == pytest.approx(p.CL, rel=1e-9)
        assert body.V1[i, 7] == pytest.approx(p.VT, rel=1e-9)
        assert body.Q[i, 7] == pytest.approx(p.PS, rel=1e-9)
        assert body.GFR[i, 7] == pytest.approx(p.GFR, rel=1e-9)
        # creatinine: the same balance stepped in minutes from birth
        S, dt, born = birth_creatinine(b.GA[i]), 0.05, -24 * b.PNA[i]
        for k in range(round((24 * b.PNA[i] + 40) / dt)):
            age = (k + 0.5) * dt / 24
            rates = creatinine_balance(b.GA[i], b.BW[i], b.weight(born + age * 24)[i, 0], age)
            S = balance_step(S, rates.into, rates.out, dt)
        assert body.SCR[i, 40] == pytest.approx(S, rel=2e-3)


def test_conditions_move_clearance_as_declared():
    b = ordinary(3)
    always = np.tile([-1e6, 1e6], (3, 1))
    base = physiology(b, 24, TRUTHS["as_believed"]).CL
    assert np.allclose(physiology(replace(b, ibuprofen=always), 24, TRUTHS["as_believed"]).CL / base, 0.838)
    cooled = physiology(replace(b, asphyxia=np.ones(3, dtype=bool), cooling=always), 24, TRUTHS["as_believed"]).CL
    assert np.allclose(cooled / base, 0.594)
    late = physiology(replace(b, asphyxia=np.ones(3, dtype=bool)), 24, TRUTHS["as_believed"]).CL
    assert np.allclose(late / base, 0.594 * 1.29)
    shifted = physiology(b, 24, TRUTHS["shifted"])
    assert np.allclose(shifted.CL / base, 0.8)
    hurt = np.tile([0.0, 1.0, 10.0, 1e9, 24.0], (3, 1))
    fallen = physiology(replace(b, injury=hurt), 72, TRUTHS["as_believed"])
    whole = physiology(b, 72, TRUTHS["as_believed"])
    assert np.allclose(np.log(whole.CL / fallen.CL)[:, 60], 1.0 - np.exp(-60.5 / 10), rtol=1e-6)
    assert (fallen.SCR[:, 71] > whole.SCR[:, 71] + 0.1).all()


def test_levels_against_the_matrix_exponential():
    from scipy.linalg import expm

    CL, V, Q = 0.12, 1.1, 0.05
    T = 30
    conc, area = np.empty((1, 4 * T)), np.empty((1, 4 * T))
    body = [np.full((1, T), x) for x in (CL, V, Q)]
    levels(*body, np.array([[0, 50]]), np.array([[30.0, 20.0]]), 0.5, conc, area)
    # amounts, area and a constant input as one linear system
    K = np.array([[-(CL + Q) / V, Q / V, 0, 1], [Q / V, -Q / V, 0, 0], [1 / V, 0, 0, 0], [0, 0, 0, 0]])
    state, want = np.zeros(4), []
    for s in range(4 * T):
        want.append((state[0] / V, state[2]))
        state[3] = {0: 60.0, 1: 60.0, 50: 40.0, 51: 40.0}.get(s, 0.0)
        state = expm(K * 0.25) @ state
    assert np.allclose(conc[0], [w[0] for w in want], rtol=1e-9, atol=1e-12)
    assert np.allclose(area[0], [w[1] for w in want], rtol=1e-9, atol=1e-12)


def test_scatter_of_clearance_is_the_declared_one():
    n = 4000
    b = replace(cohort(n, 3), asphyxia=np.zeros(n, dtype=bool))
    truth = TRUTHS["as_believed"]
    body = physiology(b, 30, truth)
    plain = physiology(replace(b, pk=np.zeros_like(b.pk), occasion=np.zeros_like(b.occasion)), 30, truth)
    logs = np.log(body.CL / plain.CL)
    assert logs[:, 5].std() == pytest.approx(0.30, abs=0.012)  # De Cock's between-subject SD
    assert (logs[:, 28] - logs[:, 5]).std() == pytest.approx(0.138 * np.sqrt(2), abs=0.008)
    assert np.log(body.V1 / plain.V1)[:, 0].std() == pytest.approx(0.15, abs=0.006)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="needs a baby"):
        cohort(0, 1)
    with pytest.raises(InputError, match="negative"):
        cohort(3, 1, first=-1)
    with pytest.raises(UnknownName, match="allowed: nicu"):
        cohort(3, 1, "atlantis")
    with pytest.raises(UnknownName, match="e_coli"):
        Setting("x", early={"plague": 1.0})
    with pytest.raises(InputError, match="add up to 1"):
        Setting("x", late={"e_coli": 0.5})
    with pytest.raises(UnknownName, match="shifted"):
        truth_named("alternative")


def test_the_table_of_published_figures_says_what_is_missed():
    from dosetwin.populations.newborn.checks import checked, table

    rows = checked(4000, 31)
    text = table(rows)
    missed = {c.text for c, _, inside in rows if not inside}
    # known misses: De Cock's babies were lighter than Smits'; creatinine of term babies is predicted too high in the first week
    assert missed <= {"birth weight, median, g", "creatinine, term, day 1, mg/dL"}
    assert text.count("**MISSED**") == sum(not inside for _, _, inside in rows)
