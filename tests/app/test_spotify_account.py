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
from agent.players.local import LocalPlayer
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


def failures(owner: ManagerHarness) -> list[Event]:
    return [event for event in owner.events if isinstance(event, PlayerFailed)]


def players(owner: ManagerHarness) -> list[tuple[str, bool | None]]:
    changes = [event for event in owner.events if isinstance(event, PlayerChanged)]
    return [(event.name, event.logged_in) for event in changes]


@pytest.mark.parametrize("place", ["file", "keyring"])
def test_a_login_and_a_logout_beside_us_are_noticed(
    owner: ManagerHarness, spotify: FakeSpotify, ring: Ring, place: str
) -> None:
    settings = settings_of(place)
    owner.music.use(settings)
    owner.music.look()
    assert players(owner) == [(LocalPlayer.name, None)]
    owner.log_in(spotify.accounts.give_login(), settings)
    owner.music.look()
    assert players(owner)[-1] == ("Spotify", True)
    owner.wait_for(PlaybackChanged)

    spotify_account.log_out(owner.paths)
    owner.music.look()
    assert players(owner)[-1] == (LocalPlayer.name, None)
    time.sleep(0.5)
    assert failures(owner) == []


@pytest.mark.parametrize("player", ["auto", "spotify"])
def test_a_logout_beside_us_is_no_alarm(
    owner: ManagerHarness, spotify: FakeSpotify, player: str
) -> None:
    """Spotify may be read before the logout is noticed, and after."""
    settings = settings_of("file", player)
    owner.log_in(spotify.accounts.give_login())
    owner.music.use(settings)
    owner.wait_for(PlaybackChanged)
    spotify_account.log_out(owner.paths)
    owner.player.expect(True)
    owner.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"), asked=False)
    time.sleep(0.5)
    owner.music.look()
    owner.player.expect(True)
    time.sleep(1.0)
    assert failures(owner) == []
    wanted = ("Spotify", False) if player == "spotify" else (LocalPlayer.name, None)
    assert players(owner)[-1] == wanted
    if player == "spotify":  # what is asked for is answered
        owner.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"), asked=True)
        failed = owner.wait_for(PlayerFailed)
        assert isinstance(failed, PlayerFailed)
        assert isinstance(failed.error, NeedsLogin)


def test_without_a_login_from_the_beginning_it_is_asked_for(
    owner: ManagerHarness, spotify: FakeSpotify
) -> None:
    owner.log_in(spotify.accounts.give_login())
    spotify_account.log_out(owner.paths)  # in an earlier run
    owner.music.use(settings_of("file", "spotify"))
    failed = owner.wait_for(PlayerFailed)
    assert isinstance(failed, PlayerFailed)
    assert isinstance(failed.error, NeedsLogin)


def test_an_ended_login_is_told_once_and_outlasts_a_restart_until_a_logout(
    owner: ManagerHarness, spotify: FakeSpotify
) -> None:
    owner.log_in({**spotify.accounts.give_login(), "refresh_token": "dead"})
    owner.music.use(Settings())
    owner.wait_for(PlayerFailed)
    owner.music.look()
    time.sleep(1.0)
    owner.music.look()
    assert len(failures(owner)) == 1
    assert players(owner)[-1] == ("Spotify", False)

    restarted = ManagerHarness(owner.paths, spotify)
    restarted.music.use(Settings())
    restarted.wait_for(PlayerFailed)
    assert players(restarted)[-1] == ("Spotify", False)
    spotify_account.log_out(owner.paths)
    restarted.music.look()
    assert players(restarted)[-1] == (LocalPlayer.name, None)
    restarted.stop()


def test_after_a_logout_the_memory_of_names_is_empty(
    owner: ManagerHarness, spotify: FakeSpotify
) -> None:
    """With Spotify as the wish the player stays, and another one may log in."""
    uri = spotify.world.catalogue["happy"].uri
    settings = Settings(player="spotify", spotify_playlists={"happy": (uri,)})
    owner.log_in(spotify.accounts.give_login())
    owner.music.use(settings)

    def named(event: Event) -> bool:
        return isinstance(event, PlayerChanged) and any(
            playlist.name == "Happy songs"
            for found in event.playlists.values()
            for playlist in found
        )

    owner.wait_for(PlayerChanged, named)
    spotify_account.log_out(owner.paths)
    owner.music.look()
    last = [event for event in owner.events if isinstance(event, PlayerChanged)][-1]
    assert not named(last)
    time.sleep(0.5)
    assert not (owner.paths.state / storage.CACHE_FILE).exists()


@pytest.mark.parametrize("place", ["file", "keyring"])
def test_a_login_that_ends_soon_is_told_once_a_day(
    owner: ManagerHarness, spotify: FakeSpotify, ring: Ring, place: str
) -> None:
    settings = settings_of(place)
    owner.log_in(spotify.accounts.give_login(), settings)
    store = storage.token_store(settings, owner.paths)
    agreed = owner.clock.now() - LIFETIME + timedelta(days=20)
    store.save({**(store.load() or {}), "auth_date": agreed.isoformat()})
    owner.music.use(settings)
    for _ in range(3):
        owner.music.look()
    notices = [event for event in owner.events if isinstance(event, Notice)]
    assert [notice.title for notice in notices] == ["Please log in to Spotify again soon"]


@pytest.mark.parametrize("which", ["log_in", "log_out"])
def test_settings_that_broke_meanwhile_are_told(
    owner: ManagerHarness, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(f"agent.app.spotify_account.{which}", lambda *_, **__: "")
    owner.paths.settings_file.write_text("player = [")
    getattr(owner.account, which)()
    notice = owner.wait_for(Notice)
    assert isinstance(notice, Notice)
    assert str(owner.paths.settings_file) in notice.message
    assert not [event for event in owner.events if isinstance(event, SettingsChanged)]
