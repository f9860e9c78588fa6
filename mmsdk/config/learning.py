"""The blocks that say how to learn: fusion, head, training and the index."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mmsdk.config.section import Section, Text

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]


class FusionConfig(Section):
    """Fusion: from one vector an input to one vector a row."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(default="gated", description="`gated`, `concat`, or the name of a fusion that a plugin adds.")
    dim: Annotated[int, Field(ge=1, le=65536)] = Field(
        default=256, description="The length of the fused vector, which is also what the index holds."
    )
    members: Count = Field(
        default=4,
        description="Into how many parts the head falls, which learn apart and answer together; a number that divides "
        "`dim`, or it is lowered to one.",
    )
    modality_dropout: Share = Field(
        default=0.2,
        description="How often an input of a row is hidden in training, so that the model works where it is missing.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options handed to the fusion; each fusion's page lists its own."
    )


class HeadConfig(Section):
    """The head: from the fused vector, or from the vectors themselves, to the answer of each task."""

    shorthand: ClassVar[str | None] = "type"

    type: Literal["plain", "ensemble"] = Field(
        default="plain",
        description="`plain`: one linear layer a member on its part of the fused vector. `ensemble`: many small heads "
        "on the whole of it, which share their matrices and answer together.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the head; `docs/heads.md` lists each type's own."
    )


class TrainingConfig(Section):
    """How the light head on the frozen vectors is trained."""

    epochs: Count = Field(default=30, description="The most passes over the training rows; `patience` may end earlier.")
    batch_size: Count = Field(
        default=64, description="Rows a step, at most: of few rows an epoch makes 16 steps all the same."
    )
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(default=1e-3, description="The step size of AdamW.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(
        default=0.01, description="How strongly AdamW pulls the weights towards zero."
    )
    dropout: Share = Field(default=0.5, description="How often a value is dropped in the projection of an input.")
    label_smoothing: Share = Field(
        default=0.1, description="How much of each label is spread over all classes (classification)."
    )
    patience: Count = Field(
        default=10, description="How many epochs without a better validation score are borne before stopping."
    )
    class_weights: bool = Field(default=True, description="Weigh rare classes up, so that each class counts the same.")
    match: Annotated[float, Field(ge=0.0)] = Field(
        default=0.1,
        description="The weight of the term that ties the fused vectors of different inputs of one row together, so "
        "that a photo finds its text. 0 turns it off.",
    )
    refit: bool = Field(
        default=False,
        description="After the validation rows have ended the training, train once more on them too. They can then "
        "judge or calibrate nothing: the figures are those of the test rows alone.",
    )
    amp: bool = Field(default=True, description="Use mixed precision on CUDA; without effect on a CPU.")
    tensorboard: bool = Field(
        default=False, description="Write TensorBoard events into the run (`pip install mmsdk[tensorboard]`)."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The seed of the weights, of the order of the rows and of what is dropped."
    )


class IndexConfig(Section):
    """The structure that finds the nearest vectors."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(
        default="auto", description="`auto` picks by size and says what; or the name of an index type (`flat`, `hnsw`)."
    )
