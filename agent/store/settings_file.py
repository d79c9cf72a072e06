"""The settings file: TOML that belongs to the user.

Their comments stay, a mistake is told and not swallowed, and no crash loses it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import threading
import tomllib
from collections.abc import Callable, Mapping
from datetime import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, ValidationError

from agent import addresses
from agent.errors import AgentError, SettingsError, StoreError
from agent.settings import SETTINGS_VERSION, Settings
from agent.store.files import read_own, write_atomic
from agent.store.paths import (
    Paths,
    is_there,
    is_whole_path,
    names_in,
    refuse_file_of_strangers,
    resources_dir,
)
from agent.store.toml_text import SIZE_LIMIT, load_toml, section_of
from agent.translation import _
from agent.types import EMOTIONS, LOOPS

# tomlkit writes and settings_words explains: neither is needed at a start where all is well.
if TYPE_CHECKING:
    from tomlkit import TOMLDocument

log = logging.getLogger(__name__)

Migration: TypeAlias = "Callable[[TOMLDocument], None]"
"""Changes a document of one version, in place, into the next version (all but the number)."""

MIGRATIONS: Mapping[int, Migration] = {}
"""Version -> what leads to the next one. Empty while there has been one version only."""

RETIRED_OF_MOOD = ("enter", "leave", "dwell", "half_life", "window", "balance")
"""Settings of [mood] that mean nothing to the filter of today."""

_Stamp: TypeAlias = tuple[int, int, int] | None


class SettingsFile:
    """``settings.toml`` in the user's folder. Any thread; the constructor touches nothing."""

    def __init__(self, paths: Paths, *, migrations: Mapping[int, Migration] = MIGRATIONS) -> None:
        self.path = paths.settings_file
        self.last_good_path = self.path.with_name(self.path.name + ".last-good")
        self._migrations = migrations
        self._lock = threading.RLock()
        self._current: Settings | None = None  # the last good ones of this run
        self._told: Settings | None = None  # those that poll would not tell again
        self._stamp: _Stamp = None  # of the file as it was when they were told
        self._failing = False  # a mistake was told, and not yet that it is gone
        self.news: str | None = None
        """What became of settings that mean nothing any more, to be told to the user once."""

    # -- reading

    def load(self) -> Settings:
        """Read the file; on the first start write the commented default.

        Raises SettingsError (file, line, key, what is allowed, what was found) for a mistake in
        the file, StoreError when the folder cannot be written on the first start, and when another
        user has a hand in the file.
        """
        with self._lock:
            if not is_there(self.path):
                write_atomic(self.path, default_text().encode("utf-8"))
            first = self._stamp is None  # later ones must not hide a change from poll
            if first:
                self._stamp, self._failing = self._read_stamp(), True
            text = self._without_retired(self._migrated(self._read()))
            settings = parse(text, self.path)
            if first:
                self._failing, self._told = False, settings
            self._current = settings
            self._keep_as_last_good(text)
            if first:
                self._clean_copies()
            return settings

    def load_or_last_good(self) -> tuple[Settings, AgentError | None]:
        """Read the file; a mistake leaves the last good settings in force.

        Returns them with the mistake, or None.
        """
        with self._lock:
            try:
                return self.load(), None
            except (SettingsError, StoreError) as error:
                if self._current is None:
                    self._current = self._last_good() or Settings()
                return self._current, error

    def poll(self) -> Settings | SettingsError | None:
        """Look whether the file was changed since the last poll; None when it was not.

        Costs one ``stat`` while nothing changes: call it every second or two. A mistake is returned
        once, not at every call; setting it right returns Settings again. Who reads the file in
        between takes nothing away.
        """
        with self._lock:
            stamp = self._read_stamp()
            # A missing file is an editor in the middle of its saving, or a user's deletion: the
            # settings in force stay until the next start.
            if stamp is None or stamp == self._stamp:
                return None
            before, was_failing = self._told, self._failing
            self._stamp, self._failing = stamp, True
            try:
                settings = self.load()
            except SettingsError as error:
                return error
            except StoreError as error:
                log.warning("%s", error)
                return None
            self._failing, self._told = False, settings
            return settings if was_failing or settings != before else None

    # -- writing

    def change(self, key: str, value: object, *, called: str = "") -> Settings:
        """Set one key, ``change("policy.cooldown", 60)``.

        None takes it out, so that the default holds again. Comments and order stay. Raises
        SettingsError for an unknown key, a value that is not allowed (``called``: how the key is
        named there, where its user sees another name for it), or a file that has a mistake already
        (it is left as it is).
        """
        with self._lock:
            settings = self.load()
            return self._write({key: value}, settings, {key: called} if called else {})

    def save(self, settings: Settings) -> Settings:
        """Write every value that differs from the file's, keeping comments and order.

        Raises SettingsError when the file has a mistake (it is left as it is), StoreError.
        """
        with self._lock:
            before = self.load()
            old, new = _flat(before), _flat(settings)
            changes = {key: new.get(key) for key in old.keys() | new.keys()}
            return self._write(
                {k: v for k, v in sorted(changes.items()) if v != old.get(k)}, before
            )

    # -- inside

    def _write(
        self,
        changes: Mapping[str, object],
        settings: Settings,
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> Settings:
        if not changes:
            return settings
        text = self._read()
        for key, value in changes.items():
            text = _with_value(text, key, value)
        if len(text.encode("utf-8")) > SIZE_LIMIT:
            raise SettingsError(
                _("The settings would have more than {most:.1f} MB. Take some out first.").format(
                    most=SIZE_LIMIT / 1e6
                )
            )
        changed = parse(text, None, called)
        polled = self._told == settings and not self._failing
        write_atomic(self.path, text.encode("utf-8"))
        self._current = changed
        if polled:  # else the user's own change before this one is still to be told
            self._stamp, self._told = self._read_stamp(), changed
        self._keep_as_last_good(text)
        return changed

    def _read(self) -> str:
        refuse_file_of_strangers(self.path)
        try:
            status = os.stat(self.path)
            if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for without an end
                raise SettingsError(
                    _("{path} is no file. Move it away; Moodtray then writes a new one.").format(
                        path=self.path
                    )
                )
            if status.st_size > SIZE_LIMIT:
                raise SettingsError(
                    _(
                        "{path} has {st_size:.1f} MB; settings have a few kB. Move it "
                        "away; Moodtray then writes a new one."
                    ).format(path=self.path, st_size=status.st_size / 1e6)
                )
            # The mark that some Windows editors write is dropped; line ends stay as they are.
            return read_own(self.path, SIZE_LIMIT).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            from agent.store import settings_errors

            raise settings_errors.encoding_error(self.path, error) from error
        except OSError as error:
            raise SettingsError(
                _("{path} cannot be read ({why}). Check its permissions.").format(
                    path=self.path, why=error.strerror
                )
            ) from error

    def _migrated(self, text: str) -> str:
        version = _toml(text, self.path).get("version", SETTINGS_VERSION)
        if not isinstance(version, int) or isinstance(version, bool):
            return text  # the validation says it better
        if version > SETTINGS_VERSION:
            raise SettingsError(
                _(
                    "{path} was written by a newer Moodtray (its version is "
                    "{version}, this program knows {settings_version}). Update "
                    "Moodtray, or move the file away to start with new settings."
                ).format(path=self.path, version=version, settings_version=SETTINGS_VERSION)
            )
        if version == SETTINGS_VERSION:
            return text
        steps = range(version, SETTINGS_VERSION)
        if not all(step in self._migrations for step in steps):
            raise SettingsError(
                _(
                    "{path} has the version {version}, which was never in use. "
                    "Moodtray's settings begin with: version = {settings_version}"
                ).format(path=self.path, version=version, settings_version=SETTINGS_VERSION)
            )
        import tomlkit

        document = tomlkit.parse(text)
        for step in steps:
            self._migrations[step](document)
            document["version"] = step + 1
        migrated = tomlkit.dumps(document)
        parse(migrated, self.path)
        old = self.path.with_name(f"{self.path.name}.version-{version}")
        write_atomic(old, _without_login(text).encode("utf-8"))
        write_atomic(self.path, migrated.encode("utf-8"))
        self._stamp = self._read_stamp()
        log.info("settings brought from version %d to %d", version, SETTINGS_VERSION)
        return migrated

    def _without_retired(self, text: str) -> str:
        """Take out what meant something to the mood filter of before, in the user's file too.

        What comes nearest is put in its place.
        """
        mood = _toml(text, self.path).get("mood")
        if not isinstance(mood, dict) or not any(name in mood for name in RETIRED_OF_MOOD):
            return text
        import tomlkit

        document = tomlkit.parse(text)
        table: Any = document["mood"]
        retired = [name for name in RETIRED_OF_MOOD if table.pop(name, None) is not None]
        added = {k: v for k, v in _instead_of(mood.get("dwell")).items() if k not in table}
        new = tomlkit.dumps(document)
        for name, value in added.items():
            new = _with_value(new, f"mood.{name}", value)
        parse(new, self.path)
        kept = self.path.with_name(f"{self.path.name}.before-steadiness")
        write_atomic(kept, _without_login(text).encode("utf-8"))
        write_atomic(self.path, new.encode("utf-8"))
        self._stamp = self._read_stamp()
        names = ", ".join(f"mood.{name}" for name in retired)
        instead = ", ".join(f"mood.{k} = {json.dumps(v)}" for k, v in added.items())
        self.news = (
            _("The mood is found in another way now. It goes no more by {names}. ").format(
                names=names
            )
            + (
                _("What comes nearest was set: {instead}. ").format(instead=instead)
                if instead
                else ""
            )
            + _(
                "How soon a change is believed is said by mood.steadiness "
                '("calm", "balanced" or "quick"). Your settings of before are '
                "kept as {name}."
            ).format(name=kept.name)
        )
        log.info("retired settings taken out: %s", names)
        return new

    def _read_stamp(self) -> _Stamp:
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _keep_as_last_good(self, text: str) -> None:
        data = text.encode("utf-8")
        try:
            if self._kept() != data:
                write_atomic(self.last_good_path, data)
        except (OSError, StoreError) as error:
            log.warning("no copy of the good settings could be kept: %s", error)

    def _kept(self) -> bytes | None:
        """Read the last good settings; None: there are none, or they are another user's."""
        try:
            return read_own(self.last_good_path, SIZE_LIMIT)
        except (FileNotFoundError, StoreError):
            return None

    def _clean_copies(self) -> None:
        """Take a camera's login out of the copies that earlier versions have left."""
        for kind in ("version", "before"):
            for name in names_in(self.path.parent):
                if not name.startswith(f"{self.path.name}.{kind}-"):
                    continue
                copy = self.path.with_name(name)
                try:
                    text = read_own(copy, SIZE_LIMIT).decode("utf-8")
                    without = _without_login(text)
                    if without != text:
                        write_atomic(copy, without.encode("utf-8"))
                except (OSError, LookupError, ValueError, RecursionError, StoreError) as error:
                    log.warning("%s was not looked through: %s", copy.name, error)

    def _last_good(self) -> Settings | None:
        try:
            kept = read_own(self.last_good_path, SIZE_LIMIT).decode("utf-8")
            return parse(kept, self.last_good_path)
        except (OSError, UnicodeDecodeError, SettingsError, StoreError):
            return None


def _without_login(text: str) -> str:
    """Leave of a camera's address its host alone, in what is kept of settings of before.

    The address itself stays in the settings, until their user takes it out. Raises ValueError and
    RecursionError for what is no TOML.
    """
    camera = load_toml(text).get("camera")
    source = camera.get("source") if isinstance(camera, dict) else None
    if not isinstance(source, str) or not addresses.holds_login(source):
        return text
    import tomlkit

    document: Any = tomlkit.parse(text)
    document["camera"]["source"] = addresses.place(source)
    return tomlkit.dumps(document)


def _instead_of(dwell: object) -> dict[str, object]:
    """Find what comes nearest to a ``mood.dwell`` of before.

    Those were the seconds that an emotion had to lead; the default was 10.
    """
    if isinstance(dwell, bool) or not isinstance(dwell, int | float) or 5 < dwell < 20:
        return {}
    if dwell >= 20:
        return {"steadiness": "calm"}
    if dwell >= 3:
        return {"steadiness": "quick"}
    return {"certainty": 0.75, "pace": max(0.02, round(float(dwell) / 20, 3))}


def default_text() -> str:
    """Return the commented settings file of a first start."""
    return (resources_dir() / "settings.toml").read_text(encoding="utf-8")


def parse(
    text: str, path: Path | None, called: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """Turn TOML text into settings. Raises SettingsError.

    ``path`` is for the message, None for text that is not yet in the file; ``called``: other names
    for keys.
    """
    values = _toml(text, path or Path("settings"))
    settings: Settings | None = None
    wrong: ValidationError | None = None
    try:
        # As JSON pydantic is strict in the way a settings file wants it: lists are welcome where
        # tuples are kept, times may be written as text, but "5" is no number and 1 is not true.
        settings = Settings.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        wrong = error
    entries = _paths_in(values)
    if settings is not None and all(is_whole_path(entry) for _rest, entry in entries):
        return settings
    from agent.store import settings_errors

    raise settings_errors.all_errors(path, text, wrong, entries, called) from wrong


_OUR_LOOPS = {f"{LOOPS}{emotion}" for emotion in EMOTIONS}


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return load_toml(text)
    except tomllib.TOMLDecodeError as error:
        from agent.store import settings_errors

        raise settings_errors.syntax_error(path, text, error) from error
    except RecursionError as error:
        raise SettingsError(
            _(
                "{path} nests lists or sections hundreds deep. The settings "
                "need two levels: sections and the names in them."
            ).format(path=path)
        ) from error
    except ValueError as error:  # a date such as 2026-02-31, a number of 30 digits
        raise SettingsError(f"{path}: {error}.") from error


def _paths_in(values: Mapping[str, Any]) -> list[tuple[tuple[str, str], str]]:
    """List (keys, text) of all that stands for a path, while values are not checked yet."""
    found: list[tuple[tuple[str, str], str]] = []
    folders = values.get("local_playlists")
    if isinstance(folders, dict):
        for emotion, several in folders.items():
            for entry in several if isinstance(several, list) else ():
                if isinstance(entry, str) and entry not in _OUR_LOOPS:
                    found.append((("local_playlists", emotion), entry))
    camera = values.get("camera")
    source = camera.get("source") if isinstance(camera, dict) else None
    if isinstance(source, str) and not (source.isdecimal() or addresses.is_address(source)):
        found.append((("camera", "source"), source))
    return found


# -- values in a text


def _flat(settings: Settings) -> dict[str, object]:
    """List all that differs from nothing: dotted key -> value as TOML holds it, no Nones."""
    values: dict[str, object] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            inner = {key: getattr(value, key) for key in type(value).model_fields}
        elif isinstance(value, dict):
            inner = value
        else:
            values[name] = value
            continue
        values.update({f"{name}.{key}": _plain(v) for key, v in inner.items() if v is not None})
    return values


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, time):
        return value.isoformat("minutes" if not value.second else "auto")
    return value


def _with_value(text: str, key: str, value: object) -> str:
    import tomlkit
    from tomlkit.exceptions import ConvertError

    section, _rest, name = key.rpartition(".")
    if text and not text.endswith("\n"):
        text += "\n"
    if value is not None:
        text = _uncommented(text, section, name)
    document = tomlkit.parse(text)
    table: Any = document
    if section:
        if section not in document:
            if value is None:
                return text
            document[section] = tomlkit.table()
        table = document[section]
        if not isinstance(table, dict):
            raise SettingsError(
                _("[{section}] must be a section with settings of its own.").format(section=section)
            )
    if value is None:
        if name in table:
            del table[name]
    else:
        is_new = name not in table
        try:
            table[name] = written = tomlkit.item(_plain(value))
        except ConvertError as error:
            raise SettingsError(
                _("{key} cannot hold {value!r}.").format(key=key, value=value)
            ) from error
        if is_new and (placed := _placed(text, section, name, written.as_string())):
            return placed
    return tomlkit.dumps(document)


def _placed(text: str, section: str, name: str, written: str) -> str | None:
    """Put a new key behind the last one of its section, else behind the last "# name = default".

    Else it stands directly below the section's head: never below what is said of the next one.
    None where the text is written in a way that hides the place.
    """
    lines = text.splitlines(keepends=True)
    here, head, last, shown = "", None, None, None
    for index, line in enumerate(lines):
        begun = section_of(line)
        if begun is not None:
            here = begun
            head = index if here == section else head
        elif here == section and line.strip():
            if not line.lstrip().startswith("#"):
                last = index  # a value of several lines ends with one that is no comment
            elif re.match(r"#\s?[A-Za-z0-9_-]+\s*=", line):
                shown = index
    places = [index for index in (last, shown, head) if index is not None]
    if not places:
        return None
    before = lines[places[0]]
    end = before[len(before.rstrip("\r\n")) :]
    lines.insert(places[0] + 1, f"{name} = {written}{end}")
    changed = "".join(lines)
    try:
        found, expected = tomllib.loads(changed), tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    if section and section not in expected:  # its head was but part of a text
        return None
    table = expected[section] if section else expected
    table[name] = tomllib.loads(f"x = {written}")["x"]
    return changed if found == expected else None


def _uncommented(text: str, section: str, name: str) -> str:
    """Bring the file's own "# name = default" line to life.

    So a value that is set for the first time stands under the words that explain it.
    """
    lines = text.splitlines(keepends=True)
    commented = re.compile(rf"^#\s?({re.escape(name)}\s*=.*)$", re.DOTALL)
    here, candidate = "", None
    for index, line in enumerate(lines):
        begun = section_of(line)
        if begun is not None:
            here = begun
        elif here == section:
            if re.match(rf"^\s*{re.escape(name)}\s*=", line):
                return text
            if candidate is None and commented.match(line):
                candidate = index
    if candidate is None:
        return text
    lines[candidate] = commented.sub(r"\1", lines[candidate])
    changed = "".join(lines)
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        return text  # it was prose that only looked like a setting
    return changed
