"""What the commands print, whatever it is printed into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from agent.cli import terminal
from agent.cli.commands import _emotion, journey
from agent.printable import is_harmless
from tests.agent_process import AgentProcess, run_command

ROOT = Path(__file__).resolve().parents[2]
NAME = "♪ 明るい.png"


def test_names_go_through_a_pipe_whose_code_page_lacks_them() -> None:
    """As on Windows, where a pipe takes the system's old code page."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "analyze", "--json", NAME],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"UnicodeEncodeError" not in done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["file"] == NAME


def shell(line: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A line of a POSIX shell, in which ``moodtray`` is this checkout's."""
    return subprocess.run(
        ["sh", "-c", f'moodtray() {{ "{sys.executable}" -m agent "$@"; }}; {line}'],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# --- streams that are not there


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_the_agent_runs_and_quits_without_its_streams(closed: str, moodtray_home: Path) -> None:
    clip = ROOT / "resources" / "demo" / "clip.mp4"
    log = moodtray_home / "logs" / "moodtray.log"
    told = shell(
        f"moodtray run --headless --player local --camera '{clip}' {closed} & "
        f"until moodtray status > /dev/null 2>&1; do sleep 0.2; done; "
        f"moodtray quit {closed}; echo quit=$? >&2; wait $!; echo run=$? >&2; cat '{log}' >&2"
    )
    assert "quit=0\nrun=0" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has /dev/full")
@pytest.mark.parametrize("command", ["--version", "--help", "doctor --json", "autostart status"])
def test_output_that_cannot_be_written_is_told(command: str) -> None:
    told = shell(f"moodtray {command} > /dev/full; echo rc=$?")
    assert "Traceback" not in told.stderr
    assert told.stderr.count("\n") == 1
    assert "The output could not be written: No space left on device." in told.stderr
    assert told.stdout == "rc=1\n"


def test_a_reader_that_had_enough_is_no_trouble() -> None:
    told = shell("moodtray doctor | true")
    assert told.stderr == ""


# --- folders


@pytest.mark.parametrize("home", ["relative", "~no-such-user/x", "/tmp/a\nb"])
def test_a_home_that_is_no_whole_path_is_refused(home: str) -> None:
    for command in ("status", "run --headless"):
        told = shell(f"moodtray {command}", {"MOODTRAY_HOME": home})
        assert told.returncode == 1
        assert "MOODTRAY_HOME" in told.stderr
        assert "whole path" in told.stderr
        assert "Traceback" not in told.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's entry")
def test_the_start_at_login_keeps_the_home(tmp_path: Path) -> None:
    home = tmp_path / "my home"
    env = {"MOODTRAY_HOME": str(home), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert shell("moodtray autostart enable", env).returncode == 0
    entry = (tmp_path / "xdg" / "autostart" / "moodtray.desktop").read_text()
    assert f'run --home "{home}"' in entry
    assert json.loads(shell("moodtray autostart status --json", env).stdout)["moved"] is False
    elsewhere = {**env, "MOODTRAY_HOME": str(tmp_path / "other")}
    assert json.loads(shell("moodtray autostart status --json", elsewhere).stdout)["moved"] is True


def test_an_agent_started_so_lives_there(tmp_path: Path) -> None:
    home = tmp_path / "there"
    clip = str(ROOT / "resources" / "demo" / "clip.mp4")
    with AgentProcess(
        "run",
        "--headless",
        "--events-json",
        "--camera",
        clip,
        "--player",
        "local",
        "--home",
        str(home),
    ) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        assert (home / "runtime").is_dir()
        agent.stop()


# --- words


@pytest.mark.parametrize(
    ("said", "meant"),
    [("happy", "happy"), ("Happy", "happy"), (" SAD ", "sad"), ("disgusted", "disgust"),
     ("Afraid", "fear"), ("surprised", "surprise"), ("neutral", "neutral")],
)  # fmt: skip
def test_a_mood_is_understood_as_people_say_it(said: str, meant: str) -> None:
    assert _emotion(said) == meant


def test_the_face_is_read_again_by_auto() -> None:
    assert _emotion("AUTO") == "auto"


@pytest.mark.parametrize("said", ["", "away", "unsure", "hapy"])
def test_what_is_no_mood_is_refused(said: str) -> None:
    with pytest.raises(typer.BadParameter, match="one of happy"):
        _emotion(said)


@pytest.mark.parametrize("command", ["mood", "journey"])
def test_without_a_word_the_words_are_told(command: str) -> None:
    told = run_command(command)
    assert told.returncode == 2
    assert "Which mood? Say one of happy" in " ".join(told.stderr.split())


@pytest.mark.parametrize("said", [["foo"], ["auto"], ["sad", "auto"], ["foo", "happy"]])
def test_a_journey_is_offered_no_word_that_it_refuses(said: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"Say one of happy.*disgusted\.$"):
        journey(said)


@pytest.mark.parametrize(
    "words",
    ["pause --minutes -5", "pause --minutes 0", "pause --minutes nan", "pause --minutes 1e300",
     "pause --minutes inf", "pause --for soon", "break --for 9d", "mood happy --for -1h",
     "mood happy --minutes -1", "mood happy --minutes nan"],
)  # fmt: skip
def test_minutes_that_cannot_be_are_refused_with_a_message(words: str) -> None:
    told = run_command(*words.split())
    assert told.returncode == 2
    assert words.split()[-2] in told.stderr
    assert "Traceback" not in told.stderr


def test_the_help_is_for_users_first_and_development_has_a_place_of_its_own() -> None:
    told = run_command("--help").stdout
    for name in ("undo", "break", "mood", "consent", "dev"):
        assert f" {name} " in told
    for name in (" train ", " evaluate ", " bench ", " analyze "):
        assert name not in told
    development = run_command("dev", "--help").stdout
    for name in ("train", "evaluate", "export", "bench", "analyze"):
        assert f" {name} " in development
    assert "agent" not in told.partition("Options")[2]


@pytest.mark.parametrize("name", ["train", "evaluate", "export", "bench", "analyze"])
def test_development_commands_go_by_their_old_names_too(name: str) -> None:
    assert run_command(name, "--help").returncode == 0


def test_without_a_running_moodtray_it_is_said_how_to_start_it() -> None:
    told = run_command("undo")
    assert told.returncode == 3
    assert told.stderr == ("Moodtray is not running: Start it with 'moodtray run'.\n")


# --- words from outside, on a terminal that obeys what it is sent

STEERING = '"\\u001b[31mX\\u202e\\u0007\\u009b2J" = 1\n'
"""An unknown key, as TOML writes it: colour, direction, bell, and an old kind of escape."""


def steers(text: str) -> list[str]:
    return [one for one in text if not is_harmless(one) and one != "\n"]


def test_no_key_of_a_settings_file_steers_the_terminal(moodtray_home: Path) -> None:
    settings = moodtray_home / "config" / "settings.toml"
    settings.parent.mkdir(parents=True, mode=0o700)
    settings.write_text(STEERING)
    clip = ROOT / "resources" / "demo" / "clip.mp4"
    done = run_command("doctor")
    assert "there is no setting" in " ".join(done.stdout.split())
    assert steers(done.stdout + done.stderr) == []
    with AgentProcess("run", "--headless", "--events-json", "--camera", str(clip)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        said = shell("moodtray status; moodtray why; moodtray quit")
        agent.end()
        assert steers("".join(agent.said) + said.stdout + said.stderr) == []


@pytest.mark.parametrize(
    "command", ["mood", "journey", "demo", "consent", "dev analyze", "dev", ""]
)
def test_no_word_of_a_command_steers_it(command: str) -> None:
    """A shell may have put it there, from the names of files."""
    for word in ("\x1b]0;x\x07\x1b[2J\u202e\u2028", "--\x1b[2J\u202e"):
        done = run_command(*command.split(), word)
        assert done.returncode != 0
        assert steers(done.stdout + done.stderr) == []


@pytest.mark.parametrize("write", [terminal.say, terminal.tell, terminal.show])
def test_lines_stay_and_nothing_else_steers(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write("one\n\ttwo \x1b[2J\x9b2J\x07\u202e\u2028♪ 明るい")
    told = "".join(capsys.readouterr())
    assert told.startswith("one\n    two ")
    assert told.endswith("♪ 明るい\n")
    assert steers(told) == []


def test_json_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "a\x1b\x7f\x9b\u202e\u2028\U000e0001\ud800 ♪ 明"}
    terminal.say_json(value)
    told = capsys.readouterr().out
    assert steers(told) == []
    assert "♪ 明" in told
    assert json.loads(told) == value


# --- words that are nearly right


@pytest.mark.usefixtures("moodtray_home")
@pytest.mark.parametrize("page", ["settings", "history", "moods", "face", "start", "now"])
def test_every_part_of_the_page_can_be_opened(page: str) -> None:
    assert run_command("settings", page).returncode == 3, "not running; 2: no such part"


@pytest.mark.usefixtures("moodtray_home")
def test_the_menus_words_need_no_quotes() -> None:
    done = run_command("mood", "I", "feel", "happy")
    assert "not running" in done.stderr
    assert done.returncode == 3


@pytest.mark.usefixtures("moodtray_home")
@pytest.mark.parametrize("day", ["yesterday", "31.01.2026", "2026-02-30", "0001-01-01"])
def test_what_is_no_day_is_told_in_plain_words(day: str) -> None:
    done = run_command("forget", "--before", day)
    told = " ".join(done.stderr.replace("\u2502", " ").split())
    assert f"'{day}' is no day. Say for example 2026-01-31." in told
    assert done.returncode == 2


def test_who_has_allowed_the_camera_is_told_how_to_take_that_back() -> None:
    """An empty answer was told that the camera stays closed, while it was on."""
    assert run_command("consent", "--yes").returncode == 0
    told = run_command("consent")
    assert told.returncode == 0
    assert told.stdout.strip().endswith(
        "You have allowed the camera. 'moodtray consent --withdraw' takes that back."
    )
