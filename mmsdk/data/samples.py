"""From a table and an application to samples: ids, inputs with what is missing, parts; every problem at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsdk.data.bad_rows import bad_rows
from mmsdk.data.cells import Cells
from mmsdk.data.media import Policy, Resolver
from mmsdk.data.split import TRAIN, split_rows
from mmsdk.data.table import Table, as_id, is_empty, present
from mmsdk.errors import ConfigError, DataError, Problem, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.config import Application, InputConfig
    from mmsdk.specs import ModalitySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """One input of every row.

    :param cells: one entry a row: ``Media``, a tuple of raw values (one a column), or ``None`` where it is missing.
    :param columns: the columns of the table it is read from, patterns expanded.
    :param decode: options of reading a cell.
    """

    name: str
    modality: str
    cells: Cells
    columns: tuple[str, ...]
    decode: Mapping[str, Any] = field(default_factory=dict)

    @property
    def present(self) -> np.ndarray:
        """Return bool ``(n,)``: which rows have the input."""
        return self.cells.present


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The rows of a table as an application sees them; everything here has one entry a kept row.

    :param ids: unique text.
    :param inputs: by the name of the input, in the order of the application.
    :param table: the kept rows; task labels are its ``cells(column)``.
    :param split: object ``(n,)`` of ``"train"``, ``"val"``, ``"test"`` or ``""`` (no part).
    :param rows: int64 ``(n,)``: the 1-based row in the user's table, for messages.
    :param skipped: what was wrong with bad rows that were skipped.
    """

    ids: tuple[str, ...]
    inputs: Mapping[str, InputColumn]
    table: Table
    split: np.ndarray
    rows: np.ndarray
    skipped: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)


def read_samples(
    table: Table,
    application: Application,
    policy: Policy | None = None,
    *,
    modalities: Mapping[str, ModalitySpec] | None = None,
    partial: bool = False,
    nameless: bool = False,
    found: Sequence[Problem] = (),
) -> tuple[Samples, list[Problem]]:
    """Read a table as an application says.

    :param policy: what is allowed, and what becomes of a bad row (default: every bad row is an error).
    :param modalities: name -> spec; those that are installed where left out.
    :param partial: rows in use rather than in training. Columns of labels and of the split are not needed, an input's
        column may be missing (then the input is), the id's too (then rows are numbered), ids may repeat; the split is
        ``""`` throughout.
    :param nameless: rows without an id are numbered rather than refused: nothing is kept or looked up under it.
    :param found: cells that no input can read, with their 0-based rows.
    :returns: the samples, and the problems that ``on_bad_row="skip"`` passed over: a bad cell became a missing input, a
        row without an id that needs one, or with one that stood before, was left out.
    :raises DataError: columns are missing, or rows are bad; names row, id, column and value of each.
    :raises ConfigError: an input names a modality that is not installed, or several columns for one file.
    """
    policy = policy or Policy()
    specs = _specs(application, modalities)
    table = _with_columns(table, application, partial=partial)
    ids, kept, problems = _ids(table, application.id, unique=not partial, nameless=nameless)
    problems += [_placed(problem, np.arange(1, len(table) + 1), ids) for problem in found]
    cells = _without(table, found)
    if len(kept) < len(table) and policy.on_bad_row == "skip":
        table, cells, ids = table.take(kept), cells.take(kept), [ids[row] for row in kept]
        if not ids:
            raise DataError(f"{table.name} has no row with a usable id", problems)
    rows = kept + 1 if len(table) == len(kept) else np.arange(1, len(table) + 1)
    resolver = Resolver(table.root, policy)
    inputs = {}
    for name, entry in application.inputs.items():
        inputs[name], broken = _input(cells, name, entry, specs[name], resolver)
        problems += [_placed(problem, rows, ids) for problem in broken]
    if problems and policy.on_bad_row == "error":
        raise DataError(bad_rows(table.name, problems), problems)
    split, broken = _split(table, ids, application, partial=partial)
    problems += [_placed(problem, rows, ids) for problem in broken]
    if broken and policy.on_bad_row == "error":
        raise DataError(bad_rows(table.name, broken), problems)
    samples = Samples(ids=tuple(ids), inputs=inputs, table=table, split=split, rows=rows, skipped=tuple(problems))
    return samples, problems


def require_training(samples: Samples) -> None:
    """Check that there are rows to train on; what is only scored or predicted needs none.

    :raises DataError: no row is in the part ``train``.
    """
    if not (samples.split == TRAIN).any():
        found = ", ".join(sorted({part or "no part" for part in samples.split})) or "nothing"
        raise DataError(
            f"{samples.table.name} leaves no rows to train on: its rows are in {found}, expected 'train' too"
        )


def _specs(application: Application, modalities: Mapping[str, ModalitySpec] | None) -> dict[str, ModalitySpec]:
    """Return the modality of each input, those of the registry where none are given."""
    if modalities is None:
        from mmsdk.plugins import get_registry

        registry = get_registry()
        specs: dict[str, Any] = {n: registry.get("modality", e.modality).spec for n, e in application.inputs.items()}
        return specs
    for name, entry in application.inputs.items():
        if entry.modality not in modalities:
            raise ConfigError(unknown("modality", entry.modality, modalities, where=f"inputs.{name}"))
    return {name: modalities[entry.modality] for name, entry in application.inputs.items()}


def _with_columns(table: Table, application: Application, *, partial: bool) -> Table:
    """Return the table with every column the application needs, or say which are missing, all of them."""
    inputs = [column for entry in application.inputs.values() for column in entry.columns]
    groups = [entry.within for entry in application.inputs.values() if entry.within]
    named = [column for column in inputs if "*" not in column or column in table.names]
    if not partial:
        split = application.split
        others = [application.id, split.column, split.group, split.time, *application.evaluation.slices, *groups]
        labels = [task.column for task in application.tasks.values()]
        table.require([*(column for column in others if column), *named, *labels])
        return table
    if not any(entry.reads(name) for entry in application.inputs.values() for name in table.names):
        table.require(inputs)
    return table.with_empty_columns([*inputs, *groups])


def _ids(
    table: Table, column: str | None, *, unique: bool, nameless: bool
) -> tuple[list[str], np.ndarray, list[Problem]]:
    """Return an id a row, the 0-based rows whose id is good, and what is wrong with the others."""
    if column is None or (not unique and column not in table.names):
        return [str(row) for row in range(1, len(table) + 1)], np.arange(len(table)), []
    seen: dict[str, int] = {}
    ids: list[str] = []
    kept: list[int] = []
    problems: list[Problem] = []
    for row, cell in enumerate(table.column(column).to_pylist()):
        name = as_id(cell) if not is_empty(cell) else str(row + 1) if nameless else ""
        ids.append(name)
        if not name:
            reason = "is empty, but every row needs an id"
            problems.append(Problem(row=row + 1, column=column, reason=reason, drops_row=True))
        elif unique and name in seen:
            reason = f"stands already in row {seen[name] + 1}; ids must be unique"
            problems.append(Problem(row=row + 1, column=column, value=name, reason=reason, drops_row=True))
        else:
            seen[name] = row
            kept.append(row)
    return ids, np.array(kept, np.int64), problems


def _without(table: Table, found: Sequence[Problem]) -> Table:
    """Return a table without some of its cells."""
    columns = table.columns
    for place, name in enumerate(table.names if found else ()):
        gone = np.zeros(len(table), bool)
        gone[[one.row for one in found if one.column == name and one.row is not None]] = True
        if gone.any():
            column = columns.column(place)
            kept = pc.if_else(pa.array(gone), pa.scalar(None, column.type), column)
            columns = columns.set_column(place, name, kept)
    return replace(table, columns=columns)


def _input(
    table: Table, name: str, entry: InputConfig, spec: ModalitySpec, resolver: Resolver
) -> tuple[InputColumn, list[Problem]]:
    """Return one input of every row; of a media input every cell is checked, but none opened."""
    names = table.expand(entry.columns)
    columns = [table.column(column) for column in names]
    held = np.logical_or.reduce([present(column) for column in columns])
    problems: list[Problem] = []
    if spec.media:
        if len(names) != 1:
            raise ConfigError(
                f"inputs.{name}: {spec.name} takes one column, not {', '.join(names)}; name one, or an input each"
            )
        problems, bad = _checked(columns[0], names[0], held, resolver)
        held[bad] = False
    cells = Cells(columns, held, resolver if spec.media else None)
    return InputColumn(name=name, modality=entry.modality, cells=cells, columns=names, decode=entry.decode), problems


def _checked(column: Any, name: str, held: np.ndarray, resolver: Resolver) -> tuple[list[Problem], list[int]]:
    """Check every cell of a column of files; equal cells are looked at once."""
    problems: list[Problem] = []
    bad: list[int] = []
    reasons: dict[str, str] = {}
    for row, cell in enumerate(column.to_pylist()):
        if not held[row]:
            continue
        key = cell if isinstance(cell, str) and len(cell) < 4096 else None
        reason = reasons.get(key) if key is not None else None
        if reason is None:
            reason = _reason(cell, resolver)
            if key is not None:
                reasons[key] = reason
        if reason:
            bad.append(row)
            problems.append(Problem(row=row, column=name, value=_shown(cell), reason=reason))
    return problems, bad


def _reason(cell: Any, resolver: Resolver) -> str:
    """Return why a cell names no usable file, or an empty string."""
    try:
        resolver.resolve(cell, fetch=False)
    except ValueError as error:
        return str(error)
    return ""


def _shown(cell: Any) -> str:
    """Return a cell for a message."""
    if isinstance(cell, dict):
        return str(cell.get("path") or "bytes")
    return f"{len(cell)} bytes" if isinstance(cell, bytes) else str(cell)[:400]


def _split(
    table: Table, ids: list[str], application: Application, *, partial: bool
) -> tuple[np.ndarray, list[Problem]]:
    """Return the part of every row."""
    if partial:
        return np.full(len(table), "", dtype=object), []
    classes = [task.column for task in application.tasks.values() if task.type == "classification"]
    return split_rows(table, application.split, ids=ids, target=classes[0] if classes else None)


def _placed(problem: Problem, rows: np.ndarray, ids: list[str]) -> Problem:
    """Return a problem of a 0-based kept row with the user's row number and the id."""
    if problem.row is None:
        return problem
    row = int(rows[problem.row])
    name = ids[problem.row]
    return Problem(
        row=row,
        id=name if name and name != str(row) else None,
        column=problem.column,
        value=problem.value,
        reason=problem.reason,
    )
