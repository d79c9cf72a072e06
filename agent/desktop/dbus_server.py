"""Objects of ours on the session bus: methods that others call, signals that we send.

jeepney does the wire; the loop around it is one thread that sleeps until the bus, another thread
or a timer wants it. (jeepney takes under 1 MB and no thread; dbus-fast, the other D-Bus library
among the dependencies, 12 MB with asyncio.) A bus that goes away is looked for again.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection

from agent.desktop.bus_connection import BUS, LONGEST, Head, connect

log = logging.getLogger(__name__)

SEND_SECONDS = 5.0
"""A bus that takes nothing for that long is given up."""
REPLY_SECONDS = 10.0
"""A call that is not answered by then has failed."""
FIRST_RETRY, LAST_RETRY = 0.5, 30.0
"""Seconds until a lost bus is looked for again; doubled from try to try."""

PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"
CHANGED = "org.freedesktop.DBus.Property.EmitsChangedSignal"
FAILED = "org.freedesktop.DBus.Error.Failed"
INVALID = "org.freedesktop.DBus.Error.InvalidArgs"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_PROPERTY = "org.freedesktop.DBus.Error.UnknownProperty"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
READ_ONLY = "org.freedesktop.DBus.Error.PropertyReadOnly"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"

Arguments: TypeAlias = tuple[tuple[str, str], ...]
"""(name, signature) of each argument."""
OnReply: TypeAlias = Callable[[tuple[Any, ...] | None], None]
"""Gets the body of the answer; None: refused, or none came."""

_NOT_FOR_THE_BUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class BusError(Exception):
    """The answer to a call that cannot be done. ``name``: the D-Bus error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Method:
    """``call`` gets the arguments, returns a tuple of the results; the server's thread, at once.

    Raises BusError.
    """

    call: Callable[..., tuple[Any, ...]]
    takes: Arguments = ()
    gives: Arguments = ()


@dataclass(frozen=True, slots=True)
class Property:
    """Read-only. ``changes``: what its introspection says of PropertiesChanged signals."""

    signature: str
    read: Callable[[], Any]
    changes: str = "false"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as the bus describes it: methods, properties and signals by name."""

    name: str
    methods: Mapping[str, Method] = field(default_factory=dict)
    properties: Mapping[str, Property] = field(default_factory=dict)
    signals: Mapping[str, Arguments] = field(default_factory=dict)


def bus_text(text: str) -> str:
    """Make ``text`` as the bus can carry it."""
    return _NOT_FOR_THE_BUS.sub(" ", text)


class BusServer:
    """One connection to the session bus.

    :meth:`post` and :meth:`stop` may be called from any thread; ``export``, ``own`` and
    ``watch_name`` before :meth:`run`; all else in its thread.
    """

    def __init__(self, allow: Callable[[int | None], bool] | None = None) -> None:
        """Let those call whom ``allow`` lets in (by the user's number, once a caller); or all."""
        self._allow = allow
        self._connection: DBusConnection | None = None
        self._failure: OSError | None = None  # what sending met: the bus is lost
        self._objects: dict[str, dict[str, Interface]] = {}
        self._names: dict[str, Callable[[bool], None]] = {}
        self._watched: dict[str, Callable[[str], None]] = {}
        self._replies: dict[int, tuple[float, OnReply]] = {}
        self._callers: dict[str, bool] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._posted: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)

    # -- before run

    def export(self, path: str, *interfaces: Interface) -> None:
        """Offer an object."""
        self._objects[path] = {interface.name: interface for interface in interfaces}

    def own(self, name: str, told: Callable[[bool], None] = lambda _: None) -> None:
        """Ask for a name, now or as soon as the bus is there.

        ``told`` whether we have it, each time that changes.
        """
        self._names[name] = told
        if self._connection is not None:
            self._ask_for(name)

    def watch_name(self, name: str, changed: Callable[[str], None]) -> None:
        """Call ``changed`` with the owner of ``name`` ("": nobody), at first and at each change."""
        self._watched[name] = changed

    # -- any thread

    def post(self, work: Callable[[], None]) -> None:
        """Have ``work`` done in the server's thread, soon."""
        self._posted.append(work)
        # A full pipe is a wake-up already on its way.
        with contextlib.suppress(OSError):
            self._wake_write.send(b"!")

    def stop(self) -> None:
        """End :meth:`run`."""
        self._stopping = True
        self.post(lambda: None)

    # -- the server's thread

    def connect(self) -> None:
        """Connect now, so that trouble shows at once. Raises OSError, KeyError or ValueError."""
        if self._connection is None:
            connection = connect("SESSION", _is_wanted)
            connection.sock.settimeout(SEND_SECONDS)
            self._connection = connection

    def run(self) -> None:
        """Serve until :meth:`stop`. Blocks; never raises for a bus that is missing or lost."""
        pause = FIRST_RETRY
        while not self._stopping:
            try:
                self.connect()
                self._begin()
                pause = FIRST_RETRY
                while not self._stopping:
                    self._turn()
            except (OSError, KeyError, ValueError) as error:
                log.log(
                    logging.DEBUG if pause > FIRST_RETRY else logging.WARNING,
                    "The session bus is out of reach: %r", error,
                )  # fmt: skip
                self._lose()
                self._sleep(pause)
                pause = min(2 * pause, LAST_RETRY)
        self.close()

    def close(self) -> None:
        """Let go of everything; after :meth:`run` it is done already."""
        self._lose()
        self._wake_read.close()
        self._wake_write.close()

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do ``work`` in about so many seconds, bus or not."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._count), work))

    def call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        on_reply: OnReply | None = None,
    ) -> None:
        """Call a method of somebody else's; does not wait. Starts no service."""
        address = DBusAddress(path, bus_name=name, interface=interface)
        message = new_method_call(address, member, signature, body)
        message.header.flags |= MessageFlag.no_auto_start
        self._send_call(message, on_reply)

    def emit(self, path: str, interface: str, member: str, *body: Any) -> None:
        """Send a signal that the interface at ``path`` declares. Without a bus nobody hears it."""
        if self._connection is not None:
            arguments = self._objects[path][interface].signals[member]
            emitter = DBusAddress(path, interface=interface)
            self._send(new_signal(emitter, member, _joined(arguments) or None, body))

    # -- the loop

    def _begin(self) -> None:
        for name in self._watched:
            rule = MatchRule(
                type="signal",
                sender=BUS,
                interface=BUS,
                member="NameOwnerChanged",
                path=message_bus.object_path,
            )
            rule.add_arg_condition(0, name)
            self._send_call(message_bus.AddMatch(rule))
            self._send_call(message_bus.GetNameOwner(name), self._first_owner(name))
        for name in self._names:
            self._ask_for(name)

    def _first_owner(self, name: str) -> OnReply:
        return lambda body: self._watched[name](body[0] if body else "")

    def _ask_for(self, name: str) -> None:
        do_not_queue, owner = 4, (1, 4)
        told = self._names[name]
        self._send_call(
            message_bus.RequestName(name, do_not_queue),
            lambda body: told(body is not None and body[0] in owner),
        )

    def _turn(self) -> None:
        """Sleep until something is to be done, and do it. Raises OSError: the bus is lost."""
        self._receive_all()  # what came together with an earlier answer
        self._run_due()
        if self._failure is not None:
            raise self._failure
        if self._stopping or self._connection is None:
            return
        sources = [self._connection.sock, self._wake_read]
        ready, _, _ = select.select(sources, [], [], self._seconds_left())
        if self._wake_read in ready:
            self._empty_wake()
        self._run_posted()

    def _sleep(self, seconds: float) -> None:
        """Wait as :meth:`_select` does, while there is no bus."""
        ends = time.monotonic() + seconds
        while not self._stopping and (left := ends - time.monotonic()) > 0:
            due = self._seconds_left()
            wait = left if due is None else min(left, due)
            if select.select([self._wake_read], [], [], wait)[0]:
                self._empty_wake()
            self._run_posted()
            self._run_due()

    def _empty_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_read.recv(4096):
                pass

    def _run_posted(self) -> None:
        for _ in range(len(self._posted)):
            self._guarded(self._posted.popleft())

    def _run_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._guarded(heapq.heappop(self._timers)[2])
        for serial, (deadline, on_reply) in list(self._replies.items()):
            if deadline <= now:
                del self._replies[serial]
                self._guarded(partial(on_reply, None))

    def _seconds_left(self) -> float | None:
        due = [deadline for deadline, _ in self._replies.values()]
        due += [self._timers[0][0]] if self._timers else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _guarded(self, work: Callable[[], None]) -> None:
        """Call what is asked of us; a defect in it must not end the loop."""
        try:
            work()
        except Exception:
            log.exception("defect in the bus's loop")

    def _lose(self) -> None:
        connection, self._connection, self._failure = self._connection, None, None
        if connection is None:
            return
        with contextlib.suppress(OSError):
            connection.close()
        replies, self._replies = self._replies, {}
        self._callers.clear()
        for _, on_reply in replies.values():
            self._guarded(partial(on_reply, None))
        for changed in self._watched.values():
            self._guarded(partial(changed, ""))
        for told in self._names.values():
            self._guarded(partial(told, False))

    # -- messages

    def _send(self, message: Message, serial: int | None = None) -> None:
        """Send it; where that fails, who asked for it goes on, and the loop finds the bus lost."""
        if self._connection is None or self._failure is not None:
            return
        try:
            self._connection.send(message, serial=serial)
        except OSError as error:
            self._failure = error

    def _send_call(self, message: Message, on_reply: OnReply | None = None) -> None:
        if self._connection is None:
            if on_reply is not None:
                on_reply(None)
            return
        serial = next(self._connection.outgoing_serial)
        if on_reply is None:
            message.header.flags |= MessageFlag.no_reply_expected
        else:
            self._replies[serial] = (time.monotonic() + REPLY_SECONDS, on_reply)
        self._send(message, serial)

    def _receive_all(self) -> None:
        while self._connection is not None:
            try:
                message = self._connection.receive(timeout=0)
            except TimeoutError:
                return
            self._guarded(partial(self._take, message))

    def _take(self, message: Message) -> None:
        kind, fields = message.header.message_type, message.header.fields
        if kind in (MessageType.method_return, MessageType.error):
            waiting = self._replies.pop(fields.get(HeaderFields.reply_serial, -1), None)
            if waiting is not None:
                good = kind is MessageType.method_return
                if not good:
                    log.debug("refused: %s %s", fields.get(HeaderFields.error_name), message.body)
                waiting[1](tuple(message.body) if good else None)
        elif kind is MessageType.signal:
            if fields.get(HeaderFields.member) == "NameOwnerChanged":
                self._take_owner(fields.get(HeaderFields.sender), *message.body)
        elif self._allow is None:
            self._answer(message)
        else:
            self._admit(message, self._allow)

    def _take_owner(self, sender: str | None, name: str, _before: str, owner: str) -> None:
        if sender == BUS and name in self._watched:
            self._watched[name](owner)
        if not owner:
            self._callers.pop(name, None)

    def _admit(self, message: Message, allow: Callable[[int | None], bool]) -> None:
        """Answer, once the bus has said whose program calls."""
        sender = str(message.header.fields.get(HeaderFields.sender))

        def told(body: tuple[Any, ...] | None) -> None:
            self._callers[sender] = allow(int(body[0]) if body else None)
            self._admitted(message, self._callers[sender])

        if sender in self._callers:
            self._admitted(message, self._callers[sender])
        else:
            if len(self._callers) > 64:  # short-lived callers, such as commands
                self._callers.clear()
            self._send_call(message_bus.GetConnectionUnixUser(sender), told)

    def _admitted(self, message: Message, may: bool) -> None:
        if may:
            self._answer(message)
        else:
            self._refuse(message, BusError(DENIED, "Only the user who runs Moodtray may do that."))

    def _answer(self, message: Message) -> None:
        try:
            signature, body = self._result(message)
            answer = new_method_return(message, signature or None, body)
        except BusError as error:
            self._refuse(message, error)
        except Exception:
            log.exception("defect while answering %s", message.header.fields)
            self._refuse(
                message, BusError(FAILED, "Moodtray has made a mistake; its log says which.")
            )
        else:
            if not message.header.flags & MessageFlag.no_reply_expected:
                self._send(answer)

    def _refuse(self, message: Message, error: BusError) -> None:
        if not message.header.flags & MessageFlag.no_reply_expected:
            self._send(new_error(message, error.name, "s", (str(error),)))

    def _result(self, message: Message) -> tuple[str, tuple[Any, ...]]:
        """(signature, body) of the answer to a call. Raises BusError."""
        fields = message.header.fields
        path = fields.get(HeaderFields.path, "")
        interface, member = fields.get(HeaderFields.interface), fields.get(HeaderFields.member, "")
        method = self._standard(path, interface, member)
        if method is None:
            interfaces = self._objects.get(path)
            if interfaces is None:
                raise BusError(UNKNOWN_OBJECT, f"There is no object {path}.")
            chosen = [i for i in interfaces.values() if interface in (None, i.name)]
            method = next((i.methods[member] for i in chosen if member in i.methods), None)
        if method is None:
            raise BusError(UNKNOWN_METHOD, f"There is no method {member} at {path}.")
        given, wanted = fields.get(HeaderFields.signature, ""), _joined(method.takes)
        if given != wanted:
            raise BusError(INVALID, f"{member} takes '{wanted}', not '{given}'.")
        return _joined(method.gives), method.call(*message.body)

    def _standard(self, path: str, interface: str | None, member: str) -> Method | None:
        """Answer the methods that the bus's specification gives to every object."""
        if member == "Introspect" and interface in (None, INTROSPECTABLE):
            return Method(lambda: (self._introspect(path),), (), (("xml", "s"),))
        if interface == PEER and member == "Ping":
            return Method(lambda: ())
        if interface != PROPERTIES or path not in self._objects:
            return None
        if member == "Get":
            return Method(
                lambda i, n: (_read(self._property(path, i, n)),), _TWO_NAMES, (("value", "v"),)
            )
        if member == "GetAll":
            return Method(lambda i: (self._properties(path, i),), (("interface", "s"),), _DICT)
        if member == "Set":
            return Method(_set, (*_TWO_NAMES, ("value", "v")))
        return None

    def _property(self, path: str, interface: str, name: str) -> Property:
        found = self._objects[path].get(interface)
        if found is None or name not in found.properties:
            raise BusError(UNKNOWN_PROPERTY, f"There is no property {name} at {path}.")
        return found.properties[name]

    def _properties(self, path: str, interface: str) -> dict[str, tuple[str, Any]]:
        found = self._objects[path].get(interface)
        return {} if found is None else {n: _read(p) for n, p in found.properties.items()}

    def _introspect(self, path: str) -> str:
        interfaces = self._objects.get(path, {})
        below = path.rstrip("/") + "/"
        nodes = {p[len(below) :].split("/")[0] for p in self._objects if p.startswith(below)}
        if not interfaces and not nodes:
            raise BusError(UNKNOWN_OBJECT, f"There is no object {path}.")
        lines = ["<node>"]
        for interface in (*interfaces.values(), *(_STANDARD if interfaces else ())):
            lines += _described(interface)
        lines += [f"  <node name={_quoted(node)}/>" for node in sorted(nodes)]
        return "\n".join([*lines, "</node>"])


def _is_wanted(head: Head) -> bool:
    """Tell whether it is an answer, a word of the bus itself, or a call that may be meant."""
    if head.kind == MessageType.method_call.value:
        return head.size <= LONGEST
    return head.is_answer or head.sender == BUS


def _read(found: Property) -> tuple[str, Any]:
    return found.signature, found.read()


def _set(_interface: str, name: str, _value: Any) -> tuple[Any, ...]:
    raise BusError(READ_ONLY, f"The property {name} can only be read.")


def _joined(arguments: Arguments) -> str:
    return "".join(signature for _, signature in arguments)


def _described(interface: Interface) -> list[str]:
    """Describe the interface in the bus's introspection format."""
    lines = [f"  <interface name={_quoted(interface.name)}>"]
    for name, method in interface.methods.items():
        lines.append(f"    <method name={_quoted(name)}>")
        lines += _arguments(method.takes, "in") + _arguments(method.gives, "out")
        lines.append("    </method>")
    for name, arguments in interface.signals.items():
        lines.append(f"    <signal name={_quoted(name)}>")
        lines += [*_arguments(arguments, None), "    </signal>"]
    for name, found in interface.properties.items():
        lines.append(
            f'    <property name={_quoted(name)} type={_quoted(found.signature)} access="read">'
        )
        lines.append(f'      <annotation name="{CHANGED}" value={_quoted(found.changes)}/>')
        lines.append("    </property>")
    return [*lines, "  </interface>"]


def _quoted(text: str) -> str:
    """Write an attribute's value; names and signatures have no quotes in them."""
    return f'"{text}"'


def _arguments(arguments: Arguments, direction: str | None) -> list[str]:
    way = "" if direction is None else f' direction="{direction}"'
    return [f"      <arg name={_quoted(n)} type={_quoted(s)}{way}/>" for n, s in arguments]


_TWO_NAMES: Arguments = (("interface", "s"), ("name", "s"))
_DICT: Arguments = (("properties", "a{sv}"),)


def _none() -> tuple[Any, ...]:
    return ()


_STANDARD: Sequence[Interface] = (
    Interface(
        PROPERTIES,
        {
            "Get": Method(_none, _TWO_NAMES, (("value", "v"),)),
            "GetAll": Method(_none, (("interface", "s"),), _DICT),
            "Set": Method(_none, (*_TWO_NAMES, ("value", "v"))),
        },
        signals={
            "PropertiesChanged": (
                ("interface", "s"), ("changed", "a{sv}"), ("invalidated", "as"),
            )
        },
    ),
    Interface(INTROSPECTABLE, {"Introspect": Method(_none, (), (("xml", "s"),))}),
    Interface(PEER, {"Ping": Method(_none)}),
)  # fmt: skip
"""What every object has besides, for the introspection alone."""
