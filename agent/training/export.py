"""From a checkpoint to what Moodtray ships: emotion.onnx and emotion.json beside it.

The two heads become one answer, ``logits``: their last layers are blended into a single dense
layer, and a shift of every class, chosen on validation, is folded into its bias. Where the network
learned FER2013's own label with a second head, that head stays in the file as the output
``fer_label``, so that figures on those labels are measured with what was trained for them; the
program never asks for it. Temperatures, 'unsure below' and the class priors are fitted on
validation, never on PublicTest, and on the answers of the written file itself.

Two kinds of class shares are at work. Those of the training *labels* decide how far rare classes
are lifted. The *priors* of the metadata are what the mood filter divides out: the mean answer that
the written file gives. They differ, because training draws rare classes more often than they stand
there and because of the lift.
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
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.core.person import logs
from agent.training import data, metrics
from agent.training.checkpoint import load
from agent.training.network import multiply_adds, parameters, predict
from agent.training.paths import whole
from agent.types import EMOTIONS
from agent.vision.expression import normalise
from agent.vision.onnx_runtime_engine import one_thread

OPSET = 17
ANSWER, LABEL = "logits", "fer_label"
FORMAT = 1


@dataclass(frozen=True)
class Blend:
    """How two heads become one, and how far rare classes are lifted."""

    votes: float = 1.0  # share of the head of the votes; the rest is FER2013's own label
    lift: float = 0.0  # each class's logit is raised by lift * -log(its share of the labels)


class ShippedNetwork(nn.Module):
    """A trained network with its last layers blended into one; its own second head beside it.

    ``shares``, [7]: the classes' shares of the training labels, by which ``blend.lift`` lifts.
    """

    def __init__(self, network: nn.Module, blend: Blend, shares: NDArray[np.float64]) -> None:
        super().__init__()
        head = network.head
        last = head[-1] if isinstance(head, nn.Sequential) else head
        assert isinstance(last, nn.Linear)
        weight = last.weight.detach().view(-1, data.CLASSES, last.in_features)
        bias = last.bias.detach().view(-1, data.CLASSES)
        heads = torch.tensor([blend.votes, 1 - blend.votes] if len(weight) == 2 else [1.0])
        lift = -blend.lift * torch.from_numpy(np.log(shares)).float()
        self.answer = _dense(torch.einsum("h,hci->ci", heads, weight), heads @ bias + lift)
        self.label = _dense(weight[1], bias[1]) if len(weight) == 2 else None
        # What is left of the network gives the features that both layers start from.
        if isinstance(head, nn.Sequential):
            head[-1] = nn.Identity()
        else:
            network.head = nn.Identity()
        self.network = network
        self.eval()

    @property
    def outputs(self) -> list[str]:
        """The names of what :meth:`forward` gives, in its order."""
        return [ANSWER] if self.label is None else [ANSWER, LABEL]

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        """Map [N, 1, 48, 48] -> one or two times logits [N, 7]."""
        features = self.network.logits(faces)  # type: ignore[operator]
        if self.label is None:
            return (self.answer(features),)
        return self.answer(features), self.label(features)


def _dense(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
    return layer


def export(
    checkpoint: Path, validation: data.Faces, shares: NDArray[np.float64], target: Path,
    blend: Blend | None = None, title: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write ``target`` (an .onnx path) and its .json; returns the metadata.

    ``shares`` are the class shares of the training labels, [7]. The same file is written for the
    same checkpoint, so its checksum says whether two models are one.
    """
    blend = blend or Blend()
    name, network = load(checkpoint)
    size = parameters(network)
    shipped = ShippedNetwork(network, blend, shares)
    work = multiply_adds(shipped)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole(target) as part, whole(target.with_suffix(".json")) as sidecar:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the older exporter is what writes a single file
            torch.onnx.export(
                shipped, (torch.zeros(2, 1, data.SIZE, data.SIZE),), str(part),
                opset_version=OPSET, input_names=["faces"], output_names=shipped.outputs,
                dynamic_axes={name: {0: "n"} for name in ("faces", *shipped.outputs)},
                dynamo=False,
            )  # fmt: skip
        content = part.read_bytes()
        meta = {
            "format": FORMAT,
            "name": title or name,
            "network": name,
            "created": date.today().isoformat(),
            "opset": OPSET,
            "input": {"name": "faces", "size": data.SIZE, "mean": 0.5, "std": 0.5},
            "output": ANSWER,
            "labels": list(EMOTIONS),
            **identity(content),
            "parameters": size,
            "multiply_adds": work,
            "votes_share": blend.votes,
            "lift": blend.lift,
            **calibrated(part, validation),
        }
        write_metadata(sidecar, meta)
    return meta


def identity(content: bytes) -> dict[str, Any]:
    """Return size and checksum of a network's file, as its metadata hold them."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write_metadata(file: Path, meta: dict[str, Any]) -> None:
    """Write ``meta`` as the JSON that lies beside a network."""
    file.write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


def calibrated(file: Path, validation: data.Faces) -> dict[str, Any]:
    """Fit what is fitted on the answers that the network ``file`` gives on ``validation``.

    * ``temperature`` and ``unsure_below``, on the faces with a plurality;
    * ``priors``: the mean probability of each class, at that temperature, over all the faces;
    * ``class_means``: for each true emotion the mean logarithms of the answers, less their mean,
      by which the mood filter finds a person's bias;
    * ``validation``: the figures on the plurality;
    * ``label_output`` and ``label_temperature``, where the file has a head for FER2013's label.
    """
    answers = _answers(file, validation.pictures)
    known = validation.plurality >= 0
    truth = validation.plurality[known]
    temperature = metrics.fit_temperature(answers[ANSWER][known], truth)
    everywhere = metrics.softmax(answers[ANSWER], temperature)
    fitted: dict[str, Any] = {
        "temperature": temperature,
        "priors": [round(float(share), 5) for share in everywhere.mean(axis=0)],
        "class_means": class_means(everywhere[known], truth),
        "unsure_below": metrics.fit_unsure(everywhere[known], truth),
        "validation": metrics.figures(everywhere[known], truth),
    }
    if LABEL in answers:
        named = validation.label >= 0
        fitted["label_output"] = LABEL
        fitted["label_temperature"] = metrics.fit_temperature(
            answers[LABEL][named], validation.label[named]
        )
    return fitted


def class_means(answers: metrics.Probabilities, truth: metrics.Truths) -> list[list[float]]:
    """Find the mean logs of the answers for each true emotion, [7][7]; unseen ones get all's."""
    found = logs(np.asarray(answers, dtype=np.float64))
    rows = [found[truth == c] if (truth == c).any() else found for c in range(data.CLASSES)]
    return [[round(float(x), 3) for x in row.mean(axis=0)] for row in rows]


def choices(
    checkpoint: Path, validation: data.Faces, shares: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Measure what each of a few blends would reach on validation, to choose ``Blend`` by.

    ``shares`` are the class shares of the training labels, [7].
    """
    network = load(checkpoint)[1]
    heads = predict(network, validation.pictures, torch.device("cpu"))
    known = validation.plurality >= 0
    rows = []
    for votes in (1.0, 0.8) if heads.shape[1] == 2 else (1.0,):
        for lift in (0.0, 0.1, 0.2, 0.3):
            share = np.array([votes, 1 - votes])[: heads.shape[1]]
            logits = np.einsum("h,nhc->nc", share, heads) - lift * np.log(shares)
            temperature = metrics.fit_temperature(logits[known], validation.plurality[known])
            probabilities = metrics.softmax(logits, temperature)
            voted = metrics.figures(probabilities[known], validation.plurality[known])
            named = metrics.figures(probabilities, validation.label)
            rows.append(
                {
                    "votes": votes,
                    "lift": lift,
                    "accuracy": voted["accuracy"],
                    "macro_recall": voted["macro_recall"],
                    "loss": voted["loss"],
                    "ece": voted["ece"],
                    "label_accuracy": named["accuracy"],
                }
            )
    return rows


def _answers(file: Path, pictures: data.Pictures) -> dict[str, NDArray[np.float32]]:
    """Compute the logits [N, 7] of every output of ``file``, by its name."""
    session = onnxruntime.InferenceSession(
        file.read_bytes(), one_thread(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    parts = [
        session.run(names, {"faces": normalise(pictures[first : first + 256])})
        for first in range(0, len(pictures), 256)
    ]
    return {name: np.concatenate(each) for name, *each in zip(names, *parts, strict=True)}
