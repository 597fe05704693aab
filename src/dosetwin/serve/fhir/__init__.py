"""Talking FHIR R4 with the hospital: fetch what changed, write back what was advised."""
