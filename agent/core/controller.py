"""The one owner of state: events in, effects out, a snapshot after each.

It does no I/O and knows no thread: :meth:`Controller.handle` takes one event and returns what is to
be done; :meth:`Controller.tick` is called when :attr:`Controller.deadline` has come. So whole days
are tested as lists of events. ``agent.app.engine`` owns the queue and carries the effects out.

The state lies in parts that know neither the controller nor each other: the camera
(``agent.core.camera``), the mood (``agent.core.mood``), the music (``agent.core.music``), the workers that gave
up (``agent.core.workers``). What passes from one to the other passes through here; what is shown of the
whole is put together by ``agent.core.snapshot``.
"""

from __future__ import annotations

from agent import effects as do
from agent import events as on
from agent.core import messages as notices
from agent.core import snapshot as picture
from agent.core.camera import Eyes
from agent.core.mood import Impression
from agent.core.mood_filter import UNKNOWN, Calibration
from agent.core.music import Dj
from agent.core.policy import Listener
from agent.core.workers import Staff
from agent.errors import AgentError, PlaylistGone
from agent.ports import Clock
from agent.settings import Settings
from agent.types import CameraState, Happening, Mood, Observation, Snapshot

MUSIC_WISHES = (
    on.PlayForMood,
    on.NextPlaylist,
    on.PauseMusic,
    on.ResumeMusic,
    on.UndoSwitch,
)
"""What the user may want of the player."""


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
    ) -> None:
        self._settings = settings
        self._eyes = Eyes(clock, consent=consent, paused=camera_paused)
        self._impression = Impression(clock, calibration)
        self._dj = Dj(clock, asked=asked)
        self._preview = False
        self._autostart = autostart
        self._staff = Staff()
        self._settings_problem: str | None = None
        self._snapshot: Snapshot | None = None
        self._out: list[do.Effect] = []

    # -- for the app

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._settings

    @property
    def consent(self) -> bool:
        """May the camera be used at all?"""
        return self._eyes.consent

    @property
    def snapshot(self) -> Snapshot:
        """The present picture of the whole."""
        return self._make_snapshot()

    def begin(self) -> list[do.Effect]:
        """The first effects, before any event."""
        self._out = []
        if not self._eyes.consent:
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
        self._out = [*self._impression.tick(self._eyes.watching), *self._eyes.tick()]
        self._dj.tick()
        self._decide()
        self._steer_camera()
        return self._finish()

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which :meth:`tick` has something to do; None: nothing is pending."""
        music = self._dj.deadlines(self._settings.policy)
        return min([*self._eyes.deadlines, *self._impression.deadlines, *music], default=None)

    # -- one case an event

    def _dispatch(self, event: on.Event) -> None:
        if isinstance(event, MUSIC_WISHES) and self._staff.lacks("player"):
            self._out.append(do.Notify(notices.worker_gave_up("player", asked=True)))
            return
        match event:
            case on.Observed(observation):
                self._observed(observation)
            case on.CameraChanged(state, error):
                self._camera_changed(state, error)
            case on.PlaybackChanged(playback, happening):
                self._out += self._dj.playback_changed(playback, happening)
                self._decide(happening)
            case on.PlaylistStarted(playlist, playback):
                self._out += self._dj.playlist_started(playlist, playback)
            case on.PlayDropped(playlist):
                self._dj.dropped(playlist)
            case on.PlayerFailed(error, playlist):
                self._out += self._dj.failed(error, playlist)
                if isinstance(error, PlaylistGone):
                    self._decide()
            case on.PlayerRecovered():
                self._dj.recovered()
                self._decide()
            case on.PlayerChanged(name, playlists, logged_in):
                self._dj.player_changed(name, playlists, logged_in)
                self._decide()
            case on.WorkerCrashed(worker, _, gave_up):
                if gave_up:
                    self._worker_gave_up(worker)
            case on.RestartWorkers():
                self._restart_workers()
            case on.PreviewChanged(is_open):
                self._preview = is_open
                if not is_open:  # closed by its own button, or crashed: stop feeding it
                    self._out.append(do.SetPreview(False))
            case on.SessionChanged(reason):
                self._eyes.held_off = reason
            case on.PowerChanged(on_battery):
                self._eyes.on_battery = on_battery
                self._out.append(self._set_interval())
            case on.PauseCamera(until):
                self._eyes.pause(until)
            case on.ResumeCamera():
                self._eyes.resume()
                self._restart_workers()
                if not self._eyes.consent:
                    self._out.append(do.Notify(notices.no_consent()))
            case on.PlayForMood():
                self._dj.ask()
                self._decide()
            case on.PauseMusic():
                self._out += self._dj.pause()
            case on.ResumeMusic():
                self._out.append(do.ResumeMusic())
            case on.NextPlaylist():
                self._out += self._dj.next_playlist(self._listener)
            case on.SetMood(state, minutes):
                self._out += self._impression.set_by_hand(state, minutes, self._eyes.watching)
                self._decide()
            case on.NotMyMood(shown):
                self._out += self._impression.deny(shown, self._eyes.watching)
                self._decide()
            case on.UndoSwitch(shown):
                self._out += self._dj.undo(shown, self._settings.policy)
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
            case on.SettingsBroken(error, asked):
                self._settings_problem = error.message
                self._out.append(do.Notify(notices.trouble(error, asked)))
            case on.SettingsChanged(settings):
                self._settings = settings
                self._settings_problem = None
                self._dj.try_all_again()
                self._out += [self._set_interval(), do.ApplySettings()]
                self._restart_workers()  # what made them fail may be mended
                self._decide()
            case on.AskForConsent():
                if not self._eyes.consent:
                    self._out.append(do.AskConsent())
            case on.ConsentGiven():
                self._eyes.consent = True
            case on.ConsentWithdrawn():
                self._eyes.consent = False
            case on.Notice(title, message, asked):
                self._out.append(do.Notify(notices.info(title, message, asked)))
            case on.Quit():
                self._out.append(do.Shutdown())

    # -- what concerns more than one part

    def _observed(self, observation: Observation) -> None:
        if not self._eyes.wanted:
            return  # it was on its way when the camera was paused
        self._out += self._impression.observe(observation, self._settings.mood, self._eyes.watching)
        self._decide()

    def _camera_changed(self, state: CameraState, error: AgentError | None) -> None:
        blind_for = self._eyes.blind_for
        self._out += self._eyes.camera_changed(state, error)
        if not self._eyes.blind and blind_for > self._settings.mood.window:
            self._forget_mood()  # the old looks say nothing about now

    def _steer_camera(self) -> None:
        steered = self._eyes.steer()
        if not steered:
            return
        if self._eyes.wanted:  # whoever sits there now, the old looks say nothing about them
            self._forget_mood()
        self._out += steered
        self._decide()

    def _forget_mood(self) -> None:
        self._out += self._impression.forget(self._eyes.watching)

    def _worker_gave_up(self, worker: str) -> None:
        self._out += self._staff.gave_up(worker)
        if worker == "watcher":
            self._eyes.gave_up = True
            self._forget_mood()  # it decides nothing any more
            self._decide()

    def _restart_workers(self) -> None:
        self._out += self._staff.restart()
        self._eyes.gave_up = False

    def _decide(self, happening: Happening = Happening.NOTHING) -> None:
        if self._staff.lacks("player"):
            return  # nobody would carry it out
        self._out += self._dj.decide(self._listener, self._settings.policy, happening)

    @property
    def _listener(self) -> Listener:
        return Listener(self._mood, self._eyes.watching, self._impression.last_emotion)

    @property
    def _mood(self) -> Mood:
        return self._impression.mood(self._eyes.watching)

    def _set_interval(self) -> do.Effect:
        return do.SetInterval(self._eyes.interval(self._settings.camera))

    def _show_preview(self, show: bool, resume: bool) -> None:
        if show and not self._eyes.consent:
            self._out.append(do.AskConsent())
            return
        if show and self._eyes.paused:
            if not resume and self._settings.preview.when_paused == "ask":
                self._out.append(do.Notify(notices.preview_while_paused()))
                return
            self._eyes.resume()
        self._out.append(do.SetPreview(show))

    # -- the picture of the whole

    def _make_snapshot(self) -> Snapshot:
        return picture.take(
            self._eyes,
            self._impression,
            self._dj,
            self._staff,
            preview_open=self._preview,
            autostart=self._autostart,
            settings_problem=self._settings_problem,
        )

    def _finish(self) -> list[do.Effect]:
        snapshot = self._make_snapshot()
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._out.append(do.Publish(snapshot))
        return self._out
