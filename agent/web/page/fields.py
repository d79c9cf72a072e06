"""What the page says about each setting: label, unit and help.

What it may hold comes from the models themselves. A setting that stands here in no line is shown by
its plain name, last in its section.
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
    """The words about a setting, not yet translated. ``expert``: most people never need it."""

    label: str
    help: str = ""
    unit: str = ""
    expert: bool = False


SECTIONS: dict[str, tuple[str, str]] = {
    "": (N_("General"), ""),
    "policy": (N_("Changing the music"), N_("When Moodtray may change what plays.")),
    "response": (
        N_("What a mood should do"),
        N_("Play music that fits the mood, or lead you step by step to another one."),
    ),
    "mood": (N_("From face to mood"), N_("How quickly a look becomes a mood.")),
    "camera": (N_("Camera"), N_("Where Moodtray looks, and how often.")),
    "local": (N_("Music on this computer"), N_("For the music in your own folders.")),
    "spotify": (N_("Spotify"), ""),
    "notifications": (N_("Notifications"), N_("What Moodtray tells you, and when it is quiet.")),
    "session": (
        N_("When the camera rests"),
        N_("Then Moodtray switches the camera off by itself."),
    ),
    "preview": (N_("Preview"), N_("The window that shows what the camera sees.")),
    "history": (N_("History"), N_("What is kept on this computer, and for how long.")),
    "web": (N_("This page"), ""),
}
"""Section -> its title and what it is about, in the order of the page."""

LINKS: dict[str, tuple[str, str]] = {
    "mood": ("/face", N_("Learn my face…")),
    "spotify": ("/spotify", N_("Log in to Spotify, or out…")),
    "camera": ("/start?step=camera", N_("See what the camera sees…")),
    "history": ("/history#delete", N_("Delete some of it…")),
}
"""Section -> the page where more of its matter is, and the words that lead there."""

SOUGHT: dict[str, str] = {
    "player": N_("music source Spotify folder"),
    "language": N_("German English translation"),
    "camera.source": N_("webcam device"),
    "camera.interval": N_("how often frequency rate battery power"),
    "camera.interval_on_battery": N_("how often frequency rate laptop power"),
    "camera.yield_to_others": N_("video call meeting conference busy"),
    "mood.own_face": N_("calibrate learn me"),
    "mood.steadiness": N_("sensitive fast slow"),
    "policy.timing": N_("when switch abrupt"),
    "policy.cooldown": N_("how often switch frequency"),
    "policy.start_when_silent": N_("start by itself autoplay"),
    "policy.interrupt_speech": N_("podcast audiobook talk"),
    "policy.hands_off_minutes": N_("undo my own music manual"),
    "local.volume": N_("loud quiet louder softer sound"),
    "local.shuffle": N_("random order mix"),
    "spotify.shuffle": N_("random order mix"),
    "spotify.client_id": N_("login account app"),
    "spotify.use_keyring": N_("login password privacy security"),
    "notifications.enabled": N_("notifications pop-up bubble"),
    "notifications.quiet_from": N_("notifications do not disturb night"),
    "notifications.quiet_to": N_("notifications do not disturb morning"),
    "session.release_when_locked": N_("privacy lock away"),
    "session.release_when_idle": N_("privacy idle away"),
    "session.release_when_sharing": N_("privacy screen sharing meeting"),
    "session.pause_music_in_calls": N_("meeting call conference"),
    "history.keep_days": N_("privacy delete data storage"),
    "autostart": N_("start at login autostart boot"),
    "permission": N_("privacy consent permission allow camera withdraw data"),
    "face": N_("calibrate learn forget privacy data"),
    "login": N_("Spotify login log in log out account password"),
    "kept": N_("privacy data files where stored folder delete"),
}
"""Setting, or matter of another page -> everyday words by which it is looked for as well."""


def sought(key: str) -> str:
    """Give the everyday words for a setting."""
    return _(SOUGHT.get(key, ""))


_SECONDS, _MINUTES = N_("seconds"), N_("minutes")

TOLD: dict[str, Told] = {
    "player": Told(
        N_("Where the music comes from"),
        N_("Automatic: Spotify once you are logged in, music on this computer until then."),
    ),
    "language": Told(N_("Language"), N_("Automatic: the language of this computer.")),
    "policy.timing": Told(
        N_("Change"), N_("Let the song play to its end first, or change at once.")
    ),
    "policy.cooldown": Told(
        N_("Pause between changes"),
        N_("After a change Moodtray leaves the music alone for that long."),
        _SECONDS,
    ),
    "policy.hands_off_minutes": Told(
        N_("Leave your choice alone for"),
        N_("Music that you chose yourself is not touched that long, or until it ends."),
        _MINUTES,
    ),
    "policy.start_when_silent": Told(
        N_("Start music by itself"), N_("Also when nothing plays and you did not ask for music.")
    ),
    "policy.interrupt_speech": Told(
        N_("Interrupt podcasts"),
        N_("When this is off, podcasts and audiobooks play on, whatever your mood."),
    ),
    "response.happy": Told(N_("When happy")),
    "response.surprise": Told(N_("When surprised")),
    "response.neutral": Told(N_("When neutral")),
    "response.sad": Told(N_("When sad")),
    "response.fear": Told(N_("When afraid")),
    "response.angry": Told(N_("When angry")),
    "response.disgust": Told(N_("When disgusted")),
    "response.tracks": Told(
        N_("Songs for each step"), N_("On the way from one mood to another."), N_("songs")
    ),
    "response.minutes": Told(
        N_("Longest time for a step"), N_("The next step begins then at the latest."), _MINUTES
    ),
    "mood.steadiness": Told(
        N_("Steadiness"), N_("Calm: slow to change its mind. Quick: follows you closely.")
    ),
    "mood.own_face": Told(
        N_("Read my own face"),
        N_("Use what Moodtray has learned about your face and from your corrections."),
    ),
    "mood.learn": Told(
        N_("Go on learning"), N_("A little from each correction and from each hour of looks.")
    ),
    "mood.away_after": Told(
        N_("Away after"),
        N_("When no face was seen for that long, you count as away."),
        _SECONDS,
    ),
    "mood.certainty": Told(
        N_("How sure it must be"),
        N_(
            "A mood is named once its probability reaches this. "
            "Empty: as the steadiness above says."
        ),
        expert=True,
    ),
    "mood.pace": Told(
        N_("Pace"),
        N_("2 makes every change of mood take twice as long, 0.5 half as long."),
        expert=True,
    ),
    "camera.source": Told(
        N_("Which camera"),
        N_("0 is the first camera, 1 the second; or a video file, or a stream's address."),
    ),
    "camera.interval": Told(
        N_("Look every"),
        N_("The time between two looks. Rarer looks use less power."),
        _SECONDS,
    ),
    "camera.interval_on_battery": Told(
        N_("Look every, on battery"), N_("The same while the computer runs on battery."), _SECONDS
    ),
    "camera.yield_to_others": Told(
        N_("Make way for other programs"),
        N_("Switches the camera off as long as another program uses it."),
    ),
    "camera.burst_frames": Told(
        N_("Pictures of one look"),
        N_("More pictures give a steadier answer and take more power."),
        N_("pictures"),
        expert=True,
    ),
    "camera.burst_duration": Told(
        N_("Length of one look"), N_("These pictures are spread over it."), _SECONDS, expert=True
    ),
    "camera.finder": Told(
        N_("Face finder"),
        N_(
            "How a face is found in the picture: BlazeFace finds more, Haar is older and simpler. "
            "Takes effect at the next start."
        ),
        expert=True,
    ),
    "camera.engine": Told(
        N_("Engine"),
        N_(
            "Which software runs the network that reads faces. ONNX is always there, the other two "
            "must be installed first. Takes effect at the next start."
        ),
        expert=True,
    ),
    "local.shuffle": Told(N_("Shuffle"), N_("Songs in any order.")),
    "local.volume": Told(N_("Volume"), N_("From silent to full volume.")),
    "spotify.shuffle": Told(N_("Shuffle"), N_("Songs in any order.")),
    "spotify.use_keyring": Told(
        N_("Keep the login in the keyring"),
        N_("The computer's own safe for passwords; else a file that only you can read."),
    ),
    "spotify.client_id": Told(
        N_("Client ID"), N_("Your own key for Spotify; the page Spotify shows how to get it.")
    ),
    "spotify.port": Told(
        N_("Port for the login"),
        N_(
            "The number at the end of 127.0.0.1: in the redirect address that you entered at "
            "Spotify. 0: any, if you entered none."
        ),
        expert=True,
    ),
    "spotify.daily_requests": Told(
        N_("Requests a day"),
        N_("Moodtray asks Spotify no more often than that."),
        N_("requests"),
        expert=True,
    ),
    "notifications.enabled": Told(
        N_("Show notifications"),
        N_("When the music changes, and why; with a button to take it back."),
    ),
    "notifications.quiet_from": Told(
        N_("Quiet from"), N_("From then on only answers to what you do are shown.")
    ),
    "notifications.quiet_to": Told(N_("Quiet until"), N_("Set both times, or neither.")),
    "session.release_when_locked": Told(N_("While the screen is locked")),
    "session.release_when_sharing": Told(
        N_("While the screen is shared"),
        N_("Where the desktop tells of it: GNOME, sway and its kin do; Xfce and KDE do not."),
    ),
    "session.pause_music_in_calls": Told(
        N_("Pause the music as well"), N_("In calls and while the screen is shared.")
    ),
    "session.release_when_idle": Told(N_("While nobody uses the computer")),
    "session.idle_minutes": Told(
        N_("Unused after"),
        N_("After that long without keyboard or mouse."),
        _MINUTES,
    ),
    "session.idle_minutes_with_music": Told(
        N_("Unused after, while music plays"),
        N_("The same while music plays: you may be listening."),
        _MINUTES,
    ),
    "preview.when_paused": Told(
        N_("While the camera is paused"), N_("What the menu's “Show preview” does then.")
    ),
    "history.keep_days": Told(
        N_("Keep the history for"), N_("Older entries are deleted for good."), N_("days")
    ),
    "web.port": Told(
        N_("Port of this page"),
        N_("0: any free one. Takes effect at the next start."),
        expert=True,
    ),
}
"""In the order of the page."""

CHOICES: dict[str, str] = {
    "auto": N_("automatic"),
    "spotify": "Spotify",
    "local": N_("Music on this computer"),
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
    "response.calm": N_("calm me"),
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
    expert: bool = False

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
    places = {key: place for place, key in enumerate(TOLD)}
    for members in found.values():
        members.sort(key=lambda member: places.get(member.key, len(places)))
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
    if not text and (wanted.kind in ("time", "text") or not wanted.default):
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


def _choice(key: str, choice: str) -> str:
    """Return the word for a value; what one means may depend on the section of its setting."""
    return CHOICES.get(f"{key.partition('.')[0]}.{choice}", CHOICES.get(choice, choice))


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
        choices=tuple((choice, _(_choice(key, choice))) for choice in choices),
        low=low,
        high=high,
        step="1" if whole else "any",
        expert=told.expert,
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
