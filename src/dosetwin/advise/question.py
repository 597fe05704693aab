"""What is asked, one frozen record that everybody who asks builds once; and the same put to the facts of one patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dosetwin.declare import Model, Therapy
from dosetwin.errors import Finding, Reason
from dosetwin.records import DoseEvent, Timeline

if TYPE_CHECKING:
    from dosetwin.forecast.tells import Teller, Told
    from dosetwin.simulate.schedule import Rule
    from dosetwin.twins.place import BedPool


@dataclass(frozen=True, eq=False)
class Question:
    """Everything an answer depends on beside the patient's facts; the same question of the same facts has the same answer.

    Parameters
    ----------
    therapy : what the drug is for: goals, limits, the orders that are searched, how a choice is made.
    models : one, or several whose average is asked, weighted by the levels.
    now : h on the timeline's clock, the moment of the decision; None: the time of the last record.
    seed : of every random draw.
    draws : posterior draws every regimen is scored on, at least 100.
    rule : covariates between records: ``locf``, ``nocb``, ``linear``.
    told : who tells the effects that a forecast can tell, by a name of ``forecast.tells.listed()``; None: the usual one.
    facts : name -> value of what is known beside the record and readings are divided by: ``MIC`` of the pathogen, mg/L.
    sensitivity : also what would make the answer wrong.
    curves : also what a report draws and prints beside it.
    input_hash : names the source of the facts; "": a hash of the timeline.
    planned : doses of other drugs that will be given from ``now`` on: the answer is that under the orders planned for them (a
        dose of 0: it ends); of a drug without any, what is given goes on as it was.
    look_ahead : also what a controller would plan in that scenario of infection (``advise.ahead``; research); None: not.
    """

    therapy: Therapy
    models: tuple[Model, ...]
    now: float | None = None
    seed: int = 0
    draws: int = 500
    rule: "Rule" = "locf"
    told: str | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    sensitivity: bool = True
    curves: bool = False
    input_hash: str = ""
    look_ahead: str | None = None
    planned: tuple[DoseEvent, ...] = ()


@dataclass(frozen=True, eq=False)
class Asked:
    """A question put to one patient's facts, as the parts of its answer share it.

    ``now`` h, the moment of the decision; ``models`` those asked in the end; ``timeline`` the facts as given, ``bare`` those
    known at ``now``, ``known`` the same with what the ``tellers`` (name -> who was chosen) ``told``; ``findings`` what the checks
    remarked. ``others``: drugs that doses are recorded of beside this one. ``twin``: of a place, which has no models.
    ``withheld``: why no more than the present order may be ordered (``advise.withheld``).
    """

    question: Question
    now: float
    models: tuple[Model, ...]
    timeline: Timeline
    bare: Timeline
    known: Timeline
    tellers: "Mapping[str, Teller]"
    told: "Mapping[str, Told]"
    findings: tuple[Finding, ...] = ()
    others: tuple[str, ...] = ()
    twin: "BedPool | None" = None
    withheld: Reason | None = None

    @property
    def therapy(self) -> Therapy:
        """What the drug is for."""
        return self.question.therapy

    @property
    def rule(self) -> "Rule":
        """Covariates between records."""
        return self.question.rule

    def at(self, now: float) -> "Asked":
        """The same question of the same facts for a later moment (h)."""
        return replace(self, now=now)

    @property
    def facts(self) -> dict[str, float]:
        """What readings are divided by: what is known, and what the therapy assumes of what is not."""
        return self.therapy.facts(self.question.facts)

    def column(self, model: Model) -> int:
        """Where among a model's outputs what is measured next stands."""
        return list(model.outputs).index(self.output(model))

    def output(self, model: Model) -> str:
        """Name of a model's output that is measured next: what the therapy samples, the drug's level where it names nothing."""
        return model.measured_by(self.therapy.sampling.of or self.therapy.drug.name) or next(iter(model.outputs))
