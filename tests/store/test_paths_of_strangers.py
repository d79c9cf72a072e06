"""Folders that another user owns, may write, or has put a link to."""

from __future__ import annotations

import json
import logging
import os
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent import logs
from agent.desktop import consent, launcher
from agent.desktop.single_instance import LOCK_NAME, Instance
from agent.diagnostics import bundle
from agent.errors import StoreError
from agent.players.spotify import storage
from agent.players.spotify.token_store import FileTokenStore
from agent.store import catalogues
from agent.store import paths as paths_module
from agent.store.files import write_atomic, write_result
from agent.store.history import SqliteHistory
from agent.store.lock import ExclusiveLock
from agent.store.paths import Paths, ensure_folder
from agent.store.settings_file import SettingsFile
from agent.types import Mood, MoodState
from agent.web.door_key import DoorKey
from agent.web.page import access
from tests.stranger import NOBODY, as_stranger, let_write, open_home

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")


def test_our_own_folders_are_private(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    before = os.umask(0)
    try:
        assert paths.ensure() == []
    finally:
        os.umask(before)
    # The one above them as well: who may write there may put others in their place.
    above = paths.config.parent
    for folder in (paths.config, paths.data, paths.state, paths.logs, paths.runtime, above):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give away")
@pytest.mark.parametrize("name", ["config", "state", "runtime"])
def test_another_users_folder_or_link_is_refused(tmp_path: Path, name: str) -> None:
    """As one that was made in a common place before the program's first start."""
    for planted in ("folder", "link"):
        paths = Paths.below(tmp_path / planted)
        place: Path = getattr(paths, name)
        place.parent.mkdir(parents=True)
        if planted == "folder":
            place.mkdir()
        else:
            (tmp_path / "elsewhere").mkdir(exist_ok=True)
            place.symlink_to(tmp_path / "elsewhere")
        os.lchown(place, NOBODY, NOBODY)
        with pytest.raises(StoreError, match=f"The {planted} .* belongs to another user"):
            ensure_folder(place)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_all_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(StoreError, match="chmod go-w"):
        ensure_folder(folder)


ROOT = pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give away")


@ROOT
@pytest.mark.parametrize("name", ["config", "data", "state", "logs", "runtime"])
def test_a_folder_that_a_group_may_write_is_refused(tmp_path: Path, name: str) -> None:
    """As one that was made in a shared place, or by a looser umask than ours."""
    paths = Paths.below(tmp_path / "home")
    place: Path = getattr(paths, name)
    place.mkdir(parents=True)
    os.chown(place, -1, NOBODY)
    place.chmod(0o770)
    with pytest.raises(StoreError, match=r"A group of users .* chmod go-w"):
        ensure_folder(place)
    if name in ("state", "runtime"):
        with pytest.raises(StoreError, match="A group of users"):
            paths.ensure()
    else:
        assert [str(place) in trouble.message for trouble in paths.ensure()] == [True]


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o750, 0o710])
def test_what_was_more_open_is_closed(tmp_path: Path, mode: int) -> None:
    """A group that nobody else is in may write: so the usual umask of many systems has it."""
    paths = Paths.below(tmp_path / "home")
    folders = (paths.config, paths.data, paths.state, paths.logs, paths.runtime)
    for folder in folders:
        folder.mkdir(parents=True)
        folder.chmod(mode)
    assert paths.ensure() == []
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@ROOT
@pytest.mark.parametrize("planted", ["file", "link"])
def test_what_another_user_has_planted_is_not_believed(tmp_path: Path, planted: str) -> None:
    """A login, a consent, the keys of page and door, in folders that were open for a time."""
    paths = Paths.below(tmp_path / "home")
    paths.ensure()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = {"version": consent.VERSION, "given": "2026-01-01T00:00:00+00:00"}
    key = "ab" * 32
    contents = {
        storage.token_file(paths): json.dumps({"access_token": "theirs"}),
        paths.state / "consent.json": json.dumps(given),
        paths.runtime / access.KEY_FILE: key,
        paths.runtime / "door.json": json.dumps({"pid": 1, "secret": "theirs", "port": None}),
    }
    for place, content in contents.items():
        file = place if planted == "file" else elsewhere / place.name
        file.write_text(content)
        file.chmod(0o600)
        if planted == "file":
            os.chown(file, NOBODY, NOBODY)
        else:
            place.symlink_to(file)
    assert FileTokenStore(storage.token_file(paths)).load() is None
    assert not consent.is_given(paths)
    assert access.load_key(paths.runtime).hex() != key
    assert DoorKey.read(paths) is None


def plant(place: Path) -> int:
    """Leave a file that all may write; whoever has it open reads what is written into it."""
    place.touch()
    place.chmod(0o666)
    os.chown(place, NOBODY, NOBODY)
    return os.open(place, os.O_RDONLY)


@ROOT
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_no_diary_is_written_into_the_file_of_another(tmp_path: Path, suffix: str) -> None:
    paths = Paths.below(tmp_path)
    paths.ensure()
    kept = plant(paths.history_file.with_name(f"{paths.history_file.name}{suffix}"))
    history = SqliteHistory(paths.history_file)
    with pytest.raises(StoreError, match="belongs to another user"):
        history.add_mood(NOW, Mood(MoodState.SAD, 0.0, 0.9, (0.1,) * 7))
    history.close()
    assert os.read(kept, 1) == b""
    os.close(kept)


@ROOT
@pytest.mark.parametrize("planted", ["file", "link", "link to nothing", "pipe"])
def test_no_log_is_written_into_the_file_of_another(tmp_path: Path, planted: str) -> None:
    place = tmp_path / logs.LOG_NAME
    precious = tmp_path / "precious"
    precious.write_text("mine")
    if planted == "link":
        place.symlink_to(precious)
    elif planted == "link to nothing":
        place.symlink_to(tmp_path / "new")
    elif planted == "pipe":
        os.mkfifo(place)
    kept = plant(place) if planted == "file" else None
    os.lchown(place, NOBODY, NOBODY)
    logs.set_up(tmp_path)
    logging.getLogger("agent").warning("what was heard")
    logs.tear_down()
    assert kept is None or os.read(kept, 1) == b""
    assert precious.read_text() == "mine"
    assert not (tmp_path / "new").exists()
    assert "what was heard" in place.read_text()
    assert (place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)) == (os.getuid(), 0o600)


@ROOT
@pytest.mark.parametrize("planted", ["link", "pipe"])
@pytest.mark.parametrize("name", [logs.LOG_NAME, f"{logs.LOG_NAME}.1"])
def test_forgetting_empties_nothing_that_a_link_of_another_leads_to(
    tmp_path: Path, name: str, planted: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for forget in (
        lambda: logs.forget(tmp_path, None),
        lambda: logs.forget_naming(tmp_path, ["mine"]),
    ):
        place = tmp_path / name
        if planted == "link":
            place.symlink_to(precious)
        else:
            os.mkfifo(place)
        os.lchown(place, NOBODY, NOBODY)
        forget()
        assert not place.is_symlink()
        assert not place.exists()
    assert precious.read_text() == "mine"


@ROOT
def test_a_report_holds_nothing_that_a_link_of_another_leads_to(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    paths.ensure()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for place in (paths.logs / f"{logs.LOG_NAME}.1", paths.settings_file):
        place.symlink_to(precious)
        os.lchown(place, NOBODY, NOBODY)
    made = bundle.make(paths, {}, tmp_path / "report.zip", NOW)
    with zipfile.ZipFile(made) as archive:
        told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert [name for name, text in told.items() if "mine" in text.split()] == []


@ROOT
def test_no_lock_of_another_is_waited_for(tmp_path: Path) -> None:
    """Whoever owns the file can hold it for ever; a link of ours is not for us to remove."""
    paths = Paths.below(tmp_path)
    paths.ensure()
    os.close(plant(paths.state / "theirs"))
    for name in (LOCK_NAME, "some.lock"):
        (paths.runtime / name).symlink_to(paths.state / "theirs")
    with pytest.raises(StoreError, match="belongs to another user"):
        Instance(paths).acquire()
    with (
        pytest.raises(StoreError, match="belongs to another user"),
        ExclusiveLock(paths.runtime / "some.lock").hold(),
    ):
        pass


@pytest.mark.parametrize("planted", ["link", "file that all may read"])
def test_a_login_is_written_for_the_user_alone(tmp_path: Path, planted: str) -> None:
    paths = Paths.below(tmp_path / "home")
    paths.ensure()
    place = storage.token_file(paths)
    target = tmp_path / "shared.json"
    target.write_text("{}")
    target.chmod(0o666)
    if planted == "link":
        place.symlink_to(target)
    else:
        place.write_text("{}")
        place.chmod(0o666)
    FileTokenStore(place).save({"refresh_token": "mine"})
    assert target.read_text() == "{}"
    assert not place.is_symlink()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert FileTokenStore(place).load() == {"refresh_token": "mine"}


@ROOT
@pytest.mark.parametrize("where", ["above", "link", "folder"])
def test_a_list_that_lets_another_write_is_read(tmp_path: Path, where: str) -> None:
    """Its rights look like those of the group, and that is the user's own."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    paths = Paths.below(home)
    paths.config.mkdir(parents=True)
    if where == "link":
        (elsewhere / "config").mkdir(parents=True)
        paths.config.rmdir()
        paths.config.symlink_to(elsewhere / "config")
    opened = {"above": home, "link": elsewhere, "folder": paths.config}[where]
    let_write(opened, os.getuid())  # who may anyway
    ensure_folder(paths.config)
    let_write(opened, NOBODY)
    with pytest.raises(StoreError, match="may write into"):
        ensure_folder(paths.config)
    opened.chmod(opened.stat().st_mode & ~0o022)  # the remedy that is told
    ensure_folder(paths.config)


@ROOT
@pytest.mark.parametrize("how", ["all", "list"])
def test_settings_that_others_may_write_are_not_obeyed(how: str) -> None:
    """Kept elsewhere, behind the user's own link: they could name another's camera."""
    with open_home() as home:
        paths = Paths.below(home / "ours")
        paths.ensure()
        file = home / "settings.toml"
        file.write_text('version = 1\nlanguage = "de"\n')
        paths.settings_file.symlink_to(file)
        if how == "all":
            file.chmod(0o666)
        else:
            let_write(file, NOBODY)
        settings, problem = SettingsFile(paths).load_or_last_good()
        assert settings.language == "auto"
        assert f"may write into the file {file}" in str(problem)
        home.chmod(0o700)  # nobody comes there
        assert SettingsFile(paths).load().language == "de"
        home.chmod(0o755)
        file.chmod(0o644)
        assert SettingsFile(paths).load().language == "de"


def test_a_link_in_the_place_of_the_runtime_folder_is_refused(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "mine").mkdir()
    paths.runtime.symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="is a link"):
        paths.ensure()


def test_a_runtime_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    paths.runtime.mkdir(parents=True)
    paths.runtime.chmod(0o755)
    paths.ensure()
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700


def test_a_file_does_not_stay_writable_by_others(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("old")
    file.chmod(0o666)
    write_atomic(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


# --- a folder that the user has named for one file


def as_named(folder: Path) -> str:
    """What another user than its owner gets who names it for a bug report."""
    made = as_stranger(lambda: bundle.make(Paths.below(folder), {}, folder, NOW))
    found = [one for one in folder.iterdir() if one.suffix == ".zip"]
    for one in found:
        assert (one.stat().st_uid, stat.S_IMODE(one.stat().st_mode)) == (NOBODY, 0o600)
    assert bool(found) == ("moodtray-report" in made)
    return made


@ROOT
def test_everybodys_folder_takes_a_report() -> None:
    """As /tmp: it belongs to root, all may write, and nobody can take another's file away."""
    with open_home() as folder:
        folder.chmod(0o1777)
        assert "moodtray-report" in as_named(folder)
        link = folder.parent / "tmp"  # as macOS has it
        link.symlink_to(folder)
        assert "moodtray-report" in as_named(link)
        os.lchown(link, 1234, 1234)
        assert "could put another file in the place" in as_stranger(
            lambda: bundle.make(Paths.below(folder), {}, link, NOW)
        )


@ROOT
@pytest.mark.parametrize(
    ("owner", "mode"), [(0, 0o777), (0, 0o775), (1234, 0o1777), (1234, 0o777), (NOBODY, 0o777)]
)
def test_a_folder_whose_files_others_can_take_away_takes_none(owner: int, mode: int) -> None:
    with open_home() as folder:
        os.chown(folder, owner, NOBODY if mode == 0o775 else 0)
        folder.chmod(mode)
        assert "could put another file in the place" in as_named(folder)


@ROOT
def test_a_report_does_not_write_through_a_link_that_waits_for_it() -> None:
    with open_home() as folder:
        folder.chmod(0o1777)
        mine = folder.parent / "mine"
        mine.write_text("old")
        mine.chmod(0o666)
        name = f"moodtray-report-{NOW:%Y%m%d-%H%M%S}.zip"
        (folder / name).symlink_to(mine)
        os.lchown(folder / name, 1234, 1234)
        assert "could not be saved" in as_stranger(
            lambda: bundle.make(Paths.below(folder), {}, folder, NOW)
        )
        assert mine.read_text() == "old"
        assert [one.name for one in folder.iterdir()] == [name]  # and nothing is left behind


@ROOT
@pytest.mark.parametrize("named", ["", "new"])
def test_a_folder_that_others_can_take_away_as_a_whole_takes_none(named: str) -> None:
    """One's own, in a folder that is everybody's: they put another of this name in its place."""
    with open_home() as everybodys:
        everybodys.chmod(0o777)
        mine = everybodys / "mine"
        mine.mkdir()
        os.chown(mine, NOBODY, NOBODY)
        place = mine / named
        assert "could put another file in the place" in as_stranger(
            lambda: bundle.make(Paths.below(everybodys), {}, place / "report.zip", NOW)
        )
        assert list(mine.iterdir()) == []


def make_report(home: Path) -> Path:
    return bundle.make(Paths.below(home), {}, home / "new/report.zip", NOW)


@ROOT
@pytest.mark.parametrize("make", [lambda home: ensure_folder(home / "config"), make_report])
def test_a_folder_that_another_makes_first_is_refused(
    make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In /tmp others may make a folder between our look at what is there and our own making."""
    mkdir = Path.mkdir

    def outrun(
        folder: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False
    ) -> None:
        if folder.name == "quick":
            os.mkdir(folder)
            os.chown(folder, NOBODY, NOBODY)
        mkdir(folder, mode, parents, exist_ok)

    with open_home() as everybodys:
        everybodys.chmod(0o1777)
        monkeypatch.setattr(Path, "mkdir", outrun)
        with pytest.raises(StoreError, match=r"another user|another file in the place"):
            make(everybodys / "quick")
        assert not list(everybodys.rglob("*.zip"))


@pytest.mark.parametrize("named", ["new/deep", "new/deep/report.zip"])
def test_a_folder_of_ones_own_is_made(tmp_path: Path, named: str) -> None:
    if not named.endswith(".zip"):
        (tmp_path / named).mkdir(parents=True)
    made = bundle.make(Paths.below(tmp_path), {}, tmp_path / named, NOW)
    assert made.parent == tmp_path / "new/deep"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


# --- folders that are links


@pytest.mark.parametrize("name", ["config", "data", "state", "logs"])
def test_a_link_of_ones_own_to_a_folder_of_ones_own_is_followed(tmp_path: Path, name: str) -> None:
    """As people have who keep their settings in a repository."""
    paths = Paths.below(tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "dotfiles").mkdir(mode=0o755)
    place: Path = getattr(paths, name)
    place.symlink_to(tmp_path / "dotfiles")
    assert paths.ensure() == []
    write_atomic(place / "file.toml", b"mine")
    assert (tmp_path / "dotfiles" / "file.toml").read_bytes() == b"mine"
    assert place.is_symlink()
    assert stat.S_IMODE((tmp_path / "dotfiles").stat().st_mode) == 0o700


@ROOT
@pytest.mark.parametrize("what", ["link", "target", "open target", "target of a group"])
def test_a_link_that_others_have_a_hand_in_is_refused(tmp_path: Path, what: str) -> None:
    paths = Paths.below(tmp_path / "home")
    (tmp_path / "home").mkdir()
    target = tmp_path / "dotfiles"
    target.mkdir()
    paths.config.symlink_to(target)
    if what == "link":
        os.lchown(paths.config, NOBODY, NOBODY)
    elif what == "target":
        os.chown(target, NOBODY, NOBODY)
    else:
        os.chown(target, 0, NOBODY)
        target.chmod(0o777 if what == "open target" else 0o770)
    with pytest.raises(StoreError, match=r"another user|may write into"):
        ensure_folder(paths.config)
    assert [str(paths.config) in trouble.message for trouble in paths.ensure()] == [True]


@ROOT
@pytest.mark.parametrize("planted", ["the file", "its folder"])
def test_nothing_is_written_through_a_link_of_another(tmp_path: Path, planted: str) -> None:
    """It may be left from a time when the folder was open. Links of one's own are followed."""
    precious = tmp_path / "precious" / launcher.ENTRY
    precious.parent.mkdir()
    precious.write_text("mine")
    entry = tmp_path / "data" / "applications" / launcher.ENTRY
    link = entry if planted == "the file" else entry.parent
    link.parent.mkdir(parents=True)
    link.symlink_to(precious if planted == "the file" else precious.parent)
    os.lchown(link, NOBODY, NOBODY)
    environment = {"XDG_DATA_HOME": str(tmp_path / "data")}
    for write in (
        lambda: write_atomic(entry, b"theirs"),
        lambda: launcher.install(["/usr/bin/moodtray"], environment),
    ):
        with pytest.raises(StoreError, match="belongs to another user"):
            write()
        assert precious.read_text() == "mine"
    os.lchown(link, os.getuid(), -1)
    write_atomic(entry, b"mine as well")
    assert precious.read_text() == "mine as well"


@ROOT
def test_nothing_is_made_in_the_folder_of_another(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="belongs to another user"):
        launcher.install(["/usr/bin/moodtray"], {"XDG_DATA_HOME": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


# --- what leads to our folders


def strange_way(tmp_path: Path, how: str) -> Path:
    """A place for MOODTRAY_HOME that another user, or a group, can put another in the place of."""
    above = tmp_path / "above"
    home = above / "sub" / "home"
    home.parent.mkdir(parents=True)
    if how == "belongs to another":
        os.chown(above, NOBODY, NOBODY)
    elif how == "open to all":
        above.chmod(0o777)
    elif how == "open to a group":
        os.chown(above, -1, NOBODY)
        above.chmod(0o775)
    elif how == "sticky folder of another":
        above.chmod(0o1777)
        os.chown(above, NOBODY, NOBODY)
    else:
        mine = tmp_path / "mine"
        mine.mkdir()
        (above / "link").symlink_to(mine)
        home = above / "link" / "home"
        if how == "link of another":
            os.lchown(above / "link", NOBODY, NOBODY)
        elif how == "link in an open folder":  # that a link of ours leads to
            above.chmod(0o777)
            (tmp_path / "way").symlink_to("above/sub/../link")
            home = tmp_path / "way" / "home"
    return home


STRANGE = (
    "belongs to another",
    "open to all",
    "open to a group",
    "sticky folder of another",
    "link of another",
    "link in an open folder",
)


@ROOT
@pytest.mark.parametrize("how", STRANGE)
def test_a_way_that_others_have_a_hand_in_is_refused(tmp_path: Path, how: str) -> None:
    home = strange_way(tmp_path, how)
    paths = Paths.below(home)
    with pytest.raises(StoreError, match=r"belongs to another user|may write into") as told:
        paths.ensure()
    assert str(paths.state) in told.value.message
    assert not home.exists(), "and nothing is made there"
    write_result(home / "figures.json", b"{}")  # but a team may keep its results so


@ROOT
@pytest.mark.parametrize("how", STRANGE)
def test_settings_that_others_can_swap_are_not_read(tmp_path: Path, how: str) -> None:
    file = SettingsFile(Paths.below(strange_way(tmp_path, how)))
    file.path.parent.mkdir(parents=True)
    for one in (file.path, file.last_good_path):
        one.write_text("[policy]\ncooldown = 7\n")
    settings, trouble = file.load_or_last_good()
    assert isinstance(trouble, StoreError)
    assert settings.policy.cooldown != 7


@ROOT
def test_settings_of_another_user_are_not_read(tmp_path: Path) -> None:
    file = SettingsFile(Paths.below(tmp_path))
    theirs, mine = 'language = "de"\n[policy]\ncooldown = 7\n', "[policy]\ncooldown = 8\n"
    file.path.parent.mkdir()
    for one in (file.path, file.last_good_path):
        one.write_text(theirs)
        os.chown(one, NOBODY, NOBODY)
    catalogues.speak("en")
    assert catalogues.speak_as_set(Paths.below(tmp_path)) == "en"
    settings, trouble = file.load_or_last_good()
    assert trouble is not None
    assert f"{file.path} belongs to another user" in trouble.message
    assert settings.policy.cooldown not in (7, 8)
    file.path.unlink()
    file.path.write_text(mine)
    assert file.load().policy.cooldown == 8
    file.path.write_text(theirs)  # while it runs
    os.chown(file.path, NOBODY, NOBODY)
    file.poll()
    assert file.load_or_last_good()[0].policy.cooldown == 8


@ROOT
def test_ordinary_homes_go_on_working() -> None:
    """For a user who is not root: above the home all is root's, and all may write into /tmp."""
    with open_home() as home:
        (home / "me").mkdir()
        os.chown(home / "me", NOBODY, NOBODY)
        home.chmod(0o775)  # but the group is root's
        assert as_stranger(lambda: Paths.below(home / "me" / "moodtray").ensure()) == "[]"
        (home / "me" / "link").symlink_to(home / "me")
        os.lchown(home / "me" / "link", NOBODY, NOBODY)
        assert as_stranger(lambda: Paths.below(home / "me" / "link" / "more").ensure()) == "[]"
        home.chmod(0o1777)
        assert as_stranger(lambda: Paths.below(home / "new").ensure()) == "[]"
        settings = Paths.below(home / "new").settings_file
        settings.symlink_to(home / "of_root.toml")  # as a system that is written down may have it
        (home / "of_root.toml").write_text("[policy]\ncooldown = 8\n")
        assert as_stranger(
            lambda: SettingsFile(Paths.below(home / "new")).load().policy.cooldown
        ) == repr(8.0)


@ROOT
def test_a_container_shows_root_as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Flatpak and toolbox do; where all users have their number, nobody is somebody else."""
    home = strange_way(tmp_path, "belongs to another")
    monkeypatch.setattr(paths_module, "_is_in_container", lambda: True)
    assert Paths.below(home).ensure() == []


def test_links_without_an_end_are_told(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(StoreError, match="cannot be made"):
        Paths.below(tmp_path / "round").ensure()
