"""Which kidney tells the drug's clearance: learned, filter, mechanistic, maturation; its course for the model day by day.

``evidence`` (the default) uses that of the first three which foretold this baby's creatinines clearly better, else mechanistic.
``learned`` and ``filter`` forecast creatinine, turn it into filtration by its mass balance (``forecast.kidney.filtration``) and
tell every model that has an effect for it (``Eta(..., told="filtration")``) a mean and loadings for each day. ``maturation``
tells the variance of the model and no more, so creatinine moves nothing. ``mechanistic`` leaves models and facts as they are: a
model that predicts creatinine weighs it with the drug's levels under one constant random effect on filtration, any other goes
without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.declare import Model
from dosetwin.declare.channels import COMPONENTS, FILTRATION
from dosetwin.declare.told import effect_told, laid_out, own_of, sd_told, told
from dosetwin.errors import DosetwinError, Finding, InputError
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney.answer import HOURS, CreatinineForecast, Forecaster
from dosetwin.forecast.kidney.criteria import WATCH
from dosetwin.forecast.kidney.evidence import STANDS, KidneyEvidence, weigh
from dosetwin.forecast.kidney.record import WardRecord, birth_hour, from_timeline
from dosetwin.forecast.tells import Believed, Tells, Told
from dosetwin.records import Covariate, Timeline

if TYPE_CHECKING:
    from dosetwin.forecast.kidney.filtration import FiltrationPath
    from dosetwin.forecast.kidney.learned import LearnedKidney
    from dosetwin.forecast.kidney.outlook import KidneyOutlook
    from dosetwin.simulate.schedule import Rule

NAMES = ("evidence", "learned", "filter", "mechanistic", "maturation")
DEFAULT = "evidence"
CHANNEL = FILTRATION
"""What a kidney tells; models hold every draw within its limits."""
FALLS_TO = {"learned": "filter", "filter": "mechanistic"}
RECORD = "kidney"
"""What the covariates made here name as their record."""
UNEXPECTED_Z = 3.0
"""A creatinine that many SDs from what the filter expected is remarked on (assumed; it is used all the same: injury looks so)."""


@dataclass(frozen=True, eq=False)
class KidneyTold(Told):
    """What a kidney says of the facts at one moment: behind the covariates for the model the ward's ``record``, the ``forecast``
    of creatinine and the ``path`` of filtration (None where there is none)."""

    record: WardRecord | None = None
    forecast: CreatinineForecast | None = None
    path: "FiltrationPath | None" = None


@dataclass(frozen=True, eq=False)
class Kidney:
    """The kidney in use. ``asked`` None: nobody chose; ``used`` "": no model here has filtration that it could tell.

    ``sha256`` of its weights ("" without any) and ``card`` of their training; ``models`` to ask in place of those given;
    ``findings`` why another is used than was asked for; ``evidence`` what the choice rests on, where it was chosen by that.
    """

    asked: str | None
    used: str
    models: tuple[Model, ...]
    sha256: str = ""
    card: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    evidence: KidneyEvidence | None = None

    @property
    def why(self) -> str:
        """Why it is used, where nobody asked for it by name."""
        return "" if self.evidence is None else self.evidence.why

    @property
    def outside(self) -> bool:
        """Whether the kidney stands outside the model and puts its course before it."""
        return self.used in ("learned", "filter", "maturation")

    def tell(self, timeline: Timeline, now: float, rule: "Rule") -> KidneyTold:
        """What it says of the facts known at ``now`` h. Raises InputError where the facts no longer allow a forecast."""
        if not self.outside:
            return KidneyTold()
        asked = {(sd_told(m, CHANNEL.name), own_of(m, CHANNEL.name)) for m in self.models if m.channel == CHANNEL.name}
        if self.used == "maturation":
            known = timeline.until(now)
            at = min([*(e.time for d in known.doses for e in d.expanded()), *(o.time for o in known.observations), now])
            rows = {(sd, own): np.array([[0.0, sd, *([0.0] * (COMPONENTS - 1))]]) for sd, own in asked}
            return KidneyTold(_covariates(np.array([at]), rows, rule))
        from dosetwin.forecast.kidney.filtration import components, filtration_path

        record = from_timeline(timeline, now)
        balance = fitted.load().filter
        weights = _learned() if self.used == "learned" else None
        forecast = (weights or balance).forecast(record, HOURS)
        if forecast.refusal is not None:
            raise InputError(forecast.refusal.message, where=f"patient {timeline.patient.id}", remedy="see the reasons")
        born = birth_hour(timeline) or 0.0
        first = min([e.time for d in timeline.until(now).doses for e in d.expanded()], default=now)
        since, given = max(first - born, 0.0), None if weights is None else forecast
        paths = {own: filtration_path(record, balance, since=since, forecast=given, apart=own) for _, own in sorted(asked)}
        rows = {}
        for sd, own in asked:
            mean, cov = paths[own].under(sd)
            rows[sd, own] = np.column_stack([np.clip(mean, CHANNEL.low, CHANNEL.high), components(cov, COMPONENTS)])
        path = next(iter(paths.values()))
        return KidneyTold(_covariates(path.start + born, rows, rule), record, forecast, path)

    @property
    def reads(self) -> tuple[str, ...]:
        """Creatinine, where it stands outside the model and is moved by it."""
        return ("SCR",) if self.used in ("learned", "filter") else ()

    def remarks(self, told: Told, who: str) -> tuple[Finding, ...]:
        """Findings about the creatinines it was told: those far from what it expected."""
        path = told.path if isinstance(told, KidneyTold) else None
        return () if path is None else _unexpected(path, who)

    def answers(self, finding: Finding) -> bool:
        """Whether a model remarks on what a kidney does for it: that it cannot predict creatinine, or how the course is laid
        out."""
        about = {"level_not_predicted": "'SCR'", "covariate_carried_back": CHANNEL.column}.get(finding.code)
        return self.outside and about is not None and about in finding.message

    def outlook(self, told: Told, believed: Believed) -> "KidneyOutlook | None":
        """What it expects of the coming three days; None where it is not in use."""
        from dosetwin.forecast.kidney.expected import expected

        assert isinstance(told, KidneyTold)
        return expected(self, told, believed) if self.used else None

    def provenance(self) -> dict[str, Any] | None:
        """What identifies it in an answer; None where no kidney is in use."""
        if not self.used:
            return None
        card = self.card or {}
        return {
            "asked": self.asked,
            "used": self.used,
            "sha256": self.sha256,
            "training": {k: card[k] for k in ("what", "data", "date", "seed") if k in card},
            "evidence": None if self.evidence is None else self.evidence.to_json(),
        }


def _covariates(
    start: np.ndarray, rows: Mapping[tuple[float, tuple[str, ...]], np.ndarray], rule: "Rule"
) -> tuple[Covariate, ...]:
    """Rows of (mean, loadings) by SD of the models' effect and what they have their own effects for, as records."""
    return tuple(
        c for (sd, own), values in sorted(rows.items()) for c in laid_out(CHANNEL.columns(sd, own), start, values, rule, RECORD)
    )


def _learned() -> "LearnedKidney | None":
    """The shipped learned kidney, None where none is shipped.

    Raises InputError for damaged weights, ImportError without onnxruntime.
    """
    import onnxruntime  # noqa: F401  (says early what is missing)

    from dosetwin.forecast.kidney import learned

    return learned.load() if (learned.SHIPPED / learned.WEIGHTS).is_file() else None


def may_be_told(model: Model) -> bool:
    """Whether a model has a filtration that a kidney could tell."""
    return effect_told(model, CHANNEL.name) is not None


def choose(asked: str | None, models: Sequence[Model], known: Timeline, now: float, rule: "Rule" = "locf") -> Kidney:
    """The kidney to use for these models and facts, falling back where the facts lie outside its training.

    Raises
    ------
    InputError : a kidney for models that have no filtration to tell, or damaged weights.
    """
    given = tuple(models)
    able = [m for m in given if may_be_told(m)]
    if not able:
        if asked is not None:
            from dosetwin import models as listed

            names = ", ".join(m.name for m in given)
            raise InputError("no model here has a filtration that it could tell", where="kidney", value=f"{asked} for {names}",
                             allowed=", ".join(n for n in listed.names() if may_be_told(listed.load(n))),
                             remedy="leave the kidney out, or choose another model")  # fmt: skip
        return Kidney(None, "", given)
    lead = next((m for m in able if m.measured_by("SCR")), able[0])
    findings: list[Finding] = []
    use = asked or DEFAULT
    record = from_timeline(known, now)
    evidence = None
    if use == "evidence":
        evidence = _weighed(record, known, lead, rule)
        use = evidence.used
        if use != evidence.stands:
            message = f"the {use} kidney is used: {evidence.why}"
            findings.append(Finding("info", "kidney_by_evidence", f"patient {known.patient.id}", message))
    while use in FALLS_TO:
        card, sha256, why = _state(use, record)
        if not why:
            break
        then = FALLS_TO[use]
        instead = f"the {then} kidney is used" if then != STANDS or lead.measured_by("SCR") else "creatinine is not used"
        message = f"the {use} kidney is not used: {'; '.join(why)}; {instead} instead"
        findings.append(
            Finding("warning", "kidney_falls_back", f"patient {known.patient.id}", message, remedy="see docs/kidney.md")
        )
        use = then
    broken = use == "maturation" and any(f.severity == "error" for f in record.findings)
    if (use == "mechanistic" or broken) and not lead.measured_by("SCR"):
        # a model that predicts no creatinine, as it is: nothing moves it, and nobody says what creatinine to expect
        return Kidney(None, "", given, findings=tuple(findings))
    if use == "mechanistic":
        return Kidney(asked, use, given, findings=tuple(findings), evidence=evidence)
    variants = tuple(told(m, CHANNEL.name) if may_be_told(m) else m for m in given)
    if use == "maturation":
        return Kidney(asked, use, variants, findings=tuple(findings))
    return Kidney(asked, use, variants, sha256, card, tuple(findings), evidence)


def _weighed(record: WardRecord, known: Timeline, model: Model, rule: "Rule") -> KidneyEvidence:
    """The kidneys that may be asked for this record, weighed by how well they foretold its creatinines."""
    others: dict[str, Forecaster] = {}
    aside: dict[str, str] = {}
    if len(record.time) > 1:
        for name in FALLS_TO:
            why = _state(name, record)[2]
            if why:
                aside[name] = "; ".join(why)
                continue
            kidney = _learned() if name == "learned" else fitted.load().filter
            assert kidney is not None
            others[name] = kidney
    return weigh(record, known, model, others, rule, aside)


def _state(name: str, record: WardRecord) -> tuple[Mapping[str, Any], str, list[str]]:
    """Card, hash, and why the kidney cannot be used for this record (empty: it can)."""
    why = [str(f) for f in record.findings if f.severity == "error"]
    if name == "learned":
        try:
            learned = _learned()
        except ImportError as error:
            return {}, "", [f"it cannot run here ({error})"]
        if learned is None:
            return {}, "", ["its weights are not part of this installation"]
        # the card's own hash holds that of the weights, and calibration and second structure, which stand on the card alone
        card, sha256 = learned.card, str(learned.card["sha256_of_card"])
    else:
        shipped = fitted.load()
        card, sha256 = shipped.card, shipped.sha256
    return card, sha256, why or outside(record, card["range"])


def outside(record: WardRecord, ranges: Mapping[str, Sequence[float]]) -> list[str]:
    """In words, what of the record lies outside the ranges met in training: GA wk, BW kg, PNA d, SCR mg/dL."""
    values = {"GA": [record.GA], "BW": [record.BW], "PNA": [record.now / 24.0], "SCR": record.scr.tolist()}
    units = {"GA": "weeks of gestation", "BW": "kg at birth", "PNA": "days of age", "SCR": "mg/dL creatinine"}
    out = []
    for name, found in values.items():
        if name not in ranges:
            continue
        low, high = ranges[name]
        bad = [v for v in found if not low - 1e-9 <= v <= high + 1e-9]
        if bad:
            out.append(f"{bad[-1]:.3g} {units[name]} lies outside its training ({low:g} to {high:g})")
    return out


def _unexpected(path: "FiltrationPath", who: str) -> tuple[Finding, ...]:
    found = []
    for i in path.innovations:
        if abs(i.z) > UNEXPECTED_Z:
            message = (
                f"creatinine {i.scr:.2f} mg/dL on day {i.time / 24:.1f} lies {abs(i.z):.1f} SD {'above' if i.z > 0 else 'below'} "
                f"what was expected ({i.expected:.2f}); it is used"
            )
            found.append(Finding("warning", "creatinine_unexpected", who, message, round(i.scr, 3), f"within {UNEXPECTED_Z:g} SD",
                                 "check sample, unit and assay"))  # fmt: skip
    return tuple(found)


def without_creatinine(timeline: Timeline) -> Timeline:
    """The facts less every creatinine."""
    return replace(
        timeline,
        observations=tuple(o for o in timeline.observations if o.measures != "SCR"),
        covariates=tuple(c for c in timeline.covariates if c.name != "SCR"),
    )


def weights(asked: str) -> list[str] | None:
    """Hashes of the weights a kidney rests on; None where they cannot be loaded (the answer says what is wrong with them)."""
    from dosetwin.forecast.kidney import learned

    found = []
    try:
        if asked in ("evidence", "learned", "filter"):
            found.append(fitted.load().sha256)
        if asked in ("evidence", "learned") and (learned.SHIPPED / learned.WEIGHTS).is_file():
            found.append(str(learned.load().card["sha256_of_card"]))
    except (DosetwinError, ImportError):
        return None
    return found


TELLS = Tells("kidney", CHANNEL, NAMES, DEFAULT, choose, inside=STANDS, weights=weights, watch=WATCH,
              uses={DEFAULT: ("learned", "filter", STANDS)})  # fmt: skip
"""How an answer finds the kidneys."""
