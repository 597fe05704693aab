"""A patient: differential equations whose parameters are inferred by Bayes' rule from doses and measurements."""

from dosetwin.twins.patient.bands import QUANTILES, Band, Outlook
from dosetwin.twins.patient.twin import Twin

__all__ = ["QUANTILES", "Band", "Outlook", "Twin"]
