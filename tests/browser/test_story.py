"""The whole story in a browser: a case imported, the twin updated, a regimen tried, accepted, checked, and the audit trail."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def audited(page: Any) -> list[str]:
    """What axe finds serious: rule and where."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['target']} ({v['help']})" for v in found if v["impact"] in SERIOUS]


def test_the_whole_story(visit: Any, served: Any, case_file: Path) -> None:
    v = visit().log_in()
    page = v.page
    # an empty ward says what to do
    page.get_by_role("link", name="Add a case").first.click()
    page.wait_for_url(re.compile("/import$"))
    page.wait_for_load_state()
    # a file is dropped: the preview says what was understood, and nothing is stored yet
    page.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name, { type: 'application/json' }));
          const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
          document.getElementById('drop').dispatchEvent(drop);
        }""",
        [case_file.name, case_file.read_text()],
    )
    page.get_by_role("heading", name="Understood from").wait_for()
    assert page.get_by_text("29 wk").is_visible()
    assert page.get_by_text("33.5 mg/L").is_visible()
    assert served.service.store.ready()
    v.shot("import_preview", full_page=True)
    assert audited(page) == []
    # of several wards none is chosen for the reader
    assert page.get_by_label("Ward", exact=True).input_value() == ""
    page.get_by_label("Ward", exact=True).select_option("NICU-demo")
    page.get_by_label("Bed or label").fill("Bed 7")
    page.get_by_role("button", name="Make the twin").click()
    page.get_by_text(re.compile("The case is stored and the twin is made|recorded before")).wait_for()
    # the answer, with reasons, beside the standard rules
    first = page.locator(".dose").first.inner_text()
    assert re.match(r"[\d.]+ mg amikacin \([\d.]+ mg/kg\) over 30 min, every \d+ h", first)
    assert page.get_by_text("not a medical device").count() >= 1
    page.locator("#alternatives > summary").click()
    assert page.locator("#standard").get_by_role("row", name=re.compile("BNF for Children")).count() == 1
    page.locator("#alternatives > summary").click()
    page.locator("#curve").scroll_into_view_if_needed()
    page.locator("#curve .plotly").first.wait_for()
    v.shot("baby", full_page=True)
    assert audited(page) == []
    # what if: the curve follows the slider, and the page says whether it would be acceptable
    page.get_by_role("link", name="Modify").click()
    assert page.evaluate("document.activeElement.id") == "w-amount"
    page.get_by_label("Interval", exact=True).fill("24")
    page.locator("#says strong").wait_for()
    assert "not acceptable" in page.locator("#says").inner_text()
    assert page.locator("[data-legend=whatif]").is_visible()
    assert page.get_attribute("#whatif", "data-ms")
    v.shot("what_if")
    page.get_by_role("button", name="Back to the recommendation").click()
    # a level entered by hand is refused with value, range and remedy, then taken, and the twin changes
    page.locator("#record > summary").click()
    page.locator("#e-value").fill("9700")
    page.get_by_role("button", name="Record it").click()
    wrong = page.locator("#e-value-wrong").inner_text()
    assert "9700" in wrong
    assert "0 to 500 mg/L" in wrong
    assert "check value and unit" in wrong
    page.locator("#e-value").fill("6.1")
    page.get_by_label("Drawn or given at").fill("2026-04-13T13:30")
    page.get_by_role("button", name="Record it").click()
    page.get_by_text("The twin has been updated.").wait_for()
    assert page.get_by_role("row", name=re.compile("amikacin 6.1 mg")).count() >= 1
    assert page.locator("#news").is_hidden()
    # an override needs a reason; acceptance is recorded with the name
    page.locator("#decide summary").click()
    page.locator("#o-code").select_option("other")
    page.locator("#o-reason").fill("-")
    page.get_by_role("button", name="Record the override").click()
    assert page.get_by_text("an override needs a reason").is_visible()
    page.goto(page.url.partition("/answer")[0])
    page.get_by_role("button", name=re.compile("Accept ")).click()
    page.get_by_text("Accepted and recorded.").wait_for()
    assert page.locator("#decide .chip").inner_text().strip() == "accepted"
    # the same advice computed again from what is stored is the same
    page.locator("#history > summary").click()
    page.get_by_role("button", name=re.compile("Compute the advice")).first.click()
    page.get_by_text("the answer is identical").wait_for()
    # the ward list knows
    page.get_by_role("link", name="Ward", exact=True).click()
    assert page.get_by_role("row", name=re.compile("Bed 7")).get_by_text("accepted").first.is_visible()
    v.shot("ward")
    assert audited(page) == []
    # the refused entry and the refused override were answered 422, which browsers put on the console
    assert [w for w in v.wrong if "422" in w]
    v.wrong = [w for w in v.wrong if "422" not in w]
    # and so does the auditor, who sees no patient
    auditor = visit().log_in("Audrey Audit")
    auditor.page.get_by_role("button", name="Verify every link").click()
    assert auditor.page.get_by_text("The chain holds").is_visible()
    actions = auditor.page.locator("tbody").inner_text()
    assert "answer" in actions or "record" in actions
    auditor.shot("audit")
    assert audited(auditor.page) == []


def test_a_page_that_is_open_learns_of_a_new_level(visit: Any, served: Any, baby: str) -> None:
    from dosetwin.serve.auth.principal import THE_SERVICE
    from dosetwin.serve.store.facts import NewFact

    v = visit().log_in()
    v.page.goto(baby)
    v.page.locator("[data-live][data-on=yes]").wait_for()
    before = v.page.get_attribute("body", "data-state")
    id_ = baby.rpartition("/")[2]
    served.clock.later(minutes=10)
    fact = NewFact.model_validate(
        {"at": served.clock.now(), "body": {"kind": "creatinine", "value": 80, "unit": "umol/L", "assay": "idms"}}
    )
    service = served.service
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], reach.now))
    service.touched([id_])
    v.page.wait_for_function("before => document.body.dataset.state !== before", arg=before)
    assert v.page.get_by_text("0.90 mg/dL").first.is_visible()
    # somebody who is typing is told, and the page stays
    v.page.locator("#record > summary").click()
    v.page.locator("#e-value").fill("5")
    state = v.page.get_attribute("body", "data-state")
    served.clock.later(minutes=10)
    fact = NewFact.model_validate(
        {"at": served.clock.now(), "body": {"kind": "covariate", "name": "WT", "value": 1110, "unit": "g"}}
    )
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], reach.now))
    service.touched([id_])
    v.page.locator("#news").wait_for()
    assert v.page.get_attribute("body", "data-state") == state
    assert v.page.locator("#e-value").input_value() == "5"


@pytest.mark.parametrize(("name", "options"), [
    ("phone", {"width": 320, "height": 700}),
    ("dark", {"color_scheme": "dark"}),
    ("forced", {"forced_colors": "active", "reduced_motion": "reduce", "width": 1024}),
])  # fmt: skip
def test_it_holds_on_every_screen(visit: Any, served: Any, baby: str, name: str, options: dict[str, Any]) -> None:
    v = visit(**options).log_in()
    for place, address in (("ward", served.url), ("baby", baby)):
        v.page.goto(address)
        v.page.locator("#rows, #curve").first.wait_for()
        wide = v.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= options.get("width", 1366), f"{place} is {wide} px wide"
        if place == "baby":
            if name == "phone":  # the folds are closed where there is no room
                assert v.page.locator("#curve svg, #curve .plotly").first.is_hidden()
                v.page.locator("#curve > summary").click()
            for fold in ("why", "alternatives", "record", "model"):
                v.page.locator(f"#{fold} > summary").click()
            v.page.locator("#curve").scroll_into_view_if_needed()
            v.page.locator("#curve .plotly").first.wait_for()
            rows = v.page.evaluate("[...document.querySelectorAll('.scroll tr')].map(r => [r.offsetHeight, r.innerText])")
            assert max(rows)[0] <= 200, f"a row of a table is a word wide and so tall: {max(rows)}"
        v.shot(f"{place}_{name}", full_page=name != "forced")
        if name != "forced":  # colours are then the system's own
            assert audited(v.page) == []


def test_it_reads_without_script(visit: Any, baby: str) -> None:
    v = visit(java_script_enabled=False)
    v.log_in()
    v.page.goto(baby)
    assert v.page.locator("#curve svg.chart").is_visible()
    v.page.get_by_text("The numbers behind this chart").click()
    assert v.page.locator("#curve details table").first.is_visible()
    # what-if without script: the form answers with a page, and what was tried can be ordered as it stands
    v.page.get_by_text("What if … another order").click()
    v.page.get_by_label("Interval", exact=True).fill("30")
    v.page.get_by_role("button", name="Try it").click()
    assert v.page.locator("#says table").is_visible()
    assert "every 30 h from" in v.page.locator("#order button").inner_text()
    v.shot("without_script", full_page=True)


def test_the_keyboard_reaches_everything(visit: Any, served: Any, baby: str) -> None:
    v = visit().log_in()
    page = v.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto(baby)
    met: list[str] = []
    for fold in ("whatif", "record"):
        page.evaluate("f => { document.querySelector(`[data-fold=${f}]`).open = true; }", fold)
    for _ in range(90):
        page.keyboard.press("Tab")
        said = page.evaluate("""() => { const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
            const shown = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
            return [e.id || e.textContent.trim().slice(0, 30), r.width > 0 && r.height > 0, shown]; }""")
        met.append(said[0])
        if said[0] in ("", "BODY"):
            continue
        assert said[1], f"{said[0]} has focus and is not seen"
        assert said[2], f"{said[0]} has focus and does not show it"
        if said[0] == "e-value":
            break
    assert {"w-amount", "w-interval", "w-first", "w-at", "e-value"} <= set(met)
    page.locator("#w-interval").focus()
    page.keyboard.press("ArrowUp")
    page.locator("#says strong").wait_for()


def test_focus_on_a_still_picture_passes_to_the_chart_drawn_in_its_place(visit: Any, baby: str) -> None:
    page = visit().log_in().page
    page.goto(baby)
    for fold in page.locator("[data-fold]").all():
        fold.evaluate("f => { f.open = true; }")
    holder = page.locator(".figure:not(.shown)").last
    code = holder.get_attribute("data-chart")
    holder.locator(".still").focus()
    page.locator(f"[data-chart='{code}'] .plotly").wait_for()
    assert page.evaluate("document.activeElement.matches('.drawn') && document.activeElement.parentElement.dataset.chart") == code


def test_paper_leaves_the_controls_out(visit: Any, baby: str) -> None:
    v = visit().log_in()
    v.page.goto(f"{baby}/print")
    assert v.page.locator("#advice .dose").is_visible()
    assert v.page.locator("#whatif").is_hidden()
    assert v.page.get_by_role("button", name=re.compile("Accept")).count() == 0
    assert v.page.get_by_text("not a medical device").first.is_visible()
    v.page.emulate_media(media="print")
    assert v.page.locator("#curve svg.chart").is_visible()
    v.shot("print", full_page=True)


def test_refused_files_say_why(visit: Any, served: Any, tmp_path: Path) -> None:
    v = visit().log_in()
    bad = tmp_path / "bad.csv"
    bad.write_text("ID,TIME,AMT,DV\n1,0,abc,.\n")
    v.page.goto(f"{served.url}/import")
    v.page.set_input_files("#file", bad)
    v.page.get_by_role("button", name="Show what is understood").click()
    said = v.page.locator("#problems").inner_text()
    assert "nothing was stored" in said
    assert "abc" in said
    assert v.page.get_by_text("The file is kept with these reasons").is_visible()
    assert audited(v.page) == []
    v.wrong = [w for w in v.wrong if "422" not in w]


def test_results_of_a_replay_are_shown(visit: Any, served: Any, tmp_path: Path) -> None:
    import json

    errors = {"n": 2, "mpe": 4.0, "mape": 21.5, "rmse": 3.21, "f20": 50.0, "f30": 100.0, "coverage50": 50.0, "coverage90": 100.0}
    forecasts = [
        {"subject": str(k), "record": "r", "time": 24.0, "measures": "amikacin", "number": 2, "earlier": 1, "observed": 8.0 + k,
         "blq": False, "prior": 12.0, "updated": 8.5, "prior_pit": 0.2, "updated_pit": 0.5, "ess": 500.0, "method": "importance"}
        for k in range(2)
    ]  # fmt: skip
    forecasts[1] |= {"prior_low": 4.0, "prior_high": 20.0, "updated_low": 6.0, "updated_high": 11.0}
    body = {"model": "amikacin_neonate", "measures": "amikacin", "unit": "mg/L", "n_subjects": 2, "n_levels": 2, "n_headline": 2,
            "headline": "levels with an earlier one", "a_priori": errors, "a_posteriori": errors, "findings": [],
            "by_level_number": [{"number": 2, "a_posteriori": errors}], "forecasts": forecasts}  # fmt: skip
    path = tmp_path / "replay.json"
    path.write_text(json.dumps(body))
    v = visit().log_in()
    v.page.goto(f"{served.url}/results/replay")
    v.page.set_input_files("#file", path)
    v.page.get_by_role("button", name="Show").click()
    v.page.get_by_text("21.5").first.wait_for()
    assert v.page.locator("svg.chart").count() == 3, "two scatters, and the patient whose bands the file holds"
    assert v.page.get_by_role("img", name="1: 1 / 1, mg/L").count() == 1
    assert v.page.locator("figure.drawn svg").count() == 1, "calibration"
    v.shot("replay", full_page=True)
    assert audited(v.page) == []
