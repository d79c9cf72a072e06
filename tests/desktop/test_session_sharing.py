"""A shared screen, as desktops let it be seen on the session bus."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.desktop.dbus_server import BusServer, Interface
from agent.desktop.session.bus import Bus
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


def test_the_session_tells_of_it(session_bus: PrivateBus, no_display: None) -> None:
    session = LinuxSession(FakeClock())
    session.open()
    name, path = PLACES[0]
    assert session.read().sharing is None
    with desktop(session_bus, name, f"{path}/u1"):
        assert session.read().sharing is True
    session.close()
