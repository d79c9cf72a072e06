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
from datetime import datetime, timedelta
from typing import TypeVar

from agent import effects
from agent.core import messages
from agent.core.mood import OwnWord
from agent.core.play_requests import PlayRequest, PlayRequests
from agent.core.policy import (
    CHOSE,
    DEVICE_CLOSED,
    NOT_TAKEN_BACK,
    NOT_TAKEN_BACK_BEFORE,
    RESUMED,
    TOOK_BACK,
    TOOK_BACK_BEFORE,
    WAITS_FOR_ANSWER,
    WAITS_FOR_CHOICE,
    WAITS_FOR_DEVICE,
    Circumstances,
    Listener,
    Playlists,
    another,
    decide,
    fits,
    no_playlist,
    still_looking,
)
from agent.core.rotation import Rotation
from agent.core.switches import Switch, Switches, way_back
from agent.errors import (
    AgentError,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    PlaylistGone,
    RateLimited,
    ServiceDown,
    WhichDevice,
)
from agent.ports import Clock
from agent.settings import PolicySettings
from agent.timing import PLAY_AT_WORST, WISH_LIFE, WISH_TRIES, ToldOnce
from agent.translation import _, retold
from agent.types import (
    LOOPS,
    Action,
    Chooser,
    Command,
    Decision,
    Guide,
    Happening,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
    Term,
)
from agent.wording import FITS, clock_time, describe, in_the_past, mood_word

FRESH = 1.5
"""Seconds for which a reading of a player that others command as well is of now."""
READ_PATIENCE = 5.0
"""Seconds that the answer to a wish waits for a reading of now."""
LOOK_AGAIN = 5.0
"""Seconds within which a second look at what is told costs no further reading."""
RETURN_WITHIN = 1800.0
"""Seconds after which a player that was left does not go on by itself when it is back in use."""

PASSING = (RateLimited, Offline, ServiceDown)
"""Trouble that passes by itself, and with which the player does nothing at all."""
TroubleT = TypeVar("TroubleT", bound=AgentError)

_USERS_START = (Happening.USER_CHOSE, Happening.STARTED, Happening.RESUMED)
_ENDS_REQUESTS = (*_USERS_START, Happening.PAUSED)
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
        self._hands_off_why = ""  # in the user's words
        self._refused = ""  # uri of what was taken back then
        self._chosen = False  # the user chose the very music that is left alone, on our page
        self._left: dict[str, tuple[Playback, float]] = {}  # by player, and when
        self._silent_why = ""  # why a change was taken back into silence, while that lasts
        self._left_alone: Term | None = None  # the same by the wall clock
        self._told: OwnWord | None = None  # the user's word on their mood, not acted on
        self._own_word: OwnWord | None = None  # the latest, acted on or not
        self._gone: dict[str, Switch] = {}  # starts of playlists that were not found
        # The same, said while music rests or is paused; a mood: where a journey begins that was
        # wished for then.
        self._said_at_rest: OwnWord | MoodState | None = None
        self._resting: str | None = None  # why the music rests for a while
        self._to_go_on = False  # we paused it for that
        self._sent_before_rest: Switch | None = None  # a change that was on its way then
        self._is_silent = False  # since then
        self._pausing = False  # the user wants silence, and the player may not know it yet
        self._pauses_failed = 0  # in a row
        self._pause_lives_until = 0.0  # later nobody expects it any more
        self._told_in_silence: effects.Notification | None = None  # once the pause has come
        self._waiting = False  # for the track's end
        self._paused_before: Playlist | None = None  # before a change that was taken back
        self._deleted = False  # the latest change, with the history
        self._failed: Switch | None = None  # a change that met trouble which passes by itself
        self._reads_since: float | None = None  # the player is read before a wish is answered
        self._rest_reads_since: float | None = None  # the same, before a rest begins
        self._looked_at = float("-inf")  # when the user last looked at what is told

    @property
    def error(self) -> PlayerError | None:
        """The player's trouble that is not over, with what comes once it is."""
        error = self._errors.error
        return None if error is None else self._with_what_comes(error)

    @property
    def hindrance(self) -> PlayerError | None:
        """That trouble, where no music at all can begin with it."""
        error = self.error
        return None if error is None or not _hinders_all(error) else error

    @property
    def unanswered(self) -> PlayerError | None:
        """The trouble that keeps the player from answering, and passes by itself."""
        error = self._errors.error
        return error if isinstance(error, PASSING) else None

    @property
    def unpausable(self) -> PlayerError | None:
        """The same, where it may keep what plays from being paused."""
        return self.unanswered if self.plays else None

    @property
    def unread(self) -> PlayerError | None:
        """The trouble with which nobody knows whether music plays; None: it is known."""
        error, heard = self._errors.error, self.playback
        known = heard is not None and heard.state is not PlayState.UNAVAILABLE
        return error if not known and isinstance(error, (NeedsLogin, *PASSING)) else None

    def _with_what_comes(self, error: TroubleT) -> TroubleT:
        """Add what waits for the end of trouble, and until when."""
        until, comes = self._requests.waits_until, ""
        if isinstance(error, PASSING) and self._is_to_be_paused:
            comes = _("The music plays on until that is over, and is paused then.")
            lives = timedelta(seconds=self._pause_lives_until - self._clock.monotonic())
            until_then = isinstance(error, RateLimited) and error.until > self._clock.now() + lives
            if self._pausing and until_then:
                comes = _("The music plays on; pause it again then.")
        elif until is not None and isinstance(error, (NoDevice, *PASSING)):
            if isinstance(error, WhichDevice):
                return error  # they begin to play themselves
            end = self._clock.now() + timedelta(seconds=until - self._clock.monotonic())
            comes = _("If that is over by {time}, the music begins; later, ask for it again.")
            if isinstance(error, NoDevice):
                comes = _("If that is done by {time}, the music begins; later, ask for it again.")
            elif isinstance(error, RateLimited) and error.until > end:
                comes = _("Ask for the music again then.")
            comes = comes.format(time=clock_time(end))
        return error.with_more(comes) if comes else error

    @property
    def _is_to_be_paused(self) -> bool:
        """Whether what plays is to be paused as soon as the player can: that has failed so far."""
        wished = self._pausing or (self._resting is not None and self._to_go_on)
        return wished and self.plays and 0 < self._pauses_failed < WISH_TRIES

    @property
    def switch(self) -> Decision | None:
        """The latest decision that changed the music and was not taken back."""
        return self._switches.latest

    @property
    def change(self) -> Decision | None:
        """The latest change of the music, for people: taking one back is a change as well."""
        return self._switches.change

    @property
    def left_alone_until(self) -> datetime | None:
        """Until when the music is not changed after an Undo, for people."""
        return None if self.left_alone is None else self.left_alone.until

    @property
    def left_alone(self) -> Term | None:
        """That time, which goes on after a restart; None: it is over."""
        until = self._hands_off_until
        over = until is None or self._clock.monotonic() >= until
        return None if over else self._left_alone

    @property
    def chosen(self) -> bool:
        """Whether it is left alone since the user chose this very music on our page."""
        return self._chosen and self.left_alone is not None

    def take_up(self, term: Term, chosen: bool) -> None:
        """Leave the music alone for as long as a run before has promised."""
        assert term.until is not None
        left = (term.until - self._clock.now()).total_seconds()
        self._leave_alone(left, _(CHOSE) if chosen else "", chosen=chosen)
        self._left_alone = term

    @property
    def undo_to(self) -> str | None:
        """The name of what an Undo goes back to; None: there is nothing to take back."""
        before, heard = self._switches.before, self.playback
        if before is None or (heard is not None and heard.chosen_by is Chooser.USER):
            return None
        if before.state is not PlayState.PLAYING:
            silent = heard is not None and heard.state is not PlayState.PLAYING
            return None if silent else _("silence")
        back = way_back(before, before.time)
        return None if back is None else back.name

    @property
    def rests(self) -> str | None:
        """Why the music rests for a while."""
        return self._resting

    @property
    def heard_at_rest(self) -> bool:
        """Whether music that had rested plays: at the user's wish, here or in the player.

        Not what plays on until the pause has come.
        """
        return self._resting is not None and self._is_silent and self.plays

    @property
    def decided_otherwise(self) -> bool:
        """Whether the latest decision is not that for which what was heard last plays."""
        return self.decision is not None and self.decision.action is Action.KEEP

    @property
    def goes_on(self) -> bool:
        """Whether a rest that begins now, or goes on, ends with music: it plays, or did before."""
        return (self.plays and not self._pausing) or self._to_go_on

    # -- what the player reports

    def playback_changed(self, playback: Playback, happening: Happening) -> list[effects.Effect]:
        """Take in one reading of the player, and what happened since the last one."""
        if happening is Happening.SKIPPED and self._pauses_failed:
            self._pausing = False  # who skips a track listens
        if happening is Happening.DEVICE_GONE and self.plays:
            self._silent_why = _(DEVICE_CLOSED)
        out = self._keep_playback(playback)
        if happening is Happening.SKIPPED:
            ours = self._switches.skipped(playback, self._clock.monotonic())
            out += [] if ours is None else [effects.RecordFeedback("skip", ours.uri)]
        if happening is Happening.CONTEXT_ENDED:
            self._end_own_choice()
            self._ran_out = playback.chosen_by is Chooser.AGENT
        elif playback.state is PlayState.PLAYING or playback.paused_by_hand:
            self._ran_out = False
        if playback.state is not PlayState.UNAVAILABLE:
            self._requests.deviceless = False
        if self._switches.broke_silence(playback) or happening in _USERS_START:
            self._silent_why, self._paused_before = "", None
        if happening in _ENDS_REQUESTS and self._reads_since is None:  # else it was before the wish
            if happening is Happening.PAUSED and self._requests.is_put_off:
                out.append(effects.Notify(messages.paused_meanwhile()))
            self._take_wishes_back()
            self._told = self._said_at_rest = None
        if happening in _USERS_START:
            if playback.state is PlayState.PLAYING:  # else our pause has met what they had chosen
                self._to_go_on = self._pausing = False  # they go on by themselves
                self._pauses_failed = 0
            self._switches.user_chose(playback)
        return out

    def playlist_started(self, playlist: Playlist, playback: Playback) -> list[effects.Effect]:
        """Take in that a play command was carried out."""
        self._errors.over()
        self._failed = None
        self._silent_why, self._paused_before, self._pausing = "", None, False
        out = self._keep_playback(playback)
        done = self._switches.answered(playlist) or self._switches.after_all(playlist)
        if done is not None and done != self._sent_before_rest:
            self._is_silent = True  # wished at rest, if it rests: no matter whether it was silent
        switch = None if done is None else self._switches.heard(done, playback)
        if switch is not None:
            assert done is not None
            self._deleted = False
            self._requests.forget()  # they are met by it
            if done == self._sent_before_rest:
                self._to_go_on = True
                out.append(effects.PauseMusic())
            word = self._word_of(done.told_mood)
            if done.wish.left_alone > 0.0:
                self._leave_alone(done.wish.left_alone, _(CHOSE), chosen=True)
            told = messages.switched(
                switch,
                asked=done.wish.asked,
                word=word,
                until=self.left_alone_until,
                leads=done.wish.leads,
            )
            out += [effects.RecordSwitch(switch), effects.Notify(told)]
        elif done is not None:
            if done.undoes is not None:
                out.append(effects.RecordFeedback("undo", done.undoes))
            name = playback.context_name or playlist.name
            out.append(effects.Notify(self._taken_back(name, done.told_mood, done.ends)))
        return out

    def _taken_back(
        self, name: str, told_mood: bool, ends: tuple[str, ...]
    ) -> effects.Notification:
        word = self._word_of(told_mood)
        return messages.taken_back(name, self.left_alone_until, word, ends)

    def _word_of(self, told_mood: bool) -> OwnWord | None:
        """Return the user's own word that a change followed; None: none, or it is over by now."""
        word = self._own_word if told_mood else None
        return None if word is None or word.until <= self._clock.now() else word

    def playlist_back(self, playlist: Playlist) -> list[effects.Effect]:
        """Take in that a playlist which could not be found is there: what asked for it is met."""
        if not self._rotation.is_back(playlist.uri):
            return []
        failed = self._gone.pop(playlist.uri, None)
        if isinstance(self._errors.error, PlaylistGone):
            self._errors.over()
        if failed is not None and failed.told_mood:
            self._said_at_rest = self._own_word  # which may hold still
        elif failed is not None:
            self._requests.found_again(failed.wish, self._clock.monotonic())
        return []

    def _take_wishes_back(self) -> None:
        """Drop all wishes for music: what the user wishes, or does, is newer.

        A change of ours is still owed where its playlist comes back.
        """
        self._requests.forget()
        self._gone = {uri: start for uri, start in self._gone.items() if not start.wish.asked}

    def dropped(self, playlist: Playlist) -> bool:
        """Take in that a play command came to nothing, since the user's hand was before it.

        True: :meth:`decide` is to tell what is so to the user, who has said how they feel; else
        nobody needs to be told.
        """
        given_up = self._switches.answered(playlist)
        if given_up is None or not given_up.told_mood:
            return False
        self._told = self._own_word
        return True

    def failed(
        self, error: AgentError, playlist: Playlist | None, command: Command | None = None
    ) -> list[effects.Effect]:
        """Take in that the player cannot; ``command``: what it was to do, ``playlist``: with what.

        Each kind of trouble is told once until it was well again, but each failure of what the user
        asked for is.
        """
        failed = None if playlist is None else self._switches.answered(playlist)
        if isinstance(error, NeedsLogin):
            self.logged_in = False
        pauses = command is Command.PAUSE and self._pausing
        was_to_pause = pauses or (self._resting is not None and self._to_go_on)
        tried_before = self._try_later(error, command)
        if failed is not None and failed.takes_back:
            if failed.undoes is not None:
                self._hands_off_why = _(NOT_TAKEN_BACK)
            if type(error) is not PlayerError:  # it may be overcome
                self._switches.stands_again()
            if isinstance(error, PASSING):  # nothing is to be left alone
                self._hands_off_until = self._left_alone = None
        if failed is not None and failed.back and not _hinders_all(error):
            return [effects.Notify(messages.not_taken_back(error, failed.ends))]
        news = self._errors.met(error)
        again = failed is not None and self._try_again(error, failed)
        asked = failed is not None and failed.wish.asked
        asked = asked or command in (Command.RESUME, Command.NEXT)
        gives_up = was_to_pause and command is Command.PAUSE and not self._is_to_be_paused
        asked = asked or pauses or gives_up
        out: list[effects.Effect] = []
        if isinstance(error, PlaylistGone) and playlist is not None:
            out.append(effects.AwaitPlaylist(playlist))
            if failed is None:  # it played, and can be played no more
                self._rotation.is_gone(playlist.uri, self._clock.monotonic())
                self._switches.tried = None  # which is no reason to wait
        if again or tried_before or not (news or asked):
            return out
        answers = asked and self._requests.asked is None  # else another playlist is the answer
        told = self._with_what_comes(error)
        word = self._word_of(failed is not None and failed.told_mood)
        if word is not None and isinstance(error, (NoDevice, *PASSING)):
            told = told.with_more(
                _("That you feel {mood} holds until {time}.").format(
                    mood=mood_word(word.mood), time=clock_time(word.until)
                )
            )
        if isinstance(error, PASSING) and command is Command.NEXT:
            told = told.with_more(_("Ask for the next track again then."))
        elif isinstance(error, PASSING) and failed is not None and failed.takes_back:
            stands = _("The change stands; take it back again then.")
            for more in (stands, *failed.ends):
                told = told.with_more(more)
        elif gives_up and self.plays and not isinstance(error, NoDevice | NeedsLogin):
            told = told.with_more(_("The music could not be paused, and plays on."))
        return [*out, effects.Notify(replace(messages.trouble(told), asked=answers))]

    def _try_later(self, error: AgentError, command: Command | None) -> bool:
        """Have what failed done once the player can; True when the user knows of it already."""
        passes = isinstance(error, PASSING)
        if command is Command.PAUSE:
            self._pauses_failed = self._pauses_failed + 1 if passes else 0
            if not passes or self._pauses_failed == WISH_TRIES:
                self._pausing = self._to_go_on = False  # it is given up
                return False
            return self._pauses_failed > 1
        if command is Command.RESUME and not self._requests.resumes:
            return True  # something newer was wished since
        if command is Command.RESUME and (passes or isinstance(error, NoDevice)):
            now = self._clock.monotonic()
            return self._requests.resuming_failed(now, deviceless=not passes)
        return False

    def _try_again(self, error: AgentError, failed: Switch) -> bool:
        """Decide what becomes of a start that failed; True when the user knows of it already."""
        if failed.back:
            return False
        now = self._clock.monotonic()
        if isinstance(error, PlaylistGone):  # the next one may have its turn at once
            self._rotation.is_gone(failed.playlist.uri, now)
            self._gone[failed.playlist.uri] = failed
            self._switches.came_to_nothing(failed)
            if self._rotation.alternatives(failed.playlist.uri, now):
                self._requests.still_ask(replace(failed.wish, very=None, left_alone=0.0))
        elif isinstance(error, NoDevice):
            self._rotation.keeps_its_turn(failed.playlist.uri)
            self._requests.found_no_device(failed.wish, now)
            return failed.wish.tries > 0
        elif isinstance(error, PASSING):
            if isinstance(error, ServiceDown):
                self._switches.doubt(failed)
            self._failed = failed
            self._requests.put_off(failed.wish, now)
        return False

    def recovered(self) -> list[effects.Effect]:
        """Take in that the player answers and has a device: what waited plays on.

        :meth:`decide` sees to what is to begin.
        """
        self._errors.over()
        if self._requests.answers_again() and self._failed is not None:
            self._switches.came_to_nothing(self._failed)  # which is no reason to wait
            self._failed = None
        if self._pausing and self._clock.monotonic() >= self._pause_lives_until:
            self._pausing = False
        resumes = self._requests.take_resuming()
        if self._requests.device_found():
            self._switches.tried = None  # the start that failed is no reason to wait
        if self._is_to_be_paused:
            return [effects.PauseMusic()]
        return self._resume() if resumes else []

    def _resume(self) -> list[effects.Effect]:
        self._requests.resumes = True
        return [effects.ResumeMusic()]

    def player_changed(
        self,
        name: str,
        playlists: Mapping[MoodState, tuple[Playlist, ...]],
        logged_in: bool | None,
    ) -> list[effects.Effect]:
        """Take in another player, other playlists, or another login.

        A player of our own (one without a login) goes on where it was left a while ago. What was
        heard of somebody who has logged out is forgotten.
        """
        left: Playlist | None = None
        is_other = retold(name) != retold(self.player)  # it may be told in another language now
        if is_other:
            self._errors.over()
        if is_other or (logged_in is False and self.playback is not None):
            left = self._left_for(name)
            self.playback = self._paused_before = None
            self._switches.lose_player()
            self._requests.lose_player()
            self._ran_out = False
            self._told, self._to_go_on = None, False
            self._said_at_rest = self._sent_before_rest = self._failed = None
            self._is_silent = True  # of its music nothing rests
            self._gone.clear()
        self.player, self.logged_in = name, logged_in
        if self._rotation.replace(playlists) and isinstance(self._errors.error, PlaylistGone):
            self._errors.over()  # it is there again, or another place is meant
        if left is None or logged_in is not None:
            return []
        now, why = self._clock.monotonic(), _("it played when you changed to other music")
        wish = PlayRequest(now, True)
        goes_on = Decision(now, Action.SWITCH_NOW, MoodState.UNSURE, left, why)
        self._switches.send(Switch(left, now, wish, goes_on, back=True))
        return [effects.Play(left, asked=True)]

    def _left_for(self, name: str) -> Playlist | None:
        """Note what plays in the player that is left, and return what played in the next one.

        None: nothing did, that is long ago, or now the user wants silence or hears other music.
        """
        now, heard = self._clock.monotonic(), self.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        if heard is not None and plays:
            self._left[self.player] = heard, now
        played, when = self._left.pop(name, (None, now))
        silence = self._resting is not None or (heard is not None and heard.paused_by_hand)
        if played is None or plays or silence or now - when > RETURN_WITHIN:
            return None
        return way_back(played, when)

    # -- what the user wishes

    def ask(self, *, leads: str = "") -> None:
        """Ask for music that fits the mood; :meth:`decide` answers.

        ``leads``: how the journey ends that begins with it, in the user's words.
        """
        self._end_own_choice()
        self._tell_as_before()
        self._want_music()
        self._gone.clear()
        now = self._clock.monotonic()
        sent = self._switches.under_way(now)
        if sent is None or sent.back or not sent.wish.asked:
            self._requests.ask(now, leads)
        # else it is on its way: a double click is one wish

    def may_begin(self, policy: PolicySettings) -> bool:
        """Tell whether music may begin out of silence by itself: no hand of the user's keeps it."""
        heard = self.playback
        by_hand = heard is not None and heard.paused_by_hand
        starts = policy.start_when_silent or self._ran_out
        return starts and not by_hand and self.left_alone is None

    def would_change_for(self, mood: MoodState) -> bool:
        """Tell whether music plays, but not this mood's, and there is some for it."""
        wanted = self._rotation.playable(self._clock.monotonic()).get(mood, ())
        return self.plays and bool(wanted) and not fits(self.playback, wanted)

    def lacks_music(self, mood: MoodState) -> str:
        """Say why there is no music for this mood; empty: there is some."""
        now = self._clock.monotonic()
        if self._rotation.playable(now).get(mood):
            return ""
        return no_playlist(mood, self._rotation.missing(now))

    def is_for(self, mood: MoodState) -> bool:
        """Tell whether what was heard last is music for this mood."""
        return fits(self.playback, self._rotation.playable(self._clock.monotonic()).get(mood, ()))

    def was_for(self, mood: MoodState) -> bool:
        """Tell whether what played before the latest change was music for this mood."""
        before = self._switches.before
        # The shipped loop stands in until there is music of the user's own.
        loop = before is not None and before.context == f"{LOOPS}{mood.value}"
        return loop or fits(before, self._rotation.playable(self._clock.monotonic()).get(mood, ()))

    def pause(self) -> list[effects.Effect]:
        """Pause the music; an open request for music is taken back by it."""
        self._take_wishes_back()
        self._told, self._to_go_on = None, False
        self._said_at_rest = None
        self._wish_silence()
        return [effects.PauseMusic()]

    def resume(self) -> list[effects.Effect]:
        """Go on with the music that was paused.

        After an Undo into silence that is what was paused before the change, not what it brought.
        """
        self._take_wishes_back()
        back, self._paused_before, self._pausing = self._paused_before, None, False
        self._is_silent = True  # what plays from now on is wished, if it rests
        if back is None or self.plays:
            return self._resume()
        now = self._clock.monotonic()
        goes_on = Decision(now, Action.SWITCH_NOW, MoodState.UNSURE, back, _(RESUMED))
        self._switches.send(Switch(back, now, PlayRequest(now, True), goes_on, back=True))
        self.decision = goes_on
        return [effects.Play(back, asked=True)]

    def next_track(self) -> list[effects.Effect]:
        """Play the next track of what plays."""
        heard = self.playback
        if heard is None or heard.state not in (PlayState.PLAYING, PlayState.PAUSED):
            unread = self.unread is not None
            return [effects.Notify(messages.nothing_plays(self.hindrance, unread=unread))]
        ours = self._switches.skipped(heard, self._clock.monotonic())
        out: list[effects.Effect] = []
        if ours is not None:
            out.append(effects.RecordFeedback("skip", ours.uri))
        waiting = self.decision if self._waiting else None
        if waiting is not None and waiting.playlist is not None:
            # The user has the track end for which it waits.
            now, self._waiting = self._clock.monotonic(), False
            self.decision = replace(waiting, time=now, action=Action.SWITCH_NOW)
            play = self._carry_out(self.decision, PlayRequest(now, True))
            return [*out, effects.Record(self.decision), effects.ExpectTrackEnd(False), play]
        self._is_silent, self._pausing = True, False  # what plays from now on is wished
        if heard.only_track:  # which begins anew, and nobody would hear that
            out.append(effects.Notify(messages.only_track(heard)))
        return [*out, effects.NextTrack()]

    def lead_when_it_goes_on(self, start: MoodState) -> None:
        """Begin a journey that was wished for with the music that rests, or is paused."""
        if self._to_go_on or self.is_paused:
            self._said_at_rest = start

    def mood_told(self, word: OwnWord, policy: PolicySettings) -> list[effects.Effect]:
        """Take in that the user says how they feel.

        Who corrects the mood behind the latest change gets back what played before, if it fits.
        The answer says how long the word holds, which ends the time after an Undo.
        """
        self.follow_face()
        self._own_word = word
        before, now = self._switches.before, self._clock.monotonic()
        wanted = self._rotation.playable(now).get(word.mood, ())
        heard = self.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        back_fits = before is not None and fits(before, wanted) and not fits(heard, wanted)
        if not word.corrects or not plays or not back_fits or self.undo_to is None:
            self._told = word
            return []
        return self._take_back(policy, describe(word.mood, said=True), told_mood=True)

    def follow_face(self) -> None:
        """Let changes of the music be welcome again after an Undo; what was said is over."""
        self._requests.drop(lambda wish: wish.by_word)
        self._hands_off_until = self._left_alone = None
        self._refused, self._chosen = "", False

    def _end_own_choice(self) -> None:
        """Let what the user had chosen be changed: it has ended, or they want other music."""
        if self._chosen:
            self.follow_face()

    def _wish_silence(self) -> None:
        self._pausing, self._pauses_failed = True, 0
        self._pause_lives_until = self._clock.monotonic() + WISH_LIFE

    def _want_music(self) -> None:
        """Give up a pause, or a rest, that has not come yet: music is wanted now."""
        self._pausing, self._pauses_failed = False, 0
        self._is_silent = True  # what plays from now on is wished, if it rests

    def _tell_as_before(self) -> None:
        """Tell an Undo as what came before: a newer wish changes the music, and ends no promise."""
        before = {_(TOOK_BACK): TOOK_BACK_BEFORE, _(NOT_TAKEN_BACK): NOT_TAKEN_BACK_BEFORE}
        self._hands_off_why = _(before.get(self._hands_off_why, self._hands_off_why))

    def _leave_alone(
        self, seconds: float, why: str, refused: str = "", *, chosen: bool = False
    ) -> None:
        self._hands_off_until, today = self._clock.monotonic() + seconds, self._clock.now()
        self._left_alone = Term(today, today + timedelta(seconds=seconds))
        self._hands_off_why, self._refused, self._chosen = why, refused, chosen

    def leave_rest(self) -> None:
        """End the rest, since music plays at the user's wish."""
        self._resting = self._sent_before_rest = None
        self._to_go_on = False

    def forget_between(self, since: float, until: float) -> None:
        """Let go of the latest change, if it was made in that time (seconds since 1970)."""
        change = self.change
        if change is None:
            return
        ago = self._clock.monotonic() - change.time
        if since <= self._clock.now().timestamp() - ago < until:
            self.forget_everything()

    def forget_everything(self) -> None:
        """Let go of all that tells what was played, and why."""
        self._deleted = self._deleted or self._switches.latest is not None
        self._switches.forget_everything()
        self.decision = None
        self._told = self._own_word = self._said_at_rest = self._paused_before = None
        if self._silent_why != _(DEVICE_CLOSED):
            self._silent_why = _(TOOK_BACK) if self._silent_why else ""
        self._refused = ""
        if not self._chosen:
            self._hands_off_why = ""  # the time itself goes on, as it was promised
        self._requests.forget()
        self._left.clear()

    def rest(self, why: str) -> list[effects.Effect]:
        """Pause what plays until :meth:`go_on`; ``why`` in the user's words."""
        self._resting = why
        self._take_wishes_back()
        self._sent_before_rest = self._switches.under_way(self._clock.monotonic())
        self._is_silent = not self.plays and self._sent_before_rest is None
        if not self.plays:
            return []
        self._to_go_on, self._pauses_failed = not self._pausing, 0
        return [effects.PauseMusic()]

    def go_on(self) -> list[effects.Effect]:
        """Go on with the music: the reason to rest is over."""
        to_go_on = self._to_go_on and not self._is_to_be_paused  # else it has never rested
        self._resting = self._sent_before_rest = None
        self._to_go_on = False
        return self._resume() if to_go_on else []

    def keep_without_player(self, mood: Mood) -> None:
        """Decide to do nothing, since nobody is there to do it."""
        why = _("the part that plays music has stopped")
        self._reads_since = None
        self.decision = Decision(self._clock.monotonic(), Action.KEEP, mood.state, None, why)

    def try_all_again(self) -> None:
        """Try playlists that were not found: they may be there now."""
        self._rotation.try_all_again()
        self._gone.clear()

    def next_playlist(self, listener: Listener) -> list[effects.Effect]:
        """Change to another playlist for the same mood."""
        now = self._clock.monotonic()
        if self._switches.under_way(now) is not None:
            return []  # a double click is one wish
        # The one that plays now goes last.
        if self.playback is not None and self.playback.context is not None:
            self._rotation.had_its_turn(self.playback.context)
        playable = self._rotation.playable(now)
        missing = self._rotation.missing(now)
        decision = another(
            listener,
            self.playback,
            now,
            self._rotation.started,
            playable,
            missing,
            refused=self._refused if self.left_alone_until is not None else "",
        )
        if decision.action is not Action.SWITCH_NOW:
            return [effects.Notify(messages.not_switched(decision, self.playback))]
        self._end_own_choice()
        self._tell_as_before()
        self._want_music()
        self.decision = decision
        wish = PlayRequest(now, True, very=decision)
        return [effects.Record(decision), self._carry_out(decision, wish)]

    def play_this(
        self, playlist: Playlist, mood: MoodState, policy: PolicySettings
    ) -> list[effects.Effect]:
        """Start this very playlist, at the user's wish, and leave it alone for a while."""
        now = self._clock.monotonic()
        if self._switches.under_way(now) is not None:
            return []  # a double click is one wish
        decision = Decision(now, Action.SWITCH_NOW, mood, playlist, _(CHOSE))
        self.decision = decision
        self._want_music()
        alone = policy.hands_off_minutes * 60
        wish = PlayRequest(now, True, very=decision, left_alone=alone)
        return [effects.Record(decision), self._carry_out(decision, wish)]

    def undo(
        self,
        shown: Decision | None,
        policy: PolicySettings,
        denied: MoodState | None = None,
        *,
        ends: tuple[str, ...] = (),
    ) -> list[effects.Effect]:
        """Take the last switch back, and leave the music alone for a while.

        ``shown``: the switch that the user saw; one that is no longer the last, or after which they
        chose other music themselves, is left as it is. ``denied``: the mood that led to it and is
        not theirs; None: they want what played before. ``ends``: what else ends with it, in the
        user's words.
        """
        if self._switches.latest is None and shown is None:
            trouble = self.unanswered
            if self._told_in_silence is not None and trouble is not None:  # it is on its way
                told = messages.trouble(self._with_what_comes(trouble), asked=True)
                return [effects.Notify(told)]
            return [effects.Notify(messages.nothing_to_undo(self._deleted))]
        other = shown is not None and shown != self._switches.latest
        heard = self.playback
        plays = heard is not None and heard.state is PlayState.PLAYING
        if other or (heard is not None and plays and heard.chosen_by is Chooser.USER):
            return [effects.Notify(messages.no_longer_the_last())]
        if denied is None:
            return self._take_back(policy, _(TOOK_BACK), ends=ends)
        why = _("{mood} was not your mood").format(mood=mood_word(denied))
        return self._take_back(policy, why, corrected=True, ends=(messages.denied(denied),))

    def _take_back(
        self,
        policy: PolicySettings,
        why: str,
        *,
        corrected: bool = False,
        told_mood: bool = False,
        ends: tuple[str, ...] = (),
    ) -> list[effects.Effect]:
        """``why``: in the user's words.

        ``corrected``: they said that the mood was wrong. ``told_mood``: and which it is, and that
        word holds off the next change, not time. ``ends``: what ends with it.
        """
        earlier, change = self._switches.earlier, self._switches.take_back()
        if change is None:
            return [effects.Notify(messages.nothing_to_undo(self._deleted))]
        switch, before = change
        now = self._clock.monotonic()
        if not told_mood:
            refused = switch.playlist.uri if switch.playlist else ""
            self._leave_alone(policy.hands_off_minutes * 60, why, refused)
        self._take_wishes_back()
        self._told = self._said_at_rest = None
        uri = switch.playlist.uri if switch.playlist else ""
        is_undo = not corrected and not told_mood  # which is one once the music is heard
        out: list[effects.Effect] = [] if is_undo else [effects.RecordFeedback("corrected", uri)]
        if before.state is not PlayState.PLAYING:
            self._silent_why = why
            self._to_go_on = False  # also where it rests just now
            self._wish_silence()
            if before.state is PlayState.PAUSED:
                self._paused_before = way_back(before, switch.time)
            self._switches.fell_silent(Decision(now, Action.SWITCH_NOW, switch.mood, None, why))
            undone = [effects.RecordFeedback("undo", uri)] if is_undo else []
            told = self._taken_back(_("silence"), told_mood, ends)
            if self.unpausable is not None:  # it is not silent before that is over
                self._told_in_silence = told
                return [*out, *undone, effects.PauseMusic()]
            return [*out, *undone, effects.PauseMusic(), effects.Notify(told)]
        back = way_back(before, switch.time)
        if back is None:
            if is_undo:
                self._hands_off_why = _(NOT_TAKEN_BACK)
            return [*out, effects.Notify(messages.not_taken_back(None, ends))]
        wish, goes_back = (
            PlayRequest(now, True),
            Decision(now, Action.SWITCH_NOW, switch.mood, back, _why_before(why, before, earlier)),
        )
        self._switches.send(
            Switch(
                back,
                now,
                wish,
                goes_back,
                back=True,
                told_mood=told_mood,
                ends=ends,
                takes_back=True,
                undoes=uri if is_undo else None,
            )
        )
        self.decision = goes_back
        return [*out, effects.Play(back, asked=True)]

    # -- decisions

    def decide(
        self,
        listener: Listener,
        policy: PolicySettings,
        happening: Happening = Happening.NOTHING,
        guide: Guide | None = None,
        trial: bool = False,
    ) -> list[effects.Effect]:
        """Ask the policy and act on its answer. Repeated equal answers are not recorded again."""
        now, wishes = self._clock.monotonic(), self._requests
        if self._told is not None and self._told.until <= self._clock.now():
            self._told = None  # it holds no more, and nobody could be told until when it does
        if self._switches.under_way(now) is not None:
            return []  # a change is under way
        if not self.player:
            return []  # there is nobody yet to carry one out
        if wishes.asked is not None and wishes.asked.by_word:  # it had to wait, and may be over
            wishes.asked, self._told = None, self._told or self._word_of(True)
        very = None if wishes.asked is None else wishes.asked.very
        if wishes.asked is not None and very is not None:  # it had to wait
            self.decision = very = replace(very, time=now)
            return [effects.Record(very), self._carry_out(very, wishes.asked)]
        playable = self._rotation.playable(now)
        self._heed_what_was_said_at_rest(listener.mood, playable, guide)
        about = Circumstances(
            now=now,
            watching=listener.watching,
            happening=happening,
            ran_out=self._ran_out,
            owed=wishes.owed is not None,
            deviceless=wishes.deviceless,
            awaited=self._awaited,
            last_switch=self._switches.tried,
            cools_until=self._cools_until(policy),
            failed=self._failed is not None,
            put_off=wishes.is_put_off,
            trial=trial,
            unseen=listener.unseen,
            hands_off_until=self._hands_off_until,
            hands_off_why=self._hands_off_why,
            silent_why=self._silent_why,
            asked_since=None if wishes.asked is None else wishes.asked.since,
            told=self._told is not None,
            resting=self._resting,
            goes_on=self.goes_on,
            last_emotion=listener.last_emotion,
            leaning=listener.leaning,
            denied=bool(listener.denied),
            started=self._rotation.started,
            missing=self._rotation.missing(now),
            guide=guide,
        )
        decision = decide(listener.mood, self.playback, about, policy, playable)
        by_journey = guide is not None and guide.wished and not listener.knows
        if not by_journey:  # which needs none
            decision = replace(decision, evidence=listener.evidence(now, decision.mood))
        out: list[effects.Effect] = []
        if self.decision is None or _substance(decision) != _substance(self.decision):
            out.append(effects.Record(decision))
        self.decision = decision
        if decision.action is Action.SWITCH_NOW:
            asked = PlayRequest(now, True, by_word=True) if self._told is not None else None
            ends = ""
            if by_journey and guide is not None and guide.goal is not None:
                ends = messages.journey_ends(guide.goal, seen=not listener.unseen)
            wish = wishes.asked or asked or wishes.owed or PlayRequest(now, False, leads=ends)
            out.append(self._carry_out(decision, wish))
        elif self._reads_first(decision, out):
            return out
        elif wishes.asked is not None and not still_looking(listener.mood, about):
            wishes.asked = self._told = None  # answered: there is nothing to play for it
            out.append(effects.Notify(messages.not_switched(decision, self.playback)))
        elif self._told is not None and wishes.asked is None:
            word, self._told = self._told, None
            if self._to_go_on or self.is_paused:  # it may go on, and by the word then
                self._said_at_rest = word
            rests = None if self.rests is None or decision.reason != _(self.rests) else self.rests
            told = messages.mood_noted(word, decision.reason, self.plays, rests, self.hindrance)
            if not self.plays and not playable.get(word.mood):
                told = messages.mood_without_music(word, no_playlist(word.mood, about.missing))
            out.append(effects.Notify(told))
        waiting = decision.action is Action.SWITCH_AT_END
        if waiting != self._waiting:
            self._waiting = waiting
            out.append(effects.ExpectTrackEnd(waiting))
        return out

    def _reads_first(self, decision: Decision, out: list[effects.Effect]) -> bool:
        """Tell whether a wish is answered later: that what plays fits may be so no more.

        The user may have paused it in the player's own app since the latest reading.
        """
        wished = self._requests.asked is not None or self._told is not None
        fits_already = wished and _(FITS) in decision.reason
        asked, trouble = self._requests.asked, self.unanswered
        if fits_already and asked is not None and trouble is not None:  # no reading would come
            self._requests.asked = None
            self._requests.put_off(asked, self._clock.monotonic())
            told = messages.trouble(self._with_what_comes(trouble), asked=True)
            out.append(effects.Notify(told))
            return True
        self._reads_since = self._waits(self._reads_since, out) if fits_already else None
        return self._reads_since is not None

    def looked(self) -> list[effects.Effect]:
        """Have the player read for a user who looks at what is told of it, if that is old."""
        now = self._clock.monotonic()
        if now - self._looked_at < LOOK_AGAIN or self._is_of_now(now):
            return []
        self._looked_at = now
        return [effects.ReadPlayer()]

    def reads_before_rest(self, out: list[effects.Effect]) -> bool:
        """Tell whether a rest begins later: what goes on after it is what plays now."""
        if self.unanswered is not None:
            return False  # a reading would not come
        self._rest_reads_since = self._waits(self._rest_reads_since, out)
        return self._rest_reads_since is not None

    def rest_is_settled(self) -> None:
        """Note that no rest is to begin or end."""
        self._rest_reads_since = None

    def _waits(self, since: float | None, out: list[effects.Effect]) -> float | None:
        """Return since when a reading of now is waited for; None: it is there, or none comes."""
        now = self._clock.monotonic()
        if self._is_of_now(now):
            return None
        if since is None:
            out.append(effects.ReadPlayer())
            return now
        return since if now - since < READ_PATIENCE else None

    def _is_of_now(self, now: float) -> bool:
        """Tell whether what is known of the player is of now, or nothing is to be known."""
        heard = self.playback
        return heard is None or heard.ours_alone or now - heard.time <= FRESH

    def _heed_what_was_said_at_rest(
        self, mood: Mood, playable: Playlists, guide: Guide | None
    ) -> None:
        """Act now, where the music goes on, on what was said while it rested."""
        said = self._said_at_rest
        if said is None or self._resting is not None or not self.plays:
            return
        self._said_at_rest = None
        wanted = playable.get(said if isinstance(said, MoodState) else said.mood, ())
        if fits(self.playback, wanted):
            return
        if isinstance(said, OwnWord):
            self._told = said if mood.by_hand and mood.state is said.mood else None
        elif guide is not None and wanted:
            self._requests.ask(self._clock.monotonic())

    def _cools_until(self, policy: PolicySettings) -> str:
        """Tell about when a change may follow the latest; empty: too soon to say."""
        tried = self._switches.tried
        if tried is None or policy.cooldown < 60.0:
            return ""
        left = timedelta(seconds=tried + policy.cooldown - self._clock.monotonic())
        # Rounded up, so that it is not told after its time.
        return clock_time(self._clock.now() + left + timedelta(seconds=59.5))

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
        elif self._reads_since is not None:
            times.append(self._reads_since + READ_PATIENCE)
        elif self._requests.asked is not None:
            times.append(now + 1.0)
        if self._rest_reads_since is not None:
            times.append(self._rest_reads_since + READ_PATIENCE)
        if self._hands_off_until is not None and self._hands_off_until > now:
            times.append(self._hands_off_until)
        if tried is not None and tried + policy.cooldown > now:
            times.append(tried + policy.cooldown)
        return times

    @property
    def plays(self) -> bool:
        """Whether music plays."""
        return self.playback is not None and self.playback.state is PlayState.PLAYING

    @property
    def is_paused(self) -> bool:
        """Whether music is loaded and paused."""
        return self.playback is not None and self.playback.state is PlayState.PAUSED

    def drop_leads(self) -> None:
        """Drop the wish for the music that a journey begins with: it is over."""
        self._requests.drop(lambda wish: bool(wish.leads))

    @property
    def is_to_begin(self) -> bool:
        """Whether music is to begin, or to go on, that cannot yet."""
        return self._requests.waits_until is not None

    @property
    def _awaited(self) -> str:
        """What the music waits for that is to begin, as a clause; empty: for nothing."""
        if not self._requests.waits:
            return ""
        if isinstance(self._errors.error, WhichDevice):
            return _(WAITS_FOR_CHOICE)
        return _(WAITS_FOR_DEVICE if self._requests.deviceless else WAITS_FOR_ANSWER)

    @property
    def is_deviceless(self) -> bool:
        """Whether no device is there to play on, as far as is known."""
        return self.playback is not None and self.playback.state is PlayState.UNAVAILABLE

    def _keep_playback(self, playback: Playback) -> list[effects.Effect]:
        known, self.playback = self.playback, playback
        self._is_silent = self._is_silent or not self.plays
        self._pausing = self._pausing and self.plays
        self._pauses_failed = self._pauses_failed if self.plays else 0
        told, self._told_in_silence = self._told_in_silence, None
        out: list[effects.Effect] = []
        if told is not None and self._pausing:
            self._told_in_silence = told  # not yet
        elif told is not None and not self.plays:
            out.append(effects.Notify(told))
        if known is not None and known.visible == playback.visible:
            return out
        return [effects.Record(playback), *out]

    def _carry_out(self, decision: Decision, wish: PlayRequest) -> effects.Effect:
        assert decision.playlist is not None
        playlist, tried = decision.playlist, self._switches.tried
        told, self._told, self._said_at_rest = self._told, None, None
        self._reads_since = self._failed = None
        self._switches.send(
            Switch(
                playlist,
                decision.time,
                wish,
                decision,
                before=self.playback,
                switch_before=tried,
                told_mood=told is not None,
            )
        )
        self._requests.forget()
        self._rotation.had_its_turn(playlist.uri)
        # Who says how they feel may just have paused the music, which nobody has heard of yet.
        return effects.Play(playlist, wish.asked, over_pause=told is None)


def _why_before(why: str, before: Playback, earlier: Decision | None) -> str:
    """Add to the reason for a way back the one for which the music had come that it leads to."""
    if before.chosen_by is Chooser.USER:
        return _("{why}; you had chosen this music yourself").format(why=why)
    ours = None if earlier is None else earlier.playlist
    if earlier is None or ours is None or before.context != ours.uri:
        return why
    return _("{why}; this music had come before that: {earlier}").format(
        why=why, earlier=in_the_past(earlier.reason)
    )


def _hinders_all(error: AgentError) -> bool:
    """Tell trouble of the player as a whole, which has its own words, from one playlist's."""
    return type(error) not in (PlayerError, PlaylistGone)


def _substance(decision: Decision) -> tuple[object, ...]:
    return (decision.action, decision.mood, decision.playlist, decision.reason)
