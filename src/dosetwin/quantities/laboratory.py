"""What a laboratory measures beside drugs: creatinine, INR, albumin, filtration."""

from dosetwin.quantities.quantity import Code, Quantity

UMOL_PER_MG_DL = 88.4
"""µmol/L of creatinine in 1 mg/dL (molar mass 113.12 g/mol, rounded as laboratories do)."""

LABORATORY = (
    Quantity("SCR", "creatinine", "mg/dL", "laboratory",
             {"mg/dL": 1.0, "umol/L": 1 / UMOL_PER_MG_DL, "mmol/L": 1000 / UMOL_PER_MG_DL, "mg/L": 0.1, "ug/mL": 0.1},
             loinc=(Code("2160-0", "serum or plasma, mass"), Code("38483-4", "blood, mass"),
                    Code("14682-9", "serum or plasma, moles")),
             words=("creatinin",),
             called=("scr", "s cr", "creat", "crea", "creatinine", "creatinin", "kreatinin", "serum creatinine",
                     "plasma creatinine", "s creatinine", "scre", "screa"),
             low=0.05, high=20.0, predicted=True, in_blood=True,
             offered=("umol/L", "mg/dL"), digits=2, rises=0.5, assayed=True),
    Quantity("INR", "INR", "1", "laboratory", {"{INR}": 1.0, "1": 1.0, "{ratio}": 1.0},
             loinc=(Code("6301-6"), Code("34714-6"), Code("46418-0", "capillary")),
             called=("inr", "pt inr", "pt/inr", "international normalised ratio", "international normalized ratio"),
             low=0.5, high=15.0, shown="",
             slip="a prothrombin time in percent (Quick) is no INR: ask the laboratory for the INR",
             predicted=True, in_blood=True),
    Quantity("ALB", "albumin", "g/L", "laboratory", {"g/L": 1.0, "g/dL": 10.0},
             loinc=(Code("1751-7", "serum or plasma", "recalled"),), low=5.0, high=80.0, in_blood=True, needed=False),
    Quantity("HCT", "haematocrit", "1", "laboratory", {"1": 1.0, "L/L": 1.0, "%": 0.01},
             loinc=(Code("4544-3", "automated count", "recalled"), Code("20570-8", "", "recalled")), called=("hct", "haematocrit",
             "hematocrit"), low=0.05, high=0.8, shown="", in_blood=True, needed=False),
    Quantity("CRP", "C-reactive protein", "mg/L", "laboratory", {"mg/L": 1.0, "mg/dL": 10.0},
             loinc=(Code("1988-5", "serum or plasma", "recalled"),), called=("crp",), low=0.0, high=700.0, in_blood=True,
             needed=False),
    Quantity("NEUT", "neutrophils", "10*9/L", "laboratory", {"10*9/L": 1.0, "10*3/uL": 1.0, "/uL": 1e-3, "10*6/L": 1e-3},
             loinc=(Code("751-8", "blood, automated count", "recalled"), Code("26499-4", "blood", "recalled")),
             called=("neut", "neutrophils", "anc", "absolute neutrophil count"), low=0.0, high=100.0, predicted=True,
             in_blood=True, digits=1),
    Quantity("SLD", "sum of lesions", "mm", "laboratory", {"mm": 1.0, "cm": 10.0},
             called=("sld", "sum of lesions", "sum of longest diameters"), low=0.0, high=1500.0, predicted=True, digits=0),
    Quantity("SLD_RATIO", "lesions over their first sum", "1", "score", shown="", low=0.0, high=100.0, predicted=True),
    Quantity("AKI_RISK", "chance of a kidney injury", "1", "score", shown="", low=0.0, high=1.0, predicted=True),
    Quantity("ANTIBODY_LEVEL", "antibodies against the drug, AU/mL", "1", "laboratory", {"1": 1.0, "[AU]/mL": 1.0, "AU/mL": 1.0},
             low=0.0, high=100_000.0, shown="AU/mL", needed=False),
    Quantity("ANTIBODY_RISK", "chance of antibodies against the drug", "1", "score", shown="", low=0.0, high=1.0, predicted=True),
    Quantity("DAS28", "disease activity in 28 joints", "1", "score", called=("das28", "das 28"), low=0.0, high=10.0, shown="",
             predicted=True, digits=1, needed=False),
    Quantity("PASI", "psoriasis area and severity", "1", "score", called=("pasi",), low=0.0, high=72.0, shown="", predicted=True,
             digits=1, needed=False),
    Quantity("GFR", "glomerular filtration", "mL/min", "state", {"mL/min": 1.0, "L/h": 1000 / 60}, low=0.0, high=300.0),
)  # fmt: skip
