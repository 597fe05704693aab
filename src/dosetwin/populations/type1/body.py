"""The body of a virtual person with type 1 diabetes: meals and insulin in, glucose out, minute by minute.

Equations of the UVA/Padova form of 2008 (Dalla Man 2007, IEEE Trans Biomed Eng 54:1740; Kovatchev 2009, J Diabetes Sci Technol
3:44): stomach in two parts emptied faster when fuller or nearly empty, gut, plasma and tissue glucose, plasma and liver insulin,
two delays of insulin's action on the liver, two depots under the skin, glucose under the skin. Exercise by heart rate as in model
C of Dalla Man, Breton and Cobelli 2009 (J Diabetes Sci Technol 3:56), equations and values read in a public transcription
(LoopInsighT1, MIT), three constants in a second source too: what muscle takes up at once, what insulin does for hours.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

NAMES = (
    "BW", "Vg", "k1", "k2", "kabs", "kmax", "kmin", "b", "d", "f", "kp1", "kp2", "kp3", "ki", "Fsnc", "ke1", "ke2", "Vm0", "Vmx",
    "Km0", "p2u", "Ib", "m1", "m2", "m4", "m30", "Vi", "ka1", "ka2", "kd", "ksc",
)  # fmt: skip
"""Columns of the parameters that ``advance`` takes, in this order."""
STATES = 20
"""Thirteen amounts, then what the stomach remembers: its content when the meal began (mg), eaten since (g), still to eat (g), and
whether something was eaten in the last minute; then exercise: heart rate above rest as muscle follows it (per minute), how far
insulin's help has come (0 to 1) and the beats above rest of this session that it grows with."""
EATING_G_MIN = 5.0
"""g of carbohydrate a minute, as in simglucose."""
PMOL_PER_U = 6000.0
ALPHA, BETA, GAMMA = 3e-4, 0.01, 1e-7
"""1/beat: gain of insulin's action and (kg/pmol) of its affinity; 1/bpm: of uptake without insulin."""
FOLLOWS_MIN, COMES_MIN, GOES_MIN, AT_SHARE, STEEP = 5.0, 1.0, 600.0, 0.1, 4
"""min, delay of uptake behind heart rate, how fast insulin's help comes and goes; it comes above a tenth of the rate at rest."""
REST_BPM, ANEW = 60.0, 0.2
"""Heart rate at rest (that of the transcription); a session begins anew, with no beats, where less of insulin's help is left
(assumed: the paper lets it come back to nothing, which at its 600 min takes days)."""


@njit(cache=True, error_model="numpy")
def _slopes(p, x, eaten, insulin, full, uptake, helped, out):  # pragma: no cover: compiled
    content = x[0] + x[1]
    emptied = p[5]
    if full > 0.0:
        # tanh u = 1 - 2 / (exp 2u + 1): half the time of the two tangents
        filled = np.exp(5.0 / (full * (1.0 - p[7])) * (content - p[7] * full))
        emptier = np.exp(5.0 / (full * p[8]) * (content - p[8] * full))
        emptied = p[6] + (p[5] - p[6]) * (1.0 + 1.0 / (emptier + 1.0) - 1.0 / (filled + 1.0))
    out[0] = eaten - p[5] * x[0]
    out[1] = p[5] * x[0] - emptied * x[1]
    out[2] = emptied * x[1] - p[4] * x[2]
    appears = p[9] * p[4] * x[2] / p[0]
    made = max(p[10] - p[11] * x[3] - p[12] * x[8], 0.0)
    lost = p[15] * (x[3] - p[16]) if x[3] > p[16] else 0.0
    out[3] = made + appears - p[14] - lost - p[2] * x[3] + p[3] * x[4] if x[3] >= 0.0 else 0.0
    if uptake == 0.0 and helped == 0.0:
        used = (p[17] + p[18] * x[6]) * x[4] / (p[19] + x[4])
    else:
        insulin_acts = x[6] + p[21]
        half = max(p[19] * (1.0 - GAMMA * helped * insulin_acts), 0.0)
        used = p[17] * (1.0 + BETA * uptake) + p[18] * ((1.0 + ALPHA * helped) * insulin_acts - p[21])
        used *= x[4] / (half + x[4])
    out[4] = p[2] * x[3] - p[3] * x[4] - used if x[4] >= 0.0 else 0.0
    level = x[5] / p[26]
    out[5] = -(p[23] + p[24]) * x[5] + p[22] * x[9] + p[27] * x[10] + p[28] * x[11]
    out[6] = p[20] * (level - p[21] - x[6])
    out[7] = p[13] * (level - x[7])
    out[8] = p[13] * (x[7] - x[8])
    out[9] = p[23] * x[5] - (p[22] + p[25]) * x[9]
    out[10] = insulin - (p[27] + p[29]) * x[10]
    out[11] = p[29] * x[10] - p[28] * x[11]
    out[12] = p[30] * (x[3] - x[12]) if x[12] >= 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _exert(s, effort):  # pragma: no cover: compiled
    """A minute of exercise's three states, exactly for a heart rate of ``effort`` bpm above rest."""
    if effort > 0.0 and s[17] < 1.0 and s[18] < ANEW:
        s[19] = 0.0
    s[17] = effort + (s[17] - effort) * np.exp(-1.0 / FOLLOWS_MIN)
    raised = (s[17] / (AT_SHARE * REST_BPM)) ** STEEP
    on = raised / (1.0 + raised)
    rate = on / COMES_MIN + 1.0 / GOES_MIN
    s[18] = on / rate + (s[18] - on / rate) * np.exp(-rate)
    s[19] += effort
    if effort == 0.0 and s[17] < 1e-3:
        s[17] = 0.0
        if s[18] < 1e-3:
            s[18], s[19] = 0.0, 0.0


@njit(cache=True, error_model="numpy")
def _advance(parameters, states, meals, insulin, effort, gram, glucose):  # pragma: no cover: compiled
    k1, k2, k3, k4, x = np.empty(13), np.empty(13), np.empty(13), np.empty(13), np.empty(13)
    for i in range(len(states)):
        p, s = parameters[i], states[i]
        rate = insulin[i] * PMOL_PER_U / p[0]
        for minute in range(meals.shape[1]):
            s[15] += meals[i, minute]
            bite = min(EATING_G_MIN, s[15])
            s[15] -= bite
            if bite > 0.0 and s[16] == 0.0:
                s[13], s[14] = s[0] + s[1], 0.0
            s[14] += bite
            s[16] = 1.0 if bite > 0.0 else 0.0
            full = s[13] + gram * s[14]
            if effort[i] > 0.0 or s[17] > 0.0 or s[18] > 0.0:
                _exert(s, effort[i])
            y, z = s[17], s[18] * s[19]
            _slopes(p, s, 1000.0 * bite, rate, full, y, z, k1)
            for j in range(13):
                x[j] = s[j] + 0.5 * k1[j]
            _slopes(p, x, 1000.0 * bite, rate, full, y, z, k2)
            for j in range(13):
                x[j] = s[j] + 0.5 * k2[j]
            _slopes(p, x, 1000.0 * bite, rate, full, y, z, k3)
            for j in range(13):
                x[j] = s[j] + k3[j]
            _slopes(p, x, 1000.0 * bite, rate, full, y, z, k4)
            for j in range(13):
                s[j] += (k1[j] + 2.0 * (k2[j] + k3[j]) + k4[j]) / 6.0
            glucose[i, minute] = s[12] / p[1]


def advance(
    parameters: NDArray[np.float64], states: NDArray[np.float64], meals: NDArray[np.float64], insulin: NDArray[np.float64],
    *, effort: NDArray[np.float64] | None = None, gram: float = 1000.0,
) -> NDArray[np.float64]:  # fmt: skip
    """Glucose under the skin, mg/dL [n, minutes], after each minute; ``states`` is moved on in place.

    parameters [n, len(NAMES)], states [n, STATES], meals g of carbohydrate announced in each minute [n, minutes] and eaten at
    ``EATING_G_MIN``, insulin U/min over all of them [n]. Runge-Kutta of order four with steps of a minute, in which nothing
    changes from outside: the fastest rate is below 0.5 per minute. ``effort``: heart rate above rest over all of them, bpm [n];
    None: at rest. ``gram`` mg of food that the stomach remembers of a gram
    eaten: 1 repeats simglucose before 25 May 2022, which took grams for milligrams there (its issue 41), and its runs of 2017.
    """
    glucose = np.empty(meals.shape)
    still = np.zeros(len(states)) if effort is None else effort
    _advance(parameters, states, np.ascontiguousarray(meals), insulin, still, gram, glucose)
    return glucose
