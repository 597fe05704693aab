#!/usr/bin/env python3
"""The bill of materials of an installation (CycloneDX 1.6, JSON): every package the service needs, version, licence, purl.

    .venv/bin/python deploy/sbom.py > dosetwin-sbom.json

Read from what is installed beside this Python, starting at ``dosetwin[serve]``: what is there and not needed is left out.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

ROOT, EXTRAS = "dosetwin", ("serve",)


def plain(name: str) -> str:
    """A package's name as the index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needs(found: Distribution, extras: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """What a package needs here, with these extras: names and the extras asked of them."""
    from packaging.requirements import Requirement

    out = []
    for line in found.requires or ():
        asked = Requirement(line)
        if asked.marker is None or any(asked.marker.evaluate({"extra": e}) for e in ("", *extras)):
            out.append((plain(asked.name), tuple(sorted(asked.extras))))
    return out


def licence(found: Distribution) -> list[dict[str, Any]]:
    """What the package says of its licence."""
    said = found.metadata.get("License-Expression")
    if said:
        return [{"expression": said}]
    short = (found.metadata.get("License") or "").strip().splitlines()
    named = [c.rpartition(" :: ")[2] for c in found.metadata.get_all("Classifier") or () if c.startswith("License ::")]
    name = (short[0] if short and len(short[0]) < 80 else "") or (named[0] if named else "")
    return [{"license": {"name": name}}] if name else []


def component(found: Distribution, kind: str = "library") -> dict[str, Any]:
    """One package."""
    name, version = plain(found.metadata["Name"]), found.version
    purl = f"pkg:pypi/{name}@{version}"
    out: dict[str, Any] = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if said := licence(found):
        out["licenses"] = said
    return out


def bill(root: str = ROOT, extras: tuple[str, ...] = EXTRAS) -> dict[str, Any]:
    """The document. Raises PackageNotFoundError where a needed package is not installed."""
    top = distribution(root)
    seen: dict[str, set[str]] = {}
    waiting, found, edges = [(plain(root), extras)], {plain(root): top}, dict[str, set[str]]()
    while waiting:
        name, asked = waiting.pop()
        fresh = set(asked) - seen.get(name, set())
        if name in seen and not fresh:
            continue
        seen.setdefault(name, set()).update(asked)
        for other, more in needs(found[name], tuple(seen[name])):
            found.setdefault(other, distribution(other))
            edges.setdefault(name, set()).add(other)
            waiting.append((other, more))
    refs = {name: component(d)["bom-ref"] for name, d in found.items()}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": component(top, "application")},
        "components": [component(found[n]) for n in sorted(found) if n != plain(root)],
        "dependencies": [{"ref": refs[n], "dependsOn": sorted(refs[o] for o in edges.get(n, ()))} for n in sorted(found)],
    }  # fmt: skip


if __name__ == "__main__":
    try:
        json.dump(bill(), sys.stdout, indent=1)
    except PackageNotFoundError as missing:
        sys.exit(f"sbom: {missing} is needed and not installed")
