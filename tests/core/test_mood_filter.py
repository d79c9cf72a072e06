"""The mood filter, told as little scenes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.mood_filter import Calibration, MoodMemory, begin, observe
from agent.settings import MoodSettings
from agent.types import EMOTIONS, MoodState, Observation

SETTINGS = MoodSettings()
INTERVAL = 5.0


def look(time: float, emotion: str | None, strength: float = 0.85) -> Observation:
    """One observation: ``strength`` on one emotion, the rest spread; None: no face."""
    if emotion is None:
        return Observation(time, faces=0, probabilities=None)
    if emotion == "unclear":
        return Observation(time, 1, tuple([1 / 7] * 7))
    rest = (1 - strength) / 6
    return Observation(time, 1, tuple(strength if e == emotion else rest for e in EMOTIONS))


def play(
    *scene: tuple[str | None, float], settings: MoodSettings = SETTINGS
) -> list[tuple[float, MoodState]]:
    """Play (what is seen, for how many seconds) and return the changes of the mood."""
    memory = begin(0.0)
    changes: list[tuple[float, MoodState]] = []
    now = 0.0
    for emotion, seconds in scene:
        end = now + seconds
        while now < end:
            before = memory.mood.state
            memory = observe(memory, look(now, emotion), settings)
            if memory.mood.state is not before:
                changes.append((now, memory.mood.state))
            now += INTERVAL
    return changes


def states(*scene: tuple[str | None, float]) -> list[MoodState]:
    return [state for _, state in play(*scene)]


HAPPY, SAD, NEUTRAL = MoodState.HAPPY, MoodState.SAD, MoodState.NEUTRAL
UNSURE, AWAY = MoodState.UNSURE, MoodState.AWAY

SCENES: list[tuple[str, list[tuple[str | None, float]], list[MoodState]]] = [
    ("a steady smile becomes the mood", [("happy", 30)], [HAPPY]),
    ("a glance aside changes nothing", [("happy", 20), (None, 5), ("happy", 30)], [HAPPY]),
    ("one odd look changes nothing", [("happy", 30), ("sad", 5), ("happy", 30)], [HAPPY]),
    ("a lasting change is followed", [("happy", 30), ("sad", 40)], [HAPPY, SAD]),
    ("who leaves is away", [("happy", 30), (None, 20)], [HAPPY, AWAY]),
    (
        "who returns starts afresh",
        [("happy", 30), (None, 20), ("sad", 30)],
        [HAPPY, AWAY, UNSURE, SAD],
    ),
    ("nothing clear stays unsure", [("unclear", 60)], []),
    ("a mood that fades is given up", [("happy", 30), ("unclear", 60)], [HAPPY, UNSURE]),
    ("flicker between two settles on none of them often", [("happy", 5), ("sad", 5)], []),
    ("nobody from the start is away", [(None, 30)], [AWAY]),
]


@pytest.mark.parametrize(("scene", "expected"), [s[1:] for s in SCENES], ids=[s[0] for s in SCENES])
def test_scenes(scene: list[tuple[str | None, float]], expected: list[MoodState]) -> None:
    assert states(*scene) == expected


def test_dwell_holds_a_change_back() -> None:
    quick = MoodSettings(dwell=0.0)
    slow = MoodSettings(dwell=20.0)
    scene = (("happy", 60.0),)
    first_quick = play(*scene, settings=quick)[0][0]
    first_slow = play(*scene, settings=slow)[0][0]
    assert first_quick == 0.0
    assert first_slow == 20.0


def test_between_the_thresholds_nothing_changes() -> None:
    """.35 is enough to stay (leave .30) and too little to enter (.45)."""
    memory = begin(0.0)
    for step in range(20):
        memory = observe(memory, look(step * 5.0, "sad", 0.35), SETTINGS)
    assert memory.mood.state is UNSURE
    for step in range(20, 40):
        memory = observe(memory, look(step * 5.0, "sad", 0.9), SETTINGS)
    assert memory.mood.state is SAD
    for step in range(40, 80):
        memory = observe(memory, look(step * 5.0, "sad", 0.35), SETTINGS)
    assert memory.mood.state is SAD


def test_looks_of_which_none_is_clear_give_no_mood() -> None:
    """A still face that says a little all the time is above ``enter``, and yet a guess."""
    network = Calibration(unsure_below=0.53)
    memory = begin(0.0)
    for step in range(20):
        memory = observe(memory, look(step * 5.0, "sad", 0.5), SETTINGS, network)
    assert memory.mood.state is UNSURE
    memory = observe(memory, look(100.0, "sad", 0.55), SETTINGS, network)
    for step in range(21, 24):
        memory = observe(memory, look(step * 5.0, "sad", 0.5), SETTINGS, network)
    assert memory.mood.state is SAD
    for step in range(24, 40):  # enough to stay
        memory = observe(memory, look(step * 5.0, "sad", 0.5), SETTINGS, network)
    assert memory.mood.state is SAD


def test_balance_divides_the_priors_out() -> None:
    """A network that says what it was trained on, whatever it sees, says nothing."""
    priors = (0.1, 0.01, 0.03, 0.3, 0.12, 0.12, 0.32)
    settings = MoodSettings(balance=1.0, dwell=0.0)
    memory = observe(begin(0.0), Observation(0.0, 1, priors), settings, Calibration(priors))
    assert memory.mood.probabilities == pytest.approx([1 / 7] * 7, abs=1e-6)


def test_poor_looks_weigh_less() -> None:
    settings = MoodSettings(dwell=0.0, half_life=1000)
    memory = begin(0.0)
    clear, blurred = look(0.0, "happy"), look(1.0, "sad")
    memory = observe(memory, clear, settings)
    memory = observe(memory, Observation(1.0, 1, blurred.probabilities, quality=0.1), settings)
    assert memory.mood.state is HAPPY
    assert memory.mood.confidence > 0.7


looks = st.lists(
    st.one_of(
        st.none(),
        st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(
            lambda row: tuple(x / sum(row) for x in row)
        ),
    ),
    max_size=60,
)


@given(looks)
def test_any_sequence_keeps_its_promises(rows: list[tuple[float, ...] | None]) -> None:
    memory: MoodMemory = begin(0.0)
    changed_at = -100.0
    for step, row in enumerate(rows):
        now = step * INTERVAL
        before = memory.mood
        memory = observe(memory, Observation(now, 0 if row is None else 1, row), SETTINGS)
        mood = memory.mood
        assert 0.0 <= mood.confidence <= 1.0 + 1e-9
        if mood.probabilities is not None:
            assert sum(mood.probabilities) == pytest.approx(1.0)
        if mood.state is not before.state:
            assert mood.since == now
            if mood.state.is_emotion:  # never sooner than the dwell after the last change
                assert now - changed_at >= SETTINGS.dwell
                assert mood.confidence >= SETTINGS.enter
            changed_at = now
        if mood.state is AWAY:
            assert row is None
