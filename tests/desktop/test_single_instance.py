"""One agent for each user, whatever happens to the first one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.desktop.single_instance import Instance
from agent.errors import StoreError
from agent.store.paths import Paths

HOLDER = """
import sys
from agent.desktop.single_instance import Instance
from agent.store.paths import Paths
instance = Instance(Paths.default())
print(instance.acquire(), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]


def start_holder() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.first_line = process.stdout.readline().strip()  # type: ignore[attr-defined]
    return process


def first_line(process: subprocess.Popen[str]) -> str:
    return str(process.first_line)  # type: ignore[attr-defined]


def test_the_second_one_is_told_and_the_next_may(tmp_path: Path) -> None:
    first = start_holder()
    assert first_line(first) == "True"
    second = Instance(Paths.default())
    assert second.acquire() is False
    first.communicate("", timeout=30)
    assert second.acquire() is True
    second.release()
    second.release()


def test_who_only_looks_takes_nothing() -> None:
    mine = Instance(Paths.default())
    assert mine.is_taken() is False
    assert not Paths.default().runtime.exists(), "not even a folder"
    first = start_holder()
    assert mine.is_taken() is True
    assert mine.acquire() is False
    first.communicate("", timeout=30)
    assert mine.is_taken() is False
    second = start_holder()
    assert first_line(second) == "True"
    second.communicate("", timeout=30)


def test_a_start_is_not_turned_away_by_a_look() -> None:
    """A command that looks holds the lock for a moment."""
    looking, mine = Instance(Paths.default()), Instance(Paths.default())
    assert looking.acquire()
    threading.Timer(0.05, looking.release).start()
    assert mine.acquire() is True
    mine.release()


def test_a_kill_leaves_no_obstacle() -> None:
    first = start_holder()
    assert first_line(first) == "True"
    first.kill()
    first.wait(30)
    assert any(Paths.default().runtime.iterdir())  # the file is still there
    with Instance(Paths.default()) as instance:
        assert instance.acquire() is True


def test_children_do_not_inherit_the_lock() -> None:
    with Instance(Paths.default()) as instance:
        assert instance.acquire()
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    other = start_holder()
    assert first_line(other) == "True"
    for process in (child, other):
        process.kill()
        process.wait(30)


def test_two_users_homes_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Instance(Paths.default()) as one:
        assert one.acquire()
        monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / "another home"))
        with Instance(Paths.default()) as two:
            assert two.acquire()


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    paths = Paths.default()
    paths.runtime.parent.mkdir(parents=True)
    paths.runtime.write_text("a file")
    with pytest.raises(StoreError, match="runtime"):
        Instance(paths).acquire()


def test_a_lock_that_is_a_folder_is_told() -> None:
    paths = Paths.default()
    (paths.runtime / "agent.lock").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"agent\.lock"):
        Instance(paths).acquire()


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")
def test_asking_creates_nothing(tmp_path: Path) -> None:
    Instance(Paths.default())
    assert not Paths.default().runtime.exists()
