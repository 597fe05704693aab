"""Made-up wards: newborns and an ordinary adult per therapy, and all that will ever be recorded of them. No real patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin import formulary, models
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Covariate, DoseEvent, Observation, Timeline
from dosetwin.structure.growth import birth_weight, weight_after_birth

if TYPE_CHECKING:
    from dosetwin.declare import Model, Therapy

WARD, ADULTS = "NICU-demo", "MED-demo"
MODEL, DRUG = "amikacin_neonate", "amikacin"
THERAPIES = "amikacin_neonate, vancomycin_adult, warfarin_inr"
"""What the demo follows where nothing else is said: newborns, and an adult each on what comes after."""
NAMES = ("Ada", "Bo", "Cleo", "Dov", "Enya", "Finn", "Gala", "Hugo", "Iris", "Jo", "Kit", "Luz", "Max", "Nia", "Oz", "Pia")
AHEAD_H = 72.0
"""Made-up data of the first hours are there at once; the rest arrives as the clock reaches it."""


@dataclass(frozen=True)
class Event:
    """One fact: when, under which key, and its ``body`` as a client sends it."""

    at: datetime
    key: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Scripted:
    """One made-up patient, ``at`` whose admission the record begins, and everything that will be recorded, in order of time.

    ``GA`` weeks and ``BW`` kg of a newborn, else None.
    """

    ward: str
    label: str
    name: str
    number: str
    key: str
    sex: str
    birth: datetime
    at: datetime
    events: tuple[Event, ...]
    story: str
    GA: float | None = None
    BW: float | None = None


STORIES = ("usual", "usual", "two drugs", "slow kidney", "kidney turning", "ibuprofen", "wrong level", "cooled", "usual",
           "growth", "usual", "first dose")  # fmt: skip


def babies(n: int, start: datetime, seed: int = 1) -> list[Scripted]:
    """``n`` made-up newborns whose courses began up to two days before ``start`` and go on for three days after it.

    Levels are drawn from the twin's own population model (truth = model with random effects) with its residual error, so the
    demo shows how twins update; it says nothing about how well they would do in real babies.
    """
    return [_baby(k, start, np.random.default_rng([seed, 77, k])) for k in range(n)]


def _baby(k: int, start: datetime, rng: np.random.Generator) -> Scripted:

    story = STORIES[k % len(STORIES)]
    GA = round(float(rng.uniform(36, 40) if story == "cooled" else rng.uniform(24.5, 38)), 1)
    male = float(rng.random() < 0.5)
    BW = round(float(np.clip(birth_weight(GA, male, float(np.clip(rng.normal(0, 0.9), -2, 2))), 0.5, 4.4)), 3)
    past = 1.0 if story == "first dose" else float(rng.uniform(20, 46))
    age = float(rng.uniform(4, 60 if story == "cooled" else 120))
    first = (start - timedelta(hours=past)).replace(second=0, microsecond=0)
    birth = first - timedelta(hours=age)
    interval = 48.0 if GA < 28 else 36.0 if GA < 37 else 30.0
    dose = round(15.0 * weight_after_birth(BW, GA, age / 24.0), 1)

    def kg(h: float) -> float:
        return round(weight_after_birth(BW, GA, (age + h) / 24.0), 3)

    covariates = [(-1.0, "WT", kg(-1.0))] + [(24.0 * d + 5.0, "WT", kg(24.0 * d + 5.0)) for d in range(int(past // 24) + 4)]
    if story == "ibuprofen":
        covariates += [(-1.0, "IBU", 1.0), (71.0, "IBU", 0.0)]
    if story == "cooled":
        covariates += [(-age + 0.5, "COOLING", 1.0), (-age + 72.5, "COOLING", 0.0), (-age + 0.5, "ASPHYXIA", 1.0)]
    scr = float(rng.uniform(0.55, 0.9))
    creatinines, slope = [], {"kidney turning": 0.024, "slow kidney": 0.007}.get(story, -0.003)
    for d in range(int(past // 24) + 4):
        h = 24.0 * d - 0.5
        creatinines.append((h, round(max(scr + slope * max(h, 0.0) + float(rng.normal(0, 0.02)), 0.2), 2)))
    doses = [float(h) for h in np.arange(0.0, past + AHEAD_H, interval)]
    samples = [h for d in doses for h in (d + 1.0, d + 22.0)] if story != "growth" else [d + 22.0 for d in doses]
    levels = _levels(models.load(MODEL), rng, birth, first, GA, BW, male, covariates, creatinines, doses, dose, samples, story)

    def fact(h: float, key: str, kind: str, **said: Any) -> Event:
        return Event(first + timedelta(hours=h), f"demo/{k}/{key}", {"kind": kind, **said})

    events = [fact(h, f"WT/{h:g}/{name}", "covariate", name=name, value=v, unit="kg" if name == "WT" else "1")
              for h, name, v in covariates]  # fmt: skip
    events += [fact(h, f"SCR/{h:g}", "creatinine", value=round(88.4 * v), unit="umol/L", assay="enzymatic")
               for h, v in creatinines]  # fmt: skip
    events += [fact(h, f"dose/{h:g}", "dose", amount=dose, infusion_h=0.5) for h in doses]
    events += [fact(h, f"level/{h:g}", "level", value=v) for h, v in levels]
    events.append(fact(-1 / 3, "culture/0", "culture", result="taken"))
    if k % 4 == 1:
        events.append(fact(30.0, "culture/1", "culture", result="growth", organism="Escherichia coli", drug=DRUG,
                           mic_mg_per_L=4.0, susceptibility="S"))  # fmt: skip
    if story == "two drugs":
        events += _beside(k, first, kg(0.0), past)
    events.sort(key=lambda e: e.at)
    name = NAMES[k % len(NAMES)]
    sex = "male" if male else "female"
    return Scripted(WARD, f"Bed {k + 1}", f"{name} Madeup", f"DEMO-{k + 1:03d}", f"demo/{k}/patient", sex, birth, birth,
                    tuple(events), story, GA, BW)  # fmt: skip


def _levels(
    model: Any,
    rng: np.random.Generator,
    birth: datetime,
    first: datetime,
    GA: float,
    BW: float,
    male: float,
    covariates: list,
    creatinines: list,
    doses: list,
    dose: float,
    samples: list,
    story: str,
) -> list[tuple[float, float]]:
    """(h, mg/L) the made-up laboratory reports."""
    from dosetwin.declare.told import told
    from dosetwin.records import Patient
    from dosetwin.simulate import predict, schedule_for

    who = Patient("made-up", "male" if male else "female", birth, GA, BW, True)
    scr = tuple(Observation(h, "SCR", v, "mg/dL") for h, v in creatinines)
    timeline = Timeline(who, tuple(DoseEvent(float(h), dose, 0.5) for h in doses), scr,
                        tuple(Covariate(h, n, v) for h, n, v in covariates), first, drug=DRUG)  # fmt: skip
    if story in ("kidney turning", "slow kidney"):
        # the kidney that creatinine tells of clears the drug too: levels follow the day's filtration, not a healthy one
        timeline = _injured(timeline, birth, first)
        model = told(model, "filtration")
    eta = 0.9 * np.linalg.cholesky(model.omega_for(1) + 1e-12 * np.eye(len(model.omega_for(1)))) @ rng.standard_normal(
        len(model.omega_for(1)))  # fmt: skip
    name = model.measured_by(DRUG)
    found = predict(model, schedule_for(model, timeline, np.array(samples)), eta[None, :])
    true = found.value[0, :, list(model.outputs).index(name)]
    noisy = true * np.exp(rng.normal(0, 0.08, len(true)))
    if story == "wrong level":
        noisy[-1] = 6.0 * noisy[-1] + 20.0  # drawn from the line that gave the dose
    return [(float(h), round(float(max(v, 0.3)), 1)) for h, v in zip(samples, noisy, strict=True)]


def _injured(timeline: Timeline, birth: datetime, first: datetime) -> Timeline:
    """The course with filtration as its own creatinines, all of them, show it: kinetic GFR over typical between each two."""
    from dosetwin.forecast.kidney.kinetic import kinetic_gfr
    from dosetwin.forecast.kidney.record import from_timeline

    record = from_timeline(timeline)
    born = (birth - first).total_seconds() / 3600.0
    told = ((born + k.start, float(np.log(k.factor))) for k in kinetic_gfr(record))
    return timeline.append(*(Covariate(h, "KIDNEY", value, "1", "made up") for h, value in told))


def adults(followed: "Sequence[tuple[Therapy, Model]]", start: datetime, seed: int = 1) -> list[Scripted]:
    """A made-up patient for each of these therapies: its ordinary facts, its everyday dose for some days, and what it watches
    drawn from the model.
    """
    return [_ordinary(k, t, m, start, np.random.default_rng([seed, 78, k])) for k, (t, m) in enumerate(followed)]


def patients(n: int, followed: "Sequence[tuple[Therapy, Model]]", start: datetime) -> list[Scripted]:
    """The whole demo: ``n`` newborns, and somebody for each other therapy of these that has an everyday dose."""
    return [*babies(n, start), *adults([(t, m) for t, m in followed if t.everyday is not None], start)]


def _ordinary(k: int, therapy: "Therapy", model: "Model", start: datetime, rng: np.random.Generator) -> Scripted:
    from dosetwin.records import Patient
    from dosetwin.simulate import predict, schedule_for

    drug = therapy.drug.name
    said, usual = dict(therapy.typical), therapy.everyday
    assert usual is not None
    amount = therapy.menu.measured(usual.mg(float(said.get("WT", 1.0))))
    days = max(3.0, 4.0 * usual.interval_h / 24.0)
    first = (start - timedelta(days=days - 0.3)).replace(minute=0, second=0, microsecond=0)
    birth = first - timedelta(days=365.25 * float(said.get("AGE", 40.0)))
    doses = [float(h) for h in np.arange(0.0, 24.0 * (days + 5), usual.interval_h)]
    known = {n: float(v) for n, v in said.items() if n in QUANTITIES and isinstance(v, int | float) and not QUANTITIES[n].ages}
    traits = {n: v for n, v in known.items() if QUANTITIES[n].kind == "trait"}
    sex = "male" if said.get("SEX") == "male" else "female"
    timeline = Timeline(
        Patient("made-up", sex, birth, traits=traits), tuple(DoseEvent(h, amount, usual.duration_h, drug=drug) for h in doses),
        (), tuple(Covariate(-1.0, n, v) for n, v in known.items() if n not in traits), first, drug=drug,
    )  # fmt: skip
    watched = model.measured_by(therapy.watched) or next(iter(model.outputs))
    # just before the third dose, and in the morning of later days
    samples = [2.0 * usual.interval_h - 0.5, *(24.0 * d - 0.5 for d in range(int(days) - 1, int(days) + 5))]
    samples = sorted({h for h in samples if h > usual.interval_h})
    omega = model.omega_for(1)
    eta = 0.7 * np.linalg.cholesky(omega + 1e-12 * np.eye(len(omega))) @ rng.standard_normal(len(omega))
    found = predict(model, schedule_for(model, timeline, np.array(samples)), eta[None, :])
    true = found.value[0, :, list(model.outputs).index(watched)]
    values = [round(float(v), 1) for v in true * np.exp(rng.normal(0, 0.05, len(true)))]

    def fact(h: float, what: str, **body: Any) -> Event:
        return Event(first + timedelta(hours=h), f"demo/{therapy.name}/{what}/{h:g}", body)

    unit = model.outputs[watched].unit
    events = [fact(-1.0, n, kind="measured", quantity=n, value=v, unit=QUANTITIES[n].unit) for n, v in known.items()]
    events += [fact(h, "dose", kind="dose", drug=drug, amount=amount, infusion_h=usual.duration_h) for h in doses]
    events += [fact(h, "watched", kind="measured", quantity=therapy.watched, value=max(v, 0.3), unit=unit)
               for h, v in zip(samples, values, strict=True)]  # fmt: skip
    return Scripted(ADULTS, f"Room {k + 1}", f"{NAMES[-k - 1]} Madeup", f"DEMO-A{k + 1:02d}", f"demo/{therapy.name}/patient", sex,
                    birth, first - timedelta(hours=2), tuple(sorted(events, key=lambda e: e.at)), "ordinary")  # fmt: skip


def _beside(k: int, first: datetime, kg: float, past: float) -> list[Event]:
    """Doses of another drug that is hard on the kidney too, as some newborns get them."""
    own = formulary.drug(DRUG).atc
    other = next((d for d in formulary.drugs() for i in d.interactions if any(code.startswith(i.atc) for code in own)), None)
    if other is None or other.one_dose is None:
        return []
    amount = round(sum(other.one_dose.usually(True)) / 2.0 * kg, 0)
    return [Event(first + timedelta(hours=h), f"demo/{k}/beside/{h:g}",
                  {"kind": "dose", "drug": other.name, "amount": amount, "infusion_h": 1.0})
            for h in np.arange(2.0, past + AHEAD_H, 12.0)]  # fmt: skip
