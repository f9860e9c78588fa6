"""Public: checks that a plugin keeps its promises, samples of every modality, and fake installed distributions."""

from __future__ import annotations

from mmsdk.testing.checks import Check, CheckResult, Skip, perform
from mmsdk.testing.fakes import installed, write_distribution
from mmsdk.testing.kit import check_plugin, checks_for, parametrize_with_checks
from mmsdk.testing.samples import cells, samples
from mmsdk.testing.stranger import Stranger, make_stranger

__all__ = [
    "Check",
    "CheckResult",
    "Skip",
    "Stranger",
    "cells",
    "check_plugin",
    "checks_for",
    "installed",
    "make_stranger",
    "parametrize_with_checks",
    "perform",
    "samples",
    "write_distribution",
]
