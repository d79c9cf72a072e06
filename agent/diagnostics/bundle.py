"""The zip for a bug report: what helps to find a fault, and nothing that tells about the person.

Only the files named here go in, all of them text that passes :func:`anonymise`. There is no frame
to leave out: none is ever written. The history of moods and the token stay at home.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import agent
from agent import addresses
from agent.errors import StoreError
from agent.logs import FILES, LOG_NAME, forms, redact
from agent.store.files import cannot_write, read_own
from agent.store.paths import Paths, ensure_named_folder, expanded
from agent.store.toml_text import load_toml

ABOUT = """\
This archive was made by 'moodtray doctor --bundle' for a bug report.

Inside: the report of 'moodtray doctor', the logs, the settings and the versions of the libraries.
Left out: pictures (none are ever kept), the login, the history of moods.
Masked: tokens and secrets, your camera's address, Spotify's identifiers, mail addresses, your name
and home folder.
The titles of what played may be in the logs. Please look through it before you send it.
"""

LIBRARIES = (
    "desktop-notifier",
    "fastapi",
    "miniaudio",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "Pillow",
    "plyer",
    "PyGObject",
    "pydantic",
    "pystray",
    "soundfile",
    "soxr",
    "spotipy",
    "torch",
    "uvicorn",
)

MOST_READ = 2_000_000
"""Bytes of one file: those that we write are smaller."""

MOST_TAKEN_APART = 200_000
"""Characters of settings whose camera is written in an unusual way; more would take long."""

_SPOTIFY_URI = re.compile(r"\bspotify:([a-z]+):([^\s\"',;)\]]+)")
_SPOTIFY_URL = re.compile(r"(open\.spotify\.com/(?:[a-z-]+/)?)([a-z]+)/[^\s\"',;?)\]]+")
_SPOTIFY_API = re.compile(
    r"(api\.spotify\.com/v1/(?:playlists|users|albums|artists|tracks)/)[^\s\"',;/?)\]]+"
)
# The log tells scheme and host of a camera, which is yours to read; Spotify's and our own tell
# nothing.
_HOST = re.compile(
    r"://(?!(?:127\.0\.0\.1|localhost|(?:[\w-]+\.)*spotify\.com)(?![\w.-]))"
    r"(?:[\w.-]+|\[[^\]\s]+\])"
)
# Identifiers of playlists, tracks and users have 22 characters, those of apps 32 hex digits.
_BARE_ID = re.compile(r"\b(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{22}\b")
_HEX_ID = re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_OTHER_HOMES = re.compile(r"((?:/home/|/Users/|[A-Za-z]:\\+Users\\+))[^/\\\s\"':]+")


def anonymise(text: str) -> str:
    """Take secrets, identifiers, mail addresses, user name, host name and home path out."""
    text = redact(text)
    text = _SPOTIFY_URI.sub(r"spotify:\1:***", text)
    text = _SPOTIFY_URL.sub(r"\1\2/***", text)
    text = _SPOTIFY_API.sub(r"\1***", text)
    text = _HOST.sub(f"://{addresses.UNTOLD}", text)
    text = _HEX_ID.sub("***", text)
    text = _BARE_ID.sub("***", text)
    text = _MAIL.sub("***@***", text)
    for home in _homes():
        text = text.replace(home, "~").replace(home.replace("\\", "\\\\"), "~")
    text = _OTHER_HOMES.sub(r"\1***", text)
    for name in _names():
        # However it is written: telephones and disks are called "Ann's" and "ANN".
        text = re.sub(rf"(?i)(?<![\w-]){re.escape(name)}(?![\w-])", "***", text)
    return text


def _homes() -> list[str]:
    found = {str(Path.home()), os.path.expanduser("~"), os.path.realpath(Path.home())}
    return sorted((home for home in found if len(home) > 3), key=len, reverse=True)


def _names() -> Iterator[str]:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    host, full = platform.node(), _full_name()
    for name in (full, *full.split(), user, host, host.partition(".")[0]):
        # 'root' and 'user' are nobody's name, and very short ones are parts of other words.
        if len(name) > 2 and name.casefold() not in ("root", "user", "localhost"):
            yield name


def _full_name() -> str:
    """Return the user's name as the system knows it: "Ann Miller"; empty where it does not."""
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0].strip()
    except KeyError:
        return ""


def make(paths: Paths, doctor_report: dict[str, object], out: Path, now: datetime) -> Path:
    """Write the zip and return its path.

    ``out`` is the file to write, or a folder that gets a file named after ``now``. The file is
    readable by its owner only. Raises StoreError.
    """
    target = out / f"moodtray-report-{now:%Y%m%d-%H%M%S}.zip" if os.path.isdir(out) else out
    ensure_named_folder(target.parent)
    temporary: str | None = None
    camera = _camera(_read(paths.settings_file) or "")
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, text in _contents(paths, doctor_report):
                for form in camera:
                    text = text.replace(form, addresses.UNTOLD)
                archive.writestr(name, anonymise(text))
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return target


def _contents(paths: Paths, doctor_report: dict[str, object]) -> Iterator[tuple[str, str]]:
    yield "README.txt", ABOUT
    yield "doctor.json", json.dumps(doctor_report, indent=2, default=str, ensure_ascii=False)
    yield "versions.txt", _versions()
    for number in range(FILES):
        name = LOG_NAME if number == 0 else f"{LOG_NAME}.{number}"
        text = _read(paths.logs / name)
        if text is not None:
            yield f"logs/{name}", text
    settings = _read(paths.settings_file)
    if settings is not None:
        yield "settings.toml", addresses.mask_settings(_without_camera(settings))


def _read(file: Path) -> str | None:
    try:
        return read_own(file, MOST_READ).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except StoreError as error:
        return f"({error.message})"
    except OSError as error:
        return f"(could not be read: {error.strerror or error})"


def _without_camera(text: str) -> str:
    """Mask the camera however it is written, where the file has no mistake.

    A line that says ``source =`` is masked anyway. Only where that is not all of it is the text
    taken apart, which takes seconds for one with many comments.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        if "source" not in load_toml(text)["camera"]:
            return text
    except (ValueError, KeyError, TypeError, RecursionError):
        return text  # with a mistake, or without a camera
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        masked = addresses.mask_settings(text)
        if load_toml(masked)["camera"]["source"] == addresses.UNTOLD:
            return masked
    if len(text) > MOST_TAKEN_APART:
        return "(left out: it is too long to be looked through for the camera)"
    try:
        document: Any = tomlkit.parse(text)
        document["camera"]["source"] = addresses.UNTOLD
    except (TOMLKitError, ValueError, KeyError, TypeError, RecursionError):
        return text
    return tomlkit.dumps(document)


def _camera(text: str) -> tuple[str, ...]:
    """Find what is set as the camera, in every form that it may be repeated in."""
    try:
        source = load_toml(text)["camera"]["source"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    if not isinstance(source, str) or len(source) < 4:  # a number tells nothing
        return ()
    host = addresses.place(source).partition("://")[2]
    found = {form for part in (source, str(expanded(source))) for form in forms(part)}
    if len(host) > 3 and host not in (addresses.UNTOLD, addresses.LOOPBACK):
        found.add(host)
    return tuple(sorted(found, key=len, reverse=True))


def _versions() -> str:
    lines = [
        f"moodtray {agent.__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
    ]
    for name in LIBRARIES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} -")
    return "\n".join(lines) + "\n"
