"""What ``mmsdk encoders pull`` and the bill ask of the hub's schemes: fetch a model, or say where it lies."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mmsdk import EncoderError
from mmsdk_transformers.hub import HUB_ID, bars, elsewhere, is_offline, reaching, snapshot

WEIGHTS = "*.safetensors"
LIBRARY = ".cache"  # what the library notes of a download that may have to go on
FILES = (
    "config.json, model.safetensors, and preprocessor_config.json (images, sounds, videos) or tokenizer.json (texts)"
)


def pull(reference: str, folder: Path, *, quiet: bool = False) -> dict[str, str]:
    """Fetch a model of the hub into a folder, going on with what is there already.

    :param reference: a hub id, or ``id@revision``.
    :param quiet: no progress.
    :returns: ``repo``, the ``revision`` (commit) it resolved to, the ``licence`` as the hub names it, empty where it
        names none.
    :raises EncoderError: there is no such model, the hub cannot be reached, or it holds no safetensors.
    """
    name = HUB_ID.fullmatch(reference)
    if name is None or Path(reference).expanduser().exists():
        raise EncoderError(
            f"{reference}: is no hub id such as google/siglip2-base-patch16-224, so there is nothing to pull"
        )
    repo, revision = name["repo"], name["revision"]
    with reaching(reference, repo, elsewhere(f"transformers:{reference}", repo, FILES)), bars(quiet=quiet):
        if is_offline():
            return _from_cache(repo, revision, folder)
        facts = _facts(reference, repo, revision)
        snapshot(repo, facts["revision"], folder=folder)
    shutil.rmtree(folder / LIBRARY, ignore_errors=True)
    return facts


def locate(reference: str) -> Path | None:
    """Return the folder of a reference on this machine: itself, or in the hub's cache; ``None`` where there is none."""
    path = Path(reference).expanduser()
    if path.is_dir():
        return path.resolve()
    name = HUB_ID.fullmatch(reference)
    if name is None:
        return None
    try:
        folder = snapshot(name["repo"], name["revision"], local=True)
    except Exception:  # not there, or not whole: the library has several words for it
        return None
    return folder if any(folder.rglob(WEIGHTS)) else None


def _facts(reference: str, repo: str, revision: str | None) -> dict[str, str]:
    """Return what the hub says of a model, before anything is fetched."""
    from huggingface_hub import HfApi

    info: Any = HfApi().model_info(repo, revision=revision)
    if not any(Path(one.rfilename).match(WEIGHTS) for one in info.siblings or ()):
        raise EncoderError(
            f"{reference}: the hub's {repo} holds no safetensors; other weights (pytorch_model.bin) are pickles and "
            "are not read. A revision may have them (`@refs/pr/N`, see its discussions), or save the model again with "
            "save_pretrained"
        )
    licence = getattr(info.card_data, "license", None) or ""
    return {"repo": repo, "revision": str(info.sha), "licence": licence if isinstance(licence, str) else ""}


def _from_cache(repo: str, revision: str | None, folder: Path) -> dict[str, str]:
    """Copy what the hub's cache holds: with ``HF_HUB_OFFLINE`` there is nothing else."""
    found = snapshot(repo, revision, local=True)
    shutil.copytree(found, folder, dirs_exist_ok=True)
    return {"repo": repo, "revision": found.name, "licence": ""}
