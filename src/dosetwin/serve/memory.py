"""The last things somebody needed, by key, bounded."""

import threading
from collections import OrderedDict
from typing import Any


class Memory:
    """What was put last, by key: at most ``most``, least recently used first out. Any thread may use it."""

    def __init__(self, most: int):
        self._most, self._kept, self._lock = most, OrderedDict[Any, Any](), threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def get(self, key: Any) -> Any:
        """What was kept, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Keep."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
