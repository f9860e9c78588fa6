"""A new plugin distribution from a template: it installs, its tests pass, and it does something from the start."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from mmsdk.errors import ConfigError
from mmsdk.files import atomic_folder
from mmsdk.plugins.registry import get_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

TEMPLATES = ("recipe", "encoder", "fusion")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40
ENDING = ".in"  # of every file of a template, so that no tool takes it for code


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a new plugin is called.

    :param name: of the plugin and its component: ``shop-photos``.
    """

    kind: str
    name: str

    @property
    def distribution(self) -> str:
        """Return the name on PyPI: ``mmsdk-recipe-shop-photos``, ``mmsdk-shop-photos``."""
        return f"mmsdk-recipe-{self.name}" if self.kind == "recipe" else f"mmsdk-{self.name}"

    @property
    def module(self) -> str:
        """Return the name of the package to import."""
        return self.distribution.replace("-", "_")

    @property
    def words(self) -> dict[str, str]:
        """Return what stands in the place of ``${...}`` in a template."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "module": self.module,
            "title": self.name.replace("-", " "),
            "class_name": "".join(part.capitalize() for part in self.name.split("-")),
        }


def write_plugin(kind: str, name: str, folder: str | Path = ".") -> Path:
    """Write a new distribution into ``folder`` and return its own folder; whole or not at all.

    :param kind: one of ``TEMPLATES``.
    :param name: lower-case words with hyphens: ``shop-photos``.
    :raises ConfigError: a name that cannot be one, or is taken; a folder that exists.
    """
    _check(kind, name)
    names = Names(kind=kind, name=name)
    target = Path(folder) / names.distribution
    if target.exists():
        raise ConfigError(f"{target} exists already; choose another name, or another folder with --to")
    with atomic_folder(target) as partial:
        for path, source in _files(resources.files("mmsdk") / "templates" / kind):
            file = partial / path.replace("package", names.module).removesuffix(ENDING)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = string.Template(source.read_text(encoding="utf-8")).substitute(names.words)
            file.write_text(text, encoding="utf-8")
    return target


def _check(kind: str, name: str) -> None:
    """Refuse a name that cannot be one, or that something installed has.

    :raises ConfigError: it is one of these.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise ConfigError(
            f"{name!r} cannot be the name of a plugin: expected lower-case words with hyphens, such as shop-photos, "
            f"{LONGEST} letters at most"
        )
    if name.startswith("mmsdk"):
        raise ConfigError(f"{name!r}: mmsdk- is put before the name; leave it away")
    registry = get_registry()
    entry = next((one for one in registry.entries(kind) if one.spec.name == name), None)
    taken = entry.plugin.distribution if entry else None
    taken = taken or next((row.distribution for row in registry.rows if row.name == name), None)
    if taken:
        raise ConfigError(f"{name!r} is the name of something in {taken} already; choose another")


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield every file of a template with its path."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(ENDING):
            yield prefix + entry.name, entry
