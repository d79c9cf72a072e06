"""The command that starts this very installation again, whatever kind it is."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

RUN = "run"
HOME_OPTION = "--home"


def start_command() -> tuple[str, ...]:
    """Find program and arguments that start this installation of the agent.

    All paths are absolute and no shell, working directory or activated environment is needed:

    - a frozen build: its own executable (on Windows the one without a console window);
    - a wheel in a virtual environment, made by pipx or by ``pip install --user``: its ``moodtray``
      script (on Windows ``pythonw -P -m agent``, since a script would open a console window);
    - a checkout: its Python, told where the checkout is.
    """
    executable = Path(os.path.abspath(sys.executable))  # not resolved: a venv's python is a link
    if getattr(sys, "frozen", False):
        return (str(_windowed(executable, "moodtrayw.exe")), RUN)
    package_parent = Path(__file__).resolve().parents[3]
    if not is_installed(package_parent):
        # The package called 'agent' is no script's folder: '-m' would need a working directory.
        # And nothing is taken from the one that it is started in, which may be anybody's.
        code = (
            "import sys; sys.path[:] = [place for place in sys.path if place]; "
            f"sys.path.insert(0, {str(package_parent)!r}); "
            "from agent.cli import main; main()"
        )
        return (str(_windowed(executable, "pythonw.exe")), "-c", code, RUN)
    if os.name == "nt":
        return (str(_windowed(executable, "pythonw.exe")), "-P", "-m", "agent", RUN)
    for script in _scripts(executable):
        if script.is_file() and os.access(script, os.X_OK):
            return (str(script), RUN)
    return (str(executable), "-P", "-m", "agent", RUN)


def program_command() -> tuple[str, ...]:
    """Give start_command without its verb: for a desktop entry, whose actions have their own."""
    return start_command()[:-1]


def home_option() -> tuple[str, ...]:
    """Return what start_command needs where MOODTRAY_HOME is set: at login nobody sets it."""
    from agent.store.paths import Paths

    root = Paths.home()
    return () if root is None else (HOME_OPTION, str(root))


def _windowed(executable: Path, name: str) -> Path:
    """Find the sibling that opens no console window, where there is one."""
    sibling = executable.with_name(name)
    return sibling if os.name == "nt" and sibling.is_file() else executable


def is_installed(package_parent: Path) -> bool:
    """Tell whether the package lies in a folder that Python searches by itself."""
    places = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    places.add(sysconfig.get_path("purelib", _user_scheme()))
    return any(place and Path(place).resolve() == package_parent for place in places)


def _scripts(executable: Path) -> Iterator[Path]:
    yield executable.with_name("moodtray")
    yield Path(sysconfig.get_path("scripts")) / "moodtray"
    yield Path(sysconfig.get_path("scripts", _user_scheme())) / "moodtray"


def _user_scheme() -> str:
    return sysconfig.get_preferred_scheme("user")
