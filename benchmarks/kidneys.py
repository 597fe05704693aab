"""The kidneys of ``advise`` side by side: time per answer, error of tomorrow's filtration, warnings that came true.

``python benchmarks/kidneys.py [--babies N] [--seed S]`` prints the Markdown tables of docs/kidney.md. Synthetic newborns of a
development seed, judged after each baby's third creatinine (or the last, if fewer); the frozen test seeds are for the evaluation.
"""

import argparse
import time

import numpy as np

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney import teller as kidney
from dosetwin.forecast.kidney.carried import Carried
from dosetwin.forecast.kidney.gaussian_process import GaussianProcess
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.vandonge import VanDonge
from dosetwin.forecast.kidney.warning import INJURY_WARNING, injury_risk
from dosetwin.infer import posterior
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.parameters import TEST_SEEDS
from dosetwin.populations.newborn_kidney.records import records
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

FLAGSHIP = models.load("amikacin_neonate")
POLICY = formulary.therapy("amikacin_neonate")


def timeline(record: WardRecord, *doses: DoseEvent) -> Timeline:
    """A ward record as the facts that ``advise`` takes; its clock counts from birth."""
    known = [Covariate(0.0, "PNA", 0.0, "d"), Covariate(0.0, "WT", record.BW, "kg")]
    known += [Covariate(t, "WT", w, "kg") for t, w in zip(*record.weight, strict=True)]
    for name, (times, values) in record.flags.items():
        known += [Covariate(t, name, v) for t, v in zip(times, values, strict=True)]
    scr = tuple(
        Observation(float(t), "SCR", float(s), "mg/dL", assay="idms") for t, s in zip(record.time, record.scr, strict=True)
    )
    return Timeline(Patient(record.id, GA=record.GA, BW=record.BW, synthetic=True), doses, scr, tuple(known), drug="amikacin")


def expected(name: str, facts: Timeline, now: float) -> tuple[float, float | None, str]:
    """Log filtration over typical on the coming day, probability of an injury (None: not said here), the kidney really used."""
    chosen = kidney.choose(name, (FLAGSHIP,), facts, now)
    injury = None if chosen.evidence is None else (chosen.evidence.injury or {}).get(chosen.used, 0.0)
    if chosen.used == "mechanistic":
        return float(posterior(FLAGSHIP, facts, draws=100, seed=1).mode[0]), injury, chosen.used
    told = chosen.tell(facts, now, "locf")
    if told.forecast is not None and told.record is not None:
        injury = float(injury_risk(told.record, told.forecast).unexpected.max())
    return [c.value for c in told.covariates if c.name == "KIDNEY" and c.time <= now + 1e-6][-1], injury, chosen.used


def accuracy(
    truth: str, n: int, seed: int, names: list[str]
) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, bool]]]]:
    """Errors of log filtration per kidney, and (probability of injury, injured) per kidney that forecasts creatinine."""
    from dosetwin.structure.kidney import wu_filtration

    made = cohort(truth, n, seed)  # pyright: ignore[reportArgumentType]
    errors: dict[str, list[float]] = {}
    warned: dict[str, list[tuple[float, bool]]] = {}
    for i, record in enumerate(records(made)):
        if not len(record.time) or any(f.severity == "error" for f in record.findings):
            continue
        now = float(record.time[min(2, len(record.time) - 1)])
        seen = record.until(now)
        hours = np.arange(int(now), int(now) + 24)
        typical = wu_filtration(seen.GA, seen.BW, seen.weight_at(now + 12.0), (now + 12.0) / 24.0).now
        true = float(np.log(made.hidden.GFR[i, hours]).mean() - np.log(typical))
        found = {name: expected(name, timeline(seen), now) for name in names}
        if any(used != name for name, (_, _, used) in found.items() if name != "evidence"):
            continue  # the same babies for every kidney: those where one steps aside are left out
        risk = injury_risk(seen, fitted.load().filter.forecast(seen))  # for its thresholds, which are the record's alone
        ahead = np.log(made.hidden.SCR[i, [int(now + h) for h in risk.hours]])
        for name, (offset, injury, _) in found.items():
            errors.setdefault(name, []).append(offset - true)
            if injury is not None:
                warned.setdefault(name, []).append((injury, bool((ahead > risk.threshold[:, 1]).any())))
    return errors, warned


def seconds(runs: int = 5) -> dict[str, float]:
    """Median processor seconds of one whole ``advise`` (500 draws, all doubts), after one run that is not counted.

    Only the kidneys that can be used here: one that steps aside for a usual baby (no weights) is left out.
    """
    record = records(cohort("A", 1, 820_000))[0]
    now = max(record.time[0], 30.0)
    seen = record.until(float(now))
    facts = timeline(seen, DoseEvent(float(now) - 24.0, round(15.0 * seen.BW), 0.5))
    out = {}
    for name in kidney.NAMES:
        if name != "evidence" and kidney.choose(name, (FLAGSHIP,), facts, float(now)).used != name:
            continue
        taken = []
        for _ in range(runs + 1):
            start = time.process_time()
            advise(facts, Question(POLICY, (FLAGSHIP,), now=float(now), seed=1, told=name))
            taken.append(time.process_time() - start)
        out[name] = float(np.median(taken[1:]))
    return out


def forecast_ms(runs: int = 9) -> dict[str, float]:
    """Median processor milliseconds of one forecast of a baby four weeks old with daily results, compiled before (bar: 5)."""
    whole = records(cohort("A", 1, 820_000))[0]
    out = {}
    for forecaster in (fitted.load().filter, VanDonge(), GaussianProcess(), Carried()):
        forecaster.forecast(whole)
        taken = []
        for k in range(runs):
            record = whole.until(whole.now - k - 1.0)
            start = time.process_time()
            forecaster.forecast(record)
            taken.append(1000.0 * (time.process_time() - start))
        out[forecaster.name] = float(np.median(taken))
    return out


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--babies", type=int, default=400, help="per truth")
    parser.add_argument("--seed", type=int, default=820_001)
    given = parser.parse_args()
    if given.seed >= min(TEST_SEEDS):
        parser.error("that seed is kept for the evaluation")
    fast = seconds()
    print("| kidney | advise, processor s |" + "\n|---|---|")
    for name, s in fast.items():
        print(f"| {name} | {s:.2f} |")
    print("\n| forecaster | one forecast, processor ms |\n|---|---|")
    for name, ms in forecast_ms().items():
        print(f"| {name} | {ms:.2f} |")
    print("\n| truth | babies | " + " | ".join(fast) + " |\n|---|---|" + "---|" * len(fast))
    warnings = []
    for truth in "ABC":
        errors, warned = accuracy(truth, given.babies, given.seed, list(fast))
        size = len(next(iter(errors.values()), []))
        cells = [f"{np.sqrt(np.mean(np.square(errors[name]))):.3f}" if errors.get(name) else "-" for name in fast]
        print(f"| {truth} | {size} | " + " | ".join(cells) + " |")
        for name, pairs in warned.items():
            p, hit = (np.array(x) for x in zip(*pairs, strict=True))
            said = p >= INJURY_WARNING
            came = f"{hit[said].mean():.0%}" if said.any() else "-"
            caught = f"{said[hit].mean():.0%}" if hit.any() else "-"
            warnings.append(f"| {truth} | {name} | {hit.mean():.0%} | {said.mean():.0%} | {came} | {caught} |")
    print(f"\n| truth | kidney | injured within 3 d | warned (from {INJURY_WARNING:.0%}) | of the warned, injured | caught |")
    print("|---|---|---|---|---|---|\n" + "\n".join(warnings))


if __name__ == "__main__":
    main()
