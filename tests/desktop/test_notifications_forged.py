"""What other programs on the bus say in the notification service's place is not believed."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from pathlib import Path

import pytest
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

from agent.desktop.notifications import freedesktop
from agent.desktop.notifications.freedesktop import FreedesktopNotifications
from agent.desktop.notifications.service import NAME, Service
from agent.effects import Notification
from agent.events import Event, UndoSwitch
from agent.types import NotificationKind
from tests.desktop.buses import MOCK, PrivateBus, wait_until

PATH = "/org/freedesktop/Notifications"


@pytest.fixture
def service(session_bus: PrivateBus) -> PrivateBus:
    """A bus with a service that shows buttons."""
    options = ("--template", "notification_daemon", "--parameters", '{"capabilities": "actions"}')
    session_bus.serve("session", *options)
    wait_until(lambda: session_bus.has(NAME))
    return session_bus


def forge(bus: PrivateBus, member: str, *words: str) -> None:
    """Say it to all, and to each by name: what is sent to one alone no match rule holds back."""
    names = bus.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames").split()
    for aim in ("", *(f"--dest={name}" for name in names if name.startswith(":"))):
        told = [aim] if aim else []
        subprocess.run(
            ["dbus-send", f"--bus={bus.address}", "--type=signal", *told, PATH,
             f"{NAME}.{member}", *words],
            check=True, timeout=30,
        )  # fmt: skip


def press(bus: PrivateBus, number: int, key: str) -> None:
    """The service itself says that a button was pressed."""
    words = (NAME, "ActionInvoked", "us", [("u", number), ("s", key)])
    call = new_method_call(DBusAddress(PATH, NAME, MOCK), "EmitSignal", "sssav", words)
    with open_dbus_connection(bus.address) as connection:
        unwrap_msg(connection.send_and_get_reply(call, timeout=30))


def test_nobody_else_answers_a_question(service: PrivateBus) -> None:
    answers: list[str | None] = []
    settled = threading.Event()
    asking = threading.Thread(
        target=lambda: answers.append(
            freedesktop.ask("Question", "Text", ("Allow", "No"), settled.is_set, 0.1)
        )
    )
    asking.start()
    asking.join(2.0)
    assert asking.is_alive(), "the question stands"
    forge(service, "ActionInvoked", "uint32:1", "string:Allow")
    forge(service, "NotificationClosed", "uint32:1", "uint32:2")
    asking.join(2.0)
    assert answers == []
    press(service, 1, "Allow")
    asking.join(20)
    assert answers == ["Allow"]


def test_nobody_else_presses_a_button(service: PrivateBus) -> None:
    pressed: list[Event] = []
    undo = Notification(NotificationKind.SWITCH, "t", "b", buttons=(("Undo", UndoSwitch()),))

    async def act() -> None:
        way = FreedesktopNotifications(pressed.append, "Moodtray", 60)
        await way.show(undo, Path("/icon.png"), Service("mock", buttons=True, markup=False))
        forge(service, "ActionInvoked", "uint32:1", "string:0")
        forge(service, "NotificationClosed", "uint32:1", "uint32:2")
        await asyncio.sleep(1.0)
        assert pressed == []
        press(service, 1, "0")
        for _ in range(100):
            if not pressed:
                await asyncio.sleep(0.1)
        assert pressed == [UndoSwitch()]

    asyncio.run(act())
