"""Phenobarbital: what it is called and how it is given (swallowed, it comes in whole); in newborns with seizures how much."""

from dataclasses import replace

from dosetwin.declare import Everyday, Goal, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, Raises, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Vial
from dosetwin.declare.reading import TROUGH
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._allergies import allergy
from dosetwin.formulary._newborns import HIGH_TROUGH, ORDINARY, SYRINGE, of_any_dose
from dosetwin.quantities import Code

TOXIC = "above 50 to 60 mg/L newborns breathe and feed poorly (recalled)"

DRUG = drug(
    "phenobarbital",
    molar_mass=232.24,
    loinc=(Code("3948-7"),),
    words=("phenobarb",),
    level_high=500.0,
    rxnorm="8134",
    atc=("N03AA02",),
    vials=(Vial(200.0, 1.0),),
    one_dose=(0.5, 50.0, "mg/kg"),
    usual=(1.0, 40.0),
    routes=("vein",),
    remarked=("mouth",),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("PHENOBARBITAL", 14 * 24.0, "induction goes within two weeks (recalled)"),),
    alarms=(Alarm("level_toxic", 50.0, "above the usual range: sedation, apnoea", "leave doses out and measure again in two "
        "days; "
                  "cooling and asphyxia slow its way out", TOXIC),),
)  # fmt: skip

ILAE = "Pressler 2023, Epilepsia 64:2550 (ILAE): 20 mg/kg, once more 10 to 20 if needed, then 5 mg/kg a day (recalled)"
RANGE = "15 to 40 mg/L (secondary; 20 to 40 are asked by others); the 60 % is assumed"

DILUTED = replace(
    SYRINGE,
    source="30 mg/mL diluted to 5 mg/mL (CHEO and Ottawa's neonatal manual, 2022, read); others to 20 mg/mL (Auckland 2011, "
    "Perth: read)",
)

PHENOBARBITAL_NEONATE = Therapy(
    name="phenobarbital_neonate",
    drug=DRUG,
    population="newborns with seizures",
    models=("phenobarbital_voeller_2017", "phenobarbital_grasela_1985"),
    menu=Repeated((2.5, 20.0), "kg", (24.0,), (0.5,), DILUTED.rounding),
    preparation=DILUTED,
    goals=(
        Goal("in_range", TROUGH, 15.0, 40.0, "mg/L", 1.0, 10.0, "level before the next dose", RANGE, min_probability=0.60,
             chance_doses=("next",), help="a loading dose where none was given; a level before the third dose"),
        Goal("toxic", TROUGH, None, 50.0, "mg/L", 2.0, 10.0, "never where breathing suffers", TOXIC, min_probability=0.90,
             closed=True, joint=False, help=HIGH_TROUGH),
    ),
    limits=(
        Limit("dose_range", "dose_per_kg", 1.0, 25.0, "mg/kg", "one dose per kg", "20 mg/kg first (ILAE); the borders are "
            "assumed"),
        Limit("daily_dose", "daily_per_kg", None, 25.0, "mg/kg/d", "dose on any day", "the first day's loading dose (ILAE)"),
        Limit("infusion_range", "infusion_h", 0.25, 2.0, "h", "infusion time", "at most 1 mg/kg/min (recalled)"),
        *of_any_dose(8.0, ((0.1, 4.0), "assumed: from 20 mg/kg to maintenance and back")),
    ),
    bars=(allergy("barbiturate"),),
    rules=(Rule("phenobarbital_ilae", "ILAE 2023: 20 mg/kg, then 5 mg/kg a day", ILAE, "recalled", (),
                lambda facts: Says(5.0, 24.0, "maintenance", loading=20.0), "ILAE 2023"),),
    everyday=Everyday(5.0, "mg/kg", 24.0, 0.5, ILAE),
    typical=ORDINARY | {"WT": 3.0, "BW": 3.0, "GA": 39.0, "PNA": 2.0, "PMA": 39.3},
    sampling=Sampling((0.0, 2.0, 24.0, 48.0), learns=("CL", "V")),
    horizon_h=5 * 24.0,
    stale_h=5 * 24.0,
    source=ILAE + "; chances and weights are assumed and declared here",
    note="while a baby is cooled clearance is lower than either model knows",
)  # fmt: skip
