"""A belief on its way between processes, or waiting until somebody looks at it: bytes, with models by their names."""

import io
import pickle
from typing import TYPE_CHECKING, Any

from dosetwin.declare import Model, Therapy
from dosetwin.serve.twins import KeptQuestion, model_named, therapy_of

if TYPE_CHECKING:
    from dosetwin.advise import Advice


class _Packer(pickle.Pickler):
    def persistent_id(self, obj: Any) -> tuple[str, Any] | None:
        """The name of a model that is asked here, the JSON form of a therapy; anything else is packed as it is."""
        if isinstance(obj, Model) and model_named(obj.name) is obj:
            return "model", obj.name
        return ("therapy", obj.to_json()) if isinstance(obj, Therapy) else None


class _Unpacker(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Model | Therapy:
        """The model or the therapy."""
        kind, said = pid
        return model_named(said) if kind == "model" else therapy_of(said)


def pack(question: KeptQuestion, advice: "Advice") -> bytes:
    """Both as bytes, for this program's own other process only (it is pickle: never from outside)."""
    out = io.BytesIO()
    _Packer(out, protocol=pickle.HIGHEST_PROTOCOL).dump((question, advice))
    return out.getvalue()


def unpack(parcel: bytes) -> "tuple[KeptQuestion, Advice]":
    """What was packed."""
    return _Unpacker(io.BytesIO(parcel)).load()
