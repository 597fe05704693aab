"""The fitted filter that ships with the package: read from its card, refused when the file is not what its hash says."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.forecast.kidney.filter import FilterParameters, KalmanFilter

SHIPPED = Path(__file__).parent / "weights" / "filter.json"
RANGES = ("GA", "BW", "PNA", "SCR")
"""What a card gives the range of, as met in training: wk, kg, d, mg/dL."""


@dataclass(frozen=True, eq=False)
class FittedFilter:
    """``filter`` with the ``card`` of its training (data, seeds, date, ranges) and ``sha256`` of card and parameters."""

    filter: KalmanFilter
    card: Mapping[str, Any]
    sha256: str


def sha256_of(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of card and parameters, independent of spaces and the order of keys."""
    text = json.dumps({k: content[k] for k in ("card", "parameters")}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def written(fitted: KalmanFilter, card: Mapping[str, Any]) -> str:
    """The text of a weights file."""
    content: dict[str, Any] = {"card": dict(card), "parameters": fitted.parameters.to_json()}
    # through JSON, so that what is hashed is what will be read
    content = json.loads(json.dumps(content))
    return json.dumps({**content, "sha256": sha256_of(content)}, indent=1) + "\n"


@lru_cache(maxsize=8)
def load(path: Path = SHIPPED) -> FittedFilter:
    """The filter of a weights file, default the shipped one.

    Raises InputError for a file that is missing, is not a weights file, or does not have the hash it states.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stated, found = str(content["sha256"]), sha256_of(content)
    except OSError as error:
        raise InputError(f"the filter's weights cannot be read ({error.strerror or error})", where=path.name) from None
    except (ValueError, KeyError, TypeError, UnicodeError) as error:
        raise InputError(f"not a weights file: {type(error).__name__}: {error}", where=path.name) from None
    if stated != found:
        raise InputError(
            "the filter's weights are damaged", where=path.name, value=f"SHA-256 {found}", allowed=f"SHA-256 {stated}",
            remedy="install the package again",
        )  # fmt: skip
    try:
        parameters = FilterParameters.from_json(content["parameters"])
        if any(name not in content["card"]["range"] for name in RANGES):
            raise KeyError("range")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"not a weights file: {type(error).__name__}: {error}", where=path.name) from None
    return FittedFilter(KalmanFilter(parameters), content["card"], found)
