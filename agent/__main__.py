"""``python -m agent``, the command ``moodtray``, and the frozen program's entry."""

import os
import sys


def main() -> None:
    """Run a command.

    Children of the program import this module (or start through it, when frozen), so that nothing
    else is imported before it is known that this is no child.
    """
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
        if sys.argv[1:] == ["--decode-music"]:  # by ``players.track``
            from agent.players import decoding

            decoding.main()
    # Looking for plugins of pydantic reads the metadata of every package here; none is wanted.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

    from agent.memory import importing

    with importing():
        from agent import cli

    cli.main()


if __name__ == "__main__":
    main()
