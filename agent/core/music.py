"""The music as the controller knows it: what plays, what was decided, and what is under way.

Pure state with a clock: each method takes one fact and returns what is to be done about it. Whether
the music changes is the policy's to say (:mod:`agent.core.policy`), through :meth:`Dj.decide`.

Each play command is answered once: it took effect, failed, or was dropped because the user was
quicker. One that found no device becomes a wish, and is tried again when a device appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent import effects as do
from agent.core import messages as notices
from agent.core.play_requests import Wish, Wishes
from agent.core.policy import Circumstances, Listener, another, decide, still_looking
from agent.core.rotation import Repertoire
from agent.core.switches import Change, Changes, way_back
from agent.core.trouble import Troubles, hinders_all
from agent.errors import AgentError, NeedsLogin, NoDevice, PlayerError, PlaylistGone, ServiceDown
from agent.players.changes import visible
from agent.ports import Clock
from agent.settings import PolicySettings
from agent.timing import PLAY_AT_WORST
from agent.types import (
    Action,
    Chooser,
    Decision,
    Happening,
    MoodState,
    Playback,
    Playlist,
    PlayState,
)

_USERS_HAND = (Happening.USER_CHOSE, Happening.PAUSED, Happening.STARTED, Happening.RESUMED)


class Dj:
    """The player, its playlists, and every change of the music from the wish to the undo."""

    def __init__(self, clock: Clock, *, asked: bool) -> None:
        self._clock = clock
        self.player = ""
        self.logged_in: bool | None = None
        self.playback: Playback | None = None
        self.decision: Decision | None = None
        self._repertoire = Repertoire()
        self._changes = Changes()
        self._troubles = Troubles()
        self._wishes = Wishes()
        if asked:
            self._wishes.ask(clock.monotonic())
        self._ran_out = False  # our own playlist came to its end, and silence followed
        self._hands_off_until: float | None = None
        self._waiting = False  # for the track's end

    @property
    def error(self) -> PlayerError | None:
        """The player's trouble that is not over."""
        return self._troubles.error

    @property
    def switch(self) -> Decision | None:
        """The latest decision that changed the music."""
        return self._changes.latest

    # -- what the player reports

    def playback_changed(self, playback: Playback, happening: Happening) -> list[do.Effect]:
        """One reading of the player, and what happened since the last one."""
        out = self._keep_playback(playback)
        if happening is Happening.SKIPPED:
            ours = self._changes.skipped(playback, self._clock.monotonic())
            out += [] if ours is None else [do.RecordFeedback("skip", ours.uri)]
        if happening is Happening.CONTEXT_ENDED:
            self._ran_out = playback.chosen_by is Chooser.AGENT
        elif playback.state is PlayState.PLAYING or playback.paused_by_hand:
            self._ran_out = False
        if playback.state is not PlayState.UNAVAILABLE:
            self._wishes.deviceless = False
        if happening in _USERS_HAND:  # newer than any wish
            self._wishes.forget()
        return out

    def playlist_started(self, playlist: Playlist, playback: Playback) -> list[do.Effect]:
        """A play command was carried out."""
        self._troubles.over()
        out = self._keep_playback(playback)
        done = self._changes.answered(playlist) or self._changes.after_all(playlist)
        switch = None if done is None else self._changes.heard(done, playback)
        if switch is not None:
            self._wishes.forget()  # they are met by it
            out += [do.RecordSwitch(switch), do.Notify(notices.switched(switch))]
        return out

    def dropped(self, playlist: Playlist) -> None:
        """A play command came to nothing, and nobody needs to be told."""
        self._changes.answered(playlist)

    def failed(self, error: AgentError, playlist: Playlist | None) -> list[do.Effect]:
        """The player cannot; ``playlist``: the play command that failed. Each kind of trouble is
        told once until it was well again, but each failure of what the user asked for is."""
        failed = None if playlist is None else self._changes.answered(playlist)
        if isinstance(error, NeedsLogin):
            self.logged_in = False
        if failed is not None and failed.decision is None and not hinders_all(error):
            return [do.Notify(notices.not_taken_back(error))]
        news = self._troubles.met(error)
        again = failed is not None and self._try_again(error, failed)
        asked = failed is not None and failed.wish.asked
        if again or not (news or asked):
            return []
        return [do.Notify(replace(notices.trouble(error), asked=asked))]

    def _try_again(self, error: AgentError, failed: Change) -> bool:
        """What becomes of a start that failed; True when the user knows of it already."""
        if failed.decision is None:
            return False
        now = self._clock.monotonic()
        if isinstance(error, PlaylistGone):  # the next one may have its turn at once
            self._repertoire.is_gone(failed.playlist.uri, now)
            self._changes.came_to_nothing(failed)
            self._wishes.still_ask(failed.wish)
        elif isinstance(error, NoDevice):
            self._repertoire.keeps_its_turn(failed.playlist.uri)
            self._wishes.found_no_device(failed.wish, now)
            return failed.wish.tries > 0
        elif isinstance(error, ServiceDown):
            self._changes.doubt(failed)
        return False

    def recovered(self) -> None:
        """The player answers again, and has a device; :meth:`decide` then sees to what waited."""
        self._troubles.over()
        if self._wishes.device_found():
            self._changes.tried = None  # the start that failed is no reason to wait

    def player_changed(
        self,
        name: str,
        playlists: Mapping[MoodState, tuple[Playlist, ...]],
        logged_in: bool | None,
    ) -> None:
        """Another player, or other playlists, or another login."""
        if name != self.player:
            self.playback = None
            self._changes.lose_player()
            self._wishes.lose_player()
            self._troubles.over()
            self._ran_out = False
        self.player, self.logged_in = name, logged_in
        self._repertoire.replace(playlists)

    # -- what the user wishes

    def ask(self) -> None:
        """Music for the mood, please; :meth:`decide` answers."""
        now = self._clock.monotonic()
        sent = self._changes.under_way(now)
        if sent is None or sent.decision is None or not sent.wish.asked:
            self._wishes.ask(now)
        # else it is on its way: a double click is one wish

    def pause(self) -> list[do.Effect]:
        """Silence, please; an open wish for music is taken back by it."""
        self._wishes.forget()
        return [do.PauseMusic()]

    def try_all_again(self) -> None:
        """Playlists that were not found may be there now."""
        self._repertoire.try_all_again()

    def next_playlist(self, listener: Listener) -> list[do.Effect]:
        """Another playlist for the same mood."""
        now = self._clock.monotonic()
        if self._changes.under_way(now) is not None:
            return []  # a double click is one wish
        # The one that plays now goes last.
        if self.playback is not None and self.playback.context is not None:
            self._repertoire.had_its_turn(self.playback.context)
        playable = self._repertoire.playable(now)
        decision = another(listener, now, self._repertoire.started, playable)
        if decision.action is not Action.SWITCH_NOW:
            return [do.Notify(notices.nothing_to_play(decision.reason))]
        self.decision = decision
        return [do.Record(decision), self._carry_out(decision, Wish(now, True))]

    def undo(self, shown: Decision | None, policy: PolicySettings) -> list[do.Effect]:
        """Take the last switch back, and leave the music alone for a while. ``shown``: the switch
        that the user saw; one that is no longer the last, or after which they chose other music
        themselves, is left as it is."""
        other = shown is not None and shown != self._changes.latest
        heard = self.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        if other or (heard is not None and plays and heard.chosen_by is Chooser.USER):
            return [do.Notify(notices.no_longer_the_last())]
        change = self._changes.take_back()
        if change is None:
            return []
        switch, before = change
        now = self._clock.monotonic()
        self._hands_off_until = now + policy.hands_off_minutes * 60
        self._wishes.forget()
        out: list[do.Effect] = [
            do.RecordFeedback("undo", switch.playlist.uri if switch.playlist else "")
        ]
        if before.state is not PlayState.PLAYING:
            return [*out, do.PauseMusic()]
        back = way_back(before, switch.time)
        if back is None:
            return [*out, do.Notify(notices.not_taken_back(None))]
        self._changes.send(Change(back, now, Wish(now, True)))
        return [*out, do.Play(back, asked=True)]

    # -- decisions

    def decide(
        self,
        listener: Listener,
        policy: PolicySettings,
        happening: Happening = Happening.NOTHING,
    ) -> list[do.Effect]:
        """Ask the policy and act on its answer. Repeated equal answers are not recorded again."""
        now, wishes = self._clock.monotonic(), self._wishes
        if self._changes.under_way(now) is not None or not self.player:
            return []  # a change is under way, or there is nobody to carry one out
        about = Circumstances(
            now=now,
            watching=listener.watching,
            happening=happening,
            ran_out=self._ran_out,
            owed=wishes.owed is not None,
            deviceless=wishes.deviceless,
            awaited=wishes.waits_for_device,
            last_switch=self._changes.tried,
            hands_off_until=self._hands_off_until,
            asked_since=None if wishes.asked is None else wishes.asked.since,
            last_emotion=listener.last_emotion,
            started=self._repertoire.started,
        )
        playable = self._repertoire.playable(now)
        decision = decide(listener.mood, self.playback, about, policy, playable)
        out: list[do.Effect] = []
        if self.decision is None or _substance(decision) != _substance(self.decision):
            out.append(do.Record(decision))
        self.decision = decision
        if decision.action is Action.SWITCH_NOW:
            wish = wishes.asked or wishes.owed or Wish(now, False)
            out.append(self._carry_out(decision, wish))
        elif wishes.asked is not None and not still_looking(listener.mood, about):
            wishes.asked = None  # answered: there is nothing to play for it
            out.append(do.Notify(notices.nothing_to_play(decision.reason)))
        waiting = decision.action is Action.SWITCH_AT_END
        if waiting != self._waiting:
            self._waiting = waiting
            out.append(do.ExpectTrackEnd(waiting))
        return out

    def tick(self) -> None:
        """End what has waited long enough."""
        self._wishes.pass_time(self._clock.monotonic())

    def deadlines(self, policy: PolicySettings) -> list[float]:
        """Monotonic times at which :meth:`tick` or :meth:`decide` has something to do."""
        now = self._clock.monotonic()
        times = self._wishes.ends
        sent, tried = self._changes.under_way(now), self._changes.tried
        if sent is not None:
            times.append(sent.sent + PLAY_AT_WORST)
        elif self._wishes.asked is not None:
            times.append(now + 1.0)
        if tried is not None and tried + policy.cooldown > now:
            times.append(tried + policy.cooldown)
        return times

    def _keep_playback(self, playback: Playback) -> list[do.Effect]:
        known, self.playback = self.playback, playback
        if known is not None and visible(known) == visible(playback):
            return []
        return [do.Record(playback)]

    def _carry_out(self, decision: Decision, wish: Wish) -> do.Effect:
        assert decision.playlist is not None
        playlist, tried = decision.playlist, self._changes.tried
        self._changes.send(Change(playlist, decision.time, wish, decision, self.playback, tried))
        self._wishes.forget()
        self._hands_off_until = None
        self._repertoire.had_its_turn(playlist.uri)
        return do.Play(playlist, wish.asked)


def _substance(decision: Decision) -> tuple[object, ...]:
    return (decision.action, decision.mood, decision.playlist, decision.reason)
