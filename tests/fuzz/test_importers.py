"""Whatever comes in, an importer answers with a Timeline or with one line of InputError, never with another exception."""

import copy
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.checks.record import check
from dosetwin.errors import InputError
from dosetwin.io.case import read_case
from dosetwin.io.fhir import read_bundle
from dosetwin.io.nonmem import read_table
from dosetwin.records import Timeline

DEMO = json.loads((files("dosetwin") / "data" / "demo_newborn.json").read_text(encoding="utf-8"))


def answers(call: Callable[[], Any]) -> None:
    """The one property: a result whose findings print on one line each, or a one-line InputError."""
    said = ""
    try:
        result = call()
    except InputError as error:
        result, said = None, str(error)
    if result is None:
        assert len(said.splitlines()) == 1
        return
    timelines = [result] if isinstance(result, Timeline) else result[0]
    for timeline in timelines:
        assert isinstance(timeline, Timeline)
        for finding in (*timeline.findings, *check(timeline), *check(timeline, now=24.0)):
            assert len(str(finding).splitlines()) == 1
            str(finding).encode()  # printable on any terminal


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=150)
@given(
    raw=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass"))),
    name=st.sampled_from(["case.json", "case.csv", "case"]),
)
def test_random_bytes(folder, raw, name):
    path = folder / name
    path.write_bytes(raw)
    answers(lambda: read_case(path))
    answers(lambda: read_table(path))


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=12),
    st.sampled_from(["2026-03-02T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026", "mg", "kg", "<"]),
    st.sampled_from(["http://loinc.org", "35669-1", 1e308, -1, 0, "#m"]),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=100)
@given(anything)
def test_random_json(value):
    answers(lambda: read_bundle(value) if isinstance(value, dict) else read_bundle({"resourceType": "Bundle", "entry": value}))


def places(node: Any, path: tuple = ()) -> list[tuple]:
    """Every place in a JSON tree, as a path of keys and indices."""
    out = [path] if path else []
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        out += places(value, (*path, key))
    return out


def look_up(node: Any, path: tuple) -> Any:
    """The value at a place."""
    for key in path:
        node = node[key]
    return node


# a few resources of the demo keep one example fast; every kind that is read is among them
SMALL = {
    **DEMO,
    "entry": [
        e for e in DEMO["entry"] if e["resource"]["id"] not in ("weight-day-1", "ibuprofen-2", "temperature", "creatinine-day-1")
    ],
}
PLACES = places(SMALL)


@settings(max_examples=600)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "double", "swap", "scale"]), anything),
        min_size=1,
        max_size=4,
    )
)
def test_mutated_bundles(changes):
    bundle = copy.deepcopy(SMALL)
    for path, action, value in changes:
        node = bundle
        try:
            for key in path[:-1]:
                node = node[key]
            if action == "replace":
                node[path[-1]] = value
            elif action == "remove":
                del node[path[-1]]
            elif action == "swap":
                # another place's value: stays valid FHIR more often, so that the readers behind the parser are reached
                node[path[-1]] = copy.deepcopy(look_up(SMALL, PLACES[len(repr(value)) * 7919 % len(PLACES)]))
            elif action == "scale" and isinstance(node[path[-1]], int | float):
                node[path[-1]] *= -1000
            elif isinstance(node, list):
                node.append(copy.deepcopy(node[path[-1]]))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    answers(lambda: read_bundle(bundle))


OPTIONAL = ["RATE", "EVID", "CMT", "II", "ADDL", "SS", "MDV", "DVID", "BLQ", "LOQ", "CENS", "OCC", "WT", "GA", "sex"]
cells = st.one_of(
    st.sampled_from(["", ".", "NA", "0", "1", "2", "3", "4", "-1", "-2", "0.5", "10", "1e308", "1e-320", "nan", "inf", "1_0"]),
    st.sampled_from(["male", "central", "1.5", '"', "#", "08:30"]),
    st.floats(allow_nan=True).map(repr),
    st.text(max_size=4),
)  # fmt: skip


@st.composite
def tables(draw):
    """Mostly well-formed tables, so that most get past the header; one in ten has a damaged header, one in ten ragged lines."""
    header = ["ID", "TIME", "AMT", "DV", *draw(st.lists(st.sampled_from(OPTIONAL), max_size=6, unique=True))]
    if draw(st.integers(0, 9)) == 0:
        header[draw(st.integers(0, len(header) - 1))] = draw(st.sampled_from(["", "id", "1", "DV", "\u00e9", "#"]))
    sane = st.sampled_from([".", "0", "1", "2", "10"])
    ragged = draw(st.integers(0, 9)) == 0
    lines = [header]
    for i in range(draw(st.integers(1, 5))):
        row = ["1", str(i)] + [draw(cells if draw(st.integers(0, 11)) == 0 else sane) for _ in header[2:]]
        lines.append(row[: draw(st.integers(1, len(row)))] if ragged else row)
    return "\n".join(",".join(row) for row in lines)


@settings(max_examples=300)
@given(tables())
def test_random_tables(folder, text):
    path = folder / "t.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    answers(lambda: read_table(path))
