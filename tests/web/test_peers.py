"""Whose connection it is, told by the real kernel: by asking it, and by reading its tables."""

from __future__ import annotations

import ast
import errno
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.store.paths import Paths
from agent.types import Snapshot
from agent.web import peers
from agent.web.commands import Commands
from agent.web.door import Door
from agent.web.door_client import call
from agent.web.door_key import DoorKey
from tests.stranger import as_stranger

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells whose a connection is"
)
ROOT = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="two users are needed")
WEB = Path(peers.__file__).parent


@pytest.fixture(params=["asked", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two ways in which Linux tells it."""
    if request.param == "read":
        no_service(monkeypatch)
    else:
        monkeypatch.setattr(peers, "TABLES", (Path("/nowhere"), Path("/nowhere")))
    return str(request.param)


def no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPROTONOSUPPORT, "no such protocol")

    monkeypatch.setattr(peers, "_ask_kernel", refused)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_our_own_connection_is_ours(way: str, listening: socket.socket, family: int) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::ffff:127.0.0.1"
    with socket.socket(family) as client:
        client.connect((host, port_of(listening)))
        with listening.accept()[0] as accepted:
            assert peers.client_is_ours(accepted)
        if family == socket.AF_INET:
            assert peers.server_is_ours(client)


@ROOT
@pytest.mark.parametrize("source", ["", "127.0.0.9"])
def test_another_users_connection_is_not(way: str, listening: socket.socket, source: str) -> None:
    port = port_of(listening)
    verdicts = []

    def attack() -> bytes:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if source:
                client.bind((source, port))
            client.connect(("127.0.0.1", port))
            return client.recv(10)

    def receive() -> None:
        with listening.accept()[0] as accepted:
            verdicts.append(peers.client_is_ours(accepted))

    thread = threading.Thread(target=receive)
    thread.start()
    as_stranger(attack)
    thread.join(30)
    assert verdicts == [False]


@ROOT
def test_another_users_server_is_not_ours(way: str) -> None:
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        os.fchown(theirs.fileno(), 65_534, 65_534)  # as if they had made it
        theirs.listen()
        with socket.create_connection(theirs.getsockname()) as client:
            assert not peers.server_is_ours(client)
            theirs.accept()[0].close()


def gone_by_reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("leave", [socket.socket.close, gone_by_reset])
def test_who_has_left_is_not_ours(
    way: str, listening: socket.socket, leave: Callable[[socket.socket], None]
) -> None:
    """Sockets that are closed belong to root, says Linux: we may be just that."""
    client = socket.create_connection(("127.0.0.1", port_of(listening)))
    client.sendall(b"POST")
    with listening.accept()[0] as accepted:
        leave(client)
        assert not peers.client_is_ours(accepted)


def test_a_later_connection_from_the_same_port_proves_nothing(
    way: str, listening: socket.socket
) -> None:
    """Somebody sends, is gone, and ours comes to have the two addresses that they had."""
    nobody_elses = ("127.0.0.77", 0)  # other tests take ports of 127.0.0.1 as soon as they are free
    first = socket.create_connection(("127.0.0.1", port_of(listening)), source_address=nobody_elses)
    source = first.getsockname()
    first.sendall(b"POST")
    with listening.accept()[0] as theirs:
        addresses = (theirs.getsockname(), theirs.getpeername())
        gone_by_reset(first)
        with socket.socket() as second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            second.bind(source)
            second.connect(("127.0.0.1", port_of(listening)))

            class Kept:
                """What still knows its addresses."""

                def getsockname(self) -> object:
                    return addresses[0]

                def getpeername(self) -> object:
                    return addresses[1]

                def getsockopt(self, level: int, name: int, size: int) -> bytes:
                    return theirs.getsockopt(level, name, size)

            assert not peers.client_is_ours(Kept())


def test_a_system_that_does_not_tell_is_no_obstacle(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_service(monkeypatch)
    monkeypatch.setattr(peers, "TABLES", (Path("/nowhere"), Path("/nowhere")))
    with socket.create_connection(("127.0.0.1", port_of(listening))) as client:
        assert peers.server_is_ours(client)
        with listening.accept()[0] as accepted:
            assert peers.client_is_ours(accepted)
    with socket.socket() as other:
        other.bind(("127.0.0.5", 0))
        other.connect(("127.0.0.1", port_of(listening)))
        with listening.accept()[0] as accepted:
            assert not peers.client_is_ours(accepted)


def test_without_a_descriptor_left_nobody_is_ours(
    listening: socket.socket,
) -> None:
    """A stranger who used them all up would be let in otherwise."""
    import resource  # Unix alone has it

    with (
        socket.create_connection(("127.0.0.1", port_of(listening))) as client,
        listening.accept()[0] as accepted,
    ):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (accepted.fileno(), limits[1]))
        try:
            verdicts = peers.client_is_ours(accepted), peers.server_is_ours(client)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert verdicts == (False, False)


def test_the_price_does_not_grow_with_the_connections(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are not read where the kernel answers, not even for who has left."""

    def never(*_: object) -> None:
        raise AssertionError("the table was read")

    monkeypatch.setattr(peers, "_read_tables", never)
    with socket.create_connection(("127.0.0.1", port_of(listening))) as client:
        with listening.accept()[0] as accepted:
            assert peers.client_is_ours(accepted)
            here, there = accepted.getsockname(), accepted.getpeername()
            nobody = ("127.0.0.1", 1)
            assert peers._owner(peers.ESTABLISHED, nobody, here, known=(here, there)) is None
        assert peers.server_is_ours(client)


# --- the door on a port


@pytest.fixture
def door() -> Iterator[tuple[Paths, int]]:
    paths, clock = Paths.default(), SystemClock()
    answers = Commands(lambda _event: None, lambda: Snapshot.__new__(Snapshot), clock)
    made = Door(paths, answers, lambda _event: None, clock, private=False)
    made.start()
    assert made.wait_ready(60)
    key = DoorKey.read(paths)
    assert key is not None
    assert key.port is not None
    yield paths, key.port
    made.request_stop()
    assert made.join(10)


def test_the_door_on_a_port_is_closed_to_other_users(door: tuple[Paths, int]) -> None:
    paths, port = door

    def attack() -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=4) as stranger:
                return stranger.recv(10)  # at once; REQUEST_TIMEOUT would be more
        except ConnectionResetError:
            return b""

    assert as_stranger(attack) == "b''"
    assert call(paths, "hello")["text"]


# --- every server


def test_no_server_goes_without_the_check() -> None:
    """Only one module makes uvicorn's servers, and the door alone accepts connections itself."""
    makers, acceptors = set(), set()
    for file in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "Config":
                    makers.add(file.name)
                elif node.func.attr == "accept":
                    acceptors.add(file.name)
    assert makers == {"limited.py"}
    assert acceptors == {"door.py"}
