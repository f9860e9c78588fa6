"""mmsdk: frozen encoders, a light fusion head, an index; the public names, each imported when first used."""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Aligner": "mmsdk.align",
    "AlignerSpec": "mmsdk.specs",
    "App": "mmsdk.app.application",
    "Application": "mmsdk.config",
    "Card": "mmsdk.protocols",
    "Clip": "mmsdk.protocols",
    "CommandSpec": "mmsdk.specs",
    "Company": "mmsdk.app.company",
    "ConfigError": "mmsdk.errors",
    "CrossValidation": "mmsdk.app.crossed",
    "DataError": "mmsdk.errors",
    "EncoderError": "mmsdk.errors",
    "EncoderSpec": "mmsdk.specs",
    "Event": "mmsdk.stream",
    "Explanation": "mmsdk.explain",
    "Fusion": "mmsdk.fusion",
    "FusionSpec": "mmsdk.specs",
    "Health": "mmsdk.specs",
    "HealthCheckSpec": "mmsdk.specs",
    "Hit": "mmsdk.index",
    "IndexSpec": "mmsdk.specs",
    "Journal": "mmsdk.journal",
    "Landmarks": "mmsdk.protocols",
    "LoaderSpec": "mmsdk.specs",
    "Media": "mmsdk.protocols",
    "MmsdkError": "mmsdk.errors",
    "ModalitySpec": "mmsdk.specs",
    "Moment": "mmsdk.protocols",
    "Output": "mmsdk.protocols",
    "Part": "mmsdk.protocols",
    "PluginError": "mmsdk.errors",
    "Prediction": "mmsdk.app.prediction",
    "PresetSpec": "mmsdk.specs",
    "Problem": "mmsdk.errors",
    "RecipeSpec": "mmsdk.specs",
    "RunError": "mmsdk.errors",
    "Sequence": "mmsdk.protocols",
    "Session": "mmsdk.stream",
    "Setting": "mmsdk.specs",
    "Share": "mmsdk.tasks",
    "Sound": "mmsdk.protocols",
    "StepFusion": "mmsdk.fusion",
    "Steps": "mmsdk.fusion",
    "SpaceMap": "mmsdk.align",
    "StoreError": "mmsdk.errors",
    "TaskSpec": "mmsdk.specs",
    "Trainable": "mmsdk.trainable",
    "TrainableSpec": "mmsdk.specs",
    "Transcribed": "mmsdk.app.transcribing",
    "Transcript": "mmsdk.protocols",
    "VirtualClock": "mmsdk.stream",
    "Why": "mmsdk.app.why",
    "Worth": "mmsdk.app.worth",
    "atomic_folder": "mmsdk.files",
    "atomic_write": "mmsdk.files",
    "cache_home": "mmsdk.files",
    "check_output": "mmsdk.files",
    "column_numbers": "mmsdk.data.numbers",
    "column_says": "mmsdk.data.naming",
    "column_words": "mmsdk.data.naming",
    "compare": "mmsdk.app.comparing",
    "cross_validate": "mmsdk.app.cross_validation",
    "cut_recording": "mmsdk.stream",
    "evaluate": "mmsdk.app.evaluating",
    "fill_labels": "mmsdk.app.labelling",
    "fit": "mmsdk.app.fitting",
    "guess_application": "mmsdk.data",
    "guess_modality": "mmsdk.data",
    "hash_file": "mmsdk.files",
    "hookimpl": "mmsdk.hookspecs",
    "inspect": "mmsdk.app.inspecting",
    "inspect_table": "mmsdk.data",
    "label": "mmsdk.app.labelling",
    "load": "mmsdk.app.loading",
    "models_home": "mmsdk.files",
    "measure_share": "mmsdk.evaluate.shares",
    "moment_of": "mmsdk.data.times",
    "note": "mmsdk.progress",
    "number_of": "mmsdk.data.numbers",
    "open_encoder": "mmsdk.embed",
    "open_modality": "mmsdk.embed",
    "open_session": "mmsdk.stream",
    "open_transcriber": "mmsdk.app.transcribing",
    "picture_data_uri": "mmsdk.app.pictures",
    "play_recordings": "mmsdk.stream",
    "read_table": "mmsdk.data",
    "read_yaml": "mmsdk.config",
    "teach": "mmsdk.stream",
    "transcribe": "mmsdk.app.transcribing",
    "verify_journal": "mmsdk.journal",
    "vtt_cue": "mmsdk.app.cues",
    "weights_fingerprint": "mmsdk.files",
    "worth": "mmsdk.app.worth",
}

if TYPE_CHECKING:
    from mmsdk.align import Aligner, SpaceMap
    from mmsdk.app.application import App
    from mmsdk.app.company import Company
    from mmsdk.app.comparing import compare
    from mmsdk.app.cross_validation import cross_validate
    from mmsdk.app.crossed import CrossValidation
    from mmsdk.app.cues import vtt_cue
    from mmsdk.app.evaluating import evaluate
    from mmsdk.app.fitting import fit
    from mmsdk.app.inspecting import inspect
    from mmsdk.app.labelling import fill_labels, label
    from mmsdk.app.loading import load
    from mmsdk.app.pictures import picture_data_uri
    from mmsdk.app.prediction import Prediction
    from mmsdk.app.transcribing import Transcribed, open_transcriber, transcribe
    from mmsdk.app.why import Why
    from mmsdk.app.worth import Worth, worth
    from mmsdk.config import Application, read_yaml
    from mmsdk.data import guess_application, guess_modality, inspect_table, read_table
    from mmsdk.data.naming import column_says, column_words
    from mmsdk.data.numbers import column_numbers, number_of
    from mmsdk.data.times import moment_of
    from mmsdk.embed import open_encoder, open_modality
    from mmsdk.errors import (
        ConfigError,
        DataError,
        EncoderError,
        MmsdkError,
        PluginError,
        Problem,
        RunError,
        StoreError,
    )
    from mmsdk.evaluate.shares import measure_share
    from mmsdk.explain import Explanation
    from mmsdk.files import (
        atomic_folder,
        atomic_write,
        cache_home,
        check_output,
        hash_file,
        models_home,
        weights_fingerprint,
    )
    from mmsdk.fusion import Fusion, StepFusion, Steps
    from mmsdk.hookspecs import hookimpl
    from mmsdk.index import Hit
    from mmsdk.journal import Journal, verify_journal
    from mmsdk.progress import note
    from mmsdk.protocols import Card, Clip, Landmarks, Media, Moment, Output, Part, Sequence, Sound, Transcript
    from mmsdk.specs import (
        AlignerSpec,
        CommandSpec,
        EncoderSpec,
        FusionSpec,
        Health,
        HealthCheckSpec,
        IndexSpec,
        LoaderSpec,
        ModalitySpec,
        PresetSpec,
        RecipeSpec,
        Setting,
        TaskSpec,
        TrainableSpec,
    )
    from mmsdk.stream import Event, Session, VirtualClock, cut_recording, open_session, play_recordings, teach
    from mmsdk.tasks import Share
    from mmsdk.trainable import Trainable

__all__ = [
    "Aligner",
    "AlignerSpec",
    "App",
    "Application",
    "Card",
    "Clip",
    "CommandSpec",
    "Company",
    "ConfigError",
    "CrossValidation",
    "DataError",
    "EncoderError",
    "EncoderSpec",
    "Event",
    "Explanation",
    "Fusion",
    "FusionSpec",
    "Health",
    "HealthCheckSpec",
    "Hit",
    "IndexSpec",
    "Journal",
    "Landmarks",
    "LoaderSpec",
    "Media",
    "MmsdkError",
    "ModalitySpec",
    "Moment",
    "Output",
    "Part",
    "PluginError",
    "Prediction",
    "PresetSpec",
    "Problem",
    "RecipeSpec",
    "RunError",
    "Sequence",
    "Session",
    "Setting",
    "Share",
    "Sound",
    "SpaceMap",
    "StepFusion",
    "Steps",
    "StoreError",
    "TaskSpec",
    "Trainable",
    "TrainableSpec",
    "Transcribed",
    "Transcript",
    "VirtualClock",
    "Why",
    "Worth",
    "__version__",
    "atomic_folder",
    "atomic_write",
    "cache_home",
    "check_output",
    "column_numbers",
    "column_says",
    "column_words",
    "compare",
    "cross_validate",
    "cut_recording",
    "evaluate",
    "fill_labels",
    "fit",
    "guess_application",
    "guess_modality",
    "hash_file",
    "hookimpl",
    "inspect",
    "inspect_table",
    "label",
    "load",
    "measure_share",
    "models_home",
    "moment_of",
    "note",
    "number_of",
    "open_encoder",
    "open_modality",
    "open_session",
    "open_transcriber",
    "picture_data_uri",
    "play_recordings",
    "read_table",
    "read_yaml",
    "teach",
    "transcribe",
    "verify_journal",
    "vtt_cue",
    "weights_fingerprint",
    "worth",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mmsdk' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__


class _Package(types.ModuleType):
    """The package itself: ``mmsdk.evaluate`` is the function, also once the subpackage of that name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; the import system may not put a subpackage over a public name."""
        if not (name in _HOMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
