"""Rifampicin: given beside; it makes the enzymes that clear other drugs."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.interaction import Interaction

DRUG = drug(
    "rifampicin",
    measured=False,
    followed=False,
    rxnorm="9384",
    atc=("J04AB02",),
    synonyms=("rifampin",),
    one_dose=(25.0, 1200.0, "mg"),
    usual=(150.0, 900.0),
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("INDUCER", 48.0, "assumed: two days per dose; models hold how long its effect lasts"),),
    interactions=(
        Interaction(
            "rifampicin_warfarin",
            "B01AA",
            42 * 24.0,
            "rifampicin speeds the way out of warfarin; the need for it more than doubles within a month and falls back within a "
            "month of the end, when the old dose makes patients bleed",
            "two INRs a week for two weeks and one a week for two months after it is begun or ended",
            "Yang 2021, Eur J Clin Pharmacol, eleven courses (read in the abstract)",
            change=Change(
                "rifampicin", ratio=2.65, sd=0.37, per_day=600.0, on_h=7 * 24.0, off_h=7 * 24.0, flag="INDUCER",
                provenance="derived",
                source="Yang 2021: 165 % more warfarin (quartiles 99 and 227 %) at 30 days, 67 % less four weeks after the end; "
                "half-time of a week meets both; dose assumed 600 mg a day, more counted as that",
            ),
        ),
        Interaction(
            "rifampicin_tacrolimus",
            "L04AD02",
            28 * 24.0,
            "rifampicin speeds the way out of tacrolimus and keeps it from being absorbed; the need for it rises about "
            "three times",
            "levels two or three times a week for a month after it is begun or ended",
            "US label of tacrolimus as quoted on 120ty.net (read)",
            change=Change(
                "rifampicin", ratio=2.9, sd=0.3, per_day=600.0, on_h=4 * 24.0, off_h=5 * 24.0, flag="INDUCER",
                provenance="derived",
                source="label, six volunteers: clearance 0.036 to 0.053 L/h/kg, absorbed 14 to 7 %: 2.9 times of clearance over "
                "what is absorbed; spread and half-times assumed",
            ),
        ),
    ),
)  # fmt: skip
