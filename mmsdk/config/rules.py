"""Rules: what is known for certain, said beside the network."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.section import Name, Section, Text

Label = Annotated[str, StringConstraints(min_length=1)]
Labels = Label | list[Label]
BOUNDS = ("at_least", "at_most", "always", "never")


class RuleConfig(Section):
    """One rule: what a task may answer, when, or which answers may not stand together."""

    name: Name | None = Field(
        default=None, description="What the answers it changed are marked with; `rule 1` and so on where left out."
    )
    when: Text | None = Field(
        default=None,
        description="The rows it holds for, in the language of `where` (`spo2 < 90 and age >= 18`), over any column of "
        "the table. A missing value never fires a comparison; text in the place of a number neither, and is said. Left "
        "out, it holds for every row.",
    )
    task: Text | None = Field(default=None, description="The task whose answer it bounds.")
    at_least: Label | int | float | None = Field(
        default=None,
        description="The lowest answer allowed: a label, by `tasks.NAME.order`, or a number (regression).",
    )
    at_most: Label | int | float | None = Field(default=None, description="The highest answer allowed, likewise.")
    always: Labels | None = Field(
        default=None,
        description="The answer (classification; of several one of them), or labels that are among the answers "
        "(multilabel).",
    )
    never: Labels | None = Field(default=None, description="A label, or labels, that are no answer.")
    implies: dict[Label, Labels] | None = Field(
        default=None,
        description="A hierarchy, child to parent: `{lamp: lighting}`. Among the labels of a multilabel task, or from "
        "the labels of `task` to those of `parent`.",
    )
    parent: Text | None = Field(default=None, description="The task that holds the parents of `implies`.")
    forbid: dict[Text, Labels] | None = Field(
        default=None,
        description="Answers of two classification tasks that may not stand together; of one multilabel task, labels "
        "of which no two may (`{tags: [lamp, rug]}`).",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        """Refuse a rule that says nothing, or two kinds of thing at once."""
        kinds = [
            any(getattr(self, key) is not None for key in BOUNDS),
            self.implies is not None,
            self.forbid is not None,
        ]
        if sum(kinds) != 1:
            raise PydanticCustomError(
                "rule", "should say one thing: a bound (at_least, at_most, always, never), `implies`, or `forbid`"
            )
        if (self.task is None) != (self.forbid is not None):
            raise PydanticCustomError("rule", "needs `task`, except with `forbid`, which names its tasks itself")
        if self.parent is not None and self.implies is None:
            raise PydanticCustomError("rule", "names a `parent` without `implies`")
        if self.forbid is not None and len(self.forbid) not in (1, 2):
            raise PydanticCustomError("rule", "should forbid answers of two tasks, or labels of one")
        return self

    def tasks(self) -> tuple[str, ...]:
        """Return the tasks that the rule speaks of."""
        named = (self.task, self.parent, *(self.forbid or ()))
        return tuple(name for name in named if name is not None)
