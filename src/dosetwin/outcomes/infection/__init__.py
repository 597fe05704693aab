"""The infection: bacteria of several kinds that grow, adapt, mutate and die as the drug level moves."""
