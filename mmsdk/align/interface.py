"""What an aligner is: paired vectors of several inputs in, one map for each input out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, did_you_mean
from mmsdk.options import option_names, refuse_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Views = tuple[Mapping[str, np.ndarray], np.ndarray]

BLOCK = 8192  # rows mapped at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceMap:
    """One input's way into the common space: ``x -> ... relu((x - centre) @ W0 + b0) @ W1 + b1 ...``.

    With one layer it is affine; a learned projection may have more, with a ReLU between two.

    :param centre: ``(d,)`` float32, taken away first.
    :param weights: of each layer ``(in, out)`` float32.
    :param biases: of each layer ``(out,)`` float32.
    """

    centre: np.ndarray
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @classmethod
    def affine(cls, centre: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> SpaceMap:
        """Return ``x -> (x - centre) @ weight + bias`` from arrays of any floating type; no bias is zeros."""
        bias = np.zeros(weight.shape[1]) if bias is None else bias
        return cls(centre=_single(centre), weights=(_single(weight),), biases=(_single(bias),))

    @property
    def dims(self) -> tuple[int, int]:
        """Return the lengths of the vectors it takes and gives."""
        return len(self.centre), len(self.biases[-1])

    def __call__(self, values: np.ndarray, present: np.ndarray | None = None) -> np.ndarray:
        """Map rows.

        :param values: ``(n, d)``; rows where the input is absent may hold anything.
        :param present: ``(n,)`` bool; None where all are.
        :returns: ``(n, k)`` float32, zeros where absent.
        """
        found = np.zeros((len(values), self.dims[1]), np.float32)
        for start in range(0, len(values), BLOCK):
            here = slice(start, start + BLOCK)
            mask = np.ones(len(values[here]), bool) if present is None else np.asarray(present[here], bool)
            found[here][mask] = self._mapped(np.asarray(values[here], np.float32)[mask])
        return found

    def _mapped(self, rows: np.ndarray) -> np.ndarray:
        """Return one block."""
        rows = rows - self.centre
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = (np.maximum(rows, 0) if number else rows) @ weight + bias
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what it consists of, by name, as a run keeps it."""
        layers = enumerate(zip(self.weights, self.biases, strict=True))
        named = [(f"{n}.{part}", one) for n, pair in layers for part, one in zip(("weight", "bias"), pair, strict=True)]
        return {"centre": self.centre, **dict(named)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> SpaceMap:
        """Return the map that :meth:`arrays` came from."""
        layers = range(sum(name.endswith(".weight") for name in arrays))
        return cls(
            centre=arrays["centre"],
            weights=tuple(arrays[f"{n}.weight"] for n in layers),
            biases=tuple(arrays[f"{n}.bias"] for n in layers),
        )


class Aligner(ABC):
    """Learns, from rows that have several inputs, a map for each input into one space.

    A subclass names its options as keyword-only parameters with defaults, and hands what it does not know to
    ``super().__init__``, which refuses it. The application's ``align.target`` and ``align.dim`` are options too: an
    aligner that has no such parameter refuses them. After ``fit`` an aligner may say what it chose in ``chosen``, JSON
    values by name::

        class MeanAligner(Aligner):
            def fit(self, vectors, present, *, held_out=None, device="cpu"):
                return {
                    name: SpaceMap.affine(one[present[:, n]].mean(0), np.eye(one.shape[1]))
                    for n, (name, one) in enumerate(vectors.items())
                }

    :param inputs: names of the inputs to align, in the order of the columns of ``present``.
    :param seed: the same seed, data and machine give the same maps.
    :raises ConfigError: an option that the aligner does not take.
    """

    def __init__(self, inputs: Sequence[str], *, seed: int = 0, **options: Any) -> None:
        self.inputs = tuple(inputs)
        self.seed = seed
        self.chosen: dict[str, Any] = {}
        refuse_options(type(self), options, "align.options")

    @classmethod
    def option_names(cls) -> set[str]:
        """Return the names of the options that this aligner takes: its keyword-only parameters."""
        return option_names(cls) - {"seed"}

    @abstractmethod
    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps.

        Only rows with two inputs or more teach. The arrays are left as they are, and so are numpy's and torch's
        global generators.

        :param vectors: input -> ``(n, d_i)`` float32 of the training rows, in the order of ``inputs``; rows where it
            is absent may hold anything.
        :param present: ``(n, m)`` bool.
        :param held_out: the same of validation rows, where there are any: to choose or to stop by, never to learn from.
        :param device: where to compute, if it matters.
        :returns: input -> its map.
        :raises DataError: no row has the inputs that are to be aligned.
        :raises ConfigError: the options do not fit the lengths of the vectors.
        """


def checked_target(inputs: Sequence[str], target: str | None) -> str:
    """Return the input whose space is the common one: the first where none is named.

    :raises ConfigError: no such input is aligned.
    """
    if target is None:
        return inputs[0]
    if target not in inputs:
        raise ConfigError(
            f"align.target: no input named {target!r} is aligned.{did_you_mean(target, inputs)} "
            f"Aligned: {', '.join(inputs)}"
        )
    return target


def require_positive(name: str, value: Any, *, zero: bool = False) -> float:
    """Return an option that must be a number above 0.

    :raises ConfigError: it is none.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (value > 0 or (zero and value == 0)):
        raise ConfigError(f"align.options.{name} is {value!r}, expected a number {'of 0 or' if zero else ''} above 0")
    return float(value)


def require_count(name: str, value: Any) -> int:
    """Return an option that counts.

    :raises ConfigError: it is no whole number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"align.options.{name} is {value!r}, expected a whole number above 0")
    return value


def _single(array: np.ndarray) -> np.ndarray:
    """Return an array as contiguous float32."""
    return np.ascontiguousarray(array, dtype=np.float32)
