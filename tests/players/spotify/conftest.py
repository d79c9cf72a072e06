"""A Spotify player and the service it talks to, in one process and on one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from agent.players.spotify.cache import DisplayCache
from agent.players.spotify.client import SpotifyClient
from agent.players.spotify.login import TokenKeeper
from agent.players.spotify.login_state import LoginNote
from agent.players.spotify.oauth import Accounts
from agent.players.spotify.player import SpotifyPlayer
from agent.players.spotify.rate_limit import Ledger
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore
from agent.players.spotify.transport import SpotifySession
from agent.store.jsonfile import JsonFile
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import InProcess, World, contract
from tests.fakes.spotify.service import Service

# The OpenAPI description is no part of the project; without it the tests of the holding are empty.
collect_ignore = [] if contract() is not None else ["test_spotify_contract.py"]

URL = "http://spotify.test"


@dataclass
class SpotifyHarness:
    """``player`` talks to ``world`` without sockets; :meth:`restart` begins a new process with the
    files of the old one."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    budget: int = 5000
    shuffle: bool = False

    def __post_init__(self) -> None:
        self.world = World(self.clock)
        self.service = Service(self.world)
        self.accounts = self.service.accounts
        self.transport = InProcess(self.service, self.clock.advance)
        self.store = FileTokenStore(self.folder / "token.json")
        self.note = LoginNote(self.folder / "login.json")
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(JsonFile(self.folder / "limits.json"), self.clock, self.budget)
        http = requests.Session()
        http.mount("http://", self.transport)
        self.keeper = TokenKeeper(
            self.store, self.note, Accounts(URL, self.clock, self.ledger, http), self.clock
        )
        session = SpotifySession(f"{URL}/v1", self.keeper, self.ledger, self.clock)
        session.mount("http://", self.transport)
        self.client = SpotifyClient(session, f"{URL}/v1", self.clock)
        self.cache = DisplayCache(JsonFile(self.folder / "names.json"), self.clock)
        self.player = SpotifyPlayer(
            self.client, self.keeper, self.ledger, self.cache, self.clock, shuffle=self.shuffle
        )

    def log_in_again(self) -> None:
        """As the user does after the login has ended."""
        answer = self.accounts.give_login()
        token = Token.from_dict(
            {
                **answer,
                "expires_at": self.clock.now().isoformat(),
                "auth_date": self.clock.now().isoformat(),
                "client_id": "client",
                "issuer": URL,
            }
        )
        assert token is not None
        self.store.save(token.to_dict())

    def log_in(self) -> Token:
        self.log_in_again()
        self.keeper.access()  # renewed once: the stored one ends now
        self.world.sent.clear()
        renewed = self.keeper.token()
        assert renewed is not None
        return renewed

    def paths(self) -> list[str]:
        """What was sent, as 'METHOD /path', the base left out."""
        return [f"{s.method} {s.path.removeprefix('/v1')}" for s in self.world.sent]


@pytest.fixture
def logged_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpotifyHarness]:
    """Logged out; both sides are held to the contract, and nothing is sent during a ban."""
    monkeypatch.setattr("os.fsync", lambda _: None)  # no power cuts here, and it takes its time
    made = SpotifyHarness(tmp_path)
    yield made
    assert made.world.violations == []
    assert [sent for sent in made.world.sent if sent.banned] == []


@pytest.fixture
def spotify(logged_out: SpotifyHarness) -> SpotifyHarness:
    """Logged in."""
    logged_out.log_in()
    return logged_out
