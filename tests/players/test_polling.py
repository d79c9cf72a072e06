"""When to read next: near what is expected, seldom otherwise, never beyond the budget."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.players.polling import (
    IDLE,
    LOOK_OUT,
    OVERDUE_READS,
    STEADY,
    Budget,
    Watch,
    next_look,
    next_poll,
    next_poll_local,
    requests_per_hour,
)
from agent.types import Playback, PlayState

NOW = 500.0
MUSIC = Playback(NOW, PlayState.PLAYING, "x", position=0.0, duration=210.0)
PAUSED = replace(MUSIC, state=PlayState.PAUSED)
DAY = 86_400.0
SEEDS_REQUESTS = 1800
"""The seed read the player every two seconds."""


def left(seconds: float) -> Playback:
    return replace(MUSIC, position=210.0 - seconds)


@pytest.mark.parametrize(
    ("watch", "expected"),
    [
        pytest.param(Watch(NOW, None), IDLE, id="never read"),
        pytest.param(Watch(NOW, PAUSED), IDLE, id="paused"),
        pytest.param(Watch(NOW, PAUSED, waiting=True), IDLE, id="paused, although one waits"),
        pytest.param(Watch(NOW, PAUSED, reads_since_command=0), 1.0, id="after a command"),
        pytest.param(Watch(NOW, left(100), reads_since_command=2), 1.0, id="third after it"),
        pytest.param(Watch(NOW, left(119.5)), 30.0, id="steady"),
        pytest.param(Watch(NOW, left(31.5)), 16.0, id="two more, evenly"),
        pytest.param(Watch(NOW, left(20)), 20.5, id="aims behind the end"),
        pytest.param(Watch(NOW, left(0.1)), 1.0, id="the end is here"),
        pytest.param(Watch(NOW, left(0)), 2.0, id="overdue"),
        pytest.param(Watch(NOW, left(0), overdue_reads=OVERDUE_READS), STEADY, id="stuck"),
        pytest.param(Watch(NOW, left(20), waiting=True), 16.0, id="one waits: check before"),
        pytest.param(Watch(NOW, left(4), waiting=True), 2.0, id="one waits: near"),
        pytest.param(Watch(NOW, left(2), waiting=True), 2.5, id="one waits: at the end"),
        pytest.param(Watch(NOW, replace(MUSIC, duration=None)), STEADY, id="a radio"),
        pytest.param(Watch(NOW + 30, left(40)), 10.5, id="the reading is old: interpolated"),
        pytest.param(Watch(NOW, left(1), limited_for=77.0), 77.0, id="rate limited"),
        pytest.param(
            Watch(NOW, left(1), reads_since_command=0, limited_for=9.0), 9.0, id="limited, always"
        ),
    ],
)
def test_next_poll(watch: Watch, expected: float) -> None:
    assert next_poll(watch) == pytest.approx(expected)


watches = st.builds(
    Watch,
    now=st.floats(NOW, NOW + 300.0),
    playback=st.none()
    | st.builds(
        Playback,
        time=st.just(NOW),
        state=st.sampled_from(PlayState),
        position=st.none() | st.floats(0.0, 300.0),
        duration=st.none() | st.floats(0.0, 300.0),
    ),
    reads_since_command=st.integers(0, 10),
    overdue_reads=st.integers(0, 10),
    waiting=st.booleans(),
)


@given(watches)
def test_never_a_busy_loop_and_never_asleep(watch: Watch) -> None:
    assert 1.0 <= next_poll(watch) <= IDLE
    assert 0.0 <= next_poll_local(watch) <= 1.0


@given(watches)
def test_an_end_is_seen_within_two_seconds(watch: Watch) -> None:
    """However one got here: the next reading comes no later than 2 s after the predicted end."""
    time_left = watch.playback.time_left(watch.now) if watch.playback else None
    if time_left is not None and time_left > 0.0:
        assert next_poll(watch) <= max(time_left + 2.0, 1.0)


def test_a_tight_budget_is_spread_over_the_day() -> None:
    plenty = Budget(5000, 1000, DAY / 2)
    low = Budget(1000, 800, DAY / 2)
    spent = Budget(1000, 960, DAY / 2)
    assert next_poll(Watch(NOW, left(119.5), budget=plenty)) == pytest.approx(30.0)
    assert next_poll(Watch(NOW, left(119.5), budget=low)) == pytest.approx(DAY / 2 / 150)
    assert next_poll(Watch(NOW, left(119.5), budget=spent)) == pytest.approx(DAY / 2)
    after_command = Watch(NOW, left(119.5), reads_since_command=0, budget=low)
    assert next_poll(after_command) == pytest.approx(1.0)


def test_looks_for_a_device_are_soon_and_within_the_budget() -> None:
    assert next_look(None) == LOOK_OUT
    assert next_look(Budget(5000, 1000, DAY / 2)) == LOOK_OUT
    assert next_look(Budget(1000, 800, DAY / 2)) == pytest.approx(DAY / 2 / 150)


@given(st.integers(100, 3000), st.floats(20.0, 600.0))
def test_readings_alone_never_spend_the_day(limit: int, track: float) -> None:
    now, used = 0.0, 0
    while now < DAY:
        used += 1
        reading = Playback(now, PlayState.PLAYING, position=now % track, duration=track)
        now += next_poll(Watch(now, reading, budget=Budget(limit, used, DAY - now)))
    assert used <= limit


def test_requests_per_hour_are_an_eighth_of_the_seeds() -> None:
    assert requests_per_hour(next_poll, track_seconds=210.0, hours=24.0) <= SEEDS_REQUESTS / 8


def test_the_simulation_counts_what_the_cadence_asks_for() -> None:
    assert requests_per_hour(lambda _: 2.0, hours=1.0, switch_every=10_000) == SEEDS_REQUESTS
    more = requests_per_hour(next_poll, hours=4.0, switch_every=1)
    assert more > requests_per_hour(next_poll, hours=4.0, switch_every=8)
