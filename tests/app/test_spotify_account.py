"""Logins and logouts beside a running agent, and logins that Spotify ends."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from agent.app import spotify_account
from agent.errors import NeedsLogin
from agent.events import (
    Event,
    Notice,
    PlaybackChanged,
    PlayerChanged,
    PlayerFailed,
    SettingsChanged,
)
from agent.players.local import NAME, LocalPlayer
from agent.players.spotify import storage
from agent.players.spotify.token import LIFETIME
from agent.settings import Settings, SpotifySettings
from agent.types import Playlist
from tests.app.manager_harness import ManagerHarness
from tests.fakes.ring import Ring
from tests.fakes.spotify import FakeSpotify


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    return Ring(monkeypatch)


@pytest.fixture(autouse=True)
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    init = LocalPlayer.__init__
    monkeypatch.setattr(LocalPlayer, "__init__", lambda *a: init(*a, null=True))


def settings_of(place: str, player: str = "auto") -> Settings:
    spotify = SpotifySettings(use_keyring=place == "keyring")
    return Settings.model_validate({"player": player, "spotify": spotify})


def failures(harness: ManagerHarness) -> list[Event]:
    return [event for event in harness.events if isinstance(event, PlayerFailed)]


def players(harness: ManagerHarness) -> list[tuple[str, bool | None]]:
    changes = [event for event in harness.events if isinstance(event, PlayerChanged)]
    return [(event.name, event.logged_in) for event in changes]


@pytest.mark.parametrize("place", ["file", "keyring"])
def test_a_login_and_a_logout_beside_us_are_noticed(
    harness: ManagerHarness, spotify: FakeSpotify, ring: Ring, place: str
) -> None:
    settings = settings_of(place)
    harness.music.use(settings)
    harness.music.look()
    assert players(harness) == [(NAME, None)]
    harness.log_in(spotify.accounts.give_login(), settings)
    harness.music.look()
    assert players(harness)[-1] == ("Spotify", True)
    harness.wait_for(PlaybackChanged)

    spotify_account.log_out(harness.paths)
    harness.music.look()
    assert players(harness)[-1] == (NAME, None)
    time.sleep(0.5)
    assert failures(harness) == []


@pytest.mark.parametrize("player", ["auto", "spotify"])
def test_a_logout_beside_us_is_no_alarm(
    harness: ManagerHarness, spotify: FakeSpotify, player: str
) -> None:
    """Spotify may be read before the logout is noticed, and after."""
    settings = settings_of("file", player)
    harness.log_in(spotify.accounts.give_login())
    harness.music.use(settings)
    harness.wait_for(PlaybackChanged)
    spotify_account.log_out(harness.paths)
    harness.player.expect(True)
    harness.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"), asked=False)
    time.sleep(0.5)
    harness.music.look()
    harness.player.expect(True)
    time.sleep(1.0)
    assert failures(harness) == []
    wanted = ("Spotify", False) if player == "spotify" else (NAME, None)
    assert players(harness)[-1] == wanted
    if player == "spotify":  # what is asked for is answered
        harness.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"), asked=True)
        failed = harness.wait_for(PlayerFailed)
        assert isinstance(failed, PlayerFailed)
        assert isinstance(failed.error, NeedsLogin)


def test_without_a_login_from_the_beginning_it_is_asked_for(
    harness: ManagerHarness, spotify: FakeSpotify
) -> None:
    harness.log_in(spotify.accounts.give_login())
    spotify_account.log_out(harness.paths)  # in an earlier run
    harness.music.use(settings_of("file", "spotify"))
    failed = harness.wait_for(PlayerFailed)
    assert isinstance(failed, PlayerFailed)
    assert isinstance(failed.error, NeedsLogin)


def test_an_ended_login_is_told_once_and_outlasts_a_restart_until_a_logout(
    harness: ManagerHarness, spotify: FakeSpotify
) -> None:
    harness.log_in({**spotify.accounts.give_login(), "refresh_token": "dead"})
    harness.music.use(Settings())
    harness.wait_for(PlayerFailed)
    harness.music.look()
    time.sleep(1.0)
    harness.music.look()
    assert len(failures(harness)) == 1
    assert players(harness)[-1] == ("Spotify", False)

    restarted = ManagerHarness(harness.paths, spotify)
    restarted.music.use(Settings())
    restarted.wait_for(PlayerFailed)
    assert players(restarted)[-1] == ("Spotify", False)
    spotify_account.log_out(harness.paths)
    restarted.music.look()
    assert players(restarted)[-1] == (NAME, None)
    restarted.stop()


def test_after_a_logout_the_memory_of_names_is_empty(
    harness: ManagerHarness, spotify: FakeSpotify
) -> None:
    """With Spotify as the wish the player stays, and another one may log in."""
    uri = spotify.world.catalogue["happy"].uri
    settings = Settings(player="spotify", spotify_playlists={"happy": (uri,)})
    harness.log_in(spotify.accounts.give_login())
    harness.music.use(settings)

    def named(event: Event) -> bool:
        return isinstance(event, PlayerChanged) and any(
            playlist.name == "Happy songs"
            for found in event.playlists.values()
            for playlist in found
        )

    harness.wait_for(PlayerChanged, named)
    spotify_account.log_out(harness.paths)
    harness.music.look()
    last = [event for event in harness.events if isinstance(event, PlayerChanged)][-1]
    assert not named(last)
    time.sleep(0.5)
    assert not (harness.paths.state / storage.CACHE_FILE).exists()


@pytest.mark.parametrize("place", ["file", "keyring"])
def test_a_login_that_ends_soon_is_told_once_a_day(
    harness: ManagerHarness, spotify: FakeSpotify, ring: Ring, place: str
) -> None:
    settings = settings_of(place)
    harness.log_in(spotify.accounts.give_login(), settings)
    store = storage.token_store(settings, harness.paths)
    agreed = harness.clock.now() - LIFETIME + timedelta(days=20)
    store.save({**(store.load() or {}), "auth_date": agreed.isoformat()})
    harness.music.use(settings)
    for _ in range(3):
        harness.music.look()
    notices = [event for event in harness.events if isinstance(event, Notice)]
    assert [notice.title for notice in notices] == ["Please log in to Spotify again soon"]


@pytest.mark.parametrize("which", ["log_in", "log_out"])
def test_settings_that_broke_meanwhile_are_told(
    harness: ManagerHarness, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(f"agent.app.spotify_account.{which}", lambda *_, **__: "")
    harness.paths.settings_file.write_text("player = [")
    getattr(harness.account, which)()
    notice = harness.wait_for(Notice)
    assert isinstance(notice, Notice)
    assert str(harness.paths.settings_file) in notice.message
    assert not [event for event in harness.events if isinstance(event, SettingsChanged)]
