"""``python -m agent`` and the frozen program's entry."""

import multiprocessing

if __name__ == "__main__":
    # In a frozen program children start through here, and elsewhere they import this module:
    # so nothing is imported before it is known that this is the program itself.
    multiprocessing.freeze_support()

    from agent.cli import main

    main()
