"""One file per published model, and the registry that finds the applicable ones."""
