"""pystray's icons, fitted: what each system needs beyond what pystray does.

Imports pystray and, for trays of the old kind on Linux, Gtk; only :mod:`agent.desktop.tray.tray`
imports this, and only when a tray is wanted.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image

from agent.desktop.icons.drawing import icon
from agent.desktop.tray.backend import STATUS_NOTIFIER
from agent.types import MoodState, Status

IconPath: TypeAlias = Callable[[int], Path]
"""The file of the present icon at a size in pixels."""
Look: TypeAlias = Callable[[], tuple[Status, MoodState, bool]]
"""What the icon shows at present, and whether on a dark panel."""


class _NoNotifier:
    """Stands in for pystray's own notifier, which is not used.

    It would end the program where no notification service can be started.
    """

    def notify(self, title: str, message: str, icon: str) -> None:
        """Do nothing: notifications are the notifier's work."""

    def hide(self) -> None:
        """Do nothing: nothing is shown."""


def icon_class(backend: str) -> Any:
    """Choose the class to make the icon from. Raises whatever the foreign import raises.

    Its instances need two functions before they are shown: ``look`` (what to show: status, mood,
    whether the panel is dark) and ``icon_path`` (the file with that at a size). pystray's own
    picture is not shown: set it to :func:`blank` to have the icon drawn anew.
    """
    # pystray chooses its backend when it is imported: tell it which. Ours takes the bare face.
    name = "dummy" if backend == STATUS_NOTIFIER else backend
    before = os.environ.get("PYSTRAY_BACKEND")
    os.environ["PYSTRAY_BACKEND"] = name
    try:
        module = importlib.import_module(f"pystray._{name}")
    finally:
        if before is None:
            del os.environ["PYSTRAY_BACKEND"]
        else:
            os.environ["PYSTRAY_BACKEND"] = before
    return _maker(backend)(module.Icon)


def _maker(backend: str) -> Callable[[Any], Any]:
    if backend == "win32":
        from agent.desktop.tray.images_windows import windows_icon

        return windows_icon
    if backend == "darwin":
        from agent.desktop.tray.images_macos import macos_icon

        return macos_icon
    if backend == STATUS_NOTIFIER:
        from agent.desktop.tray.status_notifier import status_notifier_icon

        return status_notifier_icon
    return {"gtk": _status_icon, "xorg": _xorg}[backend]


def _status_icon(base: Any) -> Any:
    from gi.repository import GLib, Gtk
    from pystray._util.gtk import mainloop

    class StatusIcon(base):  # type: ignore[misc]
        """The classic icon in an X11 tray.

        The icon at the tray's very size, a tooltip, the menu on both buttons, and a menu that is
        not pulled away under the user's mouse. The icon comes from a file; no notifier, our own
        signal handlers.
        """

        icon_path: IconPath
        wanted_size = 24

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._menu_handle: Any = None
            self._status_icon.connect("size-changed", self._on_size)

        def _initialize(self) -> None:
            self._notifier = _NoNotifier()
            self._mark_ready()

        def _update_fs_icon(self) -> None:
            self._icon_path = str(self.icon_path(self.wanted_size))
            self._icon_valid = True

        def _remove_fs_icon(self) -> None:
            # The panel may still be reading it; IconFiles removes all files at the end.
            self._icon_valid = False

        @mainloop  # type: ignore[untyped-decorator]
        def _stop(self) -> None:
            self._loop.quit()

        def _on_size(self, _icon: Any, size: int) -> bool:
            if size >= 8 and size != self.wanted_size:
                self.wanted_size = size
                self._update_icon()
            return True  # no stretching by Gtk

        @mainloop  # type: ignore[untyped-decorator]
        def _update_title(self) -> None:
            self._status_icon.set_title(self.title)
            self._status_icon.set_tooltip_text(self.title)

        @mainloop  # type: ignore[untyped-decorator]
        def _update_menu(self) -> None:
            self._rebuild_menu()

        def _rebuild_menu(self) -> None:
            if self._menu_handle is None or not self._menu_handle.get_visible():
                self._menu_handle = self._create_menu(self.menu)
                self._menu_handle.connect("hide", lambda _: GLib.idle_add(self._rebuild_menu))

        def _on_status_icon_activate(self, status_icon: Any) -> None:
            self._on_status_icon_popup_menu(status_icon, 1, Gtk.get_current_event_time())

    return StatusIcon


def _xorg(base: Any) -> Any:
    class XorgIcon(base):  # type: ignore[misc]
        """Only a picture: no menu, no clicks."""

        look: Look
        _icon_data: Any

        def _assert_icon_data(self, width: int, height: int) -> None:
            if self._icon_data and self._icon_data.size == (width, height):
                return
            drawn = icon(*self.look()[:2], min(width, height), True)
            ground = Image.new("RGB", (width, height))  # the window knows no transparency
            ground.paste(drawn, ((width - drawn.width) // 2, (height - drawn.height) // 2), drawn)
            ground.tostring = ground.tobytes  # type: ignore[attr-defined]  # Xlib's old name
            self._icon_data = ground

        def _run(self) -> None:
            # Known before pystray calls the set-up back, which else may find it missing.
            self._thread = threading.current_thread()
            super()._run()

        def _update_title(self) -> None:
            # An X window's classic name takes Latin-1 only; a note or a dash would raise.
            self._window.set_wm_name(self.title.encode("latin-1", "replace").decode("latin-1"))

    return XorgIcon


def blank() -> Image.Image:
    """Make the picture that pystray wants, though none of its own is shown."""
    return Image.new("RGBA", (1, 1), (0, 0, 0, 0))
