"""Scripts and styles with their hashes; Plotly comes out of the installed package and lives without inline styles."""

import base64
import gzip
import hashlib
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
PLOTLY = "plotly.js"
FOREVER = "public, max-age=31536000, immutable"
"""An address holds the hash of what it serves, so it can be kept for good."""


@dataclass(frozen=True)
class Asset:
    """One file as it is served. ``digest`` is part of its address, ``integrity`` what the page asks the browser to check."""

    name: str
    body: bytes
    packed: bytes
    media: str
    digest: str
    integrity: str

    @property
    def path(self) -> str:
        """Address below the service's root."""
        return f"/static/{self.digest}/{self.name}"


def plotly_file() -> Path | None:
    """Plotly's script inside the installed package; None when the package is not installed."""
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        return None
    script = Path(found.origin).parent / "package_data" / "plotly.min.js"
    return script if script.is_file() else None


def names() -> tuple[str, ...]:
    """Every asset there is."""
    own = sorted(f.name for f in files("dosetwin.serve.web").joinpath("static").iterdir() if Path(f.name).suffix in TYPES)
    return (*own, PLOTLY) if plotly_file() is not None else tuple(own)


@cache
def asset(name: str) -> Asset:
    """An asset by name, read and hashed once. Raises KeyError for a name that is not served."""
    if name not in names():
        raise KeyError(name)
    script = plotly_file() if name == PLOTLY else None
    body = script.read_bytes() if script else files("dosetwin.serve.web").joinpath("static", name).read_bytes()
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(name, body, gzip.compress(body, 6, mtime=0), TYPES[Path(name).suffix], digest, integrity)


@cache
def markers() -> tuple[str, ...]:
    """Ids under which Plotly looks whether its map styles are there already; a page that has them gets no inline style.

    The bundle carries a map library whose style sheet it writes into the page at load, which a policy without inline styles
    refuses. It first looks for an element of that id (a SHA-256 in hex), so an empty element is enough; no map is ever drawn.
    """
    if plotly_file() is None:
        return ()
    found = re.findall(r'getElementById\("([0-9a-f]{64})"\)', asset(PLOTLY).body.decode("utf-8", "replace"))
    return tuple(dict.fromkeys(found))
