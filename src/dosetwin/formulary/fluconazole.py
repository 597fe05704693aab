"""Fluconazole: given beside; it slows the way out of what CYP3A clears, tacrolimus above all."""

from dosetwin.declare.change import Change
from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.interaction import Interaction
from dosetwin.formulary._harms import on_warfarin

DRUG = drug(
    "fluconazole",
    measured=False,
    followed=False,
    rxnorm="4450",
    atc=("J02AC01",),
    one_dose=(25.0, 1600.0, "mg"),
    usual=(50.0, 400.0),
    routes=("mouth",),
    remarked=("vein",),
    raises=(Raises("CYP2C9_INHIBITOR", 7 * 24.0, "while its effect goes (assumed: five half-times)"),),
    interactions=(
        Interaction(
            "fluconazole_tacrolimus",
            "L04AD02",
            14 * 24.0,
            "fluconazole slows the way out of tacrolimus by CYP3A: its level rises within a day",
            "less tacrolimus from the first day, levels every second or third day until they stand, and again after its end",
            "drugs.com, interactions of tacrolimus with azoles (read; from the labels)",
            change=Change(
                "fluconazole", ratio=0.44, sd=0.3, per_day=200.0, on_h=24.0, off_h=48.0,
                provenance="derived",
                source="Lumlertgul 2006, J Med Assoc Thai 89 Suppl 2:S73 (15 kidney recipients before and after, abstract "
                    "read): area per "
                "dose 2.08 (1.80 to 2.40) times at 100 to 200 mg a day, a ratio of 0.48 (0.42 to 0.56; this makes 0.51 of 150 "
                "mg); "
                "drugs.com (read): 56 % less at 100 to 200 mg, taken at 200 (troughs 3.1 times at 200 mg in eight: a ratio of "
                "0.32 "
                "lies within the spread); 20 % less "
                "at low doses (81 kidney recipients, PMID 33759619, abstract read) lies near what this makes of 50 mg; "
                "spread between patients and half-times of a day and two days: assumed",
            ),
        ),
        on_warfarin(
            Change(
                "fluconazole", ratio=0.305, sd=0.3, per_day=400.0, on_h=30.0, off_h=30.0, provenance="secondary",
                source="Cheng 2022, Drug Metab Dispos 50:1287 (abstract read): clearance of S-warfarin 69.5 % less in CYP2C9 "
                "*1/*1 (64.8 in *1/*3, 59.7 in *2/*3, 47.8 in *3/*3); its dose, 400 mg a day, recalled; INR over dose of 18 "
                "patients (Yamamoto 2014, Biol Pharm Bull 37:1990, read) makes 0.30 by way of this effect; growth with the level "
                "(competitive), its half-life of 30 h and the spread, genes within: assumed",
            ),
        ),
        Interaction(
            "fluconazole_phenytoin",
            "N03AB02",
            14 * 24.0,
            "fluconazole slows the way out of phenytoin by CYP2C9 and 2C19: its area nearly doubled in ten volunteers (by 88 %, "
            "16 to 247), and near saturation its level rises more than that",
            "a level, free where albumin is low, within three days and again each week, less phenytoin as it rises, and again "
            "after fluconazole's end",
            "drugs.com, phenytoin with fluconazole (read); no number moves",
        ),
        Interaction(
            "fluconazole_carbamazepine",
            "N03AF01",
            14 * 24.0,
            "azoles slow the way out of carbamazepine by CYP3A: its level may rise markedly",
            "double vision, dizziness and sleepiness are looked for; a level within a week, and again after fluconazole's end",
            "skyscape.com, azole antifungals with enzyme inducers (read); no number moves",
        ),
        Interaction(
            "fluconazole_theophylline",
            "R03DA",
            14 * 24.0,
            "fluconazole raises the level of theophylline",
            "a level within three days, less theophylline as it rises",
            "US label of fluconazole by medlibrary.org (read); no number moves",
        ),
    ),
)  # fmt: skip
