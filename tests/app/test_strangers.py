"""What other users and programs of this computer try on the whole agent."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import psutil
import pytest
import requests

from agent.errors import NotRunning
from agent.store.paths import Paths
from agent.web.door_client import call, call_when_ready
from agent.web.door_key import DoorKey, socket_path
from tests.agent_process import CLIP, AgentProcess
from tests.stranger import as_stranger, open_home

CONNECTIONS = 2_000
UPGRADE = b"Connection: upgrade\r\nUpgrade: websocket\r\n"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    with open_home() as folder:
        monkeypatch.setenv("MOODTRAY_HOME", str(folder))
        yield Paths.below(folder)


@pytest.fixture
def agent(home: Paths) -> Iterator[AgentProcess]:
    with AgentProcess("run", "--headless", "--events-json", "--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        yield agent
        agent.stop()


def port_of(agent: AgentProcess) -> int:
    """Of the page: the only one that it listens on."""
    (port,) = {
        c.laddr.port
        for c in psutil.Process(agent.process.pid).net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    }
    return int(port)


def log_bytes(paths: Paths) -> int:
    return sum(file.stat().st_size for file in paths.logs.iterdir())


def test_held_connections_neither_silence_it_nor_fill_its_log(
    home: Paths, agent: AgentProcess
) -> None:
    port = port_of(agent)
    before = log_bytes(home)
    held: list[socket.socket] = []
    try:
        for number in range(CONNECTIONS):
            stranger = socket.create_connection(("127.0.0.1", port), timeout=60)
            if number % 4 == 1:
                stranger.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            elif number % 4 == 2:
                stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n")
            elif number % 4 == 3:
                stranger.sendall(b"\x16\x03\x01\r\n\r\n")
            held.append(stranger)
        took = []
        for _ in range(3):
            began = time.monotonic()
            assert call(home, "status")["text"]
            took.append(time.monotonic() - began)
        assert min(took) < 5.0  # well under one where nothing else runs
        assert psutil.Process(agent.process.pid).num_fds() < 300
    finally:
        for stranger in held:
            stranger.close()
    assert log_bytes(home) - before <= 10_000


def test_another_user_gets_no_word_in(home: Paths, agent: AgentProcess) -> None:
    def knock() -> str:
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(socket_path(home)))
            return "connected"

    def read(path: Path) -> str:
        return path.read_text(errors="replace")[:1] or "read"

    assert "PermissionError" in as_stranger(knock)
    assert "PermissionError" in as_stranger(lambda: read(home.runtime / "door.json"))
    for folder in (home.config, home.data, home.state, home.logs, home.runtime):
        assert "PermissionError" in as_stranger(lambda folder=folder: os.listdir(folder))  # type: ignore[misc]
    assert call(home, "status")["text"]


def test_a_stranger_on_the_port_of_a_dead_agent_is_not_believed(home: Paths) -> None:
    """On the loopback address, where the door is without Unix sockets."""
    home.ensure()
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        port = dead.getsockname()[1]
    DoorKey(os.getpid(), "secret-of-the-dead-agent", port).write(home)

    def answer_once() -> str:
        heard = ""
        with socket.create_server(("127.0.0.1", port)) as stranger:
            stranger.settimeout(30)
            connection, _ = stranger.accept()
            with connection, contextlib.suppress(OSError):
                heard = connection.recv(10_000).decode()
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nX-Moodtray-Version: 9\r\nContent-Length: 16\r\n\r\n"
                    b'{"text": "mine"}'
                )
        return heard

    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.append(as_stranger(answer_once)))
    thread.start()
    end = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < end:
        with pytest.raises(NotRunning):
            call(home, "status")
        time.sleep(0.05)
    thread.join(30)
    assert heard == ["''"], "not even what was asked"


def test_the_next_run_believes_nothing_that_was_sent_to_the_port_of_the_last(home: Paths) -> None:
    """In between, another user may have listened there, for the page that was still open."""
    run = ("run", "--headless", "--events-json", "--camera", str(CLIP))
    ports, cookie = [], ""
    for _ in range(2):
        with AgentProcess(*run) as agent:
            agent.wait_for(lambda line: line["event"] == "observation")
            link = call_when_ready(home, "page", taken=lambda: True, page="", show=False)["url"]
            ports.append(urlsplit(link).port)
            if cookie:
                name = f"moodtray-{ports[-1]}"
                left = requests.get(
                    urljoin(link, "/api/now"), headers={"Cookie": f"{name}={cookie}"}, timeout=60
                )
                assert left.status_code == 401
            entered = requests.get(link, timeout=60, allow_redirects=False)
            cookie = entered.headers["set-cookie"].partition("=")[2].partition(";")[0]
            agent.stop()
    assert ports[0] != ports[1]
