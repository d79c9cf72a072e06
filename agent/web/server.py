"""The loopback server of the control API, as a worker: one that dies is started again.

``control.json`` in the runtime folder tells commands where it is and proves who may ask: port,
secret and process id, readable by the user alone, made anew at every start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent import logs
from agent.ports import Clock, Report
from agent.store.files import write_atomic
from agent.store.paths import Paths
from agent.types import Snapshot
from agent.worker import Cancelled, Worker

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger(__name__)

CONTROL_FILE = "control.json"


class ControlServer(Worker):
    """``port`` 0: any free one. A taken port is no obstacle: another one is used, since commands
    read it from the file. One cycle serves until it is told to stop; the libraries are imported in
    it, past the tray's start."""

    def __init__(
        self,
        paths: Paths,
        report: Report,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        port: int = 0,
        page_link: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__("control", report, clock)
        self._file = paths.runtime / CONTROL_FILE
        self._snapshot = snapshot
        self._port = port
        self._page_link = page_link
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()

    # -- any thread

    def wait_ready(self, timeout: float) -> bool:
        """True once commands are answered."""
        return self._ready.wait(timeout)

    def request_stop(self) -> None:
        super().request_stop()
        if self._ready.is_set():  # the file is ours; it goes first, should the thread hang
            self._take_back_the_file()
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True

    # -- the worker's thread

    def cycle(self) -> float | None:
        import uvicorn

        from agent.web.control import HOST, control_file_text, make_app

        secret = secrets.token_urlsafe(32)
        logs.hide(secret)
        with _listen(HOST, self._port) as listening:
            config = uvicorn.Config(
                make_app(self.report, self._snapshot, secret, self.clock, self._page_link),
                log_config=None,
                access_log=False,
                lifespan="off",
                loop="asyncio",
                http="h11",
                ws="none",
                server_header=False,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
            )
            self._server = uvicorn.Server(config)
            # A request to stop may have come before there was a server to tell.
            if self.stopping:
                raise Cancelled
            port = listening.getsockname()[1]
            self._take_back_the_file()  # an old one would keep its own permissions
            write_atomic(self._file, control_file_text(port, secret, os.getpid()), mode=0o600)
            # The socket listens already: who reads the file now waits a moment, no more.
            self._ready.set()
            try:
                self._server.run(sockets=[listening])
            except SystemExit as error:  # that is how the library refuses to start
                raise RuntimeError(f"the server ended the thread: {error}") from error
        if not self.stopping:
            raise RuntimeError("the server ended by itself")
        raise Cancelled

    def release(self) -> None:
        if self._ready.is_set():
            self._ready.clear()
            self._take_back_the_file()
        self._server = None

    def _take_back_the_file(self) -> None:
        with contextlib.suppress(OSError):
            self._file.unlink()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``port``, or on any free one when that is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there the option lets two programs share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            log.warning("port %d cannot be used (%s); taking a free one", port, error.strerror)
            listening.bind((host, 0))
        listening.listen(16)
    except BaseException:
        listening.close()
        raise
    return listening
