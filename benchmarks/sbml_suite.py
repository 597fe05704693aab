"""The SBML Test Suite: which cases we run to the suite's own tolerances, which we refuse and why, and which come out wrong.

    python benchmarks/sbml_suite.py [--jobs 2] [--every 1]

Reads `sbml/sbml_test_suite.zip` and `sbml/cases.json` of the shared reference folder (DOSETWIN_SHARED). A case is wrong when one
number is further from the suite's than absolute + relative x |the suite's|. Ends with 1 when a case is wrong.
"""

import argparse
import csv
import io
import json
import math
import os
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from dosetwin.errors import DosetwinError
from dosetwin.io.sbml import Network, Unsupported, every_expression, read_sbml
from dosetwin.io.sbml_math import parts, symbols
from dosetwin.io.sbml_settings import read_settings
from dosetwin.sbml.run import run

PASS, REFUSED, INVALID, WRONG = "pass", "refused", "invalid", "wrong"


def tags(n: Network) -> Iterator[str]:
    """What a network uses, in the suite's words where it has them."""
    yield f"L{n.level}V{n.version}"
    used = {p[0] for e in every_expression(n) for p in parts(e)}
    yield from (t for t, has in {
        "AssignmentRule": n.assigned, "RateRule": n.rated, "InitialAssignment": n.initial, "Piecewise": "piecewise" in used,
        "Event": n.events, "EventDelay": any(e.delay is not None for e in n.events),
        "EventPriority": any(e.priority is not None for e in n.events),
        "EventNotPersistent": any(not e.persistent for e in n.events),
        "EventValuesAtExecution": any(not e.at_trigger for e in n.events),
        "rateOf": any(s.startswith("rate of ") for e in every_expression(n) for s in symbols(e)),
        "ConversionFactor": n.conversion or any(s.conversion for s in n.symbols.values()),
        "NonConstantCompartment": any(s.kind == "compartment" and not s.constant for s in n.symbols.values()),
        "HasOnlySubstanceUnits": any(s.only_substance for s in n.symbols.values()),
        "StoichiometryById": any(not isinstance(p.times, float) for r in n.reactions for p in r.parts),
    }.items() if has)  # fmt: skip


def judge(archive: Path, case: str) -> tuple[str, str, str, list[str]]:
    """(case, verdict, why, tags) of one case."""
    with zipfile.ZipFile(archive) as z, tempfile.TemporaryDirectory() as folder:
        files = [n for n in z.namelist() if n.startswith(f"{case}/")]
        z.extractall(folder, files)
        here = Path(folder) / case
        want = list(csv.reader(io.StringIO(z.read(f"{case}/{case}-results.csv").decode())))
        found: list[str] = []
        try:
            network = read_sbml(next(here.glob("*.xml")))
            found = list(tags(network))
            settings = read_settings(here / f"{case}-settings.txt")
            rows = run(network, settings)
        except Unsupported as error:
            return case, REFUSED, str(error), found
        except DosetwinError as error:
            return case, INVALID, str(error), found
    bad = ""
    expected = [[float(v) for v in r] for r in want[1:] if r]
    if len(expected) != len(rows):
        bad = f"{len(rows)} rows instead of {len(expected)}"
    for (time, *theirs), ours in zip(expected, rows, strict=False):
        for name, a, b in zip(settings.variables, theirs, ours, strict=True):
            near = a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= settings.absolute + settings.relative * abs(a)
            bad = bad or ("" if near else f"{name} at {time:g}: {b:.8g} instead of {a:.8g}")
    return case, WRONG if bad else PASS, bad, found


def main() -> int:
    """Run the suite and print the counts by list, level and tag."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("--every", type=int, default=1, help="only every n-th case")
    asked = ask.parse_args()
    folder = Path(os.environ.get("DOSETWIN_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data" / "sbml"
    archive = folder / "sbml_test_suite.zip"
    if not archive.is_file():
        print("no sbml_test_suite.zip: set DOSETWIN_SHARED")
        return 0
    lists = json.loads((folder / "cases.json").read_text())
    member = {case: name for name, cases in lists.items() for case in cases}
    with ProcessPoolExecutor(asked.jobs) as pool:
        told = list(pool.map(partial(judge, archive), sorted(member)[:: asked.every], chunksize=8))
    groups: dict[str, Counter[str]] = {}
    for case, verdict, _, found in told:
        for group in ("all", member[case], *found):
            groups.setdefault(group, Counter())[verdict] += 1
    print(f"{'group':28}" + "".join(f"{v:>9}" for v in (PASS, REFUSED, INVALID, WRONG)))
    for group, counts in groups.items():
        print(f"{group:28}" + "".join(f"{counts[v]:9d}" for v in (PASS, REFUSED, INVALID, WRONG)))
    for case, verdict, why, _ in told:
        if verdict != PASS:
            print(f"{case} {verdict}: {why}")
    return int(any(t[1] == WRONG for t in told))


if __name__ == "__main__":
    sys.exit(main())
