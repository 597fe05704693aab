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


def _undefined(*args: Any) -> Any:
    raise RuntimeError("a kernel template was called outside a generated kernel")


dynamics = individual = observe = initial = _undefined
make_state = make_cov = make_eta = make_theta = put_state = put_output = _undefined
bioavailability = lag = advance_explicit = _undefined
