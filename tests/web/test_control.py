"""The control API over real HTTP, the server in its thread and the client of the commands."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agent import __version__, events
from agent.clock import SystemClock
from agent.errors import DesktopError, NotRunning
from agent.store.paths import Paths
from agent.types import (
    Action,
    CameraState,
    Decision,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
    Snapshot,
    Status,
)
from agent.web import control_client
from agent.web.control_client import call, call_when_ready, hand_over
from agent.web.server import ControlServer
from agent.wording import part_stopped

CLOCK = SystemClock()


class Agent:
    """Stands in for the controller: takes events, and acts on those that tests wait for."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.acts = True
        happy = Playlist("local:happy", "Bright days")
        decision = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, happy, "you look happy")
        self.snapshot = Snapshot(
            status=Status.WATCHING,
            mood=Mood(MoodState.HAPPY, CLOCK.monotonic() - 200.0, 0.72),
            playback=Playback(
                0.0, PlayState.PLAYING, "local:happy", "Bright days", title="Ann - One"
            ),
            decision=decision,
            switch=decision,
            camera=CameraState.ON,
            player="Moodtray's own player",
        )

    def report(self, event: object) -> None:
        self.events.append(event)
        if not self.acts:
            return
        match event:
            case events.PauseCamera(until):
                self.snapshot = replace(self.snapshot, camera_paused=True, paused_until=until)
            case events.ResumeCamera():
                free = replace(self.snapshot, camera_paused=False, paused_until=None)
                self.snapshot = replace(free, stopped=())
            case events.SetMood(mood):
                said = Mood(mood, CLOCK.monotonic(), 1.0, by_hand=True)
                self.snapshot = replace(self.snapshot, mood=said)


@pytest.fixture
def paths() -> Paths:
    return Paths.default()


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.fixture
def server(paths: Paths, agent: Agent) -> Iterator[ControlServer]:
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    assert server.wait_ready(60)
    yield server
    assert stopped(server, 10)


def stopped(server: ControlServer, timeout: float) -> bool:
    """Ask it to end; True when it has."""
    server.request_stop()
    return server.join(timeout)


def control_file(paths: Paths) -> dict[str, object]:
    return dict(json.loads((paths.runtime / "control.json").read_text()))


Raw = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture
def raw(paths: Paths, server: ControlServer) -> Raw:
    """One request with all its headers given by the test."""

    def send(
        method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, str], str]:
        found = control_file(paths)
        connection = http.client.HTTPConnection("127.0.0.1", int(str(found["port"])), timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {
            "Host": f"127.0.0.1:{found['port']}",
            "X-Moodtray-Secret": str(found["secret"]),
            "Content-Type": "application/json",
            **(headers or {}),
        }
        data = (body or "").encode()
        for name, value in {"Content-Length": str(len(data)), **given}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, text

    return send


# --- what commands get


def test_status_tells_all_in_words_and_in_json(paths: Paths, server: ControlServer) -> None:
    told = call(paths, "status")
    assert told["mood"] == "happy"
    assert told["status"] == "watching"
    assert told["mood_seconds"] >= 200.0
    assert told["playlist"] == "Bright days"
    assert told["text"].splitlines() == [
        "Mood:   happy (72% sure) for 3 min",
        "Music:  playing 'Bright days': Ann - One (Moodtray's own player)",
        "Camera: on",
        "Why:    you look happy",
    ]


def test_a_playlist_without_a_name_is_not_told_by_its_address(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    assert agent.snapshot.playback is not None
    unnamed = replace(agent.snapshot.playback, context="spotify:album:x", context_name=None)
    agent.snapshot = replace(agent.snapshot, playback=unnamed)
    told = call(paths, "status")
    assert told["playlist"] == "spotify:album:x"
    assert told["text"].splitlines()[1] == "Music:  playing: Ann - One (Moodtray's own player)"


def test_no_probabilities_leave(paths: Paths, server: ControlServer, agent: Agent) -> None:
    seven = (0.11, 0.02, 0.03, 0.72, 0.04, 0.05, 0.03)
    agent.snapshot = replace(agent.snapshot, mood=replace(agent.snapshot.mood, probabilities=seven))
    assert "0.11" not in json.dumps(call(paths, "status"))


def test_why(paths: Paths, server: ControlServer, agent: Agent) -> None:
    assert call(paths, "why")["text"] == "'Bright days' was started: you look happy."
    later = Decision(1.0, Action.KEEP, MoodState.SAD, None, "you chose this playlist yourself")
    agent.snapshot = replace(agent.snapshot, decision=later)
    assert call(paths, "why")["text"].endswith("\nNow: you chose this playlist yourself.")
    agent.snapshot = replace(agent.snapshot, decision=None, switch=None)
    assert "Nothing was decided yet" in call(paths, "why")["text"]


def test_pause_and_resume(paths: Paths, server: ControlServer, agent: Agent) -> None:
    answer = call(paths, "pause")
    assert answer == {"done": True, "text": "The camera is paused until you resume it."}
    assert call(paths, "status")["camera_paused"] is True
    assert "Camera: paused until you resume it" in call(paths, "status")["text"]
    assert call(paths, "resume")["text"] == "The camera may be used again."
    assert agent.events == [events.PauseCamera(None), events.ResumeCamera()]


def test_pause_until_a_time(paths: Paths, server: ControlServer, agent: Agent) -> None:
    until = (CLOCK.now() + timedelta(days=3)).replace(microsecond=0)
    answer = call(paths, "pause", until=until)
    assert answer["done"]
    assert f"{until:%H:%M}" in answer["text"]
    assert agent.events == [events.PauseCamera(until)]
    call(paths, "pause", until=until.isoformat())
    assert agent.events[1] == events.PauseCamera(until)


def test_pause_until_a_time_that_has_passed_is_refused(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    with pytest.raises(DesktopError, match="passed already"):
        call(paths, "pause", until=CLOCK.now() - timedelta(minutes=1))
    assert agent.events == []


def test_resume_says_what_still_holds_the_camera(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    agent.snapshot = replace(agent.snapshot, held_off="screen locked")
    assert "off while: screen locked" in call(paths, "resume")["text"]


def test_without_consent_status_and_resume_say_what_to_do(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    agent.snapshot = replace(agent.snapshot, consent=False, camera=CameraState.OFF)
    told = call(paths, "status")
    assert told["consent"] is False
    assert "Mood:   not watching" in told["text"]
    assert "Camera: not allowed yet; 'moodtray consent'" in told["text"]
    with pytest.raises(DesktopError, match="moodtray consent") as refused:
        call(paths, "resume")
    assert refused.value.title == "The camera is not allowed yet"
    assert events.ResumeCamera() not in agent.events


@pytest.mark.parametrize(
    ("off", "camera"),
    [
        ({"camera": CameraState.BUSY, "problem": "There is no camera 0."}, "cannot be used"),
        ({"camera": CameraState.LOST}, "gone, waiting for it to come back"),
        ({"camera": CameraState.OFF, "camera_paused": True}, "paused until you resume it"),
        ({"camera": CameraState.OFF, "held_off": "screen locked"}, "off while: screen locked"),
    ],
)
def test_an_old_mood_is_not_told_as_if_it_were_of_now(
    paths: Paths, server: ControlServer, agent: Agent, off: dict[str, Any], camera: str
) -> None:
    agent.snapshot = replace(agent.snapshot, **off)
    lines = call(paths, "status")["text"].splitlines()
    assert lines[0] == "Mood:   not watching"
    assert lines[2] == f"Camera: {camera}"


def test_preview_says_why_it_does_not_open(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    agent.snapshot = replace(agent.snapshot, camera_paused=True)
    with pytest.raises(DesktopError, match="moodtray resume") as refused:
        call(paths, "preview", show=True)
    assert refused.value.title == "The camera is paused"
    agent.snapshot = replace(agent.snapshot, camera_paused=False, consent=False)
    with pytest.raises(DesktopError, match="moodtray consent") as refused:
        call(paths, "preview", show=True)
    assert refused.value.title == "The camera is not allowed yet"
    # The agent puts its own question, with a button, on the screen.
    assert agent.events == [events.ShowPreview(True)] * 2


def test_what_stopped_is_told_and_resume_starts_it_again(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    agent.snapshot = replace(
        agent.snapshot,
        status=Status.ERROR,
        stopped=("watcher", "player"),
        problem=part_stopped("watcher"),
        camera=CameraState.OFF,
    )
    told = call(paths, "status")
    assert told["stopped"] == ["watcher", "player"]
    assert told["text"].splitlines() == [
        "Mood:   not watching",
        "Music:  out of touch with it (Moodtray's own player)",
        "Camera: off",
        "Why:    you look happy",
        "Trouble: Looking through the camera stopped after repeated failures. 'Start again' in the "
        "tray's menu tries anew, and so does 'moodtray resume'.",
    ]
    assert call(paths, "resume")["done"]
    assert call(paths, "status")["stopped"] == []


def test_mood_by_hand(paths: Paths, server: ControlServer, agent: Agent) -> None:
    answer = call(paths, "mood", emotion="sad", minutes=10)
    assert answer["done"]
    assert "sad" in answer["text"]
    assert agent.events == [events.SetMood(MoodState.SAD, 10.0)]
    assert "sad, as you said" in call(paths, "status")["text"]


@pytest.mark.parametrize(
    "words",
    [
        {"emotion": "away"},
        {"emotion": "Happy"},
        {"emotion": "sad", "minutes": 0},
        {"emotion": "sad", "minutes": 1e9},
        {"emotion": "sad", "hours": 2},
        {},
    ],
)
def test_wrong_words_are_told(
    paths: Paths, server: ControlServer, agent: Agent, words: dict[str, object]
) -> None:
    with pytest.raises(DesktopError) as raised:
        call(paths, "mood", **words)
    assert set(words) & {"emotion", "minutes", "hours"} or "emotion" in raised.value.message
    assert agent.events == []


def test_an_unknown_verb_is_told(paths: Paths, server: ControlServer) -> None:
    with pytest.raises(DesktopError, match="Not Found"):
        call(paths, "dance")


@pytest.mark.parametrize(
    ("verb", "words", "event"),
    [
        ("play", {}, events.PlayForMood()),
        ("next", {}, events.NextPlaylist()),
        ("preview", {}, events.ShowPreview(True)),
        ("preview", {"show": False}, events.ShowPreview(False)),
    ],
)
def test_verbs_become_events(
    paths: Paths,
    server: ControlServer,
    agent: Agent,
    verb: str,
    words: dict[str, object],
    event: object,
) -> None:
    assert call(paths, verb, **words)["text"]
    assert agent.events == [event]


def test_a_busy_agent_is_not_said_to_have_obeyed(
    paths: Paths, server: ControlServer, agent: Agent
) -> None:
    agent.acts = False
    answer = call(paths, "pause")
    assert answer["done"] is False
    assert "not done yet" in answer["text"]


def test_a_second_start_hands_over(paths: Paths, server: ControlServer, agent: Agent) -> None:
    assert "already running" in hand_over(paths)
    assert isinstance(agent.events[0], events.Notice)
    assert "music for your mood" in hand_over(paths, play=True)
    assert agent.events[-1] == events.PlayForMood()


def test_a_second_start_during_the_first_ones_start(paths: Paths, agent: Agent) -> None:
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    begin = threading.Timer(0.5, server.start)
    begin.start()
    assert "already running" in hand_over(paths)
    assert len(agent.events) == 1
    begin.join()
    assert stopped(server, 10)


def test_a_command_waits_for_an_agent_that_has_just_been_started(
    paths: Paths, agent: Agent
) -> None:
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    begin = threading.Timer(0.5, server.start)
    begin.start()
    assert call_when_ready(paths, "status", taken=lambda: True)["mood"] == "happy"
    begin.join()
    assert stopped(server, 10)


def test_a_command_does_not_wait_for_nobody(paths: Paths) -> None:
    asked: list[bool] = []

    def taken() -> bool:
        asked.append(True)
        return len(asked) < 3

    with pytest.raises(NotRunning):
        call_when_ready(paths, "status", taken=taken)
    assert len(asked) == 3, "the agent ended meanwhile"


def test_an_agent_without_commands_is_told_apart_from_none(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_client, "START_PATIENCE", 0.2)
    with pytest.raises(DesktopError, match="takes no commands") as told:
        call_when_ready(paths, "status", taken=lambda: True)
    assert told.value.title == "Moodtray is running"
    assert "already running. It takes no commands" in hand_over(paths)


def test_quit_waits_for_the_process(paths: Paths, server: ControlServer, agent: Agent) -> None:
    """The file names another process here, which ends when it is told to."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    file = paths.runtime / "control.json"
    file.write_text(json.dumps({**control_file(paths), "pid": process.pid}))
    agent.report = lambda event: (agent.events.append(event), process.kill())  # type: ignore[assignment]
    again = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    again.start()
    assert again.wait_ready(60)
    file.write_text(json.dumps({**control_file(paths), "pid": process.pid}))
    assert call(paths, "quit")["text"] == "Moodtray ends."
    assert agent.events == [events.Quit()]
    assert process.wait(20) is not None
    assert stopped(again, 10)


# --- who may not


def test_the_file_is_for_the_user_alone(paths: Paths, agent: Agent) -> None:
    paths.ensure()
    file = paths.runtime / "control.json"
    file.write_text("left behind by another one")
    file.chmod(0o666)
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    assert server.wait_ready(60)
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700
    found = control_file(paths)
    assert found["pid"] == os.getpid()
    assert len(str(found["secret"])) >= 32
    assert stopped(server, 10)
    assert not file.exists()


def test_it_listens_on_the_loopback_address_alone(paths: Paths, server: ControlServer) -> None:
    import psutil

    ports = {
        c.laddr.ip
        for c in psutil.Process().net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN and c.laddr.port == control_file(paths)["port"]
    }
    assert ports == {"127.0.0.1"}


@pytest.mark.parametrize("secret", ["", "wrong", "*"])
def test_without_the_secret_nothing_goes(raw: Raw, agent: Agent, secret: str) -> None:
    for method, path in [("GET", "/status"), ("POST", "/pause"), ("GET", "/nowhere")]:
        status, _, text = raw(method, path, {"X-Moodtray-Secret": secret}, "{}")
        assert status == 401
        assert "happy" not in text
    assert agent.events == []


@pytest.mark.parametrize("host", ["localhost", "evil.example", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_computer_is_refused(raw: Raw, agent: Agent, host: str) -> None:
    """A web page whose name was pointed to the loopback address sends that name."""
    status, _, _ = raw("POST", "/quit", {"Host": host})
    assert status in (400, 403)
    assert agent.events == []


def test_no_other_origin_may_read(raw: Raw) -> None:
    status, headers, _ = raw("GET", "/status", {"Origin": "https://evil.example"})
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]
    status, headers, _ = raw("OPTIONS", "/status", {"Origin": "https://evil.example"})
    assert status == 405
    assert not [name for name in headers if name.startswith("access-control")]


def test_no_pages_that_describe_the_interface(raw: Raw) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert raw("GET", path)[0] == 404


def test_long_and_broken_bodies_are_refused(raw: Raw, agent: Agent) -> None:
    assert raw("POST", "/mood", body="x" * 20_000)[0] == 413
    assert raw("POST", "/mood", body="{broken")[0] == 422
    assert raw("POST", "/mood", {"Transfer-Encoding": "chunked"}, "{}")[0] in (400, 413)
    assert agent.events == []


def test_the_secret_never_gets_into_a_log(
    paths: Paths, server: ControlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.logs import redact

    secret = str(control_file(paths)["secret"])
    assert secret not in redact(f"it is {secret} here")
    call(paths, "status")
    printed = capsys.readouterr()
    assert secret not in printed.out + printed.err


def test_nothing_is_measured_for_anybody(monkeypatch: pytest.MonkeyPatch, agent: Agent) -> None:
    """The web framework's own telemetry stays off, even where the environment asks for it."""
    from agent.web.control import Gate, make_app

    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    gate = make_app(agent.report, lambda: agent.snapshot, "secret", CLOCK)
    assert isinstance(gate, Gate)
    telemetry = getattr(gate._app, "_native_telemetry", None)
    assert telemetry is None or not telemetry.enabled()
    settings = getattr(gate._app, "_telemetry", {})
    assert not any(settings.get(name) for name in ("tracing", "metrics", "logs", "auto_configure"))


def test_answers_carry_the_version(raw: Raw) -> None:
    assert raw("GET", "/status")[1]["x-moodtray-version"] == __version__


# --- when there is none


def test_no_agent(paths: Paths) -> None:
    with pytest.raises(NotRunning, match="moodtray run"):
        call(paths, "status")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"port": "x"}', '{"port": 1, "secret": "s"}'])
def test_a_broken_file_is_no_agent(paths: Paths, text: str) -> None:
    paths.ensure()
    (paths.runtime / "control.json").write_text(text)
    with pytest.raises(NotRunning):
        call(paths, "status")


def test_a_file_left_behind_is_no_agent(paths: Paths) -> None:
    paths.ensure()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    left = {"port": port, "secret": "s", "pid": 1}
    (paths.runtime / "control.json").write_text(json.dumps(left))
    with pytest.raises(NotRunning):
        call(paths, "status")


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None: ...


def test_a_stranger_on_the_port_is_no_agent(paths: Paths) -> None:
    paths.ensure()
    stranger = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    left = {"port": stranger.server_port, "secret": "s", "pid": 1}
    (paths.runtime / "control.json").write_text(json.dumps(left))
    with pytest.raises(NotRunning):
        call(paths, "status")
    stranger.shutdown()
    stranger.server_close()


def test_an_agent_that_hangs_is_told_with_its_process(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.control_client.TIMEOUT", 0.2)
    paths.ensure()
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        left = {"port": deaf.getsockname()[1], "secret": "s", "pid": 4242}
        (paths.runtime / "control.json").write_text(json.dumps(left))
        with pytest.raises(DesktopError, match="4242"):
            call(paths, "status")


def test_a_first_start_without_commands_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.control_client.START_PATIENCE", 0.2)
    assert "takes no commands" in hand_over(paths)


# --- start and stop


def test_a_taken_port_is_no_obstacle(paths: Paths, agent: Agent) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        taken = other.getsockname()[1]
        server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK, taken)
        server.start()
        assert server.wait_ready(60)
        assert control_file(paths)["port"] != taken
        assert call(paths, "status")["mood"] == "happy"
        assert stopped(server, 10)


def test_a_wished_port_is_used(paths: Paths, agent: Agent) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK, port)
    server.start()
    assert server.wait_ready(60)
    assert control_file(paths)["port"] == port
    assert stopped(server, 10)


def test_a_stop_right_after_the_start_leaves_nothing(paths: Paths, agent: Agent) -> None:
    paths.ensure()
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    assert stopped(server, 60)
    assert not (paths.runtime / "control.json").exists()
    assert stopped(ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK), 0)


def test_a_client_that_holds_its_connection_does_not_delay_the_stop(
    paths: Paths, agent: Agent
) -> None:
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    assert server.wait_ready(60)
    with socket.create_connection(("127.0.0.1", int(str(control_file(paths)["port"])))) as held:
        held.sendall(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        time.sleep(0.2)
        assert stopped(server, 10)


def test_a_folder_that_cannot_be_written_is_a_warning(
    paths: Paths, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    paths.runtime.parent.mkdir(parents=True)
    paths.runtime.write_text("a file where a folder should be")
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    assert not server.wait_ready(3)
    assert stopped(server, 30)
    assert str(paths.runtime) in caplog.text


# --- a server that dies


def test_a_server_that_dies_is_started_again(
    paths: Paths, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uvicorn

    real, deaths = uvicorn.Server.run, [SystemExit(1), RuntimeError("the loop broke"), None]

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        if not deaths:
            return real(server, sockets)
        death = deaths.pop(0)
        if death is not None:
            raise death
        return None  # it just ended

    monkeypatch.setattr(uvicorn.Server, "run", run)
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    end = time.monotonic() + 60
    while deaths or not server.wait_ready(0.1):
        server.wake()  # instead of the second between two tries
        assert time.monotonic() < end
    assert answer_of(paths, "why")["done"]
    assert [e.gave_up for e in agent.events if isinstance(e, events.WorkerCrashed)] == [False] * 3
    assert stopped(server, 10)
    assert not (paths.runtime / "control.json").exists()


def test_a_server_that_dies_always_is_told_and_may_try_again(
    paths: Paths, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.web import server as module

    def broken(host: str, port: int) -> socket.socket:
        raise RuntimeError("no more sockets")

    real = module._listen
    monkeypatch.setattr(module, "_listen", broken)
    server = ControlServer(paths, agent.report, lambda: agent.snapshot, CLOCK)
    server.start()
    end = time.monotonic() + 60
    while not server.gave_up:
        server.wake()
        assert time.monotonic() < end
        time.sleep(0.05)
    monkeypatch.setattr(module, "_listen", real)
    assert not server.wait_ready(0.2)
    server.restart()
    assert server.wait_ready(60)
    assert stopped(server, 10)


def answer_of(paths: Paths, verb: str) -> dict[str, object]:
    """The file may lie there a moment before the server that wrote it answers."""
    end = time.monotonic() + 60
    while True:
        try:
            return call(paths, verb)
        except NotRunning:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_nothing_heavy_is_needed_to_ask(paths: Paths) -> None:
    """A command must be quick, so it must not import the server's libraries."""
    code = (
        "import sys; import agent.web.control_client; "
        "print(sorted({m.split('.')[0] for m in sys.modules} "
        "& {'fastapi', 'uvicorn', 'starlette', 'cv2', 'onnxruntime', 'torch'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
