"""Where sentences are found: in the templates, in ``words/sentences.txt``, in the scripts' list, in quantities and drug files.

``python tests/words/gather.py`` brings template and catalogues up to date: new sentences get empty translations to be filled in,
sentences without a use are dropped.
"""

import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from dosetwin.words.catalogue import LANGUAGES

SRC = Path(__file__).parents[2] / "src" / "dosetwin"
LOCALES = SRC / "words" / "locales"
LISTED = SRC / "words" / "sentences.txt"
TEMPLATES = (SRC / "serve" / "web" / "templates", SRC / "report" / "templates")
Message = str | tuple[str, str]


def of_templates() -> Iterator[tuple[Message, str]]:
    """Sentences marked by ``_("...")``, with their file."""
    for path in sorted(p for folder in TEMPLATES for p in folder.glob("*.j2")):
        for call in Environment().parse(path.read_text()).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and isinstance(call.args[0], nodes.Const):
                several = next(
                    (k.value.value for k in call.kwargs if k.key == "several" and isinstance(k.value, nodes.Const)), ""
                )
                yield (call.args[0].value, several) if several else call.args[0].value, path.name


def listed() -> Iterator[tuple[Message, str]]:
    """Sentences made by Python, one a line: ``one | several`` where they count; ``[room]`` says who makes those that follow."""
    room = ""
    for line in LISTED.read_text().splitlines():
        if line.startswith("["):
            room = line.strip("[]")
        elif line and not line.startswith("#"):
            one, sign, several = line.partition(" | ")
            yield (one, several) if sign else one, room


def of_scripts() -> Iterator[tuple[Message, str]]:
    """What the scripts of the page say."""
    from dosetwin.serve.web.frame import SCRIPT_WORDS

    for text in SCRIPT_WORDS:
        yield text, "scripts"


def of_data() -> Iterator[tuple[Message, str]]:
    """Words of quantities, drugs and therapies, as their files have them."""
    from dosetwin import formulary
    from dosetwin.quantities import QUANTITIES

    for q in QUANTITIES.values():
        for text in (q.text, q.named, *q.means.values()):
            yield text, "quantities"
    for rule in formulary.rules().values():
        yield rule.ward, "rules"
    for t in formulary.therapies():
        for text in (t.drug.name, t.drug.text, *(x.text for x in t.limits)):
            yield text, "formulary"
        for bar in t.bars:
            yield bar.text, "formulary"
        for g in t.goals:
            for text in (g.text, g.what, g.help):
                yield text, "formulary"
        for r in t.readings:
            for text in (r.words, r.label.partition(" from day ")[0].partition(" from hour ")[0]):
                yield text, "formulary"


@cache
def messages() -> dict[str, tuple[Message, tuple[str, ...]]]:
    """Key -> (sentence, where it is made)."""
    found: dict[str, tuple[Message, dict[str, None]]] = {}
    for source in (of_templates, listed, of_scripts, of_data):
        for message, where in source():
            key = message if isinstance(message, str) else message[0]
            if key.strip():
                had = found.setdefault(key, (message, {}))
                if isinstance(message, tuple):
                    found[key] = had = (message, had[1])
                had[1][where] = None
    return {k: (m, tuple(w)) for k, (m, w) in found.items()}


def template() -> bytes:
    """The template of the catalogues."""
    return _written(None, {})


def catalogue(language: str, said: dict[str, str | tuple[str, ...]]) -> bytes:
    """A catalogue with these translations; "" where there is none."""
    return _written(language, said)


def _written(language: str | None, said: dict[str, str | tuple[str, ...]]) -> bytes:
    made = Catalog(locale=language, project="dosetwin", charset="utf-8", fuzzy=False,
                   header_comment="# The words of dosetwin; brought up to date by tests/words/gather.py.")  # fmt: skip
    for key, (message, where) in messages().items():
        text = said.get(key, "" if isinstance(message, str) else ("",))
        if isinstance(text, tuple):  # where a language has forms for more numbers than two, the last serves them all
            text = text + text[-1:] * (made.num_plurals - len(text))
        made.add(message, text, auto_comments=[", ".join(where)])
    out = BytesIO()
    write_po(out, made, width=None, omit_header=False, sort_output=True)
    lines = out.getvalue().decode().splitlines(keepends=True)
    return "".join(x for x in lines if not x.startswith(('"POT-Creation', '"PO-Revision', '"Generated-By', '"Last-Translator',
                                                         '"Language-Team', '"Report-Msgid'))).encode()  # fmt: skip


def translated(language: str) -> dict[str, str | tuple[str, ...]]:
    """What a catalogue holds now: key -> wording or wordings."""
    path = LOCALES / f"{language}.po"
    if not path.exists():
        return {}
    out: dict[str, str | tuple[str, ...]] = {}
    for m in read_po(BytesIO(path.read_bytes()), locale=language):
        key = m.id if isinstance(m.id, str) else m.id[0]
        if key:
            out[key] = m.string if isinstance(m.string, str) else tuple(m.string)
    return out


def main() -> None:
    """Bring every file up to date and say what is missing."""
    LOCALES.joinpath("dosetwin.pot").write_bytes(template())
    for language in LANGUAGES:
        if language != "en":
            said = translated(language)
            LOCALES.joinpath(f"{language}.po").write_bytes(catalogue(language, said))
            empty = [k for k in messages() if not said.get(k) or not all(said[k])]
            sys.stdout.write(f"{language}: {len(messages())} sentences, {len(empty)} without a translation\n")


if __name__ == "__main__":
    main()
