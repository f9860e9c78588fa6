"""Options that pick among the ranked rows: the same words for ``search`` and ``recommend``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli.runs import ids_of

if TYPE_CHECKING:
    from mmsdk.cli.options import F

OPTIONS = (
    click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many."),
    click.option("--where", metavar="FILTER", help="Only rows that fit, such as 'price < 20'."),
    click.option("--exclude", metavar="ID,ID,...", default="", help="Never answer with these."),
    click.option("--candidates", metavar="ID,ID,...", default="", help="Answer with these only."),
    click.option(
        "--diversity",
        type=click.FloatRange(0, 1),
        default=0.0,
        metavar="0..1",
        help="Make the answers unlike each other; 0 leaves the order as it is.",
    ),
    click.option("--per", metavar="COLUMN", help="At most so many (--at-most) of each value of a column."),
    click.option("--at-most", type=click.IntRange(min=1), default=1, show_default=True, help="How many, with --per."),
)


def picking(command: F) -> F:
    """Add the options; :func:`picked` takes them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def picked(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options out of what click gave, as the words of :meth:`mmsdk.App.recommend`."""
    names = ("k", "where", "exclude", "candidates", "diversity", "per", "at_most")
    found = {name: given.pop(name) for name in names}
    found["exclude"] = ids_of(found["exclude"])
    found["candidates"] = ids_of(found["candidates"]) or None
    return found
