"""Published pharmacodynamic sets, each with its own equations: listed here means put through the conformance suite.

They describe flasks and mice, not patients, and take a concentration, not a dose: so they are not files of ``models/``, whose
form (doses, random effects, residual errors of levels) would be empty or misleading for them, and which ``advise`` may choose
from. ``simulate`` runs any of them; ``packs.py`` takes its numbers from the same papers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, log

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from dosetwin.declare import Reference
from dosetwin.errors import InputError, SimulationError, UnknownName
from dosetwin.outcomes.infection.microdilution import HOURS, INOCULUM, VISIBLE, plate
from dosetwin.structure.bacteria import (
    adaptation_rate,
    adapted_share,
    crowding_rate,
    emax_kill,
    regoes,
    slope_kill,
)

Derivative = Callable[[np.ndarray, float], Sequence[float]]


@dataclass(frozen=True)
class PublishedSet:
    """One published set: ``derivative(y, C)`` in 1/h of the states; counts per mL unless ``unit`` says otherwise.

    ``counts`` names the states that are natural logs of a count (``ln``) or counts (``cells``). ``start(inoculum)`` gives the
    states at time 0 for a total count. ``net_growth(C)``: of an unadapted, uncrowded majority, 1/h.
    """

    name: str
    title: str
    reference: Reference
    MIC: float | None
    inoculum: float
    states: tuple[str, ...]
    ln: tuple[int, ...]
    cells: tuple[int, ...]
    derivative: Derivative
    start: Callable[[float], Sequence[float]]
    net_growth: Callable[[float], float]
    growth_without_drug: float
    parameters: Mapping[str, float]
    unit: str = "CFU/mL"
    notes: tuple[str, ...] = field(default=())

    def total(self, y: np.ndarray) -> np.ndarray:
        """log10 of the total count; ``y`` [states, ...]."""
        parts = [np.exp(np.clip(y[i], -600.0, 600.0)) for i in self.ln] + [np.maximum(y[i], 0.0) for i in self.cells]
        return np.log10(np.maximum(np.sum(parts, axis=0), 1e-250))


@dataclass(frozen=True, eq=False)
class Kinetics:
    """A time-kill curve: ``times`` h, ``log10`` total count, ``states`` [states, times]."""

    times: np.ndarray
    log10: np.ndarray
    states: np.ndarray


def simulate(
    chosen: PublishedSet, conc: float | Callable[[float], float], times: Sequence[float], *, inoculum: float | None = None,
    stops: Sequence[float] = (), rtol: float = 1e-8,
) -> Kinetics:  # fmt: skip
    """Counts at ``times`` h (ascending, the first is the start) under a constant (mg/L) or time-dependent concentration.

    ``stops``: h at which the concentration has a kink or jump. Raises InputError (negative concentration or count, times not
    ascending), SimulationError.
    """
    grid = np.asarray(times, dtype=float)
    if len(grid) < 2 or not (np.diff(grid) > 0.0).all():
        raise InputError("times must ascend", where=chosen.name, value=list(times)[:3], allowed="at least two, ascending, h")
    fixed = conc if isinstance(conc, (int, float)) else None
    if fixed is not None and not (0.0 <= fixed < float("inf")):
        raise InputError("a concentration cannot be negative", where=chosen.name, value=fixed, allowed="0 mg/L or more")
    size = chosen.inoculum if inoculum is None else inoculum
    if not size > 0.0:
        raise InputError("an inoculum must be positive", where=chosen.name, value=size, allowed=f"above 0 {chosen.unit}")

    def level(t: float) -> float:
        return float(fixed) if fixed is not None else max(float(conc(t)), 0.0)  # type: ignore[operator]

    edges = np.unique(np.concatenate((grid, [s for s in stops if grid[0] < s < grid[-1]])))
    y = np.asarray(chosen.start(size), dtype=float)
    kept = [y]
    for a, b in pairwise(edges):
        done = solve_ivp(
            lambda t, y: chosen.derivative(y, level(t)), (a, b), y, method="LSODA", rtol=rtol, atol=1e-9, max_step=0.5
        )
        if not done.success:
            raise SimulationError(f"{chosen.name} stopped at {done.t[-1]:g} h: {done.message}")
        y = done.y[:, -1]
        if b in grid:
            kept.append(y)
    states = np.stack(kept, axis=1)
    return Kinetics(grid, chosen.total(states), states)


WELL = 0.1
"""mL of a microdilution well: kinds of which less than one cell is expected in it are left out of ``mic_in_silico``."""


def mic_in_silico(chosen: PublishedSet) -> tuple[float, float]:
    """(continuous MIC, MIC read from a plate), mg/L: 5e5/mL, 18 h, visible at 1e8. Raises InputError for sets not in broth."""
    if chosen.unit != "CFU/mL":
        raise InputError("an MIC is a matter of broth", where=chosen.name, value=chosen.unit, allowed="sets with counts per mL")

    def in_well(N: float) -> Sequence[float]:
        y = list(chosen.start(N))
        for i in chosen.ln:
            y[i] = y[i] if exp(y[i]) * WELL >= 1.0 else -600.0
        return y

    well = replace(chosen, start=in_well)

    def above(ln_C: float) -> float:
        return float(simulate(well, exp(ln_C), (0.0, HOURS), inoculum=INOCULUM, rtol=1e-7).log10[-1]) - float(np.log10(VISIBLE))

    threshold = exp(float(brentq(above, log(1e-3), log(4096.0), xtol=1e-4)))  # type: ignore[arg-type]
    return threshold, plate(threshold)


def ec50_of_hill(psi_max: float, psi_min: float, zMIC: float, k: float) -> tuple[float, float]:
    """(Emax, EC50) of the Emax form equal to Regoes' function."""
    return psi_max - psi_min, zMIC * (-psi_min / psi_max) ** (1.0 / k)


# ---------------------------------------------------------------------------------------------------------- Mohamed 2012
def mohamed(EC50: float = 9.93, koff: float = 0.0139) -> PublishedSet:
    """Gentamicin and E. coli: growing and resting cells, adaptive resistance. ``koff`` 1/h is poorly identified by the data."""
    kg, kd, BP, Bmax, Emax, AR50, kon = 2.0, 0.179, 2.09e6, 8.26e8, 51.0, 0.113, 0.0426

    def derivative(y: np.ndarray, C: float) -> tuple[float, ...]:
        S, R, AR = exp(min(y[0], 600.0)), max(y[1], 0.0), y[2]
        rest = crowding_rate(S + R, Bmax, kg, kd) if S + R > BP else 0.0
        kill = adapted_share(AR, AR50) * emax_kill(C, Emax, EC50, 1.0)
        return kg - kd - rest - kill, rest * S - kd * R, adaptation_rate(AR, C, kon, koff)

    return PublishedSet(
        "gentamicin_mohamed_2012", "gentamicin, E. coli ATCC 25922, static and dynamic time-kill",
        Reference("Mohamed AF, Nielsen EI, Cars O, Friberg LE", 2012, "AAC 56:179-188", "10.1128/AAC.00694-11", "secondary"),
        2.0, 4.83e5, ("ln S", "R", "ARon"), (0,), (1,), derivative, lambda N: (log(N), 0.0, 0.0),
        lambda C: kg - kd - emax_kill(C, Emax, EC50, 1.0), kg - kd,
        {"kg": kg, "kd": kd, "BP": BP, "Bmax": Bmax, "Emax": Emax, "EC50": EC50, "AR50": AR50, "kon": kon, "koff": koff},
        notes=("resting cells form only above BP: a switch, so counts near the plateau depend on the solver by about 0.1 log10",),
    )  # fmt: skip


# ----------------------------------------------------------------------------------- Landersdorfer 2013 and Yadav 2017
def _life_cycle(
    name: str, title: str, reference: Reference, MIC: float, log_inoculum: float, log_max: float, hill: float,
    kinds: Sequence[tuple[str, float, float, float, float]], notes: Sequence[str],
) -> PublishedSet:  # fmt: skip
    """Cells in two states: the first turns into the second (k12), which splits into two of the first (k21 50/h).

    ``kinds``: (name, share of the inoculum, k12 1/h, Kmax 1/h, KC50 mg/L), the majority first.
    """
    k21, full = 50.0, 10.0**log_max
    n = len(kinds)

    def derivative(y: np.ndarray, C: float) -> list[float]:
        cells = np.exp(np.clip(y[:n], -600.0, 600.0))
        split = 2.0 * full / (full + float(cells.sum()))
        out = []
        # z = share of a kind in the second state; ln of the whole kind and z are the states
        for i, (_, _, _, Kmax, KC50) in enumerate(kinds):
            z = y[n + i]
            kill = emax_kill(C, Kmax, KC50, hill)
            out.append((split - 1.0) * k21 * z - kill)
        for i, (_, _, k12, _, _) in enumerate(kinds):
            z = y[n + i]
            out.append(k12 * (1.0 - z) - k21 * z - (split - 1.0) * k21 * z * z)
        return out

    def start(N: float) -> list[float]:
        rest = sum(share for _, share, *_ in kinds[1:])
        shares = [1.0 - rest] + [share for _, share, *_ in kinds[1:]]
        return [log(N * s) for s in shares] + [0.0] * n

    _, _, k12, Kmax, KC50 = kinds[0]
    growth = 0.5 * (-(k12 + k21) + ((k12 + k21) ** 2 + 4.0 * k12 * k21) ** 0.5)
    values = {"k21": k21, "log10_CFUmax": log_max, "hill": hill}
    for label, share, rate, strongest, half in kinds:
        values |= {f"share_{label}": share, f"k12_{label}": rate, f"Kmax_{label}": strongest, f"KC50_{label}": half}
    return PublishedSet(
        name, title, reference, MIC, 10.0**log_inoculum, tuple(f"ln {k[0]}" for k in kinds) + tuple(f"z {k[0]}" for k in kinds),
        tuple(range(n)), (), derivative, start,
        lambda C: growth - emax_kill(C, Kmax, KC50, hill), growth, values, notes=tuple(notes),
    )  # fmt: skip


def landersdorfer() -> PublishedSet:
    """Amikacin and S. aureus USA300 (MIC 8): susceptible and three resistant kinds, less killed and slow or not growing."""
    k12 = 60.0 / 57.3
    kinds = [("S", 1.0, k12, 10.1, 14.7)]
    for label, share, growth in (("R1", -2.57, 0.0), ("R2", -4.37, 0.532), ("R3", -7.42, 0.413)):
        kinds.append((label, 10.0**share, k12 * growth, 0.771, 14.7))
    return _life_cycle(
        "amikacin_landersdorfer_2013", "amikacin, MRSA USA300, static time-kill",
        Reference("Landersdorfer CB et al.", 2013, "AAC 57:2343", "10.1128/AAC.00092-13", "secondary"),
        8.0, 7.89, 9.23, 2.45, kinds, ("amikacin alone: the nisin and linezolid arms are left out",),
    )  # fmt: skip


def yadav() -> PublishedSet:
    """Amikacin and P. aeruginosa FADDI-PA088 (MIC 4): susceptible and resistant kinds."""
    k12 = 60.0 / 26.9
    return _life_cycle(
        "amikacin_yadav_2017", "amikacin, P. aeruginosa FADDI-PA088, static time-kill",
        Reference("Yadav R et al.", 2017, "AAC 61:e01011-16", "", "secondary"),
        4.0, 7.46, 9.56, 1.11, [("S", 1.0, k12, 11.8, 4.88), ("R", 10.0**-6.68, k12, 11.8, 329.0)],
        ("amikacin alone; the kind with intermediate susceptibility (its frequency was not found) and the signal molecules that "
         "weaken the kill at high density are left out",),
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------- Hernandez-Lozano 2025
LOZANO = {
    # kg1, kd, Redu %, slopeS, slopeR, kada, log10 Bmax, MIC, log10 count at start (assumed: inoculum; half a log below Bmax)
    "invitro_en591": (1.64, 0.179, 0.63, 2.37, 0.254, 2.8e-5, 9.18, 8.0, 5.7),
    "invitro_atcc700336": (2.27, 0.179, 0.63, 2.99, 0.776, 2.1e-4, 9.18, 4.0, 5.7),
    "kidney_en591": (0.694, 0.526, 25.4, 9.05, 0.066, 0.031, 6.49, 8.0, 6.0),
    "kidney_atcc700336": (0.205, 0.179, 6.9, 9.05, 0.066, 0.031, 6.49, 4.0, 6.0),
    "bladder_en591": (1.51, 1.16, 25.2, 191.0, 0.276, 1.35, 7.07, 8.0, 6.5),
}


def hernandez_lozano(which: str) -> PublishedSet:
    """Apramycin and E. coli: two growing and two dormant kinds, kill linear in C/MIC, transfer driven by the drug."""
    kg, kd, redu, slope_S, slope_R, kada, log_max, MIC, start = LOZANO[which]
    kg2, Bmax = kg * (1.0 - redu / 100.0), 10.0**log_max

    def derivative(y: np.ndarray, C: float) -> tuple[float, ...]:
        S1, D1, S2, D2 = exp(min(y[0], 600.0)), max(y[1], 0.0), max(y[2], 0.0), max(y[3], 0.0)
        total = S1 + D1 + S2 + D2
        rest1, rest2 = crowding_rate(total, Bmax, kg, kd), crowding_rate(total, Bmax, kg2, kd)
        moved = kada * C / MIC
        return (
            kg - kd - slope_kill(C, slope_S, MIC) - rest1 - moved,
            rest1 * S1 - kd * D1,
            (kg2 - kd - slope_kill(C, slope_R, MIC) - rest2) * S2 + moved * S1,
            rest2 * S2 - kd * D2,
        )

    values: dict[str, float] = dict(
        zip(("kg1", "kd", "Redu", "slopeS", "slopeR", "kada", "log10_Bmax"), LOZANO[which], strict=False)
    )
    return PublishedSet(
        f"apramycin_hernandez_lozano_2025_{which}", f"apramycin, E. coli, {which.replace('_', ' ')}",
        Reference("Hernandez-Lozano I et al.", 2025, "JAC 80:302", "10.1093/jac/dkae409", "secondary"),
        MIC, 10.0**start, ("ln S1", "D1", "S2", "D2"), (0,), (1, 2, 3), derivative, lambda N: (log(N), 0.0, 0.0, 0.0),
        lambda C: kg - kd - slope_kill(C, slope_S, MIC) - kada * C / MIC, kg - kd, values,
        unit="CFU/mL" if which.startswith("invitro") else "CFU/organ",
        notes=("count at the start assumed", "C is the unbound plasma concentration in the mouse sets"),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ Regoes 2004
REGOES = {
    # psi_max, psi_min (log10/h), zMIC mg/L, k
    "ampicillin": (0.75, -4.0, 3.4, 0.75),
    "ciprofloxacin": (0.88, -6.5, 0.017, 1.1),
    "rifampin": (0.70, -4.3, 12.0, 2.5),
    "streptomycin": (0.89, -8.8, 18.5, 1.9),
    "tetracycline": (0.81, -8.1, 0.67, 0.61),
}


def regoes_2004(drug: str) -> PublishedSet:
    """Net growth of E. coli O18:K1:H7 as a function of concentration; growth has no limit in it."""
    psi_max, psi_min, zMIC, k = REGOES[drug]

    def growth(C: float) -> float:
        return log(10.0) * regoes(C, psi_max, psi_min, zMIC, k)

    return PublishedSet(
        f"{drug}_regoes_2004", f"{drug}, E. coli O18:K1:H7, static time-kill",
        Reference("Regoes RR et al.", 2004, "AAC 48:3670", "10.1128/AAC.48.10.3670-3676.2004", "secondary", "psi_max recalled"),
        zMIC, 1e6, ("ln N",), (0,), (), lambda y, C: (growth(C),), lambda N: (log(N),), growth, log(10.0) * psi_max,
        {"psi_max": psi_max, "psi_min": psi_min, "zMIC": zMIC, "k": k},
        notes=("no carrying capacity: growth has no limit",),
    )  # fmt: skip


PUBLISHED: Mapping[str, PublishedSet] = {
    s.name: s
    for s in (
        mohamed(), landersdorfer(), yadav(), *(hernandez_lozano(w) for w in LOZANO), *(regoes_2004(d) for d in REGOES)
    )
}  # fmt: skip


def published(name: str) -> PublishedSet:
    """A published set by name. Raises UnknownName naming those there are."""
    if name not in PUBLISHED:
        raise UnknownName("no published set of this name", where="published set", value=name, allowed=", ".join(PUBLISHED))
    return PUBLISHED[name]
