"""A person's days on insulin from a file to the answer on the page, without a word on the console."""

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

DAYS = Path(__file__).parents[2] / "docs" / "data" / "insulin_days.csv"


def test_days_from_a_file_are_answered_on_the_page(visit: Any, tmp_path: Path) -> None:
    v = visit().log_in()
    page = v.page
    page.get_by_role("link", name="Insulin").click()
    page.set_input_files("#file", str(DAYS))
    page.get_by_role("button", name="Ask").click()
    page.locator("#insulin-order").wait_for()
    assert "1 U for" in page.locator("#insulin-order").inner_text()
    assert "U for 60 g at" in page.locator("#insulin-bolus").inner_text()
    assert "glycaemia risk index" in page.locator("#insulin-why").inner_text()
    assert page.evaluate("() => document.querySelector('figure img').naturalWidth") > 100, "the picture is drawn"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [f"{v['id']}: {v['nodes'][0]['target']}" for v in serious] == []
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(DAYS.read_text().replace("(mg/dL)", "(mmol/L)").replace("FACTOR", "FACTOR (mg/dL)"))
    with page.expect_response(lambda r: r.url.endswith("/insulin")) as refused:
        page.set_input_files("#file", str(wrong))
        page.get_by_role("button", name="Ask").click()
    assert refused.value.status == 422
    assert "said to be mmol/L cannot be" in page.locator("#problems").inner_text()
    v.wrong = [w for w in v.wrong if "422" not in w]  # which browsers put on the console
