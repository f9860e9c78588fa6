"""Commands: which answers make one, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.config import StreamConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: the labels it asks for, the tasks it needs with any label, and how it reads."""

    name: str
    when: Mapping[str, frozenset[str]]
    slots: tuple[str, ...]
    say: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks it needs."""
        return (*self.when, *(task for task in self.slots if task not in self.when))

    def allows(self, known: Mapping[str, str]) -> bool:
        """Return whether nothing that is known speaks against it."""
        return all(known[task] in labels for task, labels in self.when.items() if task in known)

    def complete(self, known: Mapping[str, str]) -> bool:
        """Return whether all it needs is known."""
        return all(task in known for task in self.tasks)

    def text(self, known: Mapping[str, str]) -> str:
        """Return how it reads with these labels."""
        said = self.say
        for task in self.tasks:
            said = said.replace(f"{{{task}}}", known.get(task, "..."))
        return said


class Grammar:
    """The commands in order; the first that fits wins, and one that may still fit is waited for."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._commands = commands

    def match(self, known: Mapping[str, str]) -> tuple[Command | None, bool]:
        """Return the first complete command, and whether one before it may still become complete."""
        open_ones = False
        for command in self._commands:
            if command.allows(known):
                if command.complete(known):
                    return command, open_ones
                open_ones = True
        return None, open_ones

    def needed(self, known: Mapping[str, str]) -> set[str]:
        """Return the tasks that some command which still may fit lacks."""
        return {task for one in self._commands if one.allows(known) for task in one.tasks if task not in known}


def grammar_of(settings: StreamConfig, tasks: Sequence[str]) -> Grammar:
    """Return the commands of a stream; without any, one that needs every task and reads as their labels."""
    return Grammar(list(_commands(settings)) or [_all_tasks(list(settings.slots or tasks))])


def labels(value: str | Sequence[str]) -> frozenset[str]:
    """Return one label, or several, as a set."""
    return frozenset([value] if isinstance(value, str) else value)


def _commands(settings: StreamConfig) -> Iterator[Command]:
    """Yield the commands that were written."""
    for one in settings.commands:
        when = {task: labels(value) for task, value in one.when.items()}
        yield Command(name=one.name, when=when, slots=tuple(one.slots), say=one.say or one.name)


def _all_tasks(tasks: Sequence[str]) -> Command:
    """Return the command of every combination."""
    return Command(name="command", when={}, slots=tuple(tasks), say=" ".join(f"{{{task}}}" for task in tasks))
