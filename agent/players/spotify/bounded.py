"""Answers of services have a size and a time: whatever goes beyond is no answer of theirs.

Nor is a cookie kept of them, of which each answer could bring six megabytes, and which would tell
one service who asks another.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

ANSWER_LIMIT = 2_000_000
"""Bytes of an answer, unpacked; a page of fifty playlists has some hundred thousand."""
ANSWER_SECONDS = 30.0
"""For all of an answer, from the connection to its last byte; usual ones take less than one."""


class AnswerTooLong(requests.RequestException):
    """The service sent more than ANSWER_LIMIT."""


class _Patience:
    """Cuts off, after ANSWER_SECONDS, the connection that one answer comes through.

    The time limits of sockets begin anew with every byte: one a second would hold a thread for
    weeks.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._timer = threading.Timer(ANSWER_SECONDS, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Patience:
        _present.patience = self
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        _present.patience = None
        with self._lock:
            self._let_go()

    def watch(self, line: socket.socket) -> None:
        """Cut this connection, now where the time is over already.

        By a handle of its own: a connection is closed before an answer that ends with it is read.
        """
        with self._lock:
            self._let_go()
            self._line = line.dup()
        if self.is_over:
            self._end()

    def _let_go(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            if self._line is not None:
                with contextlib.suppress(OSError):  # closed by now
                    self._line.shutdown(socket.SHUT_RDWR)


class _Present(threading.local):
    """Whose answer this thread waits for."""

    patience: _Patience | None = None


_present = _Present()


class _Watched:
    """What lets patience cut a connection of urllib3's, before and after it is encrypted."""

    _line: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._forget()
        self._line = made.dup()  # encryption takes the socket itself away
        self._watch()
        return made

    def request(self, *args: Any, **words: Any) -> None:
        """Send a request; the connection may be one of before."""
        self._watch()
        super().request(*args, **words)  # type: ignore[misc]

    def close(self) -> None:
        """Close the connection."""
        super().close()  # type: ignore[misc]
        self._forget()

    def _watch(self) -> None:
        if self._line is not None and _present.patience is not None:
            _present.patience.watch(self._line)

    def _forget(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _watched(pool: type[HTTPConnectionPool]) -> Any:
    """Make a pool of the same kind whose connections patience can cut."""
    connection = type("WatchedConnection", (_Watched, pool.ConnectionCls), {})
    return type("WatchedPool", (pool,), {"ConnectionCls": connection})


_POOLS = {"http": _watched(HTTPConnectionPool), "https": _watched(HTTPSConnectionPool)}


class BoundedAdapter(HTTPAdapter):
    """Reads an answer up to ANSWER_LIMIT, and for ANSWER_SECONDS.

    Raises AnswerTooLong beyond the one, requests.ReadTimeout beyond the other.
    """

    def init_poolmanager(self, *args: Any, **words: Any) -> None:
        """Make what keeps connections."""
        super().init_poolmanager(*args, **words)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **words: Any) -> Any:
        """Make what keeps connections through a proxy."""
        if args[0] in self.proxy_manager:
            return self.proxy_manager[args[0]]
        manager: Any = super().proxy_manager_for(*args, **words)
        # Through a SOCKS proxy they are of another kind.
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {kind: _watched(pool) for kind, pool in pools.items()}
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send it, and have the whole answer read."""
        with _Patience() as patience:
            try:
                response = self._read(request, *args, **kwargs)
            except AnswerTooLong:
                raise
            except requests.RequestException as error:
                if patience.is_over:
                    raise _too_slow(request) from error
                raise
            if patience.is_over:  # an end of the connection may look like the answer's
                raise _too_slow(request)
            return response

    def _read(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, *args, **{**kwargs, "stream": True})
        pieces, size = [], 0
        try:
            for piece in response.iter_content(65_536):
                size += len(piece)
                if size > ANSWER_LIMIT:
                    raise AnswerTooLong(f"more than {ANSWER_LIMIT} bytes")
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        response._content = b"".join(pieces)
        response._content_consumed = True  # type: ignore[attr-defined]
        return response


def _too_slow(request: requests.PreparedRequest) -> requests.ReadTimeout:
    return requests.ReadTimeout(f"more than {ANSWER_SECONDS:.0f} seconds", request=request)


def bounded_session() -> requests.Session:
    """Make a session with bounded answers, which sends no login of a .netrc file along."""
    session = requests.Session()
    bound(session)
    session.auth = no_auth
    return session


def bound(session: requests.Session) -> None:
    """Let all answers to the session be bounded, and leave nothing behind."""
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing; without it a .netrc entry would be sent along."""
    return request
