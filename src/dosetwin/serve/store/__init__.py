"""The store: facts are appended, never changed; twin state is derived from them."""

from dosetwin.serve.store.store import Store

__all__ = ["Store"]
