"""Where the commands of training read and write, and how they make sure of it beforehand.

Hours of training or measuring must not end at a folder that cannot be written.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from agent.errors import AgentError
from agent.store.paths import APP, Paths


def faces_cache() -> Path:
    """Find the folder that keeps decoded faces (some 100 MB), the same wherever one stands.

    Below MOODTRAY_HOME where that is set, else in the user's cache. It is not made by asking.
    """
    home = Paths.home()
    if home is not None:
        return home / "cache" / "faces"
    return platformdirs.user_cache_path(APP, appauthor=False) / "faces"


def check_folder(folder: Path, option: str) -> None:
    """Check that ``folder`` can be written, or can be made; leaves nothing there.

    Raises AgentError that names it and the ``option`` that chose it.
    """
    there = folder.absolute()
    while not (there.exists() or there.is_symlink()):
        there = there.parent
    if not there.is_dir():
        raise AgentError(f"{there} is no folder, and {option} needs one. Name another place.")
    try:
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # Rights are not all: root and Windows are told yes where writing fails all the same.
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise AgentError(
            f"The folder {there} cannot be written ({error.strerror}). "
            f"Check its permissions, or name another place with {option}."
        ) from error


def check_network(file: Path, option: str) -> None:
    """Raise AgentError unless ``file`` is a place for a network.

    Its name ends in .onnx, because the metadata go into the .json beside it, and it and its
    metadata can be written there.
    """
    if file.suffix != ".onnx" or file.is_dir():
        raise AgentError(
            f"{option} names a file that ends in .onnx, e.g. {file.with_suffix('.onnx').name}, "
            f"not {file}: its metadata are written to the .json beside it."
        )
    check_folder(file.parent, option)
    check_files([file, file.with_suffix(".json")])


def check_files(files: list[Path]) -> None:
    """Raise AgentError that names the first of ``files`` that is there and cannot be written."""
    for file in files:
        if file.is_dir() or (file.exists() and not os.access(file, os.W_OK)):
            raise AgentError(f"{file} cannot be written. Check its permissions, or move it away.")


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Make a path beside ``target`` to write to.

    In the end it takes the place of ``target``, and where writing fails it is removed and
    ``target`` stays as it was.
    """
    # The processes of one training may write the same cache at the same time.
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def in_words(error: OSError) -> str:
    """Say what the system refused, as a line that names the path where the system names it."""
    why = error.strerror or str(error)
    if error.filename is None:
        return f"A file cannot be read or written ({why})."
    return f"{error.filename} cannot be read or written ({why})."
