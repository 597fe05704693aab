"""Every column, code and flag somebody wrote is used, refused or named: the right value, or words that say why not."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli import app
from dosetwin.errors import InputError
from dosetwin.io.nonmem import read_table
from dosetwin.models import load
from dosetwin.simulate.measured import bound

HEAD = "ID,TIME,AMT,EVID,DV,MDV,WT\n"
DOSE = "1,0,100,1,.,1,70\n"


@pytest.fixture
def read(tmp_path):
    """Writes a table and reads it: its timelines, and the codes of the findings."""

    def of(text, name="t.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        timelines, echo = read_table(path, **options)
        return timelines, {f.code: f for f in echo.findings}, echo

    return of


def levels(timeline):
    return [(o.time, o.value) for o in timeline.observations]


def weights(timeline):
    return [c.value for c in timeline.covariates if c.name == "WT"]


# what the first subject's records become: (its levels, its weights, findings that must be there)
READ = {
    "semicolons": ("ID;TIME;AMT;DV;WT\n1;0;100;.;70\n1;1;.;9;70\n", [(1, 9)], [70], {"delimiter"}),
    "tabs": ("ID\tTIME\tAMT\tDV\tWT\n1\t0\t100\t.\t70\n1\t1\t.\t9\t70\n", [(1, 9)], [70], {"delimiter"}),
    "blanks": ("  ID TIME AMT  DV WT\n1 0   100 . 70\n  1 1 . 9 70\n", [(1, 9)], [70], {"delimiter"}),
    "bars": ("ID|TIME|AMT|DV|WT\n1|0|100|.|70\n1|1|.|9|70\n", [(1, 9)], [70], {"delimiter"}),
    "byte order mark": ("\ufeffID,TIME,AMT,DV,WT\n1,0,100,.,70\n1,1,.,9,70\n", [(1, 9)], [70], set()),
    "quotes and case": ('"id","Time","Amt","dv","wt"\n"1","0","100",".","70"\n1,1,.,9,70\n', [(1, 9)], [70], set()),
    "blank columns at the end": ("ID,TIME,AMT,DV,WT,,\n1,0,100,.,70,,\n1,1,.,9,70,,\n", [(1, 9)], [70], {"blank_columns"}),
    "more blanks than headers": ("ID,TIME,AMT,DV,WT\n1,0,100,.,70,,\n1,1,.,9,70,,\n", [(1, 9)], [70], set()),
    "missing in three ways": ("ID,TIME,AMT,DV,WT\n1,0,100,NA,\n1,1,,9,70\n1,2,.,.,NA\n", [(1, 9)], [70], set()),
    "exponents": ("ID,TIME,AMT,DV,WT\n1,0,1e2,.,7e1\n1,1e0,.,9,70\n", [(1, 9)], [70], set()),
    "decimal comma": ("ID;TIME;AMT;DV;WT\n1;0;100;.;70,5\n1;0,5;.;9;70,5\n", [(0.5, 9)], [70.5], {"decimal_comma"}),
    "decimal comma in quotes": ('ID,TIME,AMT,DV,WT\n1,0,100,.,"70,5"\n1,1,.,9,"70,5"\n', [(1, 9)], [70.5], {"decimal_comma"}),
    "comment column": ("C,ID,TIME,AMT,DV,WT\n.,1,0,100,.,70\nC,1,1,.,900,70\n,1,2,.,9,70\n", [(2, 9)], [70], {"lines_ignored"}),
    "comment column last": ("ID,TIME,AMT,DV,WT,C\n1,0,100,.,70,.\n1,1,.,900,70,C\n1,2,.,9,70,.\n", [(2, 9)], [70],
                            {"lines_ignored"}),
    "marked lines": ("#made by hand\nID,TIME,AMT,DV,WT\n1,0,100,.,70\n@1,1,.,900,70\n#,,,,\n1,2,.,9,70\n", [(2, 9)], [70],
                     {"lines_ignored"}),
    "units in the header": ("ID,TIME (min),AMT [g],DV (ug/mL),WT (g)\n1,0,0.1,.,70000\n1,90,.,9,70000\n", [(1.5, 9)], [70],
                            {"unit_converted"}),
    "units as people write them": ("ID,TIME (mins),AMT (mcg),DV (UG/ML),WT (lbs),GA (days)\n"
                                   "1,0,1e5,.,100,203\n1,90,.,9,100,203\n",
                                   [(1.5, 9)], [45.359237], {"unit_converted"}),
    "upper-case units": ("ID,TIME (HRS),AMT (MG),DV (MG/L),WT (KG)\n1,0,100,.,70\n1,1,.,9,70\n", [(1, 9)], [70], set()),
    "canonical units": ("ID,TIME (hours),AMT (mg),DV (mg/L),WT (kg)\n1,0,100,.,70\n1,1,.,9,70\n", [(1, 9)], [70], set()),
    "clock": ("ID,TIME,AMT,DV,WT\n1,8:00,100,.,70\n1,14:45,.,9,70\n1,15.5,.,8,70\n", [(6.75, 9), (7.5, 8)], [70], {"clock_read"}),
    "clock am and pm": ("ID,TIME,AMT,DV,WT\n1,8:00 AM,100,.,70\n1,12:30 pm,.,9,70\n1,2:15:36 PM,.,8,70\n", [(4.5, 9), (6.26, 8)],
                        [70], {"clock_read"}),
    "day number": ("ID,DATE,TIME,AMT,DV,WT\n1,-1,8,100,.,70\n1,1,9,.,5,70\n", [(49, 5)], [70], {"clock_read"}),
    # NONMEM's own example: 10-1-86 9:15, 14:40, then 10-2-86 8:30 are 0, 5.42 and 23.25 h
    "DATE": ("ID,DATE,TIME,AMT,DV,WT\n1,10-1-86,9:15,100,.,70\n1,10-1-86,14:40,.,9,70\n1,10-2-86,8:30,.,5,70\n",
             [(5 + 5 / 12, 9), (23.25, 5)], [70], {"clock_read"}),
    "DATE without year": ("ID,DATE,TIME,AMT,DV,WT\n2,10-12,8,100,.,70\n2,10-14,10,.,5,70\n", [(50, 5)], [70], {"clock_read"}),
    "DAT1": ("ID,DAT1,TIME,AMT,DV,WT\n1,31/12/2023,23:00,100,.,70\n1,1/1/2024,1:00,.,5,70\n", [(2, 5)], [70], {"clock_read"}),
    "DAT2": ("ID,DAT2,TIME,AMT,DV,WT\n1,24-02-28,0,100,.,70\n1,24-03-01,0,.,5,70\n", [(48, 5)], [70], {"clock_read"}),
    "DAT3": ("ID,DAT3,TIME,AMT,DV,WT\n1,24-28-02,0,100,.,70\n1,24-01-03,0,.,5,70\n", [(48, 5)], [70], {"clock_read"}),
    "ISO dates": ("ID,DATE,TIME,AMT,DV,WT\n1,2024-02-28,0,100,.,70\n1,2024-03-01,0,.,5,70\n", [(48, 5)], [70], {"clock_read"}),
    "months in words": ("ID,DATE,TIME,AMT,DV,WT\n1,28-Feb-2024,0,100,.,70\n1,01-Mar-2024,0,.,5,70\n", [(48, 5)], [70],
                        {"clock_read"}),
    "moments": ("ID,TIME,AMT,DV,WT\n1,2024-03-30T23:00,100,.,70\n1,2024-03-31 05:30,.,5,70\n", [(6.5, 5)], [70], {"clock_read"}),
    "moments with offset": ("ID,TIME,AMT,DV,WT\n1,2024-03-30T23:00+01:00,100,.,70\n1,2024-03-31T05:00+02:00,.,5,70\n", [(5, 5)],
                            [70], {"clock_read"}),
    "negative hours": ("ID,TIME,AMT,DV,WT\n1,-2,100,.,70\n1,-1,.,9,70\n", [(-1, 9)], [70], set()),
    "EVID 2 carries covariates": (HEAD + DOSE + "1,1,.,2,.,1,71\n1,2,.,0,9,0,71\n", [(2, 9)], [70, 71, 71], set()),
    "MDV 1 with DV": (HEAD + DOSE + "1,1,.,0,8,1,70\n1,2,.,0,9,0,70\n", [(2, 9)], [70], {"mdv_set_aside"}),
    "DV on a dose record": (HEAD + "1,0,100,1,3,1,70\n1,2,.,0,9,0,70\n", [(2, 9)], [70], {"dv_without_observation"}),
    "DV on EVID 2": (HEAD + DOSE + "1,1,.,2,3,1,70\n1,2,.,0,9,0,70\n", [(2, 9)], [70], {"dv_without_observation"}),
    "MDV 0 and DV 0 on a dose record": (HEAD + "1,0,100,1,0,0,70\n1,2,.,0,9,0,70\n", [(2, 9)], [70], set()),
    "II alone": ("ID,TIME,AMT,II,DV,WT\n1,0,100,12,.,70\n1,1,.,0,9,70\n", [(1, 9)], [70], {"ii_unused"}),
    "RATE on an observation": ("ID,TIME,AMT,RATE,DV,WT\n1,0,100,0,.,70\n1,1,.,50,9,70\n", [(1, 9)], [70], {"dose_items_unused"}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_read_as_meant(read, case):
    text, want, kilograms, codes = READ[case]
    (timeline, *_), found, _ = read(text)
    np.testing.assert_allclose(levels(timeline), want, rtol=1e-9)
    assert weights(timeline) == kilograms
    assert codes <= set(found)
    assert timeline.doses[0].amount == 100


LIMITS = {
    "BLQ without DV": ("BLQ,LOQ", "0,.", "1,0.5", ".", (0.5, True, 0.5)),
    "BLQ with DV at the limit": ("BLQ,LOQ", "0,.", "1,0.5", "0.5", (0.5, True, 0.5)),
    "BLQ with DV 0": ("BLQ,LOQ", "0,.", "1,0.5", "0", (0.5, True, 0.5)),
    "DV under LOQ, no flag": ("LOQ,X", "0.5,1", "0.5,1", "0.25", (0.5, True, 0.5)),
    "DV under LOQ, flag 0": ("BLQ,LOQ", "0,0.5", "0,0.5", "0.25", (0.5, True, 0.5)),
    "DV at LOQ": ("BLQ,LOQ", "0,0.5", "0,0.5", "0.5", (0.5, False, 0.5)),
    "DV in words": ("X,Y", "1,1", "1,1", "<0.5", (0.5, True, 0.5)),
    "Monolix": ("CENS,LIMIT", "0,.", "1,0", "0.5", (0.5, True, 0.5)),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits_of_quantification(read, case):
    columns, first, second, dv, want = LIMITS[case]
    (timeline,), found, _ = read(f"ID,TIME,AMT,DV,{columns}\n1,0,100,.,{first}\n1,9,.,{dv},{second}\n")
    (level,) = timeline.observations
    assert (level.value, level.blq, level.loq) == want
    assert ("dv_below_loq" in found) == ("DV under LOQ" in case)


DOSES = {
    # RATE, DUR -> duration, what was written
    "rate": ("50,.", 2.0, "rate"),
    "duration": (".,2", 2.0, "duration"),
    "rate 0 and a duration": ("0,2", 2.0, "duration"),
    "both, agreeing": ("50,2", 2.0, "rate"),
    "neither": (".,.", 0.0, "duration"),
    "modelled rate": ("-1,.", 0.0, "model_rate"),
    "modelled duration": ("-2,.", 0.0, "model_duration"),
}


@pytest.mark.parametrize("case", DOSES)
@pytest.mark.parametrize("column", ["DUR", "DURATION", "TINF"])
def test_rate_and_duration(read, case, column):
    said, duration, infusion = DOSES[case]
    (timeline,), *_ = read(f"ID,TIME,AMT,RATE,{column},DV\n1,0,100,{said},.\n1,9,.,.,.,1\n")
    dose = timeline.doses[0]
    assert (dose.amount, dose.duration, dose.infusion) == (100, duration, infusion)


def test_steady_states_resets_and_what_they_cancel(read):
    head = "ID,TIME,AMT,RATE,EVID,II,ADDL,SS,DV\n"
    (t,), found, _ = read(
        head + "1,0,100,.,1,12,9,0,.\n1,40,.,.,3,.,.,.,.\n1,40,.,.,0,.,.,.,0\n1,50,80,.,4,12,5,0,.\n1,70,60,.,1,8,2,1,.\n"
    )
    assert t.resets == (40, 50)
    assert [(d.time, d.addl, d.ss) for d in t.doses] == [(0, 3, 0), (50, 1, 0), (70, 2, 1)]
    assert t.observations[0].after_dose
    assert found["additional_doses_cancelled"].value == 2
    (t,), *_ = read(head + "1,0,100,.,1,24,3,1,.\n1,12,50,.,1,24,3,2,.\n1,30,0,7,1,.,.,1,.\n")
    assert [(d.amount, d.addl, d.ss, d.infusion) for d in t.doses] == [
        (100, 1, 1, "duration"), (50, 0, 2, "duration"), (7, 0, 1, "constant")]  # fmt: skip


def test_a_clock_that_starts_again_at_a_reset_goes_on_and_says_so(read):
    (t,), found, _ = read("ID,TIME,AMT,EVID,DV,WT\n1,0,100,1,.,70\n1,10,.,0,5,70\n1,0,100,4,.,72\n1,3,.,0,9,72\n")
    assert (t.resets, [d.time for d in t.doses], levels(t)) == ((11,), [0, 11], [(10, 5), (14, 9)])
    assert [(c.time, c.value) for c in t.covariates] == [(0, 70), (10, 70), (11, 72), (14, 72)]
    assert "clock_restarted" in found


REFUSED = {
    "comma of thousands": ('ID,TIME,AMT,DV\n1,0,"1,000",.\n1,1,.,9\n', "group thousands"),
    "blank of thousands": ("ID,TIME,AMT,DV\n1,0,1 000,.\n1,1,.,9\n", "nothing between the thousands"),
    "comma and point": ("ID;TIME;AMT;DV;WT\n1;0;100;.;70,5\n1;1;.;9.5;70,5\n", "t.csv:2: WT has a decimal comma"),
    "two names": ("ID,TIME,AMT,DV,dv\n1,0,1,.,.\n", "same name"),
    "two durations": ("ID,TIME,AMT,DUR,TINF,DV\n1,0,1,1,1,.\n", "two columns mean DUR"),
    "underscore": ("ID,TIME,AMT,DV\n1,0,1_0,.\n", "not a finite number"),
    "hexadecimal": ("ID,TIME,AMT,DV\n1,0,0x10,.\n", "not a finite number"),
    "other digits": ("ID,TIME,AMT,DV\n1,0,\u0661\u0660,.\n", "not a finite number"),
    "unit unknown": ("ID,TIME (fortnight),AMT,DV\n1,0,1,.\n", "unknown unit"),
    "rate and duration": ("ID,TIME,AMT,RATE,DUR,DV\n1,0,100,50,4,.\n", "RATE and DUR contradict each other: AMT/RATE is 2 h"),
    "modelled and duration": ("ID,TIME,AMT,RATE,DUR,DV\n1,0,100,-2,4,.\n", "contradict"),
    "rate -3": ("ID,TIME,AMT,RATE,DV\n1,0,100,-3,.\n", "RATE is negative"),
    "constant infusion with II": ("ID,TIME,AMT,RATE,EVID,SS,II,DV\n1,0,0,10,1,1,12,.\n", "constant infusion"),
    "steady infusion, no EVID": ("ID,TIME,AMT,RATE,SS,DV\n1,0,0,10,1,.\n", "set EVID to 1"),
    "empirical steady state": ("ID,TIME,AMT,II,ADDL,DV\n1,0,10,12,-5,.\n", "write SS and II"),
    "ADDL without II": ("ID,TIME,AMT,ADDL,DV\n1,0,10,5,.\n", "ADDL without II"),
    "compartment off": ("ID,TIME,AMT,EVID,CMT,DV\n1,0,10,1,1,.\n1,1,.,2,-2,.\n", "turns a compartment off"),
    "AMT on EVID 2": ("ID,TIME,AMT,EVID,DV\n1,0,10,2,.\n", "AMT on a record of EVID 2"),
    "level on a dose record": ("ID,TIME,AMT,EVID,DV,MDV\n1,0,10,1,4,0\n", "line of its own"),
    "dose wiped out": ("ID,TIME,AMT,EVID,DV\n1,0,10,1,.\n1,0,.,3,.\n", "wiped out"),
    "flagged, but above": ("ID,TIME,AMT,DV,BLQ,LOQ\n1,0,10,.,0,.\n1,1,.,5,1,0.5\n", "DV lies above LOQ"),
    "right-censored": ("ID,TIME,AMT,DV,CENS\n1,0,10,.,0\n1,1,.,5,-1\n", "CENS not accepted"),
    "time backwards": ("ID,TIME,AMT,DV\n1,1,10,.\n1,0,.,9\n", "TIME goes back"),
    "clock past midnight": ("ID,TIME,AMT,DV\n1,22:00,10,.\n1,1:00,.,9\n", "TIME goes back"),
    "date that is none": ("ID,DATE,TIME,AMT,DV\n1,13/03/2024,8,10,.\n", "DATE is not a date.*DAT1 day month year"),
    "date of eight digits": ("ID,DATE,TIME,AMT,DV\n1,20240301,8,10,.\n", "DATE is not a date"),
    "date with a fraction": ("ID,DATE,TIME,AMT,DV\n1,45351.375,8,10,.\n", "DATE is not a date"),
    "hours beside dates": ("ID,DATE,TIME,AMT,DV\n1,1,0,10,.\n1,2,24,.,9\n", "--map IGNORE="),
    "date missing": ("ID,DATE,TIME,AMT,DV\n1,1,8,10,.\n1,.,9,.,9\n", "DATE is not a date"),
    "two date columns": ("ID,DATE,DAT1,TIME,AMT,DV\n1,1,1,8,10,.\n", "two date columns"),
    "serial dates": ("ID,TIME,AMT,DV\n1,45351.25,10,.\n1,45352.25,.,9\n", "spreadsheet"),
    "blocks": ("ID,TIME,AMT,DV\n1,0,10,.\n2,0,10,.\n1,1,.,9\n", "not together"),
    "mark in the ID": ("ID,TIME,AMT,DV\n1,0,10,.\nC,1,.,900\n", "column C"),
    "ID without its digits": ("ID,TIME,AMT,DV\n1.23457E+16,0,10,.\n", "exponent"),
    "code nobody has": ("ID,TIME,AMT,CMT,DV\n1,0,10,1,.\n", "no record has CMT 7"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(read, case):
    text, why = REFUSED[case]
    with pytest.raises(InputError, match=why) as error:
        read(text, map={"SCR": "CMT:7"} if "nobody" in case else None)
    assert str(error.value).startswith("t.csv")


def test_ids_keep_every_digit_and_letter(read):
    long = ("12345678901234567", "12345678901234568", "A-7", "a-7", "1.0", "007", "7")
    timelines, found, _ = read("ID,TIME,AMT,DV\n" + "".join(f"{i},0,10,.\n{i},1,.,9\n" for i in long))
    assert [t.patient.id for t in timelines] == [*long[:4], "1", "007", "7"]
    assert found["ids_alike"].value in ("a-7", "7")


def test_packed_and_other_files(read):
    text = b"ID,TIME,AMT,DV\n1,0,10,.\n1,1,.,9\n"
    (timeline,), found, _ = read(gzip.compress(text), name="t.csv.gz")
    assert levels(timeline) == [(1, 9)]
    assert "unpacked" in found
    for raw, why in ((gzip.compress(text)[:-9], "gzip"), (b"PK\x03\x04rest", "zip or Excel"), (b"BZh91AY", "bzip2")):
        with pytest.raises(InputError, match=why):
            read(raw)


# ------------------------------------------------------------------------------------------------------- for a model

BABY = "ID,TIME,AMT,RATE,EVID,{},DV,MDV,WT,BW,GA,PNA\n"


def baby(column, *codes):
    """A dose, a level of 2.8 and a creatinine of 0.8, with ``codes`` of dose, level and creatinine in one column."""
    records = ("1,0,17,34,1,{},.,1,1.1,1.13,29,2", "1,24,.,.,0,{},2.8,0,1.1,1.13,29,3", "1,24,.,.,0,{},0.8,0,1.1,1.13,29,3")
    return BABY.format(column) + "".join(r.format(c) + "\n" for r, c in zip(records, codes, strict=True))


def bind(read, text, model="amikacin_neonate", mapping=None, **options):
    timelines, _, echo = read(text, map=mapping)
    return bound(load(model), timelines, echo.columns, unread=echo.unread, header=echo.header, source="t.csv", **options)


def measured(known):
    return [(o.measures, o.value) for o in known.timelines[0].observations]


BOTH = [("amikacin", 2.8), ("SCR", 0.8)]
CODED = {
    "DVID in words": ("DVID", (".", "amikacin", "SCR"), {}, BOTH),
    "DVID in any case": ("DVID", (".", "Amikacin", "scr"), {}, BOTH),
    "DVID by number": ("DVID", (".", "1", "2"), {}, BOTH),
    "CMT as in NONMEM": ("CMT", ("1", "1", "5"), {}, BOTH),
    "CMT in words": ("CMT", ("blood", "blood", "creatinine"), {}, BOTH),
    "CMT declared": ("CMT", ("1", "1", "2"), {"SCR": "CMT:2"}, BOTH),
    "both declared": ("CMT", ("1", "3", "2"), {"SCR": "CMT:2", "amikacin": "CMT:3"}, BOTH),
    "DVID declared": ("DVID", (".", "amika", "krea"), {"SCR": "DVID:krea", "amikacin": "DVID:amika"}, BOTH),
    "left out": ("CMT", ("1", "1", "2"), {"IGNORE": "CMT:2"}, BOTH[:1]),
}


@pytest.mark.parametrize("case", CODED)
def test_codes_select_what_is_measured(read, case):
    column, codes, mapping, want = CODED[case]
    assert measured(bind(read, baby(column, *codes), mapping=mapping)) == want


@pytest.mark.parametrize(
    ("column", "codes", "why"),
    [
        ("CMT", ("1", "1", "2"), "t.csv:4: .*CMT 2.*--map NAME=CMT:2"),
        ("CMT", ("1", "1", "9"), "CMT 9"),
        ("CMT", ("1", "liver", "creatinine"), "CMT liver"),
        ("DVID", (".", "1", "3"), "t.csv:4: .*no such quantity.*1 or amikacin, 2 or SCR.*IGNORE=DVID:3"),
        ("DVID", (".", "amikacin", "cystatin"), "no such quantity"),
    ],
)
def test_codes_that_mean_nothing_are_refused(read, column, codes, why):
    with pytest.raises(InputError, match=why):
        bind(read, baby(column, *codes))


def test_a_quantity_the_model_does_not_know_is_named(read):
    known = bind(read, baby("DVID", ".", "amikacin", "INR"))
    assert measured(known) == [("amikacin", 2.8), ("INR", 0.8)]
    assert "records_not_used" in {f.code for f in known.findings}


SCR = "ID,TIME,AMT,DV,DVID,WT,BW,GA,PNA,SCR\n"


def test_a_column_of_what_is_predicted_becomes_measurements(read):
    """Its first value and every change: a value carried forward is not measured again."""
    rows = "1,0,17,.,.,1.1,1.1,29,2,0.8\n1,24,.,2.8,.,1.1,1.1,29,3,0.8\n1,48,.,.,.,1.1,1.1,29,4,1.3\n1,60,.,.,.,1.1,1.1,29,5,.\n"
    known = bind(read, SCR + rows)
    assert [(o.time, o.measures, o.value) for o in known.timelines[0].observations] == [
        (0, "SCR", 0.8), (24, "amikacin", 2.8), (48, "SCR", 1.3)]  # fmt: skip
    assert "SCR" not in known.unused
    # records of their own measure it already; or nobody fits anything
    rows = "1,0,17,.,.,1.1,1.1,29,2,0.8\n1,24,.,0.8,SCR,1.1,1.1,29,3,0.8\n"
    known = bind(read, SCR + rows)
    assert [(o.time, o.value) for o in known.timelines[0].observations] == [(24, 0.8)]
    assert "SCR" in known.unused
    assert "SCR" in bind(read, SCR + "1,0,17,.,.,1.1,1.1,29,2,0.8\n", measure=False).unused


def test_what_is_read_in_another_case_and_codes_for_missing(read):
    known = bind(read, "ID,TIME,AMT,DV,Wt,Bw,Ga,Pna\n1,0,17,.,1.1,1.1,29,2\n1,24,.,3,1.1,1.1,29,3\n")
    assert {c.name for c in known.timelines[0].covariates} == {"WT", "BW", "GA", "PNA"}
    with pytest.raises(InputError, match="GA looks like a code for missing"):
        bind(read, "ID,TIME,AMT,DV,WT,BW,GA,PNA\n1,0,17,.,1.1,1.1,-99,2\n")


TABLE = (
    "ID,TIME,AMT,DV,WT,BW,GA,PNA,WARD,SHIFT,NOTE,LIMIT,CP\n1,0,17,.,1.1,1.1,29,2,3,.,late,0,8\n1,24,.,3,1.1,1.1,29,3,3,.,.,0,2\n"
)
UNUSED = ["WARD", "SHIFT", "NOTE", "LIMIT", "CP"]


@pytest.mark.parametrize("words", [("fit",), ("simulate",), ("replay", "--draws", "100")], ids=["fit", "simulate", "replay"])
def test_every_command_names_the_columns_it_did_not_use(tmp_path, words):
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    command, *more = words
    out = CliRunner().invoke(app, [command, "amikacin_neonate", str(path), *more, "--json"])
    assert out.exit_code == 0, out.output
    body = json.loads(out.stdout)
    assert body["unused_columns"] == UNUSED
    (finding,) = [f for f in body["findings"] if f["code"] == "unused_columns"]
    assert finding["message"].endswith(", ".join(UNUSED))
    left = CliRunner().invoke(app, [command, "amikacin_neonate", str(path), *more, "--json", "--map", "IGNORE=WARD",
                                    "--map", "IGNORE=CP"])  # fmt: skip
    assert json.loads(left.stdout)["unused_columns"] == UNUSED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID,TIME,AMT,DV,LLOQ,WT\n1,0,100,.,0.5,70\n1,60,.,0.25,0.5,70\n", [(60, 0.5, True)]),
        ("ID,TIME,AMT,DV,BQL,WT\n1,0,100,.,0,70\n1,60,.,0.5,1,70\n", [(60, 0.5, True)]),
        ("#ID,TIME,AMT,DV,WT\n1,0,100,.,70\n#1,1,.,99,70\n1,2,.,9,70\n", [(2, 9, False)]),
        ("# ID, TIME, AMT, and so on\nID,TIME,AMT,DV,WT\n1,0,100,.,70\n1,2,.,9,70\n", [(2, 9, False)]),
        ("ID,DATETIME,TIME,AMT,DV,WT\n1,2024-03-01 08:00,0,100,.,70\n1,.,0.5,.,.,70\n1,2024-03-02 09:00,25,.,9,70\n",
         [(25, 9, False)]),
    ],
    ids=["LLOQ", "BQL", "header marked", "comment naming columns", "moments that agree with TIME"],
)  # fmt: skip
def test_other_names_and_headers(read, text, expected):
    (timeline,), _, _ = read(text)
    assert [(o.time, o.value, o.blq) for o in timeline.observations] == expected


def test_a_duration_by_another_name_is_used(read):
    (timeline,), _, _ = read("ID,TIME,AMT,INFDUR,DV,WT\n1,0,100,2,.,70\n1,3,.,.,9,70\n")
    assert timeline.doses[0].duration == 2


def test_observation_types_of_other_programs(read):
    known = bind(read, "ID,TIME,AMT,YTYPE,DV,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,24,.,1,3,1.1,1.1,29,3\n"
                       "1,24,.,2,0.8,1.1,1.1,29,3\n")  # fmt: skip
    assert [o.measures for o in known.timelines[0].observations] == ["amikacin", "SCR"]
    assert len([c for c in known.timelines[0].covariates if c.name == "PNA"]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "ID,DATETIME,TIME,AMT,DV,WT\n1,2024-03-01T08:00,8,100,.,70\n1,2024-03-02T09:00,9,.,5,70\n",
            "DATETIME and TIME disagree",
        ),
        ("ID,TIME,AMT,DV,BLQ,CENS,WT\n1,0,100,.,0,0,70\n1,1,.,9,0,1,70\n", "BLQ and CENS contradict"),
        ("ID,TIME,AMT,DV,WT\n1,0,100,.,70\n1,1,.,BLQ,70\n", "is written <LIMIT"),
        ("ID,TIME,AMT,DV,WT\n1,0,100,.,70\n1,1,.,>40,70\n", "above a limit is not read"),
        ("ID,TIME,AMT,DV,WT\n1,0,100,NaN,70\n1,1,.,9,70\n", "write . where"),
        ("ID,TIME,AMT,DV,WT,DOSE_UNIT\n1,0,100,.,70,ug/L\n1,1,.,9,70,.\n", "unknown unit for amount"),
        ("ID,TIME,AMT,DV,WT,TIMEUNIT\n1,0,100,.,70,h\n1,1,.,9,70,mg/L\n", "unknown unit for time"),
        ("ID,TIME,AMT,DV,WT,LAB_UNIT\n1,0,100,.,70,.\n1,1,.,9,70,ug/L\n", "no column of this table is meant"),
        ("ID,TIME,AMT,DV,WT,UNIT\n1,0,100,.,70,mg\n1,1,.,9,70,furlong\n", "unknown unit for DV; found 'furlong'"),
        ("ID,TIME,AMT,DV,WT,UNIT\n1,0,100,.,70,mg\n1,1,.,9000,70,ug/L\n1,2,.,8,70,.\n", "DV without a unit"),
        ("ID,TIME,AMT,DV (mg/L),WT,DV_UNIT\n1,0,100,.,70,.\n1,1,.,9,70,ug/L\n", "one unit in the header and another"),
        ("ID,TIME,AMT (mcg),RATE,DV,WT\n1,0,1000,100,.,70\n1,1,.,9,70,9\n".replace(",70,9\n", ",9,70\n"), "RATE has none"),
        ("ID,TIME,AMT,DV,LOQ (kg),WT\n1,0,100,.,.,70\n1,1,.,9,1,70\n", "LOQ and DV have units that do not go together"),
    ],
)
def test_columns_and_cells_that_contradict(read, text, words):
    with pytest.raises(InputError, match=words):
        read(text)


# a table, and what the levels and creatinines of an amikacin model with a kidney become
UNITS = {
    "a bare UNIT is of the dose, and of what was measured": (
        "ID,TIME,AMT,DVID,DV,UNIT,WT,BW,GA,PNA\n1,0,17000,.,.,MCG,1.1,1.1,29,2\n1,8,.,amikacin,9000,UG/L,1.1,1.1,29,2\n"
        "1,9,.,SCR,88.4,\u00b5mol/L,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 9.0), ("SCR", 1.0)],
    ),
    "numbers of DVID and CMT are known to the model": (
        "ID,TIME,AMT,DVID,DV,DV_UNIT,WT,BW,GA,PNA\n1,0,17,.,.,.,1.1,1.1,29,2\n1,8,.,1,9,mg/L,1.1,1.1,29,2\n"
        "1,9,.,2,88.4,UMOL/L,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 9.0), ("SCR", 1.0)],
    ),
    "molar levels of a drug that is one substance": (
        "ID,TIME,AMT,DV,CONC UNITS,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,20,umol/l,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 20 * 0.5856)],
    ),
    "each column its own": (
        "ID,TIME,TIMEU,AMT,AMTU,DV,DVU,WT,WT_UNIT,BW,GA,UNIT_GA,PNA\n1,0,min,0.017,G,.,.,1100,g,1.1,203,days,2\n"
        "1,480,MIN,.,.,9,mcg/mL,1.1,KG,1.1,29,weeks,2\n",
        [17.0], [("amikacin", 9.0)],
    ),
    "the header's unit where what is measured is known by DVID": (
        "ID,TIME,AMT,DVID,DV (umol/L),WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,9,.,creatinine,88.4,1.1,1.1,29,2\n",
        [17.0], [("SCR", 1.0)],
    ),
    "LOQ is in the unit of DV where it states none": (
        "ID,TIME,AMT,DV (ng/mL),LOQ,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,9000,500,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 9.0)],
    ),
    "LOQ in its own unit": (
        "ID,TIME,AMT,DV (ng/mL),LOQ (mg/L),WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,9000,0.5,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 9.0)],
    ),
    "a limit in DV": (
        "ID,TIME,AMT,DV,UNIT,WT,BW,GA,PNA\n1,0,17,.,mg,1.1,1.1,29,2\n1,8,.,<500,ng/mL,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 0.5)],
    ),
    "canonical where it is filled": (
        "ID,TIME,AMT,DV,UNIT,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,9,mg/L,1.1,1.1,29,2\n1,9,.,8,.,1.1,1.1,29,2\n",
        [17.0], [("amikacin", 9.0), ("amikacin", 8.0)],
    ),
}  # fmt: skip


def test_a_unit_of_the_hospital_is_no_unit_of_measure(read):
    text = "ID,TIME,AMT,DV,UNIT,WT\n1,0,100,.,ICU,70\n1,1,.,9,ICU,70\n2,0,100,.,C,70\n2,1,.,9,NICU,70\n"
    timelines, findings, echo = read(text)
    assert (levels(timelines[0]), timelines[0].observations[0].stated) == ([(1, 9)], "")
    assert ("text_column_ignored" in findings, echo.unread) == (True, ("UNIT",))


@pytest.mark.parametrize("case", UNITS)
def test_columns_of_units(read, case):
    text, amounts, measured = UNITS[case]
    known = bind(read, text)
    (t,) = known.timelines
    assert [d.amount for d in t.doses] == amounts
    assert [o.measures for o in t.observations] == [name for name, _ in measured]
    assert [o.value for o in t.observations] == pytest.approx([value for _, value in measured])
    assert [o.loq for o in t.observations if o.loq is not None] == pytest.approx([0.5] * ("LOQ" in text or "<" in text))
    assert {c.value for c in t.covariates if c.name == "WT"} == {1.1}
    assert {c.value for c in t.covariates if c.name == "GA"} == {29.0}
    assert not any("UNIT" in h.upper() or h.endswith("U") for h in known.unused)


@pytest.mark.parametrize(
    ("unit", "words"), [("mg", "unknown unit for amikacin"), ("INR", "unknown unit for amikacin"), ("m", "two meanings")]
)
def test_a_unit_of_another_dimension_is_refused_with_the_line(read, unit, words):
    with pytest.raises(InputError, match=words) as error:
        bind(read, f"ID,TIME,AMT,DV,DV_UNIT,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,9,{unit},1.1,1.1,29,2\n")
    assert "t.csv:3" in str(error.value)


WORDS = {"amikacin": ("level", "Conc", "CONCENTRATION", "Amikacin", "drug_level"),
         "SCR": ("creatinine", "kreatinin", "Creat", "S-Creatinine", "scr", "serum creatinine")}  # fmt: skip


@pytest.mark.parametrize(("word", "measures"), [(w, name) for name, words in WORDS.items() for w in words])
def test_common_words_for_what_is_observed(read, word, measures):
    known = bind(read, f"ID,TIME,AMT,DVID,DV,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,{word},0.9,1.1,1.1,29,2\n")
    assert [(o.measures, o.value) for o in known.timelines[0].observations] == [(measures, 0.9)]


def test_an_inr_that_the_model_does_not_use_is_named(read):
    known = bind(read, "ID,TIME,AMT,DVID,DV,WT,BW,GA,PNA\n1,0,17,.,.,1.1,1.1,29,2\n1,8,.,inr,1.1,1.1,1.1,29,2\n")
    assert any(f.code == "records_not_used" and "INR" in f.message for f in known.findings)


def test_compartments_in_another_case(read):
    known = bind(read, "ID,TIME,AMT,CMT,DV,WT,BW,GA,PNA\n1,0,17,Kidney,.,1.1,1.1,29,2\n1,8,.,BLOOD,9,1.1,1.1,29,2\n"
                       "1,9,.,scr,0.9,1.1,1.1,29,2\n")  # fmt: skip
    assert [o.measures for o in known.timelines[0].observations] == ["amikacin", "SCR"]
    assert [f.code for f in known.findings if "compartment kidney" in f.message] == ["dose_compartment"]


def test_doses_into_another_compartment_are_said(read):
    known = bind(read, "ID,TIME,AMT,CMT,DV,WT,BW,GA,PNA\n1,0,17,2,.,1.1,1.1,29,2\n1,24,.,.,3,1.1,1.1,29,3\n")
    (said,) = [f for f in known.findings if f.code == "dose_compartment"]
    assert "kidney" in said.message


SAID = "ID,TIME,AMT,EVID,DV,MDV,WT,{0}\n1,0,100,1,.,1,70,{1}\n1,1,.,0,9,0,70,{2}\n"


@pytest.mark.parametrize(("column", "dose", "said"), [
    ("STATUS", "not given", "not given"), ("NOTE", "refused by patient", "not given"), ("ROUTE", "inhaled", "where it is put"),
    ("ROUTE", "IH", "where it is put"), ("ROUTE", "oral / IV", "two routes"),
])  # fmt: skip
def test_words_that_say_a_dose_was_none_are_heard(tmp_path: Path, column: str, dose: str, said: str) -> None:
    file = tmp_path / "case.csv"
    file.write_text(SAID.format(column, dose, ""))
    with pytest.raises(InputError, match=said):
        read_table(file)
    file.write_text(SAID.format(column, "given by IV" if column == "NOTE" else "IV", "final"))
    timelines, echo = read_table(file)
    assert len(timelines[0].doses) == 1
    assert [f.code for f in echo.findings] == ["text_column_ignored"]


def test_a_level_that_words_speak_against_is_named(tmp_path: Path) -> None:
    file = tmp_path / "case.csv"
    file.write_text(SAID.format("COMMENT", "", "Haemolysed - discard"))
    _, echo = read_table(file)
    assert ["level_spoken_against", "Haemolysed - discard"] in [[f.code, f.value] for f in echo.findings]


def test_a_unit_in_a_cell_of_a_known_quantity_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "case.csv"
    file.write_text("ID,TIME,AMT,EVID,DV,MDV,WT\n1,0,100,1,.,1,.\n1,1,.,0,9,0,80 kg\n")
    with pytest.raises(InputError, match=r"case.csv:3: WT is not a number.*80 kg.*header"):
        read_table(file)
