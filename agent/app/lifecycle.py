"""One run of the agent from start to end: the tray first, then the engine beside it.

The main thread belongs to the tray (macOS allows nothing else) or, without one, waits. The icon
stands before the vision libraries are loaded: a user sees at once that the program is there.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agent.app.options import Options
from agent.clock import SystemClock
from agent.desktop.process_guard import guard_memory
from agent.desktop.quit_signals import on_quit_signal
from agent.errors import StoreError
from agent.memory import importing, use_few_heaps
from agent.ports import Clock
from agent.store.files import remove_folder
from agent.store.paths import Paths, refuse_ways_of_strangers
from agent.translation import _

if TYPE_CHECKING:
    from agent import events
    from agent.app.engine import Engine
    from agent.desktop.tray.menu import MenuAction
    from agent.desktop.tray.tray import Tray

ICON_FIRST = 0.3
"""Seconds at most that the engine's start waits for the icon, which takes some hundredths."""
START_PATIENCE = 1.5
"""Seconds that quitting waits for a start which is still under way."""


class App:
    """:meth:`run` blocks until the agent ends; :meth:`report` may be called from the beginning."""

    def __init__(
        self, options: Options, paths: Paths | None = None, clock: Clock | None = None
    ) -> None:
        self._options = options
        self._paths = paths or Paths.default()
        self._clock = clock or SystemClock()
        self._inbox: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._done = threading.Event()
        self._tray: Tray | None = None
        self._engine: Engine | None = None
        self._failure: Exception | None = None

    def report(self, event: events.Event) -> None:
        """Put an event into the controller's inbox. Any thread."""
        self._inbox.put(event)

    def run(self) -> None:
        """Start everything, block until Quit, stop everything.

        The main thread. Raises AgentError when it cannot even begin (no usable model, no writable
        folders).
        """
        use_few_heaps()
        guard_memory()
        self._paths.ensure()
        for left in self._paths.icon_folders:  # by an agent that was killed
            remove_folder(left)
        self._catch_signals()
        if not self._options.headless:
            self._tray = self._make_tray()
        if self._options.settings is None:  # a demo tells for itself
            where = (
                _("its icon is in the tray")
                if self._tray
                else _("'moodtray status' tells how it is")
            )
            self._options.tell(
                _("Moodtray is running: {where}. Ctrl+C ends it.").format(where=where)
            )
        if self._tray is None:
            self._start()
        else:
            starter = threading.Thread(target=self._start_guarded, name="start", daemon=True)
            starter.start()
            self._tray.run()
            starter.join(START_PATIENCE)
        if self._failure is not None:
            raise self._failure
        self._done.wait()
        if self._engine is not None:
            self._engine.stop()

    def _start_guarded(self) -> None:
        """Start beside the tray; what goes wrong here is raised by :meth:`run`."""
        if self._tray is not None:  # what is loaded here would hold it up
            self._tray.shown.wait(ICON_FIRST)
        try:
            self._start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the main thread raises it
            self._failure = error
            self._end()

    def _start(self) -> None:
        with importing():
            from agent.app import spotify_login
            from agent.app.engine import Engine
            from agent.app.page import WAY_IN_FILE
            from agent.store.files import sweep, unlink

            spotify_login.sweep(self._paths)
            with contextlib.suppress(StoreError):  # of an agent that was killed; its link is dead
                unlink(self._paths.runtime / WAY_IN_FILE)
            folders = set(self._paths.own())
            with contextlib.suppress(StoreError):  # else that of another user's link
                refuse_ways_of_strangers(self._paths.settings_file)
                settings = os.path.realpath(self._paths.settings_file)  # where people have theirs
                folders.add(Path(settings).parent)
            for folder in folders:
                sweep(folder)
            self._engine = Engine(
                self._options, self._paths, self._clock, self._inbox, self._tray, self._end
            )
        self._engine.start()

    def _end(self) -> None:
        self._done.set()
        if self._tray is not None:
            self._tray.stop()

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            on_quit_signal(self._quit)

    def _quit(self) -> None:
        from agent.events import Quit

        self.report(Quit())

    def _make_tray(self) -> Tray | None:
        from agent.desktop.tray.tray import make_tray

        tray, notice = make_tray(self.report, self._clock, self._on_menu_action)
        if notice:
            from agent.events import Notice

            if self._options.settings is None:  # in a demo there are no commands
                self._options.tell(notice)
            self.report(Notice(_("The tray is limited here"), notice, trouble=True))
        return tray

    def _on_menu_action(self, action: MenuAction) -> None:
        from agent.desktop.tray.actions import carry_out

        carry_out(action, self._paths, self.report)
