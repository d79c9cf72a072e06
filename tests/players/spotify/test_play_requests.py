"""Music that was wished for while Spotify was open nowhere begins once it is open."""

from __future__ import annotations

import pytest

from agent import effects, events
from agent.players.polling import RESERVE
from agent.settings import PolicySettings
from agent.timing import WISH_LIFE
from agent.types import MoodState, NotificationKind, PlayState
from tests.players.spotify.conftest import SpotifyHarness
from tests.players.spotify.whole_harness import WholeHarness

OPEN_SPOTIFY = "Open Spotify on a device"
SOON = 15.0
"""Seconds from a device's appearance to the music."""


@pytest.fixture
def closed(spotify: SpotifyHarness) -> SpotifyHarness:
    """Logged in, and Spotify is open nowhere."""
    for device in spotify.world.devices:
        device.online = False
    return spotify


def wish(harness: WholeHarness, how: str) -> None:
    if how == "play for my mood":
        harness.send(events.PlayForMood())
    elif how == "next playlist":
        harness.send(events.NextPlaylist())


def harness_that_wishes(spotify: SpotifyHarness, how: str) -> WholeHarness:
    silent = how == "start_when_silent"
    policy = PolicySettings(timing="now", start_when_silent=silent)
    harness = WholeHarness(spotify, policy, asked=how == "--play")
    harness.feel("happy")
    harness.run(1.0)
    wish(harness, how)
    return harness


HOW = ["play for my mood", "next playlist", "--play", "start_when_silent"]


@pytest.mark.parametrize("appears_after", [3.0, 61.0, 400.0])
@pytest.mark.parametrize("how", HOW)
def test_it_is_met_when_a_device_appears(
    closed: SpotifyHarness, how: str, appears_after: float
) -> None:
    harness = harness_that_wishes(closed, how)
    harness.run(appears_after)
    assert harness.starts() == 0
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY]
    closed.world.user.open("Desk")
    harness.run(SOON)
    assert harness.plays("happy")
    assert closed.world.truth().device == "Desk"
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY]
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]
    assert len(harness.all(effects.RecordSwitch)) == 1
    assert harness.starts() == 1
    harness.run(600.0)
    assert harness.starts() == 1


@pytest.mark.parametrize("how", HOW)
def test_it_is_met_on_a_device_that_shows_itself_paused(closed: SpotifyHarness, how: str) -> None:
    """An app that is opened brings its old music, and that is no pause by hand."""
    harness = harness_that_wishes(closed, how)
    harness.run(30.0)
    closed.world.user.open("Desk")
    closed.world.user.play("sad", "Desk")
    closed.world.user.pause()
    harness.run(SOON)
    assert harness.plays("happy")


def test_the_mood_of_the_moment_counts(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(60.0)
    harness.feel("sad")
    harness.run(60.0)
    closed.world.user.open("Desk")
    harness.run(SOON)
    assert harness.plays("sad")


@pytest.mark.parametrize("how", HOW)
def test_after_its_life_nobody_expects_it_any_more(closed: SpotifyHarness, how: str) -> None:
    harness = harness_that_wishes(closed, how)
    harness.run(WISH_LIFE + 20.0)
    closed.world.user.open("Desk")
    harness.run(600.0)
    assert harness.starts() == 0
    assert not closed.world.truth().playing
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY]


def test_the_users_own_music_ends_it(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(25.0)
    closed.world.user.open("Desk")
    closed.world.user.play("sad", "Desk")
    harness.run(300.0)
    assert harness.plays("sad")
    assert harness.starts() == 0


@pytest.mark.parametrize("event", [events.PauseMusic(), events.UndoSwitch()])
def test_silence_wished_for_ends_it(closed: SpotifyHarness, event: events.Event) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(25.0)
    harness.send(events.PauseMusic())
    harness.send(event)
    harness.run(5.0)
    closed.world.user.open("Desk")
    harness.run(300.0)
    assert harness.starts() == 0


def test_waiting_is_no_error_loop(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(WISH_LIFE)
    # A look every 10 s, a reading every 60 s, and the start itself.
    assert len(closed.world.sent) <= 60 + 10 + 10
    assert len([e for e in harness.events if isinstance(e, events.PlayerFailed)]) == 1
    before = len(closed.world.sent)
    harness.run(3600.0)
    assert len(closed.world.sent) - before <= 61


@pytest.mark.parametrize("how", ["play for my mood", "start_when_silent"])
def test_a_device_that_fails_each_time_is_tried_three_times(
    closed: SpotifyHarness, how: str
) -> None:
    harness = harness_that_wishes(closed, how)
    harness.run(20.0)
    closed.world.user.open("Desk")
    closed.world.trouble("no device", path="/v1/me/player/play", times=None)
    harness.run(WISH_LIFE)
    # The first found nothing to send to; two more followed, each with a second try at once.
    assert harness.starts() == 4
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY]


def test_each_click_gets_its_answer(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(30.0)
    harness.send(events.PlayForMood())
    harness.run(30.0)
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY] * 2
    asked = [e.notification.asked for e in harness.all(effects.Notify)]
    assert asked == [True, True]


def test_of_several_sleeping_devices_the_user_chooses_one(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(20.0)
    closed.world.user.open("Desk")
    closed.world.user.open("Kitchen")
    harness.run(60.0)
    assert harness.starts() == 0
    closed.world.user.close("Kitchen")
    harness.run(SOON)
    assert harness.plays("happy")
    assert closed.world.truth().device == "Desk"


def test_the_device_used_last_is_waited_for_by_name(closed: SpotifyHarness) -> None:
    closed.cache.remember_device("Kitchen", "speaker")
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(20.0)
    closed.world.user.open("Desk")
    closed.world.user.open("Kitchen")
    harness.run(SOON)
    assert closed.world.truth().device == "Kitchen"


def test_trouble_on_the_way_does_not_end_it(closed: SpotifyHarness) -> None:
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(15.0)
    closed.world.trouble("503", path="/v1/me/player", times=3)
    harness.run(60.0)
    closed.world.user.open("Desk")
    harness.run(SOON)
    assert harness.plays("happy")


def test_while_spotify_asks_to_wait_nobody_looks(closed: SpotifyHarness) -> None:
    """The fixture sees to that; and the wish is met when the wait is over."""
    harness = harness_that_wishes(closed, "play for my mood")
    harness.run(15.0)
    closed.world.trouble("rate", path="/v1/me/player", seconds=120)
    harness.run(60.0)
    closed.world.user.open("Desk")
    harness.run(60.0)
    assert harness.starts() == 0
    harness.run(35.0)
    assert harness.plays("happy")


def test_with_few_requests_left_the_looks_are_spread(spotify: SpotifyHarness) -> None:
    spotify.budget = 100
    spotify.restart()
    for device in spotify.world.devices:
        device.online = False
    while spotify.ledger.today < 80:
        spotify.ledger.count()
    harness = harness_that_wishes(spotify, "play for my mood")
    harness.run(WISH_LIFE)
    assert spotify.ledger.today <= 100 * (1 - RESERVE) + 1


def test_a_device_closed_in_mid_music_is_the_users_hand(spotify: SpotifyHarness) -> None:
    """Music does not jump to the next device that is open, nor begin again by itself."""
    harness = WholeHarness(spotify, PolicySettings(timing="now", start_when_silent=True))
    spotify.world.user.play("sad", "Desk")
    harness.run(40.0)
    spotify.world.user.close("Desk")
    harness.feel("happy")
    harness.run(300.0)
    assert harness.starts() == 0
    spotify.world.user.open("Desk")
    harness.run(300.0)
    assert harness.starts() == 0
    assert harness.told(NotificationKind.DEVICE) == []


def test_a_change_that_lost_its_device_comes_when_it_is_back(spotify: SpotifyHarness) -> None:
    harness = WholeHarness(spotify)
    spotify.world.user.play("sad", "Desk")
    harness.run(40.0)
    spotify.world.trouble("no device", path="/v1/me/player/play", times=2)
    harness.feel("happy")
    harness.run(1.0)
    assert harness.told(NotificationKind.DEVICE) == [OPEN_SPOTIFY]
    harness.run(SOON)
    assert harness.plays("happy")
    assert harness.told(NotificationKind.SWITCH) == ["♪ Happy songs"]


def playing_happy(spotify: SpotifyHarness) -> WholeHarness:
    """Happy music plays, as a reading of a while ago has shown."""
    spotify.world.user.play("sad", "Kitchen")
    harness = WholeHarness(spotify)
    harness.run(5.0)
    harness.feel("happy")
    harness.send(events.PlayForMood())
    harness.run(42.0)
    assert harness.plays("happy")
    return harness


@pytest.mark.parametrize("how", ["play for my mood", "I feel happy"])
def test_what_was_just_paused_in_the_app_is_not_said_to_play_on(
    spotify: SpotifyHarness, how: str
) -> None:
    """The latest reading may be half a minute old; the music stayed silent, wish after wish."""
    harness = playing_happy(spotify)
    spotify.world.user.pause()
    harness.run(2.0)
    seen = harness.controller.snapshot.playback
    assert seen is not None
    assert seen.state is PlayState.PLAYING, "as far as is known"
    harness.effects.clear()
    if how == "play for my mood":
        harness.send(events.PlayForMood())
    else:
        harness.send(events.SetMood(MoodState.HAPPY))
    harness.run(6.0)
    told = [effect.notification for effect in harness.all(effects.Notify)]
    assert not [note for note in told if "plays on" in note.title or "fits" in note.body], told
    assert harness.plays("happy") is (how == "play for my mood")
    if how == "I feel happy":
        assert "No music plays: 'Play for my mood' begins it." in told[-1].body


def test_what_plays_on_is_answered_after_one_reading(spotify: SpotifyHarness) -> None:
    harness = playing_happy(spotify)
    harness.effects.clear()
    starts, reads = harness.starts(), len(spotify.world.calls("GET", "/v1/me/player"))
    harness.send(events.PlayForMood())
    harness.run(1.0)
    assert [title for title in harness.told(NotificationKind.INFO) if "plays on" in title]
    assert len(spotify.world.calls("GET", "/v1/me/player")) == reads + 1
    assert harness.starts() == starts


def test_a_wish_is_answered_though_the_service_does_not(spotify: SpotifyHarness) -> None:
    harness = playing_happy(spotify)
    harness.effects.clear()
    spotify.world.trouble("503", path="/v1/me/player", times=None)
    harness.send(events.PlayForMood())
    harness.run(10.0)
    asked = [effect.notification for effect in harness.all(effects.Notify)][-1]
    assert asked.asked
    assert asked.body.endswith("the music begins; later, ask for it again.")


@pytest.mark.parametrize("hand", ["pauses", "starts"])
def test_a_break_goes_by_what_plays_now(spotify: SpotifyHarness, hand: str) -> None:
    """The latest reading may be a minute old: what was paused began at the break's end, and what
    had begun played on through it."""
    harness = playing_happy(spotify)
    if hand == "starts":
        spotify.world.user.pause()
        harness.run(70.0)
        spotify.world.user.resume()
    else:
        spotify.world.user.pause()
    harness.run(2.0)
    harness.effects.clear()
    harness.send(events.TakeBreak())
    harness.run(2.0)
    assert not spotify.world.truth().playing
    (told,) = [effect.notification for effect in harness.all(effects.Notify)]
    assert ("none goes on then" in told.body) is (hand == "pauses")
    harness.run(600.0)
    assert not spotify.world.truth().playing
    harness.send(events.ResumeCamera())
    harness.run(10.0)
    assert spotify.world.truth().playing is (hand == "starts")
