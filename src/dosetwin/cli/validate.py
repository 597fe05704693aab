"""``dosetwin validate``: what the program finds beside what others found, page by page, printed as found."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin.cli.common import at_least, output_path, print_json, progress, terminal, write_whole
from dosetwin.cli.options import Json


def validate(
    page: Annotated[str, typer.Argument(metavar="[PAGE]", help="One page by its name, such as beds; all by default.")] = "",
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the table as a Markdown page.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller cohorts: a glance, not the record.")] = False,
    n: Annotated[int | None, typer.Option("--n", help="Virtual patients (or runs) per study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the virtual patients.")] = None,
    as_json: Json = False,
) -> None:
    """What others published beside what the program finds, page by page; a miss is printed as a miss."""
    from dosetwin.evaluate import pages

    at_least("--seed", seed, 0)
    at_least("--n", n, 50, 1_000_000)
    target = output_path("--markdown", markdown)
    asked = [pages.load(name) for name in ([page] if page else pages.names())]
    found, written = [], []
    for it in asked:
        size = n if n is not None else it.N_QUICK if quick else it.N
        start = it.SEED if seed is None else seed
        with progress(f"validating {it.PAGE.replace('_', ' ')}", 1) as tell:
            own = it.run(n=size, seed=start, progress=tell)
        found += own
        written.append(it.markdown(own, n=size, seed=start))
    checks = [c.to_json() for c in found]
    if target is not None:
        write_whole(target, "\n".join(written))
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
    console.print(f"{passed} of {len(checks)} checks inside their band", style="bold")
    for c in checks:
        if not c["pass"]:
            console.print(f"miss: {c['check']} ({c.get('model', '')}): {c.get('cause') or 'cause not known'}", style="yellow")
    if target is not None:
        console.print(f"written: {target}")


HEADS = ("page", "check", "model", "source", "published", "simulated", "MC error", "band", "")


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def cells(c: dict[str, Any]) -> list[str]:
    """One check as table cells."""
    band = c["band"]
    text = " to ".join(_number(float(b)) for b in band) if isinstance(band, list | tuple) else _number(band)
    unit = f" {c['unit']}" if c.get("unit") else ""
    return [str(c["page"]), str(c["check"]), str(c.get("model", "")), str(c["source"]), _number(c["published"]) + unit,
            _number(c["simulated"]) + unit, _number(c["mc_error"]), text, "pass" if c["pass"] else "MISS"]  # fmt: skip
