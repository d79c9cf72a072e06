"""The pages of the Spotify login, on 127.0.0.1 only: the guide, the callback, and the result.

Alive only while a login is under way. The login itself (state, verifier, exchange) is the flow's
work; here are the server, its pages and the waiting.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent import logs
from agent.addresses import LOOPBACK
from agent.errors import AgentError, NeedsLogin
from agent.ports import Clock
from agent.store.files import write_private
from agent.translation import _
from agent.web import limited, loopback, rules
from agent.web.loopback import NO_TELEMETRY
from agent.web.rendering import environment

log = logging.getLogger(__name__)

GUIDE_TIMEOUT = 1800.0
"""Seconds for reading the guide and making the app; a login itself has the flow's own limit."""
LINGER = 3.0
"""Seconds after the result for the browser to fetch its page."""
START_TIMEOUT = 10.0
CHANGES = ("/start", "/keep")
"""What the login's own pages alone may ask for, since it changes something."""


class Flow(Protocol):
    """A login, as :class:`agent.players.spotify.login.LoginFlow` implements it. Any thread."""

    def begin(self, client_id: str, redirect_uri: str) -> str:
        """Begin a login; returns the address of Spotify's page."""
        ...

    def time_left(self) -> float | None:
        """Return the seconds for the open attempt; None when none is open."""
        ...

    def stray(self, query: Mapping[str, str]) -> str | None:
        """Say why this callback is none of the open attempt's; None when it is."""
        ...

    def finish(self, query: Mapping[str, str]) -> str:
        """Take what Spotify sent back, name the account. Raises NeedsLogin and its kin."""
        ...

    def keep(self) -> None:
        """Store the login. Raises NeedsLogin and StoreError."""
        ...

    def discard(self) -> None:
        """Forget the login."""
        ...


class LoginServer:
    """Serves the login's pages from a thread of its own until :meth:`stop`.

    ``port`` 0: any free port. ``back``: the page that the browser returns to after a login.
    ``client_id`` None: the guide asks the user for it, and ``save_client_id`` is called with what
    they enter, in the server's thread. The constructor starts nothing.
    """

    def __init__(
        self,
        flow: Flow,
        port: int,
        clock: Clock,
        *,
        client_id: str | None,
        save_client_id: Callable[[str], None],
        dashboard: str,
        say: Callable[[str], None],
        back: str | None = None,
    ) -> None:
        self._flow = flow
        self._wanted_port = port
        self._clock = clock
        self._client_id = client_id
        self._asks = client_id is None  # what was given is not for a page to change
        self._save_client_id = save_client_id
        self._dashboard = dashboard
        self._say = say
        self._back = back
        self._form_key = secrets.token_urlsafe(16)  # other sites cannot send our forms
        self._link = secrets.token_urlsafe(24)  # works once
        self._session = secrets.token_urlsafe(24)  # of the one browser that used the link
        logs.hide(self._form_key, self._link, self._session, kind="login")
        self._account: str | None = None  # whose login waits to be kept
        # Requests have a thread each: what works once is looked at and used up in one go, and the
        # account that is named is the one whose login waits.
        self._turn = threading.Lock()
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._shown = threading.Event()
        self._error: AgentError | None = None
        self._started = 0.0
        self.port = port
        self._pages = environment(Path(__file__).parent / "templates")

    # -- the caller's thread

    @property
    def link(self) -> str:
        """The address that begins the login in one browser, once."""
        return f"http://{LOOPBACK}:{self.port}/enter/{self._link}"

    def write_redirect_file(self, path: Path) -> None:
        """Write a page that leads to :attr:`link`, for the user alone; raises StoreError.

        A browser is started with its name: what a program is started with, all users can read.
        """
        write_private(path, self._render("login_redirect.html", link=self.link).encode())

    @property
    def redirect_uri(self) -> str:
        """The address to which Spotify sends the user back."""
        return f"http://{LOOPBACK}:{self.port}/callback"

    @property
    def registered_uri(self) -> str:
        """What to enter at Spotify: with any free port the address is registered without one."""
        return self.redirect_uri if self._wanted_port else f"http://{LOOPBACK}/callback"

    def start(self) -> None:
        """Listen. Raises NeedsLogin when the port is taken."""
        self._socket = _listen(self._wanted_port)
        self.port = self._socket.getsockname()[1]
        self._started = self._clock.monotonic()
        self._server = limited.new_server(_Gate(self.app(), self.port, self._turned_away))
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="login pages", daemon=True
        )
        self._thread.start()

    def wait(self, cancelled: threading.Event | None = None) -> None:
        """Block until the login is done.

        Raises its error, or NeedsLogin when time is up or it was cancelled.
        """
        while not self._over.wait(0.1):
            if cancelled is not None and cancelled.is_set():
                raise NeedsLogin(_("The login was given up."), title=_("Not logged in"))
            left = self._flow.time_left()
            if left is None:
                left = self._started + GUIDE_TIMEOUT - self._clock.monotonic()
            if left <= 0:
                raise NeedsLogin(
                    _(
                        "Nobody answered Spotify's page in time, so the login was "
                        "given up. Start it again when you are ready."
                    ),
                    title=_("The login took too long"),
                )
        self._shown.wait(LINGER)
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the server and its thread; at once, may be called twice."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(START_TIMEOUT)
        if self._socket is not None:
            self._socket.close()

    # -- the pages

    def app(self) -> FastAPI:
        """Return the routes; callable without a server, for tests."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY)
        app.get("/enter/{link}")(self._enter)
        pages: dict[str, Callable[..., Response]] = {
            "/": self._guide,
            "/start": self._start,
            "/callback": self._callback,
            "/account": self._account_page,
            "/keep": self._keep,
            "/done": self._done,
        }
        for path, page in pages.items():
            app.get(path, dependencies=[Depends(self._same_browser)])(page)
        app.add_exception_handler(_Stranger, self._turned_away)
        return app

    def _enter(self, link: str) -> Response:
        """Take the link, once: the browser that brings it does the login."""
        with self._turn:
            if not secrets.compare_digest(link.encode(), self._link.encode()):
                return self._turned_away()
            self._link = secrets.token_urlsafe(24)
        answer = self._begin(self._client_id) if self._client_id else _go("/")
        # Lax: it comes along when Spotify's page leads back here.
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="lax", path="/")
        return answer

    @property
    def _cookie(self) -> str:
        return f"moodtray-login-{self.port}"  # cookies are shared between ports

    def _same_browser(self, request: Request) -> None:
        ours = self._session.encode()
        brought = rules.Request(request.scope).cookies(self._cookie)
        if not any(secrets.compare_digest(one.encode(), ours) for one in brought):
            raise _Stranger

    def _turned_away(self, *_request: object) -> Response:
        return self._result_page(
            False,
            _("Please come through Moodtray"),
            _(
                "This login belongs to the browser that Moodtray has opened, "
                "and its link works once. Begin again with 'Log in' in the "
                "tray's menu or with 'moodtray login'."
            ),
            403,
        )

    def _begin(self, client_id: str) -> Response:
        return _go(self._flow.begin(client_id, self.redirect_uri))

    def _guide(self) -> Response:
        return self._guide_page(self._client_id or "", None)

    def _guide_page(self, client_id: str, problem: str | None) -> Response:
        return self._page(
            "login_guide.html",
            400 if problem else 200,
            redirect_uri=self.registered_uri,
            client_id=client_id,
            dashboard=self._dashboard,
            key=self._form_key,
            problem=problem,
        )

    def _start(self, client_id: str = "", key: str = "") -> Response:
        client_id = client_id.strip()
        if not secrets.compare_digest(key.encode(), self._form_key.encode()):
            return self._guide_page("", _("Please use this page's own button."))
        if not self._asks and client_id != self._client_id:
            return self._guide_page(
                self._client_id or "",
                _(
                    "Moodtray has begun this login with the client ID below. For another one, "
                    "enter that in the settings and begin again."
                ),
            )
        if not is_client_id(client_id):
            return self._guide_page(
                client_id,
                _(
                    "This is no client ID. It is the row of 32 letters and digits "
                    "under 'Client ID' on your app's page."
                ),
            )
        if self._asks:
            try:
                self._save_client_id(client_id)
            except AgentError as error:
                return self._guide_page(client_id, error.message)
            self._client_id = client_id
        return self._begin(client_id)

    def _callback(self, request: Request) -> Response:
        query = dict(request.query_params)
        stray = self._flow.stray(query)
        if stray is not None:
            self._say(stray)
            return self._result_page(False, _("This is not the expected login"), stray, 400)
        try:
            with self._turn:
                self._account = self._flow.finish(query)
        except Exception as error:  # noqa: BLE001 - told apart in there
            return self._ended(error)
        # Another address, so that the code stays neither in the address bar nor in the history.
        return _go("/account")

    def _account_page(self) -> Response:
        if self._account is None:
            return _go("/")
        return self._page("login_account.html", 200, account=self._account, key=self._form_key)

    def _keep(self, key: str = "", answer: str = "") -> Response:
        """Keep the login, or not, now that the user has seen whose it is."""
        if not secrets.compare_digest(key.encode(), self._form_key.encode()):
            return _go("/account")
        with self._turn:
            return self._answered(answer == "yes")

    def _answered(self, kept: bool) -> Response:
        account, self._account = self._account, None
        if account is None:
            return _go("/done")
        if not kept:
            self._flow.discard()
            return self._ended(
                NeedsLogin(
                    _(
                        "Nothing was kept. Log out at accounts.spotify.com, or use "
                        "another browser window, then log in again."
                    ),
                    title=_("Not this account"),
                )
            )
        try:
            self._flow.keep()
        except Exception as error:  # noqa: BLE001 - told apart in there
            return self._ended(error)
        return self._ended(None)

    def _ended(self, error: Exception | None) -> Response:
        """End the login, well or not, and lead to the page that says so."""
        if error is not None and not isinstance(error, AgentError):
            log.error("defect in the login", exc_info=error)
            error = NeedsLogin(
                _("The login failed because of a defect in Moodtray; its log says more.")
            )
        self._error = error
        self._over.set()
        return _go("/done")

    def _done(self) -> Response:
        if not self._over.is_set():
            return _go("/")
        if self._error is None:
            page = self._result_page(
                True,
                _("Done, you may close this"),
                _("Moodtray is logged in to Spotify and will choose music that fits."),
                200,
            )
        else:
            page = self._result_page(False, self._error.title, self._error.message, 200)
        page.background = BackgroundTask(self._shown.set)
        return page

    def _result_page(self, good: bool, title: str, message: str, status: int) -> Response:
        return self._page(
            "login_done.html", status, good=good, title=title, message=message, back=self._back
        )

    def _page(self, template: str, status: int, **values: object) -> Response:
        nonce = secrets.token_urlsafe(12)
        return HTMLResponse(
            self._render(template, nonce=nonce, **values),
            status,
            headers={
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": (
                    f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
                    "img-src data:; base-uri 'none'; frame-ancestors 'none'"
                ),
            },
        )

    def _render(self, template: str, **values: object) -> str:
        return self._pages.get_template(template).render(**values)


class _Gate:
    """Let through what keeps to the rules that the page has, too; see ``agent.web.rules``."""

    def __init__(self, app: ASGIApp, port: int, turned_away: Callable[[], Response]) -> None:
        self._app = app
        self._port = port
        self._turned_away = turned_away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": rules.with_headers(message["headers"], {})}
            await send(message)

        request = rules.Request(scope)
        refused = rules.fault(request, self._port, changes=request.path in CHANGES)
        answer = self._app if refused is None else self._turned_away()
        await answer(scope, receive, send_marked)


class _Stranger(Exception):
    """Another browser than the one that came through the link."""


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)


def is_client_id(text: str) -> bool:
    """Tell whether it may be one: Spotify's are 32 letters and digits."""
    return (
        1 <= len(text) <= 128
        and text.isascii()
        and text.replace("-", "").replace("_", "").isalnum()
    )


def _listen(port: int) -> socket.socket:
    try:
        return loopback.listen(port)
    except OSError as error:
        raise NeedsLogin(
            _(
                "Port {port} on this computer is taken: perhaps another login "
                "of Moodtray is waiting, or another program uses it. Close "
                "that, or set spotify.port = 0 and register "
                "http://{host}/callback (without a port) in your Spotify app."
            ).format(port=port, host=LOOPBACK),
            title=_("The login cannot start"),
        ) from error
