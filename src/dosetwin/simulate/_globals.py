"""Names that the kernel templates use and each generated kernel defines for its model; never called from here."""

from typing import Any

N: int = 0
N_ETA: int = 0
N_KAPPA: int = 0
N_OUT: int = 0
EXACT: bool = True
STIFF: bool = False
AUTO: bool = False
HAS_INITIAL: bool = False
HAS_LAG: bool = False

# rows of the work array W [WORK_ROWS, N]: N x N blocks, then single rows; work_layout(n) gives their places
K0 = E0 = G0 = H0 = T0 = J0 = M0 = S0 = 0
ENDO = TMP = ZERO = HELD = AREA = SLOPE0 = SLOPE1 = TRY = FT = PIVOT = ONCE = MOVED = GAP = KEPT = KEPT_U = STAGE0 = WORK_ROWS = 0
# rows of the lanes' work array (lanes.layout), and which states can reach which
K_L = E_L = G_L = H_L = X_L = ENDO_L = AREA_L = TAU_L = DEEP_L = P_L = LANE_ROWS = LANES = 0
ALLOWED: tuple[bool, ...] = ()
BLOCKS = ("K0", "E0", "G0", "H0", "T0", "J0", "M0", "S0")
SINGLE = (
    "ENDO",
    "TMP",
    "ZERO",
    "HELD",
    "AREA",
    "SLOPE0",
    "SLOPE1",
    "TRY",
    "FT",
    "PIVOT",
    "ONCE",
    "MOVED",
    "GAP",
    "KEPT",
    "KEPT_U",
)


def work_layout(n: int) -> dict[str, int]:
    """First row of every block of W for n states, and its number of rows."""
    layout = {name: k * n for k, name in enumerate(BLOCKS)}
    layout |= {name: len(BLOCKS) * n + k for k, name in enumerate(SINGLE)}
    layout["STAGE0"] = len(BLOCKS) * n + len(SINGLE)
    layout["WORK_ROWS"] = layout["STAGE0"] + 6
    return layout


def _undefined(*args: Any) -> Any:
    raise RuntimeError("a kernel template was called outside a generated kernel")


dynamics = individual = observe = initial = _undefined
make_state = make_cov = make_eta = make_theta = put_state = put_row = put_output = _undefined
bioavailability = lag = modelled_rate = modelled_duration = advance_explicit = propagator = _undefined
make_parameters = put_parameters = lanes_load = lanes_propagator = lanes_advance = _undefined
