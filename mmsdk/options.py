"""Options of what outsiders extend: the keyword-only parameters of a class; anything else is refused by name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def option_names(owner: type) -> set[str]:
    """Return the options of a class: the keyword-only parameters it is constructed with."""
    parameters = inspect.signature(owner.__init__).parameters.values()  # type: ignore[misc]
    return {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}


def refuse_options(owner: type, options: Mapping[str, Any], key: str) -> None:
    """Refuse options that a class has no parameter for, with the nearest one it has.

    :param key: of the application file, for the message.
    :raises ConfigError: there is one.
    """
    if options:
        name = sorted(options)[0]
        known = sorted(option_names(owner))
        raise ConfigError(
            f"{key}: {owner.__name__} takes no option named {name!r}.{did_you_mean(name, known)} "
            f"Known: {', '.join(known) or 'none'}"
        )


def count_option(key: str, value: Any, low: int, high: int) -> int:
    """Return an option that counts.

    :param key: of the application file, for the message (``fusion.options.rank``).
    :raises ConfigError: not a whole number from ``low`` to ``high``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{key}: {value!r} is not a whole number from {low} to {high}")
    return value


def share_option(key: str, value: Any) -> float:
    """Return an option that is a share.

    :raises ConfigError: not a number from 0 to below 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigError(f"{key}: {value!r} is not a number from 0 to below 1")
    return float(value)


def number_option(key: str, value: Any, low: float, high: float) -> float:
    """Return an option that is a number.

    :raises ConfigError: not a number from ``low`` to ``high``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{key}: {value!r} is not a number from {low:g} to {high:g}")
    return float(value)


def choice_option(key: str, value: Any, choices: Iterable[Any]) -> Any:
    """Return an option that is one of several.

    :raises ConfigError: it is none of them.
    """
    choices = list(choices)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        known = ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in choices)
        raise ConfigError(f"{key}: {value!r} is not one of {known}")
    return value
