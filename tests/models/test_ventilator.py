"""The ventilated lung against closed forms, printed tables and a washout by hand; told pressures and gases find their patient."""

import math

import numpy as np
import pytest

from dosetwin import models
from dosetwin.errors import InputError
from dosetwin.records import Covariate, Observation, Patient, Setting, Timeline
from dosetwin.simulate import predict, schedule_for
from dosetwin.twins.patient import Twin

MODEL = models.load("ventilator_ards")
MAN = {"VT": 420.0, "RR": 20.0, "PEEP": 10.0, "FIO2": 0.5, "HT": 175.0, "SEX": 1.0, "HCO3": 24.0}
NAMES = tuple(MODEL.outputs)


def timeline(**changed: float) -> Timeline:
    return Timeline(Patient("vent"), covariates=tuple(Covariate(0.0, n, v) for n, v in {**MAN, **changed}.items()))


def read(
    eta: tuple[float, ...] = (0.0,) * 4, at: float = 6.0, theta: dict[str, float] | None = None, **changed: float
) -> dict[str, float]:
    """Outputs of one patient."""
    values = None if theta is None else np.array(MODEL.theta(**theta), dtype=np.float64)
    found = predict(MODEL, schedule_for(MODEL, timeline(**changed), np.array([at])), np.array([eta]), theta=values)
    return dict(zip(NAMES, found.value[0, 0].tolist(), strict=True))


def test_pressures_are_those_of_one_elastic_compartment() -> None:
    # C 50 mL/cmH2O, VT 0.5 L, PEEP 5: plateau 15, driving pressure 10
    PBW = 50 + 0.91 * (175 - 152.4)
    found = read(theta={"C_KG": 50 / PBW}, VT=500.0, PEEP=5.0)
    assert found["Pplat"] == pytest.approx(15.0)
    assert found["DP"] == pytest.approx(10.0)


def test_co2_is_made_over_alveolar_ventilation() -> None:
    # VCO2 200 mL/min STPD and 4.3 L/min: PaCO2 = 0.863 x 200 / 4.3 = 40.14 mmHg
    PBW = 50 + 0.91 * (175 - 152.4)
    passed = 420.0 - 2.2 * PBW
    theta = {"VCO2_KG": 200 / 22.414 / PBW, "VDA": 1 - 4300 / (20 * passed)} if 20 * passed > 4300 else {}
    assert theta
    assert read(theta=theta)["PaCO2"] == pytest.approx(40.14, rel=2e-3)


def test_ph_is_henderson_and_hasselbalch() -> None:
    found = read()
    assert found["pH"] == pytest.approx(6.1 + math.log10(24 / (0.0307 * found["PaCO2"])))
    assert read(HCO3=36.0)["pH"] - found["pH"] == pytest.approx(math.log10(1.5))


@pytest.mark.parametrize(("p", "saturation"), [(40, 0.7495), (60, 0.9058), (80, 0.9573), (100, 0.9775), (150, 0.9932)])
def test_saturation_without_a_shunt_is_severinghaus(p: float, saturation: float) -> None:
    # an alveolus at p mmHg: FiO2 (760 - 47) - PaCO2 (FiO2 + (1 - FiO2) / 0.8), solved for FiO2
    theta = {"SHUNT": 1e-9, "DISS": 0.0, "VDA": 0.2}
    PaCO2 = read(theta=theta)["PaCO2"]
    FIO2 = (p + PaCO2 / 0.8) / (713 - PaCO2 + PaCO2 / 0.8)
    assert read(theta=theta, FIO2=FIO2)["SaO2"] == pytest.approx(saturation, abs=1e-4)


def test_alveolar_gas_is_the_full_equation() -> None:
    # PB 760, PaCO2 40, R 0.8: FiO2 0.21 -> 101.83, 0.4 -> 239.2 mmHg; read back through the saturation of unshunted blood
    theta = {"SHUNT": 1e-9, "DISS": 0.0, "VDA": 0.2}
    for FIO2, PAO2 in (0.21, 101.83), (0.40, 239.2):
        PaCO2 = read(theta=theta)["PaCO2"]
        same = {**theta, "VCO2_KG": MODEL.theta().VCO2_KG * 40.0 / PaCO2}
        expected = 1 / (23400 / (PAO2**3 + 150 * PAO2) + 1)
        assert read(theta=same, FIO2=FIO2)["SaO2"] == pytest.approx(expected, abs=2e-5)


def test_a_change_of_rate_washes_co2_in_or_out_exponentially() -> None:
    twin = Twin.create(MODEL, timeline(), seed=1, draws=20)
    times = [1.0 + m / 60 for m in (0, 5, 10, 20, 60)]
    found = twin.play(
        [Setting(RR=10.0, at=1.0), Setting(RR=30.0, at=1.0), Setting(RR=20.0, at=1.0)], 4.0, draws=20, seed=1, at=times
    )
    p = found.tracks["PaCO2"]
    # with a third or half of the ventilation the steady state is PaCO2 x 20 / RR, and the time constant follows it
    before = found.read("PaCO2", "at", times[0])
    for k, RR in enumerate((10.0, 30.0, 20.0)):
        VA = [
            MODEL.individual(MODEL.theta(), MODEL.eta(*row), MODEL.cov(**{**MAN, "RR": RR})) for row in twin.belief.draws.tolist()
        ]
        tau = np.array([v.STORE / (v.VA * v.GAS) for v in VA])
        steady = before[k] * 20 / RR
        for t in times:
            expected = steady + (before[k] - steady) * np.exp(-(t - 1.0) / tau)
            np.testing.assert_allclose(found.read("PaCO2", "at", t)[k], expected, rtol=2e-4)
    assert p.value.shape[0] == 3


@pytest.mark.parametrize("rule", ["nocb", "linear"])
def test_a_setting_is_not_in_force_before_its_time(rule: str) -> None:
    twin = Twin.create(MODEL, timeline(), seed=1, draws=20, rule=rule)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds from its time on"):
        twin.play([Setting(RR=10.0, at=1.0)], 4.0, draws=20, seed=1)


def test_small_breaths_in_a_large_patient_still_ventilate() -> None:
    found = read(VT=200.0, HT=200.0)
    assert 100 < found["PaCO2"] < 1000


def test_a_plateau_tells_the_compliance_and_a_gas_the_dead_space() -> None:
    """C is half and dead space higher: one plateau and one PaCO2 say so, and bring the forecast to the truth."""
    eta = (math.log(0.5), 0.6, 0.1, 0.0)
    truth = read(eta)
    start = Twin.create(MODEL, timeline(), seed=2, draws=2000)
    told = start.told(Observation(1.0, "PPLAT", truth["Pplat"], "cmH2O"), Observation(1.0, "PACO2", truth["PaCO2"], "mmHg"))
    order, asked = Setting(VT=350.0, RR=26.0, at=1.0), [3.0]
    future = read(eta, VT=350.0, RR=26.0)
    for name in ("Pplat", "PaCO2"):
        before, after = (t.play([order], 3.0, draws=2000, seed=2, at=asked).read(name, "at", 3.0)[0] for t in (start, told))
        assert abs(after.mean() - future[name]) < abs(before.mean() - future[name])
        assert abs(after.mean() - future[name]) < 2.5 * after.std() + 0.05 * future[name]
        assert after.std() < 0.5 * before.std()
    # the saturation told nothing, so its band stays
    before, after = (t.play([order], 3.0, draws=2000, seed=2, at=asked).read("SaO2", "at", 3.0)[0] for t in (start, told))
    assert after.std() > 0.8 * before.std()


def test_each_effect_says_what_its_name_says() -> None:
    usual, stiff, dead, making, shunted = (
        read(e) for e in ((0.0,) * 4, (-0.5, 0, 0, 0), (0, 0.5, 0, 0), (0, 0, 0.5, 0), (0, 0, 0, 0.5))
    )
    assert stiff["DP"] == pytest.approx(usual["DP"] * math.exp(0.5))
    assert dead["PaCO2"] > usual["PaCO2"]
    assert making["PaCO2"] == pytest.approx(usual["PaCO2"] * math.exp(0.5))
    assert shunted["SaO2"] < usual["SaO2"]


def test_more_peep_opens_and_more_oxygen_saturates() -> None:
    low, peep, oxygen = read(), read(PEEP=16.0), read(FIO2=0.8)
    assert peep["SaO2"] > low["SaO2"] < oxygen["SaO2"]
    assert peep["Pplat"] == pytest.approx(low["Pplat"] + 6.0)
    assert peep["PaCO2"] == pytest.approx(low["PaCO2"])
