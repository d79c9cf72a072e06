"""Training faces framed as the program frames them at run time, where a corpus has the pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agent.errors import ModelError
from agent.opencv import cv2
from agent.training.dataset import Pictures, as_network_sees
from agent.types import Frame
from agent.vision.alignment import crop, pose
from agent.vision.blazeface import BlazeFinder

SIDE, MARGIN = 144, 48
"""A face's picture is enlarged to this side, and its border repeated so far around it: the finder
wants to see a face smaller than its picture."""


def with_surroundings(picture: Pictures) -> Frame:
    """Show a face that fills its picture (uint8 H x W) as a frame in which a finder finds it."""
    large = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    wide = cv2.copyMakeBorder(large, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(wide, cv2.COLOR_GRAY2BGR), np.uint8)


def framer() -> Callable[[Pictures], Pictures]:
    """Make a function from a face's picture, uint8 H x W, to uint8 48 x 48: eyes level, framed.

    It leaves a picture as it is where no face is found in it, or where the finder's weights are not
    there.
    """
    try:
        finder = BlazeFinder()
    except ModelError:
        return as_network_sees

    def framed(picture: Pictures) -> Pictures:
        frame = with_surroundings(picture)
        found = finder.large(frame)
        if not found or pose(found[0]) is None:
            return as_network_sees(picture)
        return as_network_sees(crop(frame, found[0]))

    return framed
