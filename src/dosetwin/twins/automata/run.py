"""A heart and a device in a closed loop: what each saw and did, as markers in ms."""

from dataclasses import dataclass, field

from dosetwin.errors import InputError
from dosetwin.twins.automata.device import Device
from dosetwin.twins.automata.heart import Conduction

MARKERS = ("AS", "AR", "AP", "VS", "VR", "VP", "MS", "ME")
CROWD = 1000
"""So many things at one moment are a device that never lets time go on."""


@dataclass
class Trace:
    """``marks`` (ms, marker) in order; what the heart did: ``atria`` and ``ventricles`` (ms, by what); ``lost`` pulses (ms,
    marker) that did not capture; ``stuck`` ms at which nothing more was due before the end (None: never)."""

    marks: list[tuple[float, str]] = field(default_factory=list)
    atria: list[tuple[float, str]] = field(default_factory=list)
    ventricles: list[tuple[float, str]] = field(default_factory=list)
    lost: list[tuple[float, str]] = field(default_factory=list)
    begin: float = 0.0
    end: float = 0.0
    stuck: float | None = None

    def times(self, *markers: str) -> list[float]:
        """ms of these markers."""
        return [t for t, m in self.marks if m in markers]


def run(heart: Conduction, device: Device, until: float, begin: float = 0.0) -> Trace:
    """The two from ``begin`` to ``until`` (ms); both go on from where they stand, and are changed.

    At one moment: signals of the heart (atria, then ventricles) before the device's own timers. Raises InputError for a device
    that answers something unknown or lets no time pass.
    """
    trace = Trace(begin=begin, end=until)
    marks, lost = trace.marks, trace.lost
    heart.atria, heart.ventricles = trace.atria, trace.ventricles
    last, crowd = begin, 0
    while True:
        next_h, next_d = heart.due(), device.due()
        t = next_h if next_h <= next_d else next_d
        if t >= until:
            if t == float("inf") and last < until:
                trace.stuck = last
            return trace
        if t <= last:
            t, crowd = last, crowd + 1
            if crowd > CROWD:
                raise InputError(
                    "the device lets no time pass", where="device", value=f"{t:g} ms", allowed="a wake later than now"
                )
        else:
            last, crowd = t, 0
        if next_h <= next_d:
            answers = []
            for channel in heart.step(t):
                answers += device.sense(t, channel)
        else:
            answers = device.wake(t)
        for m in answers:
            if m not in MARKERS:
                raise InputError("no marker", where=f"device at {t:g} ms", value=m[:40], allowed=", ".join(MARKERS))
            marks.append((t, m))
            if m in ("AP", "VP") and not heart.pulse(t, m[0]):
                lost.append((t, m))
