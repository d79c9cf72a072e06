"""The whole agent on a desktop of its own: started as at login, seen and touched from outside.

Used by the day's test and by the README's pictures.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from agent.app.page import LED_FILE
from agent.errors import AgentError
from agent.store.paths import Paths
from agent.web.door_client import call
from tests.desktop.x11 import Desktop, wait_for

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "resources" / "demo" / "clip.mp4"
PATIENCE = 60.0

CLOCK = '''\
"""Moves the agent's clocks on by as many seconds as the file beside this one says."""
from pathlib import Path

import agent.clock

here = Path(__file__).with_name("ahead")
real = agent.clock.SystemClock


class MovedClock(real):
    def _ahead(self):
        return float(here.read_text() or 0) if here.exists() else 0.0

    def monotonic(self):
        return super().monotonic() + self._ahead()

    def now(self):
        from datetime import timedelta

        return super().now() + timedelta(seconds=self._ahead())


agent.clock.SystemClock = MovedClock
'''


def jpegs(clip: Path, first: float, last: float) -> list[bytes]:
    """The frames between two times (seconds) of a clip, as a webcam would send them."""
    capture = cv2.VideoCapture(str(clip))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.set(cv2.CAP_PROP_POS_FRAMES, round(first * rate))
    frames: list[bytes] = []
    while len(frames) < round((last - first) * rate):
        there, frame = capture.read()
        if not there:
            break
        frames.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    capture.release()
    return frames


class AgentDesktop:
    """Commands to, and looks at, the agent that runs on ``desktop``."""

    def __init__(self, desktop: Desktop, folder: Path, settings: str) -> None:
        self.desktop = desktop
        self.paths = Paths.below(Path(desktop.env["MOODTRAY_HOME"]))
        self.paths.ensure()
        self.paths.settings_file.write_text(settings)
        (self.paths.state / LED_FILE).touch()  # the page has led through the first steps before
        self._clock = folder / "clock"
        self._clock.mkdir(parents=True)
        (self._clock / "sitecustomize.py").write_text(CLOCK)
        self.env = {**desktop.env, "PYTHONPATH": f"{self._clock}:{ROOT}"}

    def move_clock(self, seconds: float) -> None:
        """The agent's clocks leap ahead."""
        (self._clock / "ahead").write_text(str(seconds))

    def command(self, *words: str) -> str:
        """``moodtray WORDS`` on this desktop."""
        done = subprocess.run(
            [sys.executable, "-m", "agent", *words],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any] | None:
        """What the agent says of itself; None while it does not answer."""
        try:
            return call(self.paths, "status")
        except AgentError:
            return None

    def wait(
        self, wanted: Callable[[dict[str, Any]], object], what: str, timeout: float = PATIENCE
    ) -> dict[str, Any]:
        """The first status for which ``wanted`` holds."""

        def ask() -> dict[str, Any] | None:
            status = self.status()
            return status if status is not None and wanted(status) else None

        return wait_for(ask, what, timeout, every=0.2)

    @property
    def pid(self) -> int:
        import json

        return int(json.loads((self.paths.runtime / "door.json").read_text())["pid"])

    def icon(self, colour: tuple[int, int, int]) -> tuple[int, int]:
        """Where the icon is, known by a colour that is in it."""
        return self.desktop.wait_for_colour(colour, self.desktop.panel_box(), timeout=PATIENCE)

    def row(self, box: tuple[int, int, int, int], number: int) -> tuple[int, int]:
        """Where the menu's line of that number is; negative from below."""
        rows = self.desktop.menu_rows(box)
        return box[0] + min(60, box[2] // 2), rows[number]

    def click_row(self, box: tuple[int, int, int, int], number: int) -> None:
        x, y = self.row(box, number)
        self.desktop.move(x - 3, y)
        self.desktop.click(x, y)

    def break_for_15_minutes(self, menu: tuple[int, int, int, int], number: int) -> None:
        """Through the submenu behind the menu's line of that number."""
        before = set(self.desktop.popups())
        self.click_row(menu, number)

        def opened() -> tuple[int, int, int, int] | None:
            return next((box for box in self.desktop.popups() if box not in before), None)

        submenu = wait_for(opened, "submenu")
        wait_for(lambda: len(self.desktop.menu_rows(submenu)) == 8, "lines of the submenu")
        self.click_row(submenu, 0)

    def gone_after(self, stop: Callable[[], object]) -> float:
        """Seconds from ``stop()`` until the process is no more."""
        pid = self.pid
        began = time.monotonic()
        stop()
        wait_for(lambda: not _alive(pid), "end of the agent", timeout=20, every=0.02)
        return time.monotonic() - began

    def kill_if_alive(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except (OSError, ValueError, KeyError):
            return


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
