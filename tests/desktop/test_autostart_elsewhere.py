"""Start at login on Windows and macOS: the exact bytes, written to a stand-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.autostart import autostart
from agent.desktop.autostart.command import start_command
from agent.desktop.autostart.linux import XdgAutostart
from agent.desktop.autostart.macos import LaunchAgent
from agent.desktop.autostart.windows import (
    APPROVED_KEY,
    REG_SZ,
    RUN_KEY,
    RunKeyAutostart,
    split_command_line,
)
from agent.errors import DesktopError


class FakeRegistry:
    def __init__(self) -> None:
        self.values: dict[tuple[str, str], tuple[str | bytes, int]] = {}
        self.refuse = False

    def get(self, key: str, name: str) -> tuple[str | bytes, int] | None:
        return self.values.get((key, name))

    def set(self, key: str, name: str, data: str, kind: int) -> None:
        if self.refuse:
            raise PermissionError(13, "Access is denied")
        self.values[key, name] = (data, kind)

    def delete(self, key: str, name: str) -> None:
        self.values.pop((key, name), None)


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "Program Files" / "moodtrayw.exe"
    file.parent.mkdir()
    file.write_bytes(b"")
    return str(file)


# --- Windows


def test_windows_writes_one_run_value(program: str) -> None:
    registry = FakeRegistry()
    entry = RunKeyAutostart([program, "run"], registry)
    assert not entry.status().enabled
    entry.enable()
    assert registry.values == {
        (r"Software\Microsoft\Windows\CurrentVersion\Run", "Moodtray"): (f'"{program}" run', REG_SZ)
    }
    assert entry.status().enabled
    assert not entry.status().moved
    entry.disable()
    assert registry.values == {}


def test_windows_understands_the_task_managers_switch(program: str) -> None:
    registry = FakeRegistry()
    entry = RunKeyAutostart([program, "run"], registry)
    entry.enable()
    registry.values[APPROVED_KEY, "Moodtray"] = (bytes([3]) + bytes(11), 3)
    assert not entry.status().enabled
    registry.values[APPROVED_KEY, "Moodtray"] = (bytes([2]) + bytes(11), 3)
    assert entry.status().enabled
    registry.values[APPROVED_KEY, "Moodtray"] = (bytes([3]) + bytes(11), 3)
    entry.enable()
    assert entry.status().enabled


def test_windows_tells_a_moved_installation(program: str) -> None:
    registry = FakeRegistry()
    RunKeyAutostart([r"C:\Old Place\moodtrayw.exe", "run"], registry).enable()
    entry = RunKeyAutostart([program, "run"], registry)
    found = entry.status()
    assert found.command == (r"C:\Old Place\moodtrayw.exe", "run")
    assert found.gone
    assert entry.renew()
    assert registry.values[RUN_KEY, "Moodtray"] == (f'"{program}" run', REG_SZ)


def test_windows_refuses_what_the_system_would_ignore() -> None:
    registry = FakeRegistry()
    with pytest.raises(DesktopError, match="too long"):
        RunKeyAutostart(["C:\\" + "x" * 300, "run"], registry).enable()
    assert registry.values == {}


def test_a_policy_that_forbids_is_told(program: str) -> None:
    registry = FakeRegistry()
    registry.refuse = True
    with pytest.raises(DesktopError, match="policy"):
        RunKeyAutostart([program, "run"], registry).enable()


@given(st.lists(st.text(st.sampled_from('ab \\"\t'), max_size=8), min_size=1))
def test_windows_command_lines_are_read_back(command: list[str]) -> None:
    assert split_command_line(subprocess.list2cmdline(command)) == tuple(command)


# --- macOS

PLIST = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
\t<key>Label</key>
\t<string>org.moodtray.agent</string>
\t<key>LimitLoadToSessionType</key>
\t<string>Aqua</string>
\t<key>ProcessType</key>
\t<string>Interactive</string>
\t<key>ProgramArguments</key>
\t<array>
\t\t<string>/Applications/My &amp; Apps/moodtray</string>
\t\t<string>run</string>
\t</array>
\t<key>RunAtLoad</key>
\t<true/>
</dict>
</plist>
"""


def test_macos_writes_one_launch_agent(tmp_path: Path) -> None:
    folder = tmp_path / "LaunchAgents"
    entry = LaunchAgent(["/Applications/My & Apps/moodtray", "run"], folder)
    assert not entry.status().enabled
    entry.enable()
    assert [file.name for file in folder.iterdir()] == ["org.moodtray.agent.plist"]
    assert (folder / "org.moodtray.agent.plist").read_text() == PLIST
    found = entry.status()
    assert found.enabled
    assert (found.moved, found.gone) == (False, True)
    entry.disable()
    assert list(folder.iterdir()) == []
    entry.disable()


def test_macos_tells_a_moved_installation(tmp_path: Path) -> None:
    LaunchAgent(["/old/moodtray", "run"], tmp_path).enable()
    now = LaunchAgent([sys.executable, "run"], tmp_path)
    assert now.status().gone
    assert now.renew()
    assert now.status().command == (sys.executable, "run")


@pytest.mark.parametrize(
    "text",
    [
        "rubbish",
        PLIST.replace("<true/>", "<false/>"),
        PLIST.replace("<key>Label</key>", "<key>Disabled</key><true/><key>Label</key>"),
    ],
)
def test_macos_what_launchd_would_not_start_is_off(tmp_path: Path, text: str) -> None:
    entry = LaunchAgent(["/m", "run"], tmp_path)
    entry.file.write_text(text)
    assert not entry.status().enabled


# --- the command and the chooser


@pytest.mark.skipif(sys.platform != "linux", reason="the chooser's answer on Linux")
def test_the_chooser_on_linux() -> None:
    chosen = autostart(["/m", "run"])
    assert isinstance(chosen, XdgAutostart)
    assert chosen.command == ("/m", "run")


def test_a_frozen_build_starts_itself(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", program)
    assert start_command() == (program, "run")


@pytest.fixture
def installed_copy(tmp_path: Path) -> Path:
    """A virtual environment, in a folder with blanks, with the package copied into it the way a
    wheel is."""
    venv = tmp_path / "a venv"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120
    )
    site = (
        next(venv.glob("lib/python3*/site-packages"))
        if sys.platform != "win32"
        else (venv / "Lib" / "site-packages")
    )
    source = Path(__file__).resolve().parents[2] / "agent"
    for name in ("__init__.py", "desktop/__init__.py"):
        (site / "agent" / name).parent.mkdir(parents=True, exist_ok=True)
        (site / "agent" / name).write_bytes((source / name).read_bytes())
    target = site / "agent/desktop/autostart"
    target.mkdir()
    (target / "command.py").write_bytes((source / "desktop/autostart/command.py").read_bytes())
    (target / "__init__.py").write_text("")
    return venv


def ask_for_command(python: Path, folder: Path) -> list[str]:
    code = (
        "from agent.desktop.autostart.command import start_command; "
        "print('\\n'.join(start_command()))"
    )
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="scripts lie elsewhere on Windows")
def test_a_wheel_starts_its_script(installed_copy: Path, tmp_path: Path) -> None:
    script = installed_copy / "bin" / "moodtray"
    python = installed_copy / "bin" / "python"
    assert ask_for_command(python, tmp_path) == [str(python), "-P", "-m", "agent", "run"]
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert ask_for_command(python, tmp_path) == [str(script), "run"]


def test_a_checkout_starts_from_any_folder(tmp_path: Path) -> None:
    """Run what would be started, with an ending that tells where the package came from."""
    command = start_command()
    checkout = Path(__file__).resolve().parents[2]
    assert command[:2] == (sys.executable, "-c")
    assert command[3] == "run"
    code = command[2].replace(
        "from agent.cli import main; main()",
        "import agent; print(agent.__file__, sys.argv[1:])",
    )
    done = subprocess.run(
        [command[0], "-c", code, command[3]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == f"{checkout / 'agent' / '__init__.py'} ['run']"


def test_nothing_is_imported_from_the_folder_that_it_is_started_in(tmp_path: Path) -> None:
    command = start_command()
    for name in ("logging", "typer", "agent"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')")
    done = subprocess.run(
        [*command[:-1], "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("moodtray ")
