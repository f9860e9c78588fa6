"""What a recipe says of a finished run in its own words: its card, its sections of the report, what to do next."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import PluginError
from mmsdk.plugins.discovery import strict
from mmsdk.progress import note
from mmsdk.protocols import Card

if TYPE_CHECKING:
    from mmsdk.app.application import App
    from mmsdk.app.draft import Origin


def recipe_sections(origin: Origin, app: App) -> list[tuple[str, str]]:
    """Return the recipe's sections; one that fails is a line of the report, and the run is kept."""
    if origin.sections is None:
        return []
    found: list[tuple[str, str]] = []
    try:
        found.extend(_section(one) for one in origin.sections(app))
    except Exception as error:
        if strict():
            raise
        found.append(("From the recipe", f"<p>{escape(_failed(app, 'sections', error))}</p>"))
    return found


def _section(one: Any) -> tuple[str, str]:
    """Return a section.

    :raises PluginError: it is no pair of texts.
    """
    if not (isinstance(one, tuple) and len(one) == 2 and all(isinstance(text, str) for text in one)):
        raise PluginError(f"sections() yields {one!r:.80}, expected (title, HTML)")
    return one


def recipe_card(origin: Origin, app: App) -> dict[str, Any] | None:
    """Return the recipe's card as JSON values; one that fails says so among its limits, and the run is kept."""
    if origin.card is None:
        return None
    try:
        return _checked(origin.card(app))
    except Exception as error:
        if strict():
            raise
        return asdict(Card(intended=(), limits=(_failed(app, "card", error),)))


def _checked(card: Any) -> dict[str, Any]:
    """Return a card as JSON values.

    :raises PluginError: it is no card, or holds something else than sentences.
    """
    if not isinstance(card, Card):
        raise PluginError(f"card() answered a {type(card).__name__}, expected a mmsdk.Card")
    found: dict[str, Any] = {}
    for name, sentences in asdict(card).items():
        if isinstance(sentences, str) or not all(isinstance(one, str) for one in sentences):
            raise PluginError(f"Card.{name} is {sentences!r}, expected a tuple of sentences")
        found[name] = list(sentences)
    return found


def recipe_commands(recipe: Any, app: App) -> list[tuple[str | Path, ...]]:
    """Return the recipe's own commands for a finished run; one that fails is a note on stderr."""
    own = getattr(recipe, "next_commands", None)
    if own is None:
        return []
    try:
        return [_words(one) for one in own(app)]
    except Exception as error:
        if strict():
            raise
        _failed(app, "next commands", error)
        return []


def _words(one: Any) -> tuple[str | Path, ...]:
    """Return the words of a command.

    :raises PluginError: they are something else than words and paths.
    """
    if isinstance(one, str) or not all(isinstance(word, str | Path) for word in one):
        raise PluginError(f"next_commands() yields {one!r:.80}, expected words and paths, as ('emotion', app.folder)")
    return tuple(one)


def _failed(app: App, what: str, error: Exception) -> str:
    """Say that the recipe failed, and return that."""
    made_by = app.document["recipe"]
    whose = "the recipe" if made_by is None else "recipe {name!r} ({plugin} {version})".format_map(made_by)
    reason = f"{whose} could not write its {what}: {type(error).__name__}: {error}"
    note(reason, app.pipeline.quiet)
    return reason
