"""Which index type a collection gets, from its size, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

EXACT_BELOW = 50_000
CODES_FIT = 4 * 1024**3
LEARNS_FROM = 1_000
LEARNING = {"ivf", "pq", "gpu"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A type and why it was taken."""

    type: str
    why: str


def choose(wanted: str, count: int, dim: int) -> Choice:
    """Pick the type for ``count`` vectors of ``dim`` numbers.

    ``auto`` goes from exact search to inverted lists (fp16 codes, then one byte a number) to product codes with a
    second look, as the collection outgrows each. It never takes ``hnsw``: the graph answers a little quicker but costs
    some twenty times as long to build, and nothing can be removed from it; ask for it where a collection is built
    once and then only read.

    :param wanted: ``auto``, or a type by name.
    """
    if wanted != "auto":
        if wanted in LEARNING and count < LEARNS_FROM:
            return Choice(
                type="flat", why=f"{wanted} as asked, exact until {LEARNS_FROM:,} rows: it has to learn from some"
            )
        return Choice(type=wanted, why="as asked")
    if count < EXACT_BELOW:
        return Choice(
            type="flat", why=f"{count:,} rows: below {EXACT_BELOW:,} exact search is quick and misses nothing"
        )
    if count * dim <= CODES_FIT:
        return Choice(type="ivf", why=f"{count:,} rows: inverted lists look at a few percent of them")
    codes = count * dim / 1024**3
    return Choice(
        type="pq", why=f"{count:,} rows: even one byte a number takes {codes:.1f} GiB, product codes an eighth or less"
    )
