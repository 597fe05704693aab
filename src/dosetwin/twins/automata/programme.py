"""What a pacemaker is set to, and what cannot be set together."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from dosetwin.errors import Finding, InputError

MODES = ("AOO", "VOO", "DOO", "AAI", "VVI", "VDD", "DDI", "DDD")
SOURCE = (
    "intervals: Jiang 2012, TACAS (UPPAAL model read); ranges: PACEMAKER System Specification, Boston Scientific 2007 (recalled)"
)


@dataclass(frozen=True)
class Programme:
    """Settings of a pacemaker; times in ms.

    ``mode`` one of ``MODES``, with R behind it for a rate that follows the sensor. ``LRI`` lower and ``URI`` upper rate interval,
    ``AVI`` from atrial to ventricular event (``SAV_offset`` shorter after a sensed one; it falls to ``AVI_min`` as the atrial
    interval falls from LRI to URI, 0: it does not), ``PVARP`` atrial refractory after a ventricular event, the first ``PVAB`` of
    it blanked, ``PVARP_ext`` longer after a ventricular beat without an atrial one; ``VRP`` ventricular, ``ARP`` atrial
    refractory (AAI), ``blanking`` of the ventricular channel after an atrial pulse, ``safety``: a ventricular signal between it
    and then is answered by a pulse at that AV interval (0: off), ``noise`` retriggers refractory times. Mode switch: ``MS_ms``
    the atrial interval that counts as fast (0: off), ``MS_count`` of them and then ``MS_beats`` ventricular events. PMT:
    ``PMT_pairs`` of ventricular pulse and atrial sense between ``PMT_low`` and ``PMT_high`` (0: off) lengthen PVARP to
    ``PMT_PVARP`` once. ``SRI`` shortest interval the sensor may ask for.
    """

    mode: str = "DDD"
    LRI: float = 1000.0
    URI: float = 500.0
    AVI: float = 150.0
    SAV_offset: float = 0.0
    AVI_min: float = 0.0
    PVARP: float = 250.0
    PVAB: float = 50.0
    PVARP_ext: float = 0.0
    VRP: float = 200.0
    ARP: float = 250.0
    blanking: float = 40.0
    safety: float = 110.0
    noise: float = 60.0
    MS_ms: float = 400.0
    MS_count: float = 8
    MS_beats: float = 8
    PMT_pairs: float = 8
    PMT_low: float = 150.0
    PMT_high: float = 400.0
    PMT_PVARP: float = 500.0
    SRI: float = 500.0

    @property
    def paces(self) -> str:
        """Chambers paced: A, V or D."""
        return self.mode[0]

    @property
    def senses(self) -> str:
        """Chambers sensed: A, V, D or O."""
        return self.mode[1]

    @property
    def adapts(self) -> bool:
        """Whether the sensor moves the rate."""
        return len(self.mode) == 4

    @property
    def tracks(self) -> bool:
        """Whether an atrial sense is followed by a ventricular pulse."""
        return self.mode[:3] in ("VDD", "DDD")

    @property
    def two_to_one(self) -> float:
        """Atrial rate (/min) from which every second beat is dropped: 60000 / (sensed AV interval + PVARP)."""
        return 60000.0 / (self.shortest_AVI + self.PVARP)

    @property
    def shortest_AVI(self) -> float:
        """ms from a sensed atrial beat to the pulse, at the highest rate."""
        return self.AVI_min if self.AVI_min else self.AVI - self.SAV_offset

    def sensed_AVI(self, interval: float) -> float:
        """The same after an atrial interval of so many ms."""
        longest = self.AVI - self.SAV_offset
        if not self.AVI_min or self.LRI <= self.URI:
            return longest
        fast = min(max((self.LRI - interval) / (self.LRI - self.URI), 0.0), 1.0)
        return longest - fast * (longest - self.AVI_min)

    def with_(self, settings: Mapping[str, float]) -> "Programme":
        """The same with other numbers. Raises InputError for a setting that is none."""
        known = {f.name for f in fields(self)} - {"mode"}
        if wrong := sorted(set(settings) - known):
            raise InputError("not a setting of a pacemaker", where="programme", value=wrong[0], allowed=", ".join(sorted(known)))
        return replace(self, **{k: float(v) for k, v in settings.items()})

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong (error) or doubtful (warning) with these settings, by name."""
        out: list[Finding] = []

        def say(severity: Any, code: str, what: str, message: str, value: Any, allowed: str, remedy: str = "") -> None:
            out.append(Finding(severity, code, f"programme: {what}", message, value, allowed, remedy))

        if self.mode[:3] not in MODES or self.mode[3:] not in ("", "R"):
            say("error", "mode_unknown", "mode", "no such mode", self.mode, ", ".join(MODES) + ", each with R behind it")
            return tuple(out)
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name != "mode" and not (isinstance(value, int | float) and 0.0 <= value < 1e5):
                say("error", "setting_impossible", f.name, "no time in ms or count", value, "0 to 100000")
        if out:
            return tuple(out)
        if not 300.0 <= self.LRI <= 2000.0:
            say("error", "LRI_range", "LRI", "no lower rate interval in ms", self.LRI, "343 to 2000 ms (175 to 30 /min)",
                "a rate in /min? 60000 / rate is the interval")  # fmt: skip
        if self.LRI < self.AVI:
            say("error", "LRI_below_AVI", "AVI", "longer than the lower rate interval", self.AVI, f"below LRI {self.LRI:g}")
        if self.PVARP + self.AVI > self.LRI:
            say("error", "TARP_over_LRI", "PVARP + AVI", "atrium always refractory at the lower rate", self.PVARP + self.AVI,
                f"at most LRI {self.LRI:g}", "shorten PVARP or AVI")  # fmt: skip
        if self.URI > self.LRI:
            say("error", "URI_over_LRI", "URI", "the upper rate is below the lower", self.URI, f"at most LRI {self.LRI:g}")
        if self.VRP > self.URI and self.senses in "VD":
            say("error", "VRP_over_URI", "VRP", "beats at the upper rate fall into it", self.VRP, f"at most URI {self.URI:g}")
        if self.PVAB > self.PVARP:
            say(
                "error",
                "PVAB_over_PVARP",
                "PVAB",
                "blanking longer than the refractory time",
                self.PVAB,
                f"at most {self.PVARP:g}",
            )
        if self.AVI_min > self.AVI - self.SAV_offset:
            say("error", "AVI_min_over_AVI", "AVI_min", "longer than the AV interval it shortens", self.AVI_min,
                f"at most {self.AVI - self.SAV_offset:g}")  # fmt: skip
        if self.SAV_offset >= self.AVI:
            say("error", "SAV_negative", "SAV_offset", "no AV interval is left after a sensed beat", self.SAV_offset,
                f"below AVI {self.AVI:g}")  # fmt: skip
        if self.safety and self.safety <= self.blanking:
            say("error", "safety_in_blanking", "safety", "ends before blanking does", self.safety, f"above {self.blanking:g}")
        if self.adapts and not self.SRI <= self.LRI:
            say(
                "error",
                "SRI_over_LRI",
                "SRI",
                "the sensor's highest rate is below the lower rate",
                self.SRI,
                f"at most {self.LRI:g}",
            )
        if self.tracks and not out and self.two_to_one < 60000.0 / self.URI:
            say("warning", "URL_over_two_to_one", "URI", "2:1 block comes before the upper rate: a sudden halving instead of "
                "Wenckebach", f"{60000.0 / self.URI:.0f}/min", f"at most {self.two_to_one:.0f}/min at this AVI and PVARP",
                "shorten PVARP or AVI, or lower the upper rate")  # fmt: skip
        return tuple(out)

    def checked(self) -> "Programme":
        """Itself. Raises InputError with the code of the first setting that cannot be, the others behind it."""
        wrong = [f for f in self.findings() if f.severity == "error"]
        if wrong:
            errors = [
                InputError(f"{f.message} [{f.code}]", where=f.record, value=f.value, allowed=f.allowed, remedy=f.remedy)
                for f in wrong
            ]
            first = wrong[0]
            raise InputError(f"{first.message} [{first.code}]", where=first.record, value=first.value, allowed=first.allowed,
                             remedy=first.remedy, others=errors[1:])  # fmt: skip
        return self
