"""Which tray this desktop has. Looks before anything is imported, because pystray's own choice
raises where a piece is missing (no display, no typelib)."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

COMMANDS = "moodtray status, moodtray pause, moodtray resume and moodtray quit"

NO_MENU = (
    "The tray icon has no menu on this system, because PyGObject is missing. Install the Debian "
    "packages python3-gi and gir1.2-ayatanaappindicator3-0.1 (or, inside a virtual environment, "
    "pip install 'moodtray[linux-tray]') and start Moodtray again. "
    f"Until then use {COMMANDS}."
)
NO_SESSION = (
    "There is no desktop session (neither DISPLAY nor WAYLAND_DISPLAY is set), so there is no "
    f"tray icon. Moodtray runs on; use {COMMANDS}."
)
NO_X = (
    "A tray icon on Wayland needs PyGObject: install the Debian packages python3-gi and "
    f"gir1.2-ayatanaappindicator3-0.1. Moodtray runs on without; use {COMMANDS}."
)
NO_EXTENSION = (
    "GNOME shows tray icons only with an extension: install the package "
    "gnome-shell-extension-appindicator, switch it on and log in again. "
    f"Until then use {COMMANDS}."
)


@dataclass(frozen=True, slots=True)
class Backend:
    """``name`` is pystray's (None: no tray); ``notice`` says what is missing and what to do, empty
    when all is well; ``menu``: whether clicks and menu work."""

    name: str | None
    notice: str = ""

    @property
    def menu(self) -> bool:
        return self.name not in (None, "xorg")


def choose_backend() -> Backend:
    """The best tray of this system. Imports gi at most, opens no window. ``PYSTRAY_BACKEND``
    overrules the choice between those that this system has."""
    if sys.platform == "darwin":
        return Backend("darwin")
    if sys.platform == "win32":
        return Backend("win32")
    return _choose_on_linux(os.environ.get("PYSTRAY_BACKEND"))


def _choose_on_linux(wish: str | None) -> Backend:
    has_x = bool(os.environ.get("DISPLAY"))
    if not has_x and not os.environ.get("WAYLAND_DISPLAY"):
        return Backend(None, NO_SESSION)
    gtk, indicator = typelibs()
    # An indicator lives on the session bus; without one a classic icon is the only hope.
    if gtk and indicator and has_session_bus() and wish in (None, "appindicator"):
        return Backend("appindicator", NO_EXTENSION if _gnome_without_extension() else "")
    if gtk and has_x and wish in (None, "gtk", "appindicator"):
        return Backend("gtk")
    if has_x:
        return Backend("xorg", "" if wish == "xorg" else NO_MENU)
    return Backend(None, NO_X)


def typelibs() -> tuple[bool, bool]:
    """Whether PyGObject can load Gtk 3, and an AppIndicator library."""
    try:
        import gi
    except ImportError:
        return False, False
    known = gi.Repository.get_default().enumerate_versions
    indicator = known("AyatanaAppIndicator3") or known("AppIndicator3")
    return "3.0" in known("Gtk"), bool(indicator)


def has_session_bus() -> bool:
    """Whether a D-Bus session bus is announced or lies at its usual place."""
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return bool(runtime) and (Path(str(runtime)) / "bus").exists()


def _gnome_without_extension() -> bool:
    if "GNOME" not in os.environ.get("XDG_CURRENT_DESKTOP", "").upper():
        return False
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    ask = new_method_call(bus, "NameHasOwner", "s", ("org.kde.StatusNotifierWatcher",))
    try:
        with open_dbus_connection("SESSION") as connection:
            return not connection.send_and_get_reply(ask, timeout=2.0).body[0]
    except (OSError, KeyError, TimeoutError) as error:
        log.debug("could not ask for the tray's host: %s", error)
        return False


def panel_is_dark() -> bool:
    """Whether the panel behind the icon is dark, as well as the system tells. The icons can be
    seen on the wrong one too."""
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
