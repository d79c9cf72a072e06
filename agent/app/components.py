"""The parts of a running agent that effects go to, built before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.app.own_face import FaceFile
from agent.app.player_manager import PlayerManager
from agent.app.spotify_account import Account
from agent.app.taps import Taps
from agent.players.folder_watch import FolderWatch
from agent.players.player_worker import PlayerWorker
from agent.ports import Clock, History, Notifier
from agent.vision.watcher import Watcher
from agent.worker import Worker

if TYPE_CHECKING:
    from agent.app.page import Page
    from agent.desktop.bus_control import BusControl
    from agent.desktop.session import SessionWatch
    from agent.desktop.tray.tray import Tray
    from agent.store.settings_file import SettingsFile


class WorkerGroup:
    """The workers that were started. One thread at a time."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def start(self, worker: Worker) -> None:
        """Start a worker; it then ends with the others."""
        self._workers.append(worker)
        worker.start()

    def restart(self) -> None:
        """Let those that gave up begin anew."""
        for worker in self._workers:
            worker.restart()

    def request_stop(self) -> None:
        """Ask all to end; returns at once."""
        for worker in self._workers:
            worker.request_stop()

    def join(self, clock: Clock, deadline: float) -> None:
        """Wait for all until ``deadline`` (monotonic); the last ones get a moment even after it."""
        for worker in self._workers:
            worker.join(max(0.05, deadline - clock.monotonic()))


@dataclass(frozen=True, slots=True)
class Components:
    """All of one run; None stands for a part that this run does without."""

    watcher: Watcher
    player: PlayerWorker
    folders: FolderWatch
    music: PlayerManager
    account: Account
    history: History
    workers: WorkerGroup
    taps: Taps
    own_face: FaceFile | None = None
    tray: Tray | None = None
    notifier: Notifier | None = None
    session: SessionWatch | None = None
    bus: BusControl | None = None
    settings_file: SettingsFile | None = None
    page: Page | None = None
