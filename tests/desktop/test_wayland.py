"""The program under Wayland: sway without a screen, waybar, and no X server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.desktop.palette import MIST, MOOD_COLOURS
from agent.desktop.session.idle import find_reader
from agent.desktop.session.wayland import WaylandIdle
from agent.desktop.tray.menu import build_menu
from agent.types import MoodState
from tests.agent_process import CLIP, ROOT
from tests.desktop.conftest import Program
from tests.desktop.sway import SwayDesktop, missing_packages
from tests.desktop.tray_program import sample_snapshot
from tests.desktop.x11 import wait_for

Start = Callable[..., Program]
HAPPY = MOOD_COLOURS[MoodState.HAPPY]


@pytest.fixture(scope="module")
def sway() -> Iterator[SwayDesktop]:
    missing = missing_packages()
    if missing:
        message = f"needs the Debian packages {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with SwayDesktop() as desktop:
        yield desktop


@pytest.fixture
def inside(sway: SwayDesktop, monkeypatch: pytest.MonkeyPatch) -> SwayDesktop:
    """This very process is a program on the desktop."""
    monkeypatch.delenv("DISPLAY", raising=False)
    for name, value in sway.env.items():
        monkeypatch.setenv(name, value)
    return sway


def labels(**changes: str) -> list[str]:
    return [i.label for i in build_menu(sample_snapshot(**changes)) if not i.separator]


def test_icon_and_menu_on_waybar(sway: SwayDesktop, start_program: Start, artefacts: Path) -> None:
    program = start_program("tray_program", sway.env)
    assert program.wait_for_line("backend") == "backend statusnotifier"
    spot = sway.wait_for_colour(HAPPY)
    before = sway.panel_process
    box = sway.open_menu(*spot)
    sway.screenshot(artefacts / "menu-waybar.png")
    for i in range(100):
        program.tell(
            show={"mood": ("sad", "angry")[i % 2], "status": ("paused", "error")[i % 3 % 2]}
        )
        time.sleep(0.005)
    sway.click_menu(labels(), "Play for my mood", box)
    program.wait_for_line("event PlayForMood()")
    program.tell(show={"status": "paused"})
    spot = sway.wait_for_colour(MIST)
    wait_for(lambda: sway.popups() == [], "closed menu")
    sway.click(*spot, button=2)
    program.wait_for_line("event PauseMusic()")
    sway.open_menu(*spot, button=3)
    sway.click_menu(labels(status="paused"), "Quit")
    program.wait_for_line("event Quit()")
    assert sway.panel_process == before
    assert program.end() == 0
    assert "Traceback" not in program.errors()


def test_waybar_is_killed_and_started(sway: SwayDesktop, start_program: Start) -> None:
    program = start_program("tray_program", sway.env)
    sway.wait_for_colour(HAPPY)
    sway.stop_panel()
    program.tell(show={"mood": "sad"})
    sway.start_panel()
    sway.wait_for_colour(MOOD_COLOURS[MoodState.SAD])
    assert program.end() == 0


def test_idle_time_comes_from_the_compositor(inside: SwayDesktop) -> None:
    found = find_reader(None)
    assert isinstance(found, WaylandIdle)
    assert found.seconds() == 0.0
    found.close()
    reader = WaylandIdle(quiet=0.4)
    inside.move(300, 300)
    assert reader.seconds() == 0.0
    idle = wait_for(reader.seconds, "idleness")
    assert 0.4 <= idle < 10.0
    time.sleep(0.3)
    assert (reader.seconds() or 0.0) > idle
    inside.move(320, 300)
    wait_for(lambda: reader.seconds() == 0.0, "a hand")
    reader.close()


def test_a_compositor_that_goes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if missing_packages():
        pytest.skip("needs sway")
    with SwayDesktop() as desktop:
        for name in ("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, desktop.env[name])
        reader = WaylandIdle()
    with pytest.raises(OSError, match=r"gone|reset|pipe"):
        reader.seconds()
    reader.close()
    monkeypatch.delenv("DISPLAY", raising=False)
    assert find_reader(None) is None, "no compositor, no idle time, and no crash"


def test_the_preview_comes_through_xwayland_and_in_the_users_language(artefacts: Path) -> None:
    missing = missing_packages()
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
    with SwayDesktop(xwayland=True) as desktop:
        desktop.env["PYTHONPATH"] = str(ROOT)
        settings = Path(desktop.env["MOODTRAY_HOME"]) / "config" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('version = 1\nlanguage = "de"\n')
        program = [sys.executable, "-m", "agent"]

        def told(command: str) -> subprocess.CompletedProcess[str]:
            asked = [*program, command]
            return subprocess.run(asked, env=desktop.env, capture_output=True, text=True)

        agent_ = subprocess.Popen([*program, "run", "--camera", str(CLIP)], env=desktop.env)
        try:
            wait_for(lambda: told("status").returncode == 0, "answer to a command", timeout=120)
            opened = told("preview")  # once: the next would close it
            assert opened.returncode == 0, opened.stderr
            wait_for(desktop.popups, "window", timeout=120)
            face = {MOOD_COLOURS[state] for state in MoodState if state in MOOD_COLOURS}
            below = (0, 60, *desktop.size)
            try:
                wait_for(
                    lambda: any(desktop.find_colour(colour, below) for colour in face),
                    "box around the face",
                    timeout=120,
                )
            except AssertionError as error:
                desktop.screenshot(artefacts / "preview-sway-lacking.png")
                seen = f"window: {desktop.popups()}; status: {told('status').stdout}"
                log = Path(desktop.env["MOODTRAY_HOME"]) / "logs" / "moodtray.log"
                raise AssertionError(f"{error}; {seen}; {log.read_text()}") from error
            desktop.screenshot(artefacts / "preview-sway.png")
        finally:
            agent_.terminate()
            assert agent_.wait(20) == 0
