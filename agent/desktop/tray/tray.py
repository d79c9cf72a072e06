"""The tray icon: shows Snapshots, puts the user's clicks into the controller's inbox."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.desktop.icons.files import IconFiles
from agent.desktop.tray.backend import (
    STATUS_NOTIFIER,
    Backend,
    choose_backend,
    panel_is_dark,
)
from agent.ports import Clock, Report
from agent.store.paths import Paths
from agent.translation import _
from agent.types import MoodState, Snapshot, Status

if TYPE_CHECKING:  # the icon does not wait until its menu is loaded, with all events
    from agent.desktop.tray.menu import Caps, Item, MenuAction

log = logging.getLogger(__name__)

OnAction: TypeAlias = "Callable[[MenuAction], None]"

LOOK_FOR_PANEL = (2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between two looks for a panel while none shows the icon; then the last of them."""


def make_tray(
    report: Report,
    clock: Clock,
    on_action: OnAction,
    *,
    caps: Caps | None = None,
    folder: Path | None = None,
) -> tuple[Tray | None, str]:
    """Make the tray of this desktop, or None, and what to tell the user once (empty: nothing).

    ``on_action`` is called in a thread of its own and may block. ``folder`` takes the icon files
    (default: below the runtime folder). Main thread; imports the foreign tray library. Never raises
    for a missing or broken desktop.
    """
    backend = choose_backend()
    if backend.name is None:
        return None, backend.notice
    folder = folder or Paths.default().tray_icons
    tray = Tray(report, clock, on_action, backend=backend, caps=caps, folder=folder)
    try:
        tray.prepare()
    except Exception as error:
        # Whatever the display, Gtk or the tray library raise: the agent runs on without.
        log.warning("No tray icon with %s", backend.name, exc_info=True)
        return None, (
            _(
                "The tray icon cannot be shown ({error}). Moodtray runs on; "
                "`moodtray doctor` says more, and `moodtray status`, `pause`, "
                "`resume` and `quit` rule it."
            ).format(error=error)
        )
    return tray, "" if backend.waiting else backend.notice


class Tray:
    """``run`` belongs to the main thread and blocks until ``stop``.

    ``update`` and ``stop`` may be called from any thread, before, during and after ``run``, and
    never block.
    """

    def __init__(
        self,
        report: Report,
        clock: Clock,
        on_action: OnAction,
        *,
        backend: Backend,
        caps: Caps | None,
        folder: Path,
    ) -> None:
        self.backend = backend
        self._other: Backend | None = None  # to go on with
        self._report = report
        self._clock = clock
        self._on_action = on_action
        self._caps = caps
        self._files = IconFiles(folder)
        self._lock = threading.Lock()
        self._drawing = threading.Lock()
        self._latest: Snapshot | None = None
        self._scheduled = False
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self.shown = threading.Event()
        """Set once the icon was handed to the panel."""
        self._icon: Any = None
        self._hand_over: Callable[[Callable[[], None]], None] | None = None
        # What is shown now; touched only where _apply runs.
        self._look: tuple[Status, MoodState, bool] = (Status.STARTING, MoodState.UNSURE, True)
        self._attention = False
        self._menu: tuple[Item, ...] = ()

    # -- main thread

    def prepare(self) -> None:
        """Make the icon, not shown yet. Raises whatever the foreign libraries raise."""
        from agent.desktop.tray import images

        made = images.icon_class(str(self.backend.name))
        self._icon = made("moodtray", icon=images.blank(), title="Moodtray")
        self._icon.icon_path = self._icon_path
        self._icon.look = lambda: self._look
        self._icon.attention = lambda: self._attention
        self._icon.second = self._click_second
        self._icon.opened = self._tell_opened
        self._hand_over = self._way_to_the_loop()

    def run(self) -> None:
        """Show the icon and rule the desktop's event loop until :meth:`stop`."""
        while not self._stopping.is_set():
            try:
                self._icon.run(setup=self._on_ready)
            finally:
                self._ready.clear()
            other, self._other = self._other, None
            if other is None:
                break
            self._go_on_with(other)
        self._files.remove()

    def _go_on_with(self, backend: Backend) -> None:
        """Go on with a tray of another kind: its panel came."""
        before, self.backend = self.backend, backend
        try:
            self.prepare()
        except Exception:  # whatever the other way's libraries raise
            log.warning("No tray icon with %s", backend.name, exc_info=True)
            self.backend = Backend(before.name)  # not waiting: no further change
            self.prepare()
            return
        self._menu = ()  # to be built anew
        if backend.notice:
            from agent.events import Notice

            self._report(Notice(_("The tray is limited here"), backend.notice))

    # -- any thread

    def update(self, snapshot: Snapshot) -> None:
        """Show this state of affairs soon; of several in a row only the newest is drawn."""
        with self._lock:
            self._latest = snapshot
        self._schedule()

    def stop(self) -> None:
        """End :meth:`run`; at once, or as soon as it has begun."""
        self._stopping.set()
        if self._ready.is_set():
            self._icon.stop()

    # -- pystray's set-up thread

    def _on_ready(self, _icon: Any) -> None:
        self._ready.set()
        if self._stopping.is_set():
            self._icon.stop()
            return
        if self.backend.waiting:
            self._icon.post(partial(self._look_for_panel, 0))
        self._schedule()

    def _schedule(self) -> None:
        with self._lock:
            if self._scheduled or self._hand_over is None or not self._ready.is_set():
                return
            self._scheduled = True
        self._hand_over(self._apply)

    def _way_to_the_loop(self) -> Callable[[Callable[[], None]], None]:
        if self.backend.name == STATUS_NOTIFIER:
            post: Callable[[Callable[[], None]], None] = self._icon.post
            return post
        if self.backend.name == "gtk":
            from gi.repository import GLib

            return lambda work: GLib.idle_add(_once, work)
        if sys.platform == "darwin":
            from PyObjCTools import AppHelper

            return lambda work: AppHelper.callAfter(work)
        # Windows and bare X take calls from any thread, but a hanging shell would block them.
        return lambda work: threading.Thread(target=work, name="tray", daemon=True).start()

    # -- the loop

    def _look_for_panel(self, looks: int) -> None:
        """Look for a panel with a tray of another kind, while none shows the icon."""
        if self._icon.accepted or self._stopping.is_set():
            return
        found = choose_backend()
        if found.name not in (STATUS_NOTIFIER, None):
            self._other = found
            self._icon.stop()
            return
        if looks == len(LOOK_FOR_PANEL):
            from agent.events import Notice

            self._report(Notice(_("Nobody shows the tray icon"), self.backend.notice))
        wait = LOOK_FOR_PANEL[min(looks, len(LOOK_FOR_PANEL) - 1)]
        self._icon.later(wait, partial(self._look_for_panel, looks + 1))

    def _apply(self) -> None:
        with self._drawing:  # where the way to the loop is a thread, one at a time
            with self._lock:
                self._scheduled = False
                snapshot = self._latest
            try:
                self._show(snapshot)
                self.shown.set()
                self._show_menu(snapshot)
            except Exception:  # a panel that went away must not end the program
                log.warning("The tray icon cannot be changed", exc_info=True)

    def _show(self, snapshot: Snapshot | None) -> None:
        """Show the icon and its words for the mouse; None: before there is anything to say."""
        from agent.desktop.tray import images

        dark = panel_is_dark()
        look, attention = (Status.STARTING, MoodState.UNSURE, dark), False
        if snapshot is not None:
            from agent.desktop.tray.menu import needs_user, tooltip

            look = (snapshot.status, snapshot.mood.state, dark)
            self._icon.title = tooltip(snapshot)
            attention = needs_user(snapshot)
        if (look, attention) != (self._look, self._attention) or not self._icon.visible:
            self._look, self._attention = look, attention
            self._icon.icon = images.blank()  # the icon draws the look itself
        self._icon.visible = True

    def _show_menu(self, snapshot: Snapshot | None) -> None:
        """Have the icon's menu say what is so."""
        from agent.desktop.tray.menu import Caps, build_menu, starting_menu

        if not self.backend.menu:
            return
        items = starting_menu()
        if snapshot is not None:
            items = build_menu(snapshot, self._caps or Caps())
        if items != self._menu:
            self._menu = items
            below = [child for item in items for child in item.children]
            # For a plain click pystray looks among the first level's lines alone, unseen ones too.
            self._icon.menu = self._native(items, [child for child in below if child.default])

    def _icon_path(self, size: int) -> Path:
        status, mood, dark = self._look
        return self._files.path(status, mood, size, dark)

    def _native(self, items: Sequence[Item], unseen: Sequence[Item] = ()) -> Any:
        import pystray

        hidden = [self._native_item(item, visible=False) for item in unseen]
        return pystray.Menu(*(self._native_item(item) for item in items), *hidden)

    def _native_item(self, item: Item, *, visible: bool = True) -> Any:
        import pystray

        if item.separator:
            return pystray.Menu.SEPARATOR
        label = item.label.replace("&", "&&") if sys.platform == "win32" else item.label
        checked = None if item.checked is None else _always(item.checked)
        action = self._native(item.children) if item.children else partial(self._click, item)
        made = pystray.MenuItem(
            label,
            action,
            checked=checked,
            enabled=item.enabled,
            # Elsewhere a plain click opens the menu.
            default=item.default and self.backend.name in ("win32", STATUS_NOTIFIER),
            visible=visible,
        )
        made.reads, made.slot = item.text, item.slot
        return made

    def _click_second(self) -> None:
        """Do what the menu's music line does, and say so: the middle button was clicked."""
        from agent.events import Notice

        for item in self._menu:
            if item.second and item.enabled:
                self._click(item)
                how = _("You clicked Moodtray's icon with the middle button.")
                self._report(Notice(item.second, how, asked=True))

    def _tell_opened(self) -> None:
        """Tell that the user looks at the menu, which may be older than what plays by now."""
        from agent.events import Looked

        self._report(Looked())

    def _click(self, item: Item, *_: object) -> None:
        if item.action is not None:
            threading.Thread(
                target=self._on_action, args=(item.action,), name="menu", daemon=True
            ).start()
        elif callable(item.event):
            self._report(item.event(self._clock.now()))
        elif item.event is not None:
            self._report(item.event)


def _once(work: Callable[[], None]) -> bool:
    work()
    return False  # Gtk: not again


def _always(value: bool) -> Callable[[object], bool]:
    return lambda _: value
