"""The pacemaker as timed automata: LRI, AVI, URI, PVARP, VRP, mode switch and PMT detection, as in the published UPPAAL model."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from dosetwin.twins.automata.heart import NEVER, along
from dosetwin.twins.automata.programme import Programme

TRANSITIONS = (
    "LRI:wait>sensed", "LRI:wait>AP", "LRI:sensed>wait", "LRI:VP", "AVI:idle>run:AS", "AVI:idle>run:AP", "AVI:run>idle:VS",
    "AVI:run>idle:VP", "AVI:run>waitURI", "AVI:waitURI>idle:VP", "AVI:waitURI>idle:VS", "AVI:run>safety", "PVARP:idle>blank",
    "PVARP:blank:A", "PVARP:refractory:AR", "PVARP:AVI:AR", "PVARP:extended:PVC", "PVARP:extended:PMT", "VRP:idle>refractory:VS",
    "VRP:idle>refractory:VP", "VRP:refractory:VR", "VRP:blanked", "MS:fast", "MS:slow", "MS:duration", "MS:off>on", "MS:on>off",
    "PMT:pair", "PMT:reset", "PMT:found",
)  # fmt: skip
"""Every transition a DDD device with mode switch can take: what coverage is counted over."""


class Device(Protocol):
    """Anything that paces: it is told what its channels see, says when it wants to wake, and answers with markers and pulses.

    Answers are lists of markers: AS AR VS VR seen, AP VP given (a pulse), MS ME mode switch on and off. A signal and a wake at
    the same ms: the signal first, and the atrial one before the ventricular.
    """

    def due(self) -> float:
        """ms at which it wants to wake; inf: never by itself."""
        ...

    def wake(self, t: float) -> list[str]:
        """It is ``t`` (ms)."""
        ...

    def sense(self, t: float, channel: str) -> list[str]:
        """A signal on channel ``A`` or ``V``."""
        ...


@dataclass(slots=True)
class Pacemaker:
    """The device of the house. ``taken``: how often each transition was taken."""

    of: Programme
    activity: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    last_v: float = 0.0
    last_a: float = 0.0
    before: float = 0.0
    sensed: bool = False
    avi_from: float = NEVER
    avi_ms: float = 0.0
    by_pulse: bool = False
    waiting: bool = False
    safety_at: float = NEVER
    pvarp_from: float = -NEVER
    pvarp_until: float = -NEVER
    next_pvarp: float = 0.0
    vrp_until: float = -NEVER
    arp_until: float = -NEVER
    blank_until: float = -NEVER
    switched: bool = False
    fast: int = 0
    beats: int = -1
    pairs: int = 0
    pulse_v: float = NEVER
    taken: Counter[str] = field(default_factory=Counter)

    def _interval(self, t: float) -> float:
        p = self.of
        if not p.adapts:
            return p.LRI
        level = min(max(along(self.activity, t), 0.0), 1.0)
        return 1.0 / (1.0 / p.LRI + level * (1.0 / p.SRI - 1.0 / p.LRI))

    def due(self) -> float:
        """The next pulse, or the end of a safety window."""
        p, mode = self.of, self.of.mode[:3]
        if mode == "AAI" or mode == "AOO":
            return self.last_a + self._interval(self.last_a)
        LRI = self._interval(self.last_v)
        if mode in ("VVI", "VOO"):
            return self.last_v + LRI
        tracked = p.tracks and not self.switched
        at = self.safety_at
        if mode == "DOO":
            return min(at, self.avi_from + p.AVI if self.avi_from < NEVER else self.last_v + LRI - p.AVI)
        if self.avi_from < NEVER and (tracked or self.by_pulse):
            at = min(at, max(self.avi_from + self.avi_ms, self.last_v + p.URI) if not self.waiting else self.last_v + p.URI)
            return at
        if tracked:
            if mode == "VDD":
                return min(at, self.last_v + LRI)
            return min(at, self.last_v + LRI - p.AVI) if not self.sensed else at
        if self.paces_atrium and not self.sensed:
            return min(at, self.last_v + LRI - p.AVI)
        return min(at, self.last_v + LRI)

    @property
    def paces_atrium(self) -> bool:
        """Whether an atrial pulse is due at all: not while switched to VDI."""
        return self.of.mode[:3] in ("DDD", "DDI", "DOO") and not self.switched

    def wake(self, t: float) -> list[str]:
        """A pulse where one is due."""
        p, mode = self.of, self.of.mode[:3]
        if t < self.due() - 1e-9:
            return []
        if mode in ("AAI", "AOO"):
            self.last_a, self.arp_until = t, t + p.ARP
            self.taken["LRI:wait>AP"] += 1
            return ["AP"]
        if mode in ("VVI", "VOO"):
            return self._paced(t, "LRI:VP")
        if t >= self.safety_at - 1e-9:
            self.safety_at = NEVER
            return self._paced(t, "AVI:run>safety")
        if self.avi_from < NEVER and (self.by_pulse or (p.tracks and not self.switched)):
            if self.waiting:
                return self._paced(t, "AVI:waitURI>idle:VP")
            if t > self.avi_from + self.avi_ms + 1e-9:
                self.waiting = True
                self.taken["AVI:run>waitURI"] += 1
                return self._paced(t, "AVI:waitURI>idle:VP")
            return self._paced(t, "AVI:run>idle:VP")
        if self.paces_atrium and not self.sensed:
            self.taken["LRI:wait>AP"] += 1
            self.taken["AVI:idle>run:AP"] += 1
            self.avi_from, self.avi_ms, self.by_pulse, self.waiting = t, p.AVI, True, False
            self.blank_until, self.before, self.sensed = t + p.blanking, t, True
            counted = self._count(t, False)
            self.last_a = t
            return ["AP", *counted]
        return self._paced(t, "LRI:VP")

    def _paced(self, t: float, name: str) -> list[str]:
        self.taken[name] += 1
        self.taken["VRP:idle>refractory:VP"] += 1
        out = ["VP"]
        if self.of.PMT_pairs and self.of.tracks:
            self.pulse_v = t
        self._ventricular(t, out)
        return out

    def _ventricular(self, t: float, out: list[str], extra: bool = False) -> None:
        p = self.of
        self.last_v, self.vrp_until = t, t + p.VRP
        if self.sensed:
            self.taken["LRI:sensed>wait"] += 1
        self.sensed, self.avi_from, self.waiting, self.by_pulse, self.safety_at = False, NEVER, False, False, NEVER
        if p.senses in "AD" and p.mode[:3] != "AAI":
            length = p.PVARP
            if extra and p.PVARP_ext:
                length += p.PVARP_ext
                self.taken["PVARP:extended:PVC"] += 1
            if self.next_pvarp:
                length, self.next_pvarp = max(length, self.next_pvarp), 0.0
                self.taken["PVARP:extended:PMT"] += 1
            self.pvarp_from, self.pvarp_until = t, t + length
            self.taken["PVARP:idle>blank"] += 1
        if self.beats >= 0:
            self.beats += 1
            if self.beats >= p.MS_beats:
                self.beats = -1
                if self.fast > 0 and not self.switched:
                    self.switched = True
                    self.taken["MS:off>on"] += 1
                    out.append("MS")

    def sense(self, t: float, channel: str) -> list[str]:
        """AS or AR, VS or VR, or nothing where the channel is blanked or not there."""
        senses = self.of.senses
        if senses == "O" or (senses != "D" and senses != channel and self.of.mode[:3] != "VDD"):
            return []
        return self._atrial(t) if channel == "A" else self._ventricle(t)

    def _atrial(self, t: float) -> list[str]:
        p = self.of
        if p.mode[:3] == "AAI":
            if t < self.arp_until:
                self.arp_until = max(self.arp_until, t + p.noise)
                return ["AR"]
            self.last_a, self.arp_until = t, t + p.ARP
            return ["AS"]
        if t < self.pvarp_from + p.PVAB:
            self.taken["PVARP:blank:A"] += 1
            return []
        inside = t < self.pvarp_until
        if inside or self.avi_from < NEVER:
            self.taken["PVARP:refractory:AR" if inside else "PVARP:AVI:AR"] += 1
            self._pairs_broken()
            return ["AR", *self._count(t, True)]
        out = ["AS"]
        if p.PMT_pairs and self.pulse_v < NEVER:
            if p.PMT_low <= t - self.pulse_v <= p.PMT_high:
                self.pairs += 1
                self.taken["PMT:pair"] += 1
                if self.pairs >= p.PMT_pairs:
                    self.pairs, self.next_pvarp = 0, p.PMT_PVARP
                    self.taken["PMT:found"] += 1
            else:
                self._pairs_broken()
            self.pulse_v = NEVER
        interval, self.before = t - self.before, t
        out += self._count(t, True)
        if not self.sensed:
            self.taken["LRI:wait>sensed"] += 1
        self.sensed = True
        if p.tracks:
            self.avi_from, self.avi_ms, self.by_pulse, self.waiting = t, p.sensed_AVI(interval), False, False
            self.taken["AVI:idle>run:AS"] += 1
        return out

    def _pairs_broken(self) -> None:
        if self.pairs:
            self.taken["PMT:reset"] += 1
        self.pairs, self.pulse_v = 0, NEVER

    def _count(self, t: float, seen: bool) -> list[str]:
        """The counter of fast atrial intervals, and what follows from it."""
        p = self.of
        if not p.MS_ms or not p.tracks:
            return []
        quick = seen and t - self.last_a <= p.MS_ms
        self.last_a = t
        if quick:
            self.taken["MS:fast"] += 1
            self.fast = min(self.fast + 1, int(p.MS_count))
            if self.fast == p.MS_count and self.beats < 0 and not self.switched:
                self.beats = 0
                self.taken["MS:duration"] += 1
            return []
        self.taken["MS:slow"] += 1
        self.fast = max(self.fast - 1, 0)
        if not seen:
            self._pairs_broken()
        if self.fast == 0 and self.switched:
            self.switched, self.beats = False, -1
            self.taken["MS:on>off"] += 1
            return ["ME"]
        return []

    def _ventricle(self, t: float) -> list[str]:
        p = self.of
        if t < self.blank_until:
            self.taken["VRP:blanked"] += 1
            return []
        if t < self.vrp_until:
            self.vrp_until = max(self.vrp_until, t + p.noise)
            self.taken["VRP:refractory:VR"] += 1
            return ["VR"]
        if self.by_pulse and p.safety and self.avi_from < t <= self.avi_from + p.safety:
            self.safety_at = min(self.avi_from + p.safety, self.avi_from + p.AVI)
            return []
        self.taken["VRP:idle>refractory:VS"] += 1
        if self.avi_from < NEVER:
            self.taken["AVI:waitURI>idle:VS" if t > self.avi_from + self.avi_ms else "AVI:run>idle:VS"] += 1
        self._pairs_broken()
        out = ["VS"]
        self._ventricular(t, out, extra=not self.sensed)
        return out
