"""A model whose effect is told is the model itself, with that effect a course over time and without what was read already."""

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Cov, Eta
from dosetwin.declare.channels import CHANNELS, COMPONENTS, FILTRATION
from dosetwin.declare.model import _check_told
from dosetwin.declare.told import columns_told, courses, effect_told, own_of, sd_told, told
from dosetwin.errors import ModelError, UnknownName
from dosetwin.forecast.kidney.kinetic import HIGHEST, LOWEST
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import parameters, predict, schedule_for

TELLABLE = ("amikacin_neonate", "gentamicin_bijleveld_2017", "gentamicin_fuchs_2014", "tobramycin_decock_2014")
TIMES = [1.0, 12.0, 24.0, 25.0, 47.0, 60.0]
rng = np.random.default_rng(3)


def baby(**flags: float) -> Timeline:
    values = {"WT": 1.8, "PNA": 2.0, **flags}
    doses = (DoseEvent(0.0, 20.0, 0.5), DoseEvent(24.0, 20.0, 0.5))
    known = tuple(Covariate(0.0, n, v) for n, v in values.items())
    return Timeline(Patient("x", "female", GA=33.0, BW=1.9), doses, (), known)


def test_who_may_be_told_filtration():
    assert tuple(n for n in models.names() if effect_told(models.load(n), "filtration")) == TELLABLE
    # those that read creatinine, or take asphyxia and cooling for granted, say why not
    for name in ("gentamicin_germovsek_2016", "gentamicin_bijleveld_2016"):
        assert any(note.startswith("no kidney tells it its filtration") for note in models.load(name).notes), name


@pytest.mark.parametrize("name", TELLABLE)
@pytest.mark.parametrize("flags", [{}, {"IBU": 1.0, "ASPHYXIA": 1.0, "COOLING": 1.0, "DOPA": 1.0}], ids=["plain", "all flags"])
def test_a_constant_course_is_the_random_effect_it_stands_for(name, flags):
    """Course + own part = the effect: the same parameters and levels, whatever was left out."""
    whole = models.load(name)
    part, effect = told(whole, "filtration"), effect_told(whole, "filtration")
    mean, *loadings = columns_told(whole, "filtration")
    given = baby(**flags)
    rows = {mean: 0.05, **dict(zip(loadings, (0.10, -0.04, 0.02), strict=True))}
    course = given.append(*(Covariate(0.0, n, v) for n, v in rows.items()))
    draws = rng.normal(0.0, 1.0, (60, len(part.eta_names) + len(part.kappa_names)))
    log = courses(part, np.array([[{**dict.fromkeys(part.covs, 0.0), **rows}[c] for c in part.covs]]), draws)[:, 0]
    names = [*part.eta_names, *part.kappa_names]
    same = np.zeros((len(draws), len(whole.eta_names) + len(whole.kappa_names)))
    for j, n in enumerate([*whole.eta_names, *whole.kappa_names]):
        own = draws[:, names.index(n)] if n in names else 0.0
        same[:, j] = log + own if n == effect else own
    for kept in part.outputs:
        a = predict(whole, schedule_for(whole, given, TIMES), same).value[:, :, list(whole.outputs).index(kept)]
        b = predict(part, schedule_for(part, course, TIMES), draws).value[:, :, list(part.outputs).index(kept)]
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)
    a, b = parameters(whole, schedule_for(whole, given, TIMES), same), parameters(part, schedule_for(part, course, TIMES), draws)
    for parameter in b:
        np.testing.assert_allclose(b[parameter], a[parameter], rtol=1e-12)


@pytest.mark.parametrize("name", TELLABLE)
def test_without_a_course_the_variance_is_the_models(name):
    whole = models.load(name)
    part, effect = told(whole, "filtration"), effect_told(whole, "filtration") or ""
    sd = sd_told(whole, "filtration")
    assert sd_told(part, "filtration") == sd
    assert [c.population for c in list(part.covs.values())[-COMPONENTS - 1 :]] == [0.0, sd, 0.0, 0.0]
    own = part.omega[part.eta_names.index(effect), part.eta_names.index(effect)] if effect in part.eta_names else 0.0
    assert sd**2 + own == pytest.approx(whole.etas[effect].variance)
    for n in part.eta_names[COMPONENTS:]:
        for m in part.eta_names[COMPONENTS:]:
            if (n, m) != (effect, effect):
                a = part.omega[part.eta_names.index(n), part.eta_names.index(m)]
                assert a == whole.omega[whole.eta_names.index(n), whole.eta_names.index(m)]


def test_what_only_creatinine_needs_goes_with_it():
    part = told(models.load("amikacin_neonate"), "filtration")
    assert list(part.outputs) == ["Cp"]
    assert list(part.states) == ["blood", "kidney", "rest", "tissue"]
    assert list(part.etas) == ["K1", "K2", "K3", "CL", "V", "CL_occ"]
    assert not {"KS", "INTO", "S0"} & set(part.individual(part.theta(), part.eta(), part.cov(*([1.0] * len(part.covs))))._fields)
    assert (part.start, part.initial) == ("first_event", None), "no state lives before the first dose any more"
    assert told(models.load("amikacin_neonate"), "filtration") is part, "made once"


def test_the_course_is_kept_within_the_channels_limits():
    assert (FILTRATION.low, FILTRATION.high) == (float(np.log(LOWEST)), float(np.log(HIGHEST)))
    part = told(models.load("gentamicin_fuchs_2014"), "filtration")
    CL = [
        part.individual(part.theta(), part.eta(K1=k), part.cov(1.8, 33.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0)).CL
        for k in (0.0, -9.0, 9.0)
    ]
    assert CL[1] / CL[0] == pytest.approx(0.2)
    assert CL[2] / CL[0] == pytest.approx(3.0)


def test_models_that_differ_in_variance_or_flags_are_told_apart():
    names = [columns_told(models.load(n), "filtration") for n in TELLABLE]
    assert names[0] == ("KIDNEY", "KIDNEY1", "KIDNEY2", "KIDNEY3")
    assert len({c for columns in names for c in columns}) == 3 * (COMPONENTS + 1)
    assert own_of(models.load("amikacin_neonate"), "filtration") == ("IBU", "COOLING", "ASPHYXIA")
    assert own_of(models.load("gentamicin_fuchs_2014"), "filtration") == ()


def test_a_told_model_has_a_name_and_only_one_that_can_be_told():
    assert models.load("gentamicin_fuchs_2014_kidney").whole is models.load("gentamicin_fuchs_2014")
    assert not any(n.endswith("_kidney") for n in models.names())
    for name in ("amikacin_decock_2012_kidney", "nothing_kidney", "amikacin_neonate_kidney_kidney"):
        with pytest.raises(UnknownName):
            models.load(name)
    with pytest.raises(ModelError, match="no random effect that filtration could tell"):
        told(models.load("amikacin_decock_2012"), "filtration")


@pytest.mark.parametrize(
    ("etas", "covs", "says"),
    [
        ({"CL": Eta(sd=0.3, told="bile")}, (), "nobody can tell; there is: filtration"),
        ({"CL": Eta(sd=0.3, told_sd=0.2)}, (), "told_sd is the SD of the part"),
        ({"CL": Eta(sd=0.3, told="filtration", told_sd=0.3)}, (), "below the effect's own"),
        ({"CL": Eta(sd=0.3, told="filtration"), "V": Eta(sd=0.3, told="filtration")}, (), "one effect between subjects"),
        ({"CL": Eta(sd=0.3, told="filtration")}, ("SCR",), "it would count twice"),
    ],
    ids=["unknown", "share of nothing", "share of everything", "two effects", "creatinine twice"],
)
def test_what_cannot_be_told_is_refused_when_the_file_is_loaded(etas, covs, says):
    with pytest.raises(ModelError, match=says):
        _check_told("my_model", etas, dict.fromkeys(covs, Cov("1")))


def test_every_channel_says_where_its_numbers_come_from():
    for channel in CHANNELS.values():
        assert channel.source
        assert channel.low < 0.0 < channel.high
