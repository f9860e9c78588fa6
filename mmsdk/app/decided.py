"""What an application leaves open and a fit decides: of that, what may cost accuracy or safety, in plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.app.encoders import chosen, encoder_names
from mmsdk.config import describe_defaults
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mmsdk.config import Application


def told_decisions(
    application: Application, folder: Path | None, *, synthetic: bool = False, whole: bool = False
) -> Iterator[str]:
    """Yield lines: what the user may want to decide otherwise, and where every choice is written.

    :param folder: the run, ``None`` where nobody has named one.
    :param synthetic: the data is made up, and a better encoder would tell no more of it.
    :param whole: every default as well, for a log, where nobody has to scroll back to them.
    """
    encoders = [] if synthetic else _of_encoders(application)
    if told := [*_of_rows(application), *encoders, *_of_answers(application)]:
        yield "decided for you:"
        yield from (f"  {line}" for line in told)
    yield f"every setting: {'run.json of the run' if folder is None else folder / 'run.json'}, or --dry-run"
    if whole:
        yield from _by_default(application)


def _by_default(application: Application) -> Iterator[str]:
    """Yield every default, a line a block."""
    blocks: dict[str, list[str]] = {}
    for line in describe_defaults(application):
        key, _, value = line.partition(" = ")
        block, _, name = key.rpartition(".")
        blocks.setdefault(block or "application", []).append(f"{name} {value}")
    for block, lines in blocks.items():
        yield f"by default, {block}: {', '.join(lines)}"


def _of_rows(application: Application) -> Iterator[str]:
    """Yield how rows are named and parted."""
    split = application.split
    if application.id is None:
        yield "id: rows are numbered (id: COLUMN names them)"
    if application.tasks and not (split.column or split.group or split.time):
        shares = f"{100 * split.test:.3g} % test, {100 * split.validation:.3g} % val"
        yield f"split: at random, {shares}; rows of one person or thing belong together (split.group: COLUMN)"


def _of_encoders(application: Application) -> Iterator[str]:
    """Yield the inputs that another preset would read by another encoder, where nobody chose a preset."""
    if "preset" in application.model_fields_set:
        return
    names = encoder_names(application)
    taken = {name: chosen(names[name]) for name, entry in application.inputs.items() if entry.encoder is None}
    presets: list[Any] = [entry.spec for entry in get_registry().entries("preset")]
    found = {one.name: _read_otherwise(application, taken, one.encoders) for one in presets}
    if others := [name for name, inputs in found.items() if inputs]:
        read = {name: _able(names[name]) for name in taken if any(name in one for one in found.values())}
        first = "the first that knows the cells; " if any(len(able) > 1 for able in read.values()) else ""
        told = ", ".join(f"{name} by {' or '.join(able)}" for name, able in read.items())
        yield f"encoders: {told} ({first}larger ones: --preset {' or '.join(others)})"


def _able(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the encoder that is opened, and those that take its place where it knows too few of the cells."""
    return names[names.index(chosen(names)) :]


def _read_otherwise(
    application: Application, taken: Mapping[str, str], encoders: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Return the inputs that the encoders of a preset would read otherwise."""
    offered = {name: encoders.get(application.inputs[name].kind) for name in taken}
    return [name for name, found in offered.items() if found and chosen(found) != taken[name]]


def _of_answers(application: Application) -> Iterator[str]:
    """Yield what answers, and which answers are given."""
    if not application.tasks:
        return
    if "head" not in application.model_fields_set:
        yield f"head: {application.head.type} (head: auto tries several)"
    if application.confidence.abstain is None:
        yield "unsure answers: given all the same (confidence.abstain declines)"
