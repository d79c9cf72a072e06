"""The page's server: a listening socket that costs nothing until somebody connects.

FastAPI, uvicorn and the page itself are loaded at the first connection. uvicorn then serves the
same socket and ends again when nobody was there for a while; what the application keeps, such as
who is logged in, stays. Who may connect, and for how long: ``agent.web.limited``.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.ports import Clock, Report
from agent.web import loopback
from agent.worker import Cancelled, Worker

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

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
        from agent.web import limited

        if self._app is None:
            self._app = self._make_app(listening.getsockname()[1])
        quiet_since = self.clock.monotonic()

        async def look_around() -> None:
            nonlocal quiet_since
            now = self.clock.monotonic()
            if server.server_state.connections:
                quiet_since = now
            elif now - quiet_since > NOBODY_THERE:
                server.should_exit = True

        server = limited.new_server(self._app, notify=look_around, every=LOOK_EVERY)
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
