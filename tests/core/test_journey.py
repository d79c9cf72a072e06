"""Journeys of the music: they always end, and never against the user's hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import effects, events
from agent.core.journey import GOALS, Journeys, route
from agent.core.person import Person
from agent.settings import MoodSettings, PolicySettings, ResponseSettings, Settings
from agent.types import EMOTIONS, Chooser, Happening, Mood, MoodState
from tests.core.test_controller import ControllerHarness
from tests.fakes.clock import FakeClock

SAD, HAPPY, NEUTRAL = MoodState.SAD, MoodState.HAPPY, MoodState.NEUTRAL
EMOTION_STATES = [MoodState(name) for name in EMOTIONS]
LIFT = ResponseSettings(sad="lift", tracks=2, minutes=10)


def seen(state: MoodState) -> Mood:
    return Mood(state, 0.0, 0.9)


def test_the_way_leads_over_neutral_where_moods_lie_opposite() -> None:
    assert route(SAD, HAPPY) == (SAD, NEUTRAL, HAPPY)
    assert route(SAD, NEUTRAL) == (SAD, NEUTRAL)
    assert route(HAPPY, HAPPY) == (HAPPY,)
    assert route(MoodState.ANGRY, MoodState.FEAR) == (MoodState.ANGRY, MoodState.FEAR)


def test_lift_begins_where_the_listener_is_and_moves_on() -> None:
    journeys = Journeys(FakeClock())
    played = []
    for _ in range(7):
        guide, _ = journeys.guide(seen(SAD), LIFT)
        assert guide is not None
        played.append(guide.play)
        journeys.happened(Happening.TRACK_ENDED, SAD, LIFT)
    assert played == [SAD, SAD, NEUTRAL, NEUTRAL, HAPPY, HAPPY, HAPPY]
    guide, _ = journeys.guide(seen(SAD), LIFT)
    assert guide is not None
    assert (guide.play, journeys.current) == (HAPPY, None), "it stays where it has led"
    assert journeys.guide(seen(NEUTRAL), LIFT)[0] is None
    assert journeys.guide(seen(SAD), LIFT)[0] is not None, "another sad mood, another journey"
    assert journeys.current is not None


def test_a_step_ends_by_the_clock_too() -> None:
    clock = FakeClock()
    journeys = Journeys(clock)
    journeys.begin(SAD, HAPPY)
    assert journeys.deadline(LIFT) == clock.monotonic() + 600
    clock.advance(601)
    journeys.tick(SAD, LIFT)
    assert journeys.current is not None
    assert journeys.current.step == 1


def test_it_ends_early_when_the_mood_arrives() -> None:
    journeys = Journeys(FakeClock())
    journeys.begin(SAD, HAPPY)
    guide, out = journeys.guide(seen(HAPPY), LIFT)
    assert guide is None
    assert out == [effects.KeepJourney(None)]


@pytest.mark.parametrize("happening", [Happening.USER_CHOSE, Happening.PAUSED])
def test_it_stops_when_the_user_takes_the_music_in_hand(happening: Happening) -> None:
    journeys = Journeys(FakeClock())
    journeys.guide(seen(SAD), LIFT)
    journeys.happened(happening, SAD, LIFT)
    assert journeys.current is None
    guide, _ = journeys.guide(seen(SAD), LIFT)
    assert guide is not None
    assert guide.play is None, "the music is left alone while this mood lasts"


def test_moods_can_be_left_alone() -> None:
    guide, _ = Journeys(FakeClock()).guide(seen(SAD), ResponseSettings(sad="leave alone"))
    assert guide is not None
    assert guide.play is None
    assert "by your settings" in guide.words


def test_it_survives_a_restart() -> None:
    journeys = Journeys(FakeClock())
    kept = journeys.begin(SAD, HAPPY)
    kept += journeys.happened(Happening.TRACK_ENDED, SAD, LIFT)
    kept += journeys.happened(Happening.TRACK_ENDED, SAD, LIFT)
    last = [each for each in kept if isinstance(each, effects.KeepJourney)][-1]
    again = Journeys(FakeClock(), last.numbers)
    assert again.current is not None
    assert (again.current.step, again.current.goal) == (1, HAPPY)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"steps": ["sad"], "step": 3, "tracks": 0},
        {"steps": ["merry"], "step": 0, "tracks": 0},
        {"steps": ["away"], "step": 0, "tracks": 0},
        {"steps": "sad", "step": 0, "tracks": 0},
        {"steps": [], "step": 0, "tracks": 0},
    ],
)
def test_what_is_stored_wrongly_is_no_journey(stored: dict[str, object]) -> None:
    assert Journeys(FakeClock(), stored).current is None


facts = st.lists(
    st.one_of(
        st.sampled_from(list(Happening)),
        st.sampled_from([*EMOTION_STATES, MoodState.UNSURE, MoodState.AWAY]),
        st.floats(1.0, 900.0),
    ),
    max_size=40,
)


@given(
    st.sampled_from(EMOTION_STATES),
    st.sampled_from(EMOTION_STATES),
    facts,
    st.sampled_from(["match", *GOALS]),
)
def test_a_journey_always_ends(
    start: MoodState, goal: MoodState, happened: list[object], answer: str
) -> None:
    clock = FakeClock()
    response = ResponseSettings.model_validate({"sad": answer, "angry": answer, "tracks": 2})
    journeys = Journeys(clock)
    journeys.begin(start, goal)
    mood = start
    for fact in happened:
        if isinstance(fact, Happening):
            journeys.happened(fact, mood, response)
            if fact in (Happening.USER_CHOSE, Happening.PAUSED):
                assert journeys.current is None
        elif isinstance(fact, MoodState):
            mood = fact
            journeys.guide(seen(mood), response)
        elif isinstance(fact, float):
            clock.advance(fact)
            journeys.tick(mood, response)
    for _ in range(3 * 2):
        journeys.happened(Happening.TRACK_ENDED, mood, response)
    assert journeys.current is None


# -- through the controller


def story(**response: str) -> ControllerHarness:
    settings = Settings(
        response=ResponseSettings.model_validate({"tracks": 1, **response}),
        policy=PolicySettings(timing="now", cooldown=0.0),
        mood=MoodSettings(),
    )
    harness = ControllerHarness(settings)
    harness.music()
    return harness


def played(harness: ControllerHarness) -> list[str]:
    return [each.playlist.uri for each in harness.all(effects.Play)]


def test_lifting_a_sad_mood_is_told_and_played() -> None:
    harness = story(sad="lift")
    harness.look("sad", 60)
    assert played(harness)[-1] == "p:sad"
    harness.started()
    assert harness.controller.snapshot.journey is not None
    assert "1 of 3: from sad towards happy" in harness.all(effects.RecordSwitch)[-1].decision.reason
    harness.music(Happening.TRACK_ENDED, context="p:sad", chosen_by=Chooser.AGENT)
    assert played(harness)[-1] == "p:neutral"
    harness.started()
    harness.music(Happening.TRACK_ENDED, context="p:neutral", chosen_by=Chooser.AGENT)
    assert played(harness)[-1] == "p:happy"
    harness.started()
    harness.look("sad", 60)
    assert played(harness)[-1] == "p:happy", "it does not fall back"


def test_a_journey_never_breaks_the_cooldown_or_the_hand() -> None:
    harness = story(sad="lift")
    harness.look("sad", 60)
    harness.started()
    before = played(harness)
    harness.music(Happening.USER_CHOSE, context="mine", chosen_by=Chooser.USER)
    harness.look("sad", 120)
    assert played(harness) == before
    assert harness.controller.snapshot.journey is None


def test_a_wished_journey_sets_out_and_ends_when_asked() -> None:
    harness = story()
    harness.look("sad", 60)
    harness.send(events.BeginJourney(HAPPY))
    view = harness.controller.snapshot.journey
    assert view is not None
    assert (view.start, view.goal, view.steps) == (SAD, HAPPY, 3)
    harness.send(events.EndJourney())
    assert harness.controller.snapshot.journey is None


def test_a_decision_keeps_what_it_rests_on() -> None:
    harness = story()
    harness.look("sad", 60)
    decision = harness.controller.snapshot.decision
    assert decision is not None
    found = decision.evidence
    assert found is not None
    assert found.probabilities[EMOTIONS.index("sad")] > found.threshold - 0.3
    assert found.runner_up not in (None, SAD)
    assert found.correction is None


def test_a_face_is_learned_forgotten_and_left_alone_by_guests() -> None:
    harness = story()
    resting = (0.05, 0.01, 0.01, 0.03, 0.6, 0.05, 0.25)
    learned = Person().learn([np.array(resting)] * 2)
    harness.send(events.LearnFace(learned.as_numbers()))
    assert harness.controller.snapshot.own_face
    (kept,) = harness.all(effects.KeepPerson)
    assert kept.numbers is not None
    harness.send(events.NotMe())
    assert not harness.controller.snapshot.own_face
    harness.look("sad", 10)
    harness.send(events.SetMood(NEUTRAL))
    assert len(harness.all(effects.KeepPerson)) == 1, "nothing is learned of a guest"
    harness.look(None, 60)
    assert harness.controller.snapshot.own_face, "they have left"
    harness.send(events.LearnFace(None))
    assert harness.all(effects.KeepPerson)[-1].numbers is None


def test_the_users_word_moves_the_persons_numbers() -> None:
    harness = story()
    harness.look("sad", 30)
    harness.send(events.SetMood(NEUTRAL))
    (kept,) = harness.all(effects.KeepPerson)
    assert kept.numbers is not None
    shift = kept.numbers["shift"]
    assert isinstance(shift, list)
    assert shift[EMOTIONS.index("neutral")] > 0 > shift[EMOTIONS.index("sad")]


def test_hours_of_looks_drift_slowly() -> None:
    harness = story()
    harness.look("sad", 1300)
    assert all(kept.numbers is not None for kept in harness.all(effects.KeepPerson))
