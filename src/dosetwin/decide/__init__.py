"""A belief, targets and limits give a recommendation with its reasons; knows no Bayes and no FHIR."""
