"""What a logout removes, what it keeps, and what it says."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import keyring.errors
import pytest

from agent import logs
from agent.app import spotify_account
from agent.errors import QuotaExceeded, RateLimited, StoreError
from agent.players.spotify import storage
from agent.players.spotify.endpoints import Endpoints
from agent.players.spotify.logout import logout
from agent.players.spotify.token import Token
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths, ensure_folder
from agent.types import Action, Decision, MoodState, Playlist
from tests.fakes.clock import FakeClock
from tests.fakes.ring import Ring

KEYRING = Settings(spotify=SpotifySettings(use_keyring=True))
URI = "spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr"


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    return Ring(monkeypatch)


@pytest.fixture
def paths() -> Paths:
    return Paths.default()


def log_in(paths: Paths, settings: Settings) -> None:
    """As a login leaves it, and some listening after it."""
    clock = FakeClock()
    now = clock.now()
    token = Token("secret-a", "secret-r", now, now, "c", Endpoints().accounts, "s")
    storage.token_store(settings, paths).save(token.to_dict())
    storage.login_note(paths, settings).note_login()
    storage.display_cache(paths, clock).remember(URI, "Rainy Sundays", "https://cover")
    storage.display_cache(paths, clock).remember_device("Sam's phone", "Smartphone")
    journal = storage.history(paths)
    switch = Decision(1.0, Action.SWITCH_NOW, MoodState.SAD, Playlist(URI, "Rainy Sundays"), "sad")
    journal.add_switch(datetime.now(UTC), switch)
    journal.add_feedback(datetime.now(UTC), "skip", URI)
    journal.close()
    storage.ledger(settings, paths, clock).count()


def traces(home: Path) -> list[tuple[Path, str]]:
    words = ("secret-", "Rainy", "4Yq8sQyqQnPEvQ7uGqVpTr", "https:", "Sam")
    files = [p for p in home.rglob("*") if p.is_file()]
    return [(p, word) for p in files for word in words if word.encode() in p.read_bytes()]


@pytest.mark.parametrize("settings", [Settings(), KEYRING], ids=["file", "keyring"])
def test_every_trace_is_removed_and_named(
    settings: Settings, ring: Ring, paths: Paths, moodtray_home: Path
) -> None:
    assert not storage.is_logged_in(paths, settings)
    assert logout(paths, settings) == []
    log_in(paths, settings)
    assert storage.is_logged_in(paths, settings)
    assert {word for _, word in traces(moodtray_home)} >= {"Rainy", "https:", "Sam"}
    assert bool(ring.kept) is settings.spotify.use_keyring

    login, names, history = logout(paths, settings)

    assert "login" in login
    assert "names" in names
    assert "history" in history
    assert not storage.is_logged_in(paths, settings)
    assert ring.kept == {}
    assert traces(moodtray_home) == []
    assert logout(paths, settings) == []


def test_the_log_names_nothing_of_it_any_more(
    ring: Ring, paths: Paths, moodtray_home: Path
) -> None:
    """While another process, the agent, goes on writing into the same file."""
    log_in(paths, Settings())
    logs.set_up(ensure_folder(paths.logs), "DEBUG")
    try:
        agent = logging.getLogger("agent.core")
        agent.info("before")
        agent.warning("Sam's phone went away")
        agent.info("playing RAINY sundays")
        logging.getLogger("agent.players.driver").warning("Spotify: no device\nSam's phone is gone")
        agent.info("between")
        (paths.logs / f"{logs.LOG_NAME}.1").write_text("2026-01-01 00:00:00,000 Sam's phone\n")
        assert any("log says" in what for what in logout(paths, Settings()))
        agent.info("after")
    finally:
        logs.tear_down()
    assert traces(moodtray_home) == []
    kept = (paths.logs / logs.LOG_NAME).read_text()
    assert [line.split()[-1] for line in kept.splitlines()] == ["before", "between", "after"]


def test_it_says_how_to_have_spotify_forget(ring: Ring, paths: Paths) -> None:
    assert "spotify.com/account/apps" in spotify_account.log_out(paths)
    log_in(paths, Settings())
    assert "spotify.com/account/apps" in spotify_account.log_out(paths)


@pytest.mark.parametrize("used", [KEYRING, Settings()], ids=["keyring", "file"])
def test_both_places_are_looked_at_whatever_the_setting_says_now(
    used: Settings, ring: Ring, paths: Paths
) -> None:
    log_in(paths, used)
    now = Settings() if used is KEYRING else KEYRING
    assert "login" in logout(paths, now)[0]
    assert ring.kept == {}
    assert not storage.token_file(paths).exists()


@pytest.mark.parametrize("missing", [False, True])
def test_a_keyring_that_nobody_used_is_no_trouble(
    ring: Ring, paths: Paths, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    log_in(paths, Settings())
    ring.problem = keyring.errors.NoKeyringError("none here")
    if missing:
        monkeypatch.setitem(sys.modules, "keyring", None)
    assert len(logout(paths, Settings())) == 3


@pytest.mark.parametrize("now", [KEYRING, Settings()], ids=["still set", "set no more"])
def test_a_keyring_that_stays_shut_is_told_and_the_rest_removed(
    ring: Ring, paths: Paths, moodtray_home: Path, now: Settings
) -> None:
    log_in(paths, KEYRING)
    ring.problem = keyring.errors.KeyringLocked("locked")
    with pytest.raises(StoreError, match="keyring cannot be used") as told:
        logout(paths, now)
    assert told.value.title == "Not everything could be removed"
    assert "history" in told.value.message
    assert traces(moodtray_home) == []
    ring.problem = None
    assert logout(paths, now) == ["the login in the system's keyring"]


def test_a_file_that_cannot_be_removed_is_told_and_the_rest_removed(
    ring: Ring, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(paths, Settings())
    unlink = Path.unlink

    def stubborn(path: Path, missing_ok: bool = False) -> None:
        if path == storage.token_file(paths):
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", stubborn)
    with pytest.raises(StoreError, match="Remove it by hand") as told:
        logout(paths, Settings())
    assert str(storage.token_file(paths)) in told.value.message
    assert "names" in told.value.message
    monkeypatch.undo()
    assert len(logout(paths, Settings())) == 1


def test_a_full_disk_keeps_nobody_from_logging_out(
    ring: Ring, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(paths, Settings())

    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr("agent.store.jsonfile.write_private", full)
    with pytest.raises(StoreError, match="disk is full"):
        logout(paths, Settings())
    assert not storage.token_file(paths).exists()


@pytest.mark.parametrize("quota", [False, True])
def test_count_and_wait_outlast_the_logout(ring: Ring, paths: Paths, quota: bool) -> None:
    clock = FakeClock()
    ledger = storage.ledger(Settings(), paths, clock)
    ledger.count()
    until = ledger.block(3600, quota=quota).until
    logout(paths, Settings())
    ledger = storage.ledger(Settings(), paths, clock)
    assert ledger.today == 1
    with pytest.raises(RateLimited) as refused:
        ledger.check(command=True)
    assert refused.value.until == until
    assert isinstance(refused.value, QuotaExceeded) is quota


def test_the_command_says_what_it_did_whatever_the_settings_look_like(
    ring: Ring, paths: Paths
) -> None:
    paths.ensure()
    assert spotify_account.log_out(paths).startswith("Nothing was stored.")
    log_in(paths, Settings())
    paths.settings_file.write_text("player = [")
    told = spotify_account.log_out(paths)
    assert str(storage.token_file(paths)) in told
    assert str(paths.history_file) in told
    assert "Kept: your moods" in told
    assert not storage.token_file(paths).exists()


def test_an_open_cache_writes_nothing_back(ring: Ring, paths: Paths, moodtray_home: Path) -> None:
    log_in(paths, Settings())
    live = storage.display_cache(paths, FakeClock())
    assert live.name(URI) == "Rainy Sundays"
    logout(paths, Settings())
    live.remember(URI, "Rainy Sundays", None)
    live.remember_device("Sam's tablet", "Tablet")
    assert traces(moodtray_home) == []
    storage.login_note(paths).note_login()
    live.remember_device("Sam's phone", "Smartphone")
    assert traces(moodtray_home) == []
    storage.display_cache(paths, FakeClock()).remember(URI, "Rainy Sundays", None)
    assert {word for _, word in traces(moodtray_home)} == {"Rainy", "4Yq8sQyqQnPEvQ7uGqVpTr"}
