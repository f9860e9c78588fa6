"""From cells to batches: decoded ahead by threads, within a budget of bytes, samples of similar length together."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

AHEAD_BYTES = 256 * 2**20  # decoded samples waiting for the encoder
BATCH_BYTES = 256 * 2**20  # decoded samples in one batch: photos of a modern camera have 36 MB each
SORTED_BATCHES = 8  # how many batches of media are sorted by length together


class Decoder:
    """Decodes cells in order, by ``workers`` threads that stay a bounded way ahead; 0 decodes in the caller's thread.

    Used as a context: leaving it (an error, Ctrl-C) drops what has not been started.
    """

    def __init__(self, workers: int) -> None:
        """Remember how many threads; they start with the first cell."""
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="mmsdk-decode") if workers else None

    def __enter__(self) -> Decoder:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def ahead(
        self, decode: Callable[[Any], Any], cells: Iterable[tuple[int, Any]], count: int
    ) -> Generator[tuple[int, Any], None, None]:
        """Yield ``(position, sample)``, or ``(position, exception)`` of a cell that cannot be decoded.

        :param count: at most so many cells are decoded ahead, fewer when samples are large.
        """
        if self._pool is None:
            for position, cell in cells:
                yield position, _attempt(decode, cell)
            return
        waiting: deque[tuple[int, Future[Any]]] = deque()
        room = self._workers + 1
        for position, cell in cells:
            waiting.append((position, self._pool.submit(_attempt, decode, cell)))
            if len(waiting) > room:
                first, future = waiting.popleft()
                sample = future.result()
                room = max(self._workers + 1, min(count, AHEAD_BYTES // max(1, sample_bytes(sample))))
                yield first, sample
        for position, future in waiting:
            yield position, future.result()


def batches(
    decoded: Iterable[tuple[int, Any]], size: int, length: Callable[[Any], int] | None, window: int
) -> Iterator[list[tuple[int, Any]]]:
    """Yield batches of up to ``size`` samples and ``BATCH_BYTES``.

    :param length: of a sample; among ``window`` samples those of similar length come together, the longest first.
    """
    if length is not None:
        for part in cut(decoded, window, BATCH_BYTES):
            lengths = {position: length(sample) for position, sample in part}
            part.sort(key=lambda item: (-lengths[item[0]], item[0]))
            yield from cut(part, size, BATCH_BYTES)
    else:
        yield from cut(decoded, size, BATCH_BYTES)


def sample_bytes(sample: Any) -> int:
    """Return about how much memory a decoded sample takes."""
    if (known := getattr(sample, "nbytes", None)) is not None:
        return int(known)
    if isinstance(sample, str | bytes):
        return len(sample)
    if isinstance(sample, dict):
        return sum(map(sample_bytes, sample.values()))
    if isinstance(sample, list | tuple):
        return sum(map(sample_bytes, sample)) if len(sample) < 1000 else sample_bytes(sample[0]) * len(sample)
    slots: Sequence[str] = getattr(type(sample), "__slots__", ()) or tuple(getattr(sample, "__dict__", ()))
    return 64 + sum(sample_bytes(getattr(sample, name, None)) for name in slots)


def cut(items: Iterable[tuple[int, Any]], size: int, most: int) -> Iterator[list[tuple[int, Any]]]:
    """Yield lists of up to ``size`` samples that together stay below ``most`` bytes (one alone may pass it)."""
    part: list[tuple[int, Any]] = []
    total = 0
    for item in items:
        weight = sample_bytes(item[1])
        if part and (len(part) >= size or total + weight > most):
            yield part
            part, total = [], 0
        part.append(item)
        total += weight
    if part:
        yield part


def _attempt(decode: Callable[[Any], Any], cell: Any) -> Any:
    """Return the decoded sample, or the exception: one bad file must not end the run."""
    try:
        return decode(cell)
    except MemoryError:
        raise
    except Exception as error:  # decoders of broken files raise anything
        return error
