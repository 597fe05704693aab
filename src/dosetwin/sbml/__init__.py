"""Networks of reactions read from SBML: run as their standard says (`run`), or written as a model file of the house (`write`)."""
