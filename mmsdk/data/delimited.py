"""CSV and TSV: cells stay text, whatever they look like; a row that does not fit is named by its number."""

from __future__ import annotations

import codecs
import csv
import functools
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from mmsdk.data.thousands import is_text, thousands_mark
from mmsdk.errors import DataError, Problem
from mmsdk.progress import note

if TYPE_CHECKING:
    from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
BLOCK = 16 << 20
LARGEST_BLOCK = (1 << 31) - 1
SHOWN = 60
DECIMAL, WHOLE = r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$", r"^[+-]?\d+$"
PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
NEARLY = 0.95
ALIKE = frozenset("äöüßÄÖÜáâçéëíîóôúÁÇÉÓÚ€„“”‚‘’«»‹›–—…•§°µ·×±©®™\xa0")  # bytes of Windows-1250, -1252 and -1254 alike
ALIKE |= set("²½")  # no letters there in 1250 either, as ³ and è are: Pawe³ is Paweł
APART = re.compile(r"(?<![^\W\d_])(?:[cdkm]?m³|[à³¼¾])(?![^\W\d_])")
LETTERS = re.compile("[A-Za-zÀ-ÖØ-öø-ÿ]+")
INSIDE = re.compile("[A-Za-z][äöü]ß?[a-z]")
AT_AN_END = re.compile("[äöüÄÖÜ]?[A-Za-z]+(?:[äöü]ß?|ß[a-z]*)?")  # Öl, süß, Straße
Readings = tuple[pa.ChunkedArray, pa.ChunkedArray]  # with decimal commas, as they stand there, and with points
KANA, HIGH_HANZI = (b"\xa4", b"\xa5"), b"\xc9"  # rows of GB 2312: kana; hanzi from here on, which Korean never has


def read_delimited(path: Path, delimiter: str | None) -> tuple[pa.Table, dict[str, Readings]]:
    """Read a CSV (``delimiter=None``: the commonest of comma, semicolon, tab and bar in the header) or TSV file.

    UTF-8 with or without a byte order mark, UTF-16 with one, or the GB18030 (GBK) of Chinese Excel or the Windows-1252
    of German Excel where the bytes are plainly that, which is said. Quoted cells may hold line breaks; blank lines are
    passed over.

    :returns: the table, and both readings of each of its columns where ``37,5`` may be a number.
    :raises DataError: not such text, a header that repeats a name, or rows with too few or too many cells - all of
        them, by row.
    """
    encoding = _read_as(path)
    delimiter = delimiter or _delimiter(path, encoding)
    header = _header(path, encoding, delimiter)
    block = BLOCK
    while True:
        try:
            columns, ragged = _parse(path, encoding, delimiter, len(header), block=block)
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < LARGEST_BLOCK:
                block = min(block * 16, LARGEST_BLOCK)  # one row is longer than a block
                continue
            raise DataError(f"cannot read {path}: {' '.join(str(error).split())}") from None
        if ragged:
            raise DataError(f"{path} has rows that do not fit its header of {len(header)} columns", ragged)
        columns = columns.rename_columns(header)
        return _with_points(columns) if delimiter == ";" else (columns, {})


def _with_points(table: pa.Table) -> tuple[pa.Table, dict[str, Readings]]:
    """Return a table whose columns of numbers have decimal points, where they had commas, and both readings of each.

    Semicolons stand between cells where the comma is the decimal mark, as programs write tables in most of Europe. Only
    columns of which nearly all cells are such numbers are changed, so that neither words nor lists of ids are. Of a few
    rows that is a guess: who knows what the column holds (a run that learned from it) takes the other reading.
    """
    readings = {}
    for place, name in enumerate(table.column_names):
        if thousands_mark(table.column(place)):
            continue  # read with its thousands, as in any other table
        cells = pc.utf8_trim_whitespace(table.column(place))
        commas = pc.match_substring_regex(cells, DECIMAL)
        numbers = pc.sum(pc.or_(commas, pc.match_substring_regex(cells, WHOLE))).as_py() or 0
        filled = pc.sum(pc.not_equal(cells, "")).as_py() or 0
        if pc.any(commas).as_py():
            points = pc.if_else(commas, pc.replace_substring(cells, ",", "."), table.column(place))
            readings[name] = (table.column(place), points)
            if numbers >= NEARLY * filled:
                table = table.set_column(place, name, points)
    return table, readings


def holds_numbers(column: pa.ChunkedArray) -> bool:
    """Return whether nearly all filled cells of a column are numbers with a decimal point, or whole ones."""
    kind = column.type
    if not is_text(kind):
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
    cells = pc.utf8_trim_whitespace(column)
    filled = pc.sum(pc.not_equal(cells, "")).as_py() or 0
    return bool(filled and (pc.sum(pc.match_substring_regex(cells, PLAIN)).as_py() or 0) >= NEARLY * filled)


def _parse(path: Path, encoding: str, delimiter: str, width: int, *, block: int) -> tuple[pa.Table, list[Problem]]:
    """Parse the whole file as text, with the rows that do not fit; one thread, else pyarrow does not number rows."""
    ragged: list[Problem] = []

    def note(row: Any) -> str:
        ragged.append(_misfit(row))
        return "skip"

    places = [f"c{place}" for place in range(width)]
    convert = pv.ConvertOptions(
        column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    columns = pv.read_csv(
        path,
        read_options=pv.ReadOptions(use_threads=False, block_size=block, encoding=encoding, column_names=places),
        parse_options=pv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note),
        convert_options=convert,
    )
    return columns.slice(1), ragged


def _misfit(row: Any) -> Problem:
    """Return what is wrong with a row of too few or too many cells."""
    cells = f"{row.actual_columns} cell{'' if row.actual_columns == 1 else 's'}"
    hint = "; is a quote left open?" if row.text.count('"') % 2 else ""
    return Problem(
        row=row.number - 1,
        value=row.text[:SHOWN],
        reason=f"has {cells} where the header has {row.expected_columns}{hint}",
    )


def _read_as(path: Path) -> str:
    """Return the encoding that a file is read with; refuse one that is no text."""
    encoding = _encoding(path)
    try:
        _check_text(path, encoding)
    except DataError:
        if encoding != "utf-8":
            raise
        if _is_chinese(path):
            encoding, told = "gb18030", "GB18030 (GBK), as Chinese Excel writes CSV"
        elif _is_german(path):
            encoding, told = "cp1252", "Windows-1252, as German Excel writes CSV"
        else:
            raise
        _tell(path.resolve(), told)
    return encoding


def _is_german(path: Path) -> bool:
    """Return whether a file is Windows-1252, and plainly German.

    What is beyond ASCII are umlauts and other marks that the code pages of Western and Central Europe have at the same
    bytes, so that nothing is guessed at. And words have umlauts between letters of ASCII, as no two bytes of a Chinese
    mark and no letters of Greek or Russian stand: twice as many as have such marks elsewhere. An umlaut or ``ß`` that
    begins or ends a word speaks for nothing: ``Δt`` in Greek's code page is ``Ät``.
    """
    inside = other = 0
    try:
        with path.open(encoding="cp1252", newline="") as stream:
            while text := stream.read(BLOCK) + stream.readline():
                text = APART.sub("", text)
                if any(not mark.isascii() for mark in set(text) - ALIKE):
                    return False
                words = [word for word in LETTERS.findall(text) if not word.isascii()]
                found = sum(INSIDE.search(word) is not None for word in words)
                inside += found
                other += len(words) - found - sum(AT_AN_END.fullmatch(word) is not None for word in words)
    except UnicodeDecodeError:
        return False
    return inside > 0 and inside >= 2 * other


def _is_chinese(path: Path) -> bool:
    """Return whether a file is GB18030, and plainly Chinese.

    All of it decodes, nearly every character beyond ASCII is one of GB 2312, some are hanzi of its later rows, and few
    are kana. European text fails the second, Korean (EUC-KR) the third, Japanese (EUC-JP) the fourth.
    """
    try:
        with path.open(encoding="gb18030", newline="") as stream:
            beyond = "".join(mark for mark in stream.read(BLOCK) if not mark.isascii())
            while stream.read(BLOCK):
                pass
    except UnicodeDecodeError:
        return False
    leads = [bytes_[:1] for mark in beyond if (bytes_ := mark.encode("gb2312", "ignore"))]
    later, kana = sum(lead >= HIGH_HANZI for lead in leads), sum(lead in KANA for lead in leads)
    return len(leads) >= NEARLY * len(beyond) and later >= len(leads) / 10 and kana <= len(leads) / 20


@functools.cache  # a table is read more than once
def _tell(path: Path, what: str) -> None:
    """Say what a file was read as."""
    note(f"{path.name} is not UTF-8; it was read as {what}")


def _encoding(path: Path) -> str:
    """Return the encoding that the first bytes speak of; refuse what is no text at all."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    if not start.strip():
        raise DataError(f"{path} is empty; expected a header and rows")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path} is not text but a packed or binary file; save it as CSV (UTF-8) or Parquet")
    if start.count(0) > len(start) // 10:
        raise DataError(f"{path} is not text: it holds many NUL bytes; save it as CSV (UTF-8)")
    return "utf-8"


def _delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter that stands most often in the first line outside quotes; a comma where none does."""
    with _opened(path, encoding) as stream:
        line = next((line for line in stream if line.strip()), "")
    bare = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=lambda mark: (bare.count(mark), -DELIMITERS.index(mark)))


def _header(path: Path, encoding: str, delimiter: str) -> list[str]:
    """Return the names of the columns; one left empty is called by its place."""
    with _opened(path, encoding) as stream:
        try:
            first = next((row for row in csv.reader(stream, delimiter=delimiter) if row), [])
        except csv.Error as error:
            raise DataError(f"cannot read the header of {path}: {error}") from None
    return [name or f"column {place}" for place, name in enumerate(first, 1)]


def _opened(path: Path, encoding: str) -> Any:
    """Open as text, without the byte order mark."""
    return path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")


def _check_text(path: Path, encoding: str) -> None:
    """Refuse a file with a byte that does not decode, naming the line; before the parser, whose messages name none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as stream:
        chunk = stream.read(BLOCK)
        while chunk or decoder.getstate()[0]:
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise DataError(
                    f"{path} is not {encoding.upper()} text: line {line} holds the byte "
                    f"0x{error.object[error.start]:02x}; save it as UTF-8 (in Excel: 'CSV UTF-8')"
                ) from None
            chunk = stream.read(BLOCK)
