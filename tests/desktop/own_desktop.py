"""What every desktop of our own is: a screen, a message bus, and programs that end with it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Self

from tests.desktop.x11_screen import Screen

SERVICES = Path("/usr/share/dbus-1/services")
"""What a session's bus starts by itself when it is asked for."""
BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=/tmp</listen>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class OwnDesktop(Screen):
    """Begun and ended by ``with``. ``env``: the variables of its programs; ``folder`` takes their
    logs."""

    def __init__(self, folder: Path, size: tuple[int, int], panel: str | None) -> None:
        self.folder = folder
        self.size = size
        self.panel = panel
        self.env: dict[str, str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin all that belongs to it."""
        raise NotImplementedError

    def stop(self) -> None:
        """End what :meth:`start` began, the newest first."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._processes.clear()

    def _spawn(self, *command: str, log: str = "", **more: str) -> subprocess.Popen[bytes]:
        name = log or Path(command[0]).name
        with (self.folder / f"{name}.log").open("ab") as out:
            process = subprocess.Popen(command, env=self.env | more, stdout=out, stderr=out)
        self._processes.append(process)
        return process

    def _start_bus(self) -> None:
        """Start a session's bus. It starts services that are asked for, with the variables that are
        known by now, but none for notifications: that would take the place of the desktop's own."""
        services = self.folder / "services"
        services.mkdir(exist_ok=True)
        for entry in SERVICES.glob("*.service"):
            if "Name=org.freedesktop.Notifications\n" not in entry.read_text():
                (services / entry.name).symlink_to(entry)
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(services=services))
        process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        assert process.stdout is not None
        self.env["DBUS_SESSION_BUS_ADDRESS"] = process.stdout.readline().decode().strip()
        process.stdout.close()
