"""Which player is in use, and what a change of the settings does to it."""

from __future__ import annotations

import time

import pytest

from agent.errors import NeedsLogin, SettingsError
from agent.events import (
    Notice,
    PlaybackChanged,
    PlayerChanged,
    PlayerFailed,
    PlaylistStarted,
    SettingsChanged,
    WorkerCrashed,
)
from agent.players.local import LocalPlayer, loop
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
    owner: ManagerHarness, built: list[str]
) -> None:
    def settings(volume: float) -> Settings:
        return Settings(player="local", local=LocalSettings(volume=volume))

    owner.music.use(settings(0.8))
    owner.player.play(loop("happy"), asked=True)
    owner.wait_for(PlaylistStarted)
    local = owner.music._local
    assert local is not None
    began = len(owner.events)
    owner.music.use(settings(0.3))
    assert local._output.volume == 0.3
    owner.player.expect(True)  # has it read more often
    time.sleep(1.5)
    assert built == ["local"]
    assert local.playback().state is PlayState.PLAYING
    told = [event for event in owner.events[began:] if isinstance(event, PlaybackChanged)]
    assert all(event.playback.state is PlayState.PLAYING for event in told)
    owner.music.use(settings(0.3).model_copy(update={"local": LocalSettings(shuffle=True)}))
    assert built == ["local", "local"], "the order of the tracks is the deck's"


def test_a_player_that_gave_up_is_built_anew(
    owner: ManagerHarness, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: LocalPlayer) -> Playback:
        raise ZeroDivisionError

    works = LocalPlayer.playback
    monkeypatch.setattr(LocalPlayer, "playback", broken)
    owner.music.use(Settings(player="local"))
    worker = owner.player
    end = time.monotonic() + 30.0
    while not worker.gave_up:
        worker.wake()  # instead of the second between two tries
        assert time.monotonic() < end
        time.sleep(0.01)
    owner.wait_for(WorkerCrashed, lambda e: isinstance(e, WorkerCrashed) and e.gave_up)
    monkeypatch.setattr(LocalPlayer, "playback", works)
    worker.restart()
    owner.music.renew()
    owner.wait_for(PlaybackChanged)
    assert built == ["local", "local"], "the first one let its sound device go"
    owner.music.renew()
    assert built == ["local", "local"], "it works: nothing to do"


def test_unrelated_changes_build_no_player(
    owner: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    owner.log_in(spotify.accounts.give_login())
    settings = Settings(player="spotify", spotify_playlists={"happy": (HAPPY,)})
    owner.music.use(settings)
    for update in (
        {"mood": MoodSettings(steadiness="calm")},
        {"spotify_playlists": {"sad": (SAD,)}},
    ):
        owner.music.use(settings.model_copy(update=update))
    assert built == ["spotify"]
    assert owner.names[:3] == ["Spotify"] * 3
    last = [event for event in owner.events if isinstance(event, PlayerChanged)][2]
    assert list(last.playlists) == [MoodState.SAD]
    owner.music.use(settings.model_copy(update={"spotify": SpotifySettings(shuffle=True)}))
    assert built == ["spotify", "spotify"]


def test_mapped_playlists_get_their_names(owner: ManagerHarness, spotify: FakeSpotify) -> None:
    owner.log_in(spotify.accounts.give_login())
    uri = spotify.world.catalogue["happy"].uri
    owner.music.use(Settings(spotify_playlists={"happy": (uri,)}))
    owner.wait_for(
        PlayerChanged,
        lambda event: (
            isinstance(event, PlayerChanged)
            and event.playlists[MoodState.HAPPY][0].name == "Happy songs"
        ),
    )
    assert owner.names == ["Spotify", "Spotify"]


def test_the_player_left_says_nothing_more(owner: ManagerHarness, spotify: FakeSpotify) -> None:
    owner.log_in(spotify.accounts.give_login())
    uris = tuple(playlist.uri for playlist in spotify.world.catalogue.playlists.values())
    owner.music.use(Settings(spotify_playlists={"happy": uris}))
    mapped = owner.music._mapped
    assert mapped is not None
    owner.wait_for(PlaybackChanged)
    owner.music.use(Settings(player="local"))
    assert not mapped.pending()
    mapped._end_round()
    assert owner.names == ["Spotify", LocalPlayer.name]


def test_a_wrong_entry_leaves_the_player_as_it_is(owner: ManagerHarness, built: list[str]) -> None:
    owner.music.use(Settings(player="local"))
    with pytest.raises(SettingsError, match=r"spotify_playlists\.sad"):
        owner.music.use(Settings(player="spotify", spotify_playlists={"sad": ("blue",)}))
    assert built == ["local"]
    assert owner.names == [LocalPlayer.name]


def test_a_login_that_spotify_ended_keeps_spotify(
    owner: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    owner.log_in({**spotify.accounts.give_login(), "refresh_token": "dead"})
    owner.music.use(Settings(spotify_playlists={"happy": (HAPPY,)}))
    owner.wait_for(
        PlayerFailed,
        lambda event: isinstance(event, PlayerFailed) and isinstance(event.error, NeedsLogin),
    )
    assert not storage.token_file(owner.paths).exists()
    owner.music.look()
    last = [event for event in owner.events if isinstance(event, PlayerChanged)][-1]
    assert (last.name, last.logged_in) == ("Spotify", False)
    time.sleep(0.3)
    assert len([event for event in owner.events if isinstance(event, PlayerFailed)]) == 1
    owner.log_in(spotify.accounts.give_login())
    owner.music.look()
    owner.wait_for(PlaybackChanged)
    assert built == ["spotify"]


def test_a_login_beside_us_is_noticed_while_the_old_file_stays(
    owner: ManagerHarness, spotify: FakeSpotify
) -> None:
    login = spotify.accounts.give_login()
    owner.log_in(login)
    good = storage.token_file(owner.paths).read_text()
    storage.token_file(owner.paths).write_text(good.replace(owner.url, "http://127.0.0.1:1"))
    owner.music.use(Settings(spotify_playlists={"happy": (HAPPY,)}))
    owner.wait_for(PlayerFailed)
    assert storage.token_file(owner.paths).exists()
    owner.log_in(login)
    owner.music.look()
    owner.wait_for(PlaybackChanged)


def test_logging_out_is_waited_for_elsewhere_and_leads_to_the_local_player(
    owner: ManagerHarness, spotify: FakeSpotify, built: list[str]
) -> None:
    owner.log_in(spotify.accounts.give_login())
    settings = Settings(spotify_playlists={"happy": (HAPPY,)})
    owner.music.use(settings)
    owner.wait_for(PlaybackChanged)
    with storage.login_lock(owner.paths).hold():  # as while a token is renewed
        owner.account.log_out()
        assert storage.token_file(owner.paths).exists()
    owner.wait_for(
        Notice,
        lambda event: (
            isinstance(event, Notice)
            and event.title == "Logged out"
            and "the login" in event.message
        ),
    )
    owner.wait_for(SettingsChanged)
    owner.music.use(settings)  # as the controller does then
    assert owner.names[-1] == LocalPlayer.name
    assert built == ["spotify", "local"]
