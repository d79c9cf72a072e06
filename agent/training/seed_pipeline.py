"""The pipeline that the project started from, kept as a yardstick for ``moodtray bench``.

OpenCV's Haar search of the full frame, then the seed's network in PyTorch, eager, on one thread.
Its weights are random: its answers mean nothing, its time is the real one.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.training.network import build
from agent.types import Frame
from agent.vision.faces import load_cascade


class SeedPipeline:
    """A frame -> probabilities float32 [faces, 7]. Holds PyTorch to one thread."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._cascade = load_cascade()
        self._network = build("seed").eval()

    def run(self, frame: Frame) -> NDArray[np.float32]:
        """Find the face in uint8 H x W x 3 BGR and classify it."""
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(30, 30)
        )
        rows = [self._classify(grey[y : y + h, x : x + w]) for x, y, w, h in found]
        return np.stack(rows) if rows else np.zeros((0, 7), np.float32)

    def _classify(self, face: NDArray[np.uint8] | cv2.typing.MatLike) -> NDArray[np.float32]:
        small = cv2.resize(face, (48, 48), interpolation=cv2.INTER_LINEAR)
        batch = (torch.from_numpy(small)[None, None].float() / 255.0 - 0.5) / 0.5
        with torch.no_grad():
            logits = self._network(batch)
            return cast(NDArray[np.float32], torch.softmax(logits.reshape(7), dim=0).numpy())
