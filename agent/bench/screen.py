"""What needs a display: the time to the tray icon, the preview's pace. None without one."""

from __future__ import annotations

import queue
import statistics
import subprocess
import sys
import time
from pathlib import Path

from agent.bench.process import bare_start, running
from agent.clock import SystemClock
from agent.errors import AgentError, DesktopError
from agent.events import Event, PreviewChanged

WINDOW_SECONDS = 30.0
"""A window that does not stand by then never will."""


def tray_start(clip: Path, starts: int) -> dict[str, float | None]:
    """Measure the start of the tray; medians, in seconds.

    ``tray_bare``: Python importing the tray library, OpenCV and ONNX Runtime; ``tray_icon``: the
    agent until it has handed its icon to the panel.
    """
    from agent.desktop.tray.backend import choose_backend

    if choose_backend().name is None:
        return {"tray_bare": None, "tray_icon": None}
    bare: list[float] = []
    icon: list[float] = []
    try:
        for _ in range(starts):
            bare.append(bare_start("pystray, cv2, onnxruntime"))
            with running(clip, tray=True) as agent:
                icon.append(agent.first("icon"))
    except (subprocess.CalledProcessError, AgentError) as error:
        print(f"The tray's start could not be measured: {error}", file=sys.stderr)
        return {"tray_bare": None, "tray_icon": None}
    return {"tray_bare": statistics.median(bare), "tray_icon": statistics.median(icon)}


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
