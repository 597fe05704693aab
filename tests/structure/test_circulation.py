"""The circulation meets a peer run to its steady state, keeps blood and energy, and refuses what is none."""

from dataclasses import replace

import pytest

from dosetwin.errors import InputError
from dosetwin.evaluate.pages.heart import circulation as page
from dosetwin.structure.circulation import NORMAL, beats, peer


def test_everything_but_the_peers_early_stop_is_met() -> None:
    found = page.run(n=1, seed=1)
    missed = [c for c in found if not c.passed]
    assert {c.cause for c in missed} <= {page.EARLY}
    assert {c.check for c in missed} <= {
        f"circulation.{k}_{r}" for k in ("DBP", "MAP", "EF", "SV", "ESV", "SBP", "CO") for r in (60, 90)
    }
    assert sum(c.check.endswith("steady") for c in found) == 14


def test_halving_the_step_changes_nothing_that_is_read() -> None:
    one, other = beats(peer(60.0), 20).read(), beats(peer(60.0), 20, dt=0.05).read()
    assert one == pytest.approx(other, rel=2e-4)


def test_more_blood_raises_output_and_a_faster_heart_fills_less() -> None:
    base = beats(NORMAL, 20).read()
    assert beats(replace(NORMAL, volume=5650.0), 20).read()["CO"] > base["CO"]
    assert beats(replace(NORMAL, HR=120.0), 20).read()["SV"] < base["SV"]


def test_what_is_no_circulation_is_refused() -> None:
    with pytest.raises(InputError, match="litres"):
        replace(NORMAL, volume=5.2)
    with pytest.raises(InputError, match="heart rate"):
        replace(NORMAL, HR=1.2)
