"""The scripts of the page on the ward's clock: what-if, axis and hover over the night the clocks go back."""

from typing import Any

from dosetwin.serve.zone import Zone


def test_scripts_count_hours_and_name_them_by_the_wards_clock(visit: Any, baby: str) -> None:
    page = visit(timezone_id="America/New_York").log_in().page  # the reader's own zone plays no part
    page.goto(baby)
    zone = Zone("Europe/Berlin")
    origin = "2026-10-24T21:40:00+00:00"
    hours = [-6.0, 0.0, 0.5, 2.0, 2.5, 3.0, 3.5, 4.5, 26.25, 300.0]
    found = page.evaluate(
        "([origin, offsets, hours]) => { const c = window.dosetwin.clock(origin, offsets);"
        " return [hours.map(c.text), c.ticks(0, 72, 5).map((t) => t[0])]; }",
        [origin, zone.offsets(origin, -24, 400), hours],
    )
    assert found[0] == [zone.clock(origin, h) for h in hours]
    assert "CEST" in "".join(found[0])
    assert "CET" in found[0][6]
    assert [round(b - a, 3) for a, b in zip(found[1], found[1][1:], strict=False)] == [25.0, 24.0], "midnights"
    spring = "2026-03-28T12:00:00+00:00"
    said = page.evaluate(
        "([o, s]) => [12, 12.99, 13, 13.5].map(window.dosetwin.clock(o, s).text)", [spring, zone.offsets(spring, 0, 99)]
    )
    assert said == ["29 Mar 01:00", "29 Mar 01:59", "29 Mar 03:00", "29 Mar 03:30"]


def test_the_axis_is_labelled_and_follows_a_zoom(visit: Any, baby: str) -> None:
    page = visit().log_in().page
    page.goto(baby)
    page.locator("#curve").scroll_into_view_if_needed()
    page.wait_for_selector('[data-chart="level"] .xtick')
    before = page.locator('[data-chart="level"] .xtick').all_text_contents()
    assert any("Apr" in t for t in before)
    page.evaluate("() => Plotly.relayout(document.querySelector('[data-chart=\"level\"] .drawn'), {'xaxis.range': [10, 16]})")
    page.wait_for_function("(n) => document.querySelectorAll('[data-chart=\"level\"] .xtick').length >= n", arg=5)
    after = page.locator('[data-chart="level"] .xtick').all_text_contents()
    assert any(":00" in t for t in after)
    assert after != before
