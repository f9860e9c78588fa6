"""The emotion recipe of mmsdk: labelled clips to labels of expressions over time, for each face and voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import CommandSpec, RecipeSpec, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "target": Setting(kind="column", what="column of the label; has to be said"),
    "group": Setting(
        kind="column",
        what="column of who is seen or heard (actor, person): nobody is on both sides of a split; left out, the one "
        "that is named so; none: nobody in particular",
    ),
    "id": Setting(kind="column", what="column of the clip's id"),
    "split": Setting(kind="column", what="column of train, val, test, where a split is already made"),
    "fps": Setting(kind="number", above=0, default=5, what="frames a second that are looked at"),
    "detector": Setting(
        kind="file", what="an ONNX face detector such as UltraFace's file; without it a classical cascade"
    ),
    "face": Setting(what="what encodes a face, any image encoder, such as onnx:fer.onnx#embedding"),
    "pixels": Setting(
        kind="choice", choices=("unit", "signed", "raw"), what="what the pictures of that encoder are scaled to"
    ),
    "voice": Setting(default="mel-stats", what="what encodes a voice, any audio encoder"),
    "within": Setting(
        kind="true or false",
        default=False,
        what="true measures faces, voices and action units against the same person's others (group)",
    ),
    "scene": Setting(
        kind="true or false",
        default=False,
        what="true also reads whole frames: places and people may then stand for labels",
    ),
}
SPEC = RecipeSpec(
    name="emotion",
    target="mmsdk_recipe_emotion.recipe:Emotion",
    summary="labels of expressions over time, from faces, voices and words; never for work or school (EU)",
    takes="a table of labelled clips: a video, a frame, action units (AU01_r ...), a vector, a sound or words, "
    "in any mix; then mmsdk emotion RUN VIDEO reads videos",
    settings=SETTINGS,
)


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield SPEC


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare ``mmsdk emotion``."""
    yield CommandSpec(
        name="emotion",
        target="mmsdk_recipe_emotion.command:emotion",
        summary="Read a video, a folder of them or a stream with a run of the recipe emotion.",
    )
