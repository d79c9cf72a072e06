"""Eyes and hands on an X screen: windows, pixels, mouse, keys, menus."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageGrab
from Xlib import Xatom
from Xlib.display import Display

T = TypeVar("T")
BACKDROP = ((38, 50, 84), (92, 70, 118))  # top and bottom of the wallpaper


def wait_for(
    ask: Callable[[], T | None], what: str, timeout: float = 60.0, every: float = 0.05
) -> T:
    """The first answer of ``ask`` that is true. Raises AssertionError that names ``what``."""
    deadline = time.monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"within {timeout:.0f} s there was no {what}")
        time.sleep(every)


class Screen:
    """One X display, looked at and touched from outside."""

    display = ""
    env: dict[str, str]
    size: tuple[int, int]
    panel: str | None = None

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A python-xlib display for one question."""
        from Xlib import display

        opened = display.Display(self.display)
        try:
            yield opened
        finally:
            opened.close()

    def windows(self, title: str) -> list[int]:
        """Visible windows whose title contains ``title``."""
        done = self._run("xdotool", "search", "--onlyvisible", "--name", title)
        return [int(line) for line in done.split()]

    def popups(self) -> list[tuple[int, int, int, int]]:
        """Open menus and the like, (x, y, width, height), outermost first: mapped windows that
        the window manager does not manage, panel and tray left out."""
        from Xlib import X

        found = []
        with self.connection() as x:
            kind = x.intern_atom("_NET_WM_WINDOW_TYPE")
            tooltip = x.intern_atom("_NET_WM_WINDOW_TYPE_TOOLTIP")
            for window in x.screen().root.query_tree().children:
                with contextlib.suppress(Exception):  # gone between the two questions
                    attributes = window.get_attributes()
                    box = window.get_geometry()
                    shown = attributes.map_state == X.IsViewable and attributes.override_redirect
                    types = window.get_full_property(kind, X.AnyPropertyType)
                    shown = shown and (types is None or tooltip not in types.value)
                    if shown and box.width > 60 and box.height > 40:
                        found.append((box.x, box.y, box.width, box.height))
        return found

    def close_window(self, window: int) -> None:
        """What the X button of a window does: the window manager asks it to close."""
        from Xlib import X
        from Xlib.protocol import event

        with self.connection() as x:
            target = x.create_resource_object("window", window)
            atom = x.intern_atom("_NET_CLOSE_WINDOW")
            message = event.ClientMessage(
                window=target, client_type=atom, data=(32, [X.CurrentTime, 2, 0, 0, 0])
            )
            mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
            x.screen().root.send_event(message, event_mask=mask)
            x.sync()

    def geometry(self, window: int) -> tuple[int, int, int, int]:
        """x, y, width, height of a window on the screen, without its frame."""
        lines = self._run("xdotool", "getwindowgeometry", "--shell", str(window)).split()
        values = dict(line.split("=", 1) for line in lines)
        x, y, width, height = (int(values[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
        return x, y, width, height

    def has_icon(self, window: int) -> bool:
        """Whether a window has a picture of its own for title bars and lists of windows."""
        display = Display(self.display)
        try:
            found = display.create_resource_object("window", window).get_full_property(
                display.get_atom("_NET_WM_ICON"), Xatom.CARDINAL
            )
            return found is not None and len(found.value) > 16 * 16
        finally:
            display.close()

    # -- mouse and keys

    def move(self, x: int, y: int) -> None:
        self._run("xdotool", "mousemove", str(x), str(y))

    def click(self, x: int, y: int, button: int = 1) -> None:
        self._run("xdotool", "mousemove", str(x), str(y), "sleep", "0.05", "click", str(button))

    def key(self, name: str) -> None:
        self._run("xdotool", "key", name)

    def focus(self, window: int) -> None:
        """Let the keys go to this window."""
        self._run("xdotool", "windowfocus", "--sync", str(window))

    def set_dpi(self, dpi: int | None) -> None:
        """What the desktop's settings do when the user wants all larger; None: not set."""
        from Xlib import Xatom

        with self.connection() as x:
            root = x.screen().root
            if dpi is None:
                root.delete_property(Xatom.RESOURCE_MANAGER)
            else:
                text = f"Xft.dpi:\t{dpi}\n".encode()
                root.change_property(Xatom.RESOURCE_MANAGER, Xatom.STRING, 8, text)
            x.sync()

    def resize(self, window: int, width: int, height: int) -> None:
        self._run("xdotool", "windowsize", str(window), str(width), str(height))

    # -- pictures

    def picture(self) -> Image.Image:
        """The screen now, RGB."""
        return ImageGrab.grab(xdisplay=self.display).convert("RGB")

    def screenshot(self, path: Path, box: tuple[int, int, int, int] | None = None) -> Path:
        """Save the screen, or the part (left, top, right, bottom) of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.picture().crop(box).save(path)
        return path

    def panel_box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the panel's strip; the popups above are not in it."""
        width, height = self.size
        return (0, 0, width, 36) if self.panel == "xfce4-panel" else (0, height - 36, width, height)

    def find_colour(
        self,
        colour: tuple[int, int, int],
        box: tuple[int, int, int, int] | None = None,
        tolerance: int = 6,
        at_least: int = 12,
    ) -> tuple[int, int] | None:
        """The middle of all pixels of about that colour; None under ``at_least`` of them."""
        pixels = np.asarray(self.picture().crop(box), dtype=np.int16)
        near = (np.abs(pixels - np.array(colour, np.int16)) <= tolerance).all(axis=2)
        rows, columns = np.nonzero(near)
        if len(rows) < at_least:
            return None
        left, top = box[:2] if box else (0, 0)
        return left + int(np.median(columns)), top + int(np.median(rows))

    def wait_for_colour(
        self,
        colour: tuple[int, int, int],
        box: tuple[int, int, int, int] | None = None,
        timeout: float = 60.0,
    ) -> tuple[int, int]:
        """Waits until :meth:`find_colour` finds it; by default in the panel."""
        where = box or self.panel_box()
        return wait_for(lambda: self.find_colour(colour, where), f"colour {colour}", timeout)

    # -- menus

    def open_menu(self, x: int, y: int, button: int = 1) -> tuple[int, int, int, int]:
        """Click there and wait for the menu that opens; its box x, y, width, height."""
        before = set(self.popups())
        self.click(x, y, button)
        return self._new_popup(before)

    def _new_popup(self, before: set[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
        def new() -> tuple[int, int, int, int] | None:
            return next((box for box in self.popups() if box not in before), None)

        box = wait_for(new, "menu")
        wait_for(lambda: self.menu_rows(box), "text in the menu")
        return box

    def menu_rows(self, box: tuple[int, int, int, int]) -> list[int]:
        """The heights (y on the screen) of a menu's lines of text; separators do not count."""
        left, top, width, height = box
        grey = np.asarray(
            self.picture().crop((left, top, left + width, top + height)).convert("L"), np.int16
        )[:, 4:-4]
        contrast = grey.max(axis=1) - grey.min(axis=1) > 40
        rows: list[int] = []
        start: int | None = None
        gap = 0
        for y, inked in enumerate([*contrast, *[np.False_] * 4]):
            if inked:
                start = y if start is None else start
                gap = 0
            elif start is not None:
                gap += 1
                if gap == 3:  # smaller gaps lie within letters, as under the dot of an i
                    if y - gap - start >= 4:
                        rows.append(top + (start + y - gap) // 2)
                    start = None
        return rows

    def click_menu(
        self, labels: list[str], label: str, box: tuple[int, int, int, int] | None = None
    ) -> None:
        """Click the line ``label`` of the open menu that shows ``labels`` (no separators)."""
        box = box or self.popups()[-1]
        x, y = self.menu_spot(labels, label, box)
        self.move(x - 3, y)
        self.click(x, y)

    def menu_spot(
        self, labels: list[str], label: str, box: tuple[int, int, int, int]
    ) -> tuple[int, int]:
        """Where the line ``label`` is, once the menu shows as many lines: it may be redrawn."""

        def as_many() -> list[int] | None:
            found = self.menu_rows(box)
            return found if len(found) == len(labels) else None

        rows = wait_for(as_many, f"menu with the lines {labels}")
        return box[0] + min(60, box[2] // 2), rows[labels.index(label)]

    def open_submenu(
        self, labels: list[str], label: str, box: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int]:
        """Open the submenu behind ``label`` and return its box."""
        before = set(self.popups())
        self.click_menu(labels, label, box)
        return self._new_popup(before)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=15, check=False
        )
        return done.stdout


def contact_sheet(
    pictures: list[Image.Image],
    columns: int,
    gap: int = 8,
    ground: tuple[int, int, int] = BACKDROP[0],
) -> Image.Image:
    """Pictures of one size side by side."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), ground)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (width + gap), gap + i // columns * (height + gap)
        sheet.paste(picture, (x, y), picture if picture.mode == "RGBA" else None)
    return sheet
