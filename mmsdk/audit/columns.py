"""What can be said of columns and cells alone: missing, broken, constant, and rows that stand twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.audit.finding import Finding, Severity
from mmsdk.data import skipped_rows
from mmsdk.embed.reporting import told
from mmsdk.errors import listed, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmsdk.data import Samples
    from mmsdk.embed import EmbedStats
    from mmsdk.errors import Problem

SHOWN = 3


def audit_columns(samples: Samples, problems: Sequence[Problem] = ()) -> Iterator[Finding]:
    """Yield what is broken, missing and constant, and the rows that repeat another.

    :param problems: cells that were taken as missing and rows that were left out (``--on-bad-row skip``).
    """
    yield _broken(problems)
    for name in samples.inputs:
        yield from _missing(samples, name)
    yield from _constant(samples)
    yield from _repeated(samples)


def audit_reports(stats: EmbedStats) -> Iterator[Finding]:
    """Yield what modalities and encoders counted: texts that were cut, frames without a face, burnt-in text."""
    for name, one in stats.inputs.items():
        if words := told(one.report):
            title = f"{name}: {', '.join(words)}"
            yield Finding(severity="note", code="reported", title=title, detail="of what was encoded anew for this run")


def _broken(problems: Sequence[Problem]) -> Finding:
    """Return what became of cells and rows that could not be used."""
    if not problems:
        return Finding(severity="ok", code="broken", title="no broken or missing files and no unusable cells")
    detail = "; ".join(listed(problems, SHOWN))
    return Finding(severity="warning", code="broken", title=skipped_rows(problems), detail=detail)


def _missing(samples: Samples, name: str) -> Iterator[Finding]:
    """Yield a line where an input is missing in some rows."""
    present = samples.inputs[name].present  # asking for the cells would resolve every file again
    missing = int((~present).sum())
    if missing:
        share = 100 * missing / len(present)
        severity: Severity = "warning" if missing == len(present) else "note"
        yield Finding(severity=severity, code="missing", title=f"{name} is missing in {missing} rows ({share:.1f} %)")


def _constant(samples: Samples) -> Iterator[Finding]:
    """Yield the columns that are empty, and those that say the same in every row."""
    table = samples.table
    if len(table) < 2:
        return
    empty = [name for name in table.names if not table.present(name).any()]
    same = [name for name in table.names if len({str(cell) for cell in table.cells(name)}) == 1 and name not in empty]
    for code, columns, one, many in (
        ("empty", empty, "column is empty", "columns are empty"),
        ("constant", same, "column says the same in every row", "columns say the same in every row"),
    ):
        if columns:
            title = f"{len(columns)} {one if len(columns) == 1 else many}"
            yield Finding(severity="note", code=code, title=title, detail=", ".join(columns))


def _repeated(samples: Samples) -> Iterator[Finding]:
    """Yield how many rows repeat an earlier one whole: a warning where that stands on another side of the split."""
    table = samples.table
    keys = np.zeros(len(table), np.uint64)
    for name in table.names:
        keys = keys * np.uint64(1_000_003) + np.array([hash(str(cell)) for cell in table.cells(name)]).astype(np.uint64)
        _, first, code = np.unique(keys, return_index=True, return_inverse=True)
        if len(first) == len(table):
            return  # no two rows agree so far
    found = [(row, earlier) for row, earlier in enumerate(first[code].tolist()) if row != earlier]
    cut = sum(samples.split[row] != samples.split[earlier] for row, earlier in found)
    told = [f"row {samples.rows[row]} = row {samples.rows[earlier]}" for row, earlier in found[: SHOWN + 1]]
    detail = some(told, SHOWN)
    sides = f"; {cut} of them on another side of the split" if cut else ""
    title = f"{len(found)} {'row repeats' if len(found) == 1 else 'rows repeat'} an earlier one in every column{sides}"
    severity: Severity = "warning" if cut else "note"
    yield Finding(severity=severity, code="repeated-rows", title=title, detail=detail)
