"""Start at login on Linux: the file's rules, and a real session starter (dex) that follows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.autostart.linux import XdgAutostart, quote_exec, split_exec
from agent.errors import DesktopError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own mechanism")

needs_dex = pytest.mark.skipif(shutil.which("dex") is None, reason="the package dex is missing")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "system").mkdir()
    return {
        "HOME": str(tmp_path / "home with blanks"),
        "XDG_CONFIG_DIRS": str(tmp_path / "system"),
        "PATH": os.environ["PATH"],
    }


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a folder with blanks that notes the arguments it was started with."""
    folder = tmp_path / "my programs (new)"
    folder.mkdir()
    script = folder / "moodtray"
    script.write_text(
        "#!/bin/sh\n"
        'for a in "$@"; do printf "%s\\n" "$a"; done > "$(dirname "$0")/note.new"\n'
        'mv "$(dirname "$0")/note.new" "$(dirname "$0")/started"\n'
    )
    script.chmod(0o755)
    return script


def system_entry(environment: dict[str, str], text: str) -> None:
    folder = Path(environment["XDG_CONFIG_DIRS"]) / "autostart"
    folder.mkdir(exist_ok=True)
    (folder / "moodtray.desktop").write_text(f"[Desktop Entry]\nType=Application\n{text}\n")


def dex(environment: dict[str, str], *options: str) -> str:
    done = subprocess.run(
        ["dex", "-a", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


# --- the quoting


def test_plain_arguments_stay_plain() -> None:
    assert quote_exec(["/usr/bin/moodtray", "run"]) == "/usr/bin/moodtray run"


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("/opt/My Music/m", '"/opt/My Music/m"'),
        ("50%", "50%%"),
        ("a$b", r'"a\\$b"'),
        ('say "x"', r'"say \\"x\\""'),
        ("back\\slash", r'"back\\\\slash"'),
        ("", '""'),
    ],
)
def test_quoting_follows_the_specification(argument: str, quoted: str) -> None:
    assert quote_exec(["p", argument]) == f"p {quoted}"


@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1),
        min_size=1,
    )
)
def test_what_is_quoted_is_read_back(command: list[str]) -> None:
    assert split_exec(quote_exec(command)) == tuple(command)


def test_field_codes_of_foreign_files_are_left_out() -> None:
    assert split_exec("moodtray run %U") == ("moodtray", "run")


def test_an_open_quote_is_no_command() -> None:
    assert split_exec('"moodtray run') is None
    assert split_exec("a" * 1_000_000) is None, "and no command of ours is as long"


def test_a_line_break_in_a_path_is_refused_in_words(environment: dict[str, str]) -> None:
    with pytest.raises(DesktopError, match="control character"):
        XdgAutostart(["/opt/a\nb"], environment).enable()


# --- the file


def test_off_until_asked(environment: dict[str, str], program: Path) -> None:
    assert XdgAutostart([str(program), "run"], environment).status().enabled is False


def test_enable_disable_status(environment: dict[str, str], program: Path) -> None:
    entry = XdgAutostart([str(program), "run"], environment)
    entry.enable()
    found = entry.status()
    assert found.enabled
    assert found.command == (str(program), "run")
    assert not found.moved
    assert not found.gone
    entry.disable()
    assert not entry.status().enabled
    assert not entry.file.exists()
    entry.disable()  # twice is fine


def test_the_config_folder_may_be_moved(environment: dict[str, str], tmp_path: Path) -> None:
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "cfg")
    assert XdgAutostart(["/m"], environment).file == tmp_path / "cfg/autostart/moodtray.desktop"
    environment["XDG_CONFIG_HOME"] = "relative"
    home = Path(environment["HOME"])
    assert XdgAutostart(["/m"], environment).file == home / ".config/autostart/moodtray.desktop"


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_switched_off_by_the_desktops_own_settings(
    environment: dict[str, str], program: Path, line: str
) -> None:
    entry = XdgAutostart([str(program), "run"], environment)
    entry.enable()
    text = entry.file.read_text().replace("X-GNOME-Autostart-enabled=true\n", "")
    entry.file.write_text(f"{text}{line}\n")
    assert not entry.status().enabled
    entry.enable()
    assert entry.status().enabled


def test_a_package_that_starts_for_all_is_overruled_for_one(
    environment: dict[str, str], program: Path
) -> None:
    system_entry(environment, f"Name=Moodtray\nExec={quote_exec([str(program), 'run'])}")
    entry = XdgAutostart([str(program), "run"], environment)
    assert entry.status().enabled
    entry.disable()
    assert not entry.status().enabled
    assert "Hidden=true" in entry.file.read_text()
    entry.enable()
    assert entry.status().enabled


def test_a_package_that_is_off_by_default_stays_off(environment: dict[str, str]) -> None:
    system_entry(environment, "Name=Moodtray\nExec=/usr/bin/moodtray run\nHidden=true")
    entry = XdgAutostart(["/usr/bin/moodtray", "run"], environment)
    assert not entry.status().enabled
    entry.disable()
    assert not entry.file.exists()


def test_a_moved_installation_is_told_and_mended(
    environment: dict[str, str], program: Path, tmp_path: Path
) -> None:
    XdgAutostart([str(program), "run"], environment).enable()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved_to = program.rename(elsewhere / "moodtray")
    now = XdgAutostart([str(moved_to), "run"], environment)
    found = now.status()
    assert (found.enabled, found.moved, found.gone) == (True, True, True)
    assert str(program) in found.describe()
    assert now.renew()
    assert now.status().command == (str(moved_to), "run")
    assert not now.renew()


def test_a_second_installation_is_told_and_left_alone(
    environment: dict[str, str], program: Path
) -> None:
    XdgAutostart([str(program), "run"], environment).enable()
    other = XdgAutostart(["/usr/bin/env", "moodtray", "run"], environment)
    found = other.status()
    assert (found.moved, found.gone) == (True, False)
    assert not other.renew()
    assert other.status().command == (str(program), "run")


@needs_dex
def test_a_program_that_is_gone_is_passed_over_in_silence(
    environment: dict[str, str], program: Path
) -> None:
    entry = XdgAutostart([str(program), "run"], environment)
    entry.enable()
    assert f"TryExec={program}\n" in entry.file.read_text()
    assert dex(environment, "-d").strip()
    program.unlink()
    assert dex(environment) == ""
    assert not program.with_name("started").exists()


def test_a_bare_name_is_left_to_the_search_path(environment: dict[str, str]) -> None:
    entry = XdgAutostart(["env", "run"], environment)
    entry.enable()
    assert "TryExec" not in entry.file.read_text()
    assert not entry.status().gone


def test_a_folder_in_the_way_is_told(environment: dict[str, str]) -> None:
    entry = XdgAutostart(["/m", "run"], environment)
    entry.file.parent.parent.mkdir(parents=True)
    entry.file.parent.write_text("not a folder")
    with pytest.raises(DesktopError, match="autostart"):
        entry.enable()


# --- a real starter


@needs_dex
def test_a_session_starts_what_was_enabled(environment: dict[str, str], program: Path) -> None:
    entry = XdgAutostart([str(program), "run", "two words", "50%"], environment)
    assert dex(environment, "-d") == ""
    entry.enable()
    assert dex(environment, "-d").strip().endswith(f"{program} run two words 50%%")
    dex(environment)
    note = program.with_name("started")
    deadline = time.monotonic() + 20
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    # dex leaves the doubled per cent sign as it is; the specification's own desktops halve it.
    assert note.read_text().splitlines()[:2] == ["run", "two words"]


@needs_dex
def test_a_session_does_not_start_what_was_disabled(
    environment: dict[str, str], program: Path
) -> None:
    system_entry(environment, f"Name=Moodtray\nExec={quote_exec([str(program), 'run'])}")
    assert str(program) in dex(environment, "-d")
    XdgAutostart([str(program), "run"], environment).disable()
    assert dex(environment, "-d") == ""


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None,
    reason="the package desktop-file-utils is missing",
)
def test_the_file_is_a_valid_desktop_file(environment: dict[str, str], program: Path) -> None:
    entry = XdgAutostart([str(program), "run", "a$b"], environment)
    entry.enable()
    checked = subprocess.run(
        ["desktop-file-validate", str(entry.file)], capture_output=True, text=True, timeout=30
    )
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0
