"""What a gene tells a model or a bar: traits by the name of their quantity, each only where every possible diplotype agrees."""

from collections.abc import Callable, Sequence

from dosetwin.structure.genes.table import Gene

Pair = Sequence[str]
STEPS = {"Poor": 0.0, "Intermediate": 1.0, "Normal": 2.0, "Rapid": 3.0, "Ultrarapid": 4.0}
"""CPIC gives a *likely* or *possible* status the recommendation of the status itself."""
DECISIVE = {"CYP4F2_3": ("rs2108622", "T"), "VKORC1_A": ("rs9923231", "T")}
"""Traits that are one base: position and base of the forward strand."""


def traits(of: Gene, pairs: Sequence[Pair]) -> dict[str, float]:
    """Traits of one gene for its possible diplotypes; what they do not agree on, or what CPIC does not say, is left out."""
    out: dict[str, float] = {}
    for name, count in _COUNTS.get(of.name, {}).items():
        values = {count(of, p) for p in pairs}
        value = values.pop() if len(values) == 1 else None
        if value is not None:
            out[name] = value
    return out


def _warfarin_allele(star: str) -> Callable[[Gene, Pair], float | None]:
    """Number of one of the two alleles that warfarin's models know; none where another allele works less or CPIC does not
    know."""

    def count(of: Gene, pair: Pair) -> float | None:
        others = [of.alleles[n] for n in pair if n not in ("*1", "*2", "*3")]
        if any(a.function != "Normal function" for a in others):
            return None
        return float(sum(n == star for n in pair))

    return count


def _base(trait: str) -> Callable[[Gene, Pair], float | None]:
    label, base = DECISIVE[trait]

    def count(of: Gene, pair: Pair) -> float | None:
        i = next(k for k, p in enumerate(of.positions) if p.label == label)
        return float(sum(of.alleles[n].at.get(i) == base for n in pair))

    return count


def _working(of: Gene, pair: Pair) -> float | None:
    """CYP3A5: copies that work; none where CPIC does not know."""
    if any(not of.alleles[n].known for n in pair):
        return None
    return float(sum(of.alleles[n].function == "Normal function" for n in pair))


def _score(of: Gene, pair: Pair) -> float | None:
    values = [of.alleles[n].activity for n in pair]
    return None if None in values else float(sum(values))  # type: ignore[arg-type]


def _status(of: Gene, pair: Pair) -> float | None:
    from dosetwin.structure.genes.call import meaning

    return step(meaning(of, pair).phenotype)


def step(phenotype: str | None) -> float | None:
    """A metabolizer status in words as a trait's value; None where it says none."""
    words = (phenotype or "").split()
    return next((STEPS[w] for w in words if w in STEPS), None)


_COUNTS: dict[str, dict[str, Callable[[Gene, Pair], float | None]]] = {
    "CYP2C9": {"CYP2C9_2": _warfarin_allele("*2"), "CYP2C9_3": _warfarin_allele("*3"), "CYP2C9_AS": _score},
    "CYP2C19": {"CYP2C19": _status},
    "CYP2D6": {"CYP2D6_AS": _score},
    "VKORC1": {"VKORC1_A": _base("VKORC1_A")},
    "CYP4F2": {"CYP4F2_3": _base("CYP4F2_3")},
    "CYP3A5": {"CYP3A5_1": _working},
    "TPMT": {"TPMT": _status},
    "NUDT15": {"NUDT15": _status},
}
