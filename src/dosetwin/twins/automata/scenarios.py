"""Hearts to test a pacemaker on: rhythms and faults of leads, each with the settings it is tried with and what should be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from dosetwin.twins.automata.device import Pacemaker
from dosetwin.twins.automata.heart import NEVER, Chance, Conduction, Heart
from dosetwin.twins.automata.programme import Programme
from dosetwin.twins.automata.run import Trace, run

MINUTE = 60_000.0
Seen = Callable[[Trace, Programme], bool]


@dataclass(frozen=True)
class Scenario:
    """``heart`` with ``programme`` for ``ms``; ``expects`` words for what must be seen, ``seen`` whether it was.

    ``device`` False: it is seen of any device that keeps the eight properties; True: it needs a function of the house's device.
    """

    name: str
    text: str
    heart: Heart
    expects: str
    seen: Seen
    programme: Programme = field(default_factory=Programme)
    ms: float = MINUTE
    extra: bool = False


def play(s: Scenario, seed: int = 1, device: Pacemaker | None = None) -> tuple[Trace, Pacemaker]:
    """The scenario with the house's device (or another one); returns the trace and the device at its end."""
    device = Pacemaker(s.programme.checked(), s.heart.activity) if device is None else device
    return run(Conduction(s.heart, Chance(seed)), device, s.ms), device


def share(trace: Trace, marker: str, *of: str) -> float:
    """Of these markers, the share that is ``marker``; 0 where there is none."""
    n = len(trace.times(*of))
    return len(trace.times(marker)) / n if n else 0.0


def rate(trace: Trace) -> float:
    """Beats of the ventricles per minute, whoever made them."""
    return 60_000.0 * len(trace.ventricles) / (trace.end - trace.begin)


def longest_pause(trace: Trace) -> float:
    """ms between two beats of the ventricles, ends included."""
    times = [trace.begin, *(t for t, _ in trace.ventricles), trace.end]
    return max(b - a for a, b in pairwise(times))


def pmt_beats(trace: Trace, programme: Programme) -> int:
    """Ventricular pulses that answered an atrial beat that had come from the ventricles, from the second in a row on."""
    back = sorted(t for t, by in trace.atria if by == "retrograde")
    sensed, n, chain, k, of = set(trace.times("AS")), 0, 0, 0, None
    for t, m in trace.marks:
        if m == "AS":
            while k < len(back) and back[k] < t:
                k += 1
            of = k < len(back) and back[k] == t and t in sensed
        elif m == "AP":
            of = None
        elif m == "VP":
            chain = chain + 1 if of else 0
            n += chain > 1
            of = None
        elif m == "VS":
            chain, of = 0, None
    return n


def dropped(trace: Trace) -> float:
    """Share of the beats of the atria that were not followed by one of the ventricles before the next."""
    atria, times, k, missed = [t for t, _ in trace.atria], [t for t, _ in trace.ventricles], 0, 0
    for a, b in pairwise(atria):
        while k < len(times) and times[k] <= a:
            k += 1
        missed += not (k < len(times) and times[k] <= b)
    return missed / max(len(atria) - 1, 1)


def _near(x: float, y: float, within: float) -> bool:
    return abs(x - y) <= within


_SLOW, _EXERCISE = ((0.0, 1500.0),), ((0.0, 900.0), (20_000.0, 430.0), (60_000.0, 430.0))
_AF = ((5_000.0, 40_000.0, 170.0, 260.0),)
_BLOCK = Heart(block=True)

LIBRARY: Mapping[str, Scenario] = {s.name: s for s in (
    Scenario("sinus_rhythm", "a healthy heart at 71 /min", Heart(), "no ventricular pulse",
             lambda t, p: not t.times("VP"), Programme(AVI=200.0, LRI=1000.0)),
    Scenario("sinus_bradycardia", "a sinus node at 40 /min, conduction intact", Heart(sinus=_SLOW),
             "atrial pulses at the lower rate, own conduction",
             lambda t, p: share(t, "AP", "AP", "AS") > 0.9 and not t.times("VP") and _near(rate(t), 60.0, 4.0),
             Programme(AVI=220.0)),
    Scenario("block_I", "first degree: PR 280 ms", Heart(ante=280.0, erp_av=350.0), "every atrial beat answered after AVI",
             lambda t, p: share(t, "VP", "VP", "VS") > 0.95 and dropped(t) < 0.02),
    Scenario("block_II_wenckebach", "PR grows until a beat is dropped", Heart(longer=40.0, drops_at=300.0),
             "no beat dropped", lambda t, p: dropped(t) < 0.02 and bool(t.times("VP")), Programme(AVI=200.0)),
    Scenario("block_II_mobitz", "every third beat is not conducted", Heart(drop_every=3), "no beat dropped",
             lambda t, p: dropped(t) < 0.02, Programme(AVI=200.0)),
    Scenario("block_III", "no conduction", _BLOCK, "every atrial beat followed by a pulse",
             lambda t, p: share(t, "VP", "VP", "VS") == 1.0 and dropped(t) < 0.02),
    Scenario("exercise_block_III", "no conduction, sinus to 140 /min", replace(_BLOCK, sinus=_EXERCISE),
             "the ventricles at the upper rate, Wenckebach",
             lambda t, p: 0.0 < dropped(t) < 0.4 and _near(60_000.0 / p.URI, _fastest(t), 2.0),
             Programme(PVARP=220.0, AVI=120.0, URI=500.0, MS_ms=330.0, PMT_pairs=0)),
    Scenario("atrial_fibrillation", "35 s of fibrillation, no conduction", replace(_BLOCK, fibrillation=_AF),
             "mode switch on and off again", lambda t, p: bool(t.times("MS")) and bool(t.times("ME")), extra=True),
    Scenario("fibrillation_conducted", "35 s of fibrillation, fast conduction", Heart(fibrillation=_AF, erp_av=320.0),
             "mode switch", lambda t, p: bool(t.times("MS")), extra=True),
    Scenario("flutter_two_to_one", "atria at 240 /min for 35 s, no conduction",
             replace(_BLOCK, fibrillation=((5_000.0, 40_000.0, 250.0, 250.0001),)), "mode switch, not the upper rate for long",
             lambda t, p: bool(t.times("MS")) and rate(t) < 90.0, extra=True),
    Scenario("pvc_retrograde", "extra beats with retrograde conduction of 220 ms, PVARP 250",
             Heart(va=220.0, erp_av=250.0, pvc=(5_300.0, 15_450.0, 30_500.0)), "no endless loop",
             lambda t, p: pmt_beats(t, p) == 0, Programme(AVI=200.0)),
    Scenario("pvc_long_retrograde", "one extra beat, retrograde 330 ms beyond PVARP, block, PMT termination on",
             Heart(sinus=_SLOW, block=True, va=330.0, pvc=(5_500.0,)), "the loop is found and broken",
             lambda t, p: pmt_beats(t, p) > 0 and _breaks(t, p), Programme(PVARP=250.0), extra=True),
    Scenario("pvc_extension", "the same, PVARP longer after an extra beat and 350 ms",
             Heart(sinus=_SLOW, block=True, va=330.0, pvc=(5_500.0,)), "no endless loop",
             lambda t, p: pmt_beats(t, p) == 0, Programme(PVARP=350.0, PVARP_ext=100.0)),
    Scenario("loop_after_atrial_pulse", "no extra beat: a loop begins at the first pulse, VA 300, PVARP 250, termination off",
             Heart(sinus=_SLOW, block=True, va=300.0), "an endless loop at AVI + VA",
             lambda t, p: pmt_beats(t, p) > 50 and _near(_fastest(t), 60_000.0 / 450.0, 1.0),
             Programme(URI=400.0, PMT_pairs=0)),
    Scenario("crosstalk", "the ventricular channel sees atrial pulses after 60 ms, no conduction, slow escape",
             Heart(sinus=_SLOW, block=True, crosstalk=1.0, crosstalk_ms=60.0, escape=6_000.0), "safety pulses, no pause",
             lambda t, p: longest_pause(t) < 1_100.0, extra=True),
    Scenario("crosstalk_blanked", "the same after 20 ms, inside blanking",
             Heart(sinus=_SLOW, block=True, crosstalk=1.0, crosstalk_ms=20.0, escape=6_000.0), "no pause",
             lambda t, p: longest_pause(t) < 1_100.0, extra=True),
    Scenario("far_field", "the atrial channel sees every ventricular beat 120 ms later",
             Heart(far_field=1.0, far_field_ms=120.0), "those are refractory: no tracking",
             lambda t, p: not pmt_beats(t, p) and rate(t) < 80.0, Programme(AVI=200.0)),
    Scenario("undersensing_atrium", "every second P wave is not seen, no conduction", replace(_BLOCK, sense_a=0.5),
             "no pause of the ventricles", lambda t, p: longest_pause(t) < p.LRI + p.AVI),
    Scenario("undersensing_ventricle", "QRS not seen, conduction intact", Heart(sense_v=0.0, ante=140.0),
             "pulses into beats that are not seen", lambda t, p: len(t.lost) > 20, Programme(AVI=200.0)),
    Scenario("oversensing_ventricle", "signals every 700 ms that are no beats, no conduction, VVI",
             replace(_BLOCK, noise_v=((5_000.0, 15_000.0, 700.0),), escape=1_800.0),
             "pacing withheld: only the escape rhythm", lambda t, p: longest_pause(t) > 1_700.0, Programme(mode="VVI")),
    Scenario("loss_of_capture", "every third ventricular pulse is lost, no conduction, escape 1.8 s",
             replace(_BLOCK, capture_v=0.67, escape=1_800.0), "lost pulses, and the escape rhythm",
             lambda t, p: len(t.lost) > 5 and longest_pause(t) > 1_100.0),
    Scenario("noise_reversion", "50 Hz on the ventricular lead, no conduction",
             replace(_BLOCK, noise_v=((5_000.0, 25_000.0, 20.0),), escape=6_000.0), "one beat withheld, then asynchronous pulses",
             lambda t, p: longest_pause(t) <= 2.0 * p.LRI, extra=True),
    Scenario("asynchronous", "a healthy heart under DOO", Heart(), "pulses whatever the heart does",
             lambda t, p: _near(len(t.times("VP")), 60.0, 1.0) and not t.times("AS", "VS"), Programme(mode="DOO")),
    Scenario("asynchronous_AOO", "a healthy heart under AOO", Heart(), "atrial pulses whatever the heart does",
             lambda t, p: _near(len(t.times("AP")), 60.0, 1.0) and not t.times("AS", "VS", "VP"), Programme(mode="AOO")),
    Scenario("asynchronous_VOO", "a healthy heart under VOO", Heart(), "ventricular pulses whatever the heart does",
             lambda t, p: _near(len(t.times("VP")), 60.0, 1.0) and not t.times("AS", "VS", "AP"), Programme(mode="VOO")),
    Scenario("sick_sinus_AAI", "a sinus node at 40 /min under AAI", Heart(sinus=_SLOW), "atrial pulses, own conduction",
             lambda t, p: _near(rate(t), 60.0, 2.0) and not t.times("VP"), Programme(mode="AAI")),
    Scenario("block_VVI", "no conduction under VVI", _BLOCK, "the lower rate", lambda t, p: _near(rate(t), 60.0, 2.0),
             Programme(mode="VVI")),
    Scenario("block_VDD", "no conduction, sinus 71 /min, under VDD", _BLOCK, "every atrial beat followed by a pulse",
             lambda t, p: dropped(t) < 0.02 and not t.times("AP"), Programme(mode="VDD")),
    Scenario("block_DDI", "no conduction, sinus 100 /min, under DDI", replace(_BLOCK, sinus=((0.0, 600.0),)),
             "the lower rate: atrial beats are not followed", lambda t, p: _near(rate(t), 60.0, 2.0), Programme(mode="DDI")),
    Scenario("activity_DDDR", "sinus node at 40 /min, no conduction, walking after 20 s",
             Heart(sinus=_SLOW, block=True, activity=((0.0, 0.0), (20_000.0, 0.0), (40_000.0, 0.7))),
             "the rate follows the sensor",
             lambda t, p: _fastest(t) > 90.0, Programme(mode="DDDR"), extra=True),
)}  # fmt: skip
"""Every scenario by name."""


def _fastest(t: Trace) -> float:
    """/min of the median of the last 20 ventricular intervals."""
    v = t.times("VS", "VP")[-21:]
    gaps = sorted(b - a for a, b in pairwise(v))
    return 60_000.0 / gaps[len(gaps) // 2] if gaps else 0.0


def _breaks(t: Trace, p: Programme) -> bool:
    """Whether an atrial pulse follows a loop: it has ended."""
    loop = [x for x, by in t.atria if by == "retrograde"]
    return any(x > loop[0] + 1_000.0 for x in t.times("AP")) if loop else False


def worst_case(programme: Programme, va: float) -> Heart:
    """A heart in which the settings loop if any does: no conduction down, retrograde conduction of ``va`` ms (inf: none)."""
    return Heart(sinus=_SLOW, block=True, va=va if va < NEVER else NEVER)
