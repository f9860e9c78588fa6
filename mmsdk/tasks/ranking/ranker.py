"""The ranker: item vectors from content and behaviour, users as functions of their history and of what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError, unknown
from mmsdk.tasks.ranking.behaviour import neighbour_weights
from mmsdk.tasks.ranking.blocks import BEHAVIOUR, PARTIAL, POPULARITY, Said, new_blocks
from mmsdk.tasks.ranking.choice import Choice, Chooser
from mmsdk.tasks.ranking.content import Content, prepare
from mmsdk.tasks.ranking.expected import Outlook, outlook
from mmsdk.tasks.ranking.explain import Asking, Contribution, contributions
from mmsdk.tasks.ranking.learning import active_blocks, checked, learned_parts
from mmsdk.tasks.ranking.profile import fitted_profile
from mmsdk.tasks.ranking.saved import arrays_of, loaded_parts, state_of
from mmsdk.tasks.ranking.sequel import SEQUEL, Sequel, last_items
from mmsdk.tasks.ranking.users import ask, heard_vectors, mixed, sum_of_history, usual_length, what_follows, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.tasks.ranking.histories import Histories

USUAL_OF = 2000  # users, to say how long a history usually is


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranker:
    """Ranks items for a user: the score is the dot product of a user vector and an item vector.

    An item is made of blocks, each a vector of length 1: its content in every input (centred), the behaviour it borrows
    from its nearest items in every input (so that an item nobody touched has some), and its own behaviour, whose dot
    product is the cosine of co-occurrence (Sarwar et al., WWW 2001). Behaviour and popularity of items that few users
    took are shrunk towards what like items lead one to expect (:mod:`mmsdk.tasks.ranking.expected`). A user is the
    weighted sum of the items of the history, over its length. What each block counts is a conditional logit fitted on
    inner leave-outs; all blocks side by side are then projected on their principal axes, so that a dot-product index
    can hold them. Where it counts what is taken next, an item vector goes on with what it follows and what follows it,
    and a user vector with what follows the last item. Where popularity counts, it is the last number of an item vector,
    and the same number is the last of every user vector.

    :param choice: temperature, shrinkage, half-life and weights.
    :param contents: input -> its vectors of all items.
    :param basis: float32 ``(n_items, r)`` behaviour; :param degrees: int64 ``(n_items,)`` users of each item.
    :param items: float32 ``(n_items, dim)``, for an index of metric ``dot``.
    :param axes: float32 ``(sum of the widths of the blocks, dim or dim - 1)``: the projection.
    :param popularity_vector: float32 ``(dim,)``: the user of whom nothing is known.
    :param dropped: input -> why it is not used.
    :param scales: input -> how much the behaviour that it leads one to expect counts.
    :param sequel: what follows what, where that counts; not shrunk.
    :param partial: float32 ``(n_items, r)``: what two items have to do with each other beyond all others, where that
        counts; not shrunk.
    :param usual: how long the history's part of a fitted user's vector is.
    :param limit, seed: ``dim`` and ``seed`` of the fit, by which :meth:`relearned` does the same again.
    """

    choice: Choice
    contents: Mapping[str, Content]
    basis: np.ndarray
    degrees: np.ndarray
    items: np.ndarray
    axes: np.ndarray
    popularity_vector: np.ndarray
    dropped: Mapping[str, str]
    scales: Mapping[str, float]
    sequel: Sequel
    partial: np.ndarray
    usual: float = 0.0
    limit: int = 512
    seed: int = 0

    @classmethod
    def fit(
        cls,
        histories: Histories,
        vectors: Mapping[str, np.ndarray],
        present: Mapping[str, np.ndarray],
        *,
        said: Said | None = None,
        dim: int = 512,
        seed: int = 0,
        quiet: bool = False,
        choice: Choice | None = None,
        contents: Mapping[str, Content] | None = None,
        dropped: Mapping[str, str] | None = None,
    ) -> Ranker:
        """Fit on the pairs of some histories.

        :param vectors: input -> float32 ``(n_items, d)`` encoder vectors; :param present: input -> bool ``(n_items,)``.
        :param said: what users said, encoded, one entry a pair that ``histories`` was made of.
        :param dim: length of the item vectors; shorter where the blocks are shorter together.
        :param choice: settings found before (a refit); nothing is searched then.
        :param contents: the inputs as :func:`prepare` gave them, where they are at hand (``dropped`` likewise);
            ``vectors`` is not read then.
        :raises DataError: fewer than two items, no pair, shapes that do not fit, vectors that are no numbers.
        """
        if contents is None:
            contents, dropped = prepare(vectors, present, histories.n_items)
        if len(histories.items) == 0:
            raise DataError("ranking needs at least one interaction to learn from, and there is none")
        said = None if said is None else checked(said, vectors, contents)
        if choice is None:
            choice = Chooser(histories, contents, said=said, seed=seed).choose(quiet=quiet)
        learned = learned_parts(histories, contents, choice, dim=dim, seed=seed)
        fitted = cls(choice=choice, contents=contents, dropped=dropped or {}, limit=dim, seed=seed, **learned)
        some = histories.select(np.arange(0, len(histories), max(1, len(histories) // USUAL_OF)))
        return replace(fitted, usual=usual_length(fitted.represent(some)[:, : fitted.width]))

    def relearned(self, histories: Histories, contents: Mapping[str, Content]) -> Ranker:
        """Return a ranker with the statistics of other pairs and items, and the settings and weights of this one.

        The same as :meth:`fit` with this ``choice``: who took what, popularity, what is borrowed and expected, and the
        principal axes are computed anew, exactly; nothing is encoded, searched or weighed.

        :param contents: of all items of ``histories``; see :meth:`Content.with_rows`.
        """
        return Ranker.fit(
            histories,
            {},
            {},
            dim=self.limit,
            seed=self.seed,
            choice=self.choice,
            contents=contents,
            dropped=self.dropped,
        )

    def item_vectors(self) -> np.ndarray:
        """Return float32 ``(n_items, dim)``: what an index of metric ``dot`` holds, in the order of the table."""
        return self.items

    @property
    def dim(self) -> int:
        """Length of an item vector and of a user vector."""
        return int(self.items.shape[1])

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that new items and queries may have."""
        return tuple(self.contents)

    def user_vectors(
        self,
        histories: Sequence[np.ndarray],
        query: Mapping[str, np.ndarray] | None = None,
        *,
        present: Mapping[str, np.ndarray] | None = None,
        weights: Sequence[np.ndarray] | None = None,
        like: np.ndarray | None = None,
        query_weight: float | None = None,
    ) -> np.ndarray:
        """Return float32 ``(b, dim)``; the dot product with an item vector is the score.

        An empty history without a query gives :attr:`popularity_vector`. The order of a history counts only where the
        interactions had times and looking at them helped (``choice.half_life``).

        A query in the input that users were heard in (``choice.said``) enters with the weight learned for it; of a user
        without any history it is made as long as a usual history. Any other query enters as the mean item vector of its
        nearest items, scaled to count as much as the whole history.

        :param histories: one ``(h, dim)`` array of item vectors a user, oldest first; ``h`` may be 0.
        :param query: input -> encoder vectors ``(b, d)`` of what users say or show now; :param present: input -> bool
            ``(b,)``, everywhere where left out.
        :param weights: one ``(h,)`` array a user of interaction weights; 1 where left out.
        :param like: item vectors ``(b, dim)`` of items that users point at now: part of the query.
        :param query_weight: 0 to 1: the query is scaled to the length of the history; 0.5 adds the two, below it the
            query fades, above it the history does; as said above where left out.
        :raises DataError: vectors of another length, inputs nobody knows, a weight out of range.
        """
        users, taken = sum_of_history(self, histories, weights)
        known = self.known(query, present) if query else ({}, {})
        asked = ask(self, *known, users=len(histories), like=like, weight=query_weight)
        factors = asked.factors(users)
        summed = zip(factors, (users, asked.heard, asked.shown), strict=True)
        users = np.asarray(sum(factor[:, None] * part for factor, part in summed), np.float32)
        last = factors[0][:, None] * what_follows(self, histories)
        return np.where((taken | asked.asked)[:, None], whole(self, users, last), self.popularity_vector)

    def represent(self, histories: Histories, said: Said | None = None) -> np.ndarray:
        """Return the user vectors ``(b, dim)`` of many histories over the fitted items; with what they said last.

        The same numbers as :meth:`user_vectors`, faster.
        """
        matrix = histories.coefficients(self.choice.half_life, self.choice.weighted)
        users = mixed(self, np.asarray(matrix @ self.items[:, : self.width], np.float32))
        known = histories.lengths > 0
        if said is not None and self.choice.said:
            vectors, spoke = said.latest(histories)
            users = users + heard_vectors(self, vectors, spoke)
        last = np.where(known[:, None], self.items[last_items(histories)][:, self.parts[1]], np.float32(0))
        return np.where(known[:, None], whole(self, users, last), self.popularity_vector)

    def embed_new(
        self, vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Return item vectors ``(m, dim)`` of items that came after the fit: content, and what it leads one to expect.

        :param vectors: input -> encoder vectors ``(m, d)`` of the inputs at hand.
        :param present: input -> bool ``(m,)``; everywhere where left out.
        :raises DataError: no input, an input nobody knows, another width.
        """
        return self.embed_placed(*self.place(vectors, present))

    def place(
        self, vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return encoder vectors of new items as vectors of the contents, with their masks; errors as above."""
        known, masks = self.known(vectors, present)
        return {name: self.contents[name].place(one, masks[name]) for name, one in known.items()}, masks

    def embed_placed(self, placed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return item vectors ``(m, dim)`` of what :meth:`place` gave."""
        rows = len(next(iter(placed.values()))) if placed else 0
        found = np.zeros((rows, self.dim), np.float32)
        blocks, seen = self.placed_blocks(placed, present), self.expected_of(placed, present)
        if seen is not None:
            blocks[BEHAVIOUR], blocks[PARTIAL] = seen.vectors, seen.expect(self.partial)
            root = np.float32(np.sqrt(self.choice.weights.get(SEQUEL, 0.0)))
            for part, taken in zip(self.parts, (self.sequel.after, self.sequel.before), strict=True):
                found[:, part] = root * seen.expect(taken)
            if self.liked:
                found[:, -1] = np.float32(np.sqrt(self.choice.weights[POPULARITY])) * seen.popular
        for name, block in blocks.items():
            if name in self.slices:
                found[:, : self.width] += np.float32(np.sqrt(self.total(name))) * (block @ self.axes[self.slices[name]])
        return found

    def explain(
        self,
        history: Sequence[int],
        item: int,
        *,
        query: Mapping[str, np.ndarray] | None = None,
        weights: np.ndarray | None = None,
    ) -> list[Contribution]:
        """Return what each item of a history, in each block, adds to the score of an item; largest first.

        The contributions sum to the score. Of items that are not fitted :func:`contributions` tells the same.

        :param history: positions in the fitted catalogue, oldest first; :param item: likewise.
        :param query: the query's vectors ``(1, d)`` by input.
        """
        rows = np.asarray(history, np.int64)
        known, masks = self.known(query, None) if query else ({}, {})
        asking = Asking(
            vectors=self.items[rows],
            items=fitted_profile(self, rows) if len(rows) else None,
            query=known,
            present=masks,
            weights=weights,
        )
        found = contributions(self, asking, fitted_profile(self, np.array([item])), self.items[item])
        return [replace(one, item=None if one.item is None else int(rows[one.item])) for one in found]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array under names for safetensors; :meth:`load` gives the same ranker to the bit."""
        return arrays_of(self)

    def state(self) -> dict[str, Any]:
        """Return what is no array, as JSON values."""
        return state_of(self)

    @classmethod
    def load(cls, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> Ranker:
        """Return the ranker that gave :meth:`arrays` and :meth:`state`.

        :raises RunError: made by a later mmsdk, or incomplete.
        """
        return cls(**loaded_parts(arrays, state))

    @property
    def width(self) -> int:
        """Length of the blocks of a vector: without what is taken next, and without popularity."""
        return int(self.axes.shape[1])

    @property
    def parts(self) -> tuple[slice, slice]:
        """Where an item vector says what it follows, and what follows it."""
        rank = self.sequel.after.shape[1]
        return slice(self.width, self.width + rank), slice(self.width + rank, self.width + 2 * rank)

    @property
    def liked(self) -> bool:
        """Whether popularity counts."""
        return self.dim > int(self.parts[1].stop)

    @property
    def slices(self) -> dict[str, slice]:
        """The rows of ``axes`` of each block in use."""
        widths = {f"content:{name}": content.vectors.shape[1] for name, content in self.contents.items()}
        widths |= {f"imputed:{name}": self.basis.shape[1] for name in self.contents}
        widths |= {BEHAVIOUR: self.basis.shape[1], PARTIAL: self.partial.shape[1]}
        used = [name for name in widths if name in active_blocks(self.choice)]
        ends = np.cumsum([widths[name] for name in used])
        return {name: slice(int(end) - widths[name], int(end)) for name, end in zip(used, ends, strict=True)}

    def total(self, name: str) -> float:
        """Return the squared scale of a block of an item."""
        return self.choice.weights.get(name, 0.0) + self.choice.said.get(name, 0.0)

    def new_blocks(self, vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the blocks of what nobody touched yet."""
        return self.placed_blocks({n: self.contents[n].place(one, present[n]) for n, one in vectors.items()}, present)

    def placed_blocks(
        self, placed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return the blocks of what nobody touched yet, of vectors that are placed already."""
        settings = {"temperature": self.choice.temperature, "shrinkage": self.choice.shrinkage}
        return new_blocks(self.contents, self.basis, placed, present, **settings)

    def expected_of(self, placed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> Outlook | None:
        """Return what like items lead one to expect of what nobody touched yet; nothing where that does not count."""
        if not self.choice.kappa or not placed:
            return None
        near = {}
        for name, values in placed.items():
            content, mask = self.contents[name], present[name]
            places, cosine = content.nearest(values)
            near[name] = neighbour_weights(content, places, cosine, mask, self.choice.temperature)
        return outlook(near, self.basis, self.degrees, scales=self.scales)

    def known(
        self, vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray] | None
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the inputs that are used, with their masks; dropped ones are passed over."""
        if not vectors:
            raise DataError(f"nothing to go by; give one of the inputs: {', '.join(self.contents)}")
        for name in vectors:
            if name not in self.contents and name not in self.dropped:
                raise DataError(unknown("input", name, self.contents, listed="Inputs"))
        known = {name: np.asarray(values, np.float32) for name, values in vectors.items() if name in self.contents}
        given = present or {}
        masks = {name: np.asarray(given.get(name, np.ones(len(one), bool)), bool) for name, one in known.items()}
        if len({len(one) for one in [*known.values(), *masks.values()]}) > 1:
            raise DataError("the inputs differ in their number of rows; expected one row each")
        return known, masks
