"""Processes that the program starts of itself take no module from where it was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SPRUNG = "open(__file__ + '.sprung', 'w').close()\n"
PREVIEW = """\
from agent.desktop.preview.process import Preview
preview = Preview(lambda event: None)
preview.open()
preview.close()
assert preview.join(30)
"""
ABOUT = """\
from agent.desktop import about
from agent.store.paths import Paths
about.show(Paths.default())
"""
FOREIGN = """\
import subprocess, sys
from agent.desktop.own_children import own_children
own_children()
subprocess.run([sys.executable, "-c", "import planted"], check=True)
"""


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of another user's making, with modules of their own in it."""
    folder = tmp_path / "trap"
    for name in ("multiprocessing", "agent", "signal", "pickle", "re"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(SPRUNG)
    (folder / "planted.py").write_text("")
    return folder


def start(program: str, trap: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as its script in a bin folder is run: only that folder is searched first."""
    script = tmp_path / "bin" / "moodtray"
    script.parent.mkdir()
    script.write_text(f'if __name__ == "__main__":\n    {"    ".join(program.splitlines(True))}')
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DISPLAY": ":65000"}  # nobody is there
    environment.pop("PYTHONSAFEPATH", None)
    return subprocess.run(
        [sys.executable, script],
        cwd=trap,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("program", [PREVIEW, ABOUT], ids=["preview", "about"])
def test_nothing_is_taken_from_the_folder_that_it_was_started_in(
    program: str, trap: Path, tmp_path: Path
) -> None:
    ended = start(program, trap, tmp_path)
    assert not list(trap.rglob("*.sprung")), ended.stderr
    assert ended.returncode == 0, ended.stderr


def test_other_programs_keep_pythons_own_ways(trap: Path, tmp_path: Path) -> None:
    """An editor's terminal, say, in which somebody then runs a script of theirs."""
    ended = start(FOREIGN, trap, tmp_path)
    assert ended.returncode == 0, ended.stderr


LOADS_OPENCV = """\
import sys, threading, time
from pathlib import Path
from agent.desktop.own_children import own_children

def tell(connection):
    connection.send(sys.path)

if __name__ == "__main__":
    threading.Thread(target=lambda: __import__("agent.opencv")).start()
    while "cv2" not in sys.modules:
        time.sleep(0.001)
    context = own_children()
    here, there = context.Pipe()
    child = context.Process(target=tell, args=(there,))
    child.start()
    print(any(Path(place).name == "cv2" for place in here.recv()))
    child.join()
"""
SLOW_OPENCV = """\
import os, sys, time
own = os.path.dirname(__file__)
sys.path.insert(0, own)
time.sleep(1)
sys.path.remove(own)
"""


def test_they_look_for_modules_where_the_program_does_while_opencv_is_loaded(
    tmp_path: Path,
) -> None:
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(SLOW_OPENCV)
    (tmp_path / "program.py").write_text(LOADS_OPENCV)
    told = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (told.returncode, told.stdout) == (0, "False\n"), told.stderr


def test_the_frozen_program_knows_its_children_by_pythons_own_options() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.frozen = True\n"
            "from multiprocessing import util\n"
            "before = util._args_from_interpreter_flags\n"
            "from agent.desktop.own_children import own_children\n"
            "own_children()\n"
            "assert util._args_from_interpreter_flags is before",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
