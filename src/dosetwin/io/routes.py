"""How a dose came in: which routes reach the blood as the models have it, which do not, and what is said of each.

Codes are those of SNOMED CT (FHIR's value set route-codes), of HL7 v3 RouteOfAdministration, HL7 v2 table 0162 and EDQM standard
terms; from memory where not marked. A route that is not listed is refused, never taken to be a vein.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Literal, NamedTuple

from dosetwin.declare.drug import Drug
from dosetwin.io.codes import Coded

Kind = Literal["vein", "near", "mouth", "skin", "elsewhere", "absorbed", "unknown", "unstated"]
"""``vein`` as the models have it; ``near`` wholly absorbed or as fast (taken as a vein, with a remark); ``mouth`` swallowed;
``skin`` injected under it; ``elsewhere`` works where it is put (no dose of the course); ``absorbed`` comes in slowly, which no
model here describes."""

_CODES: dict[str, tuple[Kind, str]] = {
    **dict.fromkeys(("47625008", "IV", "IVP", "IVPB", "IVINFUS", "IVINFUSCATH", "IVINJ", "IVINJBOL", "IVPUSH", "IVRPUSH",
                     "IVSPUSH", "IVCATH", "IVFLUSH", "20045000"), ("vein", "intravenous")),
    **dict.fromkeys(("78421000", "IM", "IMINJ", "20035000"), ("near", "intramuscular")),
    **dict.fromkeys(("58100008", "IA", "IAINJ"), ("near", "intra-arterial")),
    **dict.fromkeys(("417255000", "IOSSC"), ("near", "intraosseous")),
    **dict.fromkeys(("26643006", "PO", "SWALLOW", "20053000"), ("mouth", "oral")),
    **dict.fromkeys(("127492001", "NG", "NGT", "GASTROSTOMY", "GT", "GTT", "127490009", "418441008", "OGT"),
                    ("mouth", "by tube")),
    **dict.fromkeys(("447694001", "18679011000001101", "IH", "IPINHL", "NEB", "VM", "ET", "TRA", "NP", "NT", "RM", "20020000"),
                    ("elsewhere", "inhaled")),
    **dict.fromkeys(("54485002", "OP", "OPHTHALTA", "418401004"), ("elsewhere", "eye")),
    **dict.fromkeys(("10547007", "OT", "AURICULAR"), ("elsewhere", "ear")),
    **dict.fromkeys(("46713006", "NS", "IN", "NASINHL"), ("elsewhere", "nasal")),
    **dict.fromkeys(("6064005", "TP", "AP", "TOPICAL", "DERMAL", "WND", "SD", "IMR", "45890007", "TD"), ("elsewhere", "topical")),
    **dict.fromkeys(("72607000", "IT", "ITINJ"), ("elsewhere", "intrathecal")),
    **dict.fromkeys(("IVNTRINJ", "420287000"), ("elsewhere", "intraventricular")),
    **dict.fromkeys(("404820008", "EP", "EPIDURAL"), ("elsewhere", "epidural")),
    **dict.fromkeys(("GU", "UR", "BLADINSTL"), ("elsewhere", "bladder")),
    **dict.fromkeys(("IVITINJ",), ("elsewhere", "intravitreal")),
    **dict.fromkeys(("34206005", "SC", "SQ"), ("skin", "subcutaneous")),
    **dict.fromkeys(("38239002", "IP"), ("absorbed", "intraperitoneal")),
    **dict.fromkeys(("37161004", "PR", "RECTINSTL"), ("absorbed", "rectal")),
}  # fmt: skip
ROUTES = MappingProxyType(_CODES)
"""Code -> (kind, name). A code is looked up in whatever system it comes: none of these means another route in another."""

_WORDS: tuple[tuple[str, Kind, str], ...] = (
    (r"intraventricul\w*", "elsewhere", "intraventricular"),
    (
        r"intraveno\w*|intravenös\w*|intraveineu\w*|i\.?\s?v\.?|umbilical vein|"
        r"(?:central |peripheral )?venous (?:catheter|line|access)|"
        r"central line|uvc|piv|picc|cvc|cvl|midline|broviac|ivpb|port-?a-?cath",
        "vein",
        "intravenous",
    ),
    (r"inhal\w*|nebuli\w*|aerosol\w*|respiratory tract|endotracheal|tracheal|ett|arikayce|arikace", "elsewhere", "inhaled"),
    (r"intrathecal\w*", "elsewhere", "intrathecal"),
    (r"epidural\w*", "elsewhere", "epidural"),
    (r"ophthalm\w*|eye|ocular|intravitre\w*|conjunctiv\w*", "elsewhere", "eye"),
    (r"otic|ear|auricular", "elsewhere", "ear"),
    (r"nasal|intranasal", "elsewhere", "nasal"),
    (r"topical\w*|cutaneous|ointment|cream|wound|skin", "elsewhere", "topical"),
    (r"bladder|intravesical", "elsewhere", "bladder"),
    (r"intramuscul\w*|i\.?\s?m\.?", "near", "intramuscular"),
    (r"intra-?\s?arterial\w*|uac|umbilical arter\w+|arterial line", "near", "intra-arterial"),
    (r"intraosseous|intra-osseous", "near", "intraosseous"),
    (r"oral|orally|by mouth|per os|p\.?\s?o\.?|enteral", "mouth", "oral"),
    (r"nasogastric|orogastric|gastrostomy|gastric tube", "mouth", "by tube"),
    (r"subcutan\w*|s\.?\s?c\.?", "skin", "subcutaneous"),
    (r"intraperitoneal\w*", "absorbed", "intraperitoneal"),
    (r"rectal\w*|suppositor\w*", "absorbed", "rectal"),
)
_SPOKEN: tuple[tuple[re.Pattern[str], Kind, str], ...] = tuple(
    (re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), kind, name) for pattern, kind, name in _WORDS
)


class Route(NamedTuple):
    """A route as it was read: its kind, its name, and what the source wrote."""

    kind: Kind
    name: str
    said: str = ""


def route_of(said: Iterable[Coded], text: str = "") -> Route:
    """The route that codes and words name. Codes and words that name two are ``unknown``, and so is a code that is not listed."""
    said = list(said)
    written = " ".join(p for c in said for p in (c.code, c.text) if p)
    whole = " ".join(p for p in (written, text) if p).strip()[:100]
    listed = [ROUTES[c.code.upper()] for c in said if c.code.upper() in ROUTES]
    found = [Route(kind, name, whole) for kind, name in listed]
    found += spoken_routes(" ".join([*(c.text for c in said), text]))
    if len({r.kind for r in found}) > 1:
        return Route("unknown", "contradictory", whole)
    if found:
        return found[0]._replace(said=whole)
    return Route("unknown", "not recognised", whole) if whole else Route("unstated", "")


def spoken_routes(text: str) -> Iterable[Route]:
    """Routes that words name, such as ``amikacin eye drops`` or ``nebulised``."""
    rest = text
    for pattern, kind, name in _SPOKEN:
        rest, count = pattern.subn(" ", rest)
        if count:
            yield Route(kind, name, text[:100])


def fits(route: Route, drug: Drug) -> Literal["used", "remarked", "left out", "refused"]:
    """What becomes of a dose of ``drug`` by this route: its file says which its models are about, and which count too."""
    if route.kind == "unstated" or route.kind in drug.routes:
        return "used"
    if route.kind in drug.remarked:
        return "remarked"
    if "vein" not in drug.routes:
        return "refused"
    return {"mouth": "left out", "near": "remarked", "elsewhere": "left out"}.get(route.kind, "refused")  # type: ignore[return-value]
