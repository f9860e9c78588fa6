"""The small problem of the training tests, for heads too."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("train_conftest", Path(__file__).parents[1] / "train" / "conftest.py")
_shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_shared)
problem, settings, parts = _shared.problem, _shared.settings, _shared.parts
make_problem, make_settings = _shared.make_problem, _shared.make_settings
