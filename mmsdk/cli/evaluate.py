"""``mmsdk evaluate``: a run scored on labelled rows it has not seen, or an application by cross-validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.details import aligned
from mmsdk.cli.figures import ahead_line, headlines, print_metrics
from mmsdk.cli.output import print_json, write_json
from mmsdk.cli.runs import open_run
from mmsdk.cli.shell import width
from mmsdk.errors import ConfigError
from mmsdk.files import check_output
from mmsdk.plugins import resolve
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@click.command()
@click.argument("what", metavar="RUN|APP.yaml", type=click.Path())
@click.argument("data", type=click.Path(exists=True, dir_okay=False), required=False)
@click.option("--folds", type=int, metavar="N", help="Cross-validate APP.yaml with N folds  [default: 5]")
@click.option("--repeats", type=int, metavar="N", help="Draw other folds N times  [default: 1]")
@click.option(
    "--variants",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Variants of APP.yaml (name: {key: value}); inner folds choose, outer folds score.",
)
@options.settings
@options.seed
@click.option(
    "--slice",
    "slices",
    multiple=True,
    metavar="COLUMN",
    help="Score the rows of RUN apart by a column; may be repeated.",
)
@click.option("--out", metavar="FILE", help="Write the figures as JSON too; of folds every answer, for mmsdk compare.")
@options.device
@options.as_json
@options.reading
def evaluate(
    *, what: str, data: str | None, slices: tuple[str, ...], out: str | None, as_json: bool, **words: Any
) -> None:
    """Score RUN on the labelled rows of DATA, or cross-validate APP.yaml.

    Rows that a run was made with are left out; beside its figures stand those of every subset of its inputs, of slices,
    and without its rules. An application file is learned once a fold, each time without the rows it is then scored on;
    DATA is its own table where left out.
    """
    crossing = {name: words.pop(name) for name in ("folds", "repeats", "variants", "settings", "seed")}
    path = None if out is None else check_output(out, (".json",), what, *([data] if data else []))
    if Path(what).is_file():
        if slices:
            raise ConfigError(f"--slice is for a run, and {what} is an application file")
        _cross(what, data, crossing, out=path, as_json=as_json, **words)
        return
    if named := sorted(name for name, value in crossing.items() if value):
        raise ConfigError(f"--{_OPTION.get(named[0], named[0])} is for an application file, and {what} is none")
    if data is None:
        raise ConfigError(f"name the table to score {what} on: mmsdk evaluate {what} DATA")
    app = open_run(what, **words)
    metrics = resolve("mmsdk.app.evaluating:evaluate")(app, data, slices=slices)
    if as_json:
        print_json(metrics)
    else:
        print_metrics(metrics, headlines(app.document), details=True)
    if path is not None:  # what can fail comes last: the figures are on the screen
        write_json(path, metrics)


_OPTION = {"settings": "set"}


def _cross(
    app: str, data: str | None, crossing: Mapping[str, Any], *, out: Path | None, as_json: bool, **words: Any
) -> None:
    """Cross-validate an application file and print what came of it."""
    crossed = resolve("mmsdk.app.cross_validation:cross_validate")(
        app,
        data,
        folds=5 if crossing["folds"] is None else crossing["folds"],
        repeats=1 if crossing["repeats"] is None else crossing["repeats"],
        seed=crossing["seed"] or 0,
        nested=None if crossing["variants"] is None else _variants(crossing["variants"]),
        overrides=resolve("mmsdk.config:parse_set")(crossing["settings"]),
        **words,
    )
    found = crossed.as_json()
    if as_json:
        print_json(found)
    for line in () if as_json else _lines(found):
        click.echo(click.wrap_text(line, width(), subsequent_indent="    ") if len(line) > width() else line)
    if out is not None:  # what can fail comes last: the figures are on the screen
        crossed.save(out)


def _variants(file: str) -> dict[str, dict[str, Any]]:
    """Return the variants of a file: a name and dotted keys each.

    :raises ConfigError: it holds something else.
    """
    read = resolve("mmsdk.config:read_yaml")(Path(file).read_text(encoding="utf-8"), file)
    if not isinstance(read, dict) or not read or not all(isinstance(one or {}, dict) for one in read.values()):
        raise ConfigError(f"{file}: expected variants, each a name and its dotted keys (wide: {{fusion.dim: 512}})")
    return {str(name): dict(one or {}) for name, one in read.items()}


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the terminal shows of a cross-validation."""
    yield f"{found['rows']} rows, {found['folds']} folds, {found['repeats']} repeat{'s' * (found['repeats'] > 1)}"
    yield "calibrated inside each fold" if found["calibrated"] else "not calibrated (confidence.calibration is none)"
    for name, task in found["tasks"].items():
        yield f"\n{name}: out-of-fold (95 % bootstrap), mean of folds (95 % corrected t)"
        pad = max(len(metric) for metric in task["pooled"])
        for metric, one in sorted(task["pooled"].items(), key=lambda row: row[0] != task["headline"]):
            yield f"  {metric:<{pad}}  {quoted(one)}   {quoted(task['folds'][metric])}"
        baselines = {one: quoted(row.get(task["headline"])) for one, row in task["baselines"].items()}
        yield "  by the same folds:"
        yield from aligned(baselines, indent=4)
        yield f"  {ahead_line(task['paired'], task['headline'])}"
    picked = [name for repeat in found["chosen"] for name in repeat]
    if picked:
        yield "\nchosen: " + ", ".join(
            f"{name} {picked.count(name)} of {len(picked)}" for name in dict.fromkeys(picked)
        )
