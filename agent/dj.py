"""The music as the controller knows it: what plays, what was decided, and what is under way.

Pure state with a clock: each method takes one fact and returns what is to be done about it. Whether
the music changes is the policy's to say (:mod:`agent.core.policy`), through :meth:`Dj.decide`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent import effects as do
from agent import notices
from agent.core.happened import visible
from agent.core.policy import Circumstances, decide, still_looking
from agent.errors import AgentError, NeedsLogin, PlayerError, PlaylistGone
from agent.ports import Clock
from agent.settings import PolicySettings
from agent.types import (
    Action,
    Chooser,
    Decision,
    Happening,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
)

COMMAND_PATIENCE = 20.0
"""Seconds after which a play command that was neither confirmed nor refused is forgotten."""
GONE_FOR = 3600.0
"""Seconds for which a playlist that was not found is not tried again."""
EARLY_SKIP = 60.0
"""A skip that soon after our switch is taken as feedback on it."""
REMEMBERED_STARTS = 50


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, as far as it is known."""

    mood: Mood
    watching: bool  # False: the mood is not seen just now
    last_emotion: MoodState | None


class Dj:
    """The player, its playlists, and every change of the music from the wish to the undo."""

    def __init__(self, clock: Clock, *, asked: bool) -> None:
        self._clock = clock
        self.player = ""
        self.logged_in: bool | None = None
        self.playback: Playback | None = None
        self.error: PlayerError | None = None
        self.decision: Decision | None = None
        self.switch: Decision | None = None
        self._playlists: Mapping[MoodState, tuple[Playlist, ...]] = {}
        self._told: set[type[AgentError]] = set()
        self._commanded: Decision | None = None  # a play command under way
        self._before_switch: Playback | None = None
        self._last_switch: float | None = None
        self._switch_before: float | None = None  # the one before that, should it come to nothing
        self._gone: dict[str, float] = {}  # playlists that could not be found, and when
        self._ran_out = False  # our own playlist came to its end, and silence followed
        self._hands_off_until: float | None = None
        self._asked_since: float | None = clock.monotonic() if asked else None
        self._started: deque[str] = deque(maxlen=REMEMBERED_STARTS)
        self._waiting = False

    # -- what the player reports

    def playback_changed(self, playback: Playback, happening: Happening) -> list[do.Effect]:
        """One reading of the player, and what happened since the last one."""
        out = self._keep_playback(playback)
        if (
            happening is Happening.SKIPPED
            and self.switch is not None
            and self._clock.monotonic() - self.switch.time < EARLY_SKIP
            and self.switch.playlist is not None
        ):
            out.append(do.RecordFeedback("skip", self.switch.playlist.uri))
        if happening is Happening.CONTEXT_ENDED:
            self._ran_out = playback.chosen_by is Chooser.AGENT
        elif playback.state is PlayState.PLAYING or playback.paused_by_hand:
            self._ran_out = False
        if happening in (Happening.USER_CHOSE, Happening.PAUSED, Happening.STARTED):
            self._asked_since = None  # the user's hand is newer than the wish
            self._commanded = None  # and than a command under way
        return out

    def playlist_started(self, playlist: Playlist, playback: Playback) -> list[do.Effect]:
        """A play command was carried out."""
        self.well()
        out = self._keep_playback(playback)
        done, self._commanded = self._commanded, None
        if done is not None and done.playlist == playlist:
            # The player knows the playlist's name; before it was started we may not have.
            known = Playlist(playlist.uri, playback.context_name or playlist.name)
            self.switch = replace(done, playlist=known)
            out += [do.RecordSwitch(self.switch), do.Notify(notices.switched(self.switch))]
        return out

    def failed(self, error: AgentError, playlist: Playlist | None) -> list[do.Effect]:
        """The player cannot; ``playlist``: the play command that failed. Each kind of trouble is
        told once, until it was well again."""
        if playlist is not None:
            self._commanded = None
        if isinstance(error, PlaylistGone) and playlist is not None:
            # Nothing was changed, so the next one may have its turn at once.
            self._gone[playlist.uri] = self._clock.monotonic()
            self._last_switch = self._switch_before
        if isinstance(error, NeedsLogin):
            self.logged_in = False
        if isinstance(error, PlayerError):
            self.error = error
        if type(error) in self._told:
            return []
        self._told.add(type(error))
        return [do.Notify(notices.trouble(error))]

    def well(self) -> None:
        """The player answers again."""
        self.error = None
        self._told.clear()

    def player_changed(
        self,
        name: str,
        playlists: Mapping[MoodState, tuple[Playlist, ...]],
        logged_in: bool | None,
    ) -> None:
        """Another player, or other playlists, or another login."""
        if name != self.player:
            self.playback = self._before_switch = self._commanded = None
            self._ran_out = False
            self.well()
        self.player, self._playlists, self.logged_in = name, playlists, logged_in

    # -- what the user wishes

    def ask(self) -> None:
        """Music for the mood, please; :meth:`decide` answers."""
        if self._commanded is None:  # else it is on its way: a double click is one wish
            self._asked_since = self._clock.monotonic()

    def pause(self) -> list[do.Effect]:
        """Silence, please; an open wish for music is taken back by it."""
        self._asked_since = None
        return [do.PauseMusic()]

    def try_all_again(self) -> None:
        """Playlists that were not found may be there now."""
        self._gone.clear()

    def next_playlist(self, listener: Listener, policy: PolicySettings) -> list[do.Effect]:
        """Another playlist for the same mood."""
        if self._commanded is not None:
            return []  # a double click is one wish
        state = listener.mood.state
        if not state.is_emotion:
            state = listener.last_emotion or MoodState.NEUTRAL
        now = self._clock.monotonic()
        # As a request, so that the hand rules do not apply; the one that plays now goes last.
        if self.playback is not None and self.playback.context is not None:
            self._started.append(self.playback.context)
        decision = decide(
            Mood(state, now, 1.0, by_hand=True),
            self.playback,
            Circumstances(now=now, asked_since=now, started=tuple(self._started)),
            policy,
            self._playable,
        )
        if decision.action is not Action.SWITCH_NOW:
            return []
        self.decision = Decision(
            now, decision.action, state, decision.playlist, "you asked for another playlist"
        )
        return [do.Record(self.decision), self._carry_out(self.decision, asked=True)]

    def undo(self, policy: PolicySettings) -> list[do.Effect]:
        """Take the last switch back, and leave the music alone for a while."""
        before, switch = self._before_switch, self.switch
        if before is None or switch is None:
            return []
        self._hands_off_until = self._clock.monotonic() + policy.hands_off_minutes * 60
        self._before_switch, self.switch = None, None
        back: do.Effect = do.PauseMusic()
        if before.state is PlayState.PLAYING and before.context is not None:
            playlist = Playlist(before.context, before.context_name or before.context)
            back = do.Play(playlist, asked=True)
        return [do.RecordFeedback("undo", switch.playlist.uri if switch.playlist else ""), back]

    # -- decisions

    def decide(
        self,
        listener: Listener,
        policy: PolicySettings,
        happening: Happening = Happening.NOTHING,
    ) -> list[do.Effect]:
        """Ask the policy and act on its answer. Repeated equal answers are not recorded again."""
        if self._commanded is not None or not self.player:
            return []  # a change is under way, or there is nobody to carry one out
        about = Circumstances(
            now=self._clock.monotonic(),
            watching=listener.watching,
            happening=happening,
            ran_out=self._ran_out,
            last_switch=self._last_switch,
            hands_off_until=self._hands_off_until,
            asked_since=self._asked_since,
            last_emotion=listener.last_emotion,
            started=tuple(self._started),
        )
        decision = decide(listener.mood, self.playback, about, policy, self._playable)
        out: list[do.Effect] = []
        if self.decision is None or _substance(decision) != _substance(self.decision):
            out.append(do.Record(decision))
        self.decision = decision
        if decision.action is Action.SWITCH_NOW:
            out.append(self._carry_out(decision, asked=self._asked_since is not None))
        elif self._asked_since is not None and not still_looking(listener.mood, about):
            self._asked_since = None  # answered: there is nothing to play for it
            out.append(do.Notify(notices.nothing_to_play(decision.reason)))
        waiting = decision.action is Action.SWITCH_AT_END
        if waiting != self._waiting:
            self._waiting = waiting
            out.append(do.ExpectTrackEnd(waiting))
        return out

    def tick(self) -> None:
        """Forget a command that nobody answered."""
        sent = self._commanded
        if sent is not None and self._clock.monotonic() - sent.time >= COMMAND_PATIENCE:
            self._commanded = None

    def deadlines(self, policy: PolicySettings) -> list[float]:
        """Monotonic times at which :meth:`tick` or :meth:`decide` has something to do."""
        now = self._clock.monotonic()
        times: list[float] = []
        if self._commanded is not None:
            times.append(self._commanded.time + COMMAND_PATIENCE)
        if self._asked_since is not None:
            times.append(now + 1.0)
        if self._last_switch is not None and self._last_switch + policy.cooldown > now:
            times.append(self._last_switch + policy.cooldown)
        return times

    @property
    def _playable(self) -> Mapping[MoodState, tuple[Playlist, ...]]:
        """The playlists without those that were not found of late."""
        now = self._clock.monotonic()
        gone = {uri for uri, since in self._gone.items() if now - since < GONE_FOR}
        return {
            mood: tuple(playlist for playlist in several if playlist.uri not in gone)
            for mood, several in self._playlists.items()
        }

    def _keep_playback(self, playback: Playback) -> list[do.Effect]:
        known, self.playback = self.playback, playback
        if known is not None and visible(known) == visible(playback):
            return []
        return [do.Record(playback)]

    def _carry_out(self, decision: Decision, *, asked: bool) -> do.Effect:
        assert decision.playlist is not None
        self._commanded = decision
        self._asked_since = None
        self._hands_off_until = None
        self._switch_before, self._last_switch = self._last_switch, decision.time
        self._before_switch = self.playback
        self._started.append(decision.playlist.uri)
        return do.Play(decision.playlist, asked)


def _substance(decision: Decision) -> tuple[object, ...]:
    return (decision.action, decision.mood, decision.playlist, decision.reason)
