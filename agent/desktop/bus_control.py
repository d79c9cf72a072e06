"""The agent on the session bus, for scripts, widgets and keyboard shortcuts.

The name, its object and its interface are ``io.github.moodtray.Agent``. As at the control door
nobody gets in but the user who runs the agent; nothing here owns state: calls become events,
answers come from snapshots.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from agent.desktop.dbus_server import BusError, BusServer, Interface, Method, bus_text
from agent.events import NextPlaylist, PauseCamera, PlayForMood, RestartWorkers, ResumeCamera
from agent.ports import Clock, Report
from agent.translation import _
from agent.types import Snapshot
from agent.wording import camera_rests
from agent.worker import Worker

log = logging.getLogger(__name__)

NAME = "io.github.moodtray.Agent"
PATH = "/io/github/moodtray/Agent"
NOT_ALLOWED = "io.github.moodtray.Error.NotAllowed"
NO_BUS = 60.0
"""Seconds until the session bus is looked for again where there is none."""
LONGEST_PAUSE = 7 * 24 * 60
"""Minutes; more is a slip of the hand."""

Told: TypeAlias = tuple[str, str, str]
"""What the signal tells: status, mood, what plays."""


class BusControl(Worker):
    """``snapshot``: the present one; ``status``: it as plain values.

    ``why``: the latest decision in words. All are called in this worker's thread and must not
    block.
    """

    def __init__(
        self,
        report: Report,
        clock: Clock,
        snapshot: Callable[[], Snapshot],
        status: Callable[[], dict[str, Any]],
        why: Callable[[], str],
    ) -> None:
        super().__init__("bus", report, clock)
        self._snapshot = snapshot
        self._status = status
        self._why = why
        self._told: Told | None = None
        self._server: BusServer | None = None

    # -- any thread

    def update(self, snapshot: Snapshot) -> None:
        """Send the signal when this snapshot tells something new."""
        told = _told(snapshot)
        if told != self._told:
            self._told = told
            server = self._server
            if server is not None:
                server.post(lambda: server.emit(PATH, NAME, "Changed", *told))

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        super().request_stop()
        if self._server is not None:
            self._server.stop()

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Serve the bus until it is lost or the end is asked for."""
        server = BusServer(allow=lambda user: user == os.getuid())
        server.export(PATH, self._interface())
        server.own(NAME, _named)
        try:
            server.connect()
        except (OSError, KeyError, ValueError) as error:
            server.close()
            log.info("no session bus, so no %s on it: %r", NAME, error)
            return NO_BUS
        self._server = server
        if not self.stopping:
            server.run()
        server.close()
        return 0.0

    def release(self) -> None:
        """Let go of the bus."""
        self._server = None

    # -- the interface

    def _interface(self) -> Interface:
        answer = (("answer", "s"),)
        mood = (("mood", "s"), ("confidence", "d"), ("said_by_hand", "b"))
        return Interface(
            NAME,
            {
                "Status": Method(self._get_status, (), (("status", "a{sv}"),)),
                "Mood": Method(self._get_mood, (), mood),
                "Why": Method(lambda: (bus_text(self._why()),), (), (("reason", "s"),)),
                "Pause": Method(self._pause, (("minutes", "u"),), answer),
                "Resume": Method(self._resume, (), answer),
                "Play": Method(self._play, (), answer),
                "Next": Method(self._next, (), answer),
            },
            signals={"Changed": (("status", "s"), ("mood", "s"), ("playing", "s"))},
        )

    def _get_status(self) -> tuple[dict[str, tuple[str, Any]]]:
        values = {name: _variant(value) for name, value in self._status().items()}
        return ({name: value for name, value in values.items() if value is not None},)

    def _get_mood(self) -> tuple[str, float, bool]:
        mood = self._snapshot().mood
        return mood.state.value, round(mood.confidence, 3), mood.by_hand

    def _pause(self, minutes: int) -> tuple[str]:
        if minutes > LONGEST_PAUSE:
            raise BusError(
                "org.freedesktop.DBus.Error.InvalidArgs",
                _("{minutes} minutes are more than a week; 0 pauses until resumed.").format(
                    minutes=minutes
                ),
            )
        end = self.clock.now() + timedelta(minutes=minutes) if minutes else None
        self.report(PauseCamera(end))
        return (camera_rests(end, self.clock.now()),)

    def _resume(self) -> tuple[str]:
        if not self._snapshot().consent:
            self.report(RestartWorkers())
            raise BusError(
                NOT_ALLOWED,
                _("The camera is not allowed. 'moodtray consent' tells what it is for."),
            )
        self.report(ResumeCamera())
        return (_("The camera may be used again."),)

    def _play(self) -> tuple[str]:
        self.report(PlayForMood())
        return (_("Asked for music for your mood. Why tells what came of it."),)

    def _next(self) -> tuple[str]:
        self.report(NextPlaylist())
        return (_("Asked for another playlist for this mood."),)


def _named(ours: bool) -> None:
    if not ours:
        log.info("the name %s is not ours on the bus", NAME)


def _told(snapshot: Snapshot) -> Told:
    playback = snapshot.playback
    playing = "" if playback is None else playback.context_name or playback.title or ""
    return snapshot.status.value, snapshot.mood.state.value, bus_text(playing)


def _variant(value: Any) -> tuple[str, Any] | None:
    """Give a plain value its signature; None: nothing to tell."""
    match value:
        case bool():
            return "b", value
        case int():
            return "x", value
        case float():
            return "d", value
        case str():
            return "s", bus_text(value)
        case list():
            return "as", [bus_text(str(item)) for item in value]
        case _:
            return None
