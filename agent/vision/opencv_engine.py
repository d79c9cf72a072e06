"""The engine 'onnx': the network in OpenCV, which is loaded for the camera anyway."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError, last_line
from agent.opencv import cv2
from agent.translation import _
from agent.vision.model_file import SIZE, ModelCard, check_answer, other_network, refused


class OpenCVSession:
    """A network in OpenCV. Raises ModelError.

    Many threads may ask; they are served one after the other.
    """

    def __init__(self, file: Path, card: ModelCard) -> None:
        self._lock = threading.Lock()
        self._input, self._output = card.input_name, card.output_name
        try:
            self._net: Any = cv2.dnn.readNetFromONNX(str(file))
            outputs = list(self._net.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise ModelError(
                _(
                    "{file} is not a network that OpenCV {version} can load "
                    "({why}). Install Moodtray again to restore it."
                ).format(file=file, version=cv2.__version__, why=last_line(error))
            ) from error
        # OpenCV tells the outputs' names, the input's only by refusing another.
        if self._output not in outputs:
            raise other_network(file, _("outputs {outputs}").format(outputs=outputs), card)
        try:
            self._net.setInput(np.zeros((1, 1, SIZE, SIZE), np.float32), self._input)
        except cv2.error as error:
            raise other_network(file, _("another input"), card) from error
        check_answer(file, self)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run float32 [N, 1, 48, 48] -> logits [N, 7]. Raises ModelError."""
        try:
            with self._lock:
                self._net.setInput(batch, self._input)
                logits = self._net.forward(self._output)
        except cv2.error as error:
            raise refused(last_line(error)) from error
        return np.asarray(logits, dtype=np.float32)
