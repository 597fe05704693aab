"""Tables and cases that once gave a number which looked right: each gives the right value now, or a refusal that says why."""

from pathlib import Path

import pytest

from dosetwin.errors import InputError
from dosetwin.io.nonmem import read_table
from dosetwin.models import load
from dosetwin.simulate.measured import bound

# file: the subjects' levels as (h, value), what is below the limit, weights, codes of what is said
READ = {
    "csv_blq_with_dv": ([[(1, 9), (12, 1)]], [12], [70], {"mdv_inferred"}),
    "csv_blq_without_dv": ([[(1, 9), (12, 1)]], [12], [70], {"mdv_inferred"}),
    "csv_comment_column": ([[(1, 9)]], [], [70], {"lines_ignored"}),
    "csv_date_and_time": ([[(25, 5)]], [], [70], {"clock_read"}),
    "csv_decimal_comma_weight": ([[(1, 9)]], [], [70.5], {"delimiter", "decimal_comma"}),
    "csv_dv_below_loq_unflagged": ([[(1, 9), (60, 0.5)]], [60], [70], {"dv_below_loq"}),
    "csv_long_ids_merge": ([[(1, 9)], [(1, 9)]], [], [70, 70], set()),
}


@pytest.mark.parametrize("file", READ)
def test_the_tables_that_went_wrong(shared: Path, file: str) -> None:
    levels, below, weights, said = READ[file]
    timelines, echo = read_table(shared / "faults" / f"{file}.csv")
    # a subject's clock may begin before its first record: what counts is the time since its dose
    found = [[(o.time - t.doses[0].time, o.value) for o in t.observations] for t in timelines]
    assert found == levels
    assert [o.time - t.doses[0].time for t in timelines for o in t.observations if o.blq] == below
    assert [c.value for t in timelines for c in t.covariates if c.name == "WT"] == weights
    assert {f.code for f in echo.findings} == said
    if file == "csv_long_ids_merge":
        assert [t.patient.id for t in timelines] == ["12345678901234567", "12345678901234568"]


@pytest.mark.parametrize(
    ("file", "model", "code"),
    [("csv_cmt_coded_creatinine", "amikacin_neonate", "CMT 2"), ("csv_cmt_coded_inr", "warfarin_hamberg_2010", "CMT 2")],
)
def test_an_observation_of_another_compartment_is_refused(shared: Path, file: str, model: str, code: str) -> None:
    timelines, echo = read_table(shared / "faults" / f"{file}.csv")
    with pytest.raises(InputError, match="predicts nothing in the compartment") as refused:
        bound(load(model), timelines, echo.columns)
    assert refused.value.value == code


@pytest.mark.parametrize(("file", "creatinine"), [("csv_scr_column_08", 0.8), ("csv_scr_column_30", 3.0)])
def test_a_column_of_creatinines_is_what_was_measured(shared: Path, file: str, creatinine: float) -> None:
    timelines, echo = read_table(shared / "faults" / f"{file}.csv")
    (found,) = bound(load("amikacin_neonate"), timelines, echo.columns).timelines
    assert {o.value for o in found.observations if o.measures == "SCR"} == {creatinine}
    assert [o.value for o in found.observations if o.measures == "amikacin"] == [2.8]


@pytest.mark.parametrize(("file", "troughs"), [("t12", 1), ("high", 2)])
def test_a_trough_that_another_confirms_is_believed(shared: Path, file: str, troughs: int) -> None:
    """A lone trough of 12 mg/L is in doubt; with the 9 mg/L that follows nothing is, and the clearance is believed to be low."""
    from dosetwin.infer.fit import fit

    timelines, echo = read_table(shared / "faults" / "twin" / f"{file}.csv")
    model = load("amikacin_neonate")
    (found,) = fit(model, bound(model, timelines, echo.columns).timelines)
    assert (found.n_levels, found.n_doubted) == (1 + troughs, 2 - troughs)
    assert found.p_unlike > 0.6 or troughs == 1
