"""A timeline and a model give a belief: MAP, Laplace covariance, posterior draws, averaging, diagnostics."""
