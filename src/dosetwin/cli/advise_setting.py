"""``dosetwin advise`` where the order is a setting: of a device from a patient's table, of a place from its record."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.cli.common import naming, print_json, progress, safe, show_findings, terminal
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.decide.setting import SettingAnswer
    from dosetwin.declare import Therapy


def in_settings(word: str) -> bool:
    """Whether the therapy of this name, or of this file, orders settings and no doses."""
    from dosetwin.cli.advise import therapy_of
    from dosetwin.declare.menu import Settings

    return isinstance(therapy_of(word).menu, Settings)


def answer(
    case: Path, word: str, names: "Sequence[str]", *, now: str | None, seed: int, draws: int, rule: Any, as_json: bool
) -> int:
    """Answer for a case file under the therapy ``word`` and print it: the exit code. Raises InputError for a wrong file, name."""
    from dosetwin.cli.advise import therapy_of

    therapy = therapy_of(word)
    with naming(case):
        if therapy.kind == "place":
            made, clock = _of_place(case, therapy, now, seed, draws)
        else:
            made, clock = _of_patient(case, word, names, now, seed, draws, rule)
    if as_json:
        body = made.to_json()
        body["provenance"]["now_is"] = clock
        print_json(body)
    else:
        show(terminal(), made, therapy, clock)
    return 3 if made.status == "refuse" else 0


def _of_place(case: Path, therapy: "Therapy", now: str | None, seed: int, draws: int) -> "tuple[SettingAnswer, str]":
    import numpy as np

    from dosetwin.advise.setting import Ask, advise_setting
    from dosetwin.declare import Facts
    from dosetwin.io.place import read_place
    from dosetwin.io.text import read_bytes
    from dosetwin.records import Setting
    from dosetwin.twins.place import BedPool, Seen, Watched

    record = read_place(case)
    if therapy.pool is None:
        raise InputError("a therapy of a place needs a pool", where=f"therapy {therapy.name}", remedy="write pool=Pool(...)")
    at, clock = _moment(record, now, case.name)
    facts = [Seen(n, w, t) for n, w, t in record.visits if t <= at]  # type: ignore[arg-type]
    facts += [Watched(a, min(b, at)) for a, b in record.watched if a < at]
    facts += [Setting(beds=n, at=t) for t, n in record.beds if t <= at]
    twin = BedPool(therapy.pool, therapy=therapy).told(*facts)
    if twin.known.now is None:
        raise InputError("nothing is recorded by then", where=case.name, value=f"{at:g} h")
    load = twin.load(draws, seed)
    known = Facts(LOAD=float(np.median(load)), BEDS=twin.known.settings[-1]["beds"] if twin.known.settings else None)
    card = {
        "name": therapy.pool.name, "title": therapy.pool.title, "visits": len(twin.known.visits),
        "load": [round(float(q), 3) for q in np.quantile(load, (0.05, 0.5, 0.95))],
        "watched_h": round(sum(b - a for a, b in twin.known.watched), 3),
    }  # fmt: skip
    source = hashlib.sha256(read_bytes(case)).hexdigest()
    ask = Ask(therapy, at, known, draws, seed, record.name, record.origin, source, models=(card,))
    with progress(f"playing {therapy.pool.name}"):
        return advise_setting(twin, ask), clock


def _moment(record: Any, word: str | None, where: str) -> tuple[float, str]:
    """The moment of the decision of a place's record, h."""
    from dosetwin.io.place import hours

    if word is not None:
        try:
            given: Any = float(word)
        except ValueError:
            given = word
        return hours(given, record.origin, "--now"), "given with --now"
    if record.now is not None:
        return record.now, f"the moment {where} was written"
    times = [t for _, _, t in record.visits] + [b for _, b in record.watched] + [t for t, _ in record.beds]
    if not times:
        raise InputError("nothing is recorded", where=where, allowed="visits, watched or beds")
    return max(times), f"the last record of {where}"


def _of_patient(
    case: Path, word: str, names: "Sequence[str]", now: str | None, seed: int, draws: int, rule: Any
) -> "tuple[SettingAnswer, str]":
    from dosetwin.advise.gate import checked
    from dosetwin.advise.provenance import model_card
    from dosetwin.advise.setting import Ask, advise_setting
    from dosetwin.cli.advise import moment, opened
    from dosetwin.decide.facts import facts_at
    from dosetwin.twins.patient import Twin

    timeline, question = opened(case, names, therapy=word)
    therapy = question.therapy
    if len(question.models) != 1:
        raise InputError(
            "one model at a time where settings are ordered", where="--model", value=len(question.models), allowed="1"
        )
    at, clock = moment(timeline, now, case.name)
    question = replace(question, now=at, seed=seed, draws=draws, rule=rule)
    remarked = checked(timeline, at, question)
    known, model = timeline.until(at), question.models[0]
    with progress(f"asking the twin ({model.name}; the first use of a model compiles it)"):
        twin = Twin.create(model, known, seed=seed, draws=draws, rule=rule)
        belief = twin.belief
        card = model_card(model, 1.0, belief.ess, belief.method)
        findings = (*remarked, *timeline.findings, *belief.findings)
        ask = Ask(therapy, at, facts_at(known, at), draws, seed, known.patient.id, timeline.origin, question.input_hash, findings,
                  (card,))  # fmt: skip
        return advise_setting(twin, ask), clock


def show(console: "Console", made: "SettingAnswer", therapy: "Therapy", clock: str) -> None:
    """Print the answer in the order of the questions asked: what, what then, what else, why."""
    from dosetwin.cli.show import grid
    from dosetwin.report.narrative import NOT_A_DEVICE

    prov = made.provenance
    console.print(safe(f"{prov['subject']}: {therapy.name}, {therapy.population}"), style="bold")
    console.print(safe(f"Decision at {prov['now']} ({clock}); {prov['draws']} draws, seed {prov['seed']}"))
    console.print(NOT_A_DEVICE, style="dim")
    said = "No setting is acceptable" if made.order is None else f"Set {made.order.words}"
    console.print(f"\n  {safe(said)}", style="bold red" if made.status == "refuse" else "bold green")
    if made.readings:
        console.print("\nExpected", style="bold")
        table = grid(("reading", "unit", "median", "90 % interval", "chance of the goal"), (2, 3, 4))
        for name, x in made.readings.items():
            p = "" if x["p_goal"] is None else f"{100 * x['p_goal']:.0f} %"
            table.add_row(safe(name), safe(x["unit"]), _number(x["q50"]), f"{_number(x['q05'])} to {_number(x['q95'])}", p)
        console.print(table)
    console.print(f"\nSettings ({prov['candidates_considered']} tried, {prov['candidates_acceptable']} acceptable)", style="bold")
    table = grid(("rank", "setting", "all goals", "loss", ""), (0, 2, 3))
    for c in made.candidates:
        chosen = made.order is not None and c.order == made.order
        note = ", ".join(c.rules) + ("" if c.acceptable else "; not acceptable" if c.rules else "not acceptable")
        table.add_row(str(c.rank), safe(c.order.words), f"{100 * c.joint:.0f} %", f"{c.loss:.2f}", safe(note),
                      style="bold green" if chosen else None if c.acceptable else "dim")  # fmt: skip
    console.print(table)
    console.print("\nWhy", style="bold")
    for r in made.reasons:
        value = "" if r.value is None else f": {_number(r.value)}" + ("" if r.limit is None else f" (asked: {_number(r.limit)})")
        console.print(f"  - {safe(r.text)}{safe(value)}")
    if made.findings:
        console.print("\nRemarks on the data", style="bold")
        show_findings(console, made.findings)


def _number(value: Any) -> str:
    if value is None:
        return "without end"
    return f"{value:.3g}" if isinstance(value, int | float) and math.isfinite(value) else str(value)
