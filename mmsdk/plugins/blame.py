"""Whose fault an unexpected error is: the plugin in whose code it was raised, or nobody's that we know."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from mmsdk.plugins.discovery import CORE, roots

if TYPE_CHECKING:
    from mmsdk.plugins.registry import PluginRow, Registry


def blamed(error: BaseException, registry: Registry) -> PluginRow | None:
    """Return the plugin whose code raised an error, whatever libraries it had called; None where it was the core's."""
    owners = {module: row for row in registry.rows if row.name != CORE for module in _modules(row, registry)}
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if package == CORE:
            return None
        if package in owners:
            return owners[package]
    return None


def _modules(row: PluginRow, registry: Registry) -> set[str]:
    """Return the top-level modules of a plugin: that of its entry point, and those of its targets."""
    targets = {entry.spec.target.partition(":")[0].split(".")[0] for entry in registry.of_plugin(row.name)}
    return (targets | {root.split(".")[0] for root in roots(row.name, row.distribution)}) - {"", CORE}
