"""Facts about one patient, immutable, no maths."""

from dosetwin.records.covariate import Covariate
from dosetwin.records.doses import DoseOrder, Every, Once, Then, Week, order_from_json
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.observation import Observation
from dosetwin.records.order import Choosable, Order, Setting
from dosetwin.records.patient import Patient
from dosetwin.records.pump import Pump
from dosetwin.records.timeline import Timeline

__all__ = [
    "Choosable", "Covariate", "DoseEvent", "DoseOrder", "Every", "Observation", "Once", "Order", "Patient", "Pump",
    "Setting", "Then", "Timeline", "Week", "order_from_json",
]  # fmt: skip
