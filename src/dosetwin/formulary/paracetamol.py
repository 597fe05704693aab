"""Paracetamol taken in overdose: acetylcysteine now or not, by glutathione foreseen, with the treatment line as the rule."""

from dosetwin.declare import Between, Facts, Goal, Reading, Rule, Sampling, Sets, Settings, Therapy
from dosetwin.declare.drug import drug
from dosetwin.formulary._mechanisms import PARACETAMOL
from dosetwin.structure.glutathione import treatment_line

DRUG = drug(
    "paracetamol", synonyms=("acetaminophen",), molar_mass=151.16, level_high=1500.0, rxnorm="161", atc=("N02BE01",),
    one_dose=(5.0, 1500.0, "mg/kg"), usual=(10.0, 500.0), routes=("mouth",), remarked=("vein",),
)  # fmt: skip

MHRA = "the treatment line from 100 mg/L at 4 h (UK, 2012; recalled); 150 in the US"


def _line(facts: Facts) -> Sets | str:
    hours = 24.0 * facts.DAY
    if facts.paracetamol is None:
        late = "; from 8 h on acetylcysteine begins without waiting for it" if hours >= 8.0 else ""  # guidelines (secondary)
        return "the line needs a level, not known" + late
    if hours < 4.0:
        return f"the line says nothing before 4 h, and this is {hours:.1f} h after the first dose"
    if hours > 24.0:
        return f"the line ends 24 h after a single ingestion, and this is {hours:.0f} h: treat by the liver's tests"
    if facts.NAC:
        return Sets({"NAC": 1.0}, "it runs: the line is no reason to stop")
    border = treatment_line(hours, 100.0)
    over = facts.paracetamol >= border
    return Sets({"NAC": float(over)}, f"{facts.paracetamol:g} mg/L, line {border:.0f} mg/L at {hours:.1f} h")


DAYS = Between(0.0, 48.0)

PARACETAMOL_OVERDOSE = Therapy(
    name="paracetamol_overdose",
    drug=DRUG,
    population="adults after a single overdose of paracetamol by mouth",
    models=("paracetamol_reddyhoff_2015",),
    menu=Settings({"NAC": (0.0, 1.0)}),
    goals=(
        Goal("glutathione", Reading("GSH", "mean", DAYS, name="glutathione"), 0.30, None, "1", 1.0, 0.30,
             "glutathione of the liver", "necrosis begins where less than 30 % is left (Mitchell 1973; recalled)", closed=True,
             min_probability=0.95, help="acetylcysteine now, whatever the hour; a liver unit"),
        Goal("no_needless_infusion", Reading("NAC_RUNS", "mean", DAYS, name="acetylcysteine"), None, 0.0, "1", 0.05, 1.0,
             "no acetylcysteine where it is not needed", "anaphylactoid reactions in 10 to 20 % (recalled); the price is assumed",
             closed=True, joint=False),
    ),
    limits=(),
    rules=(
        Rule("paracetamol_line", "Treatment line from 100 mg/L at 4 h", "Rumack and Matthew 1975, Pediatrics 55:871; " + MHRA,
             "recalled", ("DAY",), _line, ward="treatment line"),
    ),
    typical={"WT": 70.0},
    sampling=Sampling((1.0, 4.0), learns=("KG", "V")),
    mechanism=PARACETAMOL,
    horizon_h=48.0,
    stale_h=24.0,
    source=MHRA + "; the 95 % and weights are assumed",
    note="research and teaching; one ingestion at a known hour, not slow-release; an older level meets the line of now",
)  # fmt: skip
