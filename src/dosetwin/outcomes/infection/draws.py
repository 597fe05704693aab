"""Infections drawn from a pack: one row per baby, the same for a baby whatever the size of the cohort."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from dosetwin.errors import InputError
from dosetwin.outcomes.infection._kernel import COLUMNS
from dosetwin.outcomes.infection.mic import distribution
from dosetwin.outcomes.infection.microdilution import ec50_over_MIC
from dosetwin.outcomes.infection.organisms import ORGANISMS, organism
from dosetwin.outcomes.infection.packs import Pack
from dosetwin.streams import row_uniforms

DRAWS = ("MIC", "load", "growth", "penetration", "q", "immune")
"""What the columns of ``uniforms`` decide, in this order."""
BLOOD_PER_KG = 85.0
"""mL/kg, newborns (usual value)."""


@dataclass(frozen=True, eq=False)
class Infections:
    """Infections as arrays; n rows, J genotypes (the first is the susceptible one; rows with fewer are padded with nothing).

    ``table`` [n, len(COLUMNS)] per-row scalars; ``N0``, ``D0`` expected growing and dormant CFU at time 0; ``kg`` 1/h;
    ``Emax`` 1/h, ``EC50`` mg/L at the site, ``slope`` 1/h per mg/L at the site; ``levels`` log2 MIC of a genotype over the first.
    ``MIC`` mg/L is the continuous one (a plate reads the next dilution above); ``site_mL`` [n]; ``in_scope`` [n] False where
    amikacin alone does nothing (GBS, enterococci), whose outcomes must be reported apart.
    """

    pack: Pack
    organisms: tuple[str, ...]
    MIC: np.ndarray
    table: np.ndarray
    N0: np.ndarray
    D0: np.ndarray
    kg: np.ndarray
    Emax: np.ndarray
    EC50: np.ndarray
    slope: np.ndarray
    levels: np.ndarray
    site_mL: np.ndarray
    in_scope: np.ndarray

    def __len__(self) -> int:
        return len(self.MIC)

    @property
    def load_log10(self) -> np.ndarray:
        """log10 CFU of everything at time 0 [n]."""
        return np.log10(self.N0.sum(axis=1) + self.D0.sum(axis=1))

    @property
    def net_growth(self) -> np.ndarray:
        """Growth less death of the susceptible genotype without drug and crowding, 1/h [n]."""
        return self.kg[:, 0] - self.column("kd")

    def genotypes(self, row: int) -> int:
        """How many genotypes this infection has; the columns beyond are padding."""
        used = (self.kg[row] > 0.0) | (self.N0[row] > 0.0) | (self.D0[row] > 0.0)
        return max(1, int(np.flatnonzero(used)[-1]) + 1) if used.any() else 1

    def column(self, name: str) -> np.ndarray:
        """One column of ``table`` [n]."""
        return self.table[:, COLUMNS.index(name)]

    def take(self, rows: Sequence[int] | np.ndarray) -> "Infections":
        """Some rows, in the order given (they may repeat)."""
        rows = np.asarray(rows)
        picked = {k: getattr(self, k)[rows] for k in _ARRAYS}
        return replace(self, organisms=tuple(np.asarray(self.organisms, dtype=object)[rows]), **picked)

    def with_column(self, name: str, values: np.ndarray | float) -> "Infections":
        """The same infections with one scalar changed."""
        table = self.table.copy()
        table[:, COLUMNS.index(name)] = values
        return replace(self, table=table)

    def with_load(self, log10_cfu: np.ndarray | float) -> "Infections":
        """The same infections with other loads at time 0, log10 CFU; the shares of the genotypes stay."""
        factor = (10.0 ** (np.broadcast_to(log10_cfu, (len(self),)) - self.load_log10))[:, None]
        return replace(self, N0=self.N0 * factor, D0=self.D0 * factor)

    def with_MIC(self, MIC: np.ndarray | float) -> "Infections":
        """The same infections with other MICs, mg/L: EC50s, slopes and adaptation follow C/MIC. Raises InputError."""
        new = checked_MIC(np.broadcast_to(np.asarray(MIC, dtype=float), (len(self),)))
        ratio = new / self.MIC
        table = self.table.copy()
        for name in ("kon", "kada"):
            table[:, COLUMNS.index(name)] /= ratio
        table[:, COLUMNS.index("MIC")] = new
        return replace(
            self,
            MIC=new,
            table=table,
            EC50=np.where(self.Emax > 0.0, self.EC50 * ratio[:, None], self.EC50),
            slope=self.slope / ratio[:, None],
        )


_ARRAYS = ("MIC", "table", "N0", "D0", "kg", "Emax", "EC50", "slope", "levels", "site_mL", "in_scope")


def checked_MIC(MIC: np.ndarray) -> np.ndarray:
    """MICs, mg/L. Raises InputError naming the first that is not positive and finite."""
    MIC = np.asarray(MIC, dtype=float)
    bad = ~((MIC > 0.0) & (MIC <= 4096.0))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            "an MIC must be positive", where=f"infection {row}", value=float(MIC[row]), allowed="above 0, up to 4096 mg/L"
        )
    return MIC


def draw_infections(
    pack: Pack, n: int, *, seed: int | None = None, uniforms: np.ndarray | None = None, organism: str | Sequence[str] = "e_coli",
    mic: float | np.ndarray | None = None, WT: float | np.ndarray = 2.0, stream: str = "infection",
) -> Infections:  # fmt: skip
    """``n`` infections.

    Parameters
    ----------
    pack : scenario (see ``packs.pack``).
    seed, stream : the random stream; or ``uniforms`` [n, 6] in (0, 1) in the order of DRAWS, of the caller's own streams.
    organism : one name for all, or one per infection (see ``organisms.ORGANISMS``).
    mic : mg/L, scalar or [n], taken as the continuous MIC; None: drawn from the organism's distribution (``mic.py``).
    WT : kg, scalar or [n]; used where the pack's load is a density in blood.

    Raises
    ------
    InputError : n < 1, wrong shapes, MIC not positive, an organism the pack has no kill curve for.
    """
    if n < 1:
        raise InputError("at least one infection", where="draw_infections: n", value=n, allowed="1 or more")
    if (seed is None) == (uniforms is None):
        raise InputError("give exactly one of seed and uniforms", where="draw_infections")
    if uniforms is None:
        assert seed is not None
        u = _own_uniforms(seed, stream, n)
    else:
        u = np.asarray(uniforms, dtype=float)
    if u.shape != (n, len(DRAWS)) or not ((u > 0.0) & (u < 1.0)).all():
        raise InputError(
            "uniforms must be in (0, 1)", where="draw_infections", value=u.shape, allowed=f"[{n}, {len(DRAWS)}]: {DRAWS}"
        )
    names = (organism,) * n if isinstance(organism, str) else tuple(organism)
    if len(names) != n:
        raise InputError("one organism per infection", where="draw_infections: organism", value=len(names), allowed=str(n))
    z = ndtri(u)
    if mic is None:
        MIC = np.empty(n)
        for name in set(names):
            rows = np.array([o == name for o in names])
            MIC[rows] = distribution(name).quantile(u[rows, 0])
    else:
        MIC = checked_MIC(np.broadcast_to(np.asarray(mic, dtype=float), (n,)).copy())
    return _assemble(pack, names, MIC, z, np.broadcast_to(np.asarray(WT, dtype=float), (n,)))


def _own_uniforms(seed: int, stream: str, n: int) -> np.ndarray:
    return row_uniforms(seed, stream, n, len(DRAWS))


def _spread(z: np.ndarray, cv: float) -> np.ndarray:
    """Log-normal factor of median 1."""
    return np.exp(z * np.sqrt(np.log1p(cv**2)))


def _assemble(pack: Pack, names: tuple[str, ...], MIC: np.ndarray, z: np.ndarray, WT: np.ndarray) -> Infections:
    n, value = len(names), pack.value
    groups = {name: organism(name).group for name in dict.fromkeys(names)}
    for name, group in groups.items():
        if group != "outside" and group not in pack.kill:
            covered = ", ".join(o for o, entry in ORGANISMS.items() if entry.group in (*pack.kill, "outside"))
            raise InputError(f"pack {pack.name} has no kill curve for it", where="organism", value=name, allowed=covered)
    J = max((len(pack.kill[g].ladder) for g in groups.values() if g in pack.kill), default=1)
    kd = value("kd")
    growth = value("net_growth") * _spread(z[:, 2], value("net_growth_cv"))
    penetration = value("penetration") * _spread(z[:, 3], value("penetration_cv"))
    volume = WT * BLOOD_PER_KG if pack.load == "density" else np.full(n, value("site_mL"))
    load = value("load_log10") + value("load_sd") * z[:, 1] + (np.log10(volume) if pack.load == "density" else 0.0)
    shares = np.zeros((n, J))
    kg, Emax, EC50, slope = np.zeros((n, J)), np.zeros((n, J)), np.ones((n, J)), np.zeros((n, J))
    levels, kada, partner = np.zeros((n, J)), np.zeros(n), np.full(n, value("partner"))
    scalars = {name: np.zeros(n) for name in COLUMNS}
    scalars["hill"][:] = 1.0
    scope = np.ones(n, dtype=bool)
    for name, group in groups.items():
        rows = np.flatnonzero(np.array([o == name for o in names]))
        if group == "outside":
            scope[rows] = False
            shares[rows, 0] = 1.0
            kg[rows, 0] = growth[rows] + kd
            partner[rows] = np.maximum(value("partner"), value("partner_outside"))
            continue
        kill = pack.kill[group]
        k = len(kill.ladder)
        columns = np.arange(k)[None, :]
        rest = np.array(kill.frequency[1:])
        shares[rows[:, None], columns] = np.concatenate(([1.0 - rest.sum()], rest))
        kg[rows[:, None], columns] = (growth[rows] + kd)[:, None] * np.array(kill.growth)
        levels[rows[:, None], columns] = np.log2(kill.ladder)
        if "Emax" in kill.numbers:
            q = ec50_over_MIC(kill) * 2.0 ** (value("q_log2_sd") * z[rows, 4])
            Emax[rows[:, None], columns] = kill.value("Emax") * np.array(kill.strength)
            EC50[rows[:, None], columns] = (q * MIC[rows])[:, None] * np.array(kill.ladder)
        slope[rows[:, None], columns] = kill.value("slope") * np.array(kill.strength) / MIC[rows, None]
        scalars["hill"][rows] = kill.value("hill") or 1.0
        scalars["AR50"][rows] = kill.value("AR50")
        scalars["kon"][rows] = kill.value("kon_MIC") / MIC[rows]
        scalars["koff"][rows] = kill.value("koff")
        kada[rows] = value("kada_MIC") / MIC[rows]
    N = 10.0**load
    share = value("dormant_share")
    kimm = value("kimm") * _spread(z[:, 5], value("kimm_cv"))
    scalars |= {
        "penetration": penetration, "capacity": np.full(n, value("capacity")), "kada": kada, "partner": partner, "kimm": kimm,
        "Ksat": value("Ksat_per_mL") * volume, "crowding": np.full(n, float(pack.crowding == "dormancy")), "MIC": MIC,
    }  # fmt: skip
    for name in ("s0", "wake", "kd_dormant", "kimm_dormant", "u", "kd", "drift", "revert"):
        scalars[name] = np.full(n, value(name))
    return Infections(
        pack, names, MIC, np.ascontiguousarray(np.stack([scalars[c] for c in COLUMNS], axis=1)),
        N[:, None] * shares * (1.0 - share), N[:, None] * shares * share, kg, Emax, EC50, slope, levels, volume, scope,
    )  # fmt: skip
