"""The area *First steps*: from nothing to music that fits, in order, left and resumed at will."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent import events
from agent.errors import SettingsError
from agent.settings import Settings
from agent.store.files import write_private
from agent.translation import N_, _
from agent.types import EMOTIONS, CameraState, Snapshot
from agent.web.page import saving, terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Typed, Words
from agent.web.page.context import PageContext, PlayerName
from agent.web.page.now import headline, now_view
from agent.web.page.render import Pages
from agent.web.page.spotify_page import view as spotify_view

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
    Step.NOTICES: N_("Messages and start"),
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
    """One of the steps."""

    step: Step


class TryWords(Words):
    """Begin, or end."""

    on: bool = True


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the pages of this area."""
    visited = Visited(context.paths.state / STATE_FILE)

    def start(request: Request) -> Response:
        settings, mistake = saving.current(context)
        standings = stand(context, settings, visited.steps())
        asked = request.query_params.get("step", "")
        open_ = next((s.step for s in standings if not s.done), Step.TRY)
        here = Step(asked) if asked in list(Step) else open_
        order = list(Step)
        place = order.index(here)
        return pages.page(
            request,
            f"step_{here}.html",
            "start",
            standings=standings,
            step=here,
            before=order[place - 1] if place else None,
            after=order[place + 1] if place + 1 < len(order) else None,
            mistake=mistake,
            **_values(context, here, settings),
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
        context.consent.withdraw()
        context.report(events.ConsentWithdrawn())
        return Answer(text=_("The camera stays closed."))

    @routes.post("/api/start/camera", response_model=Answer, responses=REFUSALS)
    def camera(words: CameraWords) -> Answer:
        """Choose a camera."""
        if not words.source:
            raise Refused(_("Nothing was entered."), field="source", status=422)
        source: int | str = words.source
        if words.source.isascii() and words.source.isdecimal():
            source = int(words.source)
        elif "://" not in words.source and not Path(words.source).expanduser().is_file():
            raise Refused(
                _(
                    "{path} is not there. Enter a camera's number, a video file or an address."
                ).format(path=words.source[:200]),
                field="source",
            )
        try:
            saving.change(context, "camera.source", source)
        except SettingsError as error:
            raise Refused(error.message, field="source") from error
        return Answer(text=_("This camera is in use now."))

    @routes.post("/api/start/music", response_model=Answer, responses=REFUSALS)
    def music(words: MusicWords) -> Answer:
        """Choose where the music comes from."""
        saving.change(context, "player", words.use)
        return Answer(text=_("Chosen: {name}.").format(name=_player_name(words.use)))

    @routes.post("/api/start/done", response_model=Answer, responses=REFUSALS)
    def done(words: StepWords) -> Answer:
        """Note that a step was seen, and go on."""
        visited.add(words.step)
        order = list(Step)
        place = order.index(words.step) + 1
        goto = f"/start?step={order[place]}" if place < len(order) else "/"
        return Answer(text="", goto=goto)

    @routes.post("/api/start/autostart", response_model=Answer, responses=REFUSALS)
    def autostart(words: ConsentWords) -> Answer:
        """Start Moodtray at login, or do not."""
        context.report(events.SetAutostart(words.allow))
        if words.allow:
            return Answer(text=_("Moodtray starts at login from now on."))
        return Answer(text=_("Moodtray does not start at login."))

    @routes.post("/api/start/try", response_model=Answer, responses=REFUSALS)
    def try_now(words: TryWords) -> Answer:
        """Follow the face closely for a while, so that one sees how it works."""
        context.report(events.TryNow(TRY_SECONDS if words.on else 0.0))
        visited.add(Step.TRY)
        if not words.on:
            return Answer(text=_("Back to its usual pace."))
        return Answer(text=_("Look happy! Moodtray looks every second and changes at once."))

    @routes.get("/api/start/still", responses=REFUSALS)
    def still() -> dict[str, Any]:
        """Give one picture of the camera and what is read in it.

        It is made for this answer alone and kept nowhere.
        """
        if not context.consent.given():
            raise Refused(_("The camera is not allowed yet."), status=403)
        snapshot = context.snapshot()
        picture = context.camera.still()
        if picture is None:
            return {"picture": None, "text": headline(snapshot), "bars": None}
        seen = picture.probabilities
        return {
            "picture": "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode(),
            "text": _read(picture.faces, seen),
            "bars": None
            if seen is None
            else {name: round(100 * p) for name, p in zip(EMOTIONS, seen, strict=True)},
        }

    return routes


def stand(context: PageContext, settings: Settings, visited: frozenset[str]) -> list[Standing]:
    """Look how far each step is; anew each time, so that it is true."""
    snapshot = context.snapshot()
    player = context.music.in_use()
    lists = settings.local_playlists if player == "local" else settings.spotify_playlists
    mapped = sum(bool(entries) for entries in lists.values())
    consent = context.consent.given()  # a video file instead of a camera needs none, and gives none
    sees = consent and snapshot.camera is CameraState.ON
    found = {
        Step.CONSENT: (consent, _("allowed") if consent else _("not given yet")),
        Step.CAMERA: (sees, _("it sees") if sees else headline(snapshot) if consent else ""),
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


def _values(context: PageContext, step: Step, settings: Settings) -> dict[str, Any]:
    """Collect what a step's own template shows."""
    match step:
        case Step.CONSENT:
            return {"consent": context.consent, "given": context.consent.given()}
        case Step.CAMERA:
            allowed = context.consent.given()
            choices = context.camera.choices() if allowed else []
            source = str(settings.camera.source)
            return {
                "allowed": allowed,
                "choices": choices,
                "source": source,
                "other": "" if source.isdecimal() else source,
                "moods": terms.MOODS,
            }
        case Step.MUSIC:
            return {
                "player": context.music.in_use(),
                "wanted": settings.player,
                "folder": str(context.music_folder),
                "back": "start",
                **spotify_view(context),
            }
        case Step.MOODS:
            player = context.music.in_use()
            lists: dict[Any, tuple[str, ...]] = (
                settings.local_playlists if player == "local" else settings.spotify_playlists
            )
            return {
                "player": player,
                "rows": [
                    (
                        mood,
                        [context.music.card(player, e) for e in lists.get(mood.value, ())],
                        context.music.without_entry(player, mood),
                    )
                    for mood in terms.MOODS
                ],
            }
        case Step.NOTICES:
            return {
                "notices": settings.notifications.enabled,
                "autostart": context.snapshot().autostart,
            }
        case Step.TRY:
            return {"view": now_view(context), "ready": _is_ready(context.snapshot())}


def _is_ready(snapshot: Snapshot) -> bool:
    return snapshot.camera is CameraState.ON and snapshot.playback is not None


def _player_name(player: PlayerName) -> str:
    return "Spotify" if player == "spotify" else _("Moodtray's own player")


def _read(faces: int, seen: tuple[float, ...] | None) -> str:
    if not faces:
        return _("Nobody is in the picture")
    if seen is None:
        return _("A face is there")
    best = max(range(len(seen)), key=lambda place: seen[place])
    word = next(terms.mood_word(mood) for mood in terms.MOODS if str(mood) == EMOTIONS[best])
    return _("You look {mood} ({share})").format(mood=word, share=terms.percent(seen[best]))


class Visited:
    """Which steps were seen through; one small file. Any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def steps(self) -> frozenset[str]:
        """Read the steps that were seen through."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return frozenset(str(step) for step in kept["seen"])
        except (OSError, ValueError, KeyError, TypeError):
            return frozenset()

    def add(self, step: Step) -> None:
        """Note one more. Raises StoreError."""
        steps = sorted({*self.steps(), str(step)})
        write_private(self._file, json.dumps({"seen": steps}).encode() + b"\n")
