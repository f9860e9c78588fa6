"""What the recipe is for, what not, what it was tried on, and where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmsdk import Card

CARD = Card(
    intended=(
        "Few commands, known in advance, given by voice, gesture or both, to a device or a program nearby.",
        "A user's own commands from about ten examples each.",
    ),
    not_for=(
        "Whatever a wrong or a missed command makes dangerous: emergency stops, vehicles, medical devices.",
        "Telling who speaks, or whether a speaker may give the command.",
        "Free speech: it knows the words it was shown, and no language.",
    ),
    data=("Learned from single words and single gestures; live pieces are cut by silence and by rest.",),
    limits=(
        "A word in the midst of talk is no command: a quarter of a second of silence must lie before it.",
        "The gesture must have begun when the word is over, or have ended shortly before.",
        "With still gestures allowed, a hand that rests of late and any word that sounds like an argument "
        "are a command.",
    ),
)
LOUD = "Loud rooms: the voice is told from the noise by its level alone."
OTHERS = "Other voices in the room: a voice detector takes them for the user's."
RESTLESS = "It was shown nothing that is no command, and takes idle talk and idle hands for one."


def card_of(app: Any) -> Card:
    """Return the card of a run: what hears the voice, and whether it knows what is no command, differ."""
    own = [OTHERS if detects(app) else LOUD, *([] if knows_idle(app) else [RESTLESS])]
    return replace(CARD, limits=(*CARD.limits, *own))


def detects(app: Any) -> bool:
    """Return whether a detector tells the voice from other sounds."""
    return any(own.vad is not None for own in app.application.stream.inputs.values())


def knows_idle(app: Any) -> bool:
    """Return whether a slot has a label that means that nobody asked for anything."""
    slots = app.application.stream.slots
    return any(set(map(str, app.tasks[name].state()["labels"])) & _words(slot.idle) for name, slot in slots.items())


def _words(idle: str | list[str]) -> set[str]:
    """Return one label, or several, as a set."""
    return {idle} if isinstance(idle, str) else set(idle)
