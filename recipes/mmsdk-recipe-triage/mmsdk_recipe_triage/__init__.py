"""The triage recipe of mmsdk: picture and record of a case to its urgency or finding, or to a person where unsure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import CommandSpec, RecipeSpec, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "target": Setting(
        kind="column", what="column that holds the answer: an urgency, a finding, an outcome; has to be said"
    ),
    "order": Setting(
        kind="list",
        what="its labels from least to most urgent, for the worklist and for floors; left out, that of a known scale",
    ),
    "group": Setting(
        kind="column", what="column of the patient; cases of one patient stay on one side (numbered at the door)"
    ),
    "id": Setting(kind="column", what="column of a case number that names nobody; rows are numbered without one"),
    "risk": Setting(
        kind="share",
        default=0.1,
        on_sample="confidence.abstain.error",
        what="the share of given answers that may be wrong; cases beyond it go to a person",
    ),
    "slices": Setting(kind="list", what="columns by whose values the figures are told apart (sex, age, view, site)"),
    "rules": Setting(
        kind="file",
        inline=True,
        what="file of rules, in the place of the floors for vital signs that are recognised",
    ),
    "floor": Setting(what="the least urgent label that the floors for vital signs allow; none turns them off"),
    "keep": Setting(
        kind="list",
        what="columns that are read although their name says a person, a circumstance or what came later",
    ),
}


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield RecipeSpec(
        name="triage",
        target="mmsdk_recipe_triage.recipe:Triage",
        summary="how urgent is a case: calibrated, declining to a person, with rules as floors",
        takes="a table of cases (picture, record, notes, the urgency or finding), or FHIR R4 bundles",
        settings=SETTINGS,
    )


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare the command that writes a worklist."""
    yield CommandSpec(
        name="triage", target="mmsdk_recipe_triage.command:triage", summary="Sort new cases by urgency with a run."
    )
