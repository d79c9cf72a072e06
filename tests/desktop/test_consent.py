"""Consent: its record, and the question on a real screen."""

from __future__ import annotations

import os
import queue
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.desktop import consent
from agent.desktop.consent import dialog
from agent.errors import StoreError
from agent.events import ConsentGiven, Event, Notice
from agent.store.paths import Paths
from tests.desktop.buses import wait_until
from tests.desktop.x11 import Desktop
from tests.fakes.clock import FakeClock

WHEN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def paths() -> Paths:
    return Paths.default()


# --- the record


def test_asked_once_and_kept_with_its_date(paths: Paths) -> None:
    assert not consent.is_given(paths)
    consent.give(paths, WHEN)
    assert consent.is_given(paths)
    assert '"given": "2026-11-22T09:00:00+00:00"' in (paths.state / "consent.json").read_text()
    if os.name == "posix":
        assert stat.S_IMODE((paths.state / "consent.json").stat().st_mode) == 0o600


def test_withdrawn(paths: Paths) -> None:
    assert consent.withdraw(paths) is False
    consent.give(paths, WHEN)
    assert consent.withdraw(paths) is True
    assert not consent.is_given(paths)


def test_another_text_asks_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    consent.give(paths, WHEN)
    monkeypatch.setattr(consent, "VERSION", consent.VERSION + 1)
    assert not consent.is_given(paths)


@pytest.mark.parametrize(
    "text", ["", "yes", "[]", '{"version": 1}', '{"version": 1, "given": "sure"}', "\xff\xfe"]
)
def test_a_damaged_record_counts_as_no(paths: Paths, text: str) -> None:
    paths.ensure()
    (paths.state / "consent.json").write_text(text, encoding="latin-1")
    assert not consent.is_given(paths)


def test_a_yes_that_cannot_be_kept_is_told(paths: Paths) -> None:
    paths.state.parent.mkdir(parents=True)
    paths.state.write_text("a file in the way")
    with pytest.raises(StoreError):
        consent.give(paths, WHEN)


def test_the_text_says_what_it_must() -> None:
    for word in ("What is seen", "What is kept", "What is sent", "no picture", "pause"):
        assert word in consent.TEXT
    assert "moodtray consent" in consent.HOW


# --- the question


def never() -> bool:
    """Nobody answers elsewhere."""
    return False


class Asked:
    """One call of ask() and what came of it."""

    def __init__(self, paths: Paths) -> None:
        self.told: list[str] = []
        self.events: queue.Queue[Event] = queue.Queue()
        dialog.ask(paths, FakeClock(), self.events.put, self.told.append)

    def event(self) -> Event:
        return self.events.get(timeout=60)

    def after(self, deed: Callable[[], None]) -> Event:
        """What comes of a deed, done again until something does: what stands on the screen first
        may be another test's last word."""

        def done() -> bool:
            deed()
            return not self.events.empty()

        wait_until(done, 60)
        return self.event()


def stand_in(folder: Path, name: str, code: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{folder}/words"\nexit {code}\n')
    (folder / name).chmod(0o755)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own windows")


@linux_only
def test_without_a_screen_it_says_how(paths: Paths, no_display: None) -> None:
    asked = Asked(paths)
    event = asked.event()
    assert isinstance(event, Notice)
    assert asked.told == [consent.HOW]
    assert not consent.is_given(paths)


@linux_only
@pytest.mark.parametrize("program", ["zenity", "kdialog"])
@pytest.mark.parametrize("code", [0, 1, 5])
def test_a_desktops_own_dialog(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, code: int
) -> None:
    monkeypatch.setenv("DISPLAY", ":nowhere")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    stand_in(tmp_path / "bin", program, code)
    asked = Asked(paths)
    event = asked.event()
    assert "What is sent" in (tmp_path / "bin" / "words").read_text()
    assert isinstance(event, ConsentGiven) == (code == 0)
    assert consent.is_given(paths) == (code == 0)
    assert asked.told == ([consent.HOW] if code == 5 else [])


@linux_only
def test_apples_dialog_is_asked_in_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    stand_in(tmp_path / "bin", "osascript", 0)
    assert dialog._apple_dialog(never) is True
    words = (tmp_path / "bin" / "words").read_text()
    assert words.startswith('-e\ndisplay dialog "Moodtray looks through')
    assert 'buttons {"Not now", "Allow the camera"}' in words
    assert "\\n" in words  # line ends inside the string, not in the script
    stand_in(tmp_path / "bin", "osascript", 1)
    assert dialog._apple_dialog(never) is False


def windows_titled(text: str) -> list[str]:
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", text],
        capture_output=True,
        text=True,
        timeout=30,
    )
    return found.stdout.split()


@pytest.fixture
def screen(x_server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("zenity") is None:
        pytest.skip("the package zenity is missing")
    monkeypatch.setenv("NO_AT_BRIDGE", "1")


def press(key: str) -> None:
    wait_until(lambda: len(windows_titled(consent.QUESTION)) > 0, 60)
    time.sleep(0.5)  # drawn, with its keyboard focus
    window = windows_titled(consent.QUESTION)[0]
    subprocess.run(["xdotool", "windowfocus", "--sync", window, "key", key], check=True, timeout=30)


@linux_only
def test_a_real_window_allowed_by_the_keyboard(paths: Paths, screen: None) -> None:
    asked = Asked(paths)
    press("alt+Tab")  # no window manager here: harmless, and the focus is the dialog's
    again = Asked(paths)  # a second question while one is open
    subprocess.run(["xdotool", "key", "Tab", "Return"], check=True, timeout=30)
    assert asked.event() == ConsentGiven()
    assert consent.is_given(paths)
    assert again.events.empty()
    wait_until(lambda: not windows_titled(consent.QUESTION))


@linux_only
def test_a_real_window_closed_is_a_no(paths: Paths, screen: None) -> None:
    asked = Asked(paths)
    press("Escape")
    event = asked.event()
    assert isinstance(event, Notice)
    assert "stays closed" in event.title
    assert "Allow the camera…" in event.message
    assert event.asked, "quiet hours or not: it answers the user"
    assert asked.told == []
    assert not consent.is_given(paths)


@linux_only
def test_a_real_window_closes_when_the_camera_is_allowed_elsewhere(
    paths: Paths, screen: None
) -> None:
    asked = Asked(paths)
    wait_until(lambda: len(windows_titled(consent.QUESTION)) > 0, 60)
    consent.give(paths, WHEN)
    assert asked.event() == ConsentGiven()
    wait_until(lambda: not windows_titled(consent.QUESTION))
    assert WHEN.isoformat() in (paths.state / "consent.json").read_text(), "the first word stands"


@linux_only
@pytest.mark.parametrize("program", ["zenity", "kdialog"])
def test_a_desktops_own_dialog_closes_as_well(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setenv("DISPLAY", ":nowhere")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / program).write_text(f'#!/bin/sh\necho $$ > "{folder}/pid"\nexec /bin/sleep 600\n')
    (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    asked = Asked(paths)
    wait_until(lambda: (folder / "pid").exists() and (folder / "pid").read_text() != "")
    consent.give(paths, WHEN)
    assert asked.event() == ConsentGiven()
    pid = int((folder / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


@linux_only
def test_without_a_window_a_notification_asks(
    paths: Paths, xfce_desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in xfce_desktop.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shutil.which", lambda _: None)
    xfce_desktop.forget_notifications()
    asked = Asked(paths)
    wait_until(lambda: xfce_desktop.shown_notifications() == 1)
    assert asked.after(lambda: xfce_desktop.press_button(dialog.ALLOW)) == ConsentGiven()
    wait_until(lambda: xfce_desktop.shown_notifications() == 0)
    (shown,) = xfce_desktop.notifications()
    assert "What is sent: no picture" in shown["body"]


@linux_only
def test_a_dismissed_notification_is_no_answer(
    paths: Paths, xfce_desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in xfce_desktop.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shutil.which", lambda _: None)
    asked = Asked(paths)
    wait_until(lambda: xfce_desktop.shown_notifications() == 1)
    assert isinstance(asked.after(xfce_desktop.dismiss_notifications), Notice)
    assert asked.told == [consent.HOW]
    assert not consent.is_given(paths)


@linux_only
def test_a_killed_agent_takes_its_question_with_it(screen: None, tmp_path: Path) -> None:
    script = tmp_path / "asks.py"
    script.write_text(
        "from agent.desktop.consent import dialog\n"
        "if __name__ == '__main__':\n    dialog.show(lambda: False)\n"
    )
    root = Path(__file__).resolve().parents[2]
    agent = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    wait_until(lambda: len(windows_titled(consent.QUESTION)) > 0, 60)
    agent.kill()
    agent.wait(20)
    wait_until(lambda: not windows_titled(consent.QUESTION))
