"""The panels of a task on the page, in their order: each topic has a file, and draws its part of metrics.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmsdk.report.alignment import alignment_panel
from mmsdk.report.choice import choice_panel
from mmsdk.report.confidence import confidence_panel
from mmsdk.report.history import history_panel
from mmsdk.report.inputs import inputs_panel
from mmsdk.report.label_noise import label_noise_panel
from mmsdk.report.learning_curve import learning_curve_panel
from mmsdk.report.robustness import robustness_panel
from mmsdk.report.rules import rules_panel
from mmsdk.report.shares import shares_panel
from mmsdk.report.slices import slices_panel

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData

Panel = Callable[["ReportData", str], str]
"""Called with the report and the name of a task; returns HTML, its own text escaped, or "" for nothing to say."""

PANELS: tuple[Panel, ...] = (
    alignment_panel,
    inputs_panel,
    history_panel,
    choice_panel,
    shares_panel,
    rules_panel,
    confidence_panel,
    slices_panel,
    robustness_panel,
    learning_curve_panel,
    label_noise_panel,
)
