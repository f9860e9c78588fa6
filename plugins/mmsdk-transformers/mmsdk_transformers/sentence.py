"""The scheme ``sentence-transformers:``: a model as its own modules make vectors, for texts and pictures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError
from mmsdk_transformers.checkpoint import Checkpoint, check, locate
from mmsdk_transformers.network import failing, silence

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

VERSION = 1


def load(reference: str, *, modality: str, device: str = "cpu", trust_remote_code: bool = False) -> SentenceEncoder:
    """Return the encoder of a hub id (``id@revision`` pins) or of a folder.

    :param reference: for example ``sentence-transformers/all-MiniLM-L6-v2`` or ``models/my-e5``. A folder without
        ``modules.json`` is read as a plain transformers text model, its tokens averaged.
    :param modality: ``text``, or ``image`` where the model takes pictures.
    :param device: ``cpu`` (float32) or ``cuda`` (float16).
    :param trust_remote_code: run the Python code that came with the model.
    :raises EncoderError: the model cannot be found, reached, read, or does not take the modality.
    """
    checkpoint = locate("sentence-transformers", reference, modality, trusted=trust_remote_code)
    if not (checkpoint.folder / "modules.json").is_file():
        check(checkpoint, modality)
    return SentenceEncoder(checkpoint, modality, device=device)


class SentenceEncoder:
    """``str`` or RGB uint8 ``(h, w, 3)`` to vectors. Weights are read when first needed."""

    def __init__(self, checkpoint: Checkpoint, modality: str, *, device: str) -> None:
        self._checkpoint = checkpoint
        self._modality = modality
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        return self._checkpoint.fingerprint(encoder="sentence-transformers", version=VERSION, modality=self._modality)

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        self._device = device
        self.__dict__.pop("_model", None)
        self.batch_size = 128 if device.startswith("cuda") else 32 if self._modality == "text" else 8

    def module(self) -> torch.nn.Module:
        """Return the model, its weights read."""
        model: torch.nn.Module = self._model
        return model

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector."""
        sample = "a" if self._modality == "text" else np.full((32, 32, 3), 127, np.uint8)
        return self._model.get_embedding_dimension() or int(self.encode([sample], self._modality).shape[1])

    def length(self, sample: Any) -> int:
        """Return the number of characters, as sentence-transformers sorts texts; pictures are all alike."""
        return len(sample) if self._modality == "text" else 0

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        inputs = list(batch) if self._modality == "text" else [_picture(sample) for sample in batch]
        with failing(self._checkpoint):
            vectors = self._model.encode(inputs, batch_size=self.batch_size, show_progress_bar=False)
        return np.asarray(vectors, np.float32)

    @cached_property
    def _model(self) -> Any:
        """Return the model, read when first needed."""
        import torch
        from sentence_transformers import SentenceTransformer

        dtype = torch.float16 if self._device.startswith("cuda") else torch.float32
        with silence(), failing(self._checkpoint):
            model = SentenceTransformer(
                str(self._checkpoint.folder),
                device=self._device,
                trust_remote_code=self._checkpoint.trusted,
                local_files_only=True,
                model_kwargs={"dtype": dtype, "use_safetensors": True},
            )
        if self._modality not in model.modalities:
            taken = ", ".join(map(str, model.modalities))
            raise EncoderError(f"{self._checkpoint.name}: the model takes {taken}, not {self._modality}")
        return model.eval()


def _picture(sample: np.ndarray) -> Any:
    """Return pixels as the kind of picture that sentence-transformers takes."""
    from PIL import Image

    return Image.fromarray(sample)
