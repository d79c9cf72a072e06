"""What another user says on the system's message bus in logind's place is not believed."""

from __future__ import annotations

import os
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("Linux's own mechanism", allow_module_level=True)

from jeepney import DBusAddress, HeaderFields, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from agent.clock import SystemClock
from agent.desktop.session.linux import (
    LOGIN,
    LOGIN_MANAGER,
    LOGIN_SESSION,
    PROPERTIES,
    LinuxSession,
)
from tests.desktop.buses import MOCK, PrivateBus, gdbus, start_bus, wait_until
from tests.stranger import as_stranger, open_home

MANAGER = "/org/freedesktop/login1"
SESSION = f"{MANAGER}/session/c1"


@pytest.fixture
def logind(monkeypatch: pytest.MonkeyPatch, no_display: None) -> Iterator[PrivateBus]:
    """A bus that everybody can reach, as the system's, with logind and a session of this user."""
    with open_home() as home:
        bus = start_bus(home / "bus")
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/nobody")
        bus.serve("system", "--template", "logind")
        wait_until(lambda: bus.has(LOGIN))
        told = ["string:c1", "string:seat0", f"uint32:{os.getuid()}", "string:me", "boolean:true"]
        bus.call(LOGIN, MANAGER, f"{MOCK}.AddSession", *told)
        yield bus
        bus.stop()


@pytest.fixture
def session(logind: PrivateBus) -> Iterator[LinuxSession]:
    session = LinuxSession(SystemClock())
    session.open()
    yield session
    session.close()


def forge(
    bus: PrivateBus,
    path: str,
    interface: str,
    member: str,
    signature: str,
    *body: object,
    times: int = 1,
) -> None:
    """Say it, as another user, to each program by name: no match rule holds that back."""
    signal = new_signal(DBusAddress(path, interface=interface), member, signature or None, body)

    def attack() -> None:
        with open_dbus_connection(bus.address) as connection:
            connection.sock.settimeout(60)
            for name in times * _programs(connection):
                signal.header.fields[HeaderFields.destination] = name
                connection.send(signal)
            _programs(connection)  # answered once all of it has been passed on

    assert as_stranger(attack) == "None"


def _programs(connection: DBusConnection) -> list[str]:
    names = connection.send_and_get_reply(message_bus.ListNames(), timeout=30).body[0]
    return [name for name in names if name.startswith(":") and name != connection.unique_name]


def changed(bus: PrivateBus, path: str, interface: str, **values: bool) -> None:
    told = {name: ("b", value) for name, value in values.items()}
    forge(bus, path, PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, told, [])


def lock(bus: PrivateBus, locked: bool) -> None:
    value = f"boolean:{'true' if locked else 'false'}"
    bus.call(LOGIN, SESSION, f"{LOGIN_SESSION}.SetLockedHint", value)


def test_another_user_cannot_unlock_the_screen(logind: PrivateBus, session: LinuxSession) -> None:
    lock(logind, True)
    wait_until(lambda: session.read().locked)
    changed(logind, SESSION, LOGIN_SESSION, LockedHint=False)
    forge(logind, SESSION, LOGIN_SESSION, "Unlock", "")
    time.sleep(0.3)
    assert session.read().locked, "the camera would be on before a locked screen"


def test_another_user_cannot_take_the_camera_away(
    logind: PrivateBus, session: LinuxSession
) -> None:
    before = session.read()
    forge(logind, MANAGER, LOGIN_MANAGER, "PrepareForSleep", "b", True)
    changed(logind, SESSION, LOGIN_SESSION, Active=False, LockedHint=True)
    time.sleep(0.3)
    assert session.read() == before


def test_what_makes_no_sense_harms_nothing(logind: PrivateBus, session: LinuxSession) -> None:
    forge(logind, MANAGER, LOGIN_MANAGER, "PrepareForSleep", "")
    forge(logind, SESSION, PROPERTIES, "PropertiesChanged", "u", 7)
    time.sleep(0.3)
    session.read()
    lock(logind, True)
    wait_until(lambda: session.read().locked)


def test_what_nobody_sent_whom_we_listen_to_is_not_even_read(
    logind: PrivateBus, session: LinuxSession
) -> None:
    tracemalloc.start()
    try:
        forge(logind, SESSION, PROPERTIES, "PropertiesChanged", "au", [1000] * 500_000)
        session.read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000, "two million bytes came; as Python's numbers they take twenty"


def test_a_flood_leaves_room_for_everything_else(logind: PrivateBus, session: LinuxSession) -> None:
    for _time in range(3):
        forge(logind, SESSION, LOGIN_SESSION, "Unlock", "", times=500)
    lock(logind, True)
    wait_until(lambda: session.read().locked)


def test_a_flood_keeps_no_lock_away(
    logind: PrivateBus, session: LinuxSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the bus holds so much for us already that it drops what logind says."""
    monkeypatch.setattr(session._system, "_signals", deque(maxlen=0))
    lock(logind, True)
    time.sleep(0.3)
    assert not session.read().locked, "it was lost"
    forge(logind, SESSION, LOGIN_SESSION, "Unlock", "", times=300)
    wait_until(lambda: session.read().locked)
    forge(logind, SESSION, LOGIN_SESSION, "Unlock", "", times=300)
    lock(logind, False)
    wait_until(lambda: not session.read().locked)


def test_a_flood_unlocks_nothing(logind: PrivateBus, session: LinuxSession) -> None:
    """Also where a locker tells logind nothing: what was asked of it stays known."""
    gdbus(
        logind, LOGIN, SESSION, f"{MOCK}.EmitSignal", LOGIN_SESSION, "Lock", "", "@av []",
    )  # fmt: skip
    wait_until(lambda: session.read().locked)
    before = session._system
    forge(logind, SESSION, LOGIN_SESSION, "Unlock", "", times=300)
    wait_until(lambda: session.read().locked and session._system is not before)
    assert session.read().locked


def test_a_service_that_starts_anew_is_believed(logind: PrivateBus, session: LinuxSession) -> None:
    former = logind.mocks.pop()
    former.terminate()
    former.wait(20)
    wait_until(lambda: not logind.has(LOGIN))
    logind.serve("system", "--template", "logind")
    wait_until(lambda: logind.has(LOGIN))
    gdbus(
        logind, LOGIN, MANAGER, f"{MOCK}.EmitSignal", LOGIN_MANAGER, "PrepareForSleep", "b",
        "[<true>]",
    )  # fmt: skip
    wait_until(lambda: session.read().asleep)
