"""The one owner of state: events in, effects out, a snapshot after each.

It does no I/O and knows no thread: :meth:`Controller.handle` takes one event and returns what is to
be done; :meth:`Controller.tick` is called when :attr:`Controller.deadline` has come. So whole days
are tested as lists of events. ``agent.engine`` owns the queue and carries the effects out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from agent import effects as do
from agent import events as on
from agent import notices
from agent.core import mood as mood_filter
from agent.core.happened import visible
from agent.core.policy import Circumstances, decide, still_looking
from agent.errors import (
    AgentError,
    CameraBusy,
    NeedsLogin,
    Offline,
    PlayerError,
    PlaylistGone,
)
from agent.ports import Clock
from agent.settings import Settings
from agent.types import (
    Action,
    CameraState,
    Chooser,
    Decision,
    Happening,
    Mood,
    MoodState,
    Observation,
    Playback,
    Playlist,
    PlayState,
    Snapshot,
    Status,
)

COMMAND_PATIENCE = 20.0
"""Seconds after which a play command that was neither confirmed nor refused is forgotten."""
BUSY_PATIENCE = 60.0
"""Seconds a camera may be busy before the user is told."""
GONE_FOR = 3600.0
"""Seconds for which a playlist that was not found is not tried again."""
DENIED_FOR = 600.0
"""Seconds for which "not my mood" holds an emotion off."""
EARLY_SKIP = 60.0
"""A skip that soon after our switch is taken as feedback on it."""
REMEMBERED_STARTS = 50


class Controller:
    """See the module. One thread calls it: the controller's."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        consent: bool = True,
        asked: bool = False,
        camera_paused: bool = False,
        priors: Sequence[float] | None = None,
        autostart: bool | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._priors = priors
        now = clock.monotonic()
        # what is seen
        self._memory = mood_filter.begin(now)
        self._hand: tuple[Mood, float] | None = None  # "I feel ...", and until when
        self._denied: tuple[MoodState, float] | None = None  # "not my mood", and until when
        self._last_emotion: MoodState | None = None
        self._observation: Observation | None = None
        # the camera
        self._consent = consent
        self._camera = CameraState.OFF
        self._camera_wanted = False
        self._paused = camera_paused
        self._paused_until: datetime | None = None
        self._held_off: str | None = None
        self._busy_since: float | None = None
        self._busy_told = False
        self._on_battery = False
        # the music
        self._player = ""
        self._logged_in: bool | None = None
        self._playlists: Mapping[MoodState, tuple[Playlist, ...]] = {}
        self._playback: Playback | None = None
        self._player_error: PlayerError | None = None
        self._decision: Decision | None = None
        self._commanded: Decision | None = None  # a play command under way
        self._switch: Decision | None = None
        self._before_switch: Playback | None = None
        self._last_switch: float | None = None
        self._switch_before: float | None = None  # the one before that, should it come to nothing
        self._gone: dict[str, float] = {}  # playlists that could not be found, and when
        self._ran_out = False  # our own playlist came to its end, and silence followed
        self._hands_off_until: float | None = None
        self._asked_since: float | None = now if asked else None
        self._started: deque[str] = deque(maxlen=REMEMBERED_STARTS)
        self._waiting = False
        # the rest
        self._preview = False
        self._autostart = autostart
        self._gave_up: str | None = None
        self._camera_problem: str | None = None
        self._settings_problem: str | None = None
        self._told: set[type[AgentError]] = set()
        self._snapshot: Snapshot | None = None
        self._out: list[do.Effect] = []

    # -- for the app

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def consent(self) -> bool:
        """May the camera be used at all?"""
        return self._consent

    @property
    def snapshot(self) -> Snapshot:
        """The present picture of the whole."""
        return self._make_snapshot()

    def begin(self) -> list[do.Effect]:
        """The first effects, before any event."""
        self._out = []
        if not self._consent:
            self._out.append(do.AskConsent())
        self._steer_camera()
        return self._finish()

    def handle(self, event: on.Event) -> list[do.Effect]:
        """What is to be done about one event, in order."""
        self._out = []
        self._dispatch(event)
        self._steer_camera()
        return self._finish()

    def tick(self) -> list[do.Effect]:
        """Time has passed: end what has run out and look again."""
        self._out = []
        now = self._clock.monotonic()
        if self._paused_until is not None and self._clock.now() >= self._paused_until:
            self._paused, self._paused_until = False, None
        if self._hand is not None and now >= self._hand[1]:
            self._hand = None
            self._mood_changed()
        if self._denied is not None and now >= self._denied[1]:
            self._denied = None
        if (
            self._busy_since is not None
            and not self._busy_told
            and now - self._busy_since >= BUSY_PATIENCE
        ):
            self._busy_told = True
            if self._camera_problem:
                self._out.append(do.Notify(notices.camera_unavailable(self._camera_problem)))
        if self._commanded is not None and now - self._commanded.time >= COMMAND_PATIENCE:
            self._commanded = None
        self._decide()
        self._steer_camera()
        return self._finish()

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which :meth:`tick` has something to do; None: nothing is pending."""
        now = self._clock.monotonic()
        times: list[float] = []
        if self._paused_until is not None:
            times.append(now + max(0.0, (self._paused_until - self._clock.now()).total_seconds()))
        times += [until for _, until in filter(None, (self._hand, self._denied))]
        if self._busy_since is not None and not self._busy_told:
            times.append(self._busy_since + BUSY_PATIENCE)
        if self._commanded is not None:
            times.append(self._commanded.time + COMMAND_PATIENCE)
        if self._asked_since is not None:
            times.append(now + 1.0)
        if self._last_switch is not None:
            cooled = self._last_switch + self._settings.policy.cooldown
            if cooled > now:
                times.append(cooled)
        return min(times, default=None)

    # -- one method an event

    def _dispatch(self, event: on.Event) -> None:
        match event:
            case on.Observed(observation):
                self._observed(observation)
            case on.CameraChanged(state, error):
                self._camera_changed(state, error)
            case on.PlaybackChanged(playback, happening):
                self._playback_changed(playback, happening)
            case on.PlaylistStarted(playlist, playback):
                self._playlist_started(playlist, playback)
            case on.PlayerFailed(error, playlist):
                self._player_failed(error, playlist)
            case on.PlayerRecovered():
                self._player_well()
            case on.PlayerChanged(name, playlists, logged_in):
                self._player_changed(name, playlists, logged_in)
            case on.WorkerCrashed(worker, _, gave_up):
                if gave_up:
                    self._gave_up = worker
                    self._out.append(do.Notify(notices.worker_gave_up(worker)))
            case on.PreviewChanged(is_open):
                self._preview = is_open
                if not is_open:  # closed by its own button, or crashed: stop feeding it
                    self._out.append(do.SetPreview(False))
            case on.SessionChanged(reason):
                self._held_off = reason
            case on.PowerChanged(on_battery):
                self._on_battery = on_battery
                self._out.append(do.SetInterval(self._interval))
            case on.PauseCamera(until):
                self._paused, self._paused_until = True, until
            case on.ResumeCamera():
                self._paused, self._paused_until = False, None
            case on.PlayForMood():
                if self._commanded is None:  # else it is on its way: a double click is one wish
                    self._asked_since = self._clock.monotonic()
                    self._decide()
            case on.PauseMusic():
                self._asked_since = None
                self._out.append(do.PauseMusic())
            case on.ResumeMusic():
                self._out.append(do.ResumeMusic())
            case on.NextPlaylist():
                self._next_playlist()
            case on.SetMood(state, minutes):
                self._set_mood(state, minutes)
            case on.NotMyMood():
                self._not_my_mood()
            case on.UndoSwitch():
                self._undo()
            case on.ShowPreview(show, resume):
                self._show_preview(not self._preview if show is None else show, resume)
            case on.LogIn():
                self._out.append(do.StartLogin())
            case on.LogOut():
                self._out.append(do.EndLogin())
            case on.SetAutostart(enabled):
                self._out.append(do.SwitchAutostart(enabled))
            case on.AutostartChanged(enabled):
                self._autostart = enabled
            case on.SettingsBroken(error):
                self._settings_problem = error.message
                self._out.append(do.Notify(notices.trouble(error)))
            case on.SettingsChanged(settings):
                self._settings = settings
                self._settings_problem = None
                self._gone.clear()
                self._out += [do.SetInterval(self._interval), do.ApplySettings()]
                self._decide()
            case on.ConsentGiven():
                self._consent = True
            case on.ConsentWithdrawn():
                self._consent = False
            case on.Notice(title, message):
                self._out.append(do.Notify(notices.info(title, message)))
            case on.Quit():
                self._out.append(do.Shutdown())

    def _observed(self, observation: Observation) -> None:
        if not self._camera_wanted:
            return  # it was on its way when the camera was paused
        self._observation = observation
        before = self._mood
        self._out.append(do.Record(observation))
        self._memory = mood_filter.observe(
            self._memory, observation, self._settings.mood, self._priors
        )
        if self._mood.state is not before.state:
            self._mood_changed()
        self._decide()

    def _mood_changed(self) -> None:
        self._out.append(do.Record(self._mood))
        if self._mood.state.is_emotion:
            self._last_emotion = self._mood.state

    def _camera_changed(self, state: CameraState, error: AgentError | None) -> None:
        blind = self._busy_since
        self._camera = state
        if state in (CameraState.BUSY, CameraState.LOST):
            if self._busy_since is None:
                self._busy_since, self._busy_told = self._clock.monotonic(), False
            self._camera_problem = error.message if error else "The camera gives no picture"
            # Another program lets the camera go by itself; a wrong name does not come right.
            passing = state is CameraState.LOST or isinstance(error, CameraBusy)
            if error is not None and not passing and not self._busy_told:
                self._busy_told = True
                self._out.append(do.Notify(notices.trouble(error)))
        else:
            self._busy_since, self._busy_told = None, False
            self._camera_problem = None
            now = self._clock.monotonic()
            if blind is not None and now - blind > self._settings.mood.window:
                self._forget_mood()  # the old looks say nothing about now

    # -- music

    def _playback_changed(self, playback: Playback, happening: Happening) -> None:
        self._keep_playback(playback)
        if (
            happening is Happening.SKIPPED
            and self._switch is not None
            and self._clock.monotonic() - self._switch.time < EARLY_SKIP
            and self._switch.playlist is not None
        ):
            self._out.append(do.RecordFeedback("skip", self._switch.playlist.uri))
        if happening is Happening.CONTEXT_ENDED:
            self._ran_out = playback.chosen_by is Chooser.AGENT
        elif playback.state is not PlayState.STOPPED:
            self._ran_out = False
        if happening in (Happening.USER_CHOSE, Happening.PAUSED, Happening.STARTED):
            self._asked_since = None  # the user's hand is newer than the wish
            self._commanded = None  # and than a command under way
        self._decide(happening)

    def _keep_playback(self, playback: Playback) -> None:
        if self._playback is None or visible(self._playback) != visible(playback):
            self._out.append(do.Record(playback))
        self._playback = playback

    def _playlist_started(self, playlist: Playlist, playback: Playback) -> None:
        self._player_well()
        self._keep_playback(playback)
        done, self._commanded = self._commanded, None
        if done is not None and done.playlist == playlist:
            # The player knows the playlist's name; before it was started we may not have.
            known = Playlist(playlist.uri, playback.context_name or playlist.name)
            self._switch = replace(done, playlist=known)
            self._out += [
                do.RecordSwitch(self._switch),
                do.Notify(notices.switched(self._switch)),
            ]

    def _player_failed(self, error: AgentError, playlist: Playlist | None) -> None:
        if playlist is not None:
            self._commanded = None
        if isinstance(error, PlaylistGone) and playlist is not None:
            # Nothing was changed, so the next one may have its turn at once.
            self._gone[playlist.uri] = self._clock.monotonic()
            self._last_switch = self._switch_before
        if isinstance(error, NeedsLogin):
            self._logged_in = False
        if isinstance(error, PlayerError):
            self._player_error = error
        if type(error) not in self._told:  # once, until it was well again
            self._told.add(type(error))
            self._out.append(do.Notify(notices.trouble(error)))
        if isinstance(error, PlaylistGone):
            self._decide()

    def _player_well(self) -> None:
        self._player_error = None
        self._told.clear()

    def _player_changed(
        self,
        name: str,
        playlists: Mapping[MoodState, tuple[Playlist, ...]],
        logged_in: bool | None,
    ) -> None:
        if name != self._player:
            self._playback = self._before_switch = self._commanded = None
            self._ran_out = False
            self._player_well()
        self._player, self._playlists, self._logged_in = name, playlists, logged_in
        self._decide()

    def _decide(self, happening: Happening = Happening.NOTHING) -> None:
        """Ask the policy and act on its answer. Repeated equal answers are not recorded again."""
        if self._commanded is not None or not self._player:
            return  # a change is under way, or there is nobody to carry one out
        now = self._clock.monotonic()
        about = Circumstances(
            now=now,
            watching=self._watching,
            happening=happening,
            ran_out=self._ran_out,
            last_switch=self._last_switch,
            hands_off_until=self._hands_off_until,
            asked_since=self._asked_since,
            last_emotion=self._last_emotion,
            started=tuple(self._started),
        )
        mood = self._mood
        decision = decide(mood, self._playback, about, self._settings.policy, self._playable)
        if self._decision is None or _substance(decision) != _substance(self._decision):
            self._out.append(do.Record(decision))
        self._decision = decision
        if decision.action is Action.SWITCH_NOW:
            self._carry_out(decision, asked=self._asked_since is not None)
        elif self._asked_since is not None and not still_looking(mood, about):
            self._asked_since = None  # answered: there is nothing to play for it
            self._out.append(do.Notify(notices.nothing_to_play(decision.reason)))
        waiting = decision.action is Action.SWITCH_AT_END
        if waiting != self._waiting:
            self._waiting = waiting
            self._out.append(do.ExpectTrackEnd(waiting))

    @property
    def _playable(self) -> Mapping[MoodState, tuple[Playlist, ...]]:
        """The playlists without those that were not found of late."""
        now = self._clock.monotonic()
        gone = {uri for uri, since in self._gone.items() if now - since < GONE_FOR}
        return {
            mood: tuple(playlist for playlist in several if playlist.uri not in gone)
            for mood, several in self._playlists.items()
        }

    def _carry_out(self, decision: Decision, *, asked: bool) -> None:
        assert decision.playlist is not None
        self._commanded = decision
        self._asked_since = None
        self._hands_off_until = None
        self._switch_before, self._last_switch = self._last_switch, decision.time
        self._before_switch = self._playback
        self._started.append(decision.playlist.uri)
        self._out.append(do.Play(decision.playlist, asked))

    def _next_playlist(self) -> None:
        if self._commanded is not None:
            return  # a double click is one wish
        state = self._mood.state
        if not state.is_emotion:
            state = self._last_emotion or MoodState.NEUTRAL
        now = self._clock.monotonic()
        # As a request, so that the hand rules do not apply; the one that plays now goes last.
        if self._playback is not None and self._playback.context is not None:
            self._started.append(self._playback.context)
        decision = decide(
            Mood(state, now, 1.0, by_hand=True),
            self._playback,
            Circumstances(now=now, asked_since=now, started=tuple(self._started)),
            self._settings.policy,
            self._playable,
        )
        if decision.action is Action.SWITCH_NOW:
            self._decision = Decision(
                now, decision.action, state, decision.playlist, "you asked for another playlist"
            )
            self._out.append(do.Record(self._decision))
            self._carry_out(self._decision, asked=True)

    def _undo(self) -> None:
        before, switch = self._before_switch, self._switch
        if before is None or switch is None:
            return
        now = self._clock.monotonic()
        self._hands_off_until = now + self._settings.policy.hands_off_minutes * 60
        self._out.append(do.RecordFeedback("undo", switch.playlist.uri if switch.playlist else ""))
        if before.state is PlayState.PLAYING and before.context is not None:
            back = Playlist(before.context, before.context_name or before.context)
            self._out.append(do.Play(back, asked=True))
        else:
            self._out.append(do.PauseMusic())
        self._before_switch, self._switch = None, None

    # -- the user's word on the mood

    def _set_mood(self, state: MoodState, minutes: float) -> None:
        now = self._clock.monotonic()
        self._denied = None
        self._hand = (
            Mood(state, since=now, confidence=1.0, by_hand=True),
            now + minutes * 60,
        )
        self._out.append(do.RecordFeedback("set by hand", str(state)))
        self._mood_changed()
        self._decide()

    def _not_my_mood(self) -> None:
        denied = self._mood.state
        self._out.append(do.RecordFeedback("not my mood", str(denied)))
        self._hand = None
        self._last_emotion = None
        if denied.is_emotion:
            self._denied = (denied, self._clock.monotonic() + DENIED_FOR)
        self._forget_mood()
        self._decide()

    def _forget_mood(self) -> None:
        before = self._mood.state
        self._memory = mood_filter.begin(self._clock.monotonic())
        if self._mood.state is not before:
            self._mood_changed()

    # -- preview and camera

    def _show_preview(self, show: bool, resume: bool) -> None:
        if show and self._paused:
            if not resume and self._settings.preview.when_paused == "ask":
                self._out.append(do.Notify(notices.preview_while_paused()))
                return
            self._paused, self._paused_until = False, None
        self._out.append(do.SetPreview(show))

    def _steer_camera(self) -> None:
        wanted = self._consent and not self._paused and self._held_off is None
        if wanted != self._camera_wanted:
            self._camera_wanted = wanted
            if wanted:  # whoever sits there now, the old looks say nothing about them
                self._forget_mood()
            self._out.append(do.WatchCamera(wanted))
            self._decide()

    @property
    def _interval(self) -> float:
        camera = self._settings.camera
        return camera.interval_on_battery if self._on_battery else camera.interval

    # -- the picture of the whole

    @property
    def _problem(self) -> str | None:
        """The one that matters most of those that are open."""
        if self._gave_up is not None:
            return f"The {self._gave_up} stopped after repeated failures"
        player = None if self._player_error is None else self._player_error.message
        return self._camera_problem or player or self._settings_problem

    @property
    def _watching(self) -> bool:
        """Is the mood seen? Not while the camera is off, busy or lost."""
        blind = self._camera in (CameraState.BUSY, CameraState.LOST)
        return self._camera_wanted and not blind

    @property
    def _mood(self) -> Mood:
        seen = self._memory.mood
        gone = self._watching and seen.state is MoodState.AWAY
        if self._hand is not None and not gone:
            return self._hand[0]
        if self._denied is not None and seen.state is self._denied[0]:
            return replace(seen, state=MoodState.UNSURE)
        return seen

    @property
    def _status(self) -> Status:
        if self._gave_up is not None:
            return Status.ERROR
        if not self._camera_wanted:
            return Status.PAUSED
        if self._camera in (CameraState.BUSY, CameraState.LOST):
            return Status.CAMERA_BUSY
        if self._logged_in is False:
            return Status.NEEDS_LOGIN
        if isinstance(self._player_error, Offline):
            return Status.OFFLINE
        if self._observation is None and self._hand is None:
            return Status.STARTING
        if self._mood.state is MoodState.AWAY:
            return Status.AWAY
        if self._mood.state is MoodState.UNSURE:
            return Status.UNSURE
        return Status.WATCHING

    def _make_snapshot(self) -> Snapshot:
        return Snapshot(
            status=self._status,
            mood=self._mood,
            playback=self._playback,
            decision=self._decision,
            switch=self._switch,
            camera=self._camera,
            camera_paused=self._paused,
            paused_until=self._paused_until,
            held_off=self._held_off,
            preview_open=self._preview,
            player=self._player,
            logged_in=self._logged_in,
            autostart=self._autostart,
            problem=self._problem,
            observation=self._observation,
        )

    def _finish(self) -> list[do.Effect]:
        snapshot = self._make_snapshot()
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._out.append(do.Publish(snapshot))
        return self._out


def _substance(decision: Decision) -> tuple[object, ...]:
    return (decision.action, decision.mood, decision.playlist, decision.reason)
