"""The few words of Wayland that the idle time needs, spoken on the compositor's socket.

Compositors of the wlroots family and KDE tell a program when nobody has touched anything for a
given time: ``ext_idle_notifier_v1``, or its forerunner ``org_kde_kwin_idle``. No library is loaded
for these four requests.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 2.0
"""Seconds that a compositor may take to answer."""
QUIET = 10.0
"""Seconds without input after which the compositor is to tell; shorter rests count as none."""

_DISPLAY, _REGISTRY = 1, 2


@dataclass(frozen=True, slots=True)
class WaylandEvent:
    """An event of the compositor, its arguments undecoded."""

    target: int
    opcode: int
    payload: bytes


def compositor() -> Path:
    """Return the compositor's socket, as the environment names it; OSError where it names none."""
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        raise OSError("WAYLAND_DISPLAY is not set")
    return Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name


class WaylandConnection:
    """Talk to the compositor at ``path``; one thread. The constructor raises OSError."""

    def __init__(self, path: Path) -> None:
        self._ids = itertools.count(_REGISTRY + 1)
        self._buffer = b""
        self._waiting: list[WaylandEvent] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT)
        try:
            self._socket.connect(str(path))
            self.globals = self._read_globals()
        except BaseException:
            self._socket.close()
            raise

    def new_id(self) -> int:
        """Give out a number for a new object."""
        return next(self._ids)

    def request(self, target: int, opcode: int, payload: bytes = b"") -> None:
        """Send one. Raises OSError when the compositor is gone."""
        size = 8 + len(payload)
        self._socket.sendall(struct.pack("=II", target, size << 16 | opcode) + payload)

    def bind(self, interface: str, version: int) -> int:
        """Bind that global interface. Raises KeyError when the compositor has none."""
        name, offered = self.globals[interface]
        made = self.new_id()
        head, tail = struct.pack("=I", name), struct.pack("=II", min(version, offered), made)
        self.request(_REGISTRY, 0, head + _text(interface) + tail)
        return made

    def settle(self) -> None:
        """Wait until all requests so far are done. Raises OSError when one was refused."""
        done = self.new_id()
        self.request(_DISPLAY, 0, struct.pack("=I", done))
        while True:
            event = self._next(TIMEOUT)
            if event is None:
                raise TimeoutError("the compositor does not answer")
            if event.target == done:
                return
            self._waiting.append(event)

    def events(self) -> Iterator[WaylandEvent]:
        """Take what came since the last time; does not block. Raises OSError."""
        waiting, self._waiting = self._waiting, []
        yield from waiting
        while (event := self._next(0.0)) is not None:
            yield event

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _read_globals(self) -> dict[str, tuple[int, int]]:
        self.request(_DISPLAY, 1, struct.pack("=I", _REGISTRY))
        self.settle()
        found = {}
        for event in self.events():
            if event.target == _REGISTRY and event.opcode == 0:
                (name, length) = struct.unpack_from("=II", event.payload)
                interface = event.payload[8 : 8 + length - 1].decode()
                (version,) = struct.unpack_from("=I", event.payload, len(event.payload) - 4)
                found[interface] = (name, version)
        return found

    def _next(self, timeout: float) -> WaylandEvent | None:
        """Raise OSError when the connection has ended, or the compositor refused a request."""
        while True:
            event = self._parsed()
            if event is not None:
                if event.target == _DISPLAY and event.opcode == 0:
                    raise OSError(f"the compositor refused: {event.payload[12:-1]!r}")
                return event
            if not select.select([self._socket], [], [], timeout)[0]:
                return None
            data = self._socket.recv(4096)
            if not data:
                raise ConnectionResetError("the compositor is gone")
            self._buffer += data

    def _parsed(self) -> WaylandEvent | None:
        if len(self._buffer) < 8:
            return None
        target, word = struct.unpack_from("=II", self._buffer)
        size = max(8, word >> 16)
        if len(self._buffer) < size:
            return None
        payload, self._buffer = self._buffer[8:size], self._buffer[size:]
        return WaylandEvent(target, word & 0xFFFF, payload)


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("=I", len(data)) + data + b"\0" * (-len(data) % 4)


class WaylandIdle:
    """Implements agent.desktop.session.idle.IdleReader.

    The constructor raises OSError or KeyError where the compositor does not tell.
    """

    def __init__(self, quiet: float = QUIET) -> None:
        self._quiet = quiet
        self._since: float | None = None
        self._connection = WaylandConnection(compositor())
        try:
            self._notification = self._ask(round(quiet * 1000))
            self._connection.settle()
        except BaseException:
            self._connection.close()
            raise

    def seconds(self) -> float | None:
        """Return the seconds since the last input, at least; 0 while it is less than ``quiet``."""
        for event in self._connection.events():
            if event.target == self._notification:
                idled = event.opcode == 0
                self._since = time.monotonic() - self._quiet if idled else None
        return 0.0 if self._since is None else time.monotonic() - self._since

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, milliseconds: int) -> int:
        connection = self._connection
        seat = connection.bind("wl_seat", 1)
        modern = "ext_idle_notifier_v1" in connection.globals
        notifier = connection.bind("ext_idle_notifier_v1" if modern else "org_kde_kwin_idle", 1)
        made = connection.new_id()
        if modern:
            connection.request(notifier, 1, struct.pack("=III", made, milliseconds, seat))
        else:
            connection.request(notifier, 0, struct.pack("=III", made, seat, milliseconds))
        return made
