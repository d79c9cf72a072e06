"""The area *Moods and music*: what plays for each mood."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent import events
from agent.errors import AgentError, StoreError
from agent.printable import printable
from agent.settings import EmotionName, Settings
from agent.store.paths import expanded, short
from agent.translation import _, ngettext
from agent.types import MoodState
from agent.web.page import mapping_file, saving, terms
from agent.web.page.answers import A_NUMBER, REFUSALS, Answer, Refused, Typed, Undo, Words
from agent.web.page.context import PLAYER_NAMES, Card, PageContext, PlayerName
from agent.web.page.folders import Counter, FolderView, look_into
from agent.web.page.render import Pages
from agent.web.page.suggestions import suggest
from agent.wording import MOODS

if TYPE_CHECKING:
    from fastapi import APIRouter


class EntryWords(Words):
    """One playlist or folder of a player."""

    player: PlayerName
    entry: Typed


class BackWords(EntryWords):
    """Something that was taken out, and the place that it had."""

    place: Annotated[int, A_NUMBER, Field(ge=0)]


class OrderWords(Words):
    """A mood's playlists in their new order."""

    player: PlayerName
    entries: list[Typed]


class CopyWords(Words):
    """The mood to copy to."""

    player: PlayerName
    to: EmotionName


class FileWords(Words):
    """The text of a file."""

    text: str


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the pages of this area."""

    def moods(request: Request) -> Response:
        settings, problem = saving.current(context)
        player = viewed(context, request)
        spotify = _spotify_state(context)
        return pages.page(
            request,
            "moods.html",
            "moods",
            cards=[mood_card(context, settings, player, mood) for mood in MOODS],
            player=player,
            plays=context.music.in_use(),
            problem=problem,
            own=short(context.paths.music),
            kinds=context.music.kinds,
            beside=context.music.beside_moods(settings) if player == "local" else "",
            logged_in=spotify is not None and spotify.logged_in,
            places=_places(context) if player == "local" else (),
        )

    def export(_request: Request) -> Response:
        settings, _problem = saving.current(context)
        return PlainTextResponse(
            mapping_file.write(settings),
            media_type="application/toml",
            headers={"Content-Disposition": f'attachment; filename="{mapping_file.NAME}"'},
        )

    def add_page(request: Request) -> Response:
        mood = request.path_params["mood"]
        if mood not in get_args(EmotionName):
            raise HTTPException(404)
        state = MoodState(mood)
        settings, _problem = saving.current(context)
        player = viewed(context, request)
        return pages.page(
            request,
            "add.html",
            "start" if request.query_params.get("back") == "start" else "moods",
            back=request.query_params.get("back", ""),
            plays=context.music.in_use(),
            mood=state,
            example=str(context.music_folder() / "Party"),
            player=player,
            taken=set(_paths(playing(context, settings, player, state))),
            **(
                _own_playlists(context, state, fresh="fresh" in request.query_params)
                if player == "spotify"
                else _folders(context, request.query_params.get("folder", ""))
            ),
        )

    return [
        Route("/moods", moods),
        Route("/moods/export", export),
        Route("/moods/{mood}/add", add_page),
    ]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()
    counter = Counter(context.music.counted, context.clock.monotonic)

    @routes.post("/api/moods/{mood}/add", response_model=Answer, responses=REFUSALS)
    def add(mood: EmotionName, words: EntryWords) -> Answer:
        """Add a playlist to a mood: a link, an ID or a folder."""
        if not words.entry:
            raise Refused(_("Nothing was entered."), field="entry", status=422)
        try:
            card = context.music.look_up(words.player, words.entry)
        except AgentError as error:
            raise Refused(error.message, field="entry") from error
        entries = playing(context, context.settings_file.load(), words.player, MoodState(mood))
        if _is_among(card.entry, entries):
            raise Refused(
                _("“{name}” is in the list already.").format(name=card.name), field="entry"
            )
        if len(entries) >= mapping_file.PER_MOOD:
            raise Refused(_("A mood takes at most {n} playlists.").format(n=mapping_file.PER_MOOD))
        _save(context, words.player, mood, [*entries, card.entry])
        return Answer(
            text=_("“{name}” was added to the music for {mood}.").format(
                name=card.name, mood=terms.mood_word(MoodState(mood))
            )
        )

    @routes.post("/api/moods/{mood}/remove", response_model=Answer, responses=REFUSALS)
    def remove(mood: EmotionName, words: EntryWords) -> Answer:
        """Take a playlist out of a mood."""
        state = MoodState(mood)
        entries = list(playing(context, context.settings_file.load(), words.player, state))
        if words.entry not in entries:
            raise Refused(_("It was taken out already, in another tab or in the file."))
        name = context.music.card(words.player, words.entry).name
        back = {**words.model_dump(), "place": entries.index(words.entry)}
        entries.remove(words.entry)
        # Without an entry a folder of the user's own plays, which would be no end of itself.
        own = context.music.own_folders(words.player).get(state, ())
        ends = _is_among(words.entry, own)
        _save(context, words.player, mood, entries or ([] if ends else None))
        return Answer(
            text=_("“{name}” was taken out.").format(name=name),
            undo=Undo(api=f"/api/moods/{mood}/back", words=back),
        )

    @routes.post("/api/moods/{mood}/back", response_model=Answer, responses=REFUSALS)
    def put_back(mood: EmotionName, words: BackWords) -> Answer:
        """Put something back that was taken out of a mood."""
        entries = list(_named(context.settings_file.load(), words.player, mood) or ())
        name = context.music.card(words.player, words.entry).name
        if words.entry not in entries:
            entries.insert(min(words.place, len(entries)), words.entry)
            _save(context, words.player, mood, entries)
        return Answer(text=_("“{name}” is back.").format(name=name))

    @routes.post("/api/moods/{mood}/order", response_model=Answer, responses=REFUSALS)
    def order(mood: EmotionName, words: OrderWords) -> Answer:
        """Put a mood's playlists into another order."""
        entries = playing(context, context.settings_file.load(), words.player, MoodState(mood))
        if sorted(entries) != sorted(words.entries):
            raise Refused(_("The list was changed meanwhile, in another tab or in the file."))
        if list(entries) == list(words.entries):
            return Answer(text="")
        _save(context, words.player, mood, words.entries)
        return Answer(text=_("The order is kept."))

    @routes.post("/api/moods/{mood}/copy", response_model=Answer, responses=REFUSALS)
    def copy(mood: EmotionName, words: CopyWords) -> Answer:
        """Copy a mood's list to another mood, behind what it has."""
        settings = context.settings_file.load()
        entries = playing(context, settings, words.player, MoodState(mood))
        there = playing(context, settings, words.player, MoodState(words.to))
        new = [entry for entry in entries if entry not in there]
        if not new:
            raise Refused(_("There is nothing to copy that is not there already."))
        _save(context, words.player, words.to, [*there, *new][: mapping_file.PER_MOOD])
        return Answer(text=_("Copied to {mood}.").format(mood=terms.mood_word(MoodState(words.to))))

    @routes.post("/api/moods/folders", response_model=Answer, responses=REFUSALS)
    def folders(_words: Words) -> Answer:
        """Show the folders that are named after moods; those that are missing are made."""
        told = context.wish(events.ShowMusicFolders())
        return Answer(text=told or _("Your music folders are being opened."))

    @routes.post("/api/moods/import", response_model=Answer, responses=REFUSALS)
    def take_in(words: FileWords) -> Answer:
        """Load the music list of a file, in place of the present one."""
        saving.replace(context, mapping_file.read(words.text, context.settings_file.load()))
        return Answer(text=_("The music list was loaded."))

    @routes.post("/api/play", response_model=Answer, responses=REFUSALS)
    def play(words: EntryWords) -> Answer:
        """Play something now, to hear what it is."""
        playlist = context.music.playlist(words.player, words.entry)
        told = context.wish(events.PlayPlaylist(playlist))
        return Answer(text=told or _("Asked for “{name}”.").format(name=playlist.name))

    @routes.get("/api/folders/count", responses=REFUSALS)
    def count(path: str) -> dict[str, Any]:
        """Count the audio files below a folder; goes on in the background."""
        files, done = counter.count(path)
        return {"files": files, "done": done, "text": _count_text(files, done, context.music.kinds)}

    return routes


def viewed(context: PageContext, request: Request) -> PlayerName:
    """Tell whose music an address shows (``?of=``); that of the player in use where it says none.

    Showing it changes nothing: which player plays is the setting's to say.
    """
    asked = request.query_params.get("of", "")
    return next((name for name in PLAYER_NAMES if name == asked), context.music.in_use())


def playing(
    context: PageContext, settings: Settings, player: PlayerName, mood: MoodState
) -> tuple[str, ...]:
    """List what plays for a mood: what the settings name, else the user's folder of its name.

    Who adds to it, or takes out of it, has the settings name the rest.
    """
    named = _named(settings, player, mood)
    if named is not None:
        return named
    return context.music.own_folders(player).get(mood, ())


def _named(settings: Settings, player: PlayerName, mood: str) -> tuple[str, ...] | None:
    """Read what the settings name for a mood; None: nothing is said of it."""
    lists: dict[Any, tuple[str, ...]] = (
        settings.local_playlists if player == "local" else settings.spotify_playlists
    )
    return lists.get(mood)


def _paths(entries: Iterable[str]) -> list[str]:
    """Write entries as the page does, those that name a folder from ~ on in full."""
    return [str(expanded(entry)) if entry.startswith("~") else entry for entry in entries]


def _is_among(entry: str, entries: Iterable[str]) -> bool:
    return str(expanded(entry)) in {str(expanded(other)) for other in entries}


def _save(context: PageContext, player: PlayerName, mood: str, entries: list[str] | None) -> None:
    saving.change(context, f"{player}_playlists.{mood}", entries)


def mood_card(
    context: PageContext, settings: Settings, player: PlayerName, mood: MoodState
) -> dict[str, Any]:
    """Collect what is shown of a mood: what plays, and the user's own folder where it does not."""
    entries = playing(context, settings, player, mood)
    own = context.music.own_folders(player).get(mood, ())
    rests = next((folder for folder in own if not _is_among(folder, entries)), None)
    return {
        "mood": mood,
        "cards": [context.music.card(player, entry) for entry in entries],
        "without": context.music.without_entry(player, mood),
        "resting": None if rests is None else context.music.card(player, rests),
        "place": "" if rests is None else printable(short(Path(rests)), 200),
    }


def _spotify_state(context: PageContext) -> Any:
    try:
        return context.spotify.state()
    except AgentError:
        return None


def _own_playlists(context: PageContext, mood: MoodState, *, fresh: bool) -> dict[str, Any]:
    cards: list[Card] = []
    problem = ""
    try:
        cards = context.spotify.playlists(fresh=fresh)
    except AgentError as error:
        problem = error.message
    proposed = suggest(cards).get(mood, [])
    return {"cards": cards, "proposed": proposed, "problem": problem, "place": None}


def _places(context: PageContext) -> tuple[tuple[str, str], ...]:
    """Find the folders to propose, as (name, path): those of the user's music."""
    try:
        return look_into(str(context.music_folder())).folders
    except StoreError:
        return ()


def _folders(context: PageContext, folder: str) -> dict[str, Any]:
    problem = ""
    place: FolderView | None
    try:
        place = look_into(folder or str(context.music_folder()))
    except StoreError as error:
        problem = error.message
        place = None
    return {"cards": [], "proposed": [], "problem": problem, "place": place}


def _count_text(files: int, done: bool, kinds: str) -> str:
    text = ngettext("{n} song", "{n} songs", files).format(n=f"{files:,}".replace(",", " "))
    if done:
        none = _("no music that Moodtray can play ({kinds})").format(kinds=kinds)
        return text if files else none
    return _("{songs} so far…").format(songs=text) if files else _("counting…")
