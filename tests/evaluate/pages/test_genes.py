"""The page of genes: every expected call is met, and a wrong table would be found out."""

from dataclasses import replace

from dosetwin.evaluate.pages import genes


def test_every_expected_call_is_met() -> None:
    found = genes.run()
    assert [c.check for c in found if not c.passed] == []
    assert len(found) == len(genes.CASES) + 7
    assert "TPMT het3a: *1/*3A (also *3B/*3C)" in genes.markdown(found)


def test_another_genotype_would_be_found_out() -> None:
    wrong = replace(genes.CASES[1], seen={})
    assert not genes._case(wrong, genes._called(wrong)).passed
