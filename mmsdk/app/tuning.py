"""Tuning the encoders that the application says to, between embedding and learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.app.joint import is_joint
from mmsdk.embed.encoders import open_modality
from mmsdk.embed.threads import choose_threads, forward_threads
from mmsdk.errors import ConfigError
from mmsdk.progress import note
from mmsdk.train import fit_heads
from mmsdk.tune import Adapter, Rows, TunedInput, decide, require_tunable, tune_encoder, tuned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmsdk.app.draft import Draft
    from mmsdk.config import Application
    from mmsdk.embed import OpenEncoder
    from mmsdk.model import Run


def check_tuning(application: Application, encoders: Mapping[str, OpenEncoder]) -> None:
    """Refuse what cannot be tuned before any work is done.

    :raises ConfigError: there is no task to tune for, or the fusion keeps the encoders' own space.
    :raises EncoderError: an encoder has no weights to tune.
    """
    for name in _asked(application):
        if not application.tasks:
            raise ConfigError(
                f"inputs.{name}.tune needs a task whose labels say what is better; add one, or leave it out"
            )
        if is_joint(application):
            raise ConfigError(
                f"inputs.{name}.tune would leave the space that fusion: joint keeps; choose one of the two"
            )
        require_tunable(encoders[name], name)
        if application.inputs[name].within is not None:
            raise ConfigError(f"inputs.{name}: tune and within do not go together; leave one of the two out")


def tune_inputs(draft: Draft, folder: Path) -> None:
    """Tune encoder after encoder, embed with the tuned ones, and note in the draft what was learned.

    :param folder: where an interrupted tuning goes on from.
    """
    asked = _asked(draft.application)
    if not asked:
        return
    pipeline = draft.pipeline
    with forward_threads(choose_threads(device=pipeline.device).forward):
        for name in asked:
            _tune(draft, name, folder / name)
    if draft.adapters:
        encoders = {
            name: tuned(one, draft.adapters[name]) if name in draft.adapters else one
            for name, one in pipeline.encoders.items()
        }
        pipeline.encoders = encoders
        draft.embeddings = pipeline.embed(draft.samples)


def restore_tuned(encoders: dict[str, OpenEncoder], run: Run) -> None:
    """Give the encoders of a run what tuning learned."""
    for name, entry in run.document["inputs"].items():
        if (made := entry.get("tuned")) is not None:
            arrays = run.part(f"tune.{name}")
            adapter = Adapter(modules=tuple(made["modules"]), rank=made["rank"], arrays=arrays)
            encoders[name] = tuned(encoders[name], adapter)


def _asked(application: Application) -> list[str]:
    """Return the inputs whose encoders may be tuned."""
    return [name for name, one in application.inputs.items() if one.tune is not None and one.tune.mode != "frozen"]


def _tune(draft: Draft, name: str, folder: Path) -> None:
    """Tune one encoder, after a probe where the application leaves it to that."""
    application, pipeline, quiet = draft.application, draft.pipeline, draft.pipeline.quiet
    config: Any = application.inputs[name].tune
    column = draft.samples.inputs[name]
    one = TunedInput(
        name=name,
        opened=pipeline.encoders[name],
        config=config,
        rows=Rows(column.cells, open_modality(column.modality, column.decode).decode),
    )
    common: dict[str, Any] = {"device": pipeline.device, "quiet": quiet}
    parts = draft.embeddings, draft.targets
    if config.mode == "auto":
        if not (draft.samples.split == "val").any():
            note(f"tuning {name}: no validation rows to decide by, so the encoder stays frozen", quiet)
            return
        split, groups = draft.samples.split, draft.groups
        verdict = decide(one, draft.new_net, *parts, split, application.training, groups=groups, **common)
        note(f"tuning {name}: {verdict}", quiet)
        draft.verdicts[name] = str(verdict)
        if not verdict.tune:
            return
    net = draft.new_net()
    fit_heads(*parts, net, application.training, draft.samples.split, device=pipeline.device, quiet=True)
    draft.adapters[name] = tune_encoder(
        one, net, *parts, draft.samples.split, application.training, folder=folder, **common
    )
