"""The twin of a patient under the name it first had; it lives in ``dosetwin.twins.patient``."""

from dosetwin.twins.patient import QUANTILES, Band, Outlook, Twin

__all__ = ["QUANTILES", "Band", "Outlook", "Twin"]
