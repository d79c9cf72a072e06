"""Whether the screen is shown to others, on Linux.

The portal tells that only to the program that shares. But where a desktop's own service makes an
object on the session bus for each screen that is shared, anybody may see that there is one: GNOME's
compositor does, and the portal of the wlroots family, which knows no other kind of session. KDE's
portal has sessions for keyboard shortcuts as well, so there it is not known.
"""

from __future__ import annotations

import logging
from typing import TypeAlias
from xml.etree import ElementTree

from agent.desktop.session.bus import Bus

log = logging.getLogger(__name__)

Place: TypeAlias = tuple[str, str]
"""A service, and the object below which each shared screen has one of its own."""

PLACES: tuple[Place, ...] = (
    ("org.gnome.Mutter.ScreenCast", "/org/gnome/Mutter/ScreenCast/Session"),
    ("org.freedesktop.impl.portal.desktop.wlr", "/org/freedesktop/portal/desktop/session"),
)


def screen_is_shared(bus: Bus) -> bool | None:
    """Look for a shared screen; None: this desktop does not tell.

    Milliseconds. Raises OSError when the bus is gone.
    """
    known = [place for place in PLACES if _is_there(bus, place[0])]
    return any(_has_children(bus, *place) for place in known) if known else None


def _is_there(bus: Bus, name: str) -> bool:
    service = "org.freedesktop.DBus"
    answer = bus.call(
        service, "/org/freedesktop/DBus", service, "NameHasOwner", "s", (name,), gives="b"
    )
    return bool(answer and answer[0])


def _has_children(bus: Bus, name: str, path: str) -> bool:
    introspectable = "org.freedesktop.DBus.Introspectable"
    answer = bus.call(name, path, introspectable, "Introspect", gives="s")
    if answer is None:
        return False  # without a session some services do not know the path
    try:
        return ElementTree.fromstring(answer[0]).find("node") is not None
    except ElementTree.ParseError as error:
        log.debug("%s describes itself as no XML: %s", name, error)
        return False
