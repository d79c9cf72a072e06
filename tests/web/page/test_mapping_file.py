"""A music list that is loaded on the page: it may be from anybody."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.errors import SettingsError
from agent.settings import Settings
from agent.store.settings_file import default_text, parse
from agent.types import MoodState
from agent.web.page.mapping_file import read


@pytest.mark.parametrize("place", ["//evil/music", "/\\evil/music"])
def test_it_leads_to_no_other_computer(place: str) -> None:
    """Windows logs in wherever a path leads, and shows the user's password, as good as."""
    with pytest.raises(SettingsError, match="another computer") as caught:
        read(f"[local_playlists]\nhappy = ['/music', '{place}']\n", Settings())
    assert "evil" in caught.value.message


def test_it_may_lead_where_the_settings_lead() -> None:
    settings = Settings.model_validate({"local_playlists": {"happy": ("//nas/music",)}})
    found = read("[local_playlists]\nsad = ['/music', '//nas/music']\n", settings)
    assert dict(found.local_playlists) == {MoodState.SAD: ("/music", "//nas/music")}


BEGIN, LONG = "[local_playlists]\n", 50_000
MANY = range(LONG // 5)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        f"{BEGIN}happy = ['{' ' * LONG}x']\n",
        f"{BEGIN}happy = ['''\n[{' ' * LONG}\n''']\nsad = 5\n",
        f"{BEGIN}happy = {'=a' * LONG}\n",
        BEGIN + "".join(f"x{number} = 1\n" for number in MANY),
        BEGIN + "happy = [" + "".join(f"'x{number}',\n" for number in MANY) + "]\n",
    ],
    ids=["blanks", "section", "signs", "keys", "entries"],
)
def test_what_is_wrong_with_it_is_told_at_once(text: str) -> None:
    """The page waits for it, and the whole agent with a regular expression."""
    began = time.thread_time()
    with pytest.raises(SettingsError) as caught:
        read(text, Settings())
    assert time.thread_time() - began < 5.0
    assert len(caught.value.message) < 10_000


@pytest.mark.parametrize("section", ["local_playlists", "spotify_playlists"])
def test_it_names_no_more_than_a_mood_takes(section: str) -> None:
    """Settings of 20,000 playlists take minutes to write, and no menu shows them."""
    entry = {"local_playlists": "/{}", "spotify_playlists": "spotify:playlist:{:022}"}[section]

    def listed(count: int) -> str:
        return f"[{section}]\nhappy = {[entry.format(number) for number in range(count)]}\n"

    assert len(getattr(read(listed(100), Settings()), section)[MoodState.HAPPY]) == 100
    with pytest.raises(SettingsError, match="at most 100 playlists"):
        read(listed(101), Settings())


def test_many_mistakes_are_counted_no_further() -> None:
    with pytest.raises(SettingsError) as caught:
        read(BEGIN + "".join(f"x{number} = 1\n" for number in range(31)), Settings())
    *told, last = caught.value.message.splitlines()
    assert len(told) == 30
    assert last == "More is wrong further down."


@pytest.mark.parametrize("header", ["[camera]", "  [ camera ]  # mine", "[camera]#x"])
def test_a_section_is_found_however_it_is_written(header: str) -> None:
    with pytest.raises(SettingsError, match=r"line 3: camera\.interval"):
        parse(f"[mood]\n{header}\ninterval = 'x'\n", Path("settings.toml"))
    parse(default_text(), None)


@pytest.mark.parametrize("deep", [30, 150, 230, 300, 500])
def test_lists_within_lists_are_told_and_break_nothing(deep: int) -> None:
    """Each of the readers on the way bears another depth."""
    for opening, closing in (("[", "]"), ("{a=", "}")):
        inner = opening * deep + ("1" if closing == "}" else "") + closing * deep
        text = f"[local_playlists]\nhappy = {inner}\n"
        with pytest.raises(SettingsError):
            read(text, Settings())
        with pytest.raises(SettingsError, match="hundreds deep"):
            parse(text, Path("settings.toml"))
