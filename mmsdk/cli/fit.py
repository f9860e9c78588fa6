"""``mmsdk fit``: an application file and a table to a run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from mmsdk.cli import options
from mmsdk.cli.figures import print_run
from mmsdk.cli.plan import print_plan
from mmsdk.plugins import resolve


@click.command()
@click.argument("app", metavar="APP.yaml", type=click.Path(exists=True, dir_okay=False))
@options.fitting
def fit(
    *,
    app: str,
    data: str | None,
    out: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int | None,
    device: str,
    dry_run: bool,
    as_json: bool,
    overwrite: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Fit the application file APP.yaml and write a run."""
    overrides = resolve("mmsdk.config:parse_set")(settings) | ({"preset": preset} if preset else {})
    reading = {
        "device": device,
        "on_bad_row": on_bad_row,
        "allow_outside": allow_outside,
        "allow_remote": allow_remote,
    }
    if dry_run:
        planned = resolve("mmsdk.app.resolving:resolve_application")(app, data=data, seed=seed, overrides=overrides)
        print_plan(planned, as_json=as_json, **reading)
        return
    folder = Path(out) if out else Path("runs") / Path(app).stem
    fitted = resolve("mmsdk.app.fitting:fit")(
        app,
        data=data,
        out=folder,
        overrides=overrides,
        seed=seed,
        overwrite=overwrite,
        **reading,
        origin=resolve("mmsdk.app.fitting:Origin")(title=Path(app).stem, command=shlex.join(["mmsdk", *sys.argv[1:]])),
    )
    print_run(fitted, as_json=as_json)
