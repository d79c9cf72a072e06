"""What a folder, a list or a file of the settings leads to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest

from agent.clock import SystemClock
from agent.errors import PlaylistGone
from agent.events import Event, PlaylistBack
from agent.players import folders
from agent.players.folder_watch import FolderWatch
from agent.players.folders import Found, counted, is_elsewhere, is_for_music
from agent.players.local import look_at, playlist, tracks_of
from agent.store import walk
from agent.web.page.folders import Counter
from tests.fakes.audio import write_tone
from tests.fakes.clock import FakeClock


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three tracks somewhere else on the disk."""
    for number in (1, 2, 10):
        write_tone(tmp_path / "disk" / "Album" / f"{number}.wav", 0.05)
    return tmp_path / "disk" / "Album"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Happy"
    made.mkdir()
    return made


def names(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in tracks_of(playlist(str(folder)))]


def gone(path: Path) -> str:
    with pytest.raises(PlaylistGone) as caught:
        tracks_of(playlist(str(path)))
    return caught.value.message


def test_linked_albums_and_tracks_are_followed(folder: Path, album: Path) -> None:
    (folder / "linked").symlink_to(album)
    (folder / "a.wav").symlink_to(album / "1.wav")
    (folder / "broken.wav").symlink_to("nowhere")
    assert names(folder) == ["a.wav", "linked/1.wav", "linked/2.wav", "linked/10.wav"]


def test_a_linked_folder_itself_is_followed(tmp_path: Path, album: Path) -> None:
    (tmp_path / "here").symlink_to(album)
    assert names(tmp_path / "here") == ["1.wav", "2.wav", "10.wav"]


def test_a_circle_of_links_is_walked_once(folder: Path) -> None:
    write_tone(folder / "deep" / "er" / "one.wav", 0.05)
    (folder / "deep" / "er" / "up").symlink_to(folder)
    (folder / "again").symlink_to(folder / "deep")
    (folder / "self").symlink_to(folder / "self")
    assert len(names(folder)) == 1


@pytest.mark.parametrize("to", ["/", ".."])
def test_a_link_to_the_whole_disk_is_not_walked(folder: Path, album: Path, to: str) -> None:
    """Somebody's archive of music may hold one."""
    (folder / "linked").symlink_to(album)
    (folder / "whole").symlink_to(to)
    write_tone(folder.parent / "private.wav", 0.05)
    began = time.monotonic()
    assert names(folder) == ["linked/1.wav", "linked/2.wav", "linked/10.wav"]
    counter = Counter(lambda path: counted(Path(path)), time.monotonic)
    while not counter.count(str(folder))[1]:
        assert time.monotonic() - began < 10.0, "it would be counted for minutes"
        time.sleep(0.02)
    assert counter.count(str(folder)) == (3, True)


def test_folders_are_walked_to_a_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_FOLDERS", 20)
    for number in range(30):
        write_tone(folder / f"{number}" / "a.wav", 0.05)
    found = look_at(playlist(str(folder)))
    assert len(found.tracks) == 19
    assert len(found.unreadable) == 1


def test_entries_are_read_to_a_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million empty files are made in a minute, and whoever kept them would fill the memory."""
    monkeypatch.setattr(walk, "MOST_ENTRIES", 22, raising=False)
    for number in range(15):
        for below in ("a", "b"):
            write_tone(folder / below / f"{number}.wav", 0.01)
    found = look_at(playlist(str(folder)))
    assert len(found.tracks) == 20, "and two folders"
    assert len(found.unreadable) == 1
    monkeypatch.setattr(walk, "MOST_ENTRIES", 32)
    found = look_at(playlist(str(folder)))
    assert (len(found.tracks), found.unreadable) == (30, []), "so many are not too many"


def test_long_ways_are_kept_to_a_number_of_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand ways of four thousand letters, one of them an emoji, took gigabytes."""
    for number in range(4):
        write_tone(folder / f"{number}.wav", 0.01)
    long = sys.getsizeof(str(folder / "0.wav"))
    monkeypatch.setattr(walk, "MOST_BYTES", 3 * long)
    found = look_at(playlist(str(folder)))
    assert len(found.tracks) == 3
    assert len(found.unreadable) == 1
    monkeypatch.setattr(walk, "MOST_BYTES", 4 * long)
    found = look_at(playlist(str(folder)))
    assert (len(found.tracks), found.unreadable) == (4, [])


def test_a_list_of_long_ways_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tone(folder / "a.wav", 0.01)
    file = folder / "all.m3u"
    file.write_text("a.wav\n" * 4)
    long = sys.getsizeof(str(folder / "a.wav"))
    monkeypatch.setattr(folders, "MOST_BYTES", 4 * long)
    assert len(look_at(playlist(str(file))).tracks) == 4
    monkeypatch.setattr(folders, "MOST_BYTES", 4 * long - 1)
    assert "too long" in gone(file)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_large_collection_takes_little(folder: Path) -> None:
    for number in range(90_000):
        os.close(os.open(f"{folder}/{'n' * 40}{number}.wav", os.O_CREAT | os.O_WRONLY))
    program = (
        "import os, sys; from pathlib import Path; from agent.players.folders import find\n"
        "def size(): return int(Path('/proc/self/statm').read_text().split()[1])\n"
        "before = size(); found = find(Path(sys.argv[1]), 'x')\n"
        "print(len(found.tracks), (size() - before) * os.sysconf('SC_PAGE_SIZE'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=120
    )
    count, taken = map(int, done.stdout.split())
    assert count == 90_000
    assert taken < 60_000_000


def test_an_unreadable_folder_within_is_named_and_the_rest_plays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tone(folder / "one.wav", 0.05)
    (folder / "locked").mkdir()
    lock(folder / "locked", monkeypatch)
    found = look_at(playlist(str(folder)))
    assert [file.name for file in found.tracks] == ["one.wav"]
    assert f"Could not be read: {folder / 'locked'}." in found.troubles
    (folder / "one.wav").unlink()
    assert str(folder / "locked") in gone(folder)


def lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system answers anybody but root."""
    scandir = os.scandir

    def refuse(path: str | Path = ".") -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def test_what_is_of_another_kind_is_told(folder: Path) -> None:
    for name in ("a.m4a", "b.M4A", "c.wma", "cover.jpg", ".hidden.m4a"):
        (folder / name).touch()
    assert "Of a kind that Moodtray does not play: 2 .m4a, 1 .wma." in gone(folder)
    write_tone(folder / "d.wav", 0.05)
    assert names(folder) == ["d.wav"]
    assert "2 .m4a" in look_at(playlist(str(folder))).troubles


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u", "#EXTM3U\n#EXTINF:1,One\n{album}/2.wav\nrelative/1.wav\r\n\n"),
        ("list.M3U8", "\ufeff{album}/2.wav\nfile://{relative}/1.wav\n"),
        ("list.m3u", "{album}/2.wav\nrelative\\1.wav\n"),
        (
            "list.pls",
            "[playlist]\nFile1={album}/2.wav\nTitle1=x\nfile2=relative/1.wav\n",
        ),
    ],
)
def test_lists_are_read_in_their_order(folder: Path, album: Path, name: str, text: str) -> None:
    write_tone(folder / "relative" / "1.wav", 0.05)
    (folder / name).write_text(
        text.format(album=album, relative=folder / "relative"), encoding="utf-8"
    )
    tracks = tracks_of(playlist(str(folder / name)))
    assert [file.name for file in tracks] == ["2.wav", "1.wav"]
    assert all(file.is_file() for file in tracks)
    assert playlist(str(folder / name)).name == "list"


def test_what_a_list_names_in_vain_is_told(folder: Path) -> None:
    (folder / "radio.m3u").write_text("http://radio/stream\nhttps://radio/2\nnot/there.mp3\n")
    told = gone(folder / "radio.m3u")
    assert "The list" in told
    assert "not/there.mp3" in told
    assert "2 stream" in told


def test_one_odd_line_spoils_no_list(folder: Path, album: Path) -> None:
    list_file = folder / "list.m3u"
    list_file.write_text(f"file://[\n{album / '2.wav'}\nfile://[::1\nfile://{album / '1.wav'}\n")
    found = look_at(playlist(str(list_file)))
    assert [file.name for file in found.tracks] == ["2.wav", "1.wav"]
    assert found.unreadable == ["file://[", "file://[::1"]


def test_a_list_that_is_none_is_told(folder: Path) -> None:
    (folder / "old.m3u").write_bytes("Bl\xe4ser.mp3\n\0\n".encode("latin-1") + os.urandom(300))
    assert "old.m3u" in gone(folder / "old.m3u")
    with (folder / "huge.m3u").open("wb") as file:
        file.truncate(5_000_000)
    assert "4 MB" in gone(folder / "huge.m3u")


def test_a_list_of_endless_lines_is_refused(folder: Path) -> None:
    write_tone(folder / "a", 0.05)
    (folder / "all.m3u").write_text("a\n" * 100_001)
    assert "100000" in gone(folder / "all.m3u")


@pytest.mark.parametrize(
    "line",
    [
        r"\\evil.example\share\1.wav",
        "//evil.example/share/1.wav",
        r"/\evil.example\share\1.wav",
        "file:////evil.example/share/1.wav",
        r"\\?\UNC\evil.example\share\1.wav",
        r"\\.\pipe\1.wav",
    ],
)
def test_a_list_leads_to_no_other_computer(
    line: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    (folder / "list.m3u").write_text(line + "\n")
    real = Path.is_file

    def is_file(path: Path) -> bool:
        asked.append(str(path))
        return real(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert "Could not be read" in gone(folder / "list.m3u")
    assert not [one for one in asked if "evil" in one or "pipe" in one], "Windows would log in"


def test_a_list_on_a_server_may_name_files_there() -> None:
    here = PureWindowsPath(r"\\nas\music\lists\happy.m3u")
    assert not is_elsewhere(r"\\NAS\music\1.mp3", here)
    assert not is_elsewhere(r"..\1.mp3", here)
    assert not is_elsewhere(r"D:\Music\1.mp3", here)
    assert is_elsewhere(r"\\nas2\music\1.mp3", here)


@pytest.fixture
def endless(folder: Path) -> Iterator[Path]:
    """A folder with one file, and fifteen hundred folders within each other."""
    if os.name == "nt":
        pytest.skip("its paths have no room for them")
    write_tone(folder / "one.wav", 0.05)
    before = os.getcwd()
    try:
        os.chdir(folder)
        for _number in range(1_500):
            os.mkdir("d")
            os.chdir("d")
        yield folder
        for _number in range(1_500):
            os.chdir("..")
            os.rmdir("d")
    finally:
        os.chdir(before)


def test_folders_without_an_end_are_walked_to_a_depth(endless: Path) -> None:
    assert names(endless) == ["one.wav"]
    assert "d/d/d" in look_at(playlist(str(endless))).troubles


def test_the_page_counts_them_as_well(endless: Path) -> None:
    counter = Counter(lambda path: counted(Path(path)), time.monotonic)
    end = time.monotonic() + 20
    while not counter.count(str(endless))[1]:
        assert time.monotonic() < end, "it would be counted for ever"
        time.sleep(0.02)
    assert counter.count(str(endless)) == (1, True)


def test_what_never_was_is_not_said_to_be_gone(tmp_path: Path) -> None:
    told = gone(tmp_path / "Never")
    assert "There is no folder or file" in told
    assert "any more" not in told


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000, "file/below"])
def test_names_that_cannot_be_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert "'Music for my moods'" in gone(tmp_path / name)


# --- watching


def wait_for(events: list[Event], count: int) -> None:
    end = time.monotonic() + 30.0
    while len(events) < count:
        assert time.monotonic() < end, events
        time.sleep(0.02)


@pytest.mark.parametrize("there", [True, False])
def test_music_that_comes_is_noticed(
    tmp_path: Path, album: Path, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.players.folder_watch.SECONDS", 0.05)
    folder = tmp_path / "Late"
    if there:
        folder.mkdir()
    events: list[Event] = []
    watch = FolderWatch(events.append, SystemClock())
    assert watch.step() is None, "nothing is missing: nothing is looked at"
    missing = playlist(str(folder))
    watch.start()
    watch.watch(missing)
    try:
        time.sleep(0.2)
        assert events == []
        (folder / "within").mkdir(parents=True)
        shutil.copy(album / "1.wav", folder / "within" / "1.wav")
        wait_for(events, 1)
        assert events == [PlaylistBack(missing)]
    finally:
        watch.request_stop()
        assert watch.join(10.0)


def test_what_cannot_be_played_is_back_only_when_it_was_changed(
    tmp_path: Path, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else a folder of damaged files would be tried again and again.
    monkeypatch.setattr("agent.players.folder_watch.SECONDS", 0.05)
    broken = tmp_path / "Broken" / "1.wav"
    broken.parent.mkdir()
    broken.write_bytes(b"no sound")
    events: list[Event] = []
    watch = FolderWatch(events.append, SystemClock())
    watch.start()
    watch.watch(playlist(str(broken.parent)))
    try:
        time.sleep(0.4)
        assert events == []
        shutil.copy(album / "1.wav", broken)
        wait_for(events, 1)
        watch.watch(playlist(str(broken.parent)))  # still no better
        time.sleep(0.4)
        assert len(events) == 1
    finally:
        watch.request_stop()
        assert watch.join(10.0)


def test_what_is_set_for_no_mood_any_more_is_looked_for_no_more(tmp_path: Path) -> None:
    kept, dropped = (playlist(str(tmp_path / name)) for name in ("Kept", "Dropped"))
    events: list[Event] = []
    watch = FolderWatch(events.append, FakeClock())
    watch.watch(kept)
    watch.watch(dropped)
    watch.keep({kept.uri})
    watch.step()
    for each in (kept, dropped):
        write_tone(Path(each.uri) / "1.wav", 0.05)
    watch.step()
    assert events == [PlaylistBack(kept)]


@pytest.mark.parametrize(("took", "rest"), [(0.0, 2.0), (1.5, 30.0), (60.0, 60.0)])
def test_large_folders_are_looked_at_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took: float, rest: float
) -> None:
    """A list of 100,000 files that cannot be played took half of a processor for good."""
    clock = FakeClock()

    def find_slowly(*words: object) -> Found:
        clock.advance(took)
        return Found()

    monkeypatch.setattr("agent.players.folder_watch.find", find_slowly)
    watch = FolderWatch(lambda _event: None, clock)
    watch.watch(playlist(str(tmp_path)))
    assert watch.step() == rest


def test_the_first_track_is_enough_to_know_what_a_folder_is_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at every few seconds."""
    for number in range(20):
        write_tone(folder / str(number) / "a.wav", 0.01)
    read, looked = walk._read, []
    monkeypatch.setattr(walk, "_read", lambda *place: (looked.append(place), read(*place))[1])
    assert is_for_music(folder)
    assert len(looked) == 2, "the folder itself, and the first within it"
