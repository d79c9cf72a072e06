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


def happenings(house: WholeHarness) -> list[Happening]:
    told = [e.happening for e in house.events if isinstance(e, events.PlaybackChanged)]
    return [h for h in told if h is not Happening.NOTHING]


def heard(
    rig: SpotifyHarness, policy: PolicySettings | None = None, seconds: float = 20.0
) -> WholeHarness:
    """The sad playlist plays since before anybody looked."""
    rig.world.user.play("sad", "Desk")
    house = WholeHarness(rig, policy)
    house.run(seconds)
    return house


# --- how often it is read


def reads(rig: SpotifyHarness, since: float) -> list[float]:
    found = rig.world.calls("GET", "/v1/me/player")
    return [s.time - since for s in found if s.path == "/v1/me/player" and s.time > since]


def test_after_a_command_it_is_read_each_second_three_times(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    house.feel("happy")
    house.run(120.0)
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
    house = heard(spotify, AT_END, 20.0 + offset)
    house.feel("happy")
    house.run(TRACK - 20.0 - offset - 1.0)
    assert house.starts() == 0
    house.run(10.0)
    (sent,) = spotify.world.calls("PUT", "/v1/me/player/play")
    assert 0.0 < sent.time - (began + TRACK) <= 2.0


# --- silence


def test_silence_at_the_start_stays_silence(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.pause()
    house = WholeHarness(spotify)
    house.feel("happy")
    house.run(3600.0)
    assert spotify.world.commands() == []


@pytest.mark.parametrize("position", [0.0, 50.0])
def test_unless_it_is_set_otherwise(spotify: SpotifyHarness, position: float) -> None:
    """Paused before anybody looked is silence, whatever is loaded."""
    spotify.world.user.play("sad")
    spotify.world.user.seek(position)
    spotify.world.user.pause()
    house = WholeHarness(spotify, EAGER)
    house.feel("happy")
    house.run(5.0)
    assert house.plays("happy")


def test_or_somebody_asks(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.pause()
    house = WholeHarness(spotify)
    house.feel("happy")
    house.run(60.0)
    house.send(events.PlayForMood())
    house.run(5.0)
    assert house.plays("happy")


@pytest.mark.parametrize("sleep", [False, True])
def test_paused_by_hand_stays_paused_whatever_is_set(spotify: SpotifyHarness, sleep: bool) -> None:
    """Also when the device falls asleep over it, and wakes up again."""
    house = heard(spotify, EAGER)
    spotify.world.user.pause()
    house.run(61.0)
    if sleep:
        house.run(spotify.world.sleeps_after + 120.0)
        spotify.world.user.play("sad", "Desk")
        spotify.world.user.pause()
    house.feel("happy")
    house.run(1800.0)
    assert spotify.world.commands() == []


def test_what_is_resumed_after_a_pause_from_before_is_music_like_any_other(
    spotify: SpotifyHarness,
) -> None:
    spotify.world.user.play("sad")
    spotify.world.user.seek(50.0)
    spotify.world.user.pause()
    house = WholeHarness(spotify)
    house.run(30.0)
    spotify.world.user.resume()
    house.run(61.0)
    assert happenings(house) == [Happening.RESUMED]
    house.feel("happy")
    house.run(5.0)
    assert house.plays("happy")


# --- what the user chose


def chosen(rig: SpotifyHarness, policy: PolicySettings, tracks: int = 60) -> WholeHarness:
    """Ours plays; then the user chooses another playlist, and the mood would have a third."""
    house = heard(rig, policy)
    house.feel("happy")
    house.run(TRACK)
    assert house.plays("happy")
    rig.world.catalogue.add("dinner", tracks=tracks)
    rig.world.user.play("dinner")
    house.run(31.0)
    assert Happening.USER_CHOSE in happenings(house)
    house.feel("angry")
    return house


@pytest.mark.parametrize("minutes", [60.0, 10.0])
def test_it_is_left_alone_for_hands_off_minutes(spotify: SpotifyHarness, minutes: float) -> None:
    house = chosen(spotify, PolicySettings(timing="now", hands_off_minutes=minutes))
    sent = house.starts()
    house.run(minutes * 60 - 35.0)
    assert house.plays("dinner")
    assert house.starts() == sent
    house.run(70.0)
    assert house.plays("angry")


def test_a_skip_a_pause_and_another_device_do_not_end_it(spotify: SpotifyHarness) -> None:
    house = chosen(spotify, PolicySettings(timing="now"))
    sent, user = house.starts(), spotify.world.user
    deeds = (user.skip, user.pause, user.resume, lambda: user.move_to("Kitchen"))
    for n, deed in enumerate(deeds):
        house.after(300.0 * (n + 1), deed)
    house.run(3000.0)
    assert house.plays("dinner")
    assert house.starts() == sent
    assert house.controller.snapshot.playback is not None
    assert house.controller.snapshot.playback.chosen_by is Chooser.USER


def test_it_ends_in_silence_that_stays(spotify: SpotifyHarness) -> None:
    house = chosen(spotify, PolicySettings(timing="now"), tracks=3)
    sent = house.starts()
    house.run(3600.0)
    assert not spotify.world.truth().playing
    assert Happening.CONTEXT_ENDED in happenings(house)
    assert house.starts() == sent


def test_it_ends_where_spotify_goes_on_by_itself(spotify: SpotifyHarness) -> None:
    """Long before hands_off_minutes are over: the choice held until its end."""
    house = chosen(spotify, PolicySettings(timing="now"), tracks=3)
    world = spotify.world
    left = sum(t.duration_ms / 1000 for t in world.catalogue["dinner"].tracks) - 31.0

    def autoplay() -> None:
        tracks = world.catalogue["sad"].tracks
        world.set(replace(world.truth(), playing=True, context=None, tracks=tracks, index=0))

    house.after(left + 0.1, autoplay)
    house.run(left - 1.0)
    assert house.plays("dinner")
    house.run(10.0)
    assert house.plays("angry")


def test_the_users_choice_within_our_echo_is_theirs(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    house.feel("happy")
    house.after(2.5, lambda: spotify.world.user.play("fear"))
    house.run(31.0)
    assert house.plays("fear")
    house.feel("angry")
    house.run(1000.0)
    assert house.starts() == 1


def test_who_asks_is_asked_nothing_more(spotify: SpotifyHarness) -> None:
    house = chosen(spotify, PolicySettings(timing="now"))
    house.run(5.0)
    house.send(events.PlayForMood())
    house.run(5.0)
    assert house.plays("angry")


# --- our own


def test_our_own_playlist_that_ran_out_is_followed_by_the_next(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    house.feel("happy")
    house.run(5.0)
    house.feel("angry")
    house.run(PLAYLIST + 30.0)
    assert house.plays("angry")


def test_an_early_skip_is_kept_a_late_one_is_not(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    house.feel("happy")
    house.run(30.0)
    spotify.world.user.skip()
    house.run(31.0)
    happy = spotify.world.catalogue["happy"].uri
    skips = [e for e in house.all(effects.RecordFeedback) if e.kind == "skip"]
    assert skips == [effects.RecordFeedback("skip", happy)]
    house.run(120.0)
    spotify.world.user.skip()
    house.run(31.0)
    assert Happening.SKIPPED in happenings(house)
    assert len([e for e in house.all(effects.RecordFeedback) if e.kind == "skip"]) == 1


# --- on which device


def test_the_active_one_comes_before_the_one_used_last(spotify: SpotifyHarness) -> None:
    spotify.cache.remember_device("Kitchen", "speaker")
    house = heard(spotify)
    house.feel("happy")
    house.run(5.0)
    assert house.plays("happy")
    assert spotify.world.truth().device == "Desk"


def test_the_music_moves_with_the_user(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    spotify.world.user.move_to("Kitchen")
    house.run(31.0)
    assert happenings(house) == [Happening.DEVICE_CHANGED]
    house.feel("happy")
    house.run(5.0)
    assert (house.plays("happy"), spotify.world.truth().device) == (True, "Kitchen")


def test_the_one_used_last_comes_before_the_only_one_of_another_type(
    spotify: SpotifyHarness,
) -> None:
    """Name and type tell it; a phone of the same name is another device."""
    spotify.cache.remember_device("Kitchen", "speaker")
    spotify.world.devices = [FakeDevice("Kitchen", "Smartphone"), FakeDevice("Kitchen", "Speaker")]
    for number, device in enumerate(spotify.world.devices):
        device.id = f"device{number}"
    house = WholeHarness(spotify)
    house.feel("happy")
    house.run(1.0)
    house.send(events.PlayForMood())
    house.run(5.0)
    assert spotify.world.calls("PUT", "/v1/me/player/play")[0].query["device_id"] == "device1"


def test_a_start_without_effect_is_sent_once_more_and_then_told(spotify: SpotifyHarness) -> None:
    house = heard(spotify)
    spotify.world.set = lambda state, lag=0.0: None  # type: ignore[method-assign, misc]
    house.feel("happy")
    house.run(100.0)
    assert house.starts() == 2
    assert house.told(NotificationKind.PROBLEM) == ["The music player does not answer"]
    assert house.told(NotificationKind.SWITCH) == []
