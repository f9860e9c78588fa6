"""Rows to vectors: every input of every row through its encoder, once."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import bad_rows
from mmsdk.embed.batching import Decoder
from mmsdk.embed.branch import Branch
from mmsdk.embed.column import ColumnRun, reason_of
from mmsdk.embed.encoders import digest, open_modality, spelled
from mmsdk.embed.reporting import Report, reported, since
from mmsdk.embed.results import Embeddings, EmbedStats, InputStats
from mmsdk.embed.sequences import Layout
from mmsdk.embed.spaces import Precision, Space
from mmsdk.embed.threads import Threads, choose_threads, forward_threads
from mmsdk.embed.vectors import IN_MEMORY_BYTES, VectorRows
from mmsdk.errors import DataError, EncoderError, MmsdkError, Problem
from mmsdk.progress import note, progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.data import InputColumn, Policy, Samples
    from mmsdk.embed.cache import EmbeddingCache
    from mmsdk.embed.encoders import OpenEncoder, OpenModality
    from mmsdk.progress import Progress

FEW_ROWS = 16  # so few are decoded in place: threads would cost more than they bring


class Embedder:
    """Embeds samples: identical inputs once, cached ones not even decoded, decoding ahead of the forward pass.

    :param cache: where vectors are kept; ``None`` keeps nothing, and finds equal inputs only among some thousand rows.
    :param device: where the encoders were opened; decides how many threads decode.
    :param batch_size: of every encoder; the default is each encoder's own, or 32.
    :param precision: ``"fp16"`` or ``"fp32"`` of cached vectors; a fresh one is rounded likewise, kept or not.
    :param threads: for encoders; the default is what is idle when the first one runs.
    :param quiet: no progress and no notes.
    :param in_memory: bytes of one input's vectors above which they go to an unnamed file.
    """

    def __init__(
        self,
        cache: EmbeddingCache | None = None,
        *,
        device: str = "cpu",
        batch_size: int | None = None,
        precision: Precision = "fp16",
        threads: int | None = None,
        quiet: bool = False,
        in_memory: int = IN_MEMORY_BYTES,
    ) -> None:
        """Remember how; nothing is opened."""
        self.cache = cache
        self.device = device
        self.batch_size = batch_size
        self.precision: Precision = precision
        self.threads = threads
        self.quiet = quiet
        self.in_memory = in_memory

    def embed(self, samples: Samples, encoders: Mapping[str, OpenEncoder], policy: Policy | None = None) -> Embeddings:
        """Embed every input that has an encoder.

        A fitted encoder that is not ready is fitted first, on the rows of split ``train``, or on all where none says
        so. What has been encoded is in the cache when this is interrupted; the next call goes on from there.

        :param encoders: input -> encoder.
        :param policy: ``on_bad_row="skip"`` turns cells that cannot be used into missing ones; otherwise they are
            collected over all inputs and raised together, after everything else has been encoded.
        :raises DataError: cells that cannot be used, all of them; or a fitted encoder has nothing to learn from.
        :raises EncoderError: an encoder failed or answered something it may not answer.
        :raises StoreError: the cache or the disk refuses.
        """
        problems: list[Problem] = []
        fatal: list[Problem] = []
        values: dict[str, np.ndarray] = {}
        present: dict[str, np.ndarray] = {}
        inputs: dict[str, InputStats] = {}
        with contextlib.ExitStack() as stack:
            groups = [
                (column, open_modality(column.modality, column.decode), part)
                for column, part in _groups(samples, encoders)
            ]
            work = _Workers(self, stack, media=any(modality.media for _, modality, _ in groups))
            for column, modality, part in groups:
                ready = {
                    name: opened
                    for name, opened in part.items()
                    if opened.ready or self._fit(samples, column, opened, modality, fatal)
                }
                for name, one in self._column(samples, column, ready, modality, work, problems):
                    values[name], present[name], inputs[name] = one
        refused = problems if policy is None or policy.on_bad_row == "error" else []
        if fatal or refused:
            raise _refused(samples.table.name, fatal, refused)
        return Embeddings(
            values={name: values[name] for name in encoders},
            present={name: present[name] for name in encoders},
            stats=EmbedStats(
                inputs={name: inputs[name] for name in encoders},
                problems=tuple(problems),
                threads=str(work.threads or ""),
            ),
            layouts={name: form for name, one in encoders.items() if isinstance(form := one.form, Layout)},
        )

    def _column(
        self,
        samples: Samples,
        column: InputColumn,
        encoders: Mapping[str, OpenEncoder],
        modality: OpenModality,
        work: _Workers,
        problems: list[Problem],
    ) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray, InputStats]]]:
        """Yield vectors, presence and counts of every input that reads a column; its cells are decoded once."""
        if not encoders:
            return
        started, count = time.perf_counter(), len(column.cells)
        names = ", ".join(encoders)
        with contextlib.ExitStack() as stack:
            bar = stack.enter_context(progress(count * len(encoders), f"embedding {names}", self.quiet, unit="row"))
            branches = [
                self._branch(name, opened, modality, count, bar=bar, stack=stack) for name, opened in encoders.items()
            ]
            run = ColumnRun(
                branches=branches,
                modality=column.modality,
                label=_label(column),
                cells=column.cells,
                ids=samples.ids,
                rows=samples.rows,
                raw=partial(_raw, samples, column),
                decode=modality.decode,
                cache=self.cache if any(branch.cache is not None for branch in branches) else None,
                decoders=work.decoder,
                waiting=partial(
                    note, f"embedding {names}: waiting for another process that encodes the same", self.quiet
                ),
                problems=problems,
            )
            run.run()
            found = [branch.vectors.finish() for branch in branches]
        shared = (time.perf_counter() - started - sum(branch.seconds for branch in branches)) / len(branches)
        for branch, vectors in zip(branches, found, strict=True):
            yield branch.name, (vectors, branch.present, _stats(branch, modality, branch.seconds + shared))

    def _branch(
        self,
        name: str,
        opened: OpenEncoder,
        modality: OpenModality,
        count: int,
        *,
        bar: Progress,
        stack: contextlib.ExitStack,
    ) -> Branch:
        """Return the work of one input."""
        folder = self.cache.folder if self.cache is not None else None
        vectors = stack.enter_context(
            contextlib.closing(VectorRows(count, opened.dim, folder, in_memory=self.in_memory))
        )
        form = [] if opened.form is None else [opened.form.identity]
        return Branch(
            name=name,
            opened=opened,
            space=Space(
                fingerprint=digest([opened.fingerprint, opened.modality, modality.identity, *form]),
                dim=opened.dim,
                precision=self.precision,
                name=opened.name,
            ),
            cache=None if opened.fitted else self.cache,
            batch_size=self.batch_size,
            precision=self.precision,
            vectors=vectors,
            present=np.zeros(count, bool),
            bar=bar,
        )

    def _fit(
        self,
        samples: Samples,
        column: InputColumn,
        opened: OpenEncoder,
        modality: OpenModality,
        fatal: list[Problem],
    ) -> bool:
        """Fit an encoder on the training rows; return whether there was anything to learn from.

        :raises EncoderError: it raised, or does not know its dim afterwards.
        """
        unread: list[tuple[int, str]] = []
        batch = list(_decoded(modality, column, _training_rows(samples), unread))
        if not batch:
            reason = f"no training row holds a {opened.modality} that can be used, and {opened.name!r} learns from them"
            mend = "mend" if unread else "fill"
            told = "".join(f" ({_raw(samples, column, row)!r:.80}: {why})" for row, why in unread)
            reason = f"{reason}{told}: {mend} the column, or leave this input out"
            fatal.append(Problem(reason=reason, column=_label(column)))
            return False
        who = f"encoder {opened.name!r} (plugin {opened.origin})"
        try:
            opened.encoder.fit(batch, opened.modality)
        except MmsdkError:
            raise
        except Exception as error:
            raise EncoderError(
                f"{who} cannot be fitted on {len(batch)} rows of input {column.name!r}: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(opened.encoder.dim, int) or opened.encoder.dim < 1:
            raise EncoderError(f"{who}: dim must be a positive int after fit, not {opened.encoder.dim!r}")
        opened.ready = True
        return True


def _groups(
    samples: Samples, encoders: Mapping[str, OpenEncoder]
) -> Iterator[tuple[InputColumn, dict[str, OpenEncoder]]]:
    """Yield the columns to read, each with the encoders of all inputs that read it the same way."""
    found: dict[str, dict[str, OpenEncoder]] = {}
    for name, opened in encoders.items():
        column = samples.inputs[name]
        found.setdefault(spelled([column.modality, column.columns, dict(column.decode)]), {})[name] = opened
    for part in found.values():
        yield samples.inputs[next(iter(part))], part


def _stats(branch: Branch, modality: OpenModality, seconds: float) -> InputStats:
    """Return what one input took."""
    counts = branch.counts
    report: Report = {}
    if counts.encoded:
        report = {**reported(modality.component), **since(reported(branch.opened.encoder), branch.before)}
    return InputStats(
        encoder=branch.opened.name,
        fitted=branch.opened.fitted,
        rows=len(branch.present),
        missing=counts.missing,
        encoded=counts.encoded,
        cached=counts.cached,
        duplicates=counts.duplicates,
        bad=counts.bad,
        seconds=seconds,
        report=report,
    )


class _Workers:
    """Threads, chosen when the first input has something to encode."""

    def __init__(self, embedder: Embedder, stack: contextlib.ExitStack, *, media: bool) -> None:
        self.threads: Threads | None = None
        self._embedder, self._stack, self._media = embedder, stack, media
        self._inline, self._pool = Decoder(0), Decoder(0)

    def decoder(self, count: int, *, media: bool) -> Decoder:
        """Return what decodes ``count`` cells: threads for files; values are decoded in place."""
        if count < FEW_ROWS:
            return self._inline
        if self.threads is None:
            embedder = self._embedder
            self.threads = choose_threads(device=embedder.device, media=self._media, given=embedder.threads)
            note(f"embedding: {self.threads}", embedder.quiet)
            self._stack.enter_context(forward_threads(self.threads.forward))
            self._pool = self._stack.enter_context(Decoder(self.threads.decode if self._media else 0))
        return self._pool if media else self._inline


def _decoded(
    modality: OpenModality, column: InputColumn, rows: Sequence[int], unread: list[tuple[int, str]]
) -> Iterator[Any]:
    """Yield the samples that can be decoded; note the first row of the others, with the reason."""
    for row in rows:
        try:
            cell = column.cells[row]
            sample = modality.decode(cell) if cell is not None else None
        except Exception as error:
            if not unread:
                unread.append((row, reason_of(error, column.modality)))
            continue
        if sample is not None:
            yield sample


def _training_rows(samples: Samples) -> Sequence[int]:
    """Return the rows of split ``train``, all where no row says so."""
    rows: list[int] = np.flatnonzero(samples.split == "train").tolist()
    return rows or range(len(samples.ids))


def _refused(name: str, fatal: list[Problem], problems: list[Problem]) -> DataError:
    """Return the error that names every cell that cannot be used."""
    found = sorted(problems, key=lambda problem: (problem.row or 0, problem.column or ""))
    if not problems:
        return DataError("an input has nothing to learn from:", fatal)
    return DataError(bad_rows(name, problems), [*fatal, *found])


def _label(column: InputColumn) -> str:
    """Return the user's name of the column, or of all of them."""
    return ", ".join(column.columns)


def _raw(samples: Samples, column: InputColumn, position: int) -> str | None:
    """Return a cell as the user wrote it."""
    values = [samples.table.column(name)[position].as_py() for name in column.columns]
    held = [value for value in values if value is not None]
    return " | ".join(f"{len(cell)} bytes" if isinstance(cell, bytes) else str(cell) for cell in held) or None
