"""Opening a run from the command line, and its hits on the terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli.output import print_json
from mmsdk.cli.shell import on_terminal, width
from mmsdk.cli.text import clipped, padded, shortened, shown_width
from mmsdk.errors import ConfigError
from mmsdk.plugins import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

run = click.argument("run", metavar="RUN", type=click.Path())
"""``run: str``, a run directory."""

PATH = 12  # columns of the terminal that are left of a path at least


def open_run(folder: str, **options: Any) -> Any:
    """Load a run."""
    return resolve("mmsdk.app.loading:load")(folder, **options)


def ids_of(text: str) -> list[str]:
    """Return ``a,b, c`` as ids; a comma may be as Chinese input methods type it."""
    return [part.strip() for part in re.split("[,，、]", text) if part.strip()]


def query_of(app: Any, named: Mapping[str, str]) -> dict[str, str]:
    """Return the query by input name: each modality goes to the first input of it."""
    inputs = {name: one.modality for name, one in app.pipeline.encoders.items()}
    query = {}
    for modality, value in named.items():
        fitting = [name for name, of in inputs.items() if of == modality]
        if not fitting:
            known = ", ".join(f"{name} ({of})" for name, of in inputs.items())
            line = resolve("mmsdk.app.askable:input_line")(app, modality)
            raise ConfigError(
                f"--{modality}: {app.folder} has no {modality} input; it has: {known}. To ask so, make a column one "
                f"and fit again: in the application file, under inputs, {line}"
            )
        query[fitting[0]] = value if modality == "text" else str(Path(value).resolve())
    return query


def print_hits(hits: Sequence[Any], *, as_json: bool, why: Mapping[str, Any] | None = None) -> None:
    """Print hits, best first: id, score, and what the row holds; below each, why it is there.

    On a terminal a line is no wider than that, unless the id alone is.
    """
    reasons = why or {}
    if as_json:
        told = {name: {"why": one.as_json()} for name, one in reasons.items()}
        print_json([{**hit.as_json(), **told.get(hit.id, {})} for hit in hits])
        return
    pad = max((shown_width(hit.id) for hit in hits), default=0)
    for place, hit in enumerate(hits, 1):
        start = f"{place:>3}. {padded(hit.id, pad)}  {hit.score:7.3f}  "
        click.echo(start + _about(hit, width() - shown_width(start) if on_terminal() else None))
        if hit.id in reasons:
            click.echo(click.wrap_text(reasons[hit.id].told(), width(), "     ", "     "))
    if not hits:
        click.echo("Nothing found.")


def _about(hit: Any, room: int | None) -> str:
    """Return what a row holds beside its id, in a line; paths are shortened, and the rest cut off, to a room."""
    values = [" ".join(str(value).split()) for value in hit.row.values() if value is not None and str(value) != hit.id]
    about = ", ".join(values)
    if room is None or shown_width(about) <= room:
        return about
    paths = [value for value in values if _is_path(value)]
    spare = room - shown_width(about) + sum(map(shown_width, paths))
    left = max(spare // len(paths), PATH) if paths else 0
    about = ", ".join(shortened(value, left) if value in paths else value for value in values)
    return about if shown_width(about) <= room else clipped(clipped(about, room - 1) + "…", room)


def _is_path(value: str) -> bool:
    """Return whether a value looks like a path or an address."""
    return " " not in value and ("/" in value or "\\" in value)
