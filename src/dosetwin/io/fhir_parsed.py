"""FHIR resources validated by the R4B models, each content once: a record that is sent again costs what is new in it.

The last resources are remembered by a hash of what stands in them, so that nothing can be stale and whose they are does not
matter. What comes back is shared: readers must not change it.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from dosetwin.errors import InputError

KEPT = 2048
"""Resources that are remembered, about 8 kB each: two years of a baby's record."""
_kept: OrderedDict[bytes, Any] = OrderedDict()
_lock = threading.Lock()


def parsed(kind: str, resource: Mapping[str, Any], where: str) -> Any:
    """The resource as the model of its ``kind``. Raises InputError, telling ``where``, when it is not valid FHIR R4."""
    key = _key(kind, resource)
    with _lock:
        if key is not None and key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _validated(kind, resource, where)
    if key is not None:
        with _lock:
            _kept[key] = found
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return found


def _key(kind: str, resource: Mapping[str, Any]) -> bytes | None:
    """Hash of the content; None where it is more than JSON."""
    try:
        return hashlib.sha256(f"{kind} {json.dumps(resource)}".encode()).digest()
    except (TypeError, ValueError, RecursionError):
        return None


def _validated(kind: str, resource: Mapping[str, Any], where: str) -> Any:
    from importlib import import_module

    from pydantic import ValidationError

    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    try:
        return model.model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InputError(f"not valid FHIR R4: {path}: {first['msg']}"[:200], where=where) from None
    except (RecursionError, ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        raise InputError(f"not valid FHIR R4 ({type(error).__name__})", where=where) from None


__all__ = ["parsed"]
