"""What runs or does not, 0 or 1: treatments beside the drug and conditions of the patient, with the codes that say so."""

from dosetwin.quantities.quantity import Code, Quantity

COURSE_H = 72.0
"""h that three daily doses of ibuprofen or indometacin cover."""
COOLING_H = 72.0
"""h of cooling in the trials (Jacobs 2013, Cochrane CD003311; secondary): taken, with a warning, where nobody sent its end."""

FLAGS = (
    Quantity("IBU", "ibuprofen", "1", "flag", low=0, high=1, shown="", runs="drug", runs_h=COURSE_H,
             stopped="ibuprofen"),
    Quantity("INDO", "indometacin", "1", "flag", low=0, high=1, shown="", runs="drug", runs_h=COURSE_H),
    Quantity("DOPA", "dopamine", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("INO", "inotropes", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("ASPHYXIA", "perinatal asphyxia", "1", "flag", low=0, high=1, shown="", runs="condition",
             conditions=(Code("P21", "ICD-10, with its subdivisions"), Code("28314004", "SNOMED CT")),
             condition_words=("perinatal asphyxia", "birth asphyxia", "neonatal asphyxia", "intrapartum asphyxia",
                              "asphyxia neonatorum", "asphyxia at birth", "asphyxia of newborn", "asphyxia of the newborn")),
    Quantity("COOLING", "therapeutic cooling", "1", "flag", low=0, high=1, shown="", runs="treatment", runs_h=COOLING_H,
             stopped="cooling",
             conditions=(Code("6A4Z0ZZ", "ICD-10-PCS hypothermia, single", "recalled"),
                         Code("6A4Z1ZZ", "ICD-10-PCS hypothermia, multiple", "recalled")),
             condition_words=("therapeutic hypothermia", "induced hypothermia", "whole body hypothermia", "head cooling",
                              "total body cooling", "whole body cooling", "whole-body hypothermia")),
    Quantity("AMINO", "aminoglycoside", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("VANCO", "vancomycin", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("DIAL", "dialysis", "1", "flag", low=0, high=1, shown=""),
    Quantity("PREGNANT", "pregnancy", "1", "flag", low=0, high=1, shown=""),
    Quantity("ALLERGY_AMINOGLYCOSIDE", "allergy to aminoglycosides", "1", "flag", low=0, high=1, shown=""),
    Quantity("ALLERGY_GLYCOPEPTIDE", "allergy to glycopeptides", "1", "flag", low=0, high=1, shown=""),
    Quantity("ALLERGY_BARBITURATE", "allergy to barbiturates", "1", "flag", low=0, high=1, shown=""),
    Quantity("ALLERGY_COUMARIN", "allergy to coumarins", "1", "flag", low=0, high=1, shown=""),
    Quantity("AMIODARONE", "amiodarone", "1", "flag", low=0, high=1, shown=""),
    Quantity("SMOKER", "smoking", "1", "flag", low=0, high=1, shown=""),
    Quantity("DVT_PE", "deep vein thrombosis or pulmonary embolism", "1", "flag", low=0, high=1, shown=""),
    Quantity("INDUCER", "carbamazepine, phenytoin or rifampicin", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("FLUVASTATIN", "fluvastatin", "1", "flag", low=0, high=1, shown=""),
    Quantity("STROKE", "a stroke in the past", "1", "flag", low=0, high=1, shown=""),
    Quantity("DIABETES", "diabetes", "1", "flag", low=0, high=1, shown=""),
    Quantity("ASIAN", "Asian ancestry", "1", "flag", low=0, high=1, shown=""),
    Quantity("HEART_FAILURE", "heart failure", "1", "flag", low=0, high=1, shown=""),
    Quantity("PHENYTOIN", "phenytoin", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("VALPROATE", "valproate", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("PHENOBARBITAL", "phenobarbital", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("ANTIBODIES", "antibodies against the drug", "1", "flag", low=0, high=1, shown=""),
    Quantity("METHOTREXATE", "methotrexate", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("UVEITIS", "active uveitis", "1", "flag", low=0, high=1, shown=""),
    Quantity("IMMUNOMODULATOR", "azathioprine, mercaptopurine or methotrexate", "1", "flag", low=0, high=1, shown=""),
    Quantity("AFRICAN_AMERICAN", "African-American ancestry", "1", "flag", low=0, high=1, shown=""),
    Quantity("DIURETIC", "a diuretic", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("HEART_BLOCK", "sinus bradycardia or a heart block", "1", "flag", low=0, high=1, shown="", runs="condition"),
    Quantity("CYP2C9_INHIBITOR", "a drug that slows CYP2C9", "1", "flag", low=0, high=1, shown="", runs="drug"),
    Quantity("ANGIOEDEMA", "angioedema in the past", "1", "flag", low=0, high=1, shown="", runs="condition"),
    Quantity("HYPERTENSION", "treated high blood pressure", "1", "flag", low=0, high=1, shown="", runs="condition",
             conditions=(Code("I10", "ICD-10, with its subdivisions", "recalled"),), condition_words=("hypertension",)),
)  # fmt: skip
