"""From a checkpoint to what Moodtray ships: emotion.onnx and emotion.json beside it.

The two heads become one: their last layers are blended into a single dense layer, and a shift of
every class, chosen on validation, is folded into its bias. Nothing of that costs run time. The
temperature and 'unsure below' are fitted on validation, never on PublicTest.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.training import data, metrics
from agent.training.checkpoint import read
from agent.training.network import build, multiply_adds, parameters
from agent.training.train import predict
from agent.types import EMOTIONS

OPSET = 17
FORMAT = 1


@dataclass(frozen=True)
class Blend:
    """How two heads become one, and how far rare classes are lifted."""

    votes: float = 1.0  # share of the head of the votes; the rest is FER2013's own label
    lift: float = 0.0  # each class's logit is raised by lift * -log(its share of the labels)


class OneHead(nn.Module):
    """A trained network with its two last layers blended into one; logits [N, 7]."""

    def __init__(self, network: nn.Module, blend: Blend, priors: NDArray[np.float64]) -> None:
        super().__init__()
        self.network = network
        head = network.head
        last = head[-1] if isinstance(head, nn.Sequential) else head
        assert isinstance(last, nn.Linear)
        weight = last.weight.detach().view(-1, data.CLASSES, last.in_features)
        bias = last.bias.detach().view(-1, data.CLASSES)
        shares = torch.tensor([blend.votes, 1 - blend.votes] if len(weight) == 2 else [1.0])
        one = nn.Linear(last.in_features, data.CLASSES)
        lift = -blend.lift * torch.from_numpy(np.log(priors)).float()
        one.weight.data = torch.einsum("h,hci->ci", shares, weight)
        one.bias.data = shares @ bias + lift
        if isinstance(head, nn.Sequential):
            head[-1] = one
        else:
            network.head = one
        self.eval()

    def forward(self, faces: Tensor) -> Tensor:
        return self.network.logits(faces)  # type: ignore[operator,no-any-return]


def load(checkpoint: Path) -> tuple[str, nn.Module]:
    """(name, network with the averaged weights) of a best.pt or last.pt, else DataError."""
    kept = read(checkpoint, torch.device("cpu"))
    try:
        name = kept["plan"]["network"]
        network = build(name)
        network.load_state_dict(kept["state"])
    except (KeyError, RuntimeError) as error:
        raise data.DataError(
            f"{checkpoint} is no checkpoint of this version's training ({error})."
        ) from error
    return name, network.eval()


def export(
    checkpoint: Path, validation: data.Faces, priors: NDArray[np.float64], target: Path,
    blend: Blend | None = None, title: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Writes ``target`` (an .onnx path) and its .json; returns the metadata.

    ``priors`` are the class shares of the training labels. The same file is written for the same
    checkpoint, so its checksum says whether two models are one.
    """
    blend = blend or Blend()
    name, network = load(checkpoint)
    size = parameters(network)
    one = OneHead(network, blend, priors)
    work = multiply_adds(one)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter is the one that writes a single file
        torch.onnx.export(
            one, (torch.zeros(2, 1, data.SIZE, data.SIZE),), str(part), opset_version=OPSET,
            input_names=["faces"], output_names=["logits"], dynamo=False,
            dynamic_axes={"faces": {0: "n"}, "logits": {0: "n"}},
        )  # fmt: skip
    known = validation.plurality >= 0
    truth = validation.plurality[known]
    logits = predict(one, validation.pictures[known], torch.device("cpu"))
    temperature = metrics.fit_temperature(logits, truth)
    probabilities = metrics.softmax(logits, temperature)
    content = part.read_bytes()
    meta = {
        "format": FORMAT,
        "name": title or name,
        "network": name,
        "created": date.today().isoformat(),
        "opset": OPSET,
        "input": {"name": "faces", "size": data.SIZE, "mean": 0.5, "std": 0.5},
        "output": "logits",
        "labels": list(EMOTIONS),
        "temperature": temperature,
        "priors": [round(float(p), 5) for p in priors],
        "unsure_below": metrics.fit_unsure(probabilities, truth),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "parameters": size,
        "multiply_adds": work,
        "votes_share": blend.votes,
        "lift": blend.lift,
        "validation": metrics.figures(probabilities, truth),
    }
    sidecar = target.with_suffix(".json.part")
    sidecar.write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    part.replace(target)
    sidecar.replace(target.with_suffix(".json"))
    return meta
