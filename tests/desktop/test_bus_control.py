"""The agent on the session bus: what scripts may ask of it, and who may."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from agent.desktop.bus_control import NAME, NOT_ALLOWED, PATH, BusControl
from agent.desktop.dbus_server import DENIED, BusServer, Interface, Method
from agent.events import Event, NextPlaylist, PauseCamera, PlayForMood, RestartWorkers, ResumeCamera
from agent.types import MoodState, Snapshot, Status
from agent.web.status_text import as_dict, why_text
from tests.desktop.buses import PrivateBus, start_bus, wait_until
from tests.desktop.specifications import introspected
from tests.desktop.tray_program import sample_snapshot
from tests.fakes.clock import FakeClock


class Agent:
    """Stands where the controller is."""

    def __init__(self) -> None:
        self.snapshot: Snapshot = sample_snapshot(player="Moodtray's own player")
        self.events: list[Event] = []
        self.clock = FakeClock()
        self.bus = BusControl(
            self.events.append,
            self.clock,
            lambda: self.snapshot,
            status=lambda: as_dict(self.snapshot, self.clock),
            why=lambda: why_text(self.snapshot),
        )


class Script:
    """A program of the user's."""

    def __init__(self, connection: DBusConnection) -> None:
        self.connection = connection

    def ask(self, member: str, signature: str = "", *body: Any, name: str = NAME) -> Any:
        """The answer's body, or the error's name."""
        address = DBusAddress(PATH, bus_name=name, interface=name)
        message = new_method_call(address, member, signature or None, body)
        answer = self.connection.send_and_get_reply(message, timeout=10)
        if answer.header.message_type is MessageType.error:
            return answer.header.fields[HeaderFields.error_name]
        return answer.body[0] if len(answer.body) == 1 else answer.body


@pytest.fixture
def script(session_bus: PrivateBus) -> Iterator[Script]:
    with open_dbus_connection("SESSION") as connection:
        yield Script(connection)


@pytest.fixture
def agent(session_bus: PrivateBus, script: Script) -> Iterator[Agent]:
    made = Agent()
    made.bus.start()
    wait_until(lambda: session_bus.has(NAME))
    yield made
    made.bus.request_stop()
    assert made.bus.join(10)


def test_it_says_how_it_is_doing(agent: Agent, script: Script) -> None:
    assert script.ask("Mood") == ("happy", 0.8, False)
    assert script.ask("Why") == why_text(agent.snapshot)
    status = {name: value for name, (_, value) in script.ask("Status").items()}
    known = {k: v for k, v in as_dict(agent.snapshot, agent.clock).items() if v is not None}
    assert status == known


def test_wishes_become_events(agent: Agent, script: Script) -> None:
    assert "paused until" in script.ask("Pause", "u", 15)
    assert "until you resume" in script.ask("Pause", "u", 0)
    for verb in ("Resume", "Play", "Next"):
        assert script.ask(verb)
    until = agent.clock.now().replace(minute=agent.clock.now().minute + 15)
    assert agent.events == [
        PauseCamera(until),
        PauseCamera(None),
        ResumeCamera(),
        PlayForMood(),
        NextPlaylist(),
    ]


def test_what_cannot_be_done_is_refused_in_words(agent: Agent, script: Script) -> None:
    assert script.ask("Pause", "u", 999_999).endswith("InvalidArgs")
    assert script.ask("Pause", "s", "long").endswith("InvalidArgs")
    assert script.ask("Quit").endswith("UnknownMethod")
    agent.snapshot = replace(agent.snapshot, consent=False)
    assert script.ask("Resume") == NOT_ALLOWED
    assert agent.events == [RestartWorkers()]


def test_changes_are_told_once(agent: Agent, script: Script) -> None:
    rule = MatchRule(type="signal", interface=NAME, member="Changed")
    script.connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=10)
    sad = replace(agent.snapshot, mood=replace(agent.snapshot.mood, state=MoodState.SAD))
    with script.connection.filter(rule, bufsize=10) as heard:
        for snapshot in (agent.snapshot, agent.snapshot, sad, replace(sad, status=Status.PAUSED)):
            agent.bus.update(snapshot)
        wait_until(lambda: script.ask("Mood") is not None and len(heard) == 3)
        told = [message.body for message in heard]
    assert told == [
        ("watching", "happy", "Sunny days"),
        ("watching", "sad", "Sunny days"),
        ("paused", "sad", "Sunny days"),
    ]


def test_it_describes_itself(agent: Agent, script: Script) -> None:
    address = DBusAddress(PATH, NAME, "org.freedesktop.DBus.Introspectable")
    message = new_method_call(address, "Introspect")
    (xml,) = script.connection.send_and_get_reply(message, timeout=10).body
    (own,) = [found for found in introspected(xml) if found.name == NAME]
    assert set(own.methods) == {"Status", "Mood", "Why", "Pause", "Resume", "Play", "Next"}
    assert own.methods["Pause"] == ("u", "s")
    assert own.signals == {"Changed": "sss"}


def test_a_second_agent_leaves_the_first_its_name(agent: Agent, session_bus: PrivateBus) -> None:
    second = Agent()
    second.bus.start()
    wait_until(lambda: second.bus._server is not None)
    second.bus.request_stop()
    assert second.bus.join(10)
    assert session_bus.has(NAME)


def test_nobody_else_gets_in(session_bus: PrivateBus, script: Script) -> None:
    asked: list[int | None] = []

    def allow(user: int | None) -> bool:
        asked.append(user)
        return False

    server = BusServer(allow=allow)
    done: list[None] = []
    method = Method(lambda: (done.append(None), ())[1])
    server.export(PATH, Interface("org.example.Door", {"Open": method}))
    server.own("org.example.Door")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: session_bus.has("org.example.Door"))
    for _ in range(2):
        assert script.ask("Open", name="org.example.Door") == DENIED
    assert asked == [os.getuid()], "the bus says who it is; once a caller"
    assert done == []
    server.stop()
    thread.join(10)


def test_without_a_bus_it_waits(no_buses: None) -> None:
    agent = Agent()
    assert agent.bus.step() == 60.0
    agent.bus.update(agent.snapshot)


def test_work_that_meets_a_lost_bus_is_done_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop may be about to say something when the bus goes, and hears of it by that."""
    bus = start_bus(tmp_path / "bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    server = BusServer()
    server.export("/", Interface("org.example.Teller", signals={"Told": ()}))
    named: list[bool] = []
    server.own("org.example.Teller", named.append)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: named == [True])
    done: list[str] = []

    def work() -> None:
        bus.stop()
        for turn in ("one", "two"):
            server.emit("/", "org.example.Teller", "Told")
            server.call("org.example.Nobody", "/", "org.example.Nobody", "Hear")
            done.append(turn)

    server.post(work)
    wait_until(lambda: done == ["one", "two"])
    wait_until(lambda: named == [True, False])
    server.stop()
    thread.join(10)
    assert not thread.is_alive()
