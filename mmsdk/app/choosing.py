"""``fusion: auto`` and ``head: auto``: a short list is learned, judged on rows it did not learn from, and one taken."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.unread import APART, teaches_network_alone
from mmsdk.data import as_good, fold_rows, resampled
from mmsdk.errors import ConfigError
from mmsdk.evaluate import score_logits
from mmsdk.evaluate.out_of_fold import mean_score
from mmsdk.evaluate.scores import Scoring
from mmsdk.heads.boosting import has_boosting
from mmsdk.model import infer
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.draft import Draft
    from mmsdk.config import Application

    Learn = Callable[[Draft, Path], None]

AUTO = "auto"
FUSIONS = ("mixed", "gated", "late", "lowrank", "experts")
HEADS = ("blend", "plain", "linear", "ensemble")
PAIRS = (("mixed", "blend"), ("gated", "blend"), ("mixed", "plain"), ("gated", "ensemble"), ("gated", "linear"))
BOOSTED = ("gated", "boosting")  # tried last, and only where every input is columns: trees see nothing in a photo
FEW, FOLDS = 150, 5  # fewer validation rows tell candidates apart by luck: 64 took one that was 2 points behind
FEW_GROUPS = 6  # as are validation rows of fewer groups: what suits one speaker need not suit the next
DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was compared and what was taken.

    :param chosen: name of the candidate, ``fusion + head``.
    :param table: candidate -> task -> metric -> ``{value, low, high, n}``, on the rows that judged.
    :param seconds: candidate -> what learning it took.
    :param left_out: candidates that the budget did not reach.
    :param judged_by: ``validation`` or ``folds``.
    """

    chosen: str
    table: Mapping[str, Any]
    seconds: Mapping[str, float]
    left_out: Sequence[str]
    judged_by: str
    behind: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what run.json holds of it."""
        return {
            "chosen": self.chosen,
            "judged_by": self.judged_by,
            "seconds": dict(self.seconds),
            "behind": dict(self.behind),
            "left_out": list(self.left_out),
        }


def is_open(application: Application) -> bool:
    """Return whether the application leaves its fusion or its head to be chosen."""
    return AUTO in (application.fusion.type, application.head.type)


def _compares(application: Application) -> bool:
    """Return whether candidates are compared: heads that answer without the fused vector answer alike by any fusion."""
    return is_open(application) and application.head.type not in APART


def check_choice(application: Application) -> None:
    """Refuse ``auto`` where there is nothing to judge by, or where options belong to a type nobody has named.

    :raises ConfigError: no task, or options beside ``auto``.
    """
    if not is_open(application):
        return
    if not application.tasks:
        raise ConfigError("auto needs a task whose labels say what is better; add one, or name the type")
    for key, block in (("fusion", application.fusion), ("head", application.head)):
        if block.type == AUTO and block.options:
            raise ConfigError(f"{key}.options: {key}.type is auto, and options belong to one type; name the type")


def check_judges(draft: Draft) -> None:
    """Refuse a choice that only folds could judge, where encoders are tuned on the rows of these folds.

    :raises ConfigError: ``auto`` or ``search`` beside an encoder that is tuned in any case, and no validation row has
        a label.
    """
    application = draft.application
    tuned = [name for name, one in application.inputs.items() if one.tune is not None and one.tune.mode == "lora"]
    choosing = _compares(application) or application.search.trials > 0
    if choosing and tuned and not _validating(draft):
        raise ConfigError(_seen(tuned[0]))


def _validating(draft: Draft) -> bool:
    """Return whether a validation row has a label."""
    labelled = np.any([one.labelled for one in draft.targets.values()], axis=0)
    return bool((labelled & (draft.samples.split == "val")).any())


def _seen(name: str) -> str:
    """Return why nothing can be chosen."""
    return (
        f"inputs.{name}.tune: auto and search would be judged by folds of rows that the tuned encoder knows, "
        "and no validation row has a label; raise split.validation, or name the types"
    )


def candidates(application: Application, *, boosted: bool = False) -> list[tuple[str, str]]:
    """Return the short list, pairs of fusion and head; of equals the one named first is taken.

    Where ``training.rules`` teaches the network, heads that answer without it are no candidates.

    :param boosted: try gradient boosting too.
    """
    listed = _listed(application, boosted=boosted)
    untaught = APART if teaches_network_alone(application) else ()
    return [(fusion, head) for fusion, head in listed if head not in untaught]


def _listed(application: Application, *, boosted: bool) -> list[tuple[str, str]]:
    """Return the short list, whatever rules teach."""
    fusion, head = application.fusion.type, application.head.type
    if fusion == AUTO and head == AUTO:
        return [*PAIRS, BOOSTED] if boosted else list(PAIRS)
    heads = [*HEADS, BOOSTED[1]] if boosted else HEADS
    pairs = [(one, head) for one in FUSIONS] if fusion == AUTO else [(fusion, one) for one in heads]
    settings = application.fusion
    narrow = settings.dim // math.gcd(settings.dim, settings.members) < len(application.inputs)
    if fusion == AUTO and narrow:  # late gives each input its part of a member's width
        pairs.remove(("late", head))
    return [one for one in pairs if one != ("late", "ensemble")]  # late has heads of its own, one an input


def choose(draft: Draft, folder: Path, learn: Learn) -> None:
    """Put the fusion and the head that are best for this table into the draft's application.

    Every candidate learns from the training rows and is judged on the validation rows; where these are fewer than 150,
    or of fewer than six groups, on five folds of both (groups whole; the next fold ends the training); never on folds
    where encoders were tuned, since these have seen the rows, nor where rows are parted by time. Test rows take no
    part. The score is the mean over the tasks of each task's own metric. Of the candidates that are behind the best by
    no more than one standard error of the difference (a paired bootstrap, whole groups drawn; the rule of Breiman et
    al. 1984, section 3.4.3), the first of the list is taken, so that noise chooses nothing unusual.

    After ``fusion.budget`` seconds no further candidate begins; the first always does. Beside a head that answers
    without the fused vector the first fusion is taken at once.

    :param folder: where the checkpoints of the candidates lie, so that an interrupted choice does not begin anew.
    :param learn: learns a draft whose application names its fusion and head.
    """
    application = draft.application
    if not is_open(application):
        return
    if not _compares(application):
        draft.application = draft.pipeline.application = _with(application, FUSIONS[0], application.head.type)
        told = f"fusion: auto: {FUSIONS[0]}, uncompared: head {application.head.type} answers without the fused vector"
        note(told, draft.pipeline.quiet)
        return
    listed = candidates(application, boosted=_boosted(draft))
    if application.head.type == AUTO and teaches_network_alone(application):
        told = f"head: auto: {', '.join(APART)} are not tried, training.rules teaches the network they answer without"
        note(told, draft.pipeline.quiet)
    trials = Trials(draft, folder, learn)
    began = time.monotonic()
    judged: dict[str, _Judged] = {}
    left_out: list[str] = []
    for fusion, head in listed:
        name = f"{fusion} + {head}"
        if judged and time.monotonic() - began > application.fusion.budget:
            left_out.append(name)
            continue
        judged[name] = trials.judge(name, _with(application, fusion, head))
    draft.choice = trials.decide(judged, left_out)
    fusion, _, head = draft.choice.chosen.partition(" + ")
    draft.application = draft.pipeline.application = _with(application, fusion, head)
    note(_sentence(draft.choice), draft.pipeline.quiet)


def _boosted(draft: Draft) -> bool:
    """Return whether boosting is tried: every input is columns (its encoder is fitted to them), and it is installed."""
    application, encoders = draft.application, draft.pipeline.encoders.values()
    if application.head.type != AUTO or not all(one.fitted for one in encoders) or teaches_network_alone(application):
        return False
    if not has_boosting():
        note("head: auto: boosting is not tried, pip install 'mmsdk[boosting]' for it", draft.pipeline.quiet)
        return False
    return True


def _with(application: Application, fusion: str, head: str) -> Application:
    """Return the application with fusion and head named."""
    return application.model_copy(
        update={
            "fusion": application.fusion.model_copy(update={"type": fusion}),
            "head": application.head.model_copy(update={"type": head}),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The answers of a candidate to all rows ``(n, width)`` by task; only those of rows that judge mean anything."""

    logits: Mapping[str, np.ndarray]
    seconds: float


class Trials:
    """The rows that judge, and the candidates learned without them.

    :raises ConfigError: there are too few rows to judge by, or encoders that were tuned have seen all there are.
    """

    def __init__(self, draft: Draft, folder: Path, learn: Learn) -> None:
        self.draft, self.folder, self.learn = draft, folder, learn
        self.targets = draft.targets
        self.groups = draft.groups
        split = np.where(draft.samples.split == "test", "", draft.samples.split)
        known = np.flatnonzero(np.isin(split, ("train", "val")))
        labelled = np.any([one.labelled for one in self.targets.values()], axis=0)
        by_folds = not self._can_judge(labelled & (split == "val"), known)
        if by_folds and draft.adapters:  # tuned encoders know the rows of folds: there each candidate looks too good
            if not _validating(draft):
                raise ConfigError(_seen(next(iter(draft.adapters))))
            note("judging by validation rows alone: tuned encoders have learned from the others", draft.pipeline.quiet)
            by_folds = False
        self.judged_by = "folds" if by_folds else "validation"
        self.splits = self._folds(known, labelled) if by_folds else [(split, np.flatnonzero(split == "val"))]
        self.rows = np.sort(np.concatenate([asked for _, asked in self.splits]))
        self.rows = self.rows[labelled[self.rows]]

    def _can_judge(self, validation: np.ndarray, known: np.ndarray) -> bool:
        """Return whether the validation rows are enough, and of groups enough, or of as many as folds could have."""
        if not validation.any():
            return False
        if self.draft.application.split.time is not None:
            return True  # folds would learn from the future
        enough = bool(validation.sum() >= FEW)
        if self.groups is None or not enough:
            return enough
        judges = {str(name) for name in self.groups[validation]}
        return len(judges) >= FEW_GROUPS or len({str(name) for name in self.groups[known]}) < 3

    def _folds(self, known: np.ndarray, labelled: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the split of each fold and the rows it judges."""
        rows = known[labelled[known]]
        names = None if self.groups is None else [self.groups[row] for row in rows]
        count = min(FOLDS, len(rows) if names is None else len({str(one) for one in names}))
        if count < 3:
            raise ConfigError("auto needs validation rows, or three groups of rows to judge by; name the type")
        fold = fold_rows(
            [self.draft.samples.ids[row] for row in rows],
            folds=count,
            labels=self._strata(rows),
            groups=names,
            seed=self.draft.application.split.seed,
        )
        splits = []
        for number in range(count):
            split = np.full(len(self.draft.samples.split), "", dtype=object)
            split[rows] = np.where(fold == (number + 1) % count, "val", "train")
            split[rows[fold == number]] = ""
            splits.append((split, rows[fold == number]))
        return splits

    def _strata(self, rows: np.ndarray) -> list[Any] | None:
        """Return the labels that folds spread evenly, where the first task has classes."""
        first = next(iter(self.draft.application.tasks.values()))
        cells = self.draft.samples.table.cells(first.column)
        return [cells[row] for row in rows] if first.type == "classification" else None

    def judge(self, name: str, application: Application) -> _Judged:
        """Learn a candidate and answer for the rows that judge."""
        quiet = self.draft.pipeline.quiet
        note(f"choosing: {name}", quiet)
        began = time.monotonic()
        training = application.training.model_copy(update={"refit": False, "tensorboard": False})
        application = application.model_copy(update={"training": training, "interactions": None})
        found: dict[str, np.ndarray] = {}
        for number, (split, asked) in enumerate(self.splits):
            for task, logits in self.answers(application, split, asked, _place(application, number)).items():
                whole = found.setdefault(task, np.zeros((len(split), logits.shape[1]), np.float32))
                whole[asked] = logits
        return _Judged(logits=found, seconds=time.monotonic() - began)

    def answers(
        self, application: Application, split: np.ndarray, asked: np.ndarray, name: str
    ) -> dict[str, np.ndarray]:
        """Return task -> logits of one learning."""
        draft = self.draft
        pipeline = replace(draft.pipeline, application=application, net=None, maps={}, quiet=True)
        trial = replace(
            draft,
            application=application,
            pipeline=pipeline,
            samples=replace(draft.samples, split=split),
            embeddings=draft.unaligned,  # the maps too are learned without the rows that judge
            findings=[],
        )
        self.learn(trial, self.folder / "choice" / name)
        assert pipeline.net is not None
        embeddings = trial.embeddings
        return infer(pipeline.net, embeddings.values, embeddings.present, rows=asked)[1]

    def decide(self, judged: Mapping[str, _Judged], left_out: Sequence[str]) -> Choice:
        """Return the choice by the one-standard-error rule."""
        rows, seed = self.rows, self.draft.application.split.seed
        groups = None if self.groups is None else self.groups[rows]
        drawn = list(resampled(len(rows), groups=groups, resamples=DRAWS, seed=seed))
        names = list(judged)
        scores = np.array([mean_score(self.targets, rows, judged[name].logits) for name in names])
        draws = np.array([[mean_score(self.targets, rows[r], judged[name].logits) for r in drawn] for name in names])
        best = int(scores.argmax())
        chosen = int(as_good(scores, draws, best).argmax())
        return Choice(
            chosen=names[chosen],
            table={name: self._figures(judged[name].logits) for name in names},
            seconds={name: round(judged[name].seconds, 2) for name in names},
            left_out=left_out,
            judged_by=self.judged_by,
            behind={name: float(scores[best] - scores[place]) for place, name in enumerate(names)},
        )

    def _figures(self, logits: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return task -> the metrics of a candidate on the rows that judge."""
        scoring = Scoring(groups=self.groups, resamples=DRAWS, seed=self.draft.application.split.seed)
        found = {}
        for name, target in self.targets.items():
            rows = self.rows[target.labelled[self.rows]]
            if len(rows):
                found[name] = score_logits(
                    target.task, logits[name][rows], target.values[rows], rows=rows, scoring=scoring
                )
        return found


def _place(application: Application, number: int) -> str:
    """Return the folder of one learning: the network is the same for every head beside it, and learned once."""
    head = application.head.type
    return f"{application.fusion.type}-{head if head == 'ensemble' else 'plain'}-{number}"


def _sentence(choice: Choice) -> str:
    """Return what was chosen and from what, in a line."""
    own = choice.behind[choice.chosen]
    standing = f"{own:.3f} behind the best, within its noise" if own > 0 else "none is better"
    others = ", ".join(f"{name} {0.0 - behind:+.3f}" for name, behind in choice.behind.items() if name != choice.chosen)
    beside = f"; to the best: {others}" if others else ""
    rest = f"; not tried for want of time: {', '.join(choice.left_out)}" if choice.left_out else ""
    return f"chose {choice.chosen} by {choice.judged_by} ({standing}{beside}){rest}"
