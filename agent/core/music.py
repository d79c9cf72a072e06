"""The music as the controller knows it: what plays, what was decided, and what is under way.

Pure state with a clock: each method takes one fact and returns what is to be done about it. Whether
the music changes is the policy's to say (:mod:`agent.core.policy`), through
:meth:`MusicControl.decide`.

Each play command is answered once: it took effect, failed, or was dropped because the user was
quicker. One that found no device becomes a wish, and is tried again when a device appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent import effects
from agent.core import messages
from agent.core.play_requests import PlayRequest, PlayRequests
from agent.core.policy import Circumstances, Listener, another, decide, still_looking
from agent.core.rotation import Rotation
from agent.core.switches import Switch, Switches, way_back
from agent.errors import AgentError, NeedsLogin, NoDevice, PlayerError, PlaylistGone, ServiceDown
from agent.ports import Clock
from agent.settings import PolicySettings
from agent.timing import PLAY_AT_WORST, ToldOnce
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

_ENDS_REQUESTS = (
    Happening.USER_CHOSE,
    Happening.PAUSED,
    Happening.STARTED,
    Happening.RESUMED,
)
"""What the user does to the player is newer than any request for music."""


class ReportedErrors:
    """What of the player's trouble is told: each kind once, until it was well again."""

    def __init__(self) -> None:
        self.error: PlayerError | None = None
        """The latest that is not over."""
        self._told = ToldOnce()

    def met(self, error: AgentError) -> bool:
        """Take note of trouble; True when it is news."""
        if isinstance(error, PlayerError):
            self.error = error
        return self._told.is_news(type(error))

    def over(self) -> None:
        """Forget all: the player answers again."""
        self.error = None
        self._told.all_well()


class MusicControl:
    """The player, its playlists, and every change of the music from the wish to the undo."""

    def __init__(self, clock: Clock, *, asked: bool) -> None:
        self._clock = clock
        self.player = ""
        self.logged_in: bool | None = None
        self.playback: Playback | None = None
        self.decision: Decision | None = None
        self._rotation = Rotation()
        self._switches = Switches()
        self._errors = ReportedErrors()
        self._requests = PlayRequests()
        if asked:
            self._requests.ask(clock.monotonic())
        self._ran_out = False  # our own playlist came to its end, and silence followed
        self._hands_off_until: float | None = None
        self._waiting = False  # for the track's end

    @property
    def error(self) -> PlayerError | None:
        """The player's trouble that is not over."""
        return self._errors.error

    @property
    def switch(self) -> Decision | None:
        """The latest decision that changed the music."""
        return self._switches.latest

    # -- what the player reports

    def playback_changed(self, playback: Playback, happening: Happening) -> list[effects.Effect]:
        """Take in one reading of the player, and what happened since the last one."""
        out = self._keep_playback(playback)
        if happening is Happening.SKIPPED:
            ours = self._switches.skipped(playback, self._clock.monotonic())
            out += [] if ours is None else [effects.RecordFeedback("skip", ours.uri)]
        if happening is Happening.CONTEXT_ENDED:
            self._ran_out = playback.chosen_by is Chooser.AGENT
        elif playback.state is PlayState.PLAYING or playback.paused_by_hand:
            self._ran_out = False
        if playback.state is not PlayState.UNAVAILABLE:
            self._requests.deviceless = False
        if happening in _ENDS_REQUESTS:
            self._requests.forget()
        return out

    def playlist_started(self, playlist: Playlist, playback: Playback) -> list[effects.Effect]:
        """Take in that a play command was carried out."""
        self._errors.over()
        out = self._keep_playback(playback)
        done = self._switches.answered(playlist) or self._switches.after_all(playlist)
        switch = None if done is None else self._switches.heard(done, playback)
        if switch is not None:
            self._requests.forget()  # they are met by it
            out += [effects.RecordSwitch(switch), effects.Notify(messages.switched(switch))]
        return out

    def dropped(self, playlist: Playlist) -> None:
        """Take in that a play command came to nothing, and nobody needs to be told."""
        self._switches.answered(playlist)

    def failed(self, error: AgentError, playlist: Playlist | None) -> list[effects.Effect]:
        """Take in that the player cannot; ``playlist``: the play command that failed.

        Each kind of trouble is told once until it was well again, but each failure of what the user
        asked for is.
        """
        failed = None if playlist is None else self._switches.answered(playlist)
        if isinstance(error, NeedsLogin):
            self.logged_in = False
        if failed is not None and failed.decision is None and not _hinders_all(error):
            return [effects.Notify(messages.not_taken_back(error))]
        news = self._errors.met(error)
        again = failed is not None and self._try_again(error, failed)
        asked = failed is not None and failed.wish.asked
        if again or not (news or asked):
            return []
        return [effects.Notify(replace(messages.trouble(error), asked=asked))]

    def _try_again(self, error: AgentError, failed: Switch) -> bool:
        """Decide what becomes of a start that failed; True when the user knows of it already."""
        if failed.decision is None:
            return False
        now = self._clock.monotonic()
        if isinstance(error, PlaylistGone):  # the next one may have its turn at once
            self._rotation.is_gone(failed.playlist.uri, now)
            self._switches.came_to_nothing(failed)
            self._requests.still_ask(failed.wish)
        elif isinstance(error, NoDevice):
            self._rotation.keeps_its_turn(failed.playlist.uri)
            self._requests.found_no_device(failed.wish, now)
            return failed.wish.tries > 0
        elif isinstance(error, ServiceDown):
            self._switches.doubt(failed)
        return False

    def recovered(self) -> None:
        """Take in that the player answers and has a device; :meth:`decide` sees to what waited."""
        self._errors.over()
        if self._requests.device_found():
            self._switches.tried = None  # the start that failed is no reason to wait

    def player_changed(
        self,
        name: str,
        playlists: Mapping[MoodState, tuple[Playlist, ...]],
        logged_in: bool | None,
    ) -> None:
        """Take in another player, other playlists, or another login."""
        if name != self.player:
            self.playback = None
            self._switches.lose_player()
            self._requests.lose_player()
            self._errors.over()
            self._ran_out = False
        self.player, self.logged_in = name, logged_in
        self._rotation.replace(playlists)

    # -- what the user wishes

    def ask(self) -> None:
        """Ask for music that fits the mood; :meth:`decide` answers."""
        now = self._clock.monotonic()
        sent = self._switches.under_way(now)
        if sent is None or sent.decision is None or not sent.wish.asked:
            self._requests.ask(now)
        # else it is on its way: a double click is one wish

    def pause(self) -> list[effects.Effect]:
        """Pause the music; an open request for music is taken back by it."""
        self._requests.forget()
        return [effects.PauseMusic()]

    def try_all_again(self) -> None:
        """Try playlists that were not found: they may be there now."""
        self._rotation.try_all_again()

    def next_playlist(self, listener: Listener) -> list[effects.Effect]:
        """Change to another playlist for the same mood."""
        now = self._clock.monotonic()
        if self._switches.under_way(now) is not None:
            return []  # a double click is one wish
        # The one that plays now goes last.
        if self.playback is not None and self.playback.context is not None:
            self._rotation.had_its_turn(self.playback.context)
        playable = self._rotation.playable(now)
        decision = another(listener, now, self._rotation.started, playable)
        if decision.action is not Action.SWITCH_NOW:
            return [effects.Notify(messages.nothing_to_play(decision.reason))]
        self.decision = decision
        return [effects.Record(decision), self._carry_out(decision, PlayRequest(now, True))]

    def undo(self, shown: Decision | None, policy: PolicySettings) -> list[effects.Effect]:
        """Take the last switch back, and leave the music alone for a while.

        ``shown``: the switch that the user saw; one that is no longer the last, or after which they
        chose other music themselves, is left as it is.
        """
        other = shown is not None and shown != self._switches.latest
        heard = self.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        if other or (heard is not None and plays and heard.chosen_by is Chooser.USER):
            return [effects.Notify(messages.no_longer_the_last())]
        change = self._switches.take_back()
        if change is None:
            return []
        switch, before = change
        now = self._clock.monotonic()
        self._hands_off_until = now + policy.hands_off_minutes * 60
        self._requests.forget()
        out: list[effects.Effect] = [
            effects.RecordFeedback("undo", switch.playlist.uri if switch.playlist else "")
        ]
        if before.state is not PlayState.PLAYING:
            return [*out, effects.PauseMusic()]
        back = way_back(before, switch.time)
        if back is None:
            return [*out, effects.Notify(messages.not_taken_back(None))]
        self._switches.send(Switch(back, now, PlayRequest(now, True)))
        return [*out, effects.Play(back, asked=True)]

    # -- decisions

    def decide(
        self,
        listener: Listener,
        policy: PolicySettings,
        happening: Happening = Happening.NOTHING,
    ) -> list[effects.Effect]:
        """Ask the policy and act on its answer. Repeated equal answers are not recorded again."""
        now, wishes = self._clock.monotonic(), self._requests
        if self._switches.under_way(now) is not None or not self.player:
            return []  # a change is under way, or there is nobody to carry one out
        about = Circumstances(
            now=now,
            watching=listener.watching,
            happening=happening,
            ran_out=self._ran_out,
            owed=wishes.owed is not None,
            deviceless=wishes.deviceless,
            awaited=wishes.waits_for_device,
            last_switch=self._switches.tried,
            hands_off_until=self._hands_off_until,
            asked_since=None if wishes.asked is None else wishes.asked.since,
            last_emotion=listener.last_emotion,
            started=self._rotation.started,
        )
        playable = self._rotation.playable(now)
        decision = decide(listener.mood, self.playback, about, policy, playable)
        out: list[effects.Effect] = []
        if self.decision is None or _substance(decision) != _substance(self.decision):
            out.append(effects.Record(decision))
        self.decision = decision
        if decision.action is Action.SWITCH_NOW:
            wish = wishes.asked or wishes.owed or PlayRequest(now, False)
            out.append(self._carry_out(decision, wish))
        elif wishes.asked is not None and not still_looking(listener.mood, about):
            wishes.asked = None  # answered: there is nothing to play for it
            out.append(effects.Notify(messages.nothing_to_play(decision.reason)))
        waiting = decision.action is Action.SWITCH_AT_END
        if waiting != self._waiting:
            self._waiting = waiting
            out.append(effects.ExpectTrackEnd(waiting))
        return out

    def tick(self) -> None:
        """End what has waited long enough."""
        self._requests.pass_time(self._clock.monotonic())

    def deadlines(self, policy: PolicySettings) -> list[float]:
        """List the monotonic times at which :meth:`tick` or :meth:`decide` has something to do."""
        now = self._clock.monotonic()
        times = self._requests.ends
        sent, tried = self._switches.under_way(now), self._switches.tried
        if sent is not None:
            times.append(sent.sent + PLAY_AT_WORST)
        elif self._requests.asked is not None:
            times.append(now + 1.0)
        if tried is not None and tried + policy.cooldown > now:
            times.append(tried + policy.cooldown)
        return times

    def _keep_playback(self, playback: Playback) -> list[effects.Effect]:
        known, self.playback = self.playback, playback
        if known is not None and known.visible == playback.visible:
            return []
        return [effects.Record(playback)]

    def _carry_out(self, decision: Decision, wish: PlayRequest) -> effects.Effect:
        assert decision.playlist is not None
        playlist, tried = decision.playlist, self._switches.tried
        self._switches.send(Switch(playlist, decision.time, wish, decision, self.playback, tried))
        self._requests.forget()
        self._hands_off_until = None
        self._rotation.had_its_turn(playlist.uri)
        return effects.Play(playlist, wish.asked)


def _hinders_all(error: AgentError) -> bool:
    """Tell trouble of the player as a whole, which has its own words, from one playlist's."""
    return type(error) not in (PlayerError, PlaylistGone)


def _substance(decision: Decision) -> tuple[object, ...]:
    return (decision.action, decision.mood, decision.playlist, decision.reason)
