"""A plugin whose models lie far away: a scheme that fetches, names for its models, and a scheme that wraps others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mmsdk.testing import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DECLARED = """
from mmsdk import EncoderSpec, LoaderSpec, PresetSpec, hookimpl


@hookimpl
def mmsdk_encoder_loaders():
    yield LoaderSpec(name="far", modalities=("text", "image"), target="far_models:load", example="far:org/words",
                     pull="far_models:pull", locate="far_models:locate")
    yield LoaderSpec(name="around", modalities=("text",), target="far_models:around", example="around:far-words")


@hookimpl
def mmsdk_encoders():
    yield EncoderSpec(name="far-words", modalities=("text", "image"), dim=3, reference="far:org/words@v1",
                      options={"scale": 2.0}, licence="MIT", size=1_000_000)
    yield EncoderSpec(name="far-steps", modalities=("text",), dim=3, output="sequence", reference="far:org/steps",
                      licence="CC-BY-4.0", size=500_000)
    yield EncoderSpec(name="lacking", modalities=("text",), dim=3, target="far_models:Lacking",
                      requires=("no_such_module",))


@hookimpl
def mmsdk_presets():
    yield PresetSpec(name="far", encoders={"text": ("lacking", "far-words")})
"""
MODELS = """
from pathlib import Path

import numpy as np

from mmsdk import EncoderError


class Words:
    dim = 3

    def __init__(self, reference, scale):
        folder = Path(reference)
        if not folder.is_dir():
            raise EncoderError(f"far:{reference} is not here")
        self.folder, self.scale = folder, scale

    def fingerprint(self):
        return f"{(self.folder / 'weights.txt').read_text()} {self.scale}"

    def encode(self, batch, modality):
        return np.array([[len(sample) * self.scale] * 3 for sample in batch], np.float32)


def load(reference, *, modality, device="cpu", trust_remote_code=False, scale=1.0):
    return Words(reference, scale)


def around(reference, *, modality, device="cpu", trust_remote_code=False):
    import mmsdk

    return mmsdk.open_encoder(reference, modality).encoder


def pull(reference, folder, *, quiet=False):
    if reference.startswith("nobody/"):
        raise EncoderError(f"far:{reference}: there is no such model")
    (folder / "weights.txt").write_text(reference)
    (folder / "more").mkdir(exist_ok=True)
    (folder / "more" / "quiet.txt").write_text(str(quiet))
    return {"repo": reference.partition("@")[0], "revision": "abc123", "licence": "as the hub says"}


def locate(reference):
    return Path(reference) if Path(reference).is_dir() else None
"""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The plugin, installed beside all others; the folder of its modules."""
    folder = tmp_path_factory.mktemp("site")
    write_distribution(folder, "mmsdk-far", modules={"far_declared": DECLARED, "far_models": MODELS})
    with installed(folder):
        yield folder
