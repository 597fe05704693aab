"""What a hypnotic and an opioid do together: depth by the electroencephalogram, response to a stimulus, blood pressure.

Plain functions of plain numbers: concentrations of the hypnotic in mg/L (ug/mL), of the opioid in ug/L (ng/mL), all at effect
sites. Sources: Bouillon et al. 2004, Anesthesiology 100:1353 (surfaces); Jeleazcov et al. 2015, Br J Anaesth 115:213 (pressure).
"""


def hill(x, half, slope):
    """x^slope / (half^slope + x^slope); 0 for nothing there."""
    if x <= 0.0:
        return 0.0
    ratio = (x / half) ** slope
    return ratio / (1.0 + ratio)


def surface(hypnotic, opioid, half_hypnotic, half_opioid, slope, base):
    """Index (``base`` awake) of both drugs together, additive: U sums them in units of their halves."""
    return base * (1.0 - hill(hypnotic / half_hypnotic + opioid / half_opioid, 1.0, slope))


def response(hypnotic, opioid, stimulus, half_opioid, slope_opioid, half_hypnotic, slope_hypnotic):
    """Chance of a response: the opioid weakens the ``stimulus``, the hypnotic meets what is left of it (hierarchical)."""
    left = stimulus * (1.0 - hill(opioid, half_opioid * stimulus, slope_opioid))
    return 1.0 - hill(hypnotic, half_hypnotic * left, slope_hypnotic)


def fallen(first, second, half_first, slope_first, half_second, slope_second):
    """Share (0 to 1) of the largest fall of pressure, from two effect sites of one drug."""
    u = 0.0
    if first > 0.0:
        u = (first / half_first) ** slope_first
    if second > 0.0:
        u = u + (second / half_second) ** slope_second
    return u / (1.0 + u)


def lean_mass(WT, HT, male, unit, length, men=1.10, men2=128.0, women=1.07, women2=148.0):
    """kg by James (``WT`` kg, ``HT`` cm), held at its top: the parabola turns down above a body-mass index of 43 in men and 36
    in women, where it would give the heavier the less. ``unit`` 1 kg, ``length`` 1 cm."""
    a = men * male + women * (1.0 - male)
    b = men2 * male + women2 * (1.0 - male)
    top = 0.5 * a / b * (HT / length) ** 2 * unit
    w = min(WT, top)
    return a * w - b * unit * (w / unit) ** 2 / (HT / length) ** 2


def al_sallami(WT, HT, AGE, male, young_men, young_women, most_men, half_men, most_women, half_women):
    """Fat-free mass from childhood on, kg (Al-Sallami 2015, Clin Pharmacokinet 54:1169), on Janmahasatian's equation.

    ``young_...`` ages at which half of the growing up is done, ``most_...``, ``half_...`` kg/cm2."""
    grown = 0.88 + 0.12 / (1.0 + (AGE / young_men) ** -12.7) if male > 0.5 else 1.11 - 0.11 / (1.0 + (AGE / young_women) ** -1.1)
    most = most_men if male > 0.5 else most_women
    half = half_men if male > 0.5 else half_women
    return grown * most * HT * HT * WT / (half * HT * HT + WT)
