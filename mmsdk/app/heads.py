"""Heads beside the network, fitted after it: on which rows, and the share of a blend on rows that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.app.directory import write_text
from mmsdk.app.unread import unread_line
from mmsdk.errors import RunError
from mmsdk.heads import (
    BlendHead,
    BoostingHead,
    Lesson,
    choose_share,
    fit_boosting,
    fit_linear,
    fit_stacked,
    inner_folds,
    read_options,
)
from mmsdk.model import infer, training_rows
from mmsdk.progress import note
from mmsdk.train import class_weights_of, fit_heads
from mmsdk.train.population import fit_population

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.draft import Draft
    from mmsdk.heads import Beside, LinearHead
    from mmsdk.model import JointNet, Target

BOOSTERS = "boosters"
HELD = 5  # one fold of so many judges a blend where no row validates


def fit_beside(draft: Draft) -> None:
    """Fit the heads that the application asks for beside its network, and attach them to it."""
    net, block = draft.pipeline.net, draft.application.head
    assert net is not None
    if block.type in {"plain", "ensemble"} or not draft.targets:
        return
    note(f"fitting the {block.type} head", draft.pipeline.quiet)
    if line := unread_line(draft):
        note(line, draft.pipeline.quiet)
    options: Any = read_options(block.type, block.options)
    if block.type in {"population", "boosting"}:
        net.attach({name: _judged(draft, name, options).to(draft.pipeline.head_device) for name in draft.targets})
        return
    if block.type == "stacked":
        net.attach({name: fit_stacked(_lesson(draft, name, _learned(draft)), options) for name in draft.targets})
        return
    judge = _judge(draft, net) if block.type == "blend" and options.share < 0 else None
    heads: dict[str, Beside] = {}
    for name in draft.targets:
        head = _linear(draft, name, options, _learned(draft))
        if block.type == "linear":
            heads[name] = head
            continue
        share = options.share if judge is None else _share(draft, name, judge, options)
        note(f"tasks.{name}: the linear head has {share:.0%} of the answer", draft.pipeline.quiet)
        heads[name] = BlendHead(head, share).to(draft.pipeline.head_device).eval()
    net.attach(heads)


def _linear(draft: Draft, name: str, options: Any, learned: np.ndarray) -> LinearHead:
    """Return the linear head of a task, fitted once for the same rows however many candidates of ``auto`` ask."""
    key = (name, learned.tobytes(), options.penalty, options.folds)
    if key not in draft.linear:
        draft.linear[key] = fit_linear(_lesson(draft, name, learned), options)
    return draft.linear[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """A network that has not learned from some rows: ``learned`` and ``judged`` are bool masks of all rows."""

    net: JointNet
    learned: np.ndarray
    judged: np.ndarray


def _learned(draft: Draft) -> np.ndarray:
    """Return the mask of the rows that the network of the run has learned from."""
    split = draft.samples.split
    learned = training_rows(split)
    return learned | (split == "val") if draft.application.training.refit else learned


def _judge(draft: Draft, net: JointNet) -> _Judge:
    """Return the network of the run where rows validated it and no more, else another one that a fold is kept from."""
    split = np.asarray(draft.samples.split, dtype=object)
    if not _any_labelled(draft, split == "val"):
        split = _with_validation(draft, split, list(draft.targets))
    elif not draft.application.training.refit:
        return _Judge(net=net, learned=training_rows(split), judged=split == "val")
    note("training once more without the rows that judge the blend", draft.pipeline.quiet)
    other = draft.new_net()
    config = draft.application.training.model_copy(update={"refit": False, "tensorboard": False})
    fit_heads(draft.embeddings, draft.targets, other, config, split, device=draft.pipeline.head_device, quiet=True)
    return _Judge(net=other, learned=split == "train", judged=split == "val")


def _judged(draft: Draft, name: str, options: Any) -> Beside:
    """Return a population or boosters for one task; validation rows judge, or else a fold of the training rows."""
    split, config = np.asarray(draft.samples.split, dtype=object), draft.application.training
    validated = len(_rows(draft, draft.targets[name], split == "val")) > 0
    if not validated:
        split = _with_validation(draft, split, [name])
    train = _lesson(draft, name, split == "train" if (split == "train").any() else training_rows(split))
    judge = _lesson(draft, name, split == "val") if (split == "val").any() else train
    again = _lesson(draft, name, np.isin(split, ["train", "val"])) if config.refit or not validated else None
    if draft.application.head.type == "boosting":
        return fit_boosting(train, judge, options, refit=again)
    with torch.random.fork_rng(devices=[]):
        return fit_population(train, judge, options, config, refit=again)


def _any_labelled(draft: Draft, rows: np.ndarray) -> bool:
    """Return whether every task has a label among some rows."""
    return all(len(target.labelled_rows(rows)) for target in draft.targets.values())


def _with_validation(draft: Draft, split: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return the split with about a fifth of the training rows that each task labels, whole groups, to judge.

    A task whose labels lie in the rows drawn for those before it, half its due or more, needs none of its own.
    """
    training, groups = training_rows(split), draft.groups
    found = np.where(training, "train", "").astype(object)
    for name in names:
        rows = _rows(draft, draft.targets[name], training)
        if len(rows) == 0 or 2 * HELD * int((found[rows] == "val").sum()) >= len(rows):
            continue
        folds = inner_folds(_lesson(draft, name, training), HELD)
        if folds:
            found[rows[folds[0][1]]] = "val"
        if groups is not None:  # rows of a group that this task does not label go with the others
            held = set(groups[found == "val"].astype(str))
            found[training & np.isin(groups.astype(str), list(held))] = "val"
    return found


def _share(draft: Draft, name: str, judge: _Judge, options: Any) -> float:
    """Return the share of the linear head of one task."""
    target = draft.targets[name]
    rows = _rows(draft, target, judge.judged)
    if len(rows) == 0:
        return 0.5
    device = torch.device(draft.pipeline.head_device)
    vectors, present = _tensors(draft, rows, device)
    linear = _linear(draft, name, options, judge.learned)
    _, network = infer(judge.net, draft.embeddings.values, draft.embeddings.present, rows=rows)
    with torch.inference_mode():
        said = linear(vectors, present, torch.empty(0)).cpu().numpy()
    groups = draft.groups
    return choose_share(
        target.task,
        network[name],
        said,
        target.values[rows],
        groups=None if groups is None else groups[rows],
        seed=draft.application.training.seed,
    )


def _rows(draft: Draft, target: Target, chosen: np.ndarray) -> np.ndarray:
    """Return the labelled rows among the chosen that have an input."""
    usable = np.any(list(draft.embeddings.present.values()), axis=0)
    return target.labelled_rows(chosen & usable)


def _lesson(draft: Draft, name: str, chosen: np.ndarray) -> Lesson:
    """Return the labelled rows among the chosen, as a head learns from them."""
    target, training = draft.targets[name], draft.application.training
    rows = _rows(draft, target, chosen)
    values, groups, device = target.values[rows], draft.groups, torch.device(draft.pipeline.head_device)
    weights = class_weights_of({name: target}, rows, training, device)[name]
    vectors, present = _tensors(draft, rows, device)
    return Lesson(
        vectors=vectors,
        present=torch.stack(list(present.values()), dim=1),
        task=target.task,
        targets=torch.from_numpy(np.ascontiguousarray(values)).to(device),
        weights=weights,
        groups=None if groups is None else groups[rows],
        seed=training.seed,
        columns=frozenset(name for name, one in draft.pipeline.encoders.items() if one.fitted),
    )


def _tensors(
    draft: Draft, rows: np.ndarray, device: torch.device
) -> tuple[Mapping[str, torch.Tensor], Mapping[str, torch.Tensor]]:
    """Return the vectors and the presence of some rows, input by input."""
    vectors = {
        name: torch.from_numpy(np.asarray(one[rows], dtype=np.float32)).to(device)
        for name, one in draft.embeddings.vectors().items()
    }
    present = {
        name: torch.from_numpy(np.asarray(one[rows], dtype=bool)).to(device)
        for name, one in draft.embeddings.present.items()
    }
    return vectors, present


def write_boosters(net: JointNet, folder: Path) -> None:
    """Write the boosters of a run in LightGBM's text format, where it has any."""
    for place, head in enumerate(net.beside):
        for number, text in enumerate(head.texts if isinstance(head, BoostingHead) else ()):
            (folder / BOOSTERS).mkdir(exist_ok=True)
            write_text(folder / BOOSTERS / f"{place}-{number}.txt", text)


def read_boosters(folder: Path, place: int, count: int) -> list[str]:
    """Return the texts of the boosters of one head.

    :raises RunError: one is not there.
    """
    files = [folder / BOOSTERS / f"{place}-{number}.txt" for number in range(count)]
    if missing := [one for one in files if not one.is_file()]:
        raise RunError(f"{missing[0]} is not there, which the run answers by: it is damaged; fit it again")
    return [one.read_text(encoding="utf-8") for one in files]
