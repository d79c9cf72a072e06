"""Faces of the synthetic actor in rooms that make them hard to find."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from agent.store.paths import resources_dir
from agent.types import Frame


def actor(number: int = 0) -> Frame:
    """A frame of the demo clip: the actor looks into the camera at first."""
    capture = cv2.VideoCapture(str(resources_dir() / "demo" / "clip.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, number)
    return np.asarray(capture.read()[1], np.uint8)


def tilted(frame: Frame, degrees: float) -> Frame:
    """Turned about its middle, clockwise as it is seen; its border repeats."""
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    turned = cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def dark(frame: Frame, factor: float = 1 / 8) -> Frame:
    """So much of the light, and a sensor's noise."""
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    return np.asarray((frame * factor + noise).clip(0, 255), np.uint8)


def side_lit(frame: Frame) -> Frame:
    """Light from one side only."""
    ramp = np.linspace(1.3, 0.08, frame.shape[1])[None, :, None]
    return np.asarray((frame * ramp).clip(0, 255), np.uint8)


def far(frame: Frame, share: float = 0.22) -> Frame:
    """The whole scene small in the middle of an even wall."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    wall = np.full_like(frame, 120)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    wall[y : y + small.shape[0], x : x + small.shape[1]] = small
    return wall


def blurred(frame: Frame, sigma: float = 4.0) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8)


HARDSHIPS: dict[str, Callable[[Frame], Frame]] = {
    "plain": lambda frame: frame,
    "tilt 15": lambda frame: tilted(frame, 15),
    "tilt -25": lambda frame: tilted(frame, -25),
    "tilt 40": lambda frame: tilted(frame, 40),
    "an eighth of the light": dark,
    "light from a side": side_lit,
    "far": far,
    "blur": blurred,
}
