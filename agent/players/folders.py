"""Find the audio files of a folder, a file or a list of files (M3U, PLS).

Links are followed, within bounds (``agent.store.walk``). What cannot be read and what is of a kind
that is not played is told with what was found, so that nobody is told "no music" of a folder full
of it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePath, PureWindowsPath

from agent.errors import PlaylistGone
from agent.players.track import SUFFIXES
from agent.printable import printable
from agent.store.files import read_small
from agent.store.walk import MOST_BYTES, MOST_ENTRIES, walk
from agent.translation import N_, _

KINDS = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
"""What can be played, for people."""
LISTS = (".m3u", ".m3u8", ".pls")
LIST_BYTES = 4_000_000
LIST_FILES = MOST_ENTRIES
"""Of a list of files. Two million, of two letters each, would take 600 MB and half a minute."""
OTHER_AUDIO = (
    ".m4a", ".m4b", ".aac", ".mp4", ".wma", ".opus", ".oga", ".aif", ".aiff", ".ape", ".mpc", ".wv",
    ".mka", ".alac", ".dsf", ".ra", ".mid", ".midi", ".webm",
)  # fmt: skip
"""Names under which people keep music, whether it can be played here or not."""
NAMED = 3
"""So many places or kinds are named in one message; the others are counted."""
_REMEDY = N_("choose another one under 'Music for my moods'.")
NOT_READ = N_("“{name}” cannot be read")


@dataclass(slots=True)
class Found:
    """What one entry of the settings leads to.

    ``tracks`` in the order in which people number them; ``unreadable``: folders, files and lines of
    a list that could not be read; ``others``: how many files of which other kinds.
    """

    tracks: list[Path] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    @property
    def troubles(self) -> str:
        """What was passed over, as sentences; empty: nothing."""
        told = []
        if self.unreadable:
            told.append(_("Could not be read: {some}.").format(some=some(self.unreadable)))
        if self.others:
            told.append(
                _("Of a kind that Moodtray does not play: {kinds}.").format(kinds=self._kinds())
            )
        return " ".join(told)

    def _kinds(self) -> str:
        return some([f"{count} {kind}" for kind, count in self.others.most_common()])


def find(root: Path, name: str) -> Found:
    """Look at a folder, a list or a file; ``name`` is for messages.

    Raises PlaylistGone when it is not there, cannot be read, or holds nothing to play.
    """
    found = Found()
    shown = printable(str(root))
    try:
        tracks = list(chain.from_iterable(_pieces(root, found)))
        if not root.is_file():
            tracks.sort(key=_numbered)
        found.tracks = [Path(track) for track in tracks]
    except FileNotFoundError as error:
        raise PlaylistGone(
            _(
                "There is no folder or file {shown}, from which “{name}” is to play. Put it there, "
                "or {remedy}"
            ).format(name=name, shown=shown, remedy=_(_REMEDY))
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise PlaylistGone(
            _(
                "The folder {shown} of “{name}” cannot be read ({why}). Check its permissions, or "
            ).format(shown=shown, name=name, why=why)
            + _(_REMEDY),
            title=_(NOT_READ).format(name=name),
        ) from error
    if not found.tracks:
        nothing = _("No music in “{name}”").format(name=name)
        raise PlaylistGone(_nothing(root, name, found), title=nothing)
    return found


def is_for_music(root: Path) -> bool:
    """Tell whether somebody keeps music there, be it of a kind that is not played: that is told.

    Stops at the first, and looks at the beginning alone: one with more is kept for something. False
    also where it cannot be read.
    """
    found = Found()
    try:
        if any(tracks or found.others for tracks in _pieces(root, found, begin=True)):
            return True
    except (OSError, ValueError):
        return False
    return bool(found.unreadable)


def counted(root: Path) -> Iterator[int]:
    """Count what :func:`find` finds, piece by piece. Raises OSError or ValueError."""
    yield from map(len, _pieces(root, Found()))


def _nothing(root: Path, name: str, found: Found) -> str:
    told = _("The folder {path} holds no music that Moodtray can play ({kinds}).{troubles}")
    if root.is_file():
        told = _("The list {path} names no music that Moodtray can play ({kinds}).{troubles}")
    troubles = f" {found.troubles}" if found.troubles else ""
    told = told.format(path=printable(str(root)), kinds=KINDS, troubles=troubles)
    return _("{told} Put some in, or {remedy}").format(told=told, remedy=_(_REMEDY))


def _pieces(root: Path, found: Found, *, begin: bool = False) -> Iterator[list[str]]:
    """List the tracks of a file, a list or a folder, which comes piece by piece.

    ``begin``: of a folder, the beginning alone. Notes in ``found`` what was passed over. Raises
    OSError or ValueError.
    """
    os.stat(root)
    if root.is_file():
        yield _listed(root, found) if root.suffix.lower() in LISTS else [str(root)]
        return
    with os.scandir(root):
        pass  # raises where the folder itself cannot be read

    def passed_over(path: str) -> None:
        found.unreadable.append(printable(path))

    for folder, files in walk(root, passed_over, begin=begin):
        tracks = []
        for name in files:
            kind = os.path.splitext(name)[1].lower()
            if kind in SUFFIXES:
                file = os.path.join(folder, name)
                if _readable(file, found):
                    tracks.append(file)
            elif kind in OTHER_AUDIO:
                found.others[kind] += 1
        yield tracks


def _readable(file: str, found: Found) -> bool:
    if not os.path.isfile(file):  # a link that leads nowhere, a folder called so
        return False
    if os.access(file, os.R_OK):
        return True
    found.unreadable.append(printable(file))
    return False


def _listed(path: Path, found: Found) -> list[str]:
    tracks: list[str] = []
    taken = 0
    try:
        data = read_small(path, LIST_BYTES)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise OSError(
            _("it has more than {list_bytes} MB, which no list has").format(
                list_bytes=LIST_BYTES // 1_000_000
            )
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what M3U was before M3U8
    for line in _lines(text):
        if re.match(r"(?i)file://", line):
            line = _path_of(line)
        elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", line):
            found.others["stream"] += 1
            continue
        if len(tracks) + len(found.unreadable) >= LIST_FILES:
            raise OSError(
                _("it names more than {list_files} files, which no list does").format(
                    list_files=LIST_FILES
                )
            )
        file = path.parent / line.replace("\\", os.sep)
        taken += sys.getsizeof(str(file))
        if taken > MOST_BYTES:
            raise OSError(_("the paths of its files are too long, taken together"))
        try:
            there = not is_elsewhere(line, path) and file.is_file() and os.access(file, os.R_OK)
        except (OSError, ValueError):
            there = False
        if there:
            tracks.append(str(file))
        else:
            found.unreadable.append(printable(line))
    return tracks


def _path_of(address: str) -> str:
    """Return the path that a ``file://`` means; the address itself where it is none."""
    from urllib.parse import unquote, urlsplit

    try:
        return unquote(urlsplit(address).path)
    except ValueError:  # such as "file://["
        return address


def is_elsewhere(line: str, at: PurePath) -> bool:
    """Tell whether a line of the list ``at`` leads to another computer than that of the list.

    Windows logs in to whatever computer a path names, so that a list from a stranger could have it
    show them the user's password, as good as.
    """
    named = PureWindowsPath(line)
    if not named.drive.startswith("\\\\"):
        return False
    return named.drive.casefold() != PureWindowsPath(at).drive.casefold()


def _lines(text: str) -> Iterator[str]:
    """List the files that an M3U or PLS names."""
    in_pls = text.lstrip().lower().startswith("[playlist]")
    for line in map(str.strip, text.splitlines()):
        if in_pls:
            named = re.match(r"(?i)file\d+\s*=\s*(.+)", line)
            if named:
                yield named.group(1)
        elif line and not line.startswith("#"):
            yield line


def some(names: list[str]) -> str:
    """Name the first few, and count the others."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (_(" and {more} more").format(more=more) if more > 0 else "")


def _numbered(path: str) -> str:
    """Sort key by which "2" comes before "10": each number follows how many digits it has.

    One text, since a large collection has a hundred thousand of them.
    """
    return re.sub(r"\d+", _by_size, path.casefold())


def _by_size(found: re.Match[str]) -> str:
    number = str(int(found[0]))
    return f"\0{chr(len(number))}{number}"
