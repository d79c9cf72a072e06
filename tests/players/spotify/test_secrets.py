"""No token, code or verifier in any log, at any level, from anybody."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator

import pytest

from agent.app import spotify_login
from agent.errors import AgentError
from agent.players.spotify import factory
from agent.players.spotify.oauth import Accounts
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from agent.types import Playlist
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.fakes.spotify.browser import say_yes
from tests.fakes.spotify.trouble import KINDS

LOUD = ("spotipy", "spotipy.client", "requests", "urllib3", "uvicorn", "filelock", "agent", "")


class Everything(logging.Handler):
    """Keeps every record as a log file would show it, traceback and all."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n" + repr(record.args) + "\n"


@pytest.fixture
def everything() -> Iterator[Everything]:
    handler = Everything()
    before = {name: logging.getLogger(name).level for name in LOUD}
    for name in LOUD:
        logging.getLogger(name).setLevel(1)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_no_secret_in_any_log_or_traceback(
    everything: Everything, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = FakeClock()
    secrets: set[str] = set()
    exchange = Accounts.exchange

    def spy(self: Accounts, client_id: str, code: str, verifier: str, uri: str) -> object:
        secrets.update((code, verifier))
        return exchange(self, client_id, code, verifier, uri)

    monkeypatch.setattr(Accounts, "exchange", spy)
    shown: list[str] = []

    with FakeSpotify(clock) as spotify:
        spotify.accounts.auto = "agree"

        # The browser is not ours: what its own library logs is no log of the program.
        for library in ("urllib3", "requests"):
            logging.getLogger(library).setLevel(logging.WARNING)
        settings = Settings(spotify=SpotifySettings(port=0, client_id="client"))
        paths = Paths.default()
        spotify_login.login(
            settings,
            paths,
            clock,
            spotify_url=spotify.url,
            save_client_id=shown.append,
            tell=shown.append,
            echo=shown.append,
            open_browser=say_yes,
        )
        for library in ("urllib3", "requests"):
            logging.getLogger(library).setLevel(1)

        player = factory.build_player(settings, paths, clock, spotify_url=spotify.url)
        logging.getLogger("spotipy").setLevel(1)  # importing the client has silenced it
        secrets.update(spotify.accounts.secrets)
        playlist = Playlist(spotify.world.catalogue["happy"].uri, "happy")
        spotify.world.user.play("sad")
        for kind in (*(k for k in KINDS if k not in ("hang", "slow")), "none"):
            for path in ("/v1/me/player", "/api/token"):
                if kind != "none":
                    spotify.world.trouble(kind, path=path, times=1, seconds=1)
                clock.advance(7200)
                for call in (player.playback, lambda: player.play(playlist), player.pause):
                    try:
                        call()
                    except AgentError as error:
                        logging.getLogger("agent").exception("failed")
                        trace = traceback.TracebackException.from_exception(error)
                        everything.text += "".join(trace.format())
                    secrets.update(spotify.accounts.secrets)
        spotify.accounts.revoke()
        clock.advance(7200)
        with pytest.raises(AgentError):
            player.playback()
        player.close()

    assert len(secrets) > 20
    assert "http" in everything.text  # the logs were really on
    assert "/v1/me/player" in everything.text
    printed = capfd.readouterr()
    whole = everything.text + printed.out + printed.err + "\n".join(shown)
    leaks = [secret[:6] for secret in secrets if secret in whole]
    assert leaks == []
    assert re.search(r"Bearer \S{10}", whole) is None
