"""Spotify's accounts service: codes and refresh tokens against access tokens (PKCE, no secret).

Built on OAuth 2.0 (RFC 6749), PKCE (RFC 7636) and the loopback redirect of RFC 8252.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import requests
from pydantic import Field

from agent import logs
from agent.errors import NeedsLogin, PlayerError, ServiceDown
from agent.players.spotify.api_errors import (
    not_understood,
    unreachable,
    wait_of,
)
from agent.players.spotify.bounded import bounded_session, no_auth
from agent.players.spotify.endpoints import SCOPES
from agent.players.spotify.json_models import AnySecret, AnyText, JsonModel, or_else, read
from agent.players.spotify.rate_limit import Ledger
from agent.players.spotify.token import Token
from agent.ports import Clock
from agent.printable import printable
from agent.translation import _
from agent.wording import LOGIN_AGAIN

TIMEOUT = (3.0, 6.0)
"""Seconds to connect, and between two pieces of the answer."""

LONGEST = 86_400
"""Seconds that an access token is taken to live at most; Spotify's live an hour."""


class GrantRefused(NeedsLogin):
    """invalid_grant: this code or refresh token is dead."""


def new_verifier() -> str:
    """Make a PKCE verifier: 64 random bytes, 86 characters (RFC 7636 asks for 43 to 128)."""
    verifier = secrets.token_urlsafe(64)
    logs.hide(verifier, kind="spotify")
    return verifier


def challenge_of(verifier: str) -> str:
    """Compute the S256 challenge: base64url of SHA-256, without padding (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class _Answer(JsonModel):
    """POST /api/token: the tokens, or what went wrong."""

    access_token: AnySecret = Field(None, repr=False)
    refresh_token: AnySecret = Field(None, repr=False)
    expires_in: Annotated[int | None, or_else(lambda: None)] = None  # seconds
    scope: AnyText = None
    error: AnyText = None


class Accounts:
    """The accounts service at ``url``. Blocking; the player's thread or a login's."""

    def __init__(
        self, url: str, clock: Clock, ledger: Ledger, http: requests.Session | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._ledger = ledger
        self._http = http or bounded_session()
        self._http.auth = no_auth

    def authorize_url(self, client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
        """Return the page where the user agrees."""
        query = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": " ".join(SCOPES),
            "code_challenge_method": "S256",
            "code_challenge": challenge,
        }
        return f"{self.url}/authorize?{urlencode(query)}"

    def exchange(self, client_id: str, code: str, verifier: str, redirect_uri: str) -> Token:
        """Exchange the callback's code for the first token. Raises the PlayerError family."""
        now = self._clock.now()
        answer = self._post(
            {
                "grant_type": "authorization_code",
                "client_id": client_id,
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
        )
        if answer.refresh_token is None:
            raise not_understood()
        return self._token(answer, answer.refresh_token, client_id, now)

    def renew(self, token: Token) -> Token:
        """Renew the access token.

        Raises GrantRefused when the login is dead, else the PlayerError family.
        """
        answer = self._post(
            {
                "grant_type": "refresh_token",
                "client_id": token.client_id,
                "refresh_token": token.refresh,
            }
        )
        # Refresh tokens rotate; a reply without a new one means: keep the old one.
        refresh = answer.refresh_token or token.refresh
        return self._token(answer, refresh, token.client_id, token.auth_date)

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _token(self, answer: _Answer, refresh: str, client_id: str, auth_date: datetime) -> Token:
        if answer.access_token is None or answer.expires_in is None:
            raise not_understood()
        lifetime = min(max(answer.expires_in, 0), LONGEST)
        return Token(
            access=answer.access_token,
            refresh=refresh,
            expires_at=self._clock.now() + timedelta(seconds=lifetime),
            auth_date=auth_date,
            client_id=client_id,
            issuer=self.url,
            scope=answer.scope or "",
        )

    def _post(self, form: dict[str, str]) -> _Answer:
        self._ledger.check(command=True)
        self._ledger.count()
        try:
            response = self._http.post(
                f"{self.url}/api/token", data=form, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            # "from None": the exception holds the request, and with it the secrets of its body.
            raise unreachable(error, _("Spotify's login service")) from None
        try:
            answer = read(_Answer, response.json())
        except (ValueError, RecursionError):
            answer = None
        if answer is not None:
            logs.hide(answer.access_token or "", answer.refresh_token or "", kind="spotify")
        if response.status_code == 429:
            seconds = wait_of(
                response.headers.get("Retry-After"), quota=False, now=self._clock.now()
            )
            raise self._ledger.block(seconds, quota=False)
        if response.status_code >= 500:
            raise ServiceDown(
                _(
                    "Spotify's login service has a problem ({status_code}). Moodtray keeps trying."
                ).format(status_code=response.status_code)
            )
        if answer is None:
            raise not_understood()
        if response.status_code == 200:
            return answer
        raise _refused(response.status_code, answer.error or "")


def _refused(status: int, error: str) -> PlayerError:
    if error == "invalid_grant":
        return GrantRefused(
            _("Your login to Spotify has ended. {login_again}").format(login_again=_(LOGIN_AGAIN))
        )
    if error in ("invalid_client", "unauthorized_client"):
        return NeedsLogin(
            _(
                "Spotify does not know this client ID. Copy it again from your "
                "app's page in the dashboard. {login_again}"
            ).format(login_again=_(LOGIN_AGAIN))
        )
    return PlayerError(
        _("Spotify's login service refuses this ({status}: {error}).").format(
            status=status, error=printable(error, 60) or _("no reason")
        )
    )
