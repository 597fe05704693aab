"""A pacemaker: what its timing aims at over a test of rest and exercise, and two rules it is usually set by."""

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import Between, Reading

DRUG = drug("pacemaker", unit="1", measured=False, device=True)

TEST = Between(0.0, 200.0 / 3600.0)
"""The whole test: a minute of rest, a minute of rising effort, a minute at the patient's peak, 20 s after."""
EFFORT = Between(120.0 / 3600.0, 180.0 / 3600.0)
DELIVERED = {"AVI": 150.0, "AVI_min": 0.0, "PVARP": 250.0, "URI": 500.0}


def _nominal(facts: Facts) -> Sets | str:
    return Sets(DELIVERED, "as delivered")


def _behind_va(facts: Facts) -> Sets | str:
    va = facts.number("VA")
    if va is None:
        return "needs the retrograde conduction time VA, not measured"
    if va > 1e4:
        return "no retrograde conduction was found: PVARP is not bound by it"
    PVARP = 10.0 * round((va + 50.0) / 10.0 + 0.499)
    if PVARP > 500.0:
        return f"PVARP of {PVARP:g} ms is more than a device has"
    return Sets({**DELIVERED, "PVARP": max(PVARP, 150.0)}, f"VA {va:.0f} ms and 50 ms")


NOMINAL = Rule("nominal", "As delivered: AVI 150, PVARP 250, upper rate 120 /min",
               "PACEMAKER System Specification, Boston Scientific 2007 (recalled)", "recalled", (), _nominal,
               ward="as delivered")  # fmt: skip
BEHIND_VA = Rule("behind_va", "PVARP 50 ms behind measured retrograde conduction", "textbook practice (recalled)", "recalled",
                 (), _behind_va, ward="VA + 50")  # fmt: skip

PACING_DDD = Therapy(
    name="pacing_ddd",
    drug=DRUG,
    population="adults with a dual-chamber pacemaker",
    models=(),
    menu=Settings(
        {"PVARP": (200.0, 250.0, 280.0, 320.0, 360.0), "URI": (429.0, 500.0)},
        {("AVI", "AVI_min"): ((120.0, 0.0), (150.0, 0.0), (150.0, 70.0), (200.0, 0.0), (200.0, 70.0), (250.0, 100.0))},
    ),
    goals=(
        Goal("no_loop", Reading("loop", "mean", TEST, name="share"), None, 0.01, "1", 3.0, 0.2,
             "share of ventricular events in a pacemaker-mediated loop",
             "a loop begins wherever retrograde conduction outlasts PVARP (closed form); the share is assumed",
             min_probability=0.95, closed=True, help="switch PMT termination on, and a longer PVARP after an extra beat, or DDI"),
        Goal("no_block", Reading("dropped", "mean", EFFORT, name="share"), None, 0.25, "1", 2.0, 0.3,
             "share of atrial beats dropped at peak effort",
             "half of them are at 2:1; a quarter is Wenckebach a patient bears (assumed)", min_probability=0.90, closed=True,
             help="a shorter PVARP or AVI, a rate-dependent one, or a higher upper rate"),
        Goal("paced", Reading("paced", "mean", TEST, name="share"), None, None, "1", 0.5, 1.0,
             "share of ventricular events paced",
             "Sweeney 2003, Circulation 107:2932: every 10 % more raises heart failure (recalled); the price is assumed",
             joint=False, price=True),
    ),
    limits=(),
    rules=(NOMINAL, BEHIND_VA),
    kind="patient",
    typical={},
    horizon_h=1.0,
    stale_h=24.0 * 365,
    tie_loss=0.01,
    source="goals are the published properties of DDD timing; weights, shares and chances are assumed",
    note="timing only: no haemodynamics, so that an AV delay is judged by what it paces, not by filling",
)  # fmt: skip
