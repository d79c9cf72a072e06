"""Makes every sentence that menu, status, notifications, preview and demo share, once. Pure.

They are about mood, music and camera.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from typing import assert_never

from agent.translation import N_, _, retold
from agent.types import (
    EMOTION_STATES,
    LOOPS,
    Action,
    Decision,
    Evidence,
    JourneyView,
    LessonStage,
    LessonView,
    Mood,
    MoodState,
    OwnFace,
    Pause,
    Playback,
    PlayState,
    Sight,
    Snapshot,
    Status,
)

LINE_WIDTH = 58
"""Characters of one line in a menu: longer texts are wrapped (reasons) or shortened (names). What
the program ships fits, in every language."""

MOOD_WORDS: dict[MoodState, str] = {
    MoodState.ANGRY: N_("angry"),
    MoodState.DISGUST: N_("disgusted"),
    MoodState.FEAR: N_("afraid"),
    MoodState.HAPPY: N_("happy"),
    MoodState.SAD: N_("sad"),
    MoodState.SURPRISE: N_("surprised"),
    MoodState.NEUTRAL: N_("neutral"),
    MoodState.UNSURE: N_("hard to read"),
    MoodState.AWAY: N_("away"),
}

MOODS: tuple[MoodState, ...] = tuple(
    MoodState(name) for name in ("happy", "surprise", "neutral", "sad", "fear", "angry", "disgust")
)
"""The seven as people are shown them everywhere, from light to heavy."""

AUTO = "auto"
"""The word by which a command lets the face be read again."""

MOST_MINUTES = 7 * 24 * 60
"""Of a pause: a week. Longer ones are ended by hand."""

CAMERA_IN_USE = N_("another program uses the camera")
SCREEN_SHARED = N_("the screen is shared")
TAKING_A_BREAK = N_("you are taking a break")

LOG_IN = N_("Log in: choose 'Log in to Spotify' in the tray menu, or run 'moodtray login'.")
LOGIN_AGAIN = N_(
    "Log in again: choose 'Log in to Spotify' in the tray menu, or run 'moodtray login'."
)
"""The same where there was a login."""

EVERYTHING = N_(
    "Delete the whole history, what was learned of your face, the log, names of playlists, and "
    "the way back from the last change of the music? This cannot be taken back. Your permission "
    "for the camera, your settings and logins stay."
)
"""What is asked before all is deleted; page and command ask it."""
READ_LIKE_ANYBODY = N_(
    "From now on Moodtray reads you like anybody and learns nothing of your face, until you choose "
    "'Learn my face' or switch 'Go on learning' on in the settings."
)

_THEN = {
    "you look {mood}": N_("you looked {mood}"),
    "you asked for music, and so far you seem {mood}": N_(
        "you asked for music, and so far you seemed {mood}"
    ),
    "you asked for music, and your mood is not known yet": N_(
        "you asked for music, and your mood was not known yet"
    ),
}
"""What a reason says of the user's face, once that is no longer so."""
_UNSEEN_THEN = {
    "the part that looks has stopped": N_("the part that looks had stopped"),
    TAKING_A_BREAK: N_("you were taking a break"),
    "the camera is not allowed": N_("the camera was not allowed"),
    "the camera is paused": N_("the camera was paused"),
    "the camera rests, since {why}": N_("the camera rested, since {why}"),
    "the camera is gone": N_("the camera was gone"),
    "the camera cannot be used": N_("the camera could not be used"),
    CAMERA_IN_USE: N_("another program used the camera"),
    SCREEN_SHARED: N_("the screen was shared"),
    "the computer sleeps": N_("the computer slept"),
    "the lid is closed": N_("the lid was closed"),
    "the screen is locked": N_("the screen was locked"),
    "another user has the screen": N_("another user had the screen"),
}
"""Why nobody looked, told of an earlier time."""

_ARRIVED = {"and the music leads {where}": N_("and the music led {where}")}
"""What a reason says of a journey, once none is under way."""

FITS = N_("what plays fits already")
"""What a decision ends with that keeps what plays for this."""
LOOKING = N_("Looking for your face…")
SWITCHING_ON = N_("Switching the camera on…")
NO_MOOD_YET = N_("Nothing has been decided yet: no mood has been clear for long enough")


# --- moods ----------------------------------------------------------------------------------------


def parse_mood(word: str) -> MoodState | None:
    """Find the mood that ``word`` names, as :func:`named_mood` does; None for :data:`AUTO`.

    Raises ValueError, with what is allowed.
    """
    if word.strip().casefold() == AUTO:
        return None
    try:
        return named_mood(word)
    except ValueError as error:
        auto = _("Or say {auto} to go by your face again.").format(auto=AUTO)
        raise ValueError(f"{error} {auto}") from None


def named_mood(word: str) -> MoodState:
    """Find the mood that ``word`` names, as the menu or the settings call it, in any case.

    Raises ValueError, with what is allowed.
    """
    plain = word.strip().casefold().removeprefix("i feel ").strip()
    for mood in MOODS:
        here = mood_word(mood)
        said = _("I feel {mood}").format(mood=here)
        if plain in (mood.value, MOOD_WORDS[mood], here.casefold(), said.casefold()):
            return mood
    words = ", ".join(mood_word(mood) for mood in MOODS)
    if not plain:
        raise ValueError(_("Which mood? Say one of {words}.").format(words=words))
    raise ValueError(
        _("There is no mood '{word}'. Say one of {words}.").format(word=word, words=words)
    )


def parse_minutes(text: str) -> float:
    """Tell how many minutes "15", "90s", "15 min", "1h", "1h30m" or "2d" are.

    Raises ValueError, with what is allowed.
    """
    plain = text.strip().casefold().replace(" ", "")
    found = re.fullmatch(r"(?:[0-9.]+(?:d|h|min|m|s))*[0-9.]*", plain)
    units = {"d": 1440.0, "h": 60.0, "min": 1.0, "m": 1.0, "": 1.0, "s": 1 / 60}
    try:
        parts = re.findall(r"([0-9.]+)(d|h|min|m|s)?", plain) if found else []
        minutes = sum(float(number) * units[unit] for number, unit in parts)
    except ValueError:
        minutes = 0.0
    if not 0.0 < minutes <= MOST_MINUTES:
        raise ValueError(
            _("'{text}' is no time. Say for example 15m, 1h or 1h30m; a week at most.").format(
                text=text
            )
        )
    return minutes


def mood_word(state: MoodState) -> str:
    """Name a mood inside a sentence, in the language in force: "happy"."""
    return _(MOOD_WORDS[state])


def describe(mood: Mood | MoodState, *, said: bool = False) -> str:
    """Describe in a short clause: "you look happy", "you said you feel sad", "nobody is here".

    ``said``: it is the user's own word.
    """
    state = mood.state if isinstance(mood, Mood) else mood
    if state is MoodState.AWAY:
        return _("nobody is in front of the camera")
    if state is MoodState.UNSURE:
        return _("your mood is not clear just now")
    if said or (isinstance(mood, Mood) and mood.by_hand):
        return _("you said you feel {mood}").format(mood=mood_word(state))
    return _("you look {mood}").format(mood=mood_word(state))


def sentence(clause: str) -> str:
    """Write ``clause`` with a capital and a full stop."""
    return full_stop(capital(clause))


def full_stop(clause: str) -> str:
    """Write ``clause``, which may begin with a name, with a full stop."""
    return f"{clause.rstrip('.')}."


def capital(clause: str) -> str:
    """Write ``clause`` beginning with a capital letter."""
    return clause[:1].upper() + clause[1:]


def mood_line(snapshot: Snapshot) -> str:
    """Say what is known of the user now: the first line of menu, tooltip, status and preview."""
    sight, mood = snapshot.sight, snapshot.mood
    if sight is Sight.STOPPED:
        line = _("Not watching")  # the problem's own lines say why
    elif sight is Sight.NOT_ALLOWED:
        line = _("The camera is not allowed")
    elif sight in (Sight.BREAK, Sight.PAUSED, Sight.HELD_OFF):
        line = _paused_line(snapshot)
    elif mood.by_hand and mood.state.is_emotion:
        line = capital(describe(mood))
        if snapshot.mood_until is not None:
            line += _(", until {time}").format(time=clock_time(snapshot.mood_until))
    elif sight is Sight.LOST:
        line = _("The camera is gone; looking for it")
    elif sight is Sight.UNUSABLE:
        line = _("The camera cannot be used")  # the problem's own line says why
    elif sight is Sight.OPENING:
        line = _(SWITCHING_ON)
    elif mood.state is MoodState.AWAY:
        line = capital(_unclear(snapshot)) or _("Nobody in front of the camera")
    elif mood.state is MoodState.UNSURE:
        line = _unsure_line(snapshot)
    else:
        line = capital(describe(mood))
    return line


def no_picture_line(snapshot: Snapshot) -> str:
    """Say why there is no picture of the user, whatever they have said of their mood."""
    return mood_line(replace(snapshot, mood=replace(snapshot.mood, by_hand=False)))


def is_watching(snapshot: Snapshot) -> bool:
    """Tell whether anybody looks: an old estimate is not told as if it were of now."""
    return snapshot.sight.is_open


def resumes_camera(snapshot: Snapshot) -> bool:
    """Tell whether the user may end a break, or a pause of the camera."""
    return snapshot.on_break or (snapshot.consent and snapshot.camera_paused)


def resume_words(snapshot: Snapshot) -> str:
    """Name the button that ends it."""
    return _("I am back") if snapshot.on_break else _("Resume camera")


def follow_line(snapshot: Snapshot) -> str:
    """Offer an end to the user's own word on their mood, or to the time after an Undo.

    Empty: there is neither.
    """
    what = follow_words(snapshot)
    until = snapshot.mood_until if snapshot.mood.by_hand else snapshot.left_alone_until
    if not what or until is None:
        return what
    return _("{what} (else at {time})").format(what=what, time=clock_time(until))


def follow_words(snapshot: Snapshot) -> str:
    """Offer the same without its time."""
    if snapshot.mood.by_hand:
        # Nobody may look at the face, neither now nor then.
        seen = is_watching(snapshot)
        return _("Go by my face again") if seen else _("Take back what I said")
    return "" if snapshot.left_alone_until is None else _("Let the music change again")


def denial_line(shown: MoodState) -> str:
    """Offer to say that it is not the mood that is shown, and no more."""
    return _("I just do not feel {mood}").format(mood=mood_word(shown))


def problem_line(snapshot: Snapshot, *, with_login: bool = True) -> str:
    """Tell the open problem in the language in force; empty: there is none.

    ``with_login`` False: without how to log in, where the way there stands beside it.
    """
    problem = retold(snapshot.problem or "")
    if not with_login:
        for remedy in (LOG_IN, LOGIN_AGAIN):
            problem = problem.replace(_(remedy), "")
    return problem.strip()


def is_reasoned(snapshot: Snapshot) -> bool:
    """Tell whether :func:`mood_line` says why no mood is read, which may be so only just now."""
    return not snapshot.mood.state.is_emotion and bool(_unclear(snapshot))


def _unclear(snapshot: Snapshot) -> str:
    """Why the latest look says nothing; empty: it does, or nobody knows."""
    why = "" if snapshot.observation is None else snapshot.observation.unclear
    return _(why) if why else ""


def _unsure_line(snapshot: Snapshot) -> str:
    if snapshot.observation is None:
        return _(LOOKING)
    why = _unclear(snapshot)
    if not why:
        return _("Not sure how you feel")
    return _("Not sure how you feel: {why}").format(why=why)


def _paused_line(snapshot: Snapshot) -> str:
    if not snapshot.camera_paused and snapshot.held_off:
        return _("Camera off: {why}").format(why=_(snapshot.held_off))
    what = _("Taking a break") if snapshot.on_break else _("Camera paused")
    if snapshot.paused_until is None and not snapshot.until_back:
        return what
    return lasting(what, Pause(snapshot.paused_until, snapshot.until_back), snapshot.paused_since)


def watch_line(snapshot: Snapshot, look: MoodState | None, unclear: str = "") -> str:
    """Say what is known of the user, and what this look shows where that is something else.

    One look is not yet a mood: "Not sure yet – this look: happy". ``look``: what the picture shows
    most; AWAY for nobody, None where it cannot be told. ``unclear``: why not.
    """
    mood, line = snapshot.mood, mood_line(snapshot)
    if unclear:
        why = _(unclear)
        return line if why in line or capital(why) == line else f"{line}  ·  {why}"
    if look is None or look is mood.state or mood.state is MoodState.AWAY:
        return line
    if look is MoodState.AWAY:
        return _("No face in the picture")
    if mood.state is MoodState.UNSURE:
        line = _("Not sure yet")
    return _("{line} – this look: {mood}").format(line=line, mood=mood_word(look))


# --- music ----------------------------------------------------------------------------------------


def music_line(snapshot: Snapshot, *, alone: bool = True) -> str:
    """Say which playlist plays: the second line of menu and tooltip.

    ``alone``: and until when it is left alone, as :func:`alone_words` say.
    """
    if "player" in snapshot.stopped:
        return _("Out of touch with the music")
    if snapshot.status is Status.NEEDS_LOGIN:
        return _("Please log in to Spotify")
    if snapshot.status is Status.OFFLINE:
        return _("No connection to the music service")
    playback = snapshot.playback
    if playback is None:
        return _("No music player answers")
    name = shorten(name_of(playback) or _("music"), LINE_WIDTH - 8)
    match playback.state:
        case PlayState.PLAYING:
            told = alone_words(snapshot) if alone else ""
            return f"♪ {shorten(name, LINE_WIDTH - 2 - len(told))}{told}"
        case PlayState.PAUSED:
            return _("Paused: {name}").format(name=name)
        case PlayState.STOPPED:
            return _("No music plays")
        case PlayState.UNAVAILABLE:
            return _("No music player answers")
        case _:
            assert_never(playback.state)


def alone_words(snapshot: Snapshot) -> str:
    """Add until when the music is left alone after an Undo; empty: it is not."""
    until, playback = snapshot.left_alone_until, snapshot.playback
    if until is None or playback is None or playback.state is not PlayState.PLAYING:
        return ""
    return _(", left alone until {time}").format(time=clock_time(until))


def name_of(playback: Playback) -> str | None:
    """Return what people call what is loaded: the playlist's name, or the track's.

    A player's own notation says nothing to people.
    """
    return playback.context_name or playback.title


def track_line(snapshot: Snapshot) -> str | None:
    """Name the track that is loaded, where it says more than :func:`music_line`."""
    playback = snapshot.playback
    if playback is None or playback.state not in (PlayState.PLAYING, PlayState.PAUSED):
        return None
    if not playback.title or playback.title == name_of(playback):
        return None
    return shorten(playback.title)


def is_unheard(snapshot: Snapshot) -> bool:
    """Tell whether music plays that nobody can hear, since no sound device is there."""
    playback = snapshot.playback
    if playback is None or "player" in snapshot.stopped:
        return False
    return playback.unheard and playback.state is PlayState.PLAYING


def is_loop(playback: Playback) -> bool:
    """Tell whether a Moodtray loop is loaded."""
    return (playback.context or "").startswith(LOOPS)


def why_question(snapshot: Snapshot) -> str:
    """Ask for the reason of what there is: music, be it paused, or silence."""
    return _("Why this music?") if is_loaded(snapshot) else _("Why is it silent?")


def is_loaded(snapshot: Snapshot) -> bool:
    """Tell whether there is music, be it paused."""
    playback = snapshot.playback
    return playback is not None and playback.state in (PlayState.PLAYING, PlayState.PAUSED)


def why_lines(snapshot: Snapshot, *, evidence: bool = False) -> tuple[str, ...]:
    """Say what changed the music last and why, then what holds now if that is something else.

    Up to four sentences without a full stop; the first begins with a name. ``evidence``: with what
    the latest rests on.
    """
    change, decision = snapshot.change, snapshot.decision
    lines = []
    if change is not None:
        name = change_name(change) if change.playlist else capital(change_name(change))
        lines.append(f"{name}: {reason_of(change, snapshot)}")
    told = change
    if decision is not None and not tells(change, decision):
        lines.append(_("Now: {reason}").format(reason=decided(decision, snapshot)))
        told = decision
    if evidence and told is not None and told.evidence is not None and _is_by_mood(told):
        lines[-1] += f" ({evidence_line(told.mood, told.evidence)})"
    going = snapshot.journey
    if going is not None and not any(journey_line(going) in line for line in lines):
        lines.append(_("Journey: {journey}").format(journey=journey_line(going)))
    if snapshot.left_alone_until is not None:
        alone = _("Moodtray leaves the music alone until {time}")
        lines.append(alone.format(time=clock_time(snapshot.left_alone_until)))
    return tuple(lines) or (_undecided(snapshot),)


def _is_by_mood(decision: Decision) -> bool:
    """Tell whether a decision's reason is the mood; music may be kept for many another."""
    return decision.action is not Action.KEEP or describe(decision.mood) in reason(decision)


def tells(change: Decision | None, decision: Decision) -> bool:
    """Tell whether the reason of the latest change says what that of ``decision`` would."""
    if change is None or decision.action is Action.SWITCH_AT_END:
        return False
    fits = _("{reason}, and {fits}").format(reason=reason(change), fits=_(FITS))
    plays_on = decision.action is Action.KEEP and reason(decision) == fits
    return plays_on or change.reason.startswith(decision.reason)


def reason(decision: Decision) -> str:
    """Give a decision's reason in the language in force."""
    return retold(decision.reason)


def reason_of(decision: Decision, snapshot: Snapshot) -> str:
    """Give the same, in the past where it speaks of a face that does not look like that any more.

    Nor is it told as if it were of now while nobody looks.
    """
    mood = snapshot.mood
    seen = is_watching(snapshot) and not mood.by_hand
    so_still = seen and mood.state is decision.mood
    then = {} if so_still else _THEN
    return retold(decision.reason, then if snapshot.journey else {**then, **_ARRIVED})


def in_the_past(why: str) -> str:
    """Tell a reason as that of an earlier time: "you looked happy"."""
    return retold(why, {**_THEN, **_ARRIVED})


def unseen_then(why: str) -> str:
    """Tell why nobody looked, of an earlier time: "the camera was paused"."""
    return retold(why, _UNSEEN_THEN)


def change_name(change: Decision) -> str:
    """Name what a change of the music led to."""
    return _("silence") if change.playlist is None else change.playlist.name


def evidence_line(mood: MoodState, evidence: Evidence) -> str:
    """Say what a decision rests on, as a clause.

    "happy was at 92 %, a mood is named from 88 %; for 4 min; next came sad with 5 %".
    """
    seven, other = evidence.probabilities, evidence.runner_up
    needed = f"{100 * evidence.threshold:.0f}"

    def share(mood: MoodState) -> str:
        return _percent(seven[EMOTION_STATES.index(mood)], evidence.threshold)

    if mood.is_emotion:
        words = _("{mood} was at {share} %")  # it was named before, or is asked for early
        if seven[EMOTION_STATES.index(mood)] >= evidence.threshold:
            words = _("{mood} was at {share} %, a mood is named from {needed} %")
        parts = [words.format(mood=mood_word(mood), share=share(mood), needed=needed)]
        if evidence.seconds >= 1.0:
            parts.append(_("for {time}").format(time=age(evidence.seconds)))
        if other is not None:
            next_one = _("next came {mood} with {share} %")
            if seven[EMOTION_STATES.index(other)] > seven[EMOTION_STATES.index(mood)]:
                next_one = _("{mood} had more, {share} %")
            parts.append(next_one.format(mood=mood_word(other), share=share(other)))
    else:
        leading = EMOTION_STATES[max(range(len(seven)), key=lambda at: seven[at])]
        words = _("{mood} came nearest with {share} %")  # and was denied, or is too new
        if seven[EMOTION_STATES.index(leading)] < evidence.threshold:
            words = _("{mood} came nearest with {share} %, and {needed} % is needed")
        parts = [words.format(mood=mood_word(leading), share=share(leading), needed=needed)]
    if evidence.correction is not None:
        parts.append(_("read as your own face"))
    return "; ".join(parts)


def _percent(probability: float, needed: float) -> str:
    """Write a probability in percent; one below what is needed is not rounded up to it."""
    whole = round(100 * probability)
    return f"{min(whole, round(100 * needed) - 1) if probability < needed else whole}"


def _undecided(snapshot: Snapshot) -> str:
    """Say why nothing was decided yet."""
    if not is_watching(snapshot):
        why = mood_line(snapshot)
    elif snapshot.candidate is not None:
        why = _("You may look {mood}, but that is at {share} %, and {needed} % is needed").format(
            mood=mood_word(snapshot.candidate.state),
            share=_percent(snapshot.candidate.probability, snapshot.candidate.certainty),
            needed=f"{100 * snapshot.candidate.certainty:.0f}",
        )
    else:
        return _(NO_MOOD_YET)
    return _("Nothing has been decided yet. {why}").format(why=why)


def age(seconds: float) -> str:
    """Write a span of time shortly: "40 s", "4 min", "2 h"."""
    minutes = max(0.0, seconds) / 60.0
    if minutes < 1.0:
        return f"{max(1.0, seconds):.0f} s"
    if minutes < 90.0:
        return f"{minutes:.0f} min"
    return f"{minutes / 60.0:.0f} h"


def journey_line(journey: JourneyView) -> str:
    """Tell where a journey is: "from sad to happy, step 2 of 3"."""
    goal = mood_word(journey.goal)
    if journey.steps == 1:
        return _("to {goal}").format(goal=goal)
    return _("from {start} to {goal}, step {step} of {steps}").format(
        step=journey.step, steps=journey.steps, start=mood_word(journey.start), goal=goal
    )


def decided(decision: Decision, snapshot: Snapshot | None = None) -> str:
    """Write a decision's reason, and what it waits for; ``snapshot``: as it is told then."""
    why = reason(decision) if snapshot is None else reason_of(decision, snapshot)
    if decision.action is Action.SWITCH_AT_END and decision.playlist is not None:
        return _("{reason}; {name} follows when this track ends").format(
            reason=why, name=decision.playlist.name
        )
    return why


def face_forgotten() -> str:
    """Say that the face was forgotten, and what follows."""
    return f"{_('Your face is forgotten')}. {_(READ_LIKE_ANYBODY)}"


def face_line(known: OwnFace | None) -> str:
    """Say how the user's face is read, as a clause."""
    match known:
        case OwnFace.LEARNED:
            return _("your face was learned, and is read as such")
        case OwnFace.ADJUSTED:
            return _("your words on your mood, or many looks, have changed a little how it is read")
        case None:
            return _("your face is read like anybody's")
        case _:
            assert_never(known)


def lesson_line(lesson: LessonView) -> str:
    """Say what to do while the face is learned, what stands in the way, or how it ended."""
    if lesson.trouble:
        return lesson.trouble
    match lesson.stage:
        case LessonStage.REST:
            share = f"{100 * lesson.share:.0f}"
            return _("Look as you do when you work: {share} %").format(share=share)
        case LessonStage.SHOW:
            return _("Now look {mood}").format(mood=mood_word(lesson.asked or MoodState.HAPPY))
        case LessonStage.READY:
            return _("Your face at rest is known. Keep it, or show another mood")
        case LessonStage.LEARNED | LessonStage.FAILED:  # a failure has its trouble, told above
            return _("Your face is learned")
        case _:
            assert_never(lesson.stage)


def lesson_reading(lesson: LessonView) -> str:
    """Say what is read now and as it will be: "now: sad (60 %), as learned: neutral (80 %)"."""
    if lesson.now is None or lesson.then is None:
        return ""
    return _("now: {now}, as learned: {then}").format(
        now=_leading(lesson.now), then=_leading(lesson.then)
    )


def _leading(seven: tuple[float, ...]) -> str:
    at = max(range(len(seven)), key=lambda place: seven[place])
    return f"{mood_word(EMOTION_STATES[at])} ({100 * seven[at]:.0f} %)"


# --- camera, times, parts -------------------------------------------------------------------------


def camera_line(snapshot: Snapshot, now: datetime) -> str:
    """Say whether the camera looks; if not, for how long or why, and what to do."""
    if not snapshot.consent:
        return _("not allowed; 'moodtray consent' tells what it is for and allows it")
    sight = snapshot.sight
    match sight:
        case Sight.STOPPED | Sight.NOT_ALLOWED:
            return _("off")
        case Sight.BREAK | Sight.PAUSED:
            rests = Pause(snapshot.paused_until, snapshot.until_back)
            paused = lasting(_("paused"), rests, now)
            after = snapshot.after_break
            if after is None:
                return paused
            longer = lasting(_("the camera alone"), after, now)
            return _("{first}, {then}").format(first=paused, then=longer)
        case Sight.HELD_OFF:
            assert snapshot.held_off is not None
            return _("off: {why}").format(why=_(snapshot.held_off))
        case Sight.LOST:
            return _("gone, waiting for it to come back")
        case Sight.UNUSABLE:
            return _("cannot be used")  # the problem's own line says why
        case Sight.OPENING:
            return _("being switched on")
        case Sight.LOOKING:
            return _("on")
        case _:
            assert_never(sight)


def lasting(what: str, pause: Pause, now: datetime | None) -> str:
    """Say how long something lasts: "paused until 15:30", with the day when it is another one.

    Without a time, until what the user does. That is a clause, which some languages part by a comma
    from what is before it: so it is no text of its own.
    """
    if pause.until is not None:
        return _("{what} until {time}").format(what=what, time=moment(pause.until, now))
    if pause.until_back:
        return _("{what} until you are back").format(what=what)
    if pause.on_break:
        return _("{what} until you say so").format(what=what)
    return _("{what} until you resume it").format(what=what)


def camera_rests(end: datetime | None, now: datetime) -> str:
    """Answer the wish to pause the camera alone."""
    if end is None:
        return _("The camera is paused until you resume it.")
    return _("The camera is paused until {time}.").format(time=moment(end, now))


_SHORT_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def clock_time(when: datetime) -> str:
    """Write "15:40"."""
    return f"{when:%H:%M}"


def short_day(when: date) -> str:
    """Name a day beside others: "Thu 26"."""
    return _("{weekday} {day}").format(weekday=_(_SHORT_DAYS[when.weekday()]), day=when.day)


def moment(when: datetime, now: datetime | None) -> str:
    """Tell a time, with its day where that is another than now's: "14:02", "Thu 26, 14:02"."""
    local = when if now is None else when.astimezone(now.tzinfo)
    if now is None or local.date() == now.date():
        return clock_time(local)
    return f"{short_day(local.date())}, {clock_time(local)}"


def shorten(text: str, width: int = LINE_WIDTH) -> str:
    """Shorten to one line of at most ``width`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


_PARTS: dict[str, str] = {
    "watcher": N_("Looking through the camera"),
    "player": N_("Playing music"),
    "folders": N_("Noticing new music in your folders"),
    "session": N_("Noticing a locked screen"),
    "bus": N_("Answering programs on the session bus"),
    "commands": N_("Taking commands such as 'moodtray status'"),
    "page": N_("Showing the page in a browser"),
}


def what_is_done_by(worker: str) -> str:
    """Say what a worker does, as the beginning of a sentence."""
    if worker in _PARTS:
        return _(_PARTS[worker])
    return _("The part “{name}”").format(name=worker)


def what_stopped(worker: str) -> str:
    """Say what no longer works since that worker gave up, as a sentence."""
    return _("{part} stopped after repeated failures.").format(part=what_is_done_by(worker))


def part_stopped(worker: str) -> str:
    """Say what no longer works since that worker gave up, and how it may work again."""
    again = _("'Start again' in the tray's menu tries anew, and so does 'moodtray resume'.")
    if worker == "commands":  # that command would not arrive
        again = _("'Start again' in the tray's menu tries anew.")
    return f"{what_stopped(worker)} {again}"
