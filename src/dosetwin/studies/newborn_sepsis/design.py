"""A design of this study as data (TOML): who, which arms, what is measured when, what is true, what is believed, what is counted.

Everything is checked before anything runs; an error names the key, what was found and what is allowed. ``ALLOWED`` is the
vocabulary, ``Design.to_json`` the whole design with its defaults, ``Design.hash`` what a resumed run must agree with.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin import formulary
from dosetwin.decide.control import declared
from dosetwin.decide.look_ahead.ahead import Course
from dosetwin.decide.look_ahead.loss import Loss
from dosetwin.errors import InputError, UnknownName
from dosetwin.outcomes.infection.packs import pack
from dosetwin.populations.newborn.newborns import BAND_EDGES, SETTINGS
from dosetwin.populations.newborn.truth import TRUTHS
from dosetwin.studies.newborn_sepsis.endpoints import ENDPOINTS, KEY, MAIN, WHO
from dosetwin.trial.keys import NUMBER, floats, kinds_of, only, record, texts
from dosetwin.trial.study import CLAIMS, Claim, Endpoint, rows_hash

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ADAPTIVE = {
    "rule_adjusted": "the standard rule, interval moved after a measured trough as wards do it",
    "nomogram": "the best fixed nomogram, tuned on the declared loss",
    "one_step": "the best dose and interval if repeated for ever, on the posterior, first dose by the rule's 15 mg/kg",
    "one_step_loading": "the same with an optimised loading dose",
    "mpc_pk": "look-ahead without the infection",
    "mpc": "look-ahead on patient and infection",
}
"""Policies beside the standard rules, and what they are."""
POLICIES = (*formulary.rules(), *ADAPTIVE)
FIXED = re.compile(r"fixed_(\d{1,2}(?:\.\d)?)_(?:q(\d{1,2})|once)")
"""``fixed_25_once``, ``fixed_15_q24``: the same mg/kg for everybody, once or at one interval (h)."""
KIDNEYS = ("creatinine", "maturation", "mechanistic", "filter", "learned")
SCHEMES = ("practice", "none", "rich")
SUBGROUPS = ("GA", "PNA", "condition", "GA_PNA", "changing")


@dataclass(frozen=True)
class Cohort:
    """Who is treated: a setting of ``populations.newborn``, and the number of the first baby."""

    setting: str = "nicu"
    first: int = 0


@dataclass(frozen=True)
class Sampling:
    """What is measured when, and when the result is known.

    ``scheme``: ``practice`` (just before and 1 h after dose 2, later a trough before every second dose), ``none``, ``rich``
    (before and 1 h after every dose). ``turnaround_h`` of a level; creatinine every ``creatinine_every_h`` (0: never), known
    ``creatinine_turnaround_h`` later; the MIC is known at ``mic_known_h`` (negative: never).
    """

    scheme: str = "practice"
    turnaround_h: float = 3.0
    creatinine_every_h: float = 24.0
    creatinine_turnaround_h: float = 2.0
    mic_known_h: float = 48.0


@dataclass(frozen=True)
class Arm:
    """One arm. What is not given is the design's: ``kidney``, ``scheme``; ``creatinine`` and ``perfect`` are ablations.

    ``draws`` and ``decisions`` set the search of a policy that searches (0: its own setting).
    """

    name: str
    policy: str
    kidney: str = ""
    scheme: str = ""
    creatinine: bool = True
    perfect: bool = False
    draws: int = 0
    decisions: int = 0

    @property
    def adaptive(self) -> bool:
        """Whether it looks at anything measured; the others are open-loop rules and run in batches."""
        return self.policy in ADAPTIVE and self.policy != "nomogram"


@dataclass(frozen=True)
class Design:
    """A whole trial; every part has defaults but ``name``, ``n``, ``seed`` and the arms."""

    name: str
    n: int
    seed: int
    arms: tuple[Arm, ...]
    title: str = ""
    note: str = ""
    cohort: Cohort = Cohort()
    sampling: Sampling = Sampling()
    truth: str = "as_believed"
    truth_pack: str = "peak_driven"
    belief_pack: str = ""
    kidney: str = "creatinine"
    horizon_h: float = 120.0
    continuation_h: float = 48.0
    endpoints: tuple[str, ...] = tuple(ENDPOINTS)
    reference: str = ""
    subgroups: tuple[str, ...] = ("GA", "PNA", "condition")
    pareto: tuple[str, str] = ("trough_toxic", "p_resistant")
    claims: tuple[Claim, ...] = ()
    loss: Loss = field(default_factory=declared)
    chunk: int = 20

    def __post_init__(self) -> None:
        where = f"design {self.name}"
        if self.n < 1:
            raise InputError("an empty cohort", where=f"{where}: n", value=self.n, allowed=">= 1")
        if self.seed < 0 or self.cohort.first < 0:
            raise InputError("must not be negative", where=f"{where}: seed, cohort.first", value=(self.seed, self.cohort.first))
        if not 1 <= self.chunk <= 100_000:
            raise InputError("babies per chunk", where=f"{where}: chunk", value=self.chunk, allowed="1 to 100000")
        if not self.arms:
            raise InputError("a trial needs an arm", where=f"{where}: arms", allowed=", ".join(POLICIES))
        _known(self.cohort.setting, SETTINGS, f"{where}: cohort.setting")
        _known(self.truth, TRUTHS, f"{where}: truth.model")
        for name in (self.truth_pack, self.believed_pack):
            pack(name)
        _known(self.kidney, KIDNEYS, f"{where}: belief.kidney")
        _known(self.sampling.scheme, SCHEMES, f"{where}: sampling.scheme")
        names = [a.name for a in self.arms]
        if len(set(names)) < len(names):
            raise InputError(
                "two arms of one name", where=f"{where}: arms", value=sorted({x for x in names if names.count(x) > 1})
            )
        for a in self.arms:
            if fixed(a.policy) is None:
                _known(a.policy, (*POLICIES, "fixed_<mg/kg>_q<h>", "fixed_<mg/kg>_once"), f"{where}: arm {a.name}: policy")
            _known(a.kidney or self.kidney, KIDNEYS, f"{where}: arm {a.name}: kidney")
            _known(a.scheme or self.sampling.scheme, SCHEMES, f"{where}: arm {a.name}: scheme")
            if a.draws < 0 or a.draws > 5000 or not 0 <= a.decisions <= 4:
                raise InputError(
                    "draws 0 to 5000, decisions 0 to 4", where=f"{where}: arm {a.name}", value=(a.draws, a.decisions)
                )
        for e in (*self.endpoints, *self.pareto):
            _known(e, ENDPOINTS, f"{where}: endpoint")
        for s in self.subgroups:
            _known(s, SUBGROUPS, f"{where}: subgroup")
        for x in (self.reference, *(c.arm for c in self.claims), *(c.against for c in self.claims)):
            if x:
                _known(x, names, f"{where}: arm of a comparison or claim")
        for c in self.claims:
            _known(c.endpoint, ENDPOINTS, f"{where}: claim: endpoint")
            _known(c.kind, CLAIMS, f"{where}: claim: kind")
        _ = self.course

    @property
    def course(self) -> Course:
        """Horizon, common continuation, infusion and time of the peak."""
        return Course(horizon=self.horizon_h, continuation=self.continuation_h)

    @property
    def believed_pack(self) -> str:
        """The scenario pack that policies believe."""
        return self.belief_pack or self.truth_pack

    @property
    def first_arm(self) -> str:
        """The arm the others are compared with: ``reference``, else the last one."""
        return self.reference or self.arms[-1].name

    @property
    def defined(self) -> Mapping[str, Endpoint]:
        """What every endpoint is."""
        return ENDPOINTS

    @property
    def main(self) -> tuple[str, ...]:
        """Endpoints of short tables."""
        return MAIN

    @property
    def key(self) -> tuple[str, ...]:
        """Endpoints that subgroups are compared on."""
        return KEY

    @property
    def always(self) -> tuple[str, ...]:
        """Endpoints that are read in any case."""
        return ("p_eradicated", "loss")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of subgroups there are."""
        return SUBGROUPS

    @property
    def facts(self) -> tuple[str, ...]:
        """Columns of the rows that say who a baby is."""
        return FACTS

    @property
    def who(self) -> tuple[str, str, str]:
        """One and many of those who are treated, and what they are called when virtual."""
        return WHO

    def how(self) -> tuple[str, dict[str, Any]]:
        """Arms, sentences, the loss and the scenario packs, as ``how.html.j2`` lays them out."""
        packs = {name: pack(name) for name in dict.fromkeys((self.truth_pack, self.believed_pack))}
        text = resources.files("dosetwin.studies.newborn_sepsis").joinpath("how.html.j2").read_text(encoding="utf-8")
        return text, {
            "design": self, "loss": self.loss.rows(), "truth": TRUTHS[self.truth], "policies": ADAPTIVE, "packs": packs,
            "looks": {a.name: a.adaptive for a in self.arms},
        }  # fmt: skip

    def groups(self, facts: "Mapping[str, np.ndarray]", kind: str) -> "dict[str, np.ndarray]":
        """Masks of a subgrouping: GA, PNA, condition, GA_PNA, changing."""
        return groups(facts, kind)

    def table(self, first: int, n: int) -> "pa.Table":
        """Every arm of ``n`` babies: one row per baby and arm."""
        from dosetwin.studies.newborn_sepsis.rows import table

        return table(self, first, n)

    def told(self) -> dict[str, Any]:
        """Nothing beside the numbers."""
        return {}

    def arm(self, name: str) -> Arm:
        """An arm by name. Raises UnknownName."""
        for a in self.arms:
            if a.name == name:
                return a
        raise UnknownName("no such arm", where=f"design {self.name}", value=name, allowed=", ".join(a.name for a in self.arms))

    def with_n(self, n: int | None = None, seed: int | None = None) -> "Design":
        """The same design with another number of babies or seed."""
        return replace(self, n=self.n if n is None else n, seed=self.seed if seed is None else seed)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with every default written out."""
        return asdict(self) | {"loss": self.loss.to_json()}

    @property
    def hash(self) -> str:
        """SHA-256 of everything that can change a baby's result: not the number of babies, chunks, texts or comparisons."""
        return rows_hash(self.to_json(), "pareto", "subgroups", "endpoints")


FACTS = ("baby", "GA", "PNA", "WT", "condition", "changing", "MIC")
"""Columns of the rows that say who a baby is."""


def groups(babies: "Mapping[str, np.ndarray]", kind: str) -> "dict[str, np.ndarray]":
    """Masks of a subgrouping: GA, PNA, condition, GA_PNA, changing."""
    GA, PNA = babies["GA"], babies["PNA"]
    low, high = BAND_EDGES
    middle = (low <= GA) & (high > GA)
    by_GA = {f"GA < {low:g} wk": low > GA, f"GA {low:g} to < {high:g} wk": middle, f"GA >= {high:g} wk": high <= GA}
    by_PNA = {"PNA < 3 d": PNA < 3.0, "PNA 3 to < 14 d": (PNA >= 3.0) & (PNA < 14.0), "PNA >= 14 d": PNA >= 14.0}
    if kind == "GA":
        return by_GA
    if kind == "PNA":
        return by_PNA
    if kind == "GA_PNA":
        return {f"{g}, {p}": a & b for g, a in by_GA.items() for p, b in by_PNA.items()}
    if kind == "changing":
        return {"kidneys injured": babies["changing"].astype(bool), "kidneys not injured": ~babies["changing"].astype(bool)}
    return {str(c): babies["condition"] == c for c in sorted(set(babies["condition"].tolist()))}


def fixed(policy: str) -> tuple[float, float] | None:
    """mg/kg and interval (h; infinite: once) of a fixed regimen's name; None for any other name or an impossible one."""
    found = FIXED.fullmatch(policy)
    if found is None:
        return None
    mg_per_kg, interval = float(found[1]), float(found[2] or "inf")
    return (mg_per_kg, interval) if 0.0 < mg_per_kg <= 30.0 and interval >= 6.0 else None


def _known(value: str, allowed: Any, where: str) -> None:
    if value not in allowed:
        raise UnknownName("unknown name", where=where, value=value, allowed=", ".join(allowed))


TOP: dict[str, type | tuple[type, ...]] = {
    "name": str, "title": str, "note": str, "n": int, "seed": int, "chunk": int, "horizon_h": NUMBER, "continuation_h": NUMBER,
    "cohort": dict, "truth": dict, "belief": dict, "sampling": dict, "arms": list, "endpoints": list, "compare": dict,
    "claims": list, "loss": dict,
}  # fmt: skip


def read(given: dict[str, Any], where: str = "design", beside: Path | None = None) -> Design:
    """A design from the tables of its file; nothing is looked for ``beside`` it.

    Raises InputError (UnknownName for names) with the key and what is allowed."""
    only(given, TOP, where)
    for key in ("name", "n", "seed", "arms"):
        if key not in given:
            raise InputError("missing key", where=f"{where}: {key}", allowed="name, n, seed and [[arms]] must be given")
    parts = {"cohort": Cohort, "sampling": Sampling}
    made: dict[str, Any] = {k: given[k] for k in ("name", "n", "seed", "title", "note", "chunk") if k in given}
    made |= {k: float(given[k]) for k in ("horizon_h", "continuation_h") if k in given}
    for key, part in parts.items():
        if key in given:
            only(given[key], kinds_of(part), f"{where}: [{key}]")
            made[key] = part(**floats(given[key], part))
    truth, belief, compare = given.get("truth", {}), given.get("belief", {}), given.get("compare", {})
    only(truth, {"model": str, "pack": str}, f"{where}: [truth]")
    only(belief, {"pack": str, "kidney": str}, f"{where}: [belief]")
    only(compare, {"reference": str, "subgroups": list, "pareto": list}, f"{where}: [compare]")
    for key, source, name in (
        ("truth", truth, "model"), ("truth_pack", truth, "pack"), ("belief_pack", belief, "pack"), ("kidney", belief, "kidney"),
        ("reference", compare, "reference"),
    ):  # fmt: skip
        if name in source:
            made[key] = source[name]
    if "subgroups" in compare:
        made["subgroups"] = texts(compare["subgroups"], f"{where}: compare.subgroups")
    if "pareto" in compare:
        made["pareto"] = texts(compare["pareto"], f"{where}: compare.pareto")
        if len(made["pareto"]) != 2:
            raise InputError("two endpoints", where=f"{where}: compare.pareto", value=made["pareto"])
    if "endpoints" in given:
        made["endpoints"] = texts(given["endpoints"], f"{where}: endpoints")
    made["arms"] = tuple(record(a, Arm, f"{where}: [[arms]] {i}", ("name", "policy")) for i, a in enumerate(given["arms"], 1))
    needed = ("arm", "against", "endpoint", "kind", "value")
    made["claims"] = tuple(record(c, Claim, f"{where}: [[claims]] {i}", needed) for i, c in enumerate(given.get("claims", []), 1))
    if "loss" in given:
        made["loss"] = Loss.from_json(given["loss"], declared())
    return Design(**made)
