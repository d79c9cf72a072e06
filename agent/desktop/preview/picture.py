"""Draws what the preview window shows, for the window's size."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from agent.desktop.fonts import font
from agent.desktop.icons.drawing import icon
from agent.desktop.palette import INK, MOOD_COLOURS, PAPER, RGB, SLATE
from agent.desktop.preview.shared_frame import Shown
from agent.opencv import cv2
from agent.translation import N_, _
from agent.types import EMOTION_STATES, Box, Frame, MoodState, Status
from agent.wording import MOODS, mood_word

PROMISE = N_("Frames stay on this computer")
NO_PICTURE = N_("No picture: the camera is off")
KEYS = N_("Space: pause  ·  F: full screen  ·  Esc: close")
KEYS_OFF = N_("F: full screen  ·  Esc: close")
KEYS_PAUSED = N_("Space: resume  ·  F: full screen  ·  Esc: close")
KEYS_FULL = N_("Space: pause  ·  Esc: leave full screen")
KEYS_FULL_OFF = N_("Esc: leave full screen")
KEYS_FULL_PAUSED = N_("Space: resume  ·  Esc: leave full screen")

_BACKGROUND: RGB = (22, 23, 31)
_FAINT: RGB = (196, 200, 212)
_SUPERSAMPLING = 3
_ROW = 30
"""From one line of small words to the next."""

Mask = NDArray[np.float32]
"""How much of each pixel a shape covers, 0..1."""


def compose(
    shown: Shown, size: tuple[int, int], *, stale: bool = False, full: bool = False
) -> Frame:
    """Draw a picture of ``size`` (width, height) pixels, BGR.

    ``stale``: the frame is old; nothing of it is shown, and the window says so. ``full``: it fills
    the screen.
    """
    width, height = max(size[0], 160), max(size[1], 120)
    canvas: Frame = np.empty((height, width, 3), np.uint8)
    if stale or shown.blank:
        scale = _scale(canvas)
        margin = round(14 * scale)
        canvas[:] = _BACKGROUND[::-1]
        _put_camera_off(canvas, scale)
        line = shown.line if shown.blank and shown.line else _(NO_PICTURE)
        _put_pill(canvas, line, (margin, margin), 17, scale, dot=SLATE)
        keys = KEYS_FULL_OFF if full else KEYS_OFF
        if shown.resumes:
            keys = KEYS_FULL_PAUSED if full else KEYS_PAUSED
        _put_pill(canvas, _(keys), (-margin, -margin), 12, scale)
        return canvas
    inside, factor = _put_frame(canvas, shown.frame[:, ::-1])
    scale = _scale(inside)
    leading = _leading(shown.probabilities)
    colour = MOOD_COLOURS[leading] if leading else PAPER
    for i, box in enumerate(shown.faces):
        _put_brackets(
            inside, _mirrored(box, shown.frame), factor, colour if i == 0 else SLATE, scale
        )
    _put_words(inside, shown, scale, colour, _(KEYS_FULL) if full else _(KEYS))
    return canvas


def _scale(canvas: Frame) -> float:
    """Say how large words are to be on a picture of this size."""
    height, width = canvas.shape[:2]
    return float(min(6.0, max(0.5, min(width / 800, height / 600))))


def _put_words(canvas: Frame, shown: Shown, scale: float, colour: RGB, keys: str) -> None:
    """Lay all that is said over the picture, in its corners."""
    margin = round(14 * scale)
    if shown.line:
        _put_pill(canvas, shown.line, (margin, margin), 17, scale, dot=colour)
    beside, learns = shown.beside, shown.beside.done is not None
    beside_bars = _put_bars(canvas, shown.probabilities, margin, scale, beside.then, learns)
    if beside.place is not None:
        _put_place(canvas, beside.place, margin, scale, colour)
    if beside.done is not None:
        _put_progress(canvas, beside.done, margin, scale, colour)
        _put_pill(canvas, beside.keys, (margin, margin + round(60 * scale)), 12, scale)
    elif beside.keys:
        keys = f"{keys}  ·  {beside.keys}"
    told = f"{_(PROMISE)}  ·  {shown.fps:.0f} fps"
    for row, words in enumerate((told, keys)):
        above = margin + round(_ROW * row * scale)
        _put_pill(canvas, words, (-margin, -above), 12, scale, taken=beside_bars)


def _mirrored(box: Box, frame: Frame) -> Box:
    return Box(frame.shape[1] - box.x - box.width, box.y, box.width, box.height)


def _put_camera_off(canvas: Frame, scale: float) -> None:
    """Draw a struck camera in the middle."""
    side = round(150 * scale)
    drawn = np.asarray(icon(Status.PAUSED, MoodState.UNSURE, side, True))
    top, left = (canvas.shape[0] - side) // 2, (canvas.shape[1] - side) // 2
    if top < 0 or left < 0:
        return
    below = canvas[top : top + side, left : left + side]
    share = drawn[..., 3:].astype(np.float32) / 255
    below[:] = below * (1 - share) + drawn[..., 2::-1] * share


def _leading(probabilities: tuple[float, ...] | None) -> MoodState | None:
    if probabilities is None:
        return None
    return EMOTION_STATES[int(np.argmax(probabilities))]


def _put_frame(canvas: Frame, frame: Frame) -> tuple[Frame, float]:
    """Draw the whole frame, as large as it fits; the part it covers and how much larger it is."""
    height, width = canvas.shape[:2]
    factor = min(width / frame.shape[1], height / frame.shape[0])
    new = (max(1, round(frame.shape[1] * factor)), max(1, round(frame.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 0.7 else cv2.INTER_LINEAR
    resized = cv2.resize(frame, new, interpolation=how)
    left, top = (width - new[0]) // 2, (height - new[1]) // 2
    if left or top:
        cv2.rectangle(canvas, (0, 0), (width, height), _BACKGROUND[::-1], cv2.FILLED)
    inside = canvas[top : top + new[1], left : left + new[0]]
    inside[:] = resized
    return inside, factor


def _put_brackets(canvas: Frame, box: Box, factor: float, colour: RGB, scale: float) -> None:
    """Draw four rounded corners around a face: they leave the face itself free."""
    x0, y0 = box.x * factor, box.y * factor
    x1, y1 = x0 + box.width * factor, y0 + box.height * factor
    arm = min(x1 - x0, y1 - y0) * 0.22
    round_off = arm * 0.45
    for thickness, ink in ((round(6 * scale), INK), (max(2, round(3 * scale)), colour)):
        for x, y, dx, dy in ((x0, y0, 1, 1), (x1, y0, -1, 1), (x1, y1, -1, -1), (x0, y1, 1, -1)):
            bend = [
                (
                    x + dx * round_off * (1 - math.sin(a)),
                    y + dy * round_off * (1 - math.cos(a)),
                )
                for a in np.linspace(0, math.pi / 2, 9)
            ]
            points = [(x + dx * arm, y), *bend, (x, y + dy * arm)]
            # Four more bits of a pixel: smooth while a face moves.
            path = np.array([(round(px * 16), round(py * 16)) for px, py in points], np.int32)
            cv2.polylines(canvas, [path], False, ink[::-1], thickness, cv2.LINE_AA, shift=4)


def _put_bars(
    canvas: Frame, probabilities: tuple[float, ...] | None, margin: int, scale: float,
    then: tuple[float, ...] | None = None, learns: bool = False,
) -> int:  # fmt: skip
    """Draw the seven emotions with their probabilities, in the lower left corner.

    Return how far they reach from the left, 0 where they find no room.
    ``learns``: the face is being learned. Then the moods have the numbers of their keys, and each
    has two bars: as it is read now, and below, in full colour, as it will be (``then``).
    """
    row, pad, bar, number = (round(v * scale) for v in (23, 12, 118, 56 if learns else 44))
    names = [mood_word(mood) for mood in MOODS]
    if learns:
        names = [f"{at}  {name}" for at, name in enumerate(names, 1)]
    points = round(13 * scale)
    label = round(12 * scale) + max(_text_mask(name, points).shape[1] for name in names)
    columns = 2 if learns else 1
    width, head = pad * 2 + label + bar + number * columns, row if learns else 0
    height = pad * 2 + head + row * len(MOODS)
    left, top = margin, canvas.shape[0] - margin - height
    if top < 0 or width + margin > canvas.shape[1]:
        return 0  # a window too small for more than the face
    _darken(canvas, left, top, width, height, round(10 * scale))
    ends = [left + width - pad - number * place for place in reversed(range(columns))]
    if learns:
        for end, word in zip(ends, (_("now"), _("learned")), strict=True):
            _put_text(canvas, word, (end, top + pad + row // 2), 11, scale, _FAINT, right=True)
    rows = (probabilities, then) if learns else (probabilities,)
    leading = _leading(then if learns else probabilities)
    for i, mood in enumerate(MOODS):
        middle = top + pad + head + row * i + row // 2
        ink = PAPER if mood is leading else _FAINT
        _put_text(canvas, names[i], (left + pad, middle), 13, scale, ink)
        thick = max(3, round((9 if not learns else 6) * scale))
        for place, seven in enumerate(rows):
            at = middle if not learns else middle + round((place - 0.5) * 1.4 * thick)
            colour = MOOD_COLOURS[mood] if place == len(rows) - 1 else SLATE
            start = left + pad + label
            _line(canvas, start, at, bar, thick, (70, 73, 90))
            if seven is None:
                continue
            share = seven[EMOTION_STATES.index(mood)]
            if share > 0.005:
                _line(canvas, start, at, max(1, round(bar * share)), thick, colour)
            told = f"{share * 100:.0f} %"
            _put_text(canvas, told, (ends[place], middle), 12, scale, ink, right=True)
    return int(left + width)


def _put_progress(canvas: Frame, done: float, margin: int, scale: float, colour: RGB) -> None:
    """Draw how far a lesson has come, below the line of words."""
    length, thick = round(260 * scale), max(3, round(6 * scale))
    left, middle = margin + round(6 * scale), margin + round(48 * scale)
    if left + length > canvas.shape[1] or middle > canvas.shape[0]:
        return
    _line(canvas, left, middle, length, thick, _BACKGROUND)
    if done > 0.005:
        _line(canvas, left, middle, max(1, round(length * done)), thick, colour)


def _put_place(
    canvas: Frame, place: tuple[float, float], margin: int, scale: float, colour: RGB
) -> None:
    """Draw a dot in a square, above the lower right corner: pleasant to the right, lively above."""
    side, pad = round(104 * scale), round(8 * scale)
    left = canvas.shape[1] - margin - side
    top = canvas.shape[0] - 2 * margin - round((26 + _ROW) * scale) - side
    if top < round(70 * scale) or left < canvas.shape[1] // 2:
        return  # a window too small for more than the face
    _darken(canvas, left, top, side, side, round(10 * scale))
    middle, centre, thin = left + side // 2, top + side // 2, max(1, round(scale))
    for x, y, across in ((left + pad, centre, True), (middle, top + pad, False)):
        end = (x + side - 2 * pad, y) if across else (x, y + side - 2 * pad)
        cv2.line(canvas, (x, y), end, (110, 92, 90), thin, cv2.LINE_AA)
    _put_text(canvas, _("lively"), (middle + pad // 2, top + pad + 4), 9, scale, _FAINT)
    below = centre + round(9 * scale)
    _put_text(canvas, _("pleasant"), (left + side - pad, below), 9, scale, _FAINT, right=True)
    reach = side / 2 - pad - 5 * scale
    x = left + side / 2 + reach * max(-1.0, min(1.0, place[0]))
    y = top + side / 2 - reach * max(-1.0, min(1.0, place[1]))
    spot = (round(x * 16), round(y * 16))
    for radius, ink in ((7.0, PAPER), (5.0, colour)):
        cv2.circle(
            canvas, spot, round(radius * scale * 16), ink[::-1], cv2.FILLED, cv2.LINE_AA, shift=4
        )


def _line(canvas: Frame, x: int, y: int, length: int, thick: int, colour: RGB) -> None:
    cv2.line(canvas, (x, y), (x + length, y), colour[::-1], thick, cv2.LINE_AA)


def _put_pill(
    canvas: Frame, text: str, corner: tuple[int, int], points: int, scale: float,
    dot: RGB | None = None, taken: int = 0,
) -> None:  # fmt: skip
    """Write on a dark rounded plate; negative corners count from the right and from below.

    ``taken``: so much at the left is another's.
    """
    room = canvas.shape[1] - 2 * abs(corner[0]) - max(round(60 * scale), taken + round(18 * scale))
    mask = _fitting(text, round(points * scale), room)
    pad = round(points * 0.7 * scale)
    dot_room = round(points * 1.35 * scale) if dot else 0
    width, height = mask.shape[1] + 2 * pad + dot_room, round(points * 2.1 * scale)
    left = corner[0] if corner[0] >= 0 else canvas.shape[1] + corner[0] - width
    top = corner[1] if corner[1] >= 0 else canvas.shape[0] + corner[1] - height
    if left < 0 or top < 0:
        return
    _darken(canvas, left, top, width, height, height // 2)
    middle = top + height // 2
    if dot:
        centre = (round((left + pad + points * 0.42 * scale) * 16), middle * 16)
        radius = round(points * 0.42 * scale * 16)
        cv2.circle(canvas, centre, radius, dot[::-1], cv2.FILLED, cv2.LINE_AA, shift=4)
    _blend(canvas, mask, left + pad + dot_room, middle - mask.shape[0] // 2, PAPER)


def _put_text(
    canvas: Frame, text: str, at: tuple[int, int], points: int, scale: float, colour: RGB,
    right: bool = False,
) -> None:  # fmt: skip
    mask = _text_mask(text, round(points * scale))
    x = at[0] - mask.shape[1] if right else at[0]
    _blend(canvas, mask, x, at[1] - mask.shape[0] // 2, colour)


def _blend(canvas: Frame, mask: Mask, x: int, y: int, colour: RGB) -> None:
    """Paint ``colour`` through ``mask``, clipped to the canvas."""
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(canvas.shape[1], x + mask.shape[1]), min(canvas.shape[0], y + mask.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    over = mask[y0 - y : y1 - y, x0 - x : x1 - x]
    below = canvas[y0:y1, x0:x1]
    ink = _sheet(x1 - x0, y1 - y0, colour)
    below[:] = cv2.blendLinear(below, ink, 1.0 - over, over)


def _darken(canvas: Frame, x: int, y: int, width: int, height: int, radius: int) -> None:
    """Lay a dark plate over the picture, which shines through."""
    _blend(canvas, _plate_mask(width, height, radius), x, y, _BACKGROUND)


@lru_cache(maxsize=256)
def _sheet(width: int, height: int, colour: RGB) -> Frame:
    """Make a patch of one colour."""
    sheet: Frame = np.empty((height, width, 3), np.uint8)
    sheet[:] = colour[::-1]
    return sheet


@lru_cache(maxsize=64)
def _plate_mask(width: int, height: int, radius: int) -> Mask:
    factor = _SUPERSAMPLING
    large = Image.new("L", (width * factor, height * factor), 0)
    ImageDraw.Draw(large).rounded_rectangle(
        (0, 0, width * factor - 1, height * factor - 1), radius * factor, fill=186
    )
    return _coverage(large.resize((width, height), Image.Resampling.BOX))


def _fitting(text: str, points: int, room: int) -> Mask:
    """Make the text's mask, shortened until it is at most ``room`` wide."""
    mask = _text_mask(text, points)
    while mask.shape[1] > room and len(text) > 4:
        text = text[: max(3, int(len(text) * room / mask.shape[1]) - 2)].rstrip() + "…"
        mask = _text_mask(text, points)
    return mask


@lru_cache(maxsize=512)
def _text_mask(text: str, points: int) -> Mask:
    """Make the text's coverage; as high as the font's line, so that texts align."""
    letters = font(max(6, points))
    ascent, descent = letters.getmetrics()
    image = Image.new("L", (max(1, math.ceil(letters.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=letters)
    return _coverage(image)


def _coverage(image: Image.Image) -> Mask:
    return np.asarray(image, np.float32) / np.float32(255)
