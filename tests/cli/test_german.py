"""Commands and page, asked in German: no English sentence comes back."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.store.paths import Paths
from tests.agent_process import CLIP, ROOT, AgentProcess
from tests.web.page.harness import wait_until

ENGLISH = re.compile(
    r"\b(?:the|is|are|of|your|you|and|not|with|this|that|which|cannot|does|has|it|its|from|there|"
    r"been|no|or|to|at|on|usage|error|missing|show|invalid)\b",
    re.IGNORECASE,
)
"""Words that no German sentence has."""
FOREIGN = re.compile(
    r"\S*/\S+|--?[\w-]+|moodtray \w+|\w+\.\w+|\[[^\]]*\]|Client ID|'[^']*'|\b[A-Z]{2,}\b"
)
"""What is the same in every language: paths, options, commands, settings, what was typed."""
HELP = """
import sys
from agent.cli import words
words.speak()
from agent.store import catalogues
catalogues.speak("de")
import typer
from agent.cli.commands import app
root = typer.main.get_command(app)
words.translate(root)

def tell(command, path):
    if command.hidden or path[-1:] == ["dev"]:
        return
    root.main([*path, "--help"], prog_name="moodtray", standalone_mode=False)
    for name, below in getattr(command, "commands", {}).items():
        tell(below, [*path, name])

tell(root, [])
"""
"""Every command's help but the developers'."""


def english(text: str) -> list[str]:
    """The lines that have English in them."""
    return [line for line in text.splitlines() if ENGLISH.search(FOREIGN.sub("", line))]


@pytest.fixture
def german(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LANGUAGE": "de",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "COLUMNS": "200",
    }


def said(env: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], env=env, cwd=ROOT, capture_output=True, text=True, timeout=170,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_every_help(german: dict[str, str]) -> None:
    told = said(german, "-c", HELP)
    assert told.count("Aufruf:") > 25
    assert english(told) == []


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "consent",
        "consent --withdraw",
        "doctor",
        "mood",
        "mood glad",
        "pausee",
        "pause --for x",
        "pause --foor 3",
        "forget",
        "forget --before gestern",
        "forget --everything",
        "logout",
        "login --no-browser",
        "analyze /nowhere.png",
        "run --camera /nowhere.mp4 --player x",
        "autostart status",
        "uninstall",
        "calibrate",
        "settings nowhere",
    ],
)
def test_without_a_running_moodtray(german: dict[str, str], command: str) -> None:
    told = said(german, "-m", "agent", *command.split())
    assert told.strip()
    assert english(told) == []


def test_a_mistake_in_the_settings(german: dict[str, str]) -> None:
    paths = Paths.default()
    paths.ensure()
    mistakes = ["[policy]\ncooldown = 5,5\n", "[policy]\ncooldown = 'long'\nshufle = 1\n", "[=\n"]
    for mistake in mistakes:
        paths.settings_file.write_text(mistake)
        told = said(german, "-m", "agent", "doctor")
        assert "Einstellungen haben einen Fehler" in told
        assert english(told) == []


@pytest.fixture
def running(german: dict[str, str]) -> Iterator[AgentProcess]:
    words = ("run", "--headless", "--camera", str(CLIP), "--player", "local", "--events-json")
    with AgentProcess(*words, env=german) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        yield agent


def test_with_a_running_moodtray(german: dict[str, str], running: AgentProcess) -> None:
    commands = (
        "run", "status", "why", "mood sad", "mood auto", "play", "next", "undo", "music pause",
        "music resume", "journey sad happy", "journey stop", "notme", "break", "resume", "pause",
        "resume", "preview", "pause --for 1h", "doctor", "status", "quit",
    )  # fmt: skip
    told = {command: said(german, "-m", "agent", *command.split()) for command in commands}
    assert {command: english(text) for command, text in told.items() if english(text)} == {}
    assert any("Moodtray läuft" in line for line in running.said)


def test_the_page(german: dict[str, str], running: AgentProcess) -> None:
    said(german, "-m", "agent", "mood", "sad")
    link = said(german, "-m", "agent", "settings", "--print-url").strip()
    steps = [f"start?step={step}" for step in ("consent", "camera", "music", "moods", "try")]
    areas = ["", "moods", "moods/sad/add", "moods/sad/add?folder=/gone", "history", "settings",
             "history?view=week", "history?view=month", "spotify", *steps, "nowhere"]  # fmt: skip
    with httpx.Client(base_url=link.partition("/enter")[0], trust_env=False, timeout=60) as user:
        user.get(link)
        for area in areas:
            assert english(shown(user.get(f"/{area}").text)) == [], area


def shown(page: str) -> str:
    """What is read on a page, or read out."""
    body = re.sub(r"<(script|style|svg).*?</\1>", "", page, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', body)
    return html.unescape("\n".join([re.sub(r"<[^>]+>", "\n", body), *spoken]))


def test_the_log_stays_english(german: dict[str, str], tmp_path: Path) -> None:
    """It is for developers, whatever the user's language."""
    with AgentProcess("run", "--headless", "--camera", str(tmp_path / "no.mp4"), env=german) as run:
        run.wait_for_word("Moodtray läuft")
        log = Paths.default().logs / "moodtray.log"
        wait_until(lambda: log.exists() and "is not there" in log.read_text(), "the trouble")
    assert "ist nicht da" not in log.read_text()
