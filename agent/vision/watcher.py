"""The thread that owns the camera: now and then a burst of frames, averaged into one Observation.

While somebody looks at the preview every frame.

Off means released: the camera is closed before anything else happens, also within a burst.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agent.errors import AgentError, CameraError, CameraLost
from agent.events import CameraChanged, Observed
from agent.opencv import cv2
from agent.ports import Camera, Classifier, Clock, FaceDetector, Report
from agent.types import Box, CameraState, Frame, FrameView
from agent.vision.burst import Burst, Look, crop, too_dark
from agent.vision.camera_sharing import SECONDS_BETWEEN, OtherCameraUsers, Wanted
from agent.vision.preview_feed import Live
from agent.worker import Worker

EMPTY_LOOKS = 2
"""Of a burst that starts without a face, and follows one without, so many frames are enough."""
WARM_UP_SECONDS = 1.0
"""After opening, webcams need about that long to find their exposure: frames without a face are
not held against the first burst until then."""
FIRST_LOOKS = 2
"""Of the burst after opening: frames that follow each other at once show the same face, so that
more of them tell no more, and somebody waits."""
LIVE_LOOKS = 8
"""While the preview is open an Observation averages the latest so many looks: about a second."""


Tap = Callable[[FrameView], None]


class Watcher(Worker):
    """Looks every ``interval`` seconds: ``burst_frames`` frames over ``burst_seconds``.

    ``camera`` makes a camera, closed; it is called in the watcher's thread whenever the camera is
    to be opened. ``ready`` blocks until detector and classifier, loaded elsewhere meanwhile, may be
    used. Reports Observed and CameraChanged. The methods under "any thread" return at once
    and take effect within one frame.
    """

    def __init__(
        self,
        camera: Callable[[], Camera],
        detector: FaceDetector,
        classifier: Classifier,
        report: Report,
        clock: Clock,
        *,
        interval: float = 5.0,
        burst_frames: int = 4,
        burst_seconds: float = 0.5,
        active: bool = True,
        yield_to_others: bool = True,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("watcher", report, clock)
        self._make_camera = camera
        self._detector = detector
        self._classifier = classifier
        self._interval = interval
        self._everybody = False
        self._burst_frames = burst_frames
        self._burst_seconds = burst_seconds
        self._active = active
        self._yields = yield_to_others
        self._ready = ready
        self._tap: Tap | None = None
        self._reopen = False
        self._changed = threading.Event()  # something below "any thread" was called
        # The watcher's thread only:
        self._camera: Camera | None = None
        self._state: CameraState | None = None
        self._told: str | None = None  # the latest error that was reported
        self._looked: float | None = None  # when the latest burst began
        self._first_burst = True
        self._was_empty = False
        self._shape: tuple[int, ...] = ()  # of the latest frame
        self._live = Live()
        self._other_users = OtherCameraUsers(clock)

    # -- any thread

    def set_active(self, on: bool) -> None:
        """Release the camera, or open it."""
        self._active = on
        self._nudge()

    def set_interval(self, seconds: float, everybody: bool = False) -> None:
        """Look that often, counted from the latest look.

        ``everybody``: look for others beside the followed person each time, which takes longer.
        """
        self._interval, self._everybody = seconds, everybody
        self._nudge()

    def set_burst(self, frames: int, seconds: float) -> None:
        """Use this burst from the next one on."""
        self._burst_frames, self._burst_seconds = frames, seconds

    def set_yield_to_others(self, on: bool) -> None:
        """Let the webcam go when another program opens it, or no longer.

        Where that cannot be told (see agent.vision.camera_sharing) nothing changes.
        """
        self._yields = on
        self.wake()

    def set_camera(self, camera: Callable[[], Camera]) -> None:
        """Use another camera: the present one is closed and the new one opened."""
        self._make_camera = camera
        self._reopen = True
        self._nudge()

    def set_tap(self, tap: Tap | None) -> None:
        """Give every frame to ``tap``, in the watcher's thread (return soon); None: no longer."""
        self._tap = tap
        self._nudge()

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        super().request_stop()
        self._changed.set()

    def _nudge(self) -> None:
        self._changed.set()
        self.wake()

    # -- the watcher's thread

    def cycle(self) -> float | None:
        """Take one look, or show the preview a frame."""
        self._changed.clear()
        if self._reopen:
            self._reopen = False
            self.release()
        if not self._active:
            self.release()
            self._tell(CameraState.OFF)
            return None
        camera = self._opened()
        if self._yields and (name := self._other_users.wanting()) is not None:
            raise Wanted(name)
        tap = self._tap
        if tap is not None:
            self._show_one(camera, tap)
            return 0.0
        self._live.forget()
        if self._wait() <= 0.0:
            began = self.clock.monotonic()
            burst = self._first_look(camera) if self._first_burst else self._look(camera)
            if burst is None:
                return 0.0
            self._looked = began
            self.report(Observed(burst.observation(self.clock.monotonic())))
        return self._wait()

    def _wait(self) -> float:
        """Return the seconds until the next look is due."""
        if self._looked is None:
            return 0.0
        return max(0.0, self._looked + self._interval - self.clock.monotonic())

    def failed(self, error: AgentError) -> None:
        """Report the camera's trouble."""
        if isinstance(error, Wanted):
            self._tell(CameraState.BUSY, error)
            return
        was_there = self._state in (CameraState.ON, CameraState.LOST)
        gone = isinstance(error, CameraLost) or (isinstance(error, CameraError) and was_there)
        self._tell(CameraState.LOST if gone else CameraState.BUSY, error)

    def wait_after(self, error: AgentError, wait: float) -> float:
        """Be back soon after a call, however long it was."""
        return min(wait, SECONDS_BETWEEN) if isinstance(error, Wanted) else wait

    def release(self) -> None:
        """Let go of the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
        self._detector.reset()
        self._live.forget()
        self._first_burst = True
        self._looked = None

    def given_up(self) -> None:
        """Report that the camera is off."""
        self._tell(CameraState.OFF)

    def _opened(self) -> Camera:
        if self._camera is None:
            # One thread: a frame of this size gains nothing from more, and other programs lose.
            cv2.setNumThreads(1)
            camera = self._make_camera()
            name = self._other_users.keeping(getattr(camera, "device", None))
            if self._yields and name is not None:
                raise Wanted(name)
            camera.open()
            self._camera = camera
            self._other_users.opened()
            self._ready()
        self._tell(CameraState.ON)
        return self._camera

    def _tell(self, state: CameraState, error: AgentError | None = None) -> None:
        """Report a change of state, and an error that is not the one told last."""
        told = None if error is None else error.message
        if state is self._state and told in (None, self._told):
            return
        self._state, self._told = state, told
        self.report(CameraChanged(state, error))

    def _look(self, camera: Camera) -> Burst | None:
        """Take one burst; None when it was broken off because something changed."""
        frames = self._burst_frames
        gap = self._burst_seconds / max(1, frames - 1)
        burst = Burst()
        began = time.monotonic()
        for number in range(frames):
            if number and self._changed.wait(max(0.0, began + number * gap - time.monotonic())):
                return None
            look = self._look_once(camera)
            if look is None:
                return None
            burst.add(look)
            if self._was_empty and not burst.faces and number + 1 >= EMPTY_LOOKS:
                break
        self._was_empty = not burst.faces
        return burst

    def _first_look(self, camera: Camera) -> Burst | None:
        """Take the burst after opening: frames as they come, from the first face on.

        Somebody waits for it.
        """
        burst = Burst()
        began = time.monotonic()
        while len(burst.looks) < min(FIRST_LOOKS, self._burst_frames):
            look = self._look_once(camera)
            if look is None:
                return None
            warm = time.monotonic() - began >= WARM_UP_SECONDS
            if look.faces or burst.looks or warm:
                burst.add(look)
            if warm:
                break
        self._first_burst = False
        self._was_empty = not burst.faces
        return burst

    def _frame_of(self, camera: Camera) -> Frame:
        """Read the newest frame. With another size the face's former place says nothing."""
        frame = camera.read()
        if self._shape and frame.shape != self._shape:
            self._detector.reset()
        self._shape = frame.shape
        return frame

    def _look_once(self, camera: Camera) -> Look | None:
        """Take a look; None when something changed meanwhile."""
        frame = self._frame_of(camera)
        if self._changed.is_set():
            return None
        faces = self._detector.detect(frame, self._everybody)
        if not faces:
            return Look.of_nobody(frame)
        return self._read(frame, faces)

    def _read(self, frame: Frame, faces: list[Box]) -> Look:
        """Read what the followed one of ``faces`` expresses."""
        face = crop(frame, faces[0])
        return Look.of(len(faces), faces[0], face, self._classifier.predict([face])[0])

    def _show_one(self, camera: Camera, tap: Tap) -> None:
        """Give one frame to the preview, and report an Observation when it is due."""
        frame = self._frame_of(camera)
        if not self._active or self._stopping.is_set():
            return
        live = self._live
        now = time.monotonic()
        live.frame_at(now)
        faces: list[Box] = []
        if live.search_due(now):
            faces = self._detector.detect(frame, self._everybody)
            live.searched(now, bool(faces))
            look: Look | None = Look.of_nobody(frame)
            if faces:
                look = None
                if live.classify_due(now):
                    look = self._read(frame, faces)
                    live.classified(now, look)
            if look is not None:
                live.burst.add(look, keep=LIVE_LOOKS)
        bars, why = (live.probabilities, live.unclear) if faces else (None, too_dark(frame))
        tap(FrameView(frame, tuple(faces), bars, live.fps, why))
        if self._wait() <= 0.0 and live.burst.looks:
            self._looked = self.clock.monotonic()
            self.report(Observed(live.burst.observation(self._looked)))
