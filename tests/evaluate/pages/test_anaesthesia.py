"""Every number of the page on anaesthesia is inside its band; a wrong ke0 would be found out."""

from dosetwin.evaluate.pages import anaesthesia
from dosetwin.evaluate.pages.anaesthesia import numbers, patients
from dosetwin.structure import tci


def test_every_number_agrees() -> None:
    found = numbers.checks()
    assert [(c.check, c.published, c.simulated) for c in found if not c.passed] == []
    assert len(found) == 88
    assert {c.provenance for c in found} == {"derived", "secondary", "recalled"}
    assert "effect site's peak" in anaesthesia.markdown(found, n=50, seed=1)


def test_a_wrong_ke0_would_be_found_out() -> None:
    d = numbers.disposition("propofol_marsh_1991", numbers.MAN)
    wrong = d._replace(KE0=1.21 * 60.0)  # the modified pump's
    at, _ = tci.peak_time(wrong)
    assert not numbers.check("x", "x", "x", 3.919, at * 60.0, 3e-3).passed


def test_reading_the_monitor_helps_virtual_patients() -> None:
    found = {c.check: c for c in patients.checks(6, 3)}
    gain = found["virtual.forecast"]
    assert dict(gain.extra)["twin"] < dict(gain.extra)["prior"]
    assert found["virtual.twin_less_target.depth"].simulated > 0.0
    assert [c.to_json() for c in patients.checks(2, 3)] == [c.to_json() for c in patients.checks(2, 3)]
