"""Metronidazole: given beside; it slows the way out of S-warfarin."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Raises, drug
from dosetwin.formulary._harms import on_warfarin

DRUG = drug(
    "metronidazole",
    measured=False,
    followed=False,
    rxnorm="6922",
    atc=("P01AB01", "J01XD01"),
    one_dose=(50.0, 4000.0, "mg"),
    usual=(200.0, 2000.0),
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("CYP2C9_INHIBITOR", 4 * 24.0, "while its effect goes (assumed: five half-times)"),),
    interactions=(
        on_warfarin(
            Change(
                "metronidazole", ratio=0.65, sd=0.2, per_day=1500.0, on_h=24.0, off_h=24.0, power=0.5, provenance="derived",
                source="PMID 21417792 (cohort of 20, abstract read): 34.6 % less warfarin (SD 13.4) kept the INR of seven, "
                "without it INRs of thirteen rose by 1.28 more; Circulation 2022 as quoted by droracle.ai (read): a third "
                "less; O'Reilly 1976, NEJM 295:354 (abstract read): S-warfarin alone; dose of 1,500 mg a day, growth "
                "and half-times assumed",
            ),
            7,
        ),
    ),
)  # fmt: skip
