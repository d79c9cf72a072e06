"""The area *First steps*: from nothing to music that fits, in order, left and resumed at will."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from agent import events
from agent.errors import AgentError, SettingsError, StoreError
from agent.settings import Settings
from agent.store.jsonfile import JsonFile
from agent.translation import N_, _
from agent.types import EMOTIONS, MoodState, PlayState, Sight
from agent.web.page import saving, spotify_page, terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Typed, Words
from agent.web.page.context import PageContext, PlayerName
from agent.web.page.moods import mood_card, playing, viewed
from agent.web.page.now import blocked, now_view, unseen
from agent.web.page.render import Pages
from agent.wording import MOODS, resume_words, resumes_camera

if TYPE_CHECKING:
    from fastapi import APIRouter

STATE_FILE = "first-steps.json"
TRY_SECONDS = 180.0
"""How long 'Try it now' follows the face closely."""


class Step(StrEnum):
    """The steps, in order."""

    CONSENT = "consent"
    CAMERA = "camera"
    MUSIC = "music"
    MOODS = "moods"
    NOTICES = "notices"
    TRY = "try"


TITLES = {
    Step.CONSENT: N_("Your consent"),
    Step.CAMERA: N_("The camera"),
    Step.MUSIC: N_("Where the music comes from"),
    Step.MOODS: N_("Which music for which mood"),
    Step.NOTICES: N_("Notifications and start"),
    Step.TRY: N_("Try it now"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A step and how it stands. ``said`` tells what was found in a few words."""

    step: Step
    title: str
    done: bool
    said: str


class ConsentWords(Words):
    """A yes or a no."""

    allow: bool


class CameraWords(Words):
    """A camera, as the settings name it."""

    source: Typed


class MusicWords(Words):
    """The player to use."""

    use: PlayerName


class StepWords(Words):
    """One of the steps; ``of``: whose music was framed as chosen, where that was asked."""

    step: Step
    of: PlayerName | None = None


class TryWords(Words):
    """Begin, or end."""

    on: bool = True


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the pages of this area."""
    visited = Visited(context.paths.state / STATE_FILE)

    def start(request: Request) -> Response:
        settings, mistake = saving.current(context)
        if _sees(context) and Step.CAMERA not in visited.steps():
            with contextlib.suppress(StoreError):  # then it is noted another time
                visited.add(Step.CAMERA)
        standings = stand(context, settings, visited.steps())
        asked = request.query_params.get("step", "")
        if asked not in list(Step):
            # Where they go on has an address of its own: news, which make the page anew, must not
            # lead from the step that is read to another one.
            open_ = next((s.step for s in standings if not s.done), Step.TRY)
            return RedirectResponse(f"/start?step={open_}", 303)
        here = Step(asked)
        order = list(Step)
        place = order.index(here)
        return pages.page(
            request,
            f"step_{here}.html",
            "start",
            standings=standings,
            step=here,
            number=place + 1,
            before=order[place - 1] if place else None,
            after=order[place + 1] if place + 1 < len(order) else None,
            mistake=mistake,
            **_values(context, here, settings, viewed(context, request)),
        )

    return [Route("/start", start)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()
    visited = Visited(context.paths.state / STATE_FILE)

    @routes.post("/api/start/consent", response_model=Answer, responses=REFUSALS)
    def consent(words: ConsentWords) -> Answer:
        """Allow the camera, or take that back."""
        if words.allow:
            context.consent.give()
            context.report(events.ConsentGiven())
            return Answer(
                text=_("Thank you. Moodtray may use the camera."), goto="/start?step=camera"
            )
        taken_back = context.consent.withdraw()
        context.report(events.ConsentWithdrawn())
        if taken_back:
            return Answer(text=_("Your permission is taken back, and the camera is let go."))
        return Answer(text=_("The camera stays closed."))

    @routes.post("/api/start/camera", response_model=Answer, responses=REFUSALS)
    def camera(words: CameraWords) -> Answer:
        """Choose a camera."""
        source = saving.camera_source(words.source, "source")
        try:
            saving.change(context, "camera.source", source, _("Address or path"))
        except SettingsError as error:
            raise Refused(error.message, field="source") from error
        return Answer(text=_("Moodtray looks through this camera from now on."))

    @routes.post("/api/start/music", response_model=Answer, responses=REFUSALS)
    def music(words: MusicWords) -> Answer:
        """Choose where the music comes from.

        Spotify without a login would be silence: until there is one, what plays plays on.
        """
        if words.use == "spotify" and not _logged_in(context):
            saving.change(context, "player", None)  # automatic: Spotify from the login on
            return Answer(
                text=_("Spotify plays once you have logged in."),
                goto="/start?step=music&of=spotify",
            )
        saving.change(context, "player", words.use)
        return Answer(text=_("Chosen: {name}.").format(name=_player_name(words.use)))

    @routes.post("/api/start/done", response_model=Answer, responses=REFUSALS)
    def done(words: StepWords) -> Answer:
        """Note that a step was seen, and go on.

        Who goes on past the framed music of this computer has chosen it: a later login to Spotify,
        to look around, must not take over.
        """
        settings, _mistake = saving.current(context)
        if words.step is Step.MUSIC and words.of == "local" and settings.player == "auto":
            saving.change(context, "player", "local")
        if words.step is not Step.CAMERA:  # which is done once it has seen
            visited.add(words.step)
        order = list(Step)
        place = order.index(words.step) + 1
        goto = f"/start?step={order[place]}" if place < len(order) else "/"
        return Answer(text="", goto=goto)

    @routes.post("/api/start/autostart", response_model=Answer, responses=REFUSALS)
    def autostart(words: ConsentWords) -> Answer:
        """Start Moodtray at login, or do not."""
        told = context.wish(events.SetAutostart(words.allow))
        if told:
            return Answer(text=told)
        if words.allow:
            return Answer(text=_("Moodtray starts at login from now on."))
        return Answer(text=_("Moodtray does not start at login."))

    @routes.post("/api/start/try", response_model=Answer, responses=REFUSALS)
    def try_now(words: TryWords) -> Answer:
        """Follow the face closely for a while, so that one sees how it works."""
        visited.add(Step.TRY)
        event = events.TryNow(TRY_SECONDS if words.on else 0.0)
        if not words.on:
            context.report(event)
            return Answer(text=_("Back to its usual pace."))
        if why := blocked(context.snapshot()):
            raise Refused(why)
        playback = context.snapshot().playback
        if playback is not None and playback.state is PlayState.PLAYING:
            context.report(event)
            return Answer(text=_("The try-out runs. Look happy, or sad."))
        # It begins the music, which is the answer.
        return Answer(text=context.wish(event) or _("The try-out runs. Look happy, or sad."))

    @routes.get("/api/start/still", responses=REFUSALS)
    def still() -> dict[str, Any]:
        """Give one picture of the camera and what is read in it.

        It is made for this answer alone and kept nowhere.
        """
        if not context.consent.given():
            raise Refused(_("The camera is not allowed."), status=403)
        snapshot = context.snapshot()
        picture = context.camera.still()
        if not context.consent.given():  # taken back while the picture was waited for
            raise Refused(_("The camera is not allowed."), status=403)
        if picture is None:
            told = unseen(snapshot) or _("Waiting for a picture…")
            return {"picture": None, "text": told, "bars": None}
        seen = picture.probabilities
        return {
            "picture": "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode(),
            "text": _read(picture.faces, seen),
            "bars": None if seen is None else terms.seven_percents(seen),
        }

    return routes


def stand(context: PageContext, settings: Settings, visited: frozenset[str]) -> list[Standing]:
    """Look how far each step is; anew each time, so that it is true."""
    snapshot = context.snapshot()
    player = context.music.in_use()
    mapped = sum(bool(playing(context, settings, player, mood)) for mood in MOODS)
    consent = context.consent.given()  # a video file instead of a camera needs none, and gives none
    sees = _sees(context)
    fails = snapshot.sight in (Sight.LOST, Sight.UNUSABLE, Sight.STOPPED, Sight.NOT_ALLOWED)
    saw = sees or (consent and Step.CAMERA in visited and not fails)
    rests = saw and snapshot.sight in (Sight.BREAK, Sight.PAUSED, Sight.HELD_OFF)
    told = _("it sees") if sees else _("it rests now") if rests else unseen(snapshot)
    found = {
        Step.CONSENT: (consent, _("allowed") if consent else _("not given yet")),
        Step.CAMERA: (saw, told if consent else ""),
        Step.MUSIC: (
            Step.MUSIC in visited or settings.player != "auto" or mapped > 0,
            _player_name(player),
        ),
        Step.MOODS: (
            mapped > 0 or (Step.MOODS in visited and player == "local"),
            _("{n} of 7 moods have music of their own").format(n=mapped),
        ),
        Step.NOTICES: (Step.NOTICES in visited, ""),
        Step.TRY: (Step.TRY in visited, ""),
    }
    return [Standing(step, _(TITLES[step]), *found[step]) for step in Step]


def _values(
    context: PageContext, step: Step, settings: Settings, view: PlayerName
) -> dict[str, Any]:
    """Collect what a step's own template shows; ``view``: whose music is looked at."""
    match step:
        case Step.CONSENT:
            return {
                "consent": context.consent,
                "given": context.consent.given(),
                "kept": context.kept(),
                "removal": context.removal(),
            }
        case Step.CAMERA:
            allowed = context.consent.given()
            choices = context.camera.choices() if allowed else []
            source = str(settings.camera.source)
            return {
                "allowed": allowed,
                "choices": choices,
                "cameras": [choice for choice in choices if choice.source.isdecimal()],
                "source": source,
                "other": "" if source.isdecimal() else source,
                "moods": MOODS,
                "resumes": resumes_camera(context.snapshot()),
                "resume": resume_words(context.snapshot()),
            }
        case Step.MUSIC:
            return {
                "player": view,
                "back": "start",
                **spotify_page.view(context),
            }
        case Step.MOODS:
            player = context.music.in_use()
            return {
                "player": player,
                "rows": [mood_card(context, settings, player, mood) for mood in MOODS],
            }
        case Step.NOTICES:
            return {
                "notices": settings.notifications.enabled,
                "autostart": context.snapshot().autostart,
            }
        case Step.TRY:
            return {"view": now_view(context)}
        case _:
            assert_never(step)


def _sees(context: PageContext) -> bool:
    return context.consent.given() and context.snapshot().sight is Sight.LOOKING


def _logged_in(context: PageContext) -> bool:
    try:
        return context.spotify.state().logged_in
    except AgentError:
        return False


def _player_name(player: PlayerName) -> str:
    return "Spotify" if player == "spotify" else _("Music on this computer")


def _read(faces: int, seen: tuple[float, ...] | None) -> str:
    if not faces:
        return _("Nobody is in the picture")
    if seen is None:
        return _("A face is there")
    shares = terms.seven_percents(seen)
    best = EMOTIONS[max(range(len(seen)), key=lambda place: seen[place])]
    return _("This look: {mood} ({share})").format(
        mood=terms.mood_word(MoodState(best)), share=terms.percent(shares[best] / 100)
    )


class SeenSteps(BaseModel):
    """What the file of :class:`Visited` says; names that are no step any more do no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seen: frozenset[str]


class Visited:
    """Which steps were seen through; one small file. Any thread."""

    def __init__(self, file: Path) -> None:
        self._file = JsonFile(file)

    def steps(self) -> frozenset[str]:
        """Read the steps that were seen through; none where the file is missing or damaged."""
        try:
            return SeenSteps.model_validate(self._file.load()).seen
        except ValidationError:
            return frozenset()

    def add(self, step: Step) -> None:
        """Note one more. Raises StoreError."""
        steps = sorted({*self.steps(), str(step)})
        self._file.save({"seen": steps})
