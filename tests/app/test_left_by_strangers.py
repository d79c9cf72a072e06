"""What another user left in our folders while they were open, and what each command makes of it.

Files, links, pipes and folders in the place of all that is read, written, replaced or removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent import logs
from agent.app import journey_file, promise_file, spotify_login
from agent.app.forgetting import forget
from agent.app.own_face import NAME as FACE
from agent.app.own_face import forget_faces
from agent.cli.commands import app
from agent.desktop import consent, launcher
from agent.desktop.autostart.linux import FILE_NAME, XdgAutostart
from agent.desktop.icons.files import IconFiles
from agent.desktop.single_instance import LOCK_NAME, Instance
from agent.desktop.tray import actions
from agent.errors import AgentError, AutostartError, NotRunning, StoreError
from agent.players.spotify import storage
from agent.players.spotify.logout import logout
from agent.settings import Settings
from agent.store import files
from agent.store.files import sweep, write_atomic
from agent.store.history import SqliteHistory
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import Mood, MoodState, Status
from agent.web.door_client import call
from agent.web.door_key import DoorKey, socket_path
from tests.stranger import NOBODY, open_home

pytestmark = pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0, reason="only root can give away"
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KINDS = ("file", "link", "link to nothing", "pipe", "folder")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.below(tmp_path / "home")
    assert found.ensure() == []
    return found


def plant(place: Path, kind: str, precious: Path) -> None:
    """Leave something there as another user."""
    if kind == "file":
        place.write_text("theirs")
    elif kind == "link":
        place.symlink_to(precious)
    elif kind == "link to nothing":
        place.symlink_to(precious.with_name("nothing"))
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
        (place / "theirs").touch()  # so that it cannot be removed
        os.chown(place / "theirs", NOBODY, NOBODY)
    os.lchown(place, NOBODY, NOBODY)


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    file = tmp_path / "precious"
    file.write_text("mine")
    return file


# --- a link of another in the place of a folder


def way_of_another(folder: Path, target: Path) -> None:
    """Put another user's link in the place of a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        folder.rmdir()
    folder.symlink_to(target)
    os.lchown(folder, NOBODY, NOBODY)


@pytest.mark.parametrize("name", ["config", "data", "state", "logs", "runtime"])
def test_no_folder_behind_a_link_of_another_is_closed(tmp_path: Path, name: str) -> None:
    """It may be one that others have to enter: a public one, or, for root, that of the system."""
    paths = Paths.below(tmp_path / "home")
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o755)
    way_of_another(getattr(paths, name), public)
    with contextlib.suppress(StoreError):
        assert paths.ensure() != []
    assert stat.S_IMODE(public.stat().st_mode) == 0o755


REMOVALS: dict[str, tuple[str, str, Callable[[Paths], object]]] = {
    "face": ("state", FACE, forget_faces),
    "faces": ("state", f"{FACE}.other-1", forget_faces),
    "journey": ("state", journey_file.NAME, lambda paths: journey_file.save(paths, None)),
    "promises": ("state", promise_file.NAME, promise_file.forget_mood),
    "consent": ("state", "consent.json", consent.withdraw),
    "login": (
        "config",
        "spotify-token.json",
        lambda paths: JsonFile(storage.token_file(paths)).delete(),
    ),
    "history": (
        "data",
        "history.sqlite.broken-1",
        lambda paths: SqliteHistory(paths.history_file).forget_between(0, 1),
    ),
    "log": ("logs", logs.LOG_NAME, lambda paths: forget(paths, None)),
    "unfinished": ("config", ".a.moodtray-new", lambda paths: sweep(paths.config)),
}


@pytest.mark.parametrize("what", REMOVALS)
def test_nothing_is_removed_behind_a_link_of_another(
    tmp_path: Path, paths: Paths, what: str
) -> None:
    folder, name, remove = REMOVALS[what]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / name).write_text("mine")
    way_of_another(getattr(paths, folder), elsewhere)
    with contextlib.suppress(StoreError):  # some pass it over
        remove(paths)
    assert (elsewhere / name).read_text() == "mine"


@pytest.mark.parametrize("folder", ["applications", "icons/hicolor/16x16", "autostart"])
def test_uninstall_removes_nothing_behind_a_link_of_another(tmp_path: Path, folder: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "apps").mkdir(parents=True)
    precious = [
        elsewhere / launcher.ENTRY,
        elsewhere / FILE_NAME,
        elsewhere / "apps" / "moodtray.png",
    ]
    for one in precious:
        one.write_text("mine")
    way_of_another(tmp_path / "share" / folder, elsewhere)
    environment = {name: str(tmp_path / "share") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    entry = XdgAutostart(["/usr/bin/moodtray"], environment)
    with pytest.raises(AgentError, match="belongs to another user"):
        entry.disable() if folder == "autostart" else launcher.uninstall(environment)
    assert [one.read_text() for one in precious] == ["mine"] * 3


# --- something of another in the place of a file


@pytest.mark.parametrize("kind", ["pipe", "link to zeroes", "folder", "huge"])
def test_deleting_waits_for_nothing_that_another_left(
    paths: Paths, precious: Path, kind: str
) -> None:
    """And lets nobody keep the diary, the face or a login by something that cannot be removed."""
    history = SqliteHistory(paths.history_file)
    history.add_mood(NOW, Mood(MoodState.SAD, 0.0, 0.9, (0.1,) * 7))
    history.close()
    (paths.logs / f"{logs.LOG_NAME}").write_text("2026-05-01 12:00:00 INFO a: heard\n")
    journey_file.save(paths, {"a": 1})
    JsonFile(paths.state / FACE).save({"a": 1})
    for place in (
        paths.data / "history.sqlite.broken-20260501-120000",
        paths.logs / f"{logs.LOG_NAME}.1",
        paths.logs / f"{logs.LOG_NAME}.old",
        paths.state / f"{FACE}.other-1",
        paths.state / f".{FACE}.abcdefgh.moodtray-new",
        paths.state / f".{journey_file.NAME}.abcdefgh.moodtray-new",
    ):
        if kind == "huge":
            place.touch()
            os.truncate(place, 1 << 42)
            os.chown(place, NOBODY, NOBODY)
        elif kind == "link to zeroes":
            plant(place, "link", Path("/dev/zero"))
        else:
            plant(place, kind, precious)
    forget(paths, None)
    logout(paths, Settings())
    history = SqliteHistory(paths.history_file)
    assert history.moods() == []
    history.close()
    assert (paths.logs / logs.LOG_NAME).read_text() == ""
    assert journey_file.load(paths) is None
    assert not (paths.state / FACE).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_diaries_go_whatever_lies_beside_them(
    paths: Paths, precious: Path, kind: str
) -> None:
    plant(paths.history_file, kind, precious)
    copy = paths.data / "history.sqlite.broken-1"
    JsonFile(paths.state / FACE).save({"a": 1})
    copy.write_text("spotify:")
    with contextlib.suppress(StoreError):
        logout(paths, Settings())
    assert not copy.exists()
    copy.write_text("mine")
    with contextlib.suppress(StoreError):
        forget(paths, None)
    assert not copy.exists()
    assert not (paths.state / FACE).exists()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("whose", ["link", "file", "folder"])
def test_no_diary_behind_a_link_of_another_is_written_moved_or_removed(
    paths: Paths, precious: Path, whose: str
) -> None:
    """It was renamed as damaged, written anew, and deleted with everything."""
    paths.history_file.symlink_to(precious)
    theirs = {"link": paths.history_file, "file": precious, "folder": precious.parent}[whose]
    os.chown(theirs, NOBODY, NOBODY, follow_symlinks=False)
    before = sorted(precious.parent.iterdir())
    history = SqliteHistory(paths.history_file)
    with pytest.raises(StoreError):
        history.add_mood(NOW, Mood(MoodState.SAD, 0.0, 0.9, (0.1,) * 7))
    with pytest.raises(StoreError):
        forget(paths, None)
    with pytest.raises(StoreError):
        history.forget_between(float("-inf"), float("inf"))
    assert sorted(precious.parent.iterdir()) == before
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("kind", [*KINDS, "link to zeroes"])
def test_no_autostart_of_another_is_read(tmp_path: Path, precious: Path, kind: str) -> None:
    entry = XdgAutostart(
        ["/usr/bin/moodtray"], {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/nowhere"}
    )
    text = "[Desktop Entry]\nType=Application\nExec=/bin/theirs run\n"
    precious.write_text(text)
    entry.file.parent.mkdir()
    if kind == "file":
        entry.file.write_text(text)
        os.chown(entry.file, NOBODY, NOBODY)
    elif kind == "link to zeroes":
        plant(entry.file, "link", Path("/dev/zero"))
    else:
        plant(entry.file, kind, precious)
    with pytest.raises(AutostartError, match=r"another user|no file"):
        entry.status()
    if kind != "folder":
        entry.disable()
        assert not entry.status().enabled
    assert precious.read_text() == text


@pytest.mark.parametrize("kind", KINDS)
def test_no_icon_of_another_is_shown(paths: Paths, precious: Path, kind: str) -> None:
    """A crossed-out camera in the place of the disc, or a pipe for which the panel waits."""
    folder = paths.runtime / "icons"
    folder.mkdir()
    name = "watching-happy-24-dark.png"
    plant(folder / name, kind, precious)
    for left in (name, name.replace(".png", f".{os.getpid()}.png"), "watching-sad-24-dark.png"):
        place = folder / left.replace(".png", f".{os.getpid()}.part")
        if not place.exists():
            place.symlink_to(precious)
            os.lchown(place, NOBODY, NOBODY)
    for mood in (MoodState.HAPPY, MoodState.SAD):
        path = IconFiles(folder).path(Status.WATCHING, mood, 24, True)
        if kind == "folder" and mood is MoodState.HAPPY:
            continue  # not shown, and told in the log
        status = path.lstat()
        assert (stat.S_ISREG(status.st_mode), status.st_uid) == (True, os.getuid())
        assert path.read_bytes().startswith(b"\x89PNG")
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("of", ["another", "another's link"])
def test_no_icon_is_put_into_the_folder_of_another(paths: Paths, tmp_path: Path, of: str) -> None:
    folder = paths.runtime / "icons"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if of == "another":
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    else:
        way_of_another(folder, elsewhere)
    IconFiles(folder).path(Status.WATCHING, MoodState.HAPPY, 24, True)
    assert list(folder.iterdir()) == []


def test_no_copy_of_settings_of_another_is_taken_apart(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take seconds; a thousand of them keep the agent from its start."""
    SettingsFile(paths).load()
    theirs = '[camera]\nsource = "rtsp://me:secret@camera/1"\n'
    copy = paths.config / "settings.toml.version-1"
    copy.write_text(theirs)
    os.chown(copy, NOBODY, NOBODY)
    SettingsFile(paths).load()
    assert copy.read_text() == theirs


def test_nobody_decides_the_mode_of_what_we_write(tmp_path: Path) -> None:
    """A file of another that none may read would stay one after it is replaced."""
    place = tmp_path / "settings.toml"
    for mode in (0o000, 0o4755, 0o644):
        place.unlink(missing_ok=True)
        place.touch()
        os.chown(place, NOBODY, NOBODY)
        place.chmod(mode)
        write_atomic(place, b"mine")
        assert stat.S_IMODE(place.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_another_is_not_looked_at(paths: Paths, precious: Path, kind: str) -> None:
    place = paths.runtime / LOCK_NAME
    plant(place, kind, precious)
    with contextlib.ExitStack() as held:
        if kind == "file":
            fcntl.flock(held.enter_context(place.open()), fcntl.LOCK_EX)
        assert not Instance(paths).is_taken()
    assert precious.read_text() == "mine"
    assert not precious.with_name("nothing").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_another_makes_way(paths: Paths, precious: Path, kind: str) -> None:
    """Its owner could keep the agent from its start, and the user from a logout, for ever."""
    places = [paths.runtime / LOCK_NAME, paths.state / "spotify-login.lock"]
    storage.token_file(paths).write_text("{}")
    with contextlib.ExitStack() as held:
        for place in places:
            plant(place, kind, precious)
            if kind == "file":
                fcntl.flock(held.enter_context(place.open()), fcntl.LOCK_EX)
        assert held.enter_context(Instance(paths)).acquire()
        assert not Instance(paths).acquire()
        logout(paths, Settings())
    assert not storage.token_file(paths).exists()
    for place in places:
        status = place.lstat()
        assert (stat.S_ISREG(status.st_mode), status.st_uid) == (True, os.getuid())
    assert precious.read_text() == "mine"
    assert not precious.with_name("nothing").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_goes_on_whatever_lies_where_it_is_turned_over(
    paths: Paths, precious: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 300)
    for number in range(1, logs.FILES):
        plant(paths.logs / f"{logs.LOG_NAME}.{number}", kind, precious)
    logs.set_up(paths.logs)
    for number in range(20):
        logging.getLogger("agent").warning("a rather long line of the log, number %d", number)
    logs.tear_down()
    assert "number 19" in (paths.logs / logs.LOG_NAME).read_text()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_is_written_whatever_lies_in_its_place(
    paths: Paths, precious: Path, kind: str
) -> None:
    plant(paths.logs / logs.LOG_NAME, kind, precious)
    logs.set_up(paths.logs)
    logging.getLogger("agent").warning("heard")
    logs.tear_down()
    assert "heard" in (paths.logs / logs.LOG_NAME).read_text()
    assert precious.read_text() == "mine"


def test_a_folder_at_the_logs_way_is_moved_aside_and_never_looked_into(paths: Paths) -> None:
    place = paths.logs / logs.LOG_NAME
    plant(place, "folder", place)
    logs.set_up(paths.logs)
    logging.getLogger("agent").warning("heard")
    logs.tear_down()
    aside = [one for one in paths.logs.iterdir() if one.name.startswith("not-ours-")]
    assert [sorted(os.listdir(one)) for one in aside] == [["theirs"]]
    forget(paths, None)
    assert place.read_text() == ""


@pytest.mark.parametrize("wanted", ["spotify:", "other:"])
def test_a_damaged_history_is_looked_through_in_parts(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setattr(files, "_PART", 16)
    copy = paths.data / "history.sqlite.broken-1"
    for before in range(40):
        copy.write_bytes(b"x" * before + b"spotify:playlist" + b"x" * 7)
        assert SqliteHistory(paths.history_file).forget_playlists(wanted) == (wanted == "spotify:")
        assert copy.exists() == (wanted != "spotify:")


def test_a_start_removes_the_way_into_a_login_that_was_killed(paths: Paths) -> None:
    """A link that works once is in it; the login's own process could not remove it any more."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = [paths.runtime / f"login-{number}.html" for number in (gone.pid, os.getpid(), 1 << 70)]
    for one in left:
        one.touch()
    spotify_login.sweep(paths)
    assert [one.exists() for one in left] == [False, True, True]


@pytest.fixture
def desktop_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of the desktop, and all of ours, below the test's own folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / "home"))


@pytest.mark.skipif(sys.platform != "linux", reason="it has this command")
def test_uninstall_takes_the_autostart_of_another_away(
    desktop_folders: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "autostart" / FILE_NAME
    place.parent.mkdir()
    plant(place, "pipe", place)
    assert CliRunner().invoke(app, ["uninstall"]).exit_code == 0
    assert not place.exists()


def test_no_socket_of_another_is_asked() -> None:
    """It could keep a command waiting for ever, a byte at a time."""
    with open_home() as home:
        ask_theirs(Paths.below(home))


def ask_theirs(paths: Paths) -> None:
    DoorKey(os.getpid(), "secret").write(paths)
    place = socket_path(paths)
    assert place is not None
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(place))
        os.chown(place, NOBODY, NOBODY)
        theirs.listen()
        theirs.setblocking(False)
        with pytest.raises(NotRunning):
            call(paths, "status")
        with pytest.raises(BlockingIOError):
            theirs.accept()


def test_no_folder_is_made_for_all_to_write(tmp_path: Path) -> None:
    """As a loose umask would have it: others could add programs, or music."""
    before = os.umask(0)
    try:
        launcher.install(["/usr/bin/moodtray"], {"XDG_DATA_HOME": str(tmp_path / "share")})
        actions.show_music_folders(Paths.below(tmp_path / "home"), lambda _event: None)
    finally:
        os.umask(before)
    made = [Path(at, name) for at, names, _files in os.walk(tmp_path) for name in names]
    assert len(made) > 20
    assert [one for one in made if one.stat().st_mode & 0o022] == []


@pytest.mark.skipif(sys.platform != "linux", reason="it has this command")
def test_a_link_of_another_keeps_no_autostart(
    desktop_folders: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way_of_another(tmp_path / "share" / "applications", tmp_path)
    (tmp_path / launcher.ENTRY).touch()
    write_atomic(tmp_path / "autostart" / FILE_NAME, b"[Desktop Entry]\nExec=/bin/true\n")
    assert CliRunner().invoke(app, ["uninstall"]).exit_code == 1
    assert not (tmp_path / "autostart" / FILE_NAME).exists()
    assert (tmp_path / launcher.ENTRY).exists()


def test_where_nothing_is_nothing_is_refused(tmp_path: Path) -> None:
    """A folder of another without an entry of ours, as root has by ``sudo`` in a user's session."""
    os.chown(tmp_path, NOBODY, NOBODY)
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/nowhere"}
    entry = XdgAutostart(["/usr/bin/moodtray"], environment)
    assert not entry.status().enabled
    entry.disable()
    assert launcher.uninstall({"XDG_DATA_HOME": str(tmp_path)}) == []
