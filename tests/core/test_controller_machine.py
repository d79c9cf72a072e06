"""Any order of events: what the controller must never do, whatever happens to it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, cast

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent import effects, events
from agent.core.controller import MUSIC_WISHES, Controller
from agent.desktop.tray.menu import Item, build_menu, tooltip
from agent.effects import Notification
from agent.errors import CameraBusy, NoDevice, Offline, PlaylistGone
from agent.settings import (
    MoodSettings,
    PolicySettings,
    Response,
    ResponseSettings,
    SessionSettings,
    Settings,
)
from agent.types import (
    EMOTIONS,
    CameraState,
    Chooser,
    Command,
    Happening,
    MoodState,
    NotificationKind,
    Observation,
    Playback,
    Playlist,
    PlayState,
    Promised,
    Sight,
)
from agent.web.page.context import PageContext
from agent.web.page.now import now_view
from agent.web.status_text import status_text
from agent.wording import (
    MOODS,
    SCREEN_SHARED,
    camera_line,
    follow_line,
    mood_line,
    mood_word,
    why_lines,
)
from tests.fakes.clock import FakeClock

PLAYLISTS = {
    MoodState.HAPPY: (Playlist("p:h1", "H1"), Playlist("p:h2", "H2")),
    MoodState.SAD: (Playlist("p:s", "S"),),
    MoodState.NEUTRAL: (Playlist("p:n", "N"),),
}
CLAIMS_TO_LOOK = (
    "You look", "you look ", "looks again", "looks now", "Looking for", "look:", "by my face",
    "by your face", "Camera: on", "Switching the camera on", "switches",
)  # fmt: skip
"""What nobody may say while no face can be seen."""
CLAIMS_TO_REST = (
    "not allowed", "paused until", "Camera paused", "Taking a break", "cannot be used", "is gone",
    "off for now", "Camera: off", "Not watching", "not watching", "what I said",
)  # fmt: skip
"""What nobody may say while one can."""
HASTY = MoodSettings(certainty=0.75, pace=0.05)
COOLDOWN = 60.0
DAY = Settings(
    policy=PolicySettings(timing="now", cooldown=COOLDOWN, start_when_silent=True), mood=HASTY
)


REFUSALS = (
    "There is nothing to undo",
    "This change is no longer the last",
    "There is no journey to end",
    "No music plays",
    "Nothing that you said or took back was in force",
)
MAY_BE_REFUSED = (events.UndoSwitch, events.EndJourney, events.NextTrack, events.FollowFace)


def offered(menu: Iterable[Item]) -> Iterator[Item]:
    """List all lines of a menu and its submenus."""
    for item in menu:
        yield item
        yield from offered(item.children)


class AnyDay(RuleBasedStateMachine):
    """Events as workers and users send them, in any order and at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.stopped: set[str] = set()
        self.promised = Promised()  # as it is stored
        self.settings = DAY
        self.controller = Controller(DAY, self.clock)
        self.playback: Playback | None = None
        self.unasked: list[float] = []
        self.players = 0
        self.pending: Playlist | None = None
        self.watch, self.camera = False, CameraState.OFF
        self.plays_at_once = 0
        self.pausing = False  # the pause is on its way to the player
        self.silence = False  # it was wished, and no music since
        self.perform(self.controller.begin())
        self.send(events.PlayerChanged("player", PLAYLISTS))

    @initialize(
        timing=st.sampled_from(["now", "track_end"]),
        start=st.booleans(),
        calls=st.booleans(),
        sad=st.sampled_from(["match", "lift", "leave alone"]),
    )
    def live_by(
        self, timing: Literal["now", "track_end"], start: bool, calls: bool, sad: Response
    ) -> None:
        """Take settings as somebody may have them."""
        policy = PolicySettings(timing=timing, cooldown=COOLDOWN, start_when_silent=start)
        self.settings = Settings(
            policy=policy,
            mood=HASTY,
            session=SessionSettings(pause_music_in_calls=calls),
            response=ResponseSettings(sad=sad),
        )
        self.send(events.SettingsChanged(self.settings))

    def send(self, event: events.Event) -> None:
        if isinstance(event, MUSIC_WISHES) and "player" not in self.stopped:
            self.silence = isinstance(event, events.PauseMusic)
        self.perform(self.controller.handle(event))

    def perform(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Play():
                    self.play(effect)
                case effects.WatchCamera(on):
                    self.watch = on
                case effects.KeepPromises(promised):
                    self.promised = promised
                case effects.PauseMusic():
                    self.pausing = True
                case effects.ResumeMusic():
                    assert not self.silence, "against a wish for silence"
                case _:
                    pass
        for effect in wanted:
            if isinstance(effect, effects.Notify):
                self.silence = self.silence or effect.notification.title == "Back to silence"
                self.hear(effect.notification)

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
            hands_off = self.controller._in_force.policy.hands_off_minutes  # none in the try-out
            assert age >= 60 * hands_off, "against a choice by hand"
        now = self.clock.monotonic()
        cooldown = self.controller._in_force.policy.cooldown  # shorter in the try-out
        assert all(now - then >= cooldown for then in self.unasked[-1:]), "within the cool-down"
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

    @precondition(lambda self: "player" not in self.stopped)
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
        by_users_hand = happening in (Happening.STARTED, Happening.RESUMED, Happening.USER_CHOSE)
        self.pausing = self.pausing and state is PlayState.PLAYING and not by_users_hand
        self.silence = self.silence and (state is not PlayState.PLAYING or self.pausing)
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
        playlist, self.pending, self.pausing = self.pending, None, False
        self.silence = False
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
                events.SessionChanged("the screen is locked"),
                events.SessionChanged(None),
                events.SessionChanged(SCREEN_SHARED),
                events.UserIsBack(),
                events.TakeBreak(),
                events.TryNow(180.0),
                events.TryNow(0.0),
                events.TakeBreak(until_back=True),
                events.FollowFace(),
                events.LetMusicChange(),
                events.SetMood(MoodState.HAPPY, 5.0, MoodState.SAD),
                events.NextTrack(),
                events.PlaylistBack(PLAYLISTS[MoodState.SAD][0]),
                events.TellWhy(),
                events.Looked(),
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
                events.BeginJourney(MoodState.HAPPY),
                events.BeginJourney(MoodState.HAPPY, MoodState.SAD),
                events.EndJourney(),
                events.UndoSwitch(),
                events.PauseMusic(),
                events.ShowPreview(),
                events.PlayerRecovered(),
                events.PlayerFailed(NoDevice("none")),
                *(
                    events.PlayerFailed(error, None, command)
                    for error in (NoDevice("none"), Offline("offline"))
                    for command in (Command.PAUSE, Command.RESUME, Command.NEXT)
                ),
                events.PlayerChanged("other", PLAYLISTS),
            ]
        )
    )
    def anything(self, event: events.Event) -> None:
        if isinstance(event, events.PlayerChanged):
            self.playback = self.pending = None
            self.players += 1
            event = replace(event, name=f"player {self.players}")  # one of the same name goes on
        if isinstance(event, events.CameraChanged):
            self.camera = event.state
        if isinstance(event, events.WorkerCrashed):
            self.stopped.add(event.worker)
        if isinstance(event, events.RestartWorkers | events.ResumeCamera):
            self.stopped.clear()
        self.send(event)

    @rule(minutes=st.sampled_from([1, 15, 60]), music=st.booleans())
    def rest_for(self, minutes: int, music: bool) -> None:
        until = self.clock.now() + timedelta(minutes=minutes)
        self.send(events.TakeBreak(until) if music else events.PauseCamera(until))

    @rule()
    def restart(self) -> None:
        """It ends, however that comes, and is started again: what was promised holds still."""
        self.perform(self.controller.tick())  # looks let time pass
        before = self.controller.snapshot
        self.stopped.clear()
        self.watch, self.camera = False, CameraState.OFF
        self.playback = self.pending = None
        self.pausing = self.silence = False
        self.unasked.clear()  # the cool-down ends with the run
        self.plays_at_once = 0
        self.controller = Controller(
            self.settings, self.clock, consent=before.consent, promised=self.promised
        )
        self.perform(self.controller.begin())
        self.send(events.PlayerChanged("player", PLAYLISTS))
        after = self.controller.snapshot
        assert (after.mood_until, after.left_alone_until) == (
            before.mood_until, before.left_alone_until,
        )  # fmt: skip
        assert after.mood.by_hand <= (after.mood_until is not None)
        if not before.until_back:
            assert (after.camera_paused, after.on_break, after.paused_until) == (
                before.camera_paused, before.on_break, before.paused_until,
            )  # fmt: skip
            longer = before.after_break
            kept = None if longer is not None and longer.until_back else longer
            assert after.after_break == kept
        assert not after.until_back

    @property
    def looks(self) -> bool:
        """Whether a face can be seen just now, by what was wanted of the watcher and came of it."""
        blind = self.camera in (CameraState.BUSY, CameraState.LOST)
        return self.watch and not blind and "watcher" not in self.stopped

    def hear(self, told: Notification) -> None:
        """Hold what is told to what is so; the reason of a change is of when it was decided."""
        snapshot = self.controller.snapshot
        left_alone = snapshot.left_alone_until is not None or snapshot.mood.by_hand
        assert left_alone or "leaves the music alone" not in told.body, told
        heard = snapshot.playback
        plays = heard is not None and heard.state is PlayState.PLAYING and not self.pausing
        for words in (told.title, told.body):
            assert not plays or "No music plays" not in words, told
        lines = [
            item.label for item in offered(build_menu(snapshot)) if item.event or item.children
        ]
        there = [*lines, *(label for label, _ in told.buttons)]
        for named in re.findall(r"(?<!\w)'([^']+)'(?!\w)", told.body):
            is_command = named.startswith("moodtray ")
            assert is_command or any(label.startswith(named) for label in there), (named, told)
        self.hold_to_its_word(told)
        if told.kind is NotificationKind.SWITCH:
            return
        for claim in CLAIMS_TO_LOOK:
            assert self.looks or claim == "you look " or claim not in told.body, told

    def hold_to_its_word(self, told: Notification) -> None:
        """Hold what is promised to what then comes of it."""
        body, snapshot = told.body, self.controller.snapshot
        until, heard = snapshot.paused_until, snapshot.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        if "Both come back" in body:
            back, done = self.then(events.ResumeCamera())
            assert back.snapshot.sight not in (Sight.PAUSED, Sight.NOT_ALLOWED), told
            assert plays or effects.ResumeMusic() in done, told
        if "so none goes on then" in body:
            assert effects.ResumeMusic() not in self.then(events.ResumeCamera())[1], told
        if "leads there when it goes on" in body and snapshot.on_break and not snapshot.held_off:
            assert plays or effects.ResumeMusic() in self.then(events.ResumeCamera())[1], told
        if "begins it" in body and self.pending is None and "player" not in self.stopped:
            _, done = self.then(events.PlayForMood())
            wish = effects.ResumeMusic if "'Resume music'" in body else effects.Play
            done += self.then(events.ResumeMusic())[1] if wish is effects.ResumeMusic else []
            assert any(isinstance(effect, effects.Play) for effect in done), told
            assert any(isinstance(effect, wish) for effect in done), told
        if "The camera comes back by itself then" in body:
            assert until is not None
            back, _ = self.then(seconds=(until - self.clock.now()).total_seconds() + 1.0)
            assert back.snapshot.sight not in (Sight.PAUSED, Sight.BREAK), told
        if "The music goes by that until" in body:
            assert snapshot.mood.by_hand, told
        alone = "leaves the music alone until" in body
        if alone or "The music is not touched meanwhile" in body:
            end = snapshot.left_alone_until or snapshot.mood_until if alone else until
            seconds = 3600.0 if end is None else (end - self.clock.now()).total_seconds() - 1.0
            _, done = self.then(seconds=seconds)
            assert not [e for e in done if isinstance(e, effects.Play) and not e.asked], told

    def then(
        self, event: events.Event | None = None, seconds: float = 0.0
    ) -> tuple[Controller, list[effects.Effect]]:
        """Tell what comes of an event, and of so many seconds after it, if nothing else happens."""
        after = copy.deepcopy(self.controller)
        clock = cast(FakeClock, after._clock)
        done = [] if event is None else after.handle(event)
        end = clock.monotonic() + seconds
        while (due := after.deadline) is not None and due <= end:
            clock.advance(max(0.0, due - clock.monotonic()) + 1e-6)
            done = [*done, *after.tick()]
        return after, list(done)

    def on_the_page(self, *parts: str) -> list[str]:
        """List what the page's area *Now* says in these parts."""
        context = SimpleNamespace(
            snapshot=lambda: self.controller.snapshot,
            clock=self.clock,
            settings_file=SimpleNamespace(path=Path("/there/is/none")),
        )
        view = now_view(cast(PageContext, context))
        return [str(view[part]) for part in parts]

    @invariant()
    def no_sentence_contradicts_the_camera(self) -> None:
        snapshot = self.controller.snapshot
        assert snapshot.sight.is_open == self.looks
        assert snapshot.sight is self.controller._camera.sight
        lines = [
            mood_line(snapshot),
            *self.on_the_page("headline", "detail", "follow", "resume", "problem", "dot", "face"),
            camera_line(snapshot, self.clock.now()),
            follow_line(snapshot),
            tooltip(snapshot),
            status_text(snapshot, self.clock).partition("Why:")[0],
        ]
        for line in lines:
            for claim in CLAIMS_TO_LOOK if not self.looks else CLAIMS_TO_REST:
                assert claim not in line, (snapshot.sight, line)
        why = "\n".join(why_lines(snapshot))
        for mood in MOODS:
            seen = self.looks and snapshot.mood.state is mood and not snapshot.mood.by_hand
            assert seen or f"you look {mood_word(mood)}" not in why, (snapshot.sight, why)

    @invariant()
    def no_reason_is_told_of_what_is_not_so(self) -> None:
        snapshot = self.controller.snapshot
        page = self.on_the_page("headline", "detail", "question", "why", "next", "blocked")
        told = "\n".join((*why_lines(snapshot), status_text(snapshot, self.clock), *page))
        heard = snapshot.playback
        for claim, is_so in {
            "the camera is paused": snapshot.camera_paused,
            "the camera is not allowed": not snapshot.consent,
            "the camera rests, since ": snapshot.held_off is not None,
            "the camera is gone": self.camera is CameraState.LOST,
            "the camera cannot be used": self.camera is CameraState.BUSY,
            "the part that looks has stopped": "watcher" in self.stopped,
            "you are taking a break": snapshot.on_break,
            "the screen is shared": SCREEN_SHARED in (snapshot.held_off, snapshot.music_rests),
            "another program uses": self.camera in (CameraState.BUSY, CameraState.LOST),
            "nothing plays": heard is not None and heard.state is not PlayState.PLAYING,
            "you paused the music": heard is not None and heard.paused_by_hand,
            "the music leads": snapshot.journey is not None,
            "Journey: ": snapshot.journey is not None,
            "leaves the music alone until": snapshot.left_alone_until is not None,
            "you say you feel": snapshot.mood.by_hand,
        }.items():
            assert is_so or claim not in told, (claim, told)
        now = [line for line in why_lines(snapshot) if line.startswith("Now: ")]
        past = ("Now: the camera was", "Now: the camera rested", "Now: you were", "Now: the screen")
        assert not any(line.startswith(past) and "is shared" not in line for line in now), now

    @rule()
    def what_the_menu_offers_is_to_be_had(self) -> None:
        """No line that can be clicked answers that there is nothing to do."""
        for item in offered(build_menu(self.controller.snapshot)):
            if not isinstance(item.event, MAY_BE_REFUSED) or "player" in self.stopped:
                continue
            for effect in copy.deepcopy(self.controller).handle(item.event):
                if isinstance(effect, effects.Notify):
                    assert effect.notification.title not in REFUSALS, (item.label, effect)

    @invariant()
    def one_thing_at_a_time(self) -> None:
        assert self.plays_at_once <= 3, "play commands without end"
        late = self.clock.monotonic() - 5000
        due = self.controller.deadline
        if due is not None and due <= late:  # by what has just happened: it is seen to at once
            after = copy.deepcopy(self.controller)
            after.tick()
            assert after.deadline is None or after.deadline > late


AnyDay.TestCase.settings = hypothesis_settings(
    max_examples=200, stateful_step_count=40, deadline=None
)
TestAnyDay = AnyDay.TestCase
