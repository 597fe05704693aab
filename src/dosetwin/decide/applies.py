"""Which of a therapy's models are about this patient: of whom each was made, what it needs, and why one is asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dosetwin import models
from dosetwin.declare import Facts, Model, Therapy
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES


@dataclass(frozen=True)
class Applies:
    """Whether a model is about a patient: ``why_not`` in words, empty where it is; ``lacks``: facts it refuses to go without."""

    model: str
    why_not: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether it can be asked and was made of patients like this one."""
        return not self.why_not and not self.lacks


def applies(therapy: Therapy, model: Model, facts: Facts) -> Applies:
    """What speaks against asking ``model`` of these facts: its therapy's word, its studied ranges, what it needs."""
    why = [w for f in therapy.fits if f.model == model.name and (w := f.broken_by(facts)) is not None]
    lacks = []
    for name, c in model.covs.items():
        value = facts.number(name)
        if value is None:
            if c.missing == "refuse" and name not in facts:  # sex is a word
                lacks.append(name)
        elif not c.flag and not c.low - 1e-9 <= value <= c.high + 1e-9:
            border = f"up to {c.high:g}" if not math.isfinite(c.low) else f"{c.low:g} to {c.high:g}"
            why.append(f"{name} {value:g}, studied {border} {c.unit}".rstrip(" 1"))
    return Applies(model.name, tuple(why), tuple(lacks))


def impossible(model: Model, facts: Facts) -> tuple[str, ...]:
    """Names of what the model reads and nobody can have (an age of 780 years)."""
    read = ((n, facts.number(n)) for n in model.covs if n in QUANTITIES)
    return tuple(n for n, v in read if v is not None and not any(QUANTITIES[n].holds(v, young) for young in (True, False)))


def usual(therapy: Therapy, facts: Facts) -> tuple[str, ...]:
    """Names of the models asked where nobody names one: that made for a condition, else the first that is about this patient,
    else the first; of a therapy that averages, all that are about this patient.

    Raises InputError where the therapy has none.
    """
    first = therapy.model(facts)
    if len(therapy.models) == 1 or first != therapy.models[0] or impossible(models.load(first), facts):
        return (first,)  # what nobody can have is a slip: the first model refuses it by name, another might go by it
    found = tuple(n for n in therapy.models if applies(therapy, models.load(n), facts).fine)
    return found if therapy.averages and found else (found or (first,))[:1]


def all_that_apply(therapy: Therapy, facts: Facts) -> tuple[str, ...]:
    """Names of the models that are about this patient, the usual one where none is."""
    return tuple(n for n in therapy.models if applies(therapy, models.load(n), facts).fine) or (therapy.model(facts),)


def reasons(therapy: Therapy, asked: Sequence[Model], facts: Facts) -> tuple[Finding, ...]:
    """Why another model than the usual one is asked, or several; a warning where one is asked that is not about this patient
    while another of the therapy is."""
    if len(therapy.models) < 2:
        return ()
    names = [m.name for m in asked]
    judged = {n: applies(therapy, models.load(n), facts) for n in therapy.models}
    fine = [n for n, a in judged.items() if a.fine]
    out = []
    for name in names:
        mine = judged.get(name)
        if mine is not None and mine.why_not and fine and name not in fine:
            out.append(Finding("warning", "model_not_for_this_patient", name, f"{name} was not made of such patients: "
                               f"{'; '.join(mine.why_not)}", ", ".join(names), fine[0], f"ask {fine[0]}"))  # fmt: skip
    first = judged[therapy.models[0]]
    if therapy.models[0] not in names and not first.fine and set(names) <= set(fine):
        why = "; ".join((*first.why_not, *(f"{n} is not known, which it needs" for n in first.lacks)))
        out.append(Finding("info", "model_chosen", therapy.name, f"{', '.join(names)} instead of the usual {first.model}: {why}",
                           ", ".join(names)))  # fmt: skip
    elif len(names) > 1:
        left = [f"not {n}: {'; '.join((*a.why_not, *a.lacks))}" for n, a in judged.items() if n not in names and not a.fine]
        text = f"{', '.join(names)} are averaged, each weighed by how well it foretold this patient's levels"
        out.append(Finding("info", "models_averaged", therapy.name, "; ".join((text, *left)), ", ".join(names)))
    return tuple(out)
