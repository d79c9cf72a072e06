"""Notifications: what is let through, and the rest on a real bus with a real service."""

from __future__ import annotations

import os
import shutil
import threading
import time as wall
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from agent.desktop.notifications import notifier as notify
from agent.desktop.notifications import rules
from agent.desktop.notifications.notifier import DesktopNotifications, available
from agent.desktop.notifications.service import Service
from agent.effects import Notification
from agent.settings import NotificationSettings
from agent.types import (
    NotificationKind,
)
from tests.desktop.conftest import Program
from tests.desktop.x11 import Desktop, missing_packages, wait_for
from tests.fakes.clock import FakeClock

Start = Callable[..., Program]
SWITCH, LOGIN = NotificationKind.SWITCH, NotificationKind.LOGIN


NIGHT = NotificationSettings(quiet_from=time(22), quiet_to=time(7))


def told(title: str, kind: NotificationKind = SWITCH) -> Notification:
    return Notification(kind, title, "body")


# --- what is let through --------------------------------------------------------------------------


class Shown:
    """Stands where the system's way would: remembers instead of showing."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.icons: list[str] = []

    async def show(self, notification: Notification, icon: Path, _: object) -> None:
        self.icons.append(icon.name)
        self.titles.append(notification.title)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    way = Shown()
    service = Service("test", buttons=True, markup=True)
    monkeypatch.setattr(notify, "ask_service", lambda: service)
    monkeypatch.setattr(notify, "_way_with_buttons", lambda report: way)
    return way


def test_off_switch_quiet_hours_and_rate(shown: Shown) -> None:
    clock = FakeClock(datetime(2026, 11, 22, 21, 59, 30, tzinfo=UTC))
    settings = NotificationSettings(quiet_from=time(22), quiet_to=time(7))
    off = settings.model_copy(update={"enabled": False})
    present = [settings]
    notifier = DesktopNotifications(lambda _: None, clock, lambda: present[0])
    notifier.notify(told("first"))
    notifier.notify(told("too soon"))
    notifier.notify(told("other kind", LOGIN))
    clock.advance(60)
    notifier.notify(told("in quiet hours"))
    clock.advance(9 * 3600)
    notifier.notify(told("in the morning"))
    notifier.notify(told("again in the morning"))
    clock.advance(60)
    notifier.look()
    clock.advance(60)
    present[0] = off
    notifier.notify(told("switched off"))
    notifier.look()
    expected = ["first", "other kind", "in the morning", "again in the morning"]
    wait_for(lambda: len(shown.titles) >= len(expected), "the notifications")
    notifier.close()
    assert shown.titles == expected


def test_what_waits_is_shown_by_itself(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LOOK", 0.0)  # wakes every second instead of every minute
    clock = FakeClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
    notifier = DesktopNotifications(
        lambda _: None, clock, lambda: NIGHT, holds=lambda kind: kind is LOGIN
    )
    notifier.notify(told("log in", LOGIN))
    notifier.notify(told("camera", NotificationKind.CAMERA))
    notifier.notify(told("changed"))
    clock.advance(8 * 3600)
    wait_for(lambda: shown.titles, "the notification")
    notifier.close()
    assert shown.titles == ["log in"], "the camera is well again"


def test_a_word_without_a_mood_wears_no_smile_and_trouble_its_sign(shown: Shown) -> None:
    notifier = DesktopNotifications(lambda _: None, FakeClock(), NotificationSettings)
    notifier.notify(told("The change was not taken back", NotificationKind.INFO))
    notifier.notify(told("The history cannot be written", NotificationKind.WARNING))
    wait_for(lambda: len(shown.icons) == 2, "the notifications")
    notifier.close()
    assert shown.icons[0].startswith("note")
    assert shown.icons[1].startswith("error"), "trouble wears a sign of trouble"


def test_notify_does_not_wait_for_a_hanging_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    monkeypatch.setattr(notify, "ask_service", lambda: stuck.wait(20))
    notifier = DesktopNotifications(lambda _: None, FakeClock(), NotificationSettings)
    begun = wall.perf_counter()
    notifier.notify(told("hello"))
    assert wall.perf_counter() - begun < 10  # the bus hangs for 20
    notifier.close()
    assert wall.perf_counter() - begun < 15
    stuck.set()


def test_macos_shows_text_where_the_program_is_no_app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.name == "nt":
        pytest.skip("needs a shell script in the place of osascript")
    noted = tmp_path / "noted"
    script = tmp_path / "osascript"
    script.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > "{noted}.new"; mv "{noted}.new" "{noted}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("agent.desktop.notifications.notifier.sys.platform", "darwin")

    class NoApp:
        async def get_capabilities(self) -> frozenset[object]:
            return frozenset()

    monkeypatch.setattr("desktop_notifier.DesktopNotifier", lambda **_: NoApp())
    notifier = DesktopNotifications(lambda _: None, FakeClock(), NotificationSettings)
    notifier.notify(Notification(SWITCH, '"; do shell script "x', "R&B <3"))
    wait_for(noted.exists, "the script's arguments")
    notifier.close()
    words = noted.read_text().split("|")
    assert words[0] == "-e"
    assert words[2:] == ['"; do shell script "x', "R&B <3", ""]
    assert "shell" not in words[1]


# --- for real -------------------------------------------------------------------------------------


@pytest.fixture
def clean_desktop(tint2_desktop: Desktop) -> Desktop:
    """The desktop with no notification on it and none in its history."""
    tint2_desktop.forget_notifications()
    return tint2_desktop


def test_shows_text_and_buttons_work(
    clean_desktop: Desktop, start_program: Start, artefacts: Path
) -> None:
    program = start_program("notify_program", clean_desktop.env)
    body = "You have looked happy for 20 s & the <i>track</i> came to its end"
    program.tell(kind="switch", title="Sunny <b>days</b>", body=body, buttons=True)
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "notification")
    clean_desktop.wait_for_colour((255, 200, 46), (800, 0, 1280, 160))  # its happy face
    clean_desktop.screenshot(artefacts / "notification.png")

    program.tell(kind="switch", title="Again", body="within the minute")
    program.tell(kind="login", title="Please log in", body="to Spotify")
    wait_for(lambda: clean_desktop.shown_notifications() == 2, "second kind")

    clean_desktop.press_button("Undo")
    assert program.wait_for_line("event") == "event UndoSwitch(switch=None)"
    clean_desktop.dismiss_notifications()
    wait_for(lambda: len(clean_desktop.notifications()) == 2, "history")
    entries = clean_desktop.notifications()
    texts = {(entry["summary"], entry["body"]) for entry in entries}
    escaped = "You have looked happy for 20 s &amp; the &lt;i&gt;track&lt;/i&gt; came to its end"
    assert texts == {("Sunny <b>days</b>", escaped), ("Please log in", "to Spotify")}
    assert {entry["appname"] for entry in entries} == {"Moodtray"}


def test_takes_its_predecessors_place(clean_desktop: Desktop, start_program: Start) -> None:
    # The rate is one a minute: a program with a faster clock shows the second of a kind.
    program = start_program("notify_program", clean_desktop.env, FAST_CLOCK="1")
    program.tell(kind="switch", title="One", body="first")
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "first")
    program.tell(kind="switch", title="Two", body="second")
    wait_for(lambda: len(clean_desktop.notifications()) == 1, "first taken down")
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "only the second shown")
    clean_desktop.dismiss_notifications()
    wait_for(lambda: len(clean_desktop.notifications()) == 2, "both in the history")
    assert [n["summary"] for n in clean_desktop.notifications()] == ["Two", "One"]


def test_what_holds_no_more_is_taken_down(clean_desktop: Desktop, start_program: Start) -> None:
    program = start_program("notify_program", clean_desktop.env)
    program.tell(kind="login", title="Please log in", body="to Spotify")
    program.tell(kind="switch", title="Sunny days", body="stays")
    wait_for(lambda: clean_desktop.shown_notifications() == 2, "both")
    program.tell(withdraw="login")
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "one left")
    assert [n["summary"] for n in clean_desktop.notifications()] == ["Please log in"]
    program.tell(withdraw="login")  # once more harms nobody
    program.tell(withdraw="switch")
    wait_for(lambda: clean_desktop.shown_notifications() == 0, "none left")
    assert program.process.poll() is None


def test_what_can_no_longer_be_answered_goes_with_the_agent(
    clean_desktop: Desktop, start_program: Start
) -> None:
    program = start_program("notify_program", clean_desktop.env)
    program.tell(kind="switch", title="Sunny days", body="with dead buttons", buttons=True)
    program.tell(kind="info", title="You said", body="you feel happy")
    program.tell(kind="problem", title="A part stopped", body="and that is why")
    wait_for(lambda: clean_desktop.shown_notifications() == 3, "all three")
    assert program.process.stdin is not None
    program.process.stdin.close()
    assert program.process.wait(60) == 0
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "the trouble left")
    clean_desktop.dismiss_notifications()


def test_plyer_steps_in(clean_desktop: Desktop, start_program: Start) -> None:
    if shutil.which("notify-send") is None:
        pytest.skip("needs the Debian package libnotify-bin")
    program = start_program("notify_program", clean_desktop.env, WITHOUT_BUTTONS="1")
    program.tell(kind="switch", title="Plain", body="R&B <3")
    wait_for(lambda: clean_desktop.shown_notifications() == 1, "notification")
    clean_desktop.dismiss_notifications()
    wait_for(lambda: len(clean_desktop.notifications()) == 1, "history")
    entry = clean_desktop.notifications()[0]
    assert (entry["summary"], entry["body"]) == ("Plain", "R&amp;B &lt;3")


def test_without_a_bus_only_a_warning(start_program: Start) -> None:
    env = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    program = start_program("notify_program", env)
    program.tell(kind="switch", title="Nobody sees this", body="body")
    line = program.wait_for_line("log")
    assert "about switch" in line
    assert "Nobody sees this" not in line  # titles name playlists
    assert "D-Bus" in line
    assert program.process.poll() is None


def test_available_says_who_or_what_to_do(
    tint2_desktop: Desktop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", tint2_desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    there, words = available()
    assert there
    assert words.startswith("dunst 1.")
    assert words.endswith("with buttons")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    there, words = available()
    assert not there
    assert "desktop session" in words


def test_service_that_comes_back_is_used_again(tmp_path: Path, start_program: Start) -> None:
    missing = missing_packages()
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
    with Desktop(tmp_path / "desktop", panel=None, dunst=False) as desktop:
        program = start_program("notify_program", desktop.env, FAST_CLOCK="1")
        first = desktop.start_dunst()
        program.tell(kind="switch", title="One", body="first")
        wait_for(lambda: desktop.shown_notifications() == 1, "first")
        desktop.stop_one(first)
        second = desktop.start_dunst()
        program.tell(kind="switch", title="Two", body="second")
        wait_for(lambda: desktop.shown_notifications() == 1, "second")
        desktop.stop_one(second)
