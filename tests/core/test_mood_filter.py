"""The mood filter, told as little scenes, and what must hold for any looks."""

from __future__ import annotations

import gc
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.mood_filter import (
    FITTED,
    Calibration,
    MoodMemory,
    begin,
    observe,
    pause,
)
from agent.core.person import Person
from agent.settings import MoodSettings
from agent.types import EMOTIONS, MoodState, Observation

SETTINGS = MoodSettings()
INTERVAL = 5.0
PRIORS = (0.09, 0.01, 0.04, 0.26, 0.16, 0.12, 0.32)
MEANS = tuple(tuple(3.0 if answer == shown else -0.5 for answer in range(7)) for shown in range(7))
NETWORK = Calibration(PRIORS, MEANS)


def look(time: float, emotion: str | None, strength: float = 0.9) -> Observation:
    """One observation: ``strength`` on one emotion, the rest spread; None: no face."""
    if emotion is None:
        return Observation(time, faces=0, probabilities=None)
    if emotion == "unclear":
        return Observation(time, 1, PRIORS)
    rest = (1 - strength) / 6
    return Observation(time, 1, tuple(strength if e == emotion else rest for e in EMOTIONS))


def play(
    *scene: tuple[str | None, float], settings: MoodSettings = SETTINGS, seed: int = 1
) -> list[tuple[float, MoodState]]:
    """Play (what is seen, for how many seconds) and return the changes of the mood. The face is
    never quite the same: each look's logarithms vary by 0.8."""
    rng = np.random.default_rng(seed)
    memory = begin(0.0)
    changes: list[tuple[float, MoodState]] = []
    now = end = 0.0
    for emotion, seconds in scene:
        end += seconds
        while now < end:
            seen = look(now, emotion)
            if seen.probabilities is not None:
                moved = np.asarray(seen.probabilities) * np.exp(rng.normal(0, 0.8, 7))
                seen = Observation(now, 1, tuple((moved / moved.sum()).tolist()))
            before = memory.mood.state
            memory = observe(memory, seen, settings, NETWORK)
            if memory.mood.state is not before:
                changes.append((now, memory.mood.state))
            now += INTERVAL * pause(memory)
    return changes


def states(*scene: tuple[str | None, float]) -> list[MoodState]:
    return [state for _, state in play(*scene)]


def named(*scene: tuple[str | None, float]) -> list[MoodState]:
    return [state for state in states(*scene) if state is not UNSURE]


HAPPY, SAD, NEUTRAL = MoodState.HAPPY, MoodState.SAD, MoodState.NEUTRAL
UNSURE, AWAY = MoodState.UNSURE, MoodState.AWAY

SCENES: list[tuple[str, list[tuple[str | None, float]], list[MoodState]]] = [
    ("a steady smile becomes the mood", [("happy", 90)], [HAPPY]),
    ("a face at rest becomes neutral", [("neutral", 240)], [NEUTRAL]),
    ("a glance aside changes nothing", [("happy", 90), (None, 8), ("happy", 60)], [HAPPY]),
    ("a passing expression changes nothing", [("happy", 90), ("sad", 8), ("happy", 90)], [HAPPY]),
    ("nor does one of rest", [("happy", 90), ("neutral", 20), ("happy", 90)], [HAPPY]),
    ("a lasting change is followed", [("happy", 120), ("sad", 180)], [HAPPY, SAD]),
    ("who leaves is away", [("happy", 90), (None, 30)], [HAPPY, AWAY]),
    (
        "who returns starts afresh",
        [("happy", 90), (None, 40), ("sad", 120)],
        [HAPPY, AWAY, SAD],
    ),
    ("nothing clear stays unsure", [("unclear", 120)], []),
    ("nobody from the start is away", [(None, 30)], [AWAY]),
]


@pytest.mark.parametrize(("scene", "expected"), [s[1:] for s in SCENES], ids=[s[0] for s in SCENES])
def test_scenes(scene: list[tuple[str | None, float]], expected: list[MoodState]) -> None:
    assert named(*scene) == expected


def test_who_returns_is_unsure_first() -> None:
    assert states(("happy", 90), (None, 40), ("sad", 120))[:3] == [HAPPY, AWAY, UNSURE]


def test_a_change_shows_itself_a_while_before_it_is_named_and_the_old_mood_is_in_doubt() -> None:
    """What is no longer believed is neither named nor followed."""
    assert states(("happy", 120), ("sad", 180)) == [HAPPY, UNSURE, SAD]


def test_the_calm_wait_longer_than_the_quick() -> None:
    at = {
        word: play(("happy", 400), settings=MoodSettings.model_validate({"steadiness": word}))[0][0]
        for word in ("calm", "balanced", "quick")
    }
    assert at["quick"] < at["balanced"] < at["calm"]


def test_experts_set_the_certainty_and_the_pace() -> None:
    usual = play(("happy", 300))[0][0]
    assert play(("happy", 300), settings=MoodSettings(certainty=0.6))[0][0] < usual
    assert play(("happy", 300), settings=MoodSettings(pace=0.2))[0][0] < usual


def test_looks_that_repeat_each_other_count_once() -> None:
    """Twenty times the same picture of a face says less than twenty pictures."""
    same, others = begin(0.0), begin(0.0)
    rng = np.random.default_rng(0)
    for step in range(20):
        moved = np.asarray(look(0, "sad", 0.7).probabilities) * np.exp(rng.normal(0, 1.5, 7))
        other = Observation(step * 2.0, 1, tuple((moved / moved.sum()).tolist()))
        same = observe(same, look(step * 2.0, "sad", 0.7), SETTINGS, NETWORK)
        others = observe(others, other, SETTINGS, NETWORK)
    assert same.mood.probabilities is not None
    assert others.mood.probabilities is not None
    assert others.mood.probabilities[4] > same.mood.probabilities[4]


def test_the_priors_are_divided_out() -> None:
    """A network that says what it was trained on, whatever it sees, says nothing."""
    before = begin(0.0)
    memory = observe(before, Observation(0.0, 1, PRIORS), SETTINGS, NETWORK)
    assert memory.mood.probabilities == pytest.approx(before.table.sum(axis=1), abs=0.05)


def test_poor_looks_weigh_less() -> None:
    def after(quality: float) -> float:
        seen = Observation(0.0, 1, look(0.0, "sad").probabilities, quality)
        probabilities = observe(begin(0.0), seen, SETTINGS, NETWORK).mood.probabilities
        assert probabilities is not None
        return probabilities[EMOTIONS.index("sad")]

    assert after(1.0) > after(0.5) > after(0.1)


def test_a_face_that_always_leans_is_found_out() -> None:
    """Every answer of this person's has a trifle of anger; smiles say so in time."""
    memory = begin(0.0)
    rng = np.random.default_rng(2)
    lean = np.array([1.5, 0, 0, 0, 0, 0, 0])
    for step in range(200):
        shown = "happy" if rng.random() < 0.7 else "neutral"
        moved = np.asarray(look(0, shown).probabilities) * np.exp(lean + rng.normal(0, 0.8, 7))
        seen = Observation(step * 4.0, 1, tuple((moved / moved.sum()).tolist()))
        memory = observe(memory, seen, SETTINGS, NETWORK)
    assert memory.bias.argmax() == 0
    assert memory.bias[0] > 0.4


def test_a_known_face_is_read_as_it_was_learned() -> None:
    """At rest this face looks sad to the network; who has shown it so is not sad."""
    resting = np.array([0.05, 0.01, 0.01, 0.03, 0.6, 0.05, 0.25])
    person = Person().learn([resting] * 4)
    known, stranger = begin(0.0, person=person), begin(0.0)
    rng = np.random.default_rng(3)
    for step in range(60):
        moved = resting * np.exp(rng.normal(0, 0.5, 7))
        seen = Observation(step * 5.0, 1, tuple((moved / moved.sum()).tolist()))
        known = observe(known, seen, SETTINGS, NETWORK, person)
        stranger = observe(stranger, seen, SETTINGS, NETWORK)
    assert known.mood.state is NEUTRAL
    assert stranger.mood.probabilities is not None
    assert stranger.mood.probabilities[EMOTIONS.index("sad")] > 0.5


def test_the_next_look_comes_soon_while_the_mood_is_open_and_late_while_it_is_sure() -> None:
    memory = begin(0.0)
    assert pause(memory) == FITTED.soon < 1
    for step in range(60):
        memory = observe(memory, look(step * 5.0, "happy", 0.95), SETTINGS, NETWORK)
    assert memory.mood.state is HAPPY
    assert pause(memory) == FITTED.late > 1


# -- what must hold for any looks

rows = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(
    lambda row: tuple(x / sum(row) for x in row)
)
looks = st.lists(st.one_of(st.none(), rows), max_size=60)


def watch(seen: list[tuple[float, ...] | None], every: float = INTERVAL) -> list[MoodMemory]:
    memory = begin(0.0)
    out = []
    for step, row in enumerate(seen):
        observation = Observation(step * every, 0 if row is None else 1, row)
        memory = observe(memory, observation, SETTINGS, NETWORK)
        out.append(memory)
    return out


@given(looks)
def test_any_sequence_keeps_its_promises(seen: list[tuple[float, ...] | None]) -> None:
    before = begin(0.0).mood
    last_face = 0.0
    for step, (row, memory) in enumerate(zip(seen, watch(seen), strict=True)):
        mood, now = memory.mood, step * INTERVAL
        last_face = now if row is not None else last_face
        assert 0.0 <= mood.confidence <= 1.0 + 1e-9
        assert memory.table.sum() == pytest.approx(1.0)
        assert (memory.table >= 0).all()
        if mood.probabilities is not None:
            assert sum(mood.probabilities) == pytest.approx(1.0)
        if mood.state is not before.state:
            assert mood.since == now
        if mood.state.is_emotion and row is not None:
            assert mood.confidence >= FITTED.leave
        assert (mood.state is AWAY) == (row is None and now - last_face >= SETTINGS.away_after)
        if before.state is AWAY and row is not None:
            assert mood.state is UNSURE, "one look is not enough to know who came back"
        before = mood


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_face_that_says_hardly_anything_is_not_named_for_its_first_look(emotion: str) -> None:
    """The only mood that a look had spoken for took all for itself, however little it had."""
    flat = tuple((3.0 if each == emotion else 2.0) / 15.0 for each in EMOTIONS)
    before = tuple(each / 12.0 for each in (2, 1, 2, 2, 2, 1, 2))
    memory = watch([before, *[None] * 4, flat])[-1]
    assert memory.mood.state is UNSURE
    assert memory.mood.confidence < 0.5


@given(looks)
def test_the_same_looks_give_the_same_answer(seen: list[tuple[float, ...] | None]) -> None:
    once, again = watch(seen), watch(seen)
    assert [m.mood for m in once] == [m.mood for m in again]


@given(looks)
def test_no_mood_is_named_that_led_in_no_look(seen: list[tuple[float, ...] | None]) -> None:
    led: set[str] = set()
    for row, memory in zip(seen, watch(seen), strict=True):
        if row is not None:
            led.add(EMOTIONS[int(np.argmax(row))])
        if memory.mood.state is AWAY:
            led.clear()
        if memory.mood.state.is_emotion:
            assert memory.mood.state in led


@given(rows, st.integers(0, 6), st.floats(1.0, 20.0), st.floats(0.1, 1.0))
def test_more_evidence_for_a_mood_never_makes_it_less_likely(
    row: tuple[float, ...], emotion: int, times: float, quality: float
) -> None:
    more = np.array(row)
    more[emotion] *= times
    more /= more.sum()

    def after(answer: tuple[float, ...]) -> float:
        seen = Observation(5.0, 1, answer, quality)
        probabilities = observe(begin(0.0), seen, SETTINGS, NETWORK).mood.probabilities
        assert probabilities is not None
        return probabilities[emotion]

    assert after(tuple(more.tolist())) >= after(row) - 1e-9


def test_a_day_of_looks_needs_no_more_memory_than_one() -> None:
    """Neither in what the filter hands on nor in the module: 8 bytes kept a look would show."""
    memory = begin(0.0)
    rng = np.random.default_rng(4)
    after = {300: 0, 2880: 0}  # looks, and the bytes that are held then
    tracemalloc.start()
    try:
        for step in range(1, 2881):
            answer = rng.dirichlet(np.full(7, 0.5))
            seen = None if step % 50 > 45 else tuple(answer.tolist())
            observation = Observation(step * 30.0, int(seen is not None), seen)
            memory = observe(memory, observation, SETTINGS, NETWORK)
            if step in after:
                gc.collect()
                after[step] = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    hour, day = after.values()
    assert hour > 0
    assert day - hour < 16_000
    assert np.isfinite(memory.table).all()


def test_a_look_costs_little() -> None:
    """A generous guard; what it costs is told by 'moodtray evaluate --streams'."""
    memory = begin(0.0)
    began = time.process_time()
    for step in range(500):
        memory = observe(memory, look(step * 5.0, "happy"), SETTINGS, NETWORK)
    assert time.process_time() - began < 5.0
