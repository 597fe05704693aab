"""Why somebody should look at a place: a wait longer than promised, no number that keeps the promises, too few open, silence."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dosetwin.serve.live.causes import Cause

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.declare import Therapy
    from dosetwin.twins.place import Known


def causes(therapy: "Therapy", known: "Known", now: float, advice: "Advice | None", silent: timedelta | None) -> list[Cause]:
    """What is known of a place at ``now`` (h on its clock) gives reason to alert about.

    ``silent``: for how long a place whose comings are on record was told nothing; None where they are not on record.
    """
    assert therapy.pool is not None
    of, promised = therapy.pool.of, promise(therapy)
    since = [asked for v in known.visits if v.admitted is None and v.left is None and v.refused is None
             and (asked := v.asked) is not None]  # fmt: skip
    late = [now - t for t in since if promised is not None and now - t > promised]
    out = []
    if late:
        text = f"{len(late)} wait for one of the {of} longer than the promised {promised:g} h, the longest for {max(late):.0f} h"
        out.append(Cause("place_waits", text, "critical"))
    if advice is not None and advice.recommendation.status == "refuse":
        out.append(Cause("place_no_order", f"No number of {of} that may be opened keeps the promises: decide by hand", "warning"))
    elif advice is not None and known.open is not None:
        advised = advice.recommendation.order.get("values", {}).get(of)
        if advised is not None and advised > known.open:
            out.append(Cause("place_short", f"{known.open:g} {of} are open and {advised:g} are advised", "warning"))
    if silent is not None and silent > timedelta(hours=therapy.stale_h):
        days = silent / timedelta(days=1)
        out.append(
            Cause("place_silent", f"Nobody was seen to come or go for {days:.0f} days: is the record still kept?", "warning")
        )
    return out


def promise(therapy: "Therapy") -> float | None:
    """h within which somebody who asks is to be served, as the goals say; None where none does."""
    for goal in therapy.goals:
        r = goal.reading
        if r.what == "wait" and r.how == "share_within" and isinstance(r.level, tuple):
            return float(r.level[1])
    return None


def silence(last: datetime | None, now: datetime, watched: bool) -> timedelta | None:
    """For how long nothing was told, of a place that is watched."""
    return now - last if watched and last is not None else None
