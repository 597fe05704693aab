"""Doses that cannot be, or are no dose anybody gives of this drug."""

from bisect import bisect_right
from collections.abc import Iterator

from dosetwin.checks.believable import drug_of, one_dose
from dosetwin.checks.named import SAME, is_newborn, named
from dosetwin.declare.drug import OneDose
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.timeline import Timeline


def doses(timeline: Timeline) -> Iterator[Finding]:
    """Amounts, routes and times of infusion that its drug is not given in."""
    # a weight that is itself a finding would only make every dose one too
    weights = [(t, w) for t, w in timeline.series("WT") if QUANTITIES["WT"].holds(w, is_newborn(timeline, t))]
    weighed = [t for t, _ in weights]
    infused = {d.drug or timeline.drug for d in timeline.doses if d.duration > 0}
    for d in timeline.doses:
        record = named(d.record, "dose", d.time)
        name = d.drug or timeline.drug
        of = drug_of(name)
        if not d.amount > 0:
            yield Finding("error", "dose_without_amount", record, "a dose without amount", d.amount, f"> 0 {of.unit}",
                          "give the amount")  # fmt: skip
            continue
        if d.duration < 0 or d.duration > of.longest_h:
            yield Finding("error", "infusion_implausible", record, f"an infusion over {d.duration:g} h", d.duration,
                          f"0 to {of.longest_h:g} h", "check the rate, the duration and their units")  # fmt: skip
        elif d.duration > of.long_h or (d.duration == 0 and name in infused and of.long_h <= 4.0):
            yield Finding("warning", "infusion_unusual", record,
                          f"an infusion over {d.duration:g} h" if d.duration else "given at once, others were infused",
                          d.duration, f"up to {of.long_h:g} h", "check the duration")  # fmt: skip
        size = one_dose(name)
        kg = 1.0
        if size.per_kg:
            k = bisect_right(weighed, d.time + SAME)
            known = weights[max(k - 1, 0)][1] if weights else timeline.patient.BW
            if known is None or not known > 0:
                continue
            kg = known
        yield from _size(d, record, name, of.unit, size, kg, is_newborn(timeline, d.time))


def _size(d: DoseEvent, record: str, drug: str, unit: str, size: OneDose, kg: float, newborn: bool) -> Iterator[Finding]:
    """Whether one dose can be, and is usual; ``kg`` 1 where the weight does not count."""
    each = d.amount / kg
    said = f"{d.amount:g} {unit}" + (f" is {each:.3g} {size.unit}" if size.per_kg else "")

    def allowed(low: float, high: float) -> str:
        told = f"{_plainly(low * kg)} to {_plainly(high * kg)} {unit}"
        return f"{told} ({low:g} to {high:g} {size.unit})" if size.per_kg else told

    usual = size.usually(newborn)
    if not size.low <= each <= size.high:
        yield Finding("error", "dose_implausible", record, said, d.amount, allowed(size.low, size.high),
                      _meant(d.amount, kg, usual, unit, size.per_kg) or "check the amount, its unit and the weight")  # fmt: skip
    elif not usual[0] <= each <= usual[1]:
        yield Finding("warning", "dose_unusual", record,
                      f"{said}, {'below' if each < usual[0] else 'above'} what is usual for {drug}", d.amount, allowed(*usual),
                      _meant(d.amount, kg, usual, unit, size.per_kg) or "confirm or correct it")  # fmt: skip


def _plainly(x: float) -> str:
    """Three digits without an exponent up to a million: ``4800``, not ``4.8e+03``."""
    return f"{float(f'{x:.3g}'):g}"


def _meant(amount: float, kg: float, usual: tuple[float, float], unit: str, per_kg: bool) -> str:
    """What may have been meant by an amount that is not believed; "" where nothing fits."""
    low, high = usual
    if per_kg and low <= amount <= high and not low <= amount / kg <= high:
        return f"{_plainly(amount * kg)} {unit} if {amount:g} was {unit}/kg"
    if unit != "mg":
        return ""
    for factor, text in ((1000.0, "g"), (0.001, "ug")):
        if low <= amount * factor / kg <= high:
            return f"{_plainly(amount * factor)} mg if {amount:g} was {text}"
    return ""
