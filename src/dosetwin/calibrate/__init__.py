"""How the numbers that ship were made."""
