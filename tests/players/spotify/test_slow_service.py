"""A Spotify that is slow, but answers: no start loses its notification, its history or its undo."""

from __future__ import annotations

import pytest

from agent import effects, events
from agent.players.spotify.oauth import TIMEOUT
from agent.timing import PLAY_AT_WORST, PLAY_REQUESTS, REQUEST
from agent.types import NotificationKind, Playlist
from tests.players.spotify.conftest import SpotifyHarness
from tests.players.spotify.whole_harness import WholeHarness


@pytest.fixture
def slow(spotify: SpotifyHarness) -> SpotifyHarness:
    """Each answer takes 5.9 s, a tenth of a second less than the client's patience."""
    spotify.world.user.play("sad")
    spotify.world.trouble("hang", times=None, seconds=5.9)
    return spotify


def test_a_slow_start_is_told_and_can_be_undone(slow: SpotifyHarness) -> None:
    harness = WholeHarness(slow)
    harness.run(10.0)
    harness.feel("happy")
    asked = slow.clock.monotonic()
    harness.run(60.0)
    sent = slow.world.calls("PUT", "/v1/me/player/play")[0].time
    assert sent - asked > 10.0
    started = next(e for e in harness.events if isinstance(e, events.PlaylistStarted))
    assert started.playback.time - asked > 20.0  # longer than one would think
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]
    assert len(harness.all(effects.RecordSwitch)) == 1
    harness.send(events.UndoSwitch())
    harness.run(120.0)
    assert harness.plays("sad")


def test_nothing_is_decided_anew_while_a_slow_start_is_under_way(slow: SpotifyHarness) -> None:
    harness = WholeHarness(slow)
    harness.run(10.0)
    harness.feel("happy")
    harness.run(5.0)
    harness.feel("angry")
    harness.run(60.0)
    assert [e.playlist.name for e in harness.all(effects.Play)] == ["your happy playlist"]


def test_a_second_try_of_a_slow_start_is_told(slow: SpotifyHarness) -> None:
    """The first took no effect: the readings do not show it, and it is sent once more."""
    harness = WholeHarness(slow)
    harness.run(10.0)
    world = slow.world
    happy = world.catalogue["happy"].uri
    before = world.set
    ignored: list[object] = []

    def deaf_once(state, *, lag: float = 0.0) -> None:  # type: ignore[no-untyped-def]
        if state.context == happy and not ignored:
            ignored.append(state)
        else:
            before(state, lag=lag)

    world.set = deaf_once  # type: ignore[method-assign]
    slow.world.troubles.clear()
    slow.world.trouble("hang", times=None, seconds=3.0)
    harness.feel("happy")
    harness.run(90.0)
    assert harness.starts() == 2
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]


@pytest.mark.parametrize("outage", [30.0, 200.0, 500.0])
def test_an_outage_before_the_proof_loses_nothing(spotify: SpotifyHarness, outage: float) -> None:
    """The longest is longer than a start may take, so that deciding goes on; the proof comes."""
    spotify.world.user.play("sad")
    harness = WholeHarness(spotify)
    harness.run(10.0)
    harness.feel("happy")
    # As soon as Spotify has it, the network is gone.
    harness.run(0.0)
    harness.worker.step()
    assert harness.plays("happy")
    spotify.transport.unplugged = True
    harness.after(outage, lambda: setattr(spotify.transport, "unplugged", False))
    harness.run(outage + 60.0)
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]
    assert len(harness.all(effects.RecordSwitch)) == 1
    assert harness.starts() == 1


@pytest.mark.parametrize("fault", ["drop after", "hang"])
def test_a_start_whose_answer_is_lost_is_told_when_it_is_heard(
    spotify: SpotifyHarness, fault: str
) -> None:
    spotify.world.user.play("sad")
    harness = WholeHarness(spotify)
    harness.run(10.0)
    spotify.world.trouble(fault, path="/v1/me/player/play", times=1)
    harness.feel("happy")
    harness.run(60.0)
    assert harness.plays("happy")
    assert harness.starts() == 1
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]
    assert len(harness.all(effects.RecordSwitch)) == 1
    harness.send(events.UndoSwitch(harness.controller.snapshot.switch))
    harness.run(10.0)
    assert harness.plays("sad")


@pytest.mark.parametrize("fault", ["drop", "503"])
def test_a_start_that_was_lost_itself_is_not_sent_again(
    spotify: SpotifyHarness, fault: str
) -> None:
    spotify.world.user.play("sad")
    harness = WholeHarness(spotify)
    harness.run(10.0)
    spotify.world.trouble(fault, path="/v1/me/player/play", times=1)
    harness.feel("happy")
    harness.run(60.0)
    assert harness.plays("sad")
    assert harness.starts() == 1
    assert harness.told(NotificationKind.PROBLEM) == ["The music service has a problem"]
    assert harness.told(NotificationKind.SWITCH) == []
    assert [e for e in harness.events if isinstance(e, events.PlayDropped)] == []


def test_a_pause_right_after_a_start_without_effect_stands(spotify: SpotifyHarness) -> None:
    world = spotify.world
    world.user.play("sad")
    harness = WholeHarness(spotify)
    harness.run(10.0)
    world.set, as_usual = (lambda state, lag=0.0: None), world.set  # type: ignore[method-assign, misc]
    harness.feel("happy")
    harness.run(0.5)
    assert harness.starts() == 1
    world.set = as_usual  # type: ignore[method-assign]
    world.user.pause()
    harness.run(600.0)
    assert not world.truth().playing
    assert harness.starts() == 1
    playback = harness.controller.snapshot.playback
    assert playback is not None
    assert playback.paused_by_hand


def test_a_late_failure_is_told(spotify: SpotifyHarness) -> None:
    """It accepts and does not play, slowly."""
    spotify.world.user.play("sad")
    harness = WholeHarness(spotify)
    harness.run(10.0)
    spotify.world.trouble("hang", path="/v1/me/player", method="GET", times=None, seconds=5.9)
    spotify.world.set = lambda state, lag=0.0: None  # type: ignore[method-assign, misc]
    harness.feel("happy")
    harness.run(120.0)
    (failed,) = [e for e in harness.events if isinstance(e, events.PlayerFailed)]
    assert failed.playlist is not None
    assert harness.told(NotificationKind.PROBLEM) == ["The music player does not answer"]


def test_the_sum_covers_every_request_of_a_start(spotify: SpotifyHarness) -> None:
    """The start with the most requests there is: all that may go wrong and yet does not end it."""
    assert sum(TIMEOUT) <= REQUEST
    spotify.shuffle = True
    spotify.restart()
    spotify.world.user.play("sad")
    spotify.player.playback()
    spotify.clock.advance(3600)  # the login is renewed
    spotify.world.user.play("sad")
    spotify.world.sent.clear()
    spotify.world.trouble("device not found", path="/v1/me/player/play")
    spotify.world.trouble("503", path="/v1/me/player/shuffle", times=None)
    spotify.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"))
    assert len(spotify.world.sent) == 8
    assert len(spotify.world.sent) + 2 == PLAY_REQUESTS  # a place that is gone, a doubtful refusal
    assert PLAY_AT_WORST >= 2 * PLAY_REQUESTS * REQUEST
