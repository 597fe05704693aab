"""Amiodarone: given beside; it slows other drugs' way out for months after its last tablet."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.interaction import Interaction

DRUG = drug(
    "amiodarone",
    measured=False,
    followed=False,
    rxnorm="703",
    atc=("C01BD01",),
    one_dose=(25.0, 1600.0, "mg"),
    usual=(100.0, 1200.0),
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("AMIODARONE", 48.0, "assumed: two days per dose; models hold how long its effect lasts"),),
    interactions=(
        Interaction(
            "amiodarone_warfarin",
            "B01AA",  # warfarin and its relatives
            150 * 24.0,
            "amiodarone slows the way out of S-warfarin; the need for warfarin falls for seven weeks and stays low for months "
            "after the end",
            "an INR every week for seven weeks after it is begun, changed or ended; expect 25 to 40 % less warfarin",
            "Sanoski 2002, Chest 121:19; Kerin 1988, Arch Intern Med 148:1779 (abstracts read); months after: recalled",
            change=Change(
                "amiodarone", ratio=0.70, sd=0.16, per_day=200.0, on_h=14 * 24.0, off_h=50 * 24.0, power=0.5, most=2.0,
                flag="AMIODARONE", provenance="derived",
                source="Sanoski 2002: 25, 30, 35, 40 % less warfarin at 100, 200, 300, 400 mg a day; spread from the 25 to 50 % "
                "of Kerin 1988; half-time of two weeks up (most in week seven), of 50 days down (recalled half-life)",
            ),
        ),
        Interaction(
            "amiodarone_digoxin",
            "C01AA05",
            150 * 24.0,
            "amiodarone keeps digoxin in the body, for months after its end too",
            "half the dose of digoxin when amiodarone is begun, a level after a week and again after a month",
            "labels of both (recalled)",
            change=Change(
                "amiodarone", ratio=0.762, sd=0.2, per_day=200.0, on_h=14 * 24.0, off_h=50 * 24.0, flag="AMIODARONE",
                provenance="secondary",
                source="Hirai 2022: 0.762 of clearance; spread, and growth in proportion up to 200 mg a day: assumed; times as "
                "for warfarin",
            ),
        ),
        Interaction(
            "amiodarone_phenytoin",
            "N03AB02",
            150 * 24.0,
            "amiodarone slows the way out of phenytoin by CYP2C9, for months after its end too: levels two to three times as "
            "high were seen",
            "levels each week after amiodarone is begun, changed or ended, less phenytoin as they rise",
            "US label of amiodarone (recalled); no number moves",
        ),
    ),
)  # fmt: skip
