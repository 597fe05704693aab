"""A pool of beds: how many to keep open so that few wait long, and the rules of thumb beds are planned by."""

import math

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Settings
from dosetwin.declare.pool import Arrivals, Exponential, Lognormal, Pool
from dosetwin.declare.reading import Between, Reading
from dosetwin.structure import queues

DRUG = drug("beds", unit="1", measured=False, device=True)

POOL = Pool(
    "ward_beds",
    "Like beds of one ward, taken in turn.",
    arrivals=Arrivals(5.0, 2.0, source="assumed: soon outweighed by what is seen, worth two days of watching"),
    stay=(
        Lognormal(48.0, 0.9, 0.7, 0.25, source="assumed: stays are skewed; median known within a factor of two"),
        Exponential(60.0, 2.0, source="assumed: as good a guess before anything is seen, worth two stays"),
    ),
    population="hospital wards",
)


def load(facts: Facts) -> float:
    """Beds that would be taken if there were no end of them: arrivals per h times the mean stay; at least 1."""
    return max(facts.number("LOAD") or 0.0, 1.0)


def _square_root(facts: Facts) -> Sets | str:
    a = load(facts)
    return Sets({"beds": float(math.ceil(a + 1.28 * math.sqrt(a)))}, f"load {a:.1f}, and 1.28 times its square root")


def _occupancy(facts: Facts) -> Sets | str:
    a = load(facts)
    return Sets({"beds": float(math.ceil(a / 0.85))}, f"load {a:.1f} at 85 % occupancy")


def _erlang_c(facts: Facts) -> Sets | str:
    a, stay = load(facts), facts.number("STAY") or 0.0
    if stay <= 0.0:
        return "the mean stay is not known"
    beds = next(c for c in range(math.floor(a) + 1, math.floor(a) + 10_000) if queues.waits_longer(c, a, stay, WAIT_H) <= LATE)
    return Sets(
        {"beds": float(beds)}, f"load {a:.1f}, stays of {stay:.0f} h: at most {100 * LATE:g} % wait longer than {WAIT_H:g} h"
    )


WAIT_H, LATE = 4.0, 0.05
"""What is promised: h within which a bed is found, and the share of whom it may not hold."""
SQUARE_ROOT = Rule(
    "square_root_staffing", "Square-root staffing, safety 1.28",
    "Halfin and Whitt 1981, Oper Res 29:567; safety of a normal 90 % (Kolesar and Green 1998, Prod Oper Manag 7:282; recalled)",
    "recalled", ("LOAD",), _square_root, ward="square root",
)  # fmt: skip
OCCUPANCY_85 = Rule(
    "occupancy_85", "A mean occupancy of 85 %", "Bagust 1999, BMJ 319:155: risks are discernible above about 85 % (recalled)",
    "recalled", ("LOAD",), _occupancy, ward="85 %",
)  # fmt: skip

ERLANG_C = Rule(
    "erlang_c", "Erlang's formula for the promised wait",
    "M/M/c with the mean load and stay believed (Erlang 1917; Gross and Harris, Fundamentals of Queueing Theory; recalled)",
    "recalled", ("LOAD", "STAY"), _erlang_c, ward="Erlang C",
)  # fmt: skip

DAYS = Between(0.0, 14.0, "d")
ASSUMED = "assumed: set what your hospital promises"

BED_POOL = Therapy(
    name="bed_pool",
    drug=DRUG,
    population="a ward's beds over the coming two weeks",
    models=(),
    kind="place",
    pool=POOL,
    menu=Settings({"beds": tuple(round(0.7 + 0.05 * k, 2) for k in range(33))}, per={"beds": load}, steps={"beds": 1.0}),
    goals=(
        Goal("wait", Reading("wait", "share_within", DAYS, level=(0.0, WAIT_H), name="within 4 h"), 1.0 - LATE, None, "", 2.0,
             0.5, "share of those who come that lie in a bed within 4 h", ASSUMED, min_probability=0.80, closed=True,
             help="more beds than the menu holds, shorter stays, or another ward for some of those who come"),
        Goal("refused", Reading("refused", "mean", DAYS, name="share"), None, 0.02, "1", 2.0, 0.2,
             "share of those who come that are sent away", ASSUMED, closed=True),
        Goal("beds_open", Reading("beds", "mean", DAYS, name="open"), None, None, "1", 1.0, 50.0, "beds kept open",
             "assumed: fifty beds cost as much as half of all missed promises", joint=False, price=True),
    ),
    limits=(),
    rules=(SQUARE_ROOT, OCCUPANCY_85, ERLANG_C),
    typical={"LOAD": 10.0, "STAY": 48.0},
    shown=((Reading("occupancy", "mean", DAYS, name="mean"), "course"), (Reading("wait", "max", DAYS, name="longest"), "course"),
           (Reading("wait", "share_within", DAYS, level=(0.0, WAIT_H), name="within 4 h"), "course"),
           (Reading("refused", "mean", DAYS, name="share"), "course")),
    horizon_h=14 * 24.0,
    stale_h=48.0,
    tie_loss=0.005,
    source="the queue is Erlang's with stays of any shape; promises and prices are assumed and declared here",
    note="who waits is taken in turn and nobody gives up; the same arrivals and stays are played for every number of beds",
)  # fmt: skip
