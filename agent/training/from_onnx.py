"""A shipped network back into a network that can be trained on: the way back of ``export``.

The file holds convolutions into which their normalisations are folded, and the blended head. What
was folded cannot be known any more, but what matters can be made anew: each normalisation is given
the mean and spread that its convolution shows on training faces, and the gain and shift that undo
them, so that the network answers as the file does and trains on as if it had never been shipped.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from agent.training import checkpoint
from agent.training.augment import normalise
from agent.training.dataset import CLASSES, DataError, Pictures
from agent.training.network import build

CALIBRATION = 1024
"""So many faces are shown to find means and spreads."""


def as_checkpoint(file: Path, faces: Pictures, folder: Path) -> Path:
    """Make a checkpoint of ``file`` in ``folder`` where it is an .onnx; else return it as it is.

    Raises DataError, StoreError.
    """
    if file.suffix != ".onnx":
        return file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from error
    made = folder / f"{file.stem}-{hashlib.sha256(content).hexdigest()[:12]}.pt"
    if not made.is_file():
        name, network = load(file, faces)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.write({"plan": {"network": name}, "state": network.state_dict()}, made)
    return made


def load(file: Path, faces: Pictures) -> tuple[str, nn.Module]:
    """Rebuild (name, network that answers as ``file``).

    ``faces`` uint8 [N, 48, 48]: training faces. The first head is the shipped answer, any lift of
    rare classes included. Raises DataError for a file without a second head or of a network that is
    not among ours.
    """
    import onnx
    from onnx import numpy_helper

    try:
        model = onnx.load(str(file))
        name = str(json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["network"])
        network = build(name)
    except Exception as error:
        raise DataError(f"{file} is no network that Moodtray exported ({error}).") from error
    tensors = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    folded = [
        tuple(torch.from_numpy(tensors[key].copy()) for key in node.input[1:3])
        for node in model.graph.node
        if node.op_type == "Conv"
    ]
    pairs = _normalised(network)
    heads = ("answer", "label")
    fits = (
        len(folded) == len(pairs)
        and all(len(f) == 2 and f[0].shape == c.weight.shape for f, (c, _) in zip(folded, pairs))  # noqa: B905
        and all(f"{head}.weight" in tensors for head in heads)
        and isinstance(network.head, nn.Linear)
    )
    if not fits:
        raise DataError(f"{file} is another design of '{name}', or has no head for FER's labels.")
    for (weight, bias), (convolution, norm) in zip(folded, pairs, strict=True):
        convolution.weight.data.copy_(weight)
        _neutral(norm, bias)
    head = network.head
    assert isinstance(head, nn.Linear)
    for row, key in enumerate(heads):
        part = slice(row * CLASSES, (row + 1) * CLASSES)
        head.weight.data[part] = torch.from_numpy(tensors[f"{key}.weight"].copy())
        head.bias.data[part] = torch.from_numpy(tensors[f"{key}.bias"].copy())
    network.eval()
    _unfold(network, pairs, faces)
    return name, network


def _normalised(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Each convolution with the normalisation behind it, in the order of the file."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    return [
        (a, b)
        for a, b in zip(layers[::2], layers[1::2], strict=True)
        if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)
    ]


def _neutral(norm: nn.BatchNorm2d, shift: Tensor) -> None:
    """Let ``norm`` add ``shift`` and do nothing else."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0 - norm.eps)
    norm.weight.data.fill_(1.0)
    norm.bias.data.copy_(shift)


@torch.no_grad()
def _unfold(
    network: nn.Module, pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]], faces: Pictures
) -> None:
    """Give each normalisation the statistics of ``faces`` and what undoes them."""
    seen: dict[nn.Module, Tensor] = {}
    hooks = [
        convolution.register_forward_hook(lambda m, _, out: seen.__setitem__(m, out))
        for convolution, _ in pairs
    ]
    rows = np.random.default_rng(0).permutation(len(faces))[:CALIBRATION]
    network(normalise(torch.from_numpy(faces[rows]).unsqueeze(1).float() / 255))
    for hook in hooks:
        hook.remove()
    for convolution, norm in pairs:
        out = seen[convolution].transpose(0, 1).flatten(1)
        mean, variance = out.mean(dim=1), out.var(dim=1)
        shift = norm.bias.data.clone()
        spread = (variance + norm.eps).sqrt()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.data.copy_(spread)
        norm.bias.data.copy_(shift + mean)
