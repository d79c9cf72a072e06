"""Whatever lies in the place of a state file, the agent goes on: a damaged disk, another program, a
restored backup. It is taken for empty, and can be written again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agent.app import promise_file
from agent.core.controller import Controller
from agent.desktop import consent
from agent.desktop.tray.menu import build_menu
from agent.players.spotify import storage
from agent.players.spotify.login_state import LoginChange
from agent.players.spotify.token import Token
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import Promised, Term
from agent.web.door_key import DoorKey
from agent.web.status_text import status_text
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LOGIN = Token("access", "refresh", NOW, NOW, "client", "https://accounts.invalid", "scope")
Use: TypeAlias = Callable[[Paths], object]


def use_token(paths: Paths) -> object:
    store = storage.token_store(Settings(), paths)
    storage.stored_login(Settings(), paths)
    store.save(LOGIN.to_dict())
    return storage.stored_login(Settings(), paths) == LOGIN


def use_note(paths: Paths) -> object:
    note = storage.login_note(paths)
    note.read()
    note.note_login()
    noted = note.read()
    return noted is not None and noted.what is LoginChange.LOGIN


def use_ledger(paths: Paths) -> object:
    ledger = storage.ledger(Settings(), paths, FakeClock())
    before = ledger.today
    assert ledger.blocked_until is None or ledger.blocked_until.tzinfo is not None
    assert ledger.resets_in >= 0
    ledger.count()
    return ledger.today == before + 1


def use_names(paths: Paths) -> object:
    storage.login_note(paths).note_login()
    cache = storage.display_cache(paths, FakeClock())
    cache.name("u"), cache.cover("u"), cache.is_gone("u"), cache.device
    cache.remember("u", "Name", None)
    cache.remember_device("Kitchen", "speaker")
    return (cache.name("u"), cache.device) == ("Name", ("Kitchen", "speaker"))


def use_consent(paths: Paths) -> object:
    assert consent.is_given(paths) in (True, False)
    consent.give(paths, NOW)
    return consent.is_given(paths)


def use_key(paths: Paths) -> object:
    DoorKey.read(paths)
    key = DoorKey(1, "secret", 5)
    key.write(paths)
    return DoorKey.read(paths) == key


def use_promises(paths: Paths) -> object:
    controller = Controller(Settings(), FakeClock(NOW), promised=promise_file.load(paths))
    controller.begin()
    status_text(controller.snapshot, FakeClock(NOW))
    build_menu(controller.snapshot)
    promised = Promised(paused=Term(NOW, None))
    promise_file.save(paths, promised)
    return promise_file.load(paths) == promised


FILES: dict[str, tuple[str, Use]] = {
    "promises": ("state/promised.json", use_promises),
    "token": ("config/spotify-token.json", use_token),
    "note": ("state/spotify-login.json", use_note),
    "ledger": ("state/spotify-limits.json", use_ledger),
    "names": ("state/spotify-names.json", use_names),
    "consent": ("state/consent.json", use_consent),
    "key": ("runtime/door.json", use_key),
}
KEYS = st.sampled_from(
    ["access_token", "refresh_token", "expires_at", "auth_date", "client_id", "issuer", "scope",
     "what", "era", "at", "day", "count", "blocked_until", "until", "playlists", "u", "checked",
     "gone", "device", "name", "type", "version", "given", "pid", "secret", "port", "requests",
     "paused", "break", "said", "left_alone", "since", "mood", "chosen"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "2026-11-22T09:00:00+00:00", "0001-01-01T00:00:00+00:00",
                       "9999-12-31T23:59:59-12:00", "2026-11-22", "2026-11-22T10:00:00+00:00",
                       "login", "logout", "happy", 1, 10**40])
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
CONTENT = (
    st.dictionaries(KEYS, VALUES, max_size=8).map(lambda value: json.dumps(value).encode())
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=30)
    | st.sampled_from([b"[" * 50_000, b'{"a":' * 50_000, b"9" * 6_000, b"\xff\xfe{\x00}\x00"])
)


@pytest.mark.parametrize("name", FILES)
@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=CONTENT)
def test_whatever_is_in_it_it_is_read_and_written_again(
    name: str, content: bytes, moodtray_home: Path
) -> None:
    place, use = FILES[name]
    paths = Paths.default()
    paths.ensure()
    (moodtray_home / place).write_bytes(content)
    assert use(paths)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "link to nowhere", "huge"])
def test_whatever_lies_in_its_place_is_not_waited_for(
    name: str, kind: str, moodtray_home: Path
) -> None:
    place, use = FILES[name]
    paths = Paths.default()
    paths.ensure()
    file = moodtray_home / place
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "huge":
        with file.open("wb") as stream:
            stream.truncate(5_000_000_000)
    else:
        file.symlink_to(moodtray_home / "nowhere.json")
    assert use(paths)
