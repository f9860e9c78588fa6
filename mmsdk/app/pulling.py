"""The pretrained models that encoders stand for: which there are, which are here, and fetching one into a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.embed.models import MANIFEST, Model, folder_name, model_of
from mmsdk.errors import EncoderError
from mmsdk.files import atomic_folder, atomic_write, hash_file, models_home
from mmsdk.plugins import get_registry, missing_modules, resolve, shown_name
from mmsdk.progress import is_quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.plugins import Entry
    from mmsdk.specs import EncoderSpec

UNFINISHED = ".mmsdk-pulling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A registered encoder.

    :param name: as users write it; ``plugin/name`` where two plugins declare it.
    :param state: ``built in``, ``here``, ``to fetch``, or ``lacks MODULE`` where an extra is not installed.
    :param folder: where the files of its model lie, ``None`` where they do not.
    """

    name: str
    plugin: str
    modalities: tuple[str, ...]
    dim: int
    licence: str
    size: int
    state: str
    model: str
    folder: Path | None


def known_encoders() -> list[Known]:
    """Return every registered encoder by name; nothing is opened or fetched."""
    entries = sorted(get_registry().entries("encoder"), key=lambda entry: (entry.spec.name, entry.plugin.name))
    return [_known(entry, shown_name(entry, entries)) for entry in entries]


def _known(entry: Entry, name: str) -> Known:
    """Return one encoder."""
    spec: EncoderSpec = entry.spec  # type: ignore[assignment]
    model = model_of(entry.name)
    folder = model.folder() if model is not None else None
    state = "built in" if model is None else "here" if folder is not None else "to fetch"
    if missing := missing_modules(spec):
        state = f"lacks {', '.join(missing)}"
    return Known(
        name=name,
        plugin=f"{entry.plugin.distribution} {entry.plugin.version}",
        modalities=spec.modalities,
        dim=spec.dim,
        licence=spec.licence,
        size=spec.size,
        state=state,
        model=spec.reference,
        folder=folder,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A folder that was fetched, and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def size(self) -> int:
        """Return the bytes of its files."""
        return sum(one["size"] for one in self.manifest["files"].values())


def pull(name: str, to: str | Path | None = None) -> Pulled:
    """Fetch the model of an encoder into a folder, whole or not at all; after an interruption whole files are kept.

    Beside the files lies ``mmsdk-model.json``: where they came from, the commit, the licence, and the hash of each.

    :param name: a registered name, or ``scheme:hub id[@revision]``.
    :param to: the folder; by default in the folder of pulled models, where the encoder finds it.
    :raises EncoderError: there is nothing to fetch, it cannot be fetched, or the folder holds something else.
    """
    model = model_of(name)
    if model is None:
        raise EncoderError(f"encoder {name!r} has no model to fetch: what it needs comes with its plugin, or is a file")
    folder = (
        Path(to) if to is not None else models_home() / (model.spec.name if model.spec else folder_name(model.repo))
    )
    _check_place(folder)
    with atomic_folder(folder, resume=True) as partial:
        _start(partial, f"{model.scheme}:{model.reference}")
        manifest = _fill(model, partial)
    return Pulled(folder=folder.resolve(), manifest=manifest)


def _check_place(folder: Path) -> None:
    """Refuse a folder that holds anything but a model pulled before: it would be replaced.

    :raises EncoderError: it does.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise EncoderError(f"{folder} exists and holds no pulled model; name a new folder with --to")


def _start(folder: Path, reference: str) -> None:
    """Empty what an interrupted call left of another model, and note whose files come now."""
    marker = folder / UNFINISHED
    if not marker.is_file() or marker.read_text(encoding="utf-8") != reference:
        shutil.rmtree(folder)
        folder.mkdir()
        marker.write_text(reference, encoding="utf-8")


def _fill(model: Model, folder: Path) -> dict[str, Any]:
    """Fetch into a folder and write its manifest."""
    facts = resolve(model.loader.spec.pull)(model.reference, folder, quiet=is_quiet())  # type: ignore[attr-defined]
    licence = (model.spec.licence if model.spec else "") or facts.get("licence", "")
    manifest = {
        "repo": facts["repo"],
        "revision": facts["revision"],
        "asked": model.revision,
        "licence": licence,
        "files": {
            name: {"hash": hash_file(folder / name), "size": (folder / name).stat().st_size} for name in _files(folder)
        },
    }
    (folder / UNFINISHED).unlink()
    with atomic_write(folder / MANIFEST) as path:
        path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, the manifest left out, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (MANIFEST, UNFINISHED):
            yield path.relative_to(folder).as_posix()
