"""What the open preview remembers from frame to frame. Times are real seconds."""

from __future__ import annotations

from collections import deque

import numpy as np

from agent.vision.burst import Burst, Look

CLASSIFY_SECONDS = 0.12
"""While the preview is open, a face is classified that often at most."""
SEARCH_SECONDS = 0.2
"""While the preview is open and nobody is there, the whole frame is searched that often."""


class Live:
    """The latest looks, bars, and when the next search and the next classifying are due."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget what was followed."""
        self.burst = Burst()
        self.probabilities: tuple[float, ...] | None = None
        self.unclear = ""
        self._times: deque[float] = deque(maxlen=31)
        self._searched = 0.0
        self._classified = 0.0
        self._seen = False

    @property
    def fps(self) -> float:
        """Frames a second of late."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(1e-6, self._times[-1] - self._times[0])

    def frame_at(self, now: float) -> None:
        """Count a frame at the monotonic time ``now``."""
        self._times.append(now)

    def search_due(self, now: float) -> bool:
        """Tell whether to search; following is cheap and done on every frame."""
        return self._seen or now - self._searched >= SEARCH_SECONDS

    def searched(self, now: float, seen: bool) -> None:
        """Note a search, and whether somebody was seen."""
        self._searched, self._seen = now, seen
        if not seen:
            self.probabilities = None
            self.unclear = ""
            self._classified = 0.0

    def classify_due(self, now: float) -> bool:
        """Tell whether the face is to be classified now."""
        return now - self._classified >= CLASSIFY_SECONDS

    def classified(self, now: float, look: Look) -> None:
        """Smooth the bars, for those that jump are unreadable: two parts old, one part new.

        A look in which nothing can be read has none.
        """
        self._classified = now
        self.unclear = look.unclear
        if look.probabilities is None or look.quality == 0.0:
            self.probabilities = None
            return
        new = np.asarray(look.probabilities, dtype=np.float64)
        if self.probabilities is not None:
            new = (2.0 * np.asarray(self.probabilities) + new) / 3.0
        self.probabilities = tuple(float(p) for p in new)
