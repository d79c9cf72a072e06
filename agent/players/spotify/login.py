"""The login: how it is made (PKCE in the browser) and how it is kept fresh."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from agent import logs
from agent.errors import NeedsLogin, PlayerError, ServiceDown, StoreError
from agent.players.spotify.api_errors import unreachable
from agent.players.spotify.bounded import bounded_session
from agent.players.spotify.endpoints import SCOPES
from agent.players.spotify.json_models import AnyName, JsonModel, read
from agent.players.spotify.login_state import LoginNote
from agent.players.spotify.oauth import (
    TIMEOUT,
    Accounts,
    GrantRefused,
    challenge_of,
    new_verifier,
)
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import TokenStore
from agent.ports import Clock
from agent.translation import _
from agent.wording import LOG_IN, LOGIN_AGAIN

log = logging.getLogger(__name__)

ATTEMPT_TIMEOUT = 300.0
"""Seconds from opening Spotify's page until its answer must be back."""


class TokenKeeper:
    """Gives out access tokens and renews them under one lock. Any thread; may block for a request.

    The store is read each time: another process may have renewed, logged in or logged out.
    """

    def __init__(
        self, store: TokenStore, notes: LoginNote, accounts: Accounts, clock: Clock
    ) -> None:
        self._store = store
        self._notes = notes
        self._accounts = accounts
        self._clock = clock
        # Renewed, but the disk refused to take it; good until the login is changed elsewhere.
        self._unsaved: tuple[str, Token] | None = None

    def token(self) -> Token | None:
        """Read the present login, None without one; sends nothing."""
        unsaved = self._unsaved
        if unsaved is not None and unsaved[0] == self._notes.number:
            return unsaved[1]
        try:
            token = Token.from_dict(self._store.load())
        except StoreError as error:
            raise PlayerError(error.message, title=error.title) from error
        # A token is shown to nobody but the service that gave it.
        return token if token is not None and token.issuer == self._accounts.url else None

    def access(self, rejected: str | None = None) -> str:
        """Give out an access token that should be accepted.

        Raises NeedsLogin (also when renewal shows that the login is dead; it is then removed),
        RateLimited, Offline, ServiceDown, PlayerError.
        """
        token = self._login()
        if token.is_fresh(self._clock.now()) and token.access != rejected:
            return token.access
        try:
            with self._store.exclusive():
                return self._renew(rejected).access
        except StoreError as error:
            raise PlayerError(error.message, title=error.title) from error

    def _renew(self, rejected: str | None) -> Token:
        token = self._login()  # again, now under the lock: somebody may have been quicker
        if token.is_fresh(self._clock.now()) and token.access != rejected:
            return token
        try:
            renewed = self._accounts.renew(token)
        except GrantRefused:
            log.warning("Spotify ended the login; it is removed")
            self._unsaved = None
            self._store.delete()
            self._note_end()
            raise
        try:
            self._store.save(renewed.to_dict())
            self._unsaved = None
        except StoreError as error:
            # The old refresh token is dead: losing the new one would log the user out.
            log.warning("the renewed login is kept in memory only: %s", error)
            self._unsaved = (self._notes.number, renewed)
        return renewed

    def _note_end(self) -> None:
        try:
            self._notes.note_end()
        except StoreError as error:
            log.warning("that the login has ended is not noted: %s", error)

    def _login(self) -> Token:
        token = self.token()
        if token is None:
            raise NeedsLogin(
                _("Moodtray is not logged in to Spotify. {log_in}").format(log_in=_(LOG_IN))
            )
        return token

    def close(self) -> None:
        """End the connections."""
        self._accounts.close()


@dataclass(frozen=True, slots=True)
class _Attempt:
    client_id: str
    redirect_uri: str
    started: float
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class LoginFlow:
    """One login at a time. Any thread.

    :meth:`begin` gives the page to open, :meth:`finish` takes what Spotify sends back and names the
    account, :meth:`keep` stores the login once the user has seen that name. Each state and verifier
    works once. ``who``: an access token -> the account's name; raises the PlayerError family.
    """

    def __init__(
        self,
        store: TokenStore,
        notes: LoginNote,
        accounts: Accounts,
        clock: Clock,
        who: Callable[[str], str],
    ) -> None:
        self._store = store
        self._notes = notes
        self._accounts = accounts
        self._clock = clock
        self._who = who
        self._attempt: _Attempt | None = None
        self._pending: tuple[float, Token] | None = None  # since when; not kept yet
        self._used: set[bytes] = set()
        self._lock = threading.Lock()

    def begin(self, client_id: str, redirect_uri: str) -> str:
        """Return the address of Spotify's page. An attempt that was open is void from now on."""
        attempt = _Attempt(
            client_id,
            redirect_uri,
            self._clock.monotonic(),
            state=secrets.token_urlsafe(24),
            verifier=new_verifier(),
        )
        logs.hide(attempt.state, kind="spotify")
        with self._lock:
            self._attempt = attempt
        return self._accounts.authorize_url(
            client_id, redirect_uri, attempt.state, challenge_of(attempt.verifier)
        )

    def time_left(self) -> float | None:
        """Return the seconds for the open attempt; None when none is open."""
        with self._lock:
            if self._pending is not None:
                started = self._pending[0]
            elif self._attempt is not None:
                started = self._attempt.started
            else:
                return None
            return started + ATTEMPT_TIMEOUT - self._clock.monotonic()

    def stray(self, query: Mapping[str, str]) -> str | None:
        """Say in the user's words why this callback is none of the open attempt's.

        The attempt goes on. None when it is its answer.
        """
        state = query.get("state", "")
        with self._lock:
            if _digest(state) in self._used:
                return _("This login was already answered: each one works once.")
            attempt = self._attempt
        if attempt is None or not secrets.compare_digest(state.encode(), attempt.state.encode()):
            return _(
                "This answer belongs to no login that Moodtray has started. If "
                "you did not just log in to Spotify yourself, close this page; "
                "nothing was changed."
            )
        return None

    def finish(self, query: Mapping[str, str]) -> str:
        """Take the callback's query; return the account's name. Nothing is stored yet.

        The attempt is over, well or badly. Raises NeedsLogin (refused, too late, no login open) and
        the other PlayerErrors.
        """
        problem = self.stray(query)
        if problem is not None:
            raise NeedsLogin(problem, title=_("This is not the expected login"))
        with self._lock:
            attempt, self._attempt = self._attempt, None
            if attempt is None:
                raise NeedsLogin(_("This login was already answered: each one works once."))
            self._used.add(_digest(attempt.state))
        if self._clock.monotonic() - attempt.started > ATTEMPT_TIMEOUT:
            raise NeedsLogin(
                _("The login took longer than five minutes. {login_again}").format(
                    login_again=_(LOGIN_AGAIN)
                ),
                title=_("Too late"),
            )
        refusal = query.get("error")
        if refusal == "access_denied":
            raise NeedsLogin(
                _(
                    "You chose not to let Moodtray control Spotify, so nothing was "
                    "stored. {login_again}"
                ).format(login_again=_(LOGIN_AGAIN)),
                title=_("The login was cancelled"),
            )
        code = query.get("code")
        logs.hide(code or "", kind="spotify")
        if refusal is not None or not code:
            raise NeedsLogin(
                _("Spotify refused the login. Check the client ID. {login_again}").format(
                    login_again=_(LOGIN_AGAIN)
                ),
                title=_("The login was refused"),
            )
        try:
            token = self._accounts.exchange(
                attempt.client_id, code, attempt.verifier, attempt.redirect_uri
            )
        except GrantRefused:
            raise NeedsLogin(
                _("Spotify's answer was too old or was used before. {login_again}").format(
                    login_again=_(LOGIN_AGAIN)
                ),
                title=_("The login has expired"),
            ) from None
        missing = set(SCOPES) - set(token.scope.split())
        if token.scope and missing:
            raise NeedsLogin(
                _("Spotify gave no permission for {missing}. {login_again}").format(
                    missing=", ".join(sorted(missing)), login_again=_(LOGIN_AGAIN)
                ),
                title=_("A permission is missing"),
            )
        name = self._who(token.access)
        with self._lock:
            self._pending = (self._clock.monotonic(), token)
        return name

    def keep(self) -> None:
        """Store the login whose account the user has seen. Raises NeedsLogin, StoreError."""
        with self._lock:
            pending, self._pending = self._pending, None
        if pending is None:
            raise NeedsLogin(_("This login was already answered: each one works once."))
        with self._store.exclusive():
            self._store.save(pending[1].to_dict())
            self._notes.note_login()

    def discard(self) -> None:
        """Forget the login: it is another account's."""
        with self._lock:
            self._pending = None


def account_name(api: str, access: str) -> str:
    """Ask Spotify whose login this is. GET /me.

    Raises NeedsLogin where the account may not use the app, Offline, ServiceDown.
    """
    try:
        with bounded_session() as session:
            answer = session.get(
                f"{api.rstrip('/')}/me",
                headers={"Authorization": f"Bearer {access}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        raise unreachable(error) from None
    status = answer.status_code
    if status == 403:
        raise NeedsLogin(
            _(
                "This account may not use your Spotify app. In the dashboard, "
                "under 'User Management', add it, or log in as the app's "
                "owner. {login_again}"
            ).format(login_again=_(LOGIN_AGAIN)),
            title=_("This account is not allowed"),
        )
    try:
        known = read(_Account, answer.json())
    except (ValueError, RecursionError):
        known = None
    if status != 200 or known is None:
        raise ServiceDown(
            _("Spotify does not say whose login this is ({status}). {login_again}").format(
                status=status, login_again=_(LOGIN_AGAIN)
            )
        )
    return known.display_name or known.id or _("an account without a name")


class _Account(JsonModel):
    display_name: AnyName = None
    id: AnyName = None


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
