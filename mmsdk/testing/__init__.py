"""Public: checks that a plugin keeps its promises, samples of every modality, and fake installed distributions."""

from __future__ import annotations

from mmsdk.testing.checks import Check, CheckResult, Skip, perform
from mmsdk.testing.fakes import installed, write_distribution
from mmsdk.testing.kit import check_plugin, checks_for, parametrize_with_checks
from mmsdk.testing.samples import cells, samples

__all__ = [
    "Check",
    "CheckResult",
    "Skip",
    "cells",
    "check_plugin",
    "checks_for",
    "installed",
    "parametrize_with_checks",
    "perform",
    "samples",
    "write_distribution",
]
