"""The tray's icons, drawn at the size that is asked for: in colour, or as a stencil for macOS.

Every state has a shape of its own, so that it can be read without colour: seven faces, a question
mark and an empty place on a disc, a struck camera (off, or with a mark: out of reach), a
padlock, struck waves, a warning triangle. A disc or a green dot says that the camera is in use, and
only then is there one. Each is a body with marks on it; in the stencil the marks are holes in the
body. A seam of the contrary shade keeps each in sight on panels of any colour.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeAlias, assert_never

from PIL import Image

from agent.desktop.icons import shapes
from agent.desktop.icons.pen import WHITE, Pen, Punch
from agent.desktop.palette import AMBER, INK, MIST, MOOD_COLOURS, PAPER, RED, RGB, SLATE, VIOLET
from agent.types import MoodState, Status

ICO_SIZES = (16, 20, 24, 32, 40, 48, 64)
"""The notification area of Windows at 100, 125, 150, 200, 250, 300 and 400 %."""

Draw: TypeAlias = Callable[[Pen], None]

LIT_BY_A_DOT = (Status.NEEDS_LOGIN, Status.OFFLINE, Status.ERROR_WATCHING)
"""States that are not the camera's, while the camera is in use."""

_SEAM = 0.035
_DARK_INK: RGB = (62, 66, 82)


def colour_of(status: Status, mood: MoodState) -> RGB:
    """Return the colour that fills most of the icon."""
    if status is Status.WATCHING and mood.is_emotion:
        return MOOD_COLOURS[mood]
    return {
        Status.WATCHING: VIOLET,
        Status.UNSURE: VIOLET,
        Status.AWAY: VIOLET,
        Status.CAMERA_BUSY: AMBER,
        Status.NEEDS_LOGIN: AMBER,
        Status.ERROR: RED,
        Status.ERROR_WATCHING: RED,
    }.get(status, SLATE)


@lru_cache(maxsize=128)
def icon(status: Status, mood: MoodState, size: int, dark_panel: bool) -> Image.Image:
    """Draw an RGBA picture of ``size`` x ``size`` pixels. ``mood`` matters only while watching.

    The result is shared: copy it before drawing on it.
    """
    pen = Pen(size)
    body, marks = _layers(status, mood, dark_panel)
    body(pen)
    marks(pen)
    if status in LIT_BY_A_DOT:
        shapes.lit(pen)
    pen.with_halo(INK if dark_panel else WHITE, _SEAM)
    return pen.finish()


@lru_cache(maxsize=64)
def stencil(status: Status, mood: MoodState, size: int) -> Image.Image:
    """Draw the same in black and nothing, ``size`` x ``size`` pixels RGBA.

    Shared like :func:`icon`'s.
    """
    body, marks = _layers(status, mood, dark_panel=True)
    pen, holes = Pen(size), Punch(size)
    body(pen)
    if status in LIT_BY_A_DOT:
        shapes.lit(pen)
    marks(holes)
    pen.cut(holes)
    black = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    black.putalpha(pen.finish().getchannel("A"))
    return black


def ico(status: Status, mood: MoodState, dark_panel: bool) -> bytes:
    """Make an .ico file with the icon drawn anew at each of :data:`ICO_SIZES`."""
    pictures = [icon(status, mood, size, dark_panel) for size in sorted(ICO_SIZES, reverse=True)]
    file = io.BytesIO()
    pictures[0].save(
        file,
        "ICO",
        sizes=[(size, size) for size in ICO_SIZES],
        append_images=pictures[1:],
        bitmap_format="bmp",  # what every way of loading understands
    )
    return file.getvalue()


def app_icon(size: int) -> Image.Image:
    """Draw the program's own icon (launchers, installers): the happy face on its disc."""
    return icon(Status.WATCHING, MoodState.HAPPY, size, False)


@lru_cache(maxsize=8)
def note_icon(size: int) -> Image.Image:
    """Draw a note on a disc: what is told of the music or the program, and of no mood. Shared."""
    pen = Pen(size)
    _plate(pen, VIOLET)
    shapes.note(pen, WHITE)
    pen.with_halo(INK, _SEAM)
    return pen.finish()


def _layers(status: Status, mood: MoodState, dark_panel: bool) -> tuple[Draw, Draw]:
    """Draw the body and the marks on it."""
    colour = colour_of(status, mood)
    if dark_panel and colour == SLATE:
        colour = MIST
    ink = PAPER if dark_panel else _DARK_INK
    plate = partial(_plate, colour=colour)
    face = shapes.FACES.get(mood)
    question = partial(shapes.question, ink=WHITE)
    match status:
        case Status.WATCHING:
            return plate, face or question
        case Status.UNSURE:
            return plate, question
        case Status.PAUSED:
            return partial(shapes.camera, colour=colour, ink=ink), _nothing
        case Status.STARTING:
            return partial(shapes.dots, ink=_mix(colour, ink, 0.45)), _nothing
        case Status.AWAY:
            return plate, partial(shapes.empty_place, ink=WHITE)
        case Status.CAMERA_BUSY:
            return partial(shapes.camera, colour=colour, ink=ink, trouble=True), _nothing
        case Status.NEEDS_LOGIN:
            return partial(shapes.padlock, colour=colour, ink=ink), shapes.keyhole
        case Status.OFFLINE:
            struck = _mix(RED, ink, 0.15)
            return partial(shapes.waves, colour=_mix(colour, ink, 0.35), ink=struck), _nothing
        case Status.ERROR | Status.ERROR_WATCHING:
            return partial(shapes.triangle, colour=colour), shapes.exclamation
        case _:
            assert_never(status)


def _plate(pen: Pen, colour: RGB) -> None:
    """Draw the disc of a face."""
    pen.disc(0.5, 0.5, 0.5, colour)


def _nothing(pen: Pen) -> None:
    """Draw no marks: the body says it all."""


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
