"""The words of every notification, and when one no longer holds. Pure."""

from __future__ import annotations

from datetime import datetime

from agent.core.mood import OwnWord
from agent.core.policy import FITS
from agent.errors import AgentError, BadPicture, CameraError, NeedsLogin, NoDevice, PlaylistGone
from agent.events import (
    AskForConsent,
    Event,
    FollowFace,
    LogIn,
    NotMyMood,
    OpenPage,
    PlayForMood,
    RestartWorkers,
    ResumeCamera,
    ResumeMusic,
    ShowPreview,
    UndoSwitch,
)
from agent.translation import _
from agent.types import (
    CameraState,
    Chooser,
    Decision,
    JourneyView,
    MoodState,
    Notification,
    NotificationKind,
    Snapshot,
)
from agent.wording import (
    capital,
    clock_time,
    describe,
    journey_line,
    mood_line,
    mood_word,
    music_line,
    part_stopped,
    sentence,
    track_line,
    what_is_done_by,
    why_lines,
)


def _resume() -> tuple[str, Event]:
    return _("Resume"), FollowFace()


def _own_music() -> tuple[str, Event]:
    return _("Music for my moods"), OpenPage("moods")


# --- changes of the music, and the answers to what was wished -------------------------------------


def switched(
    decision: Decision, *, asked: bool = False, word: OwnWord | None = None
) -> Notification:
    """Tell that the music was changed: to what, why, and for how long."""
    assert decision.playlist is not None
    buttons: tuple[tuple[str, Event], ...] = ((_("Undo"), UndoSwitch(decision)),)
    body = sentence(decision.reason)
    if word is not None:
        body = _("You said you feel {mood}: so until {time}.").format(
            mood=mood_word(word.mood), time=clock_time(word.until)
        )
        buttons += (_resume(),)
    elif not asked:
        buttons += ((_("Wrong mood?"), NotMyMood(decision.mood, decision)),)
    return Notification(
        NotificationKind.SWITCH,
        f"♪ {decision.playlist.name}",
        body,
        buttons=buttons,
        emotion=decision.mood,
        asked=asked,
    )


def taken_back(name: str, until: datetime | None, word: OwnWord | None) -> Notification:
    """Tell that a change was undone: what plays now, and until when it is left alone."""
    until = word.until if word is not None else until
    said = alone = ""
    if word is not None:
        said = sentence(_("you said you feel {mood}").format(mood=mood_word(word.mood)))
    if until is not None:
        alone = _("Left alone until {time}.").format(time=clock_time(until))
    return Notification(
        NotificationKind.INFO,
        _("Back to {name}").format(name=name),
        f"{said} {alone}".strip(),
        buttons=(_resume(),),
        emotion=None if word is None else word.mood,
        asked=True,
    )


def mood_noted(word: OwnWord, reason: str, plays: bool) -> Notification:
    """Answer the user who said how they feel, where the music is not changed for it."""
    said = _("So until {time}.").format(time=clock_time(word.until))
    why = _("No music plays.")
    if plays:
        why = sentence(reason.partition(_(", and "))[2] or reason)
    play: tuple[tuple[str, Event], ...] = () if plays else ((_("Play now"), PlayForMood()),)
    return Notification(
        NotificationKind.INFO,
        _("You said you feel {mood}").format(mood=mood_word(word.mood)),
        f"{said} {why}",
        buttons=(*play, _resume()),
        emotion=word.mood,
        asked=True,
    )


def follows_face(mood: MoodState) -> Notification:
    """Tell that the user's own word, or the time after an Undo, has ended."""
    return Notification(
        NotificationKind.INFO,
        _("Moodtray goes by your face again"),
        sentence(describe(mood)),
        emotion=mood,
        asked=True,
    )


def not_my_mood(denied: MoodState) -> Notification:
    """Answer the user whose mood it is not, where there was no change to take back."""
    what = f"'{capital(mood_word(denied))}'" if denied.is_emotion else _("That")
    return Notification(
        NotificationKind.INFO,
        _("{what} is forgotten for ten minutes").format(what=what),
        _("What plays is left alone. Say how you feel: 'Wrong mood?' in the tray's menu."),
        asked=True,
    )


def not_switched(decision: Decision) -> Notification:
    """Answer a request for music that changes nothing: there is none, or it fits."""
    mood, playlist = mood_word(decision.mood), decision.playlist
    fits = _(FITS) in decision.reason
    if playlist is None:
        title = _("No music for {mood}").format(mood=mood)
        body = _("{reason} Name some for it.").format(reason=sentence(decision.reason))
    elif fits:
        title = _("♪ {name} plays on").format(name=playlist.name)
        body = sentence(decision.reason)
    else:
        title = _("♪ {name} plays on").format(name=playlist.name)
        body = _("It is the only playlist for {mood}. Name more, and they take turns.").format(
            mood=mood
        )
    return Notification(
        NotificationKind.INFO,
        title,
        body,
        buttons=() if fits else (_own_music(),),
        emotion=decision.mood if decision.mood.is_emotion else None,
        asked=True,
    )


def nothing_plays() -> Notification:
    """Answer 'Next track' in silence."""
    return Notification(
        NotificationKind.INFO,
        _("No music plays"),
        _("So there is no next track."),
        buttons=((_("Play now"), PlayForMood()),),
        asked=True,
    )


def nothing_to_undo() -> Notification:
    """Answer an Undo without a change."""
    return Notification(
        NotificationKind.INFO,
        _("There is nothing to undo"),
        _("Moodtray has not changed the music, or has taken its change back already."),
        asked=True,
    )


# --- breaks ---------------------------------------------------------------------------------------


def on_break(until: datetime | None, until_back: bool) -> Notification:
    """Tell that camera and music rest, as the user asked."""
    end = _("until you are back") if until_back else _("until you resume")
    if until is not None:
        end = _("until {time}").format(time=clock_time(until))
    return Notification(
        NotificationKind.INFO,
        _("Taking a break {until}").format(until=end),
        _("Camera and music rest."),
        buttons=((_("I am back"), ResumeCamera()),),
        asked=True,
    )


def music_rests(why: str) -> Notification:
    """Tell that the music was paused for a call or a shared screen."""
    return Notification(
        NotificationKind.INFO,
        _("The music rests"),
        _("{why} It goes on afterwards.").format(why=sentence(_(why))),
        buttons=((_("Go on now"), ResumeMusic()),),
    )


# --- landing, why ---------------------------------------------------------------------------------


def welcome(plays: bool) -> Notification:
    """Tell what follows after the first yes to the camera."""
    silence = (
        _("When your mood is clear, the music changes at the end of a track.")
        if plays
        else _("Silence is normal: Moodtray changes music that plays, and starts none by itself.")
    )
    return Notification(
        NotificationKind.INFO,
        _("Moodtray looks now"),
        _("It takes half a minute or more to be sure of your mood. {more}").format(more=silence),
        buttons=((_("Play now"), PlayForMood()), _own_music()),
        emotion=MoodState.HAPPY,
        asked=True,
    )


def why(snapshot: Snapshot) -> Notification:
    """Tell what is seen, what plays, and why."""
    track = track_line(snapshot)
    music = music_line(snapshot) if track is None else f"{music_line(snapshot)} – {track}"
    lines = [music, *(sentence(line) for line in why_lines(snapshot, evidence=True))]
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
        _("The camera is not allowed yet"),
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


def not_taken_back(error: AgentError | None) -> Notification:
    """Answer an Undo that cannot be done; ``error`` None: nobody knows what played before."""
    why = _("The player did not say what played before.") if error is None else error.message
    return Notification(
        NotificationKind.WARNING,
        _("The change was not taken back"),
        _("{why} What plays now is left alone.").format(why=why),
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


def preview_while_paused() -> Notification:
    """Ask whether the camera may go on, since the preview needs it."""
    return Notification(
        NotificationKind.CAMERA,
        _("The camera is paused"),
        _("The preview shows the camera's picture. Resume the camera to see it."),
        buttons=((_("Resume and show"), ShowPreview(True, resume=True)),),
        asked=True,
    )


def journey_begun(journey: JourneyView) -> Notification:
    """Answer a wish for a journey."""
    body = _("{where}. It ends when you arrive, or when you take over.").format(
        where=capital(journey_line(journey))
    )
    return Notification(NotificationKind.INFO, _("The music sets out"), body, asked=True)


def journey_ended(going: bool) -> Notification:
    """Answer the wish to end a journey; ``going``: there was one."""
    title = _("The journey is over") if going else _("There is no journey to end")
    body = _("The music goes by your mood.")
    return Notification(NotificationKind.INFO, title, body, asked=True)


def somebody_else() -> Notification:
    """Answer "not me"."""
    return Notification(
        NotificationKind.INFO,
        _("Somebody else is here"),
        _("Moodtray reads them like anybody and learns nothing of them, until they have left."),
        asked=True,
    )


def face_learned(learned: bool) -> Notification:
    """Answer a calibration, or the wish to forget one."""
    if learned:
        title = _("Your face is learned")
        body = _("From now on Moodtray reads it against its rest.")
    else:
        title = _("Your face is forgotten")
        body = _("From now on Moodtray reads you like anybody.")
    return Notification(NotificationKind.INFO, title, body, asked=True)


def face_not_learned(why: str) -> Notification:
    """Answer a calibration that came to nothing."""
    return info(_("Your face was not learned"), why, asked=True)


def info(title: str, message: str, asked: bool = False, trouble: bool = False) -> Notification:
    """Say a plain word to the user."""
    kind = NotificationKind.WARNING if trouble else NotificationKind.INFO
    return Notification(kind, title, message, asked=asked)


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
        case NotificationKind.SWITCH:  # undone, or the user chose something else
            playback = snapshot.playback
            by_user = playback is not None and playback.chosen_by is Chooser.USER
            return snapshot.switch is not None and not by_user
        case NotificationKind.INFO | NotificationKind.WARNING:
            return True


def stale(before: Snapshot | None, after: Snapshot) -> tuple[NotificationKind, ...]:
    """List the kinds of which what was told held before and holds no more."""
    return tuple(
        kind
        for kind in NotificationKind
        if before is not None and holds(kind, before) and not holds(kind, after)
    )
