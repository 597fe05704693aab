"""``dosetwin inr``: a patient's INRs as time in range, and the bands of clots and bleeding they were in."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin.cli.common import naming, print_json, terminal
from dosetwin.cli.options import Json
from dosetwin.errors import InputError


def inr(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A FHIR R4 bundle (JSON) or a table (CSV) of one patient.")],
    low: Annotated[float, typer.Option("--low", help="Lower border of the range.")] = 2.0,
    high: Annotated[float, typer.Option("--high", help="Upper border of the range.")] = 3.0,
    as_json: Json = False,
) -> None:
    """Time in range (Rosendaal) of the INRs on record, and how many were in which band of risk."""
    from dosetwin.io.case import read_case
    from dosetwin.outcomes.anticoagulation import risk
    from dosetwin.outcomes.anticoagulation.time_in_range import rosendaal
    from dosetwin.quantities import QUANTITIES

    if not 1.0 <= low < high <= 6.0:
        raise InputError("not a range of INR", where="--low, --high", value=f"{low:g} to {high:g}", allowed="1 to 6, low < high")
    with naming(case):
        timeline = read_case(case, None)
    wrong = [f for f in timeline.findings if f.severity == "error"]
    if wrong:
        raise InputError(" | ".join(dict.fromkeys(map(str, wrong))), where=case.name)
    found = [(o.time / 24.0, o.value) for o in timeline.observations if o.measures == "INR" and o.value is not None]
    found += [(c.time / 24.0, c.value) for c in timeline.covariates if c.name == "INR"]
    for t, v in found:
        if not QUANTITIES["INR"].holds(v):
            raise InputError("an INR that cannot be", where=f"{case.name}, day {t:.0f}", value=f"{v:g}",
                             allowed=QUANTITIES["INR"].possible(), remedy=QUANTITIES["INR"].slip)  # fmt: skip
    if len(found) < 2:
        raise InputError("time in range needs two INRs", where=case.name, value=len(found), allowed=">= 2",
                         remedy="send the INRs with their times")  # fmt: skip
    told = rosendaal(found, low, high)
    bands: list[dict[str, Any]] = [
        {"from": b.low, "to": b.high, "inrs": sum(risk.band(v) is b for _, v in found), "clot_odds": b.clot,
         "bleeding_odds": b.bleed, "text": b.text}
        for b in risk.BANDS
    ]  # fmt: skip
    if as_json:
        print_json({**told.to_json(), "last": max(found)[1], "bands": bands, "bands_source": risk.SOURCE})
        return
    console = terminal()
    if told.days > 0:
        console.print(f"INR {low:g} to {high:g} for {told.inside:.0%} of {told.days:.0f} days ({told.below:.0%} below, "
                      f"{told.above:.0%} above; {told.inrs} INRs, Rosendaal)")  # fmt: skip
    if told.left_out > 0:
        console.print(f"{told.left_out:.0f} days between INRs more than eight weeks apart are left out")
    for b in bands:
        if b["inrs"]:
            top = "and more" if b["to"] > 50 else f"to {b['to']:g}"
            console.print(f"{b['inrs']} INR{'' if b['inrs'] == 1 else 's'} from {b['from']:g} {top}: {b['text']}")
    console.print(f"odds relative to an INR of 2 to 2.5: {risk.SOURCE}")
