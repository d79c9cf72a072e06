"""The page as the agent runs it: what it is given, its links, and opening it in the user's browser.

Part of the composition root. Nothing of the page itself is loaded until somebody asks for it.
"""

from __future__ import annotations

import contextlib
import html
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from agent import events
from agent.addresses import LOOPBACK
from agent.app.page_answers import PageAnswers
from agent.app.taps import Taps
from agent.desktop import consent
from agent.desktop.removal import how_to_remove
from agent.errors import AgentError, DesktopError
from agent.ports import Clock, Report
from agent.store.files import write_private
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.translation import _
from agent.types import CameraState, Snapshot
from agent.web.page.access import Access, load_key, new_key
from agent.web.page_server import PageServer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from agent.app.spotify_account import Account
    from agent.core.person import Person

log = logging.getLogger(__name__)

READY_SECONDS = 10.0
"""How long somebody who wants the page waits for its server's socket."""
WAY_IN_FILE = "open-page.html"
LED_FILE = "led"
"""Beside the consent: the first steps were opened once, as at the very first start."""


class Page:
    """The page's server and the ways in. Any thread; the constructor starts nothing."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        report: Report,
        *,
        snapshot: Callable[[], Snapshot],
        settings_file: SettingsFile,
        history: SqliteHistory,
        account: Account,
        taps: Taps,
        camera_source: Callable[[], int | str],
        person: Callable[[], Person],
        player: str | None,
        spotify_url: str | None,
        port: int,
        may_lead: bool,
    ) -> None:
        """``player`` and ``spotify_url``: as this run was started with.

        ``port`` 0: another one at each start. The one of last time may have been somebody else's
        since, whose page would still be open in the browser, and would now be taken for ours.
        ``may_lead``: it is for the page to ask for consent, where it never did and there is a
        browser.
        """
        self._paths = paths
        self._clock = clock
        self._report = report
        self._snapshot = snapshot
        self._settings_file = settings_file
        self._history = history
        self._account = account
        self._taps = taps
        self._camera_source = camera_source
        self._person = person
        self._player = player
        self._spotify_url = spotify_url
        self._led = paths.state / LED_FILE
        led = os.path.exists(self._led) or consent.is_given(paths)
        self.leads = may_lead and not led and has_browser()
        self._lock = threading.Lock()
        self._access: Access | None = None
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.answers = PageAnswers(report)
        self.server = PageServer(self._make_app, report, clock, port)
        self._chosen_port = port

    # -- links

    def link(self, page: str = "") -> str:
        """Make an address that opens a page once.

        Raises DesktopError when the page cannot be had.
        """
        if not self.server.wait_ready(READY_SECONDS):
            raise DesktopError(
                _("The page is not there yet. Try again in a moment."),
                title=_("The page cannot be opened"),
            )
        port = self.server.port
        assert port is not None
        self._wake_server(port)
        return self._access_at(port).link(page)

    @staticmethod
    def _wake_server(port: int) -> None:
        """Let the server load what it needs while the browser starts."""
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, port), timeout=1.0).close()

    def open(self, page: str = "") -> None:
        """Show a page in the user's browser. Raises DesktopError."""
        link = self.link(page)
        if not has_browser() or not webbrowser.open(self._way_in(link)):
            raise DesktopError(
                _(
                    "No browser could be opened. 'moodtray settings --print-url' prints the "
                    "address."
                ),
                title=_("The page cannot be opened"),
            )

    def open_first_steps(self, tell: Callable[[str], None]) -> None:
        """Show the first steps; where that fails, ask for consent in a window. Returns at once."""

        def open_it() -> None:
            try:
                self.open("start")
                with contextlib.suppress(OSError):
                    write_private(self._led, b"")
            except AgentError as error:
                from agent.desktop.consent.dialog import ask

                log.warning("the first steps were not opened: %s", error)
                ask(self._paths, self._clock, self._report, tell)

        threading.Thread(target=open_it, name="open page", daemon=True).start()

    def _way_in(self, link: str) -> str:
        """Write a file for the user's eyes alone that leads on to the link.

        The arguments of a program, such as a browser's, can be read by every user of the computer;
        the link must not stand there. Browsers that are kept from such files (snaps) would not be:
        for them there is no other way than the link itself.
        """
        browser = os.environ.get("BROWSER", "")
        if os.name == "nt" or "/snap/" in browser or Path("/snap/bin/firefox").exists():
            return link
        file = self._paths.runtime / WAY_IN_FILE
        address = html.escape(link, quote=True)
        text = (
            '<!doctype html><meta charset="utf-8"><title>Moodtray</title>'
            f'<meta http-equiv="refresh" content="0;url={address}"><a href="{address}">Moodtray</a>'
        )
        write_private(file, text.encode())
        return file.as_uri()

    # -- the server's thread

    def _make_app(self, port: int) -> ASGIApp:
        from agent.app.page_desks import CameraView, ConsentAnswers, MusicChoice, SpotifyLink, kept
        from agent.web.page.app import make_app
        from agent.web.page.context import PageContext

        paths, clock, account = self._paths, self._clock, self._account
        spotify = SpotifyLink(paths, clock, self._settings_file, account, self._spotify_url)
        camera = CameraView(self._taps, clock, self._camera_source, self._person)

        def watch() -> None:
            snapshot = self._snapshot()
            if snapshot.camera is CameraState.OFF or not snapshot.consent:
                camera.let_go()

        self._subscribe(watch)
        return make_app(
            PageContext(
                access=self._access_at(port),
                paths=paths,
                clock=clock,
                report=self._report,
                wish=self.answers.wish,
                snapshot=self._snapshot,
                subscribe=self._subscribe,
                settings_file=self._settings_file,
                history=self._history,
                forget=self._forget_between,
                forget_everything=self._forget_everything,
                music=MusicChoice(
                    paths, clock, self._settings_file, spotify, account, self._player
                ),
                spotify=spotify,
                camera=camera,
                consent=ConsentAnswers(paths, clock),
                music_folder=music_folder,
                kept=lambda: kept(paths, self._settings_file.load_or_last_good()[0]),
                removal=how_to_remove,
            )
        )

    def _forget_between(self, since: float, until: float) -> None:
        """Delete a time of the history (seconds since 1970). Raises StoreError."""
        from agent.app.forgetting import forget_icons

        self._history.forget_between(since, until)
        forget_icons(self._paths)
        self._report(events.HistoryDeleted(since, until))

    def _forget_everything(self) -> str:
        """Let the agent go of what it holds in memory, and delete the files."""
        from agent.app import forgetting

        self._report(events.ForgetEverything())
        told = forgetting.forget(self._paths, None)
        self._report(events.HistoryDeleted(0.0, self._clock.now().timestamp()))
        return told

    def _access_at(self, port: int) -> Access:
        with self._lock:
            if self._access is None or self._access.port != port:
                # Only at a port that the user chose can a cookie be of use to a later run.
                lasting = port == self._chosen_port
                key = load_key(self._paths.runtime) if lasting else new_key()
                self._access = Access(key, self._clock, port)
            return self._access

    # -- news

    def published(self) -> None:
        """Tell open pages that there is a new snapshot. The controller's thread."""
        for listener in self._listeners:
            listener()

    def _subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end


def has_browser() -> bool:
    """Tell whether a browser with a window can be opened here.

    One for the terminal would take it over.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def music_folder() -> Path:
    """Find the user's folder of music; their home folder where there is none."""
    folder = Path(platformdirs.user_music_dir())
    return folder if os.path.isdir(folder) else Path.home()
