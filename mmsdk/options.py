"""Options of what outsiders extend: the keyword-only parameters of a class; anything else is refused by name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


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
