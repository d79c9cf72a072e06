"""Undo brings back what played before, whatever it was, at the place where it was left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent import effects, events
from agent.errors import PlayerError, PlaylistGone
from agent.players.spotify.start_request import start_of
from agent.types import NotificationKind, Place, Playlist
from tests.fakes.spotify import spotify_id
from tests.fakes.spotify.catalogue import FakePlaylist
from tests.players.spotify.conftest import SpotifyHarness
from tests.players.spotify.whole_harness import WholeHarness

BACK = "Back to what played before"
NOT_BACK = "The change was not taken back"


def changed_from(
    spotify: SpotifyHarness, kind: str, *, seconds: float = 230.0
) -> tuple[WholeHarness, FakePlaylist]:
    """A context of that kind played for so long (its first track lasts 200 s), then our change."""
    spotify.world.lag = 1.0
    before = spotify.world.catalogue.add("Evening", kind=kind)
    spotify.world.user.play("Evening", "Kitchen")
    harness = WholeHarness(spotify)
    harness.run(seconds)
    harness.feel("happy")
    harness.run(10.0)
    assert harness.plays("happy")
    return harness, before


@pytest.mark.parametrize("kind", ["playlist", "album"])
def test_it_begins_where_it_was_left(spotify: SpotifyHarness, kind: str) -> None:
    harness, before = changed_from(spotify, kind)
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    truth = spotify.world.truth()
    assert (truth.context, truth.device) == (before.uri, "Kitchen")
    assert truth.track == before.tracks[1]
    assert truth.progress == pytest.approx(30.0 + 4.0, abs=3.0)
    assert harness.told(NotificationKind.INFO) == [BACK]
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]


@pytest.mark.parametrize("kind", ["artist", "show", "collection"])
def test_where_spotify_knows_no_place_it_begins_anew(spotify: SpotifyHarness, kind: str) -> None:
    harness, before = changed_from(spotify, kind)
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    truth = spotify.world.truth()
    assert (truth.playing, truth.context) == (True, before.uri)
    assert spotify.world.calls("PUT", "/v1/me/player/play")[-1].body == {"context_uri": before.uri}
    assert harness.told(NotificationKind.INFO) == [BACK]


def test_a_single_track_comes_back_at_its_place(spotify: SpotifyHarness) -> None:
    world = spotify.world
    song = world.catalogue["sad"].tracks[0]
    world.play_track(song, world.devices[1])
    harness = WholeHarness(spotify)
    harness.run(60.0)
    harness.feel("happy")
    harness.run(10.0)
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    truth = world.truth()
    assert (truth.playing, truth.context, truth.track) == (True, None, song)
    assert truth.progress == pytest.approx(65.0, abs=3.0)
    body = world.calls("PUT", "/v1/me/player/play")[-1].body or {}
    assert body["uris"] == [song.uri]
    assert harness.starts() == 2  # proved at once, not sent again
    harness.run(600.0)
    assert harness.starts() == 2


def test_what_spotify_cannot_start_is_said_calmly(spotify: SpotifyHarness) -> None:
    spotify.world.starts_liked_songs = False
    harness, _ = changed_from(spotify, "collection")
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    assert harness.plays("happy")  # left alone
    (note,) = [
        effect.notification
        for effect in harness.all(effects.Notify)
        if effect.notification.kind is NotificationKind.WARNING
    ]
    assert note.title == NOT_BACK
    assert "start what played before. Start it by hand in Spotify" in note.body
    assert note.asked
    assert harness.controller.snapshot.problem is None
    sent = harness.starts()
    harness.run(3000.0)
    assert harness.starts() == sent  # hands off all the same


def test_nobody_knows_what_played(spotify: SpotifyHarness) -> None:
    """An advertisement has neither context nor track."""
    world = spotify.world
    world.set(replace(world.truth(), playing=True, device="Kitchen"))
    harness = WholeHarness(spotify)
    harness.run(5.0)
    harness.feel("happy")
    harness.run(5.0)
    assert harness.plays("happy")
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    assert harness.plays("happy")
    assert harness.told(NotificationKind.WARNING) == [NOT_BACK]


def test_a_track_that_is_gone_from_its_album_is_no_reason_to_refuse(
    spotify: SpotifyHarness,
) -> None:
    harness, before = changed_from(spotify, "album")
    before.tracks = before.tracks[2:]
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    truth = spotify.world.truth()
    assert (truth.context, truth.track) == (before.uri, before.tracks[0])


def test_a_playlist_that_cannot_be_looked_up_comes_back_all_the_same(
    spotify: SpotifyHarness,
) -> None:
    """Somebody else's: it was heard a moment ago, so it is not asked for."""
    harness, before = changed_from(spotify, "playlist")
    before.hidden = True
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    assert spotify.world.truth().context == before.uri


def test_silence_comes_back_as_silence(spotify: SpotifyHarness) -> None:
    harness = WholeHarness(spotify)
    spotify.world.user.play("sad")
    spotify.world.user.pause()
    harness.feel("happy")
    harness.run(5.0)
    harness.send(events.PlayForMood())
    harness.run(5.0)
    assert harness.plays("happy")
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    assert not spotify.world.truth().playing


def test_the_users_shuffle_comes_back_with_their_music(spotify: SpotifyHarness) -> None:
    world = spotify.world
    world.set(replace(world.truth(), shuffle=True))
    harness, before = changed_from(spotify, "album")
    assert not world.truth().shuffle
    harness.send(events.UndoSwitch())
    harness.run(5.0)
    assert (world.truth().context, world.truth().shuffle) == (before.uri, True)


def test_an_undo_is_not_a_switch_and_is_not_undone(spotify: SpotifyHarness) -> None:
    harness, before = changed_from(spotify, "album")
    for _ in range(3):
        harness.send(events.UndoSwitch())
        harness.run(5.0)
    assert spotify.world.truth().context == before.uri
    assert harness.starts() == 2
    assert len(harness.all(effects.RecordSwitch)) == 1
    assert len(harness.all(effects.RecordFeedback)) == 2  # the mood set by hand, and the undo


def test_our_own_playlist_comes_back_after_another(spotify: SpotifyHarness) -> None:
    harness, _ = changed_from(spotify, "album")
    harness.run(200.0)
    harness.feel("sad")
    harness.run(10.0)
    assert harness.plays("sad")
    harness.send(events.UndoSwitch())
    harness.run(10.0)
    assert harness.plays("happy")


def test_an_undo_while_the_next_change_is_on_its_way_takes_both_back(
    spotify: SpotifyHarness,
) -> None:
    harness, before = changed_from(spotify, "album")
    harness.send(events.NextPlaylist())
    harness.send(events.UndoSwitch())
    harness.run(20.0)
    assert spotify.world.truth().context == before.uri


# --- what can be started

ID = spotify_id("x")


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (f"spotify:playlist:{ID}", True),
        (f"spotify:user:sam:playlist:{ID}", True),
        (f"spotify:album:{ID}", True),
        (f"spotify:artist:{ID}", False),
        (f"spotify:show:{ID}", False),
        ("spotify:user:sam:collection", False),
        ("spotify:collection", False),
    ],
)
def test_contexts(uri: str, place: bool) -> None:
    track = f"spotify:track:{ID}"
    start = start_of(Playlist(uri, "it", Place(track, 12.3456)))
    assert start.context_uri is not None
    assert start.uris is None
    assert (start.offset, start.position_ms) == ((track, 12345) if place else (None, None))
    local = start_of(Playlist(uri, "it", Place("spotify:local:::song:12", 5.0)))
    assert not local.has_place


@pytest.mark.parametrize("uri", ["spotify:station:x", "spotify:album:short", "spotify:"])
def test_what_is_no_context_is_not_sent(spotify: SpotifyHarness, uri: str) -> None:
    with pytest.raises(PlayerError, match="does not let programs start it") as caught:
        spotify.player.play(Playlist(uri, "it"))
    assert not isinstance(caught.value, PlaylistGone)
    assert spotify.world.sent == []
