"""Frames from a webcam, a stream or a file, by OpenCV. Implements :class:`agent.ports.Camera`.

A file plays at its own pace by the clock and starts again at its end; a live source gives its
newest frame. Nothing is ever written anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agent import memory
from agent.errors import AgentError, CameraLost
from agent.opencv import cv2
from agent.translation import N_, _
from agent.types import Frame
from agent.vision.bounded_capture import BoundedCapture
from agent.vision.bounds import Roof
from agent.vision.sources import (
    LINUX,
    OPEN_SECONDS,
    Kind,
    Source,
    device_path,
    no_picture,
    open_capture,
    parse_source,
)

STALL_SECONDS = 10.0
"""A live picture that does not change at all for that long has stopped: sensors have noise."""
STALL_READS = 5
UNIFORM = 2.0
"""Below this spread of grey levels a picture is dark or covered, and may well stand still."""
SMALLEST = 20
"""Pixels of the shorter side below which no finder could see a face."""
DAMAGED_SECONDS = 5.0
"""Frames that cannot be decoded, or are of no use, are passed over for that long."""
ASLEEP_SECONDS = 2.0
"""A stream left unread for longer may have been dropped by its server: one quiet new try."""


class OpenCVCamera:
    """One source of frames. ``clock`` and ``sleep`` pace a file; both count real seconds."""

    def __init__(
        self,
        source: int | str | Path,
        *,
        open_seconds: float = OPEN_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = parse_source(source)
        self._open_seconds = open_seconds
        self._stall = _StallWatch(stall_seconds)
        self._clock = clock
        self._sleep = sleep
        self._capture: cv2.VideoCapture | None = None
        self._reader: _Reader | None = None
        self._bounded: BoundedCapture | None = None
        self._first: Frame | None = None
        self._last_read = 0.0

    @property
    def name(self) -> str:
        """For people; without passwords."""
        return self._source.name

    @property
    def is_file(self) -> bool:
        """True for a file, which comes to an end."""
        return self._source.kind is Kind.FILE

    @property
    def device(self) -> Path | None:
        """The webcam's device file, which other programs may open as well.

        None where there is no such file (streams, files, and systems other than Linux).
        """
        if self._source.kind is not Kind.WEBCAM or not LINUX:
            return None
        return device_path(self._source.target)

    def open(self) -> None:
        """Open it; at most a few seconds. Raises CameraNotFound, CameraBusy, BadPicture."""
        self.close()
        roof = Roof()
        capture = open_capture(self._source, seconds=self._open_seconds, roof=roof)
        self._capture = capture
        reader: _Reader
        bounded = BoundedCapture(capture, self._source, roof)
        try:
            if self.is_file:
                reader = _FileReader(bounded, self._clock, self._sleep)
            else:
                reader = _LiveReader(bounded, self._source, self._clock)
            # The first frame proves that pictures come; the first read returns it.
            self._first = reader.read()
        except AgentError:
            self.close()
            raise
        if self._first is None:
            self.close()
            raise bounded.refused or no_picture(self._source)
        self._reader, self._bounded = reader, bounded
        self._stall.reset()
        self._last_read = self._clock()

    def read(self) -> Frame:
        """Read the newest frame, uint8 H x W x 3 BGR; blocks at most a few seconds.

        Raises CameraLost when no frame comes or the picture of a live source stands still.
        """
        if self._reader is None:
            raise CameraLost(_("{title} is not open.").format(title=self._source.title))
        slept = self._clock() - self._last_read > ASLEEP_SECONDS
        frame, self._first = self._first, None
        if frame is None:
            try:
                frame = self._reader.read()
            except AgentError:
                self.close()
                raise
        if frame is None and slept and self._source.kind is Kind.STREAM:
            self.open()
            frame, self._first = self._first, None
        self._last_read = self._clock()
        if frame is None:
            refused = self._bounded.refused if self._bounded is not None else None
            self.close()
            if refused is not None:
                raise refused
            raise CameraLost(
                _("{title} stopped sending pictures. {advice}").format(
                    title=self._source.title, advice=_(_ADVICE)
                )
            )
        if not self.is_file and self._stall.stands_still(frame, self._clock()):
            self.close()
            raise CameraLost(
                _(
                    "The picture of {name} has stood still for {seconds:.0f} seconds. {advice}"
                ).format(name=self._source.name, seconds=self._stall.seconds, advice=_(_ADVICE))
            )
        return frame

    def close(self) -> None:
        """Release the device. May be called twice; never raises."""
        capture, self._capture = self._capture, None
        self._reader = self._bounded = self._first = None
        if capture is not None:
            capture.release()
            memory.give_back()


_ADVICE = N_("Check its cable or network; Moodtray keeps trying.")


SLOWEST = 1.0
"""Frames a second of a file, whatever it says: a look waits for several of them."""


class _Reader(Protocol):
    def read(self) -> Frame | None:
        """Read the next frame that is due; None when none comes."""
        ...


class _FileReader:
    """Plays a video by the clock, skipping what is late, over and over.

    Skipping is done by decoding and throwing away, or by seeking, whichever has cost less so far:
    with a key frame every second a seek is cheap, with one every ten seconds it is not.
    """

    def __init__(
        self, capture: BoundedCapture, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._sleep = sleep
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = max(SLOWEST, fps) if 0.0 < fps <= 240.0 else 25.0
        self._count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._next = 0  # index of the frame that the next grab gives
        self._started = clock()  # when frame 0 of this round was due
        self._grab_cost = _Average()
        self._seek_cost = _Average()

    def read(self) -> Frame | None:
        due = int((self._clock() - self._started) * self.fps)
        if due < self._next:
            self._sleep(max(0.0, self._started + self._next / self.fps - self._clock()))
            due = self._next
        if self._count and due >= self._count:
            rounds = due // self._count
            self._started += rounds * self._count / self.fps
            due -= rounds * self._count
            self._rewind()
        self._skip_to(due)
        if not self._grab():
            # The end came earlier than the header promised (or it promised nothing).
            if self._next == 0:
                return None
            self._count = self._next
            self._started = self._clock()
            self._rewind()
            if not self._grab():
                return None
        frame = _usable(self._capture.retrieve())
        end = time.monotonic() + DAMAGED_SECONDS
        while frame is None and time.monotonic() < end and self._grab():
            frame = _usable(self._capture.retrieve())
        return frame

    def _rewind(self) -> None:
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        self._next = 0

    def _skip_to(self, due: int) -> None:
        behind = due - self._next
        if behind > self.fps and self._seek_cost.value < behind * self._grab_cost.value:
            began = time.perf_counter()
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, due)
            self._seek_cost.add(time.perf_counter() - began)
            self._next = due
            return
        while self._next < due and self._grab():
            pass

    def _grab(self) -> bool:
        began = time.perf_counter()
        if not self._capture.grab():
            return False
        self._grab_cost.add(time.perf_counter() - began)
        self._next += 1
        return True


class _LiveReader:
    """Reads the newest frame of a source that keeps a queue of its own.

    Drivers keep about four frames, a stream's sockets seconds of them. Frames that came while
    nobody looked are grabbed and dropped until a grab has to wait, which means that the queue is
    empty. Of a Motion-JPEG stream the packets are taken as they are, so that dropping costs nothing
    and only the frame that is wanted is decoded.
    """

    WAITED = 0.003  # seconds beyond a grab's own work after which it surely waited for a frame
    DRAIN_SECONDS = 1.0

    def __init__(self, capture: BoundedCapture, source: Source, clock: Callable[[], float]) -> None:
        self._capture = capture
        self._clock = clock
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1.0 <= fps <= 120.0 else 30.0
        self._last = clock()
        self._unwaited = 0  # reads in a row that found a frame waiting
        codec = int(capture.get(cv2.CAP_PROP_FOURCC))
        self._packets = (
            source.kind is Kind.STREAM
            and codec == cv2.VideoWriter.fourcc(*"MJPG")
            and capture.set(cv2.CAP_PROP_FORMAT, -1)
        )

    def read(self) -> Frame | None:
        began = self._clock()
        while self._next():
            frame = self._decode()
            if frame is not None:
                return frame
            if self._clock() - began > DAMAGED_SECONDS:
                break
        return None

    def _next(self) -> bool:
        """Grab the newest frame; False when none comes."""
        began = self._clock()
        # A quarter more than should have come, since sources misstate their rate.
        stale = int((began - self._last) * self.fps * 1.25) - 1
        if self._unwaited > self.fps / 2:
            stale = int(self.fps * self.DRAIN_SECONDS)
        # One grab that waited may have been the scheduler; after a long gap ask for two.
        waits_wanted = 2 if stale > 3 else 1
        waits = 0
        while True:
            waited = self._grab()
            if waited is None:
                return False
            waits = waits + 1 if waited else 0
            stale -= 1
            if waits >= waits_wanted or stale < 0 or self._clock() - began > self.DRAIN_SECONDS:
                break
        self._unwaited = 0 if waits else self._unwaited + 1
        self._last = self._clock()
        return True

    def _grab(self) -> bool | None:
        """Grab a frame; True when it had to be waited for, None when none came."""
        wall, work = time.perf_counter(), time.thread_time()
        if not self._capture.grab():
            return None
        return (time.perf_counter() - wall) - (time.thread_time() - work) > self.WAITED

    def _decode(self) -> Frame | None:
        capture = self._capture
        return _usable(capture.retrieve_packet() if self._packets else capture.retrieve())


class _StallWatch:
    """Tells a live picture that no longer changes.

    Some drivers hand out the last frame for ever after the camera was unplugged.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.reset()

    def reset(self) -> None:
        self._mark: bytes | None = None
        self._since = 0.0
        self._reads = 0

    def stands_still(self, frame: Frame, now: float) -> bool:
        sample = frame[::8, ::8]
        mark = sample.tobytes()
        if mark != self._mark or float(sample.std()) < UNIFORM:
            self._mark, self._since, self._reads = mark, now, 0
            return False
        self._reads += 1
        return self._reads >= STALL_READS and now - self._since >= self.seconds


class _Average:
    """A running mean that forgets; 0 before the first value."""

    def __init__(self) -> None:
        self.value = 0.0
        self._known = False

    def add(self, value: float) -> None:
        self.value = value if not self._known else 0.9 * self.value + 0.1 * value
        self._known = True


def _usable(frame: Frame | None) -> Frame | None:
    """Return the frame; None for a strip in which there is no room for a face."""
    if frame is None or frame.ndim < 3 or min(frame.shape[:2]) < SMALLEST:
        return None
    return frame
