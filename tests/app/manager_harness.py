"""The player in use as the engine has it, and the events that it reports."""

from __future__ import annotations

import time
from collections.abc import Callable

from agent.app.player_manager import PlayerManager
from agent.app.spotify_account import Account
from agent.clock import SystemClock
from agent.events import Event, PlayerChanged
from agent.players.folder_watch import FolderWatch
from agent.players.player_worker import PlayerWorker
from agent.players.spotify import storage
from agent.players.spotify.token import Token
from agent.settings import Settings
from agent.store.paths import Paths
from tests.fakes.spotify import FakeSpotify


class ManagerHarness:
    """What the app has of it: ``music``, ``player`` (its worker), ``account``, and their events."""

    def __init__(self, paths: Paths, spotify: FakeSpotify) -> None:
        self.events: list[Event] = []
        self.paths = paths
        self.clock = SystemClock()
        self.url = spotify.url
        self.account = Account(
            paths, self.clock, self.events.append, spotify_url=spotify.url, tell=lambda _: None
        )
        self.player = PlayerWorker(None, self.account.forward, self.clock)
        self.music = PlayerManager(
            paths,
            self.clock,
            self.events.append,
            self.player,
            self.account,
            FolderWatch(self.events.append, self.clock),
            spotify_url=spotify.url,
        )
        self.player.start()

    def stop(self) -> None:
        self.player.request_stop()
        assert self.player.join(30.0)

    def wait_for(self, kind: type, wanted: Callable[[Event], bool] = lambda _: True) -> Event:
        end = time.monotonic() + 30.0
        while True:
            for event in list(self.events):
                if isinstance(event, kind) and wanted(event):
                    return event
            assert time.monotonic() < end, self.events
            time.sleep(0.01)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events if isinstance(event, PlayerChanged)]

    def log_in(self, login: dict[str, object], settings: Settings | None = None) -> None:
        """As 'moodtray login' does beside us."""
        settings = settings or Settings()
        now = self.clock.now().isoformat()
        more = {"expires_at": now, "auth_date": now, "client_id": "client", "issuer": self.url}
        token = Token.from_dict({**login, **more})
        assert token is not None
        storage.token_store(settings, self.paths).save(token.to_dict())
        storage.login_note(self.paths, settings).note_login()
