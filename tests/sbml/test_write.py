"""A model file written from SBML: it says the same as the network it came from, and runs on the compiled engine."""

import math
from pathlib import Path

import numpy as np
import pytest

from dosetwin.cli import OK, REFUSAL, run
from dosetwin.io.sbml import read_sbml
from dosetwin.models import load
from dosetwin.records import Patient, Timeline
from dosetwin.sbml.code import RATE, Code
from dosetwin.simulate import predict, schedule_for

pytest.importorskip("libsbml")
TUMOUR = "BIOMD0000000521.xml"
SHRINKS = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">
<model id="m" name="it's a &quot;&quot;&quot; model">
<listOfParameters><parameter id="lambda" value="0.3" constant="true"/><parameter id="A" value="2" constant="false"/>
</listOfParameters>
<listOfRules><rateRule variable="A"><math xmlns="http://www.w3.org/1998/Math/MathML">
<apply><times/><apply><minus/><ci>lambda</ci></apply><ci>A</ci></apply></math></rateRule></listOfRules>{}</model></sbml>"""


def test_a_written_file_says_what_the_network_says(shared: Path, tmp_path: Path) -> None:
    """Ribba 2012: the derivatives of both at a point of no meaning; identifiers and names are kept."""
    source, out = shared / "data" / "biomodels" / TUMOUR, tmp_path / "tumour.py"
    if not source.is_file():
        pytest.skip(f"no {TUMOUR} in the reference folder")
    assert run(["import", str(source), "-o", str(out)]) == OK
    made, code = load(str(out)), Code(read_sbml(source))
    p = made.individual(made.theta(), made.eta(), made.cov())
    A = made.state(0.3, 5.0, 40.0, 2.0)
    stored, unknown = code.start()
    assert not unknown
    for i, v in zip(code.moving, A, strict=True):
        stored[i] = v
    assert made.dynamics(0.0, A, p, made.cov()) == pytest.approx(
        code.function([RATE + code.slots[i] for i in code.moving])(0.0, stored), rel=1e-12
    )
    assert made.initial is not None
    assert made.initial(p, made.cov()) == (1.0, 7.13, 41.2, 0.0)
    assert made.outputs["Q"].text == "nonproliferative quiescent tissue"
    assert "http://identifiers.org/pubmed/22761472" in made.module.RESOURCES["model"]


@pytest.mark.slow
def test_a_written_file_runs_on_the_compiled_engine(tmp_path: Path) -> None:
    source, out = tmp_path / "m.xml", tmp_path / "written.py"
    source.write_text(SHRINKS.format(""), encoding="utf-8")
    assert run(["import", str(source), "-o", str(out)]) == OK
    text = out.read_text(encoding="utf-8")
    assert 'solver="auto"' in text
    out.write_text(text.replace('solver="auto"', 'solver="explicit"'), encoding="utf-8")  # one of two kernels: half the wait
    made = load(str(out))
    times = [0.0, 1.0, 7.5]
    found = predict(made, schedule_for(made, Timeline(Patient("one"), ()), times), np.zeros((1, 0))).value[0, :, 0]
    assert found == pytest.approx([2 * math.exp(-0.3 * t) for t in times], rel=1e-6)


def test_events_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    event = """<listOfEvents><event id="wash" useValuesFromTriggerTime="true"><trigger initialValue="true" persistent="true">
    <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><lt/><ci>A</ci><cn>1</cn></apply></math></trigger></event></listOfEvents>"""
    source = tmp_path / "m.xml"
    source.write_text(SHRINKS.format(event), encoding="utf-8")
    assert run(["import", str(source), "-o", str(tmp_path / "m.py")]) == REFUSAL
    assert "wash" in capsys.readouterr().err
    assert not (tmp_path / "m.py").exists()
