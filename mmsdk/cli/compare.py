"""``mmsdk compare``: which of two runs, or cross-validations, is better, on rows that neither has seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import open_run
from mmsdk.cli.shell import width
from mmsdk.plugins import resolve
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@click.command()
@click.argument("run_a", metavar="RUN_A", type=click.Path())
@click.argument("run_b", metavar="RUN_B", type=click.Path())
@options.data
@options.device
@options.as_json
@options.reading
def compare(
    *,
    run_a: str,
    run_b: str,
    data: str | None,
    device: str,
    as_json: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Compare two runs on the same rows: those of --data, else the test rows of both.

    Or two cross-validations of the same rows, by the files that mmsdk evaluate APP.yaml --out wrote.
    """
    words = {"device": device, "on_bad_row": on_bad_row, "allow_outside": allow_outside, "allow_remote": allow_remote}
    sides = [one if Path(one).is_file() else open_run(one, **words) for one in (run_a, run_b)]
    found = resolve("mmsdk.app.comparing:compare")(*sides, data)
    if as_json:
        print_json(found)
        return
    for line in _lines(found):
        click.echo(click.wrap_text(line, width(), subsequent_indent="    ") if len(line) > width() else line)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the terminal shows."""
    yield f"A: {found['a']}"
    yield f"B: {found['b']}"
    left = found["left_out"]
    if any(left.values()):
        yield f"left out: {left['a']} rows that A was made with, {left['b']} that B was"
    for name, one in found["tasks"].items():
        by = f", resampled by {found['grouped_by']}" if found["grouped_by"] else ""
        yield f"\n{name}: {one['n']} rows{by}"
        pad = max(len(metric) for metric in one["metrics"])
        for metric, row in one["metrics"].items():
            mark = "*" if metric == one["headline"] else " "
            gap = quoted(row["difference"], "+.3f")
            yield f"{mark} {metric:<{pad}}  A {row['a']:.3f}  B {row['b']:.3f}  B - A {gap}"
        for test, row in one["tests"].items():
            yield f"  {test}: " + ", ".join(f"{key} {value:.3g}" for key, value in row.items())
        if "verdict" in one:
            yield f"  {one['verdict']}"
