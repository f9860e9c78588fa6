"""The blocks that say how to learn: fusion, head, training and the index."""

from __future__ import annotations

import math
import warnings
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.section import Name, Section, Text

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0.0)]


def _weights(value: Any) -> Any:
    """Refuse what is neither a number nor a mapping to numbers, in one sentence instead of one per alternative."""
    found = list(value.values()) if isinstance(value, dict) else [value]
    if any(isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one < math.inf for one in found):
        raise PydanticCustomError("weights", "should be a number of 0 or more, or one for each input by its name")
    return value


Weights = Annotated[Weight | dict[Name, Weight], BeforeValidator(_weights)]


class FusionConfig(Section):
    """Fusion: from one vector an input to one vector a row."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(
        default="gated",
        description="`gated`, `concat`, another of `mmsdk plugins list --kind fusion`, or `auto`: a short list is "
        "learned, judged on rows it did not learn from, and one is taken.",
    )
    dim: Annotated[int, Field(ge=1, le=65536)] = Field(
        default=256, description="The length of the fused vector, which is also what the index holds."
    )
    members: Count = Field(
        default=4,
        description="Into how many parts the head falls, which learn apart and answer together; a number that divides "
        "`dim` and leaves each 8 values of it, or it is lowered to one.",
    )
    modality_dropout: Share = Field(
        default=0.2,
        description="How often an input of a row is hidden in training, so that the model works where it is missing.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options handed to the fusion; each fusion's page lists its own."
    )
    budget: Annotated[float, Field(ge=0.0)] = Field(
        default=600.0,
        description="`auto`, here or of the head: after so many seconds no further candidate begins; the first does.",
    )


class HeadConfig(Section):
    """The head: from the fused vector, or from the vectors themselves, to the answer of each task."""

    shorthand: ClassVar[str | None] = "type"

    type: Literal["plain", "ensemble", "linear", "stacked", "blend", "boosting", "population", "auto"] = Field(
        default="plain",
        description="`plain`: one linear layer a member on its part of the fused vector. `ensemble`: many small heads "
        "on the whole of it, which share their matrices and answer together. `linear`: a regularised linear model of "
        "all vectors side by side, one for each subset of the inputs. `stacked`: a linear model for "
        "each input, and what each counts. `blend`: the mean of `linear` and of the plain head. "
        "`population`: small networks of drawn settings, trained together; the best ones answer. "
        "`boosting`: gradient boosting (`pip install mmsdk[boosting]`). "
        "`auto`: the one that is best on rows it did not learn from.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the head; `docs/heads.md` lists each type's own."
    )


class SearchConfig(Section):
    """A search for the settings of fusion and training."""

    shorthand: ClassVar[str | None] = "trials"

    trials: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0,
        description="How many settings of fusion and training are tried, judged on rows they did not learn from "
        "(`pip install mmsdk[search]`); the first is what is written here. 0 searches nothing.",
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
    imbalance: Literal["none", "weights", "focal", "logit_adjustment"] = Field(
        default="weights",
        description="What rare classes get: `none`, `weights` (each class counts the same), `focal` (the weights, and "
        "rows that are answered well already count little), or `logit_adjustment` (the class shares are added to the "
        "logits in training, so that without them the answers are balanced).",
    )
    focal_gamma: Annotated[float, Field(ge=0.0)] = Field(
        default=2.0,
        description="How little `imbalance: focal` counts rows that are answered well; 0 is `weights`. Refused beside "
        "another `imbalance`.",
    )
    mixup: Annotated[float, Field(ge=0.0)] = Field(
        default=0.0,
        description="Train on mixtures of two rows, in shares drawn from Beta(mixup, mixup): 0 turns it off, 0.2 mixes "
        "a little, 1 evenly.",
    )
    unimodal: Weights = Field(
        default=0.0,
        description="The weight of a head that answers each task from one input alone, in training only: a number for "
        "all inputs, or one for each by name (`{photo: 0.3}`).",
    )
    balance: Literal["fixed", "uncertainty", "gradnorm", "pcgrad"] = Field(
        default="fixed",
        description="How the terms of the loss are weighed against each other: `fixed`, by learned uncertainties, by "
        "the norms of their gradients, or (`pcgrad`) with the parts of gradients that conflict taken out.",
    )
    match: Annotated[float, Field(ge=0.0)] = Field(
        default=0.1,
        description="The weight of the term that ties the fused vectors of different inputs of one row together, so "
        "that a photo finds its text. 0 turns it off.",
    )
    rules: Annotated[float, Field(ge=0.0)] = Field(
        default=0.0,
        description="The weight of the term that teaches the network the `rules`: minus the log of the probability "
        "that they hold, and of a number how far it lies outside its bounds. 0: they act on the answers only. Refused "
        "beside a head that answers without the network.",
    )
    match_loss: Literal["infonce", "sigmoid", "consistency", "triplet"] = Field(
        default="infonce",
        description="The loss of that term: the partner among the whole batch (`infonce`), each pair by itself "
        "(`sigmoid`), partners alike and coordinates spread (`consistency`), or strangers out of a margin (`triplet`).",
    )
    refit: bool = Field(
        default=False,
        description="After the validation rows have ended the training, train once more on them too. They can then "
        "judge or calibrate nothing: the figures are those of the test rows alone.",
    )
    amp: bool = Field(
        default=False,
        description="Use mixed precision (bfloat16) on CUDA; without effect on a CPU. A head on cached embeddings is "
        "too small to gain by it; an encoder that is tuned may.",
    )
    tensorboard: bool = Field(
        default=False, description="Write TensorBoard events into the run (`pip install mmsdk[tensorboard]`)."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The seed of the weights, of the order of the rows and of what is dropped."
    )

    @model_validator(mode="before")
    @classmethod
    def _class_weights(cls, values: Any) -> Any:
        """Read the old key ``class_weights: true|false`` as ``imbalance: weights|none``, and say so."""
        if not isinstance(values, dict) or "class_weights" not in values:
            return values
        rest = {name: one for name, one in values.items() if name != "class_weights"}
        meant = "weights" if values["class_weights"] is True else "none"
        if not isinstance(values["class_weights"], bool) or rest.get("imbalance", meant) != meant:
            raise PydanticCustomError(
                "class_weights", "names class_weights, which is now imbalance: leave it out and keep imbalance"
            )
        warnings.warn(
            f"training.class_weights goes with mmsdk 0.2: write training.imbalance: {meant}",
            FutureWarning,
            stacklevel=2,
        )
        return {**rest, "imbalance": meant}

    @model_validator(mode="after")
    def _focal(self) -> Self:
        """Refuse a gamma that nothing reads; a block with every default written out is no such wish."""
        told, default = self.model_fields_set, type(self).model_fields["focal_gamma"].default
        wished = "focal_gamma" in told and ("imbalance" not in told or self.focal_gamma != default)
        if wished and self.imbalance != "focal":
            raise PydanticCustomError(
                "focal_gamma",
                "names focal_gamma, which acts with imbalance: focal only, and imbalance is {imbalance}: set it to "
                "focal, or leave focal_gamma out",
                {"imbalance": self.imbalance},
            )
        return self


class EvaluationConfig(Section):
    """What the report tells beside the figures of the whole; each costs what its key says."""

    slices: list[Text] = Field(
        default_factory=list,
        description="Columns by whose values the held-out rows are scored apart: categories, or numbers in four equal "
        "parts. Cheap. Rows with and without each input are always told apart.",
    )
    learning_curve: bool = Field(
        default=False,
        description="Learn from growing shares of the training rows and say what more rows would bring. Costs about "
        "nine fits of the head.",
    )
    robustness: bool = Field(
        default=False,
        description="Score the held-out rows under growing noise in one input's vectors, and with the input missing in "
        "a growing share of rows. Cheap: nothing is learned.",
    )
    label_noise: bool = Field(
        default=False,
        description="List rows whose label is probably wrong, by the answers of five folds (classification). Costs "
        "five fits of the head.",
    )


class IndexConfig(Section):
    """The structure that finds the nearest vectors."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(
        default="auto", description="`auto` picks by size and says what; or the name of an index type (`flat`, `hnsw`)."
    )
