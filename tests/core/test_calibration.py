"""A face is learned: the lesson as a machine, and in the running agent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import effects, events
from agent.core.calibration import BLIND, EVERY, LEAST, PATIENCE, SHOW_SECONDS, WAIT, Lesson
from agent.core.person import Person
from agent.types import EMOTIONS, CameraState, LessonStage, MoodState, Observation
from agent.wording import lesson_line, lesson_reading
from tests.core.test_controller import ControllerHarness

SAD_AT_REST = (0.05, 0.01, 0.01, 0.03, 0.6, 0.05, 0.25)
SMILES = (0.02, 0.01, 0.01, 0.5, 0.3, 0.06, 0.1)
HAPPY, SAD, NEUTRAL = (EMOTIONS.index(name) for name in ("happy", "sad", "neutral"))


def look(
    time: float,
    faces: int = 1,
    quality: float = 1.0,
    unclear: str = "",
    seen: tuple[float, ...] = SAD_AT_REST,
) -> Observation:
    return Observation(time, faces, seen if faces else None, quality, unclear)


def rested(seconds: float = 10.0) -> tuple[Lesson, float]:
    """A lesson after the face at rest, and the time."""
    lesson = Lesson(0.0, seconds=seconds)
    now = 0.0
    while lesson.stage is LessonStage.REST:
        lesson.look(look(now))
        now += EVERY
    return lesson, now


def test_a_face_that_looks_sad_at_rest_is_learned() -> None:
    lesson = Lesson(0.0, seconds=10.0)
    lesson.look(look(1.0))
    lesson.look(look(6.0))
    assert (lesson.view.stage, lesson.view.share) == (LessonStage.REST, 0.5)
    assert lesson_line(lesson.view) == "Look as you do when you work: 50 %"
    assert lesson_reading(lesson.view).startswith("now: sad (60 %), as learned: neutral (")
    lesson, now = rested()
    assert lesson.stage is LessonStage.READY
    lesson.show(MoodState.HAPPY, now)
    assert lesson_line(lesson.view) == "Now look happy"
    while lesson.stage is LessonStage.SHOW:
        lesson.look(look(now, seen=SMILES))
        now += EVERY
    plain, _ = rested()
    plain.keep()
    lesson.keep()
    assert lesson_line(lesson.view) == "Your face is learned"
    assert plain.person is not None
    assert lesson.person is not None
    assert plain.person.adjust(np.array(SAD_AT_REST))[0].argmax() == NEUTRAL
    smile = np.array(SMILES)
    before, after = plain.person.adjust(smile)[0], lesson.person.adjust(smile)[0]
    assert after[HAPPY] > before[HAPPY], "what was shown counts as well"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"faces": 0}, "No face"),
        ({"faces": 2}, "More than one person"),
        ({"quality": 0.0}, "More light"),
        ({"unclear": "turned away"}, "(turned away)"),
        ({"faces": 0, "unclear": "too dark to see"}, "too dark"),
    ],
)
def test_what_cannot_serve_is_said_at_once_and_nothing_is_kept(
    bad: dict[str, object], words: str
) -> None:
    lesson = Lesson(0.0)
    lesson.look(look(0.0))
    lesson.look(look(1.0, **bad))  # type: ignore[arg-type]
    assert words in lesson_line(lesson.view)
    assert not lesson.is_over
    lesson.look(look(1.0 + PATIENCE, **bad))  # type: ignore[arg-type]
    assert lesson.stage is LessonStage.FAILED
    assert words in lesson_line(lesson.view)
    assert "Nothing was stored" in lesson_line(lesson.view)
    lesson.keep()
    assert (lesson.person, lesson.rest) == (None, [])


def test_trouble_that_changes_its_name_is_trouble_all_the_same() -> None:
    """A face on the edge of the dark is found in one look and not in the next."""
    lesson = Lesson(0.0)
    now = 0.0
    while now <= PATIENCE:
        lesson.look(look(now, faces=0, unclear="too dark to see"))
        lesson.look(look(now + EVERY / 2, quality=0.0, unclear="too dark"))
        now += EVERY
    assert lesson.stage is LessonStage.FAILED


def test_a_glance_aside_is_no_trouble_and_too_few_looks_are_told() -> None:
    lesson = Lesson(0.0, seconds=5.0 * LEAST)
    for step in range(LEAST - 1):
        lesson.look(look(step * 5.0))
        lesson.look(look(step * 5.0 + 1.0, faces=0))
        lesson.look(look(step * 5.0 + 4.5))
        lesson.rest.pop()
    assert not lesson.is_over
    lesson.look(look(5.0 * LEAST, faces=0))
    assert "clear looks" in lesson_line(lesson.view)


def test_a_camera_that_gives_nothing_ends_it() -> None:
    lesson = Lesson(100.0)
    assert lesson.deadline == 100.0 + BLIND
    lesson.tick(100.0 + BLIND)
    assert "no picture" in lesson_line(lesson.view)


def test_what_was_asked_for_is_kept_though_nobody_presses_the_button() -> None:
    lesson, now = rested()
    assert "Keep it" in lesson_line(lesson.view)
    lesson.look(look(now, faces=0))
    lesson.look(look(now + 2 * PATIENCE, faces=0))
    assert lesson.stage is LessonStage.READY, "whoever has done their part may leave"
    lesson.tick(now + WAIT)
    assert lesson.stage is LessonStage.LEARNED


def test_it_shows_what_is_read_today_against_what_will_be() -> None:
    today = Person().learn([np.array(SMILES)])
    lesson = Lesson(0.0, before=today)
    lesson.look(look(0.0))
    view = lesson.view
    assert view.now is not None
    assert view.now[SAD] == pytest.approx(today.adjust(np.array(SAD_AT_REST))[0][SAD], abs=1e-3)
    assert view.then is not None
    assert np.argmax(view.then) == NEUTRAL


steps = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.integers(0, 2), st.floats(0.0, 1.0)),
        st.tuples(st.just("wait"), st.floats(0.1, 70.0), st.none()),
        st.tuples(st.sampled_from(["keep", "stop"]), st.none(), st.none()),
        st.tuples(st.just("show"), st.sampled_from([*MoodState]), st.none()),
    ),
    max_size=60,
)


@given(steps)
def test_it_always_ends_and_keeps_only_what_was_seen_well(
    told: list[tuple[str, object, object]],
) -> None:
    lesson, now, good = Lesson(0.0), 0.0, 0
    for what, first, second in told:
        over = lesson.is_over
        match what:
            case "look":
                assert isinstance(first, int)
                assert isinstance(second, float)
                lesson.look(look(now, first, second))
                good += first == 1 and second > 0.1
            case "wait":
                assert isinstance(first, float)
                now += first
                lesson.tick(now)
            case "show":
                assert isinstance(first, MoodState)
                lesson.show(first, now)
            case _:
                getattr(lesson, what)()
        assert lesson.is_over or not over, "what is over stays over"
        assert 0.0 <= lesson.view.share <= 1.0
    for _ in range(4):
        if (due := lesson.deadline) is not None:
            lesson.tick(due)
    assert lesson.is_over
    assert (lesson.person is not None) == (lesson.stage is LessonStage.LEARNED)
    assert lesson.person is None or good >= LEAST


# --- in the running agent -------------------------------------------------------------------


def watch(
    stage: ControllerHarness, seconds: float, seen: tuple[float, ...] = SAD_AT_REST, faces: int = 1
) -> None:
    end = stage.clock.monotonic() + seconds
    while stage.clock.monotonic() < end:
        stage.send(events.Observed(look(stage.clock.monotonic(), faces, seen=seen)))
        stage.pass_time(EVERY)


def lesson_of(stage: ControllerHarness) -> str:
    view = stage.controller.snapshot.lesson
    return "none" if view is None else view.stage.value


def test_the_agent_learns_while_nothing_else_happens() -> None:
    stage = ControllerHarness()
    stage.music()
    stage.look("neutral", 30)
    mood = stage.controller.snapshot.mood.state
    plays = len(stage.all(effects.Play))
    stage.send(events.BeginLesson(seconds=10.0))
    assert stage.all(effects.SetInterval)[-1] == effects.SetInterval(EVERY, everybody=True)
    watch(stage, 12.0)
    assert lesson_of(stage) == "ready"
    stage.send(events.ShowInLesson(MoodState.HAPPY))
    assert lesson_of(stage) == "show"
    watch(stage, SHOW_SECONDS + 1, SMILES)
    assert stage.controller.snapshot.mood.state is mood, "a face that poses tells no mood"
    assert len(stage.all(effects.Play)) == plays
    assert stage.all(effects.KeepPerson) == [], "nothing is stored before it is kept"
    stage.send(events.KeepLesson())
    (kept,) = stage.all(effects.KeepPerson)
    assert kept.numbers is not None
    assert kept.numbers["looks"] == 20
    snapshot = stage.controller.snapshot
    assert snapshot.own_face
    assert snapshot.answer is not None
    assert snapshot.answer.title == "Your face is learned"
    assert stage.all(effects.SetInterval)[-1].seconds > EVERY
    assert not stage.all(effects.SetInterval)[-1].everybody
    assert lesson_of(stage) == "learned"
    stage.pass_time(100.0)
    assert lesson_of(stage) == "none"
    watch(stage, 60.0)
    assert stage.controller.snapshot.mood.state is MoodState.NEUTRAL


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (events.PauseCamera(), "paused"),
        (events.SessionChanged("the screen is locked"), "the screen is locked"),
        (events.ConsentWithdrawn(), "not allowed"),
        (events.CameraChanged(CameraState.LOST), "no picture"),
        (events.WorkerCrashed("watcher", ValueError(), gave_up=True), "stopped"),
        (events.StopLesson(), "was stopped"),
    ],
)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_camera_that_may_not_look_is_named_at_once(
    event: events.Event, words: str, when: str
) -> None:
    stage = ControllerHarness()
    if when == "before" and not isinstance(event, events.StopLesson):
        stage.send(event)
    stage.send(events.BeginLesson())
    if when == "meanwhile" or isinstance(event, events.StopLesson):
        watch(stage, 20.0)
        stage.send(event)
    assert lesson_of(stage) == "failed"
    told = [effect.notification for effect in stage.all(effects.Notify)]
    (answer,) = [each for each in told if each.title == "Your face was not learned"]
    assert words in answer.body
    interrupted = when == "meanwhile" and not isinstance(event, events.StopLesson)
    assert answer.asked is not interrupted, "a pause has its own answer"
    assert stage.all(effects.KeepPerson) == []
    assert not stage.controller.snapshot.own_face
    stage.send(events.StopLesson())
    assert lesson_of(stage) == "none", "it can be put away"


def test_what_was_in_the_way_is_told_no_longer_than_it_is() -> None:
    """'The camera is paused' stood beside the live picture until the next lesson."""
    stage = ControllerHarness()
    stage.send(events.TakeBreak())
    stage.send(events.BeginLesson())
    view = stage.controller.snapshot.lesson
    assert view is not None
    assert view.trouble.startswith("You are taking a break. Begin again after it.")
    stage.pass_time(5.0)
    assert lesson_of(stage) == "failed"
    stage.send(events.ResumeCamera())
    assert lesson_of(stage) == "none"
    stage.send(events.PauseCamera())  # without a lesson it is in the way of none
    stage.send(events.ResumeCamera())
    stage.send(events.BeginLesson(seconds=5.0))
    watch(stage, 6.0, faces=2)
    stage.send(events.PauseCamera())
    stage.send(events.ResumeCamera())
    assert lesson_of(stage) == "failed", "that one failed by itself"


def test_two_persons_end_it_and_another_try_may_succeed() -> None:
    stage = ControllerHarness()
    stage.send(events.BeginLesson(seconds=5.0))
    watch(stage, 6.0, faces=2)
    assert lesson_of(stage) == "failed"
    stage.send(events.KeepLesson())
    stage.send(events.ShowInLesson(MoodState.HAPPY))
    assert lesson_of(stage) == "failed"
    assert stage.all(effects.KeepPerson) == []
    stage.send(events.BeginLesson(seconds=5.0))
    watch(stage, 6.0)
    stage.send(events.BeginLesson(seconds=5.0))
    assert lesson_of(stage) == "ready", "one at a time"
    stage.send(events.KeepLesson())
    assert len(stage.all(effects.KeepPerson)) == 1
