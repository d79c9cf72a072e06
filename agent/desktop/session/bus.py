"""A D-Bus connection for one thread: calls with a time limit, and signals kept until asked for.

On the system's bus every user of the computer may send a signal to any program, by its name, and no
match rule holds that back. So only those are kept that the services have sent which we listen to,
and of all others not even the body is read: there may be 32 MB of it.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable
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
from jeepney.io.blocking import DBusConnection

from agent.desktop.bus_connection import BUS, Head, WantedParser, connect

log = logging.getLogger(__name__)

CALL_TIMEOUT = 2.0
"""Seconds that a service may take to answer."""
AT_ONCE = 256
"""Signals that are taken in one go; services send a few an hour."""
MOST_FOREIGN, MOST_FOREIGN_BYTES = 256, 1_000_000
"""What others may send to a connection before it is called a flood; usually there is nothing. A bus
that keeps 127 MB for us drops whatever else comes, that of the services, too."""
_OWNER_CHANGED = "NameOwnerChanged"


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
        self._connection: DBusConnection = connect(kind, self._is_wanted, fds=fds)
        self._owners: dict[str, str] = {}  # service -> the name that the bus gave to its program
        self._signals: deque[Message] = deque()
        self._parser: WantedParser = self._connection.parser
        # Without a filter, signals that come while a call waits for its answer would be lost.
        self._connection.filter(MatchRule(type="signal"), queue=_Inbox(self._keep))

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
        gives: str,
        start: bool = False,
    ) -> tuple[Any, ...] | None:
        """Call a method; returns the answer's body, which is of the signature ``gives``.

        None: nobody answers so. ``start`` lets the bus start the service for it. Raises OSError
        when the bus is gone.
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
        if answer.header.fields.get(HeaderFields.signature, "") != gives:
            log.debug("%s answers %s with what makes no sense", name, member)
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
            gives="a{sv}",
            start=start,
        )
        return None if answer is None else unwrap(answer[0])

    def subscribe(self, sender: str, **conditions: str) -> None:
        """Receive signals of the service ``sender`` that fulfil the conditions.

        Those are interface, member and path. What others say in its place is dropped. Raises
        OSError, also where the bus does not answer in time: nobody would be believed then.
        """
        if sender not in self._owners:
            self._owners[sender] = ""
            followed = MatchRule(type="signal", sender=BUS, interface=BUS, member=_OWNER_CHANGED)
            followed.add_arg_condition(0, sender)
            self._match(followed)
            question = message_bus.GetNameOwner(sender)
            answer = self._connection.send_and_get_reply(question, timeout=CALL_TIMEOUT)
            if answer.header.message_type is MessageType.method_return:
                self._owners[sender] = str(answer.body[0])
        self._match(MatchRule(type="signal", sender=sender, **conditions))

    def _match(self, rule: MatchRule) -> None:
        self._connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=CALL_TIMEOUT)

    def _is_wanted(self, head: Head) -> bool:
        """Tell whether it is an answer, or comes from the bus or a service that we listen to.

        The bus writes the sender into each message, so nobody can name another.
        """
        sender = head.sender
        return head.is_answer or sender == BUS or (sender != "" and sender in self._owners.values())

    def _keep(self, message: Message) -> None:
        fields = message.header.fields
        if fields.get(HeaderFields.sender) != BUS:
            self._signals.append(message)
        elif fields.get(HeaderFields.member) == _OWNER_CHANGED:
            name, _before, owner = message.body
            if name in self._owners:
                self._owners[name] = owner

    @property
    def has_more(self) -> bool:
        """True when :meth:`signals` left something, which no wait for the descriptor would tell."""
        return self._parser.has_whole

    @property
    def is_flooded(self) -> bool:
        """True when so much came from others that what the services said may be late, or lost."""
        passed = self._parser
        return passed.foreign > MOST_FOREIGN or passed.foreign_bytes > MOST_FOREIGN_BYTES

    def signals(self) -> list[Signal]:
        """Take what came since the last time, oldest first; AT_ONCE at most.

        Does not block. Raises OSError when the bus is gone.
        """
        with contextlib.suppress(TimeoutError):
            for _turn in range(AT_ONCE):
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


class _Inbox:
    """Where the connection puts signals."""

    def __init__(self, keep: Callable[[Message], None]) -> None:
        self.append = keep


def unwrap(properties: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Turn D-Bus variants into plain values."""
    return {name: value for name, (_signature, value) in properties.items()}
