"""What the plugins declare, by kind and name; a name that two of them claim is refused, ``plugin/name`` decides.

The core's own names stay the core's: commands, fusions and tasks stand in people's scripts and files, and a plugin that
somebody installs for another thing must not break those. The plugin's row says so.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mmsdk.errors import MmsdkError, PluginError, unknown
from mmsdk.plugins.discovery import CORE, describe_failure, discover, strict
from mmsdk.plugins.targets import KINDS, missing_methods, missing_modules, resolve
from mmsdk.specs import PresetSpec, Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mmsdk.plugins.discovery import Found

LABELS = {"health_check": "health check", "loader": "encoder scheme", "index": "index type", "task": "task type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRow:
    """One line of ``mmsdk plugins list``.

    :param name: the entry point's name.
    :param distribution: what pip installed, with its ``version``.
    :param status: ``"ok"`` or ``"broken"``.
    :param stage: where it broke: ``"load"``, ``"register"``, ``"hook"``, ``"resolve"``; empty when ok.
    :param reason: why, in a sentence; of one that works, which of its names somebody else has too.
    :param provides: kind -> how many it declares, kinds without any left out.
    """

    name: str
    distribution: str
    version: str
    status: str = "ok"
    stage: str = ""
    reason: str = ""
    provides: Mapping[str, int] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Return ``tone (mmsdk-tone 0.1.0)``, as every message names a plugin."""
        return f"{self.name} ({f'{self.distribution} {self.version}'.strip()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A declared component: its spec, the plugin it came from, and the way to its target."""

    kind: str
    spec: Spec
    plugin: PluginRow
    report: Callable[[str, str], None] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the name that is never ambiguous: ``plugin/name``."""
        return f"{self.plugin.name}/{self.spec.name}"

    def load(self) -> Any:
        """Import the target and return it; a failure marks the plugin as broken at stage ``resolve``.

        :raises PluginError: it cannot be imported. With ``MMSDK_STRICT_PLUGINS=1`` the error itself is raised.
        """
        try:
            return resolve(self.spec.target)
        except Exception as error:
            if strict():
                raise
            reason = f"{self.spec.target!r}: {describe_failure(error)}"
            self.report(self.plugin.name, reason)
            raise self.fault(f"cannot be imported from {reason}") from error

    def fault(self, what: str) -> PluginError:
        """Return the error that says what is wrong with this component of its plugin."""
        return PluginError(
            f"the {label(self.kind)} {self.spec.name!r} of plugin {self.plugin.origin} {what}. "
            f"See `mmsdk plugins check {self.plugin.name}`"
        )

    def tried(self, what: str, ask: Callable[[], Any]) -> Any:
        """Return an answer; what a plugin raises becomes a sentence, or passes through where failures are to be raised.

        :raises PluginError: it raises; an error that is a sentence already stays as it is.
        """
        try:
            return ask()
        except MmsdkError:
            raise
        except Exception as error:
            if strict():
                raise
            raise self.fault(f"{what}: {describe_failure(error)}") from error

    def require_methods(self, target: Any, names: Iterable[str]) -> None:
        """Refuse a target that lacks methods.

        :raises PluginError: names them.
        """
        if missing := missing_methods(target, names):
            raise self.fault(f"has no method {', '.join(missing)}: {self.spec.target!r}")


class Registry:
    """The plugins of this process. Immutable but for the failures that resolving uncovers; safe for threads."""

    def __init__(self, found: Iterable[Found]) -> None:
        """Arrange what was found; nothing is imported here."""
        self._lock = threading.Lock()
        self._unresolved: dict[str, str] = {}
        self._rows: dict[str, PluginRow] = {}
        self._loaded: list[PluginRow] = []
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        for plugin in found:
            self._take(plugin)
        self._presets = self._merge(self._entries["preset"])

    @property
    def rows(self) -> tuple[PluginRow, ...]:
        """Return every plugin found, the core first, then by name, the broken ones included."""
        with self._lock:
            unresolved = dict(self._unresolved)
        rows = (_with_unresolved(row, unresolved.get(row.name)) for row in self._loaded)
        return tuple(row if row.reason or row.stage else replace(row, reason=self._remark(row.name)) for row in rows)

    def entries(self, kind: str) -> tuple[Entry, ...]:
        """Return the components of a kind; presets of one name come merged."""
        return tuple(self._presets.values() if kind == "preset" else self._of(kind))

    def get(self, kind: str, name: str) -> Entry:
        """Return the component ``name`` (or ``plugin/name``) of a kind.

        :raises PluginError: nobody declares it, or several plugins do and the name does not say whose.
        """
        plugin, _, bare = name.rpartition("/")
        if not plugin and kind == "preset" and name in self._presets:
            return self._presets[name]
        entries = self._of(kind)
        matches = [entry for entry in entries if entry.spec.name == bare and plugin in ("", entry.plugin.name)]
        if not matches:
            known = {entry.name if plugin else entry.spec.name for entry in entries}
            raise PluginError(unknown(label(kind), name, known) + self.broken_hint())
        if len(matches) > 1 and matches[0].plugin.name != CORE:
            raise PluginError(
                f"{len(matches)} plugins declare {_article(kind)} named {name!r}: "
                f"{', '.join(entry.plugin.origin for entry in matches)}. "
                f"Say which: {' or '.join(entry.name for entry in matches)}"
            )
        return matches[0]

    def preferred(self, kind: str, name: str, plugin: str) -> str:
        """Return ``plugin/name`` where several plugins declare the bare name and this one does, else the name.

        What a preset names is its own plugin's, and what a run was made with stays what it was, whoever comes later.
        """
        holders = [entry.plugin.name for entry in self._of(kind) if entry.spec.name == name]
        return f"{plugin}/{name}" if len(holders) > 1 and plugin in holders and CORE not in holders else name

    def lasting(self, kind: str, name: str) -> str:
        """Return the name that means the same component whoever comes later: ``plugin/name``, the bare one of the core.

        :raises PluginError: nobody declares it, or several plugins do and the name does not say whose.
        """
        entry = self.get(kind, name)
        return name if from_core(entry) else entry.name

    def sharing(self, entry: Entry) -> list[Entry]:
        """Return what other plugins declare under the same name; presets of one name are merged and share nothing."""
        if entry.kind == "preset":
            return []
        return [
            one for one in self._of(entry.kind) if one.spec.name == entry.spec.name and one.plugin is not entry.plugin
        ]

    def row(self, name: str) -> PluginRow:
        """Return the row of a plugin.

        :raises PluginError: no such plugin.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise PluginError(unknown("plugin", name, [row.name for row in self._loaded]))

    def of_plugin(self, name: str) -> tuple[Entry, ...]:
        """Return what one plugin declares, in the order of the kinds; its presets as it wrote them."""
        return tuple(entry for kind in KINDS for entry in self._entries[kind] if entry.plugin.name == name)

    def resolve_all(self) -> tuple[PluginRow, ...]:
        """Import every target but those of absent extras, so that the rows say what is missing; slow."""
        for entry in (entry for entries in self._entries.values() for entry in entries if entry.spec.target):
            if missing_modules(entry.spec):
                continue
            try:
                entry.load()
            except PluginError:
                continue
        return self.rows

    def broken_hint(self) -> str:
        """Return who is broken, because a name that is missing may be theirs; empty where nobody is."""
        broken = [row.name for row in self.rows if row.stage in ("load", "register", "hook")]
        return f". Broken plugins: {', '.join(broken)} (see `mmsdk plugins list`)" if broken else ""

    def _of(self, kind: str) -> list[Entry]:
        """Return the components of a kind as declared.

        :raises PluginError: no such kind.
        """
        if kind not in self._entries:
            raise PluginError(unknown("kind of component", kind, KINDS, listed="Kinds"))
        return self._entries[kind]

    def _take(self, plugin: Found) -> None:
        """Add one plugin's row and components."""
        row = PluginRow(
            name=plugin.source.name,
            distribution=plugin.source.distribution,
            version=plugin.source.version,
            status="broken" if plugin.stage else "ok",
            stage=plugin.stage,
            reason=plugin.reason,
            provides=MappingProxyType({kind: len(specs) for kind, specs in plugin.specs.items() if specs}),
        )
        self._loaded.append(row)
        for kind, specs in plugin.specs.items():
            self._entries[kind] += [Entry(kind=kind, spec=spec, plugin=row, report=self._report) for spec in specs]

    def _report(self, plugin: str, reason: str) -> None:
        """Remember the first target of a plugin that could not be imported."""
        with self._lock:
            self._unresolved.setdefault(plugin, reason)

    def _remark(self, plugin: str) -> str:
        """Return a sentence for each name of a plugin that is not its alone; empty where all are, and for the core."""
        told = []
        for entry in self.of_plugin(plugin) if plugin != CORE else ():
            if others := self.sharing(entry):
                whose = " and ".join(one.plugin.name for one in others)
                told.append(f"{label(entry.kind)} {entry.spec.name!r} is declared by {whose} too: say {entry.name}")
        return ". ".join(told)

    def _merge(self, entries: Iterable[Entry]) -> dict[str, Entry]:
        """Merge presets of one name: per modality every plugin's encoders in order of plugin, none twice."""
        merged: dict[str, Entry] = {}
        for entry in map(self._by_full_name, entries):
            before = merged.get(entry.spec.name)
            merged[entry.spec.name] = entry if before is None else _merged(before, entry)
        return merged

    def _by_full_name(self, entry: Entry) -> Entry:
        """Return a preset whose encoders are its own plugin's where others declare the same names."""
        spec = entry.spec
        assert isinstance(spec, PresetSpec)
        encoders = {
            modality: tuple(self.preferred("encoder", name, entry.plugin.name) for name in names)
            for modality, names in spec.encoders.items()
        }
        return replace(entry, spec=replace(spec, encoders=MappingProxyType(encoders)))


def _merged(first: Entry, second: Entry) -> Entry:
    """Return ``first`` with the encoders of ``second`` after its own."""
    a, b = first.spec, second.spec
    assert isinstance(a, PresetSpec)
    assert isinstance(b, PresetSpec)
    encoders = {
        modality: tuple(dict.fromkeys([*a.encoders.get(modality, ()), *b.encoders.get(modality, ())]))
        for modality in dict.fromkeys([*a.encoders, *b.encoders])
    }
    spec = PresetSpec(name=a.name, summary=a.summary or b.summary, encoders=MappingProxyType(encoders))
    return Entry(kind="preset", spec=spec, plugin=first.plugin, report=first.report)


def _with_unresolved(row: PluginRow, reason: str | None) -> PluginRow:
    """Return the row, broken at stage ``resolve`` where a target could not be imported."""
    if reason is None or row.status == "broken":
        return row
    return replace(row, status="broken", stage="resolve", reason=reason)


def from_core(entry: Entry) -> bool:
    """Return whether a component is the core's own."""
    return entry.plugin.name == CORE


def shown_name(entry: Entry, entries: Iterable[Entry]) -> str:
    """Return the shortest name that means a component among all of its kind: the bare one, unless it is shared."""
    alone = sum(one.spec.name == entry.spec.name for one in entries) == 1
    return entry.spec.name if alone or entry.plugin.name == CORE or entry.kind == "preset" else entry.name


def label(kind: str) -> str:
    """Return the words for a kind: ``health check``."""
    return LABELS.get(kind, kind)


def _article(kind: str) -> str:
    """Return ``an encoder``, ``a fusion``."""
    words = label(kind)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


class _Shared:
    """The registry of the process, built when first asked for."""

    lock = threading.RLock()
    registry: Registry | None = None


def get_registry() -> Registry:
    """Return the process-wide registry; the first call finds and loads the plugins."""
    with _Shared.lock:
        if _Shared.registry is None:
            _Shared.registry = Registry(discover())
        return _Shared.registry


def reset_registry() -> None:
    """Forget the registry, so that the next call looks again; for tests that install plugins."""
    with _Shared.lock:
        _Shared.registry = None
