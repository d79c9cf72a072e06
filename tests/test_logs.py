"""The log keeps no secret and stays small; the bug report's zip tells nothing about the person."""

from __future__ import annotations

import base64
import getpass
import json
import logging
import os
import platform
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import logs
from agent.diagnostics.bundle import anonymise, make
from agent.errors import StoreError
from agent.players.spotify import storage
from agent.players.spotify.token import Token
from agent.store.paths import Paths, ensure_folder
from agent.vision.sources import parse_source
from agent.web.page.access import Access
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
TOKEN = "BQD3xJ8mVZ0aT2-Qx_7uW.k9"


@pytest.fixture
def paths() -> Paths:
    return Paths.default()


@pytest.fixture
def logged(paths: Paths) -> Iterator[Path]:
    root = logging.getLogger()
    level, hook, thread_hook = root.level, sys.excepthook, threading.excepthook
    logs.set_up(ensure_folder(paths.logs), "DEBUG")
    yield paths.logs / "moodtray.log"
    logs.tear_down()
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hook, thread_hook
    logging.raiseExceptions = True
    logging.captureWarnings(False)


# --- secrets


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Bearer {TOKEN}",
        f"{{'Authorization': 'Bearer {TOKEN}'}}",
        f"Authorization: Basic {TOKEN}",
        f'{{"access_token": "{TOKEN}", "expires_in": 3600}}',
        f"refresh_token={TOKEN}&grant_type=refresh_token",
        f"TokenInfo(access_token='{TOKEN}', scope='x')",
        f"GET http://127.0.0.1:8888/callback?code={TOKEN}&state=abc",
        f"GET /callback?state={TOKEN}",
        f"client_secret: {TOKEN}",
        f"code_verifier={TOKEN}",
        f"X-Moodtray-Secret: {TOKEN}",
        f"sent bearer {TOKEN} to it",
    ],
)
def test_secrets_are_masked(line: str) -> None:
    masked = logs.redact(line)
    assert TOKEN not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "line",
    [
        "the token has expired and is fetched anew",
        "HTTP 403, code: PREMIUM_REQUIRED",
        "mood happy since 12.5, playlist 'Secret Garden'",
        "camera 0: 640x480",
    ],
)
def test_ordinary_lines_stay(line: str) -> None:
    assert logs.redact(line) == line


@given(st.text(st.characters(min_codepoint=33, max_codepoint=1000), min_size=8, max_size=60))
def test_a_hidden_secret_is_masked_in_every_form(secret: str) -> None:
    logs.hide(secret, kind="test")
    for form in (
        secret,
        quote(secret, safe=""),
        json.dumps({"x": secret}),
        base64.b64encode(secret.encode()).decode(),
        f"GET /callback?x={quote(secret, safe='')}&y=1",
        f"Traceback: ValueError: {secret}",
    ):
        shown = logs.redact(f"before {form} after")
        assert secret not in shown
        assert quote(secret, safe="") not in shown
        assert json.dumps(secret)[1:-1] not in shown
        assert shown.startswith("before ")


def test_secrets_without_end_do_not_fill_the_memory() -> None:
    for number in range(4 * logs.HIDDEN):
        logs.hide(f"secret-number-{number}", kind="test")
    assert len(logs._hidden["test"]) == logs.HIDDEN
    assert f"number-{4 * logs.HIDDEN - 1}" not in logs.redact(
        f"it is secret-number-{4 * logs.HIDDEN - 1}"
    )


def test_many_links_to_the_page_bring_no_password_into_the_log() -> None:
    """Each 'moodtray settings' makes one; whoever can call it knows no password yet."""
    parse_source("rtsp://anna:geheim-und-lang@cam/1")
    Token("access-of-today", "refresh-of-today", NOW, NOW, "id", "issuer")
    access = Access(bytes(32), FakeClock(), 1)
    for _number in range(1000):
        access.link()
        access.new_session()
    shown = logs.redact("geheim-und-lang and access-of-today and refresh-of-today")
    assert shown == "*** and *** and ***"


def test_hidden_texts_are_masked_everywhere() -> None:
    logs.hide("a-secret-of-today", kind="test")
    assert logs.redact("x a-secret-of-today y") == "x *** y"
    logs.hide("abc", kind="test")
    assert logs.redact("abc") == "abc"


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12, max_size=80))
def test_any_token_in_a_header_is_masked(token: str) -> None:
    assert token not in logs.redact(f"headers: {{'Authorization': 'Bearer {token}'}}").replace(
        "Authorization", ""
    ).replace("headers", "")


def test_arguments_and_tracebacks_are_masked_too(logged: Path) -> None:
    log = logging.getLogger("agent.test")
    log.info("got %s", {"access_token": TOKEN})
    try:
        raise ValueError(f"bad answer: access_token={TOKEN}")
    except ValueError:
        log.exception("failed")
    text = logged.read_text()
    assert "Traceback" in text
    assert TOKEN not in text


# --- files


def test_five_megabytes_and_no_more(logged: Path) -> None:
    log = logging.getLogger("agent.test")
    for number in range(420):
        log.info(f"{number} " + "x" * 12_000)
    log.info("y" * 3_000_000)  # one giant line
    files = list(logged.parent.iterdir())
    assert len(files) == 5
    assert sum(file.stat().st_size for file in files) <= 5_000_000
    assert "the rest is cut" in logged.read_text()


def test_no_name_forges_a_line_or_moves_the_cursor(logged: Path) -> None:
    name = "song\n2026-01-01 00:00:00,000 ERROR   agent: forged\r\x1b[2J\u202e.mp3"
    logging.getLogger("agent.test").info("playing %s", name)
    text = logged.read_text()
    assert next(line for line in text.splitlines() if "forged" in line).startswith("    2026")
    assert not set(text) & set("\r\x1b\u202e")


def test_what_repeats_without_end_pushes_nothing_else_out(logged: Path) -> None:
    log = logging.getLogger("agent.test")
    log.info("what matters")
    for number in range(10_000):
        log.warning("a stranger came: %d", number)
    text = logged.read_text()
    assert "what matters" in text
    assert "a stranger came: 0" in text
    assert "left out here" in text
    assert len(text) < 10_000


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")
def test_only_the_owner_reads_it(logged: Path) -> None:
    logging.getLogger("agent.test").info("hello")
    assert stat.S_IMODE(logged.stat().st_mode) == 0o600


def test_set_up_again_doubles_nothing(logged: Path, paths: Paths) -> None:
    logs.set_up(ensure_folder(paths.logs), "INFO")
    logging.getLogger("agent.test").info("once")
    logging.getLogger("agent.test").debug("never")
    logging.getLogger("urllib3.connectionpool").info("chatter")
    text = logged.read_text()
    assert text.count("once") == 1
    assert "never" not in text
    assert "chatter" not in text


def test_text_that_is_no_unicode_is_written(logged: Path) -> None:
    logging.getLogger("agent.test").info("a file called \udcff.mp3")
    assert r"\udcff.mp3" in logged.read_text()


def test_uncaught_exceptions_of_threads_are_logged(logged: Path) -> None:
    def fail() -> None:
        raise RuntimeError("lost thread")

    thread = threading.Thread(target=fail, name="worker-7")
    thread.start()
    thread.join()
    text = logged.read_text()
    assert "worker-7" in text
    assert "lost thread" in text


def test_a_log_folder_that_cannot_be_made_is_told(paths: Paths) -> None:
    paths.logs.parent.mkdir(parents=True)
    paths.logs.write_text("a file")
    with pytest.raises(StoreError, match="logs"):
        logs.set_up(ensure_folder(paths.logs))


# --- the bug report


def test_the_bundle_holds_what_helps(paths: Paths, logged: Path, tmp_path: Path) -> None:
    logging.getLogger("agent.test").info("the camera went away")
    (paths.config).mkdir(parents=True)
    paths.settings_file.write_text("[camera]\ninterval = 3.0\n")
    made = make(paths, {"checks": [{"name": "camera", "ok": False}]}, tmp_path, NOW)
    assert made == tmp_path / "moodtray-report-20261122-090507.zip"
    if os.name == "posix":
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
    with zipfile.ZipFile(made) as archive:
        names = set(archive.namelist())
        assert names == {
            "README.txt",
            "doctor.json",
            "versions.txt",
            "logs/moodtray.log",
            "settings.toml",
        }
        assert json.loads(archive.read("doctor.json"))["checks"][0]["name"] == "camera"
        assert b"the camera went away" in archive.read("logs/moodtray.log")
        assert b"interval = 3.0" in archive.read("settings.toml")
        assert b"opencv-python 4." in archive.read("versions.txt")


def test_the_bundle_tells_nothing_about_the_person(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "marianne"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "marianne")
    app, playlist, user = "0123456789abcdef0123456789abcdef", "37i9dQZF1DXdPec7aLTmlC", "maria_x"
    paths.ensure()
    storage.token_file(paths).write_text(json.dumps({"refresh_token": TOKEN}))
    paths.history_file.write_bytes(b"sad at nine in the evening")
    paths.settings_file.write_text(
        f'[spotify]\nclient_id = "{app}"\n'
        f'[spotify_playlists]\nhappy = ["spotify:playlist:{playlist}", '
        f'"https://open.spotify.com/playlist/{playlist}?si=1"]\nsad = ["{playlist}"]\n'
    )
    (paths.logs / "moodtray.log").write_text(
        f"{home}/Music is not there\nmarianne said\nhttps://api.spotify.com/v1/users/{user}/x\n"
        f"spotify:user:{user}\nGET https://api.spotify.com/v1/playlists/{playlist}/tracks\n"
        "marianne@example.org\nrtsp://cam:hunter22@10.0.0.5/live\n"
        "C:\\Users\\Marianne\\AppData\n/home/other/x\nclient 0123456789abcdef0123456789ABCDEF\n"
    )
    (paths.logs / "frame.png").write_bytes(b"a picture that somebody left here")
    report: dict[str, object] = {"home": str(home), "token": TOKEN, "path": home / "x"}
    made = make(paths, report, tmp_path / "out" / "r.zip", NOW)
    with zipfile.ZipFile(made) as archive:
        assert not [n for n in archive.namelist() if "frame" in n or "token" in n or "hist" in n]
        everything = "\n".join(archive.read(name).decode() for name in archive.namelist())
    for secret in (
        TOKEN, app, app.upper(), playlist, user, "marianne", "Marianne", "hunter22", "other/x",
        "nine in the evening", "example.org", "picture that",
    ):  # fmt: skip
        assert secret not in everything, secret
    assert "~/Music is not there" in everything
    assert "AppData" in everything


def test_ordinary_text_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    text = "planning: mood happy 0.72, 1280x720, onnxruntime 1.20.0, ConnectionResetError"
    assert anonymise(text) == text
    assert anonymise("user ann's") == "user ***'s"


def test_names_are_masked_however_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telephones and disks are called after their owner, too; a host may have a domain."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    monkeypatch.setattr(platform, "node", lambda: "larch.home.example")
    text = "Ann's phone, /media/ANN/x, larch, Larch.home.example"
    assert anonymise(text) == "***'s phone, /media/***/x, ***, ***"


@pytest.mark.skipif(sys.platform == "win32", reason="it tells no program the user's full name")
def test_the_full_name_is_masked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bought set up is often called by it, a disk by the family's, a telephone by the
    first."""
    import pwd

    me = list(pwd.getpwuid(os.getuid()))
    me[4] = "Ann-Marie Müller,Room 1,555-1234,"
    monkeypatch.setattr(pwd, "getpwuid", lambda _user: pwd.struct_passwd(me))
    text = "ann-marie müller's phone, /media/disk/Müller/x, Ann-Marie's iPhone, Müllers, Room 1"
    assert anonymise(text) == "***'s phone, /media/disk/***/x, ***'s iPhone, Müllers, Room 1"


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pipes among its files")
@pytest.mark.parametrize("kind", ["nowhere", "a pipe", "itself"])
def test_a_log_that_keeps_nothing_is_forgotten_at_once(tmp_path: Path, kind: str) -> None:
    """People lead it to /dev/null, or into a program of theirs."""
    log = tmp_path / logs.LOG_NAME
    if kind == "a pipe":
        os.mkfifo(log)
    else:
        log.symlink_to(os.devnull if kind == "nowhere" else log)
    logs.forget(tmp_path, None)
    logs.forget(tmp_path, NOW)
    assert not logs.forget_naming(tmp_path, ["spotify"])
    assert os.path.lexists(log)


def test_a_log_goes_as_a_whole_where_too_many_words_are_to_go(tmp_path: Path) -> None:
    """Each was looked for in each entry: a history of somebody else made that hours."""
    log = tmp_path / logs.LOG_NAME
    lines = "".join(f"2026-11-28 12:00:{n:02} INFO agent: line {n}\n" for n in range(60))
    log.write_text(lines)
    assert logs.forget_naming(tmp_path, ["LINE 7"])
    assert "line 7\n" not in log.read_text()
    assert "line 8\n" in log.read_text()
    assert not logs.forget_naming(tmp_path, [f"name {n}" for n in range(logs.MOST_WORDS)])
    assert logs.forget_naming(tmp_path, [f"name {n}" for n in range(logs.MOST_WORDS + 1)])
    assert log.read_text() == ""


def test_a_bundle_that_cannot_be_written_is_told(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        make(paths, {}, tmp_path / "file" / "r.zip", NOW)
    assert [f.name for f in tmp_path.iterdir() if f.suffix == ".zip"] == []


def test_no_log_is_needed_to_import_the_program() -> None:
    code = "import logging, agent.logs; print(len(logging.getLogger().handlers))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "0"
