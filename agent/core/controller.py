"""The one owner of state: events in, effects out, a snapshot after each.

It does no I/O and knows no thread: :meth:`Controller.handle` takes one event and returns what is to
be done; :meth:`Controller.tick` is called when :attr:`Controller.deadline` has come. So whole days
are tested as lists of events. ``agent.app.engine`` owns the queue and carries the effects out.

The state lies in parts that know neither the controller nor each other: ``camera``, ``mood``,
``music`` and ``workers`` (those that gave up), all in this room. What passes from one to the other
passes through here; ``snapshot`` puts together what is shown of the whole.
"""

from __future__ import annotations

from typing import assert_never

from agent import effects, events
from agent.core import messages
from agent.core.camera import CameraControl
from agent.core.mood import MoodTracker
from agent.core.mood_filter import UNKNOWN, Calibration
from agent.core.music import MusicControl
from agent.core.person import STRANGER, Person
from agent.core.policy import Listener
from agent.core.snapshot import take_snapshot
from agent.core.workers import WorkerStates
from agent.errors import AgentError, PlaylistGone
from agent.ports import Clock
from agent.settings import Settings
from agent.types import CameraState, Happening, Mood, Observation, Snapshot

MUSIC_WISHES = (
    events.PlayForMood,
    events.NextPlaylist,
    events.PauseMusic,
    events.ResumeMusic,
    events.UndoSwitch,
)
"""What the user may want of the player."""


BLIND_FOR = 40.0
"""Seconds without a camera after which the old looks say nothing about now."""


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
        calibration: Calibration = UNKNOWN,
        autostart: bool | None = None,
        person: Person = STRANGER,
    ) -> None:
        self._settings = settings
        self._camera = CameraControl(clock, consent=consent, paused=camera_paused)
        self._mood_tracker = MoodTracker(clock, calibration, person)
        self._music = MusicControl(clock, asked=asked)
        self._preview = False
        self._autostart = autostart
        self._workers = WorkerStates()
        self._settings_problem: str | None = None
        self._snapshot: Snapshot | None = None
        self._interval = settings.camera.interval
        self._out: list[effects.Effect] = []

    # -- for the app

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._settings

    @property
    def consent(self) -> bool:
        """True when the camera may be used at all."""
        return self._camera.consent

    @property
    def snapshot(self) -> Snapshot:
        """The present picture of the whole."""
        return self._make_snapshot()

    def begin(self) -> list[effects.Effect]:
        """Return the first effects, before any event."""
        self._out = []
        if not self._camera.consent:
            self._out.append(effects.AskConsent())
        self._steer_camera()
        return self._finish()

    def handle(self, event: events.Event) -> list[effects.Effect]:
        """Take in one event; returns what is to be done about it, in order."""
        self._out = []
        self._dispatch(event)
        self._steer_camera()
        return self._finish()

    def tick(self) -> list[effects.Effect]:
        """Let time pass: end what has run out and look again."""
        self._out = [*self._mood_tracker.tick(self._camera.watching), *self._camera.tick()]
        self._music.tick()
        self._decide()
        self._steer_camera()
        return self._finish()

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which :meth:`tick` has something to do; None: nothing is pending."""
        music = self._music.deadlines(self._settings.policy)
        return min([*self._camera.deadlines, *self._mood_tracker.deadlines, *music], default=None)

    # -- one case an event

    def _dispatch(self, event: events.Event) -> None:
        if isinstance(event, MUSIC_WISHES) and self._workers.lacks("player"):
            self._out.append(effects.Notify(messages.worker_gave_up("player", asked=True)))
            return
        match event:
            case events.Observed(observation):
                self._observed(observation)
            case events.CameraChanged(state, error):
                self._camera_changed(state, error)
            case events.PlaybackChanged(playback, happening):
                self._out += self._music.playback_changed(playback, happening)
                self._decide(happening)
            case events.PlaylistStarted(playlist, playback):
                self._out += self._music.playlist_started(playlist, playback)
            case events.PlayDropped(playlist):
                self._music.dropped(playlist)
            case events.PlayerFailed(error, playlist):
                self._out += self._music.failed(error, playlist)
                if isinstance(error, PlaylistGone):
                    self._decide()
            case events.PlayerRecovered():
                self._music.recovered()
                self._decide()
            case events.PlayerChanged(name, playlists, logged_in):
                self._music.player_changed(name, playlists, logged_in)
                self._decide()
            case events.WorkerCrashed(worker, _, gave_up):
                if gave_up:
                    self._worker_gave_up(worker)
            case events.RestartWorkers():
                self._restart_workers()
            case events.PreviewChanged(is_open):
                self._preview = is_open
                if not is_open:  # closed by its own button, or crashed: stop feeding it
                    self._out.append(effects.SetPreview(False))
            case events.SessionChanged(reason):
                self._camera.held_off = reason
            case events.PowerChanged(on_battery):
                self._camera.on_battery = on_battery
                self._pace_looks()
            case events.PauseCamera(until):
                self._camera.pause(until)
            case events.ResumeCamera():
                self._camera.resume()
                self._restart_workers()
                if not self._camera.consent:
                    self._out.append(effects.Notify(messages.no_consent()))
            case events.PlayForMood():
                self._music.ask()
                self._decide()
            case events.PauseMusic():
                self._out += self._music.pause()
            case events.ResumeMusic():
                self._out.append(effects.ResumeMusic())
            case events.NextPlaylist():
                self._out += self._music.next_playlist(self._listener)
            case events.SetMood(state, minutes):
                self._out += self._mood_tracker.set_by_hand(
                    state, minutes, self._camera.watching, self._settings.mood
                )
                self._decide()
            case events.NotMyMood(shown):
                self._out += self._mood_tracker.deny(
                    shown, self._camera.watching, self._settings.mood
                )
                self._decide()
            case events.UndoSwitch(shown):
                self._out += self._music.undo(shown, self._settings.policy)
            case events.ShowPreview(show, resume):
                self._show_preview(not self._preview if show is None else show, resume)
            case events.LogIn():
                self._out.append(effects.StartLogin())
            case events.LogOut():
                self._out.append(effects.EndLogin())
            case events.SetAutostart(enabled):
                self._out.append(effects.SwitchAutostart(enabled))
            case events.AutostartChanged(enabled):
                self._autostart = enabled
            case events.SettingsBroken(error, asked):
                self._settings_problem = error.message
                self._out.append(effects.Notify(messages.trouble(error, asked)))
            case events.SettingsChanged(settings):
                self._settings = settings
                self._settings_problem = None
                self._music.try_all_again()
                self._pace_looks()
                self._out.append(effects.ApplySettings(settings))
                self._restart_workers()  # what made them fail may be mended
                self._decide()
            case events.AskForConsent():
                if not self._camera.consent:
                    self._out.append(effects.AskConsent())
            case events.ConsentGiven():
                self._camera.consent = True
            case events.ConsentWithdrawn():
                self._camera.consent = False
            case events.Notice(title, message, asked):
                self._out.append(effects.Notify(messages.info(title, message, asked)))
            case events.Quit():
                self._out.append(effects.Shutdown())
            case _:
                assert_never(event)

    # -- what concerns more than one part

    def _observed(self, observation: Observation) -> None:
        if not self._camera.wanted:
            return  # it was on its way when the camera was paused
        self._out += self._mood_tracker.observe(
            observation, self._settings.mood, self._camera.watching
        )
        self._pace_looks()
        self._decide()

    def _camera_changed(self, state: CameraState, error: AgentError | None) -> None:
        blind_for = self._camera.blind_for
        self._out += self._camera.camera_changed(state, error)
        if not self._camera.blind and blind_for > BLIND_FOR:
            self._forget_mood()  # the old looks say nothing about now

    def _steer_camera(self) -> None:
        steered = self._camera.steer()
        if not steered:
            return
        if self._camera.wanted:  # whoever sits there now, the old looks say nothing about them
            self._forget_mood()
        self._out += steered
        self._decide()

    def _forget_mood(self) -> None:
        self._out += self._mood_tracker.forget(self._camera.watching)

    def _worker_gave_up(self, worker: str) -> None:
        self._out += self._workers.gave_up(worker)
        if worker == "watcher":
            self._camera.gave_up = True
            self._forget_mood()  # it decides nothing any more
            self._decide()

    def _restart_workers(self) -> None:
        self._out += self._workers.restart()
        self._camera.gave_up = False

    def _decide(self, happening: Happening = Happening.NOTHING) -> None:
        if self._workers.lacks("player"):
            return  # nobody would carry it out
        self._out += self._music.decide(self._listener, self._settings.policy, happening)

    @property
    def _listener(self) -> Listener:
        return Listener(self._mood, self._camera.watching, self._mood_tracker.last_emotion)

    @property
    def _mood(self) -> Mood:
        return self._mood_tracker.mood(self._camera.watching)

    def _pace_looks(self) -> None:
        """Look again soon while the mood is open, late while it is sure."""
        usual = self._camera.interval(self._settings.camera)
        interval = round(usual * self._mood_tracker.pause, 3)
        if interval != self._interval:
            self._interval = interval
            self._out.append(effects.SetInterval(interval))

    def _show_preview(self, show: bool, resume: bool) -> None:
        if show and not self._camera.consent:
            self._out.append(effects.AskConsent())
            return
        if show and self._camera.paused:
            if not resume and self._settings.preview.when_paused == "ask":
                self._out.append(effects.Notify(messages.preview_while_paused()))
                return
            self._camera.resume()
        self._out.append(effects.SetPreview(show))

    # -- the picture of the whole

    def _make_snapshot(self) -> Snapshot:
        return take_snapshot(
            self._camera,
            self._mood_tracker,
            self._music,
            self._workers,
            preview_open=self._preview,
            autostart=self._autostart,
            settings_problem=self._settings_problem,
        )

    def _finish(self) -> list[effects.Effect]:
        snapshot = self._make_snapshot()
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._out.append(effects.Publish(snapshot))
        return self._out
