"""The page a patient takes home: each day's dose in milligrams and tablets, what to do about a missed one, when to call."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import floor
from typing import TYPE_CHECKING, Any

from dosetwin.declare.diary import in_tablets
from dosetwin.declare.preparation import in_pieces
from dosetwin.errors import InputError
from dosetwin.report.page import environment

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.advise.pause import Paused

DAYS = 28


def tablets(amount: float, strengths: Sequence[float], unit: str = "mg") -> str:
    """``1 tablet of 3 mg and half a tablet of 1 mg``; "" where these strengths cannot make it."""
    found = in_tablets(amount, strengths)
    return "" if found is None else in_pieces(found, unit)


def diary(
    advice: "Advice", strengths: Sequence[float] = (), paused: "Paused | None" = None, days: int = DAYS, start: date | None = None
) -> dict[str, Any]:
    """What the page says, as plain data: ``rows`` a day each. Raises InputError where there is no order, no diary, no
    calendar, or a dose that these tablets cannot make.
    """
    therapy, order, origin = advice.therapy, advice.regimen, advice.timeline.origin
    words = therapy.diary
    if words is None:
        raise InputError("the therapy has no diary", where="--therapy", value=therapy.name)
    if order is None:
        raise InputError("nothing is recommended, so there is nothing to write into a diary", where=therapy.name,
                         value=advice.recommendation.status)  # fmt: skip
    if origin is None and start is None:
        raise InputError("a diary needs dates, and the record has no calendar", where=therapy.name,
                         remedy="say the date of the coming dose with --start, or send a bundle")  # fmt: skip
    sizes = tuple(strengths) or therapy.drug.tablets
    first = start or (origin + timedelta(hours=order.first_at)).date()  # type: ignore[operator]

    def day_of(time: float) -> date:
        if origin is not None:
            return first + ((origin + timedelta(hours=time)).date() - (origin + timedelta(hours=order.first_at)).date())
        return first + timedelta(days=floor((time - order.first_at) / 24.0 + 0.5))

    given = {day_of(d.time): d.amount for d in order.doses(order.first_at + 24.0 * days - 1e-6)}
    at = None if paused is None else day_of(paused.at)
    sample = advice.recommendation.next_sample
    test = None if sample is None else day_of(order.first_at + sample.after_h)
    rows = []
    for k in range(days):
        day = first + timedelta(days=k)
        amount = given.get(day, 0.0)
        stopped = paused is not None and at is not None and timedelta(0) < at - day <= timedelta(days=paused.advised)
        note = []
        if stopped:
            amount = 0.0
            note.append("pause before the procedure")
        if at == day:
            note.append("procedure; first dose in the evening if the clinic agrees")
        if test == day:
            note.append(f"{therapy.watched} test")
        pieces = tablets(amount, sizes, therapy.drug.unit) if amount else "none"
        if not pieces:
            raise InputError("these tablets cannot make the dose", where="--tablets", value=f"{amount:g} {therapy.drug.unit}",
                             allowed=", ".join(f"{s:g}" for s in sizes) + ", halves too",
                             remedy="name the strengths there are")  # fmt: skip
        rows.append({"date": day.isoformat(), "weekday": day.strftime("%A"), "amount": amount, "unit": therapy.drug.unit,
                     "tablets": pieces, "note": "; ".join(note)})  # fmt: skip
    return {"drug": therapy.drug.text, "watched": therapy.watched, "rows": rows, "missed": words.missed, "call": words.call,
            "habits": words.habits, "source": words.source,
            "patient": advice.timeline.patient.label or advice.timeline.patient.id,
            "tablets": [f"{s:g} {therapy.drug.unit}" for s in sizes], "test": None if test is None else test.isoformat(),
            "synthetic": advice.timeline.patient.synthetic,
            "pause": None if paused is None or words.pause is None else {
                **paused.to_json(), "date": at.isoformat() if at else "", "bridge": words.pause.bridge,
                "source": words.pause.source, "below": words.pause.below}}  # fmt: skip


def page(told: dict[str, Any]) -> str:
    """The diary as a page to print."""
    return environment().get_template("diary.html.j2").render(**told)
