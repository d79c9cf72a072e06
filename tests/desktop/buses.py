"""A message bus of its own for a test, with mocked desktop services on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LOGIN = "org.freedesktop.login1"
MOCK = "org.freedesktop.DBus.Mock"

CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """A guard against hanging, no measurement."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@dataclass
class PrivateBus:
    """A message bus of its own, without any service that could be started by itself."""

    address: str
    process: subprocess.Popen[bytes]
    mocks: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def serve(self, kind: str, *arguments: str) -> None:
        """Start a python-dbusmock service on this bus, its name owned when this returns."""
        variable = f"DBUS_{kind.upper()}_BUS_ADDRESS"
        self.mocks.append(
            subprocess.Popen(
                [sys.executable, "-m", "dbusmock", f"--{kind}", *arguments],
                env={**os.environ, variable: self.address},
                stdout=subprocess.DEVNULL,
            )
        )

    def call(self, destination: str, path: str, method: str, *arguments: str) -> str:
        """``dbus-send`` on this bus; what it printed."""
        done = subprocess.run(
            [
                "dbus-send",
                f"--bus={self.address}",
                "--print-reply=literal",
                f"--dest={destination}",
                path,
                method,
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def has(self, name: str) -> bool:
        answer = self.call(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            f"string:{name}",
        )
        return "true" in answer

    def stop(self) -> None:
        for mock in self.mocks:
            mock.terminate()
            mock.wait(20)
        self.process.terminate()
        self.process.wait(20)


def answers(path: Path) -> bool:
    """Whether somebody listens on that socket; the file alone is there a moment earlier."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False


def start_bus(folder: Path) -> PrivateBus:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("the package dbus is missing")
    folder.mkdir()
    place = folder / "bus"
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(socket=place))
    process = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork"])
    wait_until(lambda: answers(place))
    return PrivateBus(f"unix:path={place}", process)


# --- words to mocked services


def gdbus(bus: PrivateBus, name: str, path: str, method: str, *arguments: str) -> None:
    """Call a method whose arguments are variants."""
    target = ["--address", bus.address, "--dest", name, "--object-path", path]
    subprocess.run(
        ["gdbus", "call", *target, "--method", method, *arguments],
        check=True,
        timeout=30,
        stdout=subprocess.DEVNULL,
    )


def sleep(bus: PrivateBus, start: bool) -> None:
    """logind says that the computer goes to sleep, or that it is awake again."""
    gdbus(
        bus,
        LOGIN,
        "/org/freedesktop/login1",
        f"{MOCK}.EmitSignal",
        f"{LOGIN}.Manager",
        "PrepareForSleep",
        "b",
        f"[<{'true' if start else 'false'}>]",
    )


def inhibitors(bus: PrivateBus) -> str:
    """Who has a sleep wait."""
    return bus.call(LOGIN, "/org/freedesktop/login1", f"{LOGIN}.Manager.ListInhibitors")
