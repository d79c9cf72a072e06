"""The area *Now*: what is read, what plays and why, live; and the buttons beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, assert_never

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent import events
from agent.settings import EmotionName
from agent.timing import tomorrow
from agent.translation import N_, _, language, retold
from agent.types import (
    Action,
    Decision,
    MoodState,
    Pause,
    PlayState,
    Sight,
    Snapshot,
)
from agent.web.page import face, terms
from agent.web.page.answers import A_NUMBER, REFUSALS, Answer, Words
from agent.web.page.context import PageContext
from agent.web.page.render import Pages
from agent.wording import (
    MOODS,
    SWITCHING_ON,
    clock_time,
    denial_line,
    follow_line,
    follow_words,
    is_loaded,
    is_reasoned,
    is_watching,
    lasting,
    moment,
    mood_line,
    problem_line,
    reason_of,
    resume_words,
    resumes_camera,
    sentence,
    tells,
    why_question,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

QUIETEST = 10.0
"""Seconds between two messages at most: ages and clocks on the page go on."""
BUSIEST = 0.25
"""Seconds between two messages at least."""
STREAMS = 8
"""Open pages that are kept up to date; the oldest beyond that has to come again."""


class Do(StrEnum):
    """What a button asks for."""

    PLAY = "play"
    NEXT = "next"
    NEXT_TRACK = "next-track"
    UNDO = "undo"
    PAUSE_MUSIC = "pause-music"
    RESUME_MUSIC = "resume-music"
    NOT_MY_MOOD = "not-my-mood"
    FOLLOW_FACE = "follow-face"
    BREAK = "break"
    PAUSE_CAMERA = "pause-camera"
    RESUME_CAMERA = "resume-camera"
    RESTART = "restart"


UNANSWERED = frozenset({Do.NEXT_TRACK, Do.PAUSE_MUSIC, Do.RESUME_MUSIC, Do.RESTART})
"""What is seen on the page as soon as it is done; nothing is told of it."""


class DoWords(Words):
    """One button; ``minutes`` is how long a break lasts, None: until the user is back.

    ``tomorrow``: until the next morning instead.
    """

    do: Do
    minutes: Annotated[float, A_NUMBER, Field(gt=0.0, le=1440.0)] | None = None
    tomorrow: bool = False


class MoodWords(Words):
    """A mood, and for how long it holds."""

    mood: EmotionName
    minutes: Annotated[float, A_NUMBER, Field(gt=0.0, le=1440.0)] = 30.0


def site(context: PageContext, pages: Pages, opened: Callable[[], None]) -> list[Route]:
    """Make the page of this area, and the stream that keeps all pages true.

    ``opened`` is called when a page that is shown asks for the stream.
    """
    streams: list[asyncio.Event] = []

    def now(request: Request) -> Response:
        context.report(events.Looked())  # the page follows, should other music play by now
        view = now_view(context)
        return pages.page(request, "now.html", "", view=view, emotions=MOODS)

    async def events_stream(_request: Request) -> Response:
        """Tell it again whenever something changes (server-sent events)."""
        opened()
        while len(streams) >= STREAMS:
            streams.pop(0).set()
        ended = asyncio.Event()
        streams.append(ended)
        return StreamingResponse(
            _stream(context, ended, lambda: _drop(streams, ended)), media_type="text/event-stream"
        )

    return [Route("/", now), Route("/api/events", events_stream)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()

    @routes.get("/api/now", responses=REFUSALS)
    def now_as_json() -> dict[str, Any]:
        """Tell what is read, what plays and why."""
        return now_view(context)

    @routes.post("/api/do", response_model=Answer, responses=REFUSALS)
    def do(words: DoWords) -> Answer:
        """Press a button."""
        until = tomorrow(context.clock.now()) if words.tomorrow else None
        if words.minutes is not None:
            until = context.clock.now() + timedelta(minutes=words.minutes)
        event, text = _deed(words.do, context.snapshot(), until, context.clock.now())
        if words.do in UNANSWERED and not _begins_anew(words.do, context.snapshot()):
            context.report(event)
            return Answer(text=text)
        return Answer(text=context.wish(event) or text)

    @routes.post("/api/mood", response_model=Answer, responses=REFUSALS)
    def mood(words: MoodWords) -> Answer:
        """Say how one feels."""
        state = MoodState(words.mood)
        shown = context.snapshot().mood
        wrong = shown.state if shown.state.is_emotion and not shown.by_hand else None
        told = context.wish(events.SetMood(state, words.minutes, wrong))
        return Answer(
            text=told
            or _("You feel {mood}. So it stays for {time}.").format(
                mood=terms.mood_word(state), time=terms.duration(60 * words.minutes)
            )
        )

    return routes


def _begins_anew(do: Do, snapshot: Snapshot) -> bool:
    """Tell whether the next track is the one that plays, which is told."""
    playback = snapshot.playback
    return do is Do.NEXT_TRACK and playback is not None and playback.only_track


def _drop(streams: list[asyncio.Event], ended: asyncio.Event) -> None:
    if ended in streams:
        streams.remove(ended)


async def _stream(context: PageContext, ended: asyncio.Event, drop: Any) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def published() -> None:
        try:
            loop.call_soon_threadsafe(news.set)
        except RuntimeError:  # the server's loop has ended
            return

    unsubscribe = context.subscribe(published)
    try:
        while not ended.is_set():
            news.clear()
            yield f"data: {json.dumps(now_view(context))}\n\n".encode()
            await asyncio.sleep(BUSIEST)
            try:
                await asyncio.wait_for(news.wait(), QUIETEST)
            except TimeoutError:
                continue
    finally:
        unsubscribe()
        drop()


def _deed(
    do: Do, snapshot: Snapshot, until: datetime | None, now: datetime
) -> tuple[events.Event, str]:
    match do:
        case Do.PLAY:
            return events.PlayForMood(), _("Asked for music for your mood.")
        case Do.NEXT:
            return events.NextPlaylist(), _("Asked for another playlist for this mood.")
        case Do.NEXT_TRACK:
            return events.NextTrack(), _("Asked for the next track.")
        case Do.UNDO if snapshot.undoes_journey:
            return events.EndJourney(), _("The journey is over.")
        case Do.UNDO:
            return events.UndoSwitch(snapshot.switch), _("Back to what played before.")
        case Do.PAUSE_MUSIC:
            return events.PauseMusic(), _("Pausing the music.")
        case Do.RESUME_MUSIC:
            return events.ResumeMusic(), _("Resuming the music.")
        case Do.NOT_MY_MOOD:
            shown = snapshot.mood.state if snapshot.mood.state.is_emotion else None
            return events.NotMyMood(shown), _("Thank you. Moodtray looks again.")
        case Do.FOLLOW_FACE:
            told = _("Moodtray goes by your face again.")
            if not is_watching(snapshot):
                told = terms.sentence(_("What you said or took back holds no more"))
            return events.FollowFace(), told
        case Do.BREAK:
            told = _("Camera and music rest. {back}").format(
                back=_(
                    "The break ends when you use this computer again after a locked screen, sleep "
                    "or a while untouched, or when you click 'I am back'."
                )
            )
            if until is not None:
                time = moment(until, now)
                told = _("Camera and music rest until {time}.").format(time=time)
            return events.TakeBreak(until, until_back=until is None), told
        case Do.PAUSE_CAMERA:
            return events.PauseCamera(), _("The camera is off until you resume it.")
        case Do.RESUME_CAMERA:
            told = _("Moodtray switches the camera on again.")
            if snapshot.held_off is not None:
                told = _("Moodtray looks again as soon as this is over: {why}.").format(
                    why=_(snapshot.held_off)
                )
            return events.ResumeCamera(), told
        case Do.RESTART:
            return events.RestartWorkers(), _("Moodtray tries again.")
        case _:
            assert_never(do)


def now_view(context: PageContext) -> dict[str, Any]:
    """Tell the present state in words and numbers, as JSON has them."""
    snapshot = context.snapshot()
    now, wall = context.clock.monotonic(), context.clock.now()
    mood = snapshot.mood
    seen = _seven(snapshot)
    watched = is_watching(snapshot)
    return {
        "language": language(),
        "mood": _tint(snapshot),
        "headline": headline(snapshot),
        "detail": _detail(snapshot, now, wall),
        "bars": seen and terms.seven_percents(seen),
        "top": str(mood.state) if watched and not mood.by_hand else "",
        "said": str(mood.state) if mood.by_hand else "",
        "follow": _follow(snapshot),
        "denial": denial_line(mood.state) if mood.state.is_emotion else "",
        "resume": resume_words(snapshot),
        "music": _music(snapshot, now),
        "question": why_question(snapshot),
        "why": _why(snapshot, now, wall),
        "next": _next(snapshot),
        "problem": problem_line(snapshot, with_login=False),
        "trial": _trial(snapshot, now),
        "blocked": blocked(snapshot),
        "affect": _affect(snapshot),
        "dot": _dot(snapshot),
        "face": face.lesson_view(snapshot),
        "stamp": stamp(context, snapshot),
        "can": {
            "undo": snapshot.undo_to is not None or snapshot.undoes_journey,
            "pause-music": _plays(snapshot, PlayState.PLAYING),
            "resume-music": _plays(snapshot, PlayState.PAUSED),
            "next-track": _plays(snapshot, PlayState.PLAYING) or _plays(snapshot, PlayState.PAUSED),
            "break": not snapshot.on_break,
            "pause-camera": snapshot.consent,
            "choose-camera": snapshot.sight is Sight.UNUSABLE,
            "resume-camera": resumes_camera(snapshot),
            "consent": not snapshot.consent,
            "wrong-mood": not mood.by_hand,
            "not-my-mood": mood.state.is_emotion and watched and not mood.by_hand,
            "follow-face": bool(follow_line(snapshot)),
            "login": snapshot.logged_in is False,
            "try": not _trial(snapshot, now) and not blocked(snapshot),
            "blocked": bool(blocked(snapshot)),
            "unblocked": not blocked(snapshot),
            "end-try": bool(_trial(snapshot, now)),
            "restart": bool(snapshot.stopped),
            **face.can(snapshot),
        },
    }


def _follow(snapshot: Snapshot) -> str:
    """Offer an end to the user's own word, whose time is told above; or to that after an Undo."""
    return follow_words(snapshot) if snapshot.mood.by_hand else follow_line(snapshot)


def _trial(snapshot: Snapshot, now: float) -> int:
    """Tell for how many seconds more the user tries the program out."""
    return 0 if snapshot.trial_until is None else max(0, round(snapshot.trial_until - now))


def _affect(snapshot: Snapshot) -> list[float] | None:
    """Return valence and arousal, from -1 to 1 each, where they are read; None: nobody is seen."""
    place = None if _seven(snapshot) is None else snapshot.affect
    return None if place is None else [round(part, 2) for part in place]


def _dot(snapshot: Snapshot) -> str:
    """Say whose moment the dot shows."""
    if _affect(snapshot) is None:
        return _(
            "No dot just now: your face is not read. It shows how pleasant and how lively you seem."
        )
    return _(
        "The dot is how you seem: the further right, the more pleasant; the further up, the "
        "livelier."
    )


def stamp(context: PageContext, snapshot: Snapshot) -> str:
    """Return another text whenever pages that show settings or the set-up should be made anew."""
    try:
        changed = context.settings_file.path.stat().st_mtime_ns
    except OSError:
        changed = 0
    parts = (
        changed,
        snapshot.consent,
        snapshot.camera,
        snapshot.logged_in,
        snapshot.player,
        snapshot.autostart,
        snapshot.deletions,
    )
    return "-".join(str(part) for part in parts)


_UNSEEN = {
    Sight.BREAK: N_("You are taking a break"),
    Sight.NOT_ALLOWED: N_("The camera is not allowed"),
    Sight.PAUSED: N_("The camera is paused"),
    Sight.HELD_OFF: N_("The camera is off for now"),
    Sight.LOST: N_("The camera is gone"),
    Sight.UNUSABLE: N_("The camera cannot be used"),
    Sight.OPENING: SWITCHING_ON,
}
"""What is said where no mood is read, nor was told."""


def unseen(snapshot: Snapshot) -> str:
    """Say why nobody looks at the face; empty: somebody does."""
    if snapshot.sight is Sight.STOPPED:
        return _("Moodtray is not watching")
    return _(_UNSEEN[snapshot.sight]) if snapshot.sight in _UNSEEN else ""


def blocked(snapshot: Snapshot) -> str:
    """Say why the music does not follow the face just now, as the try-out has it; empty: it may."""
    if not is_watching(snapshot):
        return _("{why}. For the try-out Moodtray has to see your face.").format(
            why=unseen(snapshot)
        )
    if snapshot.mood.by_hand:
        return _("{said}. The music goes by that, and not by your face.").format(
            said=headline(snapshot)
        )
    return ""


def headline(snapshot: Snapshot) -> str:
    """Say the one thing that matters most about the mood."""
    mood, sight = snapshot.mood, snapshot.sight
    if sight is Sight.STOPPED:
        return unseen(snapshot)
    if mood.by_hand and mood.state.is_emotion:
        return _("You said you feel {mood}").format(mood=terms.mood_word(mood.state))
    if why := unseen(snapshot):
        return why
    if mood.state is MoodState.AWAY:
        return _("Nobody is here")
    if mood.state is MoodState.UNSURE:
        return mood_line(snapshot)
    return _("You look {mood}").format(mood=terms.mood_word(mood.state))


def _tint(snapshot: Snapshot) -> str:
    watching = snapshot.sight is Sight.LOOKING or snapshot.mood.by_hand
    return str(snapshot.mood.state if watching else MoodState.AWAY)


def _detail(snapshot: Snapshot, now: float, wall: datetime) -> str:
    mood = snapshot.mood
    if mood.by_hand:
        if snapshot.mood_until is None:
            return _("{time} ago").format(time=terms.duration(now - mood.since))
        until = _("until {time}").format(time=clock_time(snapshot.mood_until))
        if snapshot.sight in (Sight.BREAK, Sight.PAUSED):  # the headline does not tell of it
            pause = Pause(snapshot.paused_until, snapshot.until_back, snapshot.on_break)
            until = f"{until} · {lasting(unseen(snapshot), pause, wall)}"
        return until
    if not is_watching(snapshot):
        return _when_seen(snapshot, wall)
    if not mood.state.is_emotion:
        # How long it has been so; not for how long this look's reason has been there.
        plain = snapshot.observation is not None and not is_reasoned(snapshot)
        return _("for {time}").format(time=terms.duration(now - mood.since)) if plain else ""
    sure = mood.confidence
    if mood.probabilities is not None and mood.state.is_emotion:  # as its bar says
        sure = terms.seven_percents(mood.probabilities)[mood.state] / 100
    return _("for {time}, {share} sure").format(
        time=terms.duration(now - mood.since), share=terms.percent(sure)
    )


def _when_seen(snapshot: Snapshot, wall: datetime) -> str:
    """Say until when nobody looks, or why, where the headline does not."""
    sight = snapshot.sight
    if sight is Sight.NOT_ALLOWED:
        return _("The first steps lead you through it.")
    if sight in (Sight.BREAK, Sight.PAUSED):
        until = snapshot.paused_until
        if until is not None:
            return _("until {time}").format(time=moment(until.astimezone(wall.tzinfo), wall))
        if snapshot.until_back:
            return _(
                "until you use this computer again after a locked screen, sleep or a while "
                "untouched"
            )
        return _("until you say so") if sight is Sight.BREAK else _("until you resume it")
    # Of other trouble the problem's own line tells.
    return terms.sentence(_(snapshot.held_off)) if snapshot.held_off else ""


def _seven(snapshot: Snapshot) -> tuple[float, ...] | None:
    """Give what is read in the face just now; None: nobody looks, or nobody is seen."""
    if not is_watching(snapshot) or snapshot.mood.state is MoodState.AWAY:
        return None
    if snapshot.mood.probabilities is not None:
        return snapshot.mood.probabilities
    seen = snapshot.observation
    if seen is not None and seen.probabilities is not None:
        return seen.probabilities
    return None


def _plays(snapshot: Snapshot, state: PlayState) -> bool:
    return snapshot.playback is not None and snapshot.playback.state is state


def _music(snapshot: Snapshot, now: float) -> dict[str, Any]:
    playback = snapshot.playback
    player = snapshot.player
    if playback is None or playback.state is PlayState.UNAVAILABLE:
        told = _("No player to be reached") if player else _("No player yet")
        return {"title": told, "about": player, "state": "none", "place": None, "length": None}
    if playback.state is PlayState.STOPPED:
        return {
            "title": _("Nothing plays"),
            "about": player,
            "state": "stopped",
            "place": None,
            "length": None,
        }
    name = playback.context_name or playback.title or _("Music")
    parts = [playback.title if playback.context_name else None]
    if playback.device:
        parts.append(_("on {device}").format(device=retold(playback.device)))
    if playback.state is PlayState.PAUSED:
        parts.insert(0, _("Paused"))
    place = playback.position
    if place is not None and playback.state is PlayState.PLAYING:
        place += max(0.0, now - playback.time)
    if place is not None and playback.duration is not None:
        place = min(place, playback.duration)
    return {
        "title": name,
        "about": " · ".join(part for part in parts if part) or player,
        "state": str(playback.state),
        "place": None if place is None else round(place, 1),
        "length": playback.duration,
    }


def _why(snapshot: Snapshot, now: float, wall: datetime) -> str:
    change = snapshot.change
    if change is None:
        silent = _why_silent(snapshot)
        return silent or _("No change of the music by Moodtray is noted.")
    when = moment(wall - timedelta(seconds=now - change.time), wall)
    why = _ended(change, snapshot)
    if change.playlist is None:
        return _("At {time} the music was paused: {reason}").format(time=when, reason=why)
    return _("At {time} “{name}” began: {reason}").format(
        time=when, name=change.playlist.name, reason=why
    )


def _next(snapshot: Snapshot) -> str:
    decision = snapshot.decision
    if decision is None:
        return _("Nothing has been decided yet.")
    if decision.action is Action.SWITCH_AT_END and decision.playlist is not None:
        return _("When this song ends, “{name}” follows: {reason}").format(
            name=decision.playlist.name, reason=_ended(decision, snapshot)
        )
    planned = _("No change is planned: {reason}").format(reason=_ended(decision, snapshot))
    if tells(snapshot.change, decision) or _why_silent(snapshot):
        planned = _("No change is planned.")
    if snapshot.music_waits:
        planned = snapshot.problem or sentence(reason_of(decision, snapshot))
    if snapshot.left_alone_until is None:
        return planned
    alone = _("Moodtray leaves the music alone until {time}.")
    return f"{planned} {alone.format(time=clock_time(snapshot.left_alone_until))}"


def _why_silent(snapshot: Snapshot) -> str:
    """Say why nothing plays, where Moodtray has changed nothing; empty: something plays."""
    decision = snapshot.decision
    silent = snapshot.change is None and not is_loaded(snapshot)
    if silent and snapshot.logged_in is False:
        return problem_line(snapshot, with_login=False)
    return sentence(reason_of(decision, snapshot)) if silent and decision else ""


def _ended(decision: Decision, snapshot: Snapshot) -> str:
    """Give a decision's reason as the end of a sentence, as it is told now."""
    told = reason_of(decision, snapshot).strip()
    return told if told.endswith((".", "!", "?")) else told + "."
