"""The settings file: the user's words stay, mistakes are told, nothing is lost."""

from __future__ import annotations

import os
import stat
import tomllib
from datetime import time
from pathlib import Path

import pytest
import tomlkit
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agent.errors import SettingsError, StoreError
from agent.settings import (
    SETTINGS_VERSION,
    MoodSettings,
    NotificationSettings,
    PolicySettings,
    Settings,
)
from agent.store import settings_errors
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile, default_text


@pytest.fixture
def paths(moodtray_home: Path) -> Paths:
    return Paths.default()


@pytest.fixture
def file(paths: Paths) -> SettingsFile:
    return SettingsFile(paths)


def write(file: SettingsFile, text: str) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(text, encoding="utf-8")
    # Two writes within one tick of the file system's clock must still look different.
    stamp = file.path.stat().st_mtime_ns + 10_000_000 * len(text)
    os.utime(file.path, ns=(stamp, stamp))


def mistake(file: SettingsFile, text: str) -> str:
    write(file, text)
    with pytest.raises(SettingsError) as caught:
        file.load()
    return str(caught.value)


# --- the default file


def test_first_start_writes_a_commented_file_that_says_the_defaults(file: SettingsFile) -> None:
    assert not file.path.exists()
    assert file.load() == Settings()
    text = file.path.read_text(encoding="utf-8")
    assert text == default_text()
    assert text.count("#") > 50
    if os.name != "nt":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def commented_values() -> dict[str, object]:
    """Every '# name = value' line of the default file, brought to life."""
    lines = default_text().splitlines()
    lively = []
    for line in lines:
        try:
            tomllib.loads(line.removeprefix("# "))
        except tomllib.TOMLDecodeError:
            lively.append(line)
        else:
            lively.append(line.removeprefix("# "))
    return tomllib.loads("\n".join(lively))


def test_every_setting_is_shown_in_the_default_file_with_its_default() -> None:
    shown = commented_values()
    for name, field in Settings.model_fields.items():
        default = getattr(Settings(), name)
        assert name in shown, f"{name} is missing from resources/settings.toml"
        if isinstance(default, BaseModel):
            section = shown[name]
            assert isinstance(section, dict)
            assert set(section) == set(type(default).model_fields), name
            for key, value in section.items():
                expected = getattr(default, key)
                if expected is not None:  # those without a default show an example
                    assert value == expected, f"{name}.{key}"
        elif isinstance(default, dict):
            assert "happy" in shown[name], name  # type: ignore[operator]
        else:
            assert shown[name] == default, field


# --- mistakes


def test_a_typo_names_file_line_and_column(file: SettingsFile) -> None:
    message = mistake(file, 'version = 1\n[camera]\nsource = "abc\ninterval = 5\n')
    assert str(file.path) in message
    assert "line 3" in message
    assert "column" in message
    assert 'source = "abc' in message


def test_a_file_that_breaks_off_is_told(file: SettingsFile) -> None:
    message = mistake(file, "[camera]\nsource = [1,\n")
    assert str(file.path) in message
    assert "line 2" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[camera]\nintervall = 3",
            ["line 2", '"camera.intervall"', 'Did you mean "camera.interval"?'],
        ),
        ("[camra]\n", ["line 1", '"camra"', '"camera"']),
        ("[mood]\ncooldown = 3", ["mood.cooldown", "[policy]"]),
        ("zzz = 3", ['"zzz"', "version, player, language, camera"]),
        ("[local_playlists]\nhapy = []", ['"local_playlists.hapy"', '"local_playlists.happy"']),
        ("[camera]\ninterval = 0.1", ["camera.interval", "a number from 0.2 to 600", "not 0.1"]),
        ('[camera]\ninterval = "5"', ["camera.interval", "a number from 0.2 to 600", 'not "5"']),
        ("[camera]\nburst_frames = 2.5", ["camera.burst_frames", "a whole number from 1 to 30"]),
        (
            "[camera]\nsource = 1.5",
            ["camera.source", "a whole number from 0 to 9999 or a text", "not 1.5"],
        ),
        ("[local]\nvolume = nan", ["local.volume", "from 0 to 1"]),
        ("[mood]\npace = 0", ["mood.pace", "a number above 0 up to 10", "not 0"]),
        ("[policy]\nstart_when_silent = 1", ["policy.start_when_silent", "true or false", "not 1"]),
        ('[policy]\ntiming = "later"', ["policy.timing", '"track_end" or "now"', 'not "later"']),
        ("[mood]\ncertainty = 1.0", ["mood.certainty", "a number from 0.3 to 0.999", "not 1"]),
        ("[policy]\ncooldown = true", ["policy.cooldown", "a number from 0", "not true"]),
        ('[notifications]\nquiet_from = "25:00"', ["notifications.quiet_from", "22:00"]),
        ('[local_playlists]\nhappy = "x"', ["local_playlists.happy", "a list of texts"]),
        ("[local_playlists]\nhappy = [1]", ["local_playlists.happy", "a list of texts"]),
        ("camera = 3", ["[camera]", "section"]),
        ('player = "vlc"', ["player", '"auto", "spotify" or "local"', 'not "vlc"']),
    ],
)
def test_a_mistake_names_file_key_what_is_allowed_and_what_was_found(
    file: SettingsFile, text: str, words: list[str]
) -> None:
    message = mistake(file, text)
    assert message.startswith(str(file.path))
    for word in words:
        assert word in message
    assert "\n" not in message, "one mistake, one line"


def test_all_mistakes_are_told_at_once(file: SettingsFile) -> None:
    message = mistake(file, '[local]\nvolume = 2\nshuffle = "x"\n[web]\nprt = 1\n')
    assert [line for line in message.splitlines() if "local.volume" in line and "line 2" in line]
    assert [line for line in message.splitlines() if "local.shuffle" in line and "line 3" in line]
    assert [line for line in message.splitlines() if "web.port" in line and "line 5" in line]


def test_no_utf8_is_told_with_its_line(file: SettingsFile) -> None:
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes("version = 1\n# schön\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"line 2.*UTF-8"):
        file.load()


def test_every_setting_has_its_rule_in_words() -> None:
    for name, field in Settings.model_fields.items():
        keys = [name]
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for key in field.annotation.model_fields:
                assert len(settings_errors.allowed([name, key])) > 3
        else:
            assert settings_errors.allowed(keys)
    with pytest.raises(KeyError):
        settings_errors.allowed(["camera", "no such"])


def test_a_windows_editors_file_is_read(file: SettingsFile) -> None:
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(b"\xef\xbb\xbf# mine\r\n[policy]\r\ncooldown = 60\r\n")
    assert file.load().policy.cooldown == 60
    file.change("policy.cooldown", 90)
    assert b"# mine\r\n[policy]\r\ncooldown = 90\r\n" in file.path.read_bytes()


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (r'happy = ["C:\Users\me\Music"]', "single quotes"),
        ("start_when_silent = yes", "Write true, in small letters"),
        ("start_when_silent = True", "Write true, in small letters"),
        ("start_when_silent = off # never", "Write false"),
        ("enter = 0,45", "a point"),
        ("enter = .45", "a digit before and after"),
        ("cooldown = 60s", "without its unit"),
        ("quiet_from = 22:00", '"22:00"'),
        ("player =", "take the line out"),
        ("player = None", "take the line out"),
        ("player = “local”", "plain quotes"),
        ("player = local", "into quotes"),
        ("happy = [~/Music]", "each text into quotes"),
        ("cooldown: 60", "Write = between"),
        ('start_when_silent = "yes"', "Write true, without quotes"),
        ('cooldown = "0,45"', "Write 0.45, without quotes"),
        ('happy = "~/Music"', 'Put it into brackets: ["~/Music"]'),
    ],
)
def test_what_people_write_is_told_with_its_remedy(
    file: SettingsFile, line: str, remedy: str
) -> None:
    name = line.split(" ")[0].rstrip(":")
    section = {
        "happy": "[local_playlists]\n",
        "start_when_silent": "[policy]\n",
        "cooldown": "[policy]\n",
        "enter": "[mood]\n",
        "quiet_from": "[notifications]\n",
    }.get(name, "")
    message = mistake(file, f"{section}{line}\n")
    assert remedy in message
    assert "line 2" in message if section else "line 1" in message


@pytest.mark.parametrize(
    "text",
    [
        '[camera]\nsource = "~{odd}"',
        '[local_playlists]\nhappy = ["~{odd}/x"]',
        '[camera]\nsource = "{odd}"',
        '[camera]\ninterval = "{digits}"',
        '[web]\nport = "{odd}"',
        '[response]\nsad = "{odd}"',
        '"{odd}" = 1',
        '[camera]\n"{odd}" = 1',
    ],
)
def test_what_stands_in_the_file_is_told_as_text_and_cut(file: SettingsFile, text: str) -> None:
    odd = "\\u202e\\u2028" + "x" * 100_000
    message = mistake(file, text.format(odd=odd, digits="9" * 100_000))
    assert len(message) < 1_000
    assert message.isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[local_playlists]\nhappy = [\n  "~/Good",\n  "~no-such-user/Happy",\n]',
            ["line 4", 'no user "no-such-user"', '"~/no-such-user/Happy"'],
        ),
        (
            '[camera]\nsource = "~no-such-clip.mp4"',
            ["line 2", "camera.source", '"~/no-such-clip.mp4"'],
        ),
        ('[local_playlists]\nhappy = [""]', ["line 2", '"" names nothing', "take it out"]),
        ('[camera]\nsource = " "', ["line 2", "take the line out"]),
        ('[local_playlists]\nsad = ["Music/Sad"]', ["line 2", "whole path", "~/"]),
        ('[local_playlists]\nsad = ["local:joy"]', ["line 2", '"local:joy"', "local:happy"]),
        ('[local_playlists]\nsad = ["local:a\\nCamera: off"]', ["line 2", "Moodtray loops"]),
        ('[camera]\nsource = "clip.mp4"', ["line 2", "whole path", "~/Videos/clip.mp4"]),
        (
            '[local_playlists]\nsad = ["C:\\temp\\blues"]',
            ["line 2", "single quotes", "backslash"],
        ),
        ('[camera]\nsource = "rtsp:/anna:geheim@cam/1"', ["line 2", "lacks its beginning"]),
        ('[notifications]\nquiet_from = "22:00Z"\nquiet_to = "07:00"', ["line 2", "time zone"]),
        ("[local_playlists]\nhappy = [" + 201 * '"~",' + "]", ["line 2", "200 playlists"]),
        ('[notifications]\nquiet_from = "22:00"', ["line 1", "quiet_to is missing"]),
        ('[notifications]\nquiet_to = "22:00"', ["line 1", "quiet_from is missing"]),
        (f"a = {'[' * 5000}{']' * 5000}", ["deep"]),
        ("a = 2026-02-31", ["line 1"]),
        (f"a = {'9' * 5000}", ["settings.toml", "number in it is too large"]),
        (f"a = 0x{'f' * 50_000}", ["settings.toml", "number in it is too large"]),
        (f"[mood]\nx = [{{y = 0o{'7' * 50_000}}}]", ["number in it is too large"]),
        (f"[camera]\nsource = {'9' * 18}", ["line 2", "a whole number from 0 to 9999"]),
        ("[camera]\nsource = -1", ["line 2", "a whole number from 0 to 9999"]),
        (f"# {'x' * 200_001}", ["0.2 MB"]),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    file: SettingsFile, text: str, words: list[str]
) -> None:
    file.load()
    before = file.load_or_last_good()[0]
    message = mistake(file, text)
    for word in words:
        assert word in message
    assert "geheim" not in message
    assert file.load_or_last_good()[0] == before, "the last good ones stay in force"


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(file: SettingsFile) -> None:
    file.path.parent.mkdir(parents=True)
    os.mkfifo(file.path)
    with pytest.raises(SettingsError, match="no file"):
        file.load()


# --- the last good settings stay in force


def test_a_mistake_leaves_the_settings_of_this_run_in_force(file: SettingsFile) -> None:
    write(file, "[policy]\ncooldown = 60\n")
    assert file.load_or_last_good() == (file.load(), None)
    write(file, "[policy]\ncooldown = sixty\n")
    settings, error = file.load_or_last_good()
    assert settings.policy.cooldown == 60
    assert isinstance(error, SettingsError)
    assert file.path.read_text() == "[policy]\ncooldown = sixty\n", "the user's text is theirs"


def test_a_mistake_leaves_the_settings_of_the_last_run_in_force(
    paths: Paths, file: SettingsFile
) -> None:
    write(file, "[policy]\ncooldown = 60\n")
    file.load()
    write(file, "[policy]\ncooldown = -1\n")
    settings, error = SettingsFile(paths).load_or_last_good()
    assert settings.policy.cooldown == 60
    assert "policy.cooldown" in str(error)


def test_without_any_good_ones_the_defaults_hold(file: SettingsFile) -> None:
    write(file, "nonsense")
    settings, error = file.load_or_last_good()
    assert settings == Settings()
    assert isinstance(error, SettingsError)


def test_an_unwritable_place_is_told_and_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / "file"))
    settings, error = SettingsFile(Paths.default()).load_or_last_good()
    assert settings == Settings()
    assert isinstance(error, StoreError)
    assert str(tmp_path / "file") in str(error)


# --- versions


def test_a_newer_file_is_refused_and_left_alone(file: SettingsFile) -> None:
    text = f"version = {SETTINGS_VERSION + 1}\nfuture = true\n"
    message = mistake(file, text)
    assert "newer Moodtray" in message
    assert str(file.path) in message
    assert file.path.read_text() == text


def test_an_older_file_is_brought_up_and_kept(paths: Paths) -> None:
    def rename_pause(document: tomlkit.TOMLDocument) -> None:
        document["policy"]["cooldown"] = document["policy"].pop("pause")

    file = SettingsFile(paths, migrations={0: rename_pause})
    write(file, "version = 0 # old\n[policy]\n# mine\npause = 60\n")
    assert file.load().policy.cooldown == 60
    text = file.path.read_text()
    assert "# mine" in text
    assert tomllib.loads(text) == {"version": 1, "policy": {"cooldown": 60}}
    assert "pause = 60" in file.path.with_name("settings.toml.version-0").read_text()
    assert file.poll() is None


def test_a_version_that_never_was(file: SettingsFile) -> None:
    assert "version = 1" in mistake(file, "version = -3\n")
    assert "version must be 1" in mistake(file, 'version = "one"\n')


@pytest.mark.parametrize(
    ("dwell", "expected"),
    [
        (1.0, {"certainty": 0.75, "pace": 0.05}),
        (4.0, {"steadiness": "quick"}),
        (10.0, {}),
        (30.0, {"steadiness": "calm"}),
    ],
)
def test_retired_settings_of_the_mood_make_place(
    file: SettingsFile, dwell: float, expected: dict[str, object]
) -> None:
    """They are taken out and told; comments and the rest stay, the old file is kept."""
    write(file, f"[mood]\n# mine\ndwell = {dwell}\nenter = 0.5\naway_after = 9.0\n")
    settings = file.load()
    assert settings.mood == MoodSettings.model_validate({"away_after": 9.0, **expected})
    assert file.news is not None
    assert "mood.enter, mood.dwell" in file.news
    text = file.path.read_text()
    assert "# mine" in text
    assert tomllib.loads(text)["mood"] == {"away_after": 9.0, **expected}
    assert "dwell" in file.path.with_name("settings.toml.before-steadiness").read_text()
    assert file.poll() is None


@pytest.mark.parametrize("kind", ["retired", "older", "of before"])
def test_no_copy_of_before_keeps_the_login_of_a_camera(paths: Paths, kind: str) -> None:
    """Who takes a camera out of the settings takes its password out."""
    text = "[camera] # mine\nsource = 'rtsp://anna:hunter22hunter@cam.example/1'\ninterval = 4.0\n"
    file = SettingsFile(paths, migrations={0: lambda document: None})
    kept = {"retired": "before-steadiness", "older": "version-0", "of before": "version-0"}[kind]
    copy = file.path.with_name(f"settings.toml.{kept}")
    if kind == "retired":
        write(file, f"{text}[mood]\ndwell = 4.0\n")
    elif kind == "older":
        write(file, f"version = 0\n{text}")
    else:
        write(file, text)
        copy.write_text(text)
    assert str(file.load().camera.source).startswith("rtsp://anna")
    file.change("camera.source", "0")
    SettingsFile(paths).load()
    for one in paths.config.iterdir():
        assert b"hunter22hunter" not in one.read_bytes(), one
    told = copy.read_text()
    assert "# mine" in told
    assert tomllib.loads(told)["camera"] == {"source": "rtsp://cam.example", "interval": 4.0}


# Pieces of settings files, right and wrong: put together at random they come far into the reading.
PIECES = st.one_of(
    st.sampled_from(
        ["[camera]\n", "[mood]\n", "[local_playlists]\n", "[[web]]\n", "source = ", "happy = ",
         "interval = ", "version = ", "camera.source = ", "player = ", "quiet_from = ", "0", "-1",
         "nan", "1e999", "true", '"~x/y"', '"\\u0000"', '"""', "'", "[", "]", "{", "}", "=", ",",
         "#", "22:00:00", "2026-02-30", "07:00:00Z", "\ufeff", "\x00", "é", "\r", "~", "\n"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=5),
)  # fmt: skip


@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.one_of(
        st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode()),
        st.binary(max_size=40),
    )
)
def test_whatever_stands_in_the_file_it_is_told_and_kept(file: SettingsFile, data: bytes) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(data)
    settings, error = file.load_or_last_good()
    assert isinstance(settings, Settings)
    if error is not None:
        assert file.path.read_bytes() == data, "the user's text is theirs"
        with pytest.raises(SettingsError):
            file.change("policy.cooldown", 60)
        assert file.path.read_bytes() == data
        assert len(error.message) < 3_000


# --- changes


def test_a_change_keeps_words_and_order_and_stands_under_its_explanation(
    file: SettingsFile,
) -> None:
    file.load()
    assert file.change("policy.cooldown", 60).policy.cooldown == 60
    assert file.change("player", "local").player == "local"
    assert file.change("local_playlists.happy", ["~/Music/A", "~/B"]).local_playlists == {
        "happy": ("~/Music/A", "~/B")
    }
    night = NotificationSettings(quiet_from=time(22, 30), quiet_to=time(7))
    assert file.save(file.load().model_copy(update={"notifications": night})).notifications == night
    before = default_text().splitlines()
    after = file.path.read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    assert [a for b, a in zip(before, after, strict=True) if a != b] == [
        'player = "local"',
        'happy = ["~/Music/A", "~/B"]',
        "cooldown = 60",
        'quiet_from = "22:30"',
        'quiet_to = "07:00"',
    ]


@pytest.mark.parametrize("key", ["happy", "disgust"])
def test_a_new_key_stands_with_its_table_and_not_below_the_words_on_the_next(
    file: SettingsFile, key: str
) -> None:
    """It stood below the words on Spotify, which were thereby about it."""
    file.load()
    file.change("local_playlists.happy", ["~/A"])
    file.change("local_playlists.happy", None)  # its line that only showed the default is gone
    file.change(f"local_playlists.{key}", ["~/B"])
    lines = file.path.read_text(encoding="utf-8").splitlines()
    place = lines.index(f'{key} = ["~/B"]')
    assert lines[place - 1] == '# sad = ["~/Music/Comfort", "~/Music/Rain"]'
    assert lines[place + 1] == ""
    assert lines[place + 2].startswith("# Spotify: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[policy]\n# x = 1\ntiming = 'now' # b\n\n# c\n[web]\n", "timing = 'now' # b\n"),
        ("[policy]\n\n# about the web\n[web]\n", "[policy]\n"),
        ("[policy]\n# words on it\n\n# about the web\n[web]\n", "[policy]\n"),
        ("[policy] # a\r\ntiming = 'now'\r\n\r\n# c\r\n[web]\r\n", "timing = 'now'\r\n"),
        ("[policy]\ntiming = 'now'", "timing = 'now'\n"),
        ('[policy]\ntiming = """\nnow"""\n# c\n[web]\n', 'now"""\n'),
    ],
)
def test_a_new_key_stands_behind_the_last_one_of_its_table(
    file: SettingsFile, before: str, after: str
) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(before.replace('"""\nnow"""', '"""\\\nnow"""').encode())
    assert file.change("policy.cooldown", 60).policy.cooldown == 60
    text = file.path.read_bytes().decode()
    place = text.index("cooldown = 60")
    assert text[:place].endswith(after)
    assert text[place + len("cooldown = 60") :].startswith("\r\n" if "\r" in before else "\n")


def test_a_new_key_stands_behind_a_list_of_several_lines(file: SettingsFile) -> None:
    text = (
        '[local_playlists]\nsad = [\n  "~/A", # one\n  # two\n]\n\n# Spotify\n[spotify_playlists]\n'
    )
    write(file, text)
    file.change("local_playlists.happy", ["~/B"])
    assert file.path.read_text() == text.replace("]\n\n# Sp", ']\nhappy = ["~/B"]\n\n# Sp')


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("mood.learn", False, "learn = false"),
        ("local.volume", 0.5, "volume = 0.5"),
        ("language", "de", 'language = "de"'),
        ("local_playlists.sad", ["~/A"], 'sad = ["~/A"]'),
    ],
)
def test_a_new_key_of_any_kind_is_written(
    file: SettingsFile, key: str, value: object, written: str
) -> None:
    """As in a file that somebody wrote by hand, or a Moodtray of before, without its line."""
    section = key.rpartition(".")[0]
    write(file, f"[{section}]\n" if section else "# mine\n")
    file.change(key, value)
    assert written in file.path.read_text().splitlines()


def test_a_head_within_a_text_is_none(file: SettingsFile) -> None:
    text = '[spotify_playlists]\nsad = ["""\n[mood]\n"""]\n'
    write(file, text)
    assert file.change("mood.learn", False).mood.learn is False
    assert file.path.read_text() == f"{text}\n[mood]\nlearn = false\n"


def test_a_users_own_comment_behind_a_value_stays(file: SettingsFile) -> None:
    write(file, "# top\n[policy] # rules\ncooldown = 60 # a minute\n\n# end\n")
    file.change("policy.cooldown", 90)
    assert file.path.read_text() == "# top\n[policy] # rules\ncooldown = 90 # a minute\n\n# end\n"


@pytest.mark.parametrize(
    "text", ["", "# only words", "[camera]\ninterval = 3", "policy.timing = 'now'\n"]
)
def test_a_change_finds_its_place_in_any_file(file: SettingsFile, text: str) -> None:
    write(file, text)
    before = file.load()
    settings = file.change("policy.cooldown", 77)
    assert settings.policy.cooldown == 77
    assert settings.camera == before.camera
    assert settings.policy.timing == before.policy.timing
    assert file.path.read_text().startswith(text)
    assert file.load() == settings


def test_none_takes_a_value_out(file: SettingsFile) -> None:
    write(file, '[spotify]\nclient_id = "abc"\nport = 9000\n')
    assert file.change("spotify.client_id", None).spotify.client_id is None
    assert file.path.read_text() == "[spotify]\nport = 9000\n"
    assert file.change("web.port", None) == file.load()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("policy.cooldwn", 3, 'Did you mean "policy.cooldown"?'),
        ("policy.cooldown", -3, "from 0 to 86400, not -3"),
        ("policy.cooldown", object(), "policy.cooldown cannot hold"),
        ("camera", 3, "section"),
    ],
)
def test_a_wrong_change_is_refused_and_writes_nothing(
    file: SettingsFile, key: str, value: object, words: str
) -> None:
    file.load()
    before = file.path.read_bytes()
    with pytest.raises(SettingsError, match=None) as caught:
        file.change(key, value)
    assert words in str(caught.value)
    assert file.path.read_bytes() == before
    assert file.poll() is None


def test_no_change_makes_a_file_that_is_too_large_to_be_read(file: SettingsFile) -> None:
    before = file.load()
    with pytest.raises(SettingsError, match="more than"):
        file.change("local_playlists.happy", ["/" + "x" * 250_000])
    assert file.load() == before


def test_a_file_with_a_mistake_is_not_overwritten(file: SettingsFile) -> None:
    file.load()
    write(file, "[policy]\ncooldown = sixty\n")
    with pytest.raises(SettingsError):
        file.change("policy.cooldown", 60)
    with pytest.raises(SettingsError):
        file.save(Settings(player="local"))
    assert file.path.read_text() == "[policy]\ncooldown = sixty\n"


def test_save_writes_what_differs(file: SettingsFile) -> None:
    write(file, '# mine\n[policy]\ncooldown = 60 # a minute\n[local_playlists]\nsad = ["/a"]\n')
    wanted = Settings(
        policy=PolicySettings(cooldown=90, timing="now"), local_playlists={"happy": ("/b",)}
    )
    assert file.save(wanted) == wanted
    assert file.load() == wanted
    text = file.path.read_text()
    assert "# mine" in text
    assert "cooldown = 90.0 # a minute" in text
    assert "interval" not in text, "what is at its default need not be written"
    assert file.save(wanted) == wanted
    assert file.path.read_text() == text


numbers = st.floats(0, 86_400, allow_nan=False)
whole_paths = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12).map(
    lambda text: f"/{text}"
)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    cooldown=numbers,
    share=st.floats(0, 1),
    timing=st.sampled_from(["now", "track_end"]),
    source=st.one_of(st.integers(0, 9), whole_paths),
    lists=st.dictionaries(
        st.sampled_from(["happy", "sad"]),
        st.lists(whole_paths, max_size=3),
    ),
    quiet=st.one_of(st.none(), st.times(timezones=st.none())),
)
def test_whatever_is_saved_is_loaded(
    file: SettingsFile,
    cooldown: float,
    share: float,
    timing: str,
    source: int | str,
    lists: dict[str, list[str]],
    quiet: time | None,
) -> None:
    wanted = Settings.model_validate(
        {
            "policy": {"cooldown": cooldown, "timing": timing},
            "local": {"volume": share},
            "camera": {"source": source},
            "local_playlists": lists,
            "notifications": {"quiet_from": quiet, "quiet_to": quiet},
        }
    )
    file.save(wanted)
    assert file.load() == wanted


# --- live


def test_poll_tells_each_change_once(file: SettingsFile) -> None:
    file.load()
    assert file.poll() is None
    write(file, "[policy]\ncooldown = 60\n")
    changed = file.poll()
    assert isinstance(changed, Settings)
    assert changed.policy.cooldown == 60
    assert file.poll() is None

    write(file, "[policy]\ncooldown = 60\n# only a comment more\n")
    assert file.poll() is None

    write(file, "[policy]\ncooldown = -60\n")
    error = file.poll()
    assert isinstance(error, SettingsError)
    assert "policy.cooldown" in str(error)
    assert file.poll() is None, "a mistake is told once"
    assert file.load_or_last_good()[0].policy.cooldown == 60

    write(file, "[policy]\n  cooldown = 60\n")
    assert file.poll() == changed, "set right again: said, so that the error can go"


def test_poll_is_silent_about_our_own_changes_and_a_missing_file(file: SettingsFile) -> None:
    file.load()
    changed = file.change("policy.cooldown", 60)
    assert file.poll() is None
    file.save(changed.model_copy(update={"player": "local"}))
    assert file.poll() is None
    file.path.unlink()
    assert file.poll() is None
    assert not file.path.exists()


def test_who_reads_in_between_hides_no_change_from_poll(file: SettingsFile) -> None:
    file.load()
    write(file, "[policy]\ncooldown = 60\n")
    file.load()  # the page shows it
    changed = file.poll()
    assert isinstance(changed, Settings)
    assert changed.policy.cooldown == 60
    assert file.poll() is None

    write(file, "[policy]\ncooldown = -60\n")
    file.load_or_last_good()
    assert isinstance(file.poll(), SettingsError)
    write(file, "[policy]\ncooldown = 60\n")
    file.load()
    assert file.poll() == changed, "set right again"


def test_our_own_change_hides_no_change_of_the_users_from_poll(file: SettingsFile) -> None:
    file.load()
    write(file, "[policy]\ncooldown = 60\n")
    file.change("local.volume", 0.4)
    changed = file.poll()
    assert isinstance(changed, Settings)
    assert (changed.policy.cooldown, changed.local.volume) == (60, 0.4)
    assert file.poll() is None


# --- nothing lost


def test_a_crash_while_saving_leaves_the_old_file_whole(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.load()
    before = file.path.read_bytes()

    def power_cut(source: object, target: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("agent.store.files.os.replace", power_cut)
    with pytest.raises(StoreError, match=r"settings\.toml"):
        file.change("policy.cooldown", 60)
    monkeypatch.undo()
    assert file.path.read_bytes() == before
    assert sorted(p.name for p in file.path.parent.iterdir()) == [
        "settings.toml",
        "settings.toml.last-good",
    ]


def test_the_last_good_copy_follows(file: SettingsFile) -> None:
    file.load()
    file.change("policy.cooldown", 60)
    assert file.last_good_path.read_bytes() == file.path.read_bytes()
    good = file.last_good_path.read_bytes()
    write(file, "oops")
    file.load_or_last_good()
    assert file.last_good_path.read_bytes() == good
