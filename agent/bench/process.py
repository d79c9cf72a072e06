"""The running agent as its user's computer sees it.

Memory, processor time, time to the first observation. Measured from outside, on ``python -m agent
run --headless`` with a home of its own.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from agent.errors import AgentError
from agent.store.paths import Paths
from agent.web.door_client import call

START_SECONDS = 60.0
"""An agent that has not seen anything by then does not work."""
IDLE = 0.02
"""Seconds of work within one second below which a paused agent has finished starting."""
MEGABYTE = 1024.0 * 1024.0
TELLING_OF_ITS_ICON = """
from agent.desktop.tray import tray
from agent.__main__ import main

show = tray.Tray._show

def show_and_tell(self, snapshot):
    show(self, snapshot)
    print('{"event": "icon"}', flush=True)

tray.Tray._show = show_and_tell
main()
"""
"""The agent's own program, which also says when the panel has been given the icon."""
HANGING = """
import os
import threading
from agent.__main__ import main
from agent.players import local
from agent.vision import camera

def hang(what):
    def method(*_):
        os.write(1, b'\\n{"event": "%s hangs"}\\n' % what)  # a line of its own, whoever writes
        threading.Event().wait()
    return method

camera.OpenCVCamera.read = hang(b"camera")
local.LocalPlayer.playback = hang(b"player")
local.LocalPlayer.close = hang(b"player's end")
main()
"""
"""The agent's own program, whose camera and player (sound or network) never return."""
NEEDED = "cv2, numpy, pydantic"
"""The large libraries that every start has loaded when it takes its first look; no extra is."""
NEVER_IDLE = "[session]\nrelease_when_idle = false\n"
"""Nobody touches a computer that measures: its camera must not rest for that."""
WITH_HAAR = NEVER_IDLE + '[camera]\nfinder = "haar"\n'
"""The paper's finder, which the present one's memory is held against."""
CYCLE = 5.0
BURST_FRAMES = 4
BURST_SECONDS = 0.5


def measure(clip: Path, seconds: float = 30.0, starts: int = 5) -> dict[str, Any]:
    """Measure the running agent: memory, processor time, start and stop.

    ``rss_mb`` (and ``rss_web_mb``, after the first request to the page; ``rss_music_mb``, while its
    own player plays; ``finder_mb``: how much of it goes when Haar finds the faces), ``cpu_percent``
    (of one core: source, watching, music, paused), ``start_s`` (medians of ``starts``: bare,
    first_observation) and ``stop_s`` (sigterm, and hanging: the same with a camera and a player
    that never return; None on Windows, which has none). ``seconds``: how long processor time is
    counted, each. None stands for what a packaged program cannot measure: it runs no other code.

    Raises AgentError when the agent does not start.
    """
    bare: list[float | None] = []
    first: list[float] = []
    for _ in range(starts):  # in turns, so that a busy moment meets both
        bare.append(bare_start())
        with running(clip) as agent:
            first.append(agent.first("observation"))
    with running(clip) as agent:
        agent.first("observation")
        watching = agent.cpu_percent(seconds)
        memory = agent.rss_mb()
        first_page, later_page = agent.visit_the_page()
        with_page = agent.rss_mb()
    with running(clip) as agent:
        agent.first("observation")
        agent.play()
        with_music = agent.cpu_percent(seconds), agent.rss_mb()
        stopped = None if sys.platform == "win32" else agent.stop()
    with running(clip, settings=WITH_HAAR) as agent:
        agent.first("observation")
        agent.cpu_percent(seconds)
        with_haar = agent.rss_mb()
    with running(clip, "--paused") as agent:
        agent.wait_until_idle()
        # Meanwhile the source, which is counted by its own thread's processor time.
        with ThreadPoolExecutor(max_workers=1) as beside:
            source = beside.submit(source_percent, clip, seconds)
            paused = agent.cpu_percent(seconds)
    return {
        "rss_mb": memory,
        "rss_web_mb": with_page,
        "rss_music_mb": with_music[1],
        "finder_mb": memory - with_haar,
        "page": {
            "first_s": first_page,
            "later_ms": later_page,
            "on_top_mb": with_page - memory,
        },
        "cpu_percent": {
            "source": source.result(),
            "watching": watching,
            "music": with_music[0],
            "paused": paused,
        },
        "start_s": {
            "bare": median(bare),
            "first_observation": statistics.median(first),
        },
        "stop_s": {"sigterm": stopped, "hanging": hanging_stop(clip)},
    }


def hanging_stop(clip: Path) -> float | None:
    """Measure the seconds from SIGTERM until an agent is gone whose camera and player hang.

    Raises AgentError when it stays.
    """
    if sys.platform == "win32" or is_packaged():
        return None
    with running(clip, program=HANGING) as agent:
        agent.first("camera hangs")
        agent.first("player hangs")
        return agent.stop()


def bare_start(modules: str = NEEDED, **variables: str) -> float | None:
    """Measure the seconds that Python takes to import these modules, and to end.

    The yardstick that the start is held to. ``variables`` join the environment. None: not
    measurable here, since one is missing or the program is packaged and runs no other code.
    """
    if is_packaged():
        return None
    began = time.perf_counter()
    command = [sys.executable, "-c", f"import {modules}"]
    done = subprocess.run(command, stderr=subprocess.DEVNULL, env=as_started(**variables))
    return None if done.returncode else time.perf_counter() - began


def median(seconds: list[float | None]) -> float | None:
    """Take the median of what could be measured; None: nothing could."""
    measured = [each for each in seconds if each is not None]
    return statistics.median(measured) if measured else None


def is_packaged() -> bool:
    """Tell whether this is PyInstaller's program, whose executable is no Python."""
    return bool(getattr(sys, "frozen", False))


def as_started(**variables: str) -> dict[str, str]:
    """Make the environment of a user's program: Python may keep what it compiles.

    Who installs a package gets it compiled; where that is forbidden, a checkout is compiled at
    every start.
    """
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, **variables}


def source_percent(clip: Path, seconds: float) -> float:
    """Measure the processor time of reading the paced source and doing nothing with the frames.

    It is read as the watcher reads it: the part of ``watching`` that a webcam, which decodes
    nothing, does not cost.
    """
    from agent.vision.camera import OpenCVCamera

    camera = OpenCVCamera(clip)
    camera.open()
    began, busy = time.monotonic(), time.thread_time()
    ends = began + seconds
    while (now := time.monotonic()) < ends:
        for _ in range(BURST_FRAMES):
            camera.read()
            time.sleep(BURST_SECONDS / (BURST_FRAMES - 1))
        time.sleep(max(0.0, min(ends, now + CYCLE) - time.monotonic()))
    used = time.thread_time() - busy
    spent = time.monotonic() - began
    camera.close()
    return 100.0 * used / spent


PAGES = ("/", "/moods", "/history", "/settings", "/start?step=moods")
"""What is asked for to measure the page."""


class RunningAgent:
    """A started agent and what it says on its standard output."""

    def __init__(self, process: subprocess.Popen[str], began: float, paths: Paths) -> None:
        self._paths = paths
        self._began = began
        self._popen = process
        self._process = psutil.Process(process.pid)
        self._firsts: dict[str, float] = {}
        self._ended = False
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def first(self, event: str) -> float:
        """Block until the first event of that kind ("observation", "icon"). Raises AgentError."""
        with self._news:
            self._news.wait_for(lambda: event in self._firsts or self._ended, START_SECONDS)
            if event not in self._firsts:
                raise AgentError(
                    f"The agent ended, or was silent for too long, before its first {event}. Try "
                    "it by hand: python -m agent run --headless --camera FILE --verbose"
                )
            return self._firsts[event] - self._began

    def stop(self) -> float:
        """Ask it to end; seconds until it is gone. Raises AgentError when it stays."""
        began = time.perf_counter()
        self._popen.terminate()
        try:
            self._popen.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            raise AgentError("The agent was asked to end, and did not.") from None
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of its output once it has ended."""
        self._listener.join(START_SECONDS)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def wait_until_idle(self) -> None:
        """Wait until a paused agent has finished starting, but START_SECONDS at most."""
        ends = time.monotonic() + START_SECONDS
        time.sleep(1.0)
        while time.monotonic() < ends:
            before = self._cpu_seconds()
            time.sleep(1.0)
            if before > 0.0 and self._cpu_seconds() - before <= IDLE:
                return

    def cpu_percent(self, seconds: float) -> float:
        """Measure the processor time of agent and children over ``seconds``, in % of a core."""
        began, before = time.monotonic(), self._cpu_seconds()
        time.sleep(seconds)
        used = self._cpu_seconds() - before
        return 100.0 * used / (time.monotonic() - began)

    def rss_mb(self) -> float:
        """Measure the resident memory of the agent and its children, in 2**20 bytes."""
        return sum(p.memory_info().rss for p in self._family()) / MEGABYTE

    def play(self) -> None:
        """Have its own player play: music that nobody hears where there is no sound."""
        call(self._paths, "play")
        time.sleep(1.0)

    def visit_the_page(self) -> tuple[float, float]:
        """Open the page as a browser would, by a link that works once.

        Returns the seconds from the click to the first page, which loads what it needs, and the
        median milliseconds of later ones. Raises AgentError when there is no page.
        """
        began = time.perf_counter()
        url = str(call(self._paths, "page", show=False)["url"])
        host, _, path = url.removeprefix("http://").partition("/")
        browser = http.client.HTTPConnection(host, timeout=START_SECONDS)  # kept open
        try:
            entered = _get(browser, f"/{path}")
            session = (entered.getheader("Set-Cookie") or "").partition(";")[0]
            status = _get(browser, "/", session).status
            first = time.perf_counter() - began
            later = []
            for place in PAGES * 4:
                began = time.perf_counter()
                status = max(status, _get(browser, place, session).status)
                later.append(time.perf_counter() - began)
            # What a click asks for is loaded by itself only after the page.
            status = max(status, _get(browser, "/api/now", session).status)
        finally:
            browser.close()
        if status != 200:
            raise AgentError(f"The agent's page answers with {status}.")
        # The first visit to each fills what is kept of its template.
        return first, 1000 * statistics.median(later[len(PAGES) :])

    def _cpu_seconds(self) -> float:
        times = [p.cpu_times() for p in self._family()]
        return float(sum(t.user + t.system for t in times))

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def _listen(self) -> None:
        for line in self._popen.stdout or ():
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(said, dict):
                with self._news:
                    self._firsts.setdefault(str(said.get("event")), time.perf_counter())
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def _get(
    browser: http.client.HTTPConnection, path: str, session: str = ""
) -> http.client.HTTPResponse:
    try:
        browser.request("GET", path, headers={"Cookie": session} if session else {})
        answer = browser.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AgentError(f"The agent's page does not answer ({error}).") from error
    return answer


@contextmanager
def running(
    clip: Path,
    *options: str,
    tray: bool = False,
    program: str | None = None,
    settings: str = NEVER_IDLE,
) -> Iterator[RunningAgent]:
    """Run an agent on ``clip``, ended at the close.

    ``settings``: its settings file. ``program``: Python to run instead of the agent's own start;
    not where that is packaged.
    """
    with tempfile.TemporaryDirectory(prefix="moodtray-bench-", ignore_cleanup_errors=True) as home:
        environment = as_started(MOODTRAY_HOME=home)
        file = Paths.below(Path(home)).settings_file
        file.parent.mkdir()
        file.write_text(settings)
        program = TELLING_OF_ITS_ICON if tray else program
        own = [] if is_packaged() else ["-m", "agent"]
        start = own if program is None else ["-c", program]
        command = [sys.executable, *start, "run", "--camera", str(clip), "--player", "local"]
        command += [] if tray else ["--headless"]
        command += ["--events-json", *options]
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        try:
            agent = RunningAgent(process, began, Paths.below(Path(home)))
            yield agent
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            agent.close()
