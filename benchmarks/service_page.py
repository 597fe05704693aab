"""A new level to the advice that a reader sees: a page open and untouched in Chromium, until the new answer stands there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

SHOWN = """(before) => document.body?.dataset.state && document.body.dataset.state !== before
  && document.querySelector('.answer') && document.querySelector('#curve svg')"""
"""Another state of the twin, its answer and the picture of its curve are in the page."""


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium, or None where it or Playwright is missing."""
    from chromium import chromium

    path = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield None
        return
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


def session(environment: dict[str, str], wards: frozenset[str]) -> str:
    """A login put into the store, as the provider's answer would put it: the token of its cookie."""
    from dosetwin.serve.auth import sessions
    from dosetwin.serve.auth.principal import Principal
    from dosetwin.serve.settings import Settings
    from dosetwin.serve.store import Store

    who = Principal("oidc:bench-reader", name="Bench Reader", roles=frozenset({"pharmacist"}), wards=wards)
    store = Store(Settings.from_environment(environment).url, migrate=False)
    token, _ = store.write(lambda conn: sessions.begin(conn, who, datetime.now(UTC), timedelta(hours=2)))
    store.close()
    return token


def seen(chromium: Any, url: str, token: str, babies: list[str], report_level: Callable[[str, int], object]) -> list[float]:
    """Seconds from a reported level to the new advice and its curve on the open page, one baby after another."""
    from dosetwin.serve.auth.sessions import COOKIE

    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
    page = context.new_page()
    taken = []
    for k, id_ in enumerate(babies):
        page.goto(f"{url}/patient/{id_}")
        page.locator("body[data-news=stream]").wait_for(timeout=30_000)
        before = page.get_attribute("body", "data-state")
        began = time.perf_counter()
        report_level(id_, k)
        page.wait_for_function(SHOWN, arg=before, timeout=60_000)
        taken.append(time.perf_counter() - began)
    context.close()
    return taken
