"""An application learned again on other training rows as ``mmsdk.fit`` would, for folds and learning curves."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.confiding import calibration_of, confide
from mmsdk.app.draft import Draft
from mmsdk.app.encoders import open_encoders
from mmsdk.app.fitting import learn, prepare_tasks
from mmsdk.app.pipeline import Pipeline
from mmsdk.app.ruling import teach_rules
from mmsdk.app.tuning import tune_inputs
from mmsdk.data import fold_rows
from mmsdk.embed import Embeddings, EmbedStats
from mmsdk.evaluate.baselines import blind_baseline, linear_baselines, median_baseline
from mmsdk.evaluate.spaces import in_space
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.config import Application
    from mmsdk.data import Samples
    from mmsdk.embed import OpenEncoder
    from mmsdk.model import Target

TRAIN, VAL = "train", "val"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A table that is read, its frozen encoders run once: what one learns from again and again.

    :param frozen: the vectors of inputs that no training row decides.
    """

    application: Application
    pipeline: Pipeline
    samples: Samples
    frozen: Embeddings

    @property
    def groups(self) -> list[Any] | None:
        """Return the cells of the column that ``split.group`` names."""
        group = self.application.split.group
        return self.samples.table.cells(group) if group else None

    def strata(self) -> list[Any] | None:
        """Return the cells that folds spread evenly: those of the first task with classes, else of the first."""
        tasks = list(self.application.tasks.values())
        first = next((one for one in tasks if one.type == "classification"), tasks[0] if tasks else None)
        return None if first is None else self.samples.table.cells(first.column)

    def folds(self, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
        """Return the fold of each of some rows: groups whole, :meth:`strata` spread evenly."""
        groups, strata = self.groups, self.strata()
        return fold_rows(
            [self.samples.ids[row] for row in rows],
            folds=count,
            labels=None if strata is None else [strata[row] for row in rows],
            groups=None if groups is None else [groups[row] for row in rows],
            seed=seed,
        )


def gather_material(pipeline: Pipeline, samples: Samples) -> Material:
    """Embed what needs no training rows, once, from the cache where it can be."""
    fixed = {name: one for name, one in samples.inputs.items() if name not in learned_inputs(pipeline)}
    nothing = Embeddings(values={}, present={}, stats=EmbedStats(inputs={}))
    frozen = pipeline.embed(replace(samples, inputs=fixed)) if fixed else nothing
    application = pipeline.application.model_copy(update={"interactions": None})
    return Material(application=application, pipeline=pipeline, samples=samples, frozen=frozen)


def learned_inputs(pipeline: Pipeline) -> set[str]:
    """Return the inputs whose vectors depend on the training rows: fitted encoders, and ``within``."""
    inputs = pipeline.application.inputs
    return {name for name, one in pipeline.encoders.items() if one.fitted or inputs[name].within is not None}


def learn_again(
    material: Material,
    split: np.ndarray,
    *,
    asked: np.ndarray,
    whole: Mapping[str, Target],
    application: Application | None = None,
    calibrated: bool = False,
) -> dict[str, np.ndarray]:
    """Learn from the rows of another split, all anew but the frozen vectors, and answer for some rows.

    Encoders that are fitted are fitted on the new training rows, those that are tuned are tuned on them; labels, class
    weights and scales are those of the new training rows.

    :param split: ``(n,)`` of ``"train"``, ``"val"`` or anything else.
    :param asked: positions to answer for.
    :param whole: task name -> its target over all rows, in whose label set and scale the logits come.
    :param application: another head, fusion or training for the same inputs.
    :param calibrated: calibrate as a run would: on validation rows, or by further heads where these are few.
    :returns: task name -> logits ``(len(asked), width)``.
    """
    with relearned(material, split, whole=whole, application=application) as draft:
        return draft_answers(draft, asked, whole, calibrated=calibrated)


@contextlib.contextmanager
def relearned(
    material: Material, split: np.ndarray, *, whole: Mapping[str, Target], application: Application | None = None
) -> Iterator[Draft]:
    """Yield what came of learning from the rows of another split, see :func:`learn_again`."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mmsdk-fold-")))
        draft = again(material, split, application or material.application, whole)
        stack.enter_context(contextlib.closing(draft.pipeline))
        tune_inputs(draft, folder / "tune")
        learn(draft, folder)
        yield draft


def draft_answers(
    draft: Draft, asked: np.ndarray, whole: Mapping[str, Target], *, calibrated: bool
) -> dict[str, np.ndarray]:
    """Return task -> logits of some rows in the label set and scale of all rows, ``(len(asked), width)``."""
    logits = _answers(draft, asked, calibrated=calibrated)
    return {name: in_space(logits[name], one.task, whole[name].task) for name, one in draft.targets.items()}


def baseline_answers(draft: Draft, asked: np.ndarray, whole: Mapping[str, Target]) -> dict[tuple[str, str], np.ndarray]:
    """Return (task, baseline) -> logits of some rows: the baselines of a fit, of the same training rows and vectors."""
    found: dict[tuple[str, str], np.ndarray] = {}
    for name, target in draft.targets.items():
        logits = dict([blind_baseline(target.task, len(asked))])
        logits |= median_baseline(target, draft.samples.split, len(asked))
        logits |= linear_baselines(target, draft.embeddings, draft.samples.split, asked, alone=False)
        found |= {(name, one): in_space(each, target.task, whole[name].task) for one, each in logits.items()}
    return found


def _answers(draft: Draft, asked: np.ndarray, *, calibrated: bool) -> dict[str, np.ndarray]:
    """Return task -> logits of some rows in the label set of the draft."""
    net = draft.pipeline.net
    assert net is not None
    _, logits = infer(net, draft.embeddings.values, draft.embeddings.present, rows=asked)
    settings = draft.application.confidence
    if not calibrated or settings.calibration == "none":
        return logits
    bare = settings.model_copy(update={"novelty": False, "sets": "none", "abstain": None, "by": None})
    draft.application = draft.application.model_copy(update={"confidence": bare})
    draft.confidence = confide(draft)
    calibrate = calibration_of(draft)
    return logits if calibrate is None else {name: calibrate(name, one, asked, None) for name, one in logits.items()}


def again(material: Material, split: np.ndarray, application: Application, whole: Mapping[str, Target]) -> Draft:
    """Return what fitting begins with, for another split of the same rows.

    :param whole: task name -> its target over all rows, in whose label set the rules are written.
    """
    samples = replace(material.samples, split=split)
    base = material.pipeline
    pipeline = Pipeline(
        application=application,
        encoders=_fresh(base, application),
        device=base.device,
        auto=base.auto,
        policy=replace(base.policy, on_bad_row="skip"),  # refused before, if at all; labels of other folds are no error
        quiet=True,
    )
    pipeline.columns, pipeline.numbers, pipeline.units = base.columns, base.numbers, base.units
    learned = learned_inputs(base)
    redone = pipeline.embed(replace(samples, inputs={k: v for k, v in samples.inputs.items() if k in learned}))
    draft = Draft(
        application=application,
        pipeline=pipeline,
        samples=samples,
        embeddings=_together(material.frozen, redone, list(base.encoders)),
    )
    draft.targets, _ = prepare_tasks(application, samples, pipeline.policy)
    if application.training.rules > 0:
        teach_rules(draft, {name: one.task for name, one in whole.items()})
    return draft


def _fresh(base: Pipeline, application: Application) -> dict[str, OpenEncoder]:
    """Return the encoders, those that are fitted opened anew and not fitted yet."""
    fitted = {name: entry for name, entry in application.inputs.items() if base.encoders[name].fitted}
    named = {name: one.model_copy(update={"encoder": base.encoders[name].name}) for name, one in fitted.items()}
    opened = open_encoders(application.model_copy(update={"inputs": named}), base.device) if named else {}
    return {name: opened.get(name, one) for name, one in base.encoders.items()}


def _together(first: Embeddings, second: Embeddings, order: list[str]) -> Embeddings:
    """Return the vectors of both, in the order of the inputs."""
    values, present = {**first.values, **second.values}, {**first.present, **second.present}
    return Embeddings(
        values={name: values[name] for name in order},
        present={name: present[name] for name in order},
        stats=EmbedStats(inputs={**first.stats.inputs, **second.stats.inputs}),
        layouts={**first.layouts, **second.layouts},
    )


def with_validation(material: Material, rows: np.ndarray, *, seed: int) -> np.ndarray:
    """Return a split in which these rows train, but for the validation share, drawn by group and evenly by label.

    :param rows: positions of what may be learned from; every other row is in no part.
    :returns: object ``(n,)``: ``"train"``, ``"val"`` or ``""``.
    """
    split = np.full(len(material.samples), "", dtype=object)
    split[rows] = TRAIN
    config = material.application.split
    share = config.validation / (1 - config.test)
    groups = material.groups
    own = None if groups is None else [groups[row] for row in rows]
    count = len(rows) if own is None else len({str(row) if one is None else one for row, one in enumerate(own)})
    if share <= 0 or count < 3:
        return split
    folds = material.folds(rows, int(np.clip(round(1 / share), 2, count)), seed)
    split[rows[folds == 0]] = VAL
    return split
