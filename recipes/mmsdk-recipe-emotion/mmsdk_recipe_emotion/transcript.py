"""What was said when: WebVTT and SubRip files."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmsdk import DataError

if TYPE_CHECKING:
    from pathlib import Path

TIMES = re.compile(
    r"(?:(\d+):)?(\d\d?):(\d\d)[.,](\d{3})[ \t]+-->[ \t]+(?:(\d+):)?(\d\d?):(\d\d)[.,](\d{3})(?:[ \t].*)?"
)
TAG = re.compile(r"<[^>]*>")
MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Words:
    """Cues: start, end, text."""

    cues: tuple[tuple[float, float, str], ...]

    def between(self, start: float, end: float) -> str | None:
        """Return what is said in a stretch, ``None`` where nothing is."""
        said = " ".join(text for first, last, text in self.cues if first < end and last > start)
        return said or None


def read_transcript(path: Path) -> Words:
    """Read a WebVTT or SubRip file.

    :raises DataError: there is none, it is too large, or it holds no cue.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} has more than {MOST_BYTES >> 20} MB, which no transcript has; give a .vtt or .srt")
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    cues = tuple(_cues(text.replace("\r\n", "\n").replace("\r", "\n")))
    if not cues:
        raise DataError(f"{path} holds no cue such as '00:01.000 --> 00:02.500'; give a WebVTT or SubRip file")
    return Words(cues)


def _cues(text: str) -> list[tuple[float, float, str]]:
    """Return the cues of a file in order."""
    found = []
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip().split("\n")
        for place, line in enumerate(lines[:2]):
            if times := TIMES.fullmatch(line.strip()):
                words = html.unescape(TAG.sub("", " ".join(lines[place + 1 :]))).strip()
                start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
                if words and end > start:
                    found.append((start, end, words))
                break
    return sorted(found)


def _seconds(parts: tuple[str | None, ...]) -> float:
    """Return hours, minutes, seconds, milliseconds as seconds."""
    hours, minutes, seconds, milli = (int(part or 0) for part in parts)
    return 3600 * hours + 60 * minutes + seconds + milli / 1000
