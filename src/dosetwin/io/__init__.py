"""Adapters at the border: FHIR, NONMEM-style CSV, CDS Hooks in; records out. Imports records, units and errors only."""
