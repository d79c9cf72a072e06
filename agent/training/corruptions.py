"""A webcam's hardships, drawn onto the pictures of a test set: the same ones at every call.

They stand in for faces that nobody labelled: no real mask, no real glasses, no real detector. Each
takes uint8 pictures [N, 48, 48] and gives as many; chance comes from a fixed seed. They are written
apart from the augmentation of training, in numpy, so that a mistake there cannot hide here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.training.data import SIZE, Pictures

SEED = 11
EYES, NOSE = 18, 27
"""Rows of the eyes and of the middle of the nose in the mean picture of FER2013."""


def _grey(faces: NDArray[np.floating[Any]]) -> Pictures:
    return np.round(faces.clip(0, 255)).astype(np.uint8)


def side_light(faces: Pictures) -> Pictures:
    """Imitate a window to one side, left or right: light falls from 1.5 times to a tenth across."""
    ramp = np.linspace(1.5, 0.1, SIZE)
    left = np.random.default_rng(SEED).random(len(faces)) < 0.5
    across = np.where(left[:, None], ramp, ramp[::-1])
    return _grey(np.multiply(faces, across[:, None, :], dtype=np.float64))


def mask(faces: Pictures) -> Pictures:
    """Cover everything from the middle of the nose down under an even patch, light or dark."""
    covered = faces.copy()
    tone = np.random.default_rng(SEED).integers(20, 236, len(faces), np.uint8)
    covered[:, NOSE:, 4 : SIZE - 4] = tone[:, None, None]
    return covered


def glasses(faces: Pictures) -> Pictures:
    """Draw two dark bars over the eyes and a bridge between them, as sunglasses would be."""
    worn = faces.copy()
    worn[:, EYES - 4 : EYES + 5, 6:22] = 25
    worn[:, EYES - 4 : EYES + 5, 26:42] = 25
    worn[:, EYES - 2 : EYES, 22:26] = 25
    return worn


def noise(faces: Pictures) -> Pictures:
    """Imitate a sensor in the dark: noise of 20 grey levels."""
    return _grey(faces + np.random.default_rng(SEED).normal(0, 20, faces.shape))


def blur_and_jpeg(faces: Pictures) -> Pictures:
    """Imitate a camera out of focus (a Gaussian of 1.2 px), then JPEG of quality 20."""
    out = np.empty_like(faces)
    for row, face in enumerate(faces):
        soft = cv2.GaussianBlur(face, (0, 0), 1.2)
        done, packed = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 20])
        assert done  # encoding a plain array to memory
        out[row] = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return out


def box_shifted(faces: Pictures, share: float = 0.1) -> Pictures:
    """Imitate the detector's box a tenth of its side off, in any direction."""
    angle = np.random.default_rng(SEED).random(len(faces)) * 2 * np.pi
    return np.stack(
        [
            _moved(face, 1.0, share * SIZE * np.cos(a), share * SIZE * np.sin(a))
            for face, a in zip(faces, angle, strict=True)
        ]
    )


def box_scaled(faces: Pictures, share: float = 0.15) -> Pictures:
    """Imitate the detector's box 15 % too wide for half of the faces, too narrow for the rest."""
    wide = np.random.default_rng(SEED).random(len(faces)) < 0.5
    scales = np.where(wide, 1 / (1 + share), 1 + share)
    return np.stack([_moved(f, float(s), 0, 0) for f, s in zip(faces, scales, strict=True)])


def _moved(face: Pictures, scale: float, x: float, y: float) -> Pictures:
    """Show ``face`` grown ``scale`` times about its middle, then shifted.

    Its edge repeats outwards, since nothing is known of what lay around it.
    """
    middle = (SIZE - 1) / 2
    matrix = np.array([[scale, 0, middle * (1 - scale) + x], [0, scale, middle * (1 - scale) + y]])
    moved = cv2.warpAffine(face, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


HARDSHIPS: dict[str, Callable[[Pictures], Pictures]] = {
    "light from one side": side_light,
    "lower half covered": mask,
    "dark bars over the eyes": glasses,
    "noise": noise,
    "blur and JPEG": blur_and_jpeg,
    "box 10 % off": box_shifted,
    "box 15 % too wide or narrow": box_scaled,
}
"""By the name of their rows."""
