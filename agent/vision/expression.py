"""Faces -> probabilities of seven expressions.

Grey, 48 x 48 bilinear, [0, 1], normalised with the mean and spread that the model's metadata name
(0.5, 0.5), the network, softmax of logits / temperature. OpenCV runs the network; other engines are
for people who have the extra ``int8`` (its eight-bit copy) or ``train``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.opencv import cv2
from agent.store.paths import models_dir
from agent.translation import _
from agent.types import EMOTIONS
from agent.vision.model_file import SIZE, ModelCard, Session, read_card, verify
from agent.vision.opencv_engine import OpenCVSession

Engine = Literal["onnx", "int8", "torch"]
_LIBRARIES = {"int8": ("ONNX Runtime", "int8"), "torch": ("PyTorch", "train")}
"""What the optional engines run on, and the extra that brings it."""


_BLANK = np.zeros((SIZE, SIZE), np.uint8)


def preprocess(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make the face as the network sees it: uint8 48 x 48 grey.

    ``face``: uint8, H x W grey or H x W x 3 BGR, any size. Raises ValueError for anything else.
    """
    if face.dtype != np.uint8 or face.ndim not in (2, 3) or 0 in face.shape:
        raise ValueError(
            f"a face is uint8, H x W or H x W x 3, not {face.dtype} of shape {face.shape}"
        )
    if face.ndim == 3:
        if face.shape[2] != 3:
            raise ValueError(f"a colour face has 3 channels (BGR), not {face.shape[2]}")
        face = np.asarray(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    # Bilinear looks at two neighbours: beyond twice the size it would skip pixels, and alias.
    factor = min(face.shape) // SIZE
    if factor >= 2:
        size = (max(SIZE, face.shape[1] // factor), max(SIZE, face.shape[0] // factor))
        face = np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    small = cv2.resize(face, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.uint8)


def normalise(faces: NDArray[np.uint8], mean: float = 0.5, std: float = 0.5) -> NDArray[np.float32]:
    """Scale uint8 [N, 48, 48] -> float32 [N, 1, 48, 48], (x / 255 - mean) / std."""
    scaled = (faces.astype(np.float32) / 255.0 - mean) / std
    return np.asarray(scaled[:, np.newaxis], dtype=np.float32)


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Turn rows of logits / temperature into probabilities."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


class ExpressionClassifier:
    """Implements :class:`agent.ports.Classifier`. Made by :meth:`load`."""

    def __init__(self, session: Session, card: ModelCard) -> None:
        self._session = session
        self._card = card

    @classmethod
    def load(
        cls, path: Path | None = None, engine: Engine = "onnx", *, at_once: bool = True
    ) -> ExpressionClassifier:
        """Load the model that Moodtray ships, or another.

        ``path``: the .onnx file, its metadata beside it as .json; None: the shipped one, for the
        engine "int8" its eight-bit copy. Raises ModelError when a file is missing, damaged or of
        another kind.

        ``at_once`` False: the files are checked now, but the engine is loaded with the first face,
        in the thread that shows it; :meth:`predict` may then raise ModelError.
        """
        shipped = "emotion-int8.onnx" if engine == "int8" else "emotion.onnx"
        file = path if path is not None else models_dir() / shipped
        card = read_card(file.with_suffix(".json"))
        verify(file, card)

        def start() -> Session:
            return _start(engine, file, card)

        return cls(start() if at_once else _LateSession(start), card)

    def prepare(self) -> None:
        """Load the engine now, where that waited for the first face. Raises ModelError."""
        self.predict([_BLANK])

    def predict(self, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Classify faces (uint8, H x W or H x W x 3 BGR, any size).

        Returns float32 [N, 7], rows sum to 1, columns in the order of :attr:`labels`. Raises
        ValueError for what is no face picture.
        """
        if not len(faces):
            return np.zeros((0, len(EMOTIONS)), dtype=np.float32)
        batch = normalise(
            np.stack([preprocess(face) for face in faces]), self._card.mean, self._card.std
        )
        return softmax(self._session.run(batch), self._card.temperature)

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._card.name

    @property
    def fingerprint(self) -> str:
        """Which network this is, a copy in eight bits included.

        What was learned of a person's face holds for this one alone.
        """
        return self._card.source_sha256 or self._card.sha256

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in the order of the outputs."""
        return self._card.labels

    @property
    def priors(self) -> tuple[float, ...]:
        """The classes' shares in the network's own answer.

        Its mean calibrated probability over the validation faces of the corpus that it was trained
        on. They are not the shares of the training labels: training draws and lifts rare classes
        more often than those stand there.
        """
        return self._card.priors

    @property
    def class_means(self) -> tuple[tuple[float, ...], ...] | None:
        """For each true emotion the mean logs of the answers; None: nobody measured them."""
        return self._card.class_means

    @property
    def unsure_below(self) -> float:
        """The leading probability below which one look, taken alone, had better not be believed.

        The mood over time has its own thresholds (:mod:`agent.core.mood_filter`).
        """
        return self._card.unsure_below


class _LateSession:
    """A session that is made when it is first needed."""

    def __init__(self, make: Callable[[], Session]) -> None:
        self._make = make
        self._made: Session | None = None

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._made is None:
            self._made = self._make()
        return self._made.run(batch)


def _start(engine: Engine, file: Path, card: ModelCard) -> Session:
    """Start the network in that engine. Raises ModelError."""
    try:
        # Chosen by hand, never by default: their libraries are extras.
        if engine == "int8":
            from agent.vision.onnx_runtime_engine import OnnxRuntimeSession

            return OnnxRuntimeSession(file, card)
        if engine == "torch":
            from agent.vision.torch_engine import TorchSession

            return TorchSession(file, card.output_name)
    except ImportError as error:
        library, extra = _LIBRARIES[engine]
        raise ModelError(
            _(
                "The engine '{engine}' needs {library}, which is not installed ({error}). Install "
                "it with pip install 'moodtray[{extra}]', or set camera.engine to 'onnx'."
            ).format(engine=engine, library=library, error=error, extra=extra),
            title=_("{library} is not installed").format(library=library),
        ) from error
    return OpenCVSession(file, card)


def describe_model(path: Path | None = None) -> dict[str, object]:
    """Read the metadata of the model as a dict, after checking its checksum (for ``doctor``).

    Raises ModelError.
    """
    file = path if path is not None else models_dir() / "emotion.onnx"
    card = read_card(file.with_suffix(".json"))
    verify(file, card)
    return dict(json.loads(file.with_suffix(".json").read_text(encoding="utf-8")))
