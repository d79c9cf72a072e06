"""The demo for people: ten short lines, and a live one on a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import demo
from agent.cli.demo import CLEAR, WIDTH, Story, sweep
from tests.agent_process import run_command


def mood(t: float, state: str) -> dict[str, Any]:
    return {"t": t, "event": "mood", "state": state}


def plays(t: float, name: str) -> dict[str, Any]:
    return {"t": t, "event": "playback", "state": "playing", "context_name": name}


def look(t: float, seen: dict[str, float] | None = None) -> dict[str, Any]:
    return {"t": t, "event": "observation", "probabilities": seen}


def told(*lines: dict[str, Any]) -> list[str]:
    out: list[str] = []
    story = Story(out.append, None)
    for line in lines:
        story.tell(line)
    story.end()
    return out


def test_a_mood_and_the_music_that_follows_it_are_one_line() -> None:
    assert told(mood(8.0, "happy"), look(8.7), plays(9.0, "Bright days")) == [
        "   8 s  You look happy       ♪ Bright days"
    ]


def test_a_mood_without_other_music_has_its_line() -> None:
    assert told(mood(8.0, "away"), look(13.0), mood(20.0, "happy"), plays(31.0, "x")) == [
        "   8 s  Nobody is in front of the camera",
        "  20 s  You look happy",
        "        ♪ x",
    ]


def test_what_is_no_news_has_none() -> None:
    assert told(mood(1.0, "unsure"), mood(2.0, "sad"), plays(2.5, "x"), plays(3.0, "x")) == [
        "   2 s  You look sad         ♪ x"
    ]


@pytest.mark.parametrize("name", ["A name " * 30, "[bold]x[/]"])
def test_lines_stay_short_and_plain(name: str) -> None:
    (line,) = told(mood(2.0, "sad"), plays(2.5, name))
    assert len(line.replace("\\[", "[")) <= WIDTH
    assert "\\[bold]" in line or "bold" not in line


def test_there_are_never_more_than_ten() -> None:
    changes = [mood(5.0 * i, "happy" if i % 2 else "sad") for i in range(20)]
    assert len(told(*changes)) == 8, "beside the first and the last"


def test_the_live_line_gives_way_to_the_others() -> None:
    out: list[str] = []
    live: list[str] = []
    story = Story(out.append, live.append)
    story.tell(look(1.0, {"happy": 0.75, "sad": 0.25}))
    story.tell(look(2.0))
    story.tell(mood(3.0, "happy"))
    story.end()
    assert live == [f"{CLEAR}        happy      75% {'█' * 15}", f"{CLEAR}        no face"]
    assert out == [f"{CLEAR}   3 s  You look happy"]


def test_the_whole_demo_is_ten_lines_of_sixty_characters() -> None:
    done = run_command("demo", "--headless", "--no-preview", timeout=demo.STORY_SECONDS + 120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 10
    assert max(map(len, lines)) <= WIDTH
    assert lines[-1] == "Now you: moodtray run"
    for words in ("You look neutral", "You look happy", "♪ Happy"):
        assert words in done.stdout


# --- what a killed one leaves


def test_what_a_killed_demo_has_left_is_swept(tmp_path: Path) -> None:
    own_number, gone = os.getpid(), 2**22 + 1  # larger than any process's
    kept = [tmp_path / f"moodtray-demo-{own_number}-abc", tmp_path / "moodtray-demo-mine"]
    left = [tmp_path / f"moodtray-demo-{gone}-abc", tmp_path / f"moodtray-demo-{gone}-x_1"]
    for folder in (*kept, *left):
        (folder / "logs").mkdir(parents=True)
        (folder / "logs" / "moodtray.log").write_text("you look happy")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    link = tmp_path / f"moodtray-demo-{gone}-link"
    link.symlink_to(precious)
    (left[0] / "logs" / "link").symlink_to(precious)
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(folder.name for folder in kept), "precious", link.name
    }  # fmt: skip
    assert (precious / "file").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="ownership is another matter there")
def test_what_is_another_user_s_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"moodtray-demo-{2**22 + 1}-abc"
    folder.mkdir()
    me = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: me + 1)
    sweep(tmp_path)
    assert folder.exists()
