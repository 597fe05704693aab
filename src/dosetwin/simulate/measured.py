"""What the records of a table measure for one model, and which of its columns the model uses; nothing is passed over unsaid."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dosetwin import formulary
from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError, UnknownUnit
from dosetwin.quantities.units import code_of, convert
from dosetwin.records import Covariate, Observation, Timeline
from dosetwin.records.words import LEVEL, meant
from dosetwin.simulate.typical import observed_states

MISSING_CODES = frozenset({-99.0, -999.0, -9999.0})
"""Numbers that mean "missing" in many tables and are no value of anything that cannot be negative."""

FROM_COLUMN = "column"
"""``assay`` of a measurement that stood in a column of its own, beside the record it is named after."""


@dataclass(frozen=True)
class Bound:
    """Timelines whose observations name what they measure, remarks, and the headers of the columns that were not used."""

    timelines: list[Timeline]
    findings: tuple[Finding, ...]
    unused: tuple[str, ...]


def bound(
    model: Model, timelines: Sequence[Timeline], columns: Mapping[str, str], *, unread: Sequence[str] = (),
    header: Sequence[str] = (), source: str = "table",
    reads: frozenset[str] = frozenset(), measure: bool = True,
) -> Bound:  # fmt: skip
    """Observations by output (DVID, then CMT), columns of what the model predicts as measurements, the rest named.

    Parameters
    ----------
    columns : canonical name -> header of every column of the table, ``unread`` headers no record was made of,
        ``header`` all headers in order.
    reads : names that are used beside the model (by policies and rules).
    measure : whether measurements are used at all; False leaves the columns of what the model predicts unused.

    Raises InputError for an observation whose DVID or CMT means nothing to the model, and for a code such as -99.
    """
    findings: list[Finding] = []
    names = _covariate_names(model, timelines, columns)
    renamed = {have: want for have, want in names.items() if have != want}
    if renamed:
        timelines = [
            replace(t, covariates=tuple(replace(c, name=renamed.get(c.name, c.name)) for c in t.covariates)) for t in timelines
        ]
        how = ", ".join(f"{columns.get(h, h)} as {w}" for h, w in renamed.items())
        findings.append(Finding("info", "column_read_as", source, f"read {how}"))
    _refuse_missing_codes(model, timelines)
    said: dict[str, str] = {}
    unused_cmt: list[str] = []
    idle: dict[str, list[str]] = {}
    changed: Counter[tuple[str, str, str]] = Counter()
    out = []
    for t in timelines:
        observed = tuple(_in_unit(_named(o, model, said, unused_cmt, idle), model, changed) for o in t.observations)
        asked = tuple(_named(o, model, said, unused_cmt, None) for o in t.asked)
        out.append(replace(t, observations=observed, asked=asked))
    if said:
        words = "; ".join(f"{code} is {name}" for code, name in said.items())
        findings.append(Finding("info", "codes_read", source, f"what is observed: {words}"))
    for (word, unit, to), count in changed.items():
        findings.append(Finding("info", "unit_converted", source, f"{count} records of {word} are converted from {unit} to {to}"))
    for quantity, records in idle.items():
        message = f"{len(records)} records of {quantity} are not used: {model.name} neither predicts nor reads it"
        findings.append(Finding("warning", "records_not_used", records[0], message))
    measured, taken = out, set()
    if measure:
        measured, remarks, taken = _columns_measured(model, out, columns, source)
        findings += remarks
    used = {n for n in names.values() if n in model.covs} | taken | reads
    have = set(names.values())
    if "PMA" in model.covs and "PMA" not in have:
        used |= {"GA", "PNA"}
    if "WT" in model.covs and "WT" not in have:
        used.add("BW")
    if "BSA" in model.covs and "BSA" not in have:
        used |= {"HT", "WT"}
    if model.kappa_names:
        used.add("OCC")
    lost = {header for key, header in columns.items() if key in names and names[key] not in used}
    findings += _elsewhere(model, out)
    if unused_cmt and not any(d.cmt for t in timelines for d in t.doses):
        lost.add(columns.get("CMT", "CMT"))
    unused = tuple(h for h in header or dict.fromkeys([*columns.values(), *unread]) if h in lost or h in unread)
    if unused_cmt:
        message = f"CMT of {len(unused_cmt)} observations is not used: DVID says what they measure"
        findings.append(Finding("info", "cmt_of_observations_unused", unused_cmt[0], message))
    if unused:
        message = f"columns not used: {', '.join(unused)}"
        remedy = "map a column whose name differs (--map NAME=COLUMN), or leave it out"
        findings.append(Finding("warning", "unused_columns", source, message, None, "", remedy))
    return Bound(measured, tuple(findings), unused)


def _elsewhere(model: Model, timelines: Sequence[Timeline]) -> list[Finding]:
    """A remark on doses that CMT puts into another compartment than the model's own: numbers differ between programs."""
    states, found = list(model.states), {}
    for d in (d for t in timelines for d in t.doses if d.cmt):
        said = str(d.cmt)
        alike = next((s for s in states if s.casefold() == said.casefold()), said)
        name = states[int(said) - 1] if said.isdecimal() and 1 <= int(said) <= len(states) else said if said in states else alike
        if name in states and name != model.dose_cmt:
            found.setdefault(name, []).append(d)
    return [
        Finding("warning", "dose_compartment", given[0].record, f"{len(given)} doses go into the compartment {name}, as CMT "
                f"{given[0].cmt} says; doses of {model.name} otherwise go into {model.dose_cmt}", str(given[0].cmt), "",
                "where CMT has another meaning, leave it out: --map IGNORE=CMT")
        for name, given in found.items()
    ]  # fmt: skip


def _covariate_names(model: Model, timelines: Sequence[Timeline], columns: Mapping[str, str]) -> dict[str, str]:
    """Every covariate of the table -> its name in the model, which may differ in case."""
    have = dict.fromkeys(c.name for t in timelines for c in t.covariates)
    have |= dict.fromkeys(k for k in columns if k not in _RECORDS)
    known = [*model.covs, *(o.measures for o in model.outputs.values())]
    by_case = {n.upper(): n for n in reversed(known)}
    return {n: n if n in known else by_case.get(n.upper(), n) for n in have}


_RECORDS = frozenset({"ID", "TIME", "DATE", "DAT1", "DAT2", "DAT3", "AMT", "RATE", "DUR", "EVID", "CMT", "II", "ADDL", "SS", "DV",
                      "MDV", "DVID", "BLQ", "LOQ", "CENS", "LIMIT"})  # fmt: skip
"""Columns that records are made of, not covariates."""


def _refuse_missing_codes(model: Model, timelines: Sequence[Timeline]) -> None:
    for t in timelines:
        for c in t.covariates:
            if c.value in MISSING_CODES and c.name in model.covs and model.covs[c.name].low >= 0:
                raise InputError(f"{c.name} looks like a code for missing", where=c.record, value=c.value,
                                 allowed=f"a value in {model.covs[c.name].unit}, or . for missing")  # fmt: skip


def _word(model: Model, name: str) -> str:
    """The word for an output that ``measured_by`` finds again."""
    measures = model.outputs[name].measures
    return measures if model.measured_by(measures) == name else name


def _choices(model: Model) -> str:
    return ", ".join(f"{i} or {_word(model, n)}" for i, n in enumerate(model.outputs, 1))


def _in_unit(o: Observation, model: Model, changed: Counter[tuple[str, str, str]]) -> Observation:
    """An observation in the unit of what the model predicts, from the one its table states. Raises UnknownUnit."""
    if not o.stated:
        return o
    name = model.measured_by(o.measures)
    of = formulary.measured(o.measures if formulary.known(o.measures) else "concentration")
    own = model.outputs[name].unit if name is not None else of.unit if of.name == o.measures else ""
    if code_of(own, of) is None:
        raise UnknownUnit(f"a unit is stated for {o.measures}, which {model.name} predicts in {own or 'no unit'}", where=o.record,
                          value=o.stated, allowed=own, remedy="convert the numbers and leave the unit out")  # fmt: skip
    factor = convert(1.0, own, of)
    value = convert(o.value, o.stated, of, where=o.record) / factor
    loq = None if o.loq is None else convert(o.loq, o.stated, of, where=o.record) / factor
    if value != o.value:
        changed[o.measures, o.stated, own] += 1
    return replace(o, value=value, loq=loq, stated="")


def _named(
    o: Observation, model: Model, said: dict[str, str], unused_cmt: list[str], idle: dict[str, list[str]] | None
) -> Observation:
    """An observation that says what it measures. ``idle`` None: of a record that only asks for a prediction."""
    if as_written := o.measures:
        if o.cmt is not None:
            unused_cmt.append(o.record)
        name = model.measured_by(o.measures) or next(
            (n for n, x in model.outputs.items() if o.measures.upper() in (n.upper(), x.measures.upper())), None
        )
        if name is None and o.measures == model.drug:
            name = next(iter(model.outputs))
        word = meant(o.measures)
        if name is None and o.measures not in model.covs and word in (LEVEL, "SCR", "INR"):
            drugs = [n for n, x in model.outputs.items() if x.measures not in ("SCR", "INR")]
            name = (drugs[0] if len(drugs) == 1 else None) if word == LEVEL else model.measured_by(word)
            o = replace(o, measures=o.measures if word == LEVEL else word)
            if o.measures != as_written or name is not None:
                said[f"DVID {as_written}"] = word if name is None else _word(model, name)
        if name is None:
            if o.measures in model.covs:
                return o
            if formulary.known(o.measures):
                if idle is not None:
                    idle.setdefault(o.measures, []).append(o.record)
                return o
            raise InputError(f"{model.name} predicts no such quantity", where=o.record, value=o.measures,
                             allowed=f"DVID {_choices(model)}",
                             remedy=f"say what it is: --map NAME=DVID:{o.measures}, or leave such records out: "
                                    f"--map IGNORE=DVID:{o.measures}")  # fmt: skip
        if o.measures.isdecimal():
            said[f"DVID {o.measures}"] = _word(model, name)
        return replace(o, measures=_word(model, name))
    first = next(iter(model.outputs))
    if o.cmt is None or o.cmt == "":
        return replace(o, measures=_word(model, first))
    name = _observed(o.cmt, model)
    if name is None:
        if idle is None:
            return replace(o, measures=_word(model, first))
        states = ", ".join(f"{i} {s}" for i, s in enumerate(model.states, 1))
        words = ", ".join(_word(model, n) for n in model.outputs)
        raise InputError(
            f"{model.name} predicts nothing in the compartment of this observation", where=o.record, value=f"CMT {o.cmt}",
            allowed=f"what is predicted: {words}; compartments: {states}",
            remedy=f"say what it measures: --map NAME=CMT:{o.cmt}, or give it a DVID; or leave such records out: "
                   f"--map IGNORE=CMT:{o.cmt}; where CMT has another meaning, leave it out: --map IGNORE=CMT",
        )  # fmt: skip
    said[f"CMT {o.cmt}"] = _word(model, name)
    return replace(o, measures=_word(model, name))


def _observed(cmt: str | int, model: Model) -> str | None:
    """The one output of a compartment (its name, or its number as in NONMEM), or the output of that name."""
    if isinstance(cmt, str) and model.measured_by(cmt) and not cmt.isdecimal():
        return model.measured_by(cmt)
    named = [n for n, x in model.outputs.items() if str(cmt).casefold() in (n.casefold(), x.measures.casefold())]
    if len(named) == 1:
        return named[0]
    states = list(model.states)
    alike = [s for s in states if s.casefold() == str(cmt).casefold()]
    state = cmt if cmt in states else (states[int(cmt) - 1] if str(cmt).isdecimal() and 1 <= int(cmt) <= len(states) else None)
    state = alike[0] if state is None and len(alike) == 1 else state
    found = [name for name, of in observed_states(model).items() if state in of]
    return found[0] if len(found) == 1 else None


def _columns_measured(
    model: Model, timelines: list[Timeline], columns: Mapping[str, str], source: str
) -> tuple[list[Timeline], list[Finding], set[str]]:
    """Columns named like something the model predicts and does not read: their changes are measurements of it."""
    findings: list[Finding] = []
    taken: set[str] = set()
    for name, output in model.outputs.items():
        words = {output.measures} - set(model.covs)  # its own name may head a column of earlier predictions
        held = {c.name for t in timelines for c in t.covariates if c.name in words}
        if not held:
            continue
        word, header = _word(model, name), ", ".join(columns.get(h, h) for h in sorted(held))
        if any(o.measures == word for t in timelines for o in t.observations):
            findings.append(Finding("warning", "column_beside_records", source, f"column {header} is not used: records of their "
                                    f"own measure {word}"))  # fmt: skip
            timelines = [replace(t, covariates=tuple(c for c in t.covariates if c.name not in held)) for t in timelines]
            continue
        made = 0
        out = []
        for t in timelines:
            series = _changes([c for c in t.covariates if c.name in held])
            made += len(series)
            new = tuple(Observation(c.time, word, c.value, output.unit, assay=FROM_COLUMN, record=c.record) for c in series)
            kept = tuple(c for c in t.covariates if c.name not in held)
            out.append(replace(t, covariates=kept, observations=(*t.observations, *new)))
        timelines = out
        taken |= held
        findings.append(
            Finding("warning", "column_measured", source, f"column {header} is taken as {made} measurements of {word}: its first "
                    "value in each subject and every change; equal values that follow count once", made, "",
                    f"give measurements lines of their own (DVID {word}), or --map IGNORE={header}"))  # fmt: skip
    return timelines, findings, taken


def _changes(series: Sequence[Covariate]) -> list[Covariate]:
    return [c for k, c in enumerate(series) if k == 0 or c.value != series[k - 1].value]
