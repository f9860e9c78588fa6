"""A stranger's table: yours under other names, some files broken, some cells empty, the same each time."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

NAMES = ("Feld Ä", "col-7", "列", "n°", "x (2)", "Größe/Maß", 'the "other"', "Δ", "misc.", "a;b")
NOT_MEDIA = b"this is neither a picture nor a sound\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """What :func:`make_stranger` wrote.

    :param path: the table.
    :param columns: the name that each column had, and the one it has now.
    :param broken: the media cells whose files are broken now, as they stand in the table.
    :param emptied: how many cells were emptied.
    """

    path: Path
    columns: Mapping[str, str]
    broken: tuple[str, ...]
    emptied: int


def make_stranger(
    table: str | Path,
    out: str | Path,
    *,
    media: Iterable[str] = (),
    keep: Iterable[str] = (),
    broken: float = 0.03,
    empty: float = 0.2,
    seed: int = 0,
) -> Stranger:
    """Write a table as somebody else would have it: a recipe that reads it reads most of what it will meet.

    Every column gets another name, of letters, signs and spaces that files in use do hold. The files of media columns
    are copied beside the table under other names; of each such column a share is broken, in turn cut short, empty, and
    text under the ending of a picture. A share of the cells is emptied.

    :param table: whatever :func:`mmsdk.read_table` reads; media cells are paths relative to it.
    :param out: the file to write: ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``. Its folder is made.
    :param media: columns whose cells name files.
    :param keep: columns whose cells stay as they are, such as ids and answers; they are renamed all the same.
    :param broken: the share of the files of a media column, one at the least; 0 for none.
    :param empty: the share of the cells of every column that is not kept.
    :param seed: the same seed, the same bytes.
    :raises DataError: a column that is not there, or a file that is not.
    """
    from mmsdk.data import read_table

    found, out = read_table(table), Path(out)
    media, keep = list(media), set(keep)
    found.require([*media, *keep])
    writer = _WRITERS.get(out.suffix)
    if writer is None:
        raise DataError(f"{out.name}: expected an ending of {', '.join(_WRITERS)}")
    draw = random.Random(seed)  # noqa: S311 - the same table each time is the point
    columns = {name: _strange(place) for place, name in enumerate(found.names)}
    cells = {name: found.cells(name) for name in found.names}
    emptied = sum(_empty(cells[name], empty, draw) for name in found.names if name not in keep)
    out.parent.mkdir(parents=True, exist_ok=True)
    damaged: list[str] = []
    for name in media:
        copied = _copy(cells[name], found.root or Path(), out.parent, f"files {found.names.index(name)}")
        damaged += _break(copied, out.parent, broken, draw)
    rows = zip(*cells.values(), strict=True)
    writer(out, list(columns.values()), [list(row) for row in rows])
    return Stranger(path=out, columns=columns, broken=tuple(damaged), emptied=emptied)


def _strange(place: int) -> str:
    """Return the name of a column by its place."""
    turn, which = divmod(place, len(NAMES))
    return NAMES[which] if turn == 0 else f"{NAMES[which]} {turn + 1}"


def _empty(cells: list[Any], share: float, draw: random.Random) -> int:
    """Empty a share of the cells that hold something, in place; return how many."""
    full = [row for row, cell in enumerate(cells) if cell is not None]
    chosen = draw.sample(full, round(share * len(full)))
    for row in chosen:
        cells[row] = None
    return len(chosen)


def _copy(cells: list[Any], root: Path, folder: Path, within: str) -> list[str]:
    """Copy the files of a column under other names, put those into the cells, and return them."""
    copied: dict[str, str] = {}
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if cell not in copied:
            source = root / str(cell)
            if not source.is_file():
                raise DataError(f"row {row + 1} names {cell!r}, and there is no such file beside the table")
            copied[cell] = f"{within}/{len(copied):04d}{source.suffix.upper()}"
            target = folder / copied[cell]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(source.read_bytes())
        cells[row] = copied[cell]
    return list(copied.values())


def _break(files: Sequence[str], folder: Path, share: float, draw: random.Random) -> list[str]:
    """Break a share of some files, each in another way, and return them."""
    count = min(len(files), max(1, round(share * len(files)))) if share > 0 else 0
    chosen = sorted(draw.sample(list(files), count))
    for number, name in enumerate(chosen):
        path = folder / name
        whole = path.read_bytes()
        path.write_bytes((whole[: len(whole) // 3], b"", NOT_MEDIA)[number % 3])
    return chosen


def _write_separated(out: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write CSV, or TSV by the ending."""
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t" if out.suffix == ".tsv" else ",")
        writer.writerow(names)
        writer.writerows(rows)


def _write_lines(out: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write an object a line."""
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_parquet(out: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    parquet.write_table(pa.table({name: list(cells) for name, cells in zip(names, columns, strict=True)}), out)


_WRITERS: dict[str, Callable[[Path, Sequence[str], Sequence[Sequence[Any]]], None]] = {
    ".csv": _write_separated,
    ".tsv": _write_separated,
    ".jsonl": _write_lines,
    ".parquet": _write_parquet,
}
