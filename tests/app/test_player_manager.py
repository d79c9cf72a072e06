"""Which player is in use, and what a change of the settings does to it."""

from __future__ import annotations

import time

import pytest

from agent.errors import NeedsLogin
from agent.events import (
    Notice,
    PlaybackChanged,
    PlayerChanged,
    PlayerFailed,
    PlaylistStarted,
    SettingsBroken,
    SettingsChanged,
    WorkerCrashed,
)
from agent.players.local import NAME, LocalPlayer, loop
from agent.players.spotify import factory, storage
from agent.settings import LocalSettings, MoodSettings, Settings, SpotifySettings
from agent.types import MoodState, Playback, PlayState
from tests.app.manager_harness import ManagerHarness
from tests.fakes.spotify import FakeSpotify, spotify_id

HAPPY, SAD = spotify_id("one"), spotify_id("two")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The players that were built, by name."""
    names: list[str] = []
    init, build = LocalPlayer.__init__, factory.build_player

    def counted_init(self: LocalPlayer, *args: object, **more: object) -> None:
        names.append("local")
        init(self, *args, null=True)  # type: ignore[arg-type]

    def counted_build(*args: object) -> object:
        names.append("spotify")
        return build(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalPlayer, "__init__", counted_init)
    monkeypatch.setattr(factory, "build_player", counted_build)
    return names


def test_the_volume_is_changed_while_the_music_plays(
    harness: ManagerHarness, built: list[str]
) -> None:
    def settings(volume: float) -> Settings:
        return Settings(player="local", local=LocalSettings(volume=volume))

    harness.music.use(settings(0.8))
    harness.player.play(loop("happy"), asked=True)
    harness.wait_for(PlaylistStarted)
    local = harness.music._local
    assert local is not None
    began = len(harness.events)
    harness.music.use(settings(0.3))
    assert local._output.volume == 0.3
    harness.player.expect(True)  # has it read more often
    time.sleep(1.5)
    assert built == ["local"]
    assert local.playback().state is PlayState.PLAYING
    told = [event for event in harness.events[began:] if isinstance(event, PlaybackChanged)]
    assert all(event.playback.state is PlayState.PLAYING for event in told)
    harness.music.use(settings(0.3).model_copy(update={"local": LocalSettings(shuffle=True)}))
    assert built == ["local", "local"], "the order of the tracks is the deck's"


def test_a_player_that_gave_up_is_built_anew(
    harness: ManagerHarness, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: LocalPlayer) -> Playback:
        raise ZeroDivisionError

    works = LocalPlayer.playback
    monkeypatch.setattr(LocalPlayer, "playback", broken)
    harness.music.use(Settings(player="local"))
    worker = harness.player
    end = time.monotonic() + 30.0
    while not worker.gave_up:
        worker.wake()  # instead of the second between two tries
        assert time.monotonic() < end
        time.sleep(0.01)
    harness.wait_for(WorkerCrashed, lambda e: isinstance(e, WorkerCrashed) and e.gave_up)
    monkeypatch.setattr(LocalPlayer, "playback", works)
    worker.restart()
    harness.music.renew()
    harness.wait_for(PlaybackChanged)
    assert built == ["local", "local"], "the first one let its sound device go"
    harness.music.renew()
    assert built == ["local", "local"], "it works: nothing to do"


def test_unrelated_changes_build_no_player(
    harness: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    harness.log_in(spotify.accounts.give_login())
    settings = Settings(player="spotify", spotify_playlists={"happy": (HAPPY,)})
    harness.music.use(settings)
    for update in (
        {"mood": MoodSettings(steadiness="calm")},
        {"spotify_playlists": {"sad": (SAD,)}},
    ):
        harness.music.use(settings.model_copy(update=update))
    assert built == ["spotify"]
    assert harness.names[:3] == ["Spotify"] * 3
    last = [event for event in harness.events if isinstance(event, PlayerChanged)][2]
    assert list(last.playlists) == [MoodState.SAD]
    harness.music.use(settings.model_copy(update={"spotify": SpotifySettings(shuffle=True)}))
    assert built == ["spotify", "spotify"]


def test_mapped_playlists_get_their_names(harness: ManagerHarness, spotify: FakeSpotify) -> None:
    harness.log_in(spotify.accounts.give_login())
    uri = spotify.world.catalogue["happy"].uri
    harness.music.use(Settings(spotify_playlists={"happy": (uri,)}))
    harness.wait_for(
        PlayerChanged,
        lambda event: (
            isinstance(event, PlayerChanged)
            and event.playlists[MoodState.HAPPY][0].name == "Happy songs"
        ),
    )
    assert harness.names == ["Spotify", "Spotify"]


def test_the_player_left_says_nothing_more(harness: ManagerHarness, spotify: FakeSpotify) -> None:
    harness.log_in(spotify.accounts.give_login())
    uris = tuple(playlist.uri for playlist in spotify.world.catalogue.playlists.values())
    harness.music.use(Settings(spotify_playlists={"happy": uris}))
    mapped = harness.music._mapped
    assert mapped is not None
    harness.wait_for(PlaybackChanged)
    harness.music.use(Settings(player="local"))
    assert not mapped.pending()
    mapped._end_round()
    assert harness.names == ["Spotify", NAME]


def test_a_wrong_entry_among_good_ones_keeps_spotify(
    harness: ManagerHarness, spotify: FakeSpotify
) -> None:
    """Also at the very start, where no player is there yet."""
    harness.log_in(spotify.accounts.give_login())
    uris = tuple(playlist.uri for playlist in spotify.world.catalogue.playlists.values())
    harness.music.use(
        Settings(spotify_playlists={"happy": (*uris, "https://spotify.link/AbCdEf"), "sad": ("x",)})
    )
    harness.wait_for(PlaybackChanged)
    assert harness.names[0] == "Spotify"
    (told,) = [event for event in harness.events if isinstance(event, SettingsBroken)]
    assert "spotify_playlists.happy" in told.error.message
    assert "spotify_playlists.sad" in told.error.message


def test_a_login_that_spotify_ended_keeps_spotify(
    harness: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    harness.log_in({**spotify.accounts.give_login(), "refresh_token": "dead"})
    harness.music.use(Settings(spotify_playlists={"happy": (HAPPY,)}))
    harness.wait_for(
        PlayerFailed,
        lambda event: isinstance(event, PlayerFailed) and isinstance(event.error, NeedsLogin),
    )
    assert not storage.token_file(harness.paths).exists()
    harness.music.look()
    last = [event for event in harness.events if isinstance(event, PlayerChanged)][-1]
    assert (last.name, last.logged_in) == ("Spotify", False)
    time.sleep(0.3)
    assert len([event for event in harness.events if isinstance(event, PlayerFailed)]) == 1
    harness.log_in(spotify.accounts.give_login())
    harness.music.look()
    harness.wait_for(PlaybackChanged)
    assert built == ["spotify"]


def test_a_login_beside_us_is_noticed_while_the_old_file_stays(
    harness: ManagerHarness, spotify: FakeSpotify
) -> None:
    login = spotify.accounts.give_login()
    harness.log_in(login)
    good = storage.token_file(harness.paths).read_text()
    storage.token_file(harness.paths).write_text(good.replace(harness.url, "http://127.0.0.1:1"))
    harness.music.use(Settings(spotify_playlists={"happy": (HAPPY,)}))
    harness.wait_for(PlayerFailed)
    assert storage.token_file(harness.paths).exists()
    harness.log_in(login)
    harness.music.look()
    harness.wait_for(PlaybackChanged)


def test_logging_out_is_waited_for_elsewhere_and_leads_to_the_local_player(
    harness: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    harness.log_in(spotify.accounts.give_login())
    settings = Settings(spotify_playlists={"happy": (HAPPY,)})
    harness.music.use(settings)
    harness.wait_for(PlaybackChanged)
    with storage.login_lock(harness.paths).hold():  # as while a token is renewed
        harness.account.log_out()
        assert storage.token_file(harness.paths).exists()
    harness.wait_for(
        Notice,
        lambda event: (
            isinstance(event, Notice)
            and event.title == "Logged out"
            and "the login" in event.message
        ),
    )
    harness.wait_for(SettingsChanged)
    harness.music.use(settings)  # as the controller does then
    assert harness.names[-1] == NAME
    assert built == ["spotify", "local"]
