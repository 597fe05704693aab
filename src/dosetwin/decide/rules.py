"""The standard rules a baby would be dosed by without a twin: mg/kg and interval from weight and ages, with provenance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dosetwin.declare import Provenance
from dosetwin.errors import UnknownName
from dosetwin.records import Timeline


@dataclass(frozen=True)
class Facts:
    """What a rule may ask about a baby at one moment; None: not known. WT kg, GA and PMA wk, PNA d."""

    WT: float | None = None
    GA: float | None = None
    PMA: float | None = None
    PNA: float | None = None
    ibuprofen: bool = False
    asphyxia: bool = False
    cooling: bool = False


@dataclass(frozen=True)
class Says:
    """What a rule says for one baby: ``mg_per_kg`` of current weight every ``interval`` h; why: ``text``."""

    mg_per_kg: float
    interval: float
    text: str


@dataclass(frozen=True)
class Rule:
    """A published dosing rule. ``advise(facts)`` -> what it says, or a sentence why it says nothing."""

    name: str
    title: str
    source: str
    provenance: Provenance
    needs: tuple[str, ...]
    table: Callable[[Facts], Says | str]

    def advise(self, facts: Facts) -> Says | str:
        """What the rule says for these facts, or a sentence why it says nothing."""
        missing = [n for n in self.needs if getattr(facts, n) is None]
        if missing:
            return f"{self.name} needs {' and '.join(missing)}, not known"
        return self.table(facts)


# (upper border of current weight in kg, mg/kg, interval h), PNA below 14 d and from 14 d on
_DECOCK_EARLY = ((0.8, 16.0, 48.0), (1.2, 16.0, 42.0), (2.0, 15.0, 36.0), (2.8, 13.0, 30.0), (float("inf"), 12.0, 24.0))
_DECOCK_LATE = ((0.8, 20.0, 42.0), (1.2, 20.0, 36.0), (2.0, 19.0, 30.0), (2.8, 18.0, 24.0), (float("inf"), 17.0, 20.0))


def _decock_table(facts: Facts) -> Says | str:
    assert facts.WT is not None
    assert facts.PNA is not None
    if facts.PNA > 30:
        return f"decock_smits was studied to PNA 30 d, found {facts.PNA:.0f} d"
    rows = _DECOCK_EARLY if facts.PNA < 14 else _DECOCK_LATE
    _, dose, interval = next(row for row in rows if row[0] > facts.WT)
    return Says(dose, interval, f"weight {facts.WT:g} kg, PNA {'< 14' if facts.PNA < 14 else '>= 14'} d")


def _decock_smits(facts: Facts) -> Says | str:
    says = _decock_table(facts)
    if isinstance(says, str) or not (facts.ibuprofen or facts.asphyxia or facts.cooling):
        return says
    why = "ibuprofen" if facts.ibuprofen else "asphyxia"
    return Says(says.mg_per_kg, says.interval + 10.0, f"{says.text}, + 10 h for {why}")


def _smits_path(facts: Facts) -> Says | str:
    if not facts.cooling:
        return "smits_path is for asphyxia treated with cooling only"
    says = _decock_table(facts)
    return says if isinstance(says, str) else Says(says.mg_per_kg, says.interval + 12.0, f"{says.text}, + 12 h for cooling")


def _neofax(facts: Facts) -> Says | str:
    # the tables count completed weeks and days: "<= 29" is below 30 weeks, "0-7 d" is below 8 days
    assert facts.PMA is not None
    assert facts.PNA is not None
    weeks, days = int(facts.PMA), int(facts.PNA)
    text = f"PMA {weeks} wk, PNA {days} d"
    if weeks <= 29:
        return Says(18.0, 48.0, text) if days <= 7 else Says(15.0, 36.0, text) if days <= 28 else Says(15.0, 24.0, text)
    if weeks <= 34:
        return Says(18.0, 36.0, text) if days <= 7 else Says(15.0, 24.0, text)
    return Says(15.0, 24.0, text)


def _bnfc(facts: Facts) -> Says | str:
    if facts.PNA is not None and int(facts.PNA) > 28:
        return f"bnfc gives this dose to neonates (to 28 d), found PNA {facts.PNA:.0f} d"
    return Says(15.0, 24.0, "all neonates")


def _red_book(facts: Facts) -> Says | str:
    assert facts.GA is not None
    assert facts.PNA is not None
    weeks, days = int(facts.GA), int(facts.PNA)
    if days > 28:
        return f"red_book is a table for neonates (to 28 d), found PNA {days} d"
    text = f"GA {weeks} wk, PNA {days} d"
    if weeks < 30:
        return Says(15.0, 48.0 if days <= 14 else 24.0, text)
    if weeks < 35:
        return Says(15.0, 24.0, text)
    return Says(15.0 if days <= 7 else 17.5, 24.0, text)


RULES: Mapping[str, Rule] = {
    r.name: r
    for r in (
        Rule("decock_smits", "De Cock 2012 / Smits 2015 (Leuven)",
             "De Cock 2012; Smits 2015: table and the + 10 h under ibuprofen or asphyxia from memory",
             "recalled", ("WT", "PNA"), _decock_smits),
        Rule("smits_path", "De Cock/Smits, + 12 h under cooling",
             "Cristea 2017, AAC 61(12): + 12 h; the table itself from memory",
             "recalled", ("WT", "PNA"), _smits_path),
        Rule("neofax", "NeoFax", "table in Segar 2012 and copies in code", "secondary", ("PMA", "PNA"), _neofax),
        Rule("bnfc", "BNF for Children 2011-12, extended interval", "BNFc 2011-12, p. 279", "paper", (), _bnfc),
        Rule("red_book", "AAP table (Nelson's, 24th ed., 2018)",
             "MSD manual table after Nelson's Pediatric Antimicrobial Therapy", "secondary", ("GA", "PNA"), _red_book),
    )
}  # fmt: skip
"""By name. ``red_book`` is the AAP table as printed in Nelson 2018; the current Red Book itself was not readable."""


def rule(name: str) -> Rule:
    """A standard rule by name. Raises UnknownName."""
    if name not in RULES:
        raise UnknownName("unknown standard rule", where="policy", value=name, allowed=", ".join(RULES))
    return RULES[name]


def facts_at(timeline: Timeline, time: float) -> Facts:
    """The facts in force at ``time`` (h): the latest value recorded by then, ages computed from birth where the record has it."""

    def latest(*names: str) -> tuple[float, float] | None:
        found = [pair for name in names for pair in timeline.series(name) if pair[0] <= time + 1e-9]
        return max(found, key=lambda pair: pair[0]) if found else None

    def flag(name: str) -> bool:
        return (found := latest(name)) is not None and found[1] > 0.5

    def value(name: str) -> float | None:
        found = latest(name)
        return None if found is None else found[1]

    patient, when = timeline.patient, timeline.when(time)
    GA = value("GA")  # a recorded value goes before the patient's entry, as in the engine
    if GA is None:
        GA = patient.GA
    PNA: float | None = None
    if (known := latest("PNA")) is not None:
        PNA = known[1] + (time - known[0]) / 24.0
    elif patient.birth is not None and when is not None:
        PNA = (when - patient.birth).total_seconds() / 86400.0
    PMA: float | None = None
    if GA is not None and PNA is not None:
        PMA = GA + PNA / 7.0
    elif (known := latest("PMA")) is not None:
        PMA = known[1] + (time - known[0]) / 168.0
    WT = value("WT")
    if WT is None:
        WT = patient.BW if patient.BW is not None else value("BW")
    cooling = flag("COOLING")
    return Facts(WT, GA, PMA, PNA, flag("IBU"), flag("ASPHYXIA"), cooling)
