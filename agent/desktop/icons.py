"""The tray's icons, drawn at the size that is asked for.

Every state has a shape of its own, so that it can be read without colour: seven faces, a question
mark, an empty place, two bars, a struck camera, a padlock, struck waves, a warning triangle.
All lengths below are shares of the icon's side; y grows downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

from PIL import Image, ImageChops, ImageDraw

from agent.core.palette import AMBER, INK, MOOD_COLOURS, PAPER, RED, RGB, SLATE, VIOLET
from agent.types import MoodState, Status

SUPERSAMPLING = 8
"""Each icon is drawn that many times larger and reduced, which smooths every edge."""

Point: TypeAlias = tuple[float, float]
_WHITE: RGB = (255, 255, 255)


class _Pen:
    """Draws round strokes and shapes in shares of the icon's side."""

    def __init__(self, size: int) -> None:
        self.side = size * SUPERSAMPLING
        self.image = Image.new("RGBA", (self.side, self.side), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        # Thin strokes vanish on small icons: never thinner than about one and a half pixels.
        self.thinnest = 1.45 / size

    def disc(self, x: float, y: float, radius: float, colour: RGB) -> None:
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: RGB) -> None:
        box = [v * self.side for v in (x - rx, y - ry, x + rx, y + ry)]
        self.draw.ellipse(box, fill=colour)

    def stroke(self, points: Sequence[Point], width: float, colour: RGB) -> None:
        """A line with round ends and joints."""
        width = max(width, self.thinnest)
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self.draw.line(scaled, fill=colour, width=round(width * self.side), joint="curve")
        for x, y in points:
            self.disc(x, y, width / 2, colour)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float,
        width: float, colour: RGB,
    ) -> None:  # fmt: skip
        """Part of an ellipse; degrees, clockwise from three o'clock."""
        steps = 40
        angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
        self.stroke([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles], width, colour)

    def polygon(self, points: Sequence[Point], colour: RGB) -> None:
        self.draw.polygon([(x * self.side, y * self.side) for x, y in points], fill=colour)

    def box(
        self, left: float, top: float, right: float, bottom: float, radius: float, colour: RGB
    ) -> None:
        self.draw.rounded_rectangle(
            [v * self.side for v in (left, top, right, bottom)], radius * self.side, fill=colour
        )

    def erase(self, points: Sequence[Point], width: float) -> None:
        """Cut a round stroke out of what is there."""
        hole = _Pen(self.side // SUPERSAMPLING)
        hole.stroke(points, width, _WHITE)
        kept = ImageChops.subtract(self.image.getchannel("A"), hole.image.getchannel("A"))
        self.image.putalpha(kept)

    def finish(self) -> Image.Image:
        size = self.side // SUPERSAMPLING
        return self.image.resize((size, size), Image.Resampling.BOX)


# --- faces ----------------------------------------------------------------------------------------


def _eyes(pen: _Pen, height: float = 0.41, rx: float = 0.062, ry: float = 0.078) -> None:
    for x in (0.335, 0.665):
        pen.oval(x, height, rx, ry, INK)


def _happy(pen: _Pen) -> None:
    for x in (0.33, 0.67):  # smiling eyes
        pen.arc(x, 0.435, 0.085, 0.095, 200, 340, 0.068, INK)
    pen.polygon([(0.5 + 0.25 * math.cos(a), 0.56 + 0.24 * math.sin(a)) for a in _half_turn()], INK)


def _half_turn() -> list[float]:
    return [math.pi * i / 40 for i in range(41)]


def _sad(pen: _Pen) -> None:
    _eyes(pen, 0.46)
    pen.stroke([(0.225, 0.345), (0.385, 0.265)], 0.055, INK)
    pen.stroke([(0.775, 0.345), (0.615, 0.265)], 0.055, INK)
    pen.arc(0.5, 0.80, 0.17, 0.145, 200, 340, 0.072, INK)


def _angry(pen: _Pen) -> None:
    _eyes(pen, 0.475, 0.06, 0.065)
    pen.stroke([(0.215, 0.275), (0.42, 0.385)], 0.078, INK)
    pen.stroke([(0.785, 0.275), (0.58, 0.385)], 0.078, INK)
    pen.stroke([(0.345, 0.71), (0.655, 0.71)], 0.082, INK)


def _surprise(pen: _Pen) -> None:
    for x in (0.325, 0.675):
        pen.disc(x, 0.385, 0.095, PAPER)
        pen.disc(x, 0.385, 0.055, INK)
    pen.oval(0.5, 0.70, 0.105, 0.135, INK)


def _fear(pen: _Pen) -> None:
    for x in (0.325, 0.675):
        pen.disc(x, 0.40, 0.105, PAPER)
        pen.disc(x, 0.425, 0.05, INK)
    wave = [(0.29 + 0.42 * i / 40, 0.70 - 0.05 * math.sin(i / 40 * 5 * math.pi)) for i in range(41)]
    pen.stroke(wave, 0.068, INK)


def _disgust(pen: _Pen) -> None:
    for x, side in ((0.33, 1), (0.67, -1)):  # squeezed eyes: > <
        pen.stroke(
            [(x - 0.085 * side, 0.335), (x + 0.07 * side, 0.415), (x - 0.085 * side, 0.495)],
            0.062,
            INK,
        )
    pen.arc(0.47, 0.80, 0.20, 0.14, 200, 330, 0.068, INK)
    pen.oval(0.585, 0.745, 0.075, 0.105, RED)  # the tongue


def _neutral(pen: _Pen) -> None:
    _eyes(pen, 0.42)
    pen.stroke([(0.335, 0.68), (0.665, 0.68)], 0.075, INK)


_FACES: dict[MoodState, Callable[[_Pen], None]] = {
    MoodState.ANGRY: _angry,
    MoodState.DISGUST: _disgust,
    MoodState.FEAR: _fear,
    MoodState.HAPPY: _happy,
    MoodState.SAD: _sad,
    MoodState.SURPRISE: _surprise,
    MoodState.NEUTRAL: _neutral,
}


# --- the other states -----------------------------------------------------------------------------


def _question(pen: _Pen, ink: RGB) -> None:
    pen.arc(0.5, 0.37, 0.155, 0.15, 180, 405, 0.10, ink)
    pen.stroke([(0.609, 0.476), (0.5, 0.565), (0.5, 0.62)], 0.10, ink)
    pen.disc(0.5, 0.775, 0.062, ink)


def _bars(pen: _Pen, ink: RGB) -> None:
    pen.box(0.315, 0.285, 0.445, 0.715, 0.045, ink)
    pen.box(0.555, 0.285, 0.685, 0.715, 0.045, ink)


def _dots(pen: _Pen, ink: RGB) -> None:
    for x in (0.275, 0.5, 0.725):
        pen.disc(x, 0.5, 0.075, ink)


def _empty_place(pen: _Pen, ink: RGB) -> None:
    """The outline of somebody who is not there."""
    pen.arc(0.5, 0.29, 0.165, 0.18, 0, 360, 0.085, ink)
    pen.arc(0.5, 0.90, 0.33, 0.29, 180, 360, 0.085, ink)
    pen.stroke([(0.17, 0.90), (0.83, 0.90)], 0.085, ink)


def _camera(pen: _Pen, colour: RGB, ink: RGB) -> None:
    pen.box(0.05, 0.27, 0.66, 0.75, 0.11, colour)
    pen.polygon([(0.69, 0.47), (0.945, 0.31), (0.945, 0.71), (0.69, 0.55)], colour)
    pen.stroke([(0.93, 0.325), (0.93, 0.695)], 0.05, colour)
    _strike(pen, ink)


def _strike(pen: _Pen, ink: RGB, gap: float = 0.25) -> None:
    pen.erase([(0.14, 0.10), (0.86, 0.90)], gap)
    pen.stroke([(0.14, 0.10), (0.86, 0.90)], 0.095, ink)


def _padlock(pen: _Pen, colour: RGB, ink: RGB) -> None:
    pen.arc(0.5, 0.36, 0.205, 0.245, 180, 360, 0.11, ink)
    pen.stroke([(0.295, 0.36), (0.295, 0.50)], 0.11, ink)
    pen.stroke([(0.705, 0.36), (0.705, 0.50)], 0.11, ink)
    pen.box(0.14, 0.45, 0.86, 0.95, 0.11, colour)
    pen.disc(0.5, 0.655, 0.082, INK)
    pen.stroke([(0.5, 0.68), (0.5, 0.79)], 0.075, INK)


def _waves(pen: _Pen, colour: RGB, ink: RGB) -> None:
    for radius in (0.60, 0.35):
        pen.arc(0.5, 0.83, radius, radius, 222, 318, 0.125, colour)
    pen.disc(0.5, 0.83, 0.10, colour)
    _strike(pen, ink, gap=0.20)


def _triangle(pen: _Pen) -> None:
    corners = [(0.5, 0.145), (0.905, 0.845), (0.095, 0.845)]
    pen.polygon(corners, RED)
    pen.stroke([*corners, corners[0]], 0.15, RED)
    pen.stroke([(0.5, 0.375), (0.5, 0.60)], 0.11, _WHITE)
    pen.disc(0.5, 0.775, 0.066, _WHITE)


_RIM = 0.045


def _plate(pen: _Pen, colour: RGB, dark_panel: bool) -> None:
    """The disc of a face: a rim, darker on light panels, keeps bright colours from melting in."""
    rim = colour if dark_panel else _mix(colour, INK, 0.38)
    pen.disc(0.5, 0.5, 0.49, rim)
    pen.disc(0.5, 0.5, 0.49 - _RIM, colour)


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def colour_of(status: Status, mood: MoodState) -> RGB:
    """The colour that fills most of the icon."""
    if status is Status.WATCHING and mood.is_emotion:
        return MOOD_COLOURS[mood]
    return {
        Status.WATCHING: VIOLET,
        Status.UNSURE: VIOLET,
        Status.CAMERA_BUSY: AMBER,
        Status.NEEDS_LOGIN: AMBER,
        Status.ERROR: RED,
    }.get(status, SLATE)


@lru_cache(maxsize=128)
def icon(status: Status, mood: MoodState, size: int, dark_panel: bool) -> Image.Image:
    """An RGBA picture of ``size`` x ``size`` pixels. ``mood`` matters only while watching.

    The result is shared: copy it before drawing on it.
    """
    pen = _Pen(size)
    ink = PAPER if dark_panel else (62, 66, 82)
    colour = colour_of(status, mood)
    face = _FACES.get(mood) if status is Status.WATCHING else None
    if face is not None:
        _plate(pen, colour, dark_panel)
        face(pen)
    elif status in (Status.WATCHING, Status.UNSURE):
        _plate(pen, colour, dark_panel)
        _question(pen, _WHITE)
    elif status is Status.PAUSED:
        _plate(pen, colour, dark_panel)
        _bars(pen, _WHITE)
    elif status is Status.STARTING:
        _plate(pen, colour, dark_panel)
        _dots(pen, _WHITE)
    elif status is Status.AWAY:
        _empty_place(pen, _mix(colour, ink, 0.45))
    elif status is Status.CAMERA_BUSY:
        _camera(pen, colour, ink)
    elif status is Status.NEEDS_LOGIN:
        _padlock(pen, colour, ink)
    elif status is Status.OFFLINE:
        _waves(pen, _mix(colour, ink, 0.35), _mix(RED, ink, 0.15))
    else:
        _triangle(pen)
    return pen.finish()


def app_icon(size: int) -> Image.Image:
    """The program's own icon (launchers, installers): the happy face on its disc."""
    return icon(Status.WATCHING, MoodState.HAPPY, size, False)
