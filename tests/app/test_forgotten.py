"""Nothing of Spotify's stays anywhere after a logout, however it was asked for, while the agent
runs and after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.app.lifecycle import App
from agent.app.options import Options
from agent.clock import SystemClock
from agent.events import LogOut, Quit
from agent.players.spotify.storage import login_note, token_store
from agent.players.spotify.token import Token
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import Snapshot
from tests.agent_process import CLIP, run_command
from tests.fakes.spotify import EMOTIONS, FakeSpotify, World

SETTINGS = """\
version = 1
[camera]
interval = 0.5
burst_duration = 0.2
[mood]
certainty = 0.75
pace = 0.05
[policy]
timing = "now"
cooldown = 1.0
hands_off_minutes = 0
[spotify_playlists]
"""


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    with FakeSpotify(world=World(SystemClock())) as service:
        yield service


class Running:
    """An agent in this process, logged in and mapped."""

    def __init__(self, spotify: FakeSpotify) -> None:
        self.paths = Paths.default()
        self.paths.ensure()
        world = spotify.world
        entries = [f'{e} = ["{world.catalogue[e].uri}"]' for e in EMOTIONS]
        self.paths.settings_file.write_text(SETTINGS + "\n".join(entries) + "\n")
        settings = SettingsFile(self.paths).load()
        clock = SystemClock()
        now = clock.now().isoformat()
        more = {"expires_at": now, "auth_date": now, "client_id": "client", "issuer": spotify.url}
        token = Token.from_dict({**spotify.accounts.give_login(), **more})
        assert token is not None
        token_store(settings, self.paths).save(token.to_dict())
        login_note(self.paths).note_login()
        self.told: list[str] = []
        self.app = App(
            Options(
                camera=str(CLIP),
                headless=True,
                play=True,
                spotify_url=spotify.url,
                control=False,
                session=False,
                tell=self.told.append,
            ),
            self.paths,
        )
        self.thread = threading.Thread(target=self.app.run, daemon=True)
        self.thread.start()

    def until(self, wanted: Callable[[], object]) -> None:
        end = time.monotonic() + 60.0
        while not wanted():
            assert time.monotonic() < end, (self.told, self.snapshot)
            time.sleep(0.05)

    @property
    def snapshot(self) -> Snapshot | None:
        engine = self.app._engine
        return engine.snapshot if engine is not None else None

    def player(self) -> str:
        return self.snapshot.player if self.snapshot is not None else ""

    def quit(self) -> None:
        self.app.report(Quit())
        self.thread.join(30.0)
        assert not self.thread.is_alive()


def traces(home: Path, words: set[str]) -> set[str]:
    """What is found, and in which file; the settings are the user's own words."""
    found = set()
    for path in home.rglob("*"):
        if path.is_file() and not path.name.startswith("settings.toml"):
            content = path.read_bytes()
            found |= {f"{word} in {path.name}" for word in words if word.encode() in content}
    return found


@pytest.mark.parametrize("how", ["tray", "command"])
def test_after_a_logout_nothing_is_left_and_nothing_comes_back(
    spotify: FakeSpotify, moodtray_home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    world = spotify.world
    world.user.play("angry", device="Kitchen")
    agent = Running(spotify)
    try:
        names = agent.paths.state / "spotify-names.json"
        journal = SqliteHistory(agent.paths.history_file)
        agent.until(lambda: any(s.playlist_name for s in journal.switches()))
        agent.until(lambda: names.exists() and "songs" in names.read_text())
        words = {"spotify:", "songs", "Kitchen", "Desk", "sam", *spotify.accounts.secrets}
        words |= {world.catalogue[emotion].id for emotion in EMOTIONS}
        before = traces(moodtray_home, words)
        assert {found.split(" in ")[1].split("-wal")[0] for found in before} >= {
            "spotify-token.json",
            "spotify-names.json",
            "history.sqlite",
        }
        if how == "tray":
            agent.app.report(LogOut())
            agent.until(lambda: any(line.startswith("Logged out: Removed") for line in agent.told))
            assert traces(moodtray_home, words) == set()
        else:
            done = run_command("logout")
            assert traces(moodtray_home, words) == set()
            assert done.stdout.startswith("Removed: the login")
            assert "Kept: your moods" in done.stdout
        assert journal.moods()
        agent.until(lambda: agent.player() not in ("", "Spotify"))
        sent = len(world.sent)
        time.sleep(3.0)  # it goes on, with local music
        assert traces(moodtray_home, words) == set()
        assert len(world.sent) == sent
        assert not [line for line in agent.told if "log in" in line.lower()]
        journal.close()
    finally:
        agent.quit()
    assert traces(moodtray_home, words) == set()
