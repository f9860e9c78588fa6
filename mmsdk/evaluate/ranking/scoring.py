"""The one call of the application: fit a ranker, score it fairly, and hand back one that knows every pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError
from mmsdk.evaluate.ranking.held_out import HeldOut, all_pairs, leave_last, leave_out, over_time
from mmsdk.evaluate.ranking.newcomers import by_history
from mmsdk.evaluate.ranking.table import RECALL, Table
from mmsdk.progress import progress
from mmsdk.quoted import quoted
from mmsdk.tasks.ranking import Chooser, Ranker, Said, prepare
from mmsdk.tasks.ranking.baselines import baselines
from mmsdk.tasks.ranking.library import library_baselines
from mmsdk.tasks.ranking.sequel import SEQUEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.data import Interactions
    from mmsdk.evaluate.ranking.metrics import Answers
    from mmsdk.tasks.ranking import Choice, Content, Histories
    from mmsdk.tasks.ranking.baselines import Scorer

TASK = "recommend"
OVER_TIME = "recommend_over_time"
NEXT = "recommend_next"
MODEL = "model"
EXAMPLES = 12
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredUser:
    """A scored user, for the report; items are positions in the table of items.

    :param history: oldest first where there are times; :param targets: what was held out.
    :param answers: the first ten recommended.
    """

    user: str
    history: tuple[int, ...]
    targets: tuple[int, ...]
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingResult:
    """A fitted ranker and how good it is.

    :param ranker: fitted on all pairs (``refit``), else on the training pairs.
    :param metrics: ``{"recommend": {part: {...}, "baselines", "subsets", "paired", "by_history"}}``, and the same for
        ``recommend_over_time`` and ``recommend_next``.
    :param headline: the metric that decides.
    :param summary: the result in one sentence.
    :param notes: what a reader of the figures must know.
    :param examples: a few scored users, evenly over all of them.
    :param learned: bool ``(n_pairs,)``: the pairs that ``ranker`` learned from.
    :param scored: what gave the metrics and the examples.
    """

    ranker: Ranker
    metrics: dict[str, Any]
    headline: str
    summary: str
    notes: tuple[str, ...]
    examples: tuple[ScoredUser, ...]
    learned: np.ndarray
    scored: Ranker


def fit_and_score_ranking(
    interactions: Interactions,
    ids: Sequence[str],
    vectors: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    *,
    said: Said | tuple[np.ndarray, np.ndarray, str] | None = None,
    dim: int = 512,
    seed: int = 0,
    refit: bool = True,
    quiet: bool = False,
) -> RankingResult:
    """Fit a ranker on the training pairs, score it beside its baselines, and refit it on all pairs.

    Scored on held-out pairs of each user and, where there are times, once more on everything after one moment, and once
    on the last item of each user. No setting of the ranker or of a baseline is chosen on a scored pair. A refit keeps
    the settings and weights found on the training pairs.

    :param ids: the ids of the items, by which ties are broken.
    :param vectors: input -> float32 ``(n_items, d)``; :param present: input -> bool ``(n_items,)``.
    :param said: what users said, one entry a pair of ``interactions``.
    :raises DataError: fewer than two items, nobody to score, vectors that do not fit.
    """
    if len(ids) < 2:
        raise DataError(f"ranking needs at least 2 items, and the table has {len(ids)}")
    texts = Said(vectors=said[0], present=said[1], input=said[2]) if isinstance(said, tuple) else said
    contents, dropped = prepare(vectors, present, len(ids))  # depends on no pair, so it serves every split
    study = _Study(vectors=vectors, contents=contents, dropped=dropped, said=texts, ids=ids, seed=seed, dim=dim)
    held = leave_out(interactions, len(ids), seed=seed)
    found = study.scored(held, worth=True, quiet=quiet)
    metrics = {TASK: found.metrics}
    notes = [*_notes(held, found.ranker.choice, dropped), *found.notes]
    later = over_time(interactions, len(ids), seed=seed)
    if later is not None:
        metrics[OVER_TIME] = study.scored(later, worth=False, quiet=quiet).metrics
        notes += [f"over time: {note}" for note in _notes(later, None, {})]
    last = leave_last(interactions, len(ids), seed=seed)
    if last is not None:
        metrics[NEXT] = study.scored(last, worth=False, quiet=quiet, choice=found.ranker.choice).metrics
    ranker, learned = found.ranker, np.ones(len(interactions), bool)
    if not refit:
        learned = np.isin(np.arange(len(interactions)), held.train.rows)
    else:
        ranker = study.ranker(all_pairs(interactions, len(ids)), ranker.choice)
    return RankingResult(
        ranker=ranker,
        metrics=metrics,
        headline=RECALL,
        summary=_summary(found, held.part),
        notes=tuple(notes),
        examples=_examples(held, found.answers, interactions.user_ids),
        learned=learned,
        scored=found.ranker,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What scoring one split gave."""

    ranker: Ranker
    metrics: dict[str, Any]
    answers: Answers
    best: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """What stays the same between splits."""

    vectors: Mapping[str, np.ndarray]
    contents: Mapping[str, Content]
    dropped: Mapping[str, str]
    said: Said | None
    ids: Sequence[str]
    seed: int
    dim: int

    def ranker(self, train: Histories, choice: Choice) -> Ranker:
        """Return a ranker of settings that are known."""
        return Ranker.fit(
            train,
            self.vectors,
            {},
            said=self.said,
            dim=self.dim,
            seed=self.seed,
            choice=choice,
            contents=self.contents,
            dropped=self.dropped,
        )

    def scored(self, held: HeldOut, *, worth: bool, quiet: bool, choice: Choice | None = None) -> _Found:
        """Fit on one split's training pairs and score the ranker, the baselines and (``worth``) subsets of inputs.

        :param choice: settings found on fewer pairs before; searched where left out.
        """
        chooser = Chooser(held.train, self.contents, said=self.said, seed=self.seed)
        ranker = self.ranker(held.train, chooser.choose(quiet=quiet) if choice is None else choice)
        order = np.argsort(np.array(self.ids), kind="stable")
        table = Table(held=held, contents=self.contents, order=order, seed=self.seed)
        own, answers = table.score(MODEL, _scorer(ranker, self.said))
        rivals = baselines(held.train, self.contents, chooser.folds)
        rivals |= library_baselines(held.train, chooser.folds, self.seed)
        subsets = input_choices(list(self.contents)) if worth else []
        scored, part = {}, {}
        with progress(len(rivals) + len(subsets), "scoring", quiet, unit="recommender") as bar:
            for name, scorer in rivals.items():
                scored[name] = table.score(name, scorer)[0]
                bar.update(1)
            for inputs in subsets:
                lesser = self._only(inputs, held, chooser.weights_for(inputs, ranker.choice))
                part["+".join(inputs)] = table.score("+".join(inputs), lesser)[0]
                bar.update(1)
        metrics: dict[str, Any] = {held.part: own, "baselines": scored}
        if part:
            metrics["subsets"] = {**part, "+".join(self.contents): own}
        if worth:
            metrics["by_history"] = by_history(table, ranker, self.said)
        metrics["paired"] = {name: table.difference(MODEL, name) for name in rivals}
        best = table.best(list(rivals))
        notes = () if chooser.folds else ("no user has two training items, so that all blocks count the same",)
        return _Found(ranker=ranker, metrics=metrics, answers=answers, best=best, notes=notes)

    def _only(self, inputs: tuple[str, ...], held: HeldOut, choice: Choice) -> Scorer:
        """Return the ranker that has only some inputs, its weights fitted anew."""
        contents = {name: self.contents[name] for name in inputs}
        said = self.said if self.said is not None and self.said.input in inputs else None
        fitted = Ranker.fit(
            held.train, self.vectors, {}, said=said, dim=self.dim, seed=self.seed, choice=choice, contents=contents
        )
        return _scorer(fitted, said)


def input_choices(inputs: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the subsets of inputs whose worth is told, without the whole: each alone, and each left out."""
    alone = [(name,) for name in inputs] if len(inputs) > 1 else []
    without = [tuple(one for one in inputs if one != name) for name in inputs] if len(inputs) > 2 else []
    return alone + without


def _scorer(ranker: Ranker, said: Said | None) -> Scorer:
    """Return the scores of a ranker as an index would give them."""
    return lambda histories: ranker.represent(histories, said) @ ranker.items.T


def _examples(held: HeldOut, answers: Answers, user_ids: Sequence[str]) -> tuple[ScoredUser, ...]:
    """Return a few scored users, evenly over all of them."""
    places = np.unique(np.linspace(0, len(held.users) - 1, min(EXAMPLES, len(held.users))).astype(np.int64))
    return tuple(
        ScoredUser(
            user=user_ids[int(held.users[place])],
            history=tuple(held.histories.of_user(place).tolist()),
            targets=tuple(held.targets.of_user(place).tolist()),
            answers=tuple(item for item in answers.top[place, :SHOWN].tolist() if item >= 0),
        )
        for place in places.tolist()
    )


def _summary(found: _Found, part: str) -> str:
    """Return the result in one sentence."""
    own, best = found.metrics[part][RECALL], found.metrics["baselines"][found.best][RECALL]
    more = found.metrics["paired"][found.best][RECALL]
    cold = found.metrics[part].get(f"cold_{RECALL}")
    said = "" if cold is None else f"; items that nobody had taken {cold['value']:.3f} ({cold['n']:,} users)"
    return (
        f"{RECALL} {quoted(own)} over {own['n']:,} users ({part}); best baseline {found.best} {best['value']:.3f}, "
        f"difference {quoted(more, '+.3f')}{said}"
    )


def _notes(held: HeldOut, choice: Choice | None, dropped: Mapping[str, str]) -> list[str]:
    """Return what a reader of the figures must know."""
    notes = [f"input {name} is not used: {reason}" for name, reason in dropped.items()]
    if held.unscored:
        who = "1 user is" if held.unscored == 1 else f"{held.unscored:,} users are"
        notes.append(f"{who} not scored: none of their pairs is left to learn from")
    if held.repeats:
        notes.append(f"{held.repeats:,} held-out pairs are of items that the user had before; they are not asked for")
    if held.sampled > len(held.users):
        notes.append(f"{len(held.users):,} of {held.sampled:,} users are scored, drawn by chance")
    share = float(held.cold[held.targets.items].mean())
    notes.append(f"{share:.0%} of the held-out pairs are of items that no training pair touches")
    if choice is not None and choice.kappa and held.cold.any():
        notes.append(
            f"{held.cold.sum():,} items that no training pair touches are taken for new, as likely to be wanted as "
            "items like them; leave what is no longer sold out of the table"
        )
    if choice is not None and choice.half_life is not None:
        notes.append(f"recency counts: an item {choice.half_life:g} places before the end counts half")
    if choice is not None and choice.weights.get(SEQUEL):
        notes.append("what was taken last counts by itself: what others took after it is ranked higher")
    if choice is not None and choice.weighted:
        notes.append("interactions count by log2(1 + weight)")
    return notes
