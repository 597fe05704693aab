"""A heart cell in two variables: how long a beat lasts by the rest before it (Mitchell and Schaeffer 2003).

Bull Math Biol 65:767. v' = h v^2 (1 - v) / tau_in - v / tau_out; h' = (1 - h) / tau_open below v_gate, -h / tau_close above.
Time in ms, v and h without unit. The published formula of restitution is the limit of slow gates: the equations give other beats.
"""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TwoVariableCell:
    """Time constants in ms, and the gate's voltage."""

    tau_in: float = 0.3
    tau_out: float = 6.0
    tau_open: float = 120.0
    tau_close: float = 150.0
    v_gate: float = 0.13

    @property
    def h_min(self) -> float:
        """Gate at which a beat ends."""
        return 4.0 * self.tau_in / self.tau_out

    def duration(self, rest: float) -> float:
        """ms of a beat after ``rest`` ms of diastole, by the formula; infinite rest gives the longest."""
        h = 1.0 - (1.0 - self.h_min) * math.exp(-rest / self.tau_open)
        return self.tau_close * math.log(h / self.h_min)

    def paced(self, cycle: float, beats: int = 20, kick: float = 0.25) -> float:
        """ms until v is below the gate, of the last of ``beats`` beats every ``cycle`` ms, each begun by ``kick`` of v."""
        from scipy.integrate import solve_ivp

        def f(t: float, y: Any) -> tuple[float, float]:
            v, h = y
            gate = (1.0 - h) / self.tau_open if v < self.v_gate else -h / self.tau_close
            return h * v * v * (1.0 - v) / self.tau_in - v / self.tau_out, gate

        def ends(t: float, y: Any) -> float:
            return y[0] - self.v_gate

        ends.direction = -1.0  # type: ignore[attr-defined]
        v, h, last = 0.0, 1.0, math.nan
        for _ in range(beats):
            run: Any = solve_ivp(f, (0.0, cycle), (v + kick, h), events=ends, rtol=1e-7, atol=1e-9, max_step=5.0)
            last = float(run.t_events[0][0]) if len(run.t_events[0]) else math.inf
            v, h = float(run.y[0, -1]), float(run.y[1, -1])
        return last
