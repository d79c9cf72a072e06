"""The door for commands over a real Unix socket and the loopback address, with its client."""

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
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import __version__, events
from agent.clock import SystemClock
from agent.errors import DesktopError, NotRunning
from agent.store.paths import Paths
from agent.types import (
    Action,
    CameraState,
    Decision,
    Evidence,
    LessonStage,
    LessonView,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
    Reply,
    Snapshot,
    Status,
)
from agent.web import commands, door_client
from agent.web.commands import Commands
from agent.web.door import MAX_WAITING, Door
from agent.web.door_client import call, call_when_ready, hand_over
from agent.web.door_key import DoorKey, socket_path
from agent.wording import part_stopped

CLOCK = SystemClock()


class Agent:
    """Stands in for the controller: takes events, and acts on those that tests wait for."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.acts = True
        self.when_told: Callable[[], object] = bool
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
            change=decision,
            camera=CameraState.ON,
            player="Moodtray's own player",
        )

    def report(self, event: object) -> None:
        self.events.append(event)
        self.when_told()
        if not self.acts:
            return
        match event:
            case events.PauseCamera(until):
                rests = replace(self.snapshot, camera_paused=True, on_break=False)
                self.snapshot = replace(rests, paused_until=until)
                self.answer("The camera is paused", "The music goes on.")
            case events.ResumeCamera():
                free = replace(self.snapshot, camera_paused=False, paused_until=None)
                self.snapshot = replace(free, stopped=())
            case events.SetMood(mood):
                said = Mood(mood, CLOCK.monotonic(), 1.0, by_hand=True)
                self.snapshot = replace(self.snapshot, mood=said)
                self.answer(f"You said you feel {mood}", "So until 15:40.")
            case events.PlayForMood() | events.NextPlaylist():
                self.answer("♪ Bright days", "You look happy.")
            case events.UndoSwitch():
                self.answer("There is nothing to undo", "Nothing was changed.")
            case events.TakeBreak():
                self.answer("Taking a break until you resume", "Camera and music rest.")
            case events.FollowFace():
                self.answer("Moodtray goes by your face again", "You look happy.")
            case events.BeginLesson():
                if self.snapshot.camera_paused:
                    why = "The camera is paused."
                    failed = LessonView(LessonStage.FAILED, 1.0, trouble=why)
                    self.snapshot = replace(self.snapshot, lesson=failed)
                    self.answer("Your face was not learned", why)
                else:
                    self.lesson(LessonView(LessonStage.REST, 0.0))
            case events.ShowInLesson(emotion):
                self.lesson(LessonView(LessonStage.SHOW, 0.0, emotion))
            case events.KeepLesson():
                self.lesson(LessonView(LessonStage.LEARNED, 1.0))
                self.answer("Your face is learned", "It is read against its rest.")
            case events.StopLesson():
                self.lesson(LessonView(LessonStage.FAILED, 1.0, trouble="It was stopped."))
                self.answer("Your face was not learned", "It was stopped.")
            case events.NextTrack():
                assert self.snapshot.playback is not None
                later = replace(self.snapshot.playback, track="2", title="Ann - Two")
                self.snapshot = replace(self.snapshot, playback=later)

    def lesson(self, view: LessonView) -> None:
        self.snapshot = replace(self.snapshot, lesson=view)

    def answer(self, title: str, body: str) -> None:
        answers = self.snapshot.answers + 1
        self.snapshot = replace(self.snapshot, answer=Reply(title, body), answers=answers)


@pytest.fixture
def paths() -> Paths:
    return Paths.default()


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.fixture(params=["socket", "loopback"])
def private(request: pytest.FixtureRequest) -> bool:
    """Where the door is. On Windows it is on the loopback address in any case."""
    return bool(request.param == "socket")


@pytest.fixture
def door(paths: Paths, agent: Agent, private: bool) -> Iterator[Door]:
    door = new_door(paths, agent, private=private)
    door.start()
    assert door.wait_ready(60)
    yield door
    assert stopped(door, 10)


def new_door(paths: Paths, agent: Agent, *, private: bool = True) -> Door:
    answers = Commands(agent.report, lambda: agent.snapshot, CLOCK)
    return Door(paths, answers, agent.report, CLOCK, private=private)


def stopped(door: Door, timeout: float) -> bool:
    """Ask it to end; True when it has."""
    door.request_stop()
    return door.join(timeout)


def key_of(paths: Paths) -> DoorKey:
    key = DoorKey.read(paths)
    assert key is not None
    return key


def connected(paths: Paths) -> socket.socket:
    """A connection to the door, nothing said yet."""
    port = key_of(paths).port
    if port is not None:
        return socket.create_connection(("127.0.0.1", port), timeout=20)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(socket_path(paths)))  # blocks while the door's queue is full
    connection.settimeout(20)
    return connection


Raw = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture
def raw(paths: Paths, door: Door) -> Raw:
    """One request with all its headers given by the test, signed like the client's."""

    def send(
        method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, str], str]:
        data = (body or "").encode()
        given = {
            "Host": "127.0.0.1",
            "Content-Length": str(len(data)),
            "X-Moodtray-Challenge": "c",
            "X-Moodtray-Proof": key_of(paths).proof_of_request("c", method, path, data),
            **(headers or {}),
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items() if v)]
        with connected(paths) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            text = response.read().decode()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, text

    return send


# --- what commands get


def test_status_tells_all_in_words_and_in_json(paths: Paths, door: Door) -> None:
    told = call(paths, "status")
    assert told["mood"] == "happy"
    assert told["status"] == "watching"
    assert told["mood_seconds"] >= 200.0
    assert told["playlist"] == "Bright days"
    assert told["text"].splitlines() == [
        "Mood:   You look happy, for 3 min (72% sure)",
        "Music:  ♪ Bright days: Ann - One (Moodtray's own player)",
        "Camera: on",
        "Why:    you look happy",
    ]


def test_music_that_nobody_hears_is_told_as_wrong(paths: Paths, door: Door, agent: Agent) -> None:
    assert agent.snapshot.playback is not None
    unheard = replace(agent.snapshot.playback, unheard=True)
    agent.snapshot = replace(agent.snapshot, playback=unheard)
    told = "Sound:  none: no sound device was found; connect one, or switch it on"
    assert told in call(paths, "status")["text"].splitlines()
    resting = replace(unheard, state=PlayState.PAUSED)
    agent.snapshot = replace(agent.snapshot, playback=resting)
    assert told not in call(paths, "status")["text"].splitlines()


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("pause", "No music plays. So there is none to pause."),
        ("resume", "No music is paused. 'moodtray play' begins some."),
    ],
)
def test_silence_is_neither_paused_nor_gone_on_with(
    paths: Paths, door: Door, agent: Agent, action: str, told: str
) -> None:
    agent.snapshot = replace(agent.snapshot, playback=Playback(0.0, PlayState.STOPPED))
    assert call(paths, "music", action=action) == {"done": True, "text": told}


def test_a_playlist_without_a_name_is_not_told_by_its_address(
    paths: Paths, door: Door, agent: Agent
) -> None:
    assert agent.snapshot.playback is not None
    unnamed = replace(agent.snapshot.playback, context="spotify:album:x", context_name=None)
    agent.snapshot = replace(agent.snapshot, playback=unnamed)
    told = call(paths, "status")
    assert told["playlist"] == "spotify:album:x"
    assert told["text"].splitlines()[1] == "Music:  ♪ Ann - One (Moodtray's own player)"


def test_no_probabilities_leave(paths: Paths, door: Door, agent: Agent) -> None:
    seven = (0.11, 0.02, 0.03, 0.72, 0.04, 0.05, 0.03)
    agent.snapshot = replace(agent.snapshot, mood=replace(agent.snapshot.mood, probabilities=seven))
    assert "0.11" not in json.dumps(call(paths, "status"))


def test_why(paths: Paths, door: Door, agent: Agent) -> None:
    assert call(paths, "why")["text"] == "Bright days: you look happy."
    later = Decision(1.0, Action.KEEP, MoodState.SAD, None, "you chose this playlist yourself")
    agent.snapshot = replace(agent.snapshot, decision=later)
    assert call(paths, "why")["text"].endswith("\nNow: you chose this playlist yourself.")
    agent.snapshot = replace(agent.snapshot, decision=None, change=None)
    answer = call(paths, "why")
    assert "Nothing has been decided yet" in answer["text"]
    assert "Nothing has been decided yet" in answer["evidence"]["reason"]
    assert (answer["evidence"]["action"], answer["evidence"]["switch"]) == (None, None)


def test_why_with_evidence(paths: Paths, door: Door, agent: Agent) -> None:
    seven = (0.0, 0.0, 0.0, 0.92, 0.05, 0.0, 0.03)
    correction = (0.0, 0.0, 0.0, 0.0, -1.25, 0.0, 0.5)
    found = Evidence(seven, MoodState.SAD, 240.04, correction, 0.88)
    assert agent.snapshot.change is not None
    change = replace(agent.snapshot.change, evidence=found)
    why = "you look happy, and so it stays"
    kept = Decision(1.0, Action.KEEP, MoodState.HAPPY, None, why, found)
    agent.snapshot = replace(agent.snapshot, decision=kept, change=change)
    answer = call(paths, "why")
    assert "(happy was at 92 %, a mood is named from 88 %; for 4 min; " in answer["text"]
    told = answer["evidence"]
    assert (told["action"], told["reason"]) == ("keep", why)
    assert told["probabilities"]["happy"] == 0.92
    assert (told["runner_up"], told["mood_seconds"], told["threshold"]) == ("sad", 240.0, 0.88)
    assert (told["own_face"], told["correction"]["sad"]) == (True, -1.25)
    assert told["switch"]["playlist"] == "Bright days"
    assert told["switch"]["probabilities"]["sad"] == 0.05


def test_a_lesson_step_by_step(paths: Paths, door: Door, agent: Agent) -> None:
    for step in ("show", "keep", "stop"):
        with pytest.raises(DesktopError, match="No face is being learned"):
            call(paths, "lesson", do=step, emotion="happy")
    assert call(paths, "lesson", do="begin", seconds=10)["done"]
    seen = call(paths, "status")
    assert (seen["lesson"]["stage"], seen["lesson"]["share"]) == ("rest", 0.0)
    assert "Lesson: Look as you do when you work: 0 %" in seen["text"]
    assert call(paths, "lesson", do="show", emotion="happy")["text"] == "Now look happy."
    for word in ("merry", "auto"):
        with pytest.raises(DesktopError, match="emotion"):
            call(paths, "lesson", do="show", emotion=word)
    assert "Your face is learned" in call(paths, "lesson", do="keep")["text"]
    assert "Your face is learned" in call(paths, "lesson", do="keep")["text"], "already kept"
    assert agent.events == [
        events.BeginLesson(10.0), events.ShowInLesson(MoodState.HAPPY), events.KeepLesson()
    ]  # fmt: skip
    call(paths, "lesson", do="begin")
    assert "It was stopped" in call(paths, "lesson", do="stop")["text"]
    agent.snapshot = replace(agent.snapshot, camera_paused=True)
    with pytest.raises(DesktopError, match="The camera is paused"):
        call(paths, "lesson", do="begin")
    for wrong in (
        {"do": "dance"},
        {"do": "begin", "seconds": 0.1},
        {"do": "begin", "seconds": 1e9},
    ):
        with pytest.raises(DesktopError):
            call(paths, "lesson", **wrong)


def test_a_pause_of_the_camera_within_a_break_says_what_becomes_of_the_music(
    paths: Paths, door: Door, agent: Agent
) -> None:
    agent.snapshot = replace(agent.snapshot, camera_paused=True, on_break=True)
    assert call(paths, "pause")["text"] == "The camera is paused. The music goes on."


def test_pause_and_resume(paths: Paths, door: Door, agent: Agent) -> None:
    answer = call(paths, "pause")
    assert answer == {"done": True, "text": "The camera is paused until you resume it."}
    assert call(paths, "status")["camera_paused"] is True
    assert "Camera: paused until you resume it" in call(paths, "status")["text"]
    assert call(paths, "resume")["text"] == "The camera may be used again."
    assert agent.events == [events.PauseCamera(None), events.ResumeCamera()]


def test_what_was_not_paused_is_not_said_to_go_on(paths: Paths, door: Door, agent: Agent) -> None:
    assert call(paths, "resume")["text"] == "The camera was not paused."
    agent.snapshot = replace(agent.snapshot, held_off="the screen is locked")
    told = "Not paused, but the camera is off: the screen is locked."
    assert call(paths, "resume")["text"] == told
    call(paths, "pause")
    assert call(paths, "resume")["text"].startswith("Not paused any more, but ")


def test_pause_until_a_time(paths: Paths, door: Door, agent: Agent) -> None:
    until = (CLOCK.now() + timedelta(days=3)).replace(microsecond=0)
    answer = call(paths, "pause", until=until)
    assert answer["done"]
    assert f"{until:%H:%M}" in answer["text"]
    assert agent.events == [events.PauseCamera(until)]
    call(paths, "pause", until=until.isoformat())
    assert agent.events[1] == events.PauseCamera(until)


def test_pause_until_a_time_that_has_passed_is_refused(
    paths: Paths, door: Door, agent: Agent
) -> None:
    with pytest.raises(DesktopError, match="passed already"):
        call(paths, "pause", until=CLOCK.now() - timedelta(minutes=1))
    assert agent.events == []


def test_resume_says_what_still_holds_the_camera(paths: Paths, door: Door, agent: Agent) -> None:
    agent.snapshot = replace(agent.snapshot, held_off="the screen is locked")
    assert "off: the screen is locked" in call(paths, "resume")["text"]


def test_without_consent_status_and_resume_say_what_to_do(
    paths: Paths, door: Door, agent: Agent
) -> None:
    agent.snapshot = replace(agent.snapshot, consent=False, camera=CameraState.OFF)
    told = call(paths, "status")
    assert told["consent"] is False
    assert "Mood:   Not watching" in told["text"]
    assert "Camera: not allowed; 'moodtray consent'" in told["text"]
    with pytest.raises(DesktopError, match="moodtray consent") as refused:
        call(paths, "resume")
    assert refused.value.title == "The camera is not allowed"
    assert events.ResumeCamera() not in agent.events


@pytest.mark.parametrize(
    ("off", "camera"),
    [
        ({"camera": CameraState.BUSY, "problem": "There is no camera 0."}, "cannot be used"),
        ({"camera": CameraState.LOST}, "gone, waiting for it to come back"),
        ({"camera": CameraState.OFF, "camera_paused": True}, "paused until you resume it"),
        (
            {"camera": CameraState.OFF, "held_off": "the screen is locked"},
            "off: the screen is locked",
        ),
    ],
)
def test_an_old_mood_is_not_told_as_if_it_were_of_now(
    paths: Paths, door: Door, agent: Agent, off: dict[str, Any], camera: str
) -> None:
    agent.snapshot = replace(agent.snapshot, **off)
    lines = call(paths, "status")["text"].splitlines()
    assert lines[0] == "Mood:   Not watching"
    assert lines[2] == f"Camera: {camera}"


def test_preview_says_why_it_does_not_open(paths: Paths, door: Door, agent: Agent) -> None:
    agent.snapshot = replace(agent.snapshot, camera_paused=True)
    with pytest.raises(DesktopError, match="moodtray resume") as refused:
        call(paths, "preview", show=True)
    assert refused.value.title == "The camera is paused"
    agent.snapshot = replace(agent.snapshot, camera_paused=False, consent=False)
    with pytest.raises(DesktopError, match="moodtray consent") as refused:
        call(paths, "preview", show=True)
    assert refused.value.title == "The camera is not allowed"
    # The agent puts its own question, with a button, on the screen.
    assert agent.events == [events.ShowPreview(True)] * 2


def test_what_stopped_is_told_and_resume_starts_it_again(
    paths: Paths, door: Door, agent: Agent
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
        "Mood:   Not watching",
        "Music:  Out of touch with the music (Moodtray's own player)",
        "Camera: off",
        "Why:    you look happy",
        "Trouble: Looking through the camera stopped after repeated failures. 'Start again' in the "
        "tray's menu tries anew, and so does 'moodtray resume'.",
    ]
    assert call(paths, "resume")["done"]
    assert call(paths, "status")["stopped"] == []


def test_mood_by_hand(paths: Paths, door: Door, agent: Agent) -> None:
    answer = call(paths, "mood", emotion="sad", minutes=10)
    assert answer == {"done": True, "text": "You said you feel sad. So until 15:40."}
    assert agent.events == [events.SetMood(MoodState.SAD, 10.0, MoodState.HAPPY)]
    assert "Mood:   You said you feel sad" in call(paths, "status")["text"]
    call(paths, "mood", emotion="AFRAID")  # the menu's word, in any case
    assert agent.events[-1] == events.SetMood(MoodState.FEAR)


def test_the_face_is_read_again_on_auto(paths: Paths, door: Door, agent: Agent) -> None:
    answer = call(paths, "mood", emotion="auto")
    assert answer["text"] == "Moodtray goes by your face again. You look happy."
    assert agent.events == [events.FollowFace()]


def test_a_wish_is_answered_by_what_came_of_it(paths: Paths, door: Door, agent: Agent) -> None:
    assert call(paths, "play")["text"] == "♪ Bright days. You look happy."
    assert call(paths, "undo")["text"] == "There is nothing to undo. Nothing was changed."
    assert call(paths, "break", until_back=True)["text"].endswith("Camera and music rest.")
    assert agent.events[-1] == events.TakeBreak(None, True)
    assert call(paths, "music", action="next")["text"] == "♪ Ann - Two"


def test_a_wish_that_takes_long_is_not_said_to_be_met(
    paths: Paths, door: Door, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WISH_PATIENCE", 0.1)
    agent.acts = False
    assert call(paths, "play")["done"] is False
    assert call(paths, "music", action="next")["text"] == "Asked for the next track."


def test_a_break_that_is_over_is_refused(paths: Paths, door: Door, agent: Agent) -> None:
    with pytest.raises(DesktopError, match="passed already"):
        call(paths, "break", until=CLOCK.now() - timedelta(minutes=1))
    assert agent.events == []


@pytest.mark.parametrize("verb", ["break", "pause"])
@pytest.mark.parametrize("until", ["0001-01-01T00:00", "0001-01-01T00:00+14:00"])
def test_a_time_that_no_calendar_knows_here_is_refused(
    paths: Paths, door: Door, agent: Agent, verb: str, until: str
) -> None:
    with pytest.raises(DesktopError) as raised:
        call(paths, verb, until=until)
    assert "until" in raised.value.message
    assert agent.events == []


@pytest.mark.parametrize(
    "words",
    [
        {"emotion": "away"},
        {"emotion": "joyful"},
        {"emotion": "sad", "minutes": 0},
        {"emotion": "sad", "minutes": 1e9},
        {"emotion": "sad", "hours": 2},
        {},
    ],
)
def test_wrong_words_are_told(
    paths: Paths, door: Door, agent: Agent, words: dict[str, object]
) -> None:
    with pytest.raises(DesktopError) as raised:
        call(paths, "mood", **words)
    assert set(words) & {"emotion", "minutes", "hours"} or "emotion" in raised.value.message
    assert agent.events == []


def test_an_unknown_verb_is_told(paths: Paths, door: Door) -> None:
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
    door: Door,
    agent: Agent,
    verb: str,
    words: dict[str, object],
    event: object,
) -> None:
    assert call(paths, verb, **words)["text"]
    assert agent.events == [event]


def test_a_busy_agent_is_not_said_to_have_obeyed(paths: Paths, door: Door, agent: Agent) -> None:
    agent.acts = False
    answer = call(paths, "pause")
    assert answer["done"] is False
    assert answer["text"].startswith("Asked. In a moment: ")


def test_a_second_start_hands_over(paths: Paths, door: Door, agent: Agent) -> None:
    assert "already running" in hand_over(paths)
    assert isinstance(agent.events[0], events.Notice)
    assert "♪ Bright days" in hand_over(paths, play=True)
    assert agent.events[-1] == events.PlayForMood()


def test_a_second_start_during_the_first_ones_start(paths: Paths, agent: Agent) -> None:
    door = new_door(paths, agent)
    begin = threading.Timer(0.5, door.start)
    begin.start()
    assert "already running" in hand_over(paths)
    assert len(agent.events) == 1
    begin.join()
    assert stopped(door, 10)


def test_a_command_waits_for_an_agent_that_has_just_been_started(
    paths: Paths, agent: Agent
) -> None:
    door = new_door(paths, agent)
    begin = threading.Timer(0.5, door.start)
    begin.start()
    assert call_when_ready(paths, "status", taken=lambda: True)["mood"] == "happy"
    begin.join()
    assert stopped(door, 10)


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
    monkeypatch.setattr(door_client, "START_PATIENCE", 0.2)
    with pytest.raises(DesktopError, match="takes no commands") as told:
        call_when_ready(paths, "status", taken=lambda: True)
    assert told.value.title == "Moodtray is running"
    assert "already running. It takes no commands" in hand_over(paths)


def test_quit_waits_for_the_process(paths: Paths, door: Door, agent: Agent) -> None:
    """The file names another process here, which ends when it is told to."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    agent.when_told = process.kill
    replace(key_of(paths), pid=process.pid).write(paths)
    assert call(paths, "quit")["text"] == "Moodtray ends."
    assert agent.events == [events.Quit()]
    assert process.wait(20) is not None


# --- who may not


def test_socket_and_file_are_for_the_user_alone(paths: Paths, agent: Agent, private: bool) -> None:
    paths.ensure()
    file = paths.runtime / "door.json"
    file.write_text("left behind by another one")
    file.chmod(0o666)
    place = socket_path(paths)
    if place is not None:
        place.write_text("left behind by a kill")
    door = new_door(paths, agent, private=private)
    door.start()
    assert door.wait_ready(60)
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700
        assert place is not None
        if private:
            assert stat.S_ISSOCK(place.stat().st_mode)
            assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert key_of(paths).pid == os.getpid()
    assert len(key_of(paths).secret) >= 32
    assert call(paths, "status")["mood"] == "happy"
    assert stopped(door, 10)
    assert not file.exists()
    assert not private or place is None or not place.exists()


def test_it_listens_on_no_address_of_the_network(paths: Paths, door: Door, private: bool) -> None:
    import psutil

    listening = {
        c.laddr
        for c in psutil.Process().net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    }
    port = key_of(paths).port
    if private and os.name == "posix":
        assert port is None
        assert not listening
    else:
        assert {(a.ip, a.port) for a in listening} == {("127.0.0.1", port)}


@pytest.mark.parametrize("proof", ["", "wrong", "*", "0" * 64])
def test_without_the_secret_nothing_goes(raw: Raw, agent: Agent, proof: str) -> None:
    for method, path in [("GET", "/status"), ("POST", "/pause"), ("GET", "/nowhere")]:
        status, headers, text = raw(method, path, {"X-Moodtray-Proof": proof}, "{}")
        assert status == 401
        assert "happy" not in text
        assert "x-moodtray-proof" not in headers, "nothing is signed for strangers"
    assert agent.events == []


def test_a_proof_is_for_one_request_alone(paths: Paths, raw: Raw, agent: Agent) -> None:
    """Nobody who saw a request can make another one of it."""
    proof = key_of(paths).proof_of_request("c", "GET", "/status", b"")
    assert raw("POST", "/quit", {"X-Moodtray-Proof": proof})[0] == 401
    proof = key_of(paths).proof_of_request("c", "POST", "/pause", b"{}")
    assert raw("POST", "/pause", {"X-Moodtray-Proof": proof}, '{"until": null}')[0] == 401
    assert agent.events == []


def test_the_secret_does_not_go_over_the_wire(paths: Paths, agent: Agent) -> None:
    """A stranger who took over the port of a dead agent learns nothing."""
    paths.ensure()
    stranger = HTTPServer(("127.0.0.1", 0), Stranger)
    Stranger.heard.clear()
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    DoorKey(os.getpid(), "the-secret-of-the-dead", stranger.server_port).write(paths)
    with pytest.raises(NotRunning):
        call(paths, "status")
    assert Stranger.heard
    assert "the-secret-of-the-dead" not in "".join(Stranger.heard)
    stranger.shutdown()
    stranger.server_close()


@pytest.mark.parametrize("host", ["localhost", "evil.example", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_computer_is_refused(raw: Raw, agent: Agent, host: str) -> None:
    """A web page whose name was pointed to the loopback address sends that name."""
    status, _, _ = raw("POST", "/quit", {"Host": host})
    assert status in (400, 403)
    assert agent.events == []


def test_web_pages_are_refused(raw: Raw, agent: Agent) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Upgrade": "websocket"}):
        for method in ("GET", "OPTIONS"):
            status, answered, text = raw(method, "/status", headers)
            assert status == 403
            assert "happy" not in text
            assert not [name for name in answered if name.startswith("access-control")]
    assert agent.events == []


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /status\r\n\r\n",
        b"GET http://127.0.0.1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: yes\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9" + b"9" * 5000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"x" * 9_000,
        b"GET /status HTTP/1.1\r\n" + b"a: b\r\n" * 2_000,
    ],
)
def test_what_is_no_request_is_refused(
    paths: Paths, door: Door, caplog: pytest.LogCaptureFixture, request_: bytes
) -> None:
    with connected(paths) as stranger:
        stranger.sendall(request_)
        answer = stranger.recv(20)
    assert answer.startswith(b"HTTP/1.1 4")
    assert call(paths, "status")["mood"] == "happy"
    assert not caplog.records


def test_no_pages_that_describe_the_interface(raw: Raw) -> None:
    for path in ("/", "/docs", "/openapi.json", "/status/", "/../status", "/_status"):
        assert raw("GET", path)[0] == 404


def test_long_and_broken_bodies_are_refused(raw: Raw, agent: Agent) -> None:
    assert raw("POST", "/mood", body="x" * 20_000)[0] == 413
    assert raw("POST", "/mood", body="{broken")[0] == 422
    assert raw("POST", "/mood", body="[" * 10_000)[0] == 422
    assert raw("POST", "/mood", {"Transfer-Encoding": "chunked"}, "{}")[0] in (400, 413)
    assert agent.events == []


def test_the_secret_never_gets_into_a_log(
    paths: Paths, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.logs import redact

    secret = key_of(paths).secret
    assert secret not in redact(f"it is {secret} here")
    call(paths, "status")
    printed = capsys.readouterr()
    assert secret not in printed.out + printed.err


def test_answers_carry_the_version(raw: Raw) -> None:
    assert raw("GET", "/status")[1]["x-moodtray-version"] == __version__


# --- when there is none


def test_no_agent(paths: Paths) -> None:
    with pytest.raises(NotRunning, match="moodtray run"):
        call(paths, "status")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"port": "x"}', '{"port": 1, "secret": "s"}'])
def test_a_broken_file_is_no_agent(paths: Paths, text: str) -> None:
    paths.ensure()
    (paths.runtime / "door.json").write_text(text)
    with pytest.raises(NotRunning):
        call(paths, "status")


def test_a_file_left_behind_is_no_agent(paths: Paths) -> None:
    paths.ensure()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for left in (DoorKey(1, "s", port), DoorKey(1, "s")):
        left.write(paths)
        with pytest.raises(NotRunning):
            call(paths, "status")


class Stranger(BaseHTTPRequestHandler):
    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(str(self.headers))
        self.send_response(200)
        self.send_header("X-Moodtray-Version", __version__)
        self.send_header("X-Moodtray-Proof", "0" * 64)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None: ...


def test_a_stranger_on_the_port_is_no_agent(paths: Paths) -> None:
    paths.ensure()
    stranger = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    DoorKey(1, "s", stranger.server_port).write(paths)
    with pytest.raises(NotRunning):
        call(paths, "status")
    stranger.shutdown()
    stranger.server_close()


def test_an_agent_that_hangs_is_told_with_its_process(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.door_client.TIMEOUT", 0.2)
    paths.ensure()
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        DoorKey(4242, "s", deaf.getsockname()[1]).write(paths)
        with pytest.raises(DesktopError, match="4242"):
            call(paths, "status")


def test_a_first_start_without_commands_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.door_client.START_PATIENCE", 0.2)
    assert "takes no commands" in hand_over(paths)


# --- start and stop


def test_a_stop_right_after_the_start_leaves_nothing(paths: Paths, agent: Agent) -> None:
    paths.ensure()
    door = new_door(paths, agent)
    door.start()
    assert stopped(door, 60)
    assert not (paths.runtime / "door.json").exists()
    assert stopped(new_door(paths, agent), 0)


def test_who_asked_for_the_end_is_answered_before_it(
    paths: Paths, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_client, "QUIT_PATIENCE", 0.0)
    door = new_door(paths, agent)
    door.start()
    assert door.wait_ready(60)
    told: list[str] = []

    def end() -> None:
        door.request_stop()
        time.sleep(0.5)
        told.append("by the thread that is about to answer")

    agent.when_told = end
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(call(paths, "quit")))
    asking.start()
    while not door.stopping:
        time.sleep(0.01)
    assert door.join(60)
    assert told
    asking.join(60)
    assert answers[0]["text"] == "Moodtray ends."


def test_a_client_that_holds_its_connection_does_not_delay_the_stop(
    paths: Paths, agent: Agent, private: bool
) -> None:
    door = new_door(paths, agent, private=private)
    door.start()
    assert door.wait_ready(60)
    with connected(paths) as held:
        held.sendall(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        time.sleep(0.2)
        assert stopped(door, 10)


def test_held_connections_silence_nobody_and_write_no_log(
    paths: Paths, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """More than the door keeps, half of them with half a request, while commands are answered."""
    held = []
    for number in range(MAX_WAITING * 3):
        held.append(connected(paths))
        if number % 2:
            held[-1].sendall(b"GET /status HTTP/1.1\r\n")
    assert call(paths, "status")["mood"] == "happy"
    held[0].settimeout(20)
    assert held[0].recv(1) == b"", "the one that waited longest was closed"
    for one in held:
        one.close()
    assert not caplog.records


def test_a_request_has_to_come_in_time(
    paths: Paths, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.door.REQUEST_TIMEOUT", 0.2)
    with connected(paths) as slow:
        slow.sendall(b"GET /status")
        slow.settimeout(20)
        assert slow.recv(1) == b""


def test_more_requests_than_are_answered_at_a_time_are_told(
    paths: Paths, door: Door, agent: Agent
) -> None:
    agent.acts = False  # each pause waits for its time
    busy: list[str] = []

    def pause() -> None:
        try:
            call(paths, "pause")
        except DesktopError as error:
            busy.append(error.message)

    asking = [threading.Thread(target=pause) for _ in range(40)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(60)
    assert "The agent is busy; try again." in busy
    assert call(paths, "why")["done"]


def test_a_folder_that_cannot_be_written_is_a_warning(
    paths: Paths, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    paths.runtime.parent.mkdir(parents=True)
    paths.runtime.write_text("a file where a folder should be")
    door = new_door(paths, agent)
    door.start()
    assert not door.wait_ready(3)
    assert stopped(door, 30)
    assert str(paths.runtime) in caplog.text


# --- a door that fails


def test_a_door_that_dies_is_made_again(
    paths: Paths, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.web import door as module

    real, deaths = module._Reception.serve, [RuntimeError("it broke"), OSError("no more"), None]

    def serve(reception: Any) -> None:
        death = deaths.pop(0) if deaths else None
        if death is not None:
            raise death
        real(reception)

    monkeypatch.setattr(module._Reception, "serve", serve)
    door = new_door(paths, agent)
    door.start()
    end = time.monotonic() + 60
    while deaths or not door.wait_ready(0.1):
        door.wake()  # instead of the second between two tries
        assert time.monotonic() < end
    assert answer_of(paths, "why")["done"]
    assert [e.gave_up for e in agent.events if isinstance(e, events.WorkerCrashed)] == [False] * 2
    assert stopped(door, 10)
    assert not (paths.runtime / "door.json").exists()


def test_a_door_that_dies_always_is_told_and_may_be_tried_again(
    paths: Paths, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(door: Door) -> socket.socket:
        raise RuntimeError("no more sockets")

    real = Door._listen
    monkeypatch.setattr(Door, "_listen", broken)
    door = new_door(paths, agent)
    door.start()
    end = time.monotonic() + 60
    while not door.gave_up:
        door.wake()
        assert time.monotonic() < end
        time.sleep(0.05)
    monkeypatch.setattr(Door, "_listen", real)
    assert not door.wait_ready(0.2)
    door.restart()
    assert door.wait_ready(60)
    assert stopped(door, 10)


def test_a_home_too_deep_for_a_socket_takes_commands_too(tmp_path: Path, agent: Agent) -> None:
    paths = Paths.below(tmp_path / ("deep" * 30))
    door = new_door(paths, agent)
    door.start()
    assert door.wait_ready(60)
    assert key_of(paths).port is not None
    assert call(paths, "status")["mood"] == "happy"
    assert stopped(door, 10)


def test_a_defect_in_a_command_is_told(
    paths: Paths, door: Door, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    agent.when_told = fail
    with pytest.raises(DesktopError, match="its log says more"):
        call(paths, "pause")
    assert "defect in the command '/pause'" in caplog.text
    agent.when_told = bool
    assert call(paths, "pause")["done"]


def answer_of(paths: Paths, verb: str) -> dict[str, object]:
    """The file may lie there a moment before the door that wrote it answers."""
    end = time.monotonic() + 60
    while True:
        try:
            return call(paths, verb)
        except NotRunning:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_nothing_heavy_is_needed_to_ask(paths: Paths) -> None:
    """A command must be quick, so it must not import heavy libraries."""
    code = (
        "import sys; import agent.web.door_client; "
        "print(sorted({m.split('.')[0] for m in sys.modules} "
        "& {'fastapi', 'uvicorn', 'pydantic', 'numpy', 'cv2', 'onnxruntime', 'torch'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


VERBS = ["status", "why", "pause", "resume", "mood", "play", "music", "next", "preview", "hello",
         "quit", "lesson", "face", "", "no such", "../status"]  # fmt: skip
ARGUMENTS = st.dictionaries(
    st.sampled_from(["until", "emotion", "minutes", "action", "show", "do", "x"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["happy", "pause", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
         "9999-12-31T23:59:59", "2030-01-01", "1e400"]
    )
    | st.text(max_size=5),
    max_size=3,
)  # fmt: skip


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", ""]),
    verb=st.sampled_from(VERBS),
    body=ARGUMENTS.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=20)
    | st.sampled_from([b"[" * 16_000, b'{"until":' * 1_800, b"9" * 16_000]),
)
def test_whatever_is_asked_is_answered(
    method: str, verb: str, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.commands.PATIENCE", 0.0)
    agent = Agent()
    answer = Commands(agent.report, lambda: agent.snapshot, CLOCK).answer(method, verb, body)
    assert answer.status in (200, 404, 405, 409, 422)
    assert json.loads(answer.as_json()).keys() & {"text", "error"}
