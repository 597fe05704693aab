"""Newborns treated with an aminoglycoside: who they are, and the truth of their bodies."""
