"""A policy: everything a choice depends on that is not the patient or the model, as data that can be printed and edited."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from dosetwin.decide import limits as _limits
from dosetwin.decide import target as _target
from dosetwin.decide.limits import Limit, Rounding
from dosetwin.decide.target import Target
from dosetwin.errors import InputError, UnknownName


@dataclass(frozen=True)
class Policy:
    """Targets, limits, the grid that is searched and how a choice is made.

    ``intervals`` and ``infusions`` h searched; ``loading_intervals`` h, longer ones that only the interval after the loading dose
    of a new course may have; ``rules`` names of the standard rules that are always in the table;
    ``horizon_h`` the repeats of a regimen are followed at least that long (and for three doses);
    ``peak_after_h`` when a peak is read, from the start of the dose; ``first_at_step_h`` clock step of a dose already due;
    ``tie_loss`` losses closer than this are equal, and then a standard rule is preferred; ``sample_after_h`` sampling
    times that are considered, from the start of the coming dose (0: just before it); ``sample_worth`` smallest expected
    fall in variance that is worth a blood sample; ``table_rows`` how many of the best candidates the table shows beside
    the standard rules and the best of each interval.
    """

    name: str
    drug: str
    targets: tuple[Target, ...]
    limits: tuple[Limit, ...]
    rounding: Rounding
    rules: tuple[str, ...]
    intervals: tuple[float, ...] = (12.0, 18.0, 20.0, 24.0, 30.0, 36.0, 42.0, 48.0)
    infusions: tuple[float, ...] = (0.5,)
    loading_intervals: tuple[float, ...] = ()
    horizon_h: float = 96.0
    peak_after_h: float = 1.0
    first_at_step_h: float = 0.5
    tie_loss: float = 0.02
    sample_after_h: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 30.0, 36.0, 42.0, 48.0)
    sample_worth: float = 0.10
    table_rows: int = 12
    note: str = ""

    def __post_init__(self) -> None:
        if not self.intervals or min(self.intervals) <= 0 or not self.infusions or min(self.infusions) < 0:
            raise InputError("intervals and infusion times must be positive", where=f"policy {self.name}")

    def limit(self, code: str) -> Limit:
        """The limit with that code."""
        for limit in self.limits:
            if limit.code == code:
                return limit
        raise UnknownName(
            "no such limit", where=f"policy {self.name}", value=code, allowed=", ".join(x.code for x in self.limits)
        )

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["targets"] = [t.to_json() for t in self.targets]
        data["limits"] = [x.to_json() for x in self.limits]
        data["rounding"] = {"steps": [list(s) for s in self.rounding.steps], "source": self.rounding.source}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Policy":
        """A policy from its JSON form. Raises InputError for a key nobody declared or one that is missing."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise InputError("unknown key", where="policy", value=unknown[0], allowed=", ".join(sorted(known)))
        try:
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            given["targets"] = tuple(Target.from_json(t) for t in data["targets"])
            given["limits"] = tuple(Limit(**x) for x in data["limits"])
            steps = tuple((float(a), float(b)) for a, b in data["rounding"]["steps"])
            given["rounding"] = Rounding(steps, data["rounding"]["source"])
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a policy: {type(error).__name__}: {error}", where="policy") from error


AMIKACIN_NEONATE = Policy(
    name="amikacin_neonate",
    drug="amikacin",
    targets=_target.AMIKACIN_NEONATE,
    limits=_limits.AMIKACIN_NEONATE,
    rounding=_limits.SYRINGE,
    rules=("decock_smits", "smits_path", "neofax", "bnfc", "red_book"),
    loading_intervals=(54.0, 60.0),
    note="weights, tie width and chance constraints are assumed and declared here; targets and limits name their sources",
)

POLICIES: Mapping[str, Policy] = {p.name: p for p in (AMIKACIN_NEONATE,)}


def load(name: str) -> Policy:
    """A built-in policy by name. Raises UnknownName."""
    if name not in POLICIES:
        raise UnknownName("unknown policy", where="policy", value=name, allowed=", ".join(POLICIES))
    return POLICIES[name]
