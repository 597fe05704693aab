"""Release notes are the changelog's words, name every artefact by its hash, and are refused once anything was changed."""

import importlib.util
import stat
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the service's packages are not installed (extra serve)")
FILE = Path(__file__).parents[2] / "deploy" / "release.py"
SAID = "# Changes\n\n## 0.2.0 (1 May)\n### Clinical\n- A dose.\n\n## 0.1.0\n- Older.\n"


@pytest.fixture
def made(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("release", FILE)
    assert spec is not None
    assert spec.loader is not None
    release = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(release)
    (tmp_path / "CHANGELOG.md").write_text(SAID)
    for name in ("dosetwin-0.2.0.whl", "dosetwin-0.2.0.tar.gz"):
        (tmp_path / name).write_bytes(name.encode())
    at = str(tmp_path)
    assert release.main(["keygen", f"{at}/release.key"]) == 0
    words = ["notes", "0.2.0", f"{at}/dosetwin-0.2.0.whl", f"{at}/dosetwin-0.2.0.tar.gz", "--key", f"{at}/release.key"]
    assert release.main([*words, "--to", f"{at}/notes.md", "--changelog", f"{at}/CHANGELOG.md"]) == 0
    return release, tmp_path


def holds(made, *more: str) -> int:
    release, at = made
    of = more or ("--version", "0.2.0")
    return release.main(["verify", f"{at}/notes.md", "--pub", f"{at}/release.key.pub", "--in", str(at), *of])


def test_notes_hold_until_anything_changes(made, capsys):
    release, at = made
    said = (at / "notes.md").read_text()
    assert "### Clinical\n- A dose." in said
    assert "Older" not in said
    assert holds(made) == 0
    assert holds(made, "--version", "0.2.0", "--not-before", "2020-01-01") == 0
    assert holds(made, "--version", "0.2.1") == 2
    assert "is about version 0.2.0, not 0.2.1" in capsys.readouterr().err
    assert holds(made, "--version", "0.2.0", "--not-before", "2999-01-01") == 2
    assert "before 2999-01-01" in capsys.readouterr().err
    assert stat.S_IMODE((at / "release.key").stat().st_mode) == 0o600
    (at / "dosetwin-0.2.0.whl").write_bytes(b"another")
    assert holds(made) == 2
    assert "dosetwin-0.2.0.whl is not the artefact" in capsys.readouterr().err
    (at / "dosetwin-0.2.0.whl").write_bytes(b"dosetwin-0.2.0.whl")
    (at / "notes.md").write_text(said.replace("A dose.", "Another dose."))
    assert holds(made) == 2
    (at / "notes.md").write_text(said)
    assert release.main(["keygen", f"{at}/other.key"]) == 0
    assert release.main(["verify", f"{at}/notes.md", "--pub", f"{at}/other.key.pub", "--in", str(at), "--version", "0.2.0"]) == 2
    assert "not what the holder of this key signed" in capsys.readouterr().err


def test_what_cannot_be_is_said(made, capsys):
    release, at = made
    assert release.main(["keygen", f"{at}/release.key"]) == 2  # never overwritten
    here = ["--key", f"{at}/release.key", "--to", f"{at}/x.md", "--changelog", f"{at}/CHANGELOG.md"]
    assert release.main(["notes", "9.9", f"{at}/CHANGELOG.md", *here]) == 2
    assert "says nothing about 9.9" in capsys.readouterr().err
    assert release.main(["notes", "0.2.0", f"{at}/nowhere", *here]) == 2
    (at / "bad.key").write_text("no key")
    assert release.main(["notes", "0.2.0", f"{at}/CHANGELOG.md", "--key", f"{at}/bad.key", *here[2:]]) == 2
    assert "is no key" in capsys.readouterr().err


def test_no_artefact_passes_unread_and_what_is_not_named_is_said(made, capsys):
    release, at = made
    here = ["--key", f"{at}/release.key", "--to", f"{at}/x.md", "--changelog", f"{at}/CHANGELOG.md"]
    for name in ("a b.whl", "a.whl\n```\n# done", ".hidden"):
        (at / name).write_bytes(b"x")
        assert release.main(["notes", "0.2.0", str(at / name), *here]) == 2
    assert "no name for an artefact" in capsys.readouterr().err
    assert holds(made) == 0
    assert "not checked: .hidden" in capsys.readouterr().out
    body = (at / "notes.md").read_bytes().replace(b"dosetwin-0.2.0.whl", b"dosetwin 0.2.0.whl")  # signed by an older tool
    (at / "notes.md").write_bytes(body)
    (at / "notes.md.sig").write_bytes(release.signed(body, at / "release.key"))
    assert holds(made) == 2
