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
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader
from starlette.background import BackgroundTask
from starlette.middleware.trustedhost import TrustedHostMiddleware

from agent.errors import AgentError, NeedsLogin
from agent.ports import Clock
from agent.web import loopback
from agent.web.loopback import HOST, NO_TELEMETRY

log = logging.getLogger(__name__)

GUIDE_TIMEOUT = 1800.0
"""Seconds for reading the guide and making the app; a login itself has the flow's own limit."""
LINGER = 3.0
"""Seconds after the result for the browser to fetch its page."""
START_TIMEOUT = 10.0


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

    def finish(self, query: Mapping[str, str]) -> None:
        """Finish the login with what Spotify sent back. Raises NeedsLogin and its kin."""
        ...


class LoginServer:
    """Serves the login's pages from a thread of its own until :meth:`stop`.

    ``port`` 0: any free port. ``back``: the page that the browser returns to after a login.
    ``save_client_id`` is called with the ID that the user enters in
    the guide, in the server's thread. The constructor starts nothing.
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
        self._save_client_id = save_client_id
        self._dashboard = dashboard
        self._say = say
        self._back = back
        self._form_key = secrets.token_urlsafe(16)  # other sites cannot post our form
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._shown = threading.Event()
        self._error: AgentError | None = None
        self._started = 0.0
        self.port = port
        self._pages = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
        )

    # -- the caller's thread

    @property
    def url(self) -> str:
        """The guide."""
        return f"http://{HOST}:{self.port}/"

    @property
    def redirect_uri(self) -> str:
        """The address to which Spotify sends the user back."""
        return f"http://{HOST}:{self.port}/callback"

    @property
    def registered_uri(self) -> str:
        """What to enter at Spotify: with any free port the address is registered without one."""
        return self.redirect_uri if self._wanted_port else f"http://{HOST}/callback"

    def begin(self, client_id: str) -> str:
        """Return the address of Spotify's page for this login."""
        return self._flow.begin(client_id, self.redirect_uri)

    def start(self) -> None:
        """Listen. Raises NeedsLogin when the port is taken."""
        self._socket = _listen(self._wanted_port)
        self.port = self._socket.getsockname()[1]
        self._started = self._clock.monotonic()
        # No access log: the callback's address holds the code.
        config = uvicorn.Config(
            self.app(),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
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
                raise NeedsLogin("The login was given up.", title="Not logged in")
            left = self._flow.time_left()
            if left is None:
                left = self._started + GUIDE_TIMEOUT - self._clock.monotonic()
            if left <= 0:
                raise NeedsLogin(
                    "Nobody answered Spotify's page in time, so the login was given up. "
                    "Start it again when you are ready.",
                    title="The login took too long",
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
        """Build the routes; callable without a server, for tests."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY)
        # A page of another site that points its name at 127.0.0.1 is turned away.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST])
        app.get("/", response_class=HTMLResponse)(self._guide)
        app.get("/start")(self._start)
        app.get("/callback")(self._callback)
        app.get("/done", response_class=HTMLResponse)(self._done)
        return app

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
            return self._guide_page("", "Please use this page's own button.")
        if not is_client_id(client_id):
            return self._guide_page(
                client_id,
                "This is no client ID. It is the row of 32 letters and digits under 'Client ID' "
                "on your app's page.",
            )
        try:
            self._save_client_id(client_id)
        except AgentError as error:
            return self._guide_page(client_id, error.message)
        self._client_id = client_id
        return RedirectResponse(self.begin(client_id), status_code=303)

    def _callback(self, request: Request) -> Response:
        query = dict(request.query_params)
        stray = self._flow.stray(query)
        if stray is not None:
            self._say(stray)
            return self._result_page(False, "This is not the expected login", stray, 400)
        try:
            self._flow.finish(query)
        except AgentError as error:
            self._error = error
        except Exception:
            log.exception("defect in the login")
            self._error = NeedsLogin(
                "The login failed because of a defect in Moodtray; its log says more."
            )
        self._over.set()
        # Another address, so that the code stays neither in the address bar nor in the history.
        return RedirectResponse("/done", status_code=303)

    def _done(self) -> Response:
        if not self._over.is_set():
            return RedirectResponse("/", status_code=303)
        if self._error is None:
            page = self._result_page(
                True,
                "Done, you may close this",
                "Moodtray is logged in to Spotify and will choose music that fits.",
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
        text = self._pages.get_template(template).render(nonce=nonce, **values)
        return HTMLResponse(
            text,
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
            f"Port {port} on this computer is taken: perhaps another login of Moodtray is waiting, "
            "or another program uses it. Close that, or set spotify.port = 0 and register "
            f"http://{HOST}/callback (without a port) in your Spotify app.",
            title="The login cannot start",
        ) from error
