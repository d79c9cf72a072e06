"""Where the login is kept, and how it stays fresh."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import NeedsLogin, PlayerError, StoreError
from agent.players.spotify import storage
from agent.players.spotify.login_state import LoginChange
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore, KeyringTokenStore
from agent.settings import Settings
from agent.store import lock
from agent.store.lock import ExclusiveLock
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock
from tests.fakes.ring import Ring
from tests.players.spotify.conftest import SpotifyHarness

SECRET: dict[str, object] = {"refresh_token": "very secret"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the file


def test_the_file_is_private_and_whole(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "deep" / "token.json")
    assert store.load() is None
    before = os.umask(0)
    try:
        store.save(SECRET)
    finally:
        os.umask(before)
    assert mode(tmp_path / "deep" / "token.json") == 0o600
    assert mode(tmp_path / "deep") == 0o700
    assert store.load() == SECRET
    assert store.delete()
    assert not store.delete()
    assert store.load() is None


def test_a_file_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    path.write_text("{}")
    path.chmod(0o644)
    FileTokenStore(path).save(SECRET)
    assert mode(path) == 0o600


def test_a_failed_write_leaves_the_old_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(tmp_path / "token.json")
    store.save(SECRET)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        store.save({"refresh_token": "newer"})
    assert store.load() == SECRET
    assert sorted(p.name for p in tmp_path.iterdir() if "lock" not in p.name) == ["token.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff"])
def test_a_damaged_file_means_logging_in_again(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert FileTokenStore(path).load() is None


def test_the_lock_holds_across_processes(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    other = (
        "import sys, time; from pathlib import Path\n"
        "from agent.players.spotify.token_store import FileTokenStore\n"
        f"store = FileTokenStore(Path({str(path)!r}))\n"
        "with store.exclusive():\n"
        "    print('held', flush=True); sys.stdin.readline(); store.save({'by': 'other'})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", other], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "held\n"
        entered = threading.Event()
        seen: list[object] = []

        def enter() -> None:
            store = FileTokenStore(path)
            with store.exclusive():
                seen.append(store.load())
                entered.set()

        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.3)
        process.stdin.write("\n")
        process.stdin.flush()
        thread.join(20)
    assert seen == [{"by": "other"}]


def test_a_lock_that_never_opens_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LOCK_TIMEOUT", 0.05)
    one, other = (FileTokenStore(tmp_path / "token.json") for _ in range(2))
    with one.exclusive(), pytest.raises(StoreError, match="another Moodtray"):
        other.save(SECRET)


# --- the keyring


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    return Ring(monkeypatch)


def test_the_keyring_holds_the_login(tmp_path: Path, ring: Ring) -> None:
    store = KeyringTokenStore(ExclusiveLock(tmp_path / "lock"))
    assert store.load() is None
    store.save(SECRET)
    assert store.load() == SECRET
    assert store.delete()
    assert not store.delete()
    ring.kept[("moodtray", "spotify")] = "no json"
    assert store.load() is None


def test_a_keyring_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring
    import keyring.errors

    def locked(*_: str) -> str:
        raise keyring.errors.KeyringLocked("locked")

    monkeypatch.setattr(keyring, "get_password", locked)
    with pytest.raises(StoreError, match="use_keyring = false"):
        KeyringTokenStore(ExclusiveLock(tmp_path / "lock")).load()
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreError, match=r"moodtray\[keyring\]"):
        KeyringTokenStore(ExclusiveLock(tmp_path / "lock")).load()


# --- keeping fresh


def test_a_reply_without_a_new_refresh_token_keeps_the_old(spotify: SpotifyHarness) -> None:
    spotify.accounts.rotate = False
    before = spotify.keeper.token()
    for _ in range(3):
        spotify.clock.advance(3600)
        spotify.player.playback()
    after = spotify.keeper.token()
    assert before is not None
    assert after is not None
    assert after.refresh == before.refresh
    assert after.auth_date == before.auth_date
    assert spotify.accounts.renewals == 4  # one of them made the fixture's login


def test_many_threads_renew_once(spotify: SpotifyHarness) -> None:
    spotify.clock.advance(3600)
    renewals = spotify.accounts.renewals
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(spotify.keeper.access())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 8
    assert len(set(got)) == 1
    assert spotify.accounts.renewals == renewals + 1


def test_a_renewed_login_survives_a_full_disk(
    spotify: SpotifyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    spotify.clock.advance(3600)
    save = spotify.store.save
    refused = 0

    def full(token: dict[str, object]) -> None:
        nonlocal refused
        refused += 1
        raise StoreError("the disk is full")

    monkeypatch.setattr(spotify.store, "save", full)
    spotify.player.playback()
    spotify.clock.advance(3600)
    spotify.player.playback()  # with the rotated token, which only memory knows
    assert refused == 2
    monkeypatch.setattr(spotify.store, "save", save)
    spotify.clock.advance(3600)
    spotify.player.playback()
    spotify.restart()
    spotify.player.playback()


def test_a_login_elsewhere_is_taken_up_and_a_logout_too(spotify: SpotifyHarness) -> None:
    kept = spotify.store.load()
    assert kept is not None
    spotify.store.delete()
    with pytest.raises(NeedsLogin):
        spotify.player.playback()
    spotify.store.save(kept)
    spotify.player.playback()


def test_a_token_is_shown_to_its_own_service_only(spotify: SpotifyHarness) -> None:
    kept = spotify.store.load()
    assert kept is not None
    spotify.store.save({**kept, "issuer": "https://accounts.spotify.com"})
    with pytest.raises(NeedsLogin):
        spotify.player.playback()
    assert spotify.world.sent == []


def test_a_store_that_fails_is_a_player_error(
    spotify: SpotifyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise StoreError("the keyring is locked")

    monkeypatch.setattr(spotify.store, "load", locked)
    with pytest.raises(PlayerError, match="the keyring is locked"):
        spotify.player.playback()


def test_the_login_ends_after_six_months_and_says_so_a_month_before(
    spotify: SpotifyHarness,
) -> None:
    token = spotify.keeper.token()
    assert token is not None
    start = spotify.clock.now()
    assert not token.needs_reminder(start + timedelta(days=149))
    assert token.needs_reminder(start + timedelta(days=150))
    for _ in range(5):
        spotify.clock.advance(timedelta(days=30).total_seconds())
        spotify.player.playback()
    renewed = spotify.keeper.token()
    assert renewed is not None
    assert renewed.auth_date == token.auth_date
    assert renewed.needs_reminder(spotify.clock.now())
    assert renewed.ends == start + timedelta(days=180)
    spotify.clock.advance(timedelta(days=34).total_seconds())
    with pytest.raises(NeedsLogin, match="has ended"):
        spotify.player.playback()


def test_a_login_that_only_memory_knows_ends_with_the_logout(
    spotify: SpotifyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(token: dict[str, object]) -> None:
        raise StoreError("the disk is full")

    spotify.clock.advance(3600)
    monkeypatch.setattr(spotify.store, "save", full)
    spotify.player.playback()
    monkeypatch.undo()
    spotify.store.delete()
    spotify.note.note_logout()
    spotify.clock.advance(3600)
    with pytest.raises(NeedsLogin):
        spotify.player.playback()
    assert spotify.store.load() is None
    assert spotify.note.logged_out


def test_an_ended_login_is_noted_as_such(spotify: SpotifyHarness) -> None:
    spotify.accounts.revoke()
    with pytest.raises(NeedsLogin, match="has ended"):
        spotify.player.playback()
    assert spotify.store.load() is None
    noted = spotify.note.read()
    assert noted is not None
    assert noted.what is LoginChange.ENDED


@pytest.mark.parametrize(
    "change",
    [
        {"refresh_token": ""},
        {"refresh_token": None},
        {"access_token": 5},
        {"expires_at": "soon"},
        {"auth_date": "2026-11-22T09:00:00"},
    ],
)
def test_what_is_no_complete_token_is_none(change: dict[str, object]) -> None:
    now = FakeClock().now()
    whole = Token("a", "r", now, now, "c", "i", "s").to_dict()
    assert Token.from_dict(whole) is not None
    assert Token.from_dict({**whole, **change}) is None


def test_a_token_never_shows_its_secrets() -> None:
    now = FakeClock().now()
    text = repr(Token("hidden-access", "hidden-refresh", now, now, "client", "issuer"))
    assert "hidden" not in text
    assert "client" in text


# --- what is known without a request


def test_the_stored_login_is_read_without_a_request(tmp_path: Path) -> None:
    paths, settings = Paths.default(), Settings()
    now = FakeClock().now()
    FileTokenStore(storage.token_file(paths)).save(
        Token("a", "r", now, now, "c", "i", "s").to_dict()
    )
    stored = storage.stored_login(settings, paths)
    assert stored is not None
    assert stored.ends == now + timedelta(days=180)


def test_nothing_heavy_is_loaded_to_know_who_is_logged_in() -> None:
    code = (
        "import sys; from agent.players.spotify import storage\n"
        "from agent.store.paths import Paths\n"
        "from agent.settings import Settings\n"
        "storage.is_logged_in(Paths.default(), Settings())\n"
        "heavy = ('spotipy', 'requests', 'fastapi', 'uvicorn', 'agent.players.spotify.cache')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]", done.stdout
