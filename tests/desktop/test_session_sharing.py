"""A shared screen, as desktops let it be seen on the session bus."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from jeepney import MessageType, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from agent.desktop.dbus_server import BusServer, Interface
from agent.desktop.notifications.service import ask_service
from agent.desktop.session.bus import Bus
from agent.desktop.session.idle import MutterIdle
from agent.desktop.session.linux import LinuxSession
from agent.desktop.session.sharing import PLACES, Place, screen_is_shared
from tests.desktop.buses import PrivateBus, wait_until
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's desktops")


@contextmanager
def desktop(bus: PrivateBus, name: str, *objects: str) -> Iterator[None]:
    """A service of a desktop with these objects."""
    server = BusServer()
    for path in objects:
        server.export(path, Interface("org.example.Session"))
    server.own(name)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: bus.has(name))
    yield
    server.stop()
    thread.join(10)


@pytest.mark.parametrize("place", PLACES)
def test_a_shared_screen_is_seen(session_bus: PrivateBus, place: Place) -> None:
    name, path = place
    bus = Bus("SESSION")
    assert screen_is_shared(bus) is None, "nobody tells"
    with desktop(session_bus, name, path.rsplit("/", 1)[0]):
        assert screen_is_shared(bus) is False
    with desktop(session_bus, name, f"{path}/1_42/token"):
        assert screen_is_shared(bus) is True
    assert screen_is_shared(bus) is None
    bus.close()


@contextmanager
def answering(bus: PrivateBus, name: str, signature: str | None, body: tuple[object, ...]) -> Any:
    """A service that answers whatever it is asked with the same."""
    connection = open_dbus_connection()
    connection.send_and_get_reply(message_bus.RequestName(name), timeout=10)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                asked = connection.receive(timeout=0.1)
                if asked.header.message_type is MessageType.method_call:
                    connection.send(new_method_return(asked, signature, body))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    wait_until(lambda: bus.has(name))
    try:
        yield
    finally:
        ended.set()
        thread.join(10)
        connection.close()


@pytest.mark.parametrize(
    ("signature", "body"),
    [(None, ()), ("u", (7,)), ("ss", ("<node/>", "x")), ("as", ([],)), ("s", ("no XML",))],
)
def test_answers_that_make_no_sense_are_passed_over(
    session_bus: PrivateBus, signature: str | None, body: tuple[object, ...]
) -> None:
    """One without a body ended the noticing of a locked screen for good."""
    bus = Bus("SESSION")
    with answering(session_bus, PLACES[0][0], signature, body):
        assert screen_is_shared(bus) is False
    with answering(session_bus, "org.gnome.Mutter.IdleMonitor", signature, body):
        assert MutterIdle(bus).seconds() is None
    with answering(session_bus, "org.freedesktop.Notifications", signature, body):
        assert ask_service().problem
    bus.close()


def test_the_session_tells_of_it(session_bus: PrivateBus, no_display: None) -> None:
    session = LinuxSession(FakeClock())
    session.open()
    name, path = PLACES[0]
    assert session.read().sharing is None
    with desktop(session_bus, name, f"{path}/u1"):
        assert session.read().sharing is True
    session.close()
