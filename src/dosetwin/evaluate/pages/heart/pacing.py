"""Pacemaker timing against closed forms: endless loops, 2:1 block and Wenckebach, and the eight properties over the library."""

from dataclasses import replace
from itertools import pairwise

from dosetwin.evaluate.check import Check, near
from dosetwin.twins.automata import Chance, Conduction, Heart, Pacemaker, Programme, Trace
from dosetwin.twins.automata import run as played
from dosetwin.twins.automata.examine import coverage, examine
from dosetwin.twins.automata.properties import PROPERTIES, SOURCE
from dosetwin.twins.automata.scenarios import dropped, worst_case

NAME, TITLE = "pacing", "Pacemaker"
TEXT = (
    "An endless loop is possible exactly where retrograde conduction (VA) outlasts PVARP, with a cycle of max(URI, AVI + VA); "
    "2:1 block begins at 60000 / (AVI + PVARP); under an upper rate below that, AV intervals grow by URI - PP until the next P "
    "wave falls into PVARP: int((PP - PVARP - AVI) / (URI - PP)) + 2 are followed and one is not. The eight properties are those "
    "that were proved of the published automata; here they are checked on traces, which can refute them and prove nothing."
)
CLOSED = "closed form"
LONG = 120_000.0


def run(*, n: int, seed: int) -> list[Check]:
    """Every check of timing; nothing but fibrillation is drawn."""
    found = []
    for va, PVARP, cycle in ((200.0, 100.0, 400.0), (200.0, 250.0, 1000.0), (300.0, 150.0, 450.0)):
        p = Programme(URI=400.0, PVARP=PVARP, PMT_pairs=0, MS_ms=0)
        times = _run(worst_case(p, va), p, seed).times("VP")
        found.append(_check(f"loop_{va:.0f}_{PVARP:.0f}", f"ventricular cycle, VA {va:.0f}, PVARP {PVARP:.0f}, AVI 150, URI 400",
                            cycle, times[-1] - times[-2], 1e-6, "ms"))  # fmt: skip
    p = Programme(URI=400.0, PVARP=150.0, MS_ms=0)
    ended = _run(worst_case(p, 300.0), p, seed)
    found.append(_check("loop_ended", "the loop of 450 ms ends in an atrial pulse with PMT termination (1: it does)", 1.0,
                        float(any(t > 5_000.0 for t in ended.times("AP"))), 0.0, "1"))  # fmt: skip
    sharp = Programme(URI=300.0, PVARP=250.0, VRP=200.0, MS_ms=0, PMT_pairs=0)
    for rate, expected in ((149.0, 0.0), (151.0, 0.5)):
        heart = Heart(sinus=((0.0, 60_000.0 / rate),), block=True)
        found.append(_check(f"two_to_one_{rate:.0f}", f"atrial beats dropped at {rate:.0f} /min, AVI 150, PVARP 250", expected,
                            dropped(_run(heart, sharp, seed)), 0.01, "1"))  # fmt: skip
    wide = Programme(URI=500.0, PVARP=220.0, AVI=120.0, MS_ms=0, PMT_pairs=0)
    heart = Heart(sinus=((0.0, 430.0),), block=True)
    group = int((430.0 - wide.PVARP - wide.AVI) / (wide.URI - 430.0)) + 2
    found.append(_check("wenckebach", f"atrial beats dropped at 140 /min, upper rate 120 /min ({group + 1}:{group})",
                        1.0 / (group + 1), dropped(_run(heart, wide, seed)), 0.01, "1"))  # fmt: skip
    random = Heart(fibrillation=((0.0, LONG, 300.0, 1000.0),), block=True)
    v = _run(random, replace(wide, MS_ms=400.0), seed).times("VP")
    least = min(b - a for a, b in pairwise(v))
    found.append(_least("upper_rate", "shortest interval of pulses, atria self-activated every 300 to 1000 ms", 500.0, least,
                        "ms", SOURCE, "the case study's requirement"))  # fmt: skip
    library = examine(seed=seed)
    for k, (name, text, _) in enumerate(PROPERTIES):
        broken = float(sum(e.verdicts[k].holds is False for e in library))
        found.append(_check(f"property_{name}", f"scenarios that break: {text}", 0.0, broken, 0.0, "1", SOURCE))
    unseen = float(sum(not e.seen for e in library))
    found.append(
        _check("seen", f"of {len(library)} scenarios, those without what must be seen", 0.0, unseen, 0.0, "1", "the library")
    )
    share, never = coverage(library)
    found.append(_least("coverage", f"transitions taken by some scenario (never: {', '.join(never) or 'none'})", 0.95, share, "1",
                        "transitions of the house's automata", "95 % asked for"))  # fmt: skip
    return found


def _run(heart: Heart, programme: Programme, seed: int) -> Trace:
    return played(Conduction(heart, Chance(seed)), Pacemaker(programme.checked()), LONG)


def _check(name: str, text: str, exact: float, got: float, within: float, unit: str, source: str = CLOSED) -> Check:
    kind = "derived" if source == CLOSED else "secondary"
    return near("heart", f"{NAME}.{name}", text, "pacemaker", source, kind, exact, got, within, unit, "exact")


def _least(name: str, text: str, least: float, got: float, unit: str, source: str, why: str) -> Check:
    passed = got >= least - 1e-6
    return Check("heart", f"{NAME}.{name}", "pacemaker", source, "secondary", least, got, 0.0, (least - 1e-6, 1e5), unit, passed,
                 "" if passed else "not yet explained", text, why)  # fmt: skip
