"""The answer: an order (doses, or settings of a device or a place) or a refusal, with its reasons and provenance; frozen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from dosetwin.errors import Finding, Reason
from dosetwin.records.doses import every, span

Status = Literal["recommend", "caution", "refuse"]
"""``caution``: there is a plan, but something must be looked at first (a doubted level, an injury that is likely)."""
UNLIKELY = 0.25
"""Chance of all joint targets below which the best order there is is told with caution, never as recommended (assumed)."""


@dataclass(frozen=True)
class Dosing:
    """A regimen as it is ordered. ``first_at``: ISO 8601 moment when the record has a calendar, else h on its clock.

    ``loading_mg``: the coming dose where it differs from ``amount_mg``, which is then given ``loading_interval_h`` later and from
    there on; None (not written in JSON): all doses alike. ``week``: amounts from Monday where they differ by the day of the week,
    ``amount_mg`` then being their mean; ``words`` of an order that is no repeat of one amount (both None else, and not written).
    """

    amount_mg: float
    interval_h: float
    infusion_h: float
    first_at: str | float
    loading_mg: float | None = None
    loading_interval_h: float | None = None
    week: tuple[float, ...] | None = None
    words: str | None = None


@dataclass(frozen=True)
class Setup:
    """Settings as they are ordered: ``settings`` name -> value in the quantity's canonical unit, in force from ``first_at`` on
    (as of ``Dosing``), in ``words``."""

    settings: Mapping[str, float]
    first_at: str | float
    words: str


Ordered = Dosing | Setup
"""An order as it is written."""


def coming_mg(regimen: Mapping[str, Any]) -> float:
    """mg of the coming dose of a regimen in its JSON form."""
    loading = regimen.get("loading_mg")
    return float(regimen["amount_mg"] if loading is None else loading)


def order(regimen: "Mapping[str, Any] | Ordered", over: str = "") -> str:
    """A regimen in a few words: ``15 mg every 36 h``, ``loading dose 8 mg, after 60 h 6.6 mg every 48 h``.

    ``over``: words about the time of an infusion, put behind each amount.
    """
    r = asdict(regimen) if isinstance(regimen, Ordered) else regimen
    if r.get("words"):
        return str(r["words"])
    rest = f"{r['amount_mg']:g} mg{over} {every(r['interval_h'])}"
    if r.get("loading_mg") is None:
        return rest
    return f"loading dose {r['loading_mg']:g} mg{over}, after {span(loading_interval(r))} {rest}"


def loading_interval(regimen: Mapping[str, Any]) -> float:
    """h from a loading dose to the dose after it, of a regimen in its JSON form."""
    found = regimen.get("loading_interval_h")
    return float(regimen["interval_h"] if found is None else found)


@dataclass(frozen=True)
class Attainment:
    """Probability that a target is met at one dose (``dose``: pre, next, second, last), with its Monte-Carlo standard error."""

    target: str
    dose: str
    p: float
    se: float


@dataclass(frozen=True)
class Candidate:
    """One row of the ranked table.

    ``mg_per_kg`` of the maintenance dose (None without a weight), ``loading_mg_per_kg`` of a loading dose (None: there is none);
    ``rank`` 1 = chosen or lowest loss; ``rules`` the standard rules that say exactly this; ``median`` predicted medians
    (``peak_next`` mg/L, ``trough_last`` mg/L, ``auc24_last`` mg.h/L ...; None: without end); ``joint`` all joint targets at all
    scored doses; ``allowed`` False when ``violations`` (hard limits) is not empty; ``acceptable`` True when allowed and every
    chance constraint holds; ``unmet`` the chance constraints that do not.
    """

    rank: int
    regimen: Ordered
    mg_per_kg: float | None
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
    loading_mg_per_kg: float | None = None

    def p(self, target: str, dose: str | None = None) -> float:
        """Probability for a target at a dose, or the lowest over its doses; KeyError when it was not scored."""
        found = [a.p for a in self.attainment if a.target == target and dose in (None, a.dose)]
        if not found:
            raise KeyError((target, dose))
        return min(found)


@dataclass(frozen=True)
class Option:
    """One sampling time considered, h after the start of the coming dose, and the fall of variance it is expected to bring
    (``fall_clearance`` None where the model has no clearance)."""

    after_h: float
    at: str | float
    fall_clearance: float | None
    fall_trough: float


@dataclass(frozen=True)
class NextSample:
    """The next level worth taking (``worth`` False: none of those considered is)."""

    at: str | float
    after_h: float
    worth: bool
    text: str
    fall_clearance: float | None
    fall_trough: float
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Sensitivity:
    """What the answer becomes if something is otherwise. ``regimen`` None: then it would be a refusal."""

    code: str
    text: str
    changed: bool
    regimen: Ordered | None
    effect: str


@dataclass(frozen=True)
class DoubtedRecord:
    """A record that may be wrong (level, time, dose, mix-up), and how probably, 0..1."""

    record: str
    p_wrong: float


@dataclass(frozen=True)
class HoldPlan:
    """What to do in place of the next dose: take a level at ``sample_at``, then give one of two regimens or none (None: ask
    again).

    ``confirms_above`` in ``unit``: a level above it confirms what is doubted or feared (``below`` True: one below it does).
    ``safe_at``: when, if it is confirmed, the level is expected to be low enough for another dose; None: not known.
    """

    sample_at: str | float
    confirms_above: float | None = None
    unit: str = ""
    below: bool = False
    if_confirmed: Ordered | None = None
    if_not: Ordered | None = None
    safe_at: str | float | None = None


@dataclass(frozen=True)
class Recommendation:
    """The answer. ``status`` refuse: ``regimen`` is None and ``reasons`` say why and what would help.

    ``hold``: the next dose must not be given now, for ``hold_reason`` (a sentence); ``hold_plan`` what to do instead. A hold
    with a ``regimen`` gives it once the level is known; without one the plan has the regimens. ``doubted_records`` every record
    with a probability of being wrong that is worth telling. ``parameters`` name -> (5, 50, 95 % quantile) of the individual
    parameters believed at the coming dose, pooled over the models used.
    ``regimen`` is the order as it is written: ``Dosing``, or ``Setup`` of a device or a place. ``order``: the same as an order of
    its kind (``every``, ``weekly``, ``setting``), in ``words`` too; ``readings`` name -> what is expected under it: ``unit``,
    quantiles ``q05``, ``q50``, ``q95`` (None: without end), chance ``p_goal`` that its goals are met (None: none).
    ``given``: the order as hands give it (volume, rate, vials, tablets of each dose, what rounding costs; ``advise.given``).
    ``told`` name -> what a forecast that tells a model's effect expects of the coming days (empty: not in use); in JSON each
    stands under its own name.
    ``look_ahead``: what a controller would plan in a scenario of infection, where that was asked for (``advise.ahead``).
    """

    status: Status
    regimen: Ordered | None
    candidates: tuple[Candidate, ...] = ()
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    next_sample: NextSample | None = None
    how_sure: Mapping[str, Any] = field(default_factory=dict)
    what_would_change_it: tuple[Sensitivity, ...] = ()
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    look_ahead: Mapping[str, Any] = field(default_factory=dict)
    hold: bool = False
    hold_reason: str = ""
    hold_plan: HoldPlan | None = None
    doubted_records: tuple[DoubtedRecord, ...] = ()
    parameters: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    order: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        planned = self.regimen is not None or self.hold_plan is not None
        if self.status == "recommend" and (self.regimen is None or self.hold):
            raise ValueError("a recommendation has a regimen and holds nothing")
        if (self.status == "refuse" and self.regimen is not None) or (self.status == "caution" and not planned):
            raise ValueError("a refusal has no regimen, a caution has one or a plan")
        if self.hold != bool(self.hold_reason):
            raise ValueError("a hold says why")
        if not self.reasons:
            raise ValueError("an answer without a reason")

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, ready for ``json.dumps(..., allow_nan=False)``."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return {k: v for key, value in plain.items() for k, v in (value.items() if key == "told" else ((key, value),))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recommendation":
        """The recommendation written by ``to_json``."""
        sample, ours = data.get("next_sample"), {f.name for f in fields(cls)}
        return cls(
            status=data["status"],
            regimen=_dosing(data["regimen"]),
            candidates=tuple(_candidate(c) for c in data["candidates"]),
            reasons=_reasons(data["reasons"]),
            findings=tuple(Finding(**f) for f in data["findings"]),
            provenance=dict(data["provenance"]),
            next_sample=None
            if sample is None
            else NextSample(**(sample | {"options": tuple(Option(**o) for o in sample["options"])})),
            how_sure=dict(data.get("how_sure", {})),
            told={k: dict(v) for k, v in data.items() if k not in ours and isinstance(v, Mapping)},
            look_ahead=dict(data.get("look_ahead", {})),
            hold=bool(data.get("hold", False)),
            hold_reason=data.get("hold_reason") or "",
            hold_plan=_hold_plan(data.get("hold_plan")),
            doubted_records=tuple(DoubtedRecord(**d) for d in data.get("doubted_records", ())),
            parameters={k: (v[0], v[1], v[2]) for k, v in data.get("parameters", {}).items()},
            order=dict(data.get("order", {})),
            given=dict(data.get("given", {})),
            readings={k: dict(v) for k, v in data.get("readings", {}).items()},
            what_would_change_it=tuple(
                Sensitivity(**(s | {"regimen": _dosing(s["regimen"])})) for s in data.get("what_would_change_it", ())
            ),
        )


_NOT_ALWAYS = ("loading_mg", "loading_interval_h", "loading_mg_per_kg", "week", "words")
"""Keys that stand only where there is a loading dose or a week of tablets: an answer without one reads as it did before there
were any."""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if v is not None or k not in _NOT_ALWAYS}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):  # numpy scalars
        return value.item()
    return value


def _dosing(data: Mapping[str, Any] | None) -> Ordered | None:
    if data is None:
        return None
    if "settings" in data:
        return Setup(**data)
    return Dosing(**(dict(data) | {"week": tuple(data["week"])} if data.get("week") else data))


def _hold_plan(data: Mapping[str, Any] | None) -> HoldPlan | None:
    if data is None:
        return None
    given: dict[str, Any] = dict(data) | {k: _dosing(data[k]) for k in ("if_confirmed", "if_not")}
    return HoldPlan(**given)


def _reasons(data: Any) -> tuple[Reason, ...]:
    return tuple(Reason(**r) for r in data)


def _candidate(data: Mapping[str, Any]) -> Candidate:
    return Candidate(
        **(
            dict(data)
            | {
                "regimen": _dosing(data["regimen"]),
                "rules": tuple(data["rules"]),
                "attainment": tuple(Attainment(**a) for a in data["attainment"]),
                "violations": _reasons(data["violations"]),
                "unmet": _reasons(data["unmet"]),
            }
        )
    )
