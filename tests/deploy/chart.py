"""The part of Helm's templates that our chart uses, and no more: what else stands between braces is an error."""

import json
import re
from collections.abc import Mapping
from typing import Any

_TAG = re.compile(r"[ \t]*\{\{-\s*(.*?)\s*\}\}\n|\{\{\s*(.*?)\s*\}\}")


def value(expression: str, scope: Mapping[str, Any]) -> Any:
    """A path such as ``.Values.image.tag`` or ``$name``, with ``| quote`` or ``| toJson``."""
    path, *filters = (part.strip() for part in expression.split("|"))
    if path.startswith("$"):
        found: Any = scope[path]
    elif re.fullmatch(r"(\.[A-Za-z]+)+", path):
        found = scope
        for name in path[1:].split("."):
            found = found[name]
    else:
        raise ValueError(f"not in our part of Helm: {expression}")
    for f in filters:
        if f not in ("quote", "toJson"):
            raise ValueError(f"not in our part of Helm: {f}")
        found = json.dumps(str(found)) if f == "quote" else json.dumps(found)
    return found


def render(text: str, scope: Mapping[str, Any]) -> str:
    """A template with these values; ``if``, ``range $k, $v :=``, ``end`` and values."""
    parts: list[tuple[str, str]] = []
    at = 0
    for tag in _TAG.finditer(text):
        parts += [("text", text[at : tag.start()]), ("tag", tag[1] if tag[1] is not None else tag[2])]
        at = tag.end()
    parts.append(("text", text[at:]))
    out, rest = _block(parts, 0, scope)
    assert rest == len(parts), "an end too many"
    return out


def _block(parts: list[tuple[str, str]], at: int, scope: Mapping[str, Any]) -> tuple[str, int]:
    out = ""
    while at < len(parts):
        kind, said = parts[at]
        at += 1
        if kind == "text":
            out += said
        elif said == "end":
            return out, at
        elif said.startswith("if "):
            inside, end = _block(parts, at, scope)
            out += inside if value(said[3:], scope) else ""
            at = end
        elif ranged := re.fullmatch(r"range (\$\w+), (\$\w+) := (\S+)", said):
            items = value(ranged[3], scope)
            _, end = _block(parts, at, {**scope, ranged[1]: "", ranged[2]: ""})
            for k, v in sorted(items.items()):
                out += _block(parts, at, {**scope, ranged[1]: k, ranged[2]: v})[0]
            at = end
        else:
            out += str(value(said, scope))
    return out, at
