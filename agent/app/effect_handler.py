"""Carries out the controller's effects: each kind goes to the one part that can do it.

Runs in the controller's thread; everything that could block is handed to a worker or a thread of
its own. A part that is missing (no tray, no notifications) is simply not told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, assert_never

from agent import effects, events
from agent.app import event_log, journey_file, promise_file
from agent.app.components import Components
from agent.app.options import Options
from agent.core.circumplex import affect
from agent.core.person import STRANGER, Person
from agent.errors import AgentError, DesktopError, StoreError
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store import catalogues
from agent.store.paths import Paths
from agent.timing import ToldOnce
from agent.translation import _
from agent.types import (
    EMOTION_STATES,
    Decision,
    FrameView,
    LessonStage,
    Mood,
    MoodState,
    Observation,
    Playback,
    PlayState,
    Snapshot,
)
from agent.vision.camera import OpenCVCamera
from agent.wording import is_watching, lesson_line, no_picture_line, watch_line

if TYPE_CHECKING:
    from agent.desktop.preview.process import Preview
    from agent.desktop.preview.shared_frame import Beside

log = logging.getLogger(__name__)

WISHES = (
    effects.StartLogin,
    effects.EndLogin,
    effects.OpenPage,
    effects.SetPreview,
    effects.SwitchAutostart,
    effects.ApplySettings,
    effects.KeepSetting,
)
"""What is done only because the user has just asked for it: trouble with it is the answer."""


class EffectHandler:
    """Hands each effect to the part it is for. The controller's thread, but for what says else."""

    def __init__(
        self,
        parts: Components,
        settings: Settings,
        options: Options,
        paths: Paths,
        clock: Clock,
        report: Report,
        ended: Callable[[], None],
        person: Callable[[], Person] = lambda: STRANGER,
    ) -> None:
        """Take the parts, built with ``settings``; ``ended`` is called once the agent is to end.

        ``person``: as whom the looks are read, for the preview; called in the watcher's thread.
        """
        self._parts = parts
        self._applied = settings
        self._options = options
        self._paths = paths
        self._clock = clock
        self._report = report
        self._ended = ended
        self._person = person
        self._started = clock.monotonic()
        self._history_trouble = ToldOnce()
        self._listener = options.listener
        self._preview: Preview | None = None
        self._page_asks = False
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest that was published. Any thread."""
        return self._snapshot

    def join_preview(self, timeout: float) -> None:
        """Wait until a preview that was closed is gone, at most ``timeout`` seconds. Any thread."""
        if self._preview is not None:
            self._preview.join(timeout)

    def perform(self, effect: effects.Effect) -> None:
        """Carry one effect out. Expected trouble is told to the user, never raised."""
        try:
            self._perform(effect)
        except AgentError as error:
            log.warning("%s: %s", error.title, error)
            self._report(
                events.Notice(error.title, error.message, isinstance(effect, WISHES), trouble=True)
            )

    def _perform(self, effect: effects.Effect) -> None:
        history = self._parts.history
        match effect:
            case effects.WatchCamera(active):
                self._parts.watcher.set_active(active)
            case effects.SetInterval(seconds, everybody):
                self._parts.watcher.set_interval(seconds, everybody)
            case effects.Play(playlist, asked, over_pause):
                self._parts.player.play(playlist, asked=asked, over_pause=over_pause)
            case effects.PauseMusic():
                self._parts.player.pause()
            case effects.ResumeMusic():
                self._parts.player.resume()
            case effects.NextTrack():
                self._parts.player.next_track()
            case effects.KeepSetting(key, value):
                if self._parts.settings_file is not None:
                    self._parts.settings_file.change(key, value)
            case effects.ForgetNames():
                self._parts.music.forget_names()
            case effects.AwaitPlaylist(playlist):
                self._parts.music.await_playlist(playlist)
            case effects.ShowMusicFolders():
                self._show_music_folders()
            case effects.ExpectTrackEnd(waiting):
                self._parts.player.expect(waiting)
            case effects.ReadPlayer():
                self._parts.player.read()
            case effects.StartLogin():
                self._parts.account.log_in()
            case effects.EndLogin():
                self._parts.account.log_out()
            case effects.OpenPage(name):
                self._open_page(name)
            case effects.SetPreview(show):
                self._set_preview(show)
            case effects.Notify(notification):
                self._write(notification)
                page, notifier = self._parts.page, self._parts.notifier
                if page is not None and page.answers.take(notification):
                    if notifier is not None:  # as a newer one of its kind would
                        notifier.withdraw(notification.kind)
                elif self._parts.notifier is not None:
                    self._parts.notifier.notify(notification)
                elif self._listener is None:  # nobody else shows it
                    self._options.tell(f"{notification.title}: {notification.body}")
            case effects.Withdraw(kind):
                if self._parts.notifier is not None:
                    self._parts.notifier.withdraw(kind)
            case effects.Publish(snapshot):
                self._publish(snapshot)
            case effects.Record(item):
                self._record(item)
            case effects.RecordWatch(mood):
                self._note_watch(mood)
            case effects.RecordSwitch(decision):
                self._keep(lambda: history.add_switch(self._clock.now(), decision))
            case effects.RecordFeedback(kind, detail):
                self._keep(lambda: history.add_feedback(self._clock.now(), kind, detail))
            case effects.KeepPerson(numbers):
                if self._parts.own_face is not None:
                    self._parts.own_face.save(numbers)
            case effects.KeepJourney(numbers):
                journey_file.save(self._paths, numbers)
            case effects.KeepPromises(promised):
                promise_file.save(self._paths, promised)
            case effects.SwitchAutostart(enabled):
                self._switch_autostart(enabled)
            case effects.AskConsent():
                self._ask_consent()
            case effects.ApplySettings(settings):
                self._apply(settings)
            case effects.RestartWorkers():
                self._parts.workers.restart()
                self._parts.music.renew()
            case effects.Shutdown():
                self._set_preview(False)
                self._ended()
            case _:
                assert_never(effect)

    # -- showing

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        if self._preview is not None and snapshot.preview_open and not is_watching(snapshot):
            self._preview.blank(no_picture_line(snapshot), resumes=snapshot.camera_paused)
        for part in (self._parts.tray, self._parts.bus):
            if part is not None:
                part.update(snapshot)
        if self._parts.page is not None:
            self._parts.page.published()

    def _open_page(self, name: str) -> None:
        """Open it in a thread of its own: a browser may take long to start."""
        page = self._parts.page
        if page is None:
            raise DesktopError(
                _("This run of Moodtray has no page: it was started without one."),
                title=_("The page cannot be opened"),
            )

        def open_it() -> None:
            try:
                page.open(name)
            except AgentError as error:
                self._report(events.Notice(error.title, error.message, asked=True))

        threading.Thread(target=open_it, name="open page", daemon=True).start()

    def _set_preview(self, show: bool) -> None:
        if self._preview is None:
            if not show:
                return
            from agent.desktop.preview.process import Preview

            self._preview = Preview(self._report)
        if show:
            self._preview.open()
            self._parts.taps.set("preview", self._to_preview)
        else:
            self._parts.taps.set("preview", None)
            self._preview.close()

    def _to_preview(self, view: FrameView) -> None:
        """Show a frame with the mood. In the watcher's thread."""
        snapshot = self._snapshot
        # One may still be on its way when the camera was paused.
        if self._preview is not None and snapshot is not None and is_watching(snapshot):
            lesson, bars = snapshot.lesson, self._person().read(view.probabilities)
            if lesson is None:
                line = watch_line(snapshot, _shows(view, bars), view.unclear)
            else:
                line = lesson_line(lesson)
            if lesson is not None and lesson.going:
                bars = lesson.now or bars
            self._preview.show(replace(view, probabilities=bars), line, _beside(snapshot))

    def _show_music_folders(self) -> None:
        from agent.desktop.tray.actions import show_music_folders

        snapshot = self._snapshot
        playback = None if snapshot is None else snapshot.playback
        left_alone = None if snapshot is None else snapshot.left_alone_until
        plays = playback is not None and playback.state is PlayState.PLAYING
        in_use = snapshot is None or snapshot.logged_in is None  # Spotify alone knows a login
        show = partial(
            show_music_folders, self._paths, self._report, left_alone, plays, in_use=in_use
        )
        threading.Thread(target=show, daemon=True).start()

    # -- settings, consent, autostart

    def _apply(self, settings: Settings) -> None:
        before, self._applied = self._applied, settings
        catalogues.speak(settings.language)
        watcher, camera = self._parts.watcher, settings.camera
        watcher.set_burst(camera.burst_frames, camera.burst_duration)
        watcher.set_yield_to_others(camera.yield_to_others)
        if self._options.camera is None and camera.source != before.camera.source:
            watcher.set_camera(lambda: OpenCVCamera(camera.source))
        if self._parts.session is not None:
            self._parts.session.apply(settings.session)
        self._parts.music.use(settings)

    def _ask_consent(self) -> None:
        from agent.desktop import consent
        from agent.desktop.consent.dialog import ask

        page = self._parts.page
        if self._options.headless:
            self._options.tell(_(consent.HOW))
            return
        if page is not None and page.leads and not self._page_asks:
            self._page_asks = True  # asked for once more, it is asked in a window
            return
        ask(self._paths, self._clock, self._report, self._options.tell)

    def _switch_autostart(self, enabled: bool) -> None:
        from agent.desktop.autostart import autostart

        entry = autostart()
        if enabled:
            entry.enable()
        else:
            entry.disable()
        self._report(events.AutostartChanged(entry.status().enabled, asked=True))

    # -- keeping

    def _record(self, item: Observation | Mood | Decision | Playback) -> None:
        self._write(item)
        if isinstance(item, Mood):
            found = affect(item.probabilities)
            place = None if found is None else (found.valence, found.arousal)
            self._keep(lambda: self._parts.history.add_mood(self._clock.now(), item, place))

    def _note_watch(self, mood: Mood | None) -> None:
        noted = Mood(MoodState.AWAY, self._clock.monotonic(), 0.0) if mood is None else mood
        self._keep(lambda: self._parts.history.add_mood(self._clock.now(), noted, None))

    def _keep(self, add: Callable[[], None]) -> None:
        """Write to the history; that it cannot be written is told once, and the agent goes on."""
        try:
            add()
            self._history_trouble.well()
        except StoreError as error:
            log.warning("history: %s", error)
            if self._history_trouble.is_news():
                self._report(events.Notice(error.title, error.message, trouble=True))

    def _write(self, item: Observation | Mood | Decision | Playback | effects.Notification) -> None:
        if self._listener is None:
            return
        try:
            self._listener(event_log.line(item, self._clock.monotonic() - self._started))
        except OSError:  # whoever read the lines has had enough, or the disk is full
            self._listener = None
            self._report(events.Quit())


def _shows(view: FrameView, bars: tuple[float, ...] | None) -> MoodState | None:
    """Tell what a frame shows most, as its bars do; AWAY for nobody, None where it is not read."""
    if not view.faces:
        return MoodState.AWAY
    return None if bars is None else EMOTION_STATES[max(range(len(bars)), key=lambda at: bars[at])]


def _beside(snapshot: Snapshot) -> Beside:
    """Tell what the preview shows beside the mood."""
    from agent.desktop.preview.shared_frame import Beside

    lesson = snapshot.lesson
    if lesson is None:
        return Beside(place=snapshot.affect, keys=_("L: learn my face"))
    match lesson.stage:
        case LessonStage.REST | LessonStage.SHOW:
            keys = _("X: stop")
        case LessonStage.READY:
            keys = _("Enter: keep it  ·  1–7: show a mood  ·  X: stop")
        case LessonStage.LEARNED | LessonStage.FAILED:
            return Beside(place=snapshot.affect, keys=_("L: once more  ·  X: hide this line"))
        case _:
            assert_never(lesson.stage)
    return Beside(done=lesson.share, then=lesson.then, keys=keys)
