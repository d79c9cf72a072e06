"""A D-Bus connection that reads only what it waits for, and that no message can end.

Whoever is on a bus may send any program whatever the bus lets through: 32 MB to a program on the
system's, 1 GB on a session's, and bodies that jeepney cannot read, such as the number of a
descriptor that did not come along. So each message is judged by its head, before its body is there;
of what is refused nothing is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jeepney import HeaderFields, Message, MessageType
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import Parser, calc_msg_size

log = logging.getLogger(__name__)

BUS = "org.freedesktop.DBus"
ANSWERS = (MessageType.method_return.value, MessageType.error.value)
LONGEST = 1_000_000
"""Bytes of a message from others; what panels and services send has some thousand."""
_FIXED_HEAD = 16
"""Bytes of a message that tell how long its head and the whole are."""
_LONGEST_HEAD = 65_536
"""Bytes of a head; names have 255 each, and jeepney takes ten times its size for it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a message's head tells: its kind, its sender, its size in bytes.

    ``descriptors``: how many come with it.
    """

    kind: int
    sender: str
    size: int
    descriptors: int = 0

    @property
    def is_answer(self) -> bool:
        """An answer: the bus passes on only those that were asked for."""
        return self.kind in ANSWERS


Wanted = Callable[[Head], bool]


def connect(kind: str, wanted: Wanted, *, fds: bool = False) -> DBusConnection:
    """Connect to the "SESSION" or "SYSTEM" bus, and read what is ``wanted``.

    ``fds``: answers may hold file descriptors. Raises OSError, KeyError or ValueError.
    """
    connection = open_dbus_connection(bus=kind, enable_fds=fds)
    connection.parser = WantedParser(connection.parser, wanted)
    return connection


class WantedParser(Parser):  # type: ignore[misc]
    """Passes over whatever is not ``wanted``, or cannot be read; goes on where ``before`` is."""

    def __init__(self, before: Parser, wanted: Wanted) -> None:
        super().__init__()
        self.buf, self.fds, self.next_msg_size = before.buf, before.fds, before.next_msg_size
        self._wanted = wanted
        self._head: Head | None = None  # of a message that is wanted, while it comes
        self._unwanted = 0  # bytes that are still to come of one that is not
        self.foreign = self.foreign_bytes = 0

    def get_next_message(self) -> Message | None:
        """Parse the next message; None: it is not there yet."""
        while self._judge():
            head, self._head = self._head, None
            try:
                message: Message | None = super().get_next_message()
                return message
            except Exception as error:  # noqa: BLE001 - whatever jeepney stumbles over
                log.debug("a message on the bus makes no sense: %r", error)
                self.next_msg_size = None
                self._drop_descriptors(head.descriptors if head else 0)
        return None

    def bytes_desired(self) -> int:
        """Tell how many bytes can be received without going beyond the next message."""
        return min(self._unwanted, 65_536) or int(super().bytes_desired())

    @property
    def has_whole(self) -> bool:
        """True when all of a message is there."""
        return self._judge()

    def _judge(self) -> bool:
        """Pass over what is unwanted; True when a wanted message is there, whole."""
        while True:
            passed = min(self._unwanted, self.buf.bytes_buffered)
            if passed:
                self.buf.read(passed)
                self._unwanted -= passed
            if self._unwanted:
                return False
            if self._head is not None:
                return bool(self.buf.bytes_buffered >= self._head.size)
            head = self._read_head()
            if head is None:
                return False
            if head.kind and self._wanted(head):
                self._head, self.next_msg_size = head, head.size
                continue
            self.foreign += 1
            self.foreign_bytes += head.size
            self._unwanted, self.next_msg_size = head.size, None
            self._drop_descriptors(head.descriptors)

    def _read_head(self) -> Head | None:
        """Read the next message's head; None: it is not there yet."""
        if self.buf.bytes_buffered < _FIXED_HEAD:
            return None
        start = self.buf.peek(_FIXED_HEAD)
        size = int(calc_msg_size(start))
        length = int.from_bytes(start[12:16], "little" if start[:1] == b"l" else "big")
        if length > _LONGEST_HEAD:
            return Head(0, "", size)
        if self.buf.bytes_buffered < _FIXED_HEAD + length:
            return None
        kind, sender, count = _glance(self.buf.peek(_FIXED_HEAD + length))
        return Head(kind, sender, size, count)

    def _drop_descriptors(self, count: int) -> None:
        for unwanted in self.fds[:count]:
            unwanted.close()
        del self.fds[:count]


def _glance(head: bytes) -> tuple[int, str, int]:
    """Read of a message's head its kind, its sender and how many descriptors come with it.

    By hand: jeepney takes ten times as long for all of it, in which another user can send more than
    is passed over, and what the services tell would wait behind it.
    """
    order: Literal["little", "big"] = "little" if head[:1] == b"l" else "big"
    sender, count, place = "", 0, _FIXED_HEAD
    while place + 8 <= len(head):
        field, signature = head[place], head[place + 1 : place + 4]
        value = int.from_bytes(head[place + 4 : place + 8], order)
        if signature in (b"\1s\0", b"\1o\0"):
            end = place + 9 + value
            if field == HeaderFields.sender:
                sender = head[place + 8 : end - 1].decode("ascii", "replace")
        elif signature == b"\1u\0":
            end = place + 8
            count = value if field == HeaderFields.unix_fds else count
        elif signature == b"\1g\0":
            end = place + 6 + head[place + 4]
        else:  # no field of those that there are
            break
        place = end + -end % 8
    return head[1], sender, count
