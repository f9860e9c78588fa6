"""Which plugins a run rests on: written when it is made, looked for before it is loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk.errors import PluginError
from mmsdk.plugins import from_core, get_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mmsdk.config import Application
    from mmsdk.embed import OpenEncoder

ORIGIN = re.compile(r"\S+ \((?P<distribution>\S+) (?P<version>\S+)\)")


def plugins_used(application: Application, encoders: Iterable[OpenEncoder]) -> dict[str, str]:
    """Return distribution -> version of each plugin whose components an application uses; the core is none of them."""
    registry = get_registry()
    entries = (registry.get(kind, name) for kind, name in _named(application))
    found = {entry.plugin.distribution: entry.plugin.version for entry in entries if not from_core(entry)}
    for encoder in encoders:
        if origin := ORIGIN.fullmatch(encoder.origin):
            found[origin["distribution"]] = origin["version"]
    return dict(sorted(found.items()))


def require_plugins(folder: Path, used: Mapping[str, str]) -> None:
    """Refuse a run whose plugins are not all here.

    :param used: distribution -> version that the run was made with.
    :raises PluginError: some are not; names each, with its version.
    """
    here = {row.distribution for row in get_registry().rows}
    if missing := [name for name in used if name not in here]:
        made_with = " and ".join(f"{name} {used[name]}" for name in missing)
        one = len(missing) == 1
        raise PluginError(
            f"{folder} was made with {made_with}, which {'is' if one else 'are'} not installed here: "
            f"pip install {' '.join(missing)}"
        )


def _named(application: Application) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of every component that the application names, but encoders."""
    named: list[tuple[str, Any]] = [("fusion", application.fusion.type), ("index", application.index.type)]
    named += [("aligner", application.align.type)] if application.align is not None else []
    named += [("task", one.type) for one in application.tasks.values()]
    for one in application.inputs.values():
        named += [("modality", one.modality), ("trainable", one.trainable.type if one.trainable else "auto")]
    yield from ((kind, name) for kind, name in named if name != "auto")
