"""Answers as a table: the same columns in ``predictions.parquet`` and in what ``mmsdk predict`` writes."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from mmsdk.errors import RunError
from mmsdk.files import atomic_write, check_output

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from pathlib import Path

    from mmsdk.app.prediction import Prediction
    from mmsdk.protocols import Output

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")


def prediction_table(
    ids: Sequence[str], predictions: Sequence[Prediction], id_column: str | None, *, ruled: Sequence[str] = ()
) -> pa.Table:
    """Return the id, then ``<task>``, ``<task>_confidence`` and ``<task>_abstained`` for each task.

    A multi-label answer is one text, its labels joined by ``|``. Where the run makes sets, ``<task>_set`` follows: the
    labels, or the two ends of an interval, joined so.

    At the end stand ``inputs``, what the row was answered from, joined so too, and ``novelty``, empty where the run
    does not tell it. Where the id or a task has such a name, an underscore is added to ours.

    :param ruled: tasks that rules speak of; they have columns ``<task>_rules`` and ``<task>_unjudged`` too, the names
        of those that changed the answer, and of those that could not be judged, joined by ``|``.
    """
    columns: dict[str, Any] = {id_column or "id": list(ids)}
    for task in predictions[0].outputs if predictions else ():
        outputs = [prediction.outputs[task] for prediction in predictions]
        columns[task] = [_cell(output) for output in outputs]
        columns[f"{task}_confidence"] = pa.array([output.confidence for output in outputs], pa.float64())
        columns[f"{task}_abstained"] = [output.abstained for output in outputs]
        if any(output.prediction_set for output in outputs):
            columns[f"{task}_set"] = ["|".join(map(str, output.prediction_set)) for output in outputs]
        if task in ruled:
            columns[f"{task}_rules"] = pa.array(["|".join(output.rules) for output in outputs], pa.string())
            columns[f"{task}_unjudged"] = pa.array(["|".join(output.unjudged) for output in outputs], pa.string())
    used = ["|".join(prediction.modalities_used) for prediction in predictions]
    columns[_free("inputs", columns)] = pa.array(used, pa.string())
    columns[_free("novelty", columns)] = pa.array([_novelty(one) for one in predictions], pa.float64())
    return pa.table(columns)


def rows_without_input(table: pa.Table) -> int:
    """Return how many rows of a table of answers were answered from no input."""
    return sum(not used for used in table.column(table.num_columns - 2).to_pylist())


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that no other column has: a task may be called ``novelty``."""
    while name in taken:
        name += "_"
    return name


def _novelty(prediction: Prediction) -> float | None:
    """Return the novelty of a row, which all of its tasks tell alike."""
    return next((output.novelty for output in prediction.outputs.values()), None)


def write_table(path: Path, table: pa.Table, *, for_people: bool = False) -> None:
    """Write a table as its ending says: CSV, TSV, JSONL or Parquet; whole or not at all.

    :param for_people: CSV and TSV begin with a byte order mark where they hold more than ASCII: without it Excel reads
        Chinese as something else.
    :raises ConfigError: another ending.
    """
    check_output(path, FORMATS)
    with atomic_write(path) as partial:
        if path.suffix == ".parquet":
            pa_parquet.write_table(table, partial)
        elif path.suffix == ".jsonl":
            _write_jsonl(partial, table.to_pylist())
        else:
            options = pa_csv.WriteOptions(delimiter="\t" if path.suffix == ".tsv" else ",")
            written = pa.BufferOutputStream()
            pa_csv.write_csv(table, written, options)
            content = written.getvalue().to_pybytes()
            partial.write_bytes((b"" if content.isascii() or not for_people else codecs.BOM_UTF8) + content)


def _cell(output: Output) -> Any:
    """Return an answer as one cell."""
    return "|".join(map(str, output.value)) if isinstance(output.value, tuple | list) else output.value


def _write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON object a line."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def predicted(app: Any, data: Any, *, audit: str | Path | None = None) -> pa.Table:
    """Return the answers of an application for a table.

    :param audit: a log that gets a line for each answer, before any is given.
    :raises RunError: the application has no task to answer.
    """
    if not app.tasks:
        raise RunError(f"{app.folder} has no task to answer; use search or recommend, or add a task and fit again")
    samples, _ = app.pipeline.read(data, partial=True, nameless=True)
    answers = app.answered(samples, audit=audit)
    return prediction_table(samples.ids, answers, app.application.id, ruled=app.pipeline.rules.tasks)
