"""The block that says what of a table nobody may keep: taken out or covered as the table is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mmsdk.config.section import Section, Text

Words = Annotated[list[Text], Field(min_length=1)]


class PrivacyConfig(Section):
    """What happens to a table at the door, before anything else sees it: in training, in use and in every page."""

    drop: list[Text] = Field(
        default_factory=list,
        description="Columns that are taken out: no input, and in no index, answer, report or log.",
    )
    number: list[Text] = Field(
        default_factory=list,
        description="Columns whose values become numbers in the order they first stand in the table: what "
        "`split.group` needs of a name (a patient), and no more.",
    )
    cap: dict[Text, float | int] = Field(
        default_factory=dict, description="Column to the highest number kept; higher ones become it (`{age: 90}`)."
    )
    mask: dict[Text, Words] = Field(
        default_factory=dict,
        description="Column to words covered in its text by `[MASK]`, whole words in any case: the answer itself, "
        "where a note names it.",
    )
    contacts: list[Text] = Field(
        default_factory=list,
        description="Columns in whose text e-mail and web addresses, dates and long runs of digits are covered.",
    )

    own: dict[Text, Words] = Field(
        default_factory=dict,
        description="Column to columns of the same row whose values are covered in its text, whole and word by word: "
        "the person's own name and number, where a note says them (`{note: [patient_name, mrn]}`).",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that something happens to."""
        return (*self.drop, *self.number, *self.cap, *self.mask, *self.contacts, *self.own)
