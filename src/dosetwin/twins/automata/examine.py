"""Every scenario of the library with a device: which of the eight properties hold, what was seen, what was never taken."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dosetwin.twins.automata.device import TRANSITIONS, Device, Pacemaker
from dosetwin.twins.automata.heart import Chance, Conduction
from dosetwin.twins.automata.programme import Programme
from dosetwin.twins.automata.properties import PROPERTIES, Verdict, check
from dosetwin.twins.automata.run import Trace, run
from dosetwin.twins.automata.scenarios import LIBRARY, Scenario, longest_pause, pmt_beats, rate

TOLERANCE = 8.0
"""ms a device of somebody else may be early or late (Boston Scientific 2007, recalled)."""


@dataclass(frozen=True, eq=False)
class Examined:
    """One scenario: its trace, the ``verdicts``, whether its aim was ``seen``; ``taken`` transitions (the house's device)."""

    scenario: Scenario
    trace: Trace
    verdicts: tuple[Verdict, ...]
    seen: bool
    taken: Counter[str]

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """Properties that do not hold."""
        return tuple(v for v in self.verdicts if v.holds is False)

    def to_json(self) -> dict[str, Any]:
        s, t = self.scenario, self.trace
        return {
            "scenario": s.name, "text": s.text, "mode": s.programme.mode, "expects": s.expects, "seen": self.seen,
            "of_the_house_alone": s.extra, "rate": round(rate(t), 1), "longest_pause_ms": round(longest_pause(t), 1),
            "loop_beats": pmt_beats(t, s.programme), "lost_pulses": len(t.lost), "markers": dict(Counter(m for _, m in t.marks)),
            "properties": [v.to_json() for v in self.verdicts],
        }  # fmt: skip


def examine(
    make: Callable[[Programme], Device] | None = None, names: Sequence[str] = (), *, seed: int = 1,
) -> list[Examined]:  # fmt: skip
    """The library (or the scenarios of ``names``) with devices that ``make`` makes; None: the house's, without tolerance."""
    out = []
    for name in names or LIBRARY:
        s = LIBRARY[name]
        device = Pacemaker(s.programme.checked(), s.heart.activity) if make is None else make(s.programme.checked())
        trace = run(Conduction(s.heart, Chance(seed)), device, s.ms)
        verdicts = check(trace, s.programme, 1e-6 if make is None else TOLERANCE)
        taken = device.taken if isinstance(device, Pacemaker) else Counter()
        out.append(Examined(s, trace, verdicts, s.seen(trace, s.programme), taken))
    return out


def coverage(found: Sequence[Examined]) -> tuple[float, tuple[str, ...]]:
    """Share of the transitions that some scenario took, and those that none did."""
    taken = sum((e.taken for e in found), Counter[str]())
    never = tuple(t for t in TRANSITIONS if not taken[t])
    return 1.0 - len(never) / len(TRANSITIONS), never


def summary(found: Sequence[Examined]) -> list[dict[str, Any]]:
    """Of every property: in how many scenarios it holds, is broken, or says nothing."""
    out = []
    for k, (name, text, _) in enumerate(PROPERTIES):
        said = [e.verdicts[k].holds for e in found]
        out.append({"property": name, "text": text, "holds": said.count(True), "broken": said.count(False),
                    "nothing_said": said.count(None)})  # fmt: skip
    return out
