"""What ``--dry-run`` prints: the application as resolved, and the encoders that would be opened."""

from __future__ import annotations

from typing import Any

import click

from mmsdk.cli.output import print_json
from mmsdk.plugins import get_registry, resolve


def print_plan(application: Any, *, as_json: bool) -> None:
    """Print the resolved application as YAML, and an encoder a line; no encoder is opened."""
    names = resolve("mmsdk.app.encoders:encoder_names")(application)
    encoders = {name: _encoder(candidates) for name, candidates in names.items()}
    if as_json:
        print_json({"application": application.model_dump(mode="json"), "encoders": encoders})
        return
    click.echo(resolve("mmsdk.config:dump_yaml")(application).rstrip())
    click.echo("# encoders")
    for name, one in encoders.items():
        about = ", ".join(part for part in (one["plugin"], one["licence"]) if part)
        click.echo(f"#   {name}: {one['encoder']}" + (f" ({about})" if about else ""))
    click.echo("# no encoder was opened, nothing was fetched or fitted")


def _encoder(candidates: tuple[str, ...]) -> dict[str, str]:
    """Return the first candidate that is installed, with where it comes from."""
    registry = get_registry()
    known = {entry.spec.name: entry for entry in registry.entries("encoder")}
    name = next((one for one in candidates if one not in known or _installed(known[one].spec)), candidates[-1])
    entry = known.get(name)
    if entry is None:
        return {"encoder": name, "plugin": "", "licence": "see the model's own page"}
    spec: Any = entry.spec
    return {"encoder": name, "plugin": f"{entry.plugin.distribution} {entry.plugin.version}", "licence": spec.licence}


def _installed(spec: Any) -> bool:
    """Return whether what an encoder needs can be imported."""
    from importlib.util import find_spec

    return all(find_spec(module) is not None for module in getattr(spec, "requires", ()))
