# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What loaders, presets, commands, health checks and the plugin itself promise."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmsdk.plugins import get_registry, label, resolve
from mmsdk.specs import Health
from mmsdk.testing.checks import bind, expect
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.plugins import PluginRow
    from mmsdk.specs import CommandSpec, HealthCheckSpec, LoaderSpec, PresetSpec, Spec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

STATES = ("ok", "warn", "fault")
LOADER_KEYWORDS = ("modality", "device", "trust_remote_code")


class DeclarationSubject(Subject):
    """A component of which its spec and its target are looked at."""


def loader_checks(spec: LoaderSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one scheme."""
    functions = [
        check_loader_spec_is_sane,
        check_target_resolves,
        check_loader_takes_its_keywords,
        check_loader_fetches_and_locates,
        check_import_is_offline,
    ]
    yield from bind(f"loader {spec.name}", DeclarationSubject(spec, probe), functions)


def preset_checks(spec: PresetSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one preset."""
    yield from bind(f"preset {spec.name}", DeclarationSubject(spec, probe), [check_preset_names_encoders])


def command_checks(spec: CommandSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one command."""
    functions = [check_target_resolves, check_command_has_help, check_import_is_offline]
    yield from bind(f"command {spec.name}", DeclarationSubject(spec, probe), functions)


def health_check_checks(spec: HealthCheckSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one health check."""
    functions = [check_target_resolves, check_health_yields_rows, check_import_is_offline]
    yield from bind(f"health_check {spec.name}", DeclarationSubject(spec, probe), functions)


def plugin_checks(row: PluginRow, probe: Probe) -> Iterator[Check]:
    """Yield the checks of a plugin as a whole."""
    functions = [
        check_plugin_loads,
        check_plugin_declares_something,
        check_plugin_has_names_of_its_own,
        check_plugin_is_light,
        check_plugin_is_offline,
    ]
    yield from bind(
        f"plugin {row.name}", _PluginSubject(row, probe), functions if row.stage in ("", "resolve") else functions[:1]
    )


class _PluginSubject:
    """A plugin's row and the process that imported it."""

    def __init__(self, row: PluginRow, probe: Probe) -> None:
        self.row = row
        self.probe = probe


def check_plugin_loads(subject: _PluginSubject) -> None:
    """The plugin loads, and every hook answers with specs."""
    row = subject.row
    expect(row.stage in ("", "resolve"), f"broken at {row.stage}: {row.reason}")


def check_plugin_declares_something(subject: _PluginSubject) -> None:
    """The plugin declares a component."""
    expect(subject.row.provides, "declares nothing: does its entry point name the module that holds the hooks?")


def check_plugin_has_names_of_its_own(subject: _PluginSubject) -> None:
    """No other plugin that is installed here declares a component of the same kind and name."""
    registry = get_registry()
    shared = [
        f"{label(entry.kind)} {entry.spec.name!r} ({', '.join(one.plugin.origin for one in others)})"
        for entry in registry.of_plugin(subject.row.name)
        if (others := registry.sharing(entry))
    ]
    expect(not shared, f"declared by others too: {'; '.join(shared)}")


def check_plugin_is_light(subject: _PluginSubject) -> None:
    """Loading the plugin imports nothing heavy: specs are strings, targets are imported when used."""
    for root in subject.probe.roots:
        found = subject.probe.root(root)
        expect(not found["error"], f"importing {root} in a fresh process failed: {found['error']}")
        expect(not found["heavy"], f"importing {root} imports {', '.join(found['heavy'])}")


def check_plugin_is_offline(subject: _PluginSubject) -> None:
    """Loading the plugin asks nothing of the network."""
    for root in subject.probe.roots:
        found = subject.probe.root(root)["network"]
        expect(not found, f"importing {root} asked the network for {', '.join(found)}")


def check_target_resolves(subject: DeclarationSubject) -> None:
    """The target can be imported and called."""
    expect(callable(subject.target), f"{subject.spec.target} cannot be called")


def check_loader_spec_is_sane(subject: DeclarationSubject) -> None:
    """The spec names modalities, and an example that begins with the scheme."""
    spec = subject.spec
    expect(spec.modalities, "modalities is empty: name at least one")
    expect(
        spec.example.startswith(f"{spec.name}:") and len(spec.example) > len(spec.name) + 1,
        f"example {spec.example!r} does not begin with {spec.name + ':'!r}",
    )


def check_loader_takes_its_keywords(subject: DeclarationSubject) -> None:
    """The target takes a reference, and ``modality``, ``device`` and ``trust_remote_code`` by keyword."""
    signature = inspect.signature(subject.target)
    try:
        signature.bind("reference", **dict.fromkeys(LOADER_KEYWORDS))
    except TypeError as error:
        raise AssertionError(f"{subject.spec.target}{signature} does not take them: {error}") from None


def check_loader_fetches_and_locates(subject: DeclarationSubject) -> None:
    """What ``pull`` and ``locate`` name can be imported and takes what the core hands it."""
    spec = subject.spec
    for target, arguments, keywords in ((spec.pull, ("id", Path()), {"quiet": True}), (spec.locate, ("id",), {})):
        if target:
            try:
                inspect.signature(resolve(target)).bind(*arguments, **keywords)
            except (ImportError, TypeError) as error:
                raise AssertionError(f"{target}: {error}") from None


def check_preset_names_encoders(subject: DeclarationSubject) -> None:
    """Each modality of the preset is installed, and so is at least one encoder for it that serves it."""
    encoders: Mapping[str, tuple[str, ...]] = subject.spec.encoders
    expect(encoders, "encoders is empty")
    installed = {entry.spec.name for entry in get_registry().entries("modality")}
    for modality, names in encoders.items():
        expect(modality in installed, f"modality {modality!r} is not installed")
        expect(
            any(_serves(name, modality) for name in names),
            f"none of {', '.join(names)} is an installed encoder or scheme for {modality}",
        )


def check_command_has_help(subject: DeclarationSubject) -> None:
    """The target is a ``click.Command`` of the declared name, and its ``--help`` works."""
    command = subject.target
    expect(
        isinstance(command, click.Command), f"{subject.spec.target} is {type(command).__name__}, expected click.Command"
    )
    expect(
        command.name == subject.spec.name, f"the command is named {command.name!r}, the spec says {subject.spec.name!r}"
    )
    with click.Context(command, info_name=subject.spec.name) as context:
        expect(command.help and command.get_help(context), "the command has no help")
    expect(subject.spec.summary, "summary is empty: `mmsdk --help` would show the name alone")


def check_health_yields_rows(subject: DeclarationSubject) -> None:
    """Called without arguments, it yields Health rows with a state that the doctor knows."""
    for row in subject.target():
        expect(isinstance(row, Health), f"yields {type(row).__name__}, expected mmsdk.Health")
        expect(row.status in STATES, f"status is {row.status!r}, expected one of {', '.join(STATES)}")


def _serves(name: str, modality: str) -> bool:
    """Return whether an installed encoder or scheme of that name serves the modality."""
    bare = name.rpartition("/")[2] if ":" not in name else name
    found: list[Spec] = [entry.spec for entry in get_registry().entries("encoder") if entry.spec.name == bare]
    found += [e.spec for e in get_registry().entries("loader") if name.startswith(f"{e.spec.name}:")]
    return any(modality in getattr(spec, "modalities", ()) for spec in found)
