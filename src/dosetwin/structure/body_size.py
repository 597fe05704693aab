"""How large a body is without its fat, as models and dosing rules ask for it.

Plain functions of plain numbers, in the units their arguments name.
Source: Janmahasatian et al., Clin Pharmacokinet 2005;44:1051, in the form of McCune et al., Clin Cancer Res 2014;20:754:
42.92 HT^2 WT / (30.93 HT^2 + WT) in men, 37.99 and 35.98 in women (kg, m).
"""

MOST_MEN, HALF_MEN, MOST_WOMEN, HALF_WOMEN = 42.92e-4, 30.93e-4, 37.99e-4, 35.98e-4
"""kg per cm2 of squared height."""


def fat_free_mass(WT, HT, male, most_men=MOST_MEN, half_men=HALF_MEN, most_women=MOST_WOMEN, half_women=HALF_WOMEN):
    """kg from ``WT`` kg, ``HT`` cm, ``male`` 1 or 0; the last four are the equation's own numbers, kg/cm2."""
    most = most_men * male + most_women * (1.0 - male)
    half = half_men * male + half_women * (1.0 - male)
    return most * HT * HT * WT / (half * HT * HT + WT)
