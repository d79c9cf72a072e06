"""Which tray this desktop has.

Looks before anything is imported, because pystray's own choice raises where a piece is missing (no
display, no typelib).
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

from agent.translation import N_, _

log = logging.getLogger(__name__)

COMMANDS = N_("moodtray status, moodtray pause, moodtray resume and moodtray quit")
WATCHER = "org.kde.StatusNotifierWatcher"
ASK_SECONDS = 2.0
"""The session bus answers within milliseconds, or not at all."""

NO_MENU = N_(
    "This desktop's panel has a tray of the old kind (XEmbed), "
    "where the icon has no menu without PyGObject. Use a panel "
    "that knows StatusNotifierItem, which needs nothing else, or "
    "install the Debian packages python3-gi and gir1.2-gtk-3.0 "
    "(inside a virtual environment: pip install "
    "'moodtray[linux-tray]') and start Moodtray again. Until then "
    "use {commands}."
)
NO_SESSION = N_(
    "There is no desktop session (neither DISPLAY nor "
    "WAYLAND_DISPLAY is set), so there is no tray icon. Moodtray "
    "runs on; use {commands}."
)
NO_BUS = N_(
    "There is no D-Bus session bus, over which panels show tray "
    "icons. Start Moodtray from the desktop session. It runs on "
    "without an icon; use {commands}."
)
NO_PANEL = N_(
    "No panel shows tray icons here. Add a tray (also called "
    "notification area, status icons or status notifier) to your "
    "panel; the icon then comes by itself. Until then use "
    "{commands}."
)
NO_EXTENSION = N_(
    "GNOME shows tray icons only with an extension: install the "
    "package gnome-shell-extension-appindicator, switch it on and "
    "log in again. Until then use {commands}."
)
OLD_KIND = N_(
    "This panel's tray is of the old kind (XEmbed), which needs "
    "GTK: some 100 MB more memory. A panel that knows "
    "StatusNotifierItem needs none."
)

STATUS_NOTIFIER = "statusnotifier"


@dataclass(frozen=True, slots=True)
class Backend:
    """``name``: "statusnotifier" or one of pystray's (None: no tray).

    ``notice`` says what is missing and what to do, empty when all is well; ``waiting``: no panel is
    there yet, and the notice is for when none comes; ``better``: what would be better, for who
    asks.
    """

    name: str | None
    notice: str = ""
    waiting: bool = False
    better: str = ""

    @property
    def menu(self) -> bool:
        """Whether clicks and menu work."""
        return self.name not in (None, "xorg")


def choose_backend() -> Backend:
    """Choose the best tray of this system.

    Imports GTK only where nothing else would do, opens no window. ``PYSTRAY_BACKEND`` overrules the
    choice between those that this system has.
    """
    if sys.platform == "darwin":
        return Backend("darwin")
    if sys.platform == "win32":
        return Backend("win32")
    return _choose_on_linux(os.environ.get("PYSTRAY_BACKEND"))


def _choose_on_linux(wish: str | None) -> Backend:
    watcher = has_watcher()
    old_wished = wish in ("gtk", "xorg")
    # A panel on the bus needs no display: an agent that was started without one finds it too.
    if watcher and not old_wished:
        return Backend(STATUS_NOTIFIER)
    has_x = bool(os.environ.get("DISPLAY"))
    if not has_x and not os.environ.get("WAYLAND_DISPLAY"):
        return Backend(None, _told(NO_SESSION))
    if has_x and (old_wished or watcher is None or has_x_tray()):
        if wish != "xorg" and has_gtk():
            return Backend("gtk", better=_(OLD_KIND))
        return Backend("xorg", "" if wish == "xorg" else _told(NO_MENU))
    if watcher is None:
        return Backend(None, _told(NO_BUS))
    gnome = "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").upper()
    return Backend(STATUS_NOTIFIER, _told(NO_EXTENSION if gnome else NO_PANEL), waiting=True)


def _told(notice: str) -> str:
    return _(notice).format(commands=_(COMMANDS))


def has_watcher() -> bool | None:
    """Tell whether a panel on the session bus takes StatusNotifierItems; None: no bus."""
    from jeepney.bus_messages import message_bus

    from agent.desktop.bus_connection import connect

    try:
        with connect("SESSION", lambda head: head.is_answer) as connection:
            ask = message_bus.NameHasOwner(WATCHER)
            return bool(connection.send_and_get_reply(ask, timeout=ASK_SECONDS).body[0])
    except (OSError, KeyError, ValueError) as error:  # TimeoutError is an OSError
        log.debug("no session bus: %r", error)
        return None


def has_x_tray() -> bool:
    """Tell whether the X server has a tray of the old kind: somebody owns its selection."""
    if not os.environ.get("DISPLAY"):
        return False
    from Xlib import X, display
    from Xlib.error import DisplayError

    try:
        screen = display.Display()
    except (DisplayError, OSError):
        return False
    try:
        selection = screen.intern_atom(f"_NET_SYSTEM_TRAY_S{screen.get_default_screen()}")
        return bool(screen.get_selection_owner(selection) != X.NONE)
    finally:
        screen.close()


def has_gtk() -> bool:
    """Tell whether PyGObject can load Gtk 3."""
    try:
        import gi
    except ImportError:
        return False
    return "3.0" in gi.Repository.get_default().enumerate_versions("Gtk")


def panel_is_dark() -> bool:
    """Tell whether the panel behind the icon is dark, as well as the system tells.

    The icons can be seen on the wrong one too.
    """
    if sys.platform == "win32":
        return _windows_is_dark()
    if sys.platform == "darwin":
        from Foundation import NSUserDefaults

        return NSUserDefaults.standardUserDefaults().stringForKey_("AppleInterfaceStyle") == "Dark"
    desktop = os.environ.get("XDG_CURRENT_DESKTOP", "").upper()
    if any(name in desktop for name in ("GNOME", "UNITY", "PANTHEON")):
        return True  # their bars are black with every theme
    return _gtk_is_dark()


def _gtk_is_dark() -> bool:
    # Gtk is asked only where the tray has loaded it already.
    if "gi.repository.Gtk" not in sys.modules:
        return True
    from gi.repository import Gtk

    settings = Gtk.Settings.get_default()
    if settings is None:
        return True
    theme = str(settings.get_property("gtk-theme-name") or "").lower()
    return "dark" in theme or bool(settings.get_property("gtk-application-prefer-dark-theme"))


def _windows_is_dark() -> bool:
    winreg: Any = importlib.import_module("winreg")
    key = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
            return bool(winreg.QueryValueEx(opened, "SystemUsesLightTheme")[0] == 0)
    except OSError:
        return True
