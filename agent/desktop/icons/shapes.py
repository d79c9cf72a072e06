"""What the icons show: seven faces, and a shape of its own for every other state.

Lengths are shares of the icon's side; y grows downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from agent.desktop.icons.pen import WHITE, Pen
from agent.desktop.palette import GREEN, INK, RED, RGB
from agent.types import MoodState

# --- faces ----------------------------------------------------------------------------------------


def _camera(pen: Pen, height: float = 0.41, rx: float = 0.062, ry: float = 0.078) -> None:
    for x in (0.335, 0.665):
        pen.oval(x, height, rx, ry, INK)


def _happy(pen: Pen) -> None:
    for x in (0.33, 0.67):  # smiling eyes
        pen.arc(x, 0.435, 0.085, 0.095, 200, 340, 0.068, INK)
    pen.polygon([(0.5 + 0.25 * math.cos(a), 0.56 + 0.24 * math.sin(a)) for a in _half_turn()], INK)


def _half_turn() -> list[float]:
    return [math.pi * i / 40 for i in range(41)]


def _sad(pen: Pen) -> None:
    _camera(pen, 0.46)
    pen.stroke([(0.225, 0.345), (0.385, 0.265)], 0.055, INK)
    pen.stroke([(0.775, 0.345), (0.615, 0.265)], 0.055, INK)
    pen.arc(0.5, 0.80, 0.17, 0.145, 200, 340, 0.072, INK)


def _angry(pen: Pen) -> None:
    _camera(pen, 0.475, 0.06, 0.065)
    pen.stroke([(0.215, 0.275), (0.42, 0.385)], 0.078, INK)
    pen.stroke([(0.785, 0.275), (0.58, 0.385)], 0.078, INK)
    pen.stroke([(0.345, 0.71), (0.655, 0.71)], 0.082, INK)


def _surprise(pen: Pen) -> None:
    for x in (0.325, 0.675):
        pen.eye(x, 0.385, 0.095, (0.0, 0.055))
    pen.oval(0.5, 0.70, 0.105, 0.135, INK)


def _fear(pen: Pen) -> None:
    for x in (0.325, 0.675):
        pen.eye(x, 0.40, 0.105, (0.025, 0.05))
    wave = [(0.29 + 0.42 * i / 40, 0.70 - 0.05 * math.sin(i / 40 * 5 * math.pi)) for i in range(41)]
    pen.stroke(wave, 0.068, INK)


def _disgust(pen: Pen) -> None:
    for x, side in ((0.33, 1), (0.67, -1)):  # squeezed eyes: > <
        pen.stroke(
            [(x - 0.085 * side, 0.335), (x + 0.07 * side, 0.415), (x - 0.085 * side, 0.495)],
            0.062,
            INK,
        )
    pen.arc(0.47, 0.80, 0.20, 0.14, 200, 330, 0.068, INK)
    pen.oval(0.585, 0.745, 0.075, 0.105, RED)  # the tongue


def _neutral(pen: Pen) -> None:
    _camera(pen, 0.42)
    pen.stroke([(0.335, 0.68), (0.665, 0.68)], 0.075, INK)


FACES: dict[MoodState, Callable[[Pen], None]] = {
    MoodState.ANGRY: _angry,
    MoodState.DISGUST: _disgust,
    MoodState.FEAR: _fear,
    MoodState.HAPPY: _happy,
    MoodState.SAD: _sad,
    MoodState.SURPRISE: _surprise,
    MoodState.NEUTRAL: _neutral,
}


# --- the other states -----------------------------------------------------------------------------


def question(pen: Pen, ink: RGB) -> None:
    """Draw a question mark."""
    pen.arc(0.5, 0.37, 0.155, 0.15, 180, 405, 0.10, ink)
    pen.stroke([(0.609, 0.476), (0.5, 0.565), (0.5, 0.62)], 0.10, ink)
    pen.disc(0.5, 0.775, 0.062, ink)


def dots(pen: Pen, ink: RGB) -> None:
    """Draw three dots."""
    for x in (0.17, 0.5, 0.83):
        pen.disc(x, 0.5, 0.125, ink)


def empty_place(pen: Pen, ink: RGB) -> None:
    """Draw the outline of somebody who is not there."""
    pen.arc(0.5, 0.36, 0.125, 0.135, 0, 360, 0.075, ink)
    pen.arc(0.5, 0.77, 0.235, 0.175, 180, 360, 0.075, ink)
    pen.stroke([(0.265, 0.77), (0.735, 0.77)], 0.075, ink)


def note(pen: Pen, ink: RGB) -> None:
    """Draw two eighth notes under one beam."""
    for x, y in ((0.33, 0.70), (0.65, 0.64)):
        pen.oval(x, y, 0.105, 0.08, ink)
        pen.stroke([(x + 0.07, y), (x + 0.07, y - 0.38)], 0.065, ink)
    pen.stroke([(0.40, 0.33), (0.72, 0.27)], 0.11, ink)


def lit(pen: Pen) -> None:
    """Mark that the camera is in use: a dot in the lower right corner, set off from the rest."""
    pen.erase([(0.84, 0.84), (0.84, 0.84)], 0.42)
    pen.disc(0.84, 0.84, 0.15, GREEN)


def camera(pen: Pen, colour: RGB, ink: RGB, trouble: bool = False) -> None:
    """Draw a camera that is off; ``trouble``: with an exclamation mark, it should be on."""
    pen.box(0.05, 0.27, 0.66, 0.75, 0.11, colour)
    pen.polygon([(0.69, 0.47), (0.945, 0.31), (0.945, 0.71), (0.69, 0.55)], colour)
    pen.stroke([(0.93, 0.325), (0.93, 0.695)], 0.05, colour)
    _strike(pen, ink)
    if trouble:
        pen.erase([(0.83, 0.08), (0.83, 0.41)], 0.30)
        pen.stroke([(0.83, 0.08), (0.83, 0.23)], 0.14, ink)
        pen.disc(0.83, 0.43, 0.085, ink)


def _strike(pen: Pen, ink: RGB, gap: float = 0.25) -> None:
    pen.erase([(0.14, 0.10), (0.86, 0.90)], gap)
    pen.stroke([(0.14, 0.10), (0.86, 0.90)], 0.095, ink)


def padlock(pen: Pen, colour: RGB, ink: RGB) -> None:
    """Draw a padlock."""
    pen.arc(0.5, 0.36, 0.205, 0.245, 180, 360, 0.11, ink)
    pen.stroke([(0.295, 0.36), (0.295, 0.50)], 0.11, ink)
    pen.stroke([(0.705, 0.36), (0.705, 0.50)], 0.11, ink)
    pen.box(0.14, 0.45, 0.86, 0.95, 0.11, colour)


def keyhole(pen: Pen) -> None:
    """Draw its keyhole."""
    pen.disc(0.5, 0.655, 0.082, INK)
    pen.stroke([(0.5, 0.68), (0.5, 0.79)], 0.075, INK)


def waves(pen: Pen, colour: RGB, ink: RGB) -> None:
    """Draw the waves of a network."""
    for radius in (0.60, 0.35):
        pen.arc(0.5, 0.83, radius, radius, 222, 318, 0.125, colour)
    pen.disc(0.5, 0.83, 0.10, colour)
    _strike(pen, ink, gap=0.20)


def triangle(pen: Pen, colour: RGB) -> None:
    """Draw a warning triangle."""
    corners = [(0.5, 0.145), (0.905, 0.845), (0.095, 0.845)]
    pen.polygon(corners, colour)
    pen.stroke([*corners, corners[0]], 0.15, colour)


def exclamation(pen: Pen) -> None:
    """Draw an exclamation mark."""
    pen.stroke([(0.5, 0.375), (0.5, 0.60)], 0.11, WHITE)
    pen.disc(0.5, 0.775, 0.066, WHITE)
