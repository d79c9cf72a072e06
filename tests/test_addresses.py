"""Of an address only scheme and host are shown, wherever its maker put the login."""

from __future__ import annotations

import logging
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import addresses, logs
from agent.diagnostics import bundle, report
from agent.errors import SettingsError
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import parse
from agent.vision.camera import OpenCVCamera
from agent.vision.sources import parse_source

# Hosts are written small, so that no part of a secret is in them by chance.
HOSTS = st.sampled_from(["cam.local", "10.0.0.5", "cam", "[fe80::1]", "xn--kamera.example"])
SECRETS = st.text(st.sampled_from("ABCXYZ019@/?#:&=%+!$;,.-_~"), min_size=6, max_size=20).filter(
    lambda text: any(letter.isalnum() for letter in text)
)
PORTS = st.sampled_from(["", ":554", ":8080"])


@st.composite
def addresses_with_secrets(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    """(address, what may be shown of it at most, the secrets in it)."""
    scheme = draw(st.sampled_from(["rtsp", "http", "https", "rtmp"]))
    host, port, secret, user = draw(HOSTS), draw(PORTS), draw(SECRETS), draw(SECRETS)
    address, secrets = draw(
        st.sampled_from(
            [
                (f"{user}:{secret}@{host}{port}/h264", [user, secret]),
                (f"{secret}@{host}{port}", [secret]),
                (f"{host}{port}/user={user}_password={secret}_channel=1", [user, secret]),
                (f"{host}{port}/video?user={user}&password={secret}", [user, secret]),
                (f"{host}{port}/{secret}/live", [secret]),
                (f"{user}:{secret}@{host}{port}/?key={secret}#{user}", [user, secret]),
                (f"{host}{port}/#{secret}", [secret]),
            ]
        )
    )
    return f"{scheme}://{address}", f"{scheme}://{host}", secrets


@given(addresses_with_secrets())
def test_nothing_is_shown_but_scheme_and_host(made: tuple[str, str, list[str]]) -> None:
    address, most, secrets = made
    shown = addresses.place(address)
    assert shown in (most, f"{most.partition('://')[0]}://***")
    assert not [secret for secret in secrets if secret in shown]
    assert parse_source(address).name == shown


@given(addresses_with_secrets(), st.sampled_from(["%s", "opening %s: refused", "S(source=%r)"]))
def test_no_line_of_the_log_holds_more(made: tuple[str, str, list[str]], form: str) -> None:
    address, _, secrets = made
    line = logs.redact(form % address)
    assert not [secret for secret in secrets if secret in line]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://anna:geheim@cam.local:554/1", "rtsp://cam.local"),
        ("rtsp://anna:p@ss@cam.local/1", "rtsp://cam.local"),
        ("rtsp://anna:p/ss@cam.local/1", "rtsp://***"),
        ("http://cam.local/snap?user=anna&password=p@ss", "http://***"),
        ("HTTP://cam.local:81/user=anna_password=x", "http://cam.local"),
        ("http://[fe80::1%eth0]:80/", "http://[fe80::1%eth0]"),
        ("http://kamera-küche/", "http://kamera-küche"),
        ("rtsp://", "rtsp://***"),
    ],
)
def test_what_is_shown(address: str, shown: str) -> None:
    assert addresses.place(address) == shown


def test_addresses_in_a_text_are_masked_and_the_text_stays() -> None:
    text = 'see http://a.b/c?d=e, or "rtsp://u:p w@c.d/e" (both). 12:30 and C://x are none'
    assert addresses.mask(text) == (
        'see http://a.b/***, or "rtsp://c.d/***" (both). 12:30 and C://x are none'
    )


@pytest.mark.parametrize(
    "text",
    [
        "rtsp:/anna:geheim@cam/1",
        "anna:geheim@192.168.1.5/stream",
        "//anna:geheim@127.0.0.1/x",
        "/anna:geheim@127.0.0.1/x",
        "http//anna:geheim@cam/a",
        "://anna:geheim@cam/a",
        "cam/a/b:anna:geheim@",
        "//cam/user=anna_password=geheim",
        "cam/user=anna_pwd=geheim_channel=1",
        "//cam/live?token=geheim",
    ],
)
def test_an_address_without_its_beginning_is_not_shown_either(text: str) -> None:
    source = parse_source(text)
    assert "geheim" not in source.name
    with pytest.raises(Exception, match=r"lacks its beginning") as caught:
        OpenCVCamera(text).open()
    assert "geheim" not in str(caught.value)
    assert "geheim" not in logs.redact(f"cannot open {text}")
    if not text.startswith("/"):  # else it is a whole path, as far as the settings know
        with pytest.raises(SettingsError, match="lacks its beginning") as told:
            parse(f'[camera]\nsource = "{text}"\n', Path("settings.toml"))
        assert "geheim" not in told.value.message


@pytest.mark.parametrize("text", ["/home/me/a@b.mp4", "~/x:y.mp4", r"C:\a:b@c.mp4", "clip = 1.mp4"])
def test_a_file_is_called_by_its_name(text: str) -> None:
    assert not addresses.seems_meant(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "part",
    [
        "pass",
        ":",
        "?",
        "@",
        "a:b",
        "key=",
        "//",
        "pw",
        " ",
        "\n",
        "\t",
        "a ",
        " pass",
        "a",
        "0",
        "a.",
    ],
)
def test_a_long_text_takes_no_long_time(part: str) -> None:
    """It would hold up the whole agent: Python lets no other thread run meanwhile."""
    for text in (part * 250_000, part * 250_000 + "x", "x" + part * 250_000):
        addresses.mask_settings(text)
        addresses.seems_meant(text)
        addresses.holds_login(text)
        addresses.place(text)


@pytest.mark.parametrize(
    "text",
    [
        '[camera]\ninterval = "rtsp://anna:geheim@cam/1"\n',
        '[camera]\nsource = "rtsp://anna:geh eim@cam/1\n',
        "[camera]\nsource = rtsp://anna:geheim@cam/1\n",
    ],
)
def test_a_mistake_in_the_settings_is_told_without_it(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, Path("settings.toml"))
    assert "geh" not in caught.value.message
    assert "eim" not in caught.value.message


SOURCES = (
    '[camera]\nsource = "rtsp://anna:geheim@127.0.0.1:9/1"\n',
    'camera = { source = "http://127.0.0.1:9/user=anna_password=geheim_1" }\n',
    "camera.source = 'http://127.0.0.1:9/?user=anna&password=geheim'\n",
    '[camera]\nsource = """\nrtsp://anna:geheim@127.0.0.1:9/"""\n',
    '[camera]\nsource = "rtsp://anna:geheim@127.0.0.1:9/1\n',  # a mistake
)


@pytest.mark.parametrize("text", SOURCES)
def test_neither_doctor_nor_log_nor_bundle_holds_it(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = Paths.default()
    paths.ensure()
    paths.settings_file.write_text(text, encoding="utf-8")
    logs.set_up(paths.logs, "DEBUG")
    try:
        checks = report.examine(paths)
        try:
            settings = parse(text, None)
        except SettingsError:
            settings = Settings()
        logging.getLogger("agent.test").error("defect while handling %s", settings)
        made = bundle.make(paths, report.as_dict(checks), tmp_path, datetime.now(UTC))
    finally:
        logs.tear_down()
    told = report.as_text(checks) + (paths.logs / logs.LOG_NAME).read_text(encoding="utf-8")
    with zipfile.ZipFile(made) as archive:
        told += "".join(archive.read(name).decode("utf-8") for name in archive.namelist())
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("rtsp://anna:geheim@cam/1", True),
        ("rtsp://cam/user=admin_password=x_channel=1", True),
        ("http://cam/video?usr=a&PWD=x", True),
        ("anna:geheim@192.168.1.5/stream", True),
        ("rtsp:/anna:geheim@cam/1", True),
        ("rtsp://cam/Streaming/Channels/101", False),
        ("http://192.168.1.5:8080/video?channel=1&subtype=0", False),
        ("C:\\me@home\\clip.mp4", False),
        ("/home/me@home/clip.mp4", False),
        ("holiday.mp4", False),
        ("0", False),
        ("", False),
    ],
)
def test_a_login_in_an_address_is_seen(text: str, held: bool) -> None:
    assert addresses.holds_login(text) is held


@pytest.mark.parametrize(
    ("hidden", "line", "shown"),
    [
        ("/AAAAAAA", "at http://AAAAAAA:SECRET99@cam/x now", "at http://cam/*** now"),
        ("tp://AAAAAAA", "at http://AAAAAAA:SECRET99@cam/x now", "at http://cam/*** now"),
        ("BBBBBBBB", "at http://BBBBBBBB/SECRET99", "at http://***/***"),
        ("from http", "it is from http://a:SECRET99@cam", "it is http://cam/***"),
    ],
)
def test_a_hidden_text_breaks_no_address_open(hidden: str, line: str, shown: str) -> None:
    logs.hide(hidden, kind="test")
    assert logs.redact(line) == shown


@pytest.mark.parametrize("before", ["", "x", "0", "0-", "é", "_", "=", '"'])
def test_nothing_behind_a_scheme_stays_on_its_line(before: str) -> None:
    masked = addresses.mask_to_line_end(f"{before}rtsp://anna:geheim@cam/1 x\nnext")
    assert masked == f"{before}rtsp://***\nnext"
