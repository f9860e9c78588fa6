"""``head.options`` of every type of head, checked by name, kind and range before any work is done."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


def _number(default: float, low: float, high: float) -> Any:
    """Return an option that is a number from ``low`` to ``high``, whole where its default is."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOptions:
    """None: the head is what the task itself brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleOptions:
    """Of ``ensemble``.

    :param members: how many small heads answer.
    :param hidden: width of a hidden layer.
    :param layers: how many hidden layers.
    :param dropout: share of a hidden layer's values that a training step does without.
    """

    members: int = _number(32, 1, 1024)
    hidden: int = _number(128, 1, 65536)
    layers: int = _number(1, 0, 8)
    dropout: float = _number(0.1, 0.0, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearOptions:
    """Of ``linear``.

    :param penalty: of the weights, ``1 / C`` of a logistic regression; 0 chooses it by cross-validation.
    :param folds: of that cross-validation.
    """

    penalty: float = _number(0.0, 0.0, 1e6)
    folds: int = _number(4, 2, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedOptions(LinearOptions):
    """Of ``stacked``: those of its linear models; ``folds`` are also those by which their worth is known.

    :param margin: standard errors of the difference by which an input must lower the loss to count beside others; 0
        lets all count.
    """

    margin: float = _number(1.0, 0.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendOptions(LinearOptions):
    """Of ``blend``: those of its linear head, and its share.

    :param share: of the linear head in the answer; below 0 it is chosen on rows that neither has learned from.
    """

    share: float = _number(-1.0, -1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationOptions:
    """Of ``population``.

    :param size: how many networks train together.
    :param keep: how many of them, those that validated best, answer together.
    :param hidden: width of each one's hidden layer.
    :param rank: an input longer than this is reduced to so many principal components.
    """

    size: int = _number(64, 1, 4096)
    keep: int = _number(8, 1, 4096)
    hidden: int = _number(64, 1, 4096)
    rank: int = _number(96, 1, 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingOptions:
    """Of ``boosting``.

    :param rounds: the most trees a class, label or number; rows that judge may end it earlier.
    :param learning_rate: how much a tree counts.
    :param leaves: of a tree.
    :param rank: an input longer than this is reduced to so many principal components.
    """

    rounds: int = _number(300, 1, 100_000)
    learning_rate: float = _number(0.05, 1e-4, 1.0)
    leaves: int = _number(15, 2, 4096)
    rank: int = _number(64, 1, 4096)


OPTIONS: dict[str, type] = {
    "plain": PlainOptions,
    "ensemble": EnsembleOptions,
    "linear": LinearOptions,
    "stacked": StackedOptions,
    "blend": BlendOptions,
    "boosting": BoostingOptions,
    "population": PopulationOptions,
}


def read_options(kind: str, given: Mapping[str, Any]) -> Any:
    """Return the options of a type of head.

    :raises ConfigError: one it has not, of another kind, or out of range.
    """
    known = {one.name: one for one in fields(OPTIONS[kind])}
    for name, value in given.items():
        if name not in known:
            raise ConfigError(
                f"head.options: {kind} takes no option named {name!r}.{did_you_mean(name, known)} "
                f"Known: {', '.join(known) or 'none'}"
            )
        _check(f"head.options.{name}", value, known[name])
    return OPTIONS[kind](**given)


def _check(key: str, value: Any, option: Any) -> None:
    """Refuse a value that is not of the option's kind or range."""
    low, high = option.metadata["low"], option.metadata["high"]
    whole = isinstance(option.default, int)
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not fits or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{key}: {value!r} is not {kind} from {low} to {high}")
