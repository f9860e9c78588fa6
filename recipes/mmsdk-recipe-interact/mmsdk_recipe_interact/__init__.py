"""The interact recipe of mmsdk: a voice and a gesture, live, to a command with its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import CommandSpec, RecipeSpec, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "slots": Setting(
        kind="list",
        what="columns that make up a command; left out, action and argument, or the one of them that is there",
    ),
    "needs": Setting(
        kind="list",
        what="which input answers which slot, as a list: [action=motion, argument=voice]; any where left out",
    ),
    "idle": Setting(
        kind="list",
        what="labels that mean that nobody asked for anything; left out, [none, idle, nichts, leer, 无, 空闲]; "
        "[]: there is none",
    ),
    "commands": Setting(
        kind="file",
        inline=True,
        what="file of the commands: YAML, as the key stream.commands of an application (docs/streaming.md)",
    ),
    "group": Setting(
        kind="column",
        what="column of the speaker: a voice that is learned from is then not scored; left out, the one that is named "
        "so; none: nobody in particular",
    ),
    "split": Setting(kind="column", what="column of train, val, test, where a split is already made"),
    "rate": Setting(kind="number", above=0, default=16_000, what="samples a second of the live sound"),
    "fps": Setting(kind="number", above=0, default=30, what="steps a second of the live landmarks"),
    "still": Setting(
        kind="number",
        least=0,
        default=0.5,
        what="seconds of a hand at rest that count as a gesture beside a word; 0: rest is none",
    ),
    "vad": Setting(
        kind="file",
        what="file of a voice detector, silero_vad.onnx: what is no voice begins nothing, however loud; without it the "
        "voice is told by its level",
    ),
}
SPEC = RecipeSpec(
    name="interact",
    target="mmsdk_recipe_interact.recipe:Interact",
    summary="understand spoken and gestured commands, live",
    takes="a table of examples: a sound, a track of landmarks (either may be missing), and a column for each slot",
    settings=SETTINGS,
)


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield SPEC


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare the command that listens to files and learns a user's own commands."""
    yield CommandSpec(
        name="interact",
        target="mmsdk_recipe_interact.command:interact",
        summary="Listen to a recording; learn a user's own commands.",
    )
