"""The answer in settings: what to set or a refusal, in the JSON form of every other answer; frozen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dosetwin.decide.recommendation import Attainment, Status
from dosetwin.errors import Finding, Reason


@dataclass(frozen=True)
class Setup:
    """Settings as they are ordered: name -> value in the quantity's unit, from ``first_at`` on (ISO 8601 where the record has a
    calendar, else h on its clock), in ``words``."""

    settings: Mapping[str, float]
    first_at: str | float
    words: str
    kind: str = "setting"


@dataclass(frozen=True)
class SettingCandidate:
    """One row of the ranked table, as ``Candidate`` has it for doses; ``median`` of each reading (None: without end)."""

    rank: int
    order: Setup
    rules: tuple[str, ...]
    loss: float
    loss_se: float
    joint: float
    joint_se: float
    attainment: tuple[Attainment, ...]
    median: Mapping[str, float | None]
    allowed: bool
    acceptable: bool
    violations: tuple[Reason, ...] = ()
    unmet: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class SettingAnswer:
    """The answer. ``status`` refuse: ``order`` is None and ``reasons`` say why and what would help.

    ``readings`` of the order: name -> ``unit``, quantiles ``q05 q50 q95`` (None: without end) and the chance ``p_goal`` of its
    goal (None: it has none).
    """

    status: Status
    order: Setup | None
    readings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    candidates: tuple[SettingCandidate, ...] = ()
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    how_sure: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.status == "refuse") != (self.order is None):
            raise ValueError("a refusal has no order, every other answer has one")
        if not self.reasons:
            raise ValueError("an answer without a reason")

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, ready for ``json.dumps(..., allow_nan=False)``."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SettingAnswer":
        """The answer written by ``to_json``."""
        candidates = tuple(
            SettingCandidate(**(dict(c) | {
                "order": Setup(**c["order"]), "rules": tuple(c["rules"]),
                "attainment": tuple(Attainment(**a) for a in c["attainment"]),
                "violations": tuple(Reason(**r) for r in c["violations"]), "unmet": tuple(Reason(**r) for r in c["unmet"]),
            }))
            for c in data["candidates"]
        )  # fmt: skip
        return cls(
            data["status"], None if data["order"] is None else Setup(**data["order"]), dict(data["readings"]), candidates,
            tuple(Reason(**r) for r in data["reasons"]), tuple(Finding(**f) for f in data["findings"]), dict(data["provenance"]),
            dict(data["how_sure"]),
        )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") and not isinstance(value, str | bytes) else value
