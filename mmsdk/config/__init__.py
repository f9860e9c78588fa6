"""The application file: what a user wrote, read and checked (pydantic lives only here)."""

from __future__ import annotations

from mmsdk.config.align import AlignConfig
from mmsdk.config.application import Application
from mmsdk.config.inputs import (
    InputConfig,
    InteractionsConfig,
    SplitConfig,
    TaskConfig,
    TrainableConfig,
    TuneConfig,
)
from mmsdk.config.learning import EvaluationConfig, FusionConfig, HeadConfig, IndexConfig, SearchConfig, TrainingConfig
from mmsdk.config.reading import load_application
from mmsdk.config.rules import RuleConfig
from mmsdk.config.settings import parse_set
from mmsdk.config.shape import keys
from mmsdk.config.stream import StreamConfig
from mmsdk.config.text import read_yaml, write_yaml
from mmsdk.config.writing import application_schema, describe_defaults, dump_yaml, reference_page, schema_text

__all__ = [
    "AlignConfig",
    "Application",
    "EvaluationConfig",
    "FusionConfig",
    "HeadConfig",
    "IndexConfig",
    "InputConfig",
    "InteractionsConfig",
    "RuleConfig",
    "SearchConfig",
    "SplitConfig",
    "StreamConfig",
    "TaskConfig",
    "TrainableConfig",
    "TrainingConfig",
    "TuneConfig",
    "application_schema",
    "describe_defaults",
    "dump_yaml",
    "keys",
    "load_application",
    "parse_set",
    "read_yaml",
    "reference_page",
    "schema_text",
    "write_yaml",
]
