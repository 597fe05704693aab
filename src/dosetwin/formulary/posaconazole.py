"""Posaconazole: given beside; it slows the way out of what CYP3A clears, tacrolimus above all."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import drug
from dosetwin.declare.interaction import Interaction

DRUG = drug(
    "posaconazole",
    measured=False,
    followed=False,
    rxnorm="282446",
    atc=("J02AC04",),
    one_dose=(50.0, 800.0, "mg"),
    usual=(100.0, 400.0),
    routes=("mouth",),
    remarked=("vein",),
    interactions=(
        Interaction(
            "posaconazole_tacrolimus",
            "L04AD02",
            14 * 24.0,
            "posaconazole slows the way out of tacrolimus by CYP3A: its level rises several times within a week",
            "less tacrolimus from the first day, levels every second or third day until they stand, and again after its end",
            "drugs.com, interactions of tacrolimus with azoles (read; from the labels)",
            change=Change(
                "posaconazole", ratio=0.22, sd=0.3, per_day=800.0, on_h=24.0, off_h=48.0, power=0.2,
                provenance="derived",
                source="drugs.com (read): 4.5 times the area under 400 mg of suspension twice a day for a week; that tablets of "
                "300 mg a day do nearly as much: assumed; "
                "spread between patients and half-times of a day and two days: assumed",
            ),
        ),
    ),
)  # fmt: skip
