"""Accepts the present recommendations: ``python tests/scenarios/update.py [NAME ...]`` (default: all), printing what changes."""

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "src"), str(Path(__file__).resolve().parents[1])]

from scenarios import runner  # noqa: E402  (the path above makes it importable from anywhere)


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - set(runner.names()))
    if unknown:
        print(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(runner.names())}")
        return 2
    for name in wanted or runner.names():
        new = runner.told(name)
        difference = runner.compare(runner.accepted(name), new)
        print(f"{name}: {difference or 'unchanged'}")
        if difference:
            (runner.FOLDER / name / "recommendation.json").write_text(json.dumps(new, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
