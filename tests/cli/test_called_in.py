"""The folder that a command is called in may be another user's, with anything in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent.store.paths import Paths
from tests.agent_process import CLIP, ROOT, AgentProcess

KEYRING = """\
import os, pathlib
pathlib.Path(os.environ["SEEN"]).write_text(os.getcwd())
get_password = lambda *_: None
"""
"""What other keyrings than this system's do there: ask a compiler where their libraries are."""


def call(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*filter(None, [environment.pop("MODULES", "")]), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-P", "-m", "agent", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / "home"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    return Paths.below(tmp_path / "home")


def test_no_library_finds_itself_in_it(tmp_path: Path) -> None:
    modules, trap, seen = tmp_path / "modules", tmp_path / "trap", tmp_path / "seen"
    (modules / "keyring").mkdir(parents=True)
    (modules / "keyring" / "__init__.py").write_text(KEYRING)
    (modules / "keyring" / "errors.py").write_text("class KeyringError(Exception): ...\n")
    trap.mkdir()
    ended = call(trap, "logout", MODULES=str(modules), SEEN=str(seen))
    assert ended.returncode == 0, ended.stderr
    assert Path(seen.read_text()) != trap


def test_the_agent_leaves_it_and_still_finds_the_clip_that_was_named() -> None:
    clip = str(CLIP.relative_to(ROOT))  # where it is called
    with AgentProcess("run", "--headless", "--events-json", "--camera", clip) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        if sys.platform == "linux":
            assert os.readlink(f"/proc/{agent.process.pid}/cwd") == "/"
        agent.stop()


@pytest.mark.parametrize("words", [(), ("--out", "here.zip"), ("--out", ".")])
def test_a_report_lies_where_it_was_asked_for(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = tmp_path / "desk"
    folder.mkdir(mode=0o700)
    ended = call(folder, "doctor", "--bundle", *words)
    (made,) = folder.iterdir()
    assert zipfile.is_zipfile(made), ended.stderr


def test_a_folder_that_is_gone_keeps_nobody_from_a_command(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, subprocess, sys; os.rmdir(os.getcwd()); "
        "sys.exit(subprocess.run([sys.executable, '-P', '-m', 'agent', 'status']).returncode)"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
