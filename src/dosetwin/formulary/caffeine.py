"""Caffeine citrate in preterm newborns with apnoea: doses in mg of the citrate, levels in mg/L of the base (half of it)."""

from dosetwin.declare import Everyday, Goal, Limit, Rule, Says, Therapy
from dosetwin.declare.drug import Alarm, drug
from dosetwin.declare.menu import Repeated
from dosetwin.declare.preparation import Preparation, Vial
from dosetwin.declare.reading import TROUGH
from dosetwin.declare.therapy import Sampling
from dosetwin.formulary._newborns import HIGH_TROUGH, ORDINARY, of_any_dose
from dosetwin.quantities import Code

TOXIC = "levels above 40 to 50 mg/L go with tachycardia, jitteriness and seizures (recalled)"
DRUG = drug(
    "caffeine",
    text="caffeine citrate",
    molar_mass=194.19,
    loinc=(Code("3422-3", "", "recalled"),),
    level_high=200.0,
    rxnorm="1886",
    atc=("N06BC01",),
    vials=(Vial(20.0, 1.0, "citrate; recalled"), Vial(60.0, 3.0, "citrate; recalled")),
    one_dose=(1.0, 80.0, "mg/kg"),
    usual=(4.0, 25.0),
    routes=("vein", "mouth"),
    longest_h=4.0,
    long_h=1.0,
    synonyms=("caffeine citrate",),
    alarms=(Alarm("level_toxic", 40.0, "above the usual range: look for its signs", "leave the next dose out and take a level in "
                  "two days; was the dose meant in base? 10 mg of base are 20 mg of citrate", TOXIC),),
)  # fmt: skip

LABEL = "US label of caffeine citrate: 20 mg/kg, then 5 mg/kg a day (drugs.com/dosage/cafcit, read)"
RANGE = "5 to 25 mg/L, the range of reviews and of the label's studies (secondary); the 80 % is assumed"
UNDILUTED = Preparation(
    20.0, ((0.0, 0.01), (1.0, 0.05), (3.0, 0.1)),
    "as it comes, 20 mg of citrate per mL: the US label gives 1 and 0.25 mL/kg by syringe pump (drugs.com/dosage/cafcit, read); "
    "a 1 mL syringe of 0.01 mL and larger ones of 0.05 and 0.1 mL: assumed",
)  # fmt: skip

CAFFEINE_APNOEA = Therapy(
    name="caffeine_apnoea",
    drug=DRUG,
    population="preterm newborns with apnoea",
    models=("caffeine_lee_1997", "caffeine_citrate_1998"),
    menu=Repeated((2.5, 25.0), "kg", (24.0,), (0.5,), UNDILUTED.rounding),
    preparation=UNDILUTED,
    goals=(
        Goal("in_range", TROUGH, 5.0, 25.0, "mg/L", 1.0, 10.0, "level before the next dose", RANGE, min_probability=0.80,
             closed=True, chance_doses=("next",), help="a loading dose where none was given; a level before the third dose"),
        Goal("toxic", TROUGH, None, 40.0, "mg/L", 2.0, 10.0, "never where signs begin", TOXIC, min_probability=0.95,
             closed=True, joint=False, help=HIGH_TROUGH),
    ),
    limits=(
        Limit("dose_range", "dose_per_kg", 2.5, 25.0, "mg/kg", "one dose of citrate per kg",
              LABEL + "; 25 assumed as the most"),
        Limit("daily_dose", "daily_per_kg", None, 25.0, "mg/kg/d", "dose of citrate on any day",
              "the first day's loading dose; 5 to 10 mg/kg on the others are in use (secondary)"),
        Limit("infusion_range", "infusion_h", 0.15, 1.0, "h", "infusion time",
              "30 min the first, 10 min the others (the same page)"),
        *of_any_dose(12.0, ((0.15, 4.0), "assumed: from 20 mg/kg to 5 mg/kg and back"), UNDILUTED),
    ),
    rules=(
        Rule("caffeine_label", "US label: 20 mg/kg of citrate, then 5 mg/kg a day", LABEL, "secondary", (),
             lambda facts: Says(5.0, 24.0, "maintenance", loading=20.0), "US label"),
        Rule("caffeine_ten", "20 mg/kg of citrate, then 10 mg/kg a day", "Steer 2004 and later practice: 10 mg/kg a day and more "
             "(recalled)", "recalled", (), lambda facts: Says(10.0, 24.0, "higher maintenance", loading=20.0), "10 mg/kg a day"),
    ),
    everyday=Everyday(5.0, "mg/kg", 24.0, 0.5, LABEL),
    typical=ORDINARY,
    sampling=Sampling((0.0, 24.0, 48.0, 72.0), learns=("CL", "V")),
    horizon_h=7 * 24.0,
    stale_h=4 * 24.0,
    source=LABEL + "; chances and weights are assumed and declared here",
    note="the first model was made of newborns over a week and knows their age; the second is simpler and was made of others",
)  # fmt: skip
