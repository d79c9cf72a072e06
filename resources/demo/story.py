"""The storyboard: what the actor does at every moment, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from actor import Pose

FPS = 30
SECONDS = 54.0

# Facial units (ARKit's names, both sides) that make up each expression; above 1 is exaggerated.
EXPRESSIONS: dict[str, dict[str, float]] = {
    "neutral": {
        "eyeBlink": 0.16, "eyeSquint": 0.4, "browDown": 0.2, "browInnerUp": -0.2,
        "browOuterUp": -0.1, "mouthPress": 0.3, "mouthSmile": 0.10, "mouthClose": 0.06,
    },
    "happy": {
        "mouthSmile": 1.0, "mouthUpperUp": 1.1, "mouthLowerDown": 0.7, "jawOpen": 0.25,
        "cheekSquint": 0.9, "eyeSquint": 0.5, "mouthDimple": 0.4, "browOuterUp": 0.15,
    },
    "surprise": {
        "jawOpen": 0.75, "browInnerUp": 2.1, "browOuterUp": 1.4, "eyeWide": 1.8,
        "mouthFunnel": 0.30,
    },
    "sad": {
        "mouthFrown": 1.9, "browInnerUp": 2.3, "browDown": 1.0, "browOuterUp": -0.2,
        "eyeSquint": 1.0, "mouthStretch": 0.5, "cheekSquint": 0.7, "noseSneer": 0.8,
        "mouthShrugLower": 0.6, "eyeBlink": 0.08,
    },
}  # fmt: skip

# (start, end, expression, the time it takes to come)
_PLAY = [
    (0.0, 5.0, "neutral", 0.1), (5.0, 11.5, "happy", 0.6), (11.5, 14.5, "neutral", 0.7),
    (14.5, 20.0, "surprise", 0.3), (20.0, 23.0, "neutral", 0.7), (23.0, 30.0, "sad", 0.8),
    (30.0, 46.6, "neutral", 0.9), (46.6, SECONDS, "happy", 0.5),
]  # fmt: skip
_LIGHT = [(0.0, "day"), (28.8, "dim"), (40.0, "side")]
_LIGHT_TAKES = 2.0
_TURN = [(0, 0), (32.8, 0), (33.8, 1.15), (35.2, 1.15), (36.2, 0), (99, 0)]
_LEAVE = [(0, 0), (36.8, 0), (38.0, 5.2), (46.4, 5.2), (47.6, 0), (99, 0)]
_BLINKS = [2.1, 4.6, 7.9, 12.2, 14.1, 20.4, 22.3, 25.2, 28.4, 30.6, 33.1, 36.0, 49.4, 52.3]
_TURNED_FROM = 0.40  # radians


@dataclass(frozen=True)
class Moment:
    """One frame of the play. `light` is a mixture of the room's lights."""

    time: float
    pose: Pose
    light: dict[str, float]
    expression: str
    settled: bool


def _ease(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _track(keys: list[tuple[float, float]], time: float) -> float:
    for (t0, v0), (t1, v1) in pairwise(keys):
        if t0 <= time < t1:
            return v0 + (v1 - v0) * _ease((time - t0) / (t1 - t0))
    return keys[-1][1]


def _weights(time: float) -> dict[str, float]:
    for n, (start, end, name, takes) in enumerate(_PLAY):
        if start <= time < end:
            come = _ease((time - start) / takes)
            before = _PLAY[n - 1][2] if n else name
            return {name: 1.0} if before == name else {name: come, before: 1 - come}
    return {_PLAY[-1][2]: 1.0}


def _light(time: float) -> dict[str, float]:
    mix = {_LIGHT[0][1]: 1.0}
    for (start, name), (_, before) in zip(_LIGHT[1:], _LIGHT, strict=False):
        if time >= start:
            come = _ease((time - start) / _LIGHT_TAKES)
            mix = {before: 1 - come, name: come}
    return {name: amount for name, amount in mix.items() if amount > 0}


def _sway(time: float, speed: float, phase: float) -> float:
    """A slow wander from -1 to 1 that does not repeat within the clip."""
    return 0.6 * np.sin(speed * time + phase) + 0.4 * np.sin(1.73 * speed * time + 2.1 * phase)


def moment(time: float) -> Moment:
    """The play at a time in seconds."""
    weights = _weights(time)
    units: dict[str, float] = {}
    for name, amount in weights.items():
        alive = amount * (0.96 + 0.04 * _sway(time, 1.9, 1.0))
        for unit, value in EXPRESSIONS[name].items():
            units[unit] = units.get(unit, 0.0) + alive * value
    blink = max(max(0.0, 1 - abs(time - at) / 0.11) for at in _BLINKS)
    units["eyeBlink"] = max(units.get("eyeBlink", 0.0), _ease(blink) * 1.02)
    units["eyeWide"] = units.get("eyeWide", 0.0) * (1 - blink)

    sad, happy = weights.get("sad", 0.0), weights.get("happy", 0.0)
    surprise = weights.get("surprise", 0.0)
    turn, gone = _track(_TURN, time), _track(_LEAVE, time)
    walking = min(gone, 1.0) * (1 if time < 42 else -1)  # looks where it goes
    glance = _sway(time, 0.7, 4.0) * 0.05
    pose = Pose(
        yaw=0.055 * _sway(time, 0.9, 0.3) + turn + 0.5 * walking,
        pitch=0.030 * _sway(time, 1.1, 2.0) + 0.05 * sad - 0.03 * happy - 0.04 * surprise,
        roll=0.030 * _sway(time, 0.7, 5.0) + 0.035 * happy - 0.03 * sad,
        x=0.05 * _sway(time, 0.6, 1.2) + gone,
        y=0.02 * _sway(time, 1.4, 0.5) - 0.06 * sad + 0.03 * surprise + 0.06 * np.sin(gone * 3),
        z=0.06 * _sway(time, 0.5, 3.0) + 0.10 * happy - 0.10 * surprise,
        body_yaw=0.03 * _sway(time, 0.5, 0.9) + 0.12 * turn + 0.45 * walking,
        look_x=glance + 0.12 * np.sign(turn) * min(abs(turn) * 3, 1) - 0.02,
        look_y=0.02 * _sway(time, 0.8, 1.0) - 0.05 * sad,
        units=units,
    )
    name = max(weights, key=lambda key: weights[key])
    return Moment(time, pose, _light(time), name, weights[name] > 0.97)


def turned(pose: Pose) -> bool:
    """Whether the face looks clearly past the camera."""
    return bool(abs(pose.yaw + pose.body_yaw) > _TURNED_FROM)
