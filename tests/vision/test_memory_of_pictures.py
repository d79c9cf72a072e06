"""What it takes to look at a picture: never more than 400 MB, whatever the file says."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vision import bombs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak of memory")

MOST_MEGABYTES = 400
LOOK = """
import json, re, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_DATA, (1_500_000_000, 1_500_000_000))  # an attack that succeeds
from agent.errors import AgentError
from agent.vision.analyze import analyze
from agent.vision.expression import ExpressionClassifier
try:
    seen = analyze(Path(sys.argv[1]), ExpressionClassifier.load())
    said, taken = seen.summary, True
except AgentError as error:
    said, taken = error.message, False
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1000
print(json.dumps({"said": said, "taken": taken, "peak": peak}))
"""


def look(path: Path, **more: str) -> dict[str, object]:
    """Look at it in a program of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **more},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("name", "make"), bombs.REFUSED, ids=[name for name, _ in bombs.REFUSED])
def test_a_bomb_is_refused(name: str, make: object, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(make())  # type: ignore[operator]
    seen = look(path)
    assert not seen["taken"], seen
    assert 50 < int(str(seen["peak"])) < MOST_MEGABYTES, seen
    said = str(seen["said"])
    assert "Save a smaller copy" in said or "Save what is of another kind" in said


def test_an_animation_that_grows_is_left_there(tmp_path: Path) -> None:
    name, make = bombs.GROWING
    path = tmp_path / name
    path.write_bytes(make())
    seen = look(path)
    assert not seen["taken"]
    assert 50 < int(str(seen["peak"])) < MOST_MEGABYTES, seen


@pytest.mark.parametrize(("name", "make"), bombs.TAKEN, ids=[name for name, _ in bombs.TAKEN])
def test_the_largest_that_are_taken(name: str, make: object, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(make())  # type: ignore[operator]
    seen = look(path)
    assert seen["taken"], seen
    assert 50 < int(str(seen["peak"])) < MOST_MEGABYTES, seen


def test_no_program_is_started_for_a_picture(tmp_path: Path) -> None:
    """Pillow has Ghostscript decode PostScript."""
    started = tmp_path / "started"
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch '{started}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = tmp_path / "picture.png"
    path.write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
    )
    seen = look(path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert not seen["taken"]
    assert not started.exists()
