"""The blocks that say where the data stands: inputs, interactions, tasks and the split."""

from __future__ import annotations

import fnmatch
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.section import Columns, File, Section, Text

Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class TrainableConfig(Section):
    """A small network over the steps of a sequence, trained with the head."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(
        description="`tcn`, `transformer`, `steps` (each step by itself, for a fusion that reads sequences), or the "
        "name of a trainable that a plugin adds."
    )
    steps: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=64, description="So many steps of a sequence are kept; a longer one is thinned out evenly."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options handed to the trainable; each one's page lists its own."
    )


class TuneConfig(Section):
    """Training the last layers of an encoder together with the head, by low-rank updates (LoRA)."""

    shorthand: ClassVar[str | None] = "mode"

    mode: Literal["frozen", "lora", "auto"] = Field(
        default="frozen",
        description="`frozen` leaves the encoder as it is, `lora` tunes it, `auto` tries both on a part of the rows "
        "and tunes only where that is better on validation by more than the noise.",
    )
    layers: Annotated[int, Field(ge=1)] = Field(default=3, description="How many of the last layers are tuned.")
    rank: Annotated[int, Field(ge=1, le=256)] = Field(default=8, description="The rank of the updates.")
    epochs: Annotated[int, Field(ge=1)] = Field(default=3, description="Passes over the training rows.")
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(default=5e-4, description="The step size of AdamW.")
    batch_size: Annotated[int, Field(ge=1)] = Field(default=16, description="Rows a step.")


class InputConfig(Section):
    """One input of the model: the column, or columns, it is read from, and how."""

    shorthand: ClassVar[str | None] = "column"

    column: Columns = Field(
        description="The column the input is read from, or a list of columns that are read together (texts are "
        "joined, numbers become one vector). A pattern with `*` names every column that fits it (`AU*_r`); in use "
        "those are read that fitted it in training."
    )
    modality: Text = Field(
        description="What the cells hold: `text`, `image`, `number`, `category`, `date`, `vector`, or the name of a "
        "modality that a plugin adds."
    )
    encoder: Text | None = Field(
        default=None,
        description="The frozen encoder: a registered name, or `scheme:reference` such as "
        "`transformers:<hub id or folder>`. Left out, the preset chooses.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options handed to the encoder; each encoder's page lists its own."
    )
    decode: dict[str, Any] = Field(
        default_factory=dict, description="Options of reading a cell; the page of each modality lists its own."
    )
    pool: Literal["mean", "max", "mean-std", "ends"] | None = Field(
        default=None,
        description="How a sequence (frames, sound windows, landmarks) becomes one vector: its `mean` (the default), "
        "its `max`, `mean-std` (mean and spread side by side), or `ends` (mean, first and last).",
    )
    trainable: TrainableConfig | None = Field(
        default=None,
        description="A small network over the steps of a sequence instead of `pool`, trained with the head.",
    )
    within: Text | None = Field(
        default=None,
        description="A column (a person, a camera, a site). The vectors are taken relative to those of the other rows "
        "of the same value that are given together, labels unseen: a face against the same person's other faces.",
    )
    tune: TuneConfig | None = Field(
        default=None,
        description="Tune the encoder itself, with the head (`pip install mmsdk[tune]`); left out, it stays frozen.",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns, or patterns of columns, as the user named them."""
        return (self.column,) if isinstance(self.column, str) else tuple(self.column)

    @property
    def kind(self) -> str:
        """Return the modality without the plugin that may stand before it."""
        return self.modality.rpartition("/")[2]

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return those of the columns that are patterns of columns."""
        return tuple(column for column in self.columns if "*" in column)

    def reads(self, column: str) -> bool:
        """Return whether a column of the table is among those the input names, or fits one of its patterns."""
        return column in self.columns or any(fnmatch.fnmatchcase(column, one) for one in self.patterns)


class InteractionsConfig(Section):
    """Who took which item: a table of pairs, or of sets (baskets, rooms), beside the table of items."""

    shorthand: ClassVar[str | None] = "file"

    file: File = Field(description="The table of interactions, relative to the application file.")
    user: Text = Field(description="The column that says who: a customer, a session, a basket, a room.")
    item: Text = Field(description="The column that says which item, by the `id` of the item table.")
    time: Text | None = Field(
        default=None,
        description="The column that says when (ISO 8601, or a number of seconds). With it histories are ordered and "
        "the latest interactions are held out.",
    )
    weight: Text | None = Field(
        default=None, description="The column that says how much (a quantity, a rating); 1 where left out."
    )
    split: Text | None = Field(
        default=None, description="The column that holds `train`, `val` or `test` where the pairs are already split."
    )
    said: Text | None = Field(
        default=None, description="The column that holds what the user said or typed; it becomes part of the query."
    )
    separator: Text | None = Field(
        default=None,
        description="What separates ids where one cell of `item` holds several (`|`); the row is then a set.",
    )
    refit: bool = Field(
        default=True,
        description="Fit the ranker again on every pair after it was scored. `false` keeps the scored one.",
    )


class TaskConfig(Section):
    """One thing to predict, from one column of labels."""

    shorthand: ClassVar[str | None] = "column"

    column: Text = Field(description="The column that holds the answer; an empty cell is a row without a label.")
    type: Text = Field(
        description="`classification`, `multilabel`, `regression`, or the name of a task type that a plugin adds."
    )
    weight: Annotated[float, Field(gt=0.0)] = Field(
        default=1.0, description="How much the loss of this task counts beside the others."
    )
    order: list[Text] | None = Field(
        default=None,
        description="The labels from lowest to highest, for rules that say `at_least` or `at_most`, or for a task type "
        "of a plugin that has an order.",
    )
    separator: Text = Field(
        default="|", description="What separates the labels of one cell of a multi-label task (`red|round`)."
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Options of a task type of a plugin; its page lists them. The core's have none.",
    )


class SplitConfig(Section):
    """Which rows train, which choose (validation), which are scored (test)."""

    shorthand: ClassVar[str | None] = "column"

    column: Text | None = Field(
        default=None, description="A column that already holds `train`, `val` (or `validation`) and `test`."
    )
    group: Text | None = Field(
        default=None,
        description="A column whose equal values stay on one side (a patient, a speaker, a product line).",
    )
    time: Text | None = Field(
        default=None, description="A column of dates or numbers: the oldest rows train, the newest are the test."
    )
    validation: Share = Field(default=0.1, description="The share of rows that choose the best epoch.")
    test: Share = Field(default=0.2, description="The share of rows that are only scored.")
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="The same seed draws the same rows, in whatever order they stand.",
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        """Refuse rules that contradict each other, and shares that leave nothing to train on."""
        if self.time and (self.column or self.group):
            raise PydanticCustomError("split", "should name `time` alone, without `column` or `group`")
        if self.validation + self.test >= 1.0:
            raise PydanticCustomError("split", "leaves no rows to train on: `validation` + `test` should be below 1")
        return self
