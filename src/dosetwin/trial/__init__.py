"""Arms on a population: paired comparisons of dosing policies on virtual patients."""
