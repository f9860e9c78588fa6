"""A timeline as files: CSV, WebVTT and JSON."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from mmsdk import atomic_write, vtt_cue
from mmsdk_recipe_emotion.affect import SOURCE
from mmsdk_recipe_emotion.behaviour import MEASURES
from mmsdk_recipe_emotion.card import NOTICE

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk_recipe_emotion.timeline import Line, Point, Span, Timeline


def write_csv(timeline: Timeline, path: Path) -> None:
    """Write a row for each window and person; with labels beyond ASCII a byte order mark, for Excel."""
    encoding = "utf-8" if "".join(timeline.labels).isascii() else "utf-8-sig"
    header = ["person", "start", "end", "emotion", "confidence", "low", "high", "valence", "arousal", "states", "tags"]
    header += ["set", "novelty", "used", "own", *MEASURES, *(f"p_{label}" for label in timeline.labels)]
    with atomic_write(path) as partial, partial.open("w", newline="", encoding=encoding) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for line in timeline.lines:
            writer.writerows(_row(line, point, timeline.labels) for point in line.points)


def write_json(timeline: Timeline, path: Path) -> None:
    """Write everything."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(as_json(timeline), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_vtt(timeline: Timeline, path: Path) -> None:
    """Write a cue for each span of a label or a state, as captions beside the video."""
    cues = sorted(
        ((span.start, span.end, line, span) for line in timeline.lines for span in line.spans), key=lambda cue: cue[:2]
    )
    parts = ["WEBVTT", f"NOTE\n{_plain(NOTICE)}"]
    parts += [
        f"{number}\n{vtt_cue(start, end, caption(span), voice=line.name)}"
        for number, (start, end, line, span) in enumerate(cues, 1)
    ]
    with atomic_write(path) as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def as_json(timeline: Timeline) -> dict[str, Any]:
    """Return a timeline as plain values."""
    return {
        "schema_version": 1,
        "source": timeline.source,
        "seconds": round(timeline.seconds, 3),
        "window": timeline.window,
        "hop": timeline.hop,
        "labels": list(timeline.labels),
        "notice": NOTICE,
        "affect": {"source": SOURCE, "scored": False},
        "trouble": timeline.trouble,
        "lines": [
            {
                "person": line.person,
                "name": line.name,
                "own": dict(line.own),
                "measured": line.measured,
                "changes": [round(one, 3) for one in line.changes],
                "spans": [
                    {
                        "start": round(span.start, 3),
                        "end": round(span.end, 3),
                        "emotion": span.emotion,
                        "confidence": _rounded(span.confidence),
                        "states": list(span.states),
                    }
                    for span in line.spans
                ],
                "points": [_point(point) for point in line.points],
            }
            for line in timeline.lines
        ],
    }


def caption(span: Span) -> str:
    """Return a span in words."""
    sure = "" if span.confidence is None or span.emotion == "unsure" else f" {span.confidence:.0%}"
    return ", ".join(part for part in (f"{span.emotion}{sure}".strip(), *span.states) if part)


def _point(point: Point) -> dict[str, Any]:
    """Return a window as plain values."""
    reading = point.reading
    return {
        "time": round(point.time, 3),
        "start": round(reading.start, 3),
        "end": round(reading.end, 3),
        "emotion": point.emotion,
        "probabilities": {label: round(one, 4) for label, one in point.probabilities.items()},
        "raw": {label: round(one, 4) for label, one in reading.probabilities.items()},
        "band": None if point.band is None else [round(one, 4) for one in point.band],
        "valence": None if point.affect is None else round(point.affect[0], 4),
        "arousal": None if point.affect is None else round(point.affect[1], 4),
        "states": list(reading.states),
        "tags": list(reading.tags),
        "set": list(reading.prediction_set),
        "novelty": _rounded(reading.novelty),
        "used": list(reading.used),
        "own": dict(reading.own),
        "box": None if reading.box is None else list(reading.box),
        "measures": {name: round(value, 4) for name, value in reading.measures.items()},
    }


def _row(line: Line, point: Point, labels: tuple[str, ...]) -> list[Any]:
    """Return a window as cells."""
    reading = point.reading
    low, high = point.band or ("", "")
    valence, arousal = point.affect or ("", "")
    sure = max(point.probabilities.values()) if point.probabilities else ""
    cells = [line.person, reading.start, reading.end, point.emotion, sure, low, high, valence, arousal]
    cells += ["|".join(reading.states), "|".join(reading.tags), "|".join(reading.prediction_set)]
    cells += ["" if reading.novelty is None else reading.novelty, "|".join(reading.used)]
    cells += ["|".join(f"{name}:{count}" for name, count in reading.own.items())]
    cells += [reading.measures.get(name, "") for name in MEASURES]
    cells += [point.probabilities.get(label, "") for label in labels]
    return [round(cell, 4) if isinstance(cell, float) else cell for cell in cells]


def _rounded(value: float | None) -> float | None:
    """Return a number of four digits."""
    return None if value is None else round(value, 4)


def _plain(text: str) -> str:
    """Return text that a note may hold: without an arrow."""
    return " ".join(text.replace("-->", "->").split())
