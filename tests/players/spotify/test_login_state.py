"""The note about the login, and the files that do not come back after a logout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.players.spotify.login_state import LoginChange, LoginNote, PersonalFile
from agent.store.jsonfile import JsonFile
from agent.store.lock import ExclusiveLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "login.json"


def personal(path: Path) -> PersonalFile:
    """As another part of the program, or another process, has it."""
    names = JsonFile(path.with_name("names.json"))
    return PersonalFile(names, ExclusiveLock(path.with_name("lock")), LoginNote(path))


def test_each_change_is_another_one(path: Path) -> None:
    note = LoginNote(path)
    assert note.read() is None
    assert (note.number, note.era, note.logged_out) == ("", "", False)
    numbers, eras, kinds = set(), [], []
    for change in (note.note_login, note.note_login, note.note_logout, note.note_login):
        change()
        noted = note.read()
        assert noted is not None
        numbers.add(noted.number)
        eras.append(noted.era)
        kinds.append(noted.what)
    assert len(numbers) == 4
    assert kinds == [LoginChange.LOGIN, LoginChange.LOGIN, LoginChange.LOGOUT, LoginChange.LOGIN]
    assert eras[0] == eras[1] == ""
    assert eras[2] == eras[3] != ""
    note.note_end()
    assert note.era == eras[3]
    note.note_logout()
    assert note.era not in eras
    assert note.logged_out
    assert path.stat().st_mode & 0o077 == 0


def test_another_process_is_heard(path: Path) -> None:
    note = LoginNote(path)
    note.note_login()
    before = note.number
    code = (
        "import sys; from pathlib import Path\n"
        "from agent.players.spotify.login_state import LoginNote\n"
        "LoginNote(Path(sys.argv[1])).note_logout()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    assert note.number != before
    assert note.logged_out


def test_that_the_keyring_was_used_is_not_forgotten(path: Path) -> None:
    LoginNote(path, keyring=True).note_login()
    note = LoginNote(path)
    for change in (note.note_login, note.note_end, note.note_logout):
        change()
        noted = note.read()
        assert noted is not None
        assert noted.keyring


@pytest.mark.parametrize("text", ["", "[]", '{"what": "party", "number": "1", "era": ""}', "{}"])
def test_a_damaged_note_is_none(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    note = LoginNote(path)
    assert note.read() is None
    note.note_logout()
    assert note.logged_out


def test_what_was_known_before_a_logout_does_not_come_back(path: Path) -> None:
    note, names = LoginNote(path), path.with_name("names.json")
    old = personal(path)
    old.save({"name": "Happy songs"})
    assert old.load() == {"name": "Happy songs"}
    note.note_logout()
    assert names.exists()  # removing it is for the one who logs out
    assert personal(path).delete()
    for late in (old, personal(path)):  # its memory, and one that was made since
        late.save({"name": "Happy songs"})
        assert not names.exists()

    note.note_login()
    old.save({"name": "Happy songs"})
    assert not names.exists()  # another one's login, perhaps
    new = personal(path)
    new.save({"name": "Sad songs"})
    assert new.load() == {"name": "Sad songs"}
    assert old.load() is None
    note.note_end()  # Spotify's doing, not the user's wish
    new.save({"name": "Calm songs"})
    assert personal(path).load() == {"name": "Calm songs"}
