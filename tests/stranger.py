"""Another user of the same computer, as an attacker would be one."""

from __future__ import annotations

import os
import stat
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

NOBODY = 65_534
_LIST_VERSION = 2  # linux/posix_acl_xattr.h


def as_stranger(attack: Callable[[], object]) -> str:
    """Run ``attack`` in a process of another user; what it returned, or its error, as text.

    Needs root, as tests have on CI; skipped elsewhere. A fork, since the interpreter itself may lie
    where another user cannot read it.
    """
    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("only root can become another user")
    for name in ("email.policy", "grp", "pwd"):  # which the program loads when it needs them
        import_module(name)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run on in here
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                told = repr(attack())
            except BaseException as error:  # noqa: BLE001 - the parent asserts on it
                told = f"{type(error).__name__}: {error}"
            os.write(write, told.encode()[:4096])
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told


def let_write(path: Path, user: int) -> None:
    """Put another user on the access control list of a file or folder, as ``setfacl -m u:X:rwx``
    does, which need not be installed. Linux only; skips where the file system knows no such lists.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    nobody = 0xFFFF_FFFF
    entries = [
        (0x01, mode >> 6, nobody),  # the owner
        (0x02, 7, user),
        (0x04, mode >> 3 & 7, nobody),  # its group
        (0x10, 7, nobody),  # the most that any of the list but the owner has
        (0x20, mode & 7, nobody),  # all others
    ]
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", _LIST_VERSION) + packed)
    except (AttributeError, OSError) as error:
        pytest.skip(f"there are no access control lists here: {error}")


@contextmanager
def open_home() -> Iterator[Path]:
    """A home whose parents everybody may enter: only what the program does itself protects it."""
    with tempfile.TemporaryDirectory(prefix="moodtray-home-") as folder:
        os.chmod(folder, 0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=0o755)
        home.chmod(0o755)
        yield home
