"""An opened capture that gives no frame larger than a camera's, and does not fill the memory."""

from __future__ import annotations

import numpy as np

from agent.errors import AgentError
from agent.opencv import cv2
from agent.types import Frame
from agent.vision import MOST_PIXELS
from agent.vision.bounds import Roof
from agent.vision.jpeg_head import has_few_scans, read_head
from agent.vision.quiet import c_stderr_silenced
from agent.vision.sources import Source, too_large, too_much


class BoundedCapture:
    """Raises CameraError where it would fill the memory. One thread.

    ``refused``: why the latest frame was passed over, where it was too large.
    """

    def __init__(self, capture: cv2.VideoCapture, source: Source, roof: Roof | None = None) -> None:
        """``roof``: that under which it was opened, so that both together stay under it."""
        self.refused: AgentError | None = None
        self._capture = capture
        self._source = source
        self._roof = roof or Roof()

    def get(self, what: int) -> float:
        """Tell a property."""
        return float(self._capture.get(what))

    def set(self, what: int, value: float) -> bool:
        """Set a property; of a place, what lies before it is decoded."""
        with self._roof.stands():
            was_set = self._capture.set(what, value)
        return bool(was_set)

    def grab(self) -> bool:
        """Take the next frame, as it came."""
        with self._roof.stands():
            got = self._capture.grab()
        if self._roof.was_reached or self._roof.is_reached:
            raise too_much(self._source)
        return bool(got)

    def retrieve(self) -> Frame | None:
        """Decode the frame that was grabbed; None where it cannot be."""
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if not self._may_be(width, height):
            return None
        ok, frame = self._capture.retrieve()
        return self._checked(frame) if ok and frame is not None else None

    def retrieve_packet(self) -> Frame | None:
        """Decode the packet that was grabbed, a JPEG; None for anything else."""
        ok, packet = self._capture.retrieve()
        if not ok or packet is None:
            return None
        data = np.asarray(packet, dtype=np.uint8).reshape(-1)
        whole = data.tobytes()
        head = read_head(whole)
        if head is None or not self._may_be(head.width, head.height) or not has_few_scans(whole):
            return None
        if head.colours > 3:  # for print, which takes more memory; no camera makes such
            return None
        try:
            with c_stderr_silenced():
                frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        return None if frame is None else self._checked(frame)

    def _checked(self, frame: object) -> Frame | None:
        """Look at what has come of it, too: the head may have said something else."""
        picture = np.asarray(frame, dtype=np.uint8)
        return picture if self._may_be(picture.shape[1], picture.shape[0]) else None

    def _may_be(self, width: int, height: int) -> bool:
        small = width * height <= MOST_PIXELS
        self.refused = None if small else too_large(self._source, width, height, MOST_PIXELS)
        return small
