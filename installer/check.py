"""Sees that a built program works: started from another folder, with a home of its own.

python installer/check.py dist/moodtray            the frozen folder
python installer/check.py dist/moodtray_*.deb      the package: installed, started, removed
                                                   (root, and a machine that may be changed)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DEMO_SECONDS = 10
NEVER = ("torch", "torchvision", "matplotlib", "onnx", "sympy", "libgtk-3", "libglib-2.0")
"""Nothing of that name may be in the folder."""


def frozen(folder: Path) -> None:
    """The frozen folder: version, doctor, demo, and what must not be in it."""
    program = folder / ("moodtray.exe" if sys.platform == "win32" else "moodtray")
    inside = [file.name for file in folder.rglob("*")]
    for name in NEVER:
        assert not [f for f in inside if f == name or f.startswith(f"{name}.")], name
    with tempfile.TemporaryDirectory(prefix="moodtray check ") as place:
        run_commands(program, Path(place))


def run_commands(program: Path, place: Path) -> None:
    """The commands that need no screen, on an empty home."""
    environment = {**os.environ, "MOODTRAY_HOME": str(place / "home")}
    environment.pop("PYTHONPATH", None)

    def run(*words: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [str(program), *words],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=180,
        )
        told = f"moodtray {' '.join(words)} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode in codes, told
        return done.stdout

    assert run("--version").startswith("moodtray ")
    # A computer without camera or speakers has findings, and that is exit code 1; a check that
    # itself breaks is a fault of the build.
    report = json.loads(run("doctor", "--json", codes=(0, 1)))
    broken = [c for c in report["checks"] if "itself broke" in str(c.get("detail"))]
    assert not broken, broken
    lines = run("demo", "--seconds", str(DEMO_SECONDS), "--json", "--headless").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    summary = events[-1]
    assert summary.get("with_face", 0) >= 3, events
    assert summary.get("moods"), events
    assert run("status", codes=(3,)) == ""
    obey(program, environment, place)
    checks = len(report["checks"])
    print(f"works: version, doctor ({checks} checks), demo (mood {summary['moods']}), commands")


def obey(program: Path, environment: dict[str, str], place: Path) -> None:
    """An agent without a screen takes commands and ends when told to."""
    clip = next(program.resolve().parent.rglob("resources/demo/*.mp4"))
    words = [str(program), "run", "--headless", "--camera", str(clip)]
    agent = subprocess.Popen(words, env=environment, cwd=place)
    try:
        wait_for(lambda: ask(program, environment, "status") == 0, 90)
        assert ask(program, environment, "pause") == 0
        assert ask(program, environment, "resume") == 0
        assert ask(program, environment, "quit") == 0
        assert agent.wait(15) == 0
    finally:
        if agent.poll() is None:
            agent.kill()
            agent.wait()


def package(deb: Path, picture: Path | None = None) -> None:
    """Install, start on a screen, run the demo, remove: nothing may be left."""
    before = installed_files()
    subprocess.run(["apt-get", "install", "-y", "-q", str(deb.resolve())], check=True)
    try:
        program = Path("/usr/bin/moodtray")
        with tempfile.TemporaryDirectory(prefix="moodtray check ") as place:
            run_commands(program, Path(place))
            start_on_a_screen(program, Path(place), picture)
    finally:
        subprocess.run(["dpkg", "--purge", "moodtray"], check=True)
    left = installed_files() - before
    assert not left, sorted(left)[:20]
    print("installed, started, shown, removed without residue")


def installed_files() -> set[str]:
    """Everything of this program on the system, outside of homes."""
    places = ["/usr", "/etc", "/var/lib", "/opt"]
    found = subprocess.run(
        ["find", *places, "-iname", "*moodtray*"], capture_output=True, text=True, check=False
    )
    return {line for line in found.stdout.splitlines() if "/var/lib/apt" not in line}


@contextmanager
def screen(number: int = 85) -> Iterator[dict[str, str]]:
    """A virtual screen with a window manager, a panel and a message bus; yields the variables."""
    variables = {**os.environ, "DISPLAY": f":{number}", "NO_AT_BRIDGE": "1"}
    started = [
        subprocess.Popen(
            ["Xvfb", f":{number}", "-screen", "0", "1024x768x24"], stderr=subprocess.DEVNULL
        )
    ]
    time.sleep(1)
    bus = subprocess.run(
        ["dbus-daemon", "--session", "--fork", "--print-address=1", "--print-pid=1"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    variables["DBUS_SESSION_BUS_ADDRESS"] = bus[0]
    try:
        for command in (["openbox"], ["tint2"]):
            started.append(subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL))
        time.sleep(2)
        yield variables
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(20)
        os.kill(int(bus[1]), 15)


def start_on_a_screen(program: Path, place: Path, picture: Path | None) -> None:
    """The agent with its tray icon: up, asked, ended."""
    with screen() as variables:
        variables["MOODTRAY_HOME"] = str(place / "home on a screen")
        clip = next(program.resolve().parent.rglob("resources/demo/*.mp4"))
        words = [str(program), "run", "--camera", str(clip)]
        agent = subprocess.Popen(words, env=variables, cwd=place)
        try:
            wait_for(lambda: ask(program, variables, "status") == 0, 60)
            wait_for(lambda: bool(tray_windows(variables)), 30)
            if picture is not None and shutil.which("import"):
                time.sleep(3)
                subprocess.run(["import", "-window", "root", str(picture)], env=variables)
            assert ask(program, variables, "pause") == 0
            assert ask(program, variables, "resume") == 0
            assert ask(program, variables, "quit") == 0
            assert agent.wait(15) == 0
        finally:
            if agent.poll() is None:
                agent.kill()
                agent.wait()


def ask(program: Path, variables: dict[str, str], verb: str) -> int:
    return subprocess.run(
        [str(program), verb], env=variables, capture_output=True, timeout=60
    ).returncode


def tray_windows(variables: dict[str, str]) -> list[str]:
    found = subprocess.run(
        ["xdotool", "search", "--class", "moodtray"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return found.stdout.split()


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    target = Path(sys.argv[1])
    if target.suffix == ".deb":
        package(target, Path(sys.argv[2]) if len(sys.argv) == 3 else None)
    else:
        frozen(target)
