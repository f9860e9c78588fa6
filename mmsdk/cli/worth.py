"""``mmsdk worth``: what each input is worth and costs, before anything is trained."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import width
from mmsdk.cli.text import padded, shown_width
from mmsdk.plugins import resolve
from mmsdk.progress import duration
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

REDUNDANT = (
    "Inputs that say the same thing cover for each other: leave out one at a time, and ask again. A linear model was "
    "asked, in seconds; what inputs say only together, a fit may find."
)


@click.command()
@click.argument("app", metavar="APP.yaml", type=click.Path(exists=True, dir_okay=False))
@options.data
@options.preset
@options.settings
@options.seed
@options.device
@options.as_json
@options.reading
def worth(
    *,
    app: str,
    data: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int | None,
    device: str,
    as_json: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Say what each input of APP.yaml is worth and costs; nothing is trained."""
    overrides = resolve("mmsdk.config:parse_set")(settings) | ({"preset": preset} if preset else {})
    found = resolve("mmsdk.app.worth:worth")(
        app,
        data=data,
        overrides=overrides,
        seed=seed,
        device=device,
        on_bad_row=on_bad_row,
        allow_outside=allow_outside,
        allow_remote=allow_remote,
    )
    if as_json:
        print_json(found.as_json())
        return
    for line in _lines(found):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        click.echo("\n".join(textwrap.wrap(line, width(), subsequent_indent=indent)) or "")


def _lines(found: Any) -> Iterator[str]:
    """Yield what the terminal shows; a line may be wrapped."""
    for name, task in found.tasks.items():
        by = f", groups of {found.grouped_by} kept together" if found.grouped_by else ""
        by = f", each answered by the rows before it ({found.ordered_by})" if found.ordered_by else by
        yield f"{name}: {task.metric} on {task.rows:,} rows of train and val, {found.folds} folds{by}"
        pad = max(map(shown_width, ("no input", "together", *(f"all but {one}" for one in task.left_out), *task.alone)))
        yield f"  {padded('no input', pad)}  {quoted(asdict(task.blind))}"
        for one, score in task.alone.items():
            yield f"  {padded(one, pad)}  {quoted(asdict(score))}"
        for one, score in task.left_out.items():
            yield f"  {padded('all but ' + one, pad)}  {quoted(asdict(score))}"
        yield f"  {padded('together', pad)}  {quoted(asdict(task.together))}"
        yield ""
        yield from task.advice.values()
        yield ""
    yield "embedding 1,000 rows:"
    pad = max(map(shown_width, found.cost))
    for name, cost in found.cost.items():
        yield f"  {padded(name, pad)}  {_cost(cost)}"
    if any(len(task.alone) > 1 for task in found.tasks.values()):
        yield ""
        yield REDUNDANT


def _cost(cost: Any) -> str:
    """Return what an input costs, and what of it is paid already."""
    if cost.seconds is None:
        return "no row has it" if not cost.present else "unknown: none of the rows tried could be encoded"
    paid = f"; {cost.cached:,} of {cost.present:,} rows are in the cache already" if cost.cached else ""
    return f"{duration(cost.seconds)} ({cost.timed} tried){paid}"
