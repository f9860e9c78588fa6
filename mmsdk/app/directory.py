"""The run directory: where each file lies, how a new one is begun, resumed and finished."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import RunError
from mmsdk.files import atomic_folder, atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

METRICS = "metrics.json"
PREDICTIONS = "predictions.parquet"
SPLITS = "splits.parquet"
INDEX = "index"
REPORT = "report.html"
CARD = "card.md"
CHECKPOINT = "checkpoint"
LOCK = ".lock"
TENSORBOARD = "tensorboard"


@contextlib.contextmanager
def new_run(out: Path | None, *, overwrite: bool) -> Iterator[Path]:
    """Yield the folder to write a run in; it becomes ``out`` when the block ends well.

    A block that fails leaves ``<out>.partial``, from which the next one goes on.

    :param out: ``None`` makes a temporary folder, which lives as long as the process.
    :raises RunError: ``out`` exists and may not be replaced.
    """
    if out is None:
        folder = Path(tempfile.mkdtemp(prefix="mmsdk-run-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        yield folder
        return
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists already; choose another --out, or replace it with --overwrite")
    if out.exists() and not (out / "run.json").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} exists and is no run of mmsdk, so it is not replaced; choose another --out")
    if file := next((folder for folder in out.parents if folder.exists() and not folder.is_dir()), None):
        raise RunError(f"{out} cannot be made: {file} is a file and no folder; choose another --out")
    with atomic_folder(out, resume=True) as partial:
        try:
            with _alone(partial, out):
                _keep_only_checkpoint(partial)
                yield partial
        except BaseException:
            with contextlib.suppress(OSError):
                partial.rmdir()  # nothing was written, so there is nothing to go on from
            raise
        _drop_checkpoint(partial)


@contextlib.contextmanager
def _alone(partial: Path, out: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it when the process ends, however it ends.

    :raises RunError: another process is fitting the same run.
    """
    if os.name == "nt":  # no flock there; two fits into one run are not told apart
        yield
        return
    import fcntl

    with (partial / LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"{out} is being fitted by another process; wait for it, or choose another --out") from error
        try:
            yield
        finally:
            (partial / LOCK).unlink(missing_ok=True)


def _keep_only_checkpoint(partial: Path) -> None:
    """Remove what an interrupted run had written already, so that nothing of another one is published."""
    for path in partial.iterdir():
        if path.name not in (CHECKPOINT, LOCK):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def split_ids(folder: Path) -> tuple[list[str], list[str]]:
    """Return the ids of the rows a run was made with, in the order of its table, and the part of each."""
    if not (folder / SPLITS).is_file():
        raise RunError(f"{folder} is no complete run: it has no {SPLITS}; fit it again")
    found = read_columns(folder / SPLITS).to_pydict()
    return found["id"], found["split"]


def read_columns(path: Path) -> pa.Table:
    """Return a table that a run keeps.

    :raises RunError: it was cut short, or is something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    try:
        return pa_parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise RunError(f"{path} cannot be read ({reason}): it is damaged; fit the run again") from error


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
