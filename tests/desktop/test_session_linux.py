"""The Linux session over real message buses with mocked desktop services, and a real X server."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("Linux's own mechanism", allow_module_level=True)

from agent.clock import SystemClock
from agent.desktop.session import SessionWatch, Signals, system_source
from agent.desktop.session.idle import X11Idle, find_reader
from agent.desktop.session.linux import LinuxSession
from agent.errors import DesktopError
from agent.events import Event, PowerChanged, SessionChanged, UserIsBack
from agent.settings import SessionSettings
from tests.desktop.buses import LOGIN, MOCK, PrivateBus, gdbus, inhibitors, sleep, wait_until

SESSION = "/org/freedesktop/login1/session/c1"


class Desktop:
    """A running SessionWatch and what it told."""

    def __init__(self, settings: SessionSettings) -> None:
        self.told: queue.Queue[Event] = queue.Queue()
        self.returns = 0  # of the user
        self.camera_off = threading.Event()
        clock = SystemClock()
        self.watch = SessionWatch(
            self._hear, clock, settings, system_source(clock), self.camera_off.is_set
        )
        self.watch.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, UserIsBack):
            self.returns += 1
        else:
            self.told.put(event)

    def next(self) -> Event:
        return self.told.get(timeout=20)

    def stop(self) -> None:
        self.watch.request_stop()
        assert self.watch.join(10)


@pytest.fixture
def logind(system_bus: PrivateBus, no_display: None) -> PrivateBus:
    """logind with one session, of this user and at a seat, and one of somebody else."""
    system_bus.serve("system", "--template", "logind")
    wait_until(lambda: system_bus.has(LOGIN))
    add_session(system_bus, "x9", "seat1", os.getuid() + 1, "somebody")
    add_session(system_bus, "c1", "seat0", os.getuid(), "me")
    return system_bus


def add_session(bus: PrivateBus, name: str, seat: str, user: int, user_name: str) -> None:
    arguments = [f"string:{name}", f"string:{seat}", f"uint32:{user}", f"string:{user_name}"]
    bus.call(LOGIN, "/org/freedesktop/login1", f"{MOCK}.AddSession", *arguments, "boolean:true")


def update(bus: PrivateBus, name: str, path: str, interface: str, key: str, value: bool) -> None:
    """Set a property of a mock, with its PropertiesChanged signal."""
    changed = f"{{'{key}': <{'true' if value else 'false'}>}}"
    gdbus(bus, name, path, f"{MOCK}.UpdateProperties", interface, changed)


@pytest.fixture
def desktop(logind: PrivateBus, session_bus: PrivateBus) -> Iterator[Desktop]:
    """A watch that follows logind. It is known to be connected once it told the idle state."""
    update(logind, LOGIN, SESSION, f"{LOGIN}.Session", "IdleHint", True)
    desktop = Desktop(SessionSettings())
    assert desktop.next() == SessionChanged("nobody uses the computer")
    update(logind, LOGIN, SESSION, f"{LOGIN}.Session", "IdleHint", False)
    assert desktop.next() == SessionChanged(None)
    yield desktop
    desktop.stop()


def test_lock_and_unlock(desktop: Desktop, logind: PrivateBus) -> None:
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.Lock")
    assert desktop.next() == SessionChanged("the screen is locked")
    before = desktop.returns
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.Unlock")
    assert desktop.next() == SessionChanged(None)
    wait_until(lambda: desktop.returns == before + 1)


def test_the_locked_hint(desktop: Desktop, logind: PrivateBus) -> None:
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.SetLockedHint", "boolean:true")
    assert desktop.next() == SessionChanged("the screen is locked")
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.SetLockedHint", "boolean:false")
    assert desktop.next() == SessionChanged(None)


def test_sleep_and_wake(desktop: Desktop, logind: PrivateBus) -> None:
    sleep(logind, True)
    assert desktop.next() == SessionChanged("the computer sleeps")
    sleep(logind, False)
    assert desktop.next() == SessionChanged(None)


def test_the_computer_sleeps_when_the_camera_is_off_and_not_before(
    desktop: Desktop, logind: PrivateBus
) -> None:
    held = inhibitors(logind).split()
    assert held[held.index("sleep") + 1] == "Moodtray"
    assert "delay" in held, "blocking it is not ours to do"
    for _ in range(2):  # taken anew after waking
        sleep(logind, True)
        assert desktop.next() == SessionChanged("the computer sleeps")
        assert "Moodtray" in inhibitors(logind), "the camera is still on"
        desktop.camera_off.set()
        wait_until(lambda: "Moodtray" not in inhibitors(logind))
        desktop.camera_off.clear()
        sleep(logind, False)
        assert desktop.next() == SessionChanged(None)
        wait_until(lambda: "Moodtray" in inhibitors(logind))
    desktop.stop()
    wait_until(lambda: "Moodtray" not in inhibitors(logind))


def test_another_user_at_the_screen(desktop: Desktop, logind: PrivateBus) -> None:
    update(logind, LOGIN, SESSION, f"{LOGIN}.Session", "Active", False)
    assert desktop.next() == SessionChanged("another user has the screen")
    update(logind, LOGIN, SESSION, f"{LOGIN}.Session", "Active", True)
    assert desktop.next() == SessionChanged(None)


def test_somebody_elses_session_is_none_of_our_business(
    desktop: Desktop, logind: PrivateBus
) -> None:
    other = "/org/freedesktop/login1/session/x9"
    logind.call(LOGIN, other, f"{LOGIN}.Session.Lock")
    logind.call(LOGIN, other, f"{LOGIN}.Session.SetLockedHint", "boolean:true")
    sleep(logind, True)
    assert desktop.next() == SessionChanged("the computer sleeps")


def test_a_state_from_before_the_start_is_seen(logind: PrivateBus, session_bus: PrivateBus) -> None:
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.SetLockedHint", "boolean:true")
    desktop = Desktop(SessionSettings())
    assert desktop.next() == SessionChanged("the screen is locked")
    desktop.stop()


def test_the_screen_saver(desktop: Desktop, session_bus: PrivateBus) -> None:
    saver = "org.gnome.ScreenSaver"
    session_bus.serve("session", "--template", "gnome_screensaver")
    wait_until(lambda: session_bus.has(saver))
    session_bus.call(saver, "/org/gnome/ScreenSaver", f"{saver}.Lock")
    assert desktop.next() == SessionChanged("the screen is locked")
    session_bus.call(saver, "/org/gnome/ScreenSaver", f"{saver}.SetActive", "boolean:false")
    assert desktop.next() == SessionChanged(None)


def test_battery_and_lid(system_bus: PrivateBus, session_bus: PrivateBus, no_display: None) -> None:
    power, path = "org.freedesktop.UPower", "/org/freedesktop/UPower"
    system_bus.serve("system", "--template", "upower", "--parameters", '{"OnBattery": false}')
    wait_until(lambda: system_bus.has(power))
    desktop = Desktop(SessionSettings())
    assert desktop.next() == PowerChanged(False)
    update(system_bus, power, path, power, "OnBattery", True)
    assert desktop.next() == PowerChanged(True)
    update(system_bus, power, path, power, "LidIsClosed", True)
    assert desktop.next() == SessionChanged("the lid is closed")
    update(system_bus, power, path, power, "LidIsClosed", False)
    assert desktop.next() == SessionChanged(None)
    desktop.stop()


def test_no_bus_is_told_in_words_and_harms_nothing(no_buses: None, no_display: None) -> None:
    source = LinuxSession(SystemClock())
    with pytest.raises(DesktopError, match="D-Bus"):
        source.open()
    source.close()
    desktop = Desktop(SessionSettings())
    desktop.stop()
    assert desktop.told.empty()


def test_a_bus_that_dies_is_found_again(
    desktop: Desktop, logind: PrivateBus, session_bus: PrivateBus
) -> None:
    """The session bus goes (its own crash); logind's word still counts afterwards."""
    session_bus.process.kill()
    session_bus.process.wait(20)
    # The first tries after the loss are a second or two apart.
    logind.call(LOGIN, SESSION, f"{LOGIN}.Session.SetLockedHint", "boolean:true")
    assert desktop.next() == SessionChanged("the screen is locked")


# --- idle time from a real X server


def test_idle_time_grows_and_ends_with_input(
    x_server: subprocess.Popen[bytes], no_buses: None
) -> None:
    reader = find_reader(None)
    assert isinstance(reader, X11Idle)
    subprocess.run(["xdotool", "mousemove", "10", "10"], check=True, timeout=30)
    wait_until(lambda: (reader.seconds() or 0.0) > 0.6)
    subprocess.run(["xdotool", "mousemove", "40", "40"], check=True, timeout=30)
    fresh = reader.seconds()
    assert fresh is not None
    assert fresh < 0.6
    reader.close()


def test_under_wayland_the_x_server_is_not_believed(
    x_server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert find_reader(None) is None


def test_an_x_server_that_dies_is_survived(
    logind: PrivateBus, x_server: subprocess.Popen[bytes], session_bus: PrivateBus
) -> None:
    source = LinuxSession(SystemClock())
    source.open()
    assert source.read().idle_seconds is not None
    x_server.kill()
    x_server.wait(20)
    with contextlib.suppress(DesktopError):  # one reading may be lost with the connection
        source.read()
    source.close()
    source.open()
    assert source.read() == Signals(on_battery=None)
    source.close()


def test_a_stop_during_a_long_wait_is_quick(logind: PrivateBus, session_bus: PrivateBus) -> None:
    desktop = Desktop(SessionSettings())
    time.sleep(0.3)
    desktop.stop()
