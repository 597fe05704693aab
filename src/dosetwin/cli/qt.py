"""``dosetwin qt``: the class of a drug from a cell's currents, and the dose of a patient whose QT interval was read."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin.cli.common import at_least, naming, print_json, safe, terminal
from dosetwin.cli.options import Json, Seed
from dosetwin.errors import InputError


def classify(
    drug: Annotated[str, typer.Argument(metavar="[DRUG]", help="A training drug; all twelve without one.")] = "",
    beats: Annotated[int, typer.Option("--beats", help="Beats at each dose: 1000 from rest, fewer from stored states.")] = 20,
    potassium: Annotated[float, typer.Option("--potassium", help="External potassium, mmol/L.")] = 5.4,
    cycle: Annotated[float, typer.Option("--cycle", help="ms between beats.")] = 2000.0,
    as_json: Json = False,
) -> None:
    """qNet at 1 to 4 times the usual free peak, failures of repolarisation, and the class that follows (CiPA)."""
    from dosetwin.cli.show import grid
    from dosetwin.outcomes.repolarisation import beats as cell
    from dosetwin.outcomes.repolarisation.drugs import drug as named
    from dosetwin.outcomes.repolarisation.drugs import training

    at_least("--beats", beats, 4, 5000)
    asked = [named(drug)] if drug else list(training().values())
    found = cell.profiles(asked, beats, cycle=cycle, ko=potassium)
    if as_json:
        print_json([p.to_json() for p in found])
        return
    console = terminal()
    table = grid(("drug", "mean qNet", "class", "published", "APD90 at 1, 2, 3, 4 times the peak, ms", "flags"), right=(1,))
    for p in found:
        apds = ", ".join("none" if float("inf") == b.APD90 else f"{b.APD90:.0f}" for b in p.doses)
        table.add_row(p.of.name, f"{p.mean:.4f}", p.risk, p.of.risk or "", apds, ", ".join(p.flags))
    console.print(table)
    console.print(
        f"class by flags first, then by mean qNet: below {cell.HIGH_BELOW} high, below {cell.LOW_ABOVE} intermediate (recalled)"
    )


def advise(
    case: Annotated[Path, typer.Argument(metavar="CASE.json", help="Drug, dose and QT readings of one patient.")],
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The dose that keeps QTc below 500 ms and within 60 ms of baseline, beside what the limits say of the last reading."""
    from dosetwin.cli.show import grid
    from dosetwin.errors import percent
    from dosetwin.io.qt import read_qt
    from dosetwin.outcomes.repolarisation import interval

    at_least("--seed", seed, 0)
    with naming(case):
        record = read_qt(case)
        if record.drug not in interval.RESPONSES:
            raise InputError("no response of QT to this drug is known here", where="drug", value=record.drug,
                             allowed=", ".join(interval.RESPONSES))  # fmt: skip
        response = interval.RESPONSES[record.drug]
        qtc = [(r.conc, interval.corrected(r.qt, r.rr, record.formula)) for r in record.readings]
        if not qtc or qtc[0][0] != 0.0:
            raise InputError("a reading before the drug is needed", where="readings[0]", allowed="conc 0")
        at_peak = next((r.conc for r in record.readings if r.peak), None)
        peak = (record.dose, at_peak) if record.dose and at_peak else None
        patient = interval.QTPatient(response, qtc[0][1]).told(*qtc[1:], peak=peak)
        found = interval.findings(
            potassium=record.potassium, magnesium=record.magnesium, rr=record.readings[-1].rr, qrs=record.qrs
        )
    rows = interval.doses(patient, seed=seed)
    fine = [r for r in rows if r["acceptable"] and r["dose"] > 0]
    best = max(fine, key=lambda r: r["dose"]) if fine else None
    guideline, why = interval.rule(patient, record.dose or max(response.doses))
    out: dict[str, Any] = {
        "patient": record.name,
        "drug": record.drug,
        "baseline_qtc": patient.baseline,
        "qtc": [q for _, q in qtc],
        "dose": 0.0 if best is None else best["dose"],
        "unit": response.dose_unit,
        "rows": rows,
        "status": "stop" if best is None else "recommended",
        "guideline": {"dose": guideline, "why": why, "source": interval.LIMITS},
        "slope": dict(
            zip(("mean", "sd"), (float(patient.posterior()[0][1]), float(patient.posterior()[1][1, 1]) ** 0.5), strict=True)
        ),
        "findings": [f.to_json() for f in found],
        "source": response.source,
    }
    if as_json:
        print_json(out)
        return
    console = terminal()
    head = (
        "no dose keeps the limits: stop, another drug"
        if best is None
        else f"at most {best['dose']:g} {response.dose_unit} {response.often}"
    )
    console.print(safe(f"{record.name}: {head}"), style="bold")
    table = grid(("dose", "QTc at its peak (5 to 95 %), ms", "QTc >= 500", "rise >= 60", ""))
    for r in rows:
        table.add_row(f"{r['dose']:g} {r['unit']}", f"{r['q50']:.0f} ({r['q05']:.0f} to {r['q95']:.0f})", percent(r["p_500"]),
                      percent(r["p_60"]), "" if r["acceptable"] else "not acceptable")  # fmt: skip
    console.print(table)
    console.print(safe(f"by the limits alone: {guideline:g} {response.dose_unit}: {why} ({interval.LIMITS})"), soft_wrap=True)
    for f in found:
        console.print(safe(str(f)), style="yellow", soft_wrap=True)
    console.print(safe(f"Scope: {response.source}; not patients, not the ill"), style="dim", soft_wrap=True)
