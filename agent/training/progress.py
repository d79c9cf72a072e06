"""What a training run shows: a bar with the time left on a terminal, plain lines in a log file."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

EVERY = 50
"""Steps between two lines where there is no terminal."""


class Progress:
    """Shown by one process only; the others are ``quiet``."""

    def __init__(self, steps: int, start: int, quiet: bool, console: Console | None = None) -> None:
        self._steps, self._start, self._quiet = steps, start, quiet
        self._console = console or Console()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._began = 0.0

    def __enter__(self) -> Progress:
        self._began = time.monotonic()
        if not self._quiet and self._console.is_terminal:
            self._bar = Bar(
                TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TextColumn("left"), TimeRemainingColumn(),
                TextColumn("loss {task.fields[loss]:.3f}"),
                console=self._console,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=self._steps, completed=self._start, loss=0.0)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._bar is not None:
            self._bar.stop()

    def step(self, done: int, loss: float) -> None:
        """Show that ``done`` steps of the whole run are done; the last had this loss."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, loss=loss)
        elif not self._quiet and done % EVERY == 0:
            each = (time.monotonic() - self._began) / max(done - self._start, 1)
            left = each * (self._steps - done) / 60
            self._print(
                f"step {done} of {self._steps}, loss {loss:.3f}, "
                f"{each:.2f} s a step, {left:.0f} min left"
            )

    def epoch(self, number: int, train: tuple[float, float], held: list[float]) -> None:
        """Show that an epoch is over: (loss, accuracy) in training; held out macro recall too."""
        self._print(
            f"epoch {number}: training loss {train[0]:.3f}, accuracy {train[1]:.3f}; validation "
            f"loss {held[0]:.3f}, accuracy {held[1]:.3f}, macro recall {held[2]:.3f}"
        )

    def _print(self, line: str) -> None:
        if not self._quiet:
            self._console.print(line, highlight=False, soft_wrap=True)
            self._console.file.flush()
