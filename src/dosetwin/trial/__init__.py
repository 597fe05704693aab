"""Virtual cohorts, truth models and paired comparisons of dosing policies."""
