"""The stages of the drugs that tell how they work: what is drawn of each, from the models' own constants."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from dosetwin.declare import Facts
from dosetwin.declare.mechanism import Panel, Stage
from dosetwin.formulary._tci import TciPump
from dosetwin.structure import glutathione, insulin_signalling, renin, tci
from dosetwin.structure.anaesthesia import fallen, hill, response, surface

MAN = Facts(WT=70.0, HT=170.0, AGE=40.0, SEX="male")


def _tuple(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def targeted(pump: TciPump, target: float, source: str) -> Stage:
    """From the vein to the site: plasma and effect site while a pump holds a target."""

    def panel() -> Panel:
        order = pump(target, MAN, (), 0.0)
        given = [tci.Given(e.time, e.amount, e.duration) for e in order.doses(0.5)]
        times = np.linspace(0.0, 0.5, 121)[1:]
        levels = tci.concentrations(pump.patient(MAN), given, list(times)) * pump.per_mg_L
        first = times[int(np.argmax(levels[:, 1] >= 0.99 * target))] * 60.0
        curves = {"plasma": _tuple(levels[:, 0]), "effect site": _tuple(levels[:, 1])}
        return Panel(_tuple(times * 60.0), "min", pump.unit, curves,
                     (("highest in plasma", float(levels[:, 0].max()), pump.unit),
                      ("effect site there after", float(first), "min"),
                      ("given in half an hour", sum(g.amount for g in given), "mg")), (target, "target"))  # fmt: skip

    return Stage("tissue", f"to the brain: {pump.called}'s pump, a man of 70 kg and 40 years", panel, source, "secondary")


def _surface() -> Panel:
    from dosetwin import models

    p = models.load("propofol_schnider_1998").theta()
    x = np.linspace(0.0, 8.0, 81)
    curves = {f"with remifentanil {r:g} ng/mL": _tuple(np.array([surface(c, r, p.C50P, p.C50R, p.GAMMA, p.BIS0) for c in x]))
              for r in (0.0, 4.0, 8.0)}  # fmt: skip
    half = p.C50P * (p.BIS0 / 50.0 - 1.0) ** (1.0 / p.GAMMA)
    return Panel(_tuple(x), "propofol at the effect site, ug/mL", "BIS", curves,
                 (("for BIS 50 alone", half, "ug/mL"), ("for BIS 50 with 4 ng/mL", half - p.C50P * 4.0 / p.C50R, "ug/mL"),
                  ("BIS at 3 ug/mL", surface(3.0, 0.0, p.C50P, p.C50R, p.GAMMA, p.BIS0), "")), (60.0, "too light"))  # fmt: skip


def _receptor() -> Panel:
    from dosetwin import models

    p = models.load("propofol_eleveld_2018").theta()
    x = np.geomspace(0.1, 30.0, 80)
    y = [hill(c, p.TVCE50, p.FLAT if c > p.TVCE50 else p.STEEP) for c in x]
    return Panel(_tuple(x), "effect site, ug/mL", "share of the effect", {"share of the largest effect": tuple(y)},
                 (("half effect at 35 years", p.TVCE50, "ug/mL"), ("at 3 ug/mL", hill(3.0, p.TVCE50, p.STEEP), ""),
                  ("slope below half", p.STEEP, "")), log_x=True)  # fmt: skip


def _pressure() -> Panel:
    from dosetwin import models

    p = models.load("propofol_eleveld_2018").theta()
    x = np.linspace(0.0, 6.0, 121)
    fall = [-p.FALL * fallen(c, c, p.C50_1, p.GAMMA_1, p.C50_2, p.GAMMA_2) for c in x]
    at = dict(zip(np.round(x, 3), fall, strict=True))
    return Panel(_tuple(x), "propofol, steady, ug/mL", "mean pressure, mmHg", {"change of mean pressure": tuple(fall)},
                 (("at 1.5 ug/mL", at[1.5], "mmHg"), ("at 3 ug/mL", at[3.0], "mmHg"), ("at most", -p.FALL, "mmHg")),
                 (-25.0, "65 mmHg from 90"))  # fmt: skip


BOUILLON = "Bouillon 2004, Anesthesiology 100:1353, as transcribed in the Python Anesthesia Simulator and stanpumpR"
ELEVELD = "Eleveld 2018, Br J Anaesth 120:942 (recalled); what GABA-A receptors do is inside this curve, no binding is modelled"
JELEAZCOV = "Jeleazcov 2015, Br J Anaesth 115:213, as transcribed in the Python Anesthesia Simulator"


def propofol(pump: TciPump) -> tuple[Stage, ...]:
    """Propofol: concentration and its effect, the site, the monitor, the pressure."""
    return (
        Stage("receptor", "effect by concentration (all that the receptor does, in one curve)", _receptor, ELEVELD, "recalled"),
        targeted(pump, 3.0, "Eleveld 2018; Shafer and Gregg 1992, J Pharmacokinet Biopharm 20:147"),
        Stage("effect", "depth by the monitor, with an opioid beside it", _surface, BOUILLON, "secondary"),
        Stage("toxicity", "mean arterial pressure falls", _pressure, JELEAZCOV, "secondary"),
    )


def _response() -> Panel:
    from dosetwin import models

    p = models.load("remifentanil_minto_1997").theta()
    x = np.linspace(0.0, 8.0, 81)
    said = (p.STIMULUS, p.C50R, p.SLOPE_R, p.C50P, p.SLOPE_P)
    curves = {f"with propofol {c:g} ug/mL": _tuple(np.array([response(c, r, *said) for r in x])) for c in (2.0, 3.0, 4.0)}
    return Panel(_tuple(x), "remifentanil at the effect site, ng/mL", "chance of a response", curves,
                 (("alone with propofol 3", response(3.0, 0.0, *said), ""), ("with 2 ng/mL", response(3.0, 2.0, *said), ""),
                  ("with 4 ng/mL", response(3.0, 4.0, *said), "")), (0.1, "10 %"))  # fmt: skip


def _stimulus() -> Panel:
    from dosetwin import models

    p = models.load("remifentanil_minto_1997").theta()
    x = np.geomspace(0.05, 20.0, 80)
    half = p.C50R * p.STIMULUS
    y = [p.STIMULUS * (1.0 - hill(c, half, p.SLOPE_R)) for c in x]
    return Panel(_tuple(x), "effect site, ng/mL", "stimulus that is left", {"laryngoscopy": tuple(y)},
                 (("without a drug", p.STIMULUS, ""), ("half of it at", half, "ng/mL"),
                  ("left at 4 ng/mL", p.STIMULUS * (1.0 - hill(4.0, half, p.SLOPE_R)), "")), log_x=True)  # fmt: skip


def _falls() -> Panel:
    from dosetwin import models

    p = models.load("remifentanil_minto_1997").theta()
    x = np.linspace(0.0, 20.0, 81)
    y = [-100.0 * hill(c, p.C50M, p.GAMMA_M) for c in x]
    return Panel(_tuple(x), "site of pressure, ng/mL", "mean pressure, %", {"change of mean pressure": tuple(y)},
                 (("half at", p.C50M, "ng/mL"), ("at 4 ng/mL", -100.0 * hill(4.0, p.C50M, p.GAMMA_M), "%"),
                  ("at 10 ng/mL", -100.0 * hill(10.0, p.C50M, p.GAMMA_M), "%")))  # fmt: skip


def remifentanil(pump: TciPump) -> tuple[Stage, ...]:
    """Remifentanil: what is left of a stimulus, the site, the response, the pressure."""
    return (
        Stage("receptor", "the stimulus weakens with concentration", _stimulus, BOUILLON, "secondary"),
        targeted(pump, 4.0, "Minto 1997, Anesthesiology 86:10; Shafer and Gregg 1992, J Pharmacokinet Biopharm 20:147"),
        Stage("effect", "no response to laryngoscopy, beside propofol", _response, BOUILLON, "secondary"),
        Stage("toxicity", "mean arterial pressure falls (of infants)", _falls,
              "Standing 2010, Paediatr Anaesth 20:7, as transcribed in the Python Anesthesia Simulator", "secondary"),
    )  # fmt: skip


REDDYHOFF = "Reddyhoff 2015, J Theor Biol 386:132, curated as BioModels 609; its unit of time is taken for a day"
HOURS = np.linspace(0.0, 48.0, 193)
DOSES = (1.0, 3.0, 5.0)
"""Times the dose of the paper, which is 3.2 g in 70 kg."""
REFILLED = 24.0 / glutathione.Liver().dG + 1.0
"""Times its usual making, at 1/h: acetylcysteine as the therapy's model has it."""


@lru_cache(maxsize=16)
def _course(dose: float, rescue_h: float = np.inf) -> np.ndarray:
    return glutathione.course(HOURS / 24.0, parent=dose, rescue=(rescue_h / 24.0, REFILLED))


def _cleared() -> Panel:
    p = glutathione.Liver()
    curves = {f"{3.2 * d:.2g} g": _tuple(100.0 * _course(d)[:, 3] / p.P0 / d) for d in DOSES}
    by = {"sulphate at first": p.kS * p.S0, "glucuronide": p.kG, "the poison": p.k450}
    total = sum(by.values())
    shares = tuple((f"by {k}", 100.0 * v / total, "%") for k, v in by.items())
    return Panel(_tuple(HOURS), "h", "% of the dose left", curves, shares)


def _glutathione() -> Panel:
    p = glutathione.Liver()
    found = {f"{3.2 * d:.2g} g": _tuple(_course(d)[:, 1] / p.G0) for d in DOSES}
    lowest = tuple((f"lowest after {name}", min(y), "") for name, y in found.items())
    return Panel(_tuple(HOURS), "h", "glutathione, of normal", found, lowest, (0.3, "necrosis below (recalled)"))


def _rescued() -> Panel:
    starts = (4.0, 8.0, 12.0, 16.0, 24.0)
    alone = _course(DOSES[-1])[-1, 4]
    left = [100.0 * _course(DOSES[-1], h)[-1, 4] / alone for h in starts]
    numbers = tuple((f"begun at {h:g} h", v, "%") for h, v in zip(starts, left, strict=True) if h in (4.0, 8.0, 16.0))
    curves = {"adducts at 48 h": tuple(left)}
    return Panel(starts, "acetylcysteine begun, h after 16 g", "adducts, % of none given", curves, numbers)


def _line() -> Panel:
    x = np.linspace(4.0, 24.0, 81)
    curves = {f"{at:g} mg/L at 4 h": _tuple(glutathione.treatment_line(x, at)) for at in (100.0, 150.0, 200.0)}
    numbers = tuple((f"100 line at {h:g} h", glutathione.treatment_line(h, 100.0), "mg/L") for h in (4.0, 8.0, 16.0))
    return Panel(_tuple(x), "h after a single ingestion", "paracetamol, mg/L", curves, numbers)


PARACETAMOL = (
    Stage("pathway", "three ways out: sulphate runs short and the others take more", _cleared, REDDYHOFF, "secondary"),
    Stage("tissue", "glutathione of the liver is used up", _glutathione, REDDYHOFF, "secondary"),
    Stage("effect", "when acetylcysteine begins decides how much is bound", _rescued,
          REDDYHOFF + "; refilling of glutathione at 1/h is assumed", "assumed"),
    Stage("toxicity", "the treatment line: who is treated", _line, "Rumack and Matthew 1975, Pediatrics 55:871 (recalled)",
          "recalled"),
)  # fmt: skip
"""Paracetamol in overdose: how it goes, what it uses up, what acetylcysteine's hour is worth, who is treated."""


VERSYPT = "Versypt 2017, their published program, normal kidneys"


def _enzyme() -> Panel:
    p = renin.Renin()
    x = np.geomspace(0.05, 200.0, 80)
    y = np.array([renin.inhibition(c, p.C50, p.hill) for c in x])
    top = float(renin.course(np.linspace(0.0, 24.0, 97), 10.0)["drug"].max())
    return Panel(_tuple(x), "benazeprilat, ug/L", "converting enzyme inhibited", {"inhibited": _tuple(y)},
                 (("half at", p.C50, "ug/L"), ("highest after 10 mg", top, "ug/L"),
                  ("inhibited there", renin.inhibition(top, p.C50, p.hill), "")), log_x=True)  # fmt: skip


@lru_cache(maxsize=4)
def _fortnight(dose: float) -> dict[str, np.ndarray]:
    return renin.course(np.linspace(0.0, 72.0, 145), dose)


def _loop() -> Panel:
    p, of = renin.Renin(), _fortnight(10.0)
    curves = {"angiotensin II": _tuple(of["AII"] / p.AII0), "angiotensin I": _tuple(of["AI"] / p.AI0),
              "renin": _tuple(of["renin"] / p.R0)}  # fmt: skip
    return Panel(_tuple(np.linspace(0.0, 72.0, 145)), "h of 10 mg once a day", "share of rest", curves,
                 (("angiotensin II at least", min(curves["angiotensin II"]), "of rest"),
                  ("before the next dose", curves["angiotensin II"][-1], "of rest"),
                  ("renin at most", max(curves["renin"]), "of rest")), (1.0, "rest"))  # fmt: skip


def _lowered() -> Panel:
    from dosetwin import models

    p, fall = renin.Renin(), models.load("benazepril_versypt_2017").theta().TVFALL
    curves = {f"{d:g} mg a day": _tuple(-fall * (1.0 - _fortnight(d)["AII"] / p.AII0)) for d in (5.0, 10.0, 40.0)}
    third = tuple((f"mean of the third day, {name.split(' a')[0]}", float(np.mean(y[96:])), "mmHg") for name, y in curves.items())
    return Panel(_tuple(np.linspace(0.0, 72.0, 145)), "h", "mean pressure, mmHg", curves, third)


BENAZEPRIL = (
    Stage("receptor", "the acid takes the converting enzyme", _enzyme, VERSYPT, "secondary"),
    Stage("pathway", "angiotensin II falls, renin rises in answer", _loop, VERSYPT, "secondary"),
    Stage("effect", "mean pressure follows angiotensin II", _lowered, "assumed: 25 mmHg without any angiotensin II", "assumed"),
)  # fmt: skip
"""Benazepril: enzyme, loop, pressure. What harms (potassium, kidney, cough) is in no model here and is left out."""


BRANNMARK = "Brannmark 2013, J Biol Chem 288:9867, as curated (BioModels 448 and 449)"
INSULIN = 10.0
"""nmol/L that comes to the cell at once, as in the paper's experiments."""


@lru_cache(maxsize=2)
def _cell(state: str) -> dict[str, np.ndarray]:
    return insulin_signalling.course(np.linspace(0.0, 30.0, 61), state, INSULIN)


def _at_cell(label: str, of: Callable[[dict[str, np.ndarray]], np.ndarray], ends: str) -> Callable[[], Panel]:
    """A protein after insulin came, in health and in type 2 diabetes."""

    def panel() -> Panel:
        x = np.linspace(0.0, 30.0, 61)
        curves = {"healthy": of(_cell("normal")), "type 2 diabetes": of(_cell("diabetic"))}
        rest = tuple((f"{ends} at rest, {s}", float(y[0]), "%") for s, y in curves.items())
        late = tuple((f"{ends} after 15 min, {s}", float(y[30]), "%") for s, y in curves.items())
        return Panel(
            _tuple(x), "min after 10 nmol/L of insulin", label, {s: _tuple(y) for s, y in curves.items()}, (*late, *rest)
        )

    return panel


def insulin() -> tuple[Stage, ...]:
    """From insulin's receptor to the transporters at the surface of a fat cell, in health and in type 2 diabetes."""
    return (
        Stage("receptor", "insulin's receptor, bound, phosphorylated or taken in",
              _at_cell("receptor, %", lambda x: x["IRins"] + x["IRp"] + x["IRip"] + x["IRi"], "receptor"), BRANNMARK,
              "secondary"),
        Stage("pathway", "protein kinase B, phosphorylated at both sites or at 473",
              _at_cell("PKB, %", lambda x: x["PKB308p473p"] + x["PKB473p"], "PKB"), BRANNMARK, "secondary"),
        Stage("tissue", "GLUT4 at the surface of a fat cell",
              _at_cell("GLUT4 at the surface, %", lambda x: x["GLUT4m"], "GLUT4"), BRANNMARK, "secondary"),
    )  # fmt: skip
