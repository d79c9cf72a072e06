"""What programs on the bus send that is no sensible message, or is far too large, ends nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from jeepney.low_level import Endianness, Parser, serialise_header_fields
from jeepney.wrappers import unwrap_msg

from agent.desktop.bus_connection import LONGEST, Head, WantedParser
from agent.desktop.bus_control import NAME, PATH
from agent.desktop.dbus_server import DENIED, BusServer, Interface, Method
from agent.desktop.notifications.freedesktop import FreedesktopNotifications
from agent.desktop.notifications.service import NAME as NOTIFICATIONS
from agent.desktop.notifications.service import Service
from agent.desktop.session.bus import Bus
from agent.desktop.tray.status_notifier import MENU_PATH
from agent.effects import Notification
from agent.events import Event
from agent.types import NotificationKind
from tests.desktop.buses import PrivateBus, start_bus, wait_until
from tests.desktop.conftest import Program
from tests.desktop.own_panel import Watcher
from tests.stranger import as_stranger, open_home

MENU = "com.canonical.dbusmenu"
NO_SUCH_DESCRIPTOR = struct.pack("<I", 7)
"""A body of the signature ``h``: the number of a descriptor that does not come along."""


def raw(
    kind: int,
    serial: int,
    body: bytes,
    signature: str,
    member: str,
    name: str = "",
    path: str = PATH,
    interface: str = NAME,
) -> bytes:
    """A message whose body jeepney would not write."""
    fields = {
        HeaderFields.path: path,
        HeaderFields.interface: interface,
        HeaderFields.member: member,
    }
    if name:
        fields[HeaderFields.destination] = name
    if signature:
        fields[HeaderFields.signature] = signature
    head = struct.pack("<cBBBII", b"l", kind, 0, 1, len(body), serial)
    head += bytes(serialise_header_fields(fields, Endianness.little))
    return head + bytes(-len(head) % 8) + body


def throw(bus: PrivateBus, make: Callable[[int, str], bytes], *names: str) -> None:
    """Send it to each name, or to each program by its own, and wait until the bus has passed it."""
    with open_dbus_connection(bus.address) as connection:
        known = connection.send_and_get_reply(message_bus.ListNames(), timeout=30).body[0]
        for name in names or [n for n in known if n != connection.unique_name and n[0] == ":"]:
            connection.sock.sendall(make(next(connection.outgoing_serial), name))
        connection.send_and_get_reply(message_bus.ListNames(), timeout=30)


def call_with_no_descriptor(serial: int, name: str) -> bytes:
    return raw(MessageType.method_call.value, serial, NO_SUCH_DESCRIPTOR, "h", "Open", name)


def signal_with_no_descriptor(serial: int, name: str) -> bytes:
    return raw(MessageType.signal.value, serial, NO_SUCH_DESCRIPTOR, "h", "Changed", name)


def owner_changed(serial: int, name: str) -> bytes:
    """As the bus itself says it, but with a body of another shape."""
    kind, body = MessageType.signal.value, struct.pack("<I", 1) + b"x\0"
    bus = "org.freedesktop.DBus"
    return raw(kind, serial, body, "s", "NameOwnerChanged", name, "/org/freedesktop/DBus", bus)


@pytest.fixture
def session_bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    """One that lets other users on."""
    with open_home() as folder:
        bus = start_bus(folder / "bus")
        (folder / "bus").chmod(0o755)
        (folder / "bus" / "bus").chmod(0o777)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        yield bus
        bus.stop()


# --- the agent's own objects


@pytest.fixture
def door(session_bus: PrivateBus) -> Iterator[PrivateBus]:
    """A server of ours with one method."""
    server = BusServer(allow=lambda user: user == os.getuid())
    server.export(PATH, Interface(NAME, {"Open": Method(lambda: ())}))
    server.own(NAME)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            server.run()
        except BaseException as error:  # noqa: BLE001 - the test asserts on it
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wait_until(lambda: session_bus.has(NAME))
    yield session_bus
    server.stop()
    thread.join(10)
    assert ended == []


def opens() -> Message:
    with open_dbus_connection("SESSION") as script:
        address = DBusAddress(PATH, bus_name=NAME, interface=NAME)
        return script.send_and_get_reply(new_method_call(address, "Open"), timeout=20)


@pytest.mark.parametrize(
    "make", [call_with_no_descriptor, signal_with_no_descriptor, owner_changed]
)
def test_the_agent_stays_on_the_bus(
    door: PrivateBus, caplog: pytest.LogCaptureFixture, make: Callable[[int, str], bytes]
) -> None:
    for _ in range(3):
        throw(door, make)
    assert opens().header.message_type is MessageType.method_return
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


def test_a_stranger_whom_the_bus_lets_on_harms_nothing(door: PrivateBus) -> None:
    assert as_stranger(lambda: throw(door, call_with_no_descriptor)) == "None"
    assert opens().header.message_type is MessageType.method_return


def test_the_session_listens_on(session_bus: PrivateBus) -> None:
    bus = Bus("SESSION")
    bus.subscribe("org.example.Service")
    throw(session_bus, signal_with_no_descriptor)
    throw(session_bus, owner_changed)
    assert bus.signals() == []
    name = "org.freedesktop.DBus"
    assert bus.call(name, "/", name, "GetId", gives="s") is not None
    bus.close()


# --- the tray


@pytest.fixture
def tray(
    no_display: None, session_bus: PrivateBus, start_program: Callable[..., Program]
) -> Iterator[tuple[Program, str]]:
    """The program with the tray, and its name on the bus."""
    watcher = Watcher().start()
    program = start_program("tray_program", dict(os.environ))
    program.wait_for_line("backend")
    wait_until(lambda: bool(names_of(session_bus)))
    yield program, names_of(session_bus)[0]
    watcher.stop()


def names_of(bus: PrivateBus) -> list[str]:
    """The icons on it."""
    with open_dbus_connection(bus.address) as connection:
        known = connection.send_and_get_reply(message_bus.ListNames(), timeout=30).body[0]
    return [name for name in known if "StatusNotifierItem-" in name]


def asked(name: str, member: str, signature: str, *body: object) -> Message:
    """The answer of the menu."""
    address = DBusAddress(MENU_PATH, bus_name=name, interface=MENU)
    with open_dbus_connection("SESSION") as panel:
        question = new_method_call(address, member, signature, body)
        return panel.send_and_get_reply(question, timeout=60)


def test_the_icon_and_its_menu_stay(session_bus: PrivateBus, tray: tuple[Program, str]) -> None:
    program, name = tray
    throw(session_bus, call_with_no_descriptor, name)
    layout = unwrap_msg(asked(name, "GetLayout", "iias", 0, -1, []))
    assert len(layout[1][2]) > 5
    assert program.process.poll() is None, program.errors()


def test_one_line_that_is_asked_for_many_times_is_told_once(tray: tuple[Program, str]) -> None:
    asked_for = [0] * 200_000
    (told,) = unwrap_msg(asked(tray[1], "GetGroupProperties", "aias", asked_for, []))
    assert [number for number, _ in told] == [0]


def test_another_user_reads_and_clicks_nothing_in_the_menu(tray: tuple[Program, str]) -> None:

    def read_the_menu() -> object:
        answer = asked(tray[1], "GetLayout", "iias", 0, -1, [])
        return answer.header.fields.get(HeaderFields.error_name)

    assert DENIED in as_stranger(read_the_menu)


# --- notifications


def test_notifications_are_shown_on(session_bus: PrivateBus) -> None:
    session_bus.serve("session", "--template", "notification_daemon")
    wait_until(lambda: session_bus.has(NOTIFICATIONS))
    reported: list[Event] = []

    async def act() -> None:
        way = FreedesktopNotifications(reported.append, "Moodtray", 60)
        shown = Notification(NotificationKind.SWITCH, "t", "b")
        await way.show(shown, Path("/icon.png"), Service("mock", buttons=True, markup=False))
        throw(session_bus, signal_with_no_descriptor)
        await way.show(shown, Path("/icon.png"), Service("mock", buttons=True, markup=False))

    asyncio.run(act())


# --- the parser itself


def test_nothing_is_kept_of_a_message_that_is_not_wanted() -> None:
    parser = WantedParser(Parser(), lambda head: head.size <= LONGEST)
    large = raw(1, 1, struct.pack("<I", 20_000_000) + bytes(20_000_001), "s", "Open", NAME)
    most = 0
    for at in range(0, len(large), 65_536):
        parser.add_data(large[at : at + 65_536])
        assert parser.get_next_message() is None
        most = max(most, parser.buf.bytes_buffered)
    assert most <= 65_536
    parser.add_data(raw(1, 2, b"", "", "Open", NAME))
    after = parser.get_next_message()
    assert after is not None
    assert after.header.fields[HeaderFields.member] == "Open"


def test_a_head_without_an_end_is_not_kept_either() -> None:
    parser = WantedParser(Parser(), lambda head: True)
    parser.add_data(struct.pack("<cBBBIII", b"l", 1, 0, 1, 0, 1, 60_000_000))
    for _ in range(100):
        parser.add_data(bytes(65_536))
        assert parser.get_next_message() is None
    assert parser.buf.bytes_buffered == 0


def test_messages_come_whole_however_they_are_cut() -> None:
    heard: list[Head] = []
    parser = WantedParser(Parser(), lambda head: not heard.append(head))
    wire = b"".join(raw(1, n, struct.pack("<I", n), "u", "Open", NAME) for n in range(1, 6))
    found = []
    for byte in wire:
        parser.add_data(bytes([byte]))
        while (message := parser.get_next_message()) is not None:
            found.append(message.body)
    assert found == [(n,) for n in range(1, 6)]
    assert len(heard) == 5, "each head is judged once"
