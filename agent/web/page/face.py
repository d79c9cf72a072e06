"""The page *Your face*: Moodtray learns it, shows what changes by that, and forgets it again."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent import events
from agent.settings import EmotionName
from agent.translation import _
from agent.types import LessonStage, MoodState, Snapshot
from agent.web.page import terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Words
from agent.web.page.context import PageContext
from agent.web.page.render import Pages
from agent.wording import (
    MOODS,
    face_forgotten,
    face_line,
    lesson_line,
    resume_words,
    resumes_camera,
)

if TYPE_CHECKING:
    from fastapi import APIRouter


class LessonButton(StrEnum):
    """What a button asks for."""

    BEGIN = "begin"
    SHOW = "show"
    KEEP = "keep"
    STOP = "stop"
    FORGET = "forget"


class FaceWords(Words):
    """One button; ``mood`` is what the user will show."""

    do: LessonButton
    mood: EmotionName = "happy"


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the page of this area."""

    def face(request: Request) -> Response:
        snapshot = context.snapshot()
        return pages.page(
            request,
            "face.html",
            "face",
            lesson=lesson_view(snapshot),
            can=can(snapshot),
            resumes=resumes_camera(snapshot),
            resume=resume_words(snapshot),
            allowed=context.consent.given() or snapshot.consent,
            moods=MOODS,
        )

    return [Route("/face", face)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()

    @routes.post("/api/face", response_model=Answer, responses=REFUSALS)
    def do(words: FaceWords) -> Answer:
        """Let the face be learned, step by step, or be forgotten."""
        lesson = context.snapshot().lesson
        stage = None if lesson is None or not lesson.going else lesson.stage
        mood = MoodState(words.mood)
        match words.do:
            case LessonButton.BEGIN:
                context.report(events.BeginLesson())
                return Answer(text=_("Look as you do when you work."))
            case LessonButton.SHOW if stage is LessonStage.READY:
                context.report(events.ShowInLesson(mood))
                return Answer(text=_("Now look {mood}.").format(mood=terms.mood_word(mood)))
            case LessonButton.KEEP if stage in (LessonStage.READY, LessonStage.SHOW):
                told = context.wish(events.KeepLesson())
                return Answer(text=told or _("Your face is learned."))
            case LessonButton.STOP:
                context.report(events.StopLesson())
                return Answer(text=_("Nothing was stored.") if stage else "")
            case LessonButton.FORGET:
                told = context.wish(events.LearnFace(None))
                return Answer(text=told or face_forgotten())
            case LessonButton.SHOW | LessonButton.KEEP:  # out of turn
                raise Refused(_("Your face at rest is not known yet. Begin first."))
            case _:
                assert_never(words.do)

    return routes


def lesson_view(snapshot: Snapshot) -> dict[str, Any]:
    """Tell how far the lesson is, as JSON has it."""
    lesson = snapshot.lesson
    if lesson is None:
        return {
            "line": terms.full_sentence(face_line(snapshot.own_face)),
            "share": 0,
            "trouble": False,
            "now": None,
            "then": None,
        }
    return {
        "line": terms.full_sentence(lesson_line(lesson)).replace(" %", "\N{NO-BREAK SPACE}%"),
        "share": round(100 * lesson.share) if lesson.going else 0,
        "trouble": bool(lesson.trouble),
        "now": _percents(lesson.now),
        "then": _percents(lesson.then),
    }


def can(snapshot: Snapshot) -> dict[str, bool]:
    """Tell which buttons make sense."""
    lesson = snapshot.lesson
    going = lesson is not None and lesson.going
    return {
        "learn-face": not going,
        "unlearned": snapshot.own_face is None and not going,
        "show-face": lesson is not None and lesson.stage is LessonStage.READY,
        "stop-face": going,
        "forget-face": snapshot.own_face is not None and not going,
        "learning": going,
    }


def _percents(seven: tuple[float, ...] | None) -> dict[str, int] | None:
    if seven is None:
        return None
    return terms.seven_percents(seven)
