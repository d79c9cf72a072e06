"""A Wayland desktop of our own for tests and pictures: sway without a screen, waybar with a tray,
a bus, and a pointer that is no device. Nothing here touches the user's session.

    with SwayDesktop() as desktop:
        program = subprocess.Popen(..., env=desktop.env)
        spot = desktop.wait_for_colour((255, 200, 46))
        desktop.click(*spot)
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from agent.desktop.session.wayland import WaylandConnection
from tests.desktop.own_desktop import OwnDesktop
from tests.desktop.x11_screen import wait_for

PACKAGES = {
    "sway": "sway",
    "waybar": "waybar",
    "grim": "grim",
    "Xwayland": "xwayland",
    "dbus-daemon": "dbus-daemon",
    "setpriv": "util-linux",
}
"""Program -> Debian package."""
NOBODY = "65534"
BUTTONS = {1: 0x110, 2: 0x112, 3: 0x111}

_SWAY = """\
output HEADLESS-1 resolution {width}x{height} bg #2a3854 solid_color
seat seat0 hide_cursor 100
xwayland {xwayland}
exec sh -c 'echo "$DISPLAY" > {display}'
"""
_WAYBAR = """\
{"layer": "top", "position": "top", "height": 34, "modules-right": ["tray", "clock"],
 "tray": {"icon-size": 24, "spacing": 8}}
"""
_STYLE = """\
* { font-family: DejaVu Sans; font-size: 13px; }
window#waybar { background: PANEL; color: INK; }
#clock { padding: 0 10px; }
"""


def missing_packages() -> list[str]:
    """Debian packages without which this desktop cannot be made here."""
    return sorted({PACKAGES[name] for name in PACKAGES if shutil.which(name) is None})


class SwayDesktop(OwnDesktop):
    """One desktop, with a folder of its own outside the tests' (which nobody else may enter).
    ``light``: the panel; ``xwayland``: programs for X work too."""

    def __init__(
        self,
        *,
        size: tuple[int, int] = (1280, 800),
        light: bool = False,
        xwayland: bool = False,
    ) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="moodtray-sway-")), size, "waybar")
        self.folder.chmod(0o755)
        self._light = light
        self._xwayland = xwayland
        self._pointer: _Pointer | None = None

    def start(self) -> None:
        for name in ("home", "config", "runtime"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "runtime").chmod(0o700)
        width, height = self.size
        xwayland = "enable" if self._xwayland else "disable"
        told = self.folder / "runtime" / "display"
        text = _SWAY.format(width=width, height=height, xwayland=xwayland, display=told)
        (self.folder / "config" / "sway").write_text(text)
        (self.folder / "config" / "waybar").write_text(_WAYBAR)
        panel, ink = ("#f4f4f6", "#20222c") if self._light else ("#1d1f2b", "#e8e9f0")
        style = _STYLE.replace("PANEL", panel).replace("INK", ink)
        (self.folder / "config" / "style.css").write_text(style)
        keep = ("PATH", "TZ", "VIRTUAL_ENV")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_RUNTIME_DIR": str(self.folder / "runtime"),
            "MOODTRAY_HOME": str(self.folder / "moodtray"),
            "XDG_CURRENT_DESKTOP": "sway",
            "XDG_SESSION_TYPE": "wayland",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "NO_AT_BRIDGE": "1",
            "GTK_THEME": "Adwaita" if self._light else "Adwaita:dark",
        }
        self._start_bus()
        self._start_sway()
        self.start_panel()

    def start_panel(self) -> subprocess.Popen[bytes]:
        config = self.folder / "config"
        return self._spawn("waybar", "-c", f"{config / 'waybar'}", "-s", f"{config / 'style.css'}")

    def stop_panel(self) -> None:
        """Kill it."""
        (panel,) = [p for p in self._processes if "waybar" in str(p.args)]
        panel.kill()
        panel.wait(10)
        self._processes.remove(panel)

    @property
    def panel_process(self) -> int:
        (panel,) = [p.pid for p in self._processes if "waybar" in str(p.args) and p.poll() is None]
        return panel

    def stop(self) -> None:
        if self._pointer is not None:
            self._pointer.close()
            self._pointer = None
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_sway(self) -> None:
        command = ["sway", "-c", str(self.folder / "config" / "sway")]
        if os.getuid() == 0:  # sway does not start for root
            for name in ("runtime", "config", "home"):
                os.chown(self.folder / name, int(NOBODY), int(NOBODY))
            command = [
                "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command,
            ]  # fmt: skip
        headless = {"WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1"}
        self._spawn(*command, log="sway", **headless, WLR_RENDERER="pixman")
        runtime = self.folder / "runtime"
        socket = wait_for(
            lambda: next((p for p in runtime.glob("wayland-*") if p.suffix != ".lock"), None),
            "sway",
        )
        self.env["WAYLAND_DISPLAY"] = socket.name
        self._pointer = wait_for(lambda: _Pointer.at(socket, self.size), "pointer")
        if self._xwayland:
            told = runtime / "display"
            self.env["DISPLAY"] = wait_for(
                lambda: told.read_text().strip() if told.exists() else "", "XWayland"
            )
            if os.getuid() == 0:
                self._processes.append(_let_everybody_in(self.env["DISPLAY"]))

    # -- eyes and hands

    def picture(self) -> Image.Image:
        path = self.folder / "screen.png"
        subprocess.run(["grim", str(path)], env=self.env, check=True, timeout=30)
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def panel_box(self) -> tuple[int, int, int, int]:
        return (0, 0, self.size[0], 34)

    def move(self, x: int, y: int) -> None:
        assert self._pointer is not None
        self._pointer.move(x, y)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.move(x, y)
        time.sleep(0.1)
        assert self._pointer is not None
        self._pointer.press(BUTTONS[button])

    def popups(self) -> list[tuple[int, int, int, int]]:
        """The open menu, known by what is not wallpaper below the panel: one box at most. It may
        begin upon the panel, so its own colour is followed upwards."""
        ground = np.array((0x2A, 0x38, 0x54), np.int16)
        pixels = np.asarray(self.picture(), np.int16)
        rows, columns = np.nonzero((np.abs(pixels[36:] - ground) > 3).any(axis=2))
        if len(rows) < 400:
            return []
        left, right = int(columns.min()), int(columns.max())
        top, bottom = int(rows.min()) + 36, int(rows.max()) + 36
        if bottom - top < 100:  # a tooltip
            return []
        edge = pixels[:, left + 3]
        while top > 0 and (np.abs(edge[top - 1] - edge[bottom - 50]) <= 3).all():
            top -= 1
        return [(left, top, right - left + 1, bottom - top + 1)]


_OPENING = """
import os, sys
from importlib import import_module
from Xlib import X, display, ext

# All that it loads on its way is loaded now: nobody may not read everybody's folders.
for module in ("support.unix_connect", *(f"ext.{name}" for _, name in ext.__extensions__)):
    import_module(f"Xlib.{module}")
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
server = display.Display(sys.argv[1])
server.set_access_control(X.DisableAccess)
server.sync()
print("open", flush=True)
sys.stdin.read()  # XWayland ends, and forgets it, some seconds after its last program
"""


def _let_everybody_in(name: str) -> subprocess.Popen[bytes]:
    """XWayland takes programs of the user alone who runs it: that one says that others may come.

    In an interpreter of its own, which stays as long as others are to come: what tests have done to
    this one does not reach it."""
    command = [sys.executable, "-c", _OPENING, name, NOBODY]

    def opened() -> subprocess.Popen[bytes] | None:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        if process.stdout.readline().strip() == b"open":
            return process
        process.communicate()
        return None

    return wait_for(opened, "XWayland that lets others in", timeout=60.0, every=0.5)


class _Pointer:
    """A pointer that the compositor takes for a device (zwlr_virtual_pointer_v1)."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._size = size
        self._connection = WaylandConnection(path)
        seat = self._connection.bind("wl_seat", 1)
        manager = self._connection.bind("zwlr_virtual_pointer_manager_v1", 1)
        self._pointer = self._connection.new_id()
        self._connection.request(manager, 0, struct.pack("=II", seat, self._pointer))
        self._connection.settle()

    @classmethod
    def at(cls, path: Path, size: tuple[int, int]) -> _Pointer | None:
        """None while the compositor is not ready."""
        try:
            return cls(path, size)
        except (OSError, KeyError):
            return None

    def move(self, x: int, y: int) -> None:
        self._send(1, self._now(), x, y, *self._size)

    def press(self, button: int) -> None:
        for state in (1, 0):
            self._send(2, self._now(), button, state)
            time.sleep(0.05)

    def close(self) -> None:
        self._connection.close()

    def _send(self, opcode: int, *words: int) -> None:
        self._connection.request(self._pointer, opcode, struct.pack(f"={len(words)}I", *words))
        frame = 4
        self._connection.request(self._pointer, frame)
        self._connection.settle()
        for _ in self._connection.events():
            pass

    @staticmethod
    def _now() -> int:
        return int(time.monotonic() * 1000) & 0xFFFFFFFF
