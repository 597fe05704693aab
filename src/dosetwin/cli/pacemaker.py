"""``dosetwin pacemaker``: test a pacemaker's logic on virtual hearts, show a rhythm, choose its timing for a patient."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import at_least, naming, output_path, print_json, safe, terminal, write_whole
from dosetwin.cli.options import Json, Seed
from dosetwin.errors import InputError, UnknownName

if TYPE_CHECKING:
    from dosetwin.twins.automata.examine import Examined

NAMES = Annotated[list[str], typer.Option("--scenario", metavar="NAME", help="Only this scenario; repeatable.")]
Picture = Annotated[Path | None, typer.Option("--svg", metavar="OUT.svg", help="Also draw the strip of markers.")]


def examined(
    device: Annotated[Path | None, typer.Option("--device", metavar="FILE.py", help="A file with make(programme).")] = None,
    process: Annotated[str | None, typer.Option("--process", metavar="COMMAND", help="A program that speaks JSON lines.")] = None,
    scenario: NAMES = [],  # noqa: B006
    mode: Annotated[str, typer.Option("--mode", help="Only the scenarios of this mode, such as VVI.")] = "",
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The eight properties on every virtual heart, of the house's device or of yours; exit 3 where one is broken."""
    from dosetwin.twins.automata import examine
    from dosetwin.twins.automata.scenarios import LIBRARY
    from dosetwin.twins.automata.under_test import Process, from_file

    at_least("--seed", seed, 0)
    if device is not None and process is not None:
        raise InputError("one device at a time", where="--device, --process")
    if wrong := [s for s in scenario if s not in LIBRARY]:
        raise UnknownName("unknown scenario", where="--scenario", value=wrong[0], allowed=", ".join(LIBRARY))
    if mode:
        known = sorted({s.programme.mode for s in LIBRARY.values()})
        if mode not in known:
            raise UnknownName("no scenario of this mode", where="--mode", value=mode, allowed=", ".join(known))
        scenario = [s for s in scenario or LIBRARY if LIBRARY[s].programme.mode == mode]
    if process is not None:
        with Process(process) as make:
            found = examine.examine(make, scenario, seed=seed)
    else:
        found = examine.examine(None if device is None else from_file(device), scenario, seed=seed)
    own = device is None and process is None
    share, never = examine.coverage(found)
    if as_json:
        covered = {"share": share, "never": list(never)} if own else None
        print_json({"device": safe(process or device or "house"), "summary": examine.summary(found), "coverage": covered,
                    "scenarios": [e.to_json() for e in found]})  # fmt: skip
    else:
        _told(found, own, share, never)
    if any(e.broken for e in found):
        raise typer.Exit(3)


def _told(found: "list[Examined]", own: bool, share: float, never: tuple[str, ...]) -> None:
    from dosetwin.cli.show import grid
    from dosetwin.twins.automata import examine

    console = terminal()
    table = grid(("scenario", "mode", "must be seen", "", "broken"))
    for e in found:
        seen = "seen" if e.seen else "not seen" + (" (a function of the house's device)" if e.scenario.extra and not own else "")
        table.add_row(e.scenario.name, e.scenario.programme.mode, e.scenario.expects, seen,
                      ", ".join(v.name for v in e.broken), style=None if e.seen and not e.broken else "yellow")  # fmt: skip
    console.print(table)
    for row in examine.summary(found):
        console.print(f"{row['property']:6} {row['text']}: holds in {row['holds']}, broken in {row['broken']}, "
                      f"says nothing in {row['nothing_said']}")  # fmt: skip
    for e in found:
        for v in e.broken:
            assert v.first is not None
            marks = "  ".join(f"{m}@{t:.0f}" for t, m in v.first.marks[-8:])
            console.print(f"counter-example, {e.scenario.name}, {v.name}: {v.first.found:.1f} ms against {v.first.limit:.1f} "
                          f"at {v.first.at:.0f} ms: {marks}", soft_wrap=True)  # fmt: skip
    if own:
        console.print(f"{share:.0%} of the device's transitions taken" + (f"; never: {', '.join(never)}" if never else ""))


def show(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario by name.")],
    begin: Annotated[float, typer.Option("--from", help="s from which it is shown.")] = 0.0,
    seconds: Annotated[float, typer.Option("--for", help="s that are shown.")] = 10.0,
    svg: Picture = None,
    as_json: Json = False,
) -> None:
    """One scenario as event markers: what the device saw (AS AR VS VR) and did (AP VP), and what the heart did."""
    from dosetwin.twins.automata.examine import examine
    from dosetwin.twins.automata.scenarios import LIBRARY

    target = output_path("--svg", svg)
    if scenario not in LIBRARY:
        raise UnknownName("unknown scenario", where="pacemaker show", value=scenario, allowed=", ".join(LIBRARY))
    if not (begin >= 0.0 and 0.0 < seconds <= 600.0):
        raise InputError("not a stretch of time", where="--from, --for", value=(begin, seconds), allowed="0 to 600 s")
    found = examine(None, (scenario,))[0]
    a, b = 1000.0 * begin, 1000.0 * (begin + seconds)
    if target is not None:
        from dosetwin.report.strip import strip

        write_whole(target, strip(found.trace, a, b, f"{scenario}: {found.scenario.text}"))
    if as_json:
        print_json({**found.to_json(), "marks": [[t, m] for t, m in found.trace.marks if a <= t <= b],
                    "atria": [[t, m] for t, m in found.trace.atria if a <= t <= b],
                    "ventricles": [[t, m] for t, m in found.trace.ventricles if a <= t <= b]})  # fmt: skip
        return
    console = terminal()
    console.print(safe(f"{scenario}: {found.scenario.text}"), style="bold")
    rows = sorted([(t, m, "") for t, m in found.trace.marks] + [(t, "", f"atria: {by}") for t, by in found.trace.atria]
                  + [(t, "", f"ventricles: {by}") for t, by in found.trace.ventricles])  # fmt: skip
    for t, m, what in rows:
        if a <= t <= b:
            console.print(f"{t / 1000.0:9.3f} s  {m:3} {what}")
    if target is not None:
        console.print(f"written: {target}")


def advise(
    case: Annotated[Path, typer.Argument(metavar="CASE.json", help="Settings and measured intervals of one patient.")],
    draws: Annotated[int, typer.Option("--draws", help="Draws of the patient's conduction.")] = 30,
    seed: Seed = 1,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="OUT.html", help="Also write one page to read and print.")
    ] = None,
    as_json: Json = False,
) -> None:
    """AV delay, PVARP and upper rate for a patient: no endless loop, no 2:1 at effort, little ventricular pacing."""
    at_least("--draws", draws, 10, 1000)
    at_least("--seed", seed, 0)
    if code := answer(case, draws=draws, seed=seed, as_json=as_json, page=output_path("--report", report, [case])):
        raise typer.Exit(code)


def answer(case: Path, *, draws: int, seed: int, as_json: bool, page: Path | None) -> int:
    """Print, and write, the timing of one patient's device; exit code 3 where nothing is acceptable."""
    from dosetwin.advise.pacing import asked, timing, told_of
    from dosetwin.io.pacing import read_pacing

    with naming(case):
        record = read_pacing(case)
        twin, facts = asked(record.programme, record.intervals)
        found = timing(twin, facts, draws=draws, seed=seed)
    told = told_of(record.name, twin, found, draws=draws, seed=seed)
    if page is not None:
        from dosetwin.report.pacing_page import pacing_page

        write_whole(page, pacing_page(told, twin, found.therapy.goals, seed))
    if as_json:
        print_json(told)
    else:
        _advice(record.name, found, found.rows())
        if page is not None:
            terminal().print(f"Report: {page}", markup=False)
    return 0 if told["settings"] is not None else 3


def _advice(name: str, found: Any, rows: list[dict[str, Any]]) -> None:
    from dosetwin.cli.show import grid
    from dosetwin.errors import percent
    from dosetwin.report.narrative import sentence

    console = terminal()
    chosen = found.choice.chosen
    goals = found.therapy.goals
    head = "Nothing acceptable: no setting of the menu reaches the goals"
    if chosen is not None:
        head = f"Recommended: {found.plans[chosen].order.words()} (ms)"
    console.print(safe(f"{name}: {head}"), style="bold")
    table = grid(("settings", "rule", *(g.text + (" (mean)" if g.price else " (chance it is kept)") for g in goals), "loss"))
    for r in rows:
        cells = [f"{r['goals'][g.code]['mean']:.0%}" if g.price else percent(r["goals"][g.code]["p"]) for g in goals]
        table.add_row(r["order"], ", ".join(r["rules"]), *cells, f"{r['loss']:.3f}", style=None if r["acceptable"] else "dim")
    console.print(table)
    for reason in (*found.choice.reasons, *found.silent):
        console.print(safe(f"  {sentence(reason, goals)}"), soft_wrap=True)
    console.print(f"Scope: {found.therapy.note}", style="dim")
