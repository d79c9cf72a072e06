"""Walking through folders of music that anybody may have filled.

Links are followed, for albums are often linked. So there are bounds: each folder once, however many
links lead there; none that the walk began within, such as the whole disk; not too deep, nor without
an end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

DEEPEST = 100
"""Folders within each other that are walked; before Python 3.12 a thousand are too many for it."""
MOST_FOLDERS = 100_000
"""That are walked; the largest collections have some ten thousand."""


def walk(root: str | Path, passed_over: Callable[[str], None]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder with the names of its files, without those that begin with a dot.

    ``passed_over`` is called with each folder that cannot be read, lies too deep or is beyond
    MOST_FOLDERS; of several within one, with the first of them.
    """
    begun = str(root)
    above = {_identity(parent) for parent in Path(os.path.realpath(begun)).parents}
    walked: set[tuple[int, int]] = set()
    refused = _refused(passed_over)
    for folder, folders, files in os.walk(begun, onerror=refused, followlinks=True):
        try:
            this = _identity(folder)
        except OSError as error:  # it is gone meanwhile
            refused(error)
            folders.clear()
            continue
        if this in walked or this in above:  # by another link, in a circle, or back to the whole
            folders.clear()
            continue
        if len(walked) >= MOST_FOLDERS:
            passed_over(folder)
            return
        walked.add(this)
        if folders and folder.count(os.sep) - begun.count(os.sep) >= DEEPEST:
            passed_over(os.path.join(folder, folders[0]))
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield folder, [name for name in files if not name.startswith(".")]


def _refused(passed_over: Callable[[str], None]) -> Callable[[OSError], None]:
    return lambda error: passed_over(str(error.filename))


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
