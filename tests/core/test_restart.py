"""What the user was promised for some time holds in the next run, and is told as it is then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent import effects, events
from agent.types import Chooser, MoodState, Playlist, PlayState, Promised, Term
from agent.wording import camera_line, follow_line, mood_line, music_line
from tests.core.test_controller import NOW
from tests.core.test_wishes import Story
from tests.fakes.clock import FakeClock

HOUR = 3600.0
A_WEEK = 7 * 24 * HOUR


class Run(Story):
    """One run of several, with what lies in the file in between."""

    def __init__(self, before: Run | None = None, after: float = 60.0, **kwargs: Any) -> None:
        """``after``: so many seconds later by the wall clock; the other one begins anew."""
        now = FakeClock().now() if before is None else before.clock.now()
        clock = FakeClock(now + timedelta(seconds=after))
        self.found = Promised() if before is None else before.stored
        super().__init__(NOW, clock=clock, promised=self.found, **kwargs)

    @property
    def stored(self) -> Promised:
        kept = self.all(effects.KeepPromises)
        return kept[-1].promised if kept else self.found

    @property
    def watches(self) -> bool:
        switched = [each.on for each in self.all(effects.WatchCamera)]
        return bool(switched) and switched[-1]

    @property
    def told(self) -> list[str]:
        told = [each.notification for each in self.all(effects.Notify)]
        return [f"{each.title}. {each.body}" for each in told]

    @property
    def lines(self) -> tuple[str, str]:
        snapshot = self.controller.snapshot
        return mood_line(snapshot), camera_line(snapshot, self.clock.now())

    def pause(self, seconds: float | None = None) -> None:
        self.send(events.PauseCamera(self.later(seconds)))

    def take_break(self, seconds: float | None = None, *, until_back: bool = False) -> None:
        self.send(events.TakeBreak(self.later(seconds), until_back))

    def later(self, seconds: float | None) -> Any:
        return None if seconds is None else self.clock.now() + timedelta(seconds=seconds)

    def hour(self, seconds: float) -> str:
        return f"{self.later(seconds):%H:%M}"


# --- pauses and breaks ----------------------------------------------------------------------------


def test_a_pause_without_end_lasts_until_it_is_resumed_however_often_it_is_started() -> None:
    run = Run()
    run.pause()
    for _start in range(3):
        run = Run(run, A_WEEK)
        assert not run.watches
        assert run.lines == ("Camera paused", "paused until you resume it")
        assert run.told == [
            "The camera is still paused. 'Resume camera' in the tray's menu, or 'moodtray resume', "
            "ends that."
        ]
    run.send(events.ResumeCamera())
    assert run.watches
    assert run.stored == Promised()
    run = Run(run)
    assert run.watches
    assert run.told == []


def test_a_pause_with_an_end_goes_on_until_then_and_ends_by_itself() -> None:
    run = Run()
    until = run.hour(HOUR)
    run.pause(HOUR)
    run = Run(run, 0.5 * HOUR)
    assert not run.watches
    assert run.lines == (f"Camera paused until {until}", f"paused until {until}")
    assert run.told == [
        f"The camera is still paused until {until}. It comes back by itself then. 'Resume camera' "
        "in the tray's menu, or 'moodtray resume', brings it back sooner."
    ]
    run.pass_time(0.5 * HOUR + 1)
    assert run.watches
    assert run.told[-1] == (
        "The camera is no longer paused. Moodtray switches the camera on again."
    )
    assert run.stored == Promised()


@pytest.mark.parametrize("music", [False, True])
def test_what_is_over_at_the_start_is_over(music: bool) -> None:
    run = Run()
    if music:
        run.take_break(HOUR)
    else:
        run.pause(HOUR)
    run = Run(run, HOUR)
    assert run.watches
    assert run.told == []
    assert run.stored == Promised()
    assert run.controller.snapshot.music_rests is None


def test_a_break_goes_on_for_camera_and_music_and_no_music_comes_back_by_itself() -> None:
    run = Run()
    run.music()
    until = run.hour(HOUR)
    run.take_break(HOUR)
    assert "Both come back by themselves then" in run.answer.body
    run = Run(run, 60)
    assert not run.watches
    assert run.lines == (f"Taking a break until {until}", f"paused until {until}")
    assert run.controller.snapshot.music_rests is not None
    assert run.told == [
        f"Your break goes on until {until}. It ends by itself then. 'I am back' in the tray's "
        "menu, or 'moodtray resume', ends it sooner. Moodtray was started anew: music that rested "
        "does not go on by itself."
    ]
    run.music(state=PlayState.PAUSED, context="p:happy")
    run.pass_time(HOUR)
    assert run.watches
    assert run.controller.snapshot.music_rests is None
    assert not run.all(effects.ResumeMusic)
    assert run.told[-1] == "The break is over. Moodtray switches the camera on again."


def test_its_notice_has_the_way_back_and_goes_with_it() -> None:
    run = Run()
    run.take_break()
    run = Run(run)
    assert run.told[0].startswith("Your break goes on until you say so. 'I am back' in the tray's")
    notice = run.all(effects.Notify)[0].notification
    run.press(notice, "I am back")
    assert run.watches
    assert effects.Withdraw(notice.kind) in run.effects
    assert run.stored == Promised()


def test_its_notice_goes_when_another_pause_takes_its_place() -> None:
    run = Run()
    run.take_break()
    run = Run(run)
    kind = run.all(effects.Notify)[0].notification.kind
    for pause in (events.PauseCamera(run.later(HOUR)), events.TakeBreak(run.later(60))):
        done = run.send(pause)
        assert effects.Withdraw(kind) in done
    run.pass_time(61)
    assert run.effects.count(effects.Withdraw(kind)) == 3, "the break's end leaves the pause"


def test_whoever_starts_it_is_back() -> None:
    run = Run()
    run.take_break(until_back=True)
    run = Run(run)
    assert run.watches
    assert run.told == []


def test_a_pause_of_the_camera_alone_outlasts_the_break_that_it_was_in() -> None:
    run = Run()
    run.pause()
    run.take_break(HOUR)
    run = Run(run)
    assert run.told[0].endswith("The camera stays off then, as it was.")
    assert run.lines[1].endswith("the camera alone until you resume it")
    run = Run(run, HOUR)
    assert run.lines == ("Camera paused", "paused until you resume it")
    assert run.controller.snapshot.music_rests is None

    run = Run()
    run.pause(2 * HOUR)
    run.take_break(until_back=True)
    run = Run(run)
    assert run.lines[0].startswith("Camera paused until")
    assert run.controller.snapshot.music_rests is None


def test_music_wished_with_the_start_ends_a_break_for_the_music_alone() -> None:
    run = Run()
    run.take_break(HOUR)
    run = Run(run, asked=True)
    assert not run.watches
    assert run.told[0].startswith("The camera is still paused until")
    assert run.controller.snapshot.music_rests is None
    assert run.all(effects.Play), "and there is music"


def test_a_run_that_is_told_to_look_at_nothing_looks_at_nothing() -> None:
    run = Run()
    run.pause(HOUR)
    run = Run(run, camera_paused=True)
    assert run.lines == ("Camera paused", "paused until you resume it")
    run.pass_time(2 * HOUR)
    assert not run.watches
    run = Run(run, camera_paused=True)
    run.take_break(HOUR)
    run = Run(run, camera_paused=True)
    assert run.lines[0].startswith("Taking a break until")
    run.pass_time(2 * HOUR)
    assert run.lines[0] == "Camera paused"


def test_without_permission_nothing_is_said_of_a_pause() -> None:
    run = Run()
    run.pause()
    run = Run(run, consent=False)
    assert run.told == []
    assert run.lines[0] == "The camera is not allowed"
    run.send(events.ConsentGiven())
    assert run.lines[0] == "Camera paused", "and it is not forgotten by that"


@pytest.mark.parametrize("seconds", [60.0, A_WEEK])
def test_a_clock_that_was_set_back_makes_no_break_longer(seconds: float) -> None:
    run = Run()
    run.take_break(HOUR)
    run = Run(run, -seconds)
    assert run.lines[0].endswith(f"until {run.hour(HOUR)}")
    for _start in range(2):  # from there on it is that one's time
        until = run.controller.snapshot.paused_until
        run = Run(run, 600.0)
        assert run.controller.snapshot.paused_until == until
    run.pass_time(HOUR)
    assert run.watches


@pytest.mark.parametrize("ahead", [-A_WEEK, -60.0])
def test_nor_while_it_runs(ahead: float) -> None:
    run = Run()
    run.take_break(HOUR)
    run.clock.set_wall(ahead)
    run.pass_time(HOUR - 1)
    assert not run.watches
    run.pass_time(2)
    assert run.watches


def test_a_clock_that_was_set_ahead_ends_it_at_the_time_that_was_told() -> None:
    run = Run()
    run.take_break(HOUR)
    run.clock.set_wall(0.5 * HOUR)
    run.pass_time(0.5 * HOUR - 1)
    assert not run.watches
    run.pass_time(2)
    assert run.watches


def test_what_was_promised_is_stored_before_it_is_said() -> None:
    run = Run()
    for event in (events.PauseCamera(), events.TakeBreak(run.later(HOUR)), events.ResumeCamera()):
        kinds = [type(effect) for effect in run.send(event)]
        assert kinds.index(effects.KeepPromises) < kinds.index(effects.Notify)
        assert kinds.index(effects.KeepPromises) < kinds.index(effects.Publish)


def test_nothing_is_written_while_nothing_new_is_promised() -> None:
    run = Run()
    run.pause(HOUR)
    run.send(events.SetMood(MoodState.HAPPY, 60.0))
    kept = len(run.all(effects.KeepPromises))
    assert kept == 2
    run.look("sad", 600)
    run.send(events.SessionChanged("the screen is locked"))
    run.send(events.Quit())
    assert len(run.all(effects.KeepPromises)) == kept
    assert run.all(effects.KeepPromises)[-1].promised == run.stored
    assert not Run(run).all(effects.KeepPromises)


# --- the user's own word, and music that is left alone --------------------------------------------


def test_what_was_said_of_the_mood_holds_until_then() -> None:
    run = Run()
    until = run.hour(HOUR)
    run.send(events.SetMood(MoodState.HAPPY, 60.0))
    run = Run(run, 0.5 * HOUR)
    assert run.lines[0] == f"You said you feel happy, until {until}"
    assert follow_line(run.controller.snapshot) == f"Go by my face again (else at {until})"
    assert run.watches
    run.music(context="p:sad", chosen_by=Chooser.AGENT)
    assert run.uris == ["p:happy"], "and the music goes by it"
    run.pass_time(0.5 * HOUR + 1)
    assert not run.controller.snapshot.mood.by_hand
    assert run.stored == Promised()
    assert not Run(run).controller.snapshot.mood.by_hand


@pytest.mark.parametrize("end", [events.FollowFace(), events.ForgetEverything()])
def test_a_word_that_is_taken_back_or_forgotten_is_not_said_again(end: events.Event) -> None:
    run = Run()
    run.pause()
    run.send(events.SetMood(MoodState.HAPPY, 60.0))
    run.send(end)
    assert run.stored.said is None
    run = Run(run)
    assert not run.controller.snapshot.mood.by_hand
    assert run.lines[0] == "Camera paused", "which nobody has ended"


def test_it_holds_also_while_nobody_is_found_and_ends_when_whoever_was_seen_has_left() -> None:
    run = Run()
    run.send(events.SetMood(MoodState.HAPPY, 60.0))
    run = Run(run)
    run.look(None, 300)
    assert run.controller.snapshot.mood.by_hand
    run.look("sad", 60)
    assert run.controller.snapshot.mood.by_hand
    run.look(None, 300)
    assert run.controller.snapshot.mood.state is MoodState.AWAY


def test_music_that_was_chosen_is_left_alone_until_other_is_wanted() -> None:
    run = Run()
    run.music()
    run.send(events.PlayPlaylist(Playlist("p:own", "Own")))
    run.started()
    until = run.controller.snapshot.left_alone_until
    assert until is not None
    run = Run(run)
    run.music()
    run.look("happy", 30)
    decision = run.controller.snapshot.decision
    assert decision is not None
    assert decision.reason == "you chose this music yourself"
    assert run.controller.snapshot.left_alone_until == until
    run = Run(run)
    run.music()
    run.look("happy")
    run.send(events.PlayForMood())
    assert run.controller.snapshot.left_alone_until is None
    assert run.stored == Promised()


def test_music_that_is_left_alone_after_an_undo_is_left_alone_by_the_next_run() -> None:
    run = Run()
    run.music()
    run.look("happy", 15)
    run.started()
    run.send(events.UndoSwitch())
    run.started()
    until = run.controller.snapshot.left_alone_until
    assert until is not None
    assert f"{until:%H:%M}" in run.answer.body
    run = Run(run, 600.0)
    run.music()
    assert run.controller.snapshot.left_alone_until == until
    assert music_line(run.controller.snapshot) == f"♪ X, left alone until {until:%H:%M}"
    run.look("happy", 30)
    assert run.uris == []
    decision = run.controller.snapshot.decision
    assert decision is not None
    assert decision.reason == "you took back a change"
    run.pass_time((until - run.clock.now()).total_seconds() + 1)
    run.look("happy", 30)
    assert run.uris == ["p:happy"]
    assert run.stored == Promised()


def test_a_term_without_end_has_none() -> None:
    now = FakeClock().now()
    term = Term(now, None)
    assert term.left(now - timedelta(days=9)) == term.left(now + timedelta(days=9)) == term
