"""Facts about one patient, immutable, no maths."""

from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent, Regimen
from dosetwin.records.observation import Observation
from dosetwin.records.order import Order, Setting
from dosetwin.records.patient import Patient
from dosetwin.records.timeline import Timeline

__all__ = ["Covariate", "DoseEvent", "Observation", "Order", "Patient", "Regimen", "Setting", "Timeline"]
