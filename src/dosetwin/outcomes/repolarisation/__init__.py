"""Repolarisation of the heart under a drug: a ventricular cell, its currents blocked, and the QT interval of people."""
