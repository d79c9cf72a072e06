"""TOML from a stranger, such as a music list that is loaded on the page."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from agent.store.toml_text import MOST_DOTS, MOST_PARTS, load_toml

MEGABYTES = 1_000
LENGTH = 250_000
"""Bytes of what the page takes."""
READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
from agent.errors import SettingsError
from agent.settings import Settings
from agent.web.page.mapping_file import read
try:
    read(sys.stdin.read(), Settings())
except SettingsError as error:
    print(error.message)
"""
LONG = ["a" + ".a" * (LENGTH // 2), "a" + " . 'a'" * (LENGTH // 6), 'a."b\\"#"' + ".a" * 9_000]


@pytest.mark.skipif(os.name != "posix", reason="the limit is the system's")
@pytest.mark.parametrize("name", LONG, ids=["bare", "quoted", "odd"])
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "x = [{{ {} = 1 }}]"])
def test_a_name_of_endless_parts_is_refused(form: str, name: str) -> None:
    text = f"local_playlists.happy = []\n{form.format(name)}\n"
    done = subprocess.run(
        [sys.executable, "-c", READ.format(bytes=MEGABYTES * 1_000_000)],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-300:]
    assert str(MOST_PARTS) in done.stdout


@pytest.mark.parametrize(
    "blind",
    [
        'x = """a"""" # \\\n{} = 1',
        "x = '''a'''' # '''\n{} = 1",
        'x = """a""""" # """\n{} = 1',
        'x = "a\\\n{} = 1\n"',
    ],
    ids=["four quotes", "four single quotes", "five quotes", "a line broken off"],
)
def test_no_text_before_a_name_hides_it(blind: str) -> None:
    with pytest.raises(ValueError, match=f"more than {MOST_PARTS} parts"):
        load_toml(blind.format(".".join("a" * 30)))


@pytest.mark.parametrize("line", ["a.b = 1", "x = 0.5", '"a"."b" = 1', "1.2.3 = 4"])
def test_names_and_numbers_without_end_are_refused(line: str) -> None:
    """What rewrites the file for the user took gigabytes of them."""
    lines = MOST_DOTS // line.count(".") + 1
    with pytest.raises(ValueError, match="dots"):
        load_toml("\n".join([line] * lines))


def test_texts_may_hold_what_they_like() -> None:
    dots = "a." * 1_000
    text = f"""
# {dots} = 1
one = "{dots}" # '''
two = '{dots}'
three = '''
{dots} = 1
'''
four = \"\"\"
\\\"\"\"{dots} = 1
\"\"\"
five = [1.5, 2026-11-27T12:00:00.5Z]
"""
    found = load_toml(text)
    assert found["one"] == found["two"] == dots
    assert found["three"] == found["four"].removeprefix('"""') == f"{dots} = 1\n"


@pytest.mark.parametrize(
    "text", ["a" * LENGTH, "." * LENGTH, '"' * LENGTH, "'" * LENGTH, "a. " * 10 + "a" * LENGTH,
             '"\\' * (LENGTH // 2), "a" + " " * LENGTH, "# " * LENGTH, '"""\\"' * (LENGTH // 5)]
)  # fmt: skip
def test_looking_takes_no_time(text: str) -> None:
    began = time.monotonic()
    with contextlib.suppress(ValueError):
        load_toml(text)
    assert time.monotonic() - began < 5.0
