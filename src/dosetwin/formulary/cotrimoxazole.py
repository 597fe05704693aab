"""Co-trimoxazole (sulfamethoxazole with trimethoprim): given beside; it slows the way out of S-warfarin."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Raises, drug
from dosetwin.formulary._harms import on_warfarin

DRUG = drug(
    "cotrimoxazole",
    measured=False,
    followed=False,
    rxnorm="10831",
    atc=("J01EE01",),
    synonyms=("co-trimoxazole", "trimethoprim-sulfamethoxazole", "sulfamethoxazole and trimethoprim"),
    one_dose=(40.0, 10000.0, "mg"),
    usual=(240.0, 1920.0),
    dose_source="both substances together: a tablet of 960 mg is 800 and 160 mg (recalled)",
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("CYP2C9_INHIBITOR", 4 * 24.0, "while its effect goes (assumed: five half-times)"),),
    interactions=(
        on_warfarin(
            Change(
                "cotrimoxazole", ratio=0.75, sd=0.2, per_day=1920.0, on_h=24.0, off_h=24.0, power=0.5, provenance="derived",
                source="Powers 2017, J Thromb Thrombolysis 44:88 (50 patients on it or metronidazole, by a quotation, read): 25 "
                "% less warfarin kept INRs; Ahmed 2008, J Thromb Thrombolysis 26:44 (abstract read): 10 to 20 % less did in "
                "eight; O'Reilly 1980, NEJM 302:33 (abstract read): by S-warfarin; dose of 960 mg twice a day (both substances "
                "together), growth, half-times and spread assumed",
            ),
            7,
        ),
    ),
)  # fmt: skip
