"""TensorBoard events of a training, for those who ask for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Log = Callable[[Mapping[str, float]], None]


@contextlib.contextmanager
def event_log(folder: Path | None, wanted: bool, epoch: int = 0) -> Iterator[Log]:
    """Yield a function that writes one epoch's numbers to ``folder/tensorboard``; it does nothing unless wanted.

    :param epoch: epochs already done: events after it, of a run that was killed, are dropped from view.
    :raises ConfigError: the tensorboard package is not installed.
    """
    if not wanted or folder is None:
        yield lambda row: None
        return
    writer = _writer(folder / "tensorboard", epoch)

    def log(row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name, value, int(row["epoch"]))

    try:
        yield log
    finally:
        writer.close()


def _writer(folder: Path, epoch: int) -> Any:
    """Open the writer, or say what to install."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "training.tensorboard is on, and the tensorboard package is not installed: "
            "pip install 'mmsdk[tensorboard]', or leave the key out"
        ) from error
    return SummaryWriter(folder, purge_step=epoch + 1 if epoch else None)
