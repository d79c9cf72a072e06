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

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent import events
from agent.ports import Clock, Report
from agent.settings import EmotionName
from agent.types import MoodState, PlayState, Snapshot
from agent.web.status_text import as_dict, camera_text, until_text, why_text

PATIENCE = 1.0
"""Seconds that an answer waits for the agent to have done what was asked."""
LOOK_EVERY = 0.02
"""Seconds between two looks at whether it has."""

NO_CONSENT = (
    "Read what Moodtray does with it and allow it with 'moodtray consent', or by 'Allow the "
    "camera…' in the tray's menu."
)

PAUSED = (
    "The preview shows the camera's picture. Use 'moodtray resume' first, or set "
    'preview.when_paused to "resume" in the settings.'
)


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _None(_Arguments):
    pass


class _Pause(_Arguments):
    until: datetime | None = None


class _Mood(_Arguments):
    emotion: EmotionName
    minutes: Annotated[float, Field(gt=0.0, le=1440.0)] = 30.0


class _Music(_Arguments):
    action: Literal["pause", "resume"]


class _Preview(_Arguments):
    show: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is HTTP's; ``body`` holds ``text`` for people, or ``error``."""

    status: int
    body: dict[str, Any]

    def as_json(self) -> bytes:
        """Write the body as it goes over the wire."""
        return json.dumps(self.body).encode()


def refusal(status: int, text: str, title: str | None = None) -> Answer:
    """Say no. ``title``: a headline of its own instead of the commands' common one."""
    return Answer(status, {"error": text} if title is None else {"error": text, "title": title})


class Commands:
    """Answers commands.

    ``report`` and ``snapshot`` are called in the asking thread and must not block; an answer may
    block for PATIENCE.
    """

    def __init__(self, report: Report, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._report = report
        self._snapshot = snapshot
        self._clock = clock
        self._verbs: dict[str, tuple[str, type[_Arguments], Callable[[Any], Answer]]] = {
            "status": ("GET", _None, self._status),
            "why": ("GET", _None, self._why),
            "pause": ("POST", _Pause, self._pause),
            "resume": ("POST", _None, self._resume),
            "mood": ("POST", _Mood, self._mood),
            "play": ("POST", _None, self._play),
            "music": ("POST", _Music, self._music),
            "next": ("POST", _None, self._next),
            "preview": ("POST", _Preview, self._preview),
            "hello": ("POST", _None, self._hello),
            "quit": ("POST", _None, self._quit),
        }

    def answer(self, method: str, verb: str, body: bytes) -> Answer:
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

    def _status(self, _: _None) -> Answer:
        return Answer(200, as_dict(self._snapshot(), self._clock))

    def _why(self, _: _None) -> Answer:
        return _told(why_text(self._snapshot()))

    def _pause(self, arguments: _Pause) -> Answer:
        until = None if arguments.until is None else arguments.until.astimezone()
        now = self._clock.now()
        if until is not None and until <= now:
            return refusal(422, f"{until:%H:%M on %d %b} has passed already; name a later time.")
        self._report(events.PauseCamera(until))
        done = self._happened(lambda seen: seen.camera_paused and seen.paused_until == until)
        return _told(f"The camera is paused {until_text(until, now)}.", done)

    def _resume(self, _: _None) -> Answer:
        if not self._snapshot().consent:
            self._report(events.RestartWorkers())
            return refusal(409, NO_CONSENT, title="The camera is not allowed yet")
        self._report(events.ResumeCamera())
        done = self._happened(lambda seen: not seen.camera_paused and not seen.stopped)
        seen = self._snapshot()
        if done and seen.held_off is not None:
            camera = camera_text(seen, self._clock.now())
            return _told(f"Not paused any more, but the camera is {camera}.")
        return _told("The camera may be used again.", done)

    def _mood(self, arguments: _Mood) -> Answer:
        state, minutes = MoodState(arguments.emotion), arguments.minutes
        self._report(events.SetMood(state, minutes))
        done = self._happened(lambda seen: seen.mood.by_hand and seen.mood.state is state)
        return _told(f"You feel {state.value}: so it stays for {minutes:g} minutes.", done)

    def _play(self, _: _None) -> Answer:
        self._report(events.PlayForMood())
        return _told("Asked for music for your mood. 'moodtray why' tells what came of it.")

    def _music(self, arguments: _Music) -> Answer:
        pause = arguments.action == "pause"
        self._report(events.PauseMusic() if pause else events.ResumeMusic())
        wanted = PlayState.PAUSED if pause else PlayState.PLAYING
        done = self._happened(
            lambda seen: seen.playback is not None and seen.playback.state is wanted
        )
        return _told(f"The music is {'paused' if pause else 'on'}.", done)

    def _next(self, _: _None) -> Answer:
        self._report(events.NextPlaylist())
        return _told("Asked for another playlist for this mood.")

    def _preview(self, arguments: _Preview) -> Answer:
        before = self._snapshot()
        show = not before.preview_open if arguments.show is None else arguments.show
        self._report(events.ShowPreview(show))
        if show and not before.consent:  # it is asked for on the screen
            return refusal(409, NO_CONSENT, title="The camera is not allowed yet")
        done = self._happened(lambda seen: seen.preview_open is show)
        if show and not done and self._snapshot().camera_paused:
            return refusal(409, PAUSED, title="The camera is paused")
        return _told("The preview is open." if show else "The preview is closed.", done)

    def _hello(self, _: _None) -> Answer:
        """Show at a second start that the first one is there."""
        title = "Moodtray is already running"
        body = "Its icon is in the tray; a click on it opens the menu."
        self._report(events.Notice(title, body, True))
        return _told(f"{title}. 'moodtray status' tells how it is doing.")

    def _quit(self, _: _None) -> Answer:
        self._report(events.Quit())
        return _told("Moodtray ends.")

    def _happened(self, condition: Callable[[Snapshot], bool]) -> bool:
        """Return True as soon as the agent's snapshot says so, False after PATIENCE."""
        for _ in range(int(PATIENCE / LOOK_EVERY)):
            if condition(self._snapshot()):
                return True
            time.sleep(LOOK_EVERY)
        return condition(self._snapshot())


def _told(text: str, done: bool = True) -> Answer:
    text = text if done else f"Asked, not done yet: {text}"
    return Answer(200, {"done": done, "text": text})


def _what_is_wrong(error: ValidationError) -> str:
    told = []
    for found in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in found["loc"]) or "request"
        told.append(f"{place}: {found['msg']}")
    return "; ".join(told)
