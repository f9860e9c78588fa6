"""Temperature, shrinkage, half-life and block weights, chosen on inner leave-outs of the training pairs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.progress import progress
from mmsdk.tasks.ranking.behaviour import behaviour_basis, borrowing, own_behaviour, partial_behaviour, shrunk
from mmsdk.tasks.ranking.blocks import BEHAVIOUR, PARTIAL, POPULARITY, Said, block_names, new_blocks
from mmsdk.tasks.ranking.expected import Outlook, outlook
from mmsdk.tasks.ranking.folds import Fold, inner_folds
from mmsdk.tasks.ranking.logit import NEVER, Choices, fit_weights
from mmsdk.tasks.ranking.sequel import SEQUEL, Sequel, last_items, no_sequel, sequel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.content import Content
    from mmsdk.tasks.ranking.histories import Histories

TEMPERATURES = (0.1, 0.2, 0.4)  # of the mean distance to the 20th neighbour
SHRINKAGES = (0.01, 0.1)
KAPPAS = (3.0, 0.0, 1.0, 10.0)  # users; the first while temperature and shrinkage are chosen
PENALTIES = (10.0, 100.0, 1000.0)  # of partial correlations
HALF_LIVES = (1.0, 3.0, 10.0)  # places from the end of a history; only where it has an order
POPULAR = (1.0, 0.0, 0.5, 1.5, 2.0, 2.5, 3.0)  # times the weight that the likelihood gives popularity
NOISE = 0.02  # of recall, and of the log-likelihood of a choice, that leave-outs do not tell
SEARCH_FOLDS = 4  # compare settings; the final weights use all leave-outs
MAX_CANDIDATES = 3000  # all touched items up to here, a sample above
FOLD_BYTES = 64e6  # scores of one leave-out
SAID = "said:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen; JSON-serialisable through :meth:`as_json`.

    :param temperature: how sharply behaviour is borrowed from the nearest items only.
    :param shrinkage: how much evidence borrowed behaviour needs to count in full.
    :param half_life: places from the end of a history after which an item counts half; ``None``: all alike.
    :param weighted: whether an interaction counts by ``log2(1 + weight)``.
    :param kappa: how many users what is expected of an item counts as, beside those that took it.
    :param penalty: of the partial correlations of items; ``None``: they do not count.
    :param weights: block -> weight of the history; :param said: block -> weight of what the user said last.
    :param inner: every setting that was tried, with its recall@20 on the leave-outs.
    """

    temperature: float = 0.2
    shrinkage: float = 0.01
    half_life: float | None = None
    weighted: bool = False
    kappa: float = 0.0
    penalty: float | None = None
    weights: Mapping[str, float]
    said: Mapping[str, float] = field(default_factory=dict)
    inner: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        settings = {"temperature": self.temperature, "shrinkage": self.shrinkage, "half_life": self.half_life}
        settings |= {"weighted": self.weighted, "kappa": self.kappa, "penalty": self.penalty}
        learned = {"weights": dict(self.weights), "said": dict(self.said)}
        return {**settings, **learned, "inner": [dict(one) for one in self.inner]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Choice:
        """Return what :meth:`as_json` gave."""
        return cls(**{**document, "inner": tuple(document["inner"])})


@dataclass(frozen=True, slots=True)
class Setting:
    """One point of the grid."""

    temperature: float
    shrinkage: float
    half_life: float | None = None
    weighted: bool = False
    kappa: float = KAPPAS[0]
    penalty: float | None = None
    sequel: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {
            "temperature": self.temperature,
            "shrinkage": self.shrinkage,
            "half_life": self.half_life,
            "weighted": self.weighted,
            "kappa": self.kappa,
            "penalty": self.penalty,
        }

    def told(self) -> dict[str, Any]:
        """Return the values by name, and whether what is taken next counts."""
        return {**self.as_dict(), "sequel": self.sequel}


class Chooser:
    """Chooses on the inner leave-outs of some training histories, for all inputs or for some of them.

    :param contents: of :func:`mmsdk.tasks.ranking.content.prepare`.
    :param said: what users said; only texts of the histories are looked at.
    """

    def __init__(
        self, histories: Histories, contents: Mapping[str, Content], *, said: Said | None = None, seed: int = 0
    ) -> None:
        self.contents = contents
        self.said = said if said is not None and said.input in contents else None
        self.names = block_names(list(contents)) + ([f"{SAID}{one}" for one in self._said_blocks()])
        self.names += [SEQUEL] if histories.ordered else []
        self._varied = bool(len(histories.weights)) and float(np.ptp(histories.weights)) > 0
        self._ordered = histories.ordered
        count = SEARCH_FOLDS if histories.n_items > MAX_CANDIDATES else 2 * SEARCH_FOLDS
        self.folds = inner_folds(histories, count=count, seed=seed, max_users=self._users(histories.n_items))
        self.borrowing = lru_cache(maxsize=None)(self._borrow)
        touched = np.flatnonzero(histories.degrees)
        self._tables = [FoldTable(self, fold, seed + place, touched) for place, fold in enumerate(self.folds)]
        self._last: tuple[Setting, list[Choices]] | None = None

    def choose(self, *, quiet: bool = False) -> Choice:
        """Search one setting after the other, and fit the weights.

        Without a leave-out to learn from (each user has one item) all blocks count the same.
        """
        if not self.folds:
            return _even(list(self.contents))
        log: list[dict[str, Any]] = []
        best = Setting(TEMPERATURES[0], SHRINKAGES[0])
        count = len(TEMPERATURES) + len(SHRINKAGES) + len(KAPPAS) + len(PENALTIES) - 2
        count += (len(HALF_LIVES) + 1 if self._ordered else 0) + self._varied
        with progress(count, "choosing how to rank", quiet, unit="setting") as bar:
            best = self._best([replace(best, temperature=one) for one in TEMPERATURES], log, bar)
            best = self._best([replace(best, shrinkage=one) for one in SHRINKAGES[1:]], log, bar, best)
            best = self._best([replace(best, kappa=one) for one in KAPPAS[1:]], log, bar, best)
            best = self._best([replace(best, penalty=one) for one in PENALTIES], log, bar, best)
            if self._ordered:
                best = self._best([replace(best, half_life=one) for one in HALF_LIVES], log, bar, best)
                best = self._with_sequel(best, log, bar)
            if self._varied:
                best = self._best([replace(best, weighted=True)], log, bar, best)
        choices = self._choices(best, len(self.folds))
        weights = _popular(self.names, fit_weights(choices), choices)
        return self._choice(best, self.names, weights, log)

    def weights_for(self, inputs: Sequence[str], choice: Choice) -> Choice:
        """Return a choice that uses only some inputs (and behaviour), its weights fitted anew on the leave-outs."""
        wanted = {*block_names(list(inputs))}
        wanted |= {f"{SAID}{name}" for name in wanted} | {SEQUEL}
        places = [place for place, name in enumerate(self.names) if name in wanted]
        names = [self.names[place] for place in places]
        if not self.folds:
            return _even(inputs)
        setting = Setting(choice.temperature, choice.shrinkage, choice.half_life, choice.weighted, choice.kappa)
        setting = replace(setting, sequel=bool(choice.weights.get(SEQUEL)), penalty=choice.penalty)
        whole = self._choices(setting, SEARCH_FOLDS)
        choices = [one.only(places) for one in whole]
        for one, table in zip(choices, self._tables, strict=False):
            for name, scores in table.shrunk_scores(setting, list(inputs)).items():
                one.scores[names.index(name)] = scores
        return self._choice(setting, names, _popular(names, fit_weights(choices), choices), [])

    def _best(
        self, settings: list[Setting], log: list[dict[str, Any]], bar: Any, held: Setting | None = None
    ) -> Setting:
        """Return the setting of highest inner recall; one that is held already stays unless it is beaten."""
        rows = [row for row in log if held is not None and row["setting"] == held]
        for setting in settings:
            rows.append({"setting": setting, "recall": self._recall(setting)})
            log.append(rows[-1])
            bar.update(1)
        best: Setting = max(rows, key=lambda row: row["recall"])["setting"]  # the first of equals
        return best

    def _with_sequel(self, held: Setting, log: list[dict[str, Any]], bar: Any) -> Setting:
        """Return the setting with what is taken next, where users are less surprising then and recall is not lost.

        It says more of the first places than of the first twenty, hence recall alone would pass it over.
        """
        tried = replace(held, sequel=True)
        before, after = ((self._recall(one), self._surprise(one)) for one in (held, tried))
        log.append({"setting": tried, "recall": after[0]})
        bar.update(1)
        return tried if after[0] > before[0] - NOISE and after[1] < before[1] - NOISE else held

    def _recall(self, setting: Setting) -> float:
        """Return the inner recall of a setting."""
        return self._crossed(setting, lambda choices, weights: choices.recall(weights))

    def _surprise(self, setting: Setting) -> float:
        """Return minus the mean inner log-likelihood of a setting."""
        return self._crossed(setting, lambda choices, weights: choices.surprise(weights))

    def _crossed(self, setting: Setting, judge: Callable[[Choices, np.ndarray], float]) -> float:
        """Return a mean figure of a setting: weights of the odd leave-outs on the even ones and the other way."""
        choices = self._choices(setting, SEARCH_FOLDS)
        if len(choices) == 1:
            return judge(choices[0], fit_weights(choices))
        found = []
        for side in (0, 1):
            weights = fit_weights(choices[1 - side :: 2])
            found += [judge(one, weights) for one in choices[side::2]]
        return float(np.mean(found))

    def _choices(self, setting: Setting, count: int) -> list[Choices]:
        """Return the choices of the first leave-outs under a setting; the last asked for are kept."""
        if self._last is None or self._last[0] != setting:
            self._last = (setting, [])
        kept = self._last[1]
        kept += [table.choices(setting) for table in self._tables[len(kept) : count]]
        return kept[:count]

    def _choice(self, setting: Setting, names: Sequence[str], weights: np.ndarray, log: list[dict[str, Any]]) -> Choice:
        """Return a choice; weights that are nothing beside the largest are 0, and without any all count the same."""
        weights = np.where(weights > 1e-6 * weights.max(initial=0), weights, 0.0)
        found = dict(zip(names, weights.tolist(), strict=True))
        if not weights.any():
            found = {name: float(not name.startswith(SAID) and name not in (SEQUEL, PARTIAL)) for name in names}
        if not any(weight for name, weight in found.items() if name != POPULARITY):
            found[BEHAVIOUR] = 1e-3 * found[POPULARITY]  # an item needs some vector
        history = {name: one for name, one in found.items() if not name.startswith(SAID)}
        said = {name.removeprefix(SAID): one for name, one in found.items() if name.startswith(SAID) and one}
        inner = tuple({**row["setting"].told(), "recall": row["recall"]} for row in log)
        return Choice(**setting.as_dict(), weights=history, said=said, inner=inner)

    def _said_blocks(self) -> list[str]:
        """Return the blocks of what users said."""
        return [f"content:{self.said.input}", f"imputed:{self.said.input}"] if self.said else []

    def _users(self, n_items: int) -> int:
        """Return how many users of a leave-out fit into memory."""
        return int(np.clip(FOLD_BYTES / (4 * len(self.names) * min(n_items, MAX_CANDIDATES + 1000)), 50, 500))

    def _borrow(self, name: str, temperature: float) -> sp.csr_matrix:
        """Return from whom items borrow in one input."""
        return borrowing(self.contents[name], temperature)


class FoldTable:
    """One leave-out with what does not change between settings: its candidates, targets and behaviour.

    Items that no training pair touches are no candidates: no training pair could have them as target, so a leave-out
    would teach that nobody wants what is new, where all it knows is that nobody took it yet. Items that the leave-out
    made new are candidates.
    """

    def __init__(self, chooser: Chooser, fold: Fold, seed: int, touched: np.ndarray) -> None:
        self._chooser, self._fold = chooser, fold
        self._columns = _candidates(fold, touched, np.random.default_rng(seed))
        self._basis = behaviour_basis(fold.train, seed)
        self._seed = seed
        self._sequel: Sequel | None = None if fold.train.ordered else no_sequel(fold.train.n_items)
        self._own = own_behaviour(self._basis, fold.train.degrees)
        self._fixed = lru_cache(maxsize=1)(self._fixed_scores)
        self._outlook = lru_cache(maxsize=1)(self._expect)
        self._partial = lru_cache(maxsize=1)(lambda penalty: partial_behaviour(self._basis, penalty))
        rows, counts = fold.targets.users, fold.targets.lengths
        columns = np.searchsorted(self._columns, fold.targets.items)
        share = (1 / counts[rows]).astype(np.float32)
        self._targets = {"rows": rows, "columns": columns, "share": share}
        self._penalty = fold.histories.matrix()[:, self._columns].toarray() * NEVER

    def choices(self, setting: Setting) -> Choices:
        """Return the scores of every block under a setting."""
        chooser = self._chooser
        users = self._fold.histories.coefficients(setting.half_life, setting.weighted)
        scores = np.empty((len(chooser.names), *self._penalty.shape), np.float32)
        for name, found in self._fixed(setting.half_life, setting.weighted).items():
            scores[chooser.names.index(name)] = found
        for name, found in self.shrunk_scores(setting, list(chooser.contents)).items():
            scores[chooser.names.index(name)] = found
        for name in chooser.contents:
            borrowed = chooser.borrowing(name, setting.temperature) @ self._basis
            imputed = shrunk(borrowed, setting.shrinkage)
            scores[chooser.names.index(f"imputed:{name}")] = (users @ imputed) @ imputed[self._columns].T
            if chooser.said is not None and chooser.said.input == name:
                self._add_said(scores, chooser.said, imputed, setting)
        return Choices(scores=scores, penalty=self._penalty, **self._targets)

    def _fixed_scores(self, half_life: float | None, weighted: bool) -> dict[str, np.ndarray]:
        """Return the scores of the blocks that neither temperature nor shrinkage changes."""
        users = self._fold.histories.coefficients(half_life, weighted)
        return {
            f"content:{name}": (users @ content.vectors) @ content.vectors[self._columns].T
            for name, content in self._chooser.contents.items()
        }

    def shrunk_scores(self, setting: Setting, inputs: list[str]) -> dict[str, np.ndarray]:
        """Return the scores of behaviour and popularity, shrunk towards what some inputs expect."""
        users = self._fold.histories.coefficients(setting.half_life, setting.weighted)
        seen = self._outlook(setting.temperature, tuple(inputs))
        own = seen.behaviour(self._own, setting.kappa)
        popular = seen.popularity(setting.kappa)[self._columns]
        behaved = (users @ own) @ own[self._columns].T
        found = {BEHAVIOUR: behaved, POPULARITY: np.broadcast_to(popular, self._penalty.shape)}
        found[PARTIAL] = np.zeros(self._penalty.shape, np.float32)
        if setting.penalty is not None:
            partial = seen.shrunk_rows(self._partial(setting.penalty), setting.kappa)
            found[PARTIAL] = (users @ partial) @ partial[self._columns].T
        if SEQUEL in self._chooser.names:
            found[SEQUEL] = self._sequel_scores(seen, setting)
        return found

    def _sequel_scores(self, seen: Outlook, setting: Setting) -> np.ndarray:
        """Return how much each candidate is taken after the last item of each user; 0 where that does not count."""
        if not setting.sequel:
            return np.zeros(self._penalty.shape, np.float32)
        if self._sequel is None:
            self._sequel = sequel(self._fold.train, self._seed)
        shrunk_sequel = self._sequel.shrunk(seen, setting.kappa)
        last = last_items(self._fold.histories)
        scores = shrunk_sequel.before[last] @ shrunk_sequel.after[self._columns].T
        return np.asarray(np.where((last >= 0)[:, None], scores, 0), np.float32)

    def _expect(self, temperature: float, inputs: tuple[str, ...]) -> Outlook:
        """Return what some inputs lead one to expect of every item."""
        near = {name: self._chooser.borrowing(name, temperature) for name in inputs}
        degrees = self._fold.train.degrees
        return outlook(near, self._basis, degrees, itself=np.arange(len(degrees)))

    def _add_said(self, scores: np.ndarray, said: Said, imputed: np.ndarray, setting: Setting) -> None:
        """Put in the scores of what each user said last."""
        chooser = self._chooser
        vectors, spoke = said.latest(self._fold.histories)
        contents = {said.input: chooser.contents[said.input]}
        settings = {"temperature": setting.temperature, "shrinkage": setting.shrinkage}
        placed = {said.input: contents[said.input].place(vectors, spoke)}
        blocks = new_blocks(contents, self._basis, placed, {said.input: spoke}, **settings)
        items = {f"content:{said.input}": contents[said.input].vectors, f"imputed:{said.input}": imputed}
        for name, query in blocks.items():
            scores[chooser.names.index(f"{SAID}{name}")] = query @ items[name][self._columns].T


def _even(inputs: Sequence[str]) -> Choice:
    """Return the choice without anything to choose by: all blocks count the same, but those that need a setting."""
    return Choice(weights={name: float(name != PARTIAL) for name in block_names(list(inputs))})


def _popular(names: Sequence[str], weights: np.ndarray, choices: Sequence[Choices]) -> np.ndarray:
    """Return the weights with popularity multiplied by what gives the best inner recall.

    The likelihood asks how probable the whole catalogue is, and leaves popularity too light for the first 20.
    """
    popular = np.array([name == POPULARITY for name in names])
    if not weights[popular].any():
        return weights
    tried = [np.where(popular, factor * weights, weights) for factor in POPULAR]
    return max(tried, key=lambda one: float(np.mean([part.recall(one) for part in choices])))  # the first of equals


def _candidates(fold: Fold, touched: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the items to choose among: all that somebody took, or a sample and every target."""
    if len(touched) <= MAX_CANDIDATES:
        return touched
    return np.union1d(random.choice(touched, MAX_CANDIDATES, replace=False), fold.targets.items)
