"""What a newborn's body is made of: water, plasma and kidney, by weight and gestational age.

Plain functions of plain numbers. Sources: Young et al., Arch Dis Child Fetal Neonatal Ed 2021;106:542 (total body water);
Cristea et al., AAPS J 2021;23:65, table S1 (kidney size); Radiology 1992;183:441 (cardiac output, renal fraction).
"""


def water_per_kg(at_term, per_week, GA, GA_term):
    """Total body water, L/kg: ``at_term`` L/kg and ``per_week`` L/kg more for each week born before ``GA_term`` wk."""
    return at_term + per_week * (GA_term - GA)


def plasma_volume(blood_per_kg, haematocrit, WT):
    """Plasma volume, L, of a baby of ``WT`` kg with ``blood_per_kg`` L/kg of blood."""
    return blood_per_kg * (1.0 - haematocrit) * WT


def power_of_weight(at_ref, WT, WT_ref, exponent):
    """A size that follows weight: at_ref (WT/WT_ref)^exponent, in the unit of ``at_ref``."""
    return at_ref * (WT / WT_ref) ** exponent
