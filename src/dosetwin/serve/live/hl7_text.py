"""HL7 v2 as text: frames into messages, messages into fields with the sender's own separators, and acknowledgements back.

Encoding characters are those of MSH-1 and MSH-2, escapes are undone once at the leaf, lines may end in CR, LF or both; the
character set is MSH-18 (HL7 table 0211). What is no HL7 is a Problem that names the place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dosetwin.errors import one_line
from dosetwin.io.codes import Coded
from dosetwin.serve.live.inbox import unusable

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_ENVELOPE = ("FHS", "BHS", "BTS", "FTS")
_CODECS = {"": "utf-8", "ASCII": "utf-8", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UNICODE UTF8": "utf-8",
           **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)}}  # fmt: skip
TRIPLETS = ((1, 2, 3), (4, 5, 6), (10, 11, 12))
"""Components of identifier, text and coding system: the first, the alternate, the second alternate (since v2.7)."""


@dataclass(frozen=True)
class Marks:
    """The five separators of one message."""

    field: str = "|"
    component: str = "^"
    repeat: str = "~"
    escape: str = "\\"
    sub: str = "&"

    def plain(self, text: str) -> str:
        """Text with its escape sequences undone; formatting ones become a blank."""
        if not self.escape or self.escape not in text:
            return text
        known = {"F": self.field, "S": self.component, "T": self.sub, "R": self.repeat, "E": self.escape}

        def undo(found: re.Match[str]) -> str:
            what = found[1]
            if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", what):
                return bytes.fromhex(what[1:]).decode("utf-8", "replace")
            return known.get(what, " ")

        e = re.escape(self.escape)
        return re.sub(f"{e}([^{e}]*){e}", undo, text)

    def safe(self, text: str) -> str:
        """Text that can stand in a field."""
        said = text.replace(self.escape, f"{self.escape}E{self.escape}") if self.escape else text
        for letter, mark in (("F", self.field), ("S", self.component), ("R", self.repeat), ("T", self.sub)):
            said = said.replace(mark, f"{self.escape}{letter}{self.escape}") if mark else said
        return one_line(said)


@dataclass(frozen=True)
class Segment:
    """One segment; fields and components are counted from 1, as HL7 does."""

    name: str
    fields: tuple[str, ...]
    marks: Marks

    def raw(self, field: int) -> str:
        """A field as it came."""
        index = field - 1 if self.name in ("MSH", *_ENVELOPE) else field
        return self.fields[index].strip() if 0 < index < len(self.fields) else (self.marks.field if index == 0 else "")

    def repeats(self, field: int) -> list[str]:
        """The repetitions of a field that hold something, as they came."""
        return [r.strip() for r in self.raw(field).split(self.marks.repeat) if r.strip()]

    def text(self, field: int, component: int = 1, repeat: int = 0) -> str:
        """One component of one repetition, as plain text; "" where there is none, and for HL7's null."""
        found = self.repeats(field)
        return self.part(found[repeat], component) if repeat < len(found) else ""

    def part(self, repeat: str, component: int) -> str:
        """One component of a repetition that came from ``repeats``."""
        parts = repeat.split(self.marks.component)
        said = self.marks.plain(parts[component - 1]).strip() if component <= len(parts) else ""
        return "" if said == '""' else said

    def sub(self, repeat: str, component: int) -> str:
        """The first subcomponent of a component."""
        parts = repeat.split(self.marks.component)
        return self.marks.plain(parts[component - 1].split(self.marks.sub)[0]).strip() if component <= len(parts) else ""

    def coded(self, field: int) -> list[Coded]:
        """A coded field's identifiers, each with its coding system and text; alternates and repetitions too."""
        out = []
        for r in self.repeats(field):
            for code, text, system in TRIPLETS:
                said = Coded(self.part(r, system), self.part(r, code), self.part(r, text))
                if said.code or said.text:
                    out.append(said)
        return out

    def key(self, field: int) -> str:
        """A field as a part of an identity: as it came, with what separates parts of an identity made harmless."""
        return self.raw(field).replace("%", "%25").replace(":", "%3A")


@dataclass(frozen=True)
class Message:
    """One message."""

    segments: tuple[Segment, ...]

    def all(self, name: str) -> list[Segment]:
        """The segments of a name, in order."""
        return [s for s in self.segments if s.name == name]

    @property
    def head(self) -> Segment:
        """MSH."""
        return self.segments[0]


def decoded(block: bytes) -> str:
    """The text of a frame in the character set it names. Raises Problem for one that is not read, or bytes that do not fit."""
    first = block.lstrip(b"\x0b\r\n").replace(b"\n", b"\r").partition(b"\r")[0].decode("latin-1")
    named = ""
    if first.startswith("MSH") and len(first) > 3:
        fields = first.split(first[3])
        named = fields[17].partition("~")[0].strip().upper() if len(fields) > 17 else ""
    codec = _CODECS.get(named)
    if codec is None:
        raise unusable("MSH-18", named, "UNICODE UTF-8, 8859/1 or ASCII", "a character set that is not read")
    try:
        return block.decode(codec)
    except UnicodeDecodeError:
        raise unusable("MSH-18", named or "not stated", "bytes of the character set named there (UTF-8 where none is)",
                       "the message holds other characters than it says") from None  # fmt: skip


def messages(text: str) -> list[str]:
    """The messages of one frame or file: one, or those of a batch whose count is right. Raises Problem."""
    lines = [x for x in re.split(r"[\r\n]+", text.strip("\x0b\x1c\r\n \ufeff")) if x.strip()]
    out: list[list[str]] = []
    for line in lines:
        if line.startswith("MSH"):
            out.append([line])
        elif line[:3] in _ENVELOPE:
            said = line.split(line[3])[1].strip() if line[:3] == "BTS" and len(line) > 4 else ""
            if said and said != str(len(out)):
                raise unusable("BTS-1", said, str(len(out)), "the batch does not hold as many messages as it says")
        elif not out:
            raise unusable("MSH", line[:40], "an HL7 v2 message", "cannot be read as HL7")
        else:
            out[-1].append(line)
    if not out:
        raise unusable("MSH", text[:40], "an HL7 v2 message", "cannot be read as HL7")
    return ["\r".join(x) for x in out]


def parsed(text: str) -> Message:
    """One message. Raises Problem."""
    lines = text.split("\r")
    head = lines[0]
    encoding = head[4:].split(head[3])[0] if len(head) > 4 else ""
    used = head[3:4] + encoding
    if not 2 <= len(encoding) <= 5 or len(set(used)) < len(used) or any(c.isalnum() or c.isspace() for c in used):
        raise unusable("MSH-2", encoding, "2 to 5 different characters, such as ^~\\&", "the separators cannot be read as HL7")
    component, repeat, escape, sub = (*encoding[:4], "", "")[:4]
    marks = Marks(head[3], component, repeat or "\0", escape, sub or "\0")
    out = []
    for line in lines:
        name = line[:3]
        if _NAME.fullmatch(name) is None or (len(line) > 3 and line[3] != marks.field):
            raise unusable("segment", line[:20], "a segment name and the field separator", "a line that is no segment")
        out.append(Segment(name, tuple(line.split(marks.field)), marks))
    return Message(tuple(out))


_WHERE = re.compile(r"^([A-Z][A-Z0-9]{2})-(\d+)(?:\.(\d+))?")


def acknowledgement(head: Segment | None, code: str, text: str, errors: Sequence[dict[str, Any]], remarks: Sequence[str],
                    now: datetime, identity: str) -> str:  # fmt: skip
    """An ACK with MSA, and an ERR for each thing wrong (severity E) or left out (W), in words for people (ERR-8)."""
    marks = head.marks if head is not None else Marks()
    f, c = marks.field, marks.component

    def said(field: int) -> str:
        return head.raw(field) if head is not None else ""

    encoding = said(2) or "^~\\&"
    sent = now.strftime("%Y%m%d%H%M%S%z")
    enhanced = ["", "", "NE", "NE"] if said(15) or said(16) else []
    lines = [f.join(["MSH", encoding, said(5), said(6), said(3), said(4), sent, "", "ACK", identity, said(11) or "P",
                     said(12) or "2.5.1", *enhanced]),
             f.join(["MSA", code, said(10), marks.safe(text)])]  # fmt: skip
    for e in errors:
        number, words, place = _located(e)
        told = f"{e['field']}: {e['message']}; expected {e['expected']}"
        why = c.join((number, words, "HL70357"))
        lines.append(f.join(["ERR", "", c.join(place), why, "E", "", "", "", marks.safe(told)[:250]]))
    for remark in remarks:
        why = c.join(("0", "Message accepted", "HL70357"))
        lines.append(f.join(["ERR", "", "", why, "W", "", "", "", marks.safe(remark)[:250]]))
    return "\r".join(lines) + "\r"


def _located(e: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    field = str(e["field"])
    found = _WHERE.match(field)
    if found is None:
        where = ("PID", "1", "3") if field in ("patient",) else ()
        return ("204", "Unknown key identifier", where) if where else ("207", "Application internal error", ())
    name, first, second = found.groups()
    place = (name, "1", first) if second is None else (name, first, second)
    special = {"MSH-9": ("200", "Unsupported message type"), "MSH-11": ("202", "Unsupported processing id"),
               "MSH-12": ("203", "Unsupported version id")}  # fmt: skip
    if field in special:
        return (*special[field], place)
    if name == "PID":
        return "204", "Unknown key identifier", place
    return ("101", "Required field missing", place) if e["value"] in ("", None) else ("102", "Data type error", place)
