"""A transformers model as an ONNX file: exported once, compared with torch, kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk import EncoderError, atomic_folder, cache_home, hash_file
from mmsdk_transformers.network import silence
from mmsdk_transformers.running import Session, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mmsdk_transformers.network import Network

    Inputs = Mapping[str, torch.Tensor]

VERSION = 1
TOLERANCE = 1e-4  # of the largest number that torch answers; MiniLM and MobileNetV2 differ by 2e-6
FOLDER = "onnx"
MODEL = "model.onnx"
FACTS = "export.json"


class ExportRefusedError(EncoderError):
    """The model cannot be exported, or the file does not answer as torch does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What a model computes from prepared tensors, pooling and unit length included.

    :param name: the model as the user wrote it, for messages.
    :param key: hash of everything that changes its vectors; names the folder of the export.
    :param read: device -> the model.
    :param vectors: the model and its inputs by name -> float32 ``(n, dim)``.
    :param examples: -> inputs by name, prepared as in use, in batches of different sizes (and lengths); the first is
        traced and holds at least two rows. A dimension that differs among them is free in the exported file.
    """

    name: str
    key: str
    read: Callable[[str], Network]
    vectors: Callable[[Network, Any], torch.Tensor]
    examples: Callable[[], Sequence[Inputs]]


def exported(forward: Forward) -> Path:
    """Return the ONNX file of a model, from the cache where it lies there whole.

    Of two processes that ask at once, one exports and the other waits. The file is float32 whatever the device.

    :raises ExportRefusedError: see there; nothing is kept then.
    :raises OSError: the cache cannot be written.
    """
    folder = onnx_home() / forward.key
    with locked(forward.key):
        if not _is_whole(folder):
            with atomic_folder(folder) as new:
                _write(forward, new)
    return folder / MODEL


def onnx_home() -> Path:
    """Return the folder of all exports; whoever deletes it loses only time."""
    return cache_home() / FOLDER


def locked(name: str) -> contextlib.AbstractContextManager[Any]:
    """Return the lock of that name, which one process and one thread holds at a time."""
    from filelock import FileLock

    home = onnx_home()
    home.mkdir(parents=True, exist_ok=True)
    return FileLock(home / f"{name}.lock")


def _is_whole(folder: Path) -> bool:
    """Return whether an export of this version lies there as it was written."""
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        files = facts["files"].items()
        return facts["version"] == VERSION and all(hash_file(folder / name) == digest for name, digest in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _write(forward: Forward, folder: Path) -> None:
    """Export into a folder, compare with torch, and note what was found."""
    examples, network = forward.examples(), forward.read("cpu")
    with torch.inference_mode():
        expected = [forward.vectors(network, example).numpy() for example in examples]
    _export(forward, network, examples, folder / MODEL)
    session = Session(folder / MODEL, "cpu", forward.name)
    difference = max(_difference(session.run(one), other) for one, other in zip(examples, expected, strict=True))
    if not difference <= TOLERANCE:
        raise ExportRefusedError(
            f"{forward.name}: cannot be used as ONNX: its vectors differ from those of torch by {difference:.1e} of "
            f"their size, and {TOLERANCE:.0e} is allowed; use backend: torch"
        )
    files = {file.name: hash_file(file) for file in sorted(folder.iterdir())}
    facts = {"version": VERSION, "difference": difference, "files": files}
    (folder / FACTS).write_text(json.dumps(facts, indent=1), "utf-8")


def _export(forward: Forward, network: Network, examples: Sequence[Inputs], file: Path) -> None:
    """Trace the model on the first example and write it."""
    names = list(examples[0])
    free = tuple(_free_dimensions([example[name] for example in examples]) for name in names)
    model = _Positional(forward.vectors, network, names).eval()
    try:
        with torch.inference_mode(mode=False), torch.no_grad(), _quiet():
            program = torch.onnx.export(
                model,
                tuple(tensor.clone() for tensor in examples[0].values()),
                dynamo=True,
                input_names=names,
                output_names=["vectors"],
                dynamic_shapes=(free,),
                verbose=False,
            )
    except Exception as error:
        raise ExportRefusedError(
            f"{forward.name}: cannot be exported to ONNX ({first_line(error)}); use backend: torch"
        ) from error
    assert program is not None
    program.save(str(file))


class _Positional(torch.nn.Module):
    """The forward pass with tensors by position, as the exporter wants it."""

    def __init__(self, vectors: Callable[[Network, Any], torch.Tensor], network: Network, names: Sequence[str]) -> None:
        super().__init__()
        self.model = network.model  # its parameters become those of the file
        self._parts = vectors, network, tuple(names)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Return float32 ``(n, dim)``."""
        vectors, network, names = self._parts
        return vectors(network, dict(zip(names, tensors, strict=True)))


def _free_dimensions(tensors: Sequence[torch.Tensor]) -> dict[int, Any]:
    """Return the dimensions of one input that differ among the examples, free as far as the model lets them."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    return {place: torch.export.Dim.AUTO for place, sizes in enumerate(zip(*shapes, strict=True)) if len({*sizes}) > 1}


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference relative to the largest number; infinite where one holds no number."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return math.inf
    return float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-12))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's own remarks off stderr: absent torchvision, deprecations inside torch."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)
