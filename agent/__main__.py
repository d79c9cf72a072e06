"""``python -m agent`` and the frozen program's entry."""

import multiprocessing

from agent.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # in a frozen program children start through here
    main()
