"""What a column looks like: how full, how varied, and which modality its cells fit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsdk.data.media import Policy, Resolver
from mmsdk.data.numbers import SIGNS, advice_on, units_of, without_groups, without_units
from mmsdk.data.table import Table, plain_number
from mmsdk.data.times import seconds_of
from mmsdk.errors import some

if TYPE_CHECKING:
    from mmsdk.specs import ModalitySpec

SAMPLE = 200
FITS = 0.9  # the share of cells that must have a file's ending for the column to hold files
WORDS = 3  # that a comment lists
LOWEST = 0.2  # below this no modality is said to fit
KINDS = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    "audio": (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"),
    "video": (".mp4", ".mov", ".avi", ".mkv", ".webm"),
    "array": (".npy", ".npz", ".csv", ".json", ".pdf"),
}
IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
Guess = Callable[[Sequence[Any]], float]


@dataclass(frozen=True)
class Profile:
    """One column, looked at.

    :param present: bool ``(n,)``: which cells hold something.
    :param codes: int64 ``(n,)``: equal cells have equal numbers, from 0; ``-1`` for an empty cell.
    :param sample: at most 200 of the cells that hold something, evenly spread.
    :param measured: whether a sign says that its numbers are amounts: prices, percents, degrees, years of age.
    """

    name: str
    present: np.ndarray
    codes: np.ndarray
    sample: tuple[Any, ...]
    measured: bool = False

    @cached_property
    def filled(self) -> int:
        """Return how many cells hold something."""
        return int(self.present.sum())

    @cached_property
    def distinct(self) -> int:
        """Return how many different values there are."""
        return int(self.codes.max(initial=-1)) + 1

    @cached_property
    def unique(self) -> bool:
        """Return whether every row has a value of its own."""
        return self.filled == len(self.present) == self.distinct

    @cached_property
    def dated(self) -> bool:
        """Return whether the cells are dates, which may well differ in every row."""
        return _date_fit(self.sample) > 0.9

    @cached_property
    def numeric(self) -> bool:
        """Return whether every cell looked at is a number; codes such as ``007`` are none."""
        return bool(self.sample) and all(_number(cell) is not None for cell in self.sample)

    @cached_property
    def whole(self) -> bool:
        """Return whether every cell looked at is a whole number."""
        return self.numeric and all(float(_number(cell) or 0).is_integer() for cell in self.sample)

    @cached_property
    def words(self) -> float:
        """Return how many words a cell has on average; three characters of Chinese, which parts none, are one."""
        return sum(map(_word_count, map(str, self.sample))) / max(len(self.sample), 1)

    @cached_property
    def length(self) -> float:
        """Return how many characters a cell has on average."""
        return sum(len(str(cell)) for cell in self.sample) / max(len(self.sample), 1)


def profile(table: Table, name: str) -> Profile:
    """Look at one column, with its numbers as they are read: ``59岁`` as 59 where that is certain."""
    column = table.column(name)
    units = units_of(column)
    plain = without_units(column, units)[0] if units else column
    column = without_groups(plain)[0] if plain is not column else column
    held = table.present(name)
    rows = np.flatnonzero(held)
    picked = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)] if len(rows) else rows
    sample = tuple(column.take(pa.array(picked, pa.int64())).to_pylist())
    measured = not SIGNS.isdisjoint(units[:1])
    return Profile(name=name, present=held, codes=_codes(column, held), sample=sample, measured=measured)


def _codes(column: pa.ChunkedArray, held: np.ndarray) -> np.ndarray:
    """Return a number a distinct value; a list or a dict counts as different from every other."""
    codes = np.full(len(column), -1, np.int64)
    if pa.types.is_nested(column.type):
        codes[held] = np.arange(held.sum())
        return codes
    kept = pc.filter(column, pa.array(held))
    encoded = kept.combine_chunks().dictionary_encode()
    codes[held] = np.asarray((encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded).indices)
    return codes


def first_repeat(found: Profile) -> tuple[int, int]:
    """Return the first 0-based row of a full column whose value stands in an earlier row, and that row."""
    _, first, code = np.unique(found.codes, return_index=True, return_inverse=True)
    row = int(np.flatnonzero(first[code] != np.arange(len(code)))[0])
    return row, int(first[code[row]])


def determines(one: Profile, other: Profile) -> bool:
    """Return whether equal values of ``one`` always go with equal values of ``other``, and often enough to tell.

    A column of few values is judged on rows whose value repeats, where the other column is not nearly constant: long
    texts of one patient repeat too, and a laboratory value of ten rows says nothing.
    """
    both = one.present & other.present
    left, right = one.codes[both], other.codes[both]
    pairs = len(np.unique(left * (other.distinct + 1) + right))
    lefts, rights = len(np.unique(left)), len(np.unique(right))
    if pairs != lefts or rights < 2:
        return False
    repeated = len(left) - lefts
    if lefts == rights:
        return repeated >= 4
    commonest = int(np.bincount(right).max())
    return lefts <= len(left) / 3 and repeated >= 20 and commonest <= 0.9 * len(left)


def file_kind(found: Profile, modalities: Mapping[str, ModalitySpec]) -> tuple[str, str] | None:
    """Return ``(modality, ending)`` of a column of files; ``("", kind)`` where nothing installed reads them."""
    texts = [cell for cell in found.sample if isinstance(cell, str)]
    if len(texts) < len(found.sample) or not texts:
        return _held_files(found, modalities)
    for name, spec in modalities.items():
        if spec.media and _share(texts, spec.extensions, f"data:{name}/") >= FITS:
            return name, _ending(texts[0])
    for kind, endings in KINDS.items():
        if _share(texts, endings, f"data:{kind}/") >= FITS:
            return "", f"{kind} files ({_ending(texts[0])})"
    return None


def _held_files(found: Profile, modalities: Mapping[str, ModalitySpec]) -> tuple[str, str] | None:
    """Return the modality of files that the cells themselves hold, as Hugging Face keeps pictures."""
    held = [c for c in found.sample if isinstance(c, bytes) or (isinstance(c, dict) and "bytes" in c)]
    if not held or len(held) < len(found.sample):
        return None
    data = held[0] if isinstance(held[0], bytes) else held[0]["bytes"] or b""
    pictures = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF")
    if data.startswith(pictures) and "image" in modalities and data[8:12] != b"WAVE":
        return "image", "the bytes of pictures"
    return "", "bytes"


def _share(texts: Sequence[str], endings: Sequence[str], prefix: str) -> float:
    """Return how many of the cells end as files of a kind do, or are ``data:`` URLs of it."""
    if not endings:
        return 0.0
    fitting = sum(
        text.lower().strip().endswith(tuple(endings)) or text[:40].lower().startswith(prefix) for text in texts
    )
    return fitting / len(texts)


def _ending(text: str) -> str:
    """Return the ending of a file name, or what a ``data:`` URL says it is."""
    return text.partition(";")[0] if text[:5] == "data:" else "." + text.strip().rpartition(".")[2].lower()


def files_there(found: Profile, table: Table) -> bool:
    """Return whether any of the first files that a column names lies where it says."""
    resolver = Resolver(table.root, Policy(allow_outside=True, allow_remote=True))
    for cell in found.sample[:20]:
        try:
            resolver.resolve(cell, fetch=False)
        except ValueError:
            continue
        return True
    return False


def folders_there(found: Profile, table: Table) -> bool:
    """Return whether the first cells of a column are the names of folders that are there.

    A category may be too: the pictures of ``species`` lie in ``cat``, ``dog`` and ``bird``. So bare names that repeat
    are none.
    """
    root = table.root or Path()
    bare = not any(re.search(r"[/\\]", str(cell)) for cell in found.sample[:5])
    if bare and found.distinct < FITS * found.filled:
        return False
    return all(
        isinstance(cell, str) and os.path.isdir(root / cell)  # noqa: PTH112 - Path.is_dir raises where a cell is long
        for cell in found.sample[:5]
    )


def best_modality(found: Profile, guesses: Mapping[str, Guess]) -> str | None:
    """Return the modality that fits the cells best, or None where none does."""
    scores = {name: _fit(guess, found.sample) for name, guess in guesses.items()}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= LOWEST else None


def _fit(guess: Guess, sample: Sequence[Any]) -> float:
    """Return how well cells fit; a plugin's guess that raises is no fit, not the end of the inspection."""
    try:
        return float(guess(sample))
    except Exception:  # whatever it raises, it is another's code on the user's cells
        return 0.0


def guesses_of(modalities: Mapping[str, ModalitySpec]) -> dict[str, Guess]:
    """Return how well cells fit, by modality: the plugin's own ``guess``, else ours for the names of the core."""
    found: dict[str, Guess] = {}
    for name, spec in modalities.items():
        if spec.media:
            continue
        own = _own_guess(spec)
        if own is not None:
            found[name] = own
        elif name in OURS:
            found[name] = OURS[name]
    return found


def _own_guess(spec: ModalitySpec) -> Guess | None:
    """Return the ``guess`` of a modality's class; a plugin that cannot be loaded guesses nothing."""
    if not spec.target:
        return None
    from mmsdk.plugins import resolve

    try:
        modality = resolve(spec.target)()
    except Exception:  # importing a plugin runs its code; `mmsdk plugins list` says what is wrong with it
        return None
    guess = getattr(modality, "guess", None)
    return guess if callable(guess) else None


def _number(cell: Any) -> float | None:
    """Return a cell as a number, or None."""
    if isinstance(cell, str):
        return plain_number(cell)
    return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def odd_numbers(sample: Sequence[Any]) -> str:
    """Return what keeps cells from being numbers, of which at least half look like some; nothing of others."""
    texts = [cell for cell in sample if isinstance(cell, str) and _number(cell) is None]
    advice = {cell: told for cell in texts if (told := advice_on(cell))}
    words = [cell for cell in texts if not any(map(str.isdigit, cell))]
    if not texts or 2 * (len(texts) - sum(cell in advice for cell in texts)) > len(sample):
        return ""
    if advice:
        return f"{next(iter(advice))!r}: {next(iter(advice.values()))}"
    told = some([*map(repr, dict.fromkeys(words))], WORDS)
    return f"numbers but for {told}: empty those cells and take number" if len(words) == len(texts) else ""


def _repeats(values: Sequence[Any]) -> float:
    """Return how much the values repeat: 0 where all differ, near 1 where few values make up the column."""
    return 1.0 - len({str(value) for value in values}) / len(values) if values else 0.0


def _number_fit(values: Sequence[Any]) -> float:
    """Return the share of numbers, less where few values repeat."""
    share = sum(_number(value) is not None for value in values) / max(len(values), 1)
    return share * (0.9 if _repeats(values) < 0.5 or len(values) < 10 else 0.6)


def _category_fit(values: Sequence[Any]) -> float:
    """Return how much short values repeat."""
    return 0.0 if any(isinstance(v, list | dict) or len(str(v)) > 60 for v in values) else 0.85 * _repeats(values)


def _date_fit(values: Sequence[Any]) -> float:
    """Return the share of dates."""
    return sum(_is_date(value) for value in values) / max(len(values), 1)


def _word_count(text: str) -> float:
    """Return how many words a text has, about."""
    return sum(max(1.0, len(IDEOGRAPHS.findall(part)) / 3) for part in text.split())


def _is_date(value: Any) -> bool:
    """Return whether a cell is text that begins as a date and is one."""
    if not isinstance(value, str) or not re.match(r"\s*\d{4}[-/.年]\d", value):
        return False
    try:
        seconds_of(value)
    except ValueError:
        return False
    return True


def _vector_fit(values: Sequence[Any]) -> float:
    """Return the share of lists."""
    return sum(isinstance(value, list) and len(value) > 1 for value in values) / max(len(values), 1)


def _text_fit(values: Sequence[Any]) -> float:
    """Return the share of cells of several words, or how little single words repeat."""
    texts = [value for value in values if isinstance(value, str) and any(map(str.isalpha, value))]
    if not texts:
        return 0.0
    several = sum(_word_count(text) > 2 or len(text) > 40 for text in texts) / len(values)
    return max(several, 0.5 * len(set(texts)) / len(values))


OURS: dict[str, Guess] = {
    "number": _number_fit,
    "category": _category_fit,
    "date": _date_fit,
    "vector": _vector_fit,
    "text": _text_fit,
}
