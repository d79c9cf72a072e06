"""What each command to the running agent does.

A request becomes an event, the answer comes from the snapshot. Nothing here owns state, and nothing
knows how a request came in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from agent import events
from agent.errors import AgentError
from agent.ports import Clock, Report
from agent.timing import local
from agent.translation import N_, _
from agent.types import LessonStage, Mood, PlayState, Snapshot
from agent.web.status_text import as_dict, evidence, why_text
from agent.wording import (
    camera_line,
    camera_rests,
    capital,
    clock_time,
    describe,
    is_loaded,
    lesson_line,
    mood_word,
    named_mood,
    parse_mood,
)

PATIENCE = 1.0
"""Seconds that an answer waits for the agent to have done what was asked."""
WISH_PATIENCE = 3.0
"""The same where a player has to be heard or a window opens: a slow Spotify takes seconds, who asks
waits for 10."""
LOOK_EVERY = 0.02
"""Seconds between two looks at whether it has."""

NO_CONSENT = N_(
    "Read what Moodtray does with it and allow it with 'moodtray "
    "consent', or by 'Allow the camera…' in the tray's menu."
)

PAUSED = N_(
    "The preview shows the camera's picture. Use 'moodtray resume' "
    'first, or set preview.when_paused to "resume" in the settings.'
)


_Moment = Annotated[datetime, AfterValidator(local)]
"""In this computer's time zone."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)  # built when first asked


class _None(_Arguments):
    pass


class _Pause(_Arguments):
    until: _Moment | None = None


class _Mood(_Arguments):
    emotion: str  # a mood by the menu's word or the settings' name; "auto": read the face
    minutes: Annotated[float, Field(gt=0.0, le=1440.0)] = 30.0


class _Journey(_Arguments):
    start: str = ""  # empty: from the present mood
    goal: str = ""  # empty: end the journey that is under way


class _Face(_Arguments):
    numbers: dict[str, Any] | None = None  # what was learned; none: forget it


class _Forget(_Arguments):
    before: float | None = None  # seconds since 1970; none: everything


class _Lesson(_Arguments):
    do: Literal["begin", "show", "keep", "stop"]
    emotion: str = ""  # of "show"
    seconds: Annotated[float, Field(ge=3.0, le=300.0)] = 30.0  # of "begin": how long to look


class _Break(_Arguments):
    until: _Moment | None = None
    until_back: bool = False


class _Music(_Arguments):
    action: Literal["pause", "resume", "next"]


class _Page(_Arguments):
    page: str = ""
    show: bool = True


class _Preview(_Arguments):
    show: bool | None = None


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """``status`` is HTTP's; ``body`` holds ``text`` for people, or ``error``."""

    status: int
    body: dict[str, Any]

    def as_json(self) -> bytes:
        """Write the body as it goes over the wire."""
        return json.dumps(self.body).encode()


def refusal(status: int, text: str, title: str | None = None) -> CommandAnswer:
    """Say no. ``title``: a headline of its own instead of the commands' common one."""
    return CommandAnswer(
        status, {"error": text} if title is None else {"error": text, "title": title}
    )


class Commands:
    """Answers commands.

    ``report`` and ``snapshot`` are called in the asking thread and must not block; an answer may
    block for PATIENCE. ``page_link`` makes an address that opens a page once; it may raise
    AgentError.
    """

    def __init__(
        self,
        report: Report,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        page_link: Callable[[str], str] | None = None,
    ) -> None:
        self._page_link = page_link
        self._report = report
        self._snapshot = snapshot
        self._clock = clock
        self._verbs: dict[str, tuple[str, type[_Arguments], Callable[[Any], CommandAnswer]]] = {
            "status": ("GET", _None, self._status),
            "why": ("GET", _None, self._why),
            "pause": ("POST", _Pause, self._pause),
            "resume": ("POST", _None, self._resume),
            "mood": ("POST", _Mood, self._mood),
            "play": ("POST", _None, self._play),
            "music": ("POST", _Music, self._music),
            "next": ("POST", _None, self._next),
            "journey": ("POST", _Journey, self._journey),
            "forget": ("POST", _Forget, self._forget),
            "notme": ("POST", _None, self._not_me),
            "face": ("POST", _Face, self._face),
            "lesson": ("POST", _Lesson, self._lesson),
            "undo": ("POST", _None, self._undo),
            "break": ("POST", _Break, self._break),
            "preview": ("POST", _Preview, self._preview),
            "page": ("POST", _Page, self._page),
            "hello": ("POST", _None, self._hello),
            "quit": ("POST", _None, self._quit),
        }

    def answer(self, method: str, verb: str, body: bytes) -> CommandAnswer:
        """Carry out one request. ``body``: JSON of the arguments; empty means none."""
        known = self._verbs.get(verb)
        if known is None:
            return refusal(404, "Not Found")
        expected, model, act = known
        if method != expected:
            return refusal(405, "Method Not Allowed")
        try:
            arguments = model.model_validate_json(body or b"{}")
        except ValidationError as error:
            return refusal(422, _what_is_wrong(error))
        return act(arguments)

    # -- one method a command

    def _status(self, _words: _None) -> CommandAnswer:
        return CommandAnswer(200, as_dict(self._snapshot(), self._clock))

    def _why(self, _words: _None) -> CommandAnswer:
        seen = self._snapshot()
        body = {"done": True, "text": why_text(seen), "evidence": evidence(seen)}
        return CommandAnswer(200, body)

    def _pause(self, arguments: _Pause) -> CommandAnswer:
        end = arguments.until
        now = self._clock.now()
        if end is not None and end <= now:
            return refusal(422, _passed(end))
        before = self._snapshot()
        on_break = before.on_break
        if not before.consent and not on_break:
            return refusal(409, _(NO_CONSENT), title=_("The camera is not allowed"))
        self._report(events.PauseCamera(end))
        done = self._happened(
            lambda seen: seen.camera_paused and not seen.on_break and seen.paused_until == end
        )
        if done and on_break:  # which this ends for the music
            return _answered(self._snapshot())
        return _told(camera_rests(end, now), done)

    def _resume(self, _words: _None) -> CommandAnswer:
        before = self._snapshot()
        if not before.consent and not before.on_break:
            self._report(events.RestartWorkers())
            return refusal(409, _(NO_CONSENT), title=_("The camera is not allowed"))
        self._report(events.ResumeCamera())
        if before.on_break:
            ended = self._happened(lambda seen: not seen.on_break)
            return _answered(self._snapshot()) if ended else _told(_("The break ends."), done=False)
        done = self._happened(lambda seen: not seen.camera_paused and not seen.stopped)
        seen = self._snapshot()
        if done and seen.held_off is not None:
            camera = camera_line(seen, self._clock.now())
            if not before.camera_paused:
                return _told(_("Not paused, but the camera is {camera}.").format(camera=camera))
            return _told(
                _("Not paused any more, but the camera is {camera}.").format(camera=camera)
            )
        if done and not before.camera_paused and not before.stopped:
            return _told(_("The camera was not paused."))
        return _told(_("The camera may be used again."), done)

    def _mood(self, arguments: _Mood) -> CommandAnswer:
        try:
            state = parse_mood(arguments.emotion)
        except ValueError as error:
            return refusal(422, _("emotion: {error}").format(error=error))
        if state is None:
            return self._wish(events.FollowFace(), _("Moodtray goes by your face again."))
        shown = self._snapshot().mood
        wrong = shown.state if shown.state.is_emotion and not shown.by_hand else None
        said = Mood(state, 0.0, 1.0, by_hand=True)
        otherwise = _("{mood}, for {minutes:g} minutes.").format(
            mood=capital(describe(said)), minutes=arguments.minutes
        )
        return self._wish(events.SetMood(state, arguments.minutes, wrong), otherwise)

    def _play(self, _words: _None) -> CommandAnswer:
        otherwise = _("Asked for music for your mood. 'moodtray why' tells what came of it.")
        return self._wish(events.PlayForMood(), otherwise)

    def _undo(self, _words: _None) -> CommandAnswer:
        return self._wish(events.UndoSwitch(), _("Asked to take the last change back."))

    def _break(self, arguments: _Break) -> CommandAnswer:
        end = arguments.until
        if end is not None and end <= self._clock.now():
            return refusal(422, _passed(end))
        return self._wish(events.TakeBreak(end, arguments.until_back), _("Camera and music rest."))

    def _music(self, arguments: _Music) -> CommandAnswer:
        if arguments.action == "next":
            return self._next_track()
        pause, before = arguments.action == "pause", self._snapshot().answers
        self._report(events.PauseMusic() if pause else events.ResumeMusic())
        wanted = PlayState.PAUSED if pause else PlayState.PLAYING

        def heard(seen: Snapshot) -> bool:
            return seen.playback is not None and seen.playback.state is wanted

        done = self._happened(lambda seen: heard(seen) or seen.answers > before)
        if done and not heard(self._snapshot()):  # it cannot be done now
            return _answered(self._snapshot())
        if not done and not is_loaded(self._snapshot()):
            if pause:
                return _told(_("No music plays. So there is none to pause."))
            return _told(_("No music is paused. 'moodtray play' begins some."))
        return _told(_("The music is paused.") if pause else _("The music is on."), done)

    def _next(self, _words: _None) -> CommandAnswer:
        otherwise = _("Asked for another playlist for this mood.")
        return self._wish(events.NextPlaylist(), otherwise)

    def _journey(self, arguments: _Journey) -> CommandAnswer:
        if not arguments.goal:
            return self._wish(events.EndJourney(), _("Asked to end the journey."))
        try:
            goal = named_mood(arguments.goal)
            start = named_mood(arguments.start) if arguments.start else None
        except ValueError as error:
            return refusal(422, _("emotion: {error}").format(error=error))
        return self._wish(events.BeginJourney(goal, start), _("Asked for a journey."))

    def _not_me(self, _words: _None) -> CommandAnswer:
        return self._wish(events.NotMe(), _("Asked to read somebody else."))

    def _forget(self, arguments: _Forget) -> CommandAnswer:
        """Let go of what is held in memory; the files are the asking program's affair."""
        if arguments.before is not None:
            self._report(events.HistoryDeleted(0.0, arguments.before))
            return _told(_("Moodtray has let go of what was before that."), True)
        self._report(events.ForgetEverything())
        done = self._happened(
            lambda seen: seen.own_face is None and seen.change is None and seen.undo_to is None
        )
        return _told(_("Moodtray has let go of what it knew."), done)

    def _face(self, arguments: _Face) -> CommandAnswer:
        return self._wish(events.LearnFace(arguments.numbers), _("Asked to learn the face."))

    def _lesson(self, arguments: _Lesson) -> CommandAnswer:
        before = self._snapshot().lesson
        going = before is not None and before.going
        if arguments.do == "begin":
            return self._begin_lesson(arguments.seconds)
        if arguments.do == "keep":
            if going:
                return self._wish(events.KeepLesson(), _("Asked to keep the face."))
            if before is not None and before.stage is LessonStage.LEARNED:
                return _told(f"{lesson_line(before)}.")
        if not going:
            return refusal(409, _("No face is being learned just now."))
        if arguments.do == "stop":
            return self._wish(events.StopLesson(), _("Asked to stop."))
        try:
            emotion = parse_mood(arguments.emotion)
        except ValueError as error:
            return refusal(422, f"emotion: {error}")
        if emotion is None:
            return refusal(422, _("emotion: one of the seven is needed."))
        self._report(events.ShowInLesson(emotion))
        done = self._happened(lambda seen: seen.lesson is not None and seen.lesson.asked is emotion)
        return _told(_("Now look {mood}.").format(mood=mood_word(emotion)), done)

    def _begin_lesson(self, seconds: float) -> CommandAnswer:
        before = self._snapshot()
        self._report(events.BeginLesson(seconds))
        done = self._happened(
            lambda seen: (
                seen.answers > before.answers or (seen.lesson is not None and seen.lesson.going)
            )
        )
        lesson = self._snapshot().lesson
        if lesson is not None and lesson.stage is LessonStage.FAILED:
            return refusal(409, lesson.trouble, title=_("Your face was not learned"))
        return _told(_("Look as you do when you work."), done)

    def _next_track(self) -> CommandAnswer:
        before = self._snapshot()
        track = None if before.playback is None else before.playback.track
        self._report(events.NextTrack())

        def gone_on(seen: Snapshot) -> bool:
            other = seen.playback is not None and seen.playback.track != track
            return other or seen.answers > before.answers

        done, seen = self._happened(gone_on, WISH_PATIENCE), self._snapshot()
        if seen.answers > before.answers:
            return _answered(seen)
        title = None if seen.playback is None else seen.playback.title
        return _told(f"♪ {title}" if done and title else _("Asked for the next track."))

    def _preview(self, arguments: _Preview) -> CommandAnswer:
        before = self._snapshot()
        show = not before.preview_open if arguments.show is None else arguments.show
        self._report(events.ShowPreview(show))
        if show and not before.consent:  # it is asked for on the screen
            return refusal(409, _(NO_CONSENT), title=_("The camera is not allowed"))
        done = self._happened(lambda seen: seen.preview_open is show, WISH_PATIENCE)
        if show and not done and self._snapshot().camera_paused:
            return refusal(409, _(PAUSED), title=_("The camera is paused"))
        return _told(_("The preview is open.") if show else _("The preview is closed."), done)

    def _page(self, arguments: _Page) -> CommandAnswer:
        if self._page_link is None:
            return refusal(409, _("This run of Moodtray has no page."))
        if arguments.show:
            self._report(events.OpenPage(arguments.page))
            return _told(_("The page opens in your browser."))
        try:
            url = self._page_link(arguments.page)
        except AgentError as error:
            return refusal(409, error.message, title=error.title)
        except ValueError:
            return refusal(422, _("There is no page '{page}'.").format(page=arguments.page))
        return CommandAnswer(200, {"done": True, "text": _("Open this address."), "url": url})

    def _hello(self, _words: _None) -> CommandAnswer:
        """Show at a second start that the first one is there."""
        title = _("Moodtray is already running")
        body = _("Its icon is in the tray; a click on it opens the menu.")
        self._report(events.Notice(title, body, True))
        return _told(_("{title}. 'moodtray status' tells how it is doing.").format(title=title))

    def _quit(self, _words: _None) -> CommandAnswer:
        self._report(events.Quit())
        return _told(_("Moodtray ends."))

    def _wish(self, event: events.Event, otherwise: str) -> CommandAnswer:
        """Report a wish and tell what came of it.

        ``otherwise``: what to say when that takes long.
        """
        before = self._snapshot().answers
        self._report(event)
        if self._happened(lambda seen: seen.answers > before, WISH_PATIENCE):
            return _answered(self._snapshot())
        return _told(otherwise, done=False)

    def _happened(
        self, condition: Callable[[Snapshot], bool], patience: float | None = None
    ) -> bool:
        """Return True as soon as the agent's snapshot says so, False after ``patience`` seconds.

        None: PATIENCE.
        """
        end = time.monotonic() + (PATIENCE if patience is None else patience)
        while not condition(self._snapshot()):
            if time.monotonic() >= end:
                return False
            time.sleep(LOOK_EVERY)
        return True


def _answered(seen: Snapshot) -> CommandAnswer:
    """Repeat the words that the user was answered with on the screen."""
    assert seen.answer is not None
    return _told(f"{seen.answer.title}. {seen.answer.body}".replace("?.", "?"))


def _passed(end: datetime) -> str:
    return _("{time} on {end:%d %b} has passed already; name a later time.").format(
        time=clock_time(end), end=end
    )


def _told(text: str, done: bool = True) -> CommandAnswer:
    text = text if done else _("Asked. In a moment: {text}").format(text=text)
    return CommandAnswer(200, {"done": done, "text": text})


def _what_is_wrong(error: ValidationError) -> str:
    told = []
    for found in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in found["loc"]) or "request"
        told.append(f"{place}: {found['msg']}")
    return "; ".join(told)
