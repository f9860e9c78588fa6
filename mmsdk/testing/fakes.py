"""Distributions that look installed: real metadata and modules in a folder, found like any other on ``sys.path``."""

from __future__ import annotations

import contextlib
import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

from mmsdk.plugins import reset_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


def write_distribution(
    folder: Path,
    name: str,
    *,
    modules: Mapping[str, str],
    entry_points: Mapping[str, str] | None = None,
    version: str = "0.1.0",
    requires: Iterable[str] = (),
) -> Path:
    """Write a distribution into ``folder`` as pip would have installed it, and return the folder.

    :param name: as on PyPI: ``"mmsdk-tone"``.
    :param modules: module name -> source; indentation common to all lines is removed.
    :param entry_points: plugin name -> object, in group ``mmsdk``; default: the name less ``mmsdk-``, the first module.
    :param requires: ``Requires-Dist`` lines: ``["mmsdk>=0.1"]``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    if entry_points is None:
        entry_points = {name.removeprefix("mmsdk-"): next(iter(modules))}
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    points = ["[mmsdk]", *(f"{plugin} = {target}" for plugin, target in entry_points.items())]
    (info / "entry_points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    return folder


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Put ``folder`` on ``sys.path`` with a fresh registry; afterwards forget its modules and the registry."""
    path = str(folder)
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    reset_registry()
    try:
        yield
    finally:
        sys.path.remove(path)
        _forget_modules(path)
        importlib.invalidate_caches()
        reset_registry()


def _forget_modules(path: str) -> None:
    """Drop the modules that came from ``path``, so that another fake may reuse their names."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(path):
            del sys.modules[name]
