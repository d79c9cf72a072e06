"""A window of OpenCV's that stays empty is known by its pixels, and opened anew."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent_process import ROOT
from tests.desktop.x11 import Desktop, wait_for

GREEN = (40, 160, 70)
SHOWING = """
import sys, time
import cv2, numpy as np
from Xlib import X, Xatom
from Xlib.display import Display
from agent.desktop import opencv_window
from agent.desktop.opencv_window import OpenCvWindow

TITLE, SECONDS = "a window of the tests", 60.0

def anew(window, picture):
    print("anew", flush=True)
    opened_anew(window, picture)

opened_anew = OpenCvWindow._open_anew
OpenCvWindow._open_anew = anew
{first}
window = OpenCvWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
window.resize(500, 400)
end = time.monotonic() + SECONDS
while time.monotonic() < end and window.is_there:
    picture = np.empty((400, 500, 3), np.uint8)
    picture[:] = (70, 160, 40)
    window.show(picture)
    if window.wait(20) == ord("q"):
        break
    if not window._looks:
        print("looked", flush=True)
        window._looks = [float("inf")]
window.close()
print("closed", flush=True)
"""
EMPTY_AT_FIRST = """
truth, answers = opencv_window._is_empty, [True]
opencv_window._is_empty = lambda *seen: answers.pop() if answers else truth(*seen)
"""


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    with Desktop(tmp_path) as one:
        one.env["PYTHONPATH"] = str(ROOT)
        yield one


def start(desktop: Desktop, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=desktop.env,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("first", "told"), [("", ["looked"]), (EMPTY_AT_FIRST, ["anew", "looked"])]
)
def test_one_that_stays_empty_is_opened_anew_and_painted(
    desktop: Desktop, first: str, told: list[str]
) -> None:
    with start(desktop, SHOWING.format(first=first)) as program:
        assert program.stdout is not None
        try:
            assert [program.stdout.readline().strip() for _ in told] == told
            wait_for(lambda: desktop.find_colour(GREEN), "picture")
        finally:
            program.kill()


PLAIN = """
import os
from Xlib import X, Xatom
from Xlib.display import Display
from agent.desktop import opencv_window

server = Display()
root = server.screen().root
plain = root.create_window(0, 0, 300, 200, 0, X.CopyFromParent, background_pixel=0)
plain.change_property(
    server.get_atom("_NET_WM_NAME"), server.get_atom("UTF8_STRING"), 8, b"plain"
)
plain.change_property(server.get_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()])
plain.map()
server.sync()
seen = []
for ground in (0, 0x00A000):
    plain.change_attributes(background_pixel=ground)
    plain.clear_area()
    server.sync()
    seen.append(opencv_window._through_x11("plain", opencv_window._is_empty))
print(*seen, opencv_window._through_x11("nowhere", opencv_window._is_empty))
"""


def test_an_empty_window_is_told_from_a_painted_one(desktop: Desktop) -> None:
    with start(desktop, PLAIN) as program:
        told, _ = program.communicate(timeout=60)
    assert told.split() == ["True", "False", "None"]
