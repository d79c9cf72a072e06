"""Which playlists belong to which emotion: what users paste -> what Spotify is asked to play."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from agent import addresses
from agent.errors import SettingsError
from agent.players.spotify.cache import DisplayCache
from agent.printable import printable
from agent.settings import Settings
from agent.translation import _
from agent.types import MoodState, Playlist

_ID = "[0-9A-Za-z]{22}"
_KIND = r"(?P<kind>(?i:playlist|album|artist|show))"
_HOST = r"(?i:(?:https?://)?(?:open|play)\.spotify\.com/(?:intl-[a-z-]+/)?(?:embed/)?)"
_REST = r"/?(?:[?#].*)?"
_FORMS = (
    re.compile(rf"(?i:spotify:){_KIND}:(?P<id>{_ID}){_REST}"),
    # The form of older programs.
    re.compile(rf"(?i:spotify:user:[^:]+:)(?P<kind>(?i:playlist)):(?P<id>{_ID}){_REST}"),
    re.compile(rf"{_HOST}(?:user/[^/]+/)?{_KIND}/(?P<id>{_ID}){_REST}"),
    re.compile(rf"(?P<id>{_ID})"),
)
_LIKED = re.compile(r"spotify:user:[^:\s]+:collection")
_ANY_LIKED = re.compile(rf"(?i:spotify:collection(?::.*)?)|{_HOST}(?i:collection)(?:/.*)?{_REST}")
_SHORT = re.compile(r"(?i)(?:https?://)?(?:spotify\.link|spotify\.app\.link|spoti\.fi)/.*")
_SINGLE = re.compile(rf"(?:(?i:spotify:)|{_HOST})(?P<kind>(?i:track|episode))[:/].*")
_PLAYLIST = re.compile(rf"spotify:playlist:({_ID})")
_FORMER = re.compile(rf"spotify:user:[^:]+:playlist:({_ID})")
_WRAPPING = " \t\r\n<>\"'"


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that Spotify cannot be asked for; ``why`` names the remedy."""

    emotion: str
    entry: str
    why: str

    def __str__(self) -> str:
        return f"spotify_playlists.{self.emotion}: {self.why}"


def playlist_id(uri: str) -> str | None:
    """Read the ID of ``spotify:playlist:ID``; None for another context."""
    found = _PLAYLIST.fullmatch(uri)
    return found.group(1) if found else None


def canonical(text: str) -> str:
    """Write it as ``spotify:playlist:ID``, or the like for an album, an artist, a show.

    Or somebody's liked songs. Raises SettingsError that says what is accepted.
    """
    # Links from chats and pages bring characters along that nobody sees.
    cleaned = "".join(c for c in text if unicodedata.category(c) != "Cf").strip(_WRAPPING)
    if _LIKED.fullmatch(cleaned):
        return cleaned
    for form in _FORMS:
        found = form.fullmatch(cleaned)
        if found:
            kind = found.groupdict().get("kind") or "playlist"
            return f"spotify:{kind.lower()}:{found['id']}"
    raise SettingsError(_why(cleaned))


def _why(entry: str) -> str:
    shown = printable(addresses.place(entry) if addresses.holds_login(entry) else entry, 80)
    if _SHORT.fullmatch(entry):
        return _(
            "'{shown}' is a short link, which does not say what it leads "
            "to. Open it in a browser and paste the address that you come "
            "to."
        ).format(shown=shown)
    single = _SINGLE.fullmatch(entry)
    if single is not None:
        what = "song" if single["kind"].lower() == "track" else "episode"
        return _(
            "'{shown}' is a single {what}. Put it into a playlist and paste that one's link."
        ).format(shown=shown, what=what)
    if _ANY_LIKED.fullmatch(entry):
        return _(
            "'{shown}': liked songs need your name at Spotify. Write "
            "spotify:user:YOUR-USER-NAME:collection."
        ).format(shown=shown)
    return _(
        "'{shown}' is no Spotify playlist. Paste its link (in Spotify: "
        "Share, Copy link to playlist), which looks like "
        "https://open.spotify.com/playlist/ and 22 letters and digits; "
        "spotify:playlist:... and the 22 characters alone are fine "
        "too, and so are links of albums, artists and shows."
    ).format(shown=shown)


def canonical_context(uri: str) -> str:
    """Bring a context as Spotify reports it into the notation by which contexts are compared."""
    former = _FORMER.fullmatch(uri)
    return f"spotify:playlist:{former.group(1)}" if former else uri


def entries(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield (emotion, text, uri) of each entry that can be asked for."""
    for emotion, texts in settings.spotify_playlists.items():
        for text in texts:
            try:
                yield emotion, text, canonical(text)
            except SettingsError:
                continue  # told by refused()


def refused(settings: Settings) -> tuple[RefusedEntry, ...]:
    """List the entries that are skipped."""
    found = []
    for emotion, texts in settings.spotify_playlists.items():
        for text in texts:
            try:
                canonical(text)
            except SettingsError as error:
                found.append(RefusedEntry(emotion, text, error.message))
    return tuple(found)


def playlists_for(settings: Settings, cache: DisplayCache) -> dict[MoodState, tuple[Playlist, ...]]:
    """Make the mapping, with names as far as they are known.

    Without playlists known to be gone and without what :func:`refused` names.
    """
    mapping: dict[MoodState, dict[str, Playlist]] = {
        MoodState(emotion): {} for emotion in settings.spotify_playlists
    }
    for emotion, _rest, uri in entries(settings):
        if not cache.is_gone(uri):
            name = cache.name(uri) or _("your {emotion} {kind_of}").format(
                emotion=emotion, kind_of=kind_of(uri)
            )
            mapping[MoodState(emotion)][uri] = Playlist(uri, name)
    return {mood: tuple(found.values()) for mood, found in mapping.items()}


def kind_of(uri: str) -> str:
    """Say what it is, in words."""
    return _("liked songs") if _LIKED.fullmatch(uri) else uri.split(":")[1]
