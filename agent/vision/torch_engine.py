"""The optional engine ``engine = "torch"``: the very ONNX file, run by PyTorch.

The shipped file is the only place where the weights lie, so the graph is read from it and each of
the few kinds of layer that our networks use is handed to its PyTorch function. Nothing else has to
be kept in step. ``agent.vision.expression`` imports it only when the setting asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.translation import _

try:
    import onnx
    import torch
    import torch.nn.functional as F
    from onnx import numpy_helper
except ImportError as missing:
    raise ModelError(
        _(
            "The engine 'torch' needs PyTorch and onnx. Install them with: "
            "pip install 'moodtray[train]', or set engine = \"onnx\" under "
            "[camera]."
        )
    ) from missing

Attributes = dict[str, Any]
Layer = Callable[[list[Any], Attributes], Any]


def _conv(inputs: list[Any], at: Attributes) -> Any:
    faces, weight = inputs[0], inputs[1]
    bias = inputs[2] if len(inputs) > 2 else None
    pads = at.get("pads", [0, 0, 0, 0])
    stride, groups = at.get("strides", [1, 1]), at.get("group", 1)
    return F.conv2d(faces, weight, bias, stride, pads[:2], at.get("dilations", [1, 1]), groups)


def _gemm(inputs: list[Any], at: Attributes) -> Any:
    weight = inputs[1] if at.get("transB", 0) else inputs[1].T
    return F.linear(inputs[0], weight, inputs[2] if len(inputs) > 2 else None)


LAYERS: dict[str, Layer] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "Relu": lambda x, _: torch.relu(x[0]),
    "Sigmoid": lambda x, _: torch.sigmoid(x[0]),
    "Add": lambda x, _: x[0] + x[1],
    "Mul": lambda x, _: x[0] * x[1],
    "Flatten": lambda x, at: x[0].flatten(at.get("axis", 1)),
    "GlobalAveragePool": lambda x, _: x[0].mean(dim=(2, 3), keepdim=True),
    "MaxPool": lambda x, at: F.max_pool2d(x[0], at["kernel_shape"], at["strides"]),
    "AveragePool": lambda x, at: F.avg_pool2d(x[0], at["kernel_shape"], at["strides"]),
    "Identity": lambda x, _: x[0],
}


class TorchSession:
    """Runs the output named ``output`` of the network ``path`` in PyTorch, and nothing else of it.

    Raises ModelError when the file cannot be read, has no such output, or needs a layer for it
    that is not in LAYERS.
    """

    def __init__(self, path: Path, output: str = "logits") -> None:
        try:
            graph = onnx.load(str(path)).graph
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise ModelError(
                _("The network {path} cannot be read ({error}).").format(path=path, error=error)
            ) from error
        except Exception as error:
            # protobuf's own error class is private to its C part
            if type(error).__name__ != "DecodeError":
                raise
            raise ModelError(
                _("The network {path} is damaged ({error}).").format(path=path, error=error)
            ) from error
        if output not in [item.name for item in graph.output]:
            raise ModelError(
                _(
                    "The network {path} has no output '{output}', which its "
                    "metadata name. The two files belong to different models: "
                    "install Moodtray again."
                ).format(path=path, output=output)
            )
        needed = _needed_for(output, graph.node)
        unknown = sorted({node.op_type for node in needed} - set(LAYERS) - {"Constant"})
        if unknown:
            raise ModelError(
                _(
                    "The network {path} has layers that the engine 'torch' does "
                    'not know ({unknown}). Set engine = "onnx" under [camera].'
                ).format(path=path, unknown=", ".join(unknown))
            )
        self._values = {
            item.name: torch.from_numpy(numpy_helper.to_array(item).copy())
            for item in graph.initializer
        }
        self._nodes = [
            (
                node.op_type,
                list(node.input),
                node.output[0],
                {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute},
            )
            for node in needed
        ]
        self._input, self._output = graph.input[0].name, output

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run float32 [N, 1, 48, 48], normalised -> logits float32 [N, 7]."""
        values = dict(self._values)
        values[self._input] = torch.from_numpy(np.ascontiguousarray(batch))
        with torch.inference_mode():
            for kind, inputs, output, attributes in self._nodes:
                if kind == "Constant":
                    array = numpy_helper.to_array(attributes["value"])
                    values[output] = torch.from_numpy(array.copy())
                    continue
                values[output] = LAYERS[kind]([values[i] for i in inputs if i], attributes)
        return np.asarray(values[self._output].numpy(), dtype=np.float32)


def _needed_for(output: str, nodes: Sequence[Any]) -> list[Any]:
    """List those of ``nodes`` that ``output`` depends on, in their order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]
