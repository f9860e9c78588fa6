"""The linear head: a regularised linear model on all vectors side by side, one for every subset of the inputs."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from mmsdk.heads.beside import Beside, Lesson, SideBySide, presence
from mmsdk.heads.folds import inner_folds
from mmsdk.heads.solver import apply_map, fit_linear_map
from mmsdk.heads.subsets import hidden_copies, own_subsets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmsdk.heads.options import LinearOptions
    from mmsdk.protocols import Task

PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
BORNE = 2  # penalties in a row that were worse, before the search ends
MOST_ROWS, JUDGED_ROWS = 100_000, 5_000  # that a model is fitted on, and that its penalty is chosen by
COPIES = 4  # of each row, with other inputs hidden, where one model stands for many subsets
ROUGH, FINE = 1e-3, 1e-4  # the steepest slope that is left when a penalty is judged, and at the end


class LinearHead(Beside):
    """One linear model for each subset of the inputs that has its own, and one for all the others.

    :param sizes: input name -> length of its vectors.
    :param own: ``(k, m)`` bool, the subsets with a model of their own.
    :param width: how many logits.
    :param rest: there is one more model, for every other subset.
    :param penalties: of each model, as chosen.
    """

    def __init__(
        self, sizes: Mapping[str, int], own: Tensor, width: int, *, rest: bool, penalties: Sequence[float] = ()
    ) -> None:
        super().__init__(tuple(sizes))
        self.features = SideBySide(sizes)
        self.rest = rest
        self.penalties = tuple(penalties)
        self.register_buffer("own", own)
        self.register_buffer("weights", torch.zeros(len(own) + rest, self.features.width + 1, width))
        self.register_buffer("blind", torch.zeros(width))

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer each row by the model of the inputs it has; one without any by what training says blindly."""
        here = presence(self.inputs, present)
        rows = self.features(vectors, here)
        chosen = self._chosen(here)
        answer = self.get_buffer("blind").expand(len(rows), -1)
        for number in torch.unique(chosen).tolist():
            if number < 0:
                continue
            places = torch.nonzero(chosen == number).squeeze(1)
            found = apply_map(rows.index_select(0, places), self.get_buffer("weights")[number])
            answer = answer.index_copy(0, places, found)
        return answer

    def _chosen(self, here: Tensor) -> Tensor:
        """Return which model answers each row, -1 where none does, ``(b,)``."""
        own = self.get_buffer("own")
        same = (here[:, None, :] == own[None]).all(2)
        other = torch.full((len(here),), len(own) if self.rest else -1, device=here.device)
        found = torch.where(same.any(1), same.to(torch.int64).argmax(1), other)
        return torch.where(here.any(1), found, -torch.ones_like(found))

    def document(self) -> dict[str, Any]:
        """Return its type and the penalty of each subset of inputs."""
        named = ["+".join(itertools.compress(self.inputs, one)) for one in self.get_buffer("own").tolist()]
        chosen = dict(zip([*named, *(["others"] if self.rest else [])], self.penalties, strict=False))
        return {"type": "linear", "inputs": dict(self.features.sizes), "rest": self.rest, "penalties": chosen}

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> LinearHead:
        """Return the head that ``document`` and the arrays of its buffers describe."""
        own, width = torch.from_numpy(np.array(arrays["own"])), arrays["blind"].shape[0]
        penalties = list(document["penalties"].values())
        head = cls(document["inputs"], own, width, rest=document["rest"], penalties=penalties)
        head.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in arrays.items()})
        return head


def fit_linear(lesson: Lesson, options: LinearOptions) -> LinearHead:
    """Fit a linear head.

    The models of four inputs or fewer are one for every subset, so that a row is answered as by a model that was
    trained on nothing but the inputs it has. Each minimises the task's own loss (cross-entropy, binary cross-entropy a
    label, Huber) and a ridge on its weights (:func:`mmsdk.heads.solver.fit_linear_map`). The penalty is chosen by
    cross-validation within the training rows, groups kept whole, for the whole and for each input alone; subsets
    between them take that of the whole.

    :param lesson: the labelled training rows.
    """
    lesson = replace(lesson, task=_convex(lesson.task))
    sizes = {name: int(one.shape[1]) for name, one in lesson.vectors.items()}
    blind = torch.from_numpy(lesson.task.baseline(1)[0]).float()
    features = SideBySide(sizes)
    own = own_subsets(lesson.present, (features.width + 1) * len(blind))
    rest = len(own) < 2 ** len(sizes) - 1
    head = LinearHead(sizes, own, len(blind), rest=rest).to(lesson.present.device)
    head.features.fit(lesson)
    head.get_buffer("blind").copy_(blind)
    if len(lesson) > MOST_ROWS:
        lesson = lesson.take(_sample(len(lesson), MOST_ROWS, lesson.seed))
    penalties: list[float] = []
    for number, subset in enumerate([*own, *([torch.ones_like(own[0])] if rest else [])]):
        part = hidden_copies(lesson, COPIES) if number == len(own) else lesson
        model = _Model(head.features, part, subset)
        known = penalties[0] if penalties and int(subset.sum()) > 1 else 0.0
        penalty = options.penalty or known or model.choose(options.folds)
        head.get_buffer("weights")[number] = model.fitted(penalty, head.get_buffer("weights")[0])
        penalties.append(penalty)
    head.penalties = tuple(penalties)
    return head.eval()


def fit_each(lesson: Lesson, options: LinearOptions) -> tuple[LinearHead, Tensor, Lesson]:
    """Fit one linear model for each input alone.

    :param lesson: the labelled training rows.
    :returns: the models as a head that answers rows of exactly one input, and what each says of the training rows it
        did not learn from, ``(n, m, width)``, by folds that keep groups whole; zeros where the input is absent. The
        rows themselves are the third: of very many, a sample.
    """
    lesson = replace(lesson, task=_convex(lesson.task))
    sizes = {name: int(one.shape[1]) for name, one in lesson.vectors.items()}
    blind = torch.from_numpy(lesson.task.baseline(1)[0]).float()
    head = LinearHead(sizes, torch.eye(len(sizes), dtype=torch.bool), len(blind), rest=False)
    head = head.to(lesson.present.device)
    head.features.fit(lesson)
    head.get_buffer("blind").copy_(blind)
    if len(lesson) > MOST_ROWS:
        lesson = lesson.take(_sample(len(lesson), MOST_ROWS, lesson.seed))
    unseen = torch.zeros(len(lesson), len(sizes), len(blind), device=lesson.present.device)
    penalties = []
    for number, subset in enumerate(head.get_buffer("own")):
        model = _Model(head.features, lesson, subset)
        penalties.append(options.penalty or model.choose(options.folds))
        head.get_buffer("weights")[number] = model.fitted(penalties[-1], torch.zeros(1))
        unseen[model.rows, number] = model.unseen(penalties[-1], options.folds)
    head.penalties = tuple(penalties)
    return head.eval(), unseen, lesson


class _Model:
    """The model of one subset: the rows that have any of it, and its columns."""

    def __init__(self, features: SideBySide, lesson: Lesson, subset: Tensor) -> None:
        subset = subset.to(lesson.present.device)
        rows = _rows_of(lesson.present, subset)
        self.rows = torch.from_numpy(rows).to(lesson.present.device)
        self.lesson = lesson.take(rows)
        self.columns = torch.nonzero(subset[features.columns().to(subset.device)]).squeeze(1)
        self.features = features(self.lesson.vectors, self.lesson.present & subset).index_select(1, self.columns)
        self.whole = features.width
        blind = torch.from_numpy(lesson.task.baseline(1)[0]).to(self.features)
        self.start = torch.cat([blind.new_zeros(len(self.columns), len(blind)), blind[None]])

    def fitted(self, penalty: float, near: Tensor) -> Tensor:
        """Return its weights among those of all columns, ``(width + 1, logits)``.

        :param near: those of the whole, zeros where they are not known yet.
        """
        whole = self.start.new_zeros(self.whole + 1, self.start.shape[1])
        found = self.start
        if len(self.lesson):
            start = torch.cat([near[self.columns], near[-1:]]) if near.any() else self.start
            found = fit_linear_map(self.features, self.lesson.loss, penalty, start, precision=FINE)
        whole[self.columns] = found[:-1]
        whole[-1] = found[-1]
        return whole

    def unseen(self, penalty: float, count: int) -> Tensor:
        """Return what models of the other folds answer to its rows; the blind answer where no folds can be made."""
        answers = self.start[-1].expand(len(self.lesson), -1).clone()
        for fit, judge in inner_folds(self.lesson, count):
            loss = self.lesson.take(fit).loss
            weights = fit_linear_map(self.features[torch.from_numpy(fit)], loss, penalty, self.start, precision=FINE)
            answers[torch.from_numpy(judge)] = apply_map(self.features[torch.from_numpy(judge)], weights)
        return answers

    def choose(self, count: int) -> float:
        """Return the penalty whose answers to the rows left out are best; 1 where there is nothing to choose by."""
        rows = np.arange(len(self.lesson))
        if len(rows) > JUDGED_ROWS:
            rows = _sample(len(rows), JUDGED_ROWS, self.lesson.seed)
        lesson = self.lesson.take(rows)
        folds = inner_folds(lesson, count)
        if not folds:
            return 1.0
        features = self.features[torch.from_numpy(rows).to(self.features.device)]
        starts = [self.start for _ in folds]
        answers = self.start.new_zeros(len(rows), self.start.shape[1])
        found: list[tuple[float, float]] = []
        for penalty in PENALTIES:
            for number, (fit, judge) in enumerate(folds):
                part = lesson.take(fit)
                starts[number] = fit_linear_map(
                    features[torch.from_numpy(fit)], part.loss, penalty, starts[number], precision=ROUGH
                )
                answers[torch.from_numpy(judge)] = apply_map(features[torch.from_numpy(judge)], starts[number])
            found.append((lesson.score(answers), penalty))
            best = max(range(len(found)), key=lambda place: found[place][0])
            if len(found) - 1 - best >= BORNE:
                break
        return max(found)[1]


def _rows_of(present: Tensor, subset: Tensor) -> np.ndarray:
    """Return the rows a subset's model learns from: those with all of it, if they are half of those with any of it."""
    whole = (present | ~subset).all(1)
    part = (present & subset).any(1)
    rows = whole if 2 * int(whole.sum()) >= int(part.sum()) else part
    return torch.nonzero(rows).squeeze(1).cpu().numpy()


def _convex(task: Task) -> Task:
    """Return the task without label smoothing, whose work the ridge does, and without the focal factor, not convex."""
    plain: Any = copy.copy(task)
    if getattr(task, "label_smoothing", 0.0):
        plain.label_smoothing = 0.0
    if getattr(task, "imbalance", "") == "focal":
        plain.imbalance = "weights"
    return cast("Task", plain)


def _sample(rows: int, count: int, seed: int) -> np.ndarray:
    """Return some rows at random, in order."""
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
