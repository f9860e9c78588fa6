"""The run directory: where each file lies, how a new one is begun, resumed and finished."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import RunError
from mmsdk.files import PARTIAL, atomic_folder, atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METRICS = "metrics.json"
PREDICTIONS = "predictions.parquet"
SPLITS = "splits.parquet"
INDEX = "index"
REPORT = "report.html"
CARD = "card.md"
CHECKPOINT = "checkpoint"
TENSORBOARD = "tensorboard"


@contextlib.contextmanager
def new_run(out: Path | None, *, overwrite: bool) -> Iterator[Path]:
    """Yield the folder to write a run in; it becomes ``out`` when the block ends well.

    A block that fails leaves ``<out>.partial``, from which the next one goes on.

    :param out: ``None`` makes a temporary folder, which lives as long as the process.
    :raises RunError: ``out`` exists and may not be replaced.
    """
    if out is None:
        yield Path(tempfile.mkdtemp(prefix="mmsdk-run-"))
        return
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists already; choose another --out, or replace it with --overwrite")
    if out.exists() and not (out / "run.json").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} exists and is no run of mmsdk, so it is not replaced; choose another --out")
    if file := next((folder for folder in out.parents if folder.exists() and not folder.is_dir()), None):
        raise RunError(f"{out} cannot be made: {file} is a file and no folder; choose another --out")
    with atomic_folder(out, resume=True) as partial:
        try:
            yield partial
        except BaseException:
            with contextlib.suppress(OSError):
                partial.rmdir()  # nothing was written, so there is nothing to go on from
            raise
        _drop_checkpoint(partial)


def partial_of(out: Path) -> Path:
    """Return where an interrupted run of ``out`` lies."""
    return out.with_name(out.name + PARTIAL)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON document of a run.

    :raises RunError: it is not there or is damaged.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is no complete run: it has no {path.name}; fit it again") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}); fit the run again") from error
    return document


def split_ids(folder: Path) -> tuple[list[str], list[str]]:
    """Return the ids of the rows a run was made with, in the order of its table, and the part of each."""
    import pyarrow.parquet as pa_parquet

    found = pa_parquet.read_table(folder / SPLITS).to_pydict()
    return found["id"], found["split"]


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _drop_checkpoint(folder: Path) -> None:
    """Remove what only an interrupted run needs; TensorBoard events stay."""
    checkpoint = folder / CHECKPOINT
    if (checkpoint / TENSORBOARD).is_dir():
        shutil.move(checkpoint / TENSORBOARD, folder / TENSORBOARD)
    shutil.rmtree(checkpoint, ignore_errors=True)
