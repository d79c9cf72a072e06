"""The Debian package, made of a frozen folder that is none: what lies where, and what its scripts
do when it is removed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from agent.desktop.autostart.linux import XdgAutostart
from tests.installer.test_installer import INSTALLER, load

deb = load(INSTALLER / "linux" / "deb.py")

needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="the package dpkg is missing"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small package, built and unpacked."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("the package dpkg is missing")
    work = tmp_path_factory.mktemp("deb")
    frozen = work / "frozen"
    (frozen / "_internal").mkdir(parents=True)
    (frozen / "moodtray").write_text("#!/bin/sh\necho moodtray\n")
    (frozen / "_internal" / "library.so").write_bytes(bytes(1000))
    (frozen / "_internal" / "library.so").chmod(0o700)
    package = deb.build(frozen, "1.2.3", work / "build", work / "out")
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert package.name == f"moodtray_1.2.3_{architecture}.deb"
    unpacked = work / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(unpacked)], check=True)
    return unpacked


def test_the_control_file(tree: Path) -> None:
    told = subprocess.run(
        ["dpkg-deb", "--field", str(next(tree.parent.glob("out/*.deb")))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Package: moodtray\nVersion: 1.2.3\n" in told
    for name in ("libgl1", "libc6 (>= ", "Recommends: zenity | kdialog"):
        assert name in told
    (needed,) = [line for line in told.splitlines() if line.startswith("Depends:")]
    assert "gtk" not in needed, "only for trays of the old kind, so it is suggested"
    assert "\n ." in told  # a paragraph break in the description


def test_the_layout(tree: Path) -> None:
    command = tree / "usr/bin/moodtray"
    assert command.is_symlink()
    assert command.resolve() == (tree / "usr/lib/moodtray/moodtray").resolve()
    assert subprocess.run([str(command)], capture_output=True, text=True).stdout == "moodtray\n"
    for size in (16, 24, 32, 48, 256):
        assert (tree / f"usr/share/icons/hicolor/{size}x{size}/apps/moodtray.png").is_file()
    assert (tree / "usr/share/icons/hicolor/scalable/apps/moodtray.svg").is_file()
    assert "MIT License" in (tree / "usr/share/doc/moodtray/copyright").read_text()
    top = {f"{entry.relative_to(tree)}" for entry in tree.iterdir()}
    assert top == {"DEBIAN", "usr", "etc"}


def test_everybody_may_read_and_only_programs_run(tree: Path) -> None:
    for entry in (tree / "usr").rglob("*"):
        if entry.is_symlink():
            continue
        runs = entry.is_dir() or entry.name == "moodtray"
        wanted = 0o755 if runs else 0o644
        if entry.parent.name in ("lib", "share", "doc", "bin"):
            wanted = 0o755 if entry.is_dir() else wanted
        assert stat.S_IMODE(entry.stat().st_mode) == wanted, entry


def test_start_at_login_is_off_until_somebody_wants_it(tree: Path, tmp_path: Path) -> None:
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/xdg/autostart/moodtray.desktop\n"
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tree / "etc/xdg")}
    entry = XdgAutostart(["/usr/bin/env", "run"], environment)
    assert not entry.status().enabled
    entry.enable()
    assert entry.status().enabled
    entry.disable()
    assert not entry.status().enabled


@needs_dpkg
@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None,
    reason="the package desktop-file-utils is missing",
)
def test_the_desktop_files_are_valid(tree: Path) -> None:
    files = [
        str(tree / "usr/share/applications/moodtray.desktop"),
        str(INSTALLER / "linux" / "autostart.desktop"),
    ]
    assert "\nExec=/usr/bin/moodtray run\n" in Path(files[0]).read_text()
    checked = subprocess.run(
        ["desktop-file-validate", *files], capture_output=True, text=True, timeout=30
    )
    assert checked.stdout + checked.stderr == ""


# --- the scripts, with another place than /usr/lib


def script(name: str, program: Path, tmp_path: Path) -> Path:
    """A maintainer script for a package that lies elsewhere."""
    text = (INSTALLER / "linux" / name).read_text()
    assert "/usr/lib/moodtray" in text
    file = tmp_path / name
    file.write_text(text.replace("/usr/lib/moodtray", str(program.parent)))
    return file


def run_script(file: Path, *words: str) -> None:
    done = subprocess.run(
        ["sh", str(file), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def running(program: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A shell of that file that sits there until it is ended; it has begun."""
    with subprocess.Popen([str(program), *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


POLITE = ("-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done")
STUBBORN = ("-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The package's program (a shell), in a folder of its own."""
    folder = tmp_path / "lib" / "moodtray"
    folder.mkdir(parents=True)
    return Path(shutil.copy(Path("/bin/sh").resolve(), folder / "moodtray"))


@needs_proc
@pytest.mark.parametrize("reason", ["remove", "upgrade", "deconfigure"])
def test_a_running_agent_is_ended_and_no_other_program(
    installed: Path, tmp_path: Path, reason: str
) -> None:
    elsewhere = tmp_path / "elsewhere" / "moodtray"
    elsewhere.parent.mkdir()
    shutil.copy(installed, elsewhere)
    link = tmp_path / "command"
    link.symlink_to(installed)
    with ExitStack() as open_now:
        start = open_now.enter_context
        agents = [start(running(place, *POLITE)) for place in (installed, link)]
        neighbour = start(running(elsewhere, *POLITE))
        run_script(script("prerm", installed, tmp_path), reason, "2.0")
        assert [agent.wait(20) for agent in agents] == [0, 0], "politely"
        assert neighbour.poll() is None


@needs_proc
def test_an_agent_that_does_not_listen_is_ended_all_the_same(
    installed: Path, tmp_path: Path
) -> None:
    with running(installed, *STUBBORN) as agent:
        run_script(script("prerm", installed, tmp_path), "remove")
        assert agent.wait(20) == -9


@needs_proc
def test_a_failed_upgrade_ends_nobody(installed: Path, tmp_path: Path) -> None:
    with running(installed, *POLITE) as agent:
        run_script(script("prerm", installed, tmp_path), "failed-upgrade", "1.0")
        assert agent.poll() is None


def test_nothing_is_left_in_the_packages_folder(installed: Path, tmp_path: Path) -> None:
    file = script("postrm", installed, tmp_path)
    left = installed.parent / "_internal" / "__pycache__"
    left.mkdir(parents=True)
    for reason in ("upgrade", "failed-upgrade", "abort-install"):
        run_script(file, reason)
        assert left.is_dir(), reason
    run_script(file, "remove")
    assert not installed.parent.exists()
    assert installed.parent.parent.is_dir()
    run_script(file, "purge")


def test_dpkg_can_run_the_scripts(tree: Path) -> None:
    for name in ("prerm", "postrm"):
        assert os.access(tree / "DEBIAN" / name, os.X_OK)
        assert (tree / "DEBIAN" / name).read_text().startswith("#!/bin/sh\n")
