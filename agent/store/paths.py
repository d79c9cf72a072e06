"""Where everything lies: the user's folders (platformdirs) and the files that the program ships.

``MOODTRAY_HOME`` moves all of the user's folders below one folder: for tests, demos and people who
carry the program on a stick.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from agent.errors import StoreError
from agent.printable import printable
from agent.translation import _

APP = "moodtray"
HOME = "MOODTRAY_HOME"


@dataclass(frozen=True, slots=True)
class Paths:
    """The user's folders. Nothing is created by asking for them; see :meth:`ensure`."""

    config: Path  # settings.toml, tokens
    data: Path  # history.sqlite
    state: Path  # what a restart should remember: consent, Retry-After, request counts
    logs: Path
    runtime: Path  # lock, door for commands and its secret
    music: Path  # the user's own: a folder for each mood is looked for in it

    @classmethod
    def default(cls) -> Paths:
        """Find the folders of this user.

        Raises StoreError for a MOODTRAY_HOME that is no whole path.
        """
        home = cls.home()
        if home is not None:
            return cls.below(home)
        dirs = platformdirs.PlatformDirs(APP, appauthor=False)
        return cls(
            Path(dirs.user_config_dir),
            Path(dirs.user_data_dir),
            Path(dirs.user_state_dir),
            Path(dirs.user_log_dir),
            Path(dirs.user_runtime_dir) if sys.platform != "linux" else _linux_runtime(dirs),
            Path(dirs.user_music_dir) / "Moodtray",
        )

    @staticmethod
    def home() -> Path | None:
        """Return MOODTRAY_HOME; None where it is not set.

        Raises StoreError when it is no whole path: it would be another place wherever a command is
        called.
        """
        text = os.environ.get(HOME)
        if not text:
            return None
        if not is_whole_path(text):
            raise StoreError(
                _(
                    "{home} is {text!r}, which is no whole path. Begin it with the "
                    "root of the disk, such as {home_2}."
                ).format(home=HOME, text=printable(text), home_2=Path.home() / "moodtray")
            )
        return expanded(text)

    @classmethod
    def below(cls, home: Path) -> Paths:
        """Put all folders below one."""
        root = expanded(home).absolute()
        below = (root / name for name in ("config", "data", "state", "logs", "runtime", "music"))
        return cls(*below)

    @property
    def settings_file(self) -> Path:
        """The file of the settings."""
        return self.config / "settings.toml"

    @property
    def history_file(self) -> Path:
        """The file of the mood journal."""
        return self.data / "history.sqlite"

    def ensure(self) -> list[StoreError]:
        """Create the folders (0700), and close those that were more open.

        Raises StoreError for those without which no agent can run; returns the trouble with the
        others (settings cannot be changed, nothing is recorded).
        """
        for needed in (self.state, self.runtime):
            ensure_folder(needed)
        if self.runtime.is_symlink():
            raise StoreError(
                _("{runtime} is a link. Remove it; a folder is made in its place.").format(
                    runtime=self.runtime
                )
            )
        troubles = []
        for folder in (self.config, self.data, self.logs):
            try:
                ensure_folder(folder)
            except StoreError as error:
                troubles.append(error)
        for folder in (self.state, self.runtime, self.config, self.data, self.logs):
            _close_to_others(folder)
        return troubles


def _linux_runtime(dirs: platformdirs.PlatformDirs) -> Path:
    # Without a login session there is no /run/user/UID; the state folder is as private.
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK):
        return Path(base) / APP
    return Path(dirs.user_state_dir) / "runtime"


def expanded(path: str | Path) -> Path:
    """Return the path with ``~`` and ``~name`` in the place of a home.

    Without such a user it stays as it is, for a file may be called so.
    """
    return Path(os.path.expanduser(path))


def is_whole_path(text: str) -> bool:
    """Tell whether it names the same place wherever the program was started."""
    return not has_controls(text) and expanded(text).is_absolute()


def has_controls(text: str) -> bool:
    """Tell whether it holds a tab, a line break or the like."""
    return any(character < " " or character == "\x7f" for character in text)


def ensure_folder(folder: Path) -> Path:
    """Create the folder (0700) where it is missing, and return it.

    Raises StoreError when it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            _(
                "The folder {folder} cannot be made or written ({why}). Check "
                "its permissions, or name another place with the variable "
                "MOODTRAY_HOME."
            ).format(folder=folder, why=error.strerror)
        ) from error
    _refuse_strangers(folder)
    if not os.access(folder, os.W_OK):
        raise StoreError(
            _(
                "The folder {folder} cannot be written. Check its permissions, "
                "or name another place with the variable MOODTRAY_HOME."
            ).format(folder=folder)
        )
    return folder


def _refuse_strangers(folder: Path) -> None:
    """Raise StoreError for a folder that another user owns or may write, or has put a link to.

    Whoever may write there could swap the settings, the login or the socket for commands.
    """
    if os.name == "nt":  # its permissions are of another kind, and inherited from the profile
        return
    me = os.geteuid()
    for found, what in (
        (folder.lstat(), "link" if folder.is_symlink() else "folder"),
        (folder.stat(), "folder"),
    ):
        if found.st_uid != me:
            raise StoreError(
                _(
                    "The {what} {folder} belongs to another user of this computer. "
                    "Remove it, or name another place with the variable {home}."
                ).format(what=what, folder=folder, home=HOME),
                title=_("This folder is not yours"),
            )
    status = folder.stat()
    by_all = status.st_mode & stat.S_IWOTH
    if by_all or (status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)):
        who = _("Every user") if by_all else _("A group of users")
        raise StoreError(
            _(
                "{who} of this computer may write into {folder}. Look "
                "through it, then close it: chmod go-w {quote}"
            ).format(who=who, folder=folder, quote=shlex.quote(str(folder))),
            title=_("This folder is open to others"),
        )


def _is_own_group(group: int) -> bool:
    """Tell whether it is the user's group of their own, as many Linux systems give each user one.

    Folders that its members may write are made there by the usual umask.
    """
    import grp
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
        found = grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and not set(found.gr_mem) - {name}


def _close_to_others(folder: Path) -> None:
    """Let nobody else look into a folder of ours. What cannot be changed has been told before."""
    if os.name != "nt":
        with contextlib.suppress(OSError):
            if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                folder.chmod(0o700)


# --- files that the program ships -----------------------------------------------------------------


def _shipped_root() -> Path:
    package = Path(__file__).resolve().parent.parent
    in_wheel = package / "_data"
    return in_wheel if in_wheel.is_dir() else package.parent


def models_dir() -> Path:
    """Find the folder of emotion.onnx: beside the package in a checkout, inside it in a wheel."""
    return _shipped_root() / "models"


def resources_dir() -> Path:
    """Find the folder of icons, sounds, default settings and the demo clip."""
    return _shipped_root() / "resources"
