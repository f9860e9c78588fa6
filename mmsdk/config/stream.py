"""The block that says how live input becomes events: what ends a piece of each input, what belongs together, when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.section import File, Name, Section, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
Positive = Annotated[float, Field(gt=0.0, le=3600.0)]
Labels = Text | list[Text]


class StreamInputConfig(Section):
    """How one input arrives, and what a piece of it is."""

    segment: Literal["voice", "motion", "latest"] = Field(
        description="What a piece is: a stretch of `voice` between silences, a `motion` between two rests, or the "
        "`latest` thing pushed, which begins no event and is looked at when another input does."
    )
    rate: Annotated[float, Field(gt=0.0, le=200_000.0)] | None = Field(
        default=None, description="Samples or steps a second; 16000 of a voice and 30 of a motion where left out."
    )
    buffer: Positive = Field(default=10.0, description="Seconds that are kept; what is older is forgotten.")
    hang: Positive = Field(
        default=0.1, description="Seconds of silence or rest that end a piece. Each is waited for in every answer."
    )
    before: Seconds = Field(
        default=0.0, description="Seconds of silence or rest that must lie before a piece, or it is ignored."
    )
    shortest: Seconds = Field(default=0.1, description="A piece shorter than this is ignored.")
    longest: Positive = Field(default=2.0, description="A piece longer than this is ignored.")
    above: Positive | None = Field(
        default=None,
        description="What is no silence or rest: dB above the noise floor (`voice`, 12, or 2 beside `vad`), or the way "
        "in a second, in the unit of the points (`motion`, 0.12).",
    )
    vad: File | None = Field(
        default=None,
        description="A voice detector's file, relative to the application file (of `audio`: silero_vad.onnx, "
        "`pip install 'mmsdk-audio[vad]'`). What it takes for no voice begins nothing, however loud it is.",
    )
    likely: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.5, description="The probability from which `vad` takes a sound for a voice; 0.15 less ends it."
    )
    still: Seconds = Field(
        default=0.0,
        description="Let a hand at rest be an answer too (`motion`): so many seconds of it stand beside a piece of "
        "another input where nothing moves. 0: rest is no answer.",
    )
    moved_within: Positive = Field(
        default=10.0,
        description="A hand at rest is an answer (`still`) only where it came, or moved, so many seconds ago at most; "
        "one that lies still for longer is idle.",
    )

    @model_validator(mode="after")
    def _only_voices_are_detected(self) -> Self:
        """Refuse a voice detector of what is no voice."""
        if self.vad is not None and self.segment != "voice":
            raise PydanticCustomError(
                "stream", "names `vad`, a voice detector, and is of segment {segment}", {"segment": self.segment}
            )
        return self


class SlotConfig(Section):
    """When the answer of a task is good enough to be part of a command."""

    needs: list[Text] = Field(
        default_factory=list, description="Inputs of which one at least must be there; any will do where left out."
    )
    idle: Labels = Field(default_factory=list, description="Labels that mean that nothing was asked for.")
    least: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.5, description="A lower confidence is no answer. The labels of `idle` are not counted out."
    )
    novelty: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=1.0, description="An input further than this from what was learned is no answer (1: all are taken)."
    )


class CommandConfig(Section):
    """A command: which answers it needs, and how it reads."""

    name: Name = Field(description="What events call it.")
    when: dict[Name, Labels] = Field(
        default_factory=dict, description="Task to the label, or labels, that it must answer."
    )
    slots: list[Name] = Field(default_factory=list, description="Tasks that it needs beside those, with any label.")
    say: Text | None = Field(
        default=None, description="How it reads, tasks in braces (`turn to {argument}`); its name where left out."
    )

    @model_validator(mode="after")
    def _needs_something(self) -> Self:
        """Refuse a command that nobody has to give."""
        if not self.when and not self.slots:
            raise PydanticCustomError("command", "should name a task in `when` or in `slots`")
        return self


class StreamConfig(Section):
    """The streaming runtime. With this block a run can be listened with: `mmsdk.open_session`."""

    inputs: dict[Name, StreamInputConfig] = Field(min_length=1, description="How each input of the run arrives.")
    slots: dict[Name, SlotConfig] = Field(
        default_factory=dict, description="Tasks that make up a command, and when their answers are good enough."
    )
    commands: list[CommandConfig] = Field(
        default_factory=list,
        description="The commands there are, the first that fits wins; every combination of all slots where left out.",
    )
    gap: Seconds = Field(default=0.6, description="Pieces of two inputs further apart than this are two events.")
    wait: Seconds = Field(default=1.0, description="How long an event waits for the inputs that it lacks.")
    repeat: Seconds = Field(default=0.3, description="A second final event so soon after one is ignored.")
    sure: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=1.0,
        description="An event whose inputs say the same does not wait for the others above this confidence.",
    )
    confirm: Seconds = Field(
        default=0.0,
        description="Silence, or rest, so long after the last piece makes an event final; until then it is only "
        "provisional, and a voice that goes on takes it back. 0: final as soon as the piece is over.",
    )
    jitter: Seconds = Field(default=0.04, description="Data that overtook other data waits so long for it.")
    late: Seconds = Field(default=0.5, description="Data that arrives so much after its time is dropped and counted.")
    missing: Positive = Field(
        default=0.5, description="An input without data for so long is missing: none waits for it."
    )
    wake: dict[Name, Labels] = Field(
        default_factory=dict, description="Task to the label that wakes the session; it is always awake where left out."
    )
    awake: Positive = Field(default=15.0, description="Seconds without a command after which it sleeps again.")
    running: Seconds = Field(
        default=0.0, description="Seconds that a command takes to be carried out; another one meanwhile cancels it."
    )

    def named(self, inputs: list[str], tasks: list[str]) -> Iterator[tuple[str, str, list[str], str]]:
        """Yield each name of an input or a task: what it is, the name, those there are, and the key it stands in."""
        for name in self.inputs:
            yield "input", name, inputs, "inputs"
        for task, slot in self.slots.items():
            yield "task", task, tasks, "slots"
            for name in slot.needs:
                yield "input", name, list(self.inputs), f"slots.{task}.needs"
        known = list(self.slots or tasks)
        for task in self.wake:
            yield "task", task, known, "wake"
        for command in self.commands:
            for task in (*command.when, *command.slots):
                yield "task", task, known, f"commands, {command.name}"
            for task in fields(command.say or ""):
                yield "task", task, [*command.when, *command.slots], f"commands, {command.name}, say"


def fields(template: str) -> list[str]:
    """Return the names in braces of a template."""
    return re.findall(r"\{([^{}]*)\}", template)
