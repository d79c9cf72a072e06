"""The player against the service: reading, devices, starting, pausing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.errors import DeviceRestricted, NoDevice, PlayerError, PlaylistGone, SettingsError
from agent.types import Playlist, PlayState
from tests.fakes.spotify import spotify_id
from tests.fakes.spotify.world import FakeDevice
from tests.players.spotify.conftest import SpotifyHarness


def playlist(spotify: SpotifyHarness, seed: str) -> Playlist:
    return Playlist(spotify.world.catalogue[seed].uri, seed)


# --- the next track


def test_the_next_track(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("happy", "Kitchen")
    spotify.player.next_track()
    spotify.clock.advance(5.0)
    assert spotify.player.playback().track == spotify.world.catalogue["happy"].tracks[1].uri


def test_where_nothing_is_awake_there_is_no_next_track(spotify: SpotifyHarness) -> None:
    with pytest.raises(NoDevice):
        spotify.player.next_track()


# --- reading


def test_nothing_available_reads_as_unavailable(spotify: SpotifyHarness) -> None:
    assert spotify.player.playback().state is PlayState.UNAVAILABLE


def test_a_playing_track_is_read_in_full(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("happy", "Kitchen")
    spotify.clock.advance(12.5)
    read = spotify.player.playback()
    assert read.state is PlayState.PLAYING
    assert read.context == spotify.world.catalogue["happy"].uri
    assert read.track == spotify.world.catalogue["happy"].tracks[0].uri
    assert read.title == "The Stand-ins - Happy songs no. 1"
    assert read.position == 12.5
    assert read.duration == 200.0
    assert read.device == "Kitchen"
    assert read.time == spotify.clock.monotonic()
    assert read.context_name is None  # not looked up yet


def test_a_pause_and_the_end_of_a_playlist_are_told(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("happy")
    spotify.clock.advance(20)
    spotify.world.user.pause()
    assert spotify.player.playback().state is PlayState.PAUSED
    spotify.world.user.resume()
    spotify.clock.advance(5 * 220)
    ended = spotify.player.playback()
    assert (ended.state, ended.position) == (PlayState.PAUSED, 0.0)
    spotify.clock.advance(spotify.world.sleeps_after + 1)
    assert spotify.player.playback().state is PlayState.UNAVAILABLE


@pytest.mark.parametrize(
    ("answer", "state", "title", "duration"),
    [
        (  # a track without context: started from a search
            {
                "is_playing": True,
                "context": None,
                "progress_ms": 500,
                "item": {"name": "T", "uri": "spotify:track:1", "duration_ms": 1000, "artists": []},
            },
            PlayState.PLAYING,
            "T",
            1.0,
        ),
        (  # an advertisement
            {"is_playing": True, "item": None, "progress_ms": None, "context": None},
            PlayState.PLAYING,
            None,
            None,
        ),
        ({"is_playing": False, "item": None}, PlayState.STOPPED, None, None),
        (  # an episode
            {
                "is_playing": True,
                "item": {"name": "E", "show": {"name": "S"}, "duration_ms": 2000, "uri": "u"},
            },
            PlayState.PLAYING,
            "S - E",
            2.0,
        ),
    ],
)
def test_what_may_be_null_may_be_null(
    answer: dict[str, object], state: PlayState, title: str | None, duration: float | None
) -> None:
    from agent.players.spotify.parsing import read_player

    playback = read_player(answer, 7.0).playback
    assert (playback.state, playback.title, playback.duration) == (state, title, duration)
    assert (playback.time, playback.context) == (7.0, None)


@pytest.mark.parametrize(
    ("answer", "spoken"),
    [
        ({"item": {"uri": "spotify:episode:1", "name": "E"}}, True),
        ({"item": {"uri": "x", "type": "episode"}}, True),
        ({"item": {"uri": "spotify:chapter:1", "type": "chapter"}}, True),
        ({"item": None, "currently_playing_type": "episode"}, True),
        ({"item": {"uri": "spotify:track:1", "type": "track"}}, False),
        ({"item": None, "currently_playing_type": "ad"}, False),
    ],
)
def test_who_speaks_is_told_from_music(answer: dict[str, object], spoken: bool) -> None:
    from agent.players.spotify.parsing import read_player

    assert read_player({"is_playing": True, **answer}, 0.0).playback.spoken is spoken


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"is_playing": "yes"},
        {"is_playing": True, "item": "song"},
        {"is_playing": True, "item": {"name": 5}},
        {"is_playing": True, "progress_ms": -1},
        {"is_playing": True, "context": {"uri": 3}},
        {"is_playing": True, "device": []},
    ],
)
def test_a_wrong_shape_is_not_guessed_at(answer: dict[str, object]) -> None:
    from agent.players.spotify.parsing import read_player

    with pytest.raises(PlayerError, match="could not be understood"):
        read_player(answer, 0.0)


# --- which device


def test_the_active_device_is_taken(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad", "Kitchen")
    spotify.player.play(playlist(spotify, "happy"))
    truth = spotify.world.truth()
    assert (truth.device, truth.context) == ("Kitchen", spotify.world.catalogue["happy"].uri)
    sent = spotify.world.calls("PUT", "/v1/me/player/play")
    assert len(sent) == 1
    assert sent[0].query == {"device_id": spotify.world.devices[1].id}
    assert sent[0].body == {"context_uri": spotify.world.catalogue["happy"].uri}


def test_without_an_active_device_the_last_used_is_told_by_name_and_type(
    spotify: SpotifyHarness,
) -> None:
    spotify.world.user.play("sad", "Kitchen")
    spotify.player.playback()
    spotify.world.user.pause()
    spotify.clock.advance(3600)
    spotify.world.new_device_ids()
    spotify.world.devices.insert(0, FakeDevice("Kitchen", "Smartphone"))
    spotify.restart()
    spotify.player.play(playlist(spotify, "happy"))
    wanted = next(d for d in spotify.world.devices if d.type == "Speaker")
    assert spotify.world.calls("PUT", "/v1/me/player/play")[0].query["device_id"] == wanted.id


def test_the_only_device_is_taken(spotify: SpotifyHarness) -> None:
    spotify.world.user.close("Kitchen")
    spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.truth().device == "Desk"


def test_of_several_sleeping_devices_none_is_guessed(spotify: SpotifyHarness) -> None:
    with pytest.raises(NoDevice, match=r"several devices \(Desk, Kitchen\)"):
        spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.commands() == []


def test_without_a_device_the_user_is_asked_to_open_spotify(spotify: SpotifyHarness) -> None:
    for device in spotify.world.devices:
        device.online = False
    with pytest.raises(NoDevice) as caught:
        spotify.player.play(playlist(spotify, "happy"))
    assert caught.value.title == "Open Spotify on a device"
    assert "Open it on the computer, phone or speaker that should play." in caught.value.message
    assert spotify.world.commands() == []


def test_a_restricted_device_gets_no_command(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad", "Kitchen")
    spotify.world.devices[1].restricted = True
    with pytest.raises(DeviceRestricted, match="Kitchen takes no commands"):
        spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.commands() == []


def test_sleeping_restricted_devices_are_passed_over(spotify: SpotifyHarness) -> None:
    spotify.world.devices[1].restricted = True
    spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.truth().device == "Desk"


@pytest.mark.parametrize("kind", ["no device", "device not found"])
def test_a_dead_device_id_is_asked_for_again_once(spotify: SpotifyHarness, kind: str) -> None:
    spotify.world.user.play("sad")
    spotify.world.trouble(kind, path="/v1/me/player/play")
    spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.truth().context == spotify.world.catalogue["happy"].uri
    assert spotify.paths().count("GET /me/player/devices") == 2

    spotify.world.sent.clear()
    spotify.world.trouble(kind, path="/v1/me/player/play", times=2)
    with pytest.raises(NoDevice):
        spotify.player.play(playlist(spotify, "sad"))
    assert spotify.paths().count("PUT /me/player/play") == 2


# --- starting


def test_shuffle_is_set_before_the_start_and_only_where_it_differs(spotify: SpotifyHarness) -> None:
    spotify.shuffle = True
    spotify.restart()
    spotify.world.user.play("sad")
    spotify.player.playback()
    spotify.player.play(playlist(spotify, "happy"))
    commands = [path for path in spotify.paths() if path.startswith("PUT")]
    assert commands == ["PUT /me/player/shuffle", "PUT /me/player/play"]
    assert spotify.world.truth().shuffle
    spotify.player.playback()
    spotify.world.sent.clear()
    spotify.player.play(playlist(spotify, "sad"))
    assert "PUT /me/player/shuffle" not in spotify.paths()


def test_a_failing_shuffle_does_not_keep_from_playing(spotify: SpotifyHarness) -> None:
    spotify.shuffle = True
    spotify.restart()
    spotify.world.user.play("sad")
    spotify.world.trouble("503", path="/v1/me/player/shuffle", times=None)
    spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.truth().context == spotify.world.catalogue["happy"].uri


def test_a_playlist_is_looked_up_once_a_day_and_its_name_kept(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    for _ in range(3):
        spotify.player.play(playlist(spotify, "happy"))
    assert len(spotify.world.calls("GET", "/v1/playlists/")) == 1
    assert spotify.player.playback().context_name == "Happy songs"
    spotify.restart()
    spotify.clock.advance(timedelta(hours=25).total_seconds())
    spotify.world.user.play("sad")
    spotify.player.play(playlist(spotify, "happy"))
    assert len(spotify.world.calls("GET", "/v1/playlists/")) == 2


def test_a_deleted_playlist_is_skipped_with_a_message(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.catalogue["happy"].deleted = True
    with pytest.raises(PlaylistGone, match="The playlist happy is gone"):
        spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.commands() == []
    assert spotify.cache.is_gone(spotify.world.catalogue["happy"].uri)
    sent = len(spotify.world.sent)
    with pytest.raises(PlaylistGone):
        spotify.player.play(playlist(spotify, "happy"))
    assert len(spotify.world.sent) == sent  # known: nothing is asked again today


def test_a_playlist_deleted_since_the_look_is_noticed_at_the_start(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.player.check(spotify.world.catalogue["happy"].uri)
    spotify.world.catalogue["happy"].deleted = True
    with pytest.raises(PlaylistGone, match="The playlist happy is gone"):
        spotify.player.play(playlist(spotify, "happy"))
    assert spotify.cache.is_gone(spotify.world.catalogue["happy"].uri)


def test_spotifys_own_playlists_may_be_hidden_and_are_played_all_the_same(
    spotify: SpotifyHarness,
) -> None:
    hidden = spotify.world.catalogue.add("Mood Booster")
    del spotify.world.catalogue.playlists[hidden.id]
    hidden.id = "37i9dQZF1DX3rxVfibe1L0"
    hidden.hidden = True
    spotify.world.catalogue.playlists[hidden.id] = hidden
    spotify.world.user.play("sad")
    spotify.player.play(Playlist(hidden.uri, "Mood Booster"))
    assert spotify.world.truth().context == hidden.uri
    assert not spotify.cache.is_gone(hidden.uri)


def test_trouble_with_looking_up_does_not_keep_from_playing(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.trouble("broken json", path="/v1/playlists/")
    spotify.player.play(playlist(spotify, "happy"))
    assert spotify.world.truth().context == spotify.world.catalogue["happy"].uri


def test_a_foreign_uri_is_a_player_error(spotify: SpotifyHarness) -> None:
    with pytest.raises(PlayerError, match="no Spotify playlist"):
        spotify.player.play(Playlist("local:happy", "loops"))
    assert spotify.world.sent == []


def test_check_tells_name_and_cover_and_refuses_what_is_no_playlist(
    spotify: SpotifyHarness,
) -> None:
    happy = spotify.world.catalogue["happy"]
    found = spotify.player.check(f"https://open.spotify.com/playlist/{happy.id}?si=1")
    assert found == Playlist(happy.uri, "Happy songs")
    assert spotify.cache.cover(happy.uri) == f"https://i.scdn.co/image/{happy.id}"
    with pytest.raises(PlaylistGone):
        spotify.player.check(spotify_id("never made"))
    sent = len(spotify.world.sent)
    with pytest.raises(SettingsError):
        spotify.player.check("my favourite songs")
    assert len(spotify.world.sent) == sent


# --- pausing


def test_pause_and_resume(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.player.pause()
    assert not spotify.world.truth().playing
    spotify.player.resume()
    assert spotify.world.truth().playing


def test_pausing_silence_and_resuming_music_are_no_errors(spotify: SpotifyHarness) -> None:
    spotify.player.pause()  # nothing is awake
    spotify.world.user.play("sad")
    spotify.player.resume()
    spotify.world.user.pause()
    spotify.player.pause()
    assert not spotify.world.truth().playing


def test_a_refused_pause_of_playing_music_is_told(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.player.playback()
    spotify.world.trouble("restricted", path="/v1/me/player/pause")
    with pytest.raises(DeviceRestricted, match="Desk takes no commands"):
        spotify.player.pause()


def test_resuming_wakes_the_device_used_last(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad", "Kitchen")
    spotify.player.playback()
    spotify.world.user.pause()
    spotify.clock.advance(3600)
    spotify.player.resume()
    truth = spotify.world.truth()
    assert (truth.playing, truth.device) == (True, "Kitchen")


# --- the day's requests


def test_the_budget_is_told(spotify: SpotifyHarness) -> None:
    before = spotify.player.budget()
    spotify.player.playback()
    after = spotify.player.budget()
    assert (after.limit, after.used) == (5000, before.used + 1)
    assert after.resets_in == timedelta(hours=15).total_seconds()  # it is nine in the morning
