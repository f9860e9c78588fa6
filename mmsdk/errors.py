"""Errors a user can mend: one clear sentence, no traceback, exit code 2."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN_PROBLEMS = 20
_OF_A_CELL = re.compile(r"'[^']*'|\d+")  # what a reason says of one cell alone: words of it, numbers


class MmsdkError(Exception):
    """What failed - where - what was expected or is available - what to do, in one sentence."""

    exit_code = 2


class ConfigError(MmsdkError):
    """An application file, an option or a ``--set`` value is wrong."""


class PluginError(MmsdkError):
    """A plugin, or a component that one declares, cannot be used."""


class EncoderError(MmsdkError):
    """An encoder cannot be opened, or answered with something it may not answer."""


class StoreError(MmsdkError):
    """An index or a cache on disk is refused: wrong vectors, wrong encoder, unreadable."""


class RunError(MmsdkError):
    """A run directory is missing, incomplete, or made by something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one cell of the user's data.

    ``row`` is the 1-based data row (the header is not counted), ``None`` for a whole column. Where bad rows are skipped
    the cell is taken as missing; with ``drops_row`` the row is left out.
    """

    reason: str
    row: int | None = None
    id: str | None = None
    column: str | None = None
    value: str | None = None
    drops_row: bool = False

    def __str__(self) -> str:
        """Return ``row 3 (id 'a'), column 'image', 'x.jpg': does not exist``."""
        row = f"row {self.row}" + (f" (id {self.id!r})" if self.id is not None else "") if self.row is not None else ""
        column = f"column {self.column!r}" if self.column is not None else ""
        value = (
            repr(self.value if len(self.value) < 120 else self.value[:117] + "...") if self.value is not None else ""
        )
        place = ", ".join(part for part in (row, column, value) if part)
        return f"{place}: {self.reason}" if place else self.reason


class DataError(MmsdkError):
    """The user's data is wrong; ``problems`` names every row, column and value at once."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        """Keep every problem; print up to twenty, of more one line a reason."""
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {line}" for line in listed(self.problems))]))


def listed(problems: Sequence[Problem], most: int = SHOWN_PROBLEMS) -> list[str]:
    """Return a line a problem; of more than ``most`` one line a column and reason: the first, and how many are alike.

    So a rare problem is not hidden behind many of another kind.
    """
    if len(problems) <= most:
        return [str(problem) for problem in problems]
    kinds: dict[tuple[str | None, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.column, _OF_A_CELL.sub("", problem.reason)), []).append(problem)
    lines = [f"{first}" + (f" ({len(rest):,} more like it)" if rest else "") for first, *rest in kinds.values()]
    left = sum(len(alike) for alike in list(kinds.values())[most:])
    return [*lines[:most], *([f"... and {left:,} more"] if left else [])]


def some(words: Sequence[str], most: int) -> str:
    """Return ``a, b, c, ...``: the first of many words."""
    return ", ".join([*words[:most], *(["..."] if len(words) > most else [])])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` (with its leading space), or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str], *, where: str = "", listed: str = "Installed") -> str:
    """Return the sentence for a name nobody knows: ``no encoder named 'x'. Did you mean 'y'? Installed: y, z``."""
    names = sorted(set(known))
    place = f"{where}: " if where else ""
    return f"{place}no {kind} named {name!r}.{did_you_mean(name, names)} {listed}: {', '.join(names) or 'none'}"
