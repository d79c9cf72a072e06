"""The engine: all parts of a running agent but the tray, wired together.

And the loop that carries what happens to the controller, and what it decides to the effect handler.

Importing this module loads the vision libraries, so ``agent.app.lifecycle`` does it beside the
tray.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent import effects, events, memory
from agent.app import journey_file, promise_file
from agent.app.components import Components, WorkerGroup
from agent.app.effect_handler import EffectHandler
from agent.app.external_changes import ExternalChanges, look_at_autostart
from agent.app.forgetting import Retention
from agent.app.options import Options
from agent.app.own_face import FaceFile
from agent.app.player_manager import PlayerManager
from agent.app.spotify_account import Account
from agent.app.taps import Taps
from agent.core import messages
from agent.core.controller import Controller
from agent.core.mood_filter import Calibration
from agent.desktop import consent
from agent.errors import AgentError
from agent.players.folder_watch import FolderWatch
from agent.players.player_worker import PlayerWorker
from agent.players.spotify import storage
from agent.ports import Clock, Notifier
from agent.settings import CameraSettings, Settings
from agent.store import catalogues
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.translation import _
from agent.types import CameraState, PlayState, Snapshot
from agent.vision.camera import OpenCVCamera
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker
from agent.vision.sources import needs_consent
from agent.vision.watcher import Watcher

if TYPE_CHECKING:
    from agent.app.page import Page
    from agent.desktop.bus_control import BusControl
    from agent.desktop.session import SessionWatch
    from agent.desktop.tray.tray import Tray

log = logging.getLogger(__name__)

STOP_SECONDS = 1.5
"""All parts together have that long to end; what hangs then is left behind (daemon threads)."""
LOOK_AROUND = 2.0
"""Seconds between two looks at what other programs may have changed."""
TIDY_AFTER = 4.0
"""Seconds after which the start is over, and its memory can be given back."""
TIDY_EVERY = 120.0
"""Seconds between two such times: a page, a preview, an hour of music leave something behind."""


class Engine:
    """One running agent.

    ``inbox`` may hold events already; ``ended`` is called once, when the agent wants to end. The
    constructor builds all parts and raises AgentError when one cannot be (no usable model); it
    starts nothing.
    """

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
        self._loop_thread = threading.Thread(target=self._loop, name="controller", daemon=True)
        self._settings, problem = self._load_settings()
        catalogues.speak(self._settings.language)
        if problem is not None:
            self.report(events.SettingsBroken(problem))
        engine = self._settings.camera.engine
        # The shipped engine loads beside the rest; a library that is missing is told now.
        classifier = ExpressionClassifier.load(engine=engine, at_once=engine != "onnx")
        tracker = FaceTracker(self._settings.camera.finder)
        self._networks = threading.Thread(
            target=_load, args=(tracker, classifier), name="networks", daemon=True
        )
        self._own_face = FaceFile(paths, classifier.fingerprint)
        self._controller = Controller(
            self._settings,
            clock,
            consent=not self._needs_consent or consent.is_given(paths),
            asked=options.play,
            camera_paused=options.paused,
            calibration=Calibration(classifier.priors, classifier.class_means),
            person=self._own_face.load(self._tell_problem),
            journey=journey_file.load(paths),
            promised=promise_file.load(paths),
        )
        if not self._controller.snapshot.camera_paused:
            self._networks.start()
        self._parts = self._build(tracker, classifier, tray)
        self._effect_handler = EffectHandler(
            self._parts,
            self._settings,
            options,
            paths,
            clock,
            self.report,
            self._end,
            lambda: self._controller.person,
        )
        self._external_changes = ExternalChanges(
            paths,
            self._settings_file,
            consent=(lambda: self._controller.consent) if self._needs_consent else None,
            music=self._parts.music.look,
            autostart=lambda: self._controller.snapshot.autostart,
            report=self.report,
            tell_problem=self._tell_problem,
        )

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
        self._parts.workers.start(self._parts.watcher)
        self._loop_thread.start()
        self._start_the_rest(self._settings)

    def stop(self) -> None:
        """Ask all to end at once, then wait for all within one common time."""
        deadline = self._clock.monotonic() + STOP_SECONDS

        def left() -> float:
            return max(0.05, deadline - self._clock.monotonic())

        parts = self._parts
        parts.workers.request_stop()
        waited_for = [self._loop_thread]
        if parts.notifier is not None:
            waited_for.append(threading.Thread(target=parts.notifier.close, daemon=True))
            waited_for[-1].start()
        parts.workers.join(self._clock, deadline)
        self._effect_handler.join_preview(left())
        for thread in waited_for:
            thread.join(left())
        if not self._loop_thread.is_alive():  # the only one that writes it
            parts.history.close()

    def _load_settings(self) -> tuple[Settings, AgentError | None]:
        if self._options.settings is not None:
            return self._options.settings, None
        self._settings_file = SettingsFile(self._paths)
        loaded = self._settings_file.load_or_last_good()
        if (news := self._settings_file.news) is not None:
            self.report(events.Notice(_("Your settings were brought up to date"), news))
        return loaded

    def _build(
        self, tracker: FaceTracker, classifier: ExpressionClassifier, tray: Tray | None
    ) -> Components:
        settings, options = self._settings, self._options
        camera = self._source(settings.camera)
        watcher = Watcher(
            lambda: OpenCVCamera(camera),
            tracker,
            classifier,
            self.report,
            self._clock,
            interval=settings.camera.interval,
            burst_frames=settings.camera.burst_frames,
            burst_seconds=settings.camera.burst_duration,
            active=False,
            yield_to_others=settings.camera.yield_to_others,
            ready=self._wait_for_networks,
        )
        account = Account(
            self._paths,
            self._clock,
            self.report,
            spotify_url=options.spotify_url,
            tell=options.tell,
        )
        player = PlayerWorker(None, account.forward, self._clock)
        folders = FolderWatch(self.report, self._clock)
        music = PlayerManager(
            self._paths,
            self._clock,
            self.report,
            player,
            account,
            folders,
            wanted=options.player,
            spotify_url=options.spotify_url,
        )
        taps = Taps(watcher)
        history = storage.history(self._paths, self._tell_problem)
        self._retention = Retention(history, self._clock)
        return Components(
            watcher,
            player,
            folders,
            music,
            account,
            history,
            WorkerGroup(),
            taps,
            own_face=self._own_face,
            tray=tray,
            notifier=None if options.headless else self._make_notifier(),
            session=self._make_session_watch() if options.session else None,
            bus=self._make_bus_control() if options.control and sys.platform == "linux" else None,
            settings_file=self._settings_file,
            page=self._make_page(history, account, taps) if options.control else None,
        )

    def _wait_for_networks(self) -> None:
        """Let the watcher's first look find them loaded. A paused agent has not begun to."""
        if self._networks.ident is not None:
            self._networks.join()

    def _make_page(self, history: SqliteHistory, account: Account, taps: Taps) -> Page:
        from agent.app.page import Page

        options = self._options
        return Page(
            self._paths,
            self._clock,
            self.report,
            snapshot=lambda: self.snapshot,
            settings_file=self._settings_file or SettingsFile(self._paths),
            history=history,
            account=account,
            taps=taps,
            camera_source=lambda: self._source(self._controller.settings.camera),
            person=lambda: self._controller.person,
            player=options.player,
            spotify_url=options.spotify_url,
            port=self._settings.web.port,
            # At the very first start it asks for consent, and leads through the rest.
            may_lead=options.settings is None and self._needs_consent and not options.headless,
        )

    def _make_notifier(self) -> Notifier:
        from agent.desktop.notifications.notifier import DesktopNotifications

        return DesktopNotifications(
            self.report,
            self._clock,
            lambda: self._controller.settings.notifications,
            holds=lambda kind: messages.holds(kind, self._effect_handler.snapshot),
            interval=self._options.notice_interval,
        )

    def _make_session_watch(self) -> SessionWatch:
        from agent.desktop.session import SessionWatch, system_source

        return SessionWatch(
            self.report,
            self._clock,
            self._settings.session,
            system_source(self._clock),
            camera_is_off=lambda: self.snapshot.camera is CameraState.OFF,
            music_plays=self._music_plays,
        )

    def _music_plays(self) -> bool:
        playback = self.snapshot.playback
        return playback is not None and playback.state is PlayState.PLAYING

    def _make_bus_control(self) -> BusControl:
        from agent.desktop.bus_control import BusControl
        from agent.web.status_text import as_dict, why_text

        return BusControl(
            self.report,
            self._clock,
            lambda: self.snapshot,
            status=lambda: as_dict(self.snapshot, self._clock),
            why=lambda: why_text(self.snapshot),
        )

    def _source(self, camera: CameraSettings) -> int | str:
        return camera.source if self._options.camera is None else self._options.camera

    @property
    def _needs_consent(self) -> bool:
        return needs_consent(self._options.camera)

    def _start_the_rest(self, settings: Settings) -> None:
        """Start what may come up after the first look at the camera has begun."""
        self._parts.workers.start(self._parts.player)
        self._parts.workers.start(self._parts.folders)
        try:
            self._parts.music.use(settings)
        except AgentError as error:  # the rest of the agent works without music
            self._tell_problem(error)
        if self._parts.page is not None:
            self._start_web(self._parts.page)
        if self._parts.bus is not None:
            self._parts.workers.start(self._parts.bus)
        if self._parts.session is not None:
            self._parts.workers.start(self._parts.session)
        if not self._options.headless and self._options.settings is None:
            look_at_autostart(self.report)

    def _start_web(self, page: Page) -> None:
        from agent.web.commands import Commands
        from agent.web.door import Door

        def snapshot() -> Snapshot:
            return self.snapshot

        commands = Commands(self.report, snapshot, self._clock, page.link)
        self._parts.workers.start(Door(self._paths, commands, self.report, self._clock))
        self._parts.workers.start(page.server)
        if page.leads:
            page.open_first_steps(self._options.tell)

    # -- the controller's thread

    def _loop(self) -> None:
        self._carry_out(self._controller.begin)
        next_look = self._clock.monotonic() + LOOK_AROUND
        pause = TIDY_AFTER  # a slow start may go on after the first time
        next_tidying = self._clock.monotonic() + pause
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
            if now >= next_tidying:
                pause = min(2 * pause, TIDY_EVERY)
                next_tidying = now + pause
                memory.give_back()
                self._retention.look(self._controller.settings.history.keep_days)

    def _carry_out(self, step: Callable[..., list[effects.Effect]], *args: events.Event) -> None:
        """Let the controller take one step, and carry out what it wants.

        A defect in one step is logged and must not end the loop: the next event may be Quit. Nor
        does one in carrying out an effect keep the next from being carried out.
        """
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
        self.report(events.Notice(problem.title, problem.message, trouble=True))

    def _end(self) -> None:
        self._done.set()
        self._ended()


def _load(tracker: FaceTracker, classifier: ExpressionClassifier) -> None:
    """Load both networks; what cannot be loaded is met again by the first look, which tells."""
    for part in (tracker, classifier):
        with contextlib.suppress(AgentError):
            part.prepare()
