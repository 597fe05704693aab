"""A ward followed as a place, in a browser: an empty page says what is missing; told, it answers; beds opened are on record."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dosetwin import formulary
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.places.facts import NewPlaceFact

WARD, DAYS = "MED-demo", 30


@pytest.fixture
def followed(served: Any) -> Iterator[Any]:
    """The demo's medical ward, followed as a place."""
    served.service.places.of[WARD] = formulary.therapy("bed_pool")
    yield served
    del served.service.places.of[WARD]


def told(now: Any) -> list[NewPlaceFact]:
    """Thirty days of 5 arrivals a day and stays of 48 h in 14 beds."""
    rng, begin = np.random.default_rng(5), now - timedelta(days=DAYS)
    bodies: list[tuple[Any, dict[str, Any]]] = [(begin, {"kind": "beds_open", "beds": 14}), (begin, {"kind": "watch_began"})]
    for k, hour in enumerate(np.cumsum(rng.exponential(24 / 5, DAYS * 8))):
        came = begin + timedelta(hours=float(hour))
        went = came + timedelta(hours=float(rng.exponential(48.0)))
        for what, at in ("asked", came), ("admitted", came), ("left", went):
            if at < now:
                bodies.append((at, {"kind": "visit_seen", "name": f"v{k}", "what": what}))
    return [NewPlaceFact(at=at, body=body) for at, body in bodies]  # type: ignore[arg-type]


def test_a_place_is_followed(visit: Any, followed: Any) -> None:
    someone = visit(width=1366, height=900).log_in()
    page = someone.page
    page.get_by_role("link", name="Beds").click()
    assert "nothing is on record yet" in page.locator("main").inner_text()
    followed.service.places.record(THE_SERVICE, WARD, told(followed.clock.now()))
    page.reload()
    text = page.locator("main").inner_text()
    for part in ("Recommended", "Set beds", "within 4 h", "square root", "visits seen", "everybody who comes is on record"):
        assert part in text, part
    advised = int(page.locator("#beds").input_value())
    assert 12 <= advised <= 26
    assert page.locator("svg.chart").bounding_box()["width"] > 600
    someone.shot("beds", full_page=True)
    page.locator("#beds").fill(str(advised - 2))
    page.get_by_label("Why, if another number than advised").fill("two nurses short")
    page.get_by_role("button", name="Record").first.click()
    page.wait_for_load_state()
    assert f"{advised - 2} beds open; {advised} were advised (two nurses short)" in page.locator("main").inner_text()
    assert page.locator(".tile b").first.inner_text() == str(advised - 2)
    # what cannot be is said beside the field, and what was typed stays
    page.evaluate("() => document.querySelector('#beds').form.noValidate = true")
    page.locator("#beds").fill("-3")
    page.get_by_role("button", name="Record").first.click()
    page.wait_for_load_state()
    assert "a whole number" in page.locator("#w-beds").inner_text()
    assert page.locator("#beds").input_value() == "-3"
    someone.wrong = [w for w in someone.wrong if "422" not in w]  # the browser's own word for an answer that was asked for
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
