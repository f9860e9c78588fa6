"""Finding plugins, keeping what they declare, and saying what is broken: a broken plugin is a row, never a crash."""

from __future__ import annotations

from mmsdk.plugins.registry import Entry, PluginRow, Registry, get_registry, reset_registry
from mmsdk.plugins.targets import KINDS, missing_modules, resolve

__all__ = ["KINDS", "Entry", "PluginRow", "Registry", "get_registry", "missing_modules", "reset_registry", "resolve"]
