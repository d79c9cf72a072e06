"""The guarded way to write, read and remove a file of the user's folders.

A crash at any moment leaves the old file or the new one, whole. What another user has a hand in, or
has left there while the folder was open, is not read, not written into, and leads nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path

from agent.errors import StoreError
from agent.store.paths import (
    ensure_folder,
    ensure_leaf,
    is_trusted,
    names_in,
    refuse_file_of_strangers,
    refuse_ways_of_strangers,
)
from agent.translation import _

UNFINISHED = ".moodtray-new"
"""So ends the name of a file that is being written."""
_PART = 1_000_000
"""Bytes that are looked through at once."""


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace ``path`` by ``data``: temporary file in the same folder, fsync, rename.

    A link is followed (people keep settings in a repository of their own), an existing file keeps
    its permissions, a new one gets ``mode``. Raises StoreError that names the file and the reason,
    also for a link of another user.
    """
    refuse_ways_of_strangers(path)
    target = Path(os.path.realpath(path))
    ensure_folder(target.parent)
    _replace(path, target, data, _kept_mode(target, mode))


def write_result(path: Path, data: bytes) -> None:
    """Replace a file of results in the same way: all may read it, and a team may own what is above.

    Nothing that Moodtray obeys is written so.
    """
    target = Path(os.path.realpath(path))
    ensure_leaf(target.parent)
    _replace(path, target, data, _kept_mode(target, 0o644))


def write_private(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in the same way, for the user alone, whatever was there before.

    A link in its place is replaced: what it leads to is neither written nor believed.
    """
    ensure_folder(path.parent)
    _replace(path, path, data, 0o600)


def _kept_mode(target: Path, mode: int) -> int:
    with contextlib.suppress(OSError):
        status = target.stat()
        if os.name == "nt" or is_trusted(status.st_uid):
            mode = status.st_mode & 0o755  # never what others may write
    return mode


def _replace(path: Path, target: Path, data: bytes, mode: int) -> None:
    try:
        try:
            _write_and_rename(target, data, mode)
        except FileNotFoundError:  # another process took it for a leftover
            _write_and_rename(target, data, mode)
    except OSError as error:
        raise cannot_write(path, error) from error


def _write_and_rename(target: Path, data: bytes, mode: int) -> None:
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(UNFINISHED, _beginning(target), target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _beginning(target: Path) -> str:
    return f".{target.name[:40]}."


def remove(path: Path) -> bool:
    """Remove a file, and what a killed process may have left of a new one; True: there was one.

    Raises StoreError.
    """
    mine = re.compile(
        re.escape(_beginning(path)) + r"[a-z0-9_]{8}(?:" + re.escape(UNFINISHED) + ")?"
    )
    left = [path.with_name(one) for one in names_in(path.parent) if mine.fullmatch(one)]
    removed = [unlink(one) for one in (path, *left)]
    return any(removed)


def sweep(folder: Path) -> None:
    """Remove what killed processes have left of new files: logins may be in them. Never raises.

    A write that is under way in another process begins again.
    """
    for name in names_in(folder):
        if name.startswith(".") and name.endswith(UNFINISHED):
            with contextlib.suppress(StoreError):
                unlink(folder / name)


def unlink(path: Path) -> bool:
    """Remove a file, or whatever another user has left in its place; True: there was one.

    A folder is none of ours, and stays. Raises StoreError, also when another user has a hand in
    what leads there: it would be another file.
    """
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            return False
        refuse_ways_of_strangers(path, followed=False)
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(
            _("The file {path} cannot be removed ({why}). Remove it by hand.").format(
                path=path, why=error.strerror
            )
        ) from error
    return True


def make_way(path: Path) -> None:
    """Take away what another user has left in the place of a lock, which they could hold for ever.

    A folder of theirs can only be moved aside. Raises StoreError where that is refused, and for a
    link of ours that leads to a file of theirs.
    """
    with contextlib.suppress(FileNotFoundError):
        status = path.lstat()
        if os.name != "nt" and not is_trusted(status.st_uid):
            if stat.S_ISDIR(status.st_mode):
                refuse_ways_of_strangers(path, followed=False)
                path.rename(path.with_name(f"not-ours-{time.time_ns()}-{path.name}"))
            else:
                unlink(path)
    refuse_file_of_strangers(path)


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, where that can be done; never raises.

    Where another user has a hand in what leads there it stays: it would be another folder.
    """
    with contextlib.suppress(StoreError):
        refuse_ways_of_strangers(folder)
        shutil.rmtree(folder, ignore_errors=True)


def read_private(path: Path, limit: int) -> bytes:
    """Read a small file that only this user can have written.

    Raises OSError as :func:`read_small` does, also for a link, for another user's file, and when
    another has a hand in what leads there.
    """
    if os.name == "nt":  # its permissions are of another kind, and inherited from the profile
        return read_small(path, limit)
    try:
        refuse_ways_of_strangers(path)
    except StoreError as error:
        raise OSError(errno.EPERM, error.message, str(path)) from error
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if os.fstat(descriptor).st_uid != os.geteuid():
        os.close(descriptor)
        raise OSError(errno.EPERM, _("it belongs to another user"), str(path))
    return _read_open(descriptor, limit, path)


def read_own(path: Path, limit: int) -> bytes:
    """Read a small file that the user, or root, may have put elsewhere: their links are followed.

    Raises StoreError when another user has a hand in it, and OSError as :func:`read_small` does.
    """
    path.lstat()  # what is not there is nobody's
    refuse_file_of_strangers(path)
    return read_small(path, limit)


def holds(path: Path, wanted: bytes) -> bool:
    """Look for some bytes in a file of any size; in what is another's there are none of ours.

    Raises OSError.
    """
    try:
        refuse_file_of_strangers(path)
    except StoreError:
        return False
    if not path.is_file():
        return False
    with path.open("rb") as file:
        before = b""
        while part := file.read(_PART):
            if wanted in before + part:
                return True
            before = part[-len(wanted) :]
    return False


def read_small(path: Path, limit: int) -> bytes:
    """Read a small file whole.

    Raises OSError, also for what is no file (a pipe would be waited for without an end) and for
    one with more than ``limit`` bytes, whatever it says of its size: others may change it, or put
    another in its place, while it is read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return _read_open(os.open(path, flags | getattr(os, "O_CLOEXEC", 0)), limit, path)


def _read_open(descriptor: int, limit: int, path: Path) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        _check_small(os.fstat(descriptor), limit, path)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(len(data), path)
    return data


def _check_small(status: os.stat_result, limit: int, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, _("it is no file"), str(path))
    if status.st_size > limit:
        raise _too_large(status.st_size, path)


def _too_large(size: int, path: Path) -> OSError:
    return OSError(errno.EFBIG, _("it has {st_size:.1f} MB").format(st_size=size / 1e6), str(path))


def parse_json(text: str | bytes) -> object:
    """JSON from a file that anybody may have changed. Raises ValueError for all that is none."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(_("it is nested hundreds deep")) from error


def cannot_write(path: Path, error: OSError) -> StoreError:
    """Make the StoreError for a failed write, in the user's words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(
            _(
                "{path} could not be saved: the disk is full. The old file is "
                "untouched. Free some space, then try again."
            ).format(path=path)
        )
    if error.errno == errno.EROFS:
        return StoreError(_("{path} could not be saved: the disk is read-only.").format(path=path))
    return StoreError(
        _(
            "{path} could not be saved ({why}). The old file is untouched. "
            "Check the permissions of the file and its folder."
        ).format(path=path, why=error.strerror or error)
    )


def _sync_folder(folder: Path) -> None:
    # Makes the rename itself survive a power cut. Windows cannot open folders and needs no such
    # call; some file systems refuse it, and then the rename is as safe as it gets.
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
