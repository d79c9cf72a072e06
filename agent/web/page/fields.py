"""What the page says about each setting: label, unit and help.

What it may hold comes from the models themselves. A setting that stands here in no line is shown by
its plain name.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agent.settings import Settings
from agent.translation import N_, _

HIDDEN = ("version", "local_playlists", "spotify_playlists")
"""Keys that other areas of the page are for."""


@dataclass(frozen=True, slots=True)
class Told:
    """The words about a setting, not yet translated."""

    label: str
    help: str = ""
    unit: str = ""


SECTIONS: dict[str, tuple[str, str]] = {
    "": (N_("General"), ""),
    "policy": (N_("Changing the music"), N_("When Moodtray may change what plays.")),
    "response": (
        N_("What a mood should do"),
        N_("Play its music, or lead away from it in steps."),
    ),
    "mood": (N_("From face to mood"), N_("How quickly a look becomes a mood.")),
    "camera": (N_("Camera"), N_("Where Moodtray looks, and how often.")),
    "local": (N_("Moodtray's own player"), N_("For the music in your own folders.")),
    "spotify": (N_("Spotify"), N_("The login itself is on the page Spotify.")),
    "notifications": (N_("Messages"), N_("What Moodtray tells you, and when it is quiet.")),
    "session": (N_("When the camera rests"), N_("The camera is let go by itself then.")),
    "preview": (N_("Preview"), ""),
    "history": (N_("History"), N_("What is kept on this computer, and for how long.")),
    "web": (N_("This page"), ""),
}
"""Section -> its title and what it is about, in the order of the page."""

_SECONDS, _MINUTES = N_("seconds"), N_("minutes")

TOLD: dict[str, Told] = {
    "player": Told(
        N_("Player"),
        N_("Automatic: Spotify once you are logged in, Moodtray's own player until then."),
    ),
    "language": Told(N_("Language"), N_("Automatic: the language of this computer.")),
    "camera.source": Told(
        N_("Which camera"),
        N_("0 is the first camera, 1 the second; or a video file, or a stream's address."),
    ),
    "camera.interval": Told(
        N_("Look every"),
        N_("The interval between two looks. Rarer looks use less power."),
        _SECONDS,
    ),
    "camera.interval_on_battery": Told(
        N_("Look every, on battery"), N_("The interval while no mains is plugged in."), _SECONDS
    ),
    "camera.burst_frames": Told(
        N_("Pictures of one look"), N_("Their expressions are averaged."), N_("pictures")
    ),
    "camera.burst_duration": Told(N_("Length of one look"), "", _SECONDS),
    "camera.yield_to_others": Told(
        N_("Make way for other programs"),
        N_("Lets the camera go for a while when another program asks for it."),
    ),
    "camera.engine": Told(
        N_("Engine"),
        N_("What runs the expression model; int8 and torch need an extra. After a restart."),
    ),
    "mood.away_after": Told(
        N_("Away after"), N_("So long without a face in the picture."), _SECONDS
    ),
    "mood.own_face": Told(
        N_("Read my own face"), N_("As it was learned, and as your words have corrected it.")
    ),
    "mood.learn": Told(
        N_("Go on learning"), N_("From your words and from hours of looks, a little at a time.")
    ),
    "mood.certainty": Told(
        N_("Name a mood from"), N_("For experts: the probability it needs. Empty: by steadiness.")
    ),
    "mood.pace": Told(
        N_("Pace"), N_("For experts: all times of the model are multiplied by this.")
    ),
    "mood.steadiness": Told(
        N_("Steadiness"), N_("Calm: slow to change its mind. Quick: follows you closely.")
    ),
    "response.angry": Told(N_("When angry"), ""),
    "response.disgust": Told(N_("When disgusted"), ""),
    "response.fear": Told(N_("When afraid"), ""),
    "response.happy": Told(N_("When happy"), ""),
    "response.sad": Told(N_("When sad"), ""),
    "response.surprise": Told(N_("When surprised"), ""),
    "response.neutral": Told(N_("When neutral"), ""),
    "response.tracks": Told(N_("A step lasts"), "", N_("tracks")),
    "response.minutes": Told(N_("And no longer than"), N_("Whichever is over first."), _MINUTES),
    "policy.timing": Told(
        N_("Change"), N_("Let the song play to its end first, or change at once.")
    ),
    "policy.cooldown": Told(
        N_("Pause between changes"), N_("No second change within that time."), _SECONDS
    ),
    "policy.start_when_silent": Told(
        N_("Break a silence"), N_("Start music although nothing plays and nobody asked.")
    ),
    "policy.interrupt_speech": Told(
        N_("Interrupt speech"), N_("Else podcasts and audiobooks are left alone.")
    ),
    "camera.finder": Told(
        N_("Face finder"), N_("BlazeFace sees more; Haar is OpenCV's classic one. After a restart.")
    ),
    "session.idle_minutes_with_music": Told(
        N_("Nobody uses it after, with music"),
        N_("While music plays you may be listening."),
        _MINUTES,
    ),
    "session.pause_music_in_calls": Told(
        N_("Pause the music as well"), N_("In calls and while the screen is shared.")
    ),
    "policy.hands_off_minutes": Told(
        N_("Leave your choice alone for"),
        N_("Music that you chose yourself is not touched that long, or until it ends."),
        _MINUTES,
    ),
    "local.shuffle": Told(N_("Shuffle"), N_("Songs in any order.")),
    "local.volume": Told(N_("Volume"), N_("From 0 (silent) to 1 (full).")),
    "spotify.client_id": Told(
        N_("Client ID"), N_("Of your own app at Spotify; the page Spotify shows how to get it.")
    ),
    "spotify.port": Told(
        N_("Port of the login"),
        N_("Must be the one in your app's redirect address. 0: any, registered without a port."),
    ),
    "spotify.shuffle": Told(N_("Shuffle"), N_("Songs in any order.")),
    "spotify.use_keyring": Told(
        N_("Keep the login in the keyring"), N_("Instead of a file that only you can read.")
    ),
    "spotify.daily_requests": Told(
        N_("Requests a day"), N_("At most so many questions to Spotify."), N_("requests")
    ),
    "notifications.enabled": Told(N_("Show messages"), ""),
    "notifications.quiet_from": Told(N_("Quiet from"), N_("No messages from then on.")),
    "notifications.quiet_to": Told(N_("Quiet until"), N_("Both times or neither.")),
    "preview.when_paused": Told(
        N_("While the camera is paused"), N_("What 'Show preview' does then.")
    ),
    "session.release_when_locked": Told(N_("While the screen is locked"), ""),
    "session.release_when_idle": Told(N_("While nobody uses the computer"), ""),
    "session.idle_minutes": Told(
        N_("Nobody uses it after"), N_("So long without keyboard or mouse."), _MINUTES
    ),
    "session.release_when_sharing": Told(N_("While the screen is shared"), ""),
    "history.keep_days": Told(
        N_("Keep the history for"), N_("Older entries are deleted for good."), N_("days")
    ),
    "web.port": Told(
        N_("Port of this page"),
        N_("0: any free one. After a restart."),
    ),
}

CHOICES: dict[str, str] = {
    "auto": N_("automatic"),
    "spotify": "Spotify",
    "local": N_("Moodtray's own player"),
    "track_end": N_("at the end of the song"),
    "now": N_("at once"),
    "ask": N_("say that it is paused"),
    "resume": N_("resume the camera"),
    "blazeface": "BlazeFace",
    "haar": "Haar",
    "onnx": "ONNX",
    "int8": "int8",
    "torch": "PyTorch",
    "en": "English",
    "de": "Deutsch",
    "calm": N_("calm"),
    "steady": N_("steady"),
    "balanced": N_("balanced"),
    "quick": N_("quick"),
    "match": N_("play its music"),
    "lift": N_("lift me"),
    "energise": N_("wake me up"),
    "leave alone": N_("change nothing"),
}
"""Words for the values of a choice; others are shown as they are."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting as the page shows it. ``kind``: "check", "choice", "number", "time", "text"."""

    key: str
    kind: str
    label: str
    help: str
    unit: str
    value: str
    default: str
    limits: str
    choices: tuple[tuple[str, str], ...] = ()
    low: str = ""
    high: str = ""
    step: str = "any"

    @property
    def shown_default(self) -> str:
        """The default in words."""
        return self.shown(self.default)

    def shown(self, value: str) -> str:
        """Tell a value in words."""
        if self.kind == "check":
            return _("on") if value == "true" else _("off")
        named = dict(self.choices).get(value, value)
        return named or _("nothing")

    @property
    def changed(self) -> bool:
        """It differs from what Moodtray ships."""
        return self.value != self.default


def fields(settings: Settings) -> list[tuple[str, str, list[Field]]]:
    """List all settings by section: (title, about, fields), in the order of the page."""
    found: dict[str, list[Field]] = {}
    for name, info in Settings.model_fields.items():
        if name in HIDDEN:
            continue
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            shipped = info.get_default(call_default_factory=True)
            for key, inner in type(value).model_fields.items():
                made = _field(f"{name}.{key}", inner, getattr(value, key), getattr(shipped, key))
                found.setdefault(name, []).append(made)
        else:
            found.setdefault("", []).append(_field(name, info, value, info.default))
    order = [*SECTIONS, *(name for name in found if name not in SECTIONS)]
    return [
        (_(SECTIONS[name][0]), _(SECTIONS[name][1]), found[name])
        if name in SECTIONS
        else (name.replace("_", " ").capitalize(), "", found[name])
        for name in order
        if name in found
    ]


def field(settings: Settings, key: str) -> Field | None:
    """Find one setting; None for a key that the page does not show."""
    for _title, _about, members in fields(settings):
        for member in members:
            if member.key == key:
                return member
    return None


def parse(wanted: Field, text: str) -> object:
    """Bring what was typed into the form in which the settings file holds it.

    What makes no sense stays a text, which the file then refuses in its own words.
    """
    if wanted.kind == "check":
        return {"true": True, "false": False}.get(text, text)
    if wanted.kind in ("time", "text") and not text:
        return None
    if wanted.kind == "number" or (wanted.key == "camera.source" and text.isascii()):
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return text
        if wanted.key == "camera.source":
            return int(text) if text.isdecimal() else text
        return int(number) if wanted.step == "1" and number.is_integer() else number
    return text


def _field(key: str, info: FieldInfo, value: object, default: object) -> Field:
    told = TOLD.get(key) or Told(key.rpartition(".")[2].replace("_", " ").capitalize())
    kind, choices, bounds = _shape(info.annotation, list(info.metadata))
    low, high = _bound(bounds, "ge", "gt"), _bound(bounds, "le", "lt")
    whole = _whole(info.annotation)
    return Field(
        key=key,
        kind=kind,
        label=_(told.label),
        help=_(told.help),
        unit=_(told.unit),
        value=_text(value),
        default=_text(default),
        limits=_limits(kind, low, high, bool(_bound(bounds, "gt"))),
        choices=tuple((choice, _(CHOICES.get(choice, choice))) for choice in choices),
        low=low,
        high=high,
        step="1" if whole else "any",
    )


def _limits(kind: str, low: str, high: str, above: bool) -> str:
    if kind != "number" or not (low or high):
        return ""
    if above and low:
        return _("above {low}, up to {high}").format(low=low, high=high)
    return _("{low} to {high}").format(low=low, high=high)


def _shape(kind: Any, bounds: list[Any]) -> tuple[str, tuple[str, ...], list[Any]]:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *more = get_args(kind)
        return _shape(inner, [*more, *bounds])
    if origin is Literal:
        return "choice", tuple(str(choice) for choice in get_args(kind)), bounds
    if origin in (Union, types.UnionType):
        inner = [part for part in get_args(kind) if part is not type(None)]
        return _shape(inner[0], bounds) if len(inner) == 1 else ("text", (), bounds)
    if kind is bool:
        return "check", (), bounds
    if kind in (int, float):
        return "number", (), bounds
    return ("time" if kind is time else "text"), (), bounds


def _whole(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        return _whole(get_args(kind)[0])
    return kind is int


def _bound(bounds: list[Any], *names: str) -> str:
    flat: list[Any] = []
    for bound in bounds:
        flat.extend(bound.metadata if isinstance(bound, FieldInfo) else [bound])
    for bound in flat:
        for name in names:
            if isinstance(bound, annotated_types.BaseMetadata) and hasattr(bound, name):
                return f"{getattr(bound, name):.10g}"
    return ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)
