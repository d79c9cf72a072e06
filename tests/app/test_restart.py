"""What was promised until a moment outlasts the process: the real program, started twice."""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import timedelta

import pytest

from agent.app import promise_file
from agent.app.forgetting import forget
from agent.app.page_desks import kept
from agent.clock import SystemClock
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import MoodState, Promised, Term
from agent.web.door_client import call_when_ready
from tests.agent_process import AgentProcess, run_command
from tests.vision.mjpeg import MjpegServer

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM"),
    pytest.mark.usefixtures("no_display"),
]
HOUR = timedelta(hours=1)


@pytest.fixture
def paths(moodtray_home: object) -> Paths:
    found = Paths.default()
    found.ensure()
    found.settings_file.write_text("version = 1\n[camera]\ninterval = 0.5\n")
    return found


def start(webcam: MjpegServer, *more: str) -> AgentProcess:
    return AgentProcess("run", "--headless", "--no-session", "--camera", webcam.url, *more)


def looks(agent: AgentProcess) -> None:
    agent.wait_for(lambda line: line["event"] == "observation")


def told(verb: str, *more: str) -> str:
    done = run_command(verb, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_killed_agent_keeps_its_promise_not_to_look(paths: Paths, webcam: MjpegServer) -> None:
    with start(webcam, "--events-json") as agent:
        looks(agent)
        assert "paused until you resume it" in told("pause")
        agent.process.kill()
        agent.end()
    file = paths.state / promise_file.NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    seen = webcam.clients
    with start(webcam, "--events-json") as agent:
        agent.wait_for(lambda line: line.get("title") == "The camera is still paused")
        assert call_when_ready(paths, "status", taken=lambda: True)["camera_paused"] is True
        assert "Camera: paused until you resume it" in told("status")
        assert webcam.clients == seen, "it was not so much as opened"
        assert not agent.of("observation")
        told("resume")
        looks(agent)
        assert not file.exists()
        agent.stop()
    with start(webcam, "--events-json") as agent:
        looks(agent)
        agent.stop()


def test_a_break_goes_on_after_quit_and_start_and_is_told(
    paths: Paths, webcam: MjpegServer
) -> None:
    with start(webcam, "--events-json") as agent:
        looks(agent)
        until = told("break", "--for", "1h").split("until ")[1].split(".")[0]
        told("quit")
        assert agent.end() == 0
    seen = webcam.clients
    with start(webcam) as agent:
        line = agent.wait_for_word("Your break goes on")
        assert line.startswith(f"Your break goes on until {until}: It ends by itself then.")
        assert f"Camera: paused until {until}" in told("status")
        assert webcam.clients == seen
        assert "The break is over" in told("resume")
        agent.stop()


def test_what_is_over_meanwhile_is_over(paths: Paths, webcam: MjpegServer) -> None:
    now = SystemClock().now()
    over = Term(now - 2 * HOUR, now - HOUR)
    promise_file.save(paths, Promised(over, over, (MoodState.SAD, over), over))
    with start(webcam, "--events-json") as agent:
        looks(agent)
        assert not [line for line in agent.of("notification") if "still" in line["title"]]
        assert not (paths.state / promise_file.NAME).exists()
        agent.stop()


def test_what_was_said_of_the_mood_holds_and_is_forgotten_with_the_rest(
    paths: Paths, webcam: MjpegServer
) -> None:
    with start(webcam, "--events-json") as agent:
        looks(agent)
        told("pause")
        told("mood", "happy")
        agent.process.kill()
        agent.end()
    file = paths.state / promise_file.NAME
    with start(webcam, "--events-json"):
        state = call_when_ready(paths, "status", taken=lambda: True)
        assert (state["mood"], state["by_hand"]) == ("happy", True)
        told("forget", "--everything")
        assert "happy" not in file.read_text()
    with start(webcam, "--events-json"):
        state = call_when_ready(paths, "status", taken=lambda: True)
        assert (state["camera_paused"], state["by_hand"]) == (True, False)


# --- the file -------------------------------------------------------------------------------------


def test_it_is_read_as_it_was_written_in_any_time_zone(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = SystemClock().now()
    term = Term(now, now + HOUR)
    for promised in (
        Promised(),
        Promised(paused=Term(now, None)),
        Promised(term, Term(now, None), (MoodState.FEAR, term), term),
        Promised(left_alone=term, chosen=True),
    ):
        promise_file.save(paths, promised)
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        assert promise_file.load(paths) == promised
    assert os.listdir(paths.state) == [promise_file.NAME]


def test_a_damaged_part_is_absent_and_said_in_the_log(
    paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    now = SystemClock().now()
    promise_file.save(paths, Promised(paused=Term(now, None), left_alone=Term(now, now + HOUR)))
    file = paths.state / promise_file.NAME
    stored = json.loads(file.read_text())
    stored["left_alone"]["until"] = None
    stored["break"] = {"since": "9999-12-31T23:59:59-12:00", "until": None}
    stored["said"] = {**stored["paused"], "until": (now + HOUR).isoformat(), "mood": "away"}
    file.write_text(json.dumps(stored))
    assert promise_file.load(paths) == Promised(paused=Term(now, None))
    assert all(f"'{name}'" in caplog.text for name in ("break", "said", "left_alone"))


@pytest.mark.parametrize("content", ["{", "[]", '{"said": {"mood": "happy"}}'])
def test_what_cannot_be_understood_is_deleted_with_the_rest(paths: Paths, content: str) -> None:
    file = paths.state / promise_file.NAME
    file.write_text(content)
    assert promise_file.load(paths) == Promised()
    forget(paths, None)
    assert not file.exists()


def test_it_is_named_among_what_is_kept(paths: Paths) -> None:
    place = str(paths.state / promise_file.NAME)

    def there() -> list[bool | None]:
        return [one.there for one in kept(paths, Settings()) if one.place == place]

    assert there() == [False]
    promise_file.save(paths, Promised(paused=Term(SystemClock().now(), None)))
    assert there() == [True]


def test_deleting_everything_ends_no_break(paths: Paths) -> None:
    now = SystemClock().now()
    term = Term(now, now + HOUR)
    promise_file.save(paths, Promised(on_break=term, said=(MoodState.SAD, term), left_alone=term))
    forget(paths, None)
    assert promise_file.load(paths) == Promised(on_break=term, left_alone=term)
    assert "sad" not in (paths.state / promise_file.NAME).read_text()
