"""Rows of the ward list: one line per twin in words, filtered, sorted and counted."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dosetwin.decide.recommendation import order
from dosetwin.forecast.tells import Tells, listed
from dosetwin.quantities import QUANTITIES
from dosetwin.report.narrative import certainty, chance, number, percent
from dosetwin.serve.wardlist import TURNS
from dosetwin.serve.web.charts import spark
from dosetwin.serve.web.frame import ago, without_ids
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.service import Service
    from dosetwin.serve.store.reach import People

TABS = (
    ("", "All", ""),
    ("decision", "Need a decision", "warn"),
    ("due", "Due", "warn"),
    ("contradiction", "Level in doubt", "bad"),
    ("unsure", "Low certainty", "warn"),
    ("none", "No twin", "bad"),
    ("mine", "Decided by me", ""),
)
UNITS = {"": "mass", "si": "SI"}
"""Units of laboratory results on the list: as they are kept, or the other ones people write."""
COLUMNS = (
    ("name", "Patient"),
    ("need", "Needs"),
    ("therapy", "Therapy"),
    ("advice", "Advice"),
    ("due", "Next due"),
    ("level", "Last measured"),
    ("facts", "Facts"),
    ("decided", "Last decision"),
)
MOST_NAMED = 50_000
"""People remembered by name."""
LAST = "9999"


def tabs_of(watched: Sequence[Tells]) -> tuple[tuple[str, str, str], ...]:
    """Code, title and tone of the tabs; one for each of those ``watched`` by the therapies here."""
    return (*TABS[:3], *((t.name, t.watch.title, "warn") for t in watched), *TABS[3:])


def belongs(line: dict[str, Any], show: str) -> bool:
    """Whether a line is shown under a tab."""
    if show in TURNS:
        return line[TURNS[show]] or bool((line["summary"] or {}).get(f"{show}_expected"))
    s = line["summary"] or {}
    if show == "due":
        return line["overdue"] or line["why"] in ("dose due", "dose due soon")
    if show == "unsure":
        return bool(certainty(s.get("how_sure"))[0]) and s.get("regimen") is not None
    if show == "none":
        return not s or s["status"] == "cannot"
    if show == "mine":
        return (s.get("decided") or {}).get("by", "") == line.get("reader")
    key = {"decision": "needs_decision", "contradiction": "level_contradicts"}.get(show)
    return key is None or bool(line[key])


def counts(lines: Sequence[dict[str, Any]], watched: Sequence[Tells]) -> dict[str, int]:
    """How many lines each tab shows."""
    return {code: sum(belongs(x, code) for x in lines) for code, _, _ in tabs_of(watched)}


SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda x: _natural(x["label"] or x["id"]),
    "therapy": lambda x: (x.get("therapy") or "", _natural(x["label"] or x["id"])),
    "advice": lambda x: (x["summary"] or {}).get("how_sure") or -1.0,
    "due": lambda x: x["due_at"] or LAST,
    "level": lambda x: ((x["summary"] or {}).get("last_level") or {}).get("at") or "",
    "facts": lambda x: [(f["name"], f["value"]) for f in (x["summary"] or {}).get("listed", ())],
    "decided": lambda x: ((x["summary"] or {}).get("decided") or {}).get("at", ""),
    "updated": lambda x: x["computed_at"] or "",
}
"""What a column is sorted by; the order of the service (who needs somebody first) is ``need``."""


def _natural(text: str) -> list[tuple[int, int, str]]:
    """``Bed 2`` before ``Bed 10``."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p.lower()) for p in re.split(r"(\d+)", text) if p]


def chosen(lines: Sequence[dict[str, Any]], *, show: str, find: str, sort: str, order: str) -> list[dict[str, Any]]:
    """The lines to show, in order; ``lines`` come in the service's own order."""
    words = find.lower().split()
    kept = [x for x in lines if belongs(x, show) and all(w in _found_by(x) for w in words)]
    if sort in SORTS:
        kept.sort(key=SORTS[sort], reverse=order == "desc")
    elif order == "desc":
        kept.reverse()
    return kept


def _found_by(line: dict[str, Any]) -> str:
    """What a search looks at: bed, ward, name, record numbers, id."""
    return f"{line['label']} {line['id']} {line['ward']} {line.get('person', '')} {line.get('numbers', '')}".lower()


def people_of(service: "Service") -> "People":
    """Whom the list has named before, by id and version, kept with the running service; begun anew when it grows large."""
    kept: People = service.__dict__.setdefault("people_named", {})
    if len(kept) > MOST_NAMED:
        kept.clear()
    return kept


def withheld(service: "Service") -> bool:
    """Whether names are left out of the list, because the last look at it could not be noted in the trail."""
    return bool(service.__dict__.get("names_withheld"))


def withhold(service: "Service", on: bool) -> None:
    """From here on leave names out of the list, or show them again."""
    service.__dict__["names_withheld"] = on


def doubles(lines: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Patients who share a label on a ward, or a name: id -> what is shared."""
    out: dict[str, str] = {}
    for what, key in (("bed", "label"), ("name", "person")):
        met: dict[tuple[str, str], set[str]] = {}
        for x in lines:
            said = x.get(key, "").strip().lower()
            if said:
                met.setdefault((x["ward"] if key == "label" else "", said), set()).add(x["id"])
        out |= {id_: what for ids in met.values() if len(ids) > 1 for id_ in ids}
    return out


def columns(query: dict[str, str], root: str) -> list[dict[str, str]]:
    """The heads, each with the address that sorts by it (again: the other way round)."""
    out = []
    for code, text in COLUMNS:
        here = query.get("sort", "need") == code
        turn = "desc" if here and query.get("order", "asc") != "desc" else "asc"
        link = {**{k: v for k, v in query.items() if v}, "sort": code, "order": turn}
        out.append({"code": code, "text": text, "href": f"{root}/?{urlencode(link)}"})
    return out


def tabs(lines: Sequence[dict[str, Any]], query: dict[str, str], root: str, watched: Sequence[Tells]) -> list[dict[str, Any]]:
    """The tabs with their counts."""
    found = counts(lines, watched)
    kept = {k: v for k, v in query.items() if v and k != "show"}
    return [
        {"code": code, "text": text, "tone": tone, "count": found[code], "href": f"{root}/?{urlencode(kept | {'show': code})}"}
        for code, text, tone in tabs_of(watched)
    ]


def row(line: dict[str, Any], now: datetime, zone: Zone, many: bool = False, units: str = "") -> dict[str, Any]:
    """One line in words; ``many``: several wards are shown, so each row names its own; ``units`` as of ``UNITS``."""
    s = line["summary"]
    out: dict[str, Any] = dict.fromkeys(
        (
            "therapy",
            "advice",
            "advice_under",
            "certainty",
            "certainty_words",
            "due",
            "due_under",
            "level",
            "level_under",
            "facts",
            "facts_under",
            "spark",
            "updated",
            "decided",
            "decided_under",
        ),
        "",
    )
    out |= {
        "id": line["id"],
        "key": f"{line['id']}-{line.get('therapy') or ''}",
        "of": line.get("therapy") or "",
        "name": line["label"] or line["id"][:8],
        "person": line.get("person", ""),
        "numbers": line.get("numbers", ""),
        "under": line["ward"] if many else "",
        "flags": flags(line),
        "tone": "",
    }
    out["tone"] = (
        "bad"
        if line["level_contradicts"] or line["overdue"] or line.get("why") == "no twin"
        else "warn"
        if line["needs_decision"] or any(line[key] for key in TURNS.values())
        else ""
    )
    if line["computed_at"]:
        out["updated"] = ago(datetime.fromisoformat(line["computed_at"]), now)
    if s is None:
        return out | {"advice": "twin not computed yet"}
    if last := s.get("decided"):
        out["decided"] = last["decision"]
        by = last["by"].rpartition(":")[2]
        out["decided_under"] = f"{by + ', ' if by else ''}{ago(datetime.fromisoformat(last['at']), now)}"
    out["therapy"] = (line.get("therapy") or "").replace("_", " ")
    r = s["regimen"]
    if s.get("hold"):
        out["advice"] = "hold: level first"
        out["advice_under"] = "" if r is None else f"then {order(r)}"
    elif r is not None:
        out["advice"] = order(r)
        out["certainty"], out["certainty_words"] = chance(s["how_sure"])
        if s["how_sure"] is not None:  # words of a low chance may say already what it is a chance of
            out["advice_under"] = percent(s["how_sure"]) + ("" if "all targets" in out["certainty_words"] else " for all targets")
    else:
        out["advice"] = {"refuse": "none acceptable", "cannot": "no twin"}.get(s["status"], s["status"])
        out["advice_under"] = without_ids(s["reason"])[:120]
    if line["due_at"] is not None and isinstance(line["due_at"], str):
        due = datetime.fromisoformat(line["due_at"])
        out |= {"due": ago(due, now), "due_under": zone.short(due)}
    if s["last_level"] is not None:
        at = datetime.fromisoformat(s["last_level"]["at"])
        unit = s["last_level"]["unit"]
        what = "" if s.get("watched", "").endswith(" level") else f"{s.get('watched', '')} "
        shown = f"{what}{number(s['last_level']['value'])} {unit if unit != '1' else ''}".strip()
        out |= {"level": shown, "level_under": ago(at, now)}
    found = s.get("listed", ())
    out["facts"] = ", ".join(_fact(f, units) for f in found)
    out["facts_under"] = "; ".join(s[name]["why"] for name in TURNS if s[name]["why"])
    trend = next((f["series"] for f in found if "series" in f), None)
    if trend:
        out["spark"] = spark_of(trend)
    return out


def due_words(summary: dict[str, Any] | None) -> str:
    """What is due: a dose, or settings of a device."""
    return "settings due" if (summary or {}).get("regimen") and "settings" in (summary or {})["regimen"] else "dose due"


def _lacks(reason: str) -> str:
    """Why there is no twin, in a few words: what is missing goes first."""
    words = re.split(r"[;|]", without_ids(reason))[0].strip()
    return words if len(words) <= 70 else f"{words[:67]}…"


def _fact(f: dict[str, Any], units: str = "") -> str:
    """A fact of the list in words; a weight and an age are known by their units."""
    if units == "si" and not isinstance(f["value"], str) and f["name"] in QUANTITIES:
        other = QUANTITIES[f["name"]].said(f["value"]).partition(" (")[2].removesuffix(")")
        if other:
            return f"{f['text']} {other}"
    value = f["value"] if isinstance(f["value"], str) else number(round(f["value"], 2))
    shown = f"{value} {f['unit']}".strip()
    return f"{f['text']} {shown}" if "series" in f or not f["unit"] else shown


def spark_of(series: Sequence[Sequence[Any]]) -> Any:
    """A trend out of (moment, value) pairs, as markup made here."""
    from markupsafe import Markup

    points = [(datetime.fromisoformat(at).timestamp() / 3600.0, float(v)) for at, v in series]
    return Markup(spark(points))


def flags(line: dict[str, Any]) -> list[dict[str, str]]:
    """What somebody must look at, worst first, each with a tone and words."""
    s = line["summary"]
    out = []
    if line["level_contradicts"]:
        out.append({"text": "level in doubt", "tone": "bad"})
    out += [
        {"text": f"confirm or correct: {re.split(r'[(;:]', text)[0].strip()[:60]}", "tone": "warn"}
        for text in line.get("held", ())[:2]
    ]
    if line["overdue"]:
        out.append({"text": due_words(s), "tone": "bad"})
    elif (
        line["needs_decision"]
        and not line["level_contradicts"]
        and line["why"] != "no twin"
        and not line["why"].startswith("confirm")
    ):
        out.append({"text": line["why"].replace("dose due", due_words(s)), "tone": "warn"})
    if line.get("alerts"):
        out.append({"text": "1 alert" if line["alerts"] == 1 else f"{line['alerts']} alerts", "tone": "bad"})
    for name, t in listed().items():
        if line[TURNS[name]]:
            out.append({"text": t.watch.flag, "tone": "warn"})
        elif s is not None and s.get(f"{name}_expected"):
            out.append({"text": t.watch.fear, "tone": "warn"})
    if s is not None and s["status"] == "cannot":
        out.append({"text": f"no twin: {_lacks(s['reason'])}", "tone": "bad"})
    if s is not None and s["answered"]:
        out.append({"text": s["answered"], "tone": s.get("answer_tone") or "info"})
    if line.get("twice"):
        out.append({"text": f"same {line['twice']} as another", "tone": "warn"})
    if line["behind"]:
        out.append({"text": "updating", "tone": "info"})
    return out
