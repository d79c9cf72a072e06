"""The scripts behind ``make`` and CI: what they refuse, what they name, what they let through."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for POSIX shells")

TARGETS = (
    "setup", "demo", "demo-spotify", "test", "lint", "bench", "screenshots", "installer", "clean",
)  # fmt: skip


def shell(*command: str, path: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run in the repository; programs in ``path`` hide the real ones."""
    base = {k: v for k, v in os.environ.items() if k not in ("CI", "MAKEFLAGS", "MAKELEVEL")}
    if path is not None:
        base["PATH"] = f"{path}{os.pathsep}{base['PATH']}"
    return subprocess.run(
        command,
        cwd=ROOT,
        env=base | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def stub(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("target", TARGETS)
def test_every_promised_target_is_there_and_explained(target: str) -> None:
    # -W: as if never made, so that all that it would do is shown.
    done = shell("make", "-n", "-W", "pyproject.toml", target)
    assert done.returncode == 0, done.stderr
    assert f"make {target} " in shell("make").stdout


def test_lint_is_part_of_the_tests_and_comes_first() -> None:
    said = shell("make", "-n", "test").stdout
    places = [said.index(word) for word in ("ruff check", "ruff format --check", "mypy", "pytest")]
    assert places == sorted(places)


# --- setup.sh


def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    stub(tmp_path, "python-old", 'case "$1" in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    old = str(tmp_path / "python-old")
    done = shell("sh", ".make/setup.sh", "program", PYTHON=old)
    assert done.returncode == 1
    assert "needs Python 3.11" in done.stderr
    assert "3.9.2" in done.stderr
    done = shell("sh", ".make/setup.sh", "program", PYTHON="no-such-python")
    assert done.returncode == 1
    assert "no 'no-such-python'" in done.stderr


def own_copy(folder: Path) -> Path:
    """A checkout of the scripts alone, with a ready .venv whose pip is a stub."""
    shutil.copytree(ROOT / ".make", folder / ".make")
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    stub(binaries, "python", f'case "$*" in *"-m pip"*) echo pip "$@" ;; *"import gi"*) exit 1 ;;\n'
                             f'*) exec {sys.executable} "$@" ;; esac')  # fmt: skip
    return folder


def test_what_the_old_trays_need_is_asked_of_developers_alone(tmp_path: Path) -> None:
    if sys.platform != "linux":
        assert "Linux" in (ROOT / ".make" / "setup.sh").read_text()
        return
    copy = own_copy(tmp_path / "copy")
    stamps = copy / ".venv" / ".stamps"
    tools = tmp_path / "tools"
    tools.mkdir()
    stub(tools, "pkg-config", "exit 1")
    done = shell("sh", str(copy / ".make" / "setup.sh"), "dev", path=tools)
    assert done.returncode == 1
    assert "libgirepository1.0-dev" in done.stderr
    assert not (stamps / "dev").exists(), "the next run looks again"
    done = shell("sh", str(copy / ".make" / "setup.sh"), "program", path=tools)
    assert done.returncode == 0, done.stderr
    assert (stamps / "program").exists()


# --- system-packages.sh


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A Debian of our imagination: two packages are there, and an apt-get that writes down."""
    stub(tmp_path, "uname", "echo Linux")
    stub(tmp_path, "dpkg-query", 'echo "ii  xvfb "; echo "ii  tint2 "; echo "rc  dunst "')
    stub(tmp_path, "apt-get", f'echo "$@" >> {tmp_path}/apt.log')
    return tmp_path


def test_without_rights_the_missing_packages_are_named(machine: Path) -> None:
    stub(machine, "id", "echo 1000")
    done = shell("sh", ".make/system-packages.sh", path=machine)
    assert done.returncode == 0
    [command] = re.findall(r"sudo apt-get install .*", done.stdout)
    assert " xdotool " in command
    assert " dunst " in command, "removed with its configuration left is not installed"
    assert " xvfb " not in command
    assert not (machine / "apt.log").exists()
    assert shell("sh", ".make/system-packages.sh", path=machine, CI="true").returncode != 0


def test_root_gets_them_installed(machine: Path) -> None:
    stub(machine, "id", "echo 0")
    done = shell("sh", ".make/system-packages.sh", path=machine, CI="true")
    assert done.returncode == 0, done.stderr
    update, install = (machine / "apt.log").read_text().splitlines()
    assert update.startswith("update")
    assert " xdotool " in install
    assert " tint2 " not in install
    stub(machine, "apt-get", "echo no network; exit 100")
    done = shell("sh", ".make/system-packages.sh", path=machine)
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert "xdotool" in done.stderr


def test_what_the_program_needs_is_little(machine: Path) -> None:
    stub(machine, "id", "echo 0")
    shell("sh", ".make/system-packages.sh", "program", path=machine)
    install = (machine / "apt.log").read_text().splitlines()[1]
    assert install.endswith(" python3-venv libgl1 libglib2.0-0")


def test_all_there_is_silent(machine: Path) -> None:
    stub(machine, "id", "echo 1000")
    named = shell("sh", ".make/system-packages.sh", path=machine).stdout
    everything = [*named.split("--no-install-recommends")[1].split(), "xvfb", "tint2"]
    lines = "; ".join(f'echo "ii  {name} "' for name in everything)
    stub(machine, "dpkg-query", lines)
    done = shell("sh", ".make/system-packages.sh", path=machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- CI


def test_ci_runs_make_test_with_a_home_and_no_input(tmp_path: Path) -> None:
    stub(tmp_path, "make", 'echo "args=$* CI=$CI HOME=$HOME"; test -w "$HOME" && cat && exit 7')
    for home in ("", "/nonexistent"):
        done = shell("bash", ".ci/run", path=tmp_path, HOME=home)
        assert done.returncode == 7, "make's answer is CI's answer"
        assert done.stdout.startswith("args=test CI=true HOME=/")


SAMPLE = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no screen")
def test_skipped(): pass

def test_skips_itself(): pytest.skip("no sound")

@pytest.mark.xfail(strict=True)
def test_known_fault(): assert False
"""


@pytest.mark.parametrize(
    ("ci", "line"),
    [("true", "1 failed, 1 passed, 1 xfailed, 1 error"), ("", "2 skipped, 1 xfailed")],
)
def test_a_skip_fails_on_ci_alone(tmp_path: Path, ci: str, line: str) -> None:
    file = tmp_path / "test_sample.py"
    file.write_text(SAMPLE)
    words = ("-p", "tests.no_skips", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(file))
    done = shell(sys.executable, "-m", "pytest", *words, CI=ci)
    assert line in done.stdout, done.stdout
    assert (done.returncode == 0) == (ci != "true")
    if ci:
        assert "nothing may be skipped" in done.stdout
        assert "no screen" in done.stdout


def test_a_skipped_module_fails_on_ci(tmp_path: Path) -> None:
    file = tmp_path / "test_module.py"
    file.write_text("import pytest\npytest.importorskip('no_such_module')\ndef test_x(): pass\n")
    words = ("-p", "tests.no_skips", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(file))
    assert shell(sys.executable, "-m", "pytest", *words, CI="true").returncode == 2
