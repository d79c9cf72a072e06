"""The rules by which Moodtray keeps its hands off the music, and where it has it played: the whole
of controller, worker and player against the service."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from agent import effects, events
from agent.settings import PolicySettings
from agent.types import Chooser, Happening, NotificationKind
from tests.fakes.spotify.world import FakeDevice
from tests.players.spotify.conftest import SpotifyHarness
from tests.players.spotify.whole_harness import WholeHarness

TRACK = 200.0
"""Seconds of a playlist's first track; each further one takes 3 s more. There are five."""
PLAYLIST = 5 * TRACK + 30.0
AT_END = PolicySettings(timing="track_end")
EAGER = PolicySettings(timing="now", start_when_silent=True)


def happenings(harness: WholeHarness) -> list[Happening]:
    told = [e.happening for e in harness.events if isinstance(e, events.PlaybackChanged)]
    return [h for h in told if h is not Happening.NOTHING]


def heard(
    spotify: SpotifyHarness, policy: PolicySettings | None = None, seconds: float = 20.0
) -> WholeHarness:
    """The sad playlist plays since before anybody looked."""
    spotify.world.user.play("sad", "Desk")
    harness = WholeHarness(spotify, policy)
    harness.run(seconds)
    return harness


# --- how often it is read


def reads(spotify: SpotifyHarness, since: float) -> list[float]:
    found = spotify.world.calls("GET", "/v1/me/player")
    return [s.time - since for s in found if s.path == "/v1/me/player" and s.time > since]


def test_after_a_command_it_is_read_each_second_three_times(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    harness.feel("happy")
    harness.run(120.0)
    (sent,) = spotify.world.calls("PUT", "/v1/me/player/play")
    times = reads(spotify, sent.time)
    assert times[:3] == [1.0, 2.0, 3.0]
    gaps = [after - before for before, after in pairwise(times[2:])]
    assert len(gaps) >= 3
    assert all(15.0 <= gap <= 30.0 for gap in gaps)


@pytest.mark.parametrize("offset", [0.0, 3.7, 11.3])
def test_a_change_comes_within_two_seconds_of_the_tracks_end(
    spotify: SpotifyHarness, offset: float
) -> None:
    began = spotify.clock.monotonic()
    harness = heard(spotify, AT_END, 20.0 + offset)
    harness.feel("happy")
    harness.run(TRACK - 20.0 - offset - 1.0)
    assert harness.starts() == 0
    harness.run(10.0)
    (sent,) = spotify.world.calls("PUT", "/v1/me/player/play")
    assert 0.0 < sent.time - (began + TRACK) <= 2.0


# --- silence


def test_silence_at_the_start_stays_silence(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.pause()
    harness = WholeHarness(spotify)
    harness.feel("happy")
    harness.run(3600.0)
    assert spotify.world.commands() == []


@pytest.mark.parametrize("position", [0.0, 50.0])
def test_unless_it_is_set_otherwise(spotify: SpotifyHarness, position: float) -> None:
    """Paused before anybody looked is silence, whatever is loaded."""
    spotify.world.user.play("sad")
    spotify.world.user.seek(position)
    spotify.world.user.pause()
    harness = WholeHarness(spotify, EAGER)
    harness.feel("happy")
    harness.run(5.0)
    assert harness.plays("happy")


def test_or_somebody_asks(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.pause()
    harness = WholeHarness(spotify)
    harness.feel("happy")
    harness.run(60.0)
    harness.send(events.PlayForMood())
    harness.run(5.0)
    assert harness.plays("happy")


@pytest.mark.parametrize("sleep", [False, True])
def test_paused_by_hand_stays_paused_whatever_is_set(spotify: SpotifyHarness, sleep: bool) -> None:
    """Also when the device falls asleep over it, and wakes up again."""
    harness = heard(spotify, EAGER)
    spotify.world.user.pause()
    harness.run(61.0)
    if sleep:
        harness.run(spotify.world.sleeps_after + 120.0)
        spotify.world.user.play("sad", "Desk")
        spotify.world.user.pause()
    harness.feel("happy")
    harness.run(1800.0)
    assert spotify.world.commands() == []


def test_what_is_resumed_after_a_pause_from_before_is_music_like_any_other(
    spotify: SpotifyHarness,
) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.seek(50.0)
    spotify.world.user.pause()
    harness = WholeHarness(spotify)
    harness.run(30.0)
    spotify.world.user.resume()
    harness.run(61.0)
    assert happenings(harness) == [Happening.RESUMED]
    harness.feel("happy")
    harness.run(5.0)
    assert harness.plays("happy")


# --- what the user chose


def chosen(spotify: SpotifyHarness, policy: PolicySettings, tracks: int = 60) -> WholeHarness:
    """Ours plays; then the user chooses another playlist, and the mood would have a third."""
    harness = heard(spotify, policy)
    harness.feel("happy")
    harness.run(TRACK)
    assert harness.plays("happy")
    spotify.world.catalogue.add("dinner", tracks=tracks)
    spotify.world.user.play("dinner")
    harness.run(31.0)
    assert Happening.USER_CHOSE in happenings(harness)
    harness.feel("angry")
    return harness


@pytest.mark.parametrize("minutes", [60.0, 10.0])
def test_it_is_left_alone_for_hands_off_minutes(spotify: SpotifyHarness, minutes: float) -> None:
    harness = chosen(spotify, PolicySettings(timing="now", hands_off_minutes=minutes))
    sent = harness.starts()
    harness.run(minutes * 60 - 35.0)
    assert harness.plays("dinner")
    assert harness.starts() == sent
    harness.run(70.0)
    assert harness.plays("angry")


def test_a_skip_a_pause_and_another_device_do_not_end_it(spotify: SpotifyHarness) -> None:
    harness = chosen(spotify, PolicySettings(timing="now"))
    sent, user = harness.starts(), spotify.world.user
    deeds = (user.skip, user.pause, user.resume, lambda: user.move_to("Kitchen"))
    for n, deed in enumerate(deeds):
        harness.after(300.0 * (n + 1), deed)
    harness.run(3000.0)
    assert harness.plays("dinner")
    assert harness.starts() == sent
    assert harness.controller.snapshot.playback is not None
    assert harness.controller.snapshot.playback.chosen_by is Chooser.USER


def test_it_ends_in_silence_that_stays(spotify: SpotifyHarness) -> None:
    harness = chosen(spotify, PolicySettings(timing="now"), tracks=3)
    sent = harness.starts()
    harness.run(3600.0)
    assert not spotify.world.truth().playing
    assert Happening.CONTEXT_ENDED in happenings(harness)
    assert harness.starts() == sent


def test_it_ends_where_spotify_goes_on_by_itself(spotify: SpotifyHarness) -> None:
    """Long before hands_off_minutes are over: the choice held until its end."""
    harness = chosen(spotify, PolicySettings(timing="now"), tracks=3)
    world = spotify.world
    left = sum(t.duration_ms / 1000 for t in world.catalogue["dinner"].tracks) - 31.0

    def autoplay() -> None:
        tracks = world.catalogue["sad"].tracks
        world.set(replace(world.truth(), playing=True, context=None, tracks=tracks, index=0))

    harness.after(left + 0.1, autoplay)
    harness.run(left - 1.0)
    assert harness.plays("dinner")
    harness.run(10.0)
    assert harness.plays("angry")


def test_the_users_choice_within_our_echo_is_theirs(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    harness.feel("happy")
    harness.after(2.5, lambda: spotify.world.user.play("fear"))
    harness.run(31.0)
    assert harness.plays("fear")
    harness.feel("angry")
    harness.run(1000.0)
    assert harness.starts() == 1


def test_who_asks_is_asked_nothing_more(spotify: SpotifyHarness) -> None:
    harness = chosen(spotify, PolicySettings(timing="now"))
    harness.run(5.0)
    harness.send(events.PlayForMood())
    harness.run(5.0)
    assert harness.plays("angry")


# --- our own


def test_our_own_playlist_that_ran_out_is_followed_by_the_next(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    harness.feel("happy")
    harness.run(5.0)
    harness.feel("angry")
    harness.run(PLAYLIST + 30.0)
    assert harness.plays("angry")


def test_an_early_skip_is_kept_a_late_one_is_not(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    harness.feel("happy")
    harness.run(30.0)
    spotify.world.user.skip()
    harness.run(31.0)
    happy = spotify.world.catalogue["happy"].uri
    skips = [e for e in harness.all(effects.RecordFeedback) if e.kind == "skip"]
    assert skips == [effects.RecordFeedback("skip", happy)]
    harness.run(120.0)
    spotify.world.user.skip()
    harness.run(31.0)
    assert Happening.SKIPPED in happenings(harness)
    assert len([e for e in harness.all(effects.RecordFeedback) if e.kind == "skip"]) == 1


# --- on which device


def test_the_active_one_comes_before_the_one_used_last(spotify: SpotifyHarness) -> None:
    spotify.cache.remember_device("Kitchen", "speaker")
    harness = heard(spotify)
    harness.feel("happy")
    harness.run(5.0)
    assert harness.plays("happy")
    assert spotify.world.truth().device == "Desk"


def test_the_music_moves_with_the_user(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    spotify.world.user.move_to("Kitchen")
    harness.run(31.0)
    assert happenings(harness) == [Happening.DEVICE_CHANGED]
    harness.feel("happy")
    harness.run(5.0)
    assert (harness.plays("happy"), spotify.world.truth().device) == (True, "Kitchen")


def test_the_one_used_last_comes_before_the_only_one_of_another_type(
    spotify: SpotifyHarness,
) -> None:
    """Name and type tell it; a phone of the same name is another device."""
    spotify.cache.remember_device("Kitchen", "speaker")
    spotify.world.devices = [FakeDevice("Kitchen", "Smartphone"), FakeDevice("Kitchen", "Speaker")]
    for number, device in enumerate(spotify.world.devices):
        device.id = f"device{number}"
    harness = WholeHarness(spotify)
    harness.feel("happy")
    harness.run(1.0)
    harness.send(events.PlayForMood())
    harness.run(5.0)
    assert spotify.world.calls("PUT", "/v1/me/player/play")[0].query["device_id"] == "device1"


def test_a_start_without_effect_is_sent_once_more_and_then_told(spotify: SpotifyHarness) -> None:
    harness = heard(spotify)
    spotify.world.set = lambda state, lag=0.0: None  # type: ignore[method-assign, misc]
    harness.feel("happy")
    harness.run(100.0)
    assert harness.starts() == 2
    assert harness.told(NotificationKind.PROBLEM) == ["The music player does not answer"]
    assert harness.told(NotificationKind.SWITCH) == []
