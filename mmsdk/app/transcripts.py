"""Transcripts of tables that are kept: a sound that was written down once is not listened to again."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from mmsdk.files import atomic_write, cache_home
from mmsdk.protocols import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk.protocols import Sound

FOLDER = "transcripts"


def place_of(sound: Sound, *facts: object) -> Path:
    """Return the file of a sound's transcript; whoever deletes it loses only time.

    :param facts: what else changes the words: the model, the device, the language.
    """
    digest = hashlib.blake2b(json.dumps([*map(str, facts), sound.rate]).encode(), digest_size=20)
    digest.update(sound.samples.tobytes())
    name = digest.hexdigest()
    return cache_home() / FOLDER / name[:2] / f"{name[2:]}.json"


def recalled(place: Path) -> Transcript | None:
    """Return a kept transcript, ``None`` where there is none, or none that can be read."""
    try:
        spans = json.loads(place.read_text("utf-8"))
        return Transcript(tuple((float(start), float(end), str(text)) for start, end, text in spans))
    except (OSError, ValueError, TypeError):
        return None


def keep(place: Path, transcript: Transcript) -> None:
    """Keep a transcript; where the cache cannot be written, the next one listens again."""
    with contextlib.suppress(OSError), atomic_write(place) as partial:
        partial.write_text(json.dumps(transcript.spans, ensure_ascii=False), "utf-8")
