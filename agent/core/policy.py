"""What to do with the music: keep it, switch now, or switch when the track ends. Pure.

The rules, in the order in which they are asked (the first that applies decides):

1. Somebody asked for music ("Play for my mood"): play, now, for the mood as far as it is known.
   Who has just said how they feel asks for music that fits, where music plays.
2. Music that rests does so.
3. Moodtray changes music that plays. Silence stays silence, whatever else is so, unless
   ``start_when_silent`` is set, it was our own playlist that ran out, or a change of ours still
   owes the music.
4. Never against the user's hand: paused by hand stays paused; a context that the user chose is
   left alone until it ends or ``hands_off_minutes`` have passed. Nobody who speaks is interrupted,
   unless ``interrupt_speech`` is set.
5. No clear mood, no music that fits, no player: keep. A journey that the user has wished for needs
   no mood. A start that found no device waits for one.
6. What plays already fits: keep.
7. Within the cool-down after a switch: keep; but a loop that stands in for the user's own music
   makes way for it as soon as there is some.
8. Switch: when the track ends, or now by setting (or when the track has no known end).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.settings import PolicySettings
from agent.translation import N_, _
from agent.types import (
    EMOTIONS,
    LOOPS,
    Action,
    Chooser,
    Decision,
    Evidence,
    Guide,
    Happening,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
)
from agent.wording import FITS, describe, mood_word, unseen_then

Playlists = Mapping[MoodState, tuple[Playlist, ...]]

ASK_PATIENCE = 5.0
"""Seconds that a request for music waits for a first look (one comes every 5 s) before it plays
for a calm mood."""
LEANING = 0.35
"""Probability from which a request for music takes an emotion that is not the mood yet: nearer than
any other, and the user waits."""

TOOK_BACK = N_("you took back a change")
NOT_TAKEN_BACK = N_("you wanted a change taken back, which failed")
CHOSE = N_("you chose this music yourself")
RESUMED = N_("you resumed the music")
ONLY_WHEN_ASKED = N_("nothing plays, and Moodtray starts music only when asked")
DEVICE_CLOSED = N_("the device that played was closed")
NOT_TAKEN_BACK_BEFORE = N_("you wanted a change taken back before that")
TOOK_BACK_BEFORE = N_("you took back a change before that")
WAITS_FOR_DEVICE = N_("no device is open to play on, and the music begins when one is")
WAITS_FOR_CHOICE = N_("several devices are open, and which of them is to play is not known")
WAITS_FOR_ANSWER = N_("the player does not answer, and the music goes on when it does")


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, as far as it is known."""

    mood: Mood
    watching: bool  # False: the mood is not seen just now
    last_emotion: MoodState | None
    correction: tuple[float, ...] | None = None  # of the looks, where the face is known
    threshold: float = 1.0  # the probability from which a mood is named
    unseen: str = ""  # why the mood is not seen just now, in the user's words
    denied: frozenset[MoodState] = frozenset()  # what the user says they do not feel

    def evidence(self, now: float, mood: MoodState) -> Evidence | None:
        """Gather what a decision of ``now`` for ``mood`` rests on; None: nothing was seen.

        It may be for another mood than the present one: one that was seen last, or is only likely.
        """
        seen = self.mood.probabilities
        if seen is None:
            return None
        order = sorted(range(len(seen)), key=lambda at: -seen[at])
        others = [MoodState(EMOTIONS[at]) for at in order]
        runner_up = next((each for each in others if each is not mood), None)
        since = max(0.0, now - self.mood.since) if mood is self.mood.state else 0.0
        return Evidence(seen, runner_up, since, self.correction, self.threshold)

    @property
    def knows(self) -> bool:
        """Whether a mood is read just now, or was said."""
        return is_known(self.mood, self.watching)

    @property
    def leaning(self) -> MoodState | None:
        """What the first looks point to while the mood is not clear yet."""
        seen = self.mood.probabilities
        unsure = self.watching and self.mood.state is MoodState.UNSURE
        if seen is None or not unsure:
            return None
        likely = [at for at in range(len(seen)) if MoodState(EMOTIONS[at]) not in self.denied]
        leading = max(likely, key=lambda at: seen[at], default=0)
        return MoodState(EMOTIONS[leading]) if likely and seen[leading] >= LEANING else None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the decision depends on beside mood and playback."""

    now: float
    watching: bool = True  # False: the camera is paused, the mood is not seen
    happening: Happening = Happening.NOTHING  # what the player just reported
    ran_out: bool = False  # our own playlist came to its end, and silence followed
    owed: bool = False  # a change of ours found no device, and now there is one
    deviceless: bool = False  # the latest start found no device, and none has appeared since
    awaited: str = ""  # what music waits for that is to begin, as a clause
    last_switch: float | None = None  # our latest attempt to change the music
    cools_until: str = ""  # until when no other follows by itself, by the wall clock
    failed: bool = False  # that attempt has failed
    put_off: bool = False  # and is made again once the player answers
    trial: bool = False  # the user tries the program out
    unseen: str = ""  # and why that is, in the user's words
    hands_off_until: float | None = None  # after an Undo, or a mood that was denied
    hands_off_why: str = ""  # which of them, in the user's words
    silent_why: str = ""  # why a change was taken back into silence, while that lasts
    asked_since: float | None = None  # an open request for music
    told: bool = False  # the user has just said how they feel
    resting: str | None = None  # why the music rests: a break, a call
    goes_on: bool = True  # music goes on after that
    last_emotion: MoodState | None = None  # the latest mood that was clear
    leaning: MoodState | None = None  # what the first looks point to
    denied: bool = False  # the user has said which mood it is not: more looks will not tell
    started: tuple[str, ...] = ()  # uris that we started, the newest last
    missing: frozenset[MoodState] = frozenset()  # whose playlists were not found of late
    guide: Guide | None = None  # the music should do something else than fit the mood


def decide(
    mood: Mood,
    playback: Playback | None,
    about: Circumstances,
    settings: PolicySettings,
    playlists: Playlists,
) -> Decision:
    """Return the decision for this moment, with its reason in the user's words."""

    def keep(reason: str) -> Decision:
        return Decision(about.now, Action.KEEP, mood.state, None, reason)

    if about.asked_since is not None:
        return _asked(mood, playback, about, playlists)
    told = about.told and playback is not None and playback.state is PlayState.PLAYING
    may_start = settings.start_when_silent or about.ran_out or about.owed
    silence = None if may_start else _silence(playback, about)
    if about.resting is not None and (about.goes_on or silence is None):
        return keep(_(about.resting))
    if silence is not None:  # whatever else might keep music from changing
        return keep(silence)
    hand = _users_hand(playback, about, settings)
    if hand is not None and not told:
        return keep(hand)
    known = is_known(mood, about.watching)
    if not known and (about.guide is None or not about.guide.wished):
        if not about.watching and not mood.by_hand:
            return keep(about.unseen or _("the camera does not see you just now"))
        return keep(describe(mood))
    if about.guide is not None and about.guide.play is None:
        return keep(about.guide.words)
    wanted = mood.state if about.guide is None else about.guide.play
    assert wanted is not None
    if not playlists.get(wanted):
        return keep(no_playlist(wanted, about.missing))
    if about.awaited:
        return keep(about.awaited)
    if playback is None or not _reachable(playback, about, settings):
        return keep(_("no music player is there to be changed"))

    playlist = choose(playlists[wanted], about.started)
    state, reason = mood.state, describe(mood)
    if not known:
        state, reason = wanted, _("you asked for a journey")
    if about.trial:
        reason = _("{reason}, in the try-out").format(reason=reason)
    if about.guide is not None:
        reason = _guided(reason, about.guide)
    cooling = about.last_switch is not None and about.now - about.last_switch < settings.cooldown

    if playback.state is not PlayState.PLAYING:
        if cooling:
            return keep(_cooling(about))
        return Decision(about.now, Action.SWITCH_NOW, state, playlist, reason)

    if fits(playback, playlists[wanted]):
        return keep(_("{reason}, and {fits}").format(reason=reason, fits=_(FITS)))
    if cooling and not told and not _stands_in(playback, wanted):
        return keep(_cooling(about))
    at_boundary = about.happening in (Happening.TRACK_ENDED, Happening.CONTEXT_ENDED)
    endless = playback.duration is None
    if settings.timing == "now" or at_boundary or endless or told:
        return Decision(about.now, Action.SWITCH_NOW, state, playlist, reason)
    return Decision(about.now, Action.SWITCH_AT_END, state, playlist, reason)


def is_known(mood: Mood, watching: bool) -> bool:
    """Tell whether a mood is read just now, or was said."""
    return (watching or mood.by_hand) and mood.state.is_emotion


def choose(candidates: Sequence[Playlist], started: Sequence[str]) -> Playlist:
    """Choose the candidate that was started longest ago (never before: the first of these).

    So several playlists for one emotion take turns.
    """
    last = {uri: place for place, uri in enumerate(started)}
    return min(candidates, key=lambda playlist: last.get(playlist.uri, -1))


def fits(playback: Playback | None, playlists: Sequence[Playlist]) -> bool:
    """Tell whether one of these plays."""
    if playback is None or playback.state is not PlayState.PLAYING:
        return False
    return any(playback.context == each.uri for each in playlists)


def _stands_in(playback: Playback, state: MoodState) -> bool:
    """Tell whether the loop for ``state`` plays, which does so where nothing else is there."""
    return playback.context == f"{LOOPS}{state.value}"


def no_playlist(state: MoodState, missing: frozenset[MoodState] = frozenset()) -> str:
    """Return the reason where nothing can be played for ``state``."""
    if state in missing:
        return _("what is set for {mood} cannot be found or played just now").format(
            mood=mood_word(state)
        )
    return _("no playlist is set for {mood}").format(mood=mood_word(state))


def another(
    listener: Listener,
    playback: Playback | None,
    now: float,
    started: Sequence[str],
    playlists: Playlists,
    missing: frozenset[MoodState] = frozenset(),
    refused: str = "",
) -> Decision:
    """Choose another playlist for the same mood, at the user's wish.

    So it matters not what their hand did before, but for ``refused``: the uri of what they have
    just taken back. KEEP where none is set for the mood (``playlist``
    None), or only the one that plays.
    """
    state = listener.mood.state
    if not state.is_emotion:
        state = listener.leaning or listener.last_emotion or MoodState.NEUTRAL
    if not playlists.get(state):
        return Decision(now, Action.KEEP, state, None, no_playlist(state, missing))
    loaded = None if playback is None else playback.context  # be it paused
    others = [each for each in playlists[state] if each.uri != loaded or each.uri == refused]
    wanted = [each for each in others if each.uri != refused]
    if others and not wanted:
        only = _("the other playlist for {mood} is the one that you have just taken back")
        if len(playlists[state]) == 1:
            only = _("the only playlist for {mood} is the one that you have just taken back")
        only = only.format(mood=mood_word(state))
        return Decision(now, Action.KEEP, state, others[0], only)
    if not others:
        only = _("it is the only playlist for {mood}").format(mood=mood_word(state))
        return Decision(now, Action.KEEP, state, playlists[state][0], only)
    playlist = choose(wanted, started)
    return Decision(now, Action.SWITCH_NOW, state, playlist, _("you asked for another playlist"))


def still_looking(mood: Mood, about: Circumstances) -> bool:
    """Tell whether an open request for music waits for a clear mood."""
    return (
        about.asked_since is not None
        and not mood.state.is_emotion
        and about.last_emotion is None
        and about.leaning is None
        and not about.denied
        and _step(about) is None  # on a journey it is known what to play
        and about.watching
        and about.now - about.asked_since < ASK_PATIENCE
    )


def _asked(
    mood: Mood, playback: Playback | None, about: Circumstances, playlists: Playlists
) -> Decision:
    state = mood.state
    reason = _("you asked for music, and {mood}").format(mood=describe(mood))
    if not state.is_emotion or not (about.watching or mood.by_hand):
        last = state if state.is_emotion else about.last_emotion
        if about.leaning is not None:
            state = about.leaning
            reason = _("you asked for music, and so far you seem {mood}").format(
                mood=mood_word(state)
            )
        elif last is not None:
            state = last
            reason = _("you asked for music, and you last looked {mood}").format(
                mood=mood_word(state)
            )
        elif _step(about) is not None:
            state, reason = MoodState.NEUTRAL, _("you asked for music")
        elif still_looking(mood, about):
            return Decision(
                about.now, Action.KEEP, mood.state, None, _("looking at your mood before playing")
            )
        else:
            state = MoodState.NEUTRAL
            reason = _("you asked for music, and your mood is not known yet")
            if about.unseen:
                reason = _("you asked for music, and your mood was not known: {why}").format(
                    why=unseen_then(about.unseen)
                )
    wanted = _step(about) or state
    if about.guide is not None and about.guide.play is not None:
        reason = _guided(reason, about.guide)
    if not playlists.get(wanted):
        return Decision(about.now, Action.KEEP, wanted, None, no_playlist(wanted, about.missing))
    for playing in playlists[wanted]:
        if fits(playback, (playing,)):
            return Decision(
                about.now,
                Action.KEEP,
                state,
                playing,
                _("{reason}, and {fits}").format(reason=reason, fits=_(FITS)),
            )
    playlist = choose(playlists[wanted], about.started)
    return Decision(about.now, Action.SWITCH_NOW, state, playlist, reason)


def _cooling(about: Circumstances) -> str:
    if about.put_off:
        return _("a change of the music has failed; it is tried again once the player answers")
    if about.failed and about.cools_until:
        return _(
            "a change of the music has failed, and is not tried again until about {time}"
        ).format(time=about.cools_until)
    if about.failed:
        return _("a change of the music has failed a moment ago")
    if not about.cools_until:
        return _("the music was changed a moment ago")
    return _(
        "the music was changed a moment ago, and is not changed again until about {time}"
    ).format(time=about.cools_until)


def _step(about: Circumstances) -> MoodState | None:
    """Return what a journey plays now; None: the music goes by the mood."""
    return None if about.guide is None else about.guide.play


def _guided(reason: str, guide: Guide) -> str:
    return _("{reason}, {more}").format(reason=reason, more=guide.words)


def _reachable(playback: Playback, about: Circumstances, settings: PolicySettings) -> bool:
    """Tell whether music can be started or changed.

    A device that does not show may only be asleep.
    """
    if playback.state is not PlayState.UNAVAILABLE or about.owed:
        return True
    return settings.start_when_silent and not about.deviceless


def _silence(playback: Playback | None, about: Circumstances) -> str | None:
    """Return why it is silent and stays so until music is asked for; None: it plays, or may not."""
    if playback is None or playback.state not in (PlayState.STOPPED, PlayState.PAUSED):
        return None
    if about.awaited:
        return about.awaited
    if playback.paused_by_hand:
        return about.silent_why or _("you paused the music")
    return _(ONLY_WHEN_ASKED)


def _users_hand(
    playback: Playback | None, about: Circumstances, settings: PolicySettings
) -> str | None:
    """Return why the music is to be left to the user's hand, or None."""
    if playback is not None and playback.paused_by_hand:
        if about.awaited:
            return about.awaited
        if playback.state is PlayState.UNAVAILABLE:
            return _("the device that played is gone")
        return about.silent_why or _("you paused the music")
    plays = playback is not None and playback.state is PlayState.PLAYING
    if playback is not None and plays and playback.chosen_by is Chooser.USER:
        since = playback.chosen_since if playback.chosen_since is not None else about.now
        if about.now - since < settings.hands_off_minutes * 60:
            return _(CHOSE)
    if about.hands_off_until is not None and about.now < about.hands_off_until:
        return about.hands_off_why or _(TOOK_BACK)
    if playback is not None and plays and playback.spoken and not settings.interrupt_speech:
        return _("somebody speaks: podcasts and audiobooks are left alone")
    return None
