"""The loop's belief: Hovorka's equations in mg/dL, fitted to a person's own three numbers, tracked by a filter of six states.

What is told exactly (insulin given, food announced, exercise announced) moves without doubt; in doubt are glucose in blood and in
tissue, glucose under the skin, glucose from elsewhere that fades within an hour (a meal nobody announced) or within hours
(sensitivity today), and the monitor's own error, which lasts from reading to reading. All of it is compiled over people, and a
step costs the same however long the course.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dosetwin.structure import glucose as g

Array = NDArray[np.float64]
STEP_MIN, AHEAD_MIN = 5.0, 15.0
"""min of a step of the filter, and of a step of what is foreseen."""
TOLD, DOUBTED = 9, 6
"""S1, S2, insulin, x1, x2, x3, G1, G2 (mU, mU/L, 1/min, 1, g), what muscle takes up by exercise (mg/min); then glucose in blood,
in tissue, under the skin (mg/dL), from elsewhere quickly and slowly (mg/dL/min), the monitor's error (mg/dL)."""
SKIN_MIN = 10.0
"""min, assumed: delay of glucose under the skin."""
OWN = 7
"""Of a person: weight kg, basal mU/min, scales of the sensitivities, of the liver, of food, target mg/dL, gain of exercise."""
_NET = g.MG_DL / g.VG
_PLASMA = 0.5 / (g.TMAX_I * g.VI * g.KE)
_USED, _MADE = g.F01 * _NET, g.EGP0 * _NET
_FLOOR, _KIDNEY_AT = 4.5 * g.MG_DL, g.KIDNEY_MMOL_L * g.MG_DL
_GRAM = g.AG * g.MMOL_PER_G * _NET
"""mg/dL in blood that a gram of carbohydrate a kg brings."""
_APPEARS = 0.5 * _GRAM / g.TMAX_G
PLATEAU = (0.006, 1.2264, -10.1958)
"""mg/min that muscle takes up at a share (%) of the greatest oxygen uptake: a quadratic."""
UPTAKE, MADE, INTO, COMES_MIN = 35.0, 155.0, 2.4, 30.0
"""Exercise after Lenart and Parker (2002), Hernandez-Ordonez (2008) and Jacobs (2015, J Diabetes Sci Technol 9:1175), on
Hovorka's equations, as a public transcription has them (LoopInsighT1, MIT): mg/min that muscle takes up and the liver makes, what
insulin reaches more of muscle, min in which uptake follows. The share of muscle that moves is taken as that of effort."""


class Doubt(NamedTuple):
    """How the six states wander (all assumed, chosen on people that no trial judges).

    ``quick``, ``slow`` mg/dL/min, SD of glucose from elsewhere that fades in ``quick_min`` and ``slow_min``; ``error`` mg/dL, SD
    of the monitor's lasting error, which fades in ``error_min``; ``noise`` mg/dL, SD of what a reading adds; ``wander`` mg/dL.
    """

    quick: float = 0.3
    quick_min: float = 60.0
    slow: float = 0.03
    slow_min: float = 480.0
    error: float = 12.0
    error_min: float = 40.0
    noise: float = 3.0
    wander: float = 1.0


@njit(cache=True, error_model="numpy")
def _decays(h):  # pragma: no cover: compiled
    """What is left after a step of ``h`` min, once for everybody."""
    d = np.empty(12)
    d[0], d[1], d[2] = h, h / g.TMAX_I, np.exp(-h / g.TMAX_I)
    d[3] = np.exp(-g.KE * h)
    d[4] = (1.0 - d[3]) / (g.KE * h)
    d[5], d[6], d[7] = np.exp(-g.KA1 * h), np.exp(-g.KA2 * h), np.exp(-g.KA3 * h)
    d[8], d[9], d[10], d[11] = h / g.TMAX_G, np.exp(-h / g.TMAX_G), np.exp(-h / SKIN_MIN), np.exp(-h / COMES_MIN)
    return d


@njit(cache=True, error_model="numpy")
def _walk(t, y, own, dose, food, effort, other, d):  # pragma: no cover: compiled
    """Move told ``t`` and glucose ``y`` (blood, tissue, skin) on by a step in place; returns the 2 x 2 map and the input column.

    ``d`` as ``_decays`` of the step gives it.

    dose mU/min, food g/min, effort 0 to 1, share of the greatest oxygen uptake, other mg/dL/min of glucose from elsewhere.
    """
    w, scale = own[0], own[2]
    h, a, E = d[0], d[1], d[2]
    rest = dose * g.TMAX_I
    d1, d2 = t[0] - rest, t[1] - rest
    s2 = t[1]
    t[0] = rest + d1 * E
    t[1] = rest + (d2 + a * d1) * E
    before = t[2]
    settled = _PLASMA * (s2 + t[1]) / w
    t[2] = settled + (before - settled) * d[3]
    mean = settled + (before - settled) * d[4]
    muscle, liver = 1.0, 1.0
    if effort > 0.0:
        to = PLATEAU[2] + 100.0 * effort * (PLATEAU[1] + 100.0 * effort * PLATEAU[0])
        t[8] = to + (t[8] - to) * d[11]
        muscle = 1.0 + own[6] * ((1.0 + max(t[8], 0.0) * effort / UPTAKE) * (1.0 + INTO * effort) - 1.0)
        liver = 1.0 + max(t[8], 0.0) * effort / MADE
    else:
        t[8] *= d[11]
    x1, x2, x3 = t[3], t[4], t[5]
    to1, to2, to3 = scale * muscle * g.SIT * mean, scale * muscle * g.SID * mean, scale * liver * g.SIE * mean
    t[3], t[4], t[5] = to1 + (x1 - to1) * d[5], to2 + (x2 - to2) * d[6], to3 + (x3 - to3) * d[7]
    x1, x2, x3 = 0.5 * (x1 + t[3]), 0.5 * (x2 + t[4]), 0.5 * (x3 + t[5])
    b, F = d[8], d[9]
    fed = food * g.TMAX_G
    e1, e2, g2 = t[6] - fed, t[7] - fed, t[7]
    t[6] = fed + e1 * F
    t[7] = fed + (e2 + b * e1) * F
    comes = _APPEARS * own[4] * (g2 + t[7]) / w
    used = _USED * min(y[0] * (1.0 / _FLOOR), 1.0)
    lost = g.KIDNEY if y[0] > _KIDNEY_AT else 0.0
    into = own[3] * _MADE * max(1.0 - x3, 0.0) + comes + other - used + lost * _KIDNEY_AT
    # trapezoidal rule on blood and tissue, which are linear given insulin's actions
    p11, p12, p21, p22 = -x1 - lost, g.K12, x1, -(g.K12 + x2)
    c = 0.5 * h
    a11, a12, a21, a22 = 1.0 - c * p11, -c * p12, -c * p21, 1.0 - c * p22
    det = 1.0 / (a11 * a22 - a12 * a21)
    i11, i12, i21, i22 = a22 * det, -a12 * det, -a21 * det, a11 * det
    b11, b12, b21, b22 = 1.0 + c * p11, c * p12, c * p21, 1.0 + c * p22
    m11, m12 = i11 * b11 + i12 * b21, i11 * b12 + i12 * b22
    m21, m22 = i21 * b11 + i22 * b21, i21 * b12 + i22 * b22
    n1, n2 = h * i11, h * i21
    q1 = m11 * y[0] + m12 * y[1] + n1 * into
    q2 = m21 * y[0] + m22 * y[1] + n2 * into
    y[2] = d[10] * y[2] + (1.0 - d[10]) * 0.5 * (y[0] + q1)
    y[0], y[1] = max(q1, 1.0), max(q2, 0.0)
    return m11, m12, m21, m22, n1, n2


@njit(cache=True, error_model="numpy")
def _told(
    told, z, cov, own, readings, dose, food, effort, quick, quick_min, slow, slow_min, error, error_min, noise, wander
):  # pragma: no cover: compiled
    d = _decays(STEP_MIN)
    f, c = d[10], 0.5 * (1.0 - d[10])
    r1, r2, r3 = np.exp(-STEP_MIN / quick_min), np.exp(-STEP_MIN / slow_min), np.exp(-STEP_MIN / error_min)
    T, gain = np.empty((DOUBTED, DOUBTED)), np.empty(DOUBTED)
    for i in range(len(z)):
        x, P = z[i], cov[i]
        m11, m12, m21, m22, n1, n2 = _walk(told[i], x, own[i], dose[i], food[i], effort[i], x[3] + x[4], d)
        x[3] *= r1
        x[4] *= r2
        x[5] *= r3
        for b in range(DOUBTED):  # F P, then (F P) F', with the rows of F written out
            T[0, b] = m11 * P[0, b] + m12 * P[1, b] + n1 * (P[3, b] + P[4, b])
            T[1, b] = m21 * P[0, b] + m22 * P[1, b] + n2 * (P[3, b] + P[4, b])
            T[2, b] = c * (P[0, b] + T[0, b]) + f * P[2, b]
            T[3, b], T[4, b], T[5, b] = r1 * P[3, b], r2 * P[4, b], r3 * P[5, b]
        for a in range(DOUBTED):
            P[a, 0] = m11 * T[a, 0] + m12 * T[a, 1] + n1 * (T[a, 3] + T[a, 4])
            P[a, 1] = m21 * T[a, 0] + m22 * T[a, 1] + n2 * (T[a, 3] + T[a, 4])
            P[a, 2] = c * (T[a, 0] + P[a, 0]) + f * T[a, 2]
            P[a, 3], P[a, 4], P[a, 5] = r1 * T[a, 3], r2 * T[a, 4], r3 * T[a, 5]
        P[0, 0] += wander * wander
        P[1, 1] += wander * wander
        P[3, 3] += quick * quick * (1.0 - r1 * r1)
        P[4, 4] += slow * slow * (1.0 - r2 * r2)
        P[5, 5] += error * error * (1.0 - r3 * r3)
        y = readings[i]
        if y == y:
            spread = P[2, 2] + 2.0 * P[2, 5] + P[5, 5] + noise * noise
            off = y - x[2] - x[5]
            for a in range(DOUBTED):
                gain[a] = P[a, 2] + P[a, 5]
            for a in range(DOUBTED):
                x[a] += gain[a] / spread * off
                for b in range(DOUBTED):
                    P[a, b] -= gain[a] * gain[b] / spread
            for a in range(DOUBTED):
                for b in range(a):
                    P[a, b] = P[b, a] = 0.5 * (P[a, b] + P[b, a])
            x[0], x[1], x[2] = max(x[0], 1.0), max(x[1], 0.0), max(x[2], 1.0)


@njit(cache=True, error_model="numpy")
def _course(told, z, own, dose, food, effort, fades, first, later, t, y, out):  # pragma: no cover: compiled
    """Glucose in blood mg/dL [T] of one person: ``dose`` mU/min and ``food`` g/min in five minutes, then the basal dose."""
    t[:] = told
    y[0], y[1], y[2] = z[0], z[1], z[2]
    one, two = z[3], z[4]
    _walk(t, y, own, dose, food, effort[0], one + two, first)
    for k in range(len(out)):
        _walk(t, y, own, own[1], 0.0, effort[min(3 * k + 1, len(effort) - 1)], one + two, later)
        one *= fades[0]
        two *= fades[1]
        out[k] = y[0]


@njit(cache=True, error_model="numpy")
def _ahead(told, z, own, dose, food, effort, fades, out):  # pragma: no cover: compiled
    t, y, first, later = np.empty(TOLD), np.empty(3), _decays(STEP_MIN), _decays(AHEAD_MIN)
    for i in range(len(z)):
        _course(told[i], z[i], own[i], dose[i], food[i], effort[i], fades, first, later, t, y, out[i])


@njit(cache=True, error_model="numpy")
def _cheapest(told, z, own, food, effort, fades, target, low, heavy, most, times, out):  # pragma: no cover: compiled
    """The dose U [n] of least cost, 0 to ``most``, each course of ``times`` steps.

    Glucose is taken as linear in the dose: a course without it, and what a unit takes away. Each term of the cost is then a
    quadratic of the dose from where its course leaves the band, the cost is convex, and Newton's step exact between two corners;
    a dozen steps at most.
    """
    t, y, first, later = np.empty(TOLD), np.empty(3), _decays(STEP_MIN), _decays(AHEAD_MIN)
    free, unit = np.empty(times), np.empty(times)
    for i in range(len(z)):
        _course(told[i], z[i], own[i], 0.0, food[i], effort[i], fades, first, later, t, y, free)
        _course(told[i], z[i], own[i], 1000.0 / STEP_MIN, food[i], effort[i], fades, first, later, t, y, unit)
        dose, lower, upper = min(0.5 * most[i], 1.0), 0.0, most[i]
        for _ in range(12):
            slope, bend = 0.0, 1e-12
            for k in range(times):
                r = free[k] - unit[k]
                level = free[k] - r * dose
                if level > target[i]:
                    slope -= r * (level - target[i])
                    bend += r * r
                elif level < low:
                    slope += heavy * r * (low - level)
                    bend += heavy * r * r
            if slope > 0.0:
                upper = dose
            else:
                lower = dose
            to = min(max(dose - slope / bend, 0.0), most[i])
            if not lower <= to <= upper:
                to = 0.5 * (lower + upper)
            moved = abs(to - dose)
            dose = to
            if moved < 1e-4:
                break
        out[i] = dose


@njit(cache=True, error_model="numpy")
def _rest(own, level, told, z):  # pragma: no cover: compiled
    """A person at rest under the basal dose, with glucose at ``level``."""
    insulin = own[1] / (g.VI * own[0] * g.KE)
    told[:] = 0.0
    told[0] = told[1] = own[1] * g.TMAX_I
    told[2] = insulin
    told[3], told[4], told[5] = own[2] * g.SIT * insulin, own[2] * g.SID * insulin, own[2] * g.SIE * insulin
    z[:] = 0.0
    z[0] = z[2] = level
    z[1] = told[3] * level / (g.K12 + told[4])


@njit(cache=True, error_model="numpy")
def _effect(own, units, grams, d, first):  # pragma: no cover: compiled
    """mg/dL by which ``units`` U and ``grams`` g at once have lowered glucose after five hours, from rest at the target."""
    t, y = np.empty(TOLD), np.empty(DOUBTED)
    _rest(own, own[5], t, y)
    _walk(t, y, own, own[1] + 1000.0 * units / STEP_MIN, grams / STEP_MIN, 0.0, 0.0, first)
    for _ in range(20):
        _walk(t, y, own, own[1], 0.0, 0.0, 0.0, d)
    return own[5] - y[0]


@njit(cache=True, error_model="numpy")
def _scaled(own, scale):  # pragma: no cover: compiled
    """Sensitivities of this scale, and a liver that makes what the basal dose holds at the target then."""
    own[2] = scale
    insulin = own[1] / (g.VI * own[0] * g.KE)
    x1, x2, x3 = scale * g.SIT * insulin, scale * g.SID * insulin, scale * g.SIE * insulin
    lost = g.KIDNEY * max(own[5] - _KIDNEY_AT, 0.0)
    need = _USED * min(own[5] / _FLOOR, 1.0) + lost + x1 * own[5] * (1.0 - g.K12 / (g.K12 + x2))
    own[3] = need / (_MADE * max(1.0 - x3, 0.05))


@njit(cache=True, error_model="numpy")
def _fitted(weight, basal, ratio, factor, reading, target, trust, own, told, z):  # pragma: no cover: compiled
    d, first = _decays(AHEAD_MIN), _decays(STEP_MIN)
    for i in range(len(weight)):
        o = own[i]
        o[0], o[1], o[4], o[5], o[6] = weight[i], basal[i], 1.0, target, 1.0
        low, high, least, most = 0.05, 20.0, 0.05, 20.0
        for _ in range(30):
            middle = (low * high) ** 0.5
            _scaled(o, middle)
            if _effect(o, 1.0, 0.0, d, first) < factor[i]:
                low = middle
            else:
                high = middle
            middle = (least * most) ** 0.5
            _scaled(o, middle)
            if o[3] < 1.0:
                least = middle
            else:
                most = middle
        _scaled(o, (least * most) ** (0.5 * (1.0 - trust)) * (low * high) ** (0.5 * trust))
        o[4] = (-_effect(o, 1.0, 0.0, d, first) / _effect(o, 0.0, ratio[i], d, first)) ** trust
        _rest(o, reading[i], told[i], z[i])


@dataclass
class Tracked:
    """What n people are believed to hold: ``told`` [n, TOLD], ``z`` [n, DOUBTED] with ``cov``, ``own`` [n, OWN]."""

    told_: Array
    z: Array
    cov: Array
    own: Array
    doubt: Doubt

    @classmethod
    def first(
        cls,
        weight: Array,
        basal: Array,
        ratio: Array,
        factor: Array,
        reading: Array,
        target: float,
        doubt: Doubt,
        trust: float = 1.0,
    ) -> "Tracked":
        """Before the first step: at rest under the basal dose (U/h), glucose as first read (mg/dL).

        A unit lowers by ``factor`` mg/dL in the end, the basal dose holds ``target``, ``ratio`` g undo a unit: the sensitivities,
        what the liver makes and what food brings are scaled so, as far as ``trust`` (0 to 1); the rest by the basal dose alone.
        """
        n = len(weight)
        own, told, z = np.empty((n, OWN)), np.zeros((n, TOLD)), np.zeros((n, DOUBTED))
        _fitted(weight, 1000.0 * basal / 60.0, ratio, factor, reading, target, trust, own, told, z)
        start = np.diag([400.0, 400.0, 400.0, doubt.quick**2, doubt.slow**2, doubt.error**2])
        return cls(told, z, np.tile(start, (n, 1, 1)), own, doubt)

    def told(self, readings: Array, dose: Array, food: Array, effort: Array) -> None:
        """Move on by five minutes in which ``dose`` U were given and ``food`` g announced [n]; then hear a reading."""
        _told(self.told_, self.z, self.cov, self.own, readings, 1000.0 * dose / STEP_MIN, food / STEP_MIN, effort, *self.doubt)

    @property
    def _fades(self) -> Array:
        return np.exp(-AHEAD_MIN / np.array([self.doubt.quick_min, self.doubt.slow_min]))

    def foreseen(self, dose: Array, food: Array, effort: Array, hours: float) -> Array:
        """Glucose in blood mg/dL [n, T] every quarter of an hour, after the five minutes of ``dose`` U and ``food`` g [n].

        The basal dose follows; effort [n, any], share of the reserve told for every five minutes, the last for what follows.
        """
        out = np.empty((len(dose), round(hours * 60.0 / AHEAD_MIN)))
        _ahead(self.told_, self.z, self.own, 1000.0 * dose / STEP_MIN, food / STEP_MIN, effort, self._fades, out)
        return out

    def cheapest(self, food: Array, effort: Array, hours: float, target: Array, low: float, heavy: float, most: Array) -> Array:
        """U [n] of the coming five minutes whose course costs least: per mg/dL above ``target`` [n] squared, ``heavy`` times that
        below ``low``; between nothing and ``most`` U [n], the basal dose after it."""
        out = np.empty(len(food))
        _cheapest(self.told_, self.z, self.own, food / STEP_MIN, effort, self._fades, target, low, heavy, most,
                  round(hours * 60.0 / AHEAD_MIN), out)  # fmt: skip
        return out

    @property
    def level(self) -> Array:
        """Glucose in blood as believed now, mg/dL [n]."""
        return self.z[:, 0]
