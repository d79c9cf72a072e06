"""The frozen program's entry. Not ``agent/__main__.py`` itself: the folder of the entry is searched
first, and ``agent/types.py`` would stand in for Python's own ``types``."""

import os
import sys

from agent.__main__ import main


def _no_terminal() -> bool:
    """True when this is the starter without a console: opened by a click or at login."""
    name = os.path.basename(sys.executable).lower()
    in_app = sys.platform == "darwin" and ".app/Contents/MacOS" in sys.executable
    return name == "moodtrayw.exe" or (in_app and not os.isatty(0))


if __name__ == "__main__":
    if len(sys.argv) == 1 and _no_terminal():
        sys.argv.append("run")  # nobody is there to read the list of commands
    main()
