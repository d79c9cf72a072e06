"""Carries out the controller's effects: each kind goes to the one part that can do it.

Runs in the controller's thread; everything that could block is handed to a worker or a thread of
its own. A part that is missing (no tray, no notifications) is simply not told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from agent import effects, events
from agent.app import event_log
from agent.errors import AgentError, StoreError
from agent.ports import Clock, History, Notifier, Report
from agent.types import (
    Decision,
    FrameView,
    Mood,
    Notification,
    NotificationKind,
    Observation,
    Playback,
    Snapshot,
)
from agent.vision.watcher import Watcher
from agent.wording import describe

if TYPE_CHECKING:
    from agent.app.player_manager import PlayerManager
    from agent.desktop.preview.process import Preview
    from agent.desktop.tray.tray import Tray

log = logging.getLogger(__name__)

Listener = Callable[[dict[str, Any]], None]


WISHES = (
    effects.StartLogin,
    effects.EndLogin,
    effects.SetPreview,
    effects.SwitchAutostart,
    effects.ApplySettings,
)
"""What is done only because the user has just asked for it: trouble with it is the answer."""


class EffectHandler:
    """Carries effects out. The parts that come up later are set by ``agent.app.lifecycle``."""

    def __init__(
        self,
        *,
        report: Report,
        clock: Clock,
        watcher: Watcher,
        music: PlayerManager,
        history: History,
        listener: Listener | None,
        tell: Callable[[str], None],
        apply_settings: Callable[[], None],
        ask_consent: Callable[[], None],
        restart: Callable[[], None],
        keep_person: Callable[[Mapping[str, object] | None], None],
        shut_down: Callable[[], None],
    ) -> None:
        self._report = report
        self._clock = clock
        self._started = clock.monotonic()
        self._watcher = watcher
        self._music = music
        self._history = history
        self._history_well = True
        self._listener = listener
        self._tell = tell
        self._apply_settings = apply_settings
        self._ask_consent = ask_consent
        self._restart = restart
        self._keep_person = keep_person
        self._shut_down = shut_down
        self.tray: Tray | None = None
        self.notifier: Notifier | None = None
        self.preview: Preview | None = None
        self.snapshot: Snapshot | None = None
        """The latest that was published. Read by any thread."""

    def perform(self, effect: effects.Effect) -> None:
        """Carry one effect out. Expected trouble is told to the user, never raised."""
        try:
            self._perform(effect)
        except AgentError as error:
            log.warning("%s: %s", error.title, error)
            self._report(
                events.Notice(error.title, error.message, asked=isinstance(effect, WISHES))
            )

    def _perform(self, effect: effects.Effect) -> None:
        match effect:
            case effects.WatchCamera(active):
                self._watcher.set_active(active)
            case effects.SetInterval(seconds):
                self._watcher.set_interval(seconds)
            case effects.Play(playlist, asked):
                self._music.play(playlist, asked=asked)
            case effects.PauseMusic():
                self._music.pause()
            case effects.ResumeMusic():
                self._music.resume()
            case effects.ExpectTrackEnd(waiting):
                self._music.expect(waiting)
            case effects.StartLogin():
                self._music.account.log_in()
            case effects.EndLogin():
                self._music.account.log_out()
            case effects.SetPreview(show):
                self._set_preview(show)
            case effects.Notify(notification):
                self._write(notification)
                if self.notifier is not None:
                    self.notifier.notify(notification)
                elif self._listener is None:  # nobody else shows it
                    self._tell(f"{notification.title}: {notification.body}")
            case effects.Publish(snapshot):
                self._publish(snapshot)
            case effects.Record(item):
                self._record(item)
            case effects.RecordSwitch(decision):
                self._keep(lambda: self._history.add_switch(self._clock.now(), decision))
            case effects.RecordFeedback(kind, detail):
                self._keep(lambda: self._history.add_feedback(self._clock.now(), kind, detail))
            case effects.KeepPerson(numbers):
                self._keep_person(numbers)
            case effects.SwitchAutostart(enabled):
                self._switch_autostart(enabled)
            case effects.AskConsent():
                self._ask_consent()
            case effects.ApplySettings():
                self._apply_settings()
            case effects.RestartWorkers():
                self._restart()
            case effects.Shutdown():
                self._shut_down()
            case _:
                assert_never(effect)

    # -- showing

    def _publish(self, snapshot: Snapshot) -> None:
        before, self.snapshot = self.snapshot, snapshot
        asked_to_log_in = before is not None and before.logged_in is False
        if self.notifier is not None and asked_to_log_in and snapshot.logged_in is not False:
            self.notifier.withdraw(NotificationKind.LOGIN)  # the one that stays until it is done
        if self.tray is not None:
            self.tray.update(snapshot)

    def _set_preview(self, show: bool) -> None:
        if self.preview is None:
            if not show:
                return
            from agent.desktop.preview.process import Preview

            self.preview = Preview(self._report)
        if show:
            self.preview.open()
            self._watcher.set_tap(self._to_preview)
        else:
            self._watcher.set_tap(None)
            self.preview.close()

    def _to_preview(self, view: FrameView) -> None:
        """In the watcher's thread."""
        snapshot = self.snapshot
        if self.preview is not None and snapshot is not None:
            self.preview.show(view, mood_line(snapshot))

    def _switch_autostart(self, enabled: bool) -> None:
        from agent.desktop.autostart import autostart

        entry = autostart()
        if enabled:
            entry.enable()
        else:
            entry.disable()
        self._report(events.AutostartChanged(entry.status().enabled))

    # -- keeping

    def _record(self, item: Observation | Mood | Decision | Playback) -> None:
        self._write(item)
        if isinstance(item, Mood):
            self._keep(lambda: self._history.add_mood(self._clock.now(), item))

    def _keep(self, add: Callable[[], None]) -> None:
        """A history that cannot be written is told once; the agent goes on without it."""
        try:
            add()
            self._history_well = True
        except StoreError as error:
            log.warning("history: %s", error)
            if self._history_well:
                self._history_well = False
                self._report(events.Notice(error.title, error.message))

    def _write(self, item: Observation | Mood | Decision | Playback | Notification) -> None:
        if self._listener is None:
            return
        try:
            self._listener(event_log.line(item, self._clock.monotonic() - self._started))
        except BrokenPipeError:  # whoever read the lines has had enough
            self._listener = None
            self._report(events.Quit())


def mood_line(snapshot: Snapshot) -> str:
    """One line for the preview: the mood and the music."""
    text = describe(snapshot.mood.state)
    line = text[0].upper() + text[1:]
    playback = snapshot.playback
    if playback is not None and playback.context_name:
        line += f" · {playback.context_name}"
    return line
