"""Compiled code on disk that may be damaged, foreign or out of reach: what cannot be used is made anew, and that is said once."""

import logging
from contextlib import suppress
from types import ModuleType
from typing import Any

log = logging.getLogger("dosetwin")


_said: list[str] = []


def say(why: str) -> None:
    """Say once per process that compiled code could not be kept or used; answers are the same, the first ones take longer."""
    if not _said:
        _said.append(why)
        log.warning(
            "compiled kernels are made anew (%s): the same answers, seconds later; DOSETWIN_CACHE names another folder", why
        )


class Kept:
    """numba's cache of one function, without its exceptions: a file that cannot be read is one that is not there."""

    def __init__(self, cache: Any):
        self._numba = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numba, name)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for a signature, or None."""
        try:
            return self._numba.load_overload(sig, target_context)
        except Exception as error:  # a damaged file may raise anything when it is unpickled
            say(f"{type(error).__name__} in {self._numba.cache_path}")
            with suppress(Exception):
                self._numba.flush()  # else its index is read, and fails, again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled function for a signature, where that can be."""
        try:
            self._numba.save_overload(sig, data)
        except Exception as error:  # a full disk, an index of others that cannot be read
            say(f"{type(error).__name__} in {self._numba.cache_path}")


def guard(module: ModuleType) -> None:
    """Let no function of a kernel fail by what lies on disk."""
    for thing in vars(module).values():
        cache = getattr(thing, "_cache", None)
        if hasattr(cache, "load_overload") and hasattr(cache, "cache_path") and getattr(cache, "_impl", None) is not None:
            thing._cache = Kept(cache)
