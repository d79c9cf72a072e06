"""The page *Your face*: Moodtray learns it, shows what changes by that, and forgets it again."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent import events
from agent.settings import EmotionName
from agent.translation import _
from agent.types import EMOTIONS, LessonStage, MoodState, Snapshot
from agent.web.page import terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Words
from agent.web.page.context import PageContext
from agent.web.page.render import Pages
from agent.wording import lesson_line

if TYPE_CHECKING:
    from fastapi import APIRouter


class Step(StrEnum):
    """What a button asks for."""

    BEGIN = "begin"
    SHOW = "show"
    KEEP = "keep"
    STOP = "stop"
    FORGET = "forget"


class FaceWords(Words):
    """One button; ``mood`` is what the user will show."""

    do: Step
    mood: EmotionName = "happy"


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the page of this area."""

    def face(request: Request) -> Response:
        snapshot = context.snapshot()
        return pages.page(
            request,
            "face.html",
            "settings",
            lesson=lesson_view(snapshot),
            can=can(snapshot),
            allowed=context.consent.given() or snapshot.consent,
            moods=terms.MOODS,
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
            case Step.BEGIN:
                context.report(events.BeginLesson())
                return Answer(text=_("Look as you do when you work."))
            case Step.SHOW if stage is LessonStage.READY:
                context.report(events.ShowInLesson(mood))
                return Answer(text=_("Now look {mood}.").format(mood=terms.mood_word(mood)))
            case Step.KEEP if stage in (LessonStage.READY, LessonStage.SHOW):
                context.report(events.KeepLesson())
                return Answer(text=_("Your face is learned."))
            case Step.STOP:
                context.report(events.StopLesson())
                return Answer(text=_("Nothing was stored.") if stage else "")
            case Step.FORGET:
                context.report(events.LearnFace(None))
                return Answer(text=_("Your face is forgotten."))
        raise Refused(_("Your face at rest is not known yet. Begin first."))

    return routes


def lesson_view(snapshot: Snapshot) -> dict[str, Any]:
    """Tell how far the lesson is, as JSON has it."""
    lesson = snapshot.lesson
    if lesson is None:
        known = _("Your face was learned, and is read as such.")
        plain = _("Your face is read like anybody's.")
        return {
            "line": known if snapshot.own_face else plain,
            "share": 0,
            "trouble": False,
            "now": None,
            "then": None,
        }
    return {
        "line": terms.full_sentence(lesson_line(lesson)),
        "share": round(100 * lesson.share) if lesson.going else 0,
        "trouble": bool(lesson.trouble),
        "now": _percent(lesson.now),
        "then": _percent(lesson.then),
    }


def can(snapshot: Snapshot) -> dict[str, bool]:
    """Tell which buttons make sense."""
    lesson = snapshot.lesson
    going = lesson is not None and lesson.going
    return {
        "learn-face": not going,
        "show-face": lesson is not None and lesson.stage is LessonStage.READY,
        "stop-face": going,
        "forget-face": snapshot.own_face and not going,
        "learning": going,
    }


def _percent(seven: tuple[float, ...] | None) -> dict[str, int] | None:
    if seven is None:
        return None
    return {name: round(100 * p) for name, p in zip(EMOTIONS, seven, strict=True)}
