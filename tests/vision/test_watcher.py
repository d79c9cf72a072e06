"""The watcher: bursts and the preview's frames, on a scripted camera and with its real thread."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.clock import SystemClock
from agent.errors import AgentError, CameraBusy, CameraLost, CameraNotFound, ModelError
from agent.events import CameraChanged, Event, Observed, WorkerCrashed
from agent.types import EMOTIONS, Box, CameraState, FrameView, Observation
from agent.vision.burst import Burst, Look
from agent.vision.camera import OpenCVCamera
from agent.vision.faces import FaceTracker
from agent.vision.watcher import EMPTY_LOOKS, FIRST_LOOKS, Watcher
from tests.fakes.clock import FakeClock
from tests.vision.mjpeg import MjpegServer

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")
EMPTY = 0


class ScriptedCamera:
    """Gives pictures whose grey level is a class number plus one (see Stubs); 0: nobody there."""

    def __init__(self, script: Callable[[int], int] = lambda n: HAPPY + 1, fps: float = 0) -> None:
        self.script = script
        self.fps = fps
        self.opened = 0
        self.closed = 0
        self.reads = 0
        self.is_open = False
        self.open_error: AgentError | None = None
        self.read_error: Exception | None = None

    def open(self) -> None:
        if self.open_error:
            raise self.open_error
        self.opened += 1
        self.is_open = True

    def read(self) -> np.ndarray:
        assert self.is_open
        if self.read_error:
            raise self.read_error
        if self.fps:
            time.sleep(1.0 / self.fps)
        frame = np.full((480, 640, 3), self.script(self.reads), np.uint8)
        frame[100:260][np.arange(160) // 5 % 2 == 1] += 100  # something to be sharp about
        self.reads += 1
        return frame

    def close(self) -> None:
        self.closed += 1
        self.is_open = False


class Stubs:
    """Detector and classifier that read what the scripted camera wrote."""

    def __init__(self) -> None:
        self.resets = 0
        self.classified = 0
        self.searched = 0
        self.everybody = False

    def detect(self, frame: np.ndarray, everybody: bool = False) -> list[Box]:
        self.searched += 1
        self.everybody = everybody
        return [] if frame[0, 0, 0] == EMPTY else [Box(200, 100, 160, 160)]

    def reset(self) -> None:
        self.resets += 1

    def predict(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        self.classified += len(faces)
        rows = np.full((len(faces), 7), 0.02, np.float32)
        for row, face in zip(rows, faces, strict=True):
            row[int(face[1, 0, 0]) - 1] = 0.88
        return rows


class WatcherHarness:
    """A watcher with its surroundings."""

    def __init__(
        self,
        camera: ScriptedCamera | None = None,
        stubs: Stubs | None = None,
        **options: object,
    ) -> None:
        self.camera = camera or ScriptedCamera()
        self.stubs = stubs or Stubs()
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.heard = threading.Condition()
        options.setdefault("burst_seconds", 0.02)
        real = options.pop("real_clock", False)
        self.watcher = Watcher(
            lambda: self.camera,
            self.stubs,
            self.stubs,
            self.report,
            SystemClock() if real else self.clock,
            **options,  # type: ignore[arg-type]
        )

    def report(self, event: Event) -> None:
        with self.heard:
            self.events.append(event)
            self.heard.notify_all()

    @property
    def observations(self) -> list[Observation]:
        return [e.observation for e in self.events if isinstance(e, Observed)]

    @property
    def states(self) -> list[CameraState]:
        return [e.state for e in self.events if isinstance(e, CameraChanged)]

    def wait_for(self, what: Callable[[], bool], seconds: float = 20.0) -> None:
        with self.heard:
            assert self.heard.wait_for(what, seconds), self.events


@pytest.fixture
def started() -> Iterator[Callable[[WatcherHarness], Watcher]]:
    running: list[Watcher] = []

    def start(bench: WatcherHarness) -> Watcher:
        bench.watcher.start()
        running.append(bench.watcher)
        return bench.watcher

    yield start
    for watcher in running:
        watcher.request_stop()
        assert watcher.join(10)


# --- one cycle at a time, without a thread


def test_burst_becomes_one_observation() -> None:
    bench = WatcherHarness(ScriptedCamera(lambda n: HAPPY + 1 if n % 2 else SAD + 1))
    bench.watcher.step()
    assert bench.camera.reads == FIRST_LOOKS  # somebody waits for the first
    bench.clock.advance(5.0)
    assert bench.watcher.step() == pytest.approx(5.0)
    assert bench.camera.reads == FIRST_LOOKS + 4
    _, seen = bench.observations
    assert seen.faces == 1
    assert seen.time == bench.clock.monotonic()
    assert seen.probabilities is not None
    assert sum(seen.probabilities) == pytest.approx(1.0)
    assert seen.probabilities[HAPPY] == pytest.approx(0.45, abs=0.02)
    assert seen.probabilities[SAD] == pytest.approx(0.45, abs=0.02)
    assert 0.5 < seen.quality <= 1.0
    assert bench.states == [CameraState.ON]


def test_the_first_look_waits_for_the_networks() -> None:
    calls: list[int] = []
    camera = ScriptedCamera()
    bench = WatcherHarness(camera, ready=lambda: calls.append(camera.reads))
    bench.watcher.step()
    bench.clock.advance(5.0)
    bench.watcher.step()
    assert calls == [0]  # once, before the first frame


def test_next_look_waits_for_the_interval() -> None:
    bench = WatcherHarness(interval=5.0)
    bench.watcher.step()
    bench.clock.advance(2.0)
    assert bench.watcher.step() == pytest.approx(3.0)
    assert bench.camera.reads == FIRST_LOOKS  # between bursts the camera is not read
    bench.clock.advance(3.0)
    assert bench.watcher.step() == pytest.approx(5.0)
    assert len(bench.observations) == 2
    bench.watcher.set_interval(1.0)
    assert bench.watcher.step() == pytest.approx(1.0)
    assert not bench.stubs.everybody
    bench.watcher.set_interval(0.5, everybody=True)
    bench.clock.advance(1.0)
    bench.watcher.step()
    assert bench.stubs.everybody


def test_face_in_part_of_a_burst_lowers_the_quality() -> None:
    bench = WatcherHarness()
    bench.watcher.step()
    bench.clock.advance(5.0)
    bench.camera.script = lambda n: HAPPY + 1 if n == 4 else EMPTY
    bench.watcher.step()
    whole, part = bench.observations
    assert part.faces == 1
    assert part.quality == pytest.approx(whole.quality / 4)
    assert part.probabilities == pytest.approx(whole.probabilities)


def test_nobody_there_costs_fewer_frames() -> None:
    bench = WatcherHarness(ScriptedCamera(lambda n: EMPTY))
    bench.watcher._first_burst = False
    bench.watcher._camera = bench.camera
    bench.camera.open()
    bench.watcher.step()
    assert bench.camera.reads == 4
    bench.clock.advance(5.0)
    bench.watcher.step()
    assert bench.camera.reads == 4 + EMPTY_LOOKS
    assert [(o.faces, o.probabilities) for o in bench.observations] == [(0, None)] * 2


def test_first_burst_forgives_frames_while_the_webcam_warms_up() -> None:
    bench = WatcherHarness(ScriptedCamera(lambda n: EMPTY if n < 6 else HAPPY + 1, fps=100))
    bench.watcher.step()
    (seen,) = bench.observations
    assert seen.probabilities is not None
    assert seen.quality > 0.5


def test_first_burst_ends_also_when_nobody_comes() -> None:
    bench = WatcherHarness(ScriptedCamera(lambda n: EMPTY, fps=50))
    bench.watcher.step()
    (seen,) = bench.observations
    assert (seen.time, seen.faces, seen.probabilities) == (bench.clock.monotonic(), 0, None)


def test_inactive_watcher_opens_nothing() -> None:
    bench = WatcherHarness(active=False)
    assert bench.watcher.step() is None
    assert bench.camera.opened == 0
    assert bench.states == [CameraState.OFF]
    bench.watcher.step()
    assert bench.states == [CameraState.OFF]  # told once
    bench.watcher.set_active(True)
    bench.watcher.step()
    assert bench.states == [CameraState.OFF, CameraState.ON]


def test_camera_that_cannot_be_opened_is_busy_and_told_once() -> None:
    bench = WatcherHarness()
    bench.camera.open_error = CameraBusy("another program has it")
    waits = [bench.watcher.step() for _ in range(3)]
    assert waits == [1.0, 2.0, 4.0]
    assert bench.states == [CameraState.BUSY]
    bench.camera.open_error = None
    bench.watcher.step()
    assert bench.states == [CameraState.BUSY, CameraState.ON]
    assert len(bench.observations) == 1


def test_camera_that_goes_away_is_lost_until_it_returns() -> None:
    bench = WatcherHarness()
    bench.watcher.step()
    bench.clock.advance(5.0)
    bench.camera.read_error = CameraLost("gone")
    assert bench.watcher.step() == 1.0
    assert not bench.camera.is_open
    bench.camera.open_error = CameraNotFound("nothing there")
    bench.watcher.step()
    bench.watcher.step()
    assert bench.states == [CameraState.ON, CameraState.LOST, CameraState.LOST]
    bench.camera.read_error = bench.camera.open_error = None
    bench.watcher.step()
    assert bench.states[-1] is CameraState.ON
    assert len(bench.observations) == 2  # looked at once, not after the interval


def test_model_error_is_told_and_a_defect_reported() -> None:
    bench = WatcherHarness()
    bench.camera.read_error = ModelError("broken network")
    bench.watcher.step()
    (change,) = [e for e in bench.events if isinstance(e, CameraChanged) and e.error]
    assert isinstance(change.error, ModelError)
    bench.camera.read_error = ZeroDivisionError()
    bench.watcher.step()
    assert isinstance(bench.events[-1], WorkerCrashed)
    assert not bench.camera.is_open


def test_a_watcher_that_gave_up_says_that_the_camera_is_off_and_may_begin_anew() -> None:
    bench = WatcherHarness()
    bench.watcher.step()
    bench.camera.read_error = ZeroDivisionError()
    while not bench.watcher.gave_up:
        bench.clock.advance(5.0)
        bench.watcher.step()
    states = [e.state for e in bench.events if isinstance(e, CameraChanged)]
    assert states == [CameraState.ON, CameraState.OFF]
    assert not bench.camera.is_open
    bench.camera.read_error = None
    bench.watcher.restart()
    bench.watcher.step()
    assert [e for e in bench.events if isinstance(e, CameraChanged)][-1].state is CameraState.ON
    assert isinstance(bench.events[-1], Observed)


def test_another_camera_takes_over() -> None:
    bench = WatcherHarness()
    bench.watcher.step()
    other = ScriptedCamera(lambda n: SAD + 1)
    bench.watcher.set_camera(lambda: other)
    bench.watcher.step()
    assert not bench.camera.is_open
    assert other.is_open
    probabilities = bench.observations[-1].probabilities
    assert probabilities is not None
    assert probabilities[SAD] > 0.8


# --- with the thread


def test_pausing_releases_the_camera_within_a_burst(
    started: Callable[[WatcherHarness], Watcher],
) -> None:
    bench = WatcherHarness(interval=0.2, burst_frames=30, burst_seconds=60.0, real_clock=True)
    watcher = started(bench)
    bench.wait_for(
        lambda: len(bench.observations) == 1
    )  # the first burst takes frames as they come
    reads = bench.camera.reads
    deadline = time.monotonic() + 10
    while bench.camera.reads == reads and time.monotonic() < deadline:
        time.sleep(0.01)  # until the slow burst has begun
    began = time.monotonic()
    watcher.set_active(False)
    bench.wait_for(lambda: bench.states[-1] is CameraState.OFF)
    assert time.monotonic() - began < 5  # not the minute of the burst
    assert not bench.camera.is_open
    watcher.set_active(True)
    bench.wait_for(lambda: len(bench.observations) == 2)
    assert bench.camera.opened == 2


def test_stop_within_a_burst_ends_at_once_and_releases(
    started: Callable[[WatcherHarness], Watcher],
) -> None:
    bench = WatcherHarness(interval=0.2, burst_frames=30, burst_seconds=60.0, real_clock=True)
    watcher = started(bench)
    bench.wait_for(lambda: len(bench.observations) == 1)
    time.sleep(0.4)
    watcher.request_stop()
    assert watcher.join(5)
    assert not bench.camera.is_open


def test_preview_gets_every_frame_and_observations_go_on(
    started: Callable[[WatcherHarness], Watcher],
) -> None:
    bench = WatcherHarness(ScriptedCamera(fps=60), interval=0.3, real_clock=True)
    watcher = started(bench)
    bench.wait_for(lambda: len(bench.observations) >= 1)
    views: list[FrameView] = []
    reads, classified = bench.camera.reads, bench.stubs.classified
    seen = len(bench.observations)
    began = time.monotonic()
    watcher.set_tap(views.append)
    bench.wait_for(lambda: len(bench.observations) >= seen + 4)
    watcher.set_tap(None)
    seconds = time.monotonic() - began
    assert len(views) >= bench.camera.reads - reads - 8
    assert len(views) > 4 * (len(bench.observations) - seen)
    assert bench.stubs.classified - classified <= seconds / 0.12 + 10
    last = views[-1]
    assert last.faces == (Box(200, 100, 160, 160),)
    assert last.probabilities is not None
    assert last.probabilities[HAPPY] > 0.8
    assert last.fps > 10
    assert last.frame.shape == (480, 640, 3)
    time.sleep(0.05)
    after = len(views)
    bench.wait_for(lambda: len(bench.observations) >= seen + 5)
    assert len(views) <= after + 1


def test_preview_of_an_empty_room_searches_now_and_then(
    started: Callable[[WatcherHarness], Watcher],
) -> None:
    bench = WatcherHarness(ScriptedCamera(lambda n: EMPTY, fps=100), interval=0.4, real_clock=True)
    views: list[FrameView] = []
    bench.watcher.set_tap(views.append)
    started(bench)
    bench.wait_for(lambda: len(bench.observations) >= 3)
    assert bench.stubs.searched < len(views) / 2
    assert all(v.faces == () and v.probabilities is None for v in views)
    assert all(o.probabilities is None for o in bench.observations)


def test_watching_a_real_stream_that_goes_and_returns(
    started: Callable[[WatcherHarness], Watcher], server: MjpegServer
) -> None:
    bench = WatcherHarness(interval=0.2, real_clock=True)
    bench.watcher.set_camera(lambda: OpenCVCamera(server.url, open_seconds=1.0))
    started(bench)
    bench.wait_for(lambda: len(bench.observations) >= 2)
    server.stop()
    bench.wait_for(lambda: bench.states[-1] is CameraState.LOST)
    server.start()
    seen = len(bench.observations)
    bench.wait_for(lambda: len(bench.observations) >= seen + 2)
    assert bench.states[0] is CameraState.ON
    assert bench.states[-1] is CameraState.ON


# --- averaging


def test_average_weighs_looks_by_their_quality() -> None:
    burst = Burst()
    clear, dull = np.eye(7, dtype=np.float32)[HAPPY], np.eye(7, dtype=np.float32)[SAD]
    burst.add(Look(1, clear, 0.9))
    burst.add(Look(2, dull, 0.1))
    seen = burst.observation(7.0)
    assert seen.probabilities is not None
    assert seen.probabilities[HAPPY] == pytest.approx(0.9, abs=0.01)
    assert seen.faces == 2
    assert seen.quality == pytest.approx(0.5)
    assert Burst().observation(1.0) == Observation(1.0, 0, None)


def test_a_burst_is_unclear_where_most_looks_are() -> None:
    sure = np.eye(7, dtype=np.float32)[HAPPY]
    burst = Burst([Look(1, sure, 0.9), Look(1, sure, 0.9), Look(1, sure, 0.0, "turned away")])
    assert burst.observation(1.0).unclear == ""
    burst.add(Look(1, sure, 0.4, "hard to read"))
    burst.add(Look(1, sure, 0.0, "turned away"))
    assert burst.observation(1.0).unclear == "turned away"


def test_preview_says_why_a_look_is_not_clear(
    started: Callable[[WatcherHarness], Watcher],
) -> None:
    class Turned(Stubs):
        def detect(self, frame: np.ndarray, everybody: bool = False) -> list[Box]:
            eyes_nose_mouth = ((230.0, 160.0), (290.0, 160.0), (292.0, 190.0), (265.0, 225.0))
            return [Box(200, 100, 160, 160, landmarks=eyes_nose_mouth, score=0.9)]

    bench = WatcherHarness(ScriptedCamera(fps=60), interval=0.3, real_clock=True, stubs=Turned())
    views: list[FrameView] = []
    bench.watcher.set_tap(views.append)
    started(bench)
    bench.wait_for(lambda: len(bench.observations) >= 2)
    assert views[-1].unclear == "turned away"
    assert views[-1].probabilities is None
    assert bench.observations[-1].unclear == "turned away"
    assert bench.observations[-1].quality == 0.0


# --- sizes that change


@pytest.mark.parametrize(
    ("first", "then"),
    [((640, 480), (160, 120)), ((640, 480), (480, 640)), ((320, 240), (1280, 720))],
)
def test_frames_that_change_their_size_are_followed_on(
    first: tuple[int, int], then: tuple[int, int], demo_clip: Path
) -> None:
    """The real tracker, in the middle of following a face; with the preview and without."""
    face = cv2.VideoCapture(str(demo_clip)).read()[1]
    sizes = itertools.chain([first] * 9, itertools.repeat(then))

    class Turning(ScriptedCamera):
        def read(self) -> np.ndarray:
            return cv2.resize(face, next(sizes))

    events: list[Event] = []
    tracker, stubs = FaceTracker(), Stubs()
    stubs.predict = lambda faces: np.full((len(faces), 7), 1 / 7, np.float32)  # type: ignore[method-assign]
    watcher = Watcher(Turning, tracker, stubs, events.append, FakeClock(), interval=0.2)
    for number in range(12):
        watcher.set_tap(None if number % 2 else lambda view: None)
        watcher.step()
    assert not [event for event in events if isinstance(event, WorkerCrashed)]
    assert [event for event in events if isinstance(event, Observed)]
