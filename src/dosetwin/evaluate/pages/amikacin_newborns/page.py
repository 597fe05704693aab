"""Amikacin in newborns: virtual cohorts against published figures, with bands set in advance, and their table.

A miss is a result: it is printed as one, with the cause we suspect.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version

from dosetwin import __version__
from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.evaluate.check import Check, figure, table
from dosetwin.evaluate.pages.amikacin_newborns.studies import CAUSES, NOT_USED, STUDIES, Study

MODELS = ("amikacin_neonate", "amikacin_decock_2012", "amikacin_burdet_2015", "amikacin_li_2025")
"""What is checked unless other models are asked for; each takes part where it can."""
PAGE = "amikacin_newborns"
N, N_QUICK, SEED = 2000, 200, 20260101
FEWEST = 50
"""Fewer virtual babies than this would leave subgroups empty."""


def run(
    n: int = N,
    seed: int = SEED,
    models: Sequence[str | Model] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Check]:
    """Do the published studies again with ``n`` virtual patients each.

    Parameters
    ----------
    models : names, paths of model files, or models; default MODELS. A model takes part in the studies it can.
    progress : called as ``progress(done, total)`` before each study and model, and once at the end.

    Returns
    -------
    One Check per published figure and model, in the order of ``STUDIES``. The same ``n`` and ``seed`` give the same checks,
    whichever other models take part.

    Raises
    ------
    InputError : too few patients, a model that cannot take part in any study.
    UnknownName : no such model.
    """
    from dosetwin.evaluate.pages.amikacin_newborns.comparisons import COMPARISONS
    from dosetwin.models import load

    if n < FEWEST:
        raise InputError("too few virtual patients", where="n", value=n, allowed=f">= {FEWEST}")
    loaded = [m if isinstance(m, Model) else load(m) for m in (MODELS if models is None else models)]
    jobs = [(study, m) for study in STUDIES for m in loaded if COMPARISONS[study.name][1](m)]
    idle = [m.name for m in loaded if all(m is not taking for _, taking in jobs)]
    if idle:
        raise InputError("no published study can be compared with this model", where="models", value=", ".join(idle),
                         allowed="amikacin models whose covariates virtual newborns have")  # fmt: skip
    checks: list[Check] = []
    for done, (study, m) in enumerate(jobs):
        if progress:
            progress(done, len(jobs))
        found = COMPARISONS[study.name][0](m, n, seed)
        kin = dict(study.kin).get(m.name, "")
        for e in study.expected:
            got = found.get(e.check.removeprefix(f"{study.name}."))
            if got is None:
                continue
            low, high = e.band
            passed = low <= got.value <= high
            edge = min(abs(got.value - low), abs(got.value - high))
            cause = "" if passed else CAUSES.get(f"{e.check}@{m.name}", CAUSES.get(e.check, "not yet explained"))
            checks.append(Check(
                PAGE, e.check, m.name, study.source, e.provenance, e.published, got.value, got.mc_error, e.band, e.unit, passed,
                cause, e.text, e.why, kin, edge < 2.0 * got.mc_error, got.extra,
            ))  # fmt: skip
    if progress:
        progress(len(jobs), len(jobs))
    return checks


def _versions() -> str:
    return f"dosetwin {__version__}, numpy {version('numpy')}, numba {version('numba')}"


def _extras(checks: Sequence[Check]) -> list[str]:
    """What a comparison saw beside its figures, one line per check that has any."""
    return [
        f"- {c.text}, {c.model}: " + "; ".join(f"{name.replace('_', ' ')} {figure(v, c.unit)}" for name, v in c.extra)
        for c in checks
        if c.extra
    ]


def _section(study: Study, own: Sequence[Check]) -> list[str]:
    lines = ["", f"## {study.source}", "", f"Design: {study.design}."]
    if study.assumed:
        lines += ["", f"Ours, not the paper's: {study.assumed}."]
    lines += ["", *table(own)]
    if extras := _extras(own):
        lines += ["", "Also seen:", "", *extras]
    if notes := dict.fromkeys(f"{c.model}: {c.kin}" for c in own if c.kin):
        lines += ["", "¹ Not independent. " + "; ".join(notes) + "."]
    reasons: dict[str, dict[str, None]] = {}
    for c in own:
        reasons.setdefault(c.why, {})[c.text] = None
    why = [reason if len(reasons) == 1 else f"{' and '.join(texts)}: {reason}" for reason, texts in reasons.items()]
    return [*lines, "", "Why these bands: " + "; ".join(why) + "."]


def _overview(checks: Sequence[Check]) -> list[str]:
    """Passed of all, by study and model."""
    names = list(dict.fromkeys(c.model for c in checks))
    lines = ["| study | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for study in STUDIES:
        cells = []
        for name in names:
            own = [c for c in checks if c.model == name and c.check.startswith(f"{study.name}.")]
            mark = " ¹" if any(c.kin for c in own) else ""
            cells.append(f"{sum(c.passed for c in own)} of {len(own)}{mark}" if own else "")
        if any(cells):
            lines.append(f"| {study.name} | " + " | ".join(cells) + " |")
    return lines


def _misses(checks: Sequence[Check]) -> list[str]:
    """One line per missed figure and cause, its models together."""
    together: dict[tuple[str, str], list[Check]] = {}
    for c in checks:
        if not c.passed:
            together.setdefault((c.check, c.cause), []).append(c)
    return [
        f"- **{own[0].text}** ({name}; published {figure(own[0].published, own[0].unit)} {own[0].unit}; "
        + ", ".join(f"{c.model} {figure(c.simulated, c.unit)}" for c in own)
        + f"). {cause[:1].upper()}{cause[1:]}."
        for (name, cause), own in together.items()
    ] or ["None."]


METHOD = """
## Method

- **Cohorts.** Gestational and postnatal ages follow the printed quantiles and are uniform between them (on the log scale
  where a section says so), or a normal distribution cut off at a range; nothing else is assumed about their shape. Birth
  weight follows INTERGROWTH-21st for gestational age and sex; afterwards weight falls 6-9 %, is regained by day 10-13 and
  grows 9-15 g/kg/d (`structure/growth.py`). Half are boys.
- **Randomness.** Every baby has its own named streams for covariates, random effects and residual error: baby k is the same
  whatever the number of babies, and all models meet the same babies.
- **Models.** Random effects come from each model's own distribution: between-subject, and one draw of within-subject
  effects. Residual error is added only where a paper counted measured levels.
- **Independence.** `amikacin_neonate` is calibrated to the De Cock 2012 form in birth weight and postnatal age, and its
  creatinine constants were fitted to published typical profiles; those studies, and later ones of the same centre, are
  marked ¹. Nothing was tuned to any other study on this page, and no band was moved after a result was seen.
- **Blindness.** No study had been simulated with this code when its bands were written, but not all bands were blind: a
  planning study had compared De Cock's equations with Smits, Cristea and Treluyer, and Wu's filtration and the creatinine
  constants with Smeets, van Donge and Boer, and Botha's and Allegaert's typical clearances had been laid beside De Cock's.
  Kenyon, Hughes, Allegaert 2007, Walker and Gordjani were blind. Li 2025 was not: its miss was known when its band was
  written. Since then Gordjani is compared through the line by which the product reads Jaffe results (another one before):
  one miss went (very preterm, day 10), one came (term, day 10).
"""


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """docs/validation.md: counts, one table per study, misses with causes, method. ``n`` and ``seed`` as given to ``run``."""
    misses = [c for c in checks if not c.passed]
    kin = [c for c in checks if c.kin]
    free = [c for c in checks if not c.kin]
    again = (
        f"`dosetwin validate {PAGE} --seed {seed} --markdown docs/validation.md`"
        if n == N
        else f"`dosetwin.evaluate.pages.amikacin_newborns.page.run(n={n}, seed={seed})`"
    )
    lines = [
        "# Validation against published tables",
        "",
        "Written by `dosetwin validate`; do not edit. Virtual cohorts are matched to each study's covariates, treated with its",
        "regimen, sampled at its times, and compared with the printed figure. Bands were set before the cohorts were simulated",
        "(see Method).",
        "",
        f"**{len(checks) - len(misses)} of {len(checks)} checks pass, {len(misses)} miss.** Of the {len(free)} checks whose",
        f"model is independent of the study, {sum(c.passed for c in free)} pass; of the {len(kin)} marked ¹, whose model is not, "
        f"{sum(c.passed for c in kin)}.",
        "",
        f"{_versions()}; {n} virtual patients a study, seed {seed}. To do it again: {again}.",
        "",
        "How to read a row: *published* is what the paper prints, read in the paper or its abstract unless marked `secondary`",
        "(read in a transcription) or `recalled` (from memory, unverified). *MC* is the Monte-Carlo standard error of the",
        "simulated figure, - for a typical baby. *Borderline*: an end of the band lies within two such errors. A pass says that",
        "the model lies in the band, no more. ¹: the model is not independent of the study.",
        "",
        *_overview(checks),
    ]
    for study in STUDIES:
        if own := [c for c in checks if c.check.startswith(f"{study.name}.")]:
            lines += _section(study, own)
    lines += ["", "## Misses and what we suspect", "", *_misses(checks)]
    lines += [METHOD, "Read but not used: " + "; ".join(f"{what} ({why})" for what, why in NOT_USED) + ".", ""]
    return "\n".join(lines)
