"""The window *About Moodtray*: what it is, what it promises, where it keeps things.

It is drawn, and shown by OpenCV in a process of its own, so that no toolkit is needed.
"""

from __future__ import annotations

import textwrap
from typing import Any

from PIL import Image, ImageDraw

from agent import __version__
from agent.desktop.fonts import font
from agent.desktop.icons.drawing import app_icon
from agent.desktop.opencv_window import NO_KEY, SCREEN_SHARE, OpenCvWindow, screen_size
from agent.desktop.own_children import own_children
from agent.desktop.palette import INK, PAPER
from agent.desktop.preview.process import check_display
from agent.desktop.removal import how_to_remove
from agent.store.paths import Paths, short
from agent.translation import N_, _

TITLE = N_("About Moodtray")
WIDTH = 600
"""Pixels at 96 dpi; as high as the text needs."""

WHAT = N_(
    "Moodtray looks at your face through the webcam for a moment every few seconds and moves the "
    "music to a playlist that fits your mood."
)
PROMISE = N_(
    "Nobody is recognised. No picture is kept or sent, and no mood is sent. There is no account "
    "and no server."
)
KEPT = N_(
    "What lies in these places stays. 'Delete my data…' in the menu deletes history, log and what "
    "was learned of your face; your settings, logins and music are yours to delete."
)
LICENCE = N_("Free software under the MIT licence.")


def show(paths: Paths) -> None:
    """Open the window and return when it was closed.

    Raises DesktopError where there is no display.
    """
    check_display()
    process = own_children().Process(
        target=_window, args=(_(TITLE), texts(paths)), name="moodtray-about", daemon=True
    )
    process.start()
    process.join()


def texts(paths: Paths) -> list[str]:
    """Return the paragraphs below the name."""
    places = {
        _("Your settings"): paths.settings_file,
        _("Your history"): paths.history_file,
        _("Your music"): paths.music,
        _("The log"): paths.logs,
        _("The rest"): paths.state,
    }
    told = "\n".join(f"{name}: {short(path)}" for name, path in places.items())
    gone = f"{how_to_remove()} {_(KEPT)}"
    return [_(WHAT), _(PROMISE), told, gone, _(LICENCE)]


def picture(paragraphs: list[str], scale: float) -> Image.Image:
    """Draw the whole window, RGB."""

    def px(points: float) -> int:
        return round(points * scale)

    canvas = Image.new("RGB", (px(WIDTH), px(3 * WIDTH)), PAPER)
    drawn = app_icon(px(72))
    canvas.paste(drawn, (px(28), px(26)), drawn)
    draw = ImageDraw.Draw(canvas)
    draw.text((px(120), px(34)), "Moodtray", fill=INK, font=font(px(28)))
    draw.text(
        (px(120), px(72)),
        _("Version {version}").format(version=__version__),
        fill=INK,
        font=font(px(14)),
    )
    top, plain = px(124), font(px(14))
    for paragraph in paragraphs:
        for line in paragraph.splitlines():
            for part in _fitting(line, plain, px(WIDTH - 56)):
                draw.text((px(28), top), part, fill=INK, font=plain)
                top += px(20)
        top += px(12)
    return canvas.crop((0, 0, canvas.width, min(canvas.height, top + px(16))))


def _fitting(line: str, plain: Any, room: int) -> list[str]:
    """Split ``line`` into parts that are at most ``room`` wide."""
    width = max(20, int(len(line) * room / max(1.0, plain.getlength(line))))
    while True:
        parts = textwrap.wrap(line, width)
        if width <= 20 or all(plain.getlength(part) <= room for part in parts):
            return parts
        width -= 1


def _window(title: str, paragraphs: list[str]) -> None:
    """Show the window until any key, its button, or the end of the program that opened it.

    The child process.
    """
    import multiprocessing

    import numpy as np

    from agent.opencv import cv2

    scale = 1.0
    screen = screen_size()
    if screen is not None:
        width, height = picture(paragraphs, 1.0).size
        most = min(SCREEN_SHARE * screen[0] / width, SCREEN_SHARE * screen[1] / height)
        scale = min(screen[2], most)
    shown = np.asarray(picture(paragraphs, scale))[..., ::-1]
    window = OpenCvWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    window.show(shown)
    program = multiprocessing.parent_process()
    while window.wait(100) == NO_KEY and window.is_there:
        if program is not None and not program.is_alive():
            break
