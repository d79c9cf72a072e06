"""Runs in the frozen program before anything else."""

import os
import sys

# The starter points the library path at the bundled libraries. This process has read it already;
# the programs that it starts (a browser, an editor, notify-send) must find their own ones.
for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    before = os.environ.pop(f"{name}_ORIG", None)
    if before is not None:
        os.environ[name] = before
    else:
        os.environ.pop(name, None)

# What goes into a pipe or a file on Windows is UTF-8 as well, not what this country's code page
# has letters for; a note in a playlist's name would end the command.
if sys.platform == "win32":
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

# The starter without a console has nowhere to print to.
for name in ("stdout", "stderr"):
    if getattr(sys, name) is None:
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
