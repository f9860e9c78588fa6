"""Figures under each other on the terminal; and, where no report tells them, subsets of inputs, slices and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli.shell import width
from mmsdk.cli.text import padded, shown_width
from mmsdk.plugins import resolve
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SLICES = 6  # the weakest


def detail_lines(parts: Mapping[str, Any], metric: str) -> Iterator[str]:
    """Yield what is known of a task beside its figures, no line wider than the terminal."""
    yield from _subsets(parts, metric)
    yield from _slices(parts.get("slices", ()))
    for line in resolve("mmsdk.report.promises:broken_lines")(parts):
        yield _wrapped(f"a broken promise: {line}")
    if rules := parts.get("rules"):
        yield _wrapped(_ruled(rules, metric))


def _subsets(parts: Mapping[str, Any], metric: str) -> Iterator[str]:
    """Yield what the same rows score by some of their inputs, and which input makes the answers worse."""
    scores, folded = resolve("mmsdk.report.inputs:given_rows")(parts, metric)
    if some := list(scores)[:-1]:  # the last is of all of them, the figure of the run itself
        yield "  by some of the inputs alone:"
        yield from aligned({name: quoted(scores[name]) for name in some}, indent=4)
    if folded:
        yield f"    {len(folded)} more with --json"
    for line in resolve("mmsdk.report.inputs:worse_lines")(parts, metric):
        yield _wrapped(f"worse for one more input: {line}")


def _slices(slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the weakest slices, and which of them are so beyond chance."""
    if not slices:
        return
    order = "weakest first, too few rows to judge any"
    if slices[0]["judged"]:
        order = "weakest first, those of too few rows to judge last; *: beyond chance, all taken together"
    yield _wrapped(f"on slices ({order}):")
    shown = {
        f"{'*' if one['worse'] else ''}{one['column']} = {one['value']} ({one['n']} rows)": quoted(one["score"])
        for one in slices[:SLICES]
    }
    yield from aligned(shown, indent=4)
    if len(slices) > SLICES:
        yield f"    {len(slices) - SLICES} more with --json"


def _ruled(rules: Mapping[str, Any], metric: str) -> str:
    """Return what the rules changed, by which rule, and what the figure is without and with them."""
    answers, gain = rules["answers"], rules["gain"][metric]
    by, doubts = (
        ", ".join(f"{name} {count}" for name, count in rules[key].items() if count) for key in ("changed", "unjudged")
    )
    return (
        f"rules changed {answers['changed']} of {answers['scored']} answers{f' ({by})' if by else ''}: {metric} "
        f"{quoted(rules['without'].get(metric))} without them, {quoted(rules['with'].get(metric))} with "
        f"them; gain {quoted(gain, '+.3f')}"
        f"{f'; could not be judged, text in the place of a number: {doubts}' if doubts else ''}"
    )


def aligned(rows: Mapping[str, str], *, indent: int = 2) -> Iterator[str]:
    """Yield ``name  score`` lines, the scores under each other where the terminal is wide enough."""
    pad = max(map(shown_width, rows))
    if indent + 2 + pad + max(len(score) for score in rows.values()) > width():
        pad = 0
    for name, score in rows.items():
        line = f"{' ' * indent}{padded(name, pad)}  {score}"
        yield line if shown_width(line) <= width() else _wrapped(line.strip(), indent)


def _wrapped(line: str, indent: int = 2) -> str:
    """Return a line as several where the terminal is too narrow for it."""
    return click.wrap_text(line, width(), " " * indent, " " * (indent + 2))
