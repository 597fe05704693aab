"""An ensemble written as one ONNX graph, and read back to be trained on: scaling, every member's recurrence and head, and the
mean of their quantiles.

The graph is built operator by operator, so what is in it can be read here, and the same weights give the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]
import torch  # pyright: ignore[reportMissingImports]
from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

from dosetwin.forecast.kidney.answer import QUANTILES
from dosetwin.forecast.kidney.learned_inputs import ANCHORS
from dosetwin.forecast.kidney.training.loop import CLIP, Scaling
from dosetwin.forecast.kidney.training.network import Architecture, Network

OPSET, IR_VERSION = 17, 8
# PyTorch orders an LSTM's gates input, forget, cell, output, ONNX input, output, forget, cell;
# a GRU's reset, update, new, and update, reset, new.
_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


class _Graph:
    """Nodes and constants in the order they were added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.require(value, requirements="C"), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), output.split(","), name=output, **attributes))
        return output.split(",")[0]


def _regated(weight: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(weight, len(order), axis=0)
    return np.concatenate([parts[k] for k in order], axis=0)


def _member(g: _Graph, network: Network, x: str, m: str) -> str:
    kind = network.architecture.cell
    order, w = _ORDER[kind], {k: v.detach().numpy() for k, v in network.state_dict().items()}
    W = g.constant(f"{m}W", _regated(w["cell.weight_ih_l0"], order)[None])
    R = g.constant(f"{m}R", _regated(w["cell.weight_hh_l0"], order)[None])
    bias = np.concatenate([_regated(w["cell.bias_ih_l0"], order), _regated(w["cell.bias_hh_l0"], order)])
    B = g.constant(f"{m}B", bias[None])
    extra = {"linear_before_reset": 1} if kind == "gru" else {}
    h = g.add(kind.upper(), [x, W, R, B], f"{m}h", hidden_size=network.architecture.hidden, **extra)
    h = g.add("Squeeze", [h, "one"], f"{m}h1")
    both = g.add("Concat", [h, x], f"{m}hx", axis=-1)
    inner = g.add("MatMul", [both, g.constant(f"{m}I", w["inner.weight"].T)], f"{m}i0")
    inner = g.add("Add", [inner, g.constant(f"{m}Ib", w["inner.bias"])], f"{m}i1")
    inner = g.add("Tanh", [inner], f"{m}i2")
    raw = g.add("MatMul", [inner, g.constant(f"{m}O", w["outer.weight"].T)], f"{m}o0")
    raw = g.add("Add", [raw, g.constant(f"{m}Ob", w["outer.bias"])], f"{m}o1")
    raw = g.add("Reshape", [raw, "shape"], f"{m}raw")
    g.add("Split", [raw, "sizes"], ",".join(f"{m}{k}" for k in ("mid", "g0", "g1", "g2", "g3")), axis=-1)
    gap = [g.add("Softplus", [f"{m}g{k}"], f"{m}s{k}") for k in range(4)]
    low, high = g.add("Sub", [f"{m}mid", gap[0]], f"{m}q1"), g.add("Add", [f"{m}mid", gap[2]], f"{m}q3")
    lowest, highest = g.add("Sub", [low, gap[1]], f"{m}q0"), g.add("Add", [high, gap[3]], f"{m}q4")
    return g.add("Concat", [lowest, low, f"{m}mid", high, highest], f"{m}q", axis=-1)


def to_onnx(members: Sequence[Network], scale: Scaling) -> bytes:
    """The graph: ``events`` float32 [T, B, n_columns], not scaled, to ``scores`` [T, B, 4, 5], the mean over members."""
    g = _Graph()
    g.constant("one", np.array([1], dtype=np.int64))
    g.constant("shape", np.array([0, 0, len(ANCHORS), len(QUANTILES)], dtype=np.int64))
    g.constant("sizes", np.ones(len(QUANTILES), dtype=np.int64))
    x = g.add("Sub", ["events", g.constant("mean", scale.mean)], "centred")
    x = g.add("Div", [x, g.constant("sd", scale.sd)], "scaled")
    limits = [g.constant(name, np.array(sign * CLIP, dtype=np.float32)) for name, sign in (("least", -1.0), ("most", 1.0))]
    x = g.add("Clip", [x, *limits], "x")
    each = [_member(g, network, x, f"m{k}_") for k, network in enumerate(members)]
    g.add("Mean", each, "scores")
    n = len(scale.mean)
    took = helper.make_tensor_value_info("events", TensorProto.FLOAT, ["T", "B", n])
    gave = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["T", "B", len(ANCHORS), len(QUANTILES)])
    graph = helper.make_graph(g.nodes, "kidney", [took], [gave], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="dosetwin")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _ungated(weight: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(weight, len(order), axis=0)
    return np.concatenate([parts[order.index(k)] for k in range(len(order))], axis=0)


def from_onnx(weights: bytes, architecture: Architecture, noise: tuple[float, ...]) -> tuple[list[dict[str, Any]], Scaling]:
    """What ``to_onnx`` wrote: the members' weights, each as PyTorch's ``state_dict``, and the scaling of the inputs."""
    model = onnx.load_model_from_string(weights)
    value = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    order = _ORDER[architecture.cell]
    states = []
    while f"m{len(states)}_W" in value:
        m = f"m{len(states)}_"
        first, second = np.split(value[f"{m}B"][0], 2)
        found = {
            "noise": np.log(np.array(noise, dtype=np.float32)),
            "cell.weight_ih_l0": _ungated(value[f"{m}W"][0], order), "cell.weight_hh_l0": _ungated(value[f"{m}R"][0], order),
            "cell.bias_ih_l0": _ungated(first, order), "cell.bias_hh_l0": _ungated(second, order),
            "inner.weight": value[f"{m}I"].T, "inner.bias": value[f"{m}Ib"],
            "outer.weight": value[f"{m}O"].T, "outer.bias": value[f"{m}Ob"],
        }  # fmt: skip
        states.append({name: torch.from_numpy(np.array(v, dtype=np.float32)) for name, v in found.items()})
    return states, Scaling(value["mean"].copy(), value["sd"].copy())
