"""Walking through folders of music that anybody may have filled.

Links are followed, for albums are often linked. So there are bounds: each folder once, however many
links lead there; none that the walk began within, such as the whole disk; not too deep, nor without
an end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

DEEPEST = 100
"""Folders within each other that are walked; no collection has as many."""
MOST_FOLDERS = 100_000
"""That are walked; the largest collections have some ten thousand."""
MOST_ENTRIES = 100_000
"""That are read in all, whatever they are; music for a mood has some thousand. Who makes an empty
file pays nothing for it; who keeps its name, and why it cannot be played, some hundred bytes."""
MOST_BYTES = 25_000_000
"""Of memory for all their names with the ways there: a way may have four thousand letters, and one
among them makes each take four bytes. A large collection has some million."""

BEGIN_FOLDERS, BEGIN_ENTRIES = 30, 1_000
"""That tell what a folder is for: music lies in the first few of a collection."""


def walk(
    root: str | Path, passed_over: Callable[[str], None], *, begin: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder with the names of its files, without those that begin with a dot.

    ``passed_over`` is called with each folder that cannot be read, lies too deep or is beyond
    MOST_FOLDERS, MOST_ENTRIES or MOST_BYTES; of several within one, with the first. ``begin``:
    not beyond BEGIN_FOLDERS or BEGIN_ENTRIES, which tell what a folder is for.
    """
    most, left = (BEGIN_FOLDERS, BEGIN_ENTRIES) if begin else (MOST_FOLDERS, MOST_ENTRIES)
    room = MOST_BYTES
    begun = str(root)
    above = {_identity(parent) for parent in Path(os.path.realpath(begun)).parents}
    walked: set[tuple[int, int]] = set()
    waiting = [begun]
    while waiting:
        folder = waiting.pop()
        try:
            this = _identity(folder)
            if this in walked or this in above:  # by another link, in a circle, or to the whole
                continue
            if len(walked) >= most:
                passed_over(folder)
                return
            walked.add(this)
            read, taken, folders, files = _read(folder, left, room)
        except OSError:  # it is gone meanwhile, or locked
            passed_over(folder)
            continue
        left -= read
        room -= taken
        if left < 0 or room < 0:
            passed_over(folder)
            yield folder, files
            return
        if folders and folder.count(os.sep) - begun.count(os.sep) >= DEEPEST:
            passed_over(os.path.join(folder, folders[0]))
            folders.clear()
        waiting += (os.path.join(folder, name) for name in reversed(folders))
        yield folder, files


def _read(folder: str, most: int, room: int) -> tuple[int, int, list[str], list[str]]:
    """Read so many entries of a folder at most, as they come: all at once may be millions.

    ``room``: bytes for their names with the way there. Returns how many entries there are, one too
    many if more, what they take, and of those without a dot the folders and the others. Raises
    OSError.
    """
    read = taken = 0
    folders: list[str] = []
    files: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            read += 1
            taken += sys.getsizeof(entry.path)
            if read > most or taken > room:
                break
            if not entry.name.startswith("."):
                (folders if _is_folder(entry) else files).append(entry.name)
    return read, taken, folders, files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
