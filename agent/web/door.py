"""The door for commands: a small HTTP server of the standard library on a private Unix socket.

Only the user can open the socket, which lies in the runtime folder; see ``agent.web.door_key`` for
where there is none. A connection carries one request and its answer. Whoever connects and says
nothing costs little: at most MAX_WAITING are kept, each for REQUEST_TIMEOUT, the one that waits
longest goes first, and no line is logged for any of them.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from agent import __version__, logs
from agent.addresses import LOOPBACK
from agent.errors import StoreError
from agent.ports import Clock, Report
from agent.store.paths import Paths, ensure_folder
from agent.translation import _
from agent.web import loopback, peers
from agent.web.commands import CommandAnswer, Commands, refusal
from agent.web.door_key import (
    CHALLENGE_HEADER,
    KEY_FILE,
    PROOF_HEADER,
    DoorKey,
    socket_path,
)
from agent.worker import Cancelled, Worker

log = logging.getLogger(__name__)

HEAD_LIMIT = 8_192
"""Bytes of a request's first line and headers; ours have some hundreds."""
BODY_LIMIT = 16_384
"""Bytes of a request's body; ours have some dozens."""
REQUEST_TIMEOUT = 5.0
"""Seconds within which a whole request must have come."""
SEND_TIMEOUT = 2.0
"""Seconds that the client may take to read its answer."""
MAX_WAITING = 64
"""Connections whose request has not come yet."""
MAX_ANSWERS = 16
"""Requests that are being answered, each in a thread of its own."""
LAST_ANSWERS = 1.0
"""Seconds that the end of the door waits for answers under way."""


class Door(Worker):
    """Takes commands; one cycle serves until it is told to stop.

    ``private`` False: on the loopback address even where a Unix socket could be had.
    """

    def __init__(
        self,
        paths: Paths,
        commands: Commands,
        report: Report,
        clock: Clock,
        *,
        private: bool = True,
    ) -> None:
        super().__init__("commands", report, clock)
        self._paths = paths
        self._commands = commands
        self._socket_path = socket_path(paths) if private else None
        self._ready = threading.Event()
        self._answers = threading.BoundedSemaphore(MAX_ANSWERS)
        self._bell: socket.socket | None = None  # ends the cycle's wait

    # -- any thread

    def wait_ready(self, timeout: float) -> bool:
        """Return True once commands are answered."""
        return self._ready.wait(timeout)

    def request_stop(self) -> None:
        """Take away what commands find it by, then end the cycle."""
        super().request_stop()
        if self._ready.is_set():  # it goes first, should the thread hang
            self._take_back()
        bell = self._bell
        if bell is not None:
            with contextlib.suppress(OSError):  # the cycle has ended meanwhile
                bell.send(b"!")

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Serve until told to stop. Raises StoreError when the runtime folder cannot be used."""
        ensure_folder(self._paths.runtime)
        secret = secrets.token_urlsafe(32)
        logs.hide(secret, kind="door")
        heard, bell = socket.socketpair()
        with heard, bell, self._listen() as listening, selectors.DefaultSelector() as selector:
            self._bell = bell
            # A request to stop may have come before there was a bell.
            if self.stopping:
                raise Cancelled
            port = None if self._socket_path is not None else listening.getsockname()[1]
            key = DoorKey(os.getpid(), secret, port)
            key.write(self._paths)
            listening.setblocking(False)
            selector.register(listening, selectors.EVENT_READ)
            selector.register(heard, selectors.EVENT_READ)
            # The socket listens already: who reads the file now waits a moment, no more.
            self._ready.set()
            _Reception(self, selector, listening, key).serve()
        raise Cancelled

    def release(self) -> None:
        """Take away what commands find it by, and let the answers under way be sent.

        Whoever asked Moodtray to end would otherwise hear nothing, and take it for gone before.
        """
        if self._ready.is_set():
            self._ready.clear()
            self._take_back()
        deadline = time.monotonic() + LAST_ANSWERS
        taken = 0
        while taken < MAX_ANSWERS and self._answers.acquire(
            timeout=max(0.0, deadline - time.monotonic())
        ):
            taken += 1
        for _i in range(taken):
            self._answers.release()

    def _take_back(self) -> None:
        for place in (self._paths.runtime / KEY_FILE, self._socket_path):
            if place is not None:
                with contextlib.suppress(OSError):
                    place.unlink()

    def _listen(self) -> socket.socket:
        if self._socket_path is None:
            return loopback.listen(0)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Bound under another name: whoever finds the right one is answered.
        unborn = self._socket_path.with_suffix(".new")
        try:
            unborn.unlink(missing_ok=True)
            listening.bind(str(unborn))
            unborn.chmod(0o600)
            listening.listen(128)
            unborn.replace(self._socket_path)
        except OSError as error:
            listening.close()
            raise StoreError(
                _(
                    "The socket {socket_path} for commands cannot be made ({why}). "
                    "Check the permissions of its folder, or name another place "
                    "with the variable MOODTRAY_HOME."
                ).format(socket_path=self._socket_path, why=error.strerror or error)
            ) from error
        return listening

    # -- a thread of each request

    def answer(self, connection: socket.socket, request: _CommandRequest, key: DoorKey) -> None:
        """Answer in a thread of its own, or say at once that too many are being answered."""
        if not self._answers.acquire(blocking=False):
            _send(connection, request, key, refusal(503, _("The agent is busy; try again.")))
            return

        def run() -> None:
            try:
                _send(connection, request, key, self._answer(request, key))
            finally:
                self._answers.release()

        threading.Thread(target=run, name="command", daemon=True).start()

    def _answer(self, request: _CommandRequest, key: DoorKey) -> CommandAnswer:
        if not request.is_proven(key):
            return refusal(401, _("The secret in the runtime folder is missing or wrong."))
        try:
            return self._commands.answer(request.method, request.target[1:], request.body)
        except Exception:
            log.exception("defect in the command %r", request.target)
            return refusal(500, _("A defect in Moodtray; its log says more."))


class _Reception:
    """Accepts connections and reads their requests, all in the one thread of the door."""

    def __init__(
        self,
        door: Door,
        selector: selectors.BaseSelector,
        listening: socket.socket,
        key: DoorKey,
    ) -> None:
        self._door = door
        self._selector = selector
        self._listening = listening
        self._key = key
        self._waiting: dict[socket.socket, _Waiting] = {}  # the longest first

    def serve(self) -> None:
        """Serve until the door is told to stop."""
        try:
            while not self._door.stopping:
                for event, _rest in self._selector.select(self._patience()):
                    if event.fileobj is self._listening:
                        self._accept()
                    elif isinstance(event.fileobj, socket.socket):
                        waiting = self._waiting.get(event.fileobj)
                        if waiting is not None:
                            self._read(waiting)
                self._close_the_late()
        finally:
            for connection in list(self._waiting):
                connection.close()

    def _patience(self) -> float | None:
        oldest = next(iter(self._waiting.values()), None)
        if oldest is None:
            return None
        return max(0.0, oldest.since + REQUEST_TIMEOUT - self._door.clock.monotonic())

    def _accept(self) -> None:
        try:
            connection, _rest = self._listening.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptor left, or it is gone again
            log.warning("a command could not be accepted: %s", error.strerror or error)
            self._door.pause_within_cycle(0.05)
            return
        if self._listening.family == socket.AF_INET and not peers.client_is_ours(connection):
            connection.close()
            return
        if len(self._waiting) >= MAX_WAITING:
            self._close(next(iter(self._waiting)))
        connection.setblocking(False)
        self._waiting[connection] = _Waiting(connection, bytearray(), self._door.clock.monotonic())
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, waiting: _Waiting) -> None:
        try:
            piece = waiting.connection.recv(HEAD_LIMIT + BODY_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._close(waiting.connection)
            return
        waiting.data += piece
        try:
            request = _parse(bytes(waiting.data))
        except _BadRequest as error:
            self._detach(waiting.connection)
            _send(waiting.connection, None, self._key, refusal(error.status, error.text))
            return
        if request is not None:
            self._detach(waiting.connection)
            self._door.answer(waiting.connection, request, self._key)

    def _close_the_late(self) -> None:
        now = self._door.clock.monotonic()
        late = [w.connection for w in self._waiting.values() if now - w.since >= REQUEST_TIMEOUT]
        for connection in late:
            self._close(connection)

    def _detach(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._waiting[connection]

    def _close(self, connection: socket.socket) -> None:
        self._detach(connection)
        connection.close()


@dataclass(slots=True)
class _Waiting:
    connection: socket.socket
    data: bytearray
    since: float


@dataclass(frozen=True, slots=True)
class _CommandRequest:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def challenge(self) -> str:
        return self.headers.get(CHALLENGE_HEADER.lower(), "")

    def is_proven(self, key: DoorKey) -> bool:
        """Tell whether it was signed with the secret."""
        given = self.headers.get(PROOF_HEADER.lower(), "")
        expected = key.proof_of_request(self.challenge, self.method, self.target, self.body)
        return hmac.compare_digest(given.encode(), expected.encode())


class _BadRequest(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def _parse(data: bytes) -> _CommandRequest | None:
    """Read an HTTP/1.1 request; None while more is to come. Raises _BadRequest."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator and len(data) <= HEAD_LIMIT:
        return None
    if len(head) > HEAD_LIMIT:
        raise _BadRequest(431, _("This request is too long."))
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/") or not words[2].startswith("HTTP/1."):
        raise _BadRequest(400, _("This is no request that Moodtray understands."))
    headers = dict(_headers(lines))
    if "origin" in headers or "upgrade" in headers:
        raise _BadRequest(403, _("This door is for commands, not for web pages."))
    if headers.get("host") != LOOPBACK:
        raise _BadRequest(
            403,
            _("This door is for programs on this computer; use {host}.").format(host=LOOPBACK),
        )
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise _BadRequest(413, _("This request is too long."))
    if len(length) > 9 or int(length) > BODY_LIMIT or len(body) > int(length):
        raise _BadRequest(413, _("This request is too long."))
    if len(body) < int(length):
        return None
    return _CommandRequest(words[0], words[1], headers, body)


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or name.lower() in seen:
            raise _BadRequest(400, _("This is no request that Moodtray understands."))
        seen.add(name.lower())
        yield name.lower(), value.strip()


def _send(
    connection: socket.socket, request: _CommandRequest | None, key: DoorKey, answer: CommandAnswer
) -> None:
    """Send the answer and close. A client that is gone, or does not read, misses it."""
    body = answer.as_json()
    challenge = request.challenge if request is not None else ""
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Moodtray-Version: {__version__}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    # Signed for those alone who know the secret: for nobody else anything is signed.
    if request is not None and challenge and request.is_proven(key):
        lines.append(f"{PROOF_HEADER}: {key.proof_of_answer(challenge, answer.status, body)}")
    with contextlib.suppress(OSError), connection:
        connection.settimeout(SEND_TIMEOUT)
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
