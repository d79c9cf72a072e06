"""The preview, seen from the program: opens and closes its process, and hands it frames."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from agent import translation
from agent.desktop.own_children import own_children
from agent.desktop.preview.shared_frame import NOTHING_BESIDE, Beside, SharedFrame
from agent.desktop.preview.window import ATTACHED, CLOSE, CLOSED, READY, Key, main
from agent.errors import DesktopError
from agent.events import (
    BeginLesson,
    Event,
    KeepLesson,
    Notice,
    PauseCamera,
    PreviewChanged,
    ResumeCamera,
    ShowInLesson,
    StopLesson,
)
from agent.ports import Report
from agent.translation import _
from agent.types import Frame, FrameView
from agent.wording import MOODS

log = logging.getLogger(__name__)

KEYS: dict[str, Event] = {
    Key.PAUSE: PauseCamera(),
    Key.RESUME: ResumeCamera(),
    Key.LEARN: BeginLesson(),
    Key.KEEP: KeepLesson(),
    Key.STOP: StopLesson(),
    **{str(number): ShowInLesson(mood) for number, mood in enumerate(MOODS, 1)},
}
"""What a key in the window means."""
GRACE = 1.0
"""Seconds that the child has to end by itself before it is killed."""


@dataclass(slots=True)
class _Opened:
    """One life of the window."""

    process: Any  # multiprocessing's own process class differs by start method
    connection: Connection
    shared: SharedFrame
    closing: bool = False  # the window is gone or going; nothing more is shown
    private: bool = False  # the memory has no name any more: nobody else finds what lies in it
    ended: threading.Event = field(default_factory=threading.Event)
    late: threading.Timer | None = None  # ends a child that does not listen


class Preview:
    """All methods from any thread. None waits for the child, except ``join``.

    Reports PreviewChanged(True) when the window stands and PreviewChanged(False) as soon as it
    is closed, whoever closed it: the user, :meth:`close`, or a crash; and what its keys mean
    (``KEYS``).
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """From :meth:`open` until the window is gone."""
        opened = self._opened
        return opened is not None and not opened.closing

    @property
    def frames_drawn(self) -> int:
        """How many different frames the present window has shown; 0 while closed."""
        with self._lock:
            return self._opened.shared.drawn if self._opened is not None else 0

    def open(self) -> None:
        """Open the window; nothing happens when it is open.

        Takes some milliseconds, the window follows within about a second. Raises DesktopError where
        there is no display.
        """
        check_display()
        with self._lock:
            if self.is_open:
                return
            self._opened = opened = self._start()
            self._thread = threading.Thread(
                target=self._follow, args=(opened,), name="preview", daemon=True
            )
            self._thread.start()

    def show(self, view: FrameView, line: str, beside: Beside = NOTHING_BESIDE) -> None:
        """Hand over one frame, the mood in words, and what is shown beside.

        Does nothing while closed, or before the child is there; a fraction of a millisecond
        otherwise. The frame is copied into memory that only the child shares, and that is gone
        whatever kills the two.
        """
        with self._lock:
            opened = self._opened
            if opened is None or opened.closing or not opened.private:
                return
            opened.shared.write(
                view.frame, view.faces, view.probabilities, view.fps, line, _reduced, beside
            )

    def blank(self, line: str, *, resumes: bool) -> None:
        """Show no picture but ``line``, until the next :meth:`show`.

        Nothing of the last frame is kept. ``resumes``: it is for the user to let the camera go on.
        """
        with self._lock:
            opened = self._opened
            if opened is not None and not opened.closing:
                opened.shared.clear(line, resumes=resumes)

    def close(self) -> None:
        """Ask the window to close; it is gone a moment later."""
        opened = self._opened
        if opened is not None:
            # A child that is gone already needs no asking.
            with contextlib.suppress(OSError):
                opened.connection.send(CLOSE)
            # One that does not listen has its time to; then it goes all the same.
            if opened.late is None:
                opened.late = threading.Timer(GRACE, self._kill, args=[opened])
                opened.late.daemon = True
                opened.late.start()

    @staticmethod
    def _kill(opened: _Opened) -> None:
        if not opened.ended.is_set():
            with contextlib.suppress(ValueError):  # it has just ended after all
                opened.process.kill()

    def join(self, timeout: float) -> bool:
        """Wait until a closed window's process is gone.

        A child that does not listen is killed after the time. True when nothing is left.
        """
        opened, thread = self._opened, self._thread
        if opened is not None and not opened.ended.wait(timeout):
            self._kill(opened)
        if thread is not None:
            thread.join(GRACE)
            return not thread.is_alive()
        return True

    def _start(self) -> _Opened:
        context = own_children()
        with contextlib.ExitStack() as undo:
            try:
                here, there = context.Pipe()
                undo.callback(here.close)
                with there:
                    shared = SharedFrame.create()
                    undo.callback(shared.close)
                    process = context.Process(
                        target=main,
                        args=(shared.name, there, translation.language()),
                        name="moodtray-preview",
                        daemon=True,
                    )
                    process.start()
            except OSError as error:
                raise DesktopError(
                    _("Its window could not be started ({error}).").format(error=error),
                    title=_("No preview"),
                ) from error
            undo.pop_all()
        return _Opened(process, here, shared)

    # -- one thread for each life of the window

    def _follow(self, opened: _Opened) -> None:
        stood = False
        asked = False
        while not asked:
            ready = wait([opened.connection, opened.process.sentinel])
            if opened.connection not in ready:
                break  # killed: it had no time for a word
            try:
                word = opened.connection.recv()
            except (EOFError, OSError):
                break
            if word == ATTACHED:
                with self._lock:
                    opened.shared.forget_name()
                    opened.private = True
            elif word == READY:
                stood = True
                self._report(PreviewChanged(True))
            elif word in KEYS:
                self._report(KEYS[word])
            asked = word == CLOSED
        asked = asked or opened.late is not None
        with self._lock:
            opened.closing = True
        self._report(PreviewChanged(False))
        code = self._clear(opened)
        if not asked:
            log.warning("the preview's process ended by itself, exit code %s", code)
        if not asked and not stood:
            self._report(
                Notice(
                    _("The preview could not be shown"),
                    _(
                        "Its window could not be opened on this desktop. Moodtray runs "
                        "on without it."
                    ),
                    asked=True,
                    trouble=True,
                )
            )

    def _clear(self, opened: _Opened) -> int | None:
        """Leave no process, memory or pipe behind."""
        opened.process.join(GRACE)
        if opened.process.is_alive():
            opened.process.kill()
            opened.process.join()
        code: int | None = opened.process.exitcode
        opened.process.close()
        opened.connection.close()
        with self._lock:
            opened.shared.close()
            if self._opened is opened:
                self._opened = None
        opened.ended.set()
        if opened.late is not None:
            opened.late.cancel()
        return code


def check_display() -> None:
    """Raise DesktopError where no window can be shown: OpenCV would abort the process."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise DesktopError(
            _(
                "There is no display for the preview: DISPLAY is not set. "
                "Start Moodtray from a desktop session (on Wayland with "
                "XWayland) to see it."
            ),
            title=_("No preview without a display"),
        )


def _reduced(frame: Frame, width: int, height: int) -> Frame:
    from agent.opencv import cv2

    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
