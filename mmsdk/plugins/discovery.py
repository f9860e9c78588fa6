"""Loading plugins one by one from the entry points of group ``mmsdk``: load, register, hook; each may fail alone."""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from mmsdk import hookspecs
from mmsdk.errors import PluginError, did_you_mean
from mmsdk.plugins.targets import KINDS, fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mmsdk.specs import Spec

CORE = "mmsdk"
HOOKS = {hook: kind for kind, (hook, _) in KINDS.items()}
STRICT = "MMSDK_STRICT_PLUGINS"
SUBSET = "MMSDK_LOAD_PLUGINS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a plugin comes from: its entry point's name and distribution, and how its object is imported."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()
    load: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One plugin after loading: its specs by kind, or the stage at which it broke and why."""

    source: Source
    specs: Mapping[str, tuple[Spec, ...]] = field(default_factory=dict)
    stage: str = ""
    reason: str = ""


def discover() -> list[Found]:
    """Load the core's own plugin and every installed one, in order of name; a failure is an answer, not an exception.

    :raises Exception: whatever a plugin raised, where ``MMSDK_STRICT_PLUGINS=1``.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    found = []
    for source in _chosen([_core(), *_installed()]):
        try:
            found.append(Found(source=source, specs=_load(source, manager)))
        except _Broken as broken:
            found.append(Found(source=source, stage=broken.stage, reason=str(broken)))
    return found


def strict() -> bool:
    """Return whether ``MMSDK_STRICT_PLUGINS`` asks that failures be raised."""
    return os.environ.get(STRICT, "") not in ("", "0")


def describe_failure(error: BaseException) -> str:
    """Return ``TypeError: what it said`` on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """A plugin failed at ``stage``; the text is the reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


def _load(source: Source, manager: pluggy.PluginManager) -> dict[str, tuple[Spec, ...]]:
    """Take one plugin through its stages and return what it declares.

    :raises _Broken: it failed, and failures are not to be raised.
    """
    stage = "load"
    try:
        _check_requires(source)
        plugin = source.load()
        stage = "register"
        _check_hooks(plugin, manager)
        _register(plugin, source, manager)
        stage = "hook"
        return {kind: _collect(plugin, hook, kind, manager) for hook, kind in HOOKS.items()}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin that calls sys.exit() at import is broken too
        if strict():
            if isinstance(error, PluginError):
                raise PluginError(f"plugin {source.name} ({source.distribution} {source.version}): {error}") from None
            raise
        reason = str(error) if isinstance(error, PluginError) else describe_failure(error)
        raise _Broken(stage, reason) from error


def _core() -> Source:
    """Return the core's own specs as a plugin like any other, imported by name as any other."""
    load = functools.partial(importlib.import_module, "mmsdk.builtin")
    return Source(name=CORE, distribution=CORE, version=core_version(), load=load)


def core_version() -> str:
    """Return the version of the installed core."""
    from mmsdk import __version__

    return __version__


def _installed() -> Iterator[Source]:
    """Yield the entry points of group ``mmsdk`` in order of name; reading them imports nothing."""
    points = metadata.entry_points(group=hookspecs.PROJECT)
    for point in sorted(points, key=lambda point: (point.name, point.dist.name if point.dist else "")):
        dist = point.dist
        yield Source(
            name=point.name,
            distribution=dist.name if dist else "unknown",
            version=dist.version if dist else "",
            requires=tuple(dist.requires or ()) if dist else (),
            load=point.load,
        )


def roots(plugin: str, distribution: str) -> list[str]:
    """Return the module of a plugin's entry point; none for the core, which has no entry point."""
    points = metadata.entry_points(group=hookspecs.PROJECT, name=plugin)
    return sorted({point.module for point in points if point.dist is not None and point.dist.name == distribution})


def _chosen(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the plugins that ``MMSDK_LOAD_PLUGINS`` names (the core always), or all where it is not set."""
    wanted = os.environ.get(SUBSET)
    if wanted is None:
        yield from sources
        return
    names = {name.strip() for name in wanted.split(",") if name.strip()} - {CORE}
    known = []
    for source in sources:
        known.append(source.name)
        if source.name == CORE or source.name in names:
            yield source
    for name in sorted(names.difference(known)):
        hint = did_you_mean(name, known)
        yield Source(name=name, distribution="not installed", version="", load=_refuse(f"named by {SUBSET}.{hint}"))


def _refuse(reason: str) -> Callable[[], Any]:
    """Return a loader that fails with ``reason``."""

    def load() -> Any:
        raise PluginError(reason)

    return load


def _check_requires(source: Source) -> None:
    """Refuse a plugin whose distribution asks for another version of the core than the one that runs.

    :raises PluginError: it does; pip had been overruled, or the core was upgraded under it.
    """
    ours = [text for text in source.requires if re.match(rf"{CORE}\b(?![-._]?\w)", text, re.IGNORECASE)]
    if not ours or source.distribution == CORE:
        return
    from packaging.requirements import Requirement

    for text in ours:
        need = Requirement(text)
        applies = need.marker is None or need.marker.evaluate({"extra": ""})
        if applies and not need.specifier.contains(core_version(), prereleases=True):
            raise PluginError(
                f"needs {CORE}{need.specifier}, this is {CORE} {core_version()}. "
                f"Install versions that go together: pip install -U {CORE} {source.distribution}"
            )


def _check_hooks(plugin: Any, manager: pluggy.PluginManager) -> None:
    """Refuse names that look like a hook and are none, and hooks that nothing marks as an implementation.

    :raises PluginError: a misspelled hook, a missing ``@hookimpl``, or a wrapper.
    """
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name)
        if marked is not None:
            _check_marked(marked, marked.get("specname") or name)
        elif name in HOOKS:
            raise PluginError(f"{name} is not marked as a hook: put @hookimpl (from mmsdk import hookimpl) above it")
        elif name.startswith("mmsdk_") and callable(getattr(plugin, name)):
            raise PluginError(_no_hook(name))


def _check_marked(options: pluggy.HookimplOpts, hook: str) -> None:
    """Refuse a marked function that is no hook of this core (unless it says it is optional), or that wraps one.

    :raises PluginError: it is.
    """
    if hook not in HOOKS and not options["optionalhook"]:
        raise PluginError(_no_hook(hook))
    if options["wrapper"] or options["hookwrapper"]:
        raise PluginError(f"{hook} is a hook wrapper; mmsdk calls each plugin by itself, so write a plain @hookimpl")


def _no_hook(name: str) -> str:
    """Return the sentence for a hook nobody knows."""
    return f"no hook named {name!r}.{did_you_mean(name, HOOKS)} Hooks: {', '.join(HOOKS)}"


def _register(plugin: Any, source: Source, manager: pluggy.PluginManager) -> None:
    """Hand the plugin to pluggy, which checks the arguments of its hooks; two of one name are refused.

    :raises PluginError: the name or the object is taken, or a hook takes arguments.
    """
    if manager.has_plugin(source.name):
        first = next(one.distribution for one in _installed() if one.name == source.name)
        raise PluginError(
            f"{first} has a plugin named {source.name!r} too. Uninstall one of them, or give this one's entry point "
            "another name"
        )
    try:
        manager.register(plugin, source.name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"a hook takes no arguments: {str(error).splitlines()[-1]}") from error
    except ValueError as error:
        raise PluginError("the same object is already registered under another name") from error


def _collect(plugin: Any, hook: str, kind: str, manager: pluggy.PluginManager) -> tuple[Spec, ...]:
    """Call one hook of one plugin and return its specs, checked.

    :raises PluginError: it yielded something else, or one name twice.
    """
    specs: dict[str, Spec] = {}
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin is not plugin:
            continue
        answer = implementation.function()
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            raise PluginError(f"{hook} returned {type(answer).__name__}, expected specs: use yield, not return")
        for item in answer:
            if fault := fault_of(item, kind):
                raise PluginError(f"{hook} {fault}" if fault.startswith("yielded") else f"{hook}: {fault}")
            if item.name in specs:
                raise PluginError(f"{hook} yielded {item.name!r} twice")
            specs[item.name] = item
    return tuple(specs.values())
