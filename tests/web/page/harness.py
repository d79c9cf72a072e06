"""The page on a real server, with everything behind it in this process: the settings file and the
history are real ones, cameras and players are put in the place."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent import events
from agent.clock import SystemClock
from agent.errors import AgentError, PlaylistGone
from agent.players.folders import KINDS, counted
from agent.settings import Settings
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import (
    EMOTIONS,
    Action,
    CameraState,
    Decision,
    Evidence,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
    Snapshot,
    Status,
)
from agent.web import limited, loopback
from agent.web.page.access import Access, load_key
from agent.web.page.app import make_app
from agent.web.page.context import (
    CameraChoice,
    Card,
    Device,
    Kept,
    PageContext,
    PlayerName,
    SpotifyState,
    Still,
)

SEVEN = (0.01, 0.0, 0.01, 0.86, 0.02, 0.03, 0.07)


def happy_snapshot(now: float) -> Snapshot:
    """Somebody looks happy and hears fitting music."""
    playlist = Playlist("local:happy", "Summer on the balcony")
    switch = Decision(now - 380, Action.SWITCH_NOW, MoodState.HAPPY, playlist, "you look happy")
    keep = Decision(
        now, Action.KEEP, MoodState.HAPPY, None, "you look happy, and what plays fits already"
    )
    playback = Playback(
        now - 2, PlayState.PLAYING, "local:happy", "Summer on the balcony", "1",
        "Harbour Lights - Low tide", 131.0, 211.0, "Laptop",
    )  # fmt: skip
    return Snapshot(
        Status.WATCHING,
        Mood(MoodState.HAPPY, now - 370, 0.86, SEVEN),
        playback,
        keep,
        switch,
        CameraState.ON,
        change=switch,
        player="Moodtray's own player",
        autostart=False,
        undo_to="what played before",
    )


class AfternoonClock(SystemClock):
    """The real clock, put to three in the afternoon when it is made: a day that has begun and does
    not end under a test, whenever the test runs."""

    def __init__(self) -> None:
        now = super().now()
        self._ahead = now.replace(hour=15, minute=0, second=0, microsecond=0) - now

    def now(self) -> datetime:
        """Return the wall clock of that afternoon, in the local zone."""
        return super().now() + self._ahead


@dataclass
class PutInPlace:
    """Cameras, players and the consent, as a test wants them; the four desks in one."""

    player: PlayerName = "local"
    logged_in: bool = False
    allowed: bool = False
    sees: bool = True
    cards: list[Card] = field(default_factory=list)
    error: AgentError | None = None
    question: str = "May Moodtray use the camera?"
    text: str = "What is seen: a few pictures.\n\nWhat is kept: the mood as a word."
    kinds: str = KINDS
    logins: list[tuple[str, str]] = field(default_factory=list)
    own: dict[MoodState, tuple[str, ...]] = field(default_factory=dict)  # folders named after moods
    beside: str = ""  # what lies beside them

    def in_use(self) -> PlayerName:
        return self.player

    def card(self, player: PlayerName, entry: str) -> Card:
        return Card(entry, entry.rpartition("/")[2].rpartition(":")[2] or entry, "Folder")

    def look_up(self, player: PlayerName, text: str) -> Card:
        if player == "local" and not text.startswith("local:") and not Path(text).is_dir():
            raise PlaylistGone(f"The folder {text[:200]} is not there.")
        return self.card(player, text)

    def own_folders(self, player: PlayerName) -> dict[MoodState, tuple[str, ...]]:
        return self.own if player == "local" else {}

    def beside_moods(self, settings: Settings) -> str:
        return self.beside

    def counted(self, path: str) -> Iterator[int]:
        return counted(Path(path))

    def without_entry(self, player: PlayerName, mood: MoodState) -> str:
        return "Nothing is set: the Moodtray loop plays."

    def playlist(self, player: PlayerName, entry: str) -> Playlist:
        return Playlist(entry, entry)

    def state(self) -> SpotifyState:
        return SpotifyState(
            self.logged_in, "", "http://127.0.0.1:8888/callback", "https://developer.spotify.com/"
        )

    def start_login(self, client_id: str, back: str) -> str:
        self.logins.append((client_id, back))
        return back

    def log_out(self) -> str:
        return "Nothing was stored."

    def playlists(self, *, fresh: bool = False) -> list[Card]:
        if self.error is not None:
            raise self.error
        return self.cards

    def devices(self) -> list[Device]:
        return [Device("Laptop", "computer", True, True)]

    def choices(self) -> list[CameraChoice]:
        return [CameraChoice("0", "Built-in camera", True)]

    def still(self) -> Still | None:
        return Still(b"\xff\xd8\xff", 1, SEVEN) if self.sees else None

    def given(self) -> bool:
        return self.allowed

    def give(self) -> None:
        self.allowed = True

    def withdraw(self) -> bool:
        given, self.allowed = self.allowed, False
        return given


class PageServer:
    """A page at ``url``; ``events`` is what it asked the agent for."""

    def __init__(self, home: Path, listening: socket.socket | None = None) -> None:
        self.paths = Paths.below(home)
        self.paths.ensure()
        self.clock = AfternoonClock()
        self.socket = listening or loopback.listen(0)
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.access = Access(load_key(self.paths.runtime), self.clock, self.port)
        self.settings = SettingsFile(self.paths)
        self.settings.load()
        self.history = SqliteHistory(self.paths.history_file)
        self.desk = PutInPlace()
        self.music_folder = home
        self.events: list[events.Event] = []  # what the user did
        self.looks = 0  # how often they looked at what plays
        self.answer: str | None = None  # what the agent answers to a wish; None: nothing yet
        self.snapshot = happy_snapshot(self.clock.monotonic())
        self.forgotten: list[tuple[float, float]] = []
        self._listeners: list[Any] = []
        self.context = PageContext(
            access=self.access,
            paths=self.paths,
            clock=self.clock,
            report=self._report,
            wish=self._wish,
            snapshot=lambda: self.snapshot,
            subscribe=self._subscribe,
            settings_file=self.settings,
            history=self.history,
            forget=lambda since, until: self.forgotten.append((since, until)),
            forget_everything=self._forget_everything,
            music=self.desk,
            spotify=self.desk,
            camera=self.desk,
            consent=self.desk,
            music_folder=lambda: self.music_folder,
            kept=lambda: [Kept("History", "Your moods.", str(self.paths.history_file), False)],
            removal=lambda: "To remove Moodtray: throw it away.",
        )
        self._server = limited.new_server(make_app(self.context))
        self._thread = threading.Thread(target=self._server.run, args=([self.socket],), daemon=True)

    def publish(self, **changes: Any) -> None:
        """The agent has a new snapshot."""
        self.snapshot = replace(self.snapshot, **changes)
        for listener in list(self._listeners):
            listener()

    def _report(self, event: events.Event) -> None:
        if isinstance(event, events.Looked):
            self.looks += 1
        else:
            self.events.append(event)

    def _wish(self, event: events.Event) -> str | None:
        self.events.append(event)
        return self.answer

    def _forget_everything(self) -> str:
        self.forgotten.append((0.0, float("inf")))
        return "All that was noted is deleted."

    def _subscribe(self, listener: Any) -> Any:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def streams(self) -> int:
        """How many pages are kept up to date."""
        return len(self._listeners)

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        self.socket.close()
        self.history.close()


def fill_history(history: SqliteHistory, now: datetime, days: int = 8) -> None:
    """Some days of moods and changes of music."""
    moods = [MoodState(e) for e in ("neutral", "happy", "neutral", "sad", "neutral", "surprise")]
    for back in range(days):
        day = (now - timedelta(days=back)).replace(hour=8, minute=5, second=0, microsecond=0)
        for step in range(30):
            at = day + timedelta(minutes=22 * step + 3 * (step * 7 % 5))
            if at > now:
                break
            state = moods[(step * 5 + back) % 6]
            if step in (11, 12):
                state = MoodState.AWAY
            history.add_mood(at, Mood(state, 0.0, 0.8, tuple(SEVEN[: len(EMOTIONS)])))
            if step % 7 == 3:
                name = {"happy": "Summer on the balcony", "sad": "Rain on the window"}.get(
                    state.value, "Quiet work"
                )
                decision = Decision(
                    0.0, Action.SWITCH_NOW, state, Playlist(f"local:{state}", name),
                    f"you looked {state} when the song had ended", evidence_for(state),
                )  # fmt: skip
                history.add_switch(at, decision)
                if step % 14 == 10:
                    history.add_feedback(at + timedelta(seconds=20), "undo", "")


def evidence_for(state: MoodState) -> Evidence:
    """It was seen clearly; neutral, or sad, came next."""
    other = MoodState.SAD if state is MoodState.NEUTRAL else MoodState.NEUTRAL
    shares = {state.value: 0.91, other.value: 0.06}
    return Evidence(tuple(shares.get(e, 0.006) for e in EMOTIONS), other, 220.0, None, 0.88)


def wait_until(condition: Any, what: str, seconds: float = 60.0) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)
