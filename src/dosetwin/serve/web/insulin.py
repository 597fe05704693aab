"""One person's days on insulin: a file in, the answer as a page; nothing of it is stored."""

import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, UploadFile
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from dosetwin.drawing import GREY
from dosetwin.errors import InputError
from dosetwin.serve.problems import Problem, from_input_error
from dosetwin.serve.web.frame import PageRoute, Reading, Token, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 2 * 1024 * 1024
"""Bytes of a table: a line a minute for two weeks."""
_ONE = threading.Lock()
"""One table at a time: many weeks take half a minute of a core, and the wards' pages go first."""


@router.get("/insulin")
def choose_file(request: Request, reader: Reading) -> HTMLResponse:
    """Choose a table of days."""
    reader.service.reach(reader.who).need("ask")
    return page(request, "insulin.html.j2", reader, "insulin", wrong=None, seen=None, most_kb=MOST // 1024)


@router.post("/insulin")
def answered(request: Request, reader: Reading, file: UploadFile | None = None, token: Token = "") -> HTMLResponse:
    """What the days say to change, and the bolus for the meal of their last line."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("ask")
    raw = file.file.read(MOST + 1) if file is not None else b""
    name = Path(file.filename or "days.csv").name[:120] if file is not None else "days.csv"
    if not _ONE.acquire(blocking=False):
        raise Problem(503, "busy", "another table is being read: send it again in a minute", headers={"Retry-After": "60"})
    try:
        seen = _seen(name, raw)
    except InputError as error:
        problem = from_input_error(error)
        found = {"title": f"{name} cannot be used", "errors": problem.errors or []}
        return page(request, "insulin.html.j2", reader, "insulin", 422, wrong=found, seen=None, most_kb=MOST // 1024)
    finally:
        _ONE.release()
    return page(request, "insulin.html.j2", reader, "insulin", wrong=None, seen=seen, most_kb=MOST // 1024)


def _seen(name: str, raw: bytes) -> dict[str, Any]:
    from dosetwin.io.insulin import days_of
    from dosetwin.io.text import text_of
    from dosetwin.loops.insulin.person import advised
    from dosetwin.report.insulin_page import figure, parts

    if not raw or len(raw) > MOST:
        raise InputError("the file is empty or too large", where=name, value=len(raw), allowed=f"1 to {MOST} bytes")
    answer, days = advised(days_of(text_of(raw, name), name))
    drawn = figure(answer, days)
    # a picture of its own: the page's policy lets no style stand in its text
    still = b64encode(drawn.svg.replace("currentColor", GREY).encode()).decode()
    picture = Markup('<img width="100%" alt="{}" src="data:image/svg+xml;base64,{}">').format(drawn.alt, still)
    return {"name": name, "picture": picture, "head": drawn.head, "numbers": drawn.rows, **parts(answer, days)}
