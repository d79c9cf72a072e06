"""The tray icon as today's panels want it: a StatusNotifierItem on the session bus, with its menu.

KDE, GNOME with its extension, Xfce, Cinnamon, MATE, Budgie and waybar draw icon and menu
themselves; this side tells them what to draw and hears of the clicks, without a toolkit. The
icon is offered to every watcher that is there or comes: a panel that starts late, or again,
shows it as soon as it asks.
"""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, TypeAlias

from PIL import Image

from agent.desktop.dbus_server import BusServer, Interface, Method, Property, bus_text
from agent.desktop.icons.drawing import icon
from agent.desktop.tray.dbus_menu import DbusMenu, Entry
from agent.types import MoodState, Status

log = logging.getLogger(__name__)

ITEM = "org.kde.StatusNotifierItem"
"""The interface as panels know it; the specification's own name never caught on."""
ITEM_PATH, MENU_PATH = "/StatusNotifierItem", "/MenuBar"
WATCHERS = ("org.kde.StatusNotifierWatcher", "org.freedesktop.StatusNotifierWatcher")
WATCHER_PATH = "/StatusNotifierWatcher"
SIZES = (16, 22, 24, 32, 48, 64)
"""Pixels: panels from 16 to 32 points high, plain and at 200 %."""
ASK_AGAIN = (1.0, 5.0, 30.0)
"""Seconds until a watcher that refused us is asked again."""

Look: TypeAlias = tuple[Status, MoodState, bool]
"""Status, mood, whether on a dark panel."""
Pixmaps: TypeAlias = list[tuple[int, int, bytes]]


@lru_cache(maxsize=12)
def pixmaps(look: Look) -> Pixmaps:
    """Draw the icon at :data:`SIZES`: width, height, and ARGB of 8 bits each, in network order."""
    drawn = []
    for size in SIZES:
        red, green, blue, alpha = icon(look[0], look[1], size, look[2]).split()
        drawn.append((size, size, Image.merge("RGBA", (alpha, red, green, blue)).tobytes()))
    return drawn


class StatusItem:
    """The object that panels read, and what they are told when it changes. The server's thread."""

    def __init__(self, server: BusServer, identity: str) -> None:
        """Export the item and its menu. ``identity`` names the program to panels."""
        self.menu = DbusMenu(server, MENU_PATH)
        self.activate: Callable[[], None] | None = None
        self.activate_second: Callable[[], None] | None = None
        self._server = server
        self._identity = identity
        self._look: Look = (Status.STARTING, MoodState.UNSURE, True)
        self._attention = False
        self._tooltip = ("", "")
        self._name = f"{ITEM}-{os.getpid()}-1"
        self._shown = self._has_name = False
        self._accepted: set[str] = set()
        self._owners: dict[str, str] = {}
        server.export(ITEM_PATH, self._interface())
        server.export(MENU_PATH, self.menu.interface)
        for watcher in WATCHERS:
            server.watch_name(watcher, partial(self._watcher_changed, watcher))

    @property
    def accepted(self) -> bool:
        """Whether some panel's watcher has taken the icon."""
        return bool(self._accepted)

    def show(self) -> None:
        """Offer the icon to all watchers, those there and those to come."""
        if not self._shown:
            self._shown = True
            self._server.own(self._name, self._named)

    def set_look(self, look: Look) -> None:
        """Set the icon's look."""
        if look != self._look:
            self._look = look
            self._emit("NewIcon")
            if self._attention:
                self._emit("NewAttentionIcon")

    def set_attention(self, attention: bool) -> None:
        """Tell panels whether the user is needed: they then show an icon that they hide."""
        if attention != self._attention:
            self._attention = attention
            self._emit("NewAttentionIcon")
            self._emit("NewStatus", self._status())

    def set_tooltip(self, title: str, text: str) -> None:
        """Set the tooltip, plain text both.

        Some panels read markup in the first line, some do not: its signs become look-alikes; all
        read it in the second.
        """
        plain = bus_text(title).translate({ord("&"): "＆", ord("<"): "‹", ord(">"): "›"})
        tooltip = plain, html.escape(bus_text(text), quote=False)
        if tooltip != self._tooltip:
            self._tooltip = tooltip
            self._emit("NewToolTip")

    # -- watchers

    def _named(self, ours: bool) -> None:
        """Note that the bus has given us the name, at the start or after it was away."""
        self._has_name = ours
        if not ours:
            log.info("the name %s is not ours on the bus", self._name)
        for watcher, owner in self._owners.items():
            self._register(watcher, owner)

    def _watcher_changed(self, watcher: str, owner: str) -> None:
        self._accepted.discard(watcher)
        self._owners[watcher] = owner
        if self._has_name:
            self._register(watcher, owner)

    def _register(self, watcher: str, owner: str, tries: int = 0) -> None:
        if not owner or self._owners.get(watcher) != owner:
            return  # nobody, or another one by now, which was asked for itself

        def answered(body: tuple[Any, ...] | None) -> None:
            if self._owners.get(watcher) != owner:
                return
            if body is not None:
                self._accepted.add(watcher)
            elif tries < len(ASK_AGAIN):
                again = partial(self._register, watcher, owner, tries + 1)
                self._server.call_later(ASK_AGAIN[tries], again)
            else:
                log.warning("%s takes no icon", watcher)

        self._server.call(
            watcher,
            WATCHER_PATH,
            watcher,
            "RegisterStatusNotifierItem",
            "s",
            (self._name,),
            answered,
        )

    # -- the interface

    def _emit(self, signal: str, *body: Any) -> None:
        if self._shown:
            self._server.emit(ITEM_PATH, ITEM, signal, *body)

    def _status(self) -> str:
        return "NeedsAttention" if self._attention else "Active"

    def _clicked(self, *_: Any) -> tuple[()]:
        if self.activate is not None:
            self.activate()
        return ()

    def _clicked_second(self, *_: Any) -> tuple[()]:
        if self.activate_second is not None:
            self.activate_second()
        return ()

    def _interface(self) -> Interface:
        place = (("x", "i"), ("y", "i"))

        def nothing(*_: Any) -> tuple[()]:
            return ()

        return Interface(
            ITEM,
            {
                "ContextMenu": Method(nothing, place),  # panels draw the menu themselves
                "Activate": Method(self._clicked, place),
                "SecondaryActivate": Method(self._clicked_second, place),
                "Scroll": Method(nothing, (("delta", "i"), ("orientation", "s"))),
            },
            {
                "Category": Property("s", lambda: "ApplicationStatus"),
                "Id": Property("s", lambda: self._identity),
                "Title": Property("s", lambda: "Moodtray"),
                "Status": Property("s", self._status),
                "WindowId": Property("i", lambda: 0),
                "IconThemePath": Property("s", str),
                "IconName": Property("s", str),
                "IconPixmap": Property("a(iiay)", lambda: pixmaps(self._look)),
                "OverlayIconName": Property("s", str),
                "OverlayIconPixmap": Property("a(iiay)", list),
                "AttentionIconName": Property("s", str),
                "AttentionIconPixmap": Property(
                    "a(iiay)", lambda: pixmaps(self._look) if self._attention else []
                ),
                "AttentionMovieName": Property("s", str),
                "ToolTip": Property("(sa(iiay)ss)", lambda: ("", [], *self._tooltip)),
                "ItemIsMenu": Property("b", lambda: True),
                "Menu": Property("o", lambda: MENU_PATH),
            },
            {
                "NewTitle": (),
                "NewIcon": (),
                "NewAttentionIcon": (),
                "NewOverlayIcon": (),
                "NewToolTip": (),
                "NewStatus": (("status", "s"),),
            },
        )


def status_notifier_icon(base: Any) -> Any:
    """Make the class from pystray's ``base``: its interface, a StatusNotifierItem behind it."""

    class StatusNotifierIcon(base):  # type: ignore[misc]
        """Beyond pystray's face.

        Four functions to be set, ``look`` (what to show), ``attention`` (whether the user is
        needed), ``second`` (a click with the middle button) and ``opened`` (the menu is about to be
        shown); and ``post`` (have work done in the loop; any thread).
        """

        look: Callable[[], Look]
        attention: Callable[[], bool]
        second: Callable[[], None]
        opened: Callable[[], None]

        def __init__(self, name: str, **kwargs: Any) -> None:
            super().__init__(name, **kwargs)
            # The menu is for its user, whomever a bus may let on besides.
            self._server = BusServer(allow=lambda user: user == os.getuid())
            self._item = StatusItem(self._server, name)
            self._item.activate = self._default
            self._item.activate_second = self._second
            self._item.menu.opened = self._opened
            self.post = self._server.post
            self._server.connect()  # trouble shows before the icon is promised

        @property
        def accepted(self) -> bool:
            """Whether a panel has taken the icon. The loop's thread."""
            return self._item.accepted

        def later(self, seconds: float, work: Callable[[], None]) -> None:
            """Have ``work`` done in the loop in so many seconds. The loop's thread."""
            self._server.call_later(seconds, work)

        def _show(self) -> None:
            self._update_title()
            self._item.show()

        def _hide(self) -> None:
            """Do nothing: with the connection goes the icon."""

        def _update_icon(self) -> None:
            self._icon_valid = True
            self._item.set_attention(self.attention())
            self._item.set_look(self.look())

        def _update_title(self) -> None:
            title, _, text = self.title.partition("\n")
            self._item.set_tooltip(title, text)

        def _update_menu(self) -> None:
            entries = _entries(self, self.menu)
            self.post(partial(self._item.menu.show, entries))

        def _default(self) -> None:
            """Answer a click that opens no menu, on panels that know such."""
            if self.menu is not None:
                self.menu(self)

        def _second(self) -> None:
            """Answer the middle button."""
            self.second()

        def _opened(self) -> None:
            """Answer a panel that is about to show the menu."""
            self.opened()

        def _run(self) -> None:
            self._mark_ready()
            self._server.run()

        def _stop(self) -> None:
            self._server.stop()

    return StatusNotifierIcon


def _entries(owner: Any, menu: Any) -> tuple[Entry, ...]:
    """Turn pystray's menu into plain lines."""
    return tuple(_entry(owner, item) for item in (menu or ()))


def _entry(owner: Any, item: Any) -> Entry:
    from pystray import Menu

    if item is Menu.SEPARATOR:
        return Entry(separator=True)
    children = _entries(owner, item.submenu)
    return Entry(
        item.text,
        enabled=bool(item.enabled),
        checked=item.checked,
        radio=bool(item.radio),
        children=children,
        text=getattr(item, "reads", False),
        slot=getattr(item, "slot", ""),
        activate=None if children else partial(item, owner),
    )
