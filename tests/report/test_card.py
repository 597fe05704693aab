"""What a model's card says of how the model is solved."""

from tests.simulate.toy import toy

from dosetwin.report.card import card


def test_a_chain_too_long_to_be_solved_exactly_says_so(tmp_path):
    def chain(n, solver):
        flows = ["-p.K * A.s0", *(f"p.K * (A.s{k - 1} - A.s{k})" for k in range(1, n))]
        return toy(tmp_path, f"chain_{n}_{solver}", {"K": 1.0, "V": 1.0}, state=tuple(f"s{k}" for k in range(n)),
                   dynamics=", ".join(flows), observe="A.s0 / p.V", solver=solver)  # fmt: skip

    assert ["13 states" in note for note in card(chain(13, "exact"))["notes"]] == [True]
    assert card(chain(12, "exact"))["notes"] == card(chain(13, "explicit"))["notes"] == []
