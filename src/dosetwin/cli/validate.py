"""``dosetwin validate``: virtual cohorts against published tables, printed as found."""

from pathlib import Path
from typing import Any

from dosetwin.cli.common import at_least, output_path, print_json, progress, terminal, write_whole
from dosetwin.errors import DosetwinError

N, N_QUICK = 2000, 200


def run(*, markdown: Path | None, quick: bool, n: int | None, seed: int | None, as_json: bool) -> None:
    """Run every check, print the table, and write it as Markdown when asked. A miss is data, not an error: exit code 0."""
    at_least("--seed", seed, 0)
    at_least("--n", n, 50, 1_000_000)
    target = output_path("--markdown", markdown)
    try:
        from dosetwin.evaluate import validate
    except ImportError as error:
        raise DosetwinError(f"this build has no validation ({error})") from None
    n = n if n is not None else N_QUICK if quick else N
    seed = validate.SEED if seed is None else seed
    with progress("validating against published tables", 1) as tell:
        found = validate.run(n=n, seed=seed, progress=tell)
    checks = [c.to_json() for c in found]
    if target is not None:
        write_whole(target, validate.markdown(found, n=n, seed=seed))
    if as_json:
        print_json(checks)
        return
    from rich.table import Table

    console = terminal()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in HEADS:
        table.add_column(title, overflow="fold")
    for c in checks:
        table.add_row(*cells(c), style=None if c["pass"] else "yellow")
    console.print(table)
    passed = sum(bool(c["pass"]) for c in checks)
    console.print(f"{passed} of {len(checks)} checks inside their band; cohorts of {n}, seed {seed}", style="bold")
    for c in checks:
        if not c["pass"]:
            console.print(f"miss: {c['check']} ({c.get('model', '')}): {c.get('cause') or 'cause not known'}", style="yellow")
    if target is not None:
        console.print(f"written: {target}")


HEADS = ("check", "model", "source", "published", "simulated", "MC error", "band", "")


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def cells(c: dict[str, Any]) -> list[str]:
    """One check as table cells."""
    band = c["band"]
    text = " to ".join(_number(float(b)) for b in band) if isinstance(band, list | tuple) else _number(band)
    unit = f" {c['unit']}" if c.get("unit") else ""
    return [str(c["check"]), str(c.get("model", "")), str(c["source"]), _number(c["published"]) + unit,
            _number(c["simulated"]) + unit, _number(c["mc_error"]), text, "pass" if c["pass"] else "MISS"]  # fmt: skip
