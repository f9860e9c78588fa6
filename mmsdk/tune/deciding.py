"""``tune: auto``: is tuning better than frozen on the validation rows, by more than its noise? A probe says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate import paired
from mmsdk.evaluate.comparable import comparable
from mmsdk.model import infer
from mmsdk.quoted import quoted
from mmsdk.train import fit_heads
from mmsdk.tune.encoder import TunedEncoder
from mmsdk.tune.training import encode_rows, tune_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mmsdk.embed import Embeddings
    from mmsdk.evaluate import Interval
    from mmsdk.model import JointNet, Target
    from mmsdk.tune.training import TunedInput

PROBE_TRAIN, PROBE_HELD = 512, 512
LEVEL = 0.8  # nine chances in ten that the difference is above the lower end


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the probe found: the score of tuned less that of frozen on validation rows, and whether to tune."""

    gain: Interval
    train: int
    held: int

    @property
    def tune(self) -> bool:
        """Return whether the gain is above its noise."""
        return self.gain.low > 0

    def __str__(self) -> str:
        """Return it in words."""
        found = f"{quoted(asdict(self.gain), '+.3f')} on {self.held} validation rows"
        return f"{found}, learned from {self.train}: " + ("tuning" if self.tune else "the encoder stays frozen")


def decide(
    tuned: TunedInput,
    new_net: Callable[[], JointNet],
    embeddings: Embeddings,
    targets: Mapping[str, Target],
    split: np.ndarray,
    config: Any,
    *,
    groups: np.ndarray | None = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Verdict:
    """Compare a head on tuned vectors with one on frozen vectors.

    Both learn from up to 512 training rows and are scored on up to 512 validation rows, by the mean of the tasks' own
    metrics (of an error the share of it that is saved); the gain comes with the 80 % interval of a paired bootstrap.

    :param groups: ``(n,)`` group of each row: the bootstrap draws whole groups.
    :param new_net: makes the network with fresh weights.
    """
    part = _part_of(split, config.seed)
    train, held = (np.flatnonzero(part == name) for name in ("train", "val"))
    net = new_net()
    fit_heads(embeddings, targets, net, config, part, device=device, quiet=True)
    frozen = infer(net, embeddings.values, embeddings.present, rows=held)[1]
    adapter = tune_encoder(tuned, net, embeddings, targets, part, config, device=device, quiet=quiet)
    rows = np.sort(np.concatenate([train, held]))
    rows = rows[np.asarray(embeddings.present[tuned.name])[rows]]
    values = np.array(embeddings.values[tuned.name])
    values[rows] = encode_rows(tuned, TunedEncoder(tuned.opened.encoder, adapter), rows)
    changed = type(embeddings)(
        values={**embeddings.values, tuned.name: values},
        present=embeddings.present,
        stats=embeddings.stats,
        layouts=embeddings.layouts,
    )
    net = new_net()
    fit_heads(changed, targets, net, config, part, device=device, quiet=True)
    better = infer(net, changed.values, changed.present, rows=held)[1]
    first, second = (_score(targets, one, held) for one in (better, frozen))
    by = None if groups is None else groups[held]
    gain = paired(first, second, len(held), groups=by, level=LEVEL, seed=config.seed)
    return Verdict(gain=gain, train=len(train), held=len(held))


def _part_of(split: np.ndarray, seed: int) -> np.ndarray:
    """Return the split with only a random part of the training and validation rows in it."""
    random = np.random.default_rng(seed)
    part = np.full(len(split), "", dtype=object)
    for name, most in (("train", PROBE_TRAIN), ("val", PROBE_HELD)):
        rows = np.flatnonzero(split == name)
        part[random.permutation(rows)[:most]] = name
    return part


def _score(
    targets: Mapping[str, Target], logits: Mapping[str, np.ndarray], rows: np.ndarray
) -> Callable[[np.ndarray], float]:
    """Return the mean of the tasks' metrics, made comparable, as a function of positions among ``rows``."""
    metrics = []
    for name, target in targets.items():
        truth, labelled = target.values[rows], target.labelled[rows]
        own = truth[labelled]
        if len(own) == 0:
            continue
        metric, blind = (
            target.task.scores(one, own)[target.task.metric]
            for one in (logits[name][labelled], target.task.baseline(len(own)))
        )
        metrics.append((target.task, metric, blind(np.arange(len(own))), labelled, np.cumsum(labelled) - 1))

    def mean(drawn: np.ndarray) -> float:
        found = [
            comparable(task, metric(places[drawn[labelled[drawn]]]), blind)
            for task, metric, blind, labelled, places in metrics
        ]
        return float(np.mean(found)) if found else float("nan")

    return mean
