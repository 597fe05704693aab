"""Scenario packs: what an infection is assumed to be, every number with its unit, its source and how it is known.

The literature disagrees on what drives the eradication of bacteria by aminoglycosides (peaks or exposure), and nobody has
measured it in newborns. So no pack is the truth: a result that matters is shown under several. ``describe`` prints a pack.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from dosetwin.declare import Provenance
from dosetwin.errors import InputError, UnknownName

Group = Literal["gram_negative", "pseudomonas", "staphylococci", "outside"]
Status = Literal["published", "assumed"]

MOHAMED = "Mohamed et al. 2012, AAC 56:179 (gentamicin, E. coli ATCC 25922)"
NIELSEN = "Nielsen et al. 2007, fixed in Mohamed 2012"
YADAV = "Yadav et al. 2017, AAC 61:e01011-16 (amikacin, P. aeruginosa FADDI-PA088)"
LANDERSDORFER = "Landersdorfer et al. 2013, AAC 57:2343 (amikacin, S. aureus USA300)"
LOZANO = "Hernandez-Lozano et al. 2025, JAC 80:302 (apramycin, E. coli EN591, mouse kidney)"
DIETZMAN = "Dietzman et al. 1974, J Pediatr 85:128; log-normal fit of its printed classes"
OURS = "scenario, no source"
DRUGS = ("amikacin",)
"""Drugs whose infections the packs describe: those of other drugs would need other numbers."""


@dataclass(frozen=True)
class Number:
    """One number of a pack. ``provenance`` paper | secondary | recalled count as published, derived and assumed do not."""

    value: float
    unit: str
    text: str
    provenance: Provenance
    source: str

    @property
    def status(self) -> Status:
        """``published`` if somebody printed it for this quantity, ``assumed`` if we chose or computed it."""
        return "published" if self.provenance in ("paper", "secondary", "recalled") else "assumed"


@dataclass(frozen=True)
class KillSet:
    """How amikacin kills one group of organisms, and the growth in broth that ties it to the MIC (``microdilution.py``)."""

    numbers: Mapping[str, Number]
    ladder: tuple[float, ...]
    """MIC of each genotype relative to the first, which is 1."""
    frequency: tuple[float, ...]
    """Share of each genotype before treatment; the first takes the rest."""
    growth: tuple[float, ...]
    """Growth rate of each genotype relative to the first (fitness cost)."""
    strength: tuple[float, ...]
    """Greatest kill rate, or slope, of each genotype relative to the first."""
    status: Status
    source: str

    def value(self, name: str) -> float:
        """One number; 0 where the set has none of this name."""
        return self.numbers[name].value if name in self.numbers else 0.0


@dataclass(frozen=True)
class Pack:
    """A scenario. ``numbers`` hold for every organism, ``kill`` by group of organisms; immutable, ``to_json`` is complete."""

    name: str
    title: str
    numbers: Mapping[str, Number]
    kill: Mapping[str, KillSet]
    load: Literal["total", "density"] = "total"
    """``total``: load is CFU at the site; ``density``: CFU/mL of blood, times the blood volume."""
    crowding: Literal["logistic", "dormancy"] = "logistic"
    """What happens as the place fills: growth stops, or cells turn dormant (Uppsala form)."""
    notes: tuple[str, ...] = ()

    def value(self, name: str) -> float:
        """One number of the pack. Raises UnknownName."""
        if name not in self.numbers:
            raise UnknownName(f"pack {self.name} has no number of this name", value=name, allowed=", ".join(self.numbers))
        return self.numbers[name].value

    def having(self, **values: float) -> "Pack":
        """The same pack with some numbers changed; they count as assumed from then on. Raises UnknownName, InputError."""
        numbers = dict(self.numbers)
        for name, value in values.items():
            self.value(name)
            if not 0.0 <= value < float("inf") and name not in SIGNED:
                raise InputError("a number of a pack must be finite and not negative", where=f"{self.name}.{name}", value=value)
            numbers[name] = replace(numbers[name], value=float(value), provenance="assumed", source="changed by the caller")
        return replace(self, numbers=MappingProxyType(numbers))

    def drifting(self, rate: float = 0.015, revert: float = 0.0) -> "Pack":
        """The same pack with phenomenological drift of the MIC (option C): ``rate`` and ``revert`` 1/h; assumed."""
        return replace(self.having(drift=rate, revert=revert), name=f"{self.name}+drift")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return {
            "name": self.name,
            "title": self.title,
            "load": self.load,
            "crowding": self.crowding,
            "numbers": {k: asdict(v) | {"status": v.status} for k, v in self.numbers.items()},
            "kill": {
                group: {
                    "numbers": {k: asdict(v) | {"status": v.status} for k, v in s.numbers.items()},
                    "ladder": list(s.ladder), "frequency": list(s.frequency), "growth": list(s.growth),
                    "strength": list(s.strength), "status": s.status, "source": s.source,
                }
                for group, s in self.kill.items()
            },
            "notes": list(self.notes),
        }  # fmt: skip


SIGNED = ("load_log10",)


def _n(value: float, unit: str, text: str, provenance: Provenance = "assumed", source: str = OURS) -> Number:
    return Number(value, unit, text, provenance, source)


def _broth(kg: float, capacity: float, source: str, kd: float = 0.179) -> dict[str, Number]:
    return {
        "kg_broth": _n(kg, "1/h", "growth rate in broth", "secondary", source),
        "kd_broth": _n(kd, "1/h", "natural death in broth", "secondary", NIELSEN if kd == 0.179 else source),
        "capacity_broth": _n(capacity, "CFU/mL", "where growth in broth ends", "secondary", source),
    }


def _gram_negative(ladder: tuple[float, ...], frequency: tuple[float, ...], cost: float) -> KillSet:
    numbers = {
        "Emax": _n(51.0, "1/h", "greatest kill rate", "secondary", MOHAMED),
        "hill": _n(1.0, "1", "steepness", "secondary", MOHAMED),
        "EC50_reported": _n(
            4.97, "MIC", "EC50 over the MIC measured in the study (for comparison, not used)", "secondary", MOHAMED
        ),
        "AR50": _n(0.113, "1", "adaptation that halves the kill", "secondary", MOHAMED),
        "kon_MIC": _n(0.0852, "1/h per C/MIC", "adaptation on: 0.0426 L/(mg h) at MIC 2, driven by C/MIC", "derived", MOHAMED),
        "koff": _n(0.0139, "1/h", "adaptation fades (half-life 50 h; the data identify it poorly)", "secondary", MOHAMED),
        **_broth(2.0, 8.26e8, MOHAMED),
    }
    growth = tuple((1.0 - cost) ** j for j in range(len(ladder)))
    return KillSet(
        MappingProxyType(numbers), ladder, frequency, growth, (1.0,) * len(ladder), "assumed" if len(ladder) > 1 else "published",
        "steps, frequencies and cost per step: scenario (orders of magnitude from reviews, no data for amikacin in E. coli)"
        if len(ladder) > 1 else MOHAMED,
    )  # fmt: skip


PSEUDOMONAS = KillSet(
    MappingProxyType({
        "Emax": _n(11.8, "1/h", "greatest kill rate", "secondary", YADAV),
        "hill": _n(1.11, "1", "steepness", "secondary", YADAV),
        "EC50_reported": _n(1.22, "MIC", "KC50 over the MIC in the study (for comparison, not used)", "secondary", YADAV),
        **_broth(2.23, 10**9.56, YADAV, kd=0.0),
    }),
    ladder=(1.0, 67.4), frequency=(1.0, 10**-6.68), growth=(1.0, 1.0), strength=(1.0, 1.0), status="published", source=YADAV,
)  # fmt: skip
STAPHYLOCOCCI = KillSet(
    MappingProxyType({
        "Emax": _n(10.1, "1/h", "greatest kill rate", "secondary", LANDERSDORFER),
        "hill": _n(2.45, "1", "steepness", "secondary", LANDERSDORFER),
        "EC50_reported": _n(1.84, "MIC", "KC50 over the MIC in the study (for comparison, not used)", "secondary", LANDERSDORFER),
        **_broth(1.047, 10**9.23, LANDERSDORFER, kd=0.0),
    }),
    # less killed, not less bound: one KC50 for all; the largest resistant group does not grow
    ladder=(1.0, 1.0, 1.0, 1.0), frequency=(1.0, 10**-2.57, 10**-4.37, 10**-7.42), growth=(1.0, 0.0, 0.532, 0.413),
    strength=(1.0, 0.771 / 10.1, 0.771 / 10.1, 0.771 / 10.1), status="published", source=LANDERSDORFER,
)  # fmt: skip
APRAMYCIN = KillSet(
    MappingProxyType({
        "slope": _n(9.05, "1/h per C/MIC", "kill, no ceiling", "secondary", LOZANO),
    }),
    # the second state's MIC-equivalent is the ratio of the slopes; kill uses the slopes themselves
    ladder=(1.0, 9.05 / 0.066), frequency=(1.0, 0.0), growth=(1.0, 1.0 - 0.254), strength=(1.0, 0.066 / 9.05), status="published",
    source=LOZANO,
)  # fmt: skip


def _common(**changes: Number) -> Mapping[str, Number]:
    """The numbers every pack has, with the scenario's own on top."""
    numbers = {
        "load_log10": _n(8.0, "log10 CFU", "bacteria when treatment starts"),
        "load_sd": _n(0.7, "log10", "its spread between babies"),
        "site_mL": _n(100.0, "mL", "volume the bacteria share"),
        "penetration": _n(0.35, "1", "unbound concentration at the site over that in plasma"),
        "penetration_cv": _n(0.0, "1", "its spread (log-normal)"),
        "net_growth": _n(0.35, "1/h", "growth less death without drug; mouse: 0.03-0.35"),
        "net_growth_cv": _n(0.0, "1", "its spread (log-normal)"),
        "kd": _n(0.179, "1/h", "natural death of growing cells", "secondary", NIELSEN),
        "capacity": _n(1e11, "CFU", "where growth at the site ends"),
        "u": _n(1e-8, "1/division", "mutation to the next genotype (1e-7 to 1e-8)"),
        "kada_MIC": _n(0.0, "1/h per C/MIC", "transfer to the next genotype driven by the drug"),
        "s0": _n(0.0, "1/h", "growing cells turn dormant"),
        "wake": _n(0.0, "1/h", "dormant cells wake"),
        "kd_dormant": _n(0.0, "1/h", "death of dormant cells"),
        "dormant_share": _n(0.0, "1", "dormant cells when treatment starts"),
        "kimm": _n(0.0, "1/h", "clearance by phagocytes at low density"),
        "kimm_cv": _n(0.0, "1", "its spread (log-normal)"),
        "Ksat_per_mL": _n(
            1e6, "CFU/mL", "density that halves the clearance", "recalled", "Drusano 2010-11, mouse, order of size"
        ),
        "kimm_dormant": _n(1.0, "1", "clearance of dormant cells relative to growing ones"),
        "partner": _n(0.0, "1/h", "constant extra kill of growing cells by a partner beta-lactam"),
        "partner_outside": _n(0.5, "1/h", "what the beta-lactam does where amikacin does nothing (GBS, enterococci)"),
        "q_log2_sd": _n(0.5, "log2", "spread of EC50 over MIC around the value solved by microdilution"),
        "drift": _n(0.0, "1/h", "phenomenological drift of the MIC at full exposure"),
        "revert": _n(0.0, "1/h", "return of the drift"),
    }
    return MappingProxyType(numbers | changes)


PEAK_DRIVEN = Pack(
    "peak_driven",
    "deep site, saturable kill that adapts within hours: the first, high dose decides",
    _common(),
    MappingProxyType({
        "gram_negative": _gram_negative((1.0, 8.0, 32.0), (1.0, 1e-6, 1e-12), 0.10),
        "pseudomonas": PSEUDOMONAS,
        "staphylococci": STAPHYLOCOCCI,
    }),
    notes=(
        "kill and adaptation of Gram-negative rods are gentamicin's against one E. coli strain in broth, scaled by MIC",
        "no adaptation in P. aeruginosa and staphylococci: the published sets have none",
        "dormant cells are off: no constants are published for newborns and they would decide every result",
    ),
)  # fmt: skip
AUC_DRIVEN = Pack(
    "auc_driven",
    "mouse kidney, kill without ceiling or adaptation, drug-driven loss of susceptibility: exposure decides",
    _common(
        load_log10=_n(7.8, "log10 CFU", "bacteria when treatment starts: about a third of what the organs hold"),
        load_sd=_n(0.5, "log10", "its spread between babies"),
        penetration=_n(1.0, "1", "the slopes were fitted to unbound plasma concentrations", "derived", LOZANO),
        net_growth=_n(0.694 - 0.526, "1/h", "growth less death without drug", "derived", LOZANO),
        kd=_n(0.526, "1/h", "natural death", "secondary", LOZANO),
        kd_dormant=_n(0.526, "1/h", "death of dormant cells: as growing", "secondary", LOZANO),
        capacity=_n(10**8.33, "CFU", "Bmax 10^6.49 in a mouse's kidneys (0.35 g), to a newborn's (24 g)", "derived", LOZANO),
        u=_n(0.0, "1/division", "no mutation: the drug drives the transfer", "secondary", LOZANO),
        kada_MIC=_n(0.031, "1/h per C/MIC", "transfer to the less susceptible state", "secondary", LOZANO),
        q_log2_sd=_n(0.0, "log2", "no EC50: kill is linear in C/MIC", "derived", LOZANO),
    ),
    MappingProxyType(
        {
            "gram_negative": APRAMYCIN,
            "pseudomonas": replace(APRAMYCIN, status="assumed", source="taken over from E. coli: " + LOZANO),
        }
    ),
    crowding="dormancy",
    notes=(
        "chance acts on the count of the whole organ, so the mouse's capacity is scaled by kidney weight (weights recalled)",
        "apramycin in mice taken for amikacin in newborns at equal C/MIC: an assumption as large as any here",
        "Gram-negative rods only: the study has E. coli, the others are taken over from it",
    ),
)
BENIGN = Pack(
    "benign",
    "bacteraemia as counted in newborns' blood, small loads, phagocytes at work: nearly every regimen clears it",
    _common(
        load_log10=_n(1.88, "log10 CFU/mL", "density in blood when treatment starts", "derived", DIETZMAN),
        load_sd=_n(2.0, "log10", "its spread between babies", "derived", DIETZMAN),
        penetration=_n(1.0, "1", "blood"),
        net_growth=_n(0.2, "1/h", "growth less death without drug; mouse: 0.03-0.35, range 0.05-0.6"),
        net_growth_cv=_n(0.6, "1", "its spread (log-normal)"),
        kimm=_n(0.10, "1/h", "clearance by phagocytes at low density: no rate in newborns is known"),
        kimm_cv=_n(0.6, "1", "its spread (log-normal)"),
    ),
    MappingProxyType({
        "gram_negative": _gram_negative((1.0, 8.0, 32.0), (1.0, 1e-6, 1e-12), 0.10),
        "pseudomonas": PSEUDOMONAS,
        "staphylococci": STAPHYLOCOCCI,
    }),
    load="density",
    notes=("site volume is the blood volume (85 mL/kg), not site_mL",),
)  # fmt: skip
IN_VITRO = Pack(
    "in_vitro",
    "broth in a flask, gentamicin's E. coli set as published: for regression, not for newborns",
    _common(
        load_log10=_n(5.684, "log10 CFU/mL", "inoculum 4.83e5 CFU/mL, in 1 mL", "secondary", MOHAMED),
        load_sd=_n(0.0, "log10", "one inoculum", "secondary", MOHAMED),
        site_mL=_n(1.0, "mL", "counts are per mL", "derived", MOHAMED),
        penetration=_n(1.0, "1", "broth", "secondary", MOHAMED),
        net_growth=_n(2.0 - 0.179, "1/h", "growth less death", "derived", MOHAMED),
        capacity=_n(8.26e8, "CFU", "Bmax, per mL", "secondary", MOHAMED),
        kd_dormant=_n(0.179, "1/h", "death of resting cells", "secondary", NIELSEN),
        u=_n(0.0, "1/division", "no mutants in the model", "secondary", MOHAMED),
        q_log2_sd=_n(0.0, "log2", "one strain", "secondary", MOHAMED),
    ),
    MappingProxyType({"gram_negative": _gram_negative((1.0,), (1.0,), 0.0)}),
    crowding="dormancy",
    notes=("resting cells form without the published threshold BP (2.09e6 CFU/mL); models/gentamicin_mohamed_2012.py has it",),
)

PACKS: Mapping[str, Pack] = MappingProxyType({p.name: p for p in (PEAK_DRIVEN, AUC_DRIVEN, BENIGN, IN_VITRO)})


def pack(name: str) -> Pack:
    """A pack by name (``NAME`` or ``NAME+drift``). Raises UnknownName naming the packs there are."""
    base, _, extra = name.partition("+")
    if base not in PACKS or extra not in ("", "drift"):
        allowed = ", ".join(PACKS)
        raise UnknownName(
            "no scenario pack of this name", where="pack", value=name, allowed=f"{allowed}, each also as NAME+drift"
        )
    return PACKS[base].drifting() if extra else PACKS[base]


def _mark(n: Number) -> str:
    return f"{n.value:.3g} {'P' if n.status == 'published' else 'A'}"


def compare() -> str:
    """All packs side by side as Markdown: numbers marked P (published) or A (assumed, derived by us), then the kill sets."""
    names = list(PACKS)
    lines = ["| number | unit | what it is | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for key in PEAK_DRIVEN.numbers:
        row = [p.numbers[key] for p in PACKS.values()]
        lines.append(f"| {key} | {row[0].unit} | {row[0].text.split(':')[0]} | " + " | ".join(_mark(n) for n in row) + " |")
    lines += [
        "",
        "| kill set | numbers | genotypes: MIC; frequency; growth; strength | status of the genotypes | source |",
        "|---" * 5 + "|",
    ]
    seen: list[KillSet] = []
    for p in PACKS.values():
        for group, kill in p.kill.items():
            if kill in seen:
                continue
            seen.append(kill)
            numbers = ", ".join(f"{k} {_mark(n)}" for k, n in kill.numbers.items())
            ladder = "; ".join(
                ", ".join(f"{v:.3g}" for v in values) for values in (kill.ladder, kill.frequency, kill.growth, kill.strength)
            )
            lines.append(f"| {p.name}: {group} | {numbers} | {ladder} | {kill.status} | {kill.source} |")
    return "\n".join(lines)


def describe(chosen: Pack) -> str:
    """The pack as a Markdown table: every number, its unit, whether it is published or assumed, and its source."""
    lines = [
        f"### {chosen.name}: {chosen.title}",
        "",
        "| number | value | unit | what it is | status | source |",
        "|---|---|---|---|---|---|",
    ]

    def row(name: str, n: Number) -> str:
        known = n.status if n.status == n.provenance else f"{n.status} ({n.provenance})"
        return f"| {name} | {n.value:.4g} | {n.unit} | {n.text} | {known} | {n.source} |"

    lines += [row(name, n) for name, n in chosen.numbers.items()]
    for group, s in chosen.kill.items():
        lines += [row(f"{group}: {name}", n) for name, n in s.numbers.items()]
        for what, values in (("MIC", s.ladder), ("frequency", s.frequency), ("growth", s.growth), ("kill", s.strength)):
            text = ", ".join(f"{v:.3g}" for v in values)
            lines.append(f"| {group}: genotypes' {what} | {text} | relative | | {s.status} | {s.source} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in chosen.notes)])
