"""The control API: how commands talk to the running agent, over the loopback address only.

Every request needs the secret that lies in the user's runtime folder, and must be addressed to
127.0.0.1 by that name: so neither other users nor a web page whose name was pointed here
(DNS rebinding) get in. No answer allows another origin. Nothing here owns state: requests become
events, answers come from snapshots.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from agent import __version__, events
from agent.errors import AgentError
from agent.ports import Clock, Report
from agent.settings import EmotionName
from agent.types import MoodState, PlayState, Snapshot
from agent.web.status_text import as_dict, camera_text, until_text, why_text

SECRET_HEADER = "X-Moodtray-Secret"
VERSION_HEADER = "X-Moodtray-Version"
HOST = "127.0.0.1"
BODY_LIMIT = 16_384
"""Bytes of a request; ours have some dozens."""
PATIENCE = 1.0
"""Seconds that an answer waits for the agent to have done what was asked."""

NO_CONSENT = (
    "Read what Moodtray does with it and allow it with 'moodtray consent', or by 'Allow the "
    "camera…' in the tray's menu."
)

PAUSED = (
    "The preview shows the camera's picture. Use 'moodtray resume' first, or set "
    'preview.when_paused to "resume" in the settings.'
)

# Newer versions of the framework can measure requests and export the result where the environment
# says so. Nothing of this program is measured for anybody.
NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PauseWords(_Words):
    until: datetime | None = None


class MoodWords(_Words):
    emotion: EmotionName
    minutes: Annotated[float, Field(gt=0.0, le=1440.0)] = 30.0


class MusicWords(_Words):
    action: Literal["pause", "resume"]


class PageWords(_Words):
    page: str = ""
    show: bool = True


class PreviewWords(_Words):
    show: bool | None = None


def make_app(
    report: Report,
    snapshot: Callable[[], Snapshot],
    secret: str,
    clock: Clock,
    page_link: Callable[[str], str] | None = None,
) -> ASGIApp:
    """The API. ``report`` and ``snapshot`` are called in the server's thread and must not block."""
    app = FastAPI(
        title="Moodtray",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=NO_TELEMETRY,  # an unknown word to older versions, which ignore it
    )
    app.add_exception_handler(RequestValidationError, _bad_words)
    app.add_exception_handler(HTTPException, _refused)

    async def happened(condition: Callable[[Snapshot], bool]) -> bool:
        """True as soon as the agent's picture says so, False after PATIENCE."""
        for _ in range(int(PATIENCE / 0.02)):
            if condition(snapshot()):
                return True
            await asyncio.sleep(0.02)
        return condition(snapshot())

    def answer(text: str, done: bool = True) -> dict[str, Any]:
        return {"done": done, "text": text if done else f"Asked, not done yet: {text}"}

    @app.get("/status")
    async def status() -> dict[str, Any]:
        return as_dict(snapshot(), clock)

    @app.get("/why")
    async def why() -> dict[str, Any]:
        return answer(why_text(snapshot()))

    @app.post("/pause")
    async def pause(words: PauseWords) -> Any:
        until = None if words.until is None else words.until.astimezone()
        if until is not None and until <= clock.now():
            return _error(422, f"{until:%H:%M on %d %b} has passed already; name a later time.")
        report(events.PauseCamera(until))
        done = await happened(lambda seen: seen.camera_paused and seen.paused_until == until)
        return answer(f"The camera is paused {until_text(until, clock.now())}.", done)

    @app.post("/resume")
    async def resume() -> Any:
        if not snapshot().consent:
            report(events.RestartWorkers())
            return _error(409, NO_CONSENT, title="The camera is not allowed yet")
        report(events.ResumeCamera())
        done = await happened(lambda seen: not seen.camera_paused and not seen.stopped)
        seen = snapshot()
        if done and seen.held_off is not None:
            return answer(
                f"Not paused any more, but the camera is {camera_text(seen, clock.now())}."
            )
        return answer("The camera may be used again.", done)

    @app.post("/mood")
    async def mood(words: MoodWords) -> dict[str, Any]:
        state = MoodState(words.emotion)
        report(events.SetMood(state, words.minutes))
        done = await happened(lambda seen: seen.mood.by_hand and seen.mood.state is state)
        return answer(f"You feel {state.value}: so it stays for {words.minutes:g} minutes.", done)

    @app.post("/play")
    async def play() -> dict[str, Any]:
        report(events.PlayForMood())
        return answer("Asked for music for your mood. 'moodtray why' tells what came of it.")

    @app.post("/music")
    async def music(words: MusicWords) -> dict[str, Any]:
        report(events.PauseMusic() if words.action == "pause" else events.ResumeMusic())
        wanted = PlayState.PAUSED if words.action == "pause" else PlayState.PLAYING
        done = await happened(
            lambda seen: seen.playback is not None and seen.playback.state is wanted
        )
        return answer(f"The music is {'paused' if words.action == 'pause' else 'on'}.", done)

    @app.post("/next")
    async def next_playlist() -> dict[str, Any]:
        report(events.NextPlaylist())
        return answer("Asked for another playlist for this mood.")

    @app.post("/preview")
    async def preview(words: PreviewWords) -> Any:
        before = snapshot()
        show = not before.preview_open if words.show is None else words.show
        report(events.ShowPreview(show))
        if show and not before.consent:  # it is asked for on the screen
            return _error(409, NO_CONSENT, title="The camera is not allowed yet")
        done = await happened(lambda seen: seen.preview_open is show)
        if show and not done and snapshot().camera_paused:
            return _error(409, PAUSED, title="The camera is paused")
        return answer("The preview is open." if show else "The preview is closed.", done)

    @app.post("/page")
    def page(words: PageWords) -> Any:
        if page_link is None:
            return _error(409, "This run of Moodtray has no page.")
        if words.show:
            report(events.OpenPage(words.page))
            return answer("The page opens in your browser.")
        try:
            return {**answer("Open this address."), "url": page_link(words.page)}
        except AgentError as error:
            return _error(409, error.message, title=error.title)

    @app.post("/hello")
    async def hello() -> dict[str, Any]:
        """A second start: show that the first one is there."""
        title = "Moodtray is already running"
        report(events.Notice(title, "Its icon is in the tray; a click on it opens the menu.", True))
        return answer(f"{title}. 'moodtray status' tells how it is doing.")

    @app.post("/quit")
    async def quit_agent() -> dict[str, Any]:
        report(events.Quit())
        return answer("Moodtray ends.")

    return Gate(app, secret)


class Gate:
    """Lets a request through to ``app`` only with the right host, secret and size; puts the
    version on each answer."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)

        async def send_marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                mark = (VERSION_HEADER.lower().encode(), __version__.encode())
                message = {**message, "headers": [*message.get("headers", ()), mark]}
            await send(message)

        await (self._app if refusal is None else refusal)(scope, receive, send_marked)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or hosts[0].partition(b":")[0] != HOST.encode():
            return _error(403, f"This address is for programs on this computer; use {HOST}.")
        given = headers.get(SECRET_HEADER.lower().encode(), [b""])[0]
        if not hmac.compare_digest(given, self._secret):
            return _error(401, "The secret in the runtime folder is missing or wrong.")
        length = headers.get(b"content-length", [b"0"])[0]
        if b"transfer-encoding" in headers or not length.isdigit() or int(length) > BODY_LIMIT:
            return _error(413, "This request is too long.")
        return None


def _error(code: int, text: str, title: str | None = None) -> JSONResponse:
    """``title``: a headline of its own instead of the commands' common one."""
    body = {"error": text} if title is None else {"error": text, "title": title}
    return JSONResponse(body, status_code=code)


async def _bad_words(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    told = []
    for found in error.errors():
        place = ".".join(str(part) for part in found["loc"][1:]) or "request"
        told.append(f"{place}: {found['msg']}")
    return _error(422, "; ".join(told))


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, str(error.detail))


def control_file_text(port: int, secret: str, pid: int) -> bytes:
    """What commands need to find and convince this agent."""
    return json.dumps({"port": port, "secret": secret, "pid": pid}).encode() + b"\n"
