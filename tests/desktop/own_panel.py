"""A panel of our own: a watcher that takes icons, and a client that reads icon and menu. Every
call and every signal is checked against the interfaces' specifications."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from agent.desktop.dbus_server import BusError, BusServer, Interface, Method, Property
from tests.desktop.buses import wait_until
from tests.desktop.specifications import ITEM, MENU, SPECIFICATIONS, WATCHER, introspected

TIMEOUT = 10.0


class Watcher:
    """org.kde.StatusNotifierWatcher in a thread. ``refusals``: registrations answered by an
    error first."""

    def __init__(self, name: str = WATCHER, refusals: int = 0) -> None:
        self.items: list[str] = []
        self.asked = 0
        self._refusals = refusals
        self._server = BusServer()
        self._server.export(
            "/StatusNotifierWatcher",
            Interface(
                name,
                {
                    "RegisterStatusNotifierItem": Method(self._register, (("service", "s"),)),
                    "RegisterStatusNotifierHost": Method(lambda _: (), (("service", "s"),)),
                },
                {
                    "RegisteredStatusNotifierItems": Property("as", lambda: self.items),
                    "IsStatusNotifierHostRegistered": Property("b", lambda: True),
                    "ProtocolVersion": Property("i", lambda: 0),
                },
            ),
        )
        self._named = threading.Event()
        self._server.own(name, lambda ours: self._named.set() if ours else None)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> Watcher:
        self._thread.start()
        assert self._named.wait(TIMEOUT)
        return self

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(TIMEOUT)

    def _register(self, service: str) -> tuple[()]:
        self.asked += 1
        if self.asked <= self._refusals:
            raise BusError("org.example.Nonsense", "Tuesday")
        self.items.append(service)
        return ()


@contextmanager
def watching(name: str = WATCHER, refusals: int = 0) -> Iterator[Watcher]:
    watcher = Watcher(name, refusals).start()
    try:
        yield watcher
    finally:
        watcher.stop()


class PanelClient:
    """Reads the icon ``service`` and its menu."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._bus: DBusConnection = open_dbus_connection("SESSION")
        self._unheard: list[Any] = []
        for interface in (ITEM, MENU):
            rule = MatchRule(type="signal", interface=interface)
            self._bus.send_and_get_reply(message_bus.AddMatch(rule), timeout=TIMEOUT)

    def close(self) -> None:
        self._bus.close()

    # -- calls

    def call(self, interface: str, member: str, *body: Any) -> tuple[Any, ...]:
        """The answer. Raises BusError for an error answer."""
        takes, gives = SPECIFICATIONS[interface].methods[member]
        return self._call(self.path(interface), interface, member, takes, body, gives)

    def get(self, interface: str, name: str) -> Any:
        return self.get_all(interface)[name]

    def get_all(self, interface: str) -> dict[str, Any]:
        """All properties, each of the type that the specification names."""
        properties = "org.freedesktop.DBus.Properties"
        path = self.path(interface)
        (found,) = self._call(path, properties, "GetAll", "s", (interface,), "a{sv}")
        known = SPECIFICATIONS[interface].properties
        assert {name: kind for name, (kind, _) in found.items()} == {
            name: kind for name, (kind, _) in known.items()
        }
        return {name: value for name, (_, value) in found.items()}

    def path(self, interface: str) -> str:
        if interface == ITEM:
            return "/StatusNotifierItem"
        (found,) = self._call(
            "/StatusNotifierItem",
            "org.freedesktop.DBus.Properties",
            "Get",
            "ss",
            (ITEM, "Menu"),
            "v",
        )
        assert found[0] == "o"
        return str(found[1])

    def check_introspection(self) -> None:
        """Both objects say of themselves what the specifications say."""
        for name in (ITEM, MENU):
            xml = self._call(
                self.path(name), "org.freedesktop.DBus.Introspectable", "Introspect", "", (), "s"
            )[0]
            (own,) = [found for found in introspected(xml) if found.name == name]
            assert own == SPECIFICATIONS[name]

    def _call(
        self, path: str, interface: str, member: str, takes: str, body: Any, gives: str
    ) -> tuple[Any, ...]:
        address = DBusAddress(path, bus_name=self.service, interface=interface)
        message = new_method_call(address, member, takes or None, body)
        serial = next(self._bus.outgoing_serial)
        self._bus.send(message, serial=serial)
        while True:
            got = self._bus.receive(timeout=TIMEOUT)
            if got.header.fields.get(HeaderFields.reply_serial) == serial:
                break
            self._unheard.append(got)
        if got.header.message_type is MessageType.error:
            raise BusError(got.header.fields[HeaderFields.error_name], str(got.body))
        assert got.header.fields.get(HeaderFields.signature, "") == gives, member
        return tuple(got.body)

    # -- signals

    def heard(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The signals since the last time, each with what it says."""
        while True:
            try:
                self._unheard.append(self._bus.receive(timeout=0.05))
            except TimeoutError:
                break
        messages, self._unheard = self._unheard, []
        found = []
        for message in messages:
            fields = message.header.fields
            interface = fields.get(HeaderFields.interface)
            if message.header.message_type is MessageType.signal and interface in SPECIFICATIONS:
                member = fields[HeaderFields.member]
                kind = fields.get(HeaderFields.signature, "")
                assert SPECIFICATIONS[interface].signals[member] == kind, member
                found.append((member, tuple(message.body)))
        return found

    # -- the menu

    def layout(self) -> list[tuple[int, dict[str, Any], list[Any]]]:
        """The menu's lines: number, properties, lines below."""
        _revision, root = self.call(MENU, "GetLayout", 0, -1, [])
        return _plain(root)[2]

    def labels(self) -> list[str]:
        return [line[1].get("label", "-") for line in self.layout()]

    def number(self, label: str) -> int:
        return _find(self.layout(), label)

    def click(self, label: str) -> None:
        self.call(MENU, "Event", self.number(label), "clicked", ("i", 0), 0)

    def wait_for_label(self, label: str) -> None:
        wait_until(lambda: label in self.labels())


def _plain(line: Any) -> tuple[int, dict[str, Any], list[Any]]:
    number, properties, children = line
    plain = {name: value for name, (_, value) in properties.items()}
    return number, plain, [_plain(child) for _, child in children]


def _find(lines: list[Any], label: str) -> int:
    for number, properties, children in lines:
        if properties.get("label") == label:
            return int(number)
        with_it = [c for c in children if c[1].get("label") == label]
        if with_it:
            return int(with_it[0][0])
    raise AssertionError(f"no line {label} in {lines}")
