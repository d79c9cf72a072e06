"""The log: rotating files of 5 MB in all, and no secret in any of them.

Secrets are masked while a line is formatted, so that messages, arguments and tracebacks of our own
code and of foreign libraries all pass the same gate.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import logging
import os
import re
import stat
import sys
import threading
import time
import traceback
from bisect import bisect_left
from collections.abc import Collection, Iterator
from datetime import datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast
from urllib.parse import quote, quote_plus

from agent import addresses
from agent.errors import StoreError
from agent.printable import printable_lines
from agent.translation import _, english

LOG_NAME = "moodtray.log"
FILES = 5
FILE_BYTES = 1_000_000
MOST_WORDS = 1_000
"""That are looked for in the log's entries; nobody has as many playlists for their moods."""
LINE_LIMIT = 16_000
"""Characters of one record with its traceback; more is cut, so that no single line breaks the
bound on the size."""

HIDDEN = 128
"""Secrets of one kind that are remembered: a login makes some, each hour of music another."""
REPEATS = 30
"""Lines a minute of one kind."""

QUIET = (
    "asyncio",
    "desktop_notifier",
    "matplotlib",
    "PIL",
    "spotipy",
    "urllib3",
    "uvicorn",
)
"""Libraries whose chatter below a warning is of no use here."""

_MASK = "***"
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")
_NAMES = r"""(?:access_?token|refresh_?token|id_?token|token|client_?secret|secret|password|passwd
    |pwd|api_?key|code_?verifier|verifier|code_?challenge|authorization|cookie)"""
# As in an address, a header, JSON (also within JSON), a pair of Python's, a settings file.
_VALUE_AFTER_NAME = re.compile(
    rf"""(?ix)
    ( (?<![a-z0-9]) {_NAMES} (?![a-z0-9])
      (?: \\*["']? \s* (?: [:=] | %3[ad] ) | \\*["'] \s* , ) \s* )
    (?: b (?=["']) )? (?: (?:bearer|basic) \s+ )?
    ( \\+" (?: [^"\\] | \\+[^"\\] )* (?:\\+")?
      | " (?: \\. | [^"\\] )* "? | ' (?: \\. | [^'\\] )* '?
      | [^\s,;&"'}})\]]+ )
    """
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+|%20|\+)[A-Za-z0-9._~+/=%-]{8,}")
# An authorisation code or state lives in the query of a redirect; elsewhere 'code=' is harmless.
_IN_QUERY = re.compile(r"(?i)((?:[?&]|%3f|%26)(?:code|state|sig|key)(?:=|%3d))[^&\s\"']+")

_ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
"""Where an entry of the log begins; what belongs to it is indented."""

_hidden: dict[str, dict[str, tuple[str, ...]]] = {}  # kind -> secret -> forms, the oldest first
_hidden_forms: tuple[str, ...] = ()  # of all, the longest first: one may be a part of another
_hidden_lock = threading.Lock()


def hide(*secrets: str, kind: str) -> None:
    """Mask these very texts in every line from now on, however they are written.

    Any thread. Shorter than 8 characters is ignored: it would garble ordinary words. The latest
    HIDDEN of each ``kind`` are remembered: however many links to a page somebody makes, the
    camera's password is not forgotten for them.
    """
    global _hidden_forms
    with _hidden_lock:
        known = _hidden.setdefault(kind, {})
        for secret in secrets:
            if len(secret) >= 8:
                known[secret] = known.pop(secret, ()) or forms(secret)
        while len(known) > HIDDEN:
            del known[next(iter(known))]
        every = {form for one in _hidden.values() for found in one.values() for form in found}
        _hidden_forms = tuple(sorted(every, key=len, reverse=True))


def forms(secret: str) -> tuple[str, ...]:
    """List how a text looks as it is, within addresses, JSON, Python, HTML and base64."""
    found = [secret]
    for safe in ("", "/", "/:@!$&'()*+,;="):
        found.append(quote(secret, safe=safe, errors="surrogateescape"))
    found.append(quote_plus(secret, errors="surrogateescape"))
    found += [quote(form, safe="") for form in found[1:]]  # within the query of another address
    found += [_PERCENT.sub(lambda code: code[0].lower(), form) for form in found]
    for ascii_only in (True, False):
        in_json = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        found += [in_json, in_json.replace("/", "\\/"), json.dumps(in_json)[1:-1]]
    found += [repr(secret)[1:-1], ascii(secret)[1:-1], html.escape(secret)]
    raw = secret.encode(errors="surrogateescape")
    found.append(repr(raw)[2:-1])
    for before in range(3):  # as a part of something, such as "user:secret"
        whole = base64.b64encode(bytes(before) + raw).decode()
        sure = whole[(0, 2, 3)[before] : 8 * (before + len(raw)) // 6]
        found += [sure, sure.translate(_URL_SAFE)]
    return tuple(dict.fromkeys(found))


def redact(text: str) -> str:
    """Mask tokens, secrets and authorisation codes, and of addresses all but scheme and host."""
    text = _VALUE_AFTER_NAME.sub(lambda found: found.group(1) + _MASK, _without_hidden(text))
    text = _BEARER.sub(rf"\1\2{_MASK}", text)
    return _IN_QUERY.sub(rf"\1{_MASK}", addresses.mask(text))


def _without_hidden(text: str) -> str:
    """Mask the texts of :func:`hide`, and each address that such a text reaches into.

    Masked by itself, ``/a`` of ``http://a:b@c`` would leave what nobody knows for an address.
    """
    forms_now = _hidden_forms
    found = [span for form in forms_now for span in _places(form, text)]
    if not found:
        return text
    hidden = _joined([(begin, end, _MASK) for begin, end in found])
    begins = [begin for begin, _, _ in hidden]
    reached = []
    for begin, end in addresses.spans(text):
        before = bisect_left(begins, end) - 1  # the last that begins before the address ends
        if before >= 0 and hidden[before][1] > begin:
            reached.append((begin, end, _hide_in(addresses.mask(text[begin:end]), forms_now)))
    done, out = 0, []
    for begin, end, shown in _joined(hidden + reached):
        out += [text[done:begin], shown]
        done = end
    return "".join([*out, text[done:]])


def _places(form: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + 1)


def _joined(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Join what overlaps; the address in it, if there is one, says what is shown."""
    out: list[tuple[int, int, str]] = []
    for begin, end, shown in sorted(spans):
        if out and begin < out[-1][1]:
            before = out[-1]
            kept = before[2] if shown == _MASK else shown
            out[-1] = (before[0], max(end, before[1]), kept)
        else:
            out.append((begin, end, shown))
    return out


def _hide_in(text: str, forms_now: tuple[str, ...]) -> str:
    for form in forms_now:
        text = text.replace(form, _MASK)
    return text


class RedactingFormatter(logging.Formatter):
    """Masks and bounds the finished line, traceback included. It is English, for developers."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, secrets masked."""
        record.msg = english(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(map(english, record.args))
        full = super().format(record)
        # Masked before the cut, lest half a secret stay.
        line = _plain(redact(full))
        if len(line) > LINE_LIMIT:
            line = f"{line[:LINE_LIMIT]} ... ({len(full)} characters, the rest is cut)"
        return line


def _plain(text: str) -> str:
    """Leave a text that a terminal shows as it is, and in which no name can forge a line.

    What follows a line break is indented; other control characters and those that turn the
    direction of writing are replaced.
    """
    text = text.encode(errors="backslashreplace").decode()  # names that are no Unicode
    return printable_lines(text).replace("\n", "\n    ")


class _PrivateRotatingFile(RotatingFileHandler):
    """A rotating file that only its owner can read.

    What another user has left in its place, while the folder was open, makes way for it.
    """

    def doRollover(self) -> None:
        """Turn over to the next file."""
        for number in range(1, self.backupCount + 1):
            _make_way(f"{self.baseFilename}.{number}")
        super().doRollover()

    def _open(self) -> TextIOWrapper:
        _make_way(self.baseFilename)

        def opener(name: str, flags: int) -> int:
            return os.open(name, flags, 0o600)

        return cast(
            TextIOWrapper,
            open(
                self.baseFilename,
                self.mode,
                encoding="utf-8",
                errors="backslashreplace",
                opener=opener,
            ),
        )


def _make_way(name: str) -> None:
    """Take away what another user has left in the place of a file; never raises.

    A folder of theirs cannot be removed, but moved aside.
    """
    with contextlib.suppress(OSError):
        if not _is_of_strangers(name):
            return
        if stat.S_ISDIR(os.lstat(name).st_mode):
            folder, last = os.path.split(name)
            os.rename(name, os.path.join(folder, f"not-ours-{time.time_ns()}-{last}"))
        else:
            os.unlink(name)


def _is_of_strangers(name: str) -> bool:
    """Tell whether a file, or a link in its place, belongs to neither this user nor root."""
    if os.name == "nt":  # its permissions are of another kind, and inherited from the profile
        return False
    owners = set()
    for look in (os.lstat, os.stat):
        with contextlib.suppress(OSError):  # it, or what it leads to, is not there
            owners.add(look(name).st_uid)
    return not owners <= {os.geteuid(), 0}


class _AtMost(logging.Filter):
    """Lets a message through REPEATS times a minute, whatever its arguments.

    What repeats without end, because somebody outside makes it, must not push everything else out
    of the files.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, str], int] = {}
        self._minute = -1
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Count it. Any thread."""
        with self._lock:
            minute = int(record.created // 60)
            if minute != self._minute:
                self._minute = minute
                self._counts.clear()
            key = (record.name, str(record.msg))
            count = self._counts[key] = self._counts.get(key, 0) + 1
        if count == REPEATS:
            record.msg = f"{record.msg} (and more of the kind within this minute, left out here)"
        return count <= REPEATS


_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_ours: list[logging.Handler] = []


def set_up(folder: Path | None, level: str | int = "INFO", console: bool = False) -> None:
    """Send the log to a file in ``folder`` (which exists) and, with ``console``, to stderr.

    Without a folder there is no file, and only what is troublesome goes to stderr. May be called
    again (a new level); the former handlers are closed. Uncaught exceptions of any thread are
    logged from now on.
    """
    tear_down()
    if folder is not None:
        file = _PrivateRotatingFile(
            folder / LOG_NAME, maxBytes=FILE_BYTES, backupCount=FILES - 1, delay=True
        )
        _ours.append(file)
    if console:
        _ours.append(logging.StreamHandler())
    root = logging.getLogger()
    root.setLevel(level)
    for handler in _ours:
        handler.setFormatter(RedactingFormatter(_FORMAT))
        handler.addFilter(_AtMost())
        root.addHandler(handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A full disk must not flood stderr with the log's own tracebacks.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    guard_terminal()


def tear_down() -> None:
    """Close what :func:`set_up` opened."""
    root = logging.getLogger()
    for handler in _ours:
        root.removeHandler(handler)
        handler.close()
    _ours.clear()


def forget(folder: Path, before: datetime | None) -> None:
    """Remove the lines that are older than ``before`` (None: all) from the log's files.

    The agent may be writing: its file is emptied in place, for it appends wherever the end is.
    Raises StoreError.
    """
    for file in _own_files(folder):
        with _told_if_impossible(file):
            kept = b"" if before is None else _entries_since(file.read_bytes(), before)
            if not kept and file.name != LOG_NAME:
                file.unlink()
            else:
                _replace(file, kept)


def forget_naming(folder: Path, words: Collection[str]) -> bool:
    """Remove from the log's files what holds one of these words; True when there was any.

    Whole entries, with their tracebacks; all of them where there are more than MOST_WORDS, each of
    which would be looked for in each. The agent may be writing. Raises StoreError.
    """
    wanted = [word.casefold() for word in words if word]

    def holds_none(entry: str) -> bool:
        plain = entry.casefold()
        return len(wanted) <= MOST_WORDS and not any(word in plain for word in wanted)

    found = False
    for file in _own_files(folder):
        with _told_if_impossible(file):
            before = file.read_bytes()
            entries = _ENTRY.split(before.decode("utf-8", "surrogateescape"))
            kept = "".join(filter(holds_none, entries)).encode("utf-8", "surrogateescape")
            if len(kept) != len(before):
                found = True
                _replace(file, kept)
    return found


def _own_files(folder: Path) -> Iterator[Path]:
    """Give the log's files; what another user has left in the place of one is removed.

    Not what keeps nothing: a pipe, or a link to /dev/null.
    """
    names: list[str] = []
    keeps = False
    with _told_if_impossible(folder / LOG_NAME):
        names = sorted(os.listdir(folder))
    for file in (folder / name for name in names if name.startswith(LOG_NAME)):
        if file.is_dir() and not file.is_symlink():  # none of ours
            continue
        if not _is_of_strangers(str(file)):
            with _told_if_impossible(file):
                keeps = file.is_file()
            if keeps:
                yield file
            continue
        with _told_if_impossible(file):
            file.unlink()


@contextlib.contextmanager
def _told_if_impossible(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:  # turned over meanwhile
        pass
    except OSError as error:
        raise StoreError(
            _("The log {file} cannot be emptied ({why}). Remove it by hand.").format(
                file=file, why=error.strerror
            )
        ) from error


def _replace(file: Path, kept: bytes) -> None:
    """Write what is kept in the file's place; its writer appends wherever the end is."""
    with file.open("r+b") as opened:
        opened.write(kept)
        opened.truncate()
        opened.flush()
        os.fsync(opened.fileno())


def _entries_since(data: bytes, when: datetime) -> bytes:
    """Return the entries of a log that are not older.

    They need not stand in their order: clocks are set back, and begin anew without a battery.
    """
    oldest = f"{when.astimezone():%Y-%m-%d %H:%M:%S}"
    entries = _ENTRY.split(data.decode("utf-8", "surrogateescape"))
    kept = (one for one in entries if _ENTRY.match(one) and one[: len(oldest)] >= oldest)
    return "".join(kept).encode("utf-8", "surrogateescape")


def guard_terminal() -> None:
    """Mask what reaches the terminal by itself: warnings without a log to go to, and defects."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(RedactingFormatter("%(message)s"))
    sys.excepthook = lambda _kind, error, _trace: uncaught(error)
    threading.excepthook = _uncaught_in_thread


def uncaught(error: BaseException) -> None:
    """Note a defect in the log, where there is one, and on the terminal."""
    if _ours and not isinstance(error, KeyboardInterrupt | SystemExit):
        logging.getLogger("agent").critical("uncaught", exc_info=error)
    _to_terminal("".join(traceback.format_exception(error)))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    if _ours:
        logging.getLogger("agent").critical(
            "uncaught in thread %s",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )
        return
    trace = "".join(traceback.format_exception(args.exc_value))
    _to_terminal(f"uncaught in thread {name}\n{trace}")


def _to_terminal(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be none any more
        print(_plain(redact(text.rstrip())), file=sys.stderr, flush=True)
