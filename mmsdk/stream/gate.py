"""Whether somebody speaks, told by a detector beside the level: what is loud and no voice begins nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mmsdk.protocols import VoiceDetector

LATE = 0.005  # seconds after its last sample by which a step is answered
LESS = 0.15  # so much less likely than what begins a voice is what ends it


class Gate:
    """Open while a voice is likely.

    It opens with a step that is at least ``likely`` a voice, and closes with one that is less by more than 0.15: a
    probability that wavers about one threshold would cut a word in two.
    """

    def __init__(self, detector: VoiceDetector, likely: float) -> None:
        self._detector = detector
        self._likely = likely
        self._ahead: deque[tuple[float, float]] = deque()  # when a step may be known, and how likely it is a voice
        self._known = 0.0
        self._open = False

    def restart(self, t: float) -> None:
        """Forget everything; the next sample is of time ``t``."""
        self._detector.restart()
        self._ahead.clear()
        self._known, self._open = t + LATE, False

    def hear(self, samples: np.ndarray) -> None:
        """Take the next samples ``(n,)`` float32."""
        for probability in self._detector.hear(samples).tolist():
            self._known += self._detector.step
            self._ahead.append((self._known, probability))

    def open(self, t: float) -> bool:
        """Return whether a voice is likely, by the last step that is known at a time; times must not go back."""
        while self._ahead and self._ahead[0][0] <= t + 1e-9:
            _, probability = self._ahead.popleft()
            self._open = probability >= self._likely - (LESS if self._open else 0.0)
        return self._open
