"""What every notification says, and when one no longer holds. Pure.

The words of trouble and of an ``events.Notice`` are written where they arise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from agent.core.mood import OwnWord
from agent.effects import Notification
from agent.errors import AgentError, BadPicture, CameraError, NeedsLogin, NoDevice, PlaylistGone
from agent.events import (
    AskForConsent,
    EndJourney,
    Event,
    FollowFace,
    LetMusicChange,
    LogIn,
    NotMe,
    NotMyMood,
    OpenPage,
    PlayForMood,
    RestartWorkers,
    ResumeCamera,
    ResumeMusic,
    ShowPreview,
    UndoSwitch,
)
from agent.settings import PolicySettings
from agent.translation import _
from agent.types import (
    Action,
    CameraState,
    Chooser,
    Decision,
    JourneyView,
    Mood,
    MoodState,
    NotificationKind,
    Pause,
    Playback,
    PlayState,
    Snapshot,
)
from agent.wording import (
    FITS,
    READ_LIKE_ANYBODY,
    capital,
    change_name,
    clock_time,
    decided,
    describe,
    full_stop,
    is_loop,
    journey_line,
    lasting,
    moment,
    mood_line,
    mood_word,
    music_line,
    name_of,
    part_stopped,
    reason_of,
    sentence,
    track_line,
    what_is_done_by,
    why_lines,
)


def _resume(word: OwnWord | None = None) -> tuple[str, Event]:
    """Offer an end to the time for which the music is left alone: by a ``word``, or an Undo."""
    return _("Resume"), LetMusicChange() if word is None else FollowFace()


def _unsay() -> tuple[str, Event]:
    return _("Take back what I said"), FollowFace()


def _begin(trouble: AgentError | None) -> tuple[str, Event]:
    """Offer music now, or what has to come before it."""
    if isinstance(trouble, NeedsLogin):
        return _("Log in"), LogIn()
    return _("Play now"), PlayForMood()


def _end_journey() -> tuple[str, Event]:
    return _("End the journey"), EndJourney()


def _own_music() -> tuple[str, Event]:
    return _("Music for my moods"), OpenPage("moods")


# --- changes of the music, and the answers to what was wished -------------------------------------


def switched(
    decision: Decision,
    *,
    asked: bool = False,
    word: OwnWord | None = None,
    until: datetime | None = None,
    leads: str = "",
) -> Notification:
    """Tell that the music was changed: to what, why, and for how long.

    ``until``: Moodtray changes nothing by itself before that, after an Undo. ``leads``: how the
    journey ends that begins with it, as :func:`journey_ends` tells.
    """
    assert decision.playlist is not None
    buttons: tuple[tuple[str, Event], ...] = ((_("Undo"), UndoSwitch(decision)),)
    body = sentence(decision.reason)
    if word is not None:
        body = _goes_by(word)
        if decision.reason != describe(word.mood, said=True):  # a journey goes on
            body = f"{sentence(decision.reason)} {_holds_until(word)}"
        buttons += (_unsay(),)
    elif until is not None:
        body = f"{body} {_left_alone(until)}"
        buttons += (_resume(),)
    elif leads:
        body = f"{body} {leads}"
        buttons += (_end_journey(),)
    elif not asked and describe(decision.mood, said=True) in decision.reason:
        buttons += (_unsay(),)
    elif not asked:
        buttons += ((_("Not my mood"), NotMyMood(decision.mood, decision)),)
    return Notification(
        NotificationKind.SWITCH,
        f"♪ {decision.playlist.name}",
        body,
        buttons=buttons,
        emotion=decision.mood,
        asked=asked,
    )


def _goes_by(word: OwnWord) -> str:
    return _("You said you feel {mood}. The music goes by that until {time}.").format(
        mood=mood_word(word.mood), time=clock_time(word.until)
    )


def _holds_until(word: OwnWord) -> str:
    return _("That holds until {time}.").format(time=clock_time(word.until))


def _left_alone(until: datetime) -> str:
    return _("Moodtray leaves the music alone until {time}.").format(time=clock_time(until))


def taken_back(
    name: str, until: datetime | None, word: OwnWord | None, ends: Sequence[str] = ()
) -> Notification:
    """Tell that a change was undone: what plays now, and until when it is left alone.

    ``ends``: what ended with it, as :func:`ends_with_it` tells.
    """
    until = word.until if word is not None else until
    told = list(ends)
    if word is not None:
        told = [sentence(_("you said you feel {mood}").format(mood=mood_word(word.mood)))]
    if until is not None:
        told.append(_left_alone(until))
    return Notification(
        NotificationKind.INFO,
        _("Back to {name}").format(name=name),
        " ".join(told),
        buttons=(_resume(word),) if until is not None else (),
        emotion=None if word is None else word.mood,
        asked=True,
    )


def ends_with_it(unsaid: bool, journey: bool) -> Iterator[str]:
    """Tell what an Undo ends: the user's word on their mood, a journey."""
    if unsaid:
        yield _("What you said of your mood holds no more.")
    if journey:
        yield sentence(_("The journey is over"))


def mood_without_music(word: OwnWord, reason: str) -> Notification:
    """Answer the user who said how they feel in silence, where nothing is there to be played."""
    set_some = _("{reason} Set some under 'Music for my moods'.").format(reason=sentence(reason))
    return Notification(
        NotificationKind.INFO,
        _("You said you feel {mood}").format(mood=mood_word(word.mood)),
        f"{_holds_until(word)} {set_some}",
        buttons=(_own_music(), _unsay()),
        emotion=word.mood,
        asked=True,
    )


def mood_noted(
    word: OwnWord,
    reason: str,
    plays: bool,
    rests: str | None = None,
    trouble: AgentError | None = None,
) -> Notification:
    """Answer the user who said how they feel, where the music is not changed for it.

    ``rests``: why the music rests, which may be for longer than the word holds; ``trouble``: the
    player's, that no music can begin with.
    """
    said = _("The music goes by that until {time}.").format(time=clock_time(word.until))
    why = _("No music plays: 'Play for my mood' begins it.")
    if rests is not None:
        said, why = _holds_until(word), sentence(_(rests))
        if not plays:
            why = _("No music plays: {why}.").format(why=_(rests))
    elif plays:
        more = reason.partition(_(", and "))[2] or reason
        why = sentence(more)
        if more != _(FITS):
            said = _holds_until(word)
    elif trouble is not None:
        said, why = _holds_until(word), trouble.message
    play: tuple[tuple[str, Event], ...] = () if plays else (_begin(trouble),)
    return Notification(
        NotificationKind.INFO,
        _("You said you feel {mood}").format(mood=mood_word(word.mood)),
        f"{said} {why}",
        buttons=(*play, _unsay()),
        emotion=word.mood,
        asked=True,
    )


def follows_face(
    mood: Mood,
    decision: Decision | None,
    plays: bool,
    unseen: str = "",
    held: bool = True,
    said: bool = True,
) -> Notification:
    """Tell that the user's own word, or the time after an Undo, has ended.

    And what becomes of the music: ``decision`` is the latest, made for ``mood``. ``unseen``: why
    nobody looks at the face, as a clause. ``held``: there was such a word or time; ``said``: it was
    a word.
    """
    if unseen:
        title = _("What you said or took back holds no more")
        return Notification(
            NotificationKind.INFO,
            title if held else _("Nothing that you said or took back was in force"),
            _("Moodtray does not look yet: {why}.").format(why=unseen),
            asked=True,
        )
    seen = describe(mood)
    body, silence, stays = sentence(seen), _("No music plays."), _("What plays goes on.")
    if not plays:
        body = f"{body} {silence}"
    elif decision is not None and decision.action is not Action.SWITCH_NOW:
        why = decided(decision)
        body = sentence(why) if why.startswith(seen) else f"{body} {sentence(why)}"
        if decision.action is Action.KEEP and _(FITS) not in why:
            body = f"{body} {stays}"
    return Notification(
        NotificationKind.INFO,
        _("Moodtray goes by your face again") if said else _("The music may change again"),
        body,
        emotion=mood.state,
        asked=True,
    )


def denied(mood: MoodState) -> str:
    """Repeat what the user said of their mood, as the beginning of an answer."""
    return _("You do not feel {mood}.").format(mood=mood_word(mood))


def not_my_mood(denied: MoodState, plays: bool, *, pending: bool = False) -> Notification:
    """Answer the user whose mood it is not, where there was no change to take back.

    ``pending``: a wish for music waits.
    """
    left = _("What plays goes on for now.") if plays else _("No music plays.")
    if pending:
        left = _("The music that you asked for begins by itself when it can.")
    way = _("Say how you feel: 'Wrong mood?' in the tray's menu.")
    what = f"'{capital(mood_word(denied))}'" if denied.is_emotion else _("That")
    return Notification(
        NotificationKind.INFO,
        _("{what} is forgotten for ten minutes").format(what=what),
        f"{left} {way}",
        asked=True,
    )


def not_switched(decision: Decision, heard: Playback | None) -> Notification:
    """Answer a request for music that changes nothing: there is none, it fits, or no other one is.

    ``heard``: what plays.
    """
    mood, playlist = mood_word(decision.mood), decision.playlist
    fits = _(FITS) in decision.reason
    if playlist is None:
        title = _("No music for {mood}").format(mood=mood)
        body = _("{reason} Set some under 'Music for my moods'.").format(
            reason=sentence(decision.reason)
        )
    elif fits:
        title = _("♪ {name} plays on").format(name=playlist.name)
        body = sentence(decision.reason)
    else:
        title = _("No other music for {mood}").format(mood=mood)
        if heard is not None and heard.state is PlayState.PLAYING and heard.shows(playlist.uri):
            title = _("♪ {name} plays on").format(name=playlist.name)
        body = _("{reason} Set more under 'Music for my moods', and they take turns.").format(
            reason=sentence(decision.reason)
        )
    return Notification(
        NotificationKind.INFO,
        title,
        body,
        buttons=() if fits else (_own_music(),),
        emotion=decision.mood if decision.mood.is_emotion else None,
        asked=True,
    )


def nothing_plays(hindrance: AgentError | None = None, *, unread: bool = False) -> Notification:
    """Answer 'Next track' in silence; ``hindrance``: the trouble that no music can begin with.

    ``unread``: with it nobody knows whether it is silent.
    """
    if hindrance is not None and unread:
        return trouble(hindrance, asked=True)
    return Notification(
        NotificationKind.INFO,
        _("No music plays"),
        _("So there is no next track."),
        buttons=(_begin(hindrance),),
        asked=True,
    )


def nothing_to_undo(deleted: bool = False) -> Notification:
    """Answer an Undo without a change. ``deleted``: there was one until the user deleted it."""
    why = _("Moodtray has not changed the music, or has taken its change back already.")
    if deleted:
        why = _("What was noted of the latest change is deleted, so it cannot be taken back.")
    return Notification(
        NotificationKind.INFO,
        _("There is nothing to undo"),
        why,
        asked=True,
    )


# --- breaks ---------------------------------------------------------------------------------------


def on_break(
    until: datetime | None,
    until_back: bool,
    now: datetime,
    *,
    music: bool,
    camera: bool,
    alone_until: datetime | None = None,
    usable: bool = True,
    starts: bool = False,
    held_off: str | None = None,
    unpausable: AgentError | None = None,
    unread: AgentError | None = None,
) -> Notification:
    """Tell that camera and music rest, as the user asked, and how that ends.

    ``music``: it goes on then; ``camera``: no wish of the user's keeps it off then;
    ``alone_until``: it is paused until then by a wish of its own, also where the break ends sooner;
    ``usable``: it could be used when it was tried last; ``starts``: Moodtray may break a silence;
    ``held_off``: why session or call keep it off besides; ``unpausable``: why the music may not;
    ``unread``: why nobody knows whether any plays.
    """
    back = _("Click 'I am back' in the tray's menu to go on.")
    both = music and camera and usable and alone_until is None and held_off is None
    if until_back:
        back = _(
            "The break ends when you use this computer again after a locked screen, sleep or a "
            "while untouched, or when you click 'I am back'."
        )
        if both:
            back = _(
                "Both come back by themselves when you use this computer again after a locked "
                "screen, sleep or a while untouched, or when you click 'I am back'."
            )
    if until is not None:
        back = _("The break ends by itself then, or when you click 'I am back'.")
        if both:
            back = _("Both come back by themselves then, or when you click 'I am back'.")
    if not music:
        then = _("No music plays now, so none goes on then.")
        if unread is not None:
            then = _("Whether music plays is not known: {why}").format(why=unread.message)
        elif unpausable is not None:
            then = _("No music goes on then.")
        elif starts:
            then = _("No music plays now; after the break Moodtray may begin some by itself.")
        back += " " + then
    back += _of_the_camera_then(now, camera, alone_until, usable)
    if held_off is not None:
        back += " " + _("The camera stays off as long as this is so: {why}.").format(
            why=_(held_off)
        )
    rests = _("Camera and music rest. {back}").format(back=back)
    if unpausable is not None:
        rests = _(
            "The camera rests, and the music as soon as it can be paused: {trouble} {back}"
        ).format(trouble=unpausable.message, back=back)
    return Notification(
        NotificationKind.INFO,
        lasting(_("Taking a break"), Pause(until, until_back, on_break=True), now),
        rests,
        buttons=((_("I am back"), ResumeCamera()),),
        asked=True,
    )


def _of_the_camera_then(
    now: datetime, camera: bool, alone_until: datetime | None, usable: bool = True
) -> str:
    """Tell what keeps the camera off when a break is over; empty: nothing."""
    if alone_until is not None:
        return " " + _("The camera stays paused until {time}, also if you are back sooner.").format(
            time=moment(alone_until, now)
        )
    if not camera:
        return " " + _("The camera stays off then, as it was.")
    return "" if usable else " " + _("The camera could not be used; it is tried again then.")


def break_goes_on(
    until: datetime | None,
    now: datetime,
    *,
    camera: bool,
    alone_until: datetime | None = None,
) -> Notification:
    """Tell that a break goes on which began before this start, and how it ends.

    ``camera`` and ``alone_until`` as of :func:`on_break`.
    """
    back = _("'I am back' in the tray's menu, or 'moodtray resume', ends it.")
    if until is not None:
        back = _(
            "It ends by itself then. 'I am back' in the tray's menu, or 'moodtray resume', ends it "
            "sooner."
        )
    music = _("Moodtray was started anew: music that rested does not go on by itself.")
    back = f"{back} {music}{_of_the_camera_then(now, camera, alone_until)}"
    return Notification(
        NotificationKind.PAUSED,
        lasting(_("Your break goes on"), Pause(until, on_break=True), now),
        back,
        buttons=((_("I am back"), ResumeCamera()),),
    )


def camera_still_paused(until: datetime | None, now: datetime) -> Notification:
    """Tell that the camera alone rests still, which was wished before this start."""
    title = _("The camera is still paused")
    back = _("'Resume camera' in the tray's menu, or 'moodtray resume', ends that.")
    if until is not None:
        title = _("The camera is still paused until {time}").format(time=moment(until, now))
        back = _(
            "It comes back by itself then. 'Resume camera' in the tray's menu, or 'moodtray "
            "resume', brings it back sooner."
        )
    return Notification(
        NotificationKind.PAUSED,
        title,
        back,
        buttons=((_("Resume camera"), ResumeCamera()),),
    )


def camera_paused(
    until: datetime | None,
    now: datetime,
    music: bool = False,
    usable: bool = True,
    word: OwnWord | None = None,
    journey: JourneyView | None = None,
    *,
    plays: bool = True,
) -> Notification:
    """Tell that the camera alone rests, as the user asked, and how that ends.

    ``music``: it had rested in a break, which this ends. ``usable``: the camera could be used when
    it was tried last. ``word``: what the user has said of their mood, where it holds; ``journey``:
    the one that they have wished for. ``plays``: some plays, or may begin by itself.
    """
    title = _("The camera is paused")
    back = _("Click 'Resume camera' in the tray's menu to go on.")
    if until is not None:
        title = _("The camera is paused until {time}").format(time=moment(until, now))
        back = _("The camera comes back by itself then, or when you click 'Resume camera'.")
    if not usable:
        back = _("It could not be used; click 'Resume camera' to try it again.")
        if until is not None:
            back = _("The camera could not be used; it is tried again then.")
    heard = _("The music is not touched meanwhile.")
    if not plays:
        word = journey = None
    if music:
        heard = _("The break is over for the music, which goes on.")
    elif journey is not None:
        heard = sentence(_("The music leads {where}").format(where=journey_line(journey)))
    elif word is not None:
        heard = _goes_by(word)
    return Notification(
        NotificationKind.INFO,
        title,
        f"{back} {heard}",
        buttons=((_("Resume camera"), ResumeCamera()),),
        asked=True,
    )


def nothing_to_pause() -> Notification:
    """Answer the wish to pause a camera that is off until it is allowed."""
    body = _("So it is off, and there is nothing to pause.")
    return Notification(NotificationKind.INFO, _("The camera is not allowed"), body, asked=True)


def pause_ended(
    on_break: bool,
    *,
    stays_off: str,
    music: bool,
    asked: bool,
    usable: bool = True,
    deviceless: bool = False,
    hindrance: AgentError | None = None,
    idle: bool = False,
) -> Notification:
    """Tell that a break is over, or a pause of the camera alone.

    ``stays_off``: why the camera does not look all the same, as a clause; ``idle``: which ends with
    the next touch, and may have ended with that of somebody who ``asked``. ``music``: it plays on.
    ``usable``: the camera could be used when it was tried last. ``deviceless``: as far as is known
    no device is there to play on; ``hindrance``: why the player cannot just now.
    """
    title = _("The break is over") if on_break else _("The camera is no longer paused")
    camera = _("Moodtray switches the camera on again.")
    if not usable:
        camera = _("Moodtray tries the camera again, which could not be used.")
    if stays_off:
        camera = _("Moodtray does not look yet: {why}.").format(why=stays_off)
    if idle and asked:
        camera = _("Moodtray looks again as soon as you use this computer.")
    goes_on = _("The music goes on.") if music else ""
    if music and deviceless:
        goes_on = _("The music goes on once a device is there to play on.")
    elif music and hindrance is not None:
        goes_on = _("The music goes on as soon as it can: {trouble}")
        if isinstance(hindrance, NeedsLogin):
            goes_on = _("The music cannot go on: {trouble}")
        goes_on = goes_on.format(trouble=hindrance.message)
    return Notification(NotificationKind.INFO, title, f"{camera} {goes_on}".strip(), asked=asked)


def music_rests(why: str, unpausable: AgentError | None = None) -> Notification:
    """Tell that the music was paused for a call or a shared screen.

    ``unpausable``: why it may play for a while yet.
    """
    told = _("{why} It goes on afterwards.").format(why=sentence(_(why)))
    title = _("The music rests")
    if unpausable is not None:
        title = _("The music is to rest")
        told = _("{why} The music is paused as soon as it can be: {trouble}").format(
            why=sentence(_(why)), trouble=unpausable.message
        )
    return Notification(
        NotificationKind.REST,
        title,
        told,
        buttons=((_("Go on now"), ResumeMusic()),),
    )


# --- landing, why ---------------------------------------------------------------------------------


def welcome(
    plays: bool,
    until: datetime | None = None,
    policy: PolicySettings | None = None,
    unseen: str = "",
    word: OwnWord | None = None,
) -> Notification:
    """Tell what follows after a yes to the camera.

    ``until``: Moodtray changes nothing by itself before that, after an Undo. ``unseen``: why nobody
    looks yet, as a clause. ``word``: what the user has said of their mood, where it holds.
    """
    begins = _(
        "Moodtray switches it on. To be sure of your mood takes half a minute to some minutes. "
        "{more}"
    )
    if unseen:
        begins = _("Moodtray does not look yet: {why}. {more}")
    policy = policy or PolicySettings()
    if not plays and policy.start_when_silent:
        follows = _("When your mood is clear, music may begin by itself, as you have set it.")
    elif not plays:
        follows = _(
            "Silence is normal: Moodtray changes music that plays and starts none by itself. "
            "'Play now' begins, and so does 'Play for my mood' in the tray's menu."
        )
    elif word is not None:
        follows = _goes_by(word)
    elif until is not None:
        follows = _left_alone(until)
    elif policy.timing == "now":
        follows = _("When your mood is clear, the music changes at once.")
    else:
        follows = _("When your mood is clear, the music changes at the end of a track.")
    return Notification(
        NotificationKind.INFO,
        _("The camera is allowed"),
        begins.format(why=unseen, more=follows),
        buttons=((_("Play now"), PlayForMood()), _own_music()),
        asked=True,
    )


def why(snapshot: Snapshot) -> Notification:
    """Tell what is seen, what plays, and why."""
    track, music = track_line(snapshot), music_line(snapshot, alone=False)
    music = music if track is None else f"{music} – {track}"
    reasons = list(why_lines(snapshot))
    change, playback = snapshot.change, snapshot.playback
    if change is not None and playback is not None and name_of(playback) == change_name(change):
        # Its name stands above already.
        reasons[0] = _("Because {reason}").format(reason=reason_of(change, snapshot))
    lines = [music, *map(full_stop, reasons)]
    if snapshot.problem:
        lines.append(snapshot.problem)
    return Notification(
        NotificationKind.INFO,
        mood_line(snapshot),
        "\n".join(lines),
        emotion=snapshot.mood.state,
        asked=True,
    )


# --- trouble --------------------------------------------------------------------------------------


def trouble(error: AgentError, asked: bool = False) -> Notification:
    """Tell of something that needs the user, or that the user should know."""
    kind = NotificationKind.PROBLEM
    buttons: tuple[tuple[str, Event], ...] = ()
    if isinstance(error, PlaylistGone):
        buttons = (_own_music(),)
    if isinstance(error, NeedsLogin):
        kind, buttons = NotificationKind.LOGIN, ((_("Log in"), LogIn()),)
    elif isinstance(error, NoDevice):
        kind = NotificationKind.DEVICE
    elif isinstance(error, CameraError | BadPicture):
        kind = NotificationKind.CAMERA
    return Notification(kind, error.title, error.message, buttons=buttons, asked=asked)


def paused_meanwhile() -> Notification:
    """Tell that a wish for music which had to wait is over: the player was paused by hand."""
    return Notification(
        NotificationKind.INFO,
        _("The music stays paused"),
        _("It was paused in the player itself. 'Play for my mood' begins it."),
        buttons=((_("Play now"), PlayForMood()),),
        asked=True,
    )


def worker_gave_up(worker: str, asked: bool = False) -> Notification:
    """Tell that a part was switched off. ``asked``: the user has just wanted something of it."""
    return Notification(
        NotificationKind.PROBLEM,
        _("A part of Moodtray stopped"),
        _("{what} 'moodtray doctor' may know why.").format(what=part_stopped(worker)),
        buttons=((_("Start again"), RestartWorkers()),),
        asked=asked,
    )


def worker_crashed(worker: str) -> Notification:
    """Tell that a part met a defect and goes on."""
    return Notification(
        NotificationKind.INFO,
        _("Moodtray met a fault of its own"),
        _(
            "{part} was interrupted and goes on by itself. Please report it: "
            "'moodtray doctor --bundle' gathers what helps to find the fault."
        ).format(part=what_is_done_by(worker)),
    )


def no_consent() -> Notification:
    """Answer a wish that needs the camera before it is allowed."""
    return Notification(
        NotificationKind.CAMERA,
        _("The camera is not allowed"),
        _(
            "Read what Moodtray does with it and allow it: 'Allow the camera…' in the tray's menu, "
            "or 'moodtray consent'."
        ),
        buttons=((_("Allow the camera…"), AskForConsent()),),
        asked=True,
    )


def camera_unavailable(problem: str) -> Notification:
    """Tell that the camera has been busy or lost for long; ``problem``: why."""
    return Notification(
        NotificationKind.CAMERA,
        _("The camera cannot be used"),
        _("{problem} Moodtray keeps trying.").format(problem=problem),
    )


def not_taken_back(error: AgentError | None, ends: Sequence[str] = ()) -> Notification:
    """Answer an Undo that cannot be done; ``error`` None: nobody knows what played before.

    ``ends``: what ends all the same, as :func:`ends_with_it` tells.
    """
    why = _("The player did not say what played before.") if error is None else error.message
    left_alone = _("{why} What plays now is left alone.").format(why=why)
    return Notification(
        NotificationKind.WARNING,
        _("The change was not taken back"),
        " ".join((left_alone, *ends)),
        asked=True,
    )


def no_longer_the_last() -> Notification:
    """Answer an Undo of a switch after which the music was changed again, or taken back."""
    return Notification(
        NotificationKind.INFO,
        _("This change is no longer the last"),
        _("The music was changed again since then. What plays now is left alone."),
        asked=True,
    )


def preview_while_paused(on_break: bool) -> Notification:
    """Ask whether the camera may go on, since the preview needs it."""
    if on_break:
        way = _("Choose 'I am back' in the tray's menu to see it; your break ends then.")
    else:
        way = _("Choose 'Resume camera' in the tray's menu to see it.")
    return Notification(
        NotificationKind.CAMERA,
        _("The camera is paused"),
        _("The preview shows the camera's picture. {way}").format(way=way),
        buttons=((_("Resume and show"), ShowPreview(True, resume=True)),),
        asked=True,
    )


def journey_ends(goal: MoodState, *, seen: bool) -> str:
    """Tell how a journey ends; ``seen``: the face is looked at."""
    body = _(
        "This ends when you look {goal}, after the last step, or when you choose music yourself. "
        "'End the journey' stands under 'Wrong mood?' in the tray's menu."
    )
    if not seen:
        body = _(
            "This ends when you say you feel {goal}, after the last step, or when you choose music "
            "yourself. 'End the journey' stands under 'Wrong mood?' in the tray's menu."
        )
    return body.format(goal=mood_word(goal))


def journey_begun(
    journey: JourneyView,
    plays: bool,
    paused: bool = False,
    *,
    ends: str,
    goes_on: bool = False,
    lacks: str = "",
    trouble: AgentError | None = None,
) -> Notification:
    """Answer a wish for a journey.

    ``plays``: there is music that can lead; ``paused``: it waits to go on; ``ends``: how it ends,
    as :func:`journey_ends` tells; ``goes_on``: music rests, and goes on by itself; ``lacks``: why
    this step has none; ``trouble``: the player's, that no music can begin with.
    """
    title = _("The music leads {where}").format(where=journey_line(journey))
    body, end = ends, _end_journey()
    if lacks:
        nothing = _("{reason} So this step changes nothing. Set some under 'Music for my moods'.")
        body = f"{nothing.format(reason=sentence(lacks))} {body}"
        buttons = (_own_music(), end)
        return Notification(NotificationKind.INFO, title, body, buttons=buttons, asked=True)
    if plays:
        return Notification(NotificationKind.INFO, title, body, buttons=(end,), asked=True)
    begins = _("Nothing plays: 'Play for my mood' begins it. {more}")
    if paused:
        begins = _("The music is paused: 'Resume music' or 'Play for my mood' begins it. {more}")
    if goes_on:
        begins = _("The music rests now, and leads there when it goes on. {more}")
    told = begins.format(more=body)
    if trouble is not None and not goes_on:
        told = f"{trouble.message} {body}"
    play = _begin(trouble)
    return Notification(NotificationKind.INFO, title, told, buttons=(play, end), asked=True)


def only_track(heard: Playback) -> Notification:
    """Answer the wish for the next track where there is one alone."""
    title = _("♪ {name} begins anew").format(name=name_of(heard) or _("music"))
    body = _("There is no other track there. Set more under 'Music for my moods'.")
    if is_loop(heard):
        body = _("It is one track. Set music of your own under 'Music for my moods'.")
    return Notification(NotificationKind.INFO, title, body, asked=True)


def journey_needless(mood: Mood) -> Notification:
    """Answer a wish for a journey to where the user is."""
    title = capital(_("{mood} already").format(mood=describe(mood)))
    body = _("There is nothing for the music to lead to.")
    return Notification(NotificationKind.INFO, title, body, asked=True)


def journey_ended(
    going: bool, *, plays: bool, unseen: str = "", word: OwnWord | None = None
) -> Notification:
    """Answer the wish to end a journey; ``going``: there was one.

    ``unseen``: why nobody looks at the face, as a clause, where no mood was told either. ``word``:
    what the user has said of their mood, where it holds.
    """
    title = _("The journey is over") if going else _("There is no journey to end")
    body = _("The music goes by your mood.") if plays else _("No music plays.")
    if not going:
        body = _("So nothing changes.")
    elif plays and word is not None:
        body = _goes_by(word)
    elif unseen:
        goes_on = _("What plays goes on.") if plays else body
        body = " ".join((_("Moodtray does not look yet: {why}.").format(why=unseen), goes_on))
    return Notification(NotificationKind.INFO, title, body, asked=True)


def somebody_else(gone: bool = False, unseen: str = "") -> Notification:
    """Answer "not me".

    ``gone``: it is the user again; ``unseen``: why nobody looks, as a clause.
    """
    if gone:
        reads = _("Moodtray reads your face as yours.")
        if unseen:
            reads = _("Moodtray does not look yet: {why}. Then it reads your face as yours.")
        return info(_("It is you again"), reads.format(why=unseen), asked=True)
    return Notification(
        NotificationKind.INFO,
        _("Somebody else is here"),
        _(
            "Moodtray reads them like anybody and learns nothing of them, until they have left or "
            "you untick 'Somebody else sits here' under 'More' in the tray's menu."
        ),
        buttons=((_("It is me again"), NotMe(gone=True)),),
        asked=True,
    )


def face_learned(learned: bool, goes_on: bool = True) -> Notification:
    """Answer a calibration, or the wish to forget one; ``goes_on``: more is learned by and by."""
    if learned:
        title = _("Your face is learned")
        body = _("From now on Moodtray reads it against its rest.")
        if not goes_on:
            more = _("It learns no more of it: 'Go on learning' in the settings is off.")
            body = f"{body} {more}"
    else:
        title = _("Your face is forgotten")
        body = _(READ_LIKE_ANYBODY)
    return Notification(NotificationKind.INFO, title, body, asked=True)


def autostart(enabled: bool) -> Notification:
    """Answer a change of the start at login."""
    title = _("Moodtray starts at login") if enabled else _("Moodtray does not start at login")
    body = _("From your next login on.") if enabled else _("It starts when you start it.")
    return Notification(NotificationKind.INFO, title, body, asked=True)


def face_not_learned(why: str, asked: bool = True) -> Notification:
    """Tell that a calibration came to nothing; ``asked``: it is the answer to the wish for it."""
    return info(_("Your face was not learned"), why, asked=asked)


def info(
    title: str,
    message: str,
    asked: bool = False,
    trouble: bool = False,
    buttons: tuple[tuple[str, Event], ...] = (),
) -> Notification:
    """Say a plain word to the user."""
    kind = NotificationKind.WARNING if trouble else NotificationKind.INFO
    return Notification(kind, title, message, buttons=buttons, asked=asked)


# --- what holds no more ---------------------------------------------------------------------------


def holds(kind: NotificationKind, snapshot: Snapshot | None) -> bool:
    """Tell whether what was told of this kind still holds, as far as can be known."""
    if snapshot is None:
        return True
    match kind:
        case NotificationKind.LOGIN:
            return snapshot.logged_in is False
        case NotificationKind.CAMERA:
            blind = snapshot.camera in (CameraState.BUSY, CameraState.LOST)
            return blind or snapshot.camera_paused or not snapshot.consent
        case NotificationKind.DEVICE | NotificationKind.PROBLEM:
            return snapshot.problem is not None
        case NotificationKind.SWITCH:  # undone, or silent, or the user chose something else
            playback = snapshot.playback
            by_user = playback is not None and playback.chosen_by is Chooser.USER
            rests = snapshot.music_rests is not None
            silent = playback is not None and (
                playback.paused_by_hand or playback.state is PlayState.STOPPED
            )
            return snapshot.switch is not None and not (by_user or rests or silent)
        case NotificationKind.REST:
            return snapshot.music_rests is not None
        case NotificationKind.PAUSED:
            return snapshot.camera_paused
        case NotificationKind.INFO | NotificationKind.WARNING:
            return True
        case _:
            assert_never(kind)


def stale(before: Snapshot | None, after: Snapshot) -> tuple[NotificationKind, ...]:
    """List the kinds of which what was told held before and holds no more."""
    if before is None:
        return ()
    other = {NotificationKind.PAUSED} if _pause(before) != _pause(after) else set()
    return tuple(
        kind
        for kind in NotificationKind
        if holds(kind, before) and (kind in other or not holds(kind, after))
    )


def _pause(snapshot: Snapshot) -> tuple[object, ...]:
    """Tell one break or pause of the camera from another."""
    return (
        snapshot.camera_paused,
        snapshot.on_break,
        snapshot.paused_until,
        snapshot.until_back,
        snapshot.after_break,
    )
