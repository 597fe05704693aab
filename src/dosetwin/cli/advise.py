"""``dosetwin advise``: one case in, the next dose out, as text, JSON or a report."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.cli.common import at_least, naming, output_path, print_json, progress, rule_of, terminal, write_whole
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.decide.policy import Policy
    from dosetwin.declare import Model
    from dosetwin.records import Timeline

DEFAULT_MODEL = {"amikacin": "amikacin_neonate"}
"""The model of a drug where nobody names one."""
MOST_LATE_H = 366 * 24.0
"""No decision is built on a record older than this: a slip of the pen in --now would else be simulated hour by hour."""
LATE_H = 7 * 24.0
"""A bundle written later than this after its last record was probably not written for a decision now."""


def run(
    case: Path, model_names: list[str], *, now: str | None, mic: float | None, seed: int, draws: int, covariates: str,
    drug: str | None, policy: str | None, report: Path | None, as_json: bool, kidney: str | None = None,
    look_ahead: bool = False, pack: str = "peak_driven",
) -> int:  # fmt: skip
    """Advise and print; 0 (recommendation, caution) or 3 (refusal). Raises InputError for wrong words or a wrong file."""
    rule = rule_of(covariates)
    at_least("--draws", draws, 100, 100_000)
    at_least("--seed", seed, 0)
    if mic is not None and not (math.isfinite(mic) and mic > 0):
        raise InputError("the MIC must be a positive number", where="--mic", value=mic, allowed="> 0 mg/L")
    page = output_path("--report", report, [case])
    advice, clock = prepare(case, model_names, now=now, mic=mic, seed=seed, draws=draws, rule=rule, drug=drug, policy=policy,
                            kidney=kidney, look_ahead=look_ahead, pack=pack)  # fmt: skip
    if page is not None:
        from dosetwin.report.page import advice_page

        with progress("drawing the report"):
            text = advice_page(advice, source=case.name, clock=clock)
        write_whole(page, text)
    if as_json:
        body = advice.recommendation.to_json()
        body["provenance"]["now_is"] = clock
        print_json(body)
    else:
        from dosetwin.cli.show import show_advice

        console = terminal()
        show_advice(console, advice, clock)
        if page is not None:
            console.print(f"\nReport: {page}")
    return 3 if advice.recommendation.status == "refuse" else 0


def prepare(
    case: Path, model_names: list[str], *, now: str | None, mic: float | None, seed: int, draws: int, rule: Any, drug: str | None,
    policy: str | None, kidney: str | None = None, look_ahead: bool = False, pack: str = "peak_driven",
) -> "tuple[Advice, str]":  # fmt: skip
    """The advice on a case file, and how the moment of the decision was found."""
    import hashlib

    from dosetwin import models
    from dosetwin.io.case import read_case
    from dosetwin.io.text import read_bytes

    chosen = [models.load(name) for name in dict.fromkeys(model_names)]
    rules = policy_of(policy) if policy is not None else None
    timeline = read_case(case, drug)
    hash_ = hashlib.sha256(read_bytes(case)).hexdigest()
    about = rules.drug if rules else timeline.drug or (chosen[0].drug if chosen else "")
    rules = rules or _policy_for(about, case.name)
    if not chosen:
        if rules.drug not in DEFAULT_MODEL:
            raise InputError("no model is the default for this drug", where="--model", value=rules.drug, remedy="name one")
        chosen = [models.load(DEFAULT_MODEL[rules.drug])]
    if all(m.drug == rules.drug for m in chosen):
        from dosetwin.decide.target import judges

        judges(rules.targets, chosen, rules.drug, policy or f"policy {rules.name}")
    if timeline.origin is None and case.suffix.lower() != ".json":
        timeline = _of_models(timeline, chosen, case)
    at, clock = moment(timeline, now, case.name)
    last = last_record(timeline)
    if last is not None and at - last > MOST_LATE_H:
        raise InputError("the moment of the decision is too long after the last record", where=f"{case.name} --now",
                         value=f"{(at - last) / 24:.0f} days", allowed=f"<= {MOST_LATE_H / 24:.0f} days",
                         remedy="correct --now (or the bundle's timestamp), or send newer records")  # fmt: skip
    names = ", ".join(m.name for m in chosen)
    with progress(f"asking the twin ({names}; the first use of a model compiles it)"), naming(case):
        from dosetwin.advise import advise_full

        advice = advise_full(timeline, chosen[0], rules, models=chosen, now=at, mic=mic, seed=seed, draws=draws, rule=rule,
                             input_hash=hash_, kidney=kidney, look_ahead=look_ahead, pack=pack)  # fmt: skip
    return advice, clock


def _of_models(timeline: "Timeline", chosen: "Sequence[Model]", case: Path) -> "Timeline":
    """A table's observations named and its measured columns taken as measurements, for the models that are asked."""
    from dosetwin.simulate.measured import bound

    findings = list(timeline.findings)
    with naming(case):
        for model in chosen:
            known = bound(model, [timeline], {}, source=case.name)
            timeline = known.timelines[0]
            findings += known.findings
    return replace(timeline, findings=tuple(dict.fromkeys(findings)))


def _policy_for(drug: str, where: str) -> "Policy":
    from dosetwin.decide.policy import POLICIES

    found = [p for p in POLICIES.values() if p.drug == drug]
    if not found:
        allowed = ", ".join(sorted({p.drug for p in POLICIES.values()}))
        raise InputError(
            "no targets and limits for this drug", where=where, value=drug or "no drug named", allowed=allowed,
            remedy="name the drug with --drug or --model, or give a policy file with --policy",
        )  # fmt: skip
    return found[0]


def policy_of(word: str) -> "Policy":
    """A built-in policy by name, or one from a JSON file. Raises InputError, UnknownName."""
    from dosetwin.decide import policy
    from dosetwin.io.text import read_json

    if not word.endswith(".json"):
        return policy.load(word)
    data = read_json(Path(word))
    if not isinstance(data, dict):
        raise InputError("not a policy", where=word, value=type(data).__name__, allowed="a JSON object")
    try:
        return policy.Policy.from_json(data)
    except InputError as error:
        raise InputError(f"{error}", where=word) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"not a policy: {type(error).__name__}: {error}", where=word) from None


def moment(timeline: "Timeline", word: str | None, where: str) -> tuple[float, str]:
    """The moment of the decision (h on the timeline's clock) and how it was found, in words."""
    if word is not None:
        return _given(timeline, word), "given with --now"
    last = last_record(timeline)
    if timeline.as_of is not None:
        late = last is not None and timeline.as_of - last > LATE_H
        tail = f"; {(timeline.as_of - last) / 24:.0f} days after the last record, name another moment with --now" if late else ""  # type: ignore[operator]
        return timeline.as_of, f"the timestamp of {where}{tail}"
    if last is None:
        raise InputError("nothing is recorded", where=where, remedy="add doses, levels or a weight")
    return last, f"the last record of {where}"


def last_record(timeline: "Timeline") -> float | None:
    """Time (h) of the last dose, level or covariate; the announced end of something running is no record."""
    times = [e.time for d in timeline.doses for e in d.expanded()]
    times += [o.time for o in timeline.observations]
    times += [c.time for c in timeline.covariates if not (c.value == 0 and c.record.startswith("end of "))]
    return max(times, default=None)


def _given(timeline: "Timeline", word: str) -> float:
    try:
        hours = float(word)
    except ValueError:
        pass
    else:
        if not math.isfinite(hours):
            raise InputError("not a moment", where="--now", value=word, allowed="a finite number of h, or ISO 8601")
        return hours
    try:
        when = datetime.fromisoformat(word)
    except ValueError:
        allowed = "ISO 8601 such as 2026-04-13T14:00Z, or h on the case's clock"
        raise InputError("not a moment", where="--now", value=word, allowed=allowed) from None
    if timeline.origin is None:
        raise InputError("the case has no calendar", where="--now", value=word, allowed="h on the case's clock")
    if when.tzinfo is None:
        raise InputError(
            "a moment without its offset from UTC", where="--now", value=word, remedy=f"write {word}Z or {word}+02:00"
        )
    return timeline.at(when)
