"""Two axes for a mood."""

from __future__ import annotations

import pytest

from agent.core.circumplex import PLACES, Affect, affect
from agent.types import EMOTIONS, MoodState


def test_each_emotion_lies_in_its_quarter() -> None:
    happy, sad, angry = (PLACES[m] for m in (MoodState.HAPPY, MoodState.SAD, MoodState.ANGRY))
    assert happy.valence > 0.9
    assert sad.valence < 0 > sad.arousal
    assert angry.valence < 0 < angry.arousal
    assert PLACES[MoodState.NEUTRAL] == Affect(0.0, 0.0)
    assert len(PLACES) == len(EMOTIONS)


def test_the_place_of_a_mixture_lies_between() -> None:
    row = [0.0] * 7
    row[EMOTIONS.index("happy")] = row[EMOTIONS.index("neutral")] = 0.5
    place = affect(row)
    assert place is not None
    assert place.valence == pytest.approx(PLACES[MoodState.HAPPY].valence / 2)
    assert affect(None) is None


def test_distances() -> None:
    assert PLACES[MoodState.SAD].distance(PLACES[MoodState.HAPPY]) > 1.5
    assert PLACES[MoodState.SAD].distance(PLACES[MoodState.SAD]) == 0.0
