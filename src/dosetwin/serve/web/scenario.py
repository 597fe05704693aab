"""The infection of a declared scenario beside the advice: expected counts under the regimen, and what a controller would plan.

Research only, asked for by hand, marked as such wherever it is shown: constants of the infection are partly assumed, and the
recommendation does not depend on it.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.records import DoseOrder
from dosetwin.report import narrative
from dosetwin.serve.web.charts import BandOf, Chart, DoseOf, LineOf, rounded
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice

PACK, ORGANISM = "peak_driven", "e_coli"
DRAWS = 200
AHEAD_H, BACK_H = 96.0, 240.0
DT = 0.5
FLOOR = -2.0
"""log10 of an expected count below which a curve is not followed: a hundredth of a bacterium."""


def scenario(advice: "Advice", zone: Zone) -> dict[str, Any]:
    """For the page: ``text``, ``rows`` (what a controller tried), ``outcomes`` and ``charts``; ``{"text": why not}`` without one.

    Raises InputError for a drug or a model the scenario does not know.
    """
    from dosetwin.advise.ahead import lines, plan_ahead

    planned = plan_ahead(advice, scenario=PACK, organism=ORGANISM)
    if not planned:
        return {"text": "Not asked: a level contradicts the model.", "rows": [], "charts": {}, "outcomes": [], "note": ""}
    rows = [
        {
            "plan": "; ".join(f"{d['mg']:g} mg {zone.short(d['at'])}" for d in o["plan"]) or "no further dose",
            "chosen": o is planned["chosen"] or o == planned["chosen"],
            "standard": narrative.rules([planned["standard_rule"]]) if o["standard_rule"] else "",
            "eradicated": narrative.percent(o["p_eradicated"]),
            "resistant": narrative.percent(o["p_resistant"]),
            "toxic": narrative.percent(o["p_trough_toxic"]),
            "loss": f"{o['loss']:.2f}",
        }
        for o in planned["options"]
    ]
    charts, outcomes = _course(advice, zone)
    return {"text": lines(planned)[0], "note": lines(planned)[1], "rows": rows, "charts": charts, "outcomes": outcomes}


def _course(advice: "Advice", zone: Zone) -> tuple[dict[str, Chart], list[dict[str, str]]]:
    """Expected counts from the first dose of the last ten days to four days ahead, with the recommended regimen or none."""
    from dosetwin.outcomes.infection.course import run
    from dosetwin.outcomes.infection.draws import DRAWS as ROWS
    from dosetwin.outcomes.infection.draws import draw_infections
    from dosetwin.outcomes.infection.mic import distribution
    from dosetwin.outcomes.infection.packs import pack
    from dosetwin.simulate import predict, schedule_for
    from dosetwin.streams import row_uniforms

    lead = int(np.argmax(advice.weights))
    model, now = advice.models[lead], advice.now
    given = [e for d in advice.asked.doses for e in d.expanded() if now - e.time <= BACK_H]
    start = min([e.time for e in given], default=now)
    time = start + DT * np.arange(int(np.ceil((now + AHEAD_H - start) / DT)) + 1)
    eta = advice.beliefs[lead].draws[:DRAWS]
    name = model.measured_by(advice.therapy.drug.name) or next(iter(model.outputs))
    plans: list[DoseOrder | None] = [advice.dosed, None] if advice.dosed else [None]
    levels, ok = [], np.ones(len(eta), dtype=bool)
    for plan in plans:
        doses = plan.doses(float(time[-1]) - 1e-6) if plan else ()
        found = predict(model, schedule_for(model, advice.asked, time, extra_doses=doses), eta)
        ok &= found.ok
        levels.append(np.maximum(found.value[:, :, list(model.outputs).index(name)], 0.0))
    kept = np.stack([v[ok] for v in levels])
    n = kept.shape[1]
    u = row_uniforms(advice.seed, "page/infection", n, len(ROWS))
    MIC, of = advice.question.facts.get("MIC"), distribution(ORGANISM)
    of = of if MIC is None else of.updated(MIC)
    weight = float(advice.recommendation.provenance["weight_kg"])
    infections = draw_infections(pack(PACK), n, uniforms=u, organism=ORGANISM, mic=of.quantile(u[:, 0]), WT=weight)
    out = run(kept, DT, infections, series=True)
    assert out.series is not None
    names = ["with the recommended regimen", "without any further dose"] if len(plans) == 2 else ["without any further dose"]
    outcomes = [
        {
            "name": names[k],
            "eradicated": narrative.percent(float(out.p_erad[k].mean())),
            "resistant": narrative.percent(float(out.p_resistant[k].mean())),
        }
        for k in range(len(plans))
    ]
    origin = advice.timeline.origin.isoformat() if advice.timeline.origin else None
    counts = np.maximum(out.series[0], FLOOR)  # [n, T, 2]
    total = np.log10(10.0 ** counts[:, :, 0] + 10.0 ** counts[:, :, 1])
    share = 10.0 ** (counts[:, :, 1] - total)
    share[total <= FLOOR + 0.5] = 0.0
    few = np.unique(np.concatenate([np.arange(0, len(time), 4), [len(time) - 1]]))
    doses = tuple(DoseOf(e.time, f"{e.amount:g} mg given") for e in given)
    if advice.regimen:
        doses += tuple(DoseOf(d.time, f"{d.amount:g} mg recommended", True) for d in advice.regimen.doses(float(time[-1]) - 1e-6))

    def chart(code: str, title: str, unit: str, values: np.ndarray, alt: str) -> Chart:
        low, middle, high = np.quantile(values[:, few], (0.05, 0.5, 0.95), axis=0)
        hours = time[few]

        def shown(v: float) -> str:
            return f"{max(v, 0.0):.1f}"

        step = max(len(few) // 12, 1)
        rows = tuple(
            (zone.clock(origin, float(hours[i])), f"{hours[i]:.0f}", shown(middle[i]), f"{shown(low[i])} to {shown(high[i])}")
            for i in range(0, len(few), step)
        )
        return Chart(
            code, title, unit, f"{title.lower()}, {unit}", origin, float(time[0]), float(time[-1]), now, rounded(hours, 7),
            (BandOf("90 % of draws", "forecast90", rounded(np.maximum(low, 0.0)), rounded(np.maximum(high, 0.0))),),
            (LineOf("median", "forecast", rounded(np.maximum(middle, 0.0))),), doses=doses, alt=alt,
            head=("when", "h", f"median, {unit}", "90 % of draws"), rows=rows, zone=zone,
        )  # fmt: skip

    what = "under the recommended regimen" if advice.regimen else "without any further dose"
    load = chart(
        "load", "Bacterial load", "log10", total, f"Expected number of bacteria, log10, {what}. The table has the numbers."
    )
    resistant = chart(
        "resistant", "Less susceptible fraction", "%", 100.0 * share,
        f"Share of less susceptible bacteria among the expected ones, in percent, {what}. The table has the numbers.",
    )  # fmt: skip
    return {"load": load, "resistant": resistant}, outcomes
