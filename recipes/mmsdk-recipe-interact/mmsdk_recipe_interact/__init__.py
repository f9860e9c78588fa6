"""The interact recipe of mmsdk: a voice and a gesture, live, to a command with its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import CommandSpec, RecipeSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield RecipeSpec(
        name="interact",
        target="mmsdk_recipe_interact.recipe:Interact",
        summary="understand spoken and gestured commands, live",
        takes="a table of examples: a sound, a track of landmarks (either may be missing), and a column for each slot",
        settings={
            "slots": "columns that make up a command (default: action and argument, or the one of them that is there)",
            "needs": "which input answers which slot, as a list: [action=motion, argument=voice]; any where left out",
            "idle": "labels that mean that nobody asked for anything (default: [none, idle, 无, 空闲]); []: there is "
            "none",
            "commands": "file of the commands: YAML, as the key stream.commands of an application (docs/streaming.md)",
            "group": "column of the speaker: a voice that is learned from is then not scored (default: the one that is "
            "named so; none: nobody in particular)",
            "split": "column of train, val, test, where a split is already made",
            "rate": "samples a second of the live sound (default 16000)",
            "fps": "steps a second of the live landmarks (default 30)",
            "still": "seconds of a hand at rest that count as a gesture beside a word; 0: rest is none (default 0.5)",
            "vad": "file of a voice detector, silero_vad.onnx: what is no voice begins nothing, however loud (default: "
            "the voice is told by its level)",
        },
        columns=("group", "split"),
        files=("commands", "vad"),
    )


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare the command that listens to files and learns a user's own commands."""
    yield CommandSpec(
        name="interact",
        target="mmsdk_recipe_interact.command:interact",
        summary="Listen to a recording; learn a user's own commands.",
    )
