"""The recipe: its sample, the application it builds from a table, and its sections of the report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, guess_application, note, read_table
from mmsdk_recipe_emotion import SPEC
from mmsdk_recipe_emotion.card import NOTICE
from mmsdk_recipe_emotion.inputs import chosen_inputs, left_out
from mmsdk_recipe_emotion.settings import check_labels, people_of, with_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk import Card

SAMPLE_SPLIT = {"group": "actor", "validation": 0.2, "test": 0.2}


class Emotion:
    """Labels of expressions, from what a face, a voice and words show."""

    def sample(self, folder: Path, seed: int) -> Mapping[str, Any]:
        """Draw the clips and return their application."""
        from mmsdk_recipe_emotion.sample import INTERVIEW, write_sample

        needed = ("clips.csv", INTERVIEW)  # an older version made no interview
        if not all((folder / name).is_file() for name in needed):
            write_sample(folder, seed)
        settings = {**SPEC.defaults, "target": "expression", "group": "actor", "id": "clip"}
        application = dict(self.application(folder / "clips.csv", settings))
        return {**application, "split": SAMPLE_SPLIT, "training": {**application["training"], "epochs": 30}}

    def application(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build the application: every column that shows or says something is an input, names and numbers are not.

        :raises ConfigError: ``target`` is not said, is no column or holds no labels, ``pixels`` is said without
            ``face``, or no column shows anything.
        """
        table = read_table(data)
        if "pixels" in settings and "face" not in settings:
            raise ConfigError("recipe emotion: pixels is of the encoder of faces; name that with --set face=ENCODER")
        target = settings.get("target")
        if target not in table.names:
            given = f"names {target!r}, and the table has no such column" if target else "is not set"
            raise ConfigError(
                f"recipe emotion: target {given}; name the column of the label with --set target=COLUMN. "
                f"Columns: {', '.join(table.names)}"
            )
        people, said = people_of(table, settings), settings.get("group")
        settings = with_group(settings, people)
        inputs = chosen_inputs(table, settings)
        check_labels(table, str(target))
        item_id = settings.get("id", guess_application(table, tasks=False).get("id"))
        group = settings.get("group")
        if said is None and group is not None:
            note(
                f"recipe emotion: {group!r} is taken for who is seen or heard: nobody is on both sides of the split; "
                "say another column with --set group=COLUMN, or that there is none with --set group=none"
            )
        split = {"group": group, "column": settings.get("split")}
        named = sorted({group, people} - {None})
        return {
            "data": str(data),
            **({"id": item_id} if item_id is not None else {}),
            "inputs": inputs,
            "tasks": {"emotion": {"column": target, "type": "classification"}},
            "split": {key: value for key, value in split.items() if value is not None},
            "notice": NOTICE,
            **({"privacy": {"number": named}} if named else {}),
            "training": {"imbalance": "logit_adjustment"},
        }

    def unread(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the columns that are no inputs, and why."""
        table = read_table(data)
        return left_out(table, with_group(settings, people_of(table, settings)))

    def next_commands(self, app: Any) -> Iterator[tuple[str | Path, ...]]:
        """Yield a reading of the sample's interview or the table's first video, else of VIDEO; some runs read none."""
        from mmsdk_recipe_emotion.reading import roles_of
        from mmsdk_recipe_emotion.sample import INTERVIEW

        data = Path(app.application.data)
        column = next((one.column for one in app.application.inputs.values() if one.modality == "video"), None)
        cells = (INTERVIEW, *read_table(data).cells(column)) if isinstance(column, str) else ()
        for video in (data.parent / str(cell) for cell in cells if cell):
            if os.path.isfile(video):  # noqa: PTH113 - Path.is_file raises where a cell is an address of thousands of characters
                yield "emotion", app.folder, video, "--out", video.stem
                return
        if roles := {role for role in roles_of(app).values() if role}:
            said = ("--transcript", "FILE") if roles == {"words"} else ()
            yield "emotion", app.folder, "VIDEO", "--out", "timeline", *said

    def card(self, app: Any) -> Card:
        """Return what it is for, and what it must not be used for."""
        from mmsdk_recipe_emotion.card import CARD

        return CARD

    def sections(self, app: Any) -> Iterator[tuple[str, str]]:
        """Yield what the labels mean, how to read a video, and what must not be done with it."""
        from mmsdk_recipe_emotion.sections import sections

        yield from sections(app)
