"""The emotion recipe of mmsdk: labelled clips to labels of expressions over time, for each face and voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import CommandSpec, RecipeSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield RecipeSpec(
        name="emotion",
        target="mmsdk_recipe_emotion.recipe:Emotion",
        summary="labels of expressions over time, from faces, voices and words; never for work or school (EU)",
        takes="a table of labelled clips: a video, a frame, action units (AU01_r ...), a vector, a sound or words, "
        "in any mix; then mmsdk emotion RUN VIDEO reads videos",
        settings={
            "target": "column of the label",
            "group": "column of who is seen or heard (actor, person): nobody is on both sides of a split (default: the "
            "one that is named so; none: nobody in particular)",
            "id": "column of the clip's id",
            "split": "column of train, val, test, where a split is already made",
            "fps": "frames a second that are looked at (5)",
            "detector": "an ONNX face detector such as UltraFace's file; without it a classical cascade",
            "face": "what encodes a face, any image encoder, such as onnx:fer.onnx#embedding",
            "pixels": "what that encoder's pictures are scaled to: unit, signed or raw",
            "voice": "what encodes a voice, any audio encoder (mel-stats)",
            "within": "true measures faces, voices and action units against the same person's others (group)",
            "scene": "true also reads whole frames: places and people may then stand for labels",
        },
        columns=("target", "group", "id", "split"),
        files=("detector",),
    )


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare ``mmsdk emotion``."""
    yield CommandSpec(
        name="emotion",
        target="mmsdk_recipe_emotion.command:emotion",
        summary="Read a video, a folder of them or a stream with a run of the recipe emotion.",
    )
