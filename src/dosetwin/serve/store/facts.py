"""Facts as they come in: one closed shape per kind; units are converted at this border, given and canonical value both kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dosetwin import formulary
from dosetwin.quantities import ASSAYED, QUANTITIES
from dosetwin.quantities.assays import by_assay
from dosetwin.quantities.units import convert
from dosetwin.serve.store.measured import assayed_in

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
PLANNED_WITHIN = timedelta(days=400)
"""A plan for another drug starts within this of the moment it was made; beyond it is a slip of the pen."""
AHEAD = timedelta(days=2)
"""A fact may be dated this far after the clock (doses charted ahead, clocks apart); beyond it is a slip of the pen."""

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$")]
Unit = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f]+$")]
COVARIATES = tuple(q.name for q in QUANTITIES.values()
                   if q.kind in ("state", "vital", "score", "laboratory", "flag") and not q.ages and not q.assayed)  # fmt: skip
"""Quantities that a fact of the kind ``covariate`` may tell; one with assays has a kind of its own."""


def measurable() -> tuple[str, ...]:
    """Quantities that a fact of the kind ``measured`` may tell, levels included; none of those told with the patient."""
    told_with = ("GA", "BW", "SEX")
    plain = (q.name for q in QUANTITIES.values() if q.kind != "plain" and not q.ages and q.name not in told_with)
    return (*plain, *formulary.levels())


class _Listed:
    """Text that is one of these names; the API's description lists them. Drugs of the operator's files join while it runs."""

    def __init__(self, names: Callable[[], tuple[str, ...]]):
        self._names = names

    def __call__(self, value: str) -> str:
        if value not in self._names():
            raise ValueError(f"one of {', '.join(self._names())}")
        return value

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self._names())}


def one_of(names: Callable[[], tuple[str, ...]]) -> Any:
    """Text that is one of these names."""
    listed = _Listed(names)
    return Annotated[str, AfterValidator(listed), listed]


if TYPE_CHECKING:
    Drug = str
    AnyDrug = str
    Covariate = str
    Quantity = str
else:
    Quantity = one_of(measurable)
    Drug = one_of(formulary.followed)
    AnyDrug = one_of(lambda: tuple(d.name for d in formulary.drugs()))
    Covariate = one_of(lambda: COVARIATES)
# strict: a number is a JSON number, never text ("1_0" would be read as 10) and never true
Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False, strict=True)]


UNSAID: Any = Field(default_factory=lambda: formulary.UNNAMED, description="Left out: the drug of the ward's first therapy.")
"""The drug of a fact that names none; the doors of the service name the ward's (``unnamed``)."""


class Body(BaseModel):
    """What one kind of fact says."""

    model_config = ConfigDict(extra="forbid")

    def canonical(self) -> dict[str, Any]:
        """The body as it is stored: as given, plus the canonical values. Raises InputError for a unit that is not listed."""
        return self.model_dump(mode="json", exclude_none=True)


class Dose(Body):
    """A dose that was given."""

    kind: Literal["dose"]
    drug: Drug = UNSAID
    amount: Positive
    unit: Unit = "mg"
    infusion_h: Annotated[float, Field(ge=0, le=48, allow_inf_nan=False, strict=True)] = 0.5

    @model_validator(mode="after")
    def _swallowed(self) -> "Dose":
        if "infusion_h" not in self.model_fields_set and formulary.drug(self.drug).routes[:1] in (("mouth",), ("skin",)):
            self.infusion_h = 0.0
        return self

    def canonical(self) -> dict[str, Any]:
        """With ``amount_mg``."""
        return super().canonical() | {
            "amount_mg": convert(self.amount, self.unit, formulary.drug(self.drug).amount, where="dose.unit")
        }


class Level(Body):
    """A measured drug level; ``below_loq``: ``value`` is the limit of quantification."""

    kind: Literal["level"]
    drug: Drug = UNSAID
    value: NotNegative
    unit: Unit = "mg/L"
    below_loq: bool = False
    after_dose: bool = False
    time_sd_h: Annotated[float, Field(ge=0, le=24, allow_inf_nan=False, strict=True)] = 0.0

    @model_validator(mode="after")
    def _limit(self) -> "Level":
        if self.below_loq and self.value <= 0:
            raise ValueError("below_loq needs the limit of quantification as value, > 0")
        return self

    def canonical(self) -> dict[str, Any]:
        """With ``mg_per_L``."""
        found = convert(self.value, self.unit, formulary.measured(self.drug), where="level.unit")
        return super().canonical() | {"mg_per_L": found}


class Assayed(Body):
    """A result whose assays read differently, as the laboratory reported it."""

    kind: Literal[tuple(ASSAYED)]  # type: ignore[valid-type]
    value: Positive
    unit: Unit
    assay: Literal["", "idms", "enzymatic", "jaffe", "enzymatic-uncalibrated"] = ""

    def canonical(self) -> dict[str, Any]:
        """With the value by the reference's assay (``mg_per_dL``: by its unit) and the remarks of the conversion."""
        of = ASSAYED[self.kind]
        found = by_assay(of, self.value, self.unit, self.assay, record=f"{self.kind}.value")
        return super().canonical() | {assayed_in(of): found.value, "findings": [f.to_json() for f in found.findings]}


class CovariateValue(Body):
    """A weight, a temperature, a treatment that began (1) or ended (0)."""

    kind: Literal["covariate"]
    name: Covariate
    value: Annotated[float, Field(ge=-100, le=1e6, allow_inf_nan=False, strict=True)]
    unit: Unit = "1"

    @model_validator(mode="after")
    def _flag(self) -> "CovariateValue":
        if QUANTITIES[self.name].flag and self.value not in (0.0, 1.0):
            raise ValueError(f"{self.name} is 1 (began) or 0 (ended)")
        return self

    def canonical(self) -> dict[str, Any]:
        """With ``canonical_value``."""
        of = QUANTITIES[self.name]
        value = self.value if of.flag else convert(self.value, self.unit, of, where="covariate.unit")
        return super().canonical() | {"canonical_value": value, "canonical_unit": of.unit}


class Measured(Body):
    """Anything measured or told about the patient: a result, a vital sign, a flag, a genotype, the level of any drug.

    ``below_limit``: ``value`` is the limit that the result lies below. ``assay``: of a quantity with assays.
    """

    kind: Literal["measured"]
    quantity: Quantity
    value: Annotated[float, Field(ge=-100, le=1e6, allow_inf_nan=False, strict=True)]
    unit: Unit = "1"
    below_limit: bool = False
    after_dose: bool = False
    time_sd_h: Annotated[float, Field(ge=0, le=24, allow_inf_nan=False, strict=True)] = 0.0
    assay: Literal["", "idms", "enzymatic", "jaffe", "enzymatic-uncalibrated"] = ""

    @model_validator(mode="after")
    def _fits(self) -> "Measured":
        of = formulary.measured(self.quantity)
        if of.flag and self.value not in (0.0, 1.0):
            raise ValueError(f"{self.quantity} is 1 (began) or 0 (ended)")
        if of.kind == "trait" and not of.counts(self.value):
            raise ValueError(f"{self.quantity} is {of.counted}")
        if self.below_limit and not (of.kind == "level" and self.value > 0):
            raise ValueError("below_limit needs the level's limit of quantification as value, > 0")
        if self.assay and not of.assayed:
            raise ValueError(f"an assay is told of {', '.join(ASSAYED)} only")
        return self

    def canonical(self) -> dict[str, Any]:
        """With ``canonical_value``, ``canonical_unit`` and the remarks of a conversion."""
        of, findings = formulary.measured(self.quantity), []
        if self.assay or (self.quantity in QUANTITIES and QUANTITIES[self.quantity].assayed):
            found = by_assay(of, self.value, self.unit, self.assay, record="measured.value")
            value, findings = found.value, [f.to_json() for f in found.findings]
        else:
            value = self.value if of.flag else convert(self.value, self.unit, of, where="measured.unit")
        return super().canonical() | {"canonical_value": value, "canonical_unit": of.unit, "findings": findings}


class Culture(Body):
    """A culture: taken, still growing nothing, or what grew and which MIC it has."""

    kind: Literal["culture"]
    specimen: Literal["blood", "csf", "urine", "other"] = "blood"
    result: Literal["taken", "no_growth", "growth"]
    organism: Text = ""
    drug: Drug | None = None
    mic_mg_per_L: Positive | None = None
    susceptibility: Literal["", "S", "I", "R"] = ""


class Planned(Body):
    """What is planned for another drug of the patient: from ``start`` on it is given, or ended; or an earlier plan is withdrawn.

    The last plan of a drug holds. A dose that is planned is never counted as given.
    """

    kind: Literal["planned"]
    drug: AnyDrug
    action: Literal["begins", "ends", "withdrawn"]
    start: AwareDatetime
    amount: Positive | None = None
    unit: Unit = "mg"
    every_h: Annotated[float, Field(ge=1, le=24 * 28, allow_inf_nan=False, strict=True)] | None = None
    infusion_h: Annotated[float, Field(ge=0, le=48, allow_inf_nan=False, strict=True)] = 0.0

    @model_validator(mode="after")
    def _whole(self) -> "Planned":
        if self.action == "begins" and (self.amount is None or self.every_h is None):
            raise ValueError("a drug that begins needs amount and every_h")
        if self.action != "begins" and (self.amount is not None or self.every_h is not None):
            raise ValueError("amount and every_h are of a drug that begins")
        return self

    def canonical(self) -> dict[str, Any]:
        """With ``amount_mg`` of a drug that begins."""
        out = super().canonical()
        if self.amount is not None:
            out["amount_mg"] = convert(self.amount, self.unit, formulary.drug(self.drug).amount, where="planned.unit")
        return out


class Transferred(Body):
    """The patient now lies on another ward."""

    kind: Literal["transferred"]
    ward: Code


class Consent(Body):
    """What was permitted or denied; the last one per purpose holds."""

    kind: Literal["consent"]
    purpose: Literal["care", "research"]
    decision: Literal["permit", "deny"]
    reference: Text = ""


class Ordered(Body):
    """What was ordered, as the ordering system said it: kept and shown, never counted as a dose."""

    kind: Literal["ordered"]
    drug: Drug = UNSAID
    status: Literal["new", "changed", "held", "stopped"]
    order: Text = ""
    amount: Positive | None = None
    unit: Unit | None = None
    every_h: Annotated[float, Field(gt=0, le=24 * 366, allow_inf_nan=False, strict=True)] | None = None
    route: Text = ""
    text: Text = ""


class Discharged(Body):
    """The patient has left; the record stays."""

    kind: Literal["discharged"]


class Note(Body):
    """An alert, its acknowledgement, the end of its cause, or that somebody was told; carries no number the twin uses."""

    kind: Literal["alert", "alert_acknowledged", "alert_ended", "alert_told"]
    code: Code
    text: Text = ""
    severity: Literal["info", "warning", "critical"] = "info"
    about: Text = ""


class Threshold(Body):
    """Where somebody wants to be told of this patient: a value ``below`` or ``above``; the last one of a quantity holds, one
    without either ends it."""

    kind: Literal["alert_threshold"]
    quantity: Quantity
    below: NotNegative | None = None
    above: NotNegative | None = None
    unit: Unit = "1"

    @model_validator(mode="after")
    def _ordered(self) -> "Threshold":
        if self.below is not None and self.above is not None and not self.below < self.above:
            raise ValueError("below must lie under above")
        return self

    def canonical(self) -> dict[str, Any]:
        """With both in the quantity's own unit."""
        of, out = formulary.measured(self.quantity), super().canonical()
        for side in ("below", "above"):
            if (value := getattr(self, side)) is not None:
                out[f"canonical_{side}"] = convert(value, self.unit, of, where="alert_threshold.unit")
        return out


AnyBody = Annotated[
    Dose
    | Measured
    | Level
    | Assayed
    | CovariateValue
    | Culture
    | Ordered
    | Planned
    | Transferred
    | Consent
    | Discharged
    | Note
    | Threshold,
    Field(discriminator="kind"),
]
RECORDED = ("dose", "measured", "level", *ASSAYED, "covariate", "culture", "ordered", "planned", "transferred", "consent",
            "discharged",
            "alert", "alert_acknowledged", "alert_ended", "alert_told", "alert_threshold")  # fmt: skip
"""Kinds that come from outside. The service itself adds patient_created, identity_changed, advice_issued, advice_answered,
correction, merged and merge_undone."""
CARE = frozenset({"dose", "measured", "level", *ASSAYED, "covariate", "culture", "planned"})
"""Kinds that say what was given to the patient or measured, or is planned beside."""
CLINICAL = CARE | {"patient_created", "identity_changed", "correction"}
"""Kinds that change what the twin believes."""


def unnamed(body: Body) -> bool:
    """Whether a fact is about a drug and leaves it out."""
    return isinstance(body, Dose | Level | Ordered) and "drug" not in body.model_fields_set


class Confirmed(BaseModel):
    """Why an unusual value is right all the same."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(min_length=3)]


class NewFact(BaseModel):
    """One fact about a patient: when it happened, what, and the key of the message it came from (the same key is stored once).

    ``confirmed``: the reason why a value that is unusual for this patient is right; stored as a fact of its own.
    """

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    source_key: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    body: AnyBody
    confirmed: Confirmed | None = None

    @model_validator(mode="after")
    def _near(self) -> "NewFact":
        if isinstance(self.body, Planned) and abs(self.body.start - self.at) > PLANNED_WITHIN:
            raise ValueError(f"a plan begins or ends within {PLANNED_WITHIN.days} days of the moment it was made")
        return self


def about(fact: NewFact, drug: str) -> NewFact:
    """The same fact about a drug."""
    given = fact.body.model_dump(exclude_unset=True) | {"drug": drug}
    return fact.model_copy(update={"body": type(fact.body).model_validate(given)})


class Person(BaseModel):
    """What identifies a patient: encrypted, never in a fact, a log or a metric."""

    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    identifiers: Annotated[dict[Name, Name], Field(max_length=10)] = Field(default_factory=dict)
    birth: AwareDatetime | None = None


class NewPatient(BaseModel):
    """A patient to follow. ``label`` is what a screen may show without identifying anyone (a bed, say)."""

    model_config = ConfigDict(extra="forbid")

    ward: Code
    label: Text = ""
    sex: Literal["female", "male"] | None = None
    GA_weeks: Annotated[float, Field(ge=20, le=45, allow_inf_nan=False, strict=True)] | None = None
    birth_weight_kg: Annotated[float, Field(ge=0.2, le=10, allow_inf_nan=False, strict=True)] | None = None
    synthetic: bool = False
    person: Person = Field(default_factory=Person)
    source_key: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    at: AwareDatetime | None = None
