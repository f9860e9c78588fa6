"""From the user's table to samples: reading, checking, splitting, guessing."""

from __future__ import annotations

from mmsdk.data.bad_rows import bad_rows, skipped_rows
from mmsdk.data.cells import Cells
from mmsdk.data.delimited import holds_numbers
from mmsdk.data.folds import fold_rows, folds_of_time, group_cells
from mmsdk.data.guessed import Guessed
from mmsdk.data.inspect import guess_application, guess_modality, inspect_table
from mmsdk.data.interactions import Event, Interactions, interactions_table, read_events, read_interactions
from mmsdk.data.media import Policy, Resolver, resolve_media
from mmsdk.data.privacy import at_the_door, hidden_columns
from mmsdk.data.resampled import as_good, resampled, units_drawn
from mmsdk.data.samples import InputColumn, Samples, read_samples, require_training
from mmsdk.data.sources import let_go, read_table, reading_once
from mmsdk.data.split import split_rows
from mmsdk.data.table import Table

__all__ = [
    "Cells",
    "Event",
    "Guessed",
    "InputColumn",
    "Interactions",
    "Policy",
    "Resolver",
    "Samples",
    "Table",
    "as_good",
    "at_the_door",
    "bad_rows",
    "fold_rows",
    "folds_of_time",
    "group_cells",
    "guess_application",
    "guess_modality",
    "hidden_columns",
    "holds_numbers",
    "inspect_table",
    "interactions_table",
    "let_go",
    "read_events",
    "read_interactions",
    "read_samples",
    "read_table",
    "reading_once",
    "require_training",
    "resampled",
    "resolve_media",
    "skipped_rows",
    "split_rows",
    "units_drawn",
]
