"""How many threads learn: one for small data, where more only wait for each other; said on stderr."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from mmsdk.embed.threads import choose_threads, forward_threads
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = 50_000  # rows below which a batch is too small to share; two threads took five times the CPU of one at 240 rows


@contextlib.contextmanager
def learning_threads(rows: int, device: str, *, quiet: bool) -> Iterator[None]:
    """Limit torch, BLAS and OpenMP within the block, for training and scoring ``rows`` rows."""
    count = choose_threads(device=device, given=1 if rows < SMALL and device == "cpu" else None).forward
    note(f"learning: {count} thread{'s' * (count > 1)}", quiet)
    with threadpool_limits(limits=count), forward_threads(count):
        yield
