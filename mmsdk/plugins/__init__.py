"""Finding plugins, keeping what they declare, and saying what is broken: a broken plugin is a row, never a crash."""

from __future__ import annotations

from mmsdk.plugins.blame import blamed
from mmsdk.plugins.discovery import describe_failure, strict
from mmsdk.plugins.registry import (
    Entry,
    PluginRow,
    Registry,
    from_core,
    get_registry,
    label,
    reset_registry,
    shown_name,
)
from mmsdk.plugins.targets import KINDS, missing_methods, missing_modules, resolve

__all__ = [
    "KINDS",
    "Entry",
    "PluginRow",
    "Registry",
    "blamed",
    "describe_failure",
    "from_core",
    "get_registry",
    "label",
    "missing_methods",
    "missing_modules",
    "reset_registry",
    "resolve",
    "shown_name",
    "strict",
]
