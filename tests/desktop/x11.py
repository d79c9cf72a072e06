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

import json
import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from tests.desktop.own_desktop import OwnDesktop
from tests.desktop.x11_config import write_configuration
from tests.desktop.x11_screen import BACKDROP, wait_for

__all__ = ["BACKDROP", "PACKAGES", "Desktop", "missing_packages", "wait_for"]

PanelName = Literal["tint2", "xfce4-panel"]

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


def _socket_or_end(socket: Path, process: subprocess.Popen[bytes]) -> bool:
    return socket.exists() or process.poll() is not None


def missing_packages(panel: PanelName | None = None, dunst: bool = True) -> list[str]:
    """Debian packages without which this desktop cannot be made here."""
    needed = ["Xvfb", "xdotool", "openbox", "dbus-daemon"]
    needed += [panel] if panel else []
    needed += ["dunst", "dunstctl"] if dunst else []
    return sorted({PACKAGES[name] for name in needed if shutil.which(name) is None})


class Desktop(OwnDesktop):
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
        super().__init__(folder, size, panel)
        self._dunst = dunst
        self._bus = bus or dunst
        self._forgotten: set[object] = set()
        self.display = ""

    # -- start and stop

    def start(self) -> None:
        write_configuration(self.folder)
        self._make_environment()
        self._start_server()
        if self._bus:
            self._start_bus()
        self._spawn("openbox", "--config-file", str(self.folder / "openbox.xml"))
        wait_for(self._has_window_manager, "window manager")
        self._paint_backdrop()
        self.start_panel()
        if self._dunst:
            self.start_dunst()

    def start_panel(self) -> None:
        """At the start, or again after it was killed."""
        if self.panel == "tint2":
            self._spawn("tint2", "-c", str(self.folder / "tint2rc"))
        elif self.panel == "xfce4-panel":
            self._spawn("xfce4-panel", "--disable-wm-check")
        if self.panel:
            wait_for(self._has_tray, "tray of the panel")

    def start_dunst(self) -> subprocess.Popen[bytes]:
        process = self._spawn("dunst", "-conf", str(self.folder / "dunstrc"))
        wait_for(lambda: self._ctl("is-paused").strip() == "false", "notification service")
        return process

    def stop_one(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(5)
        self._processes.remove(process)

    def _start_server(self) -> None:
        for number in DISPLAYS:
            if Path(f"/tmp/.X11-unix/X{number}").exists() or Path(f"/tmp/.X{number}-lock").exists():
                continue
            width, height = self.size
            screen = f"{width}x{height}x24"
            process = self._spawn(
                "Xvfb", f":{number}", "-screen", "0", screen, "-nolisten", "tcp", "-noreset"
            )
            socket = Path(f"/tmp/.X11-unix/X{number}")
            wait_for(partial(_socket_or_end, socket, process), "X server")
            time.sleep(0.1)
            if process.poll() is None:
                self.display = f":{number}"
                self.env["DISPLAY"] = self.display
                return
            self._processes.remove(process)  # somebody else took the number meanwhile
        raise AssertionError(f"no free display number in {DISPLAYS}")

    def _make_environment(self) -> None:
        keep = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_FILE")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_RUNTIME_DIR": str(self.folder / "runtime"),
            "MOODTRAY_HOME": str(self.folder / "moodtray"),
            "XFCE_PANEL_MIGRATE_DEFAULT": "1",
            "NO_AT_BRIDGE": "1",  # no accessibility bus: not needed, slow to start
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "XDG_SESSION_TYPE": "x11",
        }

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

    # -- notifications

    def notifications(self) -> list[dict[str, str]]:
        """All that dunst has shown and taken down since :meth:`forget_notifications`, newest
        first: summary, body, appname."""
        data = [entry for entry in self._history() if self._id(entry) not in self._forgotten]
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

    def forget_notifications(self) -> None:
        """Take all down and begin a new history (dunst 1.9 cannot clear its own)."""
        self._ctl("close-all")
        wait_for(lambda: self.shown_notifications() == 0, "empty screen")
        self._forgotten = {self._id(entry) for entry in self._history()}

    def _history(self) -> list[dict[str, dict[str, object]]]:
        entries: list[dict[str, dict[str, object]]] = json.loads(self._ctl("history"))["data"][0]
        return entries

    @staticmethod
    def _id(entry: dict[str, dict[str, object]]) -> object:
        return entry["id"]["data"]

    def press_button(self, label: str) -> None:
        """Press a button of the newest notification, through dunst's own menu."""
        (self.folder / "choice").write_text(label)
        self._ctl("context")

    def _ctl(self, *command: str) -> str:
        return self._run("dunstctl", *command)
