"""The login to Spotify as the running agent and the commands see it: made, watched, ended."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from datetime import date

from agent import events
from agent.clock import SystemClock
from agent.errors import AgentError, NeedsLogin
from agent.players.spotify import storage
from agent.players.spotify.login_state import LoginChange, Noted
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.translation import _

LOGIN_READY = 15.0
"""Seconds that the login's own server may take to be there, or to be gone."""


class Account:
    """The login of one run.

    Its methods return at once; but for :meth:`forward` the controller's thread calls them. The
    constructor starts nothing. What 'moodtray login' and 'logout' do beside us is seen by the note
    that they leave, wherever the login itself is kept.
    """

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        report: Report,
        *,
        spotify_url: str | None,
        tell: Callable[[str], None],
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._report = report
        self._spotify_url = spotify_url
        self._tell = tell
        self._note = storage.login_note(paths)
        self._first: Noted | None = None  # at the first look
        self._seen: Noted | None = None
        self._reminded: date | None = None
        self._login: threading.Thread | None = None
        self._give_up = threading.Event()  # ends the login that is under way
        self._logout: threading.Thread | None = None
        self._looked = False

    # -- what is known

    def look(self) -> None:
        """Take in what happened to the login up to now."""
        self._seen = self._note.read()
        if not self._looked:
            self._first, self._looked = self._seen, True

    @property
    def changed(self) -> bool:
        """Something happened since :meth:`look`; costs a ``stat``."""
        return self._note.read() != self._seen

    @property
    def ended(self) -> bool:
        """Spotify ended the login, and the user has not answered that yet by one or the other."""
        return self._seen is not None and self._seen.what is LoginChange.ENDED

    @property
    def era(self) -> str:
        """Another text after each logout: what is kept in memory belongs to one era."""
        return self._seen.era if self._seen is not None else ""

    def exists(self, settings: Settings) -> bool:
        """Tell whether somebody is logged in. Raises StoreError when the keyring cannot be used."""
        # Cheap without the client: without a token file (or keyring) nobody ever logged in.
        if not os.path.exists(storage.token_file(self._paths)) and not settings.spotify.use_keyring:
            return False
        return storage.is_logged_in(self._paths, settings)

    def remind(self, settings: Settings) -> None:
        """Tell once a day of a login that ends soon."""
        today = self._clock.now().date()
        if self._reminded == today:
            return
        self._reminded = today
        login = storage.stored_login(settings, self._paths)
        if login is not None and login.needs_reminder(self._clock.now()):
            self._report(
                events.Notice(
                    _("Please log in to Spotify again soon"),
                    _(
                        "Spotify ends every login after six months; yours ends on "
                        "{ends:%d %B}. 'Log in' in the tray or 'moodtray login' renews "
                        "it."
                    ).format(ends=login.ends),
                )
            )

    # -- the player's thread

    def forward(self, event: events.Event) -> None:
        """Pass on what the player's worker reports.

        That nobody is logged in after a logout is no news to the one who has logged out; what was
        asked for since is answered.
        """
        if isinstance(event, events.PlayerFailed) and isinstance(event.error, NeedsLogin):
            noted = self._note.read()
            if noted is not None and noted.what is LoginChange.LOGOUT and noted != self._first:
                unnoticed = noted != self._seen
                if unnoticed or event.playlist is None:
                    return
        self._report(event)

    # -- logging in and out

    def log_in(self) -> None:
        """Open the browser for it; the outcome comes as events."""
        if self._login is not None and self._login.is_alive():
            return
        self._login = threading.Thread(target=self._log_in, name="login", daemon=True)
        self._login.start()

    def _log_in(self) -> None:
        try:
            log_in(self._paths, spotify_url=self._spotify_url, tell=self._tell)
            settings = SettingsFile(self._paths).load()
        except AgentError as error:
            self._report(events.Notice(error.title, error.message, asked=True, trouble=True))
            return
        from agent.app import spotify_login

        told = spotify_login.next_step(settings) or _("Moodtray may now choose music on Spotify.")
        self._report(events.Notice(_("Logged in"), told, asked=True))
        self._report(events.SettingsChanged(settings))

    def begin(self, client_id: str, back: str) -> str:
        """Begin a login for a browser that is open already: the address it goes on to.

        It returns to ``back`` in the end. One that was under way is given up. Any thread; blocks
        until the login's own server is there. Raises AgentError.
        """
        if self._login is not None and self._login.is_alive():
            self._give_up.set()
            self._login.join(LOGIN_READY)
        self._give_up = threading.Event()
        answers: queue.Queue[str | AgentError] = queue.Queue()
        self._login = threading.Thread(
            target=self._log_in_for, args=(client_id, back, answers), name="login", daemon=True
        )
        self._login.start()
        try:
            answer = answers.get(timeout=LOGIN_READY)
        except queue.Empty:
            raise NeedsLogin(_("The login does not start. Try again in a moment.")) from None
        if isinstance(answer, AgentError):
            raise answer
        return answer

    def _log_in_for(
        self, client_id: str, back: str, answers: queue.Queue[str | AgentError]
    ) -> None:
        cancelled = self._give_up
        try:
            log_in(
                self._paths,
                client_id=client_id,
                spotify_url=self._spotify_url,
                tell=lambda _text: None,  # the browser shows it
                take_link=answers.put,
                cancelled=cancelled,
                back=back,
            )
        except AgentError as error:
            answers.put(error)  # nobody takes it once the login has begun: its page has told it
            return
        self.tell_changed()

    def tell_changed(self) -> None:
        """Have the agent look at the login again. Any thread."""
        settings, _error = SettingsFile(self._paths).load_or_last_good()
        self._report(events.SettingsChanged(settings))

    def log_out(self) -> None:
        """Remove the login; the outcome comes as events. A locked file or keyring may take long."""
        if self._logout is not None and self._logout.is_alive():
            return
        self._logout = threading.Thread(target=self._log_out, name="logout", daemon=True)
        self._logout.start()

    def _log_out(self) -> None:
        try:
            told = log_out(self._paths)
            settings = SettingsFile(self._paths).load()
        except AgentError as error:
            self._report(events.Notice(error.title, error.message, asked=True, trouble=True))
            return
        self._report(events.Notice(_("Logged out"), told, asked=True))
        self._report(events.SettingsChanged(settings))


def log_in(
    paths: Paths,
    *,
    client_id: str | None = None,
    no_browser: bool = False,
    spotify_url: str | None = None,
    tell: Callable[[str], None],
    take_link: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
    back: str | None = None,
) -> None:
    """Log in to Spotify and wait until it is done. Raises NeedsLogin and its kin."""
    from agent.app import spotify_login

    file = SettingsFile(paths)

    def save_client_id(wanted: str) -> None:
        file.change("spotify.client_id", wanted)

    spotify_login.login(
        file.load(),
        paths,
        SystemClock(),
        client_id=client_id,
        no_browser=no_browser,
        spotify_url=spotify_url,
        save_client_id=save_client_id,
        tell=tell,
        take_link=take_link,
        cancelled=cancelled,
        back=back,
    )


def log_out(paths: Paths) -> str:
    """Remove every trace of Spotify; returns what was removed and what was kept, for people.

    A mistake in the settings keeps nobody from it. Raises StoreError.
    """
    from agent.players.spotify.logout import KEPT, REVOKE, logout

    settings, _rest = SettingsFile(paths).load_or_last_good()
    removed = logout(paths, settings)
    if not removed:
        return f"{_('Nothing was stored.')} {_(REVOKE)}"
    done = _("Removed: {removed}.\n{kept}").format(removed=", ".join(removed), kept=_(KEPT))
    return f"{done} {_(REVOKE)}"
