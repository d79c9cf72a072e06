"""What needs a display: the time to the tray icon, the preview's pace. None without one."""

from __future__ import annotations

import os
import queue
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from agent.bench.process import NEEDED, bare_start, is_packaged, median, running
from agent.clock import SystemClock
from agent.errors import AgentError, DesktopError
from agent.events import Event, PreviewChanged

WINDOW_SECONDS = 30.0
"""A window that does not stand by then never will."""
SETTLED = 8.0
"""Seconds from the first look until a started agent has given back what its start needed."""
TRAY_ALONE = """
import signal
from agent.clock import SystemClock
from agent.desktop.tray.tray import Tray, make_tray

show = Tray._show

def show_and_tell(self, snapshot):
    show(self, snapshot)
    print('{"event": "icon"}', flush=True)

Tray._show = show_and_tell
tray, _ = make_tray(print, SystemClock(), print)
signal.signal(signal.SIGTERM, lambda *_: tray.stop())
tray.run()
"""
"""A program that has an icon and nothing else."""


@dataclass(frozen=True, slots=True)
class TrayFigures:
    """What the tray costs; None: not measured.

    ``bare`` and ``icon``: seconds, medians, of Python importing the tray library and what every
    start needs, and of the agent until it has handed its icon to the panel; ``rss_mb``: the agent's
    resident memory with tray, notifications, commands and session sense on; ``idle_percent``: of
    one core, of a tray whose state does not change.
    """

    bare: float | None = None
    icon: float | None = None
    rss_mb: float | None = None
    idle_percent: float | None = None


def tray(clip: Path, starts: int, seconds: float) -> TrayFigures:
    """Measure the tray from outside. ``seconds``: how long processor time is counted."""
    from agent.desktop.tray.backend import choose_backend

    if choose_backend().name is None or is_packaged():
        return TrayFigures()
    # The lightest that the library has here: left to itself it may load GTK, and flatter us.
    choice = {"PYSTRAY_BACKEND": "xorg" if os.environ.get("DISPLAY") else "dummy"}
    bare: list[float | None] = []
    icon: list[float] = []
    try:
        for _ in range(starts):
            bare.append(bare_start(f"pystray, {NEEDED}", **choice))
            with running(clip, tray=True) as agent:
                icon.append(agent.first("icon"))
        with running(clip, tray=True) as agent:
            agent.first("observation")
            time.sleep(SETTLED)
            memory = agent.rss_mb()
        with running(clip, program=TRAY_ALONE) as agent:
            agent.first("icon")
            time.sleep(1.0)
            idle = agent.cpu_percent(seconds)
    except AgentError as error:
        print(f"The tray could not be measured: {error}", file=sys.stderr)
        return TrayFigures()
    return TrayFigures(median(bare), statistics.median(icon), memory, idle)


def preview(clip: Path, seconds: float) -> dict[str, float | None]:
    """Measure the preview. The watcher runs as in the agent.

    ``fps``: frames that the window drew in a second, over ``seconds``; ``open_s``: from the wish to
    the window, the second time.
    """
    from agent.desktop.preview.process import Preview
    from agent.vision.camera import OpenCVCamera
    from agent.vision.expression import ExpressionClassifier
    from agent.vision.faces import FaceTracker
    from agent.vision.watcher import Watcher

    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    window = Preview(events.put)
    watcher = Watcher(
        lambda: OpenCVCamera(clip),
        FaceTracker(),
        ExpressionClassifier.load(),
        events.put,
        SystemClock(),
    )
    watcher.set_tap(lambda view: window.show(view, "Measuring"))
    watcher.start()
    try:
        window.open()
        _wait_for(events, PreviewChanged(True))
        window.close()
        _wait_for(events, PreviewChanged(False))
        window.join(WINDOW_SECONDS)
        began = time.perf_counter()
        window.open()
        _wait_for(events, PreviewChanged(True))
        opened = time.perf_counter() - began
        time.sleep(1.0)  # the window's own start is over by then
        before, began = window.frames_drawn, time.perf_counter()
        time.sleep(seconds)
        drawn = (window.frames_drawn - before) / (time.perf_counter() - began)
    except DesktopError as error:
        print(f"The preview could not be measured: {error}", file=sys.stderr)
        return {"fps": None, "open_s": None}
    finally:
        window.close()
        window.join(WINDOW_SECONDS)
        watcher.request_stop()
        watcher.join(WINDOW_SECONDS)
    return {"fps": drawn, "open_s": opened}


def _wait_for(events: queue.SimpleQueue[Event], wanted: Event) -> None:
    """Block until that event; raises DesktopError when another change or none comes."""
    ends = time.monotonic() + WINDOW_SECONDS
    try:
        while True:
            event = events.get(timeout=max(0.0, ends - time.monotonic()))
            if event == wanted:
                return
            if isinstance(event, PreviewChanged):
                break
    except queue.Empty:
        pass
    raise DesktopError("Its window could not be opened or closed on this desktop.")
