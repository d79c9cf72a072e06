"""A day with Moodtray, from login to quit, in one test: the real program on a real desktop.

Real are the X server, the panel with its tray, the notification service, the session bus and the
session starter; a webcam is a stream of the synthetic actor, logind is a mock on a real bus, and
the agent's clocks can be moved ahead. Pictures of the run are left in test-artefacts/day.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.desktop.palette import MIST, MOOD_COLOURS
from agent.desktop.tray.menu import build_menu
from agent.types import EMOTIONS, MoodState
from tests.desktop.agent_desktop import CLIP, AgentDesktop, jpegs
from tests.desktop.buses import LOGIN, PrivateBus, inhibitors, sleep, start_bus, wait_until
from tests.desktop.conftest import ARTEFACTS
from tests.desktop.tray_program import sample_snapshot
from tests.desktop.x11 import Desktop, missing_packages, wait_for
from tests.vision.mjpeg import MjpegServer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="X11 and D-Bus are Linux's"),
    pytest.mark.timeout(400),
]

SETTINGS = """\
version = 1
player = "local"
[camera]
source = "{camera}"
interval = 0.5
burst_duration = 0.2
[mood]
certainty = 0.75
pace = 0.05
[policy]
timing = "now"
cooldown = 3.0
"""
MENU = [item.label for item in build_menu(sample_snapshot(logged_in=None)) if not item.separator]
"""The menu's lines while watching; the first ones vary, so lines are counted from below."""
SESSION = "/org/freedesktop/login1/session/c1"


@pytest.fixture
def webcam() -> Iterator[MjpegServer]:
    """The actor, smiling at the camera."""
    with MjpegServer(frames=jpegs(CLIP, *SMILE)) as server:
        yield server


SMILE = (5.0, 9.0)
"""Seconds of the demo clip in which the actor smiles; see clip.truth.json."""


@pytest.fixture
def logind(tmp_path: Path) -> Iterator[PrivateBus]:
    bus = start_bus(tmp_path / "system-bus")
    try:
        bus.serve("system", "--template", "logind")
        wait_until(lambda: bus.has(LOGIN))
        bus.call(
            LOGIN,
            "/org/freedesktop/login1",
            "org.freedesktop.DBus.Mock.AddSession",
            "string:c1",
            "string:seat0",
            f"uint32:{os.getuid()}",
            "string:me",
            "boolean:true",
        )
        yield bus
    finally:
        bus.stop()


@pytest.fixture
def day(tmp_path: Path, webcam: MjpegServer, logind: PrivateBus) -> Iterator[AgentDesktop]:
    missing = missing_packages("tint2")
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
    with Desktop(tmp_path / "desktop", panel="tint2") as desktop:
        desktop.env["DBUS_SYSTEM_BUS_ADDRESS"] = logind.address
        agent = AgentDesktop(desktop, tmp_path, SETTINGS.format(camera=webcam.url))
        try:
            yield agent
        finally:
            agent.kill_if_alive()


def test_a_day(day: AgentDesktop, webcam: MjpegServer, logind: PrivateBus) -> None:
    pictures = ARTEFACTS / "day"

    def shot(name: str) -> None:
        day.desktop.screenshot(pictures / f"{name}.png")

    # Log in: what was enabled is started by the session.
    day.command("autostart", "enable")
    subprocess.run(["dex", "-a"], env=day.env, check=True, timeout=60)

    # Consent: the camera stays closed until it is given.
    (window,) = wait_for(lambda: day.desktop.windows("May Moodtray"), "question", 60)
    assert day.wait(lambda s: s["status"] == "paused", "agent that waits")["camera"] == "off"
    assert webcam.clients == 0
    shot("1-consent")
    x, y, width, height = day.desktop.geometry(window)
    day.desktop.key("Tab")  # the cautious answer has the focus, the other one is beside it
    day.desktop.key("Return")
    wait_for(lambda: not day.desktop.windows("May Moodtray"), "end of the question")
    assert width > 300
    assert height > 150
    assert x >= 0
    assert y >= 0

    # Watching: the icon wears the mood's colour.
    mood = day.wait(lambda s: s["mood"] in EMOTIONS, "mood")["mood"]
    icon = day.icon(MOOD_COLOURS[MoodState(mood)])
    assert day.status()["autostart"] is True  # type: ignore[index]
    shot("2-watching")

    # Asked for by the menu: music, with a notification.
    day.command("play")
    day.wait(lambda s: s["playing"] == "playing", "music")
    wait_for(day.desktop.shown_notifications, "notification")
    shot("4-notification")
    day.desktop.dismiss_notifications()
    assert "Moodtray loop" in str(day.desktop.notifications())
    icon = day.icon(MOOD_COLOURS[MoodState(day.status()["mood"])])  # type: ignore[index]
    day.desktop.open_menu(*icon, button=3)
    shot("3-menu")
    day.desktop.key("Escape")

    # Preview on and off again, by its own button; the check mark agrees.
    day.command("preview")
    (window,) = wait_for(lambda: day.desktop.windows("Moodtray preview"), "preview", 60)
    day.wait(lambda s: s["preview_open"], "check mark")
    x, y, width, height = day.desktop.geometry(window)
    bars = (x, y + height // 2, x + width // 3, y + height)
    day.desktop.wait_for_colour(MOOD_COLOURS[MoodState.HAPPY], bars)
    time.sleep(1.5)  # for the picture alone: its frame rate counts the last second
    shot("5-preview")
    day.desktop.close_window(window)
    day.wait(lambda s: not s["preview_open"], "check mark gone")

    # Locked: the camera is released at once; unlocked: it is back.
    logind.call(LOGIN, SESSION, "org.freedesktop.login1.Session.Lock")
    day.wait(lambda s: s["camera"] == "off" and s["held_off"], "camera off while locked")
    day.icon(MIST)
    shot("6-locked")
    logind.call(LOGIN, SESSION, "org.freedesktop.login1.Session.Unlock")
    day.wait(lambda s: s["camera"] == "on" and s["status"] == "watching", "camera back")

    # Asleep, which waits for the camera; awake, and camera and icon are right at once.
    sleep(logind, True)
    day.wait(lambda s: s["camera"] == "off" and s["held_off"], "camera off while asleep")
    wait_until(lambda: "Moodtray" not in inhibitors(logind))
    day.icon(MIST)
    sleep(logind, False)
    mood = day.wait(lambda s: s["camera"] == "on" and s["mood"] in EMOTIONS, "mood again")["mood"]
    day.icon(MOOD_COLOURS[MoodState(mood)])

    # The camera is unplugged, and plugged in again.
    webcam.stop()
    day.wait(lambda s: s["status"] == "camera busy", "lost camera")
    shot("7-camera-lost")
    webcam.start()
    day.wait(lambda s: s["status"] == "watching", "camera back", 90)

    # Paused for 15 minutes by the menu; they pass.
    spot = day.icon(MOOD_COLOURS[MoodState(day.status()["mood"])])  # type: ignore[index]
    box = day.desktop.open_menu(*spot, button=3)
    number = MENU.index("Take a break") - len(MENU)
    day.break_for_15_minutes(box, number)
    day.wait(lambda s: s["camera"] == "off" and s["camera_paused"], "pause")
    day.icon(MIST)
    shot("8-paused")
    day.move_clock(14 * 60)
    assert day.status()["camera_paused"]  # type: ignore[index]
    day.move_clock(15 * 60 + 1)
    day.wait(lambda s: not s["camera_paused"] and s["camera"] == "on", "end of the pause")

    # Quit by the menu's last line: gone, and nothing is left behind.
    mood = day.wait(lambda s: s["mood"] in EMOTIONS, "mood")["mood"]
    spot = day.icon(MOOD_COLOURS[MoodState(mood)])
    box = day.desktop.open_menu(*spot, button=3)
    assert day.gone_after(lambda: day.click_row(box, -1)) < 5.0
    assert not (day.paths.runtime / "door.json").exists()
    day.desktop.dismiss_notifications()
    wait_for(lambda: day.desktop.shown_notifications() == 0, "empty screen")
    shot("9-gone")


def test_a_question_that_was_closed_is_asked_again_by_the_menu(
    day: AgentDesktop, webcam: MjpegServer
) -> None:
    pictures = ARTEFACTS / "consent"
    agent = subprocess.Popen([sys.executable, "-m", "agent", "run"], env=day.env)
    try:
        (window,) = wait_for(lambda: day.desktop.windows("May Moodtray"), "question", 60)
        day.desktop.close_window(window)
        wait_for(lambda: not day.desktop.windows("May Moodtray"), "end of the question")
        told = day.wait(lambda s: not s["consent"], "status without consent")["text"]
        assert "moodtray consent" in told
        refused = subprocess.run(
            [sys.executable, "-m", "agent", "resume"], env=day.env, capture_output=True, text=True
        )
        assert refused.returncode == 1
        assert "moodtray consent" in refused.stderr
        day.desktop.dismiss_notifications()

        spot = day.icon(MIST)
        box = day.desktop.open_menu(*spot, button=3)
        day.desktop.screenshot(pictures / "1-menu.png")
        without = build_menu(sample_snapshot(logged_in=None, consent=False, volume=0.8))
        labels = [item.label for item in without if not item.separator]
        day.click_row(box, labels.index("Allow the camera…") - len(labels))
        wait_for(lambda: day.desktop.windows("May Moodtray"), "question again", 60)
        day.desktop.screenshot(pictures / "2-asked-again.png")

        day.command("consent", "--yes")
        wait_for(lambda: not day.desktop.windows("May Moodtray"), "end of the question")
        day.wait(lambda s: s["consent"] and s["camera"] == "on", "camera")
        assert webcam.clients > 0
        assert day.gone_after(lambda: agent.send_signal(signal.SIGTERM)) < 5.0
    finally:
        agent.kill()
        agent.wait(10)


def test_sigterm_ends_it_with_tray_and_preview_open(day: AgentDesktop, webcam: MjpegServer) -> None:
    day.command("consent", "--yes")
    agent = subprocess.Popen([sys.executable, "-m", "agent", "run"], env=day.env)
    try:
        day.wait(lambda s: s["camera"] == "on", "camera")
        day.command("preview")
        wait_for(lambda: day.desktop.windows("Moodtray preview"), "preview", 60)
        webcam.stalled.set()  # the camera hangs as well
        assert day.gone_after(lambda: agent.send_signal(signal.SIGTERM)) < 5.0
        assert agent.wait(10) == 0
        wait_for(lambda: not day.desktop.windows("Moodtray preview"), "end of the preview")
    finally:
        agent.kill()
