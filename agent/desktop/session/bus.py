"""A D-Bus connection for one thread: calls with a time limit, and signals kept until asked for."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    new_method_call,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

CALL_TIMEOUT = 2.0
"""Seconds that a service may take to answer."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that came over the bus."""

    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


class Bus:
    """``kind`` is "SYSTEM" or "SESSION"; ``fds``: answers may hold file descriptors.

    The constructor connects and may raise OSError or KeyError (no address is known).
    """

    def __init__(self, kind: str, *, fds: bool = False) -> None:
        self._connection: DBusConnection = open_dbus_connection(bus=kind, enable_fds=fds)
        self._signals: deque[Message] = deque()
        # Without a filter, signals that come while a call waits for its answer would be lost.
        self._connection.filter(MatchRule(type="signal"), queue=self._signals)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        number: int = self._connection.sock.fileno()
        return number

    def call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        *,
        start: bool = False,
    ) -> tuple[Any, ...] | None:
        """Call a method; returns the answer's body.

        ``start`` lets the bus start the service for it. Raises OSError when the bus is gone.
        """
        address = DBusAddress(path, bus_name=name, interface=interface)
        message = new_method_call(address, member, signature, body)
        if not start:
            message.header.flags |= MessageFlag.no_auto_start
        try:
            answer = self._connection.send_and_get_reply(message, timeout=CALL_TIMEOUT)
        except TimeoutError:
            return None
        if answer.header.message_type is not MessageType.method_return:
            return None
        return tuple(answer.body)

    def properties(
        self, name: str, path: str, interface: str, *, start: bool = False
    ) -> dict[str, Any] | None:
        """Read all properties of an interface; None as for :meth:`call`."""
        answer = self.call(
            name,
            path,
            "org.freedesktop.DBus.Properties",
            "GetAll",
            "s",
            (interface,),
            start=start,
        )
        return None if answer is None else unwrap(answer[0])

    def subscribe(self, **conditions: str) -> None:
        """Receive signals that fulfil the conditions (sender, interface, member, path)."""
        rule = MatchRule(type="signal", **conditions)
        self._connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=CALL_TIMEOUT)

    def signals(self) -> list[Signal]:
        """Take what came since the last time, oldest first.

        Does not block. Raises OSError when the bus is gone.
        """
        with contextlib.suppress(TimeoutError):
            while True:
                self._connection.recv_messages(timeout=0)
        found = []
        while self._signals:
            message = self._signals.popleft()
            fields = message.header.fields
            found.append(
                Signal(
                    fields.get(HeaderFields.path, ""),
                    fields.get(HeaderFields.interface, ""),
                    fields.get(HeaderFields.member, ""),
                    tuple(message.body),
                )
            )
        return found

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._connection.close()


def unwrap(properties: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Turn D-Bus variants into plain values."""
    return {name: value for name, (_signature, value) in properties.items()}
