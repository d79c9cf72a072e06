"""The controller, told as lists of events; the clock is ours, nothing else is faked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import pytest

from agent import effects, events
from agent.core.controller import Controller
from agent.core.mood_filter import FITTED
from agent.errors import (
    CameraBusy,
    CameraNotFound,
    NeedsLogin,
    NoDevice,
    Offline,
    SettingsError,
)
from agent.settings import MoodSettings, PolicySettings, PreviewSettings, Settings
from agent.types import (
    EMOTIONS,
    Action,
    CameraState,
    Chooser,
    Decision,
    Happening,
    MoodState,
    NotificationKind,
    Observation,
    Playback,
    Playlist,
    PlayState,
    Status,
)
from agent.wording import mood_line
from tests.fakes.clock import FakeClock

PLAYLISTS = {
    MoodState(e): (Playlist(f"p:{e}", e.title()), Playlist(f"p:{e}2", f"{e.title()} 2"))
    for e in EMOTIONS
}
E = TypeVar("E")


HASTY = MoodSettings(certainty=0.75, pace=0.05)
"""A mood within some looks: what is tested here is what follows from it."""


class ControllerHarness:
    """A controller, its clock, and all effects so far."""

    def __init__(
        self, settings: Settings | None = None, *, clock: FakeClock | None = None, **kwargs: Any
    ) -> None:
        self.clock = clock or FakeClock()
        settings = (settings or Settings()).model_copy(update={"mood": HASTY})
        self.controller = Controller(settings, self.clock, **kwargs)
        self.effects: list[effects.Effect] = self.controller.begin()
        self.send(events.CameraChanged(CameraState.ON))
        self.send(events.PlayerChanged("test player", PLAYLISTS))

    def send(self, event: events.Event) -> list[effects.Effect]:
        new = self.controller.handle(event)
        self.effects += new
        return new

    def pass_time(self, seconds: float) -> None:
        """Let time pass, ticking as the app would."""
        end = self.clock.monotonic() + seconds
        while (due := self.controller.deadline) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()) + 1e-6)
            self.effects += self.controller.tick()
        self.clock.advance(max(0.0, end - self.clock.monotonic()))

    def look(self, emotion: str | None, seconds: float = 0.0) -> None:
        """One look, then another every 5 s for so many seconds."""
        for _ in range(1 + int(seconds // 5)):
            seen = (
                None if emotion is None else tuple(0.88 if e == emotion else 0.02 for e in EMOTIONS)
            )
            self.send(
                events.Observed(Observation(self.clock.monotonic(), int(seen is not None), seen))
            )
            self.pass_time(5.0)

    def music(
        self,
        happening: Happening = Happening.NOTHING,
        state: PlayState = PlayState.PLAYING,
        context: str | None = "x",
        chosen_by: Chooser = Chooser.UNKNOWN,
        paused_by_hand: bool = False,
    ) -> None:
        now = self.clock.monotonic()
        playback = Playback(
            now, state, context=context, context_name="X", track="t", position=5.0, duration=200.0,
            chosen_by=chosen_by, chosen_since=now, paused_by_hand=paused_by_hand,
        )  # fmt: skip
        self.send(events.PlaybackChanged(playback, happening))

    def started(self) -> None:
        """The player confirms the latest play command."""
        playlist = self.all(effects.Play)[-1].playlist
        now = self.clock.monotonic()
        self.send(
            events.PlaylistStarted(
                playlist,
                Playback(
                    now, PlayState.PLAYING, context=playlist.uri, context_name=playlist.name,
                    track="1", position=0.0, duration=200.0, chosen_by=Chooser.AGENT,
                    chosen_since=now,
                ),
            )
        )  # fmt: skip

    def all(self, kind: type[E]) -> list[E]:
        return [e for e in self.effects if isinstance(e, kind)]

    def notes(self, kind: NotificationKind) -> list[str]:
        return [
            n.notification.body for n in self.all(effects.Notify) if n.notification.kind is kind
        ]

    @property
    def status(self) -> Status:
        return self.controller.snapshot.status


NOW = Settings(policy=PolicySettings(timing="now"))


def test_the_whole_loop_waits_for_the_end_of_the_track() -> None:
    harness = ControllerHarness()
    harness.music()
    harness.look("happy", 20)
    assert harness.status is Status.WATCHING
    assert harness.all(effects.Play) == []
    assert harness.all(effects.ExpectTrackEnd) == [effects.ExpectTrackEnd(True)]
    harness.music(Happening.TRACK_ENDED)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy"]
    harness.started()
    assert len(harness.notes(NotificationKind.SWITCH)) == 1
    assert "You look happy" in harness.notes(NotificationKind.SWITCH)[0]
    switch = harness.controller.snapshot.switch
    assert switch is not None
    assert switch.action is Action.SWITCH_NOW


def test_cooldown_between_two_switches() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    harness.look("sad", 60)
    assert len(harness.all(effects.Play)) == 1
    harness.look("sad", 70)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "p:sad"]


def test_silence_stays_silence_until_asked() -> None:
    harness = ControllerHarness(NOW)
    harness.music(state=PlayState.STOPPED, context=None)
    harness.look("happy", 30)
    assert harness.all(effects.Play) == []
    harness.send(events.PlayForMood())
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy"]


def test_asked_at_start_waits_for_the_mood() -> None:
    harness = ControllerHarness(asked=True)
    harness.music(state=PlayState.STOPPED, context=None)
    harness.look("sad", 15)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:sad"]


def test_asked_and_no_mood_to_be_had_plays_something_calm() -> None:
    harness = ControllerHarness(asked=True)
    harness.music(state=PlayState.STOPPED, context=None)
    harness.pass_time(30)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:neutral"]


def test_a_pause_by_hand_ends_the_wish_for_music() -> None:
    harness = ControllerHarness(NOW)
    harness.send(events.PlayForMood())
    harness.music(Happening.PAUSED, PlayState.PAUSED, paused_by_hand=True)
    harness.look("happy", 60)
    assert harness.all(effects.Play) == []


def test_pausing_releases_the_camera_at_once_and_late_looks_are_ignored() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.send(events.PauseCamera())
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    assert harness.status is Status.PAUSED
    harness.look("happy", 30)
    assert harness.all(effects.Play) == []
    harness.send(events.ResumeCamera())
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(True)


def test_a_pause_with_an_end_ends() -> None:
    harness = ControllerHarness()
    harness.send(events.PauseCamera(until=harness.clock.now() + timedelta(minutes=15)))
    harness.pass_time(14 * 60)
    assert harness.status is Status.PAUSED
    harness.pass_time(61)
    assert harness.status is not Status.PAUSED
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(True)


def test_a_locked_screen_holds_the_camera_off_but_not_against_a_pause() -> None:
    harness = ControllerHarness()
    harness.send(events.SessionChanged("the screen is locked"))
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    assert harness.controller.snapshot.held_off == "the screen is locked"
    harness.send(events.PauseCamera())
    harness.send(events.SessionChanged(None))
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    harness.send(events.ResumeCamera())
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(True)


def test_without_consent_the_camera_stays_closed() -> None:
    harness = ControllerHarness(consent=False)
    assert harness.all(effects.AskConsent) == [effects.AskConsent()]
    assert harness.all(effects.WatchCamera) == []
    assert not harness.controller.snapshot.consent
    harness.send(events.ConsentGiven())
    assert harness.all(effects.WatchCamera) == [effects.WatchCamera(True)]
    assert harness.controller.snapshot.consent
    harness.send(events.ConsentWithdrawn())
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    assert not harness.controller.snapshot.consent


def test_the_question_can_be_asked_again_until_it_is_answered_with_yes() -> None:
    harness = ControllerHarness(consent=False)
    for number in (2, 3):
        harness.send(events.AskForConsent())
        assert len(harness.all(effects.AskConsent)) == number
    harness.send(events.ConsentGiven())
    harness.send(events.AskForConsent())
    assert len(harness.all(effects.AskConsent)) == 3


def test_resuming_without_consent_says_what_to_do_and_opens_nothing() -> None:
    harness = ControllerHarness(consent=False)
    harness.send(events.ResumeCamera())
    (note,) = [n.notification for n in harness.all(effects.Notify)]
    assert note.asked
    assert "moodtray consent" in note.body
    assert note.buttons == (("Allow the camera…", events.AskForConsent()),)
    assert harness.all(effects.WatchCamera) == []


def test_a_preview_without_consent_asks_for_it() -> None:
    harness = ControllerHarness(consent=False)
    harness.send(events.ShowPreview(True))
    assert len(harness.all(effects.AskConsent)) == 2
    assert harness.all(effects.SetPreview) == []


def test_a_busy_camera_is_shown_at_once_and_told_once_after_a_while() -> None:
    harness = ControllerHarness()
    harness.send(events.CameraChanged(CameraState.OFF))  # it has not looked yet
    harness.send(events.CameraChanged(CameraState.BUSY, CameraBusy("Another program has it.")))
    assert harness.status is Status.CAMERA_BUSY
    assert harness.notes(NotificationKind.CAMERA) == []
    harness.pass_time(61)
    harness.send(events.CameraChanged(CameraState.BUSY, CameraBusy("Another program has it.")))
    harness.pass_time(200)
    assert len(harness.notes(NotificationKind.CAMERA)) == 1
    harness.send(events.CameraChanged(CameraState.ON))
    assert harness.controller.snapshot.problem is None


def test_a_camera_that_a_call_takes_is_no_trouble() -> None:
    harness = ControllerHarness()
    harness.look("happy", 20)
    harness.send(events.CameraChanged(CameraState.BUSY, CameraBusy("Another program has it.")))
    harness.pass_time(200)
    snapshot = harness.controller.snapshot
    assert (harness.status, snapshot.problem) == (Status.PAUSED, None)
    assert mood_line(snapshot) == "Camera off: another program uses the camera"
    assert harness.notes(NotificationKind.CAMERA) == []
    harness.send(events.CameraChanged(CameraState.ON))
    assert harness.controller.snapshot.held_off is None


def test_a_camera_that_is_not_there_is_told_at_once_and_once() -> None:
    harness = ControllerHarness()
    for _ in range(3):
        harness.send(
            events.CameraChanged(CameraState.BUSY, CameraNotFound("There is no camera 7."))
        )
        harness.pass_time(100)
    assert harness.notes(NotificationKind.CAMERA) == ["There is no camera 7."]


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (NeedsLogin("Log in."), NotificationKind.LOGIN, Status.NEEDS_LOGIN),
        (NoDevice("Open Spotify."), NotificationKind.DEVICE, Status.WATCHING),
        (Offline("No network."), NotificationKind.PROBLEM, Status.OFFLINE),
    ],
)
def test_player_trouble_is_told_once_until_it_is_well(
    error: NeedsLogin | NoDevice | Offline, kind: NotificationKind, status: Status
) -> None:
    harness = ControllerHarness()
    harness.look("happy", 20)
    for _ in range(3):
        harness.send(events.PlayerFailed(error))
    assert len(harness.notes(kind)) == 1
    assert harness.status is status
    harness.send(events.PlayerRecovered())
    assert harness.controller.snapshot.problem is None
    harness.send(events.PlayerFailed(error))
    assert len(harness.notes(kind)) == 2


def test_a_failed_start_is_not_repeated_within_the_cooldown() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    (command,) = harness.all(effects.Play)
    harness.send(events.PlayerFailed(NoDevice("Open Spotify."), command.playlist))
    harness.look("happy", 60)
    assert len(harness.all(effects.Play)) == 1
    assert harness.controller.snapshot.switch is None


def test_i_feel_holds_for_a_while() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.send(events.SetMood(MoodState.SAD, minutes=10))
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:sad"]
    harness.started()
    harness.look("happy", 300)
    assert len(harness.all(effects.Play)) == 1
    assert harness.controller.snapshot.mood.by_hand
    harness.look("happy", 400)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:sad", "p:happy"]
    assert harness.all(effects.RecordFeedback)[0] == effects.RecordFeedback("set by hand", "sad")


def test_undo_brings_back_what_played_and_keeps_hands_off() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    harness.send(events.UndoSwitch())
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "x"]
    harness.started()
    harness.look("happy", 600)
    assert len(harness.all(effects.Play)) == 2
    assert effects.RecordFeedback("undo", "p:happy") in harness.all(effects.RecordFeedback)


def test_undo_on_an_old_notification_leaves_a_newer_switch_alone() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    (shown,) = [n.notification for n in harness.all(effects.Notify)]
    harness.send(events.NextPlaylist())
    harness.started()
    harness.send(dict(shown.buttons)["Undo"])
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "p:happy2"]
    newest = harness.all(effects.Notify)[-2].notification
    assert harness.all(effects.Notify)[-1].notification.title == "This change is no longer the last"
    harness.send(dict(newest.buttons)["Undo"])
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "p:happy2", "p:happy"]


def test_not_my_mood_forgets_the_estimate_and_takes_its_change_back() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    harness.send(events.NotMyMood())
    assert harness.controller.snapshot.mood.state is MoodState.UNSURE
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "x"]
    assert effects.RecordFeedback("not my mood", "happy") in harness.all(effects.RecordFeedback)


def test_not_my_mood_on_an_old_notification_denies_that_mood_alone() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    (shown,) = [n.notification for n in harness.all(effects.Notify)]
    pressed = dict(shown.buttons)["Not my mood"]
    assert pressed == events.NotMyMood(MoodState.HAPPY, harness.controller.snapshot.switch)
    harness.music(Happening.USER_CHOSE, chosen_by=Chooser.USER)
    harness.look("sad", 60)
    assert harness.controller.snapshot.mood.state is MoodState.SAD
    harness.send(events.NotMyMood(MoodState.HAPPY))
    assert harness.controller.snapshot.mood.state is MoodState.SAD, "nobody denied that"
    assert effects.RecordFeedback("not my mood", "happy") in harness.all(effects.RecordFeedback)
    harness.look("happy", 60)
    assert harness.controller.snapshot.mood.state is MoodState.UNSURE
    harness.look("happy", 600)
    assert harness.controller.snapshot.mood.state is MoodState.HAPPY, "denied for a while only"


def test_two_moods_can_be_denied() -> None:
    harness = ControllerHarness()
    harness.look("sad", 20)
    harness.send(events.NotMyMood())
    harness.send(events.NotMyMood(MoodState.HAPPY))
    for emotion in ("sad", "happy"):
        harness.look(emotion, 60)
        assert harness.controller.snapshot.mood.state is MoodState.UNSURE


def test_not_my_mood_leaves_another_mood_set_by_hand() -> None:
    harness = ControllerHarness()
    harness.send(events.SetMood(MoodState.SAD))
    harness.send(events.NotMyMood(MoodState.HAPPY))
    assert harness.controller.snapshot.mood.state is MoodState.SAD
    harness.send(events.NotMyMood(MoodState.SAD))
    assert not harness.controller.snapshot.mood.by_hand


def test_next_playlist_for_this_mood() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    harness.send(events.NextPlaylist())
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy", "p:happy2"]


def test_an_early_skip_is_feedback_a_late_one_is_not() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 15)
    harness.started()
    harness.music(Happening.SKIPPED, context="p:happy", chosen_by=Chooser.AGENT)
    assert effects.RecordFeedback("skip", "p:happy") in harness.all(effects.RecordFeedback)
    harness.pass_time(300)
    before = len(harness.all(effects.RecordFeedback))
    harness.music(Happening.SKIPPED, context="p:happy", chosen_by=Chooser.AGENT)
    assert len(harness.all(effects.RecordFeedback)) == before


def test_the_preview_follows_the_check_mark_and_its_own_close_button() -> None:
    harness = ControllerHarness()
    harness.send(events.ShowPreview())
    assert harness.all(effects.SetPreview) == [effects.SetPreview(True)]
    harness.send(events.PreviewChanged(True))
    assert harness.controller.snapshot.preview_open
    harness.send(events.PreviewChanged(False))
    assert not harness.controller.snapshot.preview_open
    assert harness.all(effects.SetPreview)[-1] == effects.SetPreview(False)


@pytest.mark.parametrize("pause", [events.PauseCamera(), events.TakeBreak()])
def test_the_way_to_the_preview_that_is_named_in_a_pause_leads_there(pause: events.Event) -> None:
    harness = ControllerHarness()
    harness.send(pause)
    harness.send(events.ShowPreview(True))
    assert effects.SetPreview(True) not in harness.effects
    assert effects.SetPreview(True) in harness.send(events.ResumeCamera())
    harness.send(events.ShowPreview(False))
    harness.send(pause)
    assert effects.SetPreview(True) not in harness.send(events.ResumeCamera()), "wished anew"


def test_the_preview_while_paused_asks_or_resumes_as_set() -> None:
    harness = ControllerHarness()
    harness.send(events.PauseCamera())
    harness.send(events.ShowPreview(True))
    assert harness.all(effects.SetPreview) == []
    (note,) = harness.notes(NotificationKind.CAMERA)
    assert "'Resume camera' in the tray's menu" in note
    harness = ControllerHarness()
    harness.send(events.TakeBreak())
    harness.send(events.ShowPreview(True))
    (note,) = harness.notes(NotificationKind.CAMERA)
    assert "'I am back' in the tray's menu" in note, "as the menu calls it then"
    harness = ControllerHarness(Settings(preview=PreviewSettings(when_paused="resume")))
    harness.send(events.PauseCamera())
    harness.send(events.ShowPreview(True))
    assert harness.all(effects.SetPreview) == [effects.SetPreview(True)]
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(True)


def gave_up(worker: str) -> events.WorkerCrashed:
    return events.WorkerCrashed(worker, RuntimeError("x"), gave_up=True)


@pytest.mark.parametrize(
    ("worker", "status", "words"),
    [
        ("watcher", Status.ERROR, "Looking through the camera stopped"),
        ("player", Status.ERROR_WATCHING, "Playing music stopped"),
        ("session", Status.WATCHING, "Noticing a locked screen stopped"),
        ("commands", Status.WATCHING, "Taking commands such as 'moodtray status' stopped"),
    ],
)
def test_a_worker_that_gave_up_is_told_and_an_error_only_when_needed(
    worker: str, status: Status, words: str
) -> None:
    harness = ControllerHarness()
    harness.look("happy", 20)
    for _ in range(3):
        harness.send(events.WorkerCrashed(worker, RuntimeError("x")))
    assert harness.status is Status.WATCHING
    assert harness.controller.snapshot.problem is None
    (first,) = harness.all(effects.Notify)
    assert "goes on by itself" in first.notification.body, "a defect is told once"
    harness.send(gave_up(worker))
    assert harness.status is status
    assert harness.controller.snapshot.stopped == (worker,)
    assert words in (harness.controller.snapshot.problem or "")
    _, note = [n.notification for n in harness.all(effects.Notify)]
    assert words in note.body
    assert note.buttons == (("Start again", events.RestartWorkers()),)


def test_a_watcher_that_gave_up_does_not_see() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("happy", 10)
    harness.send(events.CameraChanged(CameraState.OFF))
    harness.send(gave_up("watcher"))
    assert harness.controller.snapshot.camera is CameraState.OFF
    assert harness.controller.snapshot.mood.state is MoodState.UNSURE
    plays = len(harness.all(effects.Play))
    harness.pass_time(900)
    assert len(harness.all(effects.Play)) == plays
    decision = harness.controller.snapshot.decision
    assert decision is not None
    assert decision.mood is not MoodState.HAPPY
    harness.send(events.RestartWorkers())
    harness.look("sad", 20)
    assert harness.status is Status.WATCHING
    assert harness.controller.snapshot.mood.state is MoodState.SAD


@pytest.mark.parametrize(
    "event", [events.ResumeCamera(), events.RestartWorkers(), events.SettingsChanged(Settings())]
)
def test_the_error_state_can_be_left(event: events.Event) -> None:
    harness = ControllerHarness()
    harness.look("happy", 20)
    for worker in ("watcher", "session"):
        harness.send(gave_up(worker))
    wanted = harness.send(event)
    assert wanted.count(effects.RestartWorkers()) == 1
    applied = [n for n, effect in enumerate(wanted) if isinstance(effect, effects.ApplySettings)]
    if applied:  # the new ones are in force before they try again
        assert applied[0] < wanted.index(effects.RestartWorkers())
    assert harness.status is not Status.ERROR
    assert harness.controller.snapshot.problem is None
    assert harness.controller.snapshot.stopped == ()
    assert effects.RestartWorkers() not in harness.send(event), "all of them work"
    harness.send(gave_up("watcher"))
    assert harness.status is Status.ERROR


def test_starting_again_does_not_end_a_pause() -> None:
    harness = ControllerHarness()
    harness.send(events.PauseCamera())
    harness.send(gave_up("player"))
    harness.send(events.RestartWorkers())
    assert harness.status is Status.PAUSED
    assert harness.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)


def test_a_player_that_gave_up_gets_no_commands_but_the_user_an_answer() -> None:
    harness = ControllerHarness(NOW)
    harness.music()
    harness.look("sad", 0)
    harness.send(gave_up("player"))
    harness.look("happy", 60)
    assert harness.all(effects.Play) == []
    for wish in (
        events.PlayForMood(),
        events.NextPlaylist(),
        events.PauseMusic(),
        events.ResumeMusic(),
    ):
        (note,) = [e.notification for e in harness.send(wish) if isinstance(e, effects.Notify)]
        assert note.asked
        assert "Playing music stopped" in note.body
    assert not [
        e
        for e in harness.effects
        if isinstance(e, effects.Play | effects.PauseMusic | effects.ResumeMusic)
    ]
    harness.send(events.RestartWorkers())
    harness.look("happy", 10)
    assert [p.playlist.uri for p in harness.all(effects.Play)] == ["p:happy"]


@pytest.mark.parametrize("asked", [False, True])
def test_the_answer_to_a_wish_is_marked_as_that(asked: bool) -> None:
    harness = ControllerHarness()
    harness.send(events.Notice("Logged in", "Well.", asked))
    harness.send(events.SettingsBroken(SettingsError("The key dwel is unknown."), asked))
    assert [n.notification.asked for n in harness.all(effects.Notify)] == [asked, asked]


def test_equal_decisions_are_recorded_once() -> None:
    harness = ControllerHarness()
    harness.music()
    harness.look("happy", 120)
    decisions = [r.item for r in harness.all(effects.Record) if isinstance(r.item, Decision)]
    assert [d.action for d in decisions if d.mood is MoodState.HAPPY] == [Action.SWITCH_AT_END]


def test_it_looks_soon_while_the_mood_is_open_and_late_while_it_is_sure() -> None:
    harness = ControllerHarness()
    harness.look("happy")
    assert harness.all(effects.SetInterval)[-1].seconds < 5.0
    harness.look("happy", 60)
    assert harness.all(effects.SetInterval)[-1].seconds > 5.0
    harness.look(None, 60)
    assert harness.status is Status.AWAY
    assert harness.all(effects.SetInterval)[-1].seconds > 5.0
    harness.look("happy")
    assert harness.all(effects.SetInterval)[-1].seconds < 5.0


def test_on_battery_it_looks_less_often() -> None:
    """Half as often: the mood is open here."""
    harness = ControllerHarness()
    harness.send(events.PowerChanged(on_battery=True))
    assert harness.all(effects.SetInterval)[-1].seconds == pytest.approx(10.0 * FITTED.soon)
    harness.send(events.PowerChanged(on_battery=False))
    assert harness.all(effects.SetInterval)[-1].seconds == pytest.approx(5.0 * FITTED.soon)


def test_quit_shuts_down() -> None:
    harness = ControllerHarness()
    assert effects.Shutdown() in harness.send(events.Quit())
