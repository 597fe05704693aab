"""What changed for the ward, release by release: the changelog's clinical part."""

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

import dosetwin
from dosetwin.serve.web.frame import PageRoute, Reading, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACES = ("data/CHANGELOG.md", "../../CHANGELOG.md")
"""Where the changelog lies beside the package: in an installed wheel, in a source tree."""


@router.get("/changes")
def changes_page(request: Request, reader: Reading) -> HTMLResponse:
    """Clinical changes, the newest release first."""
    return page(request, "changes.html.j2", reader, "changes", releases=_releases())


@cache
def _releases() -> list[tuple[str, list[Markup]]]:
    here = Path(dosetwin.__file__).parent
    found = next((f for p in PLACES if (f := here / p).is_file()), None)
    return [] if found is None else clinical(found.read_text(encoding="utf-8"))


def clinical(text: str) -> list[tuple[str, list[Markup]]]:
    """(release, its clinical changes) of a changelog, as markup: bold and code of its Markdown, everything else escaped."""
    out = []
    for name, body in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        part = re.search(r"^### Clinical[^\n]*\n(.*?)(?=^### |\Z)", body, re.MULTILINE | re.DOTALL)
        entries = re.split(r"^- ", part[1], flags=re.MULTILINE)[1:] if part else []
        out.append((name.strip(), [_marked(" ".join(e.split())) for e in entries]))
    return out


def _marked(text: str) -> Markup:
    """Bold, code and the words of links; what is marked up otherwise stays as it is written."""
    said = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    said = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(said)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", said))
