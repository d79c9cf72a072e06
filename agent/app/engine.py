"""The engine: all parts of a running agent but the tray, wired together; and the loop that carries
what happens to the controller, and what it decides to the effect handler.

Importing this module loads the vision libraries, so ``agent.app.lifecycle`` does it beside the
tray.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent import effects, events
from agent.app import own_face
from agent.app.effect_handler import EffectHandler
from agent.app.external_changes import ExternalChanges, look_at_autostart
from agent.app.options import Options
from agent.app.player_manager import PlayerManager
from agent.core.controller import Controller
from agent.core.mood_filter import Calibration
from agent.desktop import consent
from agent.errors import AgentError
from agent.players.spotify import storage
from agent.ports import Clock
from agent.settings import CameraSettings, Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import CameraState, Snapshot
from agent.vision.camera import OpenCVCamera
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker
from agent.vision.sources import Kind, parse_source
from agent.vision.watcher import Watcher
from agent.worker import Worker

if TYPE_CHECKING:
    from agent.desktop.session import SessionWatch
    from agent.desktop.tray.tray import Tray

log = logging.getLogger(__name__)

STOP_SECONDS = 1.5
"""All parts together have that long to end; what hangs then is left behind (daemon threads)."""
LOOK_AROUND = 2.0
"""Seconds between two looks at what other programs may have changed."""


class Engine:
    """One running agent. ``inbox`` may hold events already; ``ended`` is called once, when the
    agent wants to end. The constructor builds all parts and raises AgentError when one cannot be
    (no usable model); it starts nothing."""

    def __init__(
        self,
        options: Options,
        paths: Paths,
        clock: Clock,
        inbox: queue.SimpleQueue[events.Event],
        tray: Tray | None,
        ended: Callable[[], None],
    ) -> None:
        self._options = options
        self._paths = paths
        self._clock = clock
        self._inbox = inbox
        self._ended = ended
        self._done = threading.Event()
        self._settings_file: SettingsFile | None = None
        self._session: SessionWatch | None = None
        self._workers: list[Worker] = []  # all but the player's, which is the music's
        self._closers: list[Callable[[], object]] = []
        self._loop_thread = threading.Thread(target=self._loop, name="controller", daemon=True)
        settings, problem = self._load_settings()
        if problem is not None:
            self.report(events.SettingsBroken(problem))
        if self._settings_file is not None and self._settings_file.news is not None:
            self.report(
                events.Notice("Your settings were brought up to date", self._settings_file.news)
            )
        self._build(settings)
        self._effect_handler.tray = tray

    # -- any thread

    def report(self, event: events.Event) -> None:
        """Put an event into the controller's inbox."""
        self._inbox.put(event)

    @property
    def snapshot(self) -> Snapshot:
        """The present picture of the whole."""
        return self._effect_handler.snapshot or self._controller.snapshot

    # -- start and stop

    def start(self) -> None:
        """Start all parts, the one that has the longest way first."""
        if not self._options.headless:
            self._start_notifications()  # before all else, so that trouble of the start is shown
        self._start_worker(self._watcher)
        self._loop_thread.start()
        self._start_the_rest(self._applied)

    def stop(self) -> None:
        """Ask all to end at once, then wait for all within one common time."""
        deadline = self._clock.monotonic() + STOP_SECONDS

        def left() -> float:
            return max(0.05, deadline - self._clock.monotonic())

        for worker in self._workers:
            worker.request_stop()
        self._music.request_stop()
        closing = [threading.Thread(target=close, daemon=True) for close in self._closers]
        for thread in closing:
            thread.start()
        for worker in self._workers:
            worker.join(left())
        self._music.join(left())
        if self._effect_handler.preview is not None:
            self._effect_handler.preview.join(left())
        for thread in [self._loop_thread, *closing]:
            thread.join(left())
        if not self._loop_thread.is_alive():  # the only one that writes it
            self._history.close()

    def _start_worker(self, worker: Worker) -> None:
        self._workers.append(worker)
        worker.start()

    def _restart_workers(self) -> None:
        for worker in self._workers:
            worker.restart()
        self._music.restart()

    def _load_settings(self) -> tuple[Settings, AgentError | None]:
        if self._options.settings is not None:
            return self._options.settings, None
        self._settings_file = SettingsFile(self._paths)
        return self._settings_file.load_or_last_good()

    def _build(self, settings: Settings) -> None:
        camera = self._source(settings.camera)
        classifier = ExpressionClassifier.load(engine=settings.camera.engine)
        self._watcher = Watcher(
            lambda: OpenCVCamera(camera),
            FaceTracker(),
            classifier,
            self.report,
            self._clock,
            interval=settings.camera.interval,
            burst_frames=settings.camera.burst_frames,
            burst_seconds=settings.camera.burst_duration,
            active=False,
            yield_to_others=settings.camera.yield_to_others,
        )
        self._controller = Controller(
            settings,
            self._clock,
            consent=not self._needs_consent or consent.is_given(self._paths),
            asked=self._options.play,
            camera_paused=self._options.paused,
            calibration=Calibration(classifier.priors),
            person=own_face.load(self._paths, classifier.fingerprint, self._tell_problem),
        )
        self._music = PlayerManager(
            self._paths,
            self._clock,
            self.report,
            wanted=self._options.player,
            spotify_url=self._options.spotify_url,
            tell=self._options.tell,
        )
        self._history = storage.history(self._paths, self._tell_problem)
        self._effect_handler = EffectHandler(
            report=self.report,
            clock=self._clock,
            watcher=self._watcher,
            music=self._music,
            history=self._history,
            listener=self._options.listener,
            tell=self._options.tell,
            apply_settings=self._apply_settings,
            ask_consent=self._ask_consent,
            restart=self._restart_workers,
            keep_person=lambda numbers: own_face.save(self._paths, classifier.fingerprint, numbers),
            shut_down=self._shut_down,
        )
        self._external_changes = ExternalChanges(
            self._paths,
            self._settings_file,
            consent=(lambda: self._controller.consent) if self._needs_consent else None,
            music=self._music.look,
            report=self.report,
            tell_problem=self._tell_problem,
        )
        self._applied = settings

    def _source(self, camera: CameraSettings) -> int | str:
        return camera.source if self._options.camera is None else self._options.camera

    @property
    def _needs_consent(self) -> bool:
        """A webcam does; a file or URL that the user names in the command is consent enough."""
        named = self._options.camera
        return named is None or parse_source(named).kind is Kind.WEBCAM

    def _start_the_rest(self, settings: Settings) -> None:
        """What may come up after the first look at the camera has begun."""
        try:
            self._music.use(settings)
        except AgentError as error:  # the rest of the agent works without music
            self._tell_problem(error)
        if self._options.control:
            self._start_control(settings)
        if self._options.session:
            self._start_session_watch(settings)
        if not self._options.headless and self._options.settings is None:
            look_at_autostart(self.report)

    def _start_control(self, settings: Settings) -> None:
        from agent.web.server import ControlServer

        port = settings.web.port
        self._start_worker(
            ControlServer(self._paths, self.report, lambda: self.snapshot, self._clock, port)
        )

    def _start_session_watch(self, settings: Settings) -> None:
        from agent.desktop.session import SessionWatch, system_source

        source = system_source(self._clock)
        self._session = SessionWatch(
            self.report,
            self._clock,
            settings.session,
            source,
            camera_is_off=lambda: self.snapshot.camera is CameraState.OFF,
        )
        self._start_worker(self._session)

    def _start_notifications(self) -> None:
        from agent.desktop.notifications.notifier import DesktopNotifications

        notifier = DesktopNotifications(
            self.report,
            self._clock,
            lambda: self._controller.settings.notifications,
            snapshot=lambda: self._effect_handler.snapshot,
        )
        self._effect_handler.notifier = notifier
        self._closers.append(notifier.close)

    # -- the controller's thread

    def _loop(self) -> None:
        self._carry_out(self._controller.begin)
        next_look = self._clock.monotonic() + LOOK_AROUND
        while not self._done.is_set():
            due = self._controller.deadline
            wake_at = next_look if due is None else min(due, next_look)
            event: events.Event | None = None
            with contextlib.suppress(queue.Empty):
                event = self._inbox.get(timeout=max(0.0, wake_at - self._clock.monotonic()))
            if event is not None:
                self._carry_out(self._controller.handle, event)
            now = self._clock.monotonic()
            if due is not None and now >= due:
                self._carry_out(self._controller.tick)
            if now >= next_look:
                next_look = now + LOOK_AROUND
                self._external_changes.look()

    def _carry_out(self, step: Callable[..., list[effects.Effect]], *args: events.Event) -> None:
        """A defect in one step is logged and must not end the loop: the next event may be Quit.
        Nor does one in carrying out an effect keep the next from being carried out."""
        try:
            wanted = step(*args)
        except Exception:
            log.exception("defect while handling %s", args or "the passing of time")
            return
        for effect in wanted:
            try:
                self._effect_handler.perform(effect)
            except Exception:
                log.exception("defect while carrying out %s", type(effect).__name__)

    def _tell_problem(self, problem: AgentError) -> None:
        log.warning("%s: %s", problem.title, problem.message)
        self.report(events.Notice(problem.title, problem.message))

    def _apply_settings(self) -> None:
        settings, before = self._controller.settings, self._applied
        self._applied = settings
        self._watcher.set_burst(settings.camera.burst_frames, settings.camera.burst_duration)
        self._watcher.set_yield_to_others(settings.camera.yield_to_others)
        if self._options.camera is None and settings.camera.source != before.camera.source:
            source = settings.camera.source
            self._watcher.set_camera(lambda: OpenCVCamera(source))
        if self._session is not None:
            self._session.apply(settings.session)
        self._music.use(settings)

    def _ask_consent(self) -> None:
        from agent.desktop.consent.dialog import ask

        if self._options.headless:
            self._options.tell(consent.HOW)
            return
        ask(self._paths, self._clock, self.report, self._options.tell)

    def _shut_down(self) -> None:
        self._done.set()
        self._effect_handler.perform(effects.SetPreview(False))
        self._ended()
