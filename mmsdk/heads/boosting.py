"""Gradient boosting on the reduced vectors of all inputs, by LightGBM; an absent input is a gap that trees know."""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.errors import ConfigError, RunError
from mmsdk.heads.beside import Beside, presence
from mmsdk.heads.reduced import Reduced
from mmsdk.heads.subsets import hidden_copies
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmsdk.heads.beside import Lesson
    from mmsdk.heads.options import BoostingOptions

CERTAIN = 10.0  # the log-odds of a label that training shows on one side only
STALE = 30  # rounds without a better answer to the rows that judge
COPIES = 2


class BoostingHead(Beside):
    """One booster for a task, or one a label of a multi-label task. Trees have no gradients.

    :param reduced: what they read; fitted.
    :param texts: the boosters in LightGBM's text format; empty for a label that is always or never there.
    :param constant: ``(width,)``, the answer where there is no booster.
    """

    def __init__(self, reduced: Reduced, texts: Sequence[str], constant: Tensor) -> None:
        super().__init__(tuple(reduced.side.sizes))
        boosters = _lightgbm()
        self.reduced = reduced
        self.texts = tuple(texts)
        self.boosters = [boosters.Booster(model_str=one) if one else None for one in texts]
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=16).digest()
        self.register_buffer("constant", constant)
        self.register_buffer("digest", torch.frombuffer(bytearray(digest), dtype=torch.uint8))

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer."""
        here = presence(self.inputs, present)
        rows = gapped(self.reduced, vectors, here)
        constant = self.get_buffer("constant").cpu().numpy()
        columns = [
            np.full((len(rows), 1), constant[place]) if one is None else _raw(one, rows)
            for place, one in enumerate(self.boosters)
        ]
        answer = np.concatenate(columns, axis=1)
        if answer.shape[1] < len(constant):  # two classes: one log-odds
            answer = np.concatenate([np.zeros_like(answer), answer], axis=1)
        return torch.from_numpy(answer.astype(np.float32)).to(here.device)

    def shuffle_leaves(self, random: torch.Generator) -> None:
        """Put what the leaves of each booster answer in a random order: trees that have learned nothing."""
        for booster in filter(None, self.boosters):
            counts = [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
            leaves = [(tree, leaf) for tree, count in enumerate(counts) for leaf in range(count)]
            answers = [booster.get_leaf_output(*leaf) for leaf in leaves]
            order = torch.randperm(len(leaves), generator=random).tolist()
            for leaf, place in zip(leaves, order, strict=True):
                booster.set_leaf_output(*leaf, answers[place])

    def document(self) -> dict[str, Any]:
        """Return its type, what it reads, and how many boosters it has."""
        sizes = dict(self.reduced.side.sizes)
        whole = {"whole": self.reduced.whole} if self.reduced.whole else {}
        return {"type": "boosting", "inputs": sizes, "rank": self.reduced.rank, "boosters": len(self.texts), **whole}

    @classmethod
    def restore(
        cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray], texts: Sequence[str]
    ) -> BoostingHead:
        """Return the head that ``document``, the arrays of its buffers and its boosters' texts describe.

        :raises RunError: the texts are not those that the run was saved with.
        """
        tensors = {name: torch.from_numpy(np.array(one)) for name, one in arrays.items()}
        reduced = Reduced(document["inputs"], document["rank"], document.get("whole", ()))
        head = cls(reduced, texts, tensors["constant"])
        if not torch.equal(head.get_buffer("digest"), tensors["digest"]):
            raise RunError("the boosters of the run are not those it was saved with: it is damaged; fit it again")
        head.load_state_dict(tensors)
        return head


def gapped(reduced: Reduced, vectors: Mapping[str, Tensor], here: Tensor) -> np.ndarray:
    """Return the reduced vectors ``(b, c)`` float64, NaN where an input is absent."""
    with torch.no_grad():
        rows = reduced(vectors, here)
        absent = (~here).repeat_interleave(torch.tensor(reduced.widths, device=here.device), dim=1)
        return np.asarray(rows.masked_fill(absent, torch.nan).cpu().numpy(), dtype=np.float64)


def fit_boosting(
    lesson: Lesson, judge: Lesson, options: BoostingOptions, *, refit: Lesson | None = None
) -> BoostingHead:
    """Fit boosters; the rows that judge end their growth.

    Each training row is learned from twice, once with some of its inputs hidden, so that they may be missing in use.
    Inputs of columns keep their numbers; of wide vectors the trees see the components.

    :param refit: with it the boosters are grown once more on these rows, as far as before.
    :raises ConfigError: LightGBM is not installed, or the task is none that it knows.
    """
    sizes = {name: int(one.shape[1]) for name, one in lesson.vectors.items()}
    reduced = Reduced(sizes, options.rank, lesson.columns)
    reduced.to(lesson.present.device).fit(lesson)
    width = lesson.task.baseline(1).shape[1]
    columns = range(width) if isinstance(lesson.task, Multilabel) else [None]
    texts, constant = [], torch.zeros(width)
    for column in columns:
        sides = [_side(reduced, hidden_copies(lesson, COPIES), column), _side(reduced, judge, column)]
        if column is not None and len(np.unique(sides[0][1])) < 2:
            texts.append("")
            constant[column] = CERTAIN if sides[0][1].any() else -CERTAIN
            continue
        words = _words(lesson, options, column)
        booster = _grown(words, sides[0], sides[1], options.rounds)
        if refit is not None:
            whole = _side(reduced, hidden_copies(refit, COPIES), column)
            booster = _grown(words, whole, None, max(1, booster.best_iteration))
        texts.append(booster.model_to_string(num_iteration=booster.best_iteration))
    return BoostingHead(reduced, texts, constant).eval()


Side = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def _side(reduced: Reduced, lesson: Lesson, column: int | None) -> Side:
    """Return features, targets and weights of some rows."""
    truth = lesson.targets.cpu().numpy()
    weights: np.ndarray | None = None
    if isinstance(lesson.task, Classification) and lesson.weights is not None:
        balance = lesson.task.class_weights(truth)
        weights = None if balance is None else balance[truth]
    return (
        gapped(reduced, lesson.vectors, lesson.present),
        np.ascontiguousarray(truth if column is None else truth[:, column]),
        weights,
    )


def _words(lesson: Lesson, options: BoostingOptions, column: int | None) -> dict[str, Any]:
    """Return the parameters of LightGBM for a task."""
    task, words = lesson.task, dict[str, Any](objective="binary")
    shared: dict[str, Any] = {
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "min_data_in_leaf": 5,
        "feature_fraction": 0.3,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "seed": lesson.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": torch.get_num_threads(),
        "verbosity": -1,
    }
    if isinstance(task, Classification):
        words = {"objective": "multiclass", "num_class": len(task.labels)} if len(task.labels) > 2 else words
    elif isinstance(task, Regression):
        words = {"objective": "huber", "alpha": 1.0}
    elif not isinstance(task, Multilabel):
        raise ConfigError(
            f"head.type: boosting knows classification, multilabel and regression, and no {type(task).__name__}; "
            "choose another head"
        )
    elif lesson.weights is not None and column is not None:
        balance = task.class_weights(lesson.targets.cpu().numpy())
        shared["scale_pos_weight"] = 1.0 if balance is None else float(balance[column])
    return shared | words


def _grown(words: Mapping[str, Any], side: Side, judge: Side | None, rounds: int) -> Any:
    """Return a booster of so many rounds, or fewer where the rows that judge say so."""
    lightgbm = _lightgbm()
    data = lightgbm.Dataset(side[0], side[1], weight=side[2], params=dict(words))
    if judge is None:
        return lightgbm.train(dict(words), data, num_boost_round=rounds)
    seen = data.create_valid(judge[0], judge[1], weight=judge[2])
    stop = lightgbm.early_stopping(STALE, verbose=False)
    return lightgbm.train(dict(words), data, num_boost_round=rounds, valid_sets=[seen], callbacks=[stop])


def _raw(booster: Any, rows: np.ndarray) -> np.ndarray:
    """Return raw scores ``(b, k)``."""
    found = np.asarray(booster.predict(rows, raw_score=True))
    return found[:, None] if found.ndim == 1 else found


def require_boosting(kind: str) -> None:
    """Say before any work is done that a head of this type needs a library that is not there."""
    if kind == "boosting":
        _lightgbm()


def has_boosting() -> bool:
    """Return whether the library is installed, without importing it."""
    return importlib.util.find_spec("lightgbm") is not None


def _lightgbm() -> Any:
    """Return the library, or say what to install."""
    try:
        import lightgbm
    except ImportError as error:
        raise ConfigError(
            "head.type is boosting, and LightGBM is not installed: "
            "pip install 'mmsdk[boosting]', or choose another head"
        ) from error
    return lightgbm
