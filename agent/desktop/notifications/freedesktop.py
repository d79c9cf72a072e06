"""Notifications on Linux desktops: org.freedesktop.Notifications, spoken over D-Bus directly.

Three calls and two signals. (A library for them would bring a second D-Bus library along, some
10 MB, for a program that stays in memory all day.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageType,
    new_method_call,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection
from jeepney.wrappers import DBusErrorResponse, unwrap_msg

from agent.desktop.bus_connection import LONGEST, Head, connect
from agent.desktop.dbus_server import bus_text
from agent.desktop.notifications.rules import safe
from agent.desktop.notifications.service import NAME, TIMEOUT, Service, ask_service
from agent.effects import Notification
from agent.events import Event
from agent.ports import Report
from agent.types import NotificationKind

log = logging.getLogger(__name__)

ADDRESS = DBusAddress("/org/freedesktop/Notifications", NAME, NAME)
NORMAL, CRITICAL = 1, 2
"""Urgency: what is critical stays until it is answered."""

_SIGNALS = MatchRule(type="signal", sender=NAME, interface=NAME, path=ADDRESS.object_path)


class FreedesktopNotifications:
    """One connection, opened by the first notification.

    All in the notifier's thread and its loop, which also reads what the service tells of pressed
    buttons.
    """

    def __init__(self, report: Report, app_name: str, seconds_shown: float) -> None:
        self._report = report
        self._app_name = app_name
        self._milliseconds = round(seconds_shown * 1000)
        self._connection: DBusConnection | None = None
        self._standing: dict[NotificationKind, int] = {}
        self._buttons: dict[int, tuple[tuple[str, Event], ...]] = {}
        self._service: str | None = None  # the name that the bus gave to who shows them

    async def show(self, notification: Notification, icon: Path, service: Service) -> None:
        """Show it. Raises OSError or DBusErrorResponse when that fails."""
        await self.withdraw(notification.kind)
        buttons = notification.buttons if service.buttons else ()
        stays = notification.kind is NotificationKind.LOGIN
        actions = [word for i, (label, _) in enumerate(buttons) for word in (str(i), label)]
        hints = {
            "desktop-entry": ("s", "moodtray"),
            "image-path": ("s", icon.as_uri()),
            "urgency": ("y", CRITICAL if stays else NORMAL),
        }
        body = (
            self._app_name,
            0,
            icon.as_uri(),
            bus_text(safe(notification.title, markup=False)),
            bus_text(safe(notification.body, service.markup)),
            [bus_text(word) for word in actions],
            hints,
            0 if stays else self._milliseconds,
        )
        shown = self._call("Notify", "susssasa{sv}i", body)
        (number,), self._service = shown.body, _sender(shown)
        self._standing[notification.kind] = number
        self._buttons[number] = buttons
        self._read()  # what came together with the answer

    async def withdraw(self, kind: NotificationKind) -> None:
        """Take down the one of this kind, if it still stands."""
        number = self._standing.pop(kind, None)
        if number is not None:
            self._buttons.pop(number, None)
            self._call("CloseNotification", "u", (number,))
            self._read()

    # -- inside

    def _call(self, member: str, signature: str, body: tuple[Any, ...]) -> Message:
        connection = self._connected()
        try:
            message = new_method_call(ADDRESS, member, signature, body)
            answer = self._answer_to(connection, message)
        except OSError:
            self._lose()
            raise
        unwrap_msg(answer)
        return answer

    def _answer_to(self, connection: DBusConnection, message: Message) -> Message:
        """Like jeepney's own way, but what comes meanwhile is not lost."""
        serial = next(connection.outgoing_serial)
        connection.send(message, serial=serial)
        while True:
            got = connection.receive(timeout=TIMEOUT)
            if _is_answer(got) and got.header.fields.get(HeaderFields.reply_serial) == serial:
                return got
            self._take(got)

    def _connected(self) -> DBusConnection:
        if self._connection is None:
            connection = connect("SESSION", _is_wanted)
            connection.sock.settimeout(TIMEOUT)
            connection.send_and_get_reply(message_bus.AddMatch(_SIGNALS), timeout=TIMEOUT)
            asyncio.get_running_loop().add_reader(connection.sock, self._read)
            self._connection = connection
        return self._connection

    def _read(self) -> None:
        """Take in what came; called by the loop."""
        try:
            while self._connection is not None:
                self._take(self._connection.receive(timeout=0))
        except TimeoutError:
            return
        except (OSError, ValueError) as error:
            log.info("the bus of the notifications is gone: %r", error)
            self._lose()

    def _take(self, message: Message) -> None:
        member = _said_by(self._service, message)
        if member == "ActionInvoked":
            number, key = message.body
            buttons = self._buttons.get(number, ())
            if key.isdecimal() and int(key) < len(buttons):
                self._report(buttons[int(key)][1])
        elif member == "NotificationClosed":
            number = message.body[0]
            self._buttons.pop(number, None)
            for kind, standing in list(self._standing.items()):
                if standing == number:
                    del self._standing[kind]

    def _lose(self) -> None:
        connection, self._connection = self._connection, None
        self._standing.clear()
        self._buttons.clear()
        if connection is not None:
            asyncio.get_running_loop().remove_reader(connection.sock)
            with contextlib.suppress(OSError):
                connection.close()


def ask(
    title: str,
    text: str,
    choices: tuple[str, ...],
    settled: Callable[[], bool],
    look: float,
) -> str | None:
    """Put a question that stays until it is answered.

    The choice, or None: nobody answered, it was dismissed, or this desktop shows no buttons.
    Blocks; it is taken down once ``settled``, asked every ``look`` seconds.
    """
    service = ask_service()
    if not service.buttons:
        return None
    try:
        with connect("SESSION", _is_wanted) as connection:
            connection.send_and_get_reply(message_bus.AddMatch(_SIGNALS), timeout=TIMEOUT)
            actions = [word for label in choices for word in (label, label)]
            hints = {"desktop-entry": ("s", "moodtray"), "urgency": ("y", CRITICAL)}
            body = ("Moodtray", 0, "moodtray", title, safe(text, service.markup), actions, hints, 0)
            notify = new_method_call(ADDRESS, "Notify", "susssasa{sv}i", body)
            shown = connection.send_and_get_reply(notify, timeout=TIMEOUT)
            (number,), service_name = unwrap_msg(shown), _sender(shown)
            heard: list[str | None] = []
            while not heard and not settled():
                with contextlib.suppress(TimeoutError):
                    heard = _choice(connection.receive(timeout=look), service_name, number)
            # Some services leave a question standing whose button was pressed.
            close = new_method_call(ADDRESS, "CloseNotification", "u", (number,))
            connection.send_and_get_reply(close, timeout=TIMEOUT)
            return heard[0] if heard else None
    except (OSError, KeyError, ValueError, DBusErrorResponse) as error:
        log.info("a notification could not ask: %r", error)
    return None


def _choice(message: Message, service: str | None, number: int) -> list[str | None]:
    """Read what this says of the question's end: [] nothing, [None] dismissed, [label] chosen."""
    member = _said_by(service, message)
    if member not in ("ActionInvoked", "NotificationClosed") or message.body[0] != number:
        return []
    return [message.body[1] if member == "ActionInvoked" else None]


def _said_by(service: str | None, message: Message) -> str | None:
    """Return the name of the service's signal; None: it is none, or somebody else's.

    The bus writes the sender into each message. A match rule is not enough: what is sent to us
    alone comes without one.
    """
    fields = message.header.fields
    is_theirs = (
        message.header.message_type is MessageType.signal
        and service is not None
        and _sender(message) == service
        and fields.get(HeaderFields.interface) == NAME
    )
    return fields.get(HeaderFields.member) if is_theirs else None


def _is_wanted(head: Head) -> bool:
    """Tell whether it is an answer, or a signal that may be meant. Whose, is looked at later."""
    return head.is_answer or (head.kind == MessageType.signal.value and head.size <= LONGEST)


def _is_answer(message: Message) -> bool:
    return message.header.message_type in (MessageType.method_return, MessageType.error)


def _sender(message: Message) -> str | None:
    sender: str | None = message.header.fields.get(HeaderFields.sender)
    return sender
