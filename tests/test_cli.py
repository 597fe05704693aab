"""The command line as its users meet it: contracts, broken files, nothing half written, nothing heavy imported for help."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from dosetwin import cli

DEMO = Path(str(files("dosetwin") / "data" / "demo_newborn.json"))
MODEL = "phenobarbital_grasela_1985"
TABLE = """ID,TIME,AMT,DV,WGT,APGR
1,0,25,.,1.4,7
1,2,.,17.3,1.4,7
1,12.5,3.5,.,1.4,7
1,112.5,.,15.0,1.4,7
2,0,15,.,1.5,9
2,2,.,9.7,1.5,9
2,63.5,.,8.6,1.5,9
"""
MAP = ("--map", "WT=WGT")


class Ran:
    """What one run of the program left: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in a fresh folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def go(*words: object) -> Ran:
        capsys.readouterr()
        code = cli.run([str(w) for w in words])
        caught = capsys.readouterr()
        return Ran(code, caught.out, caught.err)

    return go


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def is_one_line_error(ran: Ran, *parts: str, code: int = 2) -> None:
    """Exit code, exactly one line on stderr that holds ``parts``, nothing on stdout."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert ran.err.count("\n") == 1, ran.err
    assert ran.err.startswith("dosetwin: ")
    assert "Traceback" not in ran.err
    for part in parts:
        assert part in ran.err, (part, ran.err)


# ------------------------------------------------------------------------------------------------------------- light


def test_importing_the_command_line_is_cheap() -> None:
    """``dosetwin --help`` must not pay for the numeric libraries."""
    heavy = ("numpy", "numba", "pandas", "scipy", "matplotlib", "jinja2", "fhir", "pydantic", "dosetwin.declare")
    probe = f"import sys, dosetwin.cli; print([m for m in {heavy!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"


def test_help_of_every_command(run: Run) -> None:
    listed = run("--help")
    assert listed.code == 0
    for word in ("demo", "advise", "simulate", "fit", "replay", "models", "validate"):
        assert word in listed.out
        own = run(word, "--help")
        assert own.code == 0
        assert "--json" in own.out
    assert run().out == listed.out
    assert run("--version").out.startswith("dosetwin ")


# ------------------------------------------------------------------------------------------------------------- contracts


def test_simulate_writes_pred_and_every_output(run: Run, table: Path, tmp_path: Path) -> None:
    ran = run("simulate", MODEL, table, "-o", "out.csv", *MAP)
    assert ran.code == 0, ran.err
    found = rows((tmp_path / "out.csv").read_text())
    assert list(found[0]) == ["ID", "TIME", "PRED", "Cp"]
    assert [(r["ID"], float(r["TIME"])) for r in found] == [("1", 2), ("1", 112.5), ("2", 2), ("2", 63.5)]
    # closed form of the typical baby of 1.4 kg: D/V exp(-CL/V t)
    from math import exp

    V, CL = 0.984258 * 1.4, 0.00469555 * 1.4
    assert float(found[0]["PRED"]) == pytest.approx(25 / V * exp(-CL / V * 2), rel=1e-9)


def test_simulate_percentiles_are_ordered_and_repeatable(run: Run, table: Path, tmp_path: Path) -> None:
    words = ("simulate", MODEL, table, *MAP, "--draws", 300)
    assert run(*words, "-o", "a.csv", "--seed", 5).code == 0
    assert run(*words, "-o", "b.csv", "--seed", 5).code == 0
    assert run(*words, "-o", "c.csv", "--seed", 6).code == 0
    a, b, c = ((tmp_path / f"{n}.csv").read_text() for n in "abc")
    assert a == b != c
    for row in rows(a):
        shown = [float(row[k]) for k in ("P05", "P25", "P50", "P75", "P95")]
        assert shown == sorted(shown)
        assert shown[0] < float(row["PRED"]) < shown[-1]
        assert row["P50"] == row["Cp_P50"]


def test_simulate_individual_is_narrower_and_residual_wider(run: Run, table: Path) -> None:
    def width(*more: str) -> float:
        ran = run("simulate", MODEL, table, *MAP, "--draws", 400, "--json", *more)
        assert ran.code == 0, ran.err
        return sum(r["P95"] - r["P05"] for r in json.loads(ran.out)["rows"])

    true_population, true_individual = width("--no-residual"), width("--no-residual", "--individual")
    assert true_individual < true_population < width("--residual")


def test_fit_writes_etas_errors_parameters_and_ipred(run: Run, table: Path, tmp_path: Path) -> None:
    ran = run("fit", MODEL, table, "-o", "fit.csv", "--records", "levels.csv", *MAP)
    assert ran.code == 0, ran.err
    found = rows((tmp_path / "fit.csv").read_text())
    assert [r["ID"] for r in found] == ["1", "2"]
    assert {"OFV", "ETA_CL", "ETA_V", "SE_CL", "SE_V", "CL", "V"} <= set(found[0])
    levels = rows((tmp_path / "levels.csv").read_text())
    assert [r["ID"] for r in levels] == ["1", "1", "2", "2"]
    assert all(float(r["IPRED"]) > 0 for r in levels)
    # an individual prediction lies nearer to the level than the typical one, on the whole
    miss = {k: sum(abs(float(r[k]) / float(r["DV"]) - 1) for r in levels) for k in ("PRED", "IPRED")}
    assert miss["IPRED"] < miss["PRED"]


def test_replay_json_contract(run: Run, table: Path) -> None:
    ran = run("replay", MODEL, table, *MAP, "--json", "--draws", 200, "--covariates", "nocb")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    body = json.loads(ran.out)
    errors = {"mpe", "mape", "rmse", "f20", "f30"}
    assert {"n_subjects", "n_levels", "a_priori", "a_posteriori", "coverage50", "coverage90"} <= set(body)
    assert errors <= set(body["a_priori"])
    assert errors <= set(body["a_posteriori"])
    assert (body["n_subjects"], body["n_levels"], body["covariates"]) == (2, 4, "nocb")


def test_replay_report_and_forecasts(run: Run, table: Path, tmp_path: Path) -> None:
    ran = run("replay", MODEL, table, *MAP, "--draws", 200, "--report", "r.html", "--forecasts", "f.csv")
    assert ran.code == 0, ran.err
    assert "a posteriori" in ran.out
    assert "</html>" in (tmp_path / "r.html").read_text()
    assert len(rows((tmp_path / "f.csv").read_text())) == 4


def test_models_list_and_card(run: Run) -> None:
    listed = run("models")
    assert MODEL in listed.out
    card = run("models", MODEL)
    for part in ("Grasela", "L/h/kg", "dA/dt", "secondary", "Anchors", "proportional"):
        assert part in card.out, part
    body = json.loads(run("models", MODEL, "--json").out)
    assert body["parameters"][0] == {
        "name": "CL_WT", "value": 0.00469555, "unit": "L/h/kg", "meaning": "clearance per kg", "provenance": "secondary",
        "source": "",
    }  # fmt: skip
    names = [m["name"] for m in json.loads(run("models", "--json").out)]
    assert names == sorted(names)


def test_every_model_has_a_card(run: Run) -> None:
    from dosetwin import models

    for name in models.names():
        assert run("models", name).code == 0, name


def test_advise_json_contract(run: Run, tmp_path: Path) -> None:
    ran = run("advise", DEMO, "--json", "--draws", 200, "--covariates", "linear", "--report", "r.html")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    body = json.loads(ran.out)
    assert {"status", "regimen", "candidates", "reasons", "findings", "provenance"} <= set(body)
    assert body["status"] == "recommend"
    assert set(body["regimen"]) == {"amount_mg", "interval_h", "infusion_h", "first_at"}
    assert body["provenance"]["covariates"] == "linear"
    assert "timestamp" in body["provenance"]["now_is"]
    assert {"neofax", "bnfc", "red_book", "decock_smits"} <= {r for c in body["candidates"] for r in c["rules"]}
    page = (tmp_path / "r.html").read_text()
    assert f"{body['regimen']['amount_mg']:g} mg amikacin" in page


def test_outputs_by_number_and_by_name(run: Run, tmp_path: Path) -> None:
    """A model with two outputs: PRED is that of the record's own, whichever way the file names it."""
    head = "ID,TIME,AMT,DV,EVID,DVID,AGE,CYP2C9_2,CYP2C9_3,VKORC1_A\n"
    lines = ("1,0,5,.,1,.", "1,48,.,1.8,0,INR", "1,48,.,0.2,0,1", "1,72,.,1.8,0,2")
    (tmp_path / "w.csv").write_text(head + "".join(f"{line},60,0,0,1\n" for line in lines))
    assert run("simulate", "warfarin_hamberg_2010", "w.csv", "-o", "o.csv").code == 0
    found = rows((tmp_path / "o.csv").read_text())
    assert [r["PRED"] for r in found] == [found[0]["INR"], found[1]["Cs"], found[2]["INR"]]
    assert run("fit", "warfarin_hamberg_2010", "w.csv", "-o", "f.csv", "--records", "l.csv").code == 0
    assert [r["MEASURES"] for r in rows((tmp_path / "l.csv").read_text())] == ["INR", "S-warfarin", "INR"]


def test_advise_on_a_table(run: Run, tmp_path: Path) -> None:
    head = "ID,TIME,AMT,RATE,DV,BW,WT,GA,PNA\n"
    lines = ("7,0,17.6,35.2,.", "7,1,.,.,33.5", "7,22.5,.,.,9.7")
    (tmp_path / "case.csv").write_text(head + "".join(f"{line},1.13,1.1,29,1.5\n" for line in lines))
    is_one_line_error(run("advise", "case.csv", "--draws", 100), "--drug")
    ran = run("advise", "case.csv", "--draws", 100, "--drug", "amikacin", "--json")
    assert ran.code in (0, 3), ran.err
    assert json.loads(ran.out)["provenance"]["now_h"] == 22.5


def test_advise_moment(run: Run) -> None:
    def now(word: str) -> dict[str, str]:
        ran = run("advise", DEMO, "--json", "--draws", 100, "--now", word)
        assert ran.code in (0, 3), ran.err
        return json.loads(ran.out)["provenance"]

    assert now("24")["now"] == now("2026-04-13T12:00:00Z")["now"] == now("2026-04-13T14:00+02:00")["now"]
    assert now("24")["now_is"] == "given with --now"


def test_advise_default_moment_is_the_last_record_without_a_timestamp(run: Run, tmp_path: Path) -> None:
    bundle = json.loads(DEMO.read_text())
    del bundle["timestamp"]
    (tmp_path / "case.json").write_text(json.dumps(bundle))
    ran = run("advise", "case.json", "--json", "--draws", 100)
    said = json.loads(ran.out)["provenance"]
    assert (said["now"], said["now_is"]) == ("2026-04-13T10:30:00+00:00", "the last record of case.json")


def test_advise_several_models(run: Run) -> None:
    ran = run("advise", DEMO, "--json", "--draws", 100, "--model", "amikacin_decock_2012", "--model", "amikacin_neonate")
    assert ran.code in (0, 3), ran.err
    found = json.loads(ran.out)["provenance"]["models"]
    assert [m["name"] for m in found] == ["amikacin_decock_2012", "amikacin_neonate"]
    assert sum(m["weight"] for m in found) == pytest.approx(1, abs=1e-5)


def test_a_refusal_exits_with_3_and_says_why(run: Run, tmp_path: Path) -> None:
    """An MIC out of reach: the twin refuses, in text, in JSON and in the report."""
    (tmp_path / "case.json").write_text(DEMO.read_text())
    ran = run("advise", "case.json", "--mic", 32, "--json", "--draws", 200, "--report", "r.html")
    assert ran.code == 3, ran.err
    body = json.loads(ran.out)
    assert (body["status"], body["regimen"]) == ("refuse", None)
    assert body["reasons"]
    assert "No recommendation" in (tmp_path / "r.html").read_text()
    text = run("advise", "case.json", "--mic", 32, "--draws", 200)
    assert text.code == 3
    assert "No recommendation" in text.out


def test_a_hold_is_a_caution_and_says_first_what_not_to_do(run: Run, tmp_path: Path) -> None:
    """A level far from the model: exit code 0, since there is a plan; the dose is held in text, in JSON and in the report."""
    bundle = json.loads(DEMO.read_text())
    for entry in bundle["entry"]:
        if entry["resource"].get("id") == "amikacin-level-2":
            entry["resource"]["valueQuantity"]["value"] = 90.0
    (tmp_path / "case.json").write_text(json.dumps(bundle))
    ran = run("advise", "case.json", "--json", "--draws", 200, "--report", "r.html")
    assert ran.code == 0, ran.err
    body = json.loads(ran.out)
    assert (body["status"], body["regimen"], body["hold"]) == ("caution", None, True)
    assert body["hold_reason"].startswith("do not give the next dose now")
    assert [d["record"] for d in body["doubted_records"]] == ["Observation/amikacin-level-2"]
    assert "Hold the next dose" in (tmp_path / "r.html").read_text()
    text = run("advise", "case.json", "--draws", 200)
    assert text.code == 0
    assert text.out.index("Do not give the next dose now") < text.out.index("Take a level at") < text.out.index("If it confirms")


def test_validate_json_contract(run: Run, tmp_path: Path) -> None:
    ran = run("validate", "amikacin_newborns", "--json", "--n", 60, "--markdown", "v.md")
    assert ran.code == 0, ran.err
    checks = json.loads(ran.out)
    assert checks
    for c in checks:
        assert {"check", "source", "published", "simulated", "mc_error", "band", "pass"} <= set(c)
    assert (tmp_path / "v.md").read_text().startswith("# Validation")


# ------------------------------------------------------------------------------------------------------------- bad input

BROKEN: dict[str, bytes | None] = {
    "absent.csv": None,
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 8,
    "header_only.csv": b"ID,TIME,AMT,DV,WT\n",
    "columns.csv": b"A,B,C\n1,2,3\n",
    "letters.csv": b"ID,TIME,AMT,DV,WT\n1,0,ten,.,1.4\n",
    "ragged.csv": b"ID,TIME,AMT,DV,WT\n1,0,10\n",
    "backwards.csv": b"ID,TIME,AMT,DV,WT\n1,5,10,.,1.4\n1,2,.,3,1.4\n",
    "no_weight.csv": b"ID,TIME,AMT,DV\n1,0,10,.\n1,2,.,3\n",
    "no_levels.csv": b"ID,TIME,AMT,DV,WT\n1,0,10,.,1.4\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("words", [("simulate", MODEL), ("fit", MODEL), ("replay", MODEL)], ids=lambda w: w[0])
def test_a_broken_table_is_one_line_and_writes_nothing(run: Run, tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    content = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    output = ("--report", "out.html") if words[0] == "replay" else ("-o", "out.csv")
    before = sorted(p.name for p in tmp_path.iterdir())
    is_one_line_error(run(*words, name, *output), name)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


UNSOUND = {
    "grams": ("1,0,10,.,1400\n1,2,.,5,1400\n", "looks like grams"),
    "before": ("1,0,.,5,1.4\n1,2,10,.,1.4\n", "before the first dose"),
}


@pytest.mark.parametrize("words", [("simulate", MODEL), ("fit", MODEL), ("replay", MODEL)], ids=lambda w: w[0])
@pytest.mark.parametrize("what", UNSOUND)
def test_records_with_errors_stop_a_table_or_leave_their_subject_out(
    run: Run, tmp_path: Path, words: tuple[str, ...], what: str
) -> None:
    bad, said = UNSOUND[what]
    (tmp_path / "two.csv").write_text("ID,TIME,AMT,DV,WT\n" + bad + "2,0,10,.,1.4\n2,2,.,5,1.4\n", encoding="utf-8")
    output = ("--forecasts", "out.csv") if words[0] == "replay" else ("-o", "out.csv")
    is_one_line_error(run(*words, "two.csv", *output), "two.csv:2", said, "--leave-out")
    assert not (tmp_path / "out.csv").exists()
    went_on = run(*words, "two.csv", *output, "--leave-out")
    assert went_on.code == 0
    assert "patient 1" in went_on.out
    assert len(rows((tmp_path / "out.csv").read_text())) == 1


def test_two_results_of_one_sample_are_kept_in_a_table(run: Run, tmp_path: Path) -> None:
    text = "ID,TIME,AMT,DV,WT\n1,0,10,.,1.4\n1,2,.,5,1.4\n1,2,.,6,1.4\n"
    (tmp_path / "twice.csv").write_text(text, encoding="utf-8")
    ran = run("fit", MODEL, "twice.csv", "-o", "out.csv")
    assert ran.code == 0
    assert "conflicting_values" in ran.out
    assert rows((tmp_path / "out.csv").read_text())[0]["N"] == "2"


@pytest.mark.parametrize("words", [("simulate", MODEL), ("fit", MODEL), ("replay", MODEL), ("advise",)], ids=lambda w: w[0])
def test_a_folder_is_not_a_file(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "folder.csv").mkdir()
    output = ("-o", "out.csv") if words[0] in ("simulate", "fit") else ()
    is_one_line_error(run(*words, "folder.csv", *output), "folder.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.json", b""),
        ("half.json", b'{"resourceType": "Bundle", "entry": ['),
        ("array.json", b"[1, 2]"),
        ("other.json", b'{"resourceType": "Patient"}'),
        ("no_entries.json", b'{"resourceType": "Bundle", "entry": []}'),
        ("binary.json", bytes(range(256))),
        ("deep.json", b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000),
        ("two.csv", b"ID,TIME,AMT,DV,WT\n1,0,10,.,1\n2,0,10,.,1\n"),
        ("patient\x1b[31m.json", b"{"),
    ],
)
def test_a_broken_case_is_one_line_and_writes_nothing(run: Run, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    ran = run("advise", name, "--report", "out.html")
    is_one_line_error(ran, "json" if name.endswith("json") else "csv")
    assert "\x1b" not in ran.err
    assert not (tmp_path / "out.html").exists()


def test_an_impossible_fact_names_the_file_and_the_record(run: Run, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(DEMO.read_text().replace('"value": 17.6', '"value": 1760'))
    ran = run("advise", "case.json", "--report", "out.html")
    is_one_line_error(ran, "case.json", "MedicationAdministration/amikacin-1", "dose_implausible")
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simulate", "nope", "data.csv", "-o", "o.csv"), "unknown model"),
        (("simulate", "./nope.py", "data.csv", "-o", "o.csv"), "nope.py"),
        (("simulate", MODEL, "data.csv"), "-o"),
        (("simulate", MODEL, "data.csv", "-o", "data.csv"), "overwrite the input"),
        (("simulate", MODEL, "data.csv", "-o", "./sub/../data.csv"), "overwrite the input"),
        (("simulate", MODEL, "data.csv", "-o", "link.csv"), "overwrite the input"),
        (("simulate", MODEL, "data.csv", "-o", "no/such/folder.csv"), "folder does not exist"),
        (("simulate", MODEL, "data.csv", "-o", "."), "folder"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--draws", "3"), "--draws"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--draws", "many"), "--draws"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--covariates", "spline"), "locf, nocb, linear"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--map", "WT"), "NAME=COLUMN"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--map", "WT=NOPE"), "NOPE"),
        (("simulate", MODEL, "data.csv", "-o", "o.csv", "--individual"), "--draws"),
        (("fit", MODEL, "data.csv", "-o", "o.csv", "--records", "o.csv", *MAP), "same file"),
        (("fit", MODEL, "data.csv", "-o", "o.csv", "--nonsense"), "--nonsense"),
        (("replay", MODEL, "data.csv", "--measures", "zinc", *MAP), "zinc"),
        (("replay", MODEL, "data.csv", "--report", "data.csv", *MAP), "overwrite"),
        (("models", "nope"), "unknown model"),
        (("models", "amikacin_neonat"), "allowed: amikacin_neonate;"),
        (("advise", DEMO, "--therapy", "tumor_systemic"), "allowed: tumour_systemic;"),
        (("advise", DEMO, "--model", "nope"), "unknown model"),
        (("advise", DEMO, "--model", MODEL), "different drugs"),
        (("advise", DEMO, "--now", "yesterday"), "ISO 8601"),
        (("advise", DEMO, "--now", "nan"), "--now"),
        (("advise", DEMO, "--now", "2026-04-13T14:00"), "offset"),
        (("advise", DEMO, "--mic", "-1"), "--mic"),
        (("advise", DEMO, "--draws", "5"), "--draws"),
        (("advise", DEMO, "--drug", "zinc"), "zinc"),
        (("advise", DEMO, "--therapy", "nope"), "therapy"),
        (("advise", DEMO, "--therapy", "data.csv.json"), "data.csv.json"),
        (("advise", DEMO, "--report", "no/such/r.html"), "folder does not exist"),
        (("demo", "--report", "no/such/r.html"), "folder does not exist"),
        (("validate", "--markdown", "no/such/v.md"), "folder does not exist"),
        (("validate", "--n", "2"), "--n"),
        (("validate", "nonsense"), "unknown page"),
        (("unknown",), "unknown"),
        (("advise",), "CASE"),
    ],
)
def test_wrong_words_are_one_line(run: Run, table: Path, tmp_path: Path, words: tuple[object, ...], said: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(table)
    is_one_line_error(run(*words), said)
    assert table.read_text() == TABLE
    assert not (tmp_path / "o.csv").exists()


def test_the_option_of_before_still_works_and_says_so(run: Run) -> None:
    found = run("advise", DEMO, "--policy", "nope")
    assert found.code == 2
    assert "--policy is called --therapy now" in found.err
    assert "unknown therapy; found 'nope'" in found.err


def test_a_therapy_that_is_none(run: Run, tmp_path: Path) -> None:
    for text in ("{}", "[]", '{"name": 3}', "not json"):
        (tmp_path / "p.json").write_text(text)
        is_one_line_error(run("advise", DEMO, "--therapy", "p.json"), "p.json")


def test_a_model_file_that_fails_is_bad_input(run: Run, table: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("1 / 0\n")
    is_one_line_error(run("simulate", "./mine.py", table, "-o", "o.csv"), "mine.py", "ZeroDivisionError")


def test_a_failed_write_leaves_the_old_file(run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the old output stays, no temporary file is left."""
    (tmp_path / "out.csv").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dosetwin.cli.common.os.fsync", full)
    is_one_line_error(run("simulate", MODEL, table, "-o", "out.csv", *MAP), "No space left")
    assert (tmp_path / "out.csv").read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_an_unexpected_error_asks_for_a_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a bug\nof two lines")

    monkeypatch.setattr("dosetwin.models.names", broken)
    is_one_line_error(run("models"), "RuntimeError", "--debug", code=1)
    with pytest.raises(RuntimeError):
        cli.run(["models", "--debug"])


def test_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dosetwin.models.names", stop)
    is_one_line_error(run("models"), "stopped", code=130)


def test_the_installed_program(tmp_path: Path) -> None:
    """As a process: clean JSON on stdout, an error on stderr, exit codes."""
    words = [sys.executable, "-m", "dosetwin.cli"]
    ok = subprocess.run([*words, "models", "--json"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ok.returncode == 0
    assert json.loads(ok.stdout)
    bad = subprocess.run([*words, "models", "nope"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.count("\n") == 1


def test_text_from_records_cannot_drive_the_terminal(run: Run, tmp_path: Path) -> None:
    bundle = json.loads(DEMO.read_text().replace("demo-newborn", "x\\u001b[2Jy"))
    (tmp_path / "case.json").write_text(json.dumps(bundle))
    ran = run("advise", "case.json", "--draws", 100)
    assert "\x1b" not in ran.out + ran.err


def test_a_dose_in_grams_is_remarked_in_a_table(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text(TABLE.replace("1,0,25,", "1,0,0.025,"), encoding="utf-8")
    ran = run("simulate", MODEL, data, *MAP, "--json")
    assert ("warning", "dose_implausible") in {(f["severity"], f["code"]) for f in json.loads(ran.out)["findings"]}


def test_a_decision_long_after_the_last_record(run: Run) -> None:
    ran = run("advise", DEMO, "--now", "2026-05-01T12:00:00Z", "--json", "--draws", "100")
    assert "stale_data" in {f["code"] for f in json.loads(ran.out)["findings"]}
    is_one_line_error(run("advise", DEMO, "--now", "9999-12-31T12:00:00Z"), "--now", "366 days")
