"""The call sheet and a patient's own limits in a browser: what is shown, typed wrong, on a phone, in the dark and on paper."""

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.alerts import Alerts
from dosetwin.serve.store.facts import NewFact, NewPatient


@pytest.fixture(scope="module")
def ada(served):
    service, now = served.service, served.clock.now()
    new = NewPatient(
        ward="NICU-demo", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, at=now - timedelta(days=3), label="Bed 8"
    )
    id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
    for hours, value in ((30, 0.6), (6, 1.1)):
        body = {"kind": "creatinine", "value": value, "unit": "mg/dL", "assay": "idms"}
        fact = NewFact.model_validate({"at": now - timedelta(hours=hours), "body": body})
        service.change(THE_SERVICE, lambda conn, r, f=fact: service.ledger.record(conn, THE_SERVICE, [(id_, f)], r.now))
    service.refresh(id_)
    Alerts(service).check(id_)
    return id_


def test_limits_are_set_with_words_for_what_is_typed_wrong_and_stand_on_the_call_sheet(visit, ada):
    someone = visit().log_in()
    page = someone.page
    page.get_by_role("link", name="Calls").click()
    card = page.locator(f"section[aria-labelledby='c-{ada}']")
    assert "Kidney: creatinine" in card.inner_text()
    card.get_by_role("link", name="Limits of this patient").click()
    page.get_by_label("What is measured").select_option("SCR")
    page.get_by_label("Tell me above").fill("high")
    page.get_by_role("button", name="Set").click()
    assert page.get_by_label("Tell me above").input_value() == "high"  # nothing of what was typed is lost
    assert "Two numbers" in page.get_by_role("alert").inner_text()
    someone.wrong = [w for w in someone.wrong if "422" not in w]  # the browser's own word for an answer that was asked for
    page.get_by_label("Tell me above").fill("0,9")
    page.get_by_role("button", name="Set").click()
    assert "above 0.9 mg/dL" in page.get_by_role("main").inner_text()
    page.get_by_role("link", name="Calls of today").click()
    assert "above 0.9 mg/dL" in page.locator(f"section[aria-labelledby='c-{ada}']").inner_text()
    assert not page.get_by_text("Called at").first.is_visible()
    page.emulate_media(media="print")
    assert page.get_by_text("Called at").first.is_visible()


@pytest.mark.parametrize(("name", "width", "dark"), [("desk", 1366, False), ("phone", 390, False), ("dark", 1366, True)])
def test_the_call_sheet_is_drawn_and_fits(visit, ada, name, width, dark):
    seen = visit(width=width, height=844 if width < 500 else 768, color_scheme="dark" if dark else "light").log_in()
    for path in ("calls", f"patient/{ada}/limits"):
        seen.page.goto(f"{seen.url}/{path}")
        seen.shot(f"{Path(path).name}-{name}", full_page=True)
        bad = Axe().run(seen.page).response["violations"]
        assert [v["id"] for v in bad if v["impact"] in ("serious", "critical")] == []
        assert seen.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_the_clinical_changes_stand_behind_the_version(visit):
    seen = visit().log_in()
    seen.page.get_by_role("link", name="dosetwin 0").click()
    seen.page.get_by_role("heading", name="Clinical changes").wait_for()
    seen.shot("changes-desk")
    assert seen.page.locator("main li strong").count() > 5
