"""What the browser tests share: a demo service on loopback, its clock at the bundled case, and Chromium (or a skip)."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (pip install 'dosetwin[test]')")
pytest.importorskip("fastapi", reason="the service's packages are not installed (pip install 'dosetwin[serve]')")

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from browser.chromium import chromium

ARTEFACTS = Path(__file__).parent / "artefacts"
NOW = datetime(2026, 4, 13, 14, 0, tzinfo=UTC)
"""The bundled case's own moment."""


class StillClock:
    """A clock that tests move by hand."""

    def __init__(self, at: datetime):
        self.at = at

    def now(self) -> datetime:
        return self.at

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The service in its demo settings without any baby: ``url``, ``service``, ``clock``."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine (install the package chromium, or set DOSETWIN_CHROMIUM)")
    import uvicorn

    from dosetwin.serve.app import create_app
    from dosetwin.serve.settings import Settings

    folder = tmp_path_factory.mktemp("served")
    settings = Settings(
        demo=True,
        data_dir=folder,
        demo_babies=0,
        draws=200,
        workers=2,
        login_per_minute=1000,
        rate_per_minute=100_000,
        therapies="amikacin_neonate, vancomycin_adult, warfarin_inr, ventilator_ards",
    )
    clock = StillClock(NOW)
    app = create_app(settings, clock=clock, background=False)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        assert time.monotonic() < until, "the service did not start in time"
        time.sleep(0.02)

    class Served:
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        service = app.state.service

    Served.clock = clock  # type: ignore[attr-defined]
    yield Served
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (install the package chromium, or set DOSETWIN_CHROMIUM)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


class Visit:
    """A person at a screen: the page, and everything its console complained about."""

    def __init__(self, context: BrowserContext, url: str):
        self.context, self.url = context, url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def log_in(self, name: str = "Phil Pharmacist") -> "Visit":
        self.page.goto(f"{self.url}/login")
        self.page.get_by_role("button", name=name).click()
        self.page.wait_for_load_state()
        return self

    def shot(self, name: str, **options: Any) -> None:
        """Keep what is seen."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", **options)


@pytest.fixture
def visit(browser: Browser, served: Any) -> Iterator[Any]:
    """``visit(width=..., ...)``: a fresh person; at the end nothing may have been said on any console."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def make(width: int = 1366, height: int = 900, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        visits.append(Visit(context, served.url))
        return visits[-1]

    yield make
    for context in contexts:
        context.close()
    assert [w for v in visits for w in v.wrong] == []


@pytest.fixture(scope="session")
def case_file() -> Path:
    """The bundled made-up newborn."""
    import dosetwin

    return Path(dosetwin.__file__).parent / "data" / "demo_newborn.json"


@pytest.fixture(scope="session")
def baby(served: Any, case_file: Path) -> str:
    """The address of the bundled baby's page; the case is stored as the import page stores it."""
    from dosetwin.serve.auth.demo_users import USERS
    from dosetwin.serve.case import stored, understood
    from dosetwin.serve.zone import Zone

    raw = case_file.read_bytes()
    case = understood(case_file.name, raw, "amikacin", "", Zone())
    id_ = stored(served.service, USERS["pharmacist"], case, raw, "amikacin", "NICU-demo", "Bed 7").id
    served.service.refresh(id_)
    return f"{served.url}/patient/{id_}"
