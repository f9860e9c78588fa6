"""Speech to text: a column of sounds or videos becomes a column of text; a recording, what is said in it when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from mmsdk.app.device import device_of
from mmsdk.app.transcripts import keep, place_of, recalled
from mmsdk.config import load_application
from mmsdk.data import Policy, Table, bad_rows, guess_modality, read_samples, read_table
from mmsdk.embed import open_encoder, open_modality
from mmsdk.embed.batching import BATCH_BYTES, cut
from mmsdk.embed.column import reason_of
from mmsdk.errors import DataError, EncoderError, Problem
from mmsdk.progress import progress
from mmsdk.protocols import Clip, Media, Sound, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mmsdk.data import Samples
    from mmsdk.embed import OpenEncoder
    from mmsdk.progress import Progress

    Transcriber = Callable[[Sequence[Sound]], list[Transcript]]

HEARD = ("audio", "video")
BATCH = 8
NAME = "sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribed:
    """A table with what was said in it.

    :param table: every column of the table, and the new one: text, null where there is no sound or nothing was said.
    :param column: the name of the new one.
    :param said: rows in which something was said.
    :param problems: cells that could not be read, where those are passed over.
    """

    table: pa.Table
    column: str
    said: int
    problems: list[Problem]


def transcribe(
    data: Any,
    column: str,
    encoder: str,
    *,
    to: str | None = None,
    language: str | None = None,
    device: str = "auto",
    on_bad_row: Literal["error", "skip"] = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
    quiet: bool = False,
) -> Transcribed:
    """Return a table with a column of what was said in the sounds, or the videos, of another one.

    What is written down lies in the cache folder too, in plain text, so that work that was cut off goes on.

    :param data: a path, or whatever :func:`mmsdk.read_table` takes.
    :param column: paths of sounds or videos.
    :param encoder: an audio encoder that writes down what it hears: ``whisper-base``, ``transformers:DIR``.
    :param to: name of the new column; ``<column>_text`` where left out.
    :param language: as the model names it (``en``, ``zh``); the model tells by itself where left out.
    :param device: where the encoder runs; ``auto`` takes CUDA where there is one.
    :param on_bad_row, allow_outside, allow_remote, quiet: as of :func:`mmsdk.fit`.
    :raises EncoderError: the encoder cannot be opened, or writes nothing down.
    :raises DataError: no such column, it holds no sounds, the new one is there already, or cells cannot be read.
    """
    table = data if isinstance(data, Table) else read_table(data)
    name = to or f"{column}_text"
    if name in table.names:
        raise DataError(f"{table.name} has a column {name!r} already; name another one with --to")
    table.require([column])
    modality = _heard_as(table, column)
    if modality is None:
        raise DataError(f"column {column!r} of {table.name} holds no paths of sounds or videos; name one that does")
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    application = load_application({"inputs": {NAME: {"column": column, "modality": modality}}})
    samples, problems = read_samples(table, application, policy, partial=True)
    write_down = _keeping(_opened(encoder, device), language, device_of(device))
    texts: list[str | None] = [None] * len(samples)
    with progress(len(samples), f"transcribing {column}", quiet, unit="row") as bar:
        for part in cut(_sounds(samples, modality, column, problems, bar), BATCH, BATCH_BYTES):
            for (row, _), one in zip(part, write_down([sound for _, sound in part]), strict=True):
                texts[row] = one.text or None
            bar.update(len(part))
    if problems and on_bad_row == "error":
        raise DataError(bad_rows(table.name, problems), problems)
    said = sum(text is not None for text in texts)
    found = samples.table.columns.append_column(name, pa.array(texts, pa.large_string()))
    return Transcribed(table=found, column=name, said=said, problems=problems)


def transcribe_recording(path: Path, encoder: str, *, language: str | None = None, device: str = "auto") -> Transcript:
    """Return what is said in a sound or a video file, with the times.

    :raises DataError: the file cannot be read, or has no sound.
    :raises EncoderError: see :func:`transcribe`.
    """
    modality = _heard_as(read_table([{NAME: path.name}], root=path.parent), NAME)
    if modality is None:
        raise DataError(f"{path}: expected a sound or a video; of a table say which column with --column")
    write_down = open_transcriber(encoder, language=language, device=device)
    try:
        sound = sound_of(open_modality(modality, {"max_seconds": 14_400.0}).decode(Media(name=str(path), path=path)))
    except (ValueError, OSError) as error:
        raise DataError(f"{path} {reason_of(error, modality)}") from None
    if sound is None:
        raise DataError(f"{path} has no sound; expected a recording in which somebody speaks")
    return write_down([sound])[0]


def open_transcriber(encoder: str, *, language: str | None = None, device: str = "auto") -> Transcriber:
    """Return the function that writes down what is said in sounds, such as those of an event of a session.

    Nothing of it is kept.

    :param encoder: an audio encoder that writes down what it hears: ``whisper-base``, ``transformers:DIR``.
    :param language: as the model names it (``en``, ``zh``); the model tells by itself where left out.
    :param device: where the encoder runs; ``auto`` takes CUDA where there is one.
    :raises EncoderError: the encoder cannot be opened, or writes nothing down.
    """
    return _transcriber(_opened(encoder, device), language)


def _opened(encoder: str, device: str) -> OpenEncoder:
    """Open an audio encoder that writes down what it hears.

    :raises EncoderError: it cannot be opened, or writes nothing down.
    """
    opened = open_encoder(encoder, "audio", device=device_of(device))
    if not callable(getattr(opened.encoder, "transcribe", None)):
        raise EncoderError(
            f"encoder {encoder!r} (plugin {opened.origin}) writes nothing down; expected one that does, such as "
            "whisper-base of mmsdk-transformers"
        )
    return opened


def _transcriber(opened: OpenEncoder, language: str | None) -> Transcriber:
    """Return the function that writes down what is said in sounds."""

    def transcribed(sounds: Sequence[Sound]) -> list[Transcript]:
        with opened.lock:
            return list(opened.encoder.transcribe(sounds, language=language))

    return transcribed


def _keeping(opened: OpenEncoder, language: str | None, device: str) -> Transcriber:
    """Return the function that listens only to sounds that were not written down before, and keeps what it wrote."""
    write_down = _transcriber(opened, language)
    facts = (opened.fingerprint, device.partition(":")[0], language)

    def transcribed(sounds: Sequence[Sound]) -> list[Transcript]:
        places = [place_of(one, *facts) for one in sounds]
        found = [recalled(place) for place in places]
        todo = [number for number, one in enumerate(found) if one is None]
        for number, one in zip(todo, write_down([sounds[number] for number in todo]) if todo else (), strict=True):
            found[number] = one
            keep(places[number], one)
        return [one or Transcript() for one in found]

    return transcribed


def sound_of(sample: Sound | Clip | None) -> Sound | None:
    """Return the sound of a decoded sample, ``None`` where it has none."""
    return sample.sound if isinstance(sample, Clip) else sample


def _heard_as(table: Table, column: str) -> str | None:
    """Return the modality of a column of sounds or videos, ``None`` of any other."""
    try:
        modality = guess_modality(table, column)
    except DataError:
        return None
    return modality if modality in HEARD else None


def _sounds(
    samples: Samples, modality: str, column: str, problems: list[Problem], bar: Progress
) -> Iterator[tuple[int, Sound]]:
    """Yield row and sound, of those that have one; note cells that cannot be read."""
    cells, decode = samples.inputs[NAME].cells, open_modality(modality).decode
    for row in range(len(cells)):
        try:
            cell = cells[row]
            sound = None if cell is None else sound_of(decode(cell))
        except Exception as error:  # whatever a decoder says of a broken file
            problems.append(Problem(row=int(samples.rows[row]), column=column, reason=reason_of(error, modality)))
            sound = None
        if sound is None:
            bar.update(1)
        else:
            yield row, sound
