"""``App.explain``: why one row is answered as it is, from its cells to the rows of the index that are like it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.directory import split_ids
from mmsdk.app.explained_rows import known_columns
from mmsdk.app.likeness import Likeness
from mmsdk.app.pieces import Pieces
from mmsdk.app.sharing import calibrated_answers
from mmsdk.errors import ConfigError, DataError, RunError, unknown
from mmsdk.explain import (
    Answered,
    Apart,
    Evidence,
    Explanation,
    Occlusion,
    Row,
    Share,
    agreement,
    attention_of,
    by_part,
    check_explanations,
    differentiable,
    evidence_of,
    explained_answer,
    has_captum,
    integrated_gradients,
    occlude,
    row_shapley,
    share_deletion,
    shuffled_net,
    usual_vectors,
)
from mmsdk.progress import progress

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from mmsdk.app.application import App
    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings
    from mmsdk.explain import Attention, Check
    from mmsdk.explain.scoring import Answers, Score
    from mmsdk.model import JointNet
    from mmsdk.protocols import Output

NETS = 3  # networks with shuffled weights that evidence is compared with
HIGHEST = 10  # probabilities that an explanation holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An explanation with what a page needs to draw it.

    :param aparts: input -> the decoded sample and its modality, of the inputs that can be taken apart.
    :param samples: input -> its decoded sample, of all that are there.
    """

    explanation: Explanation
    aparts: Mapping[str, Apart] = field(default_factory=dict)
    samples: Mapping[str, Any] = field(default_factory=dict)


class Explainer:
    """Explains rows of one application; what it reads of the run it reads once. Thread-safe."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._nets: list[JointNet] | None = None
        self._likeness: Likeness | None = None
        self._pieces = Pieces(app, lambda count: self._like_rows().some_rows(count))

    def explain(
        self,
        row: Mapping[str, Any] | None,
        *,
        id: str | None = None,
        task: str | None = None,
        label: str | None = None,
        scale: str = "probability",
        evidence: bool | Collection[str] = True,
        k: int = 5,
        root: Path | None = None,
        seed: int = 0,
    ) -> Explained:
        """Explain one row; see :meth:`mmsdk.App.explain`."""
        name = self._task(task)
        samples, embeddings, one = self._read(row, id, root)
        inputs = [key for key, there in one.present.items() if there[0]]
        output = self._output(samples, embeddings, one, name)
        answered = explained_answer(self.answers(name), output, label=label, scale=scale)
        names, shapley = row_shapley(answered.score, one.values, one.present, seed=seed)
        shares = shapley.values[:, 0]
        decoded = self._pieces.decoded(samples, inputs)
        chosen = set(inputs if evidence is True else evidence or ())
        self._check_inputs(chosen)
        aparts = {key: part for key in inputs if (part := self._pieces.apart(samples, key, decoded)) is not None}
        asked = [part for key, part in aparts.items() if key in chosen]
        near = self._like(embeddings, name, answered.label, k=k, id=samples.ids[0])
        return Explained(
            explanation=Explanation(
                id=samples.ids[0] if self._app.application.id in samples.table.names else None,
                task=name,
                answer=output.value,
                label=answered.label,
                unit=answered.unit,
                score=float(shapley.whole[0]),
                base=float(shapley.base[0]),
                exact=shapley.exact,
                shares=_shares(samples, names, shares),
                deleted=share_deletion(one, answered.score, names, shares, usual_vectors(self._net, one.values)),
                randomised=self._shares_agree(shares, one, name, answered, seed=seed),
                output=_told(output),
                evidence=tuple(self._evidence(part, one, name, answered, samples, seed=seed) for part in asked),
                neighbours=tuple(near[0]),
                prototypes=tuple(near[1]),
                attention=tuple(self._attention(one, names)),
            ),
            aparts=aparts,
            samples=decoded,
        )

    def _read(
        self, row: Mapping[str, Any] | None, id: str | None, root: Path | None
    ) -> tuple[Samples, Embeddings, Row]:
        """Return a row, given or of the index, as samples and as the vectors that the network gets.

        :raises DataError: neither or both are given, or the row holds nothing.
        """
        if (row is None) == (id is None):
            raise DataError("explain needs either a row or an id, not both and not neither")
        if id is not None:
            row, root = self._known(id), self._pieces.root()
        elif not isinstance(row, Mapping):
            raise DataError(
                f"explain takes a row as a mapping of inputs to values, not {row!r:.60}; a row of the index is "
                f"explained by its id: explain(id={str(row)!r:.60})"
            )
        samples, _ = self._app.pipeline.read([row], root=root, partial=True)
        embeddings = self._app.pipeline.embed(samples)
        one = Row(
            values={key: np.asarray(values, np.float32) for key, values in embeddings.values.items()},
            present=embeddings.present,
        )
        if not any(there[0] for there in one.present.values()):
            raise DataError(f"the row holds nothing to explain; give one of the inputs: {', '.join(one.values)}")
        return samples, embeddings, one

    def _output(self, samples: Samples, embeddings: Embeddings, one: Row, name: str) -> Output:
        """Return the answer to explain; of a number that the model declined to say, what it would have said."""
        output = self._app.answer(embeddings, samples.table)[0].outputs[name]
        if output.value is None and not output.probabilities:
            return replace(self.answers(name)(one.values, one.present)[0], abstained=True)
        return output

    def check(
        self,
        data: Any,
        *,
        task: str | None = None,
        scale: str = "probability",
        most: int = 40,
        root: Path | None = None,
    ) -> list[Check]:
        """Explain up to ``most`` rows of a table, evenly spread, and say whether the explanations hold.

        What fewer than five rows had a choice in has a check without figures, whose ``passed`` is ``None``.

        :raises DataError: the table has too few rows that can be explained.
        """
        table = self._app.pipeline.table(data, root=root)
        places = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(np.int64))
        rows = known_columns(self._app, table.take(places))
        checks = check_explanations(self._each(rows, task=task, scale=scale, root=table.root))
        if all(one.ahead is None for one in checks):
            raise DataError(f"{table.name} has too few rows with several inputs or parts; a check needs five or more")
        return checks

    def _each(self, rows: Sequence[Mapping[str, Any]], **asked: Any) -> Iterator[Explanation]:
        """Yield the explanation of each row that holds anything."""
        with progress(len(rows), "explaining", self._app.pipeline.quiet, unit="row") as bar:
            for row in rows:
                if any(value not in (None, "") for value in row.values()):
                    yield self.explain(row, k=0, **asked).explanation
                bar.update(1)

    def answers(self, name: str, net: JointNet | None = None) -> Answers:
        """Return what answers one task from vectors and presence, calibrated and before any rule."""
        return calibrated_answers(net or self._net, self._app.tasks[name], name, self._app.confidence)

    @property
    def _net(self) -> JointNet:
        """Return the network of the run."""
        net = self._app.pipeline.net
        assert net is not None
        return net

    def _task(self, task: str | None) -> str:
        """Return the task to explain: the one named, or the first.

        :raises RunError: the application has none.
        :raises ConfigError: none of that name.
        """
        tasks = self._app.tasks
        if not tasks:
            raise RunError(f"{self._app.folder} has no task whose answer could be explained; see mmsdk search")
        if task is not None and task not in tasks:
            raise ConfigError(unknown("task", task, tasks))
        return task or next(iter(tasks))

    def _check_inputs(self, chosen: set[str]) -> None:
        """Refuse evidence of an input that the application does not have."""
        for name in sorted(chosen - set(self._app.pipeline.encoders)):
            raise ConfigError(unknown("input", name, self._app.pipeline.encoders))

    def _known(self, id: str) -> Mapping[str, Any]:
        """Return a row of the index by column, without the answers."""
        if id not in self._app.index:
            raise DataError(f"the index holds no row {id!r}; known ids are those of the table, or give the row itself")
        return self._app.index.rows([id])[0]

    def _evidence(
        self, apart: Apart, row: Row, task: str, answered: Answered, samples: Samples, *, seed: int
    ) -> Evidence:
        """Return the evidence of one input."""
        columns = samples.inputs[apart.name].columns
        found = self._gradients(apart, row, task, answered)
        if found is not None:
            how = {"method": "integrated gradients", "unit": _margin_unit(answered)}
        else:
            how = {"method": "occlusion", "unit": answered.unit}
            shuffled = [self._score(task, answered, net) for net in self._shuffled()]
            found = occlude(apart, row, answered.score, shuffled)
        return evidence_of(apart, row, answered.score, found, names=columns, seed=seed, **how)

    def _shares_agree(self, shares: np.ndarray, row: Row, task: str, answered: Answered, *, seed: int) -> float | None:
        """Return the rank correlation of the shares with those under random weights."""
        scores = [self._score(task, answered, net) for net in self._shuffled()]
        return agreement(
            shares, [row_shapley(one, row.values, row.present, seed=seed)[1].values[:, 0] for one in scores]
        )

    def _attention(self, row: Row, names: Sequence[str]) -> list[Attention]:
        """Return where the fusion looks."""
        return attention_of(self._net, row, names)

    def _gradients(self, apart: Apart, row: Row, task: str, answered: Answered) -> Occlusion | None:
        """Return the parts' integrated gradients; ``None`` where the path from the sample to the answer has none.

        They need captum, an encoder that says which elements come of which part, a task with a margin, and that the
        network itself answers.
        """
        encoder = self._app.pipeline.encoders[apart.name].encoder
        margin = getattr(self._app.tasks[task], "margin", None)
        net = self._net
        if apart.name in self._app.pipeline.maps:  # the network's elements are directions of the aligned space
            return None
        if margin is None or not hasattr(encoder, "sources") or not has_captum() or not differentiable(net, apart.name):
            return None
        parts, sources = apart.parts(), encoder.sources()

        def values(one: JointNet) -> np.ndarray:
            path = integrated_gradients(
                one, task, lambda logits: margin(logits, answered.label), (row.values, row.present), apart.name
            )
            return by_part(path.values, sources, parts)

        return Occlusion(parts=parts, falls=values(net), under=[values(one) for one in self._shuffled()])

    def _score(self, task: str, answered: Answered, net: JointNet) -> Score:
        """Return the same score under another network."""
        return answered.under(self.answers(task, net))

    def _shuffled(self) -> list[JointNet]:
        """Return networks with random weights, made once."""
        with self._lock:
            if self._nets is None:
                self._nets = [shuffled_net(self._net, seed) for seed in range(NETS)]
            return self._nets

    def _like_rows(self) -> Likeness:
        """Return what knows the training rows of the run, made once."""
        with self._lock:
            if self._likeness is None:
                ids, parts = split_ids(self._app.folder)
                self._likeness = Likeness(self._app.index, ids, parts)
            return self._likeness

    def _like(self, embeddings: Embeddings, task: str, label: str | None, *, k: int, id: str) -> tuple[Any, Any]:
        """Return the nearest training rows and the prototypes of the label."""
        vector = self._app.pipeline.fuse(embeddings)[0]
        column = self._app.application.tasks[task].column
        likeness = self._like_rows()
        near = likeness.nearest(vector, k, column, without=id)
        if label is None:
            return near, []
        return near, likeness.typical(vector, self._app.tasks[task], task, label, column, without=id)


def _shares(samples: Samples, names: Sequence[str], values: np.ndarray) -> tuple[Share, ...]:
    """Return the shares of the inputs, each with its modality."""
    return tuple(
        Share(input=name, modality=samples.inputs[name].modality, value=float(value))
        for name, value in zip(names, values, strict=True)
    )


def _told(output: Output) -> dict[str, Any]:
    """Return the answer as JSON values: its ten likeliest labels, how sure it is, and what a run may add."""
    likeliest = sorted(output.probabilities.items(), key=lambda one: -one[1])[:HIGHEST]
    told: dict[str, Any] = {
        "probabilities": dict(likeliest),
        "confidence": output.confidence,
        "prediction_set": list(output.prediction_set),
        "abstained": output.abstained,
    }
    for name in ("rules", "unjudged", "novelty"):  # where the run has any
        value = getattr(output, name, None)
        if value not in (None, (), []):
            told[name] = value
    return told


def _margin_unit(answered: Answered) -> str:
    """Return the unit of gradients: what the network says before calibration."""
    return "number" if answered.label is None else "log-odds of the network"
