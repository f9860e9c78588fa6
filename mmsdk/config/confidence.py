"""The block that says how sure an answer may claim to be, and when to decline."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.section import Section, Text

Open = Annotated[float, Field(gt=0.0, lt=1.0)]


class AbstainConfig(Section):
    """When to decline to answer: one of `below`, `error` and `coverage`, and `novelty` beside it or alone."""

    below: Open | None = Field(default=None, description="Decline where the confidence is below this.")
    error: Open | None = Field(
        default=None,
        description="Decline as often as it takes for the answers given to err no more than this, with 90 % certainty.",
    )
    coverage: Open | None = Field(default=None, description="The share of rows to answer: the surest ones.")
    novelty: Open | None = Field(default=None, description="Decline where the novelty of the row is above this.")

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        """Refuse two thresholds on the confidence, and a block that says nothing."""
        rules = [name for name in ("below", "error", "coverage") if getattr(self, name) is not None]
        if len(rules) > 1:
            raise PydanticCustomError("abstain", "should set one of `below`, `error` and `coverage`, not several")
        if not rules and self.novelty is None:
            raise PydanticCustomError("abstain", "should set `below`, `error`, `coverage` or `novelty`")
        return self


class ConfidenceConfig(Section):
    """How probabilities are calibrated, what a set of answers promises, and when to decline."""

    shorthand: ClassVar[str | None] = "calibration"

    calibration: Literal["auto", "none", "temperature", "vector", "isotonic"] = Field(
        default="auto",
        description="What turns scores into probabilities that mean what they say. `auto` takes the lowest "
        "cross-validated log-loss, and `temperature` unless another is better by more than the noise.",
    )
    coverage: Open = Field(
        default=0.9, description="How often the set of labels (or the interval) of an answer holds the truth."
    )
    sets: Literal["lac", "aps", "raps", "none"] = Field(
        default="lac",
        description="How the sets of a classification grow: `lac` gives the smallest, `aps` and `raps` adapt more to "
        "hard rows. `none` makes no sets and no intervals, of any task.",
    )
    by: Text | None = Field(
        default=None,
        description="A column (a site, a device): the coverage is held within each of its values that has enough rows.",
    )
    source: Literal["auto", "validation", "folds"] = Field(
        default="auto",
        description="Which rows calibrate: the validation rows, or all rows but the test's, each answered by a head "
        "that did not learn from it. `auto` takes folds where validation rows are few or were learned from. With "
        "`split.time` folds are refused: they would learn from newer rows.",
    )
    folds: Annotated[int, Field(ge=2, le=50)] = Field(
        default=5, description="How many heads are trained for `source: folds`; groups never straddle."
    )
    novelty: bool = Field(default=True, description="Keep training vectors, by which a row of another kind is told.")
    abstain: AbstainConfig | None = Field(default=None, description="When to decline; left out, every row is answered.")
