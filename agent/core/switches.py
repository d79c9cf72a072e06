"""One change of the music, from the command to the way back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.core.play_requests import PlayRequest
from agent.core.policy import CHOSE, RESUMED
from agent.timing import PLAY_AT_WORST
from agent.translation import _
from agent.types import (
    Action,
    Chooser,
    Decision,
    MoodState,
    Place,
    Playback,
    Playlist,
    PlayState,
)

EARLY_SKIP = 60.0
"""A skip that soon after our switch was heard is taken as feedback on it."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A play command that was not answered yet.

    ``decision``: what is to be heard and why; ``before``: what played when it was sent. With
    ``back`` it takes a change back. ``told_mood``: it follows the user's own word on how they feel;
    ``ends``: what ends with it, in the user's words; ``takes_back``: it is that of the latest
    change; ``undoes``: the playlist's address of it, where the user has asked for an Undo.
    """

    playlist: Playlist
    sent: float
    wish: PlayRequest
    decision: Decision
    back: bool = False
    before: Playback | None = None
    switch_before: float | None = None  # the change before it, should this one come to nothing
    told_mood: bool = False
    ends: tuple[str, ...] = ()
    takes_back: bool = False
    undoes: str | None = None


def way_back(before: Playback, left: float) -> Playlist | None:
    """Return what played ``before``, at the place where it was ``left`` (monotonic).

    None: the player did not say what it was. A single track without a context is its own way back.
    """
    uri = before.context or before.track
    if uri is None:
        return None
    place = None
    if before.track is not None:
        position = (before.position or 0.0) + max(0.0, left - before.time)
        place = Place(before.track, min(position, before.duration or position))
    name = before.context_name if before.context is not None else before.title
    return Playlist(uri, name or _("what played before"), place)


class Switches:
    """The command under way, and the latest change that was heard."""

    def __init__(self) -> None:
        self.latest: Decision | None = None
        """The latest change that was heard."""
        self.earlier: Decision | None = None
        """The change before the latest: why that music played which an Undo leads back to."""
        self._stands: Decision | None = None  # why that plays which was heard last
        self.tried: float | None = None
        """When the latest was tried."""
        self._sent: Switch | None = None
        self._doubtful: Switch | None = None  # it failed, and may have taken effect all the same
        self.change: Decision | None = None
        """The same for people: what was heard last, the taking back of a change included."""
        self._before: Playback | None = None  # what played before the latest
        self._undone: tuple[Decision, Playback] | None = None  # what was taken back last
        self._heard_since = 0.0
        self._is_silent = False  # since the latest change, which was silence

    def under_way(self, now: float) -> Switch | None:
        """Return the command whose answer is waited for.

        One that outlasts all patience no longer keeps from deciding anew, but its late answer is
        still heard.
        """
        sent = self._sent
        return None if sent is None or now - sent.sent >= PLAY_AT_WORST else sent

    def send(self, change: Switch) -> None:
        """Note a command that goes out; it replaces one that was not answered."""
        self._sent, self._doubtful = change, None
        if not change.back:
            self.tried = change.sent

    def answered(self, playlist: Playlist | None) -> Switch | None:
        """End the command that this answers, and return it; None: it was given up before."""
        sent = self._sent
        if sent is None or sent.playlist != playlist:
            return None
        self._sent = None
        return sent

    def doubt(self, change: Switch) -> None:
        """Note that it failed so that nobody knows whether it took effect."""
        self._doubtful = change

    def after_all(self, playlist: Playlist) -> Switch | None:
        """Return the doubtful command, if it is ``playlist`` that took effect after all."""
        doubtful = self._doubtful
        if doubtful is None or doubtful.playlist != playlist:
            return None
        self._doubtful = None
        return doubtful

    def heard(self, change: Switch, playback: Playback) -> Decision | None:
        """Note that it took effect: the new latest change; None when it took one back."""
        # The player knows the playlist's name; before it was started we may not have.
        name = playback.context_name or change.playlist.name
        self.change = replace(change.decision, playlist=Playlist(change.playlist.uri, name))
        if change.back:
            self._stands = self.earlier
            return None
        self.latest, self._undone = self.change, None
        self.earlier, self._stands = self._stands, self.change
        self._before, self._heard_since = change.before, playback.time
        return self.latest

    def fell_silent(self, change: Decision) -> None:
        """Note that a change was taken back, and that nothing played before it."""
        self.change, self._stands, self._is_silent = change, None, False

    def broke_silence(self, playback: Playback) -> bool:
        """Tell whether music plays again, at the user's wish, where the latest change was silence.

        Not what plays on until the pause has come.
        """
        if self.change is None or self.change.playlist is not None:
            return False
        plays, was_silent = playback.state is PlayState.PLAYING, self._is_silent
        self._is_silent = was_silent or not plays
        if not (plays and was_silent):
            return False
        chosen = playback.chosen_by is Chooser.USER
        self.change = _by_hand(playback, self.change.mood, _(CHOSE if chosen else RESUMED))
        return True

    def user_chose(self, playback: Playback) -> None:
        """Note that the user has started other music than the latest change brought."""
        change = self.change
        if change is None or (change.playlist and playback.shows(change.playlist.uri)):
            return
        if playback.chosen_by is Chooser.USER:
            self.change = _by_hand(playback, change.mood, _(CHOSE))

    def came_to_nothing(self, change: Switch) -> None:
        """Note that nothing was changed, so the next may come at once."""
        self.tried = change.switch_before

    @property
    def before(self) -> Playback | None:
        """What played before the latest change; None: there is nothing to take back."""
        return None if self.latest is None else self._before

    def skipped(self, playback: Playback, now: float) -> Playlist | None:
        """Return the playlist of our latest change, if ``playback`` shows an early skip of it."""
        ours = None if self.latest is None else self.latest.playlist
        soon = now - self._heard_since < EARLY_SKIP
        return ours if ours is not None and soon and playback.shows(ours.uri) else None

    def take_back(self) -> tuple[Decision, Playback] | None:
        """Return the latest change and what played before it, once; None: nothing is to undo.

        ``change`` stays what it is until what played before is heard again.
        """
        latest, before = self.latest, self._before
        if latest is None or before is None:
            return None
        self._undone = latest, before
        self.latest = self._before = self._sent = self._doubtful = None
        return latest, before

    def stands_again(self) -> None:
        """Note that taking the latest change back came to nothing: it may be tried again."""
        if self._undone is not None:
            self.latest, self._before = self._undone

    def forget_everything(self) -> None:
        """Forget what was changed and why; there is nothing to take back any more."""
        self.latest = self.change = self.earlier = self._stands = None
        self._before = self._doubtful = self._undone = None

    def lose_player(self) -> None:
        """Forget all, since another player is in use, or nobody is logged in to it any more."""
        self.forget_everything()
        self._sent = None


def _by_hand(playback: Playback, mood: MoodState, why: str) -> Decision:
    """Make of the user's own start of music the latest change, for people."""
    name = playback.context_name or playback.title or _("the music")
    heard = Playlist(playback.context or playback.track or "", name)
    return Decision(playback.time, Action.KEEP, mood, heard, why)
