"""The page's server over real HTTP: loaded when first asked for, and held open by nobody."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from agent import events
from agent.clock import SystemClock
from agent.web import loopback, page_server
from agent.web.page_server import PageServer

if TYPE_CHECKING:  # a test looks whether it is loaded
    from starlette.types import ASGIApp

CLOCK = SystemClock()
HEAVY = {"fastapi", "uvicorn", "starlette", "jinja2"}


def new_server(port: int = 0, happened: list[object] | None = None) -> PageServer:
    told: list[object] = [] if happened is None else happened
    return PageServer(make_app, told.append, CLOCK, port)


async def at_once() -> str:
    return "hello"


async def news() -> AsyncIterator[bytes]:
    """Tell something once, and wait for more that never comes."""
    yield b"data: {}\n\n"
    await asyncio.Event().wait()


def make_app(port: int) -> ASGIApp:
    """A page that says hello; what it needs is loaded by it, as the real one does."""
    from fastapi import FastAPI
    from starlette.responses import PlainTextResponse, StreamingResponse

    app = FastAPI()
    app.get("/")(lambda: PlainTextResponse(f"hello from {port}"))
    app.get("/long")(lambda: PlainTextResponse(b"x" * 20_000_000))
    app.get("/at-once")(at_once)
    app.get("/news")(lambda: StreamingResponse(news()))
    app.get("/endless")(lambda: StreamingResponse(iter(lambda: b"x" * 10_000, None)))
    return app


def kept_at_most() -> int:
    from agent.web.limited import MAX_CONNECTIONS

    return MAX_CONNECTIONS


def stopped(server: PageServer, timeout: float) -> bool:
    """Ask it to end; True when it has."""
    server.request_stop()
    return server.join(timeout)


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = new_server()
    server.start()
    assert server.wait_ready(60)
    yield server
    assert stopped(server, 10)


def asked(server: PageServer, method: str = "GET", **headers: str) -> int:
    """The status of one request."""
    assert server.port is not None
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, "/", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def connected(server: PageServer) -> socket.socket:
    assert server.port is not None
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def was_closed(connection: socket.socket) -> bool:
    """True when it is closed within a minute; what it sent before does not matter."""
    end = time.monotonic() + 60
    try:
        while connection.recv(10_000):
            assert time.monotonic() < end
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def test_the_page_answers(server: PageServer) -> None:
    assert asked(server) < 500
    assert asked(server) < 500


def test_an_answer_does_not_wait_for_the_first_half_of_it_to_be_confirmed() -> None:
    """asyncio turns that off for sockets that are named by their protocol alone."""
    accepted: list[int] = []

    async def accept() -> None:
        def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            accepted.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = loopback.listen(0)
        async with await asyncio.start_server(note, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()

    asyncio.run(accept())
    assert accepted == [1]


def test_nothing_is_loaded_before_somebody_asks() -> None:
    code = """
import sys, http.client
from tests.web.test_page_server import HEAVY, new_server, stopped
server = new_server()
server.start()
assert server.wait_ready(60)
def loaded():
    return bool(HEAVY & {m.split(".")[0] for m in sys.modules})
print(loaded())
connection = http.client.HTTPConnection("127.0.0.1", server.port)
connection.request("GET", "/")
connection.getresponse()
print(loaded())
stopped(server, 10)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_it_listens_on_the_loopback_address_alone(server: PageServer) -> None:
    import psutil

    listening = {
        (c.laddr.ip, c.laddr.port)
        for c in psutil.Process().net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    }
    assert ("127.0.0.1", server.port) in listening
    assert {ip for ip, _ in listening} == {"127.0.0.1"}


def test_a_taken_port_is_no_obstacle() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        taken = other.getsockname()[1]
        server = new_server(taken)
        server.start()
        assert server.wait_ready(60)
        assert server.port != taken
        assert asked(server) < 500
        assert stopped(server, 10)


def test_a_wished_port_is_used() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = new_server(port)
    server.start()
    assert server.wait_ready(60)
    assert server.port == port
    assert stopped(server, 10)
    assert server.port is None


def test_a_stop_right_after_the_start() -> None:
    server = new_server()
    server.start()
    assert stopped(server, 60)
    assert stopped(new_server(), 0)


def test_held_connections_lock_nobody_out_and_write_no_log(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked(server) < 500
    caplog.clear()
    held = []
    for number in range(3 * kept_at_most()):
        held.append(connected(server))
        if number % 3:
            held[-1].sendall(b"GET / HTTP/1.1\r\n" if number % 3 == 1 else b"POST / HTTP/1.1\r\n")
    assert asked(server) < 500
    assert was_closed(held[0]), "the one that waited longest was closed"
    for one in held:
        one.close()
    assert not caplog.records


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
    ],
)
def test_a_request_has_to_come_in_time(
    server: PageServer, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr("agent.web.limited.REQUEST_TIMEOUT", 0.5)
    asked(server)
    with connected(server) as slow:
        slow.sendall(start)
        assert was_closed(slow)


def test_half_a_request_after_a_whole_one_has_to_come_in_time(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.limited.REQUEST_TIMEOUT", 0.5)
    asked(server)
    with connected(server) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert slow.recv(10_000)
        slow.sendall(b"GET / HT")
        assert was_closed(slow)


def deaf(server: PageServer) -> socket.socket:
    """A connection that asks and asks and reads no answer."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    one.settimeout(60)
    assert server.port is not None
    one.connect(("127.0.0.1", server.port))
    one.setblocking(False)
    with contextlib.suppress(OSError):
        one.send(b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 400)
    return one


def is_closed(connection: socket.socket, seconds: float) -> bool:
    """True when the other side has closed it by then, without a byte being read."""
    end = time.monotonic() + seconds
    watched = select.poll()
    watched.register(connection, select.POLLHUP | select.POLLERR)
    return bool(watched.poll(1000 * max(0.0, end - time.monotonic())))


@pytest.mark.skipif(os.name == "nt", reason="there is no poll there")
def test_who_reads_no_answer_locks_nobody_out(server: PageServer) -> None:
    assert asked(server) < 500
    with contextlib.ExitStack() as held:
        many = [held.enter_context(deaf(server)) for _ in range(kept_at_most() + 8)]
        for _ in range(3):
            assert asked(server) < 500
        assert all(is_closed(one, 30) for one in many)


@pytest.mark.skipif(os.name == "nt", reason="there is no poll there")
def test_an_answer_has_to_be_read_in_time(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.limited.ANSWER_TIMEOUT", 0.5)
    assert asked(server) < 500
    for path in ("/long", "/endless"):
        with connected(server) as slow:
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert is_closed(slow, 30), path


@pytest.mark.skipif(os.name == "nt", reason="there is no poll there")
def test_nobody_asks_again_before_the_answer(server: PageServer) -> None:
    """No browser does; whoever does could keep us busy with one connection."""
    assert asked(server) < 500
    with connected(server) as hasty:
        hasty.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2)
        assert is_closed(hasty, 30)


def test_what_strangers_send_makes_no_line_in_the_log(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    asked(server)
    caplog.clear()
    logging.getLogger().setLevel(logging.INFO)
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: \xff\r\n\r\n",
        b"GET /at-once HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"\r\n" * 1_000,
        b"GET " + b"x" * 100_000,
    ):
        with connected(server) as stranger:
            stranger.sendall(nonsense)
            stranger.settimeout(0.5)
            with contextlib.suppress(OSError):
                stranger.recv(1000)
    assert asked(server) < 500
    assert not [record for record in caplog.records if record.name != "asyncio"]


def test_it_rests_when_nobody_is_there_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_server, "NOBODY_THERE", 0.3)
    monkeypatch.setattr(page_server, "LOOK_EVERY", 0)
    server = new_server()
    server.start()
    assert server.wait_ready(60)
    for _ in range(2):
        assert asked(server) < 500
        end = time.monotonic() + 60
        while server.serving:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert stopped(server, 10)


def test_a_client_that_holds_its_connection_does_not_delay_the_stop() -> None:
    server = new_server()
    server.start()
    assert server.wait_ready(60)
    assert asked(server) < 500
    with connected(server) as held:
        held.sendall(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        time.sleep(0.2)
        assert stopped(server, 10)


def test_a_page_that_is_open_at_the_end_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    """Each quit with an open page left the traceback of a cancelled stream in the log."""
    server = new_server()
    server.start()
    assert server.wait_ready(60)
    with connected(server) as open_page:
        open_page.sendall(b"GET /news HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while b"data:" not in answer:
            answer += open_page.recv(1000)
        assert stopped(server, 10)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_server_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    real, deaths = uvicorn.Server.run, [SystemExit(1), RuntimeError("the loop broke"), None]

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        if not deaths:
            return real(server, sockets)
        death = deaths.pop(0)
        for one in sockets:
            one.close()
        if death is not None:
            raise death
        return None  # it just ended

    monkeypatch.setattr(uvicorn.Server, "run", run)
    happened: list[object] = []
    server = new_server(happened=happened)
    server.start()
    end = time.monotonic() + 60
    while deaths:
        if server.wait_ready(0.1) and not server.serving:
            with contextlib.suppress(OSError, AssertionError):  # it ends this very moment
                connected(server).close()
        server.wake()  # instead of the second between two tries
        assert time.monotonic() < end
    while True:
        try:
            assert asked(server) < 500
            break
        except (OSError, AssertionError):  # between two tries it listens to nobody
            server.wake()
            assert time.monotonic() < end
            time.sleep(0.05)
    crashes = [e for e in happened if isinstance(e, events.WorkerCrashed)]
    assert [e.gave_up for e in crashes][:2] == [False] * 2
    assert stopped(server, 10)


def test_nothing_is_measured_for_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web framework's own telemetry stays off, even where the environment asks for it."""
    from fastapi import FastAPI

    from agent.web.loopback import NO_TELEMETRY

    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    app = FastAPI(telemetry=NO_TELEMETRY)
    telemetry = getattr(app, "_native_telemetry", None)
    assert telemetry is None or not telemetry.enabled()
    settings = getattr(app, "_telemetry", {})
    assert not any(settings.get(name) for name in ("tracing", "metrics", "logs", "auto_configure"))
