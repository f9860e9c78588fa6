"""Which plugins a run rests on: written when it is made, looked for before it is loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk.embed import open_modality
from mmsdk.errors import EncoderError, PluginError
from mmsdk.plugins import from_core, get_registry
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mmsdk.config import Application
    from mmsdk.embed import OpenEncoder
    from mmsdk.plugins import Entry

ORIGIN = re.compile(r"\S+ \((?P<distribution>\S+) (?P<version>\S+)\)")


def plugins_used(application: Application, encoders: Iterable[OpenEncoder]) -> dict[str, str]:
    """Return distribution -> version of each plugin whose components an application uses; the core is none of them."""
    found = {entry.plugin.distribution: entry.plugin.version for _, entry in _foreign(application)}
    for encoder in encoders:
        if origin := ORIGIN.fullmatch(encoder.origin):
            found[origin["distribution"]] = origin["version"]
    return dict(sorted(found.items()))


def components_used(application: Application) -> dict[str, dict[str, str]]:
    """Return kind -> name -> plugin of what an application names of plugins, but encoders."""
    found: dict[str, dict[str, str]] = {}
    for name, entry in _foreign(application):
        found.setdefault(entry.kind, {})[name] = entry.plugin.name
    return found


def with_components(application: Application, made_with: Mapping[str, Mapping[str, str]]) -> Application:
    """Return the application with the components that the run was made with, whoever declares the same names by now.

    :param made_with: as :func:`components_used` returned it.
    """
    registry = get_registry()

    def own(kind: str, name: str) -> str:
        plugin = made_with.get(kind, {}).get(name)
        return name if plugin is None else registry.preferred(kind, name, plugin)

    def typed(kind: str, section: Any) -> Any:
        return section and section.model_copy(update={"type": own(kind, section.type)})

    return application.model_copy(
        update={
            "fusion": typed("fusion", application.fusion),
            "index": typed("index", application.index),
            "align": typed("aligner", application.align),
            "tasks": {name: typed("task", one) for name, one in application.tasks.items()},
            "inputs": {
                name: one.model_copy(
                    update={
                        "modality": own("modality", one.modality),
                        "trainable": typed("trainable", one.trainable),
                    }
                )
                for name, one in application.inputs.items()
            },
        }
    )


def require_plugins(folder: Path, used: Mapping[str, str], *, quiet: bool) -> None:
    """Refuse a run whose plugins are not all here, and say which are here in another version.

    Another version is no reason to refuse: what embeds is compared by fingerprints, and the rest may answer as before.

    :param used: distribution -> version that the run was made with.
    :raises PluginError: some are not; names each, with its version.
    """
    here = {row.distribution: row.version for row in get_registry().rows}
    if missing := [name for name in used if name not in here]:
        made_with = " and ".join(f"{name} {used[name]}" for name in missing)
        one = len(missing) == 1
        raise PluginError(
            f"{folder} was made with {made_with}, which {'is' if one else 'are'} not installed here: "
            f"pip install {_pinned(missing, used)}"
        )
    if others := [name for name, version in used.items() if here[name] != version]:
        made_with = " and ".join(f"{name} {used[name]}" for name in others)
        found = " and ".join(here[name] for name in others)
        note(
            f"{folder} was made with {made_with}, and {found} {'is' if len(others) == 1 else 'are'} installed here: "
            f"answers may differ; pip install {_pinned(others, used)}, or fit again",
            quiet,
        )


def _pinned(names: Iterable[str], used: Mapping[str, str]) -> str:
    """Return distributions as pip takes them, in the versions that the run was made with."""
    return " ".join(f"{name}=={used[name]}" for name in names)


def require_modalities(folder: Path, application: Application, inputs: Mapping[str, Any]) -> None:
    """Refuse a run whose cells would be read otherwise than in training, by what the modalities say themselves.

    :param inputs: input -> what run.json says of it.
    :raises EncoderError: one is not what it was.
    """
    for name, entry in application.inputs.items():
        made_with = inputs[name].get("modality_fingerprint")
        if not made_with:  # it has none: its version is all that is known of it
            continue
        opened = open_modality(entry.modality, entry.decode)
        if opened.fingerprint != made_with:
            raise EncoderError(
                f"{folder}: input {name!r} was read by modality {entry.modality!r} as it was then, and that of "
                f"{opened.origin} here makes other samples; install the one it was made with, or fit again"
            )


def _foreign(application: Application) -> Iterator[tuple[str, Entry]]:
    """Yield what an application names of plugins, but encoders: the name as it is written, and what it means."""
    registry = get_registry()
    for kind, name in _named(application):
        entry = registry.get(kind, name)
        if not from_core(entry):
            yield name, entry


def _named(application: Application) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of every component that the application names, but encoders."""
    named: list[tuple[str, Any]] = [("fusion", application.fusion.type), ("index", application.index.type)]
    named += [("aligner", application.align.type)] if application.align is not None else []
    named += [("task", one.type) for one in application.tasks.values()]
    for one in application.inputs.values():
        named += [("modality", one.modality), ("trainable", one.trainable.type if one.trainable else "auto")]
    yield from ((kind, name) for kind, name in named if name != "auto")
