"""The commands. Only ``agent.__main__`` and login entries of checkouts start here."""

from typing import NoReturn


def main() -> NoReturn:
    """Run one command and leave; the commands are loaded first.

    Entries for the start at login that older versions wrote say ``from agent.cli import main``.
    """
    from agent.cli import words

    words.speak()
    from agent.cli import commands

    commands.main()
