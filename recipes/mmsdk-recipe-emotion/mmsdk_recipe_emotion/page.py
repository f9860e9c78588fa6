"""The page one scrubs beside the video: one file, no network, the data inside."""

from __future__ import annotations

import json
import os
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import quote

from mmsdk import atomic_write
from mmsdk_recipe_emotion.affect import SOURCE
from mmsdk_recipe_emotion.card import NOTICE
from mmsdk_recipe_emotion.writing import as_json

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk_recipe_emotion.timeline import Timeline

OWN = (
    " Where a person is measured against their own windows, one who shows a single expression throughout looks more "
    "neutral than they are."
)
PLAYED = (".mp4", ".m4v", ".mov", ".webm", ".mkv")  # what browsers may play


def write_page(timeline: Timeline, path: Path, video: Path | None) -> None:
    """Write the page.

    :param video: the file, shown beside the timeline by its relative path; ``None`` of a stream.
    """
    template = Template(resources.files("mmsdk_recipe_emotion").joinpath("page.html").read_text("utf-8"))
    shown = _video(video, path) if video is not None and video.suffix.lower() in PLAYED else ""
    trouble = f"<p class='soft'>{escape(timeline.source)} {escape(timeline.trouble)}.</p>" if timeline.trouble else ""
    text = template.substitute(
        title=escape(f"Expressions in {timeline.source}"),
        notice=escape(NOTICE),
        video=shown + trouble,
        **{"with": "with" if shown else ""},
        source=escape(SOURCE),
        own=OWN if any(line.own for line in timeline.lines) else "",
        data=_inside(json.dumps(as_json(timeline), ensure_ascii=False, separators=(",", ":"))),
    )
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _video(video: Path, page: Path) -> str:
    """Return the element that plays the file; where it lies seen from the page, as an address."""
    place = os.path.relpath(video.resolve(), page.resolve().parent).replace(os.sep, "/")
    address = quote(place) if place.startswith("../") else "./" + quote(place)
    return f'<video src="{escape(address)}" controls preload="metadata" playsinline></video>'


def _inside(text: str) -> str:
    """Return JSON that may stand in a script element: no tag and no comment can begin in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
