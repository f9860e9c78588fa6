"""Aligning the inputs' vectors, between embedding and learning: fitted on training rows, kept as maps by the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mmsdk.align import Aligner, SpaceMap
from mmsdk.app.joint import aligned_inputs, as_wide_as_aligned
from mmsdk.errors import ConfigError, did_you_mean
from mmsdk.evaluate.alignment import Judging, pair_names, score_alignment
from mmsdk.model import training_rows
from mmsdk.plugins import get_registry
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.draft import Draft
    from mmsdk.config import Application
    from mmsdk.embed import Embeddings
    from mmsdk.model import Run

OF_THE_BLOCK = ("target", "dim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What was learned.

    :param before: the embeddings as the encoders answered them, to compare with.
    :param chosen: what the aligner chose by itself.
    """

    type: str
    inputs: Sequence[str]
    dims: Mapping[str, int]
    chosen: Mapping[str, Any]
    before: Embeddings

    def document(self) -> dict[str, Any]:
        """Return what run.json says of it."""
        return {
            "type": self.type,
            "inputs": list(self.inputs),
            "dims": dict(self.dims),
            "chosen": dict(self.chosen),
            "pairs": pair_names(self.dims),
        }


def check_alignment(application: Application) -> None:
    """Refuse an alignment that cannot be, before any work is done.

    :raises ConfigError: an unknown input, one whose sequences go to a trainable, fewer than two, or a wrong option.
    """
    if application.align is None:
        return
    names = aligned_inputs(application)
    for name in names:
        if name not in application.inputs:
            known = list(application.inputs)
            raise ConfigError(
                f"align.inputs: no input named {name!r}.{did_you_mean(name, known)} Inputs: {', '.join(known)}"
            )
        if application.inputs[name].trainable is not None:
            raise ConfigError(
                f"align.inputs: the sequences of {name!r} go to a trainable, so it has no one vector a row to align; "
                "leave it out, or take a pool in place of the trainable"
            )
    if len(set(names)) < 2:
        raise ConfigError(
            f"align needs two inputs or more that have one vector a row; here: {', '.join(names) or 'none'}"
        )
    new_aligner(application)


def new_aligner(application: Application) -> Aligner:
    """Return the application's aligner, not fitted.

    :raises ConfigError: an option that it does not take, or one said twice.
    """
    align = application.align
    assert align is not None
    said = {key: value for key in OF_THE_BLOCK if (value := getattr(align, key)) is not None}
    for key in (*OF_THE_BLOCK, "seed"):
        if key in align.options:
            place = "training.seed" if key == "seed" else f"align.{key}"
            raise ConfigError(f"align.options.{key} is no option: write {place}")
    made = get_registry().get("aligner", align.type).load()
    return cast("Aligner", made(aligned_inputs(application), seed=application.training.seed, **said, **align.options))


def align_inputs(draft: Draft) -> None:
    """Learn the maps on the training rows, and put the aligned vectors in the place of the encoders' own."""
    application, pipeline = draft.application, draft.pipeline
    if application.align is None:
        return
    aligner = new_aligner(application)
    split, before = draft.samples.split, draft.embeddings
    train = training_rows(split)
    judge = (split == "val") & ~train
    held_out = _views(before, aligner.inputs, judge) if judge.any() else None
    maps = aligner.fit(*_views(before, aligner.inputs, train), held_out=held_out, device=pipeline.head_device)
    pipeline.maps = maps
    draft.application = pipeline.application = as_wide_as_aligned(application, pipeline.dims())
    draft.embeddings = pipeline.aligned(before)
    draft.alignment = Alignment(
        type=application.align.type,
        inputs=aligner.inputs,
        dims={name: one.dims[1] for name, one in maps.items()},
        chosen=aligner.chosen,
        before=before,
    )
    note(_said(draft.alignment), pipeline.quiet)


def alignment_metrics(draft: Draft, groups: np.ndarray | None, resamples: int) -> dict[str, Any]:
    """Return what metrics.json says of the alignment; nothing where there is none."""
    made = draft.alignment
    if made is None:
        return {}
    judging = Judging(groups=groups, resamples=max(resamples // 5, 1), seed=draft.application.split.seed)
    return score_alignment(made.before, draft.embeddings, made.inputs, draft.samples.split, judging=judging)


def map_arrays(maps: Mapping[str, SpaceMap]) -> dict[str, np.ndarray]:
    """Return the maps as a run keeps them: ``align.<input>.<part>``."""
    return {f"align.{name}.{part}": one for name, made in maps.items() for part, one in made.arrays().items()}


def restore_maps(run: Run) -> dict[str, SpaceMap]:
    """Return the maps that a run holds, none where it aligned nothing."""
    told = run.document.get("align")
    return {} if told is None else {name: SpaceMap.of_arrays(run.part(f"align.{name}")) for name in told["inputs"]}


def _views(
    embeddings: Embeddings, inputs: Sequence[str], chosen: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the vectors of some rows and which of them are there ``(n, m)``."""
    rows = np.flatnonzero(chosen)
    vectors = {name: np.asarray(embeddings.values[name][rows], np.float32) for name in inputs}
    return vectors, np.stack([np.asarray(embeddings.present[name][rows], bool) for name in inputs], axis=1)


def _said(alignment: Alignment) -> str:
    """Return a line about what was learned."""
    chosen = "".join(f", {name} {value}" for name, value in alignment.chosen.items())
    dims = ", ".join(f"{name} {dim}" for name, dim in alignment.dims.items())
    return f"aligned by {alignment.type}: {dims}{chosen}"
