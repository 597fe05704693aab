#!/usr/bin/env python3
"""Signed release notes: what changed for the ward and for the program, the SHA-256 of every artefact, an Ed25519 signature.

    python deploy/release.py keygen release.key             # once: release.key (keep it offline), release.key.pub (publish it)
    python deploy/release.py notes 0.1.0 dist/* --key release.key --to notes.md    # notes.md and notes.md.sig
    python deploy/release.py verify notes.md --pub release.key.pub --in dist --version 0.1.0 [--not-before 2026-11-01]
                                                            # signature, version and day, then every artefact's hash

Exit code 0: all holds; 2: something does not, and it says what.
"""

import argparse
import base64
import hashlib
import os
import re
import sys
from datetime import date
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEAD = "## Artefacts (SHA-256)"
CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""Names of artefacts: what else stood in one, a blank or a line's end, would let it pass unread."""
CONTEXT = b"dosetwin release notes 1\n"
"""Signed before the notes, so that no other text this key signs can pass for them."""


class Wrong(Exception):
    """What does not hold, in a sentence."""


def changes(version: str, text: str) -> str:
    """The part of the changelog about a version. Raises Wrong where there is none, or it says nothing."""
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise Wrong(f"CHANGELOG.md says nothing about {version}")
    return found[1].strip()


def notes(version: str, files: list[Path], text: str, day: date) -> str:
    """The changelog's part and the day, then a line ``hash  name`` for each artefact. Raises Wrong for no or twin artefacts."""
    names = [f.name for f in files]
    if not files or len(set(names)) < len(names) or any(not f.is_file() for f in files):
        raise Wrong(f"artefacts must be files of different names, found {', '.join(map(str, files)) or 'none'}")
    if strange := [n for n in names if not NAME.fullmatch(n)]:
        raise Wrong(f"{strange[0]!r} is no name for an artefact: letters, digits, and . _ + -")
    listed = "\n".join(f"{digest(f)}  {f.name}" for f in sorted(files, key=lambda f: f.name))
    return f"# dosetwin {version}\n\nReleased {day.isoformat()}.\n\n{changes(version, text)}\n\n{HEAD}\n```\n{listed}\n```\n"


def digest(file: Path) -> str:
    """SHA-256 of a file, hex."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(2**20):
            found.update(part)
    return found.hexdigest()


def keygen(file: Path) -> None:
    """A new key, readable by its owner alone, and its public half beside it. Raises Wrong where either is there."""
    pub = file.with_name(file.name + ".pub")
    if file.exists() or pub.exists():
        raise Wrong(f"{file} or {pub} is there: a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    raw, plain = serialization.Encoding.Raw, serialization.NoEncryption()
    secret = key.private_bytes(raw, serialization.PrivateFormat.Raw, plain)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(base64.b64encode(secret) + b"\n")
    pub.write_bytes(base64.b64encode(key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)) + b"\n")


def signed(body: bytes, key: Path) -> bytes:
    """The signature of notes, base64 and a line end. Raises Wrong for a key that is none."""
    try:
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key.read_bytes(), validate=False))
    except (OSError, ValueError) as error:
        raise Wrong(f"{key} is no key ({type(error).__name__})") from None
    return base64.b64encode(private.sign(CONTEXT + body)) + b"\n"


def verify(file: Path, pub: Path, folder: Path, version: str, not_before: date | None = None) -> list[str]:
    """Names of the artefacts that are what signed notes say of ``version``, made on ``not_before`` or later (None: any day).

    Raises Wrong for a signature or an artefact that is not; for notes of another version, which are genuine and not what is to be
    installed; and for notes without a day, which an older program signed."""
    try:
        body, signature = file.read_bytes(), base64.b64decode(file.with_name(file.name + ".sig").read_bytes())
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(pub.read_bytes()))
        public.verify(signature, CONTEXT + body)
    except InvalidSignature:
        raise Wrong(f"{file} is not what the holder of this key signed") from None
    except (OSError, ValueError) as error:
        raise Wrong(f"{file}, its .sig or {pub} cannot be used ({type(error).__name__})") from None
    of = re.match(r"# dosetwin (\S+)\n\nReleased (\d{4}-\d\d-\d\d)\.\n", body.decode())
    if of is None:
        raise Wrong(f"{file} does not begin with its version and the day it was made")
    if of[1] != version:
        raise Wrong(f"{file} is about version {of[1]}, not {version}")
    if not_before is not None and date.fromisoformat(of[2]) < not_before:
        raise Wrong(f"{file} was made on {of[2]}, before {not_before.isoformat()}")
    _, _, listed = body.decode().rpartition(HEAD)
    lines = [line for line in listed.strip().splitlines() if line != "```"]
    rows = [(line[:64], line[66:]) for line in lines if re.fullmatch(rf"[0-9a-f]{{64}}  {NAME.pattern}", line)]
    if not rows or len(rows) < len(lines):
        raise Wrong(f"{file} names no artefact, or one that cannot be read")
    for wanted, name in rows:
        if Path(name).name != name or not (folder / name).is_file():
            raise Wrong(f"{name} is not in {folder}")
        if digest(folder / name) != wanted:
            raise Wrong(f"{name} is not the artefact that was released")
    return [name for _, name in rows]


def main(words: list[str] | None = None) -> int:
    """Do what the words say; 0, or 2 with what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("keygen")
    one.add_argument("file", type=Path)
    one = what.add_parser("notes")
    one.add_argument("version")
    one.add_argument("artefacts", type=Path, nargs="+")
    one.add_argument("--key", type=Path, required=True)
    one.add_argument("--to", type=Path, required=True)
    one.add_argument("--changelog", type=Path, default=CHANGELOG)
    one = what.add_parser("verify")
    one.add_argument("file", type=Path)
    one.add_argument("--pub", type=Path, required=True)
    one.add_argument("--in", dest="folder", type=Path, default=Path())
    one.add_argument("--version", required=True, help="what is to be installed; notes of another one are refused")
    one.add_argument("--not-before", type=date.fromisoformat, metavar="DAY", help="older notes are refused")
    said = parser.parse_args(words)
    try:
        if said.what == "keygen":
            keygen(said.file)
            print(f"{said.file} (keep it offline), {said.file}.pub (publish it)")
        elif said.what == "notes":
            body = notes(said.version, said.artefacts, said.changelog.read_text(encoding="utf-8"), date.today()).encode()
            signature = signed(body, said.key)
            said.to.write_bytes(body)
            said.to.with_name(said.to.name + ".sig").write_bytes(signature)
            print(f"{said.to}, {said.to}.sig: {len(said.artefacts)} artefacts")
        else:
            names, ours = (
                verify(said.file, said.pub, said.folder, said.version, said.not_before),
                (said.file.name, f"{said.file.name}.sig", said.pub.name),
            )
            print(f"signature holds; as released: {', '.join(names)}")
            if others := sorted(f.name for f in said.folder.iterdir() if f.name not in {*names, *ours}):
                print(f"not in these notes, not checked: {', '.join(others)}")
    except Wrong as wrong:
        print(f"not so: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
