"""The session on Windows and macOS: the raw answers of stand-in systems."""

from __future__ import annotations

import struct

from agent.desktop.session import macos, windows
from agent.desktop.session.polled import PolledSession
from agent.desktop.session.signals import Signals
from agent.desktop.session.watch import SessionWatch
from agent.events import PowerChanged, SessionChanged, UserIsBack
from agent.settings import SessionSettings
from tests.fakes.clock import FakeClock

DEFAULTS = SessionSettings()


def session_info(flags: int, level: int = 1) -> bytes:
    return struct.pack("<IIIII", level, 0, 3, 0, flags) + bytes(200)


class WindowsCalls:
    info: bytes | None = session_info(1)
    age: int | None = 1500
    power: bytes | None = bytes([1, 8, 100, 0]) + bytes(8)
    state: int | None = 5

    def session_info(self) -> bytes | None:
        return self.info

    def last_input_age(self) -> int | None:
        return self.age

    def power_status(self) -> bytes | None:
        return self.power

    def notification_state(self) -> int | None:
        return self.state


def test_windows_at_work() -> None:
    assert windows.ask(WindowsCalls()) == Signals(idle_seconds=1.5, sharing=False, on_battery=False)


def test_windows_locked_on_battery_presenting() -> None:
    calls = WindowsCalls()
    calls.info, calls.power, calls.state = session_info(0), bytes(12), windows.PRESENTING
    told = windows.ask(calls)
    assert (told.locked, told.on_battery, told.sharing) == (True, True, True)


def test_windows_that_tells_nothing_holds_nothing() -> None:
    calls = WindowsCalls()
    calls.info = calls.age = calls.power = calls.state = None
    assert windows.ask(calls) == Signals()
    assert not windows.is_locked(session_info(0xFFFFFFFF))
    assert not windows.is_locked(session_info(0, level=0))
    assert windows.runs_on_battery(bytes([255])) is None


class MacCalls:
    def __init__(self, left: float | None, **flags: bool) -> None:
        self.left = left
        self.flags = flags

    def session_flag(self, name: str) -> bool | None:
        return self.flags.get(name)

    def idle_seconds(self) -> float | None:
        return 3.0

    def battery_seconds(self) -> float | None:
        return self.left


def test_macos_at_work() -> None:
    told = macos.ask(MacCalls(macos.UNLIMITED, kCGSSessionOnConsoleKey=True))
    assert told == Signals(idle_seconds=3.0, on_battery=False)


def test_macos_locked_on_battery() -> None:
    told = macos.ask(MacCalls(-1.0, CGSSessionScreenIsLocked=True, kCGSSessionOnConsoleKey=False))
    assert (told.locked, told.in_background, told.on_battery) == (True, True, True)


def test_a_polled_session_is_told_by_the_worker() -> None:
    calls = WindowsCalls()
    told: list[object] = []
    source = PolledSession(lambda: windows.ask(calls), step=0.0)
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source)
    watch.step()
    calls.info = session_info(0)
    watch.step()
    calls.info = session_info(1)
    watch.step()
    assert told == [
        PowerChanged(False),
        SessionChanged("the screen is locked"),
        SessionChanged(None),
        UserIsBack(),
    ]  # fmt: skip


def test_an_interrupted_wait_ends_at_once() -> None:
    source = PolledSession(Signals, step=3600.0)
    source.interrupt()
    source.wait(3600.0)  # the test's time limit is the guard
