"""The rim of the terminal: all that commands write goes through here.

A terminal obeys what it is sent, and words come from outside: keys of a settings file, names of
music, answers of services. So control characters, and those that turn the direction of writing, are
shown as what they are: characters that nobody can read.
"""

from __future__ import annotations

import contextlib
import json
import sys

from agent.printable import is_harmless, printable_lines


def say(text: object) -> None:
    """Write what was asked for to the standard output, and a line end."""
    print(printable_lines(str(text)))


def say_at_once(text: str) -> None:
    """Do the same, for a program that reads along."""
    print(printable_lines(text), flush=True)


def tell(text: object) -> None:
    """Write a line beside it, to the terminal, where there is one still. Any thread."""
    with contextlib.suppress(OSError, ValueError):
        print(printable_lines(str(text)), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Write a text with rich's markup: with colours where a person reads, plainly elsewhere."""
    show_own(printable_lines(text))


def show_own(text: str) -> None:
    """Do the same with a text that holds control characters of ours, and no words from outside."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(text)


def say_json(value: object) -> None:
    """Write a value as one line of JSON, in which such characters are escaped: nothing is lost."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(one if is_harmless(one) else json.dumps(one)[1:-1] for one in text)
    print(text, flush=True)
