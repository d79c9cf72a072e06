"""The accounts service: a page with Agree and Cancel, codes, PKCE, tokens that rotate and die."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from tests.fakes.spotify.service import Reply, Request
    from tests.fakes.spotify.world import World

CODE_LIFETIME = 600.0
LOGIN_LIFETIME = 183 * 86_400.0
NEEDED_SCOPES = {
    "user-read-playback-state",
    "user-modify-playback-state",
    "user-read-currently-playing",
    "playlist-read-private",
}


@dataclass
class _Code:
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    made: float


@dataclass
class _Login:
    """A refresh token's holder."""

    client_id: str
    scope: str
    authorized: float


class AccountsService:
    """Under the service's lock. ``rotate``: renewals give a new refresh token and the old one
    dies. ``auto``: "agree" or "cancel" answers the page by itself."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rotate = True
        self.auto = ""
        self.token_lifetime = 3600.0
        self.known_clients: set[str] | None = None  # None: all
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Login] = {}
        self._access: dict[str, float] = {}  # token -> its end
        self.renewals = 0

    def handle(self, request: Request) -> Reply:
        if request.path == "/api/token":
            return self._token(request)
        return self._authorize(request)

    def problem_with(self, access: str) -> str | None:
        end = self._access.get(access)
        if end is None:
            return "Invalid access token"
        return None if self._world.now < end else "The access token expired"

    # -- what tests do

    def give_login(self, client_id: str = "client") -> dict[str, object]:
        """A login without the pages: the token answer."""
        return self._give(_Login(client_id, " ".join(sorted(NEEDED_SCOPES)), self._world.now))

    def expire_access(self) -> None:
        """Every access token is refused from now on."""
        self._access.clear()

    def revoke(self) -> None:
        """The user removed the app in the account's settings."""
        self._access.clear()
        self._refresh.clear()

    def expire_codes(self) -> None:
        for code in self._codes.values():
            code.made = float("-inf")

    @property
    def secrets(self) -> list[str]:
        """Every token and code there is, to look for in logs."""
        return [*self._codes, *self._refresh, *self._access]

    # -- pages

    def _authorize(self, request: Request) -> Reply:
        from tests.fakes.spotify.service import Reply

        query = request.query
        problem = self._page_problem(query)
        if problem is not None:
            page = f"<!doctype html><title>Error</title><p>{html.escape(problem)}</p>"
            return Reply(400, page.encode(), {"content-type": "text/html; charset=utf-8"})
        answer = self.auto or (query.get("answer", "") if "decide" in request.path else "")
        if answer:
            return self._decide(query, agree=answer == "agree")
        buttons = "".join(
            f'<a id="{answer}" href="/authorize/decide?'
            f'{html.escape(urlencode({**query, "answer": answer}))}">{label}</a> '
            for answer, label in (("agree", "Agree"), ("cancel", "Cancel"))
        )
        page = (
            "<!doctype html><title>Authorize</title><h1>Moodtray wants to control your music</h1>"
            f"<p>{html.escape(query['scope'])}</p>{buttons}"
        )
        return Reply(200, page.encode(), {"content-type": "text/html; charset=utf-8"})

    def _page_problem(self, query: dict[str, str]) -> str | None:
        if not self._knows(query.get("client_id", "")):
            return "INVALID_CLIENT: Invalid client"
        redirect = urlsplit(query.get("redirect_uri", ""))
        if redirect.hostname == "localhost":
            return "INVALID_CLIENT: Insecure redirect URI"
        if (redirect.scheme, redirect.hostname, redirect.path) != (
            "http",
            "127.0.0.1",
            "/callback",
        ):
            return "INVALID_CLIENT: Invalid redirect URI"
        if query.get("response_type") != "code":
            return "response_type must be code"
        if (
            query.get("code_challenge_method") != "S256"
            or len(query.get("code_challenge", "")) != 43
        ):
            return "code_challenge_method must be S256"
        if len(query.get("state", "")) < 16:
            return "state is missing or can be guessed"
        if not set(query.get("scope", "").split()) <= NEEDED_SCOPES or not query.get("scope"):
            return "INVALID_SCOPE"
        return None

    def _decide(self, query: dict[str, str], *, agree: bool) -> Reply:
        from tests.fakes.spotify.service import Reply

        if agree:
            code = secrets.token_urlsafe(40)
            self._codes[code] = _Code(
                query["client_id"],
                query["redirect_uri"],
                query["code_challenge"],
                query["scope"],
                self._world.now,
            )
            answer = {"code": code, "state": query["state"]}
        else:
            answer = {"error": "access_denied", "state": query["state"]}
        return Reply(303, b"", {"location": f"{query['redirect_uri']}?{urlencode(answer)}"})

    # -- tokens

    def _token(self, request: Request) -> Reply:
        from tests.fakes.spotify.service import json_reply

        form = request.form()
        if "client_secret" in form or "authorization" in request.headers:
            self._world.violations.append("a secret or token was sent to the accounts service")
        if request.method != "POST":
            return json_reply(405, {"error": "invalid_request"})
        if not self._knows(form.get("client_id", "")):
            return json_reply(400, {"error": "invalid_client"})
        if form.get("grant_type") == "authorization_code":
            return self._exchange(form)
        if form.get("grant_type") == "refresh_token":
            return self._renew(form)
        return json_reply(400, {"error": "unsupported_grant_type"})

    def _exchange(self, form: dict[str, str]) -> Reply:
        from tests.fakes.spotify.service import json_reply

        code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            code is None
            or self._world.now - code.made > CODE_LIFETIME
            or code.client_id != form["client_id"]
            or code.redirect_uri != form.get("redirect_uri")
            or code.challenge != challenge
        ):
            return json_reply(400, {"error": "invalid_grant", "error_description": "bad code"})
        return json_reply(200, self._give(_Login(code.client_id, code.scope, self._world.now)))

    def _renew(self, form: dict[str, str]) -> Reply:
        from tests.fakes.spotify.service import json_reply

        token = form.get("refresh_token", "")
        login = self._refresh.get(token)
        if (
            login is None
            or login.client_id != form["client_id"]
            or self._world.now - login.authorized > LOGIN_LIFETIME
        ):
            self._refresh.pop(token, None)
            return json_reply(
                400, {"error": "invalid_grant", "error_description": "Refresh token revoked"}
            )
        self.renewals += 1
        if not self.rotate:
            answer = self._give(login)
            del self._refresh[str(answer.pop("refresh_token"))]
            return json_reply(200, answer)
        del self._refresh[token]
        return json_reply(200, self._give(login))

    def _give(self, login: _Login) -> dict[str, object]:
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        self._access[access] = self._world.now + self.token_lifetime
        self._refresh[refresh] = login
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self.token_lifetime),
            "refresh_token": refresh,
            "scope": login.scope,
        }

    def _knows(self, client_id: str) -> bool:
        return bool(client_id) and (self.known_clients is None or client_id in self.known_clients)
