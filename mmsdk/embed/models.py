"""Which pretrained model stands behind the name of an encoder, and where on this machine its files lie."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mmsdk.files import models_home
from mmsdk.plugins import get_registry, resolve

if TYPE_CHECKING:
    from mmsdk.plugins import Entry
    from mmsdk.specs import EncoderSpec, LoaderSpec

SCHEME = re.compile(r"([a-z][a-z0-9_./-]+):(.+)", re.DOTALL)  # two letters and more: C:\\model is no scheme
MANIFEST = "mmsdk-model.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The pretrained model behind an encoder.

    :param scheme: of the loader that opens it.
    :param reference: what the loader is given: a hub id, ``id@revision``, a folder.
    :param loader: the scheme's entry.
    :param spec: the registered encoder that stands for it, ``None`` where a scheme named it.
    """

    scheme: str
    reference: str
    loader: Entry
    spec: EncoderSpec | None = None

    @property
    def repo(self) -> str:
        """Return the reference without its revision."""
        return self.reference.partition("@")[0]

    @property
    def revision(self) -> str:
        """Return the revision that the reference pins, empty where it pins none."""
        return self.reference.partition("@")[2]

    def folder(self) -> Path | None:
        """Return where its files lie on this machine, ``None`` where they would be fetched."""
        found = in_models_home(self.reference, self.spec.name if self.spec else "")
        if found is not None:
            return found
        locate = cast("LoaderSpec", self.loader.spec).locate
        return cast("Path | None", resolve(locate)(self.reference)) if locate else None


def model_of(name: str) -> Model | None:
    """Return the pretrained model behind an encoder, ``None`` where it has none that could be fetched.

    A scheme that wraps another encoder (``frames:dinov2-small``) has the model of that one.

    :raises PluginError: nobody declares the name or the scheme.
    """
    registry = get_registry()
    scheme = SCHEME.fullmatch(name)
    if scheme is None:
        spec = cast("EncoderSpec", registry.get("encoder", name).spec)
        found = SCHEME.fullmatch(spec.reference)
        return None if found is None else _model(found[1], found[2], spec)
    return _model(scheme[1], scheme[2], None)


def _model(scheme: str, reference: str, spec: EncoderSpec | None) -> Model | None:
    """Return the model of a scheme's reference."""
    entry = get_registry().get("loader", scheme)
    if fetches(entry):
        return Model(scheme=scheme, reference=reference, loader=entry, spec=spec)
    inner = reference.partition("#")[0]
    known = {one.spec.name for one in get_registry().entries("encoder")}
    return model_of(inner) if inner in known or _has_scheme(inner) else None


def nearest(name: str) -> str:
    """Return an encoder's name, or ``scheme:reference``, with the folder of pulled models that holds it in its place.

    Only schemes that fetch are looked at; everything else comes back as it was.
    """
    scheme = SCHEME.fullmatch(name)
    if scheme is None:
        spec = cast("EncoderSpec", get_registry().get("encoder", name).spec)
        reference, own = spec.reference, spec.name
    else:
        reference, own = name, ""
    found = SCHEME.fullmatch(reference)
    if found is None or not fetches(get_registry().get("loader", found[1])):
        return reference or name
    folder = in_models_home(found[2], own)
    return reference if folder is None else f"{found[1]}:{folder}"


def fetches(loader: Entry) -> bool:
    """Return whether a scheme fetches models, so that folders of pulled ones may stand in for it."""
    return bool(cast("LoaderSpec", loader.spec).pull)


def in_models_home(reference: str, name: str = "") -> Path | None:
    """Return the folder of pulled models that holds a reference, ``None`` where none does.

    :param name: of the encoder; a folder named so comes before one named as the hub id.
    """
    repo, _, revision = reference.partition("@")
    if Path(reference).expanduser().exists():
        return None
    for folder in (models_home() / one for one in (name, folder_name(repo)) if one and not one.startswith(".")):
        if folder.is_dir() and _holds(folder, revision):
            return folder.resolve()
    return None


def folder_name(repo: str) -> str:
    """Return the name of a hub id's folder: ``google--siglip2-base-patch16-224``."""
    return repo.replace("/", "--")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what ``mmsdk encoders pull`` wrote of a folder, empty where it did not or it cannot be read."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(folder: Path, revision: str) -> bool:
    """Return whether a folder may stand for a revision: none is asked for, it is the one, or nobody wrote which."""
    manifest = read_manifest(folder)
    return not revision or not manifest or revision in (manifest.get("revision"), manifest.get("asked"))


def _has_scheme(name: str) -> bool:
    """Return whether a name begins with an installed scheme."""
    found = SCHEME.fullmatch(name)
    return found is not None and any(entry.spec.name == found[1] for entry in get_registry().entries("loader"))
