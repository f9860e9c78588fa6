"""The cells of one input, made when they are asked for: a hundred thousand rows cost what the table costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa

from mmsdk.data.table import is_empty

if TYPE_CHECKING:
    import numpy as np

    from mmsdk.data.media import Resolver


class Cells(Sequence[Any]):
    """One entry a row: a tuple of raw values, one a column, or a ``Media``; ``None`` where the input is missing.

    Asking for an entry of a media input resolves it (a remote one is fetched), so it may raise ``ValueError`` with the
    reason, as decoding does. Reading from several threads is safe.
    """

    def __init__(self, columns: Sequence[pa.ChunkedArray], present: np.ndarray, resolver: Resolver | None) -> None:
        """Keep the columns in one piece each, so that an entry is reached in one step.

        :param present: bool ``(n,)``: which rows have the input.
        :param resolver: resolves the one column of a media input; None where raw values are handed over.
        """
        self._columns = [_one_piece(column) for column in columns]
        self._resolver = resolver
        self.present = present

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.present)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        """Return one entry, or a list of them."""
        if isinstance(place, slice):
            return [self[row] for row in range(*place.indices(len(self)))]
        row = range(len(self))[place]
        if not self.present[row]:
            return None
        if self._resolver is not None:
            return self._resolver.resolve(self._columns[0][row].as_py())
        values = (_alone(column[row].as_py()) for column in self._columns)
        return tuple(None if is_empty(value) else value for value in values)


def _alone(value: Any) -> Any:
    """Return a raw value as it was before it stood in a column with files (``{bytes, path}``)."""
    if isinstance(value, dict) and set(value) == {"bytes", "path"}:
        return value["path"] if value["bytes"] is None else value["bytes"]
    return value


def _one_piece(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
