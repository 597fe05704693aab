"""`dosetwin validate`: every published figure is compared, reproducibly, and a wrong model is found out."""

import inspect
import math
from dataclasses import replace
from pathlib import Path

import pytest

from dosetwin import models
from dosetwin.errors import InputError
from dosetwin.evaluate.pages.amikacin_newborns.page import MODELS, Check, markdown, run
from dosetwin.evaluate.pages.amikacin_newborns.studies import CAUSES, STUDIES

N, SEED = 200, 11


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    told: list[tuple[int, int]] = []
    found = run(n=N, seed=SEED, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(told[-1][1] + 1))
    return found


def test_every_published_figure_is_compared(checks: list[Check]) -> None:
    assert {c.check for c in checks} == {e.check for s in STUDIES for e in s.expected}
    assert {c.model for c in checks} == set(MODELS)
    assert len({(c.check, c.model) for c in checks}) == len(checks)


def test_figures_are_finite_and_verdicts_follow_from_them(checks: list[Check]) -> None:
    for c in checks:
        assert math.isfinite(c.simulated), c.check
        assert math.isfinite(c.mc_error), c.check
        assert c.mc_error >= 0, c.check
        assert c.band[0] < c.band[1], c.check
        assert c.band[0] <= c.published <= c.band[1], c.check
        assert c.passed == (c.band[0] <= c.simulated <= c.band[1]), c.check
        assert bool(c.cause) == (not c.passed), c.check
        assert c.source, c.check
        assert c.why, c.check


def test_json_form(checks: list[Check]) -> None:
    for c in checks:
        form = c.to_json()
        assert {"check", "source", "published", "simulated", "mc_error", "band", "pass"} <= set(form)
        assert form["band"] == list(c.band)
        assert isinstance(form["pass"], bool)


def test_same_seed_same_checks_whoever_else_takes_part(checks: list[Check]) -> None:
    alone = run(n=N, seed=SEED, models=["amikacin_decock_2012"])
    assert alone == [c for c in checks if c.model == "amikacin_decock_2012"]
    other = run(n=N, seed=SEED + 1, models=["amikacin_decock_2012"])
    assert [c.simulated for c in other] != [c.simulated for c in alone]


def test_monte_carlo_errors_are_honest(checks: list[Check]) -> None:
    """Two seeds differ by about their stated errors."""
    first = [c for c in checks if c.model == "amikacin_decock_2012" and c.mc_error]
    second = {c.check: c for c in run(n=N, seed=SEED + 7, models=["amikacin_decock_2012"])}
    off = [abs(c.simulated - second[c.check].simulated) / math.hypot(c.mc_error, second[c.check].mc_error) for c in first]
    # the extreme of ten cells is not a binomial share: its error is stated for one cell
    assert sum(x < 3.0 for x in off) >= 0.9 * len(off)
    assert max(off) > 0.3, "errors are not absurdly wide either"


def test_page_renders_and_prints_misses_as_misses(checks: list[Check]) -> None:
    page = markdown(checks, n=N, seed=SEED)
    misses = [c for c in checks if not c.passed]
    assert page.count("**MISS**") == len(misses)
    assert f"{len(misses)} miss" in page
    for study in STUDIES:
        assert study.source in page
    causes = page.split("## Misses")[1]
    for c in misses:
        assert c.check in causes
        assert c.cause[1:] in causes
    broken = replace(checks[0], passed=False, cause="a reason given here", simulated=1e3)
    assert "**MISS**" in markdown([broken])
    assert "A reason given here" in markdown([broken])
    clean = replace(checks[0], passed=True, cause="")
    assert "MISS" not in markdown([clean])
    assert "None." in markdown([clean])


def test_causes_name_real_checks() -> None:
    names = {e.check for s in STUDIES for e in s.expected}
    assert {key.split("@")[0] for key in CAUSES} <= names
    assert {key.split("@")[1] for key in CAUSES if "@" in key} <= set(models.names())
    kin = {name for s in STUDIES for name, _ in s.kin}
    assert kin <= set(models.names())


def test_a_clearance_three_times_too_high_is_found_out(tmp_path: Path, checks: list[Check]) -> None:
    """A check that cannot fail is worthless: the De Cock model with its clearance tripled must miss nearly everything."""
    source = inspect.getsource(models.load("amikacin_decock_2012").module)
    assert source.count("= 0.0493\n") == 1
    (tmp_path / "tripled.py").write_text(source.replace("= 0.0493\n", "= 0.1479\n"), encoding="utf-8")
    wrong = {c.check: c for c in run(n=N, seed=SEED, models=[str(tmp_path / "tripled.py")])}
    right = {c.check for c in checks if c.model == "amikacin_decock_2012" and c.passed}
    clearance = {name for name in right if "clearance" in name or "half_life" in name or "treluyer" in name or "trough" in name}
    assert len(clearance) >= 8
    assert [name for name in clearance if wrong[name].passed] == []
    # what does not depend on clearance stays
    assert wrong["allegaert_2006.nsaid"].passed


def test_a_volume_twice_too_large_is_found_out(tmp_path: Path) -> None:
    source = inspect.getsource(models.load("amikacin_decock_2012").module)
    (tmp_path / "doubled.py").write_text(source.replace("= 0.833\n", "= 1.666\n"), encoding="utf-8")
    wrong = {c.check: c for c in run(n=N, seed=SEED, models=[str(tmp_path / "doubled.py")])}
    for name in ("smits_2015.peak_above_24", "botha_1998.volume", "botha_1998.half_life"):
        assert not wrong[name].passed, name


def test_bad_requests_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        run(n=5)
    with pytest.raises(InputError, match="no published study"):
        run(n=N, models=["phenobarbital_voeller_2017"])
    with pytest.raises(InputError, match="unknown model"):
        run(n=N, models=["nobody_1900"])
