"""Covariates ahead of now: what creatinine, weight and kidney function will be by the next dose."""
