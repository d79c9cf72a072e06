"""Desktops with a panel (tint2: classic tray, xfce4-panel: indicators), bare X servers, buses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desktop.buses import PrivateBus, start_bus
from tests.desktop.x11 import Desktop, PanelName, missing_packages, wait_for

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "test-artefacts"


def _desktop(folder: Path, panel: PanelName | None) -> Iterator[Desktop]:
    missing = missing_packages(panel)
    if missing:
        message = f"needs the Debian packages {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with Desktop(folder, panel=panel) as desktop:
        yield desktop


@pytest.fixture(scope="session")
def tint2_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """Tray of the classic kind, notifications."""
    yield from _desktop(tmp_path_factory.mktemp("tint2"), "tint2")


@pytest.fixture(scope="session")
def xfce_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """Tray of the indicator kind."""
    yield from _desktop(tmp_path_factory.mktemp("xfce"), "xfce4-panel")


@pytest.fixture
def artefacts() -> Path:
    """Where pictures of a run are kept, to be looked at; git ignores it."""
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS


class Program:
    """A program of ours on a test desktop: lines in, lines out."""

    def __init__(self, script: str, env: dict[str, str], folder: Path) -> None:
        self.folder = folder
        self._out = folder / f"{script}.out"
        self._err = folder / f"{script}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests" / "desktop" / f"{script}.py")],
                env={**env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                text=True,
            )

    def tell(self, **command: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    def errors(self) -> str:
        return self._err.read_text()

    def wait_for_line(self, start: str, timeout: float = 60.0) -> str:
        """The first line that starts so."""

        def ask() -> str | None:
            assert start == "ended" or self.process.poll() is None, self.errors()
            return next((line for line in self.lines() if line.startswith(start)), None)

        return wait_for(ask, f"line '{start}' (errors: {self.errors()})", timeout)

    def end(self) -> int:
        """Its exit code after SIGTERM."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """``start_program(script, desktop, **environment)``; ended after the test."""
    started: list[Program] = []

    def start(script: str, env: dict[str, str], **more: str) -> Program:
        runtime = {"MOODTRAY_HOME": str(tmp_path / "moodtray")}
        program = Program(script, {**env, **runtime, **more}, tmp_path)
        started.append(program)
        return program

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        if program.process.stdin is not None and not program.process.stdin.closed:
            program.process.stdin.close()


@pytest.fixture
def system_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    bus = start_bus(tmp_path / "system-bus")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()


@pytest.fixture
def session_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    bus = start_bus(tmp_path / "session-bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()


@pytest.fixture
def no_buses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def x_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A real X server of its own."""
    if shutil.which("Xvfb") is None:
        pytest.skip("the package xvfb is missing")
    read, write = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(write),
            "-screen",
            "0",
            "640x480x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    assert number, "the X server did not start"
    monkeypatch.setenv("DISPLAY", f":{number}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield server
    server.terminate()
    server.wait(20)
