"""How uvicorn serves a page to this user's browser alone, and to nobody for longer than it takes.

Whoever runs a program on this computer may connect. Other users are turned away as they do; of all
others at most MAX_CONNECTIONS are kept. Whose turn it is to send a request, or to read an answer,
has its time for it, and makes room first when there are too many. Nothing that is sent here makes a
line in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.web import peers

MAX_CONNECTIONS = 64
"""Open at one time; a browser uses about six for one page."""
AT_ONCE = 16
"""Connections that are accepted in one go, before the limit sees the first of them."""
QUEUE = 128
"""Connections that the system holds until we accept them."""
MAX_HEAD = 1_000_000
"""Bytes of a request's head. Browsers send along what every server of this address has set, at most
180 cookies of 4 kB: with uvicorn's own limit some of those would keep the user from the page."""
REQUEST_TIMEOUT = 10.0
"""Seconds within which a whole request must have come."""
ANSWER_TIMEOUT = 30.0
"""Seconds within which what was written must have been read; a browser that asks its user where to
save a file may pause for a while."""

HANG_UP = 0.5
"""Seconds in which answers that nobody reads any more may end by themselves."""


def new_server(
    app: ASGIApp, *, notify: Callable[[], Any] | None = None, every: int = 5
) -> uvicorn.Server:
    """Make a server for ``app``; ``notify`` is called every few seconds."""
    # What strangers send is worth a warning to uvicorn, and would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # the login's address holds a code
            lifespan="off",
            loop="asyncio",
            http=_limited_protocol(),
            h11_max_incomplete_event_size=MAX_HEAD,
            ws="none",
            server_header=False,
            backlog=AT_ONCE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            callback_notify=notify,
            timeout_notify=every,
        )
    )


class _Server(uvicorn.Server):
    """Accepts AT_ONCE, and lets QUEUE wait; for asyncio both are one number."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(QUEUE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up first where nobody shall be waited for.

        A page that is open asks for news all the time; an answer that is cancelled in the midst is
        written down as a defect.
        """
        if self.force_exit:
            for connection in list(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()
            if self.server_state.tasks:
                await asyncio.wait(self.server_state.tasks, timeout=HANG_UP)
        await super().shutdown(sockets)


def _limited_protocol() -> type[asyncio.Protocol]:
    """Make uvicorn's protocol for one server."""
    waiting: dict[Any, None] = {}  # those whose turn it is, the longest first

    class LimitedProtocol(H11Protocol):
        """Closes whoever is somebody else, or holds a connection and makes no use of it."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if not peers.client_is_ours(transport.get_extra_info("socket")):
                self._close()
                return
            # From the first byte that is not taken at once we are told so.
            transport.set_write_buffer_limits(high=0)
            if len(self.connections) > MAX_CONNECTIONS:
                if not waiting:  # all are being answered
                    self._close()
                    return
                next(iter(waiting))._close()
            self._their_turn(REQUEST_TIMEOUT)

        def connection_lost(self, exc: Exception | None) -> None:
            self._our_turn()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._answering():
                self._close()
                return
            super().data_received(data)
            if not self._answering():
                self._their_turn(REQUEST_TIMEOUT)
            elif self.conn.trailing_data[0]:
                self._close()
            else:
                self._our_turn()

        def send_400_response(self, msg: str) -> None:
            """Close on what no browser sends: an answer may be on its way that this would break."""
            self._close()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._their_turn(REQUEST_TIMEOUT)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._their_turn(ANSWER_TIMEOUT)

        def resume_writing(self) -> None:
            self._our_turn()
            super().resume_writing()
            if not self._answering():
                self._their_turn(REQUEST_TIMEOUT)

        def _answering(self) -> bool:
            """Tell whether the turn is ours: no browser says anything before its answer."""
            cycle = self.cycle
            return cycle is not None and not cycle.response_complete and not cycle.more_body

        def _their_turn(self, seconds: float) -> None:
            if self._timer is None and not self.transport.is_closing():
                waiting[self] = None
                self._timer = self.loop.call_later(seconds, self._close)

        def _our_turn(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            # It is lost a moment later, and until then would count as one that is kept.
            self._our_turn()
            self.connections.discard(self)
            if os.name == "posix":  # the system keeps nothing for who has not read it
                at_once = struct.pack("ii", 1, 0)
                kept = self.transport.get_extra_info("socket")
                with contextlib.suppress(OSError):  # it is closed already
                    kept.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self.transport.abort()

    return LimitedProtocol
