"""The login command in a thread, for tests that play the browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

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

    def end(self) -> None:
        if self._thread.ident is not None:
            self._thread.join(20)
        assert not self._thread.is_alive()
