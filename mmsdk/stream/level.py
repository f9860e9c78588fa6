"""How loud a room is while nobody speaks: a floor under the sound that follows it."""

from __future__ import annotations

import math

LOWEST = -70.0  # dB of full scale: no floor is lower, or the last bit of a silent line would be a voice
RISE = 0.03  # dB that the floor rises in a hop, 3 dB a second: slower than a sentence, faster than a room changes
FALL = 0.3  # the share of the way down that it takes in a hop


class Floor:
    """The level of the quietest sound around: quickly down, slowly up."""

    def __init__(self) -> None:
        self._level = math.inf

    def over(self, level: float) -> float:
        """Take the level of a hop, dB of full scale; return how much it is over the floor, dB."""
        level = max(level, LOWEST)
        if level < self._level:
            self._level = level if self._level == math.inf else self._level + FALL * (level - self._level)
        else:
            self._level += RISE
        return level - self._level
