"""The page hears news from the stream, asks where the stream breaks, and leaves when the session is over."""

import time
from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from dosetwin.serve.auth.demo_users import USERS
from dosetwin.serve.store.facts import NewFact


def recorded(served: Any, baby: str, value: float) -> None:
    """A weight arrives and the twin is worked in anew."""
    service, id_ = served.service, baby.rpartition("/")[2]
    at = served.clock.at - timedelta(minutes=1) + timedelta(seconds=time.monotonic() % 50)
    fact = NewFact.model_validate({"at": at, "body": {"kind": "covariate", "name": "WT", "value": value, "unit": "kg"}})
    service.change(USERS["pharmacist"], lambda conn, reach: service.ledger.record(conn, reach.who, [(id_, fact)], reach.now))
    service.refresh(id_)


def test_the_ward_list_is_told_and_a_page_nobody_works_in_shows_the_new_twin(served: Any, visit: Any, baby: str) -> None:
    v = visit().log_in()
    expect(v.page.locator("body[data-news=stream]")).to_be_visible()
    expect(v.page.locator("[data-live]")).to_have_text("live")
    asked: list[str] = []
    v.page.on("request", lambda r: asked.append(r.url))
    other = visit().log_in("Vera Viewer")
    other.page.goto(baby)
    expect(other.page.locator("body[data-news=stream]")).to_be_visible()
    before = other.page.locator("body").get_attribute("data-state")
    recorded(served, baby, 1.31)
    v.page.locator("tr.changed").first.wait_for(timeout=30_000)
    other.page.wait_for_function("(s) => document.body.dataset.state !== s", arg=before, timeout=30_000)
    assert not any("/news?" in url for url in asked), "nothing is asked while the stream stands"


def test_a_stream_that_breaks_is_replaced_by_asking(served: Any, visit: Any, baby: str) -> None:
    v = visit()
    v.page.route("**/news/stream*", lambda route: route.fulfill(status=503, body=""))
    v.log_in()
    expect(v.page.locator("body[data-news=asking]")).to_be_visible()
    expect(v.page.locator("[data-live]")).to_have_text("live")
    v.page.wait_for_timeout(1200)
    recorded(served, baby, 1.32)
    v.page.locator("tr.changed").first.wait_for(timeout=30_000)
    assert all("503" in said for said in v.wrong)
    v.wrong.clear()


def test_a_screen_whose_session_is_over_shows_nobody(served: Any, visit: Any, baby: str) -> None:
    v = visit().log_in()
    expect(v.page.locator("body[data-news=stream]")).to_be_visible()
    tab = v.context.new_page()
    tab.goto(baby)
    expect(tab.locator("body[data-news=stream]")).to_be_visible()
    third = v.context.new_page()
    third.goto(baby)
    third.get_by_role("button", name="Sign out").click()
    third.wait_for_url("**/login*")
    expect(v.page.get_by_role("button", name="Phil Pharmacist")).to_be_visible(timeout=15000)
    expect(tab.get_by_role("button", name="Phil Pharmacist")).to_be_visible(timeout=15000)
    assert [w for w in v.wrong if "401" not in w] == []
    v.wrong.clear()
