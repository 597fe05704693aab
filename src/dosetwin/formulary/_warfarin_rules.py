"""Published equations for the dose of warfarin, mg a week: IWPC 2009, Gage 2008, Lenzini 2010; a clinic's table by INR."""

from math import exp, log

from dosetwin.declare import Facts, Rule, Says
from dosetwin.formulary._warfarin_facts import (
    NoAnswer,
    Years,
    age,
    aim,
    answered,
    both_genes,
    cyp2c9,
    flag,
    inducer,
    number,
    race,
    surface,
    vkorc1,
)  # fmt: skip

IWPC = "IWPC 2009, N Engl J Med 360:753, doi 10.1056/NEJMoa0809329, appendix S1e and S1f"
GAGE = "Gage 2008, Clin Pharmacol Ther 84:326, doi 10.1038/clpt.2008.10, as typed in a public program; surface by Mosteller"
LENZINI = "Lenzini 2010, Clin Pharmacol Ther 87:572, doi 10.1038/clpt.2010.13, as typed in a public program"
AURORA = "Aurora Health Care's table as in Ravvaz 2017, as typed in a public program"
WEEK_H = 168.0
GENES = {"*1/*1": 0.0, "*1/*2": -0.5211, "*1/*3": -0.9357, "*2/*2": -1.0616, "*2/*3": -1.9206, "*3/*3": -2.3312, "": -0.2188}
"""CYP2C9 in the IWPC's equation, "" not known."""


def _week(mg: float, text: str, years: Years | None = None) -> Says:
    only = "" if years is None or years.exact else f"; of the age only the decade is known, {years.years:g} y taken"
    return Says(mg, WEEK_H, f"{mg:.1f} mg a week: {text}{only}", "")


def _root(root: float, text: str) -> Says:
    """The square of what the IWPC's equations give. Raises NoAnswer where the equation leaves its range."""
    if root <= 0:
        raise NoAnswer("the equation gives no dose above 0 here: outside the patients it was made of")
    return _week(root * root, text)


@answered
def iwpc(facts: Facts) -> Says:
    """With genotypes; a genotype that is not known has a coefficient of its own."""
    of, pair, A, who = age(facts), cyp2c9(facts), vkorc1(facts), race(facts)
    root = (
        5.6044 - 0.2614 * of.decade + 0.0087 * number(facts, "HT", "height") + 0.0128 * number(facts, "WT", "weight")
        + {None: -0.4854, 0: 0.0, 1: -0.8677, 2: -1.6974}[A] + GENES[pair]
        + {"white": 0.0, "asian": -0.1092, "black": -0.2760, "other": -0.1032}[who]
        + 1.1816 * inducer(facts) - 0.5503 * flag(facts, "AMIODARONE")
    )  # fmt: skip
    genes = f"VKORC1 {'not known' if A is None else ('G/G', 'A/G', 'A/A')[A]}, CYP2C9 {pair or 'not known'}"
    return _root(root, f"{genes}, decade {of.decade}, {_race_words(who)}")


@answered
def iwpc_clinical(facts: Facts) -> Says:
    """Without genotypes."""
    of, who = age(facts), race(facts)
    root = (
        4.0376 - 0.2546 * of.decade + 0.0118 * number(facts, "HT", "height") + 0.0134 * number(facts, "WT", "weight")
        + {"white": 0.0, "asian": -0.6752, "black": 0.4060, "other": 0.0443}[who]
        + 1.2799 * inducer(facts) - 0.5695 * flag(facts, "AMIODARONE")
    )  # fmt: skip
    return _root(root, f"decade {of.decade}, {_race_words(who)}")


def _race_words(who: str) -> str:
    return "race missing or mixed" if who == "other" else who


def _gage_rest(facts: Facts, race_: float, clot: float, amiodarone: float, smoker: float, target: float) -> float:
    return (
        target * aim(facts) + amiodarone * flag(facts, "AMIODARONE") + smoker * flag(facts, "SMOKER")
        + race_ * (race(facts) == "black") + clot * flag(facts, "DVT_PE")
    )  # fmt: skip


@answered
def gage(facts: Facts) -> Says:
    """With genotypes."""
    (A, two, three), of, size = both_genes(facts), age(facts), surface(facts)
    own = 0.9751 - 0.3238 * A + 0.4317 * size - 0.4008 * three - 0.00745 * of.years - 0.2066 * two
    dose = exp(own + _gage_rest(facts, -0.0901, 0.0664, -0.2538, 0.0922, 0.2029))
    return _week(7.0 * dose, f"VKORC1 {A} A, CYP2C9 {two} *2 and {three} *3, {of.years:.0f} y, {size:.2f} m2", of)


@answered
def gage_clinical(facts: Facts) -> Says:
    """Without genotypes."""
    of, size = age(facts), surface(facts)
    dose = exp(0.613 + 0.4250 * size - 0.0075 * of.years + _gage_rest(facts, 0.1560, 0.0784, -0.2570, 0.1080, 0.2160))
    return _week(7.0 * dose, f"{of.years:.0f} y, {size:.2f} m2", of)


def _first_days(facts: Facts) -> tuple[float, float, float, float]:
    """INR of day 4 or 5 and what was given two, three and four days before it, mg. Raises NoAnswer."""
    INR, day = number(facts, "INR", "the INR"), facts.number("DAY")
    if not 0.8 <= INR <= 10.0:
        raise NoAnswer(f"the INR is {INR:g}: 0.8 to 10 for this equation")
    if day is not None and not 3.5 <= day <= 6.5:
        raise NoAnswer(f"for the INR of day 4 or 5 (five or six with the first day as one), found day {day:.0f}")
    doses = [number(facts, f"DOSE_{k}", f"the dose {k} days before the INR") for k in (2, 3)]
    fourth = facts.number("DOSE_4")  # on day 4 there is none
    for given in (*doses, fourth or 0.0):
        if not 0.0 <= given <= 30.0:
            raise NoAnswer(f"a dose of {given:g} mg in a day: 0 to 30 (milligrams, not tablets)")
    return INR, doses[0], doses[1], fourth or 0.0


@answered
def lenzini(facts: Facts) -> Says:
    """The refinement with the INR of day 4 or 5, with genotypes."""
    (A, two, three), of, size, (INR, d2, d3, d4) = both_genes(facts), age(facts), surface(facts), _first_days(facts)
    dose = exp(
        3.10894 - 0.00767 * of.years - 0.51611 * log(INR) - 0.23032 * A - 0.14745 * two - 0.30770 * three + 0.24597 * size
        + 0.26729 * aim(facts) - 0.09644 * (race(facts) == "black") - 0.20590 * flag(facts, "STROKE")
        - 0.11216 * flag(facts, "DIABETES") - 0.10350 * flag(facts, "AMIODARONE") - 0.19275 * flag(facts, "FLUVASTATIN")
        + 0.01690 * d2 + 0.02018 * d3 + 0.01065 * d4
    )  # fmt: skip
    return _week(dose, f"INR {INR:g}, {d4:g}, {d3:g}, {d2:g} mg four, three and two days before, VKORC1 {A} A", of)


@answered
def lenzini_clinical(facts: Facts) -> Says:
    """The refinement with the INR of day 4 or 5, without genotypes."""
    of, size, (INR, d2, d3, d4) = age(facts), surface(facts), _first_days(facts)
    dose = exp(
        2.81602 - 0.76679 * log(INR) - 0.00590 * of.years + 0.27815 * aim(facts) - 0.16759 * flag(facts, "DIABETES")
        + 0.17675 * size - 0.22844 * flag(facts, "STROKE") - 0.25487 * flag(facts, "FLUVASTATIN")
        + 0.07123 * (race(facts) == "black") - 0.11137 * flag(facts, "AMIODARONE") + 0.03471 * d2 + 0.03047 * d3 + 0.01929 * d4
    )  # fmt: skip
    return _week(dose, f"INR {INR:g}, {d4:g}, {d3:g}, {d2:g} mg four, three and two days before", of)


@answered
def five(facts: Facts) -> Says:
    """The usual first dose."""
    if age(facts).years >= 75:
        raise NoAnswer(f"five milligrams are for those under 75 years, found {age(facts).years:.0f} y")
    return _week(35.0, "5 mg a day, adults under 75 years")


TABLE = ((1.5, 1.15), (1.8, 1.10), (2.0, 1.075))
"""Below this INR the week's dose is multiplied so, by Aurora's table; above 3: below 3.4 0.925, below 4 0.9, to 5 0.875."""


@answered
def by_inr(facts: Facts) -> Says:
    """The week's dose changed by the last INR, for a range of 2 to 3; doses left out above 4 are not part of what it says."""
    INR, week = number(facts, "INR", "the INR"), number(facts, "WEEK", "the dose of the last seven days")
    if week <= 0:
        raise NoAnswer("nothing was given in the last seven days")
    if INR > 5:
        raise NoAnswer(f"the INR is {INR:g}: above 5 the table stops warfarin until it is below 3")
    above = 0.925 if INR < 3.4 else 0.90 if INR < 4.0 else 0.875
    factor = next((f for below, f in TABLE if below > INR), 1.0 if INR <= 3.0 else above)
    return _week(week * factor, f"INR {INR:g}, {week:g} mg in the last week, times {factor:g}")


RULES = (
    Rule("iwpc_2009", "IWPC 2009, with genotypes", IWPC, "paper", ("AGE",), iwpc, "IWPC 2009 with genotypes"),
    Rule("iwpc_2009_clinical", "IWPC 2009, without genotypes", IWPC, "paper", ("AGE",), iwpc_clinical,
         "IWPC 2009 without genotypes"),
    Rule("gage_2008", "Gage 2008, with genotypes", GAGE, "secondary", ("AGE",), gage, "Gage 2008 with genotypes"),
    Rule("gage_2008_clinical", "Gage 2008, without genotypes", GAGE, "secondary", ("AGE",), gage_clinical,
         "Gage 2008 without genotypes"),
    Rule("lenzini_2010", "Lenzini 2010, day 4 or 5, with genotypes", LENZINI, "secondary", ("AGE", "INR", "DOSE_2", "DOSE_3"),
         lenzini, "Lenzini 2010 with genotypes"),
    Rule("lenzini_2010_clinical", "Lenzini 2010, day 4 or 5, without genotypes", LENZINI, "secondary",
         ("AGE", "INR", "DOSE_2", "DOSE_3"), lenzini_clinical, "Lenzini 2010 without genotypes"),
    Rule("warfarin_five", "5 mg a day to begin with",
         "Holbrook 2012, Chest 141:e152S: 5 mg or less in the old; Kovacs 2003, Ann Intern Med 138:714 (recalled); the age of 75 "
         "is assumed", "recalled", ("AGE",), five, "5 mg a day"),
)  # fmt: skip
"""What is said of a first dose, and of the first days."""


def _for(aimed: float, rule: Rule) -> Rule:
    """A rule whose equation knows the INR aimed at, for therapies that aim at another than 2.5."""

    def table(facts: Facts) -> Says | str:
        return rule.table(facts if "TARGET_INR" in facts else facts.but(TARGET_INR=aimed))  # type: ignore[return-value]

    return Rule(f"{rule.name}_inr_{aimed:g}", f"{rule.title}, INR {aimed:g}", rule.source, rule.provenance, rule.needs, table,
                f"{rule.ward}, INR {aimed:g}")  # fmt: skip


RULES_AT_3 = tuple(_for(3.0, r) for r in RULES if r.name.startswith(("gage", "lenzini")))
"""The same for an INR of 2.5 to 3.5; the IWPC's equations know one range only."""
BY_INR = Rule("warfarin_by_inr", "the week's dose changed by the INR", AURORA, "secondary", ("INR", "WEEK"), by_inr,
              "clinic's table by INR")  # fmt: skip
