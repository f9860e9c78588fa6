"""From a reference (hub id, ``id@revision`` or folder) to a folder on this machine that holds what is needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import EncoderError, weights_fingerprint
from mmsdk_transformers.hub import HUB_ID, OTHER_RUNTIMES, elsewhere, reaching, snapshot
from mmsdk_transformers.manifest import MANIFEST, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

PREPROCESSING = {
    "image": ("preprocessor_config.json", "processor_config.json"),
    "text": ("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    "audio": ("preprocessor_config.json", "processor_config.json"),
    "video": ("preprocessor_config.json", "processor_config.json"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A model on this machine.

    :param name: ``scheme:reference`` as the user wrote it, for messages.
    :param folder: where its files lie.
    :param config: the content of its ``config.json``; empty where the model has none.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    trusted: bool = False

    def fingerprint(self, **facts: object) -> str:
        """Return the hash of weights, configuration, preprocessing (and code, where it may run) and the facts."""
        kinds = {".json", ".txt", ".model", ".safetensors", *([".py"] if self.trusted else [])}
        files = [
            file
            for file in self.folder.rglob("*")
            if file.suffix in kinds
            and file.name != MANIFEST
            and file.relative_to(self.folder).parts[0] not in OTHER_RUNTIMES
        ]
        return weights_fingerprint(files, **facts)

    @property
    def joint(self) -> bool:
        """Return whether the model has a text tower and one of pictures or sounds (CLIP, SigLIP, CLAP)."""
        return "text_config" in self.config and ("vision_config" in self.config or "audio_config" in self.config)


def locate(scheme: str, reference: str, modality: str, *, trusted: bool) -> Checkpoint:
    """Return the checkpoint of a reference, fetched from the hub if need be.

    :raises EncoderError: there is no such folder or model, the hub cannot be reached, or a file is missing.
    """
    name = f"{scheme}:{reference}"
    path = Path(reference).expanduser()
    if path.is_dir():
        folder = path.resolve()
    elif path.exists() or reference.startswith((".", "/", "~")) or not (match := HUB_ID.fullmatch(reference)):
        raise EncoderError(f"{name}: there is no folder {path.absolute()}; name {_a_folder(modality)}, or a hub id")
    else:
        folder = _fetch(name, match["repo"], match["revision"], modality, trusted=trusted)
    verify(name, folder)
    return Checkpoint(name=name, folder=folder, config=_config(folder, name), trusted=trusted)


def check(checkpoint: Checkpoint, modality: str) -> None:
    """Refuse a checkpoint of the ``transformers:`` scheme that lacks a file."""
    folder, name = checkpoint.folder, checkpoint.name
    if not checkpoint.config:
        raise EncoderError(f"{name}: {folder} has no config.json; name {_a_folder(modality)}")
    if not any(folder.glob("*.safetensors")):
        hint = f"name {_a_folder(modality)}"
        if any(folder.glob("*.bin")):
            hint = "pytorch_model.bin is a pickle and is not read: save the model again with save_pretrained"
        raise EncoderError(f"{name}: {folder} has no model.safetensors; {hint}")
    if not any((folder / one).is_file() for one in PREPROCESSING[modality]):
        raise EncoderError(f"{name}: {folder} has no {PREPROCESSING[modality][0]}, so {modality} cannot be prepared")


def _config(folder: Path, name: str) -> Mapping[str, Any]:
    """Return ``config.json``, empty where there is none."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise EncoderError(f"{name}: {file} cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise EncoderError(f"{name}: {file} holds no JSON object")
    return config


def _fetch(name: str, repo: str, revision: str | None, modality: str, *, trusted: bool) -> Path:
    """Return the hub's snapshot, from its cache alone where ``HF_HUB_OFFLINE`` is set."""
    with reaching(name, repo, elsewhere(name, repo, _files(modality))):
        return snapshot(repo, revision, trusted=trusted)


def _a_folder(modality: str) -> str:
    """Return what a folder must hold."""
    return f"a folder that holds {_files(modality)}"


def _files(modality: str) -> str:
    """Return the files that a model must have."""
    return f"config.json, model.safetensors and {PREPROCESSING[modality][0]}"
