"""What each study did, done again with virtual babies: one function per study, returning the figures it printed.

Every function takes a model, the number of babies and a seed, and returns figure name -> Found. They compute; they judge nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosetwin import formulary
from dosetwin.declare import Facts, Model, Says
from dosetwin.errors import InputError
from dosetwin.evaluate.pages.amikacin_newborns import studies
from dosetwin.populations.newborn.draws import Babies, Population, normals, spread
from dosetwin.quantities import UMOL_PER_MG_DL
from dosetwin.quantities.assays import idms_to_jaffe
from dosetwin.records import Covariate, DoseEvent, Every, Patient, Timeline
from dosetwin.simulate import schedule_many, simulate
from dosetwin.structure.growth import body_surface, length

NEEDS_NOTHING_ELSE = {"GA", "BW", "WT", "PNA", "PMA", "SEX", "IBU", "ASPHYXIA", "COOLING"}
"""Covariates that virtual babies have."""
TENTH_CENTILE = -1.2815515655


@dataclass(frozen=True)
class Found:
    """A simulated figure with its Monte-Carlo standard error; ``extra`` goes into the check's JSON."""

    value: float
    mc_error: float
    extra: tuple[tuple[str, float], ...] = ()


Comparison = Callable[[Model, int, int], Mapping[str, Found]]


def percent(hits: np.ndarray) -> Found:
    """Share of True in %, with the binomial standard error (never 0: half a hit is added)."""
    n = len(hits)
    p = (float(np.sum(hits)) + 0.5) / (n + 1)
    return Found(100.0 * float(np.mean(hits)), 100.0 * math.sqrt(p * (1.0 - p) / n))


def mean(values: np.ndarray) -> Found:
    """Mean and its standard error."""
    return Found(float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values)))


def geometric_mean(values: np.ndarray) -> Found:
    """Geometric mean and its standard error."""
    logs = np.log(values)
    centre = math.exp(float(np.mean(logs)))
    return Found(centre, centre * float(np.std(logs, ddof=1)) / math.sqrt(len(values)))


def individual(model: Model, babies: Babies, name: str) -> np.ndarray:
    """Individual parameter ``name`` of each baby at time 0, [n]."""
    values, theta, etas = babies.values(), model.theta(), babies.etas(model)
    zeros = np.zeros(len(babies))
    columns = np.column_stack([values.get(c, zeros) for c in model.covs])
    return np.array([
        getattr(model.individual(theta, model.eta(*e), model.cov(*c)), name)
        for e, c in zip(etas.tolist(), columns.tolist(), strict=True)
    ])  # fmt: skip


def levels(
    model: Model, babies: Babies, doses: Sequence[Sequence[DoseEvent]], times: np.ndarray, *, grow_to: float | None = None
) -> np.ndarray:
    """True values [n, n_times, n_outputs] at ``times`` [n, n_times] h; a level at the time of a dose is drawn before it."""
    timelines = [babies.timeline(i, doses[i], grow_to=grow_to) for i in range(len(babies))]
    return simulate(model, schedule_many(model, timelines, list(times)), babies.etas(model)).cube()


def output_of(model: Model, measures: str) -> int:
    """Column of the output that predicts ``measures``. Raises InputError where the model has none."""
    name = model.measured_by(measures)
    if name is None:
        raise InputError(f"{model.name} does not predict {measures}", where="validate")
    return list(model.outputs).index(name)


def amikacin(model: Model, babies: Babies, doses: Sequence[Sequence[DoseEvent]], times: np.ndarray) -> np.ndarray:
    """True amikacin levels [n, n_times], mg/L."""
    return levels(model, babies, doses, times)[:, :, output_of(model, "amikacin")]


def as_measured(model: Model, babies: Babies, true: np.ndarray) -> np.ndarray:
    """Amikacin levels with the model's residual error, from the stream ``residual``."""
    residual = model.outputs[list(model.outputs)[output_of(model, "amikacin")]].residual
    return residual.measured(true, normals(babies.seed, f"{babies.name}/residual", *true.shape))


def ruled(babies: Babies, rule: str, *, ibuprofen: bool = False) -> list[Says]:
    """What a standard rule says for each baby. Raises InputError where it says nothing."""
    found = []
    for WT, GA, PMA, PNA in zip(babies.WT, babies.GA, babies.PMA, babies.PNA, strict=True):
        says = formulary.rule(rule).advise(
            Facts(WT=float(WT), GA=float(GA), PMA=float(PMA), PNA=float(PNA), IBU=float(ibuprofen))
        )
        if isinstance(says, str):
            raise InputError(says, where="validate", value=rule)
        found.append(says)
    return found


def courses(babies: Babies, says: Sequence[Says], infusion: float, n_doses: int, longer: float = 0.0):
    """Doses of each baby and its interval: (list of doses, intervals [n])."""
    intervals = np.array([s.interval + longer for s in says])
    doses = [
        Every(s.amount * float(kg), float(tau), infusion).doses((n_doses - 0.5) * float(tau))
        for s, kg, tau in zip(says, babies.WT, intervals, strict=True)
    ]
    return doses, intervals


def _draw(population: Population | None, n: int, seed: int) -> Babies:
    assert population is not None
    return population.draw(n, seed)


def smits(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Smits 2015: early troughs and peaks under the De Cock rule."""
    babies = _draw(studies.SMITS.population, n, seed)
    doses, tau = courses(babies, ruled(babies, "decock_smits"), 20 / 60, 2)
    true = amikacin(model, babies, doses, np.column_stack([tau, tau + 1.0]))
    seen = as_measured(model, babies, true)

    def both(column: int, hit: Callable[[np.ndarray], np.ndarray]) -> Found:
        share = percent(hit(seen[:, column]))
        return replace(share, extra=(("without_residual", percent(hit(true[:, column])).value),))

    return {
        "peak_above_24": both(1, lambda c: c > 24.0),
        "trough_below_3": both(0, lambda c: c < 3.0),
        "trough_to_5": both(0, lambda c: c <= 5.0),
    }


def smits_steady(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Smits 2015, simulated part: troughs at steady state in the cells of the rule, without and with ibuprofen."""
    found: dict[str, Found] = {}
    babies = _draw(studies.SMITS_STEADY.population, n, seed)
    for ibuprofen in (False, True) if "IBU" in model.covs else (False,):
        treated = babies.under(IBU=1.0) if ibuprofen else babies
        says = ruled(treated, "decock_smits", ibuprofen=ibuprofen)
        doses, tau = courses(treated, says, 20 / 60, 4)
        trough = amikacin(model, treated, doses, 4.0 * tau[:, None])[:, 0]
        cells = {(s.amount, s.interval) for s in says}
        rows = np.array([(s.amount, s.interval) for s in says])
        shares = [percent(trough[hit] < 3.0) for c in sorted(cells) if (hit := (rows == c).all(axis=1)).sum() >= 10]
        tail = "_ibuprofen" if ibuprofen else ""
        found[f"weakest{tail}"] = min(shares, key=lambda s: s.value)
        found[f"strongest{tail}"] = max(shares, key=lambda s: s.value)
    return found


def cristea(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Cristea 2017: troughs above 5 mg/L in cooled babies."""
    babies = _draw(studies.CRISTEA.population, n, seed).under(ASPHYXIA=1.0, COOLING=1.0)
    found = {}
    for name, rule in (("de_cock_rule", "decock_smits"), ("q24", "bnfc")):
        for tail, longer in (("", 0.0), ("_plus_12", 12.0)):
            doses, tau = courses(babies, ruled(babies, rule), 20 / 60, 1, longer)
            found[name + tail] = percent(amikacin(model, babies, doses, tau[:, None])[:, 0] > 5.0)
    return found


def treluyer(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Treluyer 2002: clearance per kg of term babies at four ages."""
    babies = _draw(studies.TRELUYER.population, n, seed)
    found = {}
    for day in (5, 15, 24, 29):
        then = babies.aged(day)
        found[f"day_{day}"] = mean(individual(model, then, "CL") / then.WT)
    return found


def one_compartment(t: np.ndarray, c: np.ndarray, trough: np.ndarray, infusion: float, dose: np.ndarray):
    """One-compartment analysis at steady state (Sawchuk and Zaske): (k 1/h, V L), each [n].

    ``t`` [n, m] h after the start of the infusion and levels ``c`` [n, m] after its end, ``trough`` [n] before it, ``dose`` mg.
    """
    logs = np.log(c)
    tm, lm = t.mean(axis=1, keepdims=True), logs.mean(axis=1, keepdims=True)
    k = -((t - tm) * (logs - lm)).sum(axis=1) / ((t - tm) ** 2).sum(axis=1)
    end = np.exp(lm[:, 0] + k * (tm[:, 0] - infusion))
    gone = np.exp(-k * infusion)
    return k, dose / infusion * (1.0 - gone) / (k * (end - trough * gone))


def _day_three(model: Model, babies: Babies, mg_per_kg: float, tau: np.ndarray, infusion: float, after: np.ndarray):
    """Levels on day 3 of a constant regimen: (dose mg [n], trough at 72 h [n], levels ``after`` [n, m] h later)."""
    amount = mg_per_kg * babies.WT
    doses = [Every(float(a), float(i), infusion).doses(72.0 + 0.5 * float(i)) for a, i in zip(amount, tau, strict=True)]
    times = 72.0 + np.column_stack([np.zeros(len(babies)), after])
    c = amikacin(model, babies, doses, times)
    return amount, c[:, 0], c[:, 1:]


def kenyon(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Kenyon 1990: half-life and clearance of preterm babies from four samples at steady state."""
    babies = _draw(studies.KENYON.population, n, seed)
    tau = np.where(babies.PNA < 7.0, 12.0, 8.0)
    after = np.column_stack([np.full(n, 1.25), 0.4 * tau, 0.7 * tau])
    dose, trough, c = _day_three(model, babies, 7.5, tau, 0.75, after)
    # at steady state the trough also stands one interval later
    k, V = one_compartment(np.column_stack([after, tau]), np.column_stack([c, trough]), trough, 0.75, dose)
    return {"half_life": mean(math.log(2.0) / k), "clearance": mean(k * V / babies.WT)}


def botha(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Botha 1998: clearance, volume and half-life near term."""
    babies = _draw(studies.BOTHA.population, n, seed)
    tau = np.full(n, 12.0)
    dose, trough, c = _day_three(model, babies, 7.5, tau, 0.5, np.ones((n, 1)))
    t = np.column_stack([np.ones(n), tau])
    k, V = one_compartment(t, np.column_stack([c, trough]), trough, 0.5, dose)
    clearance = individual(model, babies, "CL") / babies.WT
    return {"clearance": mean(clearance), "volume": mean(V / babies.WT), "half_life": mean(math.log(2.0) / k)}


def hughes(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """J Pediatr Pharmacol Ther 2017;22:33: peaks under NeoFax."""
    babies = _draw(studies.HUGHES.population, n, seed)
    doses, tau = courses(babies, ruled(babies, "neofax"), 0.5, 3)
    true = amikacin(model, babies, doses, 2.0 * tau[:, None] + 1.0)
    peak = as_measured(model, babies, true)[:, 0]
    return {"peak_20_35": percent((peak >= 20.0) & (peak <= 35.0)), "peak_above_35": percent(peak > 35.0)}


def allegaert(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Allegaert 2006: clearance scaled to 70 kg at two ages, and its fall under a NSAID."""
    population = studies.ALLEGAERT.population
    assert population is not None
    found = {}
    for weeks in (24, 30):
        babies = replace(population, PMA=spread(weeks, weeks, weeks)).draw(n, seed)
        found[f"clearance_{weeks}"] = geometric_mean(individual(model, babies, "CL") * (70.0 / babies.WT) ** 0.75)
    if "IBU" in model.covs:
        babies = population.draw(n, seed)
        ratio = geometric_mean(individual(model, babies.under(IBU=1.0), "CL") / individual(model, babies, "CL"))
        # the ratio is the same for every baby where ibuprofen is a plain factor: what is left is rounding
        error = 0.0 if ratio.mc_error < 1e-9 else 100.0 * ratio.mc_error
        found["nsaid"] = Found(100.0 * (1.0 - ratio.value), error)
    return found


def small_for_age(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Allegaert 2007: the fall of clearance in babies small for gestational age, beyond size and age."""
    babies = _draw(studies.SGA.population, n, seed)
    y = np.log(individual(model, babies, "CL")) - 0.75 * np.log(babies.WT)
    X = np.column_stack([np.ones(n), babies.PMA - 30.0, babies.z < TENTH_CENTILE])
    b, *_ = np.linalg.lstsq(X, y, rcond=None)
    variance = float(np.sum((y - X @ b) ** 2)) / (n - 3) * np.linalg.inv(X.T @ X)[2, 2]
    factor = math.exp(float(b[2]))
    return {"sga": Found(100.0 * (1.0 - factor), 100.0 * factor * math.sqrt(variance))}


def adult_physiology(model: Model, kg: float = 70.0) -> np.ndarray:
    """The flagship's typical values with an adult's physiology (see studies.WALKER): linear in weight around ``kg``."""
    adult = {
        "BW_REF": kg, "WT_REF": kg, "BW_WU": kg, "BW_CL": 0.75, "PNA_CL": 0.0, "WT_V1": 1.0, "WT_GFR": 0.75,
        "GFR_BIRTH": 121.2, "GFR_MAX": 121.2, "TVCL": model.theta().FU * 121.2 * 0.06, "TVV1": 0.20 * kg,
        "BLOOD": 0.075, "HCT": 0.45, "FLOW": 0.08 * 60.0 * 0.55, "RENAL": 0.19,
    }  # fmt: skip
    return np.array(model.theta(**adult))


def walker(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Walker 1979: the mean profile of ten adults after 500 mg."""
    kg = Population("walker_1979", PNA=spread(0, 0, 0), GA=spread(40, 40, 40)).draw(n, seed)
    WT = np.array([44.5, 82.5]) @ np.vstack([1.0 - (u := _ranks(kg.z)), u])
    times = np.array(studies.WALKER_TIMES)
    dose = DoseEvent(0.0, 500.0, 4 / 60)
    timelines = []
    for i, w in enumerate(WT.tolist()):
        known = {"WT": w, "BW": w, "GA": 40.0, "PNA": 0.0, "CLCR": 100.0, "POVERF": 450.0}
        timelines.append(Timeline(Patient(f"walker-{i}", synthetic=True), doses=(dose,),
                                  covariates=tuple(Covariate(0.0, name, v) for name, v in known.items())))  # fmt: skip
    theta = adult_physiology(model) if "CLCR" not in model.covs else None
    schedule = schedule_many(model, timelines, [times] * n)
    c = simulate(model, schedule, kg.etas(model), theta=theta).cube()[:, :, output_of(model, "amikacin")]

    def folds(rows: np.ndarray) -> tuple[float, float]:
        off = np.abs(np.log(rows.mean(axis=0) / np.array(studies.WALKER_MEANS)))
        return math.exp(float(off.mean())), math.exp(float(off.max()))

    blocks = np.array_split(np.arange(n), 20)
    left_out = np.array([folds(np.delete(c, block, axis=0)) for block in blocks])
    error = np.sqrt(19 / 20 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    means = tuple((f"mean_at_{t:g}_h", float(m)) for t, m in zip(times, c.mean(axis=0), strict=True))
    profile, worst = folds(c)
    return {"profile": Found(profile, float(error[0]), means), "worst": Found(worst, float(error[1]))}


def _ranks(z: np.ndarray) -> np.ndarray:
    """Normal scores to (0, 1)."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z.tolist()])


def creatinine(model: Model, babies: Babies, days: Sequence[float]) -> np.ndarray:
    """Creatinine mg/dL [n, n_days] of untreated babies at PNA ``days``."""
    newborn = babies.aged(0.0)
    times = np.tile(24.0 * np.array(days), (len(newborn), 1))
    return levels(model, newborn, [()] * len(newborn), times, grow_to=max(days))[:, :, output_of(model, "SCR")]


def van_donge(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """van Donge 2021: typical creatinine of extremely small babies."""
    found = {}
    for GA, published in studies.VAN_DONGE_SCR.items():
        one = np.array([float(GA)])
        zero = np.zeros(1)
        baby = Babies("van_donge_2021", seed, one, np.array([studies.VAN_DONGE_BW[GA]]), zero, zero, zero)
        timeline = baby.timeline(0, grow_to=28.0)
        schedule = schedule_many(model, [timeline], [24.0 * np.array([0.0, 3.0, 14.0, 28.0])])
        typical = simulate(model, schedule).cube()[0, :, output_of(model, "SCR")]
        fold = np.exp(np.abs(np.log(typical / np.array(published))))
        days = tuple((f"day_{day}", float(s)) for day, s in zip((0, 3, 14, 28), typical, strict=True))
        found[f"ga_{GA}"] = Found(float(fold.max()), 0.0, days)
    return found


def boer(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Boer 2010: creatinine of term babies on day 1."""
    seen = creatinine(model, _draw(studies.BOER.population, n, seed), [0.5])
    return {"day_1": mean(UMOL_PER_MG_DL * seen[:, 0])}


def gordjani(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Gordjani 1988: creatinine of three groups of gestational age on days 1 and 10."""
    found = {}
    for group, weeks in studies.GORDJANI_GROUPS.items():
        babies = Population(f"gordjani_1988/{group}", PNA=spread(0, 0, 0), GA=spread(*weeks)).draw(n, seed)
        jaffe = UMOL_PER_MG_DL * np.vectorize(idms_to_jaffe)(creatinine(model, babies, [0.5, 10.0]))
        found[f"{group}_day_1"], found[f"{group}_day_10"] = mean(jaffe[:, 0]), mean(jaffe[:, 1])
    return found


def li(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Li 2025, table 5: steady state of babies of one weight and age, creatinine uniform within each band; no residual error.

    One compartment: peak at the end of the infusion, trough 30 min before the next dose, in closed form.
    """
    found: dict[str, Found] = {}
    z = normals(seed, "li_2025", n, 3)
    names = list(model.eta_names)
    etas = z[:, :2] * np.sqrt(np.diag(model.omega_for(1)))[[names.index("CL"), names.index("V")]]
    share, hours, dose = _ranks(z[:, 2]), 0.5, studies.LI_MG_PER_KG * studies.LI_WT
    for band, (low, high) in studies.LI_BANDS.items():
        scr = (low + share * (high - low)) / UMOL_PER_MG_DL
        each = [
            model.individual(
                model.theta(), model.eta(CL=a, V=b), model.cov(WT=studies.LI_WT, PMA=studies.LI_PMA, SCR=s, PNA=30.0)
            )
            for (a, b), s in zip(etas.tolist(), scr.tolist(), strict=True)
        ]
        CL, k = np.array([p.CL for p in each]), np.array([p.CL / p.V for p in each])
        peak = dose / hours / CL * (1.0 - np.exp(-k * hours)) / (1.0 - np.exp(-k * 24.0))
        trough = peak * np.exp(-k * (24.0 - 2 * hours))
        found[f"trough_{band}"] = percent(trough < 5.0)
        found[f"peak_{band}"] = percent((peak >= 20.0) & (peak <= 35.0))
    return found


def smeets(model: Model, n: int, seed: int) -> Mapping[str, Found]:
    """Smeets 2022: filtration of term babies."""
    babies = _draw(studies.SMEETS.population, n, seed)
    found = {}
    for day in (1, 5, 28):
        then = babies.aged(day)
        tall = [length(g + day / 7.0, m) for g, m in zip(then.GA, then.male, strict=True)]
        surface = np.array([body_surface(w, h) for w, h in zip(then.WT, tall, strict=True)])
        found[f"day_{day}"] = mean(individual(model, then, "GFR") * 1.73 / surface)
    return found


def _newborn(model: Model) -> bool:
    return model.drug == "amikacin" and set(model.covs) <= NEEDS_NOTHING_ELSE


def _has_creatinine(model: Model) -> bool:
    return _newborn(model) and model.measured_by("SCR") is not None


COMPARISONS: Mapping[str, tuple[Comparison, Callable[[Model], bool]]] = {
    "smits_2015": (smits, _newborn),
    "smits_2015_steady": (smits_steady, _newborn),
    "cristea_2017": (cristea, lambda m: _newborn(m) and "COOLING" in m.covs),
    "treluyer_2002": (treluyer, _newborn),
    "kenyon_1990": (kenyon, _newborn),
    "botha_1998": (botha, _newborn),
    "hughes_2017": (hughes, _newborn),
    "allegaert_2006": (allegaert, _newborn),
    "allegaert_2007": (small_for_age, _newborn),
    "walker_1979": (walker, lambda m: m.drug == "amikacin" and ("CLCR" in m.covs or "GFR_BIRTH" in m.thetas)),
    "van_donge_2021": (van_donge, _has_creatinine),
    "boer_2010": (boer, _has_creatinine),
    "gordjani_1988": (gordjani, _has_creatinine),
    "li_2025": (li, lambda m: m.name == "amikacin_li_2025"),
    "smeets_2022": (smeets, lambda m: _has_creatinine(m) and "GFR_BIRTH" in m.thetas),
}
"""Study -> (how it is done again, whether a model can take part)."""
