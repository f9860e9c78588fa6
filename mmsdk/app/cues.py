"""What is said or shown when, as cues: WebVTT, and plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.files import atomic_write, check_output

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk.protocols import Transcript

CUES = (".vtt", ".txt")


def vtt_cue(start: float, end: float, text: str, *, voice: str = "") -> str:
    """Return a cue of WebVTT: the line of its times and one line of text, in which nothing is read as markup.

    :param start: seconds; what lies before the beginning is taken for it.
    :param voice: who says it.
    """
    said = f"<v {_escaped(voice)}>" if voice else ""
    return f"{_clock(start)} --> {_clock(end)}\n{said}{_escaped(text)}"


def write_cues(path: Path, transcript: Transcript) -> None:
    """Write a transcript as WebVTT, or as plain text, a line a cue; whole or not at all.

    :raises ConfigError: another ending than ``.vtt`` or ``.txt``.
    """
    check_output(path, CUES)
    if path.suffix == ".vtt":
        content = "\n\n".join(["WEBVTT", *(vtt_cue(*span) for span in transcript.spans)]) + "\n"
    else:
        content = "".join(f"{text}\n" for _, _, text in transcript.spans)
    with atomic_write(path) as partial:
        partial.write_text(content, encoding="utf-8")


def _clock(seconds: float) -> str:
    """Return a time as WebVTT writes it: ``00:01:02.345``."""
    milli = max(round(seconds * 1000), 0)
    return f"{milli // 3_600_000:02}:{milli // 60_000 % 60:02}:{milli // 1000 % 60:02}.{milli % 1000:03}"


def _escaped(text: str) -> str:
    """Return text that WebVTT reads as text, on one line."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
