"""The loopback server of the control API, in a thread of its own.

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
from agent.clock import SystemClock
from agent.errors import AgentError
from agent.ports import Clock, Report
from agent.store.files import write_atomic
from agent.store.paths import Paths
from agent.types import Snapshot

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger(__name__)

CONTROL_FILE = "control.json"


class ControlServer:
    """``port`` 0: any free one. A taken port is no obstacle: another one is used, since commands
    read it from the file."""

    def __init__(
        self,
        paths: Paths,
        report: Report,
        snapshot: Callable[[], Snapshot],
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._file = paths.runtime / CONTROL_FILE
        self._report = report
        self._snapshot = snapshot
        self._port = port
        self._clock = clock or SystemClock()
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()

    def start(self) -> None:
        """Returns at once; the libraries are imported in the thread, past the tray's start."""
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """True once commands are answered."""
        return self._ready.wait(timeout)

    def stop(self, timeout: float = 1.0) -> bool:
        """Ask the thread to end and wait for it; True when it has."""
        self._stopping.set()
        if self._ready.is_set():  # the file is ours; it goes first, should the thread hang
            with contextlib.suppress(OSError):
                self._file.unlink()
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            self._serve_until_stopped()
        except AgentError as error:
            log.warning("commands cannot reach this agent: %s", error)
        except Exception:
            log.exception("defect in the control server")
        finally:
            self._ready.clear()

    def _serve_until_stopped(self) -> None:
        import uvicorn

        from agent.web.control import HOST, control_file_text, make_app

        secret = secrets.token_urlsafe(32)
        logs.hide(secret)
        with _listen(HOST, self._port) as listening:
            config = uvicorn.Config(
                make_app(self._report, self._snapshot, secret, self._clock),
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
            if self._stopping.is_set():
                return
            port = listening.getsockname()[1]
            with contextlib.suppress(OSError):  # an old file would keep its own permissions
                self._file.unlink()
            write_atomic(self._file, control_file_text(port, secret, os.getpid()), mode=0o600)
            try:
                # The socket listens already: who reads the file now waits a moment, no more.
                self._ready.set()
                self._server.run(sockets=[listening])
            finally:
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
