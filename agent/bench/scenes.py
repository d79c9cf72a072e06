"""Scenes of our own for measuring a finder.

Portraits in rooms, each made hard to see in one way, and rooms, textures, posters and noise without
a face. All drawn from a seed: the same at every run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from agent.opencv import cv2
from agent.types import Box, Frame

WIDTH, HEIGHT = 640, 480
FACE = 150.0
"""Width of a face in a scene, in pixels, unless it is said otherwise."""


@dataclass(frozen=True, slots=True)
class Scene:
    """``face``: where it is, as an upright box; ``name``: the hardship."""

    frame: Frame
    face: Box


def _grey(frame: np.ndarray) -> Frame:
    return np.asarray(np.clip(np.round(frame), 0, 255), np.uint8)


# --- with a face


def placed(
    portrait: Frame, face: Box, rng: np.random.Generator, *, width: float = FACE, tilt: float = 0.0
) -> Scene:
    """Put the portrait into a room.

    Its face is ``width`` px wide and turned clockwise by ``tilt`` degrees, anywhere in the frame,
    but whole.
    """
    scale = width / face.width
    reach = width * 0.85  # a turned face's corners, and some hair
    x = rng.uniform(min(reach, WIDTH / 2), max(WIDTH - reach, WIDTH / 2))
    y = rng.uniform(min(reach, HEIGHT / 2), max(HEIGHT - reach, HEIGHT / 2))
    turn = math.radians(tilt)
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    middle = np.array([face.x + face.width / 2, face.y + face.height / 2])
    matrix[:, 2] = np.array([x, y]) - matrix[:, :2] @ middle
    factor = max(1, int(1 / scale))  # warping alone would skip pixels
    source = cv2.resize(portrait, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    matrix[:, :2] *= factor
    room_frame = room(rng)
    shown = cv2.warpAffine(source, matrix, (WIDTH, HEIGHT))
    whole = np.full(source.shape[:2], 255, np.uint8)
    border = max(1, whole.shape[0] // 20)
    whole[:border] = whole[-border:] = 0
    whole[:, :border] = whole[:, -border:] = 0
    mask = cv2.GaussianBlur(cv2.warpAffine(whole, matrix, (WIDTH, HEIGHT)), (0, 0), 4)
    share = mask[:, :, None].astype(np.float32) / 255
    frame = _grey(shown * share + room_frame * (1 - share))
    side = round(width)
    return Scene(frame, Box(round(x - side / 2), round(y - side / 2), side, side))


def _dark(scene: Scene, rng: np.random.Generator) -> Scene:
    noise = rng.normal(0, 3, scene.frame.shape)
    return Scene(_grey(scene.frame / 8.0 + noise), scene.face)


def _side_light(scene: Scene, rng: np.random.Generator) -> Scene:
    x = (np.arange(WIDTH) - scene.face.x) / scene.face.width
    across = np.interp(x, [-0.3, 1.3], [1.5, 0.1])
    if rng.random() < 0.5:
        across = np.interp(x, [-0.3, 1.3], [0.1, 1.5])
    return Scene(_grey(scene.frame * across[None, :, None]), scene.face)


def _blurred(scene: Scene, rng: np.random.Generator) -> Scene:
    return Scene(_grey(cv2.GaussianBlur(scene.frame, (0, 0), 4.0)), scene.face)


def _masked(scene: Scene, rng: np.random.Generator) -> Scene:
    """Cloth from the middle of the nose down."""
    face, frame = scene.face, scene.frame.copy()
    tone = rng.integers(20, 236, 3)
    x, y = face.x + face.width // 20, face.y + round(face.height * 0.58)
    part = frame[y : y + face.height // 2, x : x + round(face.width * 0.9)]
    part[:] = _grey(tone + rng.normal(0, 4, part.shape))
    return Scene(frame, face)


def _dark_glasses(scene: Scene, rng: np.random.Generator) -> Scene:
    face, frame = scene.face, scene.frame.copy()
    y, height = face.y + round(face.height * 0.33), round(face.height * 0.19)
    for left in (0.13, 0.53):
        x = face.x + round(face.width * left)
        frame[y : y + height, x : x + round(face.width * 0.34)] = 22
    return Scene(frame, face)


def _infrared(scene: Scene, rng: np.random.Generator) -> Scene:
    """Light it as a lamp beside an infrared lens does: grey, bright near, dark behind."""
    grey = cv2.cvtColor(scene.frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    face = scene.face
    off = np.hypot(x - face.x - face.width / 2, y - face.y - face.height / 2) / face.width
    lit = 60 + 0.65 * grey * np.exp(-((off / 1.5) ** 2)) + rng.normal(0, 4, grey.shape)
    return Scene(np.repeat(_grey(lit)[:, :, None], 3, axis=2), face)


Change = Callable[[Scene, np.random.Generator], Scene]

HARDSHIPS: dict[str, tuple[float, tuple[float, ...], Change | None]] = {
    # name: (width of the face, tilts to choose from, what is done to the scene)
    "plain": (FACE, (0.0,), None),
    "tilt 15°": (FACE, (-15.0, 15.0), None),
    "tilt 25°": (FACE, (-25.0, 25.0), None),
    "tilt 40°": (FACE, (-40.0, 40.0), None),
    "an eighth of the light, noise": (FACE, (0.0,), _dark),
    "light from one side": (FACE, (0.0,), _side_light),
    "far (45 px)": (45.0, (0.0,), None),
    "blur (4 px)": (FACE, (0.0,), _blurred),
    "lower half covered": (FACE, (0.0,), _masked),
    "dark bars over the eyes": (FACE, (0.0,), _dark_glasses),
    "infrared": (FACE, (0.0,), _infrared),
}


def with_face(hardship: str, portraits: list[Frame], face: Box) -> Iterator[Scene]:
    """One scene a portrait (640 x 640, the face in ``face``)."""
    width, tilts, change = HARDSHIPS[hardship]
    for number, portrait in enumerate(portraits):
        rng = np.random.default_rng([number, *hardship.encode()])
        scene = placed(portrait, face, rng, width=width, tilt=float(rng.choice(tilts)))
        yield scene if change is None else change(scene, rng)


# --- without one


def room(rng: np.random.Generator) -> Frame:
    """Draw a wall in some light, with a window, shelves, a lamp, a plant, as chance has it."""
    top, bottom = rng.uniform(60, 235, (2, 3))
    fall = np.linspace(0, 1, HEIGHT)[:, None, None]
    frame = np.ascontiguousarray(_grey(top * (1 - fall) + bottom * fall).repeat(WIDTH, axis=1))
    for draw in rng.permutation(np.array([_window, _shelf, _picture, _lamp, _plant, _table]))[:4]:
        draw(frame, rng)
    light = cv2.resize(rng.uniform(0.6, 1.25, (3, 4)), (WIDTH, HEIGHT))
    soft = cv2.GaussianBlur(frame, (0, 0), rng.uniform(0.5, 2.5))
    return _grey(soft * light[:, :, None] + rng.normal(0, 2.5, frame.shape))


def _tone(rng: np.random.Generator, low: int = 20, high: int = 240) -> tuple[int, int, int]:
    base = rng.integers(low, high)
    blue, green, red = np.clip(base + rng.integers(-40, 41, 3), 0, 255)
    return int(blue), int(green), int(red)


def _spot(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))


def _window(frame: Frame, rng: np.random.Generator) -> None:
    x, y = _spot(rng)
    w, h = (int(v) for v in rng.integers(90, 260, 2))
    cv2.rectangle(frame, (x, y), (x + w, y + h), _tone(rng, 190, 255), cv2.FILLED)
    frame_tone = _tone(rng)
    cv2.rectangle(frame, (x, y), (x + w, y + h), frame_tone, 8)
    cv2.line(frame, (x + w // 2, y), (x + w // 2, y + h), frame_tone, 6)
    cv2.line(frame, (x, y + h // 2), (x + w, y + h // 2), frame_tone, 6)


def _shelf(frame: Frame, rng: np.random.Generator) -> None:
    x, y = _spot(rng)
    for row in range(int(rng.integers(1, 4))):
        below = y + 75 * (row + 1)
        cv2.rectangle(frame, (x, below), (x + 260, below + 8), _tone(rng, 20, 120), cv2.FILLED)
        left = x
        while left < x + 250:
            thick, high = int(rng.integers(8, 26)), int(rng.integers(35, 66))
            cv2.rectangle(
                frame, (left, below - high), (left + thick, below), _tone(rng), cv2.FILLED
            )
            left += thick + int(rng.integers(0, 9))


def _picture(frame: Frame, rng: np.random.Generator) -> None:
    """Hang a frame with shapes in it on the wall."""
    x, y = _spot(rng)
    w, h = (int(v) for v in rng.integers(60, 200, 2))
    part = frame[y : y + h, x : x + w]
    if min(part.shape[:2]) < 30:
        return
    part[:] = cv2.resize(shapes(rng), (part.shape[1], part.shape[0]))
    cv2.rectangle(frame, (x, y), (x + w, y + h), _tone(rng, 10, 90), 5)


def _lamp(frame: Frame, rng: np.random.Generator) -> None:
    x, y = _spot(rng)
    r = int(rng.integers(20, 60))
    cv2.circle(frame, (x, y), r, _tone(rng, 200, 255), cv2.FILLED, cv2.LINE_AA)
    cv2.line(frame, (x, y + r), (x, HEIGHT), _tone(rng, 20, 90), 5, cv2.LINE_AA)


def _plant(frame: Frame, rng: np.random.Generator) -> None:
    x, y = _spot(rng)
    for _ in range(int(rng.integers(12, 40))):
        angle, length = rng.uniform(-math.pi, 0), rng.uniform(30, 120)
        tip = (int(x + length * math.cos(angle)), int(y + length * math.sin(angle)))
        green = (int(rng.integers(20, 80)), int(rng.integers(80, 170)), int(rng.integers(20, 90)))
        cv2.line(frame, (x, y), tip, green, int(rng.integers(2, 9)), cv2.LINE_AA)
    cv2.rectangle(frame, (x - 30, y), (x + 30, y + 60), _tone(rng), cv2.FILLED)


def _table(frame: Frame, rng: np.random.Generator) -> None:
    y = int(rng.integers(HEIGHT // 2, HEIGHT))
    corners = np.array([[-50, HEIGHT], [WIDTH + 50, HEIGHT], [WIDTH - 90, y], [90, y]], np.int32)
    cv2.fillPoly(frame, [corners], _tone(rng, 30, 160), cv2.LINE_AA)


def shapes(rng: np.random.Generator) -> Frame:
    """Draw a poster: circles, ellipses, polygons and lines of any colours."""
    frame = np.full((HEIGHT, WIDTH, 3), _tone(rng), np.uint8)
    for _ in range(int(rng.integers(5, 40))):
        kind, tone, at = rng.integers(0, 4), _tone(rng, 0, 255), _spot(rng)
        size = int(rng.integers(8, 160))
        thick = -1 if rng.random() < 0.7 else int(rng.integers(2, 12))
        if kind == 0:
            cv2.circle(frame, at, size, tone, thick, cv2.LINE_AA)
        elif kind == 1:
            axes = (size, max(4, int(size * rng.uniform(0.3, 1))))
            turned = float(rng.uniform(0, 180))
            cv2.ellipse(frame, at, axes, turned, 0, 360, tone, thick, cv2.LINE_AA)
        elif kind == 2:
            points = np.array(at) + rng.integers(-size, size + 1, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(frame, [points.astype(np.int32)], tone, cv2.LINE_AA)
        else:
            cv2.line(frame, at, _spot(rng), tone, abs(thick) + 1, cv2.LINE_AA)
    return frame


def texture(rng: np.random.Generator) -> Frame:
    """Cloth, wood, leaves, stone: noise of several sizes, stretched, in two colours."""
    total = np.zeros((HEIGHT, WIDTH))
    stretch = 2.0 ** rng.uniform(-3, 3)
    for octave in range(1, 8):
        cells = 2**octave
        rows = max(2, min(HEIGHT, int(cells * stretch)))
        noise = rng.normal(0, 1, (rows, max(2, cells)))
        total += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) * (
            rng.uniform(0.4, 0.9) ** octave
        )
    total = (total - total.min()) / (np.ptp(total) + 1e-6)
    if rng.random() < 0.3:  # bricks, tiles, a grid
        step = int(rng.integers(14, 70))
        total[::step] = total[:, ::step] = 0
    one, other = np.array(_tone(rng)), np.array(_tone(rng))
    return _grey(total[:, :, None] * one + (1 - total[:, :, None]) * other)


def noise(rng: np.random.Generator) -> Frame:
    """Draw what a sensor shows in the dark, or nothing but noise."""
    level, spread = rng.uniform(0, 200), 2.0 ** rng.uniform(0, 6)
    fine = rng.normal(level, spread, (HEIGHT, WIDTH, 3))
    if rng.random() < 0.5:
        coarse = cv2.GaussianBlur(fine - level, (0, 0), float(rng.uniform(0.7, 8)))
        fine = level + coarse * (spread / max(1e-3, float(coarse.std())))
    return _grey(fine)


WITHOUT: dict[str, Callable[[np.random.Generator], Frame]] = {
    "rooms": room,
    "textures": texture,
    "posters of shapes": shapes,
    "noise": noise,
}


def without_face(kind: str, count: int) -> Iterator[Frame]:
    """``count`` scenes of that kind in which nobody is."""
    for number in range(count):
        yield WITHOUT[kind](np.random.default_rng([number, *kind.encode()]))
