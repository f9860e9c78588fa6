"""What ``--dry-run`` prints: the application as resolved, and the bill of its encoders before anything is fetched."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli.output import print_json
from mmsdk.cli.shell import width
from mmsdk.cli.text import megabytes
from mmsdk.errors import EncoderError
from mmsdk.plugins import resolve
from mmsdk.progress import duration

if TYPE_CHECKING:
    from collections.abc import Iterator


def print_plan(application: Any, *, as_json: bool, **reading: Any) -> None:
    """Print the resolved application as YAML, and below it, as comments, what fitting it would cost.

    :param reading: ``data``, ``device`` and how the table is read, for :func:`mmsdk.app.bill.make_bill`.
    :raises EncoderError: an encoder cannot be used, and fetching would not help; after the plan, and as a fit would.
    """
    bill = resolve("mmsdk.app.bill:make_bill")(application, **reading)
    if as_json:
        facts = dataclasses.asdict(bill)
        encoders = facts.pop("inputs")
        facts["refused"] = bill.refused
        print_json({"application": application.model_dump(mode="json"), "encoders": encoders, "bill": facts})
        _refuse(bill)
        return
    click.echo(resolve("mmsdk.config:dump_yaml")(application).rstrip())
    click.echo("# encoders")
    for name, one in bill.inputs.items():
        _say(f"{name}: {one.encoder}", 2)
        for line in _input_lines(one):
            _say(line, 4)
    click.echo("# in all" + (f", for {bill.rows:,} rows on {bill.device}" if bill.rows is not None else ""))
    for line in _total_lines(bill):
        _say(line, 2)
    click.echo("# nothing was fetched, fitted or kept")
    _refuse(bill)


def _refuse(bill: Any) -> None:
    """End as a fit would, where an encoder cannot be used and fetching would not help.

    :raises EncoderError: there is such an encoder.
    """
    if bill.refused:
        told = "; ".join(f"{name}: {reason}" for name, reason in bill.refused.items())
        raise EncoderError(f"this cannot be fitted: {told}")


def _say(text: str, indent: int) -> None:
    """Print a comment, wrapped; nothing is broken inside a word."""
    first, later = "#" + " " * (indent + 1), "#" + " " * (indent + 3)
    lines = textwrap.wrap(
        text, width(), initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    click.echo("\n".join(lines))


def _input_lines(one: Any) -> Iterator[str]:
    """Yield what one input costs."""
    licence = one.licence or ("unknown" if one.model else "")
    yield f"plugin {one.plugin}" + (f"; licence {licence}" if licence else "")
    if one.model:
        newest = "" if one.folder is not None else ", its newest revision"
        yield f"model {one.model}" + (f", revision {one.revision}" if one.revision else newest)
    numbers = f"{one.dim:,} numbers a row" if one.dim else f"length of a row {_unknown([one])}"
    yield f"{numbers}; {_place(one)}"
    if one.rows is not None:
        yield _time(one)


def _place(one: Any) -> str:
    """Return where the weights are, or what fetching them takes."""
    if one.fetch == 0:
        return f"here, in {one.folder}" if one.folder is not None else "nothing to fetch"
    return f"to fetch: about {megabytes(one.fetch)}" if one.fetch else "to fetch: the hub knows how much"


def _time(one: Any) -> str:
    """Return how long embedding takes."""
    if one.seconds is None:
        return f"embedding {one.rows:,} rows: {one.reason or 'nothing to do'}"
    return f"embedding {one.rows:,} rows: about {duration(one.seconds)} ({one.timed} tried)"


def _total_lines(bill: Any) -> Iterator[str]:
    """Yield the sums, each with the inputs that it leaves out."""
    fetched = sorted({one.licence or "licence unknown" for one in bill.inputs.values() if one.fetch != 0})
    licences = f" ({', '.join(fetched)})" if fetched else ""
    yield f"to fetch: {_sum(megabytes(bill.fetch), bill, 'fetch', bool(bill.fetch))}{licences}"
    if bill.rows is None:
        yield "time, memory and disk: name the table with --data"
        return
    yield f"embedding: {_sum(duration(bill.seconds), bill, 'seconds', bool(bill.seconds))}"
    yield f"peak memory: {_sum('about ' + megabytes(bill.memory), bill, 'memory', bool(bill.memory))}"
    yield f"disk, for the cache: {_sum(megabytes(bill.cache), bill, 'cache', bool(bill.cache))}"


def _sum(known: str, bill: Any, what: str, any_known: bool) -> str:
    """Return a sum, and whose share of it nobody knows yet."""
    names = bill.unknown.get(what, ())
    if not names:
        return known if any_known else "nothing"
    told, unknown = ", ".join(names), _unknown([bill.inputs[name] for name in names])
    return f"{known}, and {told}: {unknown}" if any_known else f"{unknown} ({told})"


def _unknown(inputs: list[Any]) -> str:
    """Return how a figure of these inputs is unknown: until something is fetched, or for good."""
    return "unknown until fetched" if any(one.fetch != 0 for one in inputs) else "unknown"
