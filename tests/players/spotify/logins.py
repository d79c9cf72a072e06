"""The login command in a thread, for tests that play the browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from agent.app import spotify_login
from agent.errors import AgentError
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify

CLIENT = "0123456789abcdef0123456789abcdef"


@dataclass
class Login:
    """``moodtray login`` in a thread; ``line()`` waits for what it prints on stdout."""

    spotify: FakeSpotify
    clock: FakeClock
    settings: Settings = field(
        default_factory=lambda: Settings(spotify=SpotifySettings(port=0, client_id=CLIENT))
    )
    client_id: str | None = None
    no_browser: bool = True
    opens: bool = True

    def __post_init__(self) -> None:
        self.out: list[str] = []
        self.told: list[str] = []
        self.opened: list[str] = []
        self.saved: list[str] = []
        self.error: AgentError | None = None
        self.cancelled = threading.Event()
        self.browser = requests.Session()
        self._printed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            spotify_login.login(
                self.settings,
                Paths.default(),
                self.clock,
                client_id=self.client_id,
                no_browser=self.no_browser,
                spotify_url=self.spotify.url,
                save_client_id=self.saved.append,
                tell=self._note(self.told),
                echo=self._note(self.out),
                open_browser=self._open,
                cancelled=self.cancelled,
            )
        except AgentError as error:
            self.error = error
            with self._printed:
                self._printed.notify_all()

    def _note(self, lines: list[str]) -> Callable[[str], None]:
        def note(text: str) -> None:
            with self._printed:
                lines.append(text)
                self._printed.notify_all()

        return note

    def _open(self, url: str) -> bool:
        self._note(self.opened)(url)
        return self.opens

    def start(self) -> str:
        """The address that was printed, or opened in the browser."""
        self._thread.start()
        with self._printed:
            assert self._printed.wait_for(
                lambda: self.out or (self.opened and self.opens) or self.error, 20
            )
        return (self.out or self.opened)[0]

    def get(self, url: str, **options: Any) -> requests.Response:
        """What the user's browser does with an address; a file leads it on."""
        if url.startswith("file:"):
            file = Path(unquote(urlsplit(url).path))
            found = re.search(r'content="0; url=([^"]+)"', file.read_text())
            assert found is not None
            url = found.group(1)
        return self.browser.get(url, **{"timeout": 10, **options})

    def callback(self, url: str, answer: str = "agree") -> str:
        """Answer Spotify's page, to which ``url`` leads; the address that the browser gets."""
        page = self.get(url)
        assert page.status_code == 200, page.text
        decide = re.search(rf'id="{answer}" href="([^"]+)"', page.text)
        assert decide is not None
        target = urljoin(page.url, decide.group(1).replace("&amp;", "&"))
        return self.get(target, allow_redirects=False).headers["location"]

    def sent_on(self, url: str) -> str:
        """The address to which the link leads the browser: Spotify's page."""
        return self.get(url, allow_redirects=False).headers["location"]

    def at(self, path: str) -> str:
        """An address of the login's own server."""
        link = next(line for line in [*self.out, *self.told] if "/enter/" in line)
        return urljoin(link[link.index("http") :], path)

    def keep(self, page: requests.Response, answer: str = "yes") -> requests.Response:
        """Answer the question whether this is the user's account."""
        key = re.search(r'name="key" value="([^"]+)"', page.text)
        assert key is not None, page.text
        return self.get(urljoin(page.url, "/keep"), params={"key": key.group(1), "answer": answer})

    def agree(self, url: str) -> requests.Response:
        """Go all the way from an address to the last page."""
        return self.keep(self.get(self.callback(url)))

    def end(self) -> None:
        if self._thread.ident is not None:
            self._thread.join(20)
        assert not self._thread.is_alive()
