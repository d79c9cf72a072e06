"""Where everything lies: the user's folders (platformdirs) and the files that the program ships.

``MOODTRAY_HOME`` moves all of the user's folders below one folder: for tests, demos and people who
carry the program on a stick.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from agent.errors import StoreError
from agent.printable import printable
from agent.translation import _

APP = "moodtray"
HOME = "MOODTRAY_HOME"
MOST_LINKS = 40
"""On the way to a folder: as many as Linux follows."""
_LIST = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")  # kind, rights, whose: linux/posix_acl_xattr.h
_OF_A_USER, _OF_A_GROUP = 2, 8  # named ones
_NOBODY = 65_534
"""The number that Linux shows for a user who has none in a container."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The user's folders. Nothing is created by asking for them; see :meth:`ensure`."""

    config: Path  # settings.toml, tokens
    data: Path  # history.sqlite
    state: Path  # what a restart should remember: consent, breaks, Retry-After, request counts
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
                    "root of the disk, such as {example}."
                ).format(home=HOME, text=printable(text), example=Path.home() / "moodtray")
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

    @property
    def tray_icons(self) -> Path:
        """The folder of the tray's pictures, for panels that take a file."""
        return self.runtime / "icons"

    @property
    def notification_icons(self) -> Path:
        """The folder of the notifications' pictures."""
        return self.runtime / "notification-icons"

    @property
    def icon_folders(self) -> tuple[Path, ...]:
        """The folders of pictures whose names say a mood, and whose times when it was shown."""
        return (self.tray_icons, self.notification_icons)

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
        closed = [self.state, self.runtime]
        for folder in (self.config, self.data, self.logs):
            try:
                closed.append(ensure_folder(folder))
            except StoreError as error:
                troubles.append(error)  # and it stays as it is: it may be anybody's
        for folder in closed:
            _close_to_others(folder)
        return troubles

    def own(self) -> tuple[Path, ...]:
        """List the folders that only Moodtray writes; music is the user's."""
        return (self.state, self.runtime, self.config, self.data, self.logs)


def _linux_runtime(dirs: platformdirs.PlatformDirs) -> Path:
    # Without a login session there is no /run/user/UID; the state folder is as private.
    # One that is no whole path would be another place wherever a command is called.
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(base) and os.access(base, os.W_OK):
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


def is_there(path: Path) -> bool:
    """Tell whether there is such a file in a folder of ours.

    Raises StoreError when nobody lets us look: what cannot be seen is not gone.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _not_usable(path.parent, error) from error
    return True


def names_in(folder: Path) -> list[str]:
    """List what is in a folder, sorted; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def ensure_folder(folder: Path) -> Path:
    """Create the folder (0700) where it is missing, and return it.

    Raises StoreError when it cannot be written, or when others could put another in its place.
    """
    refuse_ways_of_strangers(folder)
    ensure_leaf(folder)
    # What was missing at the first look another may have made before us, where all may write.
    refuse_ways_of_strangers(folder)
    return folder


def ensure_leaf(folder: Path) -> Path:
    """Do the same without a look at what leads there.

    For results, which a team may keep in a folder that is somebody's of it.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise _not_usable(folder, error) from error
    _refuse_strangers(folder)
    if not os.access(folder, os.W_OK):
        raise StoreError(
            _(
                "The folder {folder} cannot be written. Check its permissions, "
                "or name another place with the variable MOODTRAY_HOME."
            ).format(folder=folder)
        )
    return folder


def _not_usable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        _(
            "The folder {folder} cannot be made or written ({why}). Check "
            "its permissions, or name another place with the variable "
            "MOODTRAY_HOME."
        ).format(folder=folder, why=error.strerror)
    )


def ensure_named_folder(folder: Path) -> Path:
    """Create a folder that the user has named for one file of theirs, and return it.

    It may be everybody's, such as /tmp, where nobody can take away what is another's. Raises
    StoreError when it cannot be made, or others could put their own file in the place.
    """
    try:
        is_safe = _has_safe_way(folder)
        if is_safe:
            make_folder(folder)
            is_safe = _keeps_files_safe(folder) and _has_safe_way(folder)
    except OSError as error:
        raise StoreError(
            _("The folder {folder} cannot be made ({why}). Name another folder.").format(
                folder=folder, why=error.strerror
            )
        ) from error
    if not is_safe:
        raise StoreError(
            _(
                "Other users of this computer could put another file in the place of yours in "
                "{folder}. Name a folder of your own."
            ).format(folder=folder),
            title=_("This folder is open to others"),
        )
    return folder


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Create it, and what leads to it, by default for the user alone. Raises OSError.

    However loose the umask is, the ``mode`` is no looser than it says.
    """
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode, exist_ok=True)
    folder.mkdir(exist_ok=True)  # where it is something else, this says so


def _keeps_files_safe(folder: Path) -> bool:
    """Tell whether nobody but the user and root can take a file of theirs away from there."""
    if os.name == "nt":  # its permissions are of another kind, and inherited from the profile
        return True
    status = folder.stat()
    if not {folder.lstat().st_uid, status.st_uid} <= {os.geteuid(), 0}:
        return False
    return not _others_may_rename(folder, status)


def _has_safe_way(folder: Path) -> bool:
    try:
        refuse_ways_of_strangers(folder)
    except StoreError:
        return False
    return True


def refuse_ways_of_strangers(path: Path, *, followed: bool = True) -> None:
    """Raise StoreError when another user has a hand in a folder or link that leads to ``path``.

    Whoever may rename one of them can put other settings, or another login, in the place of ours.
    What is missing yet, or cannot be entered, is for others to tell. ``followed`` False: where
    ``path`` itself is a link it may be anybody's, for it is only removed.
    """
    if os.name == "nt":  # its permissions are of another kind, and inherited from the profile
        return
    with contextlib.suppress(OSError):
        for above, status in _way(path, followed):
            if not is_trusted(status.st_uid):
                if above == path:
                    raise _not_yours("link", path)
                raise StoreError(
                    _(
                        "{above}, which leads to {path}, belongs to another user of this computer, "
                        "who could put something else there. Name another place with the variable "
                        "{home}."
                    ).format(above=above, path=path, home=HOME),
                    title=_("This folder is not yours"),
                )
            if stat.S_ISDIR(status.st_mode) and _others_may_rename(above, status):
                raise StoreError(
                    _(
                        "Other users of this computer may write into {above}, which leads to "
                        "{path}: they could put something else there. Close it: chmod go-w {quote}"
                    ).format(above=above, path=path, quote=shlex.quote(str(above))),
                    title=_("This folder is open to others"),
                )


def refuse_file_of_strangers(path: Path) -> None:
    """Raise StoreError for a file that another user owns, may write, or could put another over."""
    refuse_ways_of_strangers(path)
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        status = path.stat()
        if not is_trusted(status.st_uid):
            raise StoreError(
                _(
                    "{path} belongs to another user of this computer, and is not read. Move it "
                    "away; Moodtray then writes a new one."
                ).format(path=path),
                title=_("This file is not yours"),
            )
        real = Path(os.path.realpath(path))
        if _others_may_write(real, status) and _others_may_enter(real.parent):
            raise StoreError(
                _(
                    "Other users of this computer may write into the file {file}. Look through it, "
                    "then close it: chmod go-w {quote}"
                ).format(file=real, quote=shlex.quote(str(real))),
                title=_("This file is open to others"),
            )


def _way(path: Path, followed: bool) -> Iterator[tuple[Path, os.stat_result]]:
    """Go to a path as the system does: each folder and link before it is told, the path itself not.

    Of a path that is a link, and ``followed``, all is told but what it leads to in the end. Raises
    OSError.
    """
    path = path.absolute()
    at, left, links = Path(path.anchor), list(reversed(path.parts[1:])), 0
    while left:
        yield at, os.lstat(at)
        part = left.pop()
        if part == "..":
            at = at.parent
            continue
        here = at / part
        if not here.is_symlink() or (not left and not followed):
            at = here
            continue
        yield here, os.lstat(here)
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = Path(os.readlink(here))
        if target.is_absolute():
            at = Path(target.anchor)
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def is_trusted(user: int) -> bool:
    """Tell whether it is this user or root, who may do all that they like anyway."""
    return user in (os.geteuid(), 0) or (user == _NOBODY and _is_in_container())


def _is_in_container() -> bool:
    """Tell whether users from outside have no number here: then root is shown as nobody.

    As in Flatpak, toolbox or distrobox; nobody else is there who could be meant.
    """
    try:
        first, _outside, count = Path("/proc/self/uid_map").read_text().split()[:3]
    except (OSError, ValueError):
        return False
    return (first, count) != ("0", str(2**32 - 1))


def _others_may_rename(folder: Path, status: os.stat_result) -> bool:
    """Tell whether users besides root and this one may take away what lies in the folder."""
    # As in /tmp: only what is theirs.
    return not status.st_mode & stat.S_ISVTX and _others_may_write(folder, status)


def _others_may_write(path: Path, status: os.stat_result) -> bool:
    """Tell whether users besides root, its group and this user may."""
    if _all_may_write(status) or _a_list_lets_write(path, status):
        return True
    return _a_group_may_write(status) and status.st_gid != 0


def _others_may_enter(folder: Path) -> bool:
    """Tell whether none of the folders that lead there, itself included, is for its owner alone."""
    return all(one.stat().st_mode & 0o011 for one in (folder, *folder.parents))


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
            raise _not_yours(what, folder)
    status = folder.stat()
    is_listed = _a_list_lets_write(folder, status)
    if _all_may_write(status) or _a_group_may_write(status) or is_listed:
        who = _("Every user") if _all_may_write(status) else _("A group of users")
        raise StoreError(
            _(
                "{who} of this computer may write into {folder}. Look "
                "through it, then close it: chmod go-w {quote}"
            ).format(who=who, folder=folder, quote=shlex.quote(str(folder))),
            title=_("This folder is open to others"),
        )


def _not_yours(what: str, folder: Path) -> StoreError:
    return StoreError(
        _(
            "The {what} {folder} belongs to another user of this computer. "
            "Remove it, or name another place with the variable {home}."
        ).format(what=what, folder=folder, home=HOME),
        title=_("This folder is not yours"),
    )


def _all_may_write(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IWOTH)


def _a_group_may_write(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IWGRP) and not _is_own_group(status.st_gid)


def _a_list_lets_write(path: Path, status: os.stat_result) -> bool:
    """Tell whether an access control list lets others write (acl(5), as Linux keeps it).

    The group's rights are then the most that any of the list has, and taking them away takes it
    away from all; who is in the list stands nowhere else.
    """
    if not status.st_mode & stat.S_IWGRP or sys.platform != "linux":
        return False
    try:
        kept = os.getxattr(path, _LIST)
    except OSError:  # there is none, or the file system knows none
        return False
    entries = _ENTRY.iter_unpack(kept[4:])  # behind the version
    return any(
        rights & os.W_OK and (kind == _OF_A_GROUP or (kind == _OF_A_USER and not is_trusted(who)))
        for kind, rights, who in entries
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


def short(path: Path) -> str:
    """Write a path with ``~`` for the user's home."""
    with contextlib.suppress(ValueError, RuntimeError):  # elsewhere, or there is no home
        return str(Path("~") / path.relative_to(Path.home()))
    return str(path)
