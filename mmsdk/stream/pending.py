"""An event in the making: the pieces that belong together, and how long it waits for more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mmsdk.stream.answers import Heard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.stream.events import Piece
    from mmsdk.stream.grammar import Command


@dataclass(slots=True, kw_only=True)
class Pending:
    """Pieces of one event.

    :param pieces: input to piece, ended ones.
    :param beside: input to what was seen beside them, which ended nothing.
    :param told: the slots of the last ``provisional``, if there was one.
    :param ready: the command, where all of it is there and only silence has to stay.
    """

    id: int
    pieces: dict[str, Piece]
    beside: dict[str, Piece] = field(default_factory=dict)
    heard: Heard = field(default_factory=lambda: Heard(good={}, poor={}))
    told: Mapping[str, str] | None = None
    ready: Command | None = None

    @property
    def start(self) -> float:
        """Where its first piece begins."""
        return min(piece.start for piece in self.pieces.values())

    @property
    def end(self) -> float:
        """Where its last piece ends."""
        return max(piece.end for piece in self.pieces.values())

    @property
    def first_end(self) -> float:
        """Where the first of its pieces ended: it waits from there."""
        return min(piece.end for piece in self.pieces.values())

    @property
    def row(self) -> dict[str, Piece]:
        """All pieces by input."""
        return {**self.beside, **self.pieces}

    @property
    def slots(self) -> dict[str, str]:
        """Task to label, of what is understood."""
        return {task: str(output.value) for task, output in self.heard.good.items()}

    def near(self, piece: Piece, gap: float) -> bool:
        """Return whether a piece lies no further than ``gap`` seconds away."""
        return piece.start - self.end <= gap and self.start - piece.end <= gap

    def with_piece(self, piece: Piece) -> Pending:
        """Return the same event with one more piece, untold."""
        return replace(self, pieces={**self.pieces, piece.input: piece}, beside={}, ready=None)
