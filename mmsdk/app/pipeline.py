"""Rows to samples to embeddings to fused vectors: the same steps when fitting and in use."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mmsdk.app.amounts import amounts_of, read_amounts, unread_amounts
from mmsdk.app.decodable import undecodable
from mmsdk.app.device import head_device
from mmsdk.app.joint import is_joint
from mmsdk.data import (
    Policy,
    Samples,
    Table,
    at_the_door,
    bad_rows,
    holds_numbers,
    read_samples,
    read_table,
    skipped_rows,
)
from mmsdk.embed import Embedder, EmbeddingCache, Embeddings, OpenEncoder
from mmsdk.embed.decoded import embed_decoded
from mmsdk.embed.vectors import VectorRows
from mmsdk.embed.within import Usual, relative, usual_of
from mmsdk.errors import DataError, Problem, did_you_mean, some, unknown
from mmsdk.model import JointNet, Stem, build_net, infer, load_fusion, load_trainable, member_width
from mmsdk.plugins import get_registry
from mmsdk.progress import note
from mmsdk.rules import RuleBook, open_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mmsdk.align import SpaceMap
    from mmsdk.config import Application
    from mmsdk.protocols import Task

MAPPED_ROWS = 8192  # aligned at once
NAMED = 3  # columns that a message lists
QUERY_ROWS = 8  # so few rows are a query, not a collection: looking it up would cost more than it saves


@dataclass(kw_only=True)
class Pipeline:
    """The fixed part of an application: its inputs, their opened encoders, and how cells are read.

    :param device: where the encoders are.
    :param auto: nobody named that device, so that the head may be elsewhere.
    :param net: the joint network, once it is fitted.
    :param in_use: the application with inputs that only a query has (a text, where the rows are pictures).
    :param usual: input -> mean and spread of the training rows, of inputs with a ``within``.
    :param maps: input -> its way into the common space, of inputs that are aligned, once that is learned.
    :param columns: of the table the application was fitted on; rows in use may carry them all.
    :param numbers: of these columns, whether they held numbers then; of ``1,119.60``, what stood between the thousands.
    :param listed: those whose cells were lists then; ``None`` of runs that did not note it.
    :param units: of the columns that held numbers then and are read as such, the units these may have, their own first;
        ``None`` until that is learned.
    :param rules: what is known for certain about the answers.
    :param told: what was said already of tables in use, so that a service says it once.
    """

    application: Application
    encoders: Mapping[str, OpenEncoder]
    device: str
    policy: Policy
    quiet: bool = False
    auto: bool = False
    net: JointNet | None = None
    in_use: Application | None = None
    usual: dict[str, Usual] = field(default_factory=dict)
    maps: Mapping[str, SpaceMap] = field(default_factory=dict)
    columns: Sequence[str] = ()
    numbers: Mapping[str, bool | str] = field(default_factory=dict)
    listed: Sequence[str] | None = None
    units: Mapping[str, Sequence[str]] | None = None
    rules: RuleBook = field(default_factory=lambda: RuleBook(()))
    told: set[str] = field(default_factory=set)
    _opened_cache: EmbeddingCache | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(
        self, data: Any, *, root: Path | None = None, partial: bool, nameless: bool = False
    ) -> tuple[Samples, list[Problem]]:
        """Read a table, or rows keyed by input name or by column, into samples.

        :param partial: rows in use: labels are not needed, any input may be missing.
        :param nameless: rows without an id are numbered.
        """
        application = self.application if self.in_use is None or not partial else self.in_use
        table = self.table(data, root=root, known_only=partial)
        units = amounts_of(table, application) if self.units is None else self.units
        amounts = read_amounts(table, units)
        for told in amounts.told:
            self._tell(told)
        table = amounts.table.with_points(self.numbers)
        ruled = {column for rule in self.rules.rules for column in rule.columns}
        problems = list(unread_amounts(replace(amounts, table=table), application, ruled, self.numbers))
        table = at_the_door(table, self.application.privacy)
        problems += [] if partial else undecodable(table, application)
        return read_samples(table, application, self.policy, partial=partial, nameless=nameless, found=problems)

    def read_to_learn(self, data: Any) -> tuple[Samples, list[Problem]]:
        """Read labelled rows, and settle by them which columns there are and what patterns of columns stand for.

        In use a table may lack some of those columns or have further ones: the inputs are read from the same as here.
        """
        table = self.table(data, known_only=False)
        self.units = amounts_of(table, self.application)
        samples, problems = self.read(table, partial=False)
        self.columns = samples.table.names
        table = samples.table
        self.numbers = {name: table.marks.get(name) or holds_numbers(table.column(name)) for name in self.columns}
        self.listed = [name for name in self.columns if pa.types.is_list(table.column(name).type)]
        inputs = {
            name: entry.model_copy(update={"column": list(samples.inputs[name].columns)}) if entry.patterns else entry
            for name, entry in self.application.inputs.items()
        }
        self.application = self.application.model_copy(update={"inputs": inputs})
        return samples, problems

    def table(self, data: Any, *, root: Path | None = None, known_only: bool = True) -> Table:
        """Return the rows as a table of the application's columns.

        :param known_only: refuse a key of a dict that is neither an input nor a column, which in use is a mistake.
        """
        if isinstance(data, Table):
            return data
        if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
            data = self._by_column(data, known_only=known_only)
            if known_only and self.listed is not None:
                self._without_lists(data, self._texts() - set(self.listed))
            if known_only and not any(data):  # rows of which nothing is given are rows all the same
                data = [dict.fromkeys(entry.columns[0] for entry in self.application.inputs.values())] * len(data)
            return read_table(data, root=root)
        table = read_table(data, root=root)
        if known_only:
            self._tell_absent(table)
        return table

    def _texts(self) -> set[str]:
        """Return the columns that texts are read from."""
        inputs = (self.in_use or self.application).inputs.values()
        return {column for entry in inputs if entry.kind == "text" for column in entry.columns}

    def _without_lists(self, rows: Sequence[dict[str, Any]], texts: set[str]) -> None:
        """Refuse several texts where one is read, which would be joined in silence; or take them for missing.

        :param texts: columns of texts that held no lists in training.
        :raises DataError: there are such cells, and a bad row is an error.
        """
        problems = []
        for number, row in enumerate(rows, 1):
            for column in sorted(texts & row.keys()):
                if isinstance(row[column], list | tuple | set | np.ndarray):
                    reason = f"is a list of {len(row[column])}, where a text is expected; give one, or a row for each"
                    problems.append(Problem(row=number, column=column, value=str(row[column]), reason=reason))
                    row[column] = None
        if problems and self.policy.on_bad_row == "error":
            raise DataError(bad_rows("the list of rows", problems), problems)
        self.tell_skipped("the list of rows", problems)

    def _tell_absent(self, table: Table) -> None:
        """Say which inputs a table has no column of: they are missing everywhere, and may have been misspelled."""
        inputs = (self.in_use or self.application).inputs
        absent = {
            name: entry for name, entry in inputs.items() if not any(entry.reads(column) for column in table.names)
        }
        spare = [column for column in table.names if column not in self.columns]
        for name, entry in absent.items() if len(absent) < len(inputs) else ():
            hint = did_you_mean(entry.columns[0], spare)
            columns = some([*map(repr, entry.columns)], NAMED)
            self._tell(f"{table.name} has no column {columns}: {name} is missing in every row.{hint}")

    def _tell(self, told: str) -> None:
        """Say something of a table once."""
        if told not in self.told:
            self.told.add(told)
            note(told, self.quiet)

    def tell_skipped(self, name: str, problems: Sequence[Problem]) -> None:
        """Say what became of bad rows that were skipped; an answer says it of none."""
        if problems:
            note(f"{name}: {skipped_rows(problems)}", self.quiet)

    def embed(self, samples: Samples) -> Embeddings:
        """Embed every input, from the cache where it can be; fitted encoders that are new learn from ``train``."""
        return self.aligned(self.unaligned(samples))

    def unaligned(self, samples: Samples) -> Embeddings:
        """Embed every input and leave the vectors where their encoders put them."""
        cache = self._cache() if len(samples) > QUERY_ROWS else None
        embedder = Embedder(cache, device=self.device, precision=self.application.precision, quiet=self.quiet)
        encoders = {name: one for name, one in self.encoders.items() if name in samples.inputs}
        embeddings = embedder.embed(samples, encoders, self.policy)
        self.tell_skipped(samples.table.name, [*samples.skipped, *embeddings.stats.problems])
        return self._relative(samples, embeddings)

    def embed_decoded(self, rows: Sequence[Mapping[str, Any]]) -> Embeddings:
        """Embed samples that are decoded already, by input; a ``within`` takes them as of nobody it knows."""
        found = embed_decoded(rows, self.encoders, self.application.precision)
        groups = {entry.within: [None] * len(rows) for entry in self.application.inputs.values() if entry.within}
        samples = Samples(
            ids=tuple(str(number) for number in range(1, len(rows) + 1)),
            inputs={},
            table=Table(columns=pa.table(groups), root=None, name="decoded samples"),
            split=np.full(len(rows), "", dtype=object),
            rows=np.arange(1, len(rows) + 1),
        )
        return self.aligned(self._relative(samples, found))

    def aligned(self, embeddings: Embeddings) -> Embeddings:
        """Return the vectors of aligned inputs in the common space; as they are until that is learned."""
        changed = {
            name: map_rows(one, embeddings.values[name], embeddings.present[name])
            for name, one in self.maps.items()
            if name in embeddings.values
        }
        return replace(embeddings, values={**embeddings.values, **changed}) if changed else embeddings

    def dims(self) -> dict[str, int]:
        """Return the length of each input's vectors as the network gets them."""
        own = {name: encoder.dim for name, encoder in self.encoders.items()}
        return own | {name: one.dims[1] for name, one in self.maps.items()}

    @property
    def head_device(self) -> str:
        """Return where the network learns and answers; half precision (``training.amp``) asks for the GPU."""
        training = self.application.training
        if not self.auto or training.amp:
            return self.device
        return head_device(self.device, sum(self.dims().values()) * training.batch_size)

    def _relative(self, samples: Samples, embeddings: Embeddings) -> Embeddings:
        """Take the vectors of inputs with a ``within`` relative to their groups; what is usual is learned when new."""
        changed = {}
        for name, entry in self.application.inputs.items():
            if entry.within is None or name not in embeddings.values:
                continue
            values, present = embeddings.values[name], embeddings.present[name]
            groups = samples.table.cells(entry.within)
            if name not in self.usual:
                train = (samples.split == "train") if (samples.split == "train").any() else np.ones(len(samples), bool)
                self.usual[name] = usual_of(values, np.flatnonzero(train & present), groups)
            changed[name] = relative(values, present, groups, self.usual[name])
        return replace(embeddings, values={**embeddings.values, **changed}) if changed else embeddings

    def build_net(self, tasks: Mapping[str, Task], dims: Mapping[str, int]) -> JointNet:
        """Return the network that the application describes, with fresh weights.

        :param dims: input -> length of its rows, in the order of the tokens.
        """
        application, registry = self.application, get_registry()
        stems = {
            name: Stem(
                trainable=load_trainable(
                    registry.get("trainable", entry.trainable.type),
                    self.encoders[name].step_dim,
                    application.fusion.dim,
                    entry.trainable.options,
                ),
                options=entry.trainable.options,
                steps=entry.trainable.steps,
                dim=self.encoders[name].step_dim,
            )
            for name, entry in application.inputs.items()
            if entry.trainable is not None and name in dims
        }
        return build_net(
            dims,
            tasks,
            load_fusion(
                registry.get("fusion", application.fusion.type),
                tuple(dims),
                member_width(application.fusion),
                application.fusion.options,
            ),
            application.fusion,
            dropout=application.training.dropout,
            seed=application.training.seed,
            trainables=stems,
            joint=is_joint(application),
            head=application.head,
        )

    def open_rules(self, tasks: Mapping[str, Task]) -> None:
        """Read the rules of the application, now that the labels of its tasks are known.

        :raises ConfigError: a rule names a label or a column that is not there, or leaves no answer.
        """
        orders = {name: entry.order for name, entry in self.application.tasks.items()}
        self.rules = open_rules(self.application.rules, tasks, orders, self.columns)

    def close(self) -> None:
        """Close the embedding cache, if it was opened."""
        with self._lock:
            if self._opened_cache is not None:
                self._opened_cache.close()
                self._opened_cache = None

    def fuse(
        self, embeddings: Embeddings, keep: Sequence[str] | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return fused vectors ``(n, dim)`` float32 and the logits of each task."""
        assert self.net is not None, "the pipeline is not fitted yet"
        return infer(self.net, embeddings.values, embeddings.present, keep=keep)

    def _cache(self) -> EmbeddingCache:
        """Return the embedding cache, opened when first needed."""
        with self._lock:
            if self._opened_cache is None:
                self._opened_cache = EmbeddingCache()
            return self._opened_cache

    def _by_column(self, rows: Sequence[Mapping[str, Any]], *, known_only: bool) -> list[dict[str, Any]]:
        """Return rows keyed by column; an input of several columns may be given under its name, whole.

        Where an input is called as another column of the table, a row that holds both means the column.
        """
        inputs = (self.in_use or self.application).inputs
        columns = {column for entry in inputs.values() for column in entry.columns}
        tasks = {task.column for task in self.application.tasks.values()}
        tasks |= {entry.within for entry in inputs.values() if entry.within}
        tasks |= set(self.application.privacy.drop if self.application.privacy is not None else ())
        known = {*inputs, *columns, *tasks, *self.columns, *([self.application.id] if self.application.id else [])}
        for number, row in enumerate(rows if known_only else (), 1):
            for key in row:
                if key not in known:
                    raise DataError(unknown("input or column", str(key), known, where=f"row {number}", listed="Known"))
        whole = {name: entry.columns for name, entry in inputs.items() if name not in columns}
        own = {name for name in whole if name in self.columns or not known_only}  # may be columns that no input reads

        def columns_of(row: Mapping[str, Any], key: str) -> Sequence[str]:
            read = whole.get(key, (key,))
            return (key,) if key in own and not row.keys().isdisjoint(read) else read

        return [
            _cells(
                f"row {number}",
                ((key, *one) for key in row for one in _spread(f"row {number}: {key}", columns_of(row, key), row[key])),
            )
            for number, row in enumerate(rows, 1)
        ]


def _cells(where: str, given: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Return column -> cell of what each key of a row gives; nothing given leaves a cell as another key has it.

    :raises DataError: two keys, such as an input and its column, give a column different cells.
    """
    keys: dict[str, str] = {}
    cells: dict[str, Any] = {}
    for key, column, cell in given:
        if cells.get(column) is not None:
            if cell is None:
                continue
            if not np.array_equal(cells[column], cell):
                said = f"{keys[column]!r} and {key!r} give the column {column!r} different values"
                raise DataError(f"{where}: {said}; give one of them")
        keys[column], cells[column] = key, cell
    return cells


def _spread(where: str, columns: Sequence[str], value: Any) -> Iterator[tuple[str, Any]]:
    """Yield column and cell of what is given for an input whole: as many values as columns, or one for the first.

    :raises DataError: more or fewer values than columns.
    """
    if len(columns) < 2 or not isinstance(value, list | tuple | np.ndarray):
        yield columns[0], value
        return
    if len(value) != len(columns):
        raise DataError(f"{where} takes {len(columns)} values ({some(columns, NAMED)}), {len(value)} were given")
    yield from zip(columns, value, strict=True)


def map_rows(one: SpaceMap, values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the mapped rows ``(n, k)`` float32; many go to an unnamed file, as the embedder's own do."""
    rows = VectorRows(len(values), one.dims[1])
    for start in range(0, len(values), MAPPED_ROWS):
        rows.append(one(values[start : start + MAPPED_ROWS], present[start : start + MAPPED_ROWS]))
    return rows.finish()
