"""In the operating theatre: what the monitor shows and what the pumps aim at."""

from dosetwin.quantities.quantity import Code, Quantity

MMHG = {"mmHg": 1.0, "mm[Hg]": 1.0, "kPa": 7.50062}

THEATRE = (
    Quantity("BIS", "bispectral index", "1", "vital", {"1": 1.0}, low=0.0, high=100.0, shown="", predicted=True),
    Quantity("MAP", "mean arterial pressure", "mmHg", "vital", MMHG, loinc=(Code("8478-0", "", "recalled"),), low=10.0,
             high=250.0, predicted=True),
    Quantity("MAP0", "mean arterial pressure before anything is given", "mmHg", "state", MMHG, low=30.0, high=200.0),
    Quantity("PROPOFOL_CE", "propofol at the effect site", "mg/L", "setting", {"mg/L": 1.0, "ug/mL": 1.0}, low=0.0, high=15.0,
             shown="ug/mL"),
    Quantity("REMI_CE", "remifentanil at the effect site", "ug/L", "setting", {"ug/L": 1.0, "ng/mL": 1.0}, low=0.0, high=50.0,
             shown="ng/mL"),
    Quantity("NAC", "acetylcysteine", "1", "flag", low=0.0, high=1.0, shown="", runs="drug"),
    Quantity("OPIOID", "opioid beside", "1", "state", {"1": 1.0}, low=0.0, high=1.0, shown=""),
)  # fmt: skip
