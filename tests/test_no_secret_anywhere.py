"""A secret in any place and any encoding is in nothing that the program writes or says.

The attacker reads what people show to others: log, status, terminal, doctor, the bug report, the
history, a notification.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import string
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import logs
from agent.desktop import consent
from agent.diagnostics import bundle, checks, report
from agent.errors import AgentError
from agent.players.spotify import oauth, playlists, storage
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile, parse
from agent.vision.camera import OpenCVCamera
from agent.vision.sources import parse_source
from agent.web.door_client import call
from agent.web.page.access import Access
from tests.agent_process import AgentProcess, run_command
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)

# -- how a secret may be written; on purpose not by what the masking itself uses


def _lower(text: str) -> str:
    """Percent codes in small letters, as some programs write them."""
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


def _basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"anna:{secret}".encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda s: quote(s, safe=""),
    "percent, small letters": lambda s: _lower(quote(s, safe="")),
    "percent in a path": quote,
    "percent, twice": lambda s: quote(quote(s, safe=""), safe=""),
    "form": quote_plus,
    "JSON": json.dumps,
    "JSON with all letters": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON in JSON": lambda s: json.dumps(json.dumps({"x": s})),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "HTML": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 behind one letter": lambda s: base64.b64encode(b"a" + s.encode()).decode(),
    "base64 behind two": lambda s: base64.b64encode(b"ab" + s.encode() + b"xyz").decode(),
    "base64 for addresses": lambda s: base64.urlsafe_b64encode(b"id:" + s.encode()).decode(),
    "Basic header": _basic,
    "dict": lambda s: str({"authorization": s, "x": [s]}),
}

TOKENS = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_"), min_size=20)
PASSWORDS = st.text(
    st.sampled_from("ABCXYZ0189äß@/?#:&=%+!$;,.\"'\\-_~ ()"), min_size=8, max_size=24
).filter(lambda text: text == text.strip() and sum(map(str.isalnum, text)) >= 6)


def leaks(secret: str, text: str) -> list[str]:
    """The encodings in which it is there; of base64 the middle, since its ends are shared."""
    found = []
    for name, encode in ENCODINGS.items():
        form = encode(secret)
        if "base64" in name or name == "Basic header":
            form = form.rpartition(" ")[2].rstrip("=")[6:-4]
            if len(form) < 6:
                continue
        if name in ("JSON in JSON", "dict"):  # the secret within, not the form around it
            continue
        if form.strip("'\"") in text or form in text:
            found.append(name)
    return found


@given(st.one_of(TOKENS, PASSWORDS), st.sampled_from(sorted(ENCODINGS)))
@settings(max_examples=400)
def test_what_is_hidden_is_in_no_line_however_it_is_written(secret: str, name: str) -> None:
    logs.hide(secret, kind="test")
    form = ENCODINGS[name](secret)
    for line in (f"a {form} b", f"a={form}", f"[{form}]"):
        assert leaks(secret, logs.redact(line)) == []


# -- secrets of which only the name beside them tells

NAMES = st.sampled_from(
    ["access_token", "refresh_token", "client_secret", "password", "code_verifier", "Authorization"]
)
PAIRS: tuple[Callable[[str, str], str], ...] = (
    lambda n, s: f"{n}={s}",
    lambda n, s: f"{n}: {s}",
    lambda n, s: f"x&{n}={quote(s, safe='')}&y",
    lambda n, s: quote(f"{n}={s}", safe=""),
    lambda n, s: f"my_{n} = {s!r}",
    lambda n, s: str({n: s}),
    lambda n, s: str({n: s.encode()}),
    lambda n, s: str([(n, s)]),
    lambda n, s: json.dumps({n: s}),
    lambda n, s: json.dumps({n: s})[:-2],  # cut off within
    lambda n, s: json.dumps({"body": json.dumps({n: s})}),
    lambda n, s: json.dumps(json.dumps(json.dumps({n: s}))),
    lambda n, s: f"{n}: Bearer {s}",
    lambda n, s: f"Token({n}='{s}', scope='x')",
    lambda n, s: f'{n} = "{s}"',
)


@given(NAMES, TOKENS, st.sampled_from(PAIRS))
@settings(max_examples=300)
def test_what_only_its_name_gives_away_is_masked(
    name: str, token: str, pair: Callable[[str, str], str]
) -> None:
    assert token not in logs.redact(f"got {pair(name, token)} from it")


@given(TOKENS, st.sampled_from(["code", "state"]), st.booleans())
def test_the_answer_of_a_login_is_masked(token: str, name: str, nested: bool) -> None:
    address = f"/callback?{name}={token}&x=1"
    line = f"next={quote(address, safe='')}" if nested else f"GET {address}"
    assert token not in logs.redact(line)


def test_secrets_are_hidden_when_they_are_made() -> None:
    verifier = oauth.new_verifier()
    token = Token("ACCESS-of-the-day-1", "REFRESH-of-the-day-2", NOW, NOW, "client", "https://x")
    access = Access(b"k" * 32, FakeClock(), 1234)
    link, session = access.link().rpartition("/")[2], access.new_session()
    for secret in (verifier, token.access, token.refresh, link, session):
        for encode in ENCODINGS.values():
            assert leaks(secret, logs.redact(f"a {encode(secret)} b")) == []
    assert "of-the-day" not in repr(token)
    assert "of-the-day" not in str([token])


def test_a_long_line_is_looked_through_in_moderate_time() -> None:
    """Twice as long may take somewhat more than twice as long, and not four times."""

    def cost(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            began = time.thread_time()
            bundle.anonymise(text)
            best = min(best, time.thread_time() - began)
        return best

    for piece in ("a.", "+a", "ab://" + ")" * 40, '"ab://', "a@b-", "password", 'token="\\"'):
        short, long = cost(piece * (20_000 // len(piece))), cost(piece * (320_000 // len(piece)))
        assert long < 100 * max(short, 0.005), piece


# -- the camera's password

HOSTS = st.sampled_from(["127.0.0.1:9", "[::1]:9"])


def percent(text: str) -> str:
    return quote(text, safe="")


PLACES: tuple[Callable[[str, str], str], ...] = (
    lambda h, s: f"http://anna:{s}@{h}/1",
    lambda h, s: f"http://anna:{percent(s)}@{h}/1",
    lambda h, s: f"http://{percent(s)}@{h}",
    lambda h, s: f"http://{h}/user=anna_password={s}",
    lambda h, s: f"http://{h}/snap?user=anna&password={s}",
    lambda h, s: f"http://{h}/snap?user=anna&pw={percent(s)}",
    lambda h, s: f"http://{h}/{percent(s)}/live",
    lambda h, s: f"http://{h}/#{s}",
    lambda h, s: f"http://{h}/?auth={base64.b64encode(f'anna:{s}'.encode()).decode()}",
    lambda h, s: f" HTTP://anna:{s}@{h}/",
    lambda h, s: f"htp://anna:{s}@{h}/",
    lambda h, s: f"http:/anna:{s}@{h}/",
    lambda h, s: f"anna:{s}@{h}/1",
    lambda h, s: f"{h}/snap?user=anna&password={s}",
    lambda h, s: f"cam.local/user=anna_password={s}",
)
CAMERA_PASSWORDS = st.text(
    st.sampled_from("ABCXYZ0189@/?#:&=%+!$;,.-_~"), min_size=8, max_size=20
).filter(lambda text: sum(map(str.isalnum, text)) >= 7)


@given(HOSTS, CAMERA_PASSWORDS, st.sampled_from(PLACES))
@settings(max_examples=300)
def test_no_name_and_no_error_of_a_camera_holds_its_password(
    host: str, secret: str, place: Callable[[str, str], str]
) -> None:
    address = place(host, secret)
    source = parse_source(address)
    camera = OpenCVCamera(address)
    told = [source.name, source.title, camera.name, logs.redact(f"{source!r} {address!r}")]
    if not source.name.startswith("http://"):  # else a connection is tried, below
        with pytest.raises(AgentError) as caught:
            camera.open()
        told += [caught.value.message, caught.value.title]
    text = f"[camera]\nsource = {json.dumps(address)}\n"
    for broken in (text, text[:-2] + "\n", text.replace('"', "'", 1), text.replace('"', "")):
        try:
            parse(broken, Path("settings.toml"))
        except AgentError as error:
            told += [error.message, str(error)]
    assert [line for line in told if leaks(secret, line)] == []


STRAYED: tuple[Callable[[str], str], ...] = (
    lambda quoted: f"[camera]\n{quoted} = 1\n",
    lambda quoted: f"[{quoted}]\nx = 1\n",
    lambda quoted: f"camera = {quoted}\n",
    lambda quoted: f"[camera]\ninterval = {quoted}\n",
    lambda quoted: f"[local_playlists]\nhappy = [{quoted}]\n",
    lambda quoted: f"[local_playlists]\nhappy = {quoted}\n",
    lambda quoted: f"[local_playlists]\n{quoted} = []\n",
    lambda quoted: f"[spotify_playlists]\nhappy = [{quoted}]\n",
    lambda quoted: f"[spotify_playlists]\nhappy = {quoted}\n",
)
"""An address at another place of the settings than the camera's; that of a radio, say."""


@given(HOSTS, CAMERA_PASSWORDS, st.sampled_from(PLACES[:6]), st.sampled_from(STRAYED))
@settings(max_examples=300)
def test_no_mistake_in_the_settings_quotes_a_login_wherever_it_stands(
    host: str, secret: str, place: Callable[[str, str], str], strayed: Callable[[str], str]
) -> None:
    told = []
    try:
        found = parse(strayed(json.dumps(place(host, secret))), Path("settings.toml"))
    except AgentError as error:
        told += [error.message]
    else:
        for texts in found.spotify_playlists.values():
            for text in texts:
                with pytest.raises(AgentError) as caught:
                    playlists.canonical(text)
                told += [caught.value.message]
    assert told
    assert [line for line in told if leaks(secret, line)] == []


@pytest.fixture
def paths(moodtray_home: Path) -> Iterator[Paths]:
    paths = Paths.default()
    paths.ensure()
    consent.give(paths, NOW)
    yield paths
    logs.tear_down()


def toml(address: str, form: int) -> str:
    """The same setting as a user, another program, or somebody who hides may write it."""
    quoted = json.dumps(address)
    return (
        f"[camera]\nsource = {quoted}\n",
        f"camera = {{ source = {quoted} }}\n",
        f'"camera"."source" = {quoted}\n',
        f'[camera]\n"s\\u006furce" = {quoted}\n',
        f'[camera]\nsource = """\\\n  {quoted[1:-1]}"""\n',
        "[camera]\nsource = " + '"' + "".join(f"\\u{ord(c):04x}" for c in address) + '"\n',
        f"[camera]\nsource = {quoted[:-1]}\n",  # a mistake
        f"[camera]\nsource: {quoted}\n",  # another one
    )[form]


@pytest.mark.parametrize("form", range(8))
def test_neither_doctor_nor_bundle_holds_the_camera(
    form: int, paths: Paths, tmp_path: Path
) -> None:
    """``camera.source`` is masked whole in the bundle, were it only the name of a file."""
    secret = "Ge/heim99@x"
    for number, place in enumerate(PLACES):
        address = place("127.0.0.1:9", secret)
        paths.settings_file.write_text(toml(address, form), encoding="utf-8")
        logs.set_up(paths.logs, "DEBUG")
        found, problem = SettingsFile(paths).load_or_last_good()
        looked = report.run(
            [
                ("settings", lambda p=problem, s=found: checks.settings_file(paths, p, s)),  # type: ignore[misc]
                ("camera", lambda s=found: checks.camera(paths, s)),  # type: ignore[misc]
            ],
            limit=60.0,
        )
        logging.getLogger("agent.test").error("defect while handling %s", found)
        made = bundle.make(paths, report.as_dict(looked), tmp_path / f"{number}.zip", NOW)
        logs.tear_down()
        told = report.as_text(looked) + json.dumps(report.as_dict(looked))
        told += (paths.logs / logs.LOG_NAME).read_text(encoding="utf-8")
        with zipfile.ZipFile(made) as archive:
            texts = {name: archive.read(name).decode() for name in archive.namelist()}
        told += "".join(texts.values())
        assert leaks(secret, told) == [], address
        # Nor a part of it, where a character of it ended the masking.
        assert "heim99" not in told, address
        assert address.strip() not in texts["settings.toml"]
        assert "127.0.0.1" not in texts["settings.toml"]


def test_a_file_that_is_the_camera_is_not_named_in_the_bundle(paths: Paths, tmp_path: Path) -> None:
    clip = tmp_path / "Anna at home" / "clip of 3 May.mp4"
    paths.settings_file.write_text(f"[camera]\nsource = '{clip}'\n")
    logs.set_up(paths.logs, "DEBUG")
    looked = report.examine(paths)
    logging.getLogger("agent.test").warning("%s is not there", clip)
    made = bundle.make(paths, report.as_dict(looked), tmp_path / "x.zip", NOW)
    assert "clip of 3 May" in json.dumps(report.as_dict(looked)), "the user is told which one"
    with zipfile.ZipFile(made) as archive:
        for name in archive.namelist():
            assert b"clip of 3 May" not in archive.read(name), name


@pytest.mark.parametrize("host", ["cam.birch.example", "kamera.müller.example", "[fd00::5]"])
def test_no_host_of_a_camera_is_in_the_bundle(paths: Paths, tmp_path: Path, host: str) -> None:
    """Not of the one before, either; where it leads to the user alone is told."""
    paths.settings_file.write_text(f"[camera]\nsource = 'rtsp://anna:secret99@{host}:554/live'\n")
    logs.set_up(paths.logs, "DEBUG")
    log = logging.getLogger("agent.test")
    log.warning("Nothing at %s answers, nor at http://old.birch.example.", f"rtsp://{host}")
    log.warning("no such name: %s", host)
    log.warning("https://api.spotify.com/v1/me and http://127.0.0.1:8888/callback answer")
    told: dict[str, object] = {"advice": f"Nothing at “rtsp://{host}” answers with a video."}
    made = bundle.make(paths, told, tmp_path / "x.zip", NOW)
    assert host in (paths.logs / logs.LOG_NAME).read_text(encoding="utf-8")
    with zipfile.ZipFile(made) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    for name, text in texts.items():
        assert host not in text, name
        assert "birch" not in text, name
    assert "“rtsp://***” answers" in texts["doctor.json"]
    kept = texts[f"logs/{logs.LOG_NAME}"]
    assert "https://api.spotify.com" in kept
    assert "http://127.0.0.1" in kept


@pytest.mark.parametrize("kind", ["large", "pipe"])
def test_a_bundle_takes_no_file_without_an_end(paths: Paths, tmp_path: Path, kind: str) -> None:
    if kind == "pipe" and not hasattr(os, "mkfifo"):
        pytest.skip("has no pipes with names")
    for file in (paths.settings_file, paths.logs / logs.LOG_NAME):
        if kind == "pipe":
            os.mkfifo(file)
        else:
            file.touch()
            os.truncate(file, 3_000_000_000)
    made = bundle.make(paths, {}, tmp_path / "x.zip", NOW)
    with zipfile.ZipFile(made) as archive:
        for name in ("settings.toml", f"logs/{logs.LOG_NAME}"):
            assert archive.read(name).startswith(b"(could not be read: it "), name


# -- defects, on the terminal

DEFECT = """
import sys, threading
from agent import logs
from agent.cli import commands
from agent.vision.sources import parse_source
import agent.diagnostics.report as report, logging

def broken(paths):
    address = "rtsp://anna:{secret}@cam/1"
    parse_source(address)
    logging.getLogger("spotipy").warning("sent %s", {{"refresh_token": "{token}"}})
    def thread():
        raise RuntimeError("in a thread: Bearer {token} {secret}")
    t = threading.Thread(target=thread); t.start(); t.join()
    raise RuntimeError(f"no picture at {{address}}: access_token={token}")

report.examine = broken
sys.argv = ["moodtray", "doctor"]
commands.main()
"""


def test_a_defect_in_a_command_tells_no_secret() -> None:
    secret, token = "hunter22hunter", "BQDtoken0123456789"
    done = subprocess.run(
        [sys.executable, "-c", DEFECT.format(secret=secret, token=token)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "in a thread" in done.stderr, "all that is told"
    assert "no picture at rtsp://cam/***" in done.stderr
    assert "Traceback" in done.stderr
    assert secret not in done.stderr
    assert token not in done.stderr


# -- the whole agent, on a camera that wants a password


class Locked(BaseHTTPRequestHandler):
    """A camera that refuses, and says back all that it was told."""

    def do_GET(self) -> None:
        """Answer."""
        said = f"{self.path} {dict(self.headers)}".encode()
        self.send_response(401)
        self.send_header("WWW-Authenticate", f'Basic realm="{self.path[:200]}"')
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def locked_camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Locked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def all_bytes(folder: Path) -> dict[Path, bytes]:
    """What lies below a folder: file -> content."""
    return {
        Path(where) / name: (Path(where) / name).read_bytes()
        for where, _, names in os.walk(folder)
        for name in names
        if (Path(where) / name).is_file()
    }


def test_the_running_agent_writes_and_says_no_secret(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    # No slash and no colon: FFmpeg itself has to understand the address.
    secret, token = "Ge+heim99=x~Z", "AQDtoken-of-the-login_0123456789"
    now = datetime.now(UTC)
    FileTokenStore(storage.token_file(paths)).save(
        Token(token, token[::-1], now, now, "c" * 32, "http://127.0.0.1:9").to_dict()
    )
    heard: list[str] = []
    with locked_camera() as host:
        settings_text = 'player = "spotify"\n[spotify_playlists]\nhappy = ["' + "0" * 22 + '"]\n'
        addresses = [place(host, secret) for place in PLACES]
        paths.settings_file.write_text(settings_text + toml(addresses[0], 0))
        with AgentProcess(
            "run", "--headless", "--events-json", "--verbose", "--play", "--spotify-url",
            "http://127.0.0.1:9",
        ) as agent:  # fmt: skip
            agent.wait_for_word("answers with a video")
            for text in (*(toml(address, 0) for address in addresses), toml(addresses[0], 6)):
                paths.settings_file.write_text(settings_text + text)
                threading.Event().wait(2.5)  # it looks every other second; each is tried and told
                for verb in ("status", "why"):
                    answer = call(paths, verb)
                    heard += [json.dumps(answer), answer["text"]]
            call(paths, "mood", emotion="happy")
            for words in (
                ["status"],
                ["status", "--json"],
                ["why", "--json"],
                ["doctor"],
                ["doctor", "--json", "--bundle", "--out", str(tmp_path / "r.zip")],
            ):
                done = run_command(*words)
                heard += [done.stdout, done.stderr]
            kept = list(all_bytes(paths.config.parent).items())
            agent.stop()
            heard += [json.dumps(agent.lines), *agent.said]
    told = "\n".join(heard)
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        told += "".join(archive.read(name).decode() for name in archive.namelist())
    assert "127.0.0.1" in told
    for found in (secret, token, token[::-1]):
        assert leaks(found, told) == []
    kept += all_bytes(paths.config.parent).items()
    assert paths.history_file in dict(kept)
    for file, content in kept:
        text = content.decode("utf-8", "replace")
        if file.name not in ("settings.toml", "settings.toml.last-good"):
            assert leaks(secret, text) == [], file
        if file != storage.token_file(paths):
            assert leaks(token, text) == [], file
