"""One call of an encoder: a batch in, checked vectors out, and an error that names encoder, input and row."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.sequences import rows_of
from mmsdk.embed.spaces import DTYPES
from mmsdk.errors import EncoderError, MmsdkError
from mmsdk.plugins import strict

if TYPE_CHECKING:
    from mmsdk.embed.encoders import OpenEncoder

Place = Callable[[int], str]  # position in the column -> "row 3 (id 'a')"


def encode_batch(opened: OpenEncoder, batch: Sequence[tuple[int, Any]], place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(len(batch), dim)`` float32, as the protocol promises it, and which rows have a vector, bool.

    A sequence becomes a row as ``opened.form`` says; one without any step (a video without a picture) has none.

    :param batch: position in the column and decoded sample.
    :raises EncoderError: the encoder raised, or answered with another shape, dtype or something not finite.
    """
    samples = [sample for _, sample in batch]
    try:
        with opened.lock, _no_gradients():
            answer = opened.encoder.encode(samples, opened.modality)
    except MmsdkError:
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError" and len(batch) > 1:
            _free_memory()
            half = len(batch) // 2
            opened.most = half  # what did not fit once is not tried again
            first, second = (encode_batch(opened, part, place) for part in (batch[:half], batch[half:]))
            return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
        if strict():
            raise
        culprit = _culprit(opened, batch)
        where = f"on {place(culprit)}" if culprit is not None else f"on the batch that starts with {place(batch[0][0])}"
        raise EncoderError(f"{_who(opened)} failed {where}: {type(error).__name__}: {error}") from error
    if opened.form is not None:
        _check_sequences(opened, batch, answer, place)
        return rows_of(answer, opened.form)
    _check(opened, batch, answer, place)
    return answer, np.ones(len(batch), bool)


def rounded(
    opened: OpenEncoder, batch: Sequence[tuple[int, Any]], vectors: np.ndarray, precision: str, place: Place
) -> np.ndarray:
    """Return vectors as the cache will give them back, so that a first run and a second one see the same numbers.

    :raises EncoderError: a value is beyond what 16 bits hold.
    """
    if precision == "fp32":
        return vectors
    with np.errstate(over="ignore"):
        narrow = vectors.astype(DTYPES[precision]).astype(np.float32)
    if not np.isfinite(narrow).all():
        row = int(np.flatnonzero(~np.isfinite(narrow).all(axis=1))[0])
        raise EncoderError(
            f"{_who(opened)} answered {np.abs(vectors[row]).max():g} for {place(batch[row][0])}, beyond what 16 bits "
            "hold (65504). Set precision: fp32 in the application file"
        )
    return narrow


def _check(opened: OpenEncoder, batch: Sequence[tuple[int, Any]], answer: Any, place: Place) -> None:
    """Refuse anything but finite float32 of the promised shape.

    :raises EncoderError: naming the encoder and the row.
    """
    expected = (len(batch), opened.dim)
    start = place(batch[0][0])
    if not isinstance(answer, np.ndarray):
        raise EncoderError(
            f"{_who(opened)} answered a {type(answer).__name__} for the batch that starts with {start}, expected a "
            f"numpy array {expected} of float32"
        )
    if answer.shape != expected or answer.dtype != np.float32:
        raise EncoderError(
            f"{_who(opened)} answered {answer.shape} {answer.dtype} for the batch that starts with {start}, expected "
            f"{expected} float32"
        )
    finite = np.isfinite(answer).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise EncoderError(
            f"{_who(opened)} answered NaN or infinity for {place(batch[row][0])}, expected finite numbers"
        )


def _check_sequences(opened: OpenEncoder, batch: Sequence[tuple[int, Any]], answer: Any, place: Place) -> None:
    """Refuse anything but a finite :class:`mmsdk.Sequence` for each sample.

    :raises EncoderError: naming the encoder and the row.
    """
    start = place(batch[0][0])
    if not isinstance(answer, list) or len(answer) != len(batch):
        found = f"{len(answer)} sequences" if isinstance(answer, list) else f"a {type(answer).__name__}"
        raise EncoderError(
            f"{_who(opened)} answered {found} for the batch that starts with {start}, expected a list of {len(batch)} "
            "mmsdk.Sequence"
        )
    for (number, _), one in zip(batch, answer, strict=True):
        values, times = getattr(one, "values", None), getattr(one, "times", None)
        if not isinstance(values, np.ndarray) or not isinstance(times, np.ndarray):
            raise EncoderError(
                f"{_who(opened)} answered a {type(one).__name__} for {place(number)}, expected a Sequence"
            )
        if values.shape != (len(times), opened.step_dim) or values.dtype != np.float32:
            raise EncoderError(
                f"{_who(opened)} answered values {values.shape} {values.dtype} for {place(number)}, expected "
                f"({len(times)}, {opened.step_dim}) float32"
            )
        if not (np.isfinite(values).all() and np.isfinite(times).all() and (np.diff(times) >= 0).all()):
            raise EncoderError(
                f"{_who(opened)} answered NaN, infinity or times that go back for {place(number)}, expected finite "
                "numbers and ascending times"
            )


def _culprit(opened: OpenEncoder, batch: Sequence[tuple[int, Any]]) -> int | None:
    """Return the position of the first sample that fails alone too."""
    for position, sample in batch:
        try:
            with opened.lock, _no_gradients():
                opened.encoder.encode([sample], opened.modality)
        except Exception:  # whatever it is, it was this one
            return position
    return None


def _who(opened: OpenEncoder) -> str:
    """Return how messages call an encoder."""
    return f"encoder {opened.name!r} (plugin {opened.origin})"


def _no_gradients() -> contextlib.AbstractContextManager[Any]:
    """Switch gradients off where torch is loaded; a forgotten ``no_grad`` in a plugin would eat the memory."""
    torch = sys.modules.get("torch")
    no_grad = getattr(torch, "no_grad", None)
    return no_grad() if no_grad is not None else contextlib.nullcontext()


def _free_memory() -> None:
    """Let CUDA give back what a failed batch had taken."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.cuda.empty_cache()
