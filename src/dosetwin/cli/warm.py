"""``dosetwin warm``: compile now what first answers would wait for, once for all processes that share the cache."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from dosetwin.cli.common import print_json, progress, safe, terminal
from dosetwin.cli.options import Json

if TYPE_CHECKING:
    from dosetwin.declare import Therapy
    from dosetwin.records import Timeline
    from dosetwin.twins.place import Place

BORN_H, ASKED_H, DRAWS = -48.0, 30.0, 100
"""h of birth of a made-up newborn and of the question, from the first dose; vectors drawn: any number asks for the same code."""


def warm(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[THERAPY]...", help="Listed names or files of your own (default: every therapy for patients and places)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compile the kernels behind the answers about a therapy, by asking about a made-up patient."""
    from dosetwin import formulary

    chosen = (
        [formulary.therapy(name) for name in names]
        if names
        else [t for t in formulary.therapies() if t.kind in ("patient", "place")]
    )
    took: dict[str, float] = {}
    for therapy in chosen:
        began = time.perf_counter()
        with progress(f"compiling what {therapy.name} needs"):
            ask(therapy)
        took[therapy.name] = round(time.perf_counter() - began, 1)
        if not as_json:
            terminal().print(safe(f"{therapy.name}: ready after {took[therapy.name]:.1f} s"))
    if as_json:
        print_json(took)


def ask(therapy: "Therapy") -> None:
    """Ask for advice as the first real question would; effects that others may tell are told once and not told once."""
    from dosetwin import models
    from dosetwin.advise import Question, advise
    from dosetwin.decide.facts import facts_at
    from dosetwin.forecast.tells import listed

    if therapy.kind == "place":
        advise(made_up_place(therapy), Question(therapy, (), seed=1, draws=DRAWS, sensitivity=False))
        return
    timeline = made_up(therapy)
    model = models.load(therapy.model(facts_at(timeline, ASKED_H)) if therapy.made_for else therapy.models[0])
    outside = [name for by in listed().values() if by.able(model) for name in by.uses.get(by.default, ())[:1]]
    for told in (None, *outside):
        advise(timeline, Question(therapy, (model,), now=ASKED_H, seed=1, draws=DRAWS, sensitivity=False, told=told))


def made_up_place(therapy: "Therapy") -> "Place":
    """A made-up place of which one visit was seen."""
    from dosetwin.records import Setting
    from dosetwin.twins.place import Place, Seen, Watched

    assert therapy.pool is not None
    opened = Setting({therapy.pool.of: 10.0}, at=0.0)
    return Place("made-up", (Watched(0.0, ASKED_H), opened, Seen("a", "admitted", 1.0)))


def made_up(therapy: "Therapy") -> "Timeline":
    """A made-up patient of the kind a therapy is for: ordinary facts, the everyday dose, one measurement of what is watched."""
    from datetime import UTC, datetime, timedelta

    from dosetwin.quantities import QUANTITIES
    from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

    first, said, usual = datetime(2026, 1, 3, tzinfo=UTC), dict(therapy.typical), therapy.everyday
    numbers = {n: float(v) for n, v in said.items() if n in QUANTITIES and isinstance(v, int | float)}
    traits = {n: v for n, v in said.items() if n in QUANTITIES and QUANTITIES[n].kind == "trait" and n not in ("GA", "BW")}
    kg = numbers.get("WT", 0.0)  # who is heavier than a newborn and of no age in the therapy's words is given one
    age_h = 8766.0 * float(said.get("AGE", 40.0 if kg > 40.0 else 6.0)) if "AGE" in said or kg > 10.0 else -BORN_H
    born = numbers.get("BW", numbers.get("WT") if "GA" in said else None)
    patient = Patient("made-up", "male" if said.get("SEX") == "male" else "female", first - timedelta(hours=age_h),
                      numbers.get("GA", 40.0), born, synthetic=True, traits=traits)  # fmt: skip
    amount = 1.0 if usual is None else usual.mg(numbers.get("WT", 1.0))
    drug = therapy.drug.name
    doses = () if usual is None else (DoseEvent(0.0, round(amount, 1), usual.duration_h, drug=drug),)
    known = tuple(Covariate(-1.0, n, v) for n, v in numbers.items() if n not in traits and not QUANTITIES[n].ages)
    level = Observation(ASKED_H - 6.0, therapy.watched, 5.0 if therapy.watched == drug else 1.5)
    return Timeline(patient, doses, (level,), known, first, drug=drug)


__all__ = ["warm"]
