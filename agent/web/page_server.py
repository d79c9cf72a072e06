"""The page's server: a listening socket that costs nothing until somebody connects.

FastAPI, uvicorn and the page itself are loaded at the first connection. uvicorn then serves the
same socket and ends again when nobody was there for a while; what the application keeps, such as
who is logged in, stays. Strangers may connect to the loopback address: connections are limited, a
request has to come within REQUEST_TIMEOUT, and nothing that they send makes a line in the log.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.ports import Clock, Report
from agent.web import loopback
from agent.worker import Cancelled, Worker

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
"""Open at one time; a browser uses about six for one page."""
AT_ONCE = 16
"""Connections that are accepted in one go, before the limit sees the first of them."""
QUEUE = 128
"""Connections that the system holds until we accept them."""
REQUEST_TIMEOUT = 10.0
"""Seconds within which a whole request must have come."""
NOBODY_THERE = 300.0
"""Seconds without a connection after which the server rests until the next one."""
LOOK_EVERY = 5
"""Seconds between two looks at whether somebody is there."""


class PageServer(Worker):
    """Serves the page on ``port`` (0, or taken: any free one).

    One cycle serves until it is told to stop. ``make_app`` is given the port and makes the
    application, once, when it is first asked for.
    """

    def __init__(
        self, make_app: Callable[[int], ASGIApp], report: Report, clock: Clock, port: int = 0
    ) -> None:
        super().__init__("page", report, clock)
        self._make_app = make_app
        self._wanted_port = port
        self._port: int | None = None
        self._ready = threading.Event()
        self._bell: socket.socket | None = None  # ends the wait for a connection
        self._server: uvicorn.Server | None = None
        self._app: ASGIApp | None = None

    # -- any thread

    @property
    def port(self) -> int | None:
        """The port that is listened on; None while none is."""
        return self._port

    @property
    def serving(self) -> bool:
        """True while uvicorn runs."""
        return self._server is not None

    def wait_ready(self, timeout: float) -> bool:
        """Return True once the page can be asked for."""
        return self._ready.wait(timeout)

    def request_stop(self) -> None:
        """End the cycle, whether it waits or serves."""
        super().request_stop()
        bell, server = self._bell, self._server
        if bell is not None:
            with contextlib.suppress(OSError):  # the cycle has ended meanwhile
                bell.send(b"!")
        if server is not None:
            server.should_exit = True
            server.force_exit = True

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Wait for a connection, serve until nobody is there, and again."""
        heard, bell = socket.socketpair()
        with heard, bell, self._listen() as listening:
            self._bell = bell
            self._port = listening.getsockname()[1]
            self._ready.set()
            # A request to stop may have come before there was a bell.
            while not self.stopping:
                select.select([listening, heard], [], [])
                if not self.stopping:
                    self._serve(listening)
        raise Cancelled

    def release(self) -> None:
        """Forget the socket, which the cycle has closed."""
        self._ready.clear()
        self._port = None
        self._server = None

    def _listen(self) -> socket.socket:
        try:
            return loopback.listen(self._wanted_port)
        except OSError as error:
            log.warning(
                "port %d cannot be used (%s); taking a free one", self._wanted_port, error.strerror
            )
            return loopback.listen(0)

    def _serve(self, listening: socket.socket) -> None:
        import uvicorn

        # What strangers send is worth a warning to uvicorn, and would fill the log.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        if self._app is None:
            self._app = self._make_app(listening.getsockname()[1])
        quiet_since = self.clock.monotonic()

        async def look_around() -> None:
            nonlocal quiet_since
            listening.listen(QUEUE)  # asyncio made it as short as AT_ONCE
            now = self.clock.monotonic()
            if server.server_state.connections:
                quiet_since = now
            elif now - quiet_since > NOBODY_THERE:
                server.should_exit = True

        server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                log_config=None,
                access_log=False,
                lifespan="off",
                loop="asyncio",
                http=_limited_protocol(),
                ws="none",
                server_header=False,
                backlog=AT_ONCE,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
                callback_notify=look_around,
                timeout_notify=LOOK_EVERY,
            )
        )
        self._server = server
        if self.stopping:  # it may have come before there was a server to tell
            return
        try:
            server.run(sockets=[listening.dup()])  # uvicorn closes its own
        except SystemExit as error:  # that is how the library refuses to start
            raise RuntimeError(f"the server ended the thread: {error}") from error
        finally:
            self._server = None
        if not server.should_exit:
            raise RuntimeError("the server ended by itself")


def _limited_protocol() -> type[asyncio.Protocol]:
    """Make uvicorn's protocol for one server, with limits of connections and request time."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    waiting: dict[Any, None] = {}  # those whose request has not come yet, the longest first

    class LimitedProtocol(H11Protocol):
        """Closes whoever holds a connection and asks for nothing."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > MAX_CONNECTIONS:
                if not waiting:  # all are being answered
                    transport.abort()
                    return
                longest = next(iter(waiting))
                del waiting[longest]  # now: it is lost a moment later
                longest.transport.abort()
            self._expect_request()

        def connection_lost(self, exc: Exception | None) -> None:
            self._request_came()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
                self._expect_request()
            else:
                self._request_came()

        def _expect_request(self) -> None:
            if self._timer is None and not self.transport.is_closing():
                waiting[self] = None
                self._timer = self.loop.call_later(REQUEST_TIMEOUT, self.transport.abort)

        def _request_came(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return LimitedProtocol
