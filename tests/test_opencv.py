"""What loading OpenCV leaves to the programs that are started later: nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LOADS = """\
import os, subprocess, sys
before = dict(os.environ)
import agent.app.engine, agent.app.page_desks, agent.vision.camera
assert "cv2" in sys.modules
"""
STARTS = """\
subprocess.run([sys.executable, "-c", ""], check=True)
"""
TELLS = """\
import json
print(json.dumps([name for name in os.environ if os.environ[name] != before.get(name)]))
"""
OPENS = """\
from agent.desktop.opencv_window import OpenCvWindow
import cv2
cv2.namedWindow = lambda *_: None
OpenCvWindow("a window", 0)
"""


def run(program: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("LD_LIBRARY_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        environment.pop(name, None)
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="libraries are found in another way there")
def test_no_library_is_taken_from_the_folder_that_it_was_started_in(tmp_path: Path) -> None:
    """Another user's, say; the programs that open a page or a file would have run what is in it."""
    for name in ("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"):
        (tmp_path / name).write_text("no library at all")
    run(LOADS + STARTS, tmp_path)


def test_the_environment_is_left_as_it_was(tmp_path: Path) -> None:
    """But for the words that are ours, and tell OpenCV, FFmpeg or ONNX Runtime alone something."""
    changed = json.loads(run(LOADS + TELLS, tmp_path))
    assert [name for name in changed if not name.startswith(("OPENCV_", "ORT_"))] == []


@pytest.mark.skipif(sys.platform != "linux", reason="OpenCV's windows are Qt's there alone")
def test_a_window_finds_its_qt(tmp_path: Path) -> None:
    changed = json.loads(run(LOADS + OPENS + TELLS, tmp_path))
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" in changed
    assert "LD_LIBRARY_PATH" not in changed
