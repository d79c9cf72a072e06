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
from agent.types import EMOTION_STATES, EMOTIONS, Chooser, Happening, Mood, MoodState, PlayState
from agent.wording import why_lines
from tests.core.test_controller import ControllerHarness
from tests.core.test_mood_filter import NETWORK
from tests.fakes.clock import FakeClock

SAD, HAPPY, NEUTRAL = MoodState.SAD, MoodState.HAPPY, MoodState.NEUTRAL
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
    journeys.begin(SAD, HAPPY, SAD)
    guide, out = journeys.guide(seen(HAPPY), LIFT)
    assert guide is None
    assert out == [effects.KeepJourney(None)]


def test_the_goal_as_the_first_that_is_read_is_no_arrival() -> None:
    """Who wishes to be led from sad to happy, and looks happy, wishes it all the same."""
    journeys = Journeys(FakeClock())
    journeys.begin(SAD, HAPPY, MoodState.UNSURE)
    guide, _ = journeys.guide(seen(HAPPY), LIFT)
    assert guide is not None
    assert guide.play is SAD
    journeys.guide(seen(SAD), LIFT)
    guide, _ = journeys.guide(seen(HAPPY), LIFT)
    assert guide is None, "now they have arrived"


def over_at_its_goal(journeys: Journeys) -> None:
    """Led from sad to happy, and still sad."""
    journeys.begin(SAD, HAPPY, SAD)
    for _ in range(9):
        journeys.happened(Happening.TRACK_ENDED, SAD, LIFT)
    assert journeys.current is None


@pytest.mark.parametrize("taken_in_hand", [True, False])
@pytest.mark.parametrize("end", ["word", "face", "stop"])
def test_what_a_journey_leaves_behind_ends_with_a_wish(taken_in_hand: bool, end: str) -> None:
    """'I feel sad' left the happy music on, 'to which the music has led you'."""
    journeys, plain = Journeys(FakeClock()), ResponseSettings()
    if taken_in_hand:
        journeys.begin(SAD, HAPPY, SAD)
        journeys.taken_in_hand(SAD)
    else:
        over_at_its_goal(journeys)
    guide, _ = journeys.guide(seen(SAD), plain)
    assert guide is not None, "until then it stands"
    assert journeys.is_in_force
    match end:
        case "word":
            journeys.mood_told(SAD)
        case "face":
            journeys.follow_face()
        case _:
            journeys.stop(SAD)
    guide, _ = journeys.guide(seen(SAD), plain)
    assert guide is None or guide.play is SAD


def test_a_track_that_only_ends_in_the_old_music_is_none_of_the_step() -> None:
    journeys = Journeys(FakeClock())
    journeys.begin(SAD, HAPPY, SAD)
    one = ResponseSettings(sad="lift", tracks=1)
    journeys.happened(Happening.TRACK_ENDED, SAD, one, led=False)
    assert journeys.step is SAD
    journeys.happened(Happening.TRACK_ENDED, SAD, one)
    assert journeys.step is not SAD


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


def test_a_journey_of_yesterday_is_over() -> None:
    clock = FakeClock()
    (kept, _) = Journeys(clock).begin(SAD, HAPPY)
    assert isinstance(kept, effects.KeepJourney)
    clock.advance(5 * 3600.0)
    assert Journeys(clock, kept.numbers).current is not None
    clock.advance(12 * 3600.0)
    assert Journeys(clock, kept.numbers).current is None


@pytest.mark.parametrize(
    "stored",
    [
        {"steps": ["happy"], "step": 0, "tracks": 0, "at": 10**400},
        {"steps": ["happy"], "step": 0, "tracks": 0, "at": -(10**400)},
        {"steps": ["happy"], "step": 0, "tracks": 0, "at": float("nan")},
        {},
        {"steps": ["sad"], "step": 3, "tracks": 0},
        {"steps": ["merry"], "step": 0, "tracks": 0},
        {"steps": ["away"], "step": 0, "tracks": 0},
        {"steps": "sad", "step": 0, "tracks": 0},
        {"steps": [], "step": 0, "tracks": 0},
        {"steps": ["sad"], "step": 0, "tracks": 0, "at": "yesterday"},
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


def story(cooldown: float = 0.0, **response: str) -> ControllerHarness:
    settings = Settings(
        response=ResponseSettings.model_validate({"tracks": 1, **response}),
        policy=PolicySettings(timing="now", cooldown=cooldown),
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
    assert "from sad to happy, step 1 of 3" in harness.all(effects.RecordSwitch)[-1].decision.reason
    harness.music(Happening.TRACK_ENDED, context="p:sad", chosen_by=Chooser.AGENT)
    assert played(harness)[-1] == "p:neutral"
    harness.started()
    harness.music(Happening.TRACK_ENDED, context="p:neutral", chosen_by=Chooser.AGENT)
    assert played(harness)[-1] == "p:happy"
    harness.started()
    harness.look("sad", 60)
    assert played(harness)[-1] == "p:happy", "it does not fall back"


def test_a_journey_never_breaks_the_cooldown() -> None:
    harness = story(cooldown=120.0, sad="lift")
    harness.look("sad", 90)
    harness.started()
    assert played(harness) == ["p:sad"]
    harness.music(Happening.TRACK_ENDED, context="p:sad", chosen_by=Chooser.AGENT)
    view = harness.controller.snapshot.journey
    assert view is not None
    assert view.step == 2, "one track a step"
    assert played(harness) == ["p:sad"], "within two minutes nothing is changed"
    harness.look("sad", 125)
    assert played(harness) == ["p:sad", "p:neutral"]


def test_a_journey_never_breaks_the_hand() -> None:
    harness = story(sad="lift")
    harness.look("sad", 60)
    harness.started()
    before = played(harness)
    harness.music(Happening.USER_CHOSE, context="mine", chosen_by=Chooser.USER)
    harness.look("sad", 120)
    assert played(harness) == before
    assert harness.controller.snapshot.journey is None


def test_a_word_for_a_mood_that_changes_nothing_promises_no_music() -> None:
    harness = story(happy="leave alone")
    harness.music(context="p:sad")
    harness.send(events.SetMood(HAPPY))
    told = harness.all(effects.Notify)[-1].notification.body
    until = harness.controller.snapshot.mood_until
    assert until is not None
    alone = "By your settings the music is left alone while you are happy."
    assert told == f"That holds until {until:%H:%M}. {alone}"


@pytest.mark.parametrize("unsure", [False, True])
def test_a_journey_by_the_settings_is_ended_while_its_mood_lasts(unsure: bool) -> None:
    harness = story(sad="lift")
    harness.look("sad", 60)
    harness.started()
    assert harness.controller.snapshot.journey is not None
    if unsure:
        harness.send(events.PauseCamera())
    harness.send(events.EndJourney())
    harness.send(events.ResumeCamera())
    harness.look("sad", 60)
    assert harness.controller.snapshot.journey is None
    assert played(harness)[-1] == "p:sad", "the music goes by the mood"
    assert "the music led from sad to happy" in why_lines(harness.controller.snapshot)[0]
    harness.look("neutral", 120)
    harness.look("sad", 120)
    assert harness.controller.snapshot.journey is not None, "it answers the mood anew"


def test_a_wished_journey_sets_out_and_ends_when_asked() -> None:
    harness = story()
    harness.look("sad", 60)
    harness.send(events.BeginJourney(HAPPY))
    view = harness.controller.snapshot.journey
    assert view is not None
    assert (view.start, view.goal, view.steps) == (SAD, HAPPY, 3)
    harness.send(events.EndJourney())
    assert harness.controller.snapshot.journey is None


def test_music_that_is_asked_for_on_a_journey_is_that_of_its_step() -> None:
    """Though the mood is not known yet."""
    harness = story()
    harness.music(state=PlayState.STOPPED)
    harness.send(events.BeginJourney(HAPPY, SAD))
    assert played(harness) == [], "silence stays"
    harness.send(events.PlayForMood())
    assert played(harness) == ["p:sad"]


def test_a_wished_journey_changes_other_music_at_once() -> None:
    """Though the mood is not known, and the change before was a moment ago; it can be undone."""
    harness = story(cooldown=120.0)
    harness.send(events.SetMood(MoodState.ANGRY))
    harness.started()
    harness.send(events.FollowFace())
    harness.send(events.BeginJourney(HAPPY, SAD))
    assert played(harness) == ["p:angry", "p:sad"]
    harness.started()
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert "The music leads from sad to happy, step 1 of 3" in answer.body.replace("the m", "The m")
    harness.send(events.UndoSwitch())
    assert played(harness) == ["p:angry", "p:sad", "p:angry"]
    assert harness.controller.snapshot.journey is None


def test_a_word_on_the_mood_moves_the_journeys_beginning() -> None:
    harness = story()
    harness.send(events.BeginJourney(HAPPY, MoodState.NEUTRAL))
    harness.started()
    harness.send(events.SetMood(SAD))
    assert played(harness) == ["p:neutral", "p:sad"], "the music follows at once"
    view = harness.controller.snapshot.journey
    assert view is not None
    assert (view.start, view.goal, view.step) == (SAD, HAPPY, 1)
    harness.send(events.SetMood(HAPPY))
    assert harness.controller.snapshot.journey is None, "arrived"


def test_a_word_on_the_mood_ends_a_journey_that_the_settings_began() -> None:
    harness = story(sad="lift")
    harness.look("sad", 60)
    harness.started()
    harness.send(events.SetMood(MoodState.ANGRY))
    assert harness.controller.snapshot.journey is None
    assert played(harness)[-1] == "p:angry"


def test_nobody_is_led_to_where_they_are() -> None:
    harness = story()
    harness.look("happy", 60)
    harness.started()
    harness.send(events.BeginJourney(HAPPY))
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert answer.title == "You look happy already"
    assert harness.controller.snapshot.journey is None


def test_who_is_happy_already_and_hears_sad_music_is_given_happy_music() -> None:
    harness = story(cooldown=3600.0)
    harness.look("sad", 60)
    harness.started()
    harness.look("happy", 60)
    assert played(harness)[-1] == "p:sad", "it was changed a moment ago"
    harness.send(events.BeginJourney(HAPPY))
    assert played(harness)[-1] == "p:happy"
    assert harness.controller.snapshot.journey is None


def test_an_undo_on_a_journey_tells_that_it_is_over() -> None:
    harness = story()
    harness.look("sad", 60)
    harness.started()
    harness.send(events.BeginJourney(HAPPY, NEUTRAL))
    harness.started()
    harness.send(events.UndoSwitch())
    harness.started()
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert answer.title.startswith("Back to")
    assert "The journey is over." in answer.body
    assert harness.controller.snapshot.journey is None


def test_who_sits_there_again_can_say_so() -> None:
    harness = story()
    harness.send(events.LearnFace(Person().learn([np.array([1 / 7] * 7)] * 2).as_numbers()))
    harness.send(events.NotMe())
    assert harness.controller.snapshot.guest
    harness.send(events.NotMe(gone=True))
    assert not harness.controller.snapshot.guest
    assert harness.controller.snapshot.own_face
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert answer.title == "It is you again"


def test_who_says_where_they_begin_is_not_there_by_what_is_read() -> None:
    harness = story()
    harness.look("happy", 60)
    harness.started()
    harness.send(events.BeginJourney(HAPPY, SAD))
    assert played(harness) == ["p:happy", "p:sad"]
    harness.started()
    harness.look("happy", 20)
    assert harness.controller.snapshot.journey is not None
    harness.look("neutral", 180)
    harness.look("happy", 180)
    assert harness.controller.snapshot.journey is None, "arrived"


def test_a_journey_into_silence_says_how_to_begin() -> None:
    harness = story()
    harness.send(events.BeginJourney(HAPPY))
    harness.started()
    harness.send(events.BeginJourney(HAPPY, MoodState.NEUTRAL))  # which plays
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert "Play for my mood" not in answer.body
    harness.music(state=PlayState.STOPPED)
    harness.send(events.BeginJourney(HAPPY))
    answer = harness.controller.snapshot.answer
    assert answer is not None
    assert "'Play for my mood' begins it" in answer.body


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
    """A network that knows its own answers: a face that looks sad for hours is a face like that."""
    harness = ControllerHarness(calibration=NETWORK)
    harness.look("sad", 2500)
    shifts = []
    for kept in harness.all(effects.KeepPerson):
        assert kept.numbers is not None
        shift = kept.numbers["shift"]
        assert isinstance(shift, list)
        shifts.append(shift[EMOTIONS.index("sad")])
    assert len(shifts) == 4, "one small step every ten minutes"
    assert shifts == sorted(shifts, reverse=True)
    assert -0.1 < shifts[-1] < shifts[0] < 0
