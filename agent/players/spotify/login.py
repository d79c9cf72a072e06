"""The login: how it is made (PKCE in the browser) and how it is kept fresh."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.errors import NeedsLogin, PlayerError, StoreError
from agent.players.spotify.api_errors import LOGIN_AGAIN
from agent.players.spotify.endpoints import SCOPES
from agent.players.spotify.login_state import LoginNote
from agent.players.spotify.oauth import Accounts, GrantRefused, challenge_of, new_verifier
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import TokenStore
from agent.ports import Clock

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
            raise NeedsLogin(f"Moodtray is not logged in to Spotify. {LOGIN_AGAIN}")
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

    :meth:`begin` gives the page to open, :meth:`finish` takes what Spotify sends back. Each state
    and verifier works once.
    """

    def __init__(
        self, store: TokenStore, notes: LoginNote, accounts: Accounts, clock: Clock
    ) -> None:
        self._store = store
        self._notes = notes
        self._accounts = accounts
        self._clock = clock
        self._attempt: _Attempt | None = None
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
        with self._lock:
            self._attempt = attempt
        return self._accounts.authorize_url(
            client_id, redirect_uri, attempt.state, challenge_of(attempt.verifier)
        )

    def time_left(self) -> float | None:
        """Return the seconds for the open attempt; None when none is open."""
        with self._lock:
            if self._attempt is None:
                return None
            return self._attempt.started + ATTEMPT_TIMEOUT - self._clock.monotonic()

    def stray(self, query: Mapping[str, str]) -> str | None:
        """Say in the user's words why this callback is none of the open attempt's.

        The attempt goes on. None when it is its answer.
        """
        state = query.get("state", "")
        with self._lock:
            if _digest(state) in self._used:
                return "This login was already answered: each one works once."
            attempt = self._attempt
        if attempt is None or not secrets.compare_digest(state.encode(), attempt.state.encode()):
            return (
                "This answer belongs to no login that Moodtray has started. If you did not just "
                "log in to Spotify yourself, close this page; nothing was changed."
            )
        return None

    def finish(self, query: Mapping[str, str]) -> None:
        """Take the callback's query and store the login. The attempt is over, well or badly.

        Raises NeedsLogin (refused, too late, no login open), the other PlayerErrors of the
        exchange, or StoreError.
        """
        problem = self.stray(query)
        if problem is not None:
            raise NeedsLogin(problem, title="This is not the expected login")
        with self._lock:
            attempt, self._attempt = self._attempt, None
            if attempt is None:
                raise NeedsLogin("This login was already answered: each one works once.")
            self._used.add(_digest(attempt.state))
        if self._clock.monotonic() - attempt.started > ATTEMPT_TIMEOUT:
            raise NeedsLogin(
                f"The login took longer than five minutes. {LOGIN_AGAIN}", title="Too late"
            )
        refusal = query.get("error")
        if refusal == "access_denied":
            raise NeedsLogin(
                "You chose not to let Moodtray control Spotify, so nothing was stored. "
                f"{LOGIN_AGAIN}",
                title="The login was cancelled",
            )
        code = query.get("code")
        if refusal is not None or not code:
            raise NeedsLogin(
                f"Spotify refused the login. Check the client ID. {LOGIN_AGAIN}",
                title="The login was refused",
            )
        try:
            token = self._accounts.exchange(
                attempt.client_id, code, attempt.verifier, attempt.redirect_uri
            )
        except GrantRefused:
            raise NeedsLogin(
                f"Spotify's answer was too old or was used before. {LOGIN_AGAIN}",
                title="The login has expired",
            ) from None
        missing = set(SCOPES) - set(token.scope.split())
        if token.scope and missing:
            raise NeedsLogin(
                f"Spotify gave no permission for {', '.join(sorted(missing))}. {LOGIN_AGAIN}",
                title="A permission is missing",
            )
        with self._store.exclusive():
            self._store.save(token.to_dict())
            self._notes.note_login()


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
