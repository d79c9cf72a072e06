"""Any order of events: what the controller must never do, whatever happens to it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent import effects, events
from agent.core.controller import Controller
from agent.errors import CameraBusy, NoDevice, PlaylistGone
from agent.settings import MoodSettings, PolicySettings, Settings
from agent.types import (
    EMOTIONS,
    CameraState,
    Chooser,
    Happening,
    MoodState,
    Observation,
    Playback,
    Playlist,
    PlayState,
)
from agent.wording import SCREEN_SHARED
from tests.fakes.clock import FakeClock

PLAYLISTS = {
    MoodState.HAPPY: (Playlist("p:h1", "H1"), Playlist("p:h2", "H2")),
    MoodState.SAD: (Playlist("p:s", "S"),),
    MoodState.NEUTRAL: (Playlist("p:n", "N"),),
}
HASTY = MoodSettings(certainty=0.75, pace=0.05)
COOLDOWN = 60.0


class AnyDay(RuleBasedStateMachine):
    """Events as workers and users send them, in any order and at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.stopped: set[str] = set()
        policy = PolicySettings(timing="now", cooldown=COOLDOWN, start_when_silent=True)
        self.controller = Controller(Settings(policy=policy, mood=HASTY), self.clock)
        self.playback: Playback | None = None
        self.unasked: list[float] = []
        self.players = 0
        self.pending: Playlist | None = None
        self.plays_at_once = 0
        self.perform(self.controller.begin())
        self.send(events.PlayerChanged("player", PLAYLISTS))

    def send(self, event: events.Event) -> None:
        self.perform(self.controller.handle(event))

    def perform(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            if isinstance(effect, effects.Play):
                self.play(effect)

    def play(self, effect: effects.Play) -> None:
        assert "player" not in self.stopped, "to a player that gave up"
        self.pending = effect.playlist
        if effect.asked:
            return
        self.plays_at_once += 1
        playback = self.playback
        assert playback is not None
        assert not playback.paused_by_hand, "against a pause by hand"
        if playback.state is PlayState.PLAYING and playback.chosen_by is Chooser.USER:
            assert playback.chosen_since is not None
            age = self.clock.monotonic() - playback.chosen_since
            assert age >= 3600, "against a choice by hand"
        now = self.clock.monotonic()
        assert all(now - then >= COOLDOWN for then in self.unasked[-1:]), "within the cool-down"
        self.unasked.append(now)

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 700.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        self.plays_at_once = 0
        end = self.clock.monotonic() + seconds
        for _ in range(10_000):
            due = self.controller.deadline
            if due is None or due > end:
                break
            self.clock.advance(max(0.0, due - self.clock.monotonic()) + 1e-6)
            self.perform(self.controller.tick())
            self.plays_at_once = 0
        else:
            raise AssertionError("it ticks without end")
        self.clock.advance(max(0.0, end - self.clock.monotonic()))

    @rule(
        emotion=st.sampled_from([None, "happy", "sad", "neutral", "fear"]), looks=st.integers(1, 5)
    )
    def look(self, emotion: str | None, looks: int) -> None:
        for _ in range(looks):
            seen = None if emotion is None else tuple(float(e == emotion) for e in EMOTIONS)
            self.send(
                events.Observed(Observation(self.clock.monotonic(), int(seen is not None), seen))
            )
            self.clock.advance(5.0)
            self.plays_at_once = 0

    @rule(
        state=st.sampled_from(list(PlayState)),
        happening=st.sampled_from(list(Happening)),
        by=st.sampled_from(list(Chooser)),
        paused=st.booleans(),
        context=st.sampled_from([None, "x", "p:h1", "p:s"]),
    )
    def reading(
        self, state: PlayState, happening: Happening, by: Chooser, paused: bool, context: str | None
    ) -> None:
        now = self.clock.monotonic()
        by_hand = paused and state is PlayState.PAUSED
        self.playback = Playback(
            now, state, context=context, position=1.0, duration=200.0, chosen_by=by,
            chosen_since=now, paused_by_hand=by_hand,
        )  # fmt: skip
        self.send(events.PlaybackChanged(self.playback, happening))

    @precondition(lambda self: self.pending is not None)
    @rule()
    def started(self) -> None:
        assert self.pending is not None
        playlist, self.pending = self.pending, None
        now = self.clock.monotonic()
        self.playback = Playback(
            now, PlayState.PLAYING, context=playlist.uri, position=0.0, duration=200.0,
            chosen_by=Chooser.AGENT, chosen_since=now,
        )  # fmt: skip
        self.send(events.PlaylistStarted(playlist, self.playback))

    @precondition(lambda self: self.pending is not None)
    @rule(gone=st.booleans())
    def refused(self, gone: bool) -> None:
        playlist, self.pending = self.pending, None
        if gone:
            self.unasked = self.unasked[:-1]  # nothing was changed: the next may have its turn
        self.send(events.PlayerFailed(PlaylistGone("gone") if gone else NoDevice("none"), playlist))

    @rule(
        event=st.sampled_from(
            [
                events.PauseCamera(),
                events.ResumeCamera(),
                events.CameraChanged(CameraState.ON),
                events.CameraChanged(CameraState.OFF),
                events.CameraChanged(CameraState.BUSY, CameraBusy("busy")),
                events.CameraChanged(CameraState.LOST),
                events.SessionChanged("screen locked"),
                events.SessionChanged(None),
                events.SessionChanged(SCREEN_SHARED),
                events.TakeBreak(),
                events.TakeBreak(until_back=True),
                events.FollowFace(),
                events.SetMood(MoodState.HAPPY, 5.0, MoodState.SAD),
                events.NextTrack(),
                events.PlaylistBack(PLAYLISTS[MoodState.SAD][0]),
                events.TellWhy(),
                events.NotMyMood(),
                events.NotMyMood(MoodState.SAD),
                events.WorkerCrashed("watcher", ValueError(), gave_up=True),
                events.WorkerCrashed("player", ValueError(), gave_up=True),
                events.RestartWorkers(),
                events.ConsentWithdrawn(),
                events.ConsentGiven(),
                events.SetMood(MoodState.SAD, 5.0),
                events.SetMood(MoodState.FEAR, 5.0),
                events.BeginLesson(),
                events.ShowInLesson(MoodState.HAPPY),
                events.KeepLesson(),
                events.StopLesson(),
                events.PlayForMood(),
                events.NextPlaylist(),
                events.UndoSwitch(),
                events.PauseMusic(),
                events.ShowPreview(),
                events.PlayerRecovered(),
                events.PlayerFailed(NoDevice("none")),
                events.PlayerChanged("other", PLAYLISTS),
            ]
        )
    )
    def anything(self, event: events.Event) -> None:
        if isinstance(event, events.PlayerChanged):
            self.playback = None
            self.players += 1
            event = replace(event, name=f"player {self.players}")  # one of the same name goes on
        if isinstance(event, events.WorkerCrashed):
            self.stopped.add(event.worker)
        if isinstance(event, events.RestartWorkers | events.ResumeCamera):
            self.stopped.clear()
        self.send(event)

    @invariant()
    def one_thing_at_a_time(self) -> None:
        assert self.plays_at_once <= 3, "play commands without end"
        due = self.controller.deadline
        assert due is None or due > self.clock.monotonic() - 5000


AnyDay.TestCase.settings = hypothesis_settings(
    max_examples=200, stateful_step_count=40, deadline=None
)
TestAnyDay = AnyDay.TestCase
