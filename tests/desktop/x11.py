"""A whole desktop of our own for tests and pictures: X server, session bus, window manager, panel
with a tray, notification service. Nothing here touches the user's display, bus or folders.

    with Desktop(folder, panel="tint2") as desktop:
        program = subprocess.Popen(..., env=desktop.env)
        spot = desktop.wait_for_colour((255, 200, 46))
        desktop.click(*spot)
        desktop.click_menu(labels, "Quit")
        desktop.screenshot(path)
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageGrab

PanelName = Literal["tint2", "xfce4-panel"]
T = TypeVar("T")

PACKAGES = {
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "openbox": "openbox",
    "tint2": "tint2",
    "xfce4-panel": "xfce4-panel",
    "dunst": "dunst",
    "dunstctl": "dunst",
    "dbus-daemon": "dbus-daemon",
}
"""Program -> Debian package."""

DISPLAYS = range(60, 80)
BACKDROP = ((38, 50, 84), (92, 70, 118))  # top and bottom of the wallpaper

_TINT2RC = """
rounded = 0
border_width = 0
background_color = #1d1f2b 92
border_color = #000000 0
rounded = 4
border_width = 0
background_color = #343848 100
border_color = #000000 0
rounded = 6
border_width = 1
background_color = #272a38 97
border_color = #4a4f66 80
panel_items = TSC
panel_size = 100% 34
panel_margin = 0 0
panel_padding = 8 4 8
panel_background_id = 1
panel_position = bottom center horizontal
panel_layer = top
panel_monitor = all
wm_menu = 0
autohide = 0
strut_policy = follow_size
taskbar_mode = single_desktop
taskbar_padding = 0 0 4
taskbar_background_id = 0
task_text = 1
task_icon = 0
task_centered = 0
task_maximum_size = 190 30
task_padding = 10 3 8
task_font = DejaVu Sans 9
task_font_color = #e8e9f0 100
task_background_id = 0
task_active_background_id = 2
systray_padding = 6 3 8
systray_background_id = 0
systray_sort = left2right
systray_icon_size = 24
time1_format = %H:%M
time1_font = DejaVu Sans 10
clock_font_color = #e8e9f0 100
clock_padding = 8 0
clock_background_id = 0
tooltip_show_timeout = 0.3
tooltip_background_id = 3
"""

_DUNSTRC = """
[global]
    monitor = 0
    width = 380
    height = 300
    origin = top-right
    offset = 18x18
    padding = 14
    horizontal_padding = 16
    text_icon_padding = 14
    frame_width = 1
    frame_color = "#4a4f66"
    separator_color = frame
    font = DejaVu Sans 10
    markup = full
    format = "<b>%s</b>\\n%b"
    show_indicators = no
    icon_position = left
    min_icon_size = 44
    max_icon_size = 44
    corner_radius = 8
    history_length = 50
    mouse_left_click = context
    mouse_middle_click = do_action
    mouse_right_click = close_current
    dmenu = {chooser}
[urgency_low]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 20
[urgency_normal]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 20
[urgency_critical]
    background = "#1d1f2b"
    foreground = "#e8e9f0"
    timeout = 0
"""

_GTK = """[Settings]
gtk-theme-name=Adwaita
gtk-application-prefer-dark-theme=true
gtk-font-name=DejaVu Sans 10
gtk-enable-animations=false
"""

_XFCE = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="34"/>
      <property name="icon-size" type="uint" value="0"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="24"/>
    </property>
    <property name="plugin-4" type="string" value="clock"/>
  </property>
</channel>
"""


def missing_packages(panel: PanelName | None = None, dunst: bool = True) -> list[str]:
    """Debian packages without which this desktop cannot be made here."""
    needed = ["Xvfb", "xdotool", "openbox", "dbus-daemon"]
    needed += [panel] if panel else []
    needed += ["dunst", "dunstctl"] if dunst else []
    return sorted({PACKAGES[name] for name in needed if shutil.which(name) is None})


def wait_for(
    ask: Callable[[], T | None], what: str, timeout: float = 20.0, every: float = 0.05
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


class Desktop:
    """One desktop. ``folder`` takes its home, configuration and logs."""

    def __init__(
        self,
        folder: Path,
        *,
        panel: PanelName | None = "tint2",
        dunst: bool = True,
        bus: bool = True,
        size: tuple[int, int] = (1280, 800),
    ) -> None:
        self.folder = folder
        self.panel = panel
        self.size = size
        self._dunst = dunst
        self._bus = bus or dunst
        self._processes: list[subprocess.Popen[bytes]] = []
        self.display = ""
        self.env: dict[str, str] = {}

    # -- start and stop

    def __enter__(self) -> Desktop:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._write_configuration()
        self._start_server()
        if self._bus:
            self._start_bus()
        self._spawn("openbox", "--config-file", str(self.folder / "openbox.xml"))
        wait_for(self._has_window_manager, "window manager")
        self._paint_backdrop()
        if self.panel == "tint2":
            self._spawn("tint2", "-c", str(self.folder / "tint2rc"))
        elif self.panel == "xfce4-panel":
            self._spawn("xfce4-panel", "--disable-wm-check")
        if self.panel:
            wait_for(self._has_tray, "tray of the panel")
        if self._dunst:
            self.start_dunst()

    def start_dunst(self) -> subprocess.Popen[bytes]:
        process = self._spawn("dunst", "-conf", str(self.folder / "dunstrc"))
        wait_for(lambda: self._ctl("is-paused").strip() == "false", "notification service")
        return process

    def stop(self) -> None:
        """End what :meth:`start` began, the newest first."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self._processes.clear()

    def stop_one(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(5)
        self._processes.remove(process)

    def _write_configuration(self) -> None:
        home, config, runtime = (self.folder / n for n in ("home", "config", "runtime"))
        for place in (home, config / "gtk-3.0", runtime):
            place.mkdir(parents=True, exist_ok=True)
        runtime.chmod(0o700)
        xfconf = config / "xfce4" / "xfconf" / "xfce-perchannel-xml"
        xfconf.mkdir(parents=True, exist_ok=True)
        (xfconf / "xfce4-panel.xml").write_text(_XFCE)
        (config / "gtk-3.0" / "settings.ini").write_text(_GTK)
        (self.folder / "tint2rc").write_text(_TINT2RC)
        chooser = self.folder / "chooser"
        # dunst's "dmenu": gets the buttons as lines, prints the one that is to be pressed.
        chooser.write_text(f'#!/bin/sh\ngrep -F "$(cat {self.folder}/choice)" | head -n 1\n')
        chooser.chmod(0o755)
        (self.folder / "dunstrc").write_text(_DUNSTRC.format(chooser=chooser))
        theme = "<theme><name>Onyx</name></theme>"
        (self.folder / "openbox.xml").write_text(
            f'<openbox_config xmlns="http://openbox.org/3.4/rc">{theme}</openbox_config>'
        )
        keep = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_FILE")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(config),
            "XDG_RUNTIME_DIR": str(runtime),
            "MOODTRAY_HOME": str(self.folder / "moodtray"),
            "XFCE_PANEL_MIGRATE_DEFAULT": "1",
            "NO_AT_BRIDGE": "1",  # no accessibility bus: not needed, slow to start
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "XDG_SESSION_TYPE": "x11",
        }

    def _start_server(self) -> None:
        for number in DISPLAYS:
            if Path(f"/tmp/.X11-unix/X{number}").exists() or Path(f"/tmp/.X{number}-lock").exists():
                continue
            width, height = self.size
            screen = f"{width}x{height}x24"
            process = self._spawn("Xvfb", f":{number}", "-screen", "0", screen, "-nolisten", "tcp")
            socket = Path(f"/tmp/.X11-unix/X{number}")
            wait_for(lambda s=socket, p=process: s.exists() or p.poll() is not None, "X server")
            time.sleep(0.1)
            if process.poll() is None:
                self.display = f":{number}"
                self.env["DISPLAY"] = self.display
                return
            self._processes.remove(process)  # somebody else took the number meanwhile
        raise AssertionError(f"no free display number in {DISPLAYS}")

    def _start_bus(self) -> None:
        # DISPLAY is in the environment by now: services that the bus starts need it.
        process = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        assert process.stdout is not None
        self.env["DBUS_SESSION_BUS_ADDRESS"] = process.stdout.readline().decode().strip()
        process.stdout.close()

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{Path(command[0]).name}.log").open("ab")
        with log:
            process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    # -- X

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A python-xlib display for one question."""
        from Xlib import display

        opened = display.Display(self.display)
        try:
            yield opened
        finally:
            opened.close()

    def _has_window_manager(self) -> bool:
        with self.connection() as x:
            atom = x.intern_atom("_NET_SUPPORTING_WM_CHECK")
            return x.screen().root.get_full_property(atom, 0) is not None

    def _has_tray(self) -> bool:
        with self.connection() as x:
            return bool(x.get_selection_owner(x.intern_atom("_NET_SYSTEM_TRAY_S0")))

    def _paint_backdrop(self) -> None:
        from Xlib import X

        width, height = self.size
        column = Image.linear_gradient("L").resize((width, height))
        top, bottom = (Image.new("RGB", (width, height), colour) for colour in BACKDROP)
        picture = Image.composite(bottom, top, column)
        with self.connection() as x:
            root = x.screen().root
            pixmap = root.create_pixmap(width, height, x.screen().root_depth)
            gc = pixmap.create_gc(foreground=0)
            pixmap.put_pil_image(gc, 0, 0, picture)
            root.change_attributes(background_pixmap=pixmap)
            root.clear_area(0, 0, width, height)
            x.sync()
            # Pixmap and root's background outlive this connection.
            x.set_close_down_mode(X.RetainPermanent)
            x.sync()

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
            for window in x.screen().root.query_tree().children:
                with contextlib.suppress(Exception):  # gone between the two questions
                    attributes = window.get_attributes()
                    box = window.get_geometry()
                    shown = attributes.map_state == X.IsViewable and attributes.override_redirect
                    if shown and box.width > 60 and 40 < box.height:
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

    # -- mouse and keys

    def move(self, x: int, y: int) -> None:
        self._run("xdotool", "mousemove", str(x), str(y))

    def click(self, x: int, y: int, button: int = 1) -> None:
        self._run("xdotool", "mousemove", str(x), str(y), "sleep", "0.05", "click", str(button))

    def key(self, name: str) -> None:
        self._run("xdotool", "key", name)

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
        timeout: float = 20.0,
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
        """Where the line ``label`` is."""
        rows = self.menu_rows(box)
        assert len(rows) == len(labels), f"the menu shows {len(rows)} lines, not {labels}"
        return box[0] + min(60, box[2] // 2), rows[labels.index(label)]

    def open_submenu(
        self, labels: list[str], label: str, box: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int]:
        """Open the submenu behind ``label`` and return its box."""
        before = set(self.popups())
        self.click_menu(labels, label, box)
        return self._new_popup(before)

    # -- notifications

    def notifications(self) -> list[dict[str, str]]:
        """All that dunst has shown and taken down, newest first: summary, body, appname."""
        data = json.loads(self._ctl("history"))["data"][0]
        return [
            {key: str(entry[key]["data"]) for key in ("summary", "body", "appname")}
            for entry in data
        ]

    def shown_notifications(self) -> int:
        """How many stand on the screen."""
        lines = self._ctl("count", "displayed").strip()
        return int(lines or 0)

    def dismiss_notifications(self) -> None:
        """Take all down, which puts them into the history."""
        self._ctl("close-all")

    def press_button(self, label: str) -> None:
        """Press a button of the newest notification, through dunst's own menu."""
        (self.folder / "choice").write_text(label)
        self._ctl("context")

    def _ctl(self, *command: str) -> str:
        return self._run("dunstctl", *command)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=15, check=False
        )
        return done.stdout


def contact_sheet(pictures: list[Image.Image], columns: int, gap: int = 8) -> Image.Image:
    """Pictures of one size side by side."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new(
        "RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), BACKDROP[0]
    )
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (width + gap), gap + i // columns * (height + gap)
        sheet.paste(picture, (x, y), picture if picture.mode == "RGBA" else None)
    return sheet


def marked(picture: Image.Image, spot: tuple[int, int]) -> Image.Image:
    """A copy with a ring at the spot: shows where a failed test clicked."""
    copy = picture.copy()
    x, y = spot
    ImageDraw.Draw(copy).ellipse((x - 12, y - 12, x + 12, y + 12), outline=(255, 0, 80), width=2)
    return copy
