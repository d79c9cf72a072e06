"""Sees that a built program works: started from another folder, with a home of its own.

python installer/check.py dist/moodtray                    the frozen folder
python installer/check.py dist/moodtray_*.deb [PICTURE]    the package: installed, started, removed
                                                           (root, a machine that may be changed)

On Linux both show the tray icon on a virtual screen, where Xvfb, openbox and xfce4-panel are.
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
NEVER = (
    "torch",
    "torchvision",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "sympy",
    "libgtk-3",
    "libglib-2.0",
)
"""Nothing of that name may be in the folder."""
SCREEN_TOOLS = ("Xvfb", "openbox", "xfce4-panel", "dbus-daemon", "dbus-send")


def frozen(folder: Path) -> None:
    """The frozen folder: version, doctor, demo, tray, and what must not be in it."""
    program = folder.resolve() / ("moodtray.exe" if sys.platform == "win32" else "moodtray")
    inside = [file.name for file in folder.rglob("*")]
    for name in NEVER:
        assert not [f for f in inside if f == name or f.startswith(f"{name}.")], name
    with tempfile.TemporaryDirectory(prefix="moodtray check ") as place:
        run_commands(program, Path(place))
        missing = [tool for tool in SCREEN_TOOLS if shutil.which(tool) is None]
        if sys.platform != "linux":
            return
        if missing:
            print(f"not shown on a screen: {', '.join(missing)} is not here")
            return
        start_on_a_screen(program, Path(place), None)


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
    (music,) = (check for check in report["checks"] if check["name"] == "music")
    assert music["ok"], music  # each loop was decoded, by a child of this program
    lines = run("demo", "--seconds", str(DEMO_SECONDS), "--json", "--headless").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    summary = events[-1]
    assert summary.get("with_face", 0) >= 3, events
    assert summary.get("moods"), events
    assert run("status", codes=(3,)) == ""
    with running(program, environment, place, "--headless") as agent:
        obey(program, environment, agent)
    checks = len(report["checks"])
    print(f"works: version, doctor ({checks} checks), demo (mood {summary['moods']}), commands")


@contextmanager
def running(
    program: Path, environment: dict[str, str], place: Path, *words: str
) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that watches the shipped clip and answers commands."""
    clip = next(program.resolve().parent.rglob("resources/demo/*.mp4"))
    command = [str(program), "run", "--camera", str(clip), *words]
    said = place / "said"
    with said.open("wb") as errors:
        agent = subprocess.Popen(command, env=environment, cwd=place, stderr=errors)
    try:
        wait_for(lambda: ask(program, environment, "status") == 0, 90)
        yield agent
        # Its children are this program, too: one that does not know itself takes their options for
        # a user's, and complains.
        assert b"No such option" not in said.read_bytes(), said.read_text()
    finally:
        if agent.poll() is None:
            agent.kill()
            agent.wait()


def obey(program: Path, environment: dict[str, str], agent: subprocess.Popen[bytes]) -> None:
    """A running agent takes commands and ends when told to."""
    for verb in ("pause", "resume", "quit"):
        assert ask(program, environment, verb) == 0, verb
    assert agent.wait(15) == 0


def package(deb: Path, picture: Path | None = None) -> None:
    """Install, start on a screen, run the demo, remove while it runs: nothing may be left."""
    before = installed_files()
    subprocess.run(["apt-get", "install", "-y", "-q", str(deb.resolve())], check=True)
    purged = False
    try:
        program = Path("/usr/bin/moodtray")
        with tempfile.TemporaryDirectory(prefix="moodtray check ") as place:
            run_commands(program, Path(place))
            start_on_a_screen(program, Path(place), picture)
            remove_while_it_runs(program, Path(place))
            purged = True
    finally:
        if not purged:
            subprocess.run(["dpkg", "--purge", "moodtray"], check=False)
    left = installed_files() - before
    assert not left, sorted(left)[:20]
    print("installed, started, shown, removed without residue")


def remove_while_it_runs(program: Path, place: Path) -> None:
    """Removing the package ends its agent, cleanly, and no other program of that name."""
    environment = {**os.environ, "MOODTRAY_HOME": str(place / "home")}
    other = place / "moodtray"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", other)
    with (
        running(program, environment, place, "--headless") as agent,
        subprocess.Popen([str(other), "300"]) as neighbour,
    ):
        try:
            subprocess.run(["dpkg", "--purge", "moodtray"], check=True)
            assert agent.wait(1) == 0, "it was not ended, or by force"
            assert neighbour.poll() is None, "another program was ended"
        finally:
            neighbour.kill()


def installed_files() -> set[str]:
    """Everything of this program on the system, outside of homes."""
    places = ["/usr", "/etc", "/var/lib", "/opt"]
    found = subprocess.run(
        ["find", *places, "-iname", "*moodtray*"], capture_output=True, text=True, check=False
    )
    return {line for line in found.stdout.splitlines() if "/var/lib/apt" not in line}


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """A virtual screen with a window manager, a panel and a message bus; yields the variables."""
    reading, writing = os.pipe()
    size = ["-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    started = [
        subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), *size],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
    ]
    os.close(writing)
    with os.fdopen(reading) as pipe:  # the number that is free, once it is up
        number = pipe.readline().strip()
    variables = {**os.environ, "DISPLAY": f":{number}", "NO_AT_BRIDGE": "1"}
    variables["XFCE_PANEL_MIGRATE_DEFAULT"] = "1"
    variables.pop("WAYLAND_DISPLAY", None)
    bus = subprocess.run(
        ["dbus-daemon", "--session", "--fork", "--print-address=1", "--print-pid=1"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    variables["DBUS_SESSION_BUS_ADDRESS"] = bus[0]
    try:
        for command in (["openbox"], ["xfce4-panel", "--disable-wm-check"]):
            started.append(subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL))
        time.sleep(2)
        yield variables
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(20)
        os.kill(int(bus[1]), 15)


def start_on_a_screen(program: Path, place: Path, picture: Path | None) -> None:
    """The agent with its tray icon, in an empty home: up, shown, asked, ended."""
    home = place / "an empty home"
    home.mkdir()
    with screen() as variables:
        for name in [name for name in variables if name.startswith(("XDG_", "MOODTRAY_"))]:
            del variables[name]
        variables["HOME"] = str(home)
        with running(program, variables, place) as agent:
            wait_for(lambda: str(agent.pid) in tray_items(variables), 30)
            no_gtk_is_loaded(agent)
            assert ask(program, variables, "preview") == 0
            time.sleep(3)
            if picture is not None and shutil.which("import"):
                time.sleep(5)
                subprocess.run(["import", "-window", "root", str(picture)], env=variables)
            obey(program, variables, agent)
    log = "\n".join(file.read_text() for file in home.rglob("*.log"))
    assert "Traceback" not in log, log
    print("shown: the panel has taken icon and menu, and no GTK is loaded")


def no_gtk_is_loaded(agent: subprocess.Popen[bytes]) -> None:
    """Icon and menu go over D-Bus."""
    maps = Path(f"/proc/{agent.pid}/maps").read_text()
    for name in ("libgtk-3.so", "libgirepository-1.0.so"):
        assert name not in maps, f"{name} was loaded"


def ask(program: Path, variables: dict[str, str], verb: str) -> int:
    return subprocess.run(
        [str(program), verb], env=variables, capture_output=True, timeout=60
    ).returncode


def tray_items(variables: dict[str, str]) -> str:
    """The icons that the panel shows, by their names, which hold the numbers of their processes."""
    watcher = "org.kde.StatusNotifierWatcher"
    asked = subprocess.run(
        [
            "dbus-send",
            "--session",
            "--print-reply",
            f"--dest={watcher}",
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties.Get",
            f"string:{watcher}",
            "string:RegisteredStatusNotifierItems",
        ],
        env=variables,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return asked.stdout


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
