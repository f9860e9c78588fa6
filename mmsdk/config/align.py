"""The block that says how the vectors of several inputs come into one space."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mmsdk.config.section import Name, Section, Text


class AlignConfig(Section):
    """Alignment: the vectors of inputs into one space, between embedding and fusion."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = Field(
        description="`ridge`, `procrustes`, `cca`, `contrastive`, `whitening`, `coral`, or the name of an aligner that "
        "a plugin adds."
    )
    inputs: list[Name] | None = Field(
        default=None,
        description="Which inputs are aligned, two or more; left out, all that have one vector a row.",
    )
    target: Name | None = Field(
        default=None,
        description="The input whose space the others are brought into (`ridge`, `procrustes`, `coral`); the first of "
        "the aligned inputs where left out.",
    )
    dim: Annotated[int, Field(ge=1, le=65536)] | None = Field(
        default=None,
        description="The length of the common space (`cca`, `contrastive`); each has a default of its own.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options handed to the aligner; docs/alignment.md lists them."
    )
