"""How one ward prepares its doses, where it differs from the formulary: its dilutions, syringes, bags and vials, by drug."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dosetwin.declare.menu import Settings, Targets
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.rounds import Rounds
from dosetwin.declare.therapy import Therapy
from dosetwin.errors import InputError

FAR = 100.0
"""A dilution that many times stronger or weaker than the formulary's is a slip of the unit (assumed)."""


@dataclass(frozen=True)
class Dilution:
    """What a ward says of one drug; None: as the formulary has it. ``per_mL``, ``strongest`` in the drug's unit per mL, ``marks``
    (from mL, step mL), ``tablets`` (in the drug's unit) it has and whether it ``halves`` them, ``at`` where it stands."""

    per_mL: float | None = None
    marks: tuple[tuple[float, float], ...] | None = None
    least_mL: float | None = None
    bags: tuple[float, ...] | None = None
    strongest: float | None = None
    vials: tuple[Vial, ...] = ()
    tablets: tuple[float, ...] = ()
    halves: bool | None = None
    at: str = ""


@dataclass(frozen=True)
class Ward:
    """A ward by its ``name``, and ``dilutions`` by the name of a drug, or of a therapy, which goes first; ``rounds`` (minutes
    after midnight) on the clock of ``zone``."""

    name: str
    dilutions: Mapping[str, Dilution]
    rounds: tuple[int, ...] = ()
    zone: str = ""

    def therapy(self, of: Therapy) -> Therapy:
        """The therapy as this ward gives it; without a dilution of its own the formulary's, marked as that.

        Raises InputError for a dilution that cannot be: stronger than the vial it is made from, a slip of the unit, of a drug
        that nobody dilutes.
        """
        said = self.dilutions.get(of.name) or self.dilutions.get(of.drug.name)
        usual = of.preparation
        if not isinstance(of.menu, Settings | Targets) and of.kind == "patient":
            of = replace(of, rounds=Rounds(self.name, self.rounds, self.zone), kept=None)
        if said is not None and (said.tablets or said.halves is not None):
            halves = of.drug.halves if said.halves is None else said.halves
            of = of.in_pieces(self.name, said.tablets or of.drug.tablets, halves)
        if usual is None:
            if said is not None and not of.pieces:
                raise InputError("nothing of it is diluted", where=said.at, value=of.name, remedy="leave it out")
            return of
        if said is None or said.per_mL is None:
            told = f"{self.name} names no dilution of {of.drug.name}: the formulary's usual one is taken ({usual.source})"
            by = usual if said is None else self._of(said, usual)
            return of.prepared(replace(by, ward="", lacking=self.name, source=told))
        per_mL, vials, unit = said.per_mL, said.vials or of.drug.vials, of.drug.unit
        strongest = max((v.per_mL for v in vials), default=None)
        if strongest is not None and per_mL > strongest * (1 + 1e-9):
            raise InputError(
                "a dilution is stronger than the vial", where=said.at, value=f"{per_mL:g} {unit}/mL",
                allowed=f"<= {strongest:g} {unit}/mL", remedy="micrograms for milligrams? a vial's content for mg/mL?",
            )  # fmt: skip
        if not 1 / FAR < per_mL / usual.per_mL < FAR:
            raise InputError(
                "so far from the usual dilution that its unit must be another", where=said.at, value=f"{per_mL:g} {unit}/mL",
                allowed=f"within {FAR:g} times {usual.per_mL:g} {unit}/mL", remedy="micrograms for milligrams?",
            )  # fmt: skip
        return of.prepared(replace(self._of(said, usual), ward=self.name, source=f"as {self.name} prepares it"))

    def _of(self, said: Dilution, usual: Preparation) -> Preparation:
        own = {k: v for k in ("per_mL", "marks", "least_mL", "bags", "strongest") if (v := getattr(said, k)) is not None}
        return replace(usual, **own, vials=said.vials or usual.vials)
