"""Moods → music as a file: to keep, or to take to another computer. Pure but for reading settings.

The file is TOML, in the form of the settings file's own two sections. Somebody else may have made
it: it leads to no other computer that the settings do not name.
"""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from agent.errors import SettingsError
from agent.printable import printable
from agent.settings import Settings
from agent.store.settings_file import parse
from agent.store.toml_text import load_toml
from agent.translation import _

NAME = "moodtray-music.toml"
SECTIONS = ("local_playlists", "spotify_playlists")
PER_MOOD = 100
"""Playlists that one mood can have by the page."""


def write(settings: Settings) -> str:
    """Write the mapping of these settings as a file's text."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(_("Moodtray: which music for which mood.")))
    document.add(tomlkit.comment(_("To load it: Moods and music on the page, Load from a file…")))
    for section in SECTIONS:
        table = tomlkit.table()
        for mood, entries in getattr(settings, section).items():
            table[mood] = list(entries)
        document[section] = table
    return tomlkit.dumps(document)


def read(text: str, settings: Settings) -> Settings:
    """Put the mapping of a file into settings.

    Raises SettingsError that says what is wrong with the file; nothing of it is taken then.
    """
    name = _("This file")
    try:
        values = load_toml(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            _("{file} is no music list of Moodtray: {why}.").format(file=name, why=str(error))
        ) from error
    if not set(values) & set(SECTIONS):
        raise SettingsError(
            _("{file} is no music list of Moodtray: it has neither {one} nor {other}.").format(
                file=name, one=f"[{SECTIONS[0]}]", other=f"[{SECTIONS[1]}]"
            )
        )
    strange = [key for key in values if key not in (*SECTIONS, "version")]
    if strange:
        raise SettingsError(
            _("{file} holds more than a music list: {what}. Take that out first.").format(
                file=name, what=", ".join(strange)[:200]
            )
        )
    found = parse(text, Path(name))
    for section in SECTIONS:
        if any(len(entries) > PER_MOOD for entries in getattr(found, section).values()):
            raise SettingsError(_("A mood takes at most {n} playlists.").format(n=PER_MOOD))
    mine = {entry for entries in settings.local_playlists.values() for entry in entries}
    for entry in (entry for entries in found.local_playlists.values() for entry in entries):
        # Windows logs in to whatever computer a path names, with the user's name and password.
        if PureWindowsPath(entry).drive.startswith("\\\\") and entry not in mine:
            raise SettingsError(
                _(
                    "{file} leads to another computer: {place}. If you trust it, choose that "
                    "folder for one of your moods first, and load the file then."
                ).format(file=name, place=printable(entry))
            )
    return settings.model_copy(update={section: getattr(found, section) for section in SECTIONS})
