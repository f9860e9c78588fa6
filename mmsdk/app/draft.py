"""What fitting works on: where a run comes from, and what it has come to so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmsdk.app.efficiency import Meter
from mmsdk.data import group_cells

if TYPE_CHECKING:
    import numpy as np

    from mmsdk.app.aligning import Alignment
    from mmsdk.app.choosing import Choice
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.app.ranking import RankingRun
    from mmsdk.app.understood import Understood
    from mmsdk.audit import Finding
    from mmsdk.confidence import Confidence
    from mmsdk.config import Application
    from mmsdk.data import Interactions, Samples
    from mmsdk.embed import Embeddings
    from mmsdk.heads import LinearHead
    from mmsdk.model import JointNet, Target
    from mmsdk.protocols import Card
    from mmsdk.train import TrainResult
    from mmsdk.tune import Adapter

Sections = Callable[[Any], Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run comes from, for its report: a title, the command that repeats it, whether its data is made up.

    :param recipe: name, plugin and version of the recipe, where one made the application.
    :param unread: column of the table -> why it is no input.
    :param sections: the recipe's own, of the finished run; ``card``: what it is for.
    """

    title: str = "mmsdk run"
    command: str = ""
    synthetic: bool = False
    recipe: Mapping[str, str] | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    sections: Sections | None = None
    card: Callable[[Any], Card] | None = None


@dataclass(slots=True, kw_only=True)
class Draft:
    """What fitting has come to so far."""

    application: Application
    pipeline: Pipeline
    samples: Samples
    embeddings: Embeddings
    interactions: Interactions | None = None
    targets: dict[str, Target] = field(default_factory=dict)
    trained: TrainResult | None = None
    ranking: RankingRun | None = None
    confidence: Confidence | None = None
    findings: list[Finding] = field(default_factory=list)
    understood: Sequence[Understood] = ()
    alignment: Alignment | None = None
    adapters: dict[str, Adapter] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    choice: Choice | None = None
    linear: dict[Any, LinearHead] = field(default_factory=dict)
    searched: dict[str, Any] | None = None

    @property
    def unaligned(self) -> Embeddings:
        """Return the embeddings as the encoders answered them."""
        return self.embeddings if self.alignment is None else self.alignment.before

    @property
    def groups(self) -> np.ndarray | None:
        """Return the group of each row ``(n,)``, where ``split.group`` names a column of them."""
        group = self.application.split.group
        return group_cells(self.samples.table.cells(group)) if group else None

    def new_net(self) -> JointNet:
        """Return the network of the application, its weights fresh."""
        return self.pipeline.build_net(
            {name: target.task for name, target in self.targets.items()},
            {name: dim for name, dim in self.pipeline.dims().items() if name in self.embeddings.values},
        )
