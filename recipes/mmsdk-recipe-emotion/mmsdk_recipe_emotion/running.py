"""A video file, a folder of them or a pipe to timelines on disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from mmsdk import DataError, Media, open_modality
from mmsdk_recipe_emotion.affect import affect_map
from mmsdk_recipe_emotion.page import write_page
from mmsdk_recipe_emotion.timeline import timeline_of
from mmsdk_recipe_emotion.watching import Watcher
from mmsdk_recipe_emotion.writing import write_csv, write_json, write_vtt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmsdk_recipe_emotion.reading import Reading
    from mmsdk_recipe_emotion.timeline import Timeline
    from mmsdk_recipe_emotion.transcript import Words
    from mmsdk_recipe_emotion.watching import Speech

ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".3gp", ".wmv")
SIDE = 240  # pixels of the shorter side that faces are looked for in
MANY = 10_000
PIPES = " (an MP4 cannot be read from a pipe: send it as Matroska, ffmpeg -i FILE -c copy -f matroska -)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How recordings are read.

    :param fps: frames a second that are looked at.
    :param speech: makes what tells speech, anew for each recording; by loudness where left out.
    :param affect: the user's own places of labels.
    """

    window: float
    hop: float
    fps: float
    size: int = SIDE
    speech: Callable[[], Speech] | None = None
    words: Words | None = None
    affect: Mapping[str, object] | None = None


def read_source(app: Any, source: Path | BinaryIO, name: str, plan: Plan, tell: Callable[[float], None]) -> Timeline:
    """Return the timeline of a file or a pipe. What comes before it breaks off is kept, and said.

    :param tell: called with the seconds that are done.
    :raises DataError: it is no video that is read, or nothing of it can be decoded.
    """
    modality: Any = open_modality("video", {"sampling": "fps", "fps": plan.fps, "size": plan.size}).component
    watcher = Watcher(
        app,
        window=plan.window,
        hop=plan.hop,
        speech=plan.speech() if plan.speech else None,
        words=plan.words,
        whole=True,  # what is written at the end may rest on all of it
    )
    cell = source if hasattr(source, "read") else Media(name=name, path=source)
    readings: list[Reading] = []
    trouble, told = "", time.monotonic()
    try:
        for moment in modality.moments(cell):
            readings += watcher.push(moment)
            if time.monotonic() - told > 1.0:
                tell(moment.time)
                told = time.monotonic()
    except ValueError as error:
        trouble = str(error)
    except OSError as error:
        raise DataError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from None
    readings += watcher.finish()
    if not readings:
        what = trouble or "holds neither a picture nor sound"
        raise DataError(f"{name} {what}; nothing was written for it{PIPES if hasattr(source, 'read') else ''}")
    labels = tuple(str(label) for label in app.tasks["emotion"].state()["labels"])
    places = affect_map(labels, plan.affect)
    return timeline_of(name, readings, labels, places, window=plan.window, hop=plan.hop, trouble=trouble)


def write_timeline(timeline: Timeline, folder: Path, video: Path | None) -> None:
    """Write the four files of a timeline."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(timeline, folder / "timeline.csv")
    write_json(timeline, folder / "timeline.json")
    write_vtt(timeline, folder / "timeline.vtt")
    write_page(timeline, folder / "timeline.html", video)


def videos_in(folder: Path) -> list[Path]:
    """Return the videos of a folder, by name; not of folders in it, and nothing that leads out of it.

    :raises DataError: there is none, or there are too many.
    """
    inside = folder.resolve()
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ENDINGS and path.is_file() and path.resolve().parent == inside
    )
    if not found:
        raise DataError(f"{folder} holds no video; expected files ending in {', '.join(ENDINGS)}")
    if len(found) > MANY:
        raise DataError(f"{folder} holds {len(found):,} videos, where {MANY:,} are read in one go; split it")
    return found
