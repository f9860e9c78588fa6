"""The recipe's sections of the report: what its labels mean, how to read a video, and what must not be done with it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk_recipe_emotion.affect import SOURCE, affect_map
from mmsdk_recipe_emotion.card import NOTICE

if TYPE_CHECKING:
    from collections.abc import Iterator


def sections(app: Any) -> Iterator[tuple[str, str]]:
    """Yield the sections."""
    yield "What a label is", f"<p>{escape(NOTICE)}</p>" + _places(app)
    command = f"mmsdk emotion {app.folder.name} VIDEO --out timeline"
    yield (
        "Reading a video",
        f"<p><code>{escape(command)}</code> reads a video file, a folder of them or a stream (<code>-</code>) and "
        "writes <code>timeline.html</code>, which one scrubs beside the video, <code>timeline.csv</code>, "
        "<code>timeline.vtt</code> and <code>timeline.json</code>.</p>" + _within(app),
    )


def _within(app: Any) -> str:
    """Return what it means that a run measures people against themselves; nothing of other runs."""
    own = [name for name, entry in app.application.inputs.items() if entry.within is not None]
    if not own:
        return ""
    return (
        f"<p>{escape(', '.join(own))}: each clip was taken relative to the other clips of the same person that were "
        "given with it, so that the scores above are those of people of whom several clips are given together; a clip "
        "alone is answered less well. In a video each person is measured against their own windows (the timeline says "
        "against how many), and whoever shows one expression throughout looks more neutral than they are.</p>"
    )


def _places(app: Any) -> str:
    """Return the labels and where their words lie, as a table."""
    labels = tuple(app.tasks["emotion"].state()["labels"])
    places = affect_map(labels)
    rows = "".join(
        f"<tr><td>{escape(label)}</td>"
        + "".join(f"<td>{one:+.2f}</td>" for one in places.get(label, ()))
        + ("" if label in places else '<td colspan="2">not rated</td>')
        + "</tr>"
        for label in labels
    )
    return (
        "<table><thead><tr><th>label</th><th>valence</th><th>arousal</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><p class='soft'>Ratings of the words, from {escape(SOURCE)}. Not learned, not "
        "scored.</p>"
    )
