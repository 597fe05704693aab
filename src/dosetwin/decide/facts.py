"""What is known of a patient at one moment, by name: what rules, limits and bars ask."""

from dosetwin.declare import Facts
from dosetwin.quantities import mosteller
from dosetwin.records import Timeline


def facts_at(timeline: Timeline, time: float) -> Facts:
    """The facts in force at ``time`` (h): the latest value recorded by then, ages computed from birth where the record has it,
    body surface from length and weight (Mosteller 1987: sqrt(cm kg / 3600)); of the drug's doses what ``given`` says."""

    # the last value of every name in one pass: of several at one time the smallest, as in ``Timeline.series``
    found: dict[str, tuple[float, float]] = {}
    recorded = [(c.name, c.time, c.value) for c in timeline.covariates]
    recorded += [(o.measures, o.time, o.value) for o in timeline.observations if not o.blq]
    for name, at, value in recorded:
        if at <= time + 1e-9 and ((known := found.get(name)) is None or at > known[0] or (at == known[0] and value < known[1])):
            found[name] = at, value
    latest, patient, when = found.get, timeline.patient, timeline.when(time)
    values: dict[str, float | str | None] = {name: value for name, (_, value) in found.items() if name}
    # a recorded value goes before the patient's entry, as in the engine
    values = {**patient.traits, **values}
    GA, BW = values.get("GA"), patient.BW if patient.BW is not None else values.get("BW")
    values["BW"] = BW
    if (known := latest("PNA")) is not None:
        values["PNA"] = known[1] + (time - known[0]) / 24.0
    elif patient.birth is not None and when is not None:
        values["PNA"] = (when - patient.birth).total_seconds() / 86400.0
    PNA = values.get("PNA")
    if isinstance(GA, float | int) and isinstance(PNA, float | int):
        values["PMA"] = GA + PNA / 7.0
    elif (known := latest("PMA")) is not None:
        values["PMA"] = known[1] + (time - known[0]) / 168.0
    if "AGE" not in values and isinstance(PNA, float | int):
        values["AGE"] = PNA / 365.25
    if values.get("WT") is None:
        values["WT"] = BW
    HT, WT = values.get("HT"), values.get("WT")
    if "BSA" not in values and isinstance(HT, float | int) and isinstance(WT, float | int) and HT > 0 and WT > 0:
        values["BSA"] = mosteller(HT, WT)
    return Facts(values | given(timeline, time))


def given(timeline: Timeline, time: float) -> dict[str, float | str | None]:
    """Of the doses by ``time`` (h): ``DAY`` days since the first one, ``DOSE_1`` to ``DOSE_4`` what was given 0 to 1, ... 3 to 4
    days before, ``WEEK`` what was given in the last seven days,
    ``LAST_DOSE`` the last one; empty before the first dose."""
    drugs = timeline.drugs()
    own = timeline.drug or (drugs[0] if len(drugs) == 1 else "")
    found = [e for d in timeline.doses if d.drug in ("", own) for e in d.expanded() if e.time <= time + 1e-9]
    if not found:
        return {}
    day = (time - min(e.time for e in found)) / 24.0

    def between(a: float, b: float) -> float:
        return sum(e.amount for e in found if a * 24.0 <= time - e.time + 1e-6 < b * 24.0)

    doses = {f"DOSE_{k}": between(k - 1, k) for k in range(1, 5) if day >= k - 1}
    return {
        "DAY": day,
        "LAST_DOSE": max(found, key=lambda e: e.time).amount,
        **doses,
        **({"WEEK": between(0, 7)} if day >= 6.0 else {}),
    }
