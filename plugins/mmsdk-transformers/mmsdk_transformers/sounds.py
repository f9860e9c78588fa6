"""Sound models of transformers as an encoder: a vector for each window of a sound, with its time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from mmsdk import EncoderError, Sequence, Sound
from mmsdk_transformers.encoder import ModelEncoder
from mmsdk_transformers.network import failing, silence
from mmsdk_transformers.pooling import pooled, sound_vectors
from mmsdk_transformers.windows import Windows, resampled, spread

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

    from mmsdk import Transcript
    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network
    from mmsdk_transformers.speech import Writer

SECONDS = 10.0  # of a window, where the model has no length of its own
SHORTEST = 0.025  # a filter bank looks at so many seconds at once
FRAMES = 100  # a second, in the spectrogram of AST


class SoundEncoder(ModelEncoder):
    """:class:`mmsdk.Sound` to one vector a window. Joint models (CLAP) share their weights with texts.

    A sound longer than a window is covered by as few whole windows as do, evenly spread; a shorter one is one window,
    filled up as the model was trained.
    """

    KIND = "transformers-audio"
    BATCH: ClassVar = {"cpu": 8, "cuda": 32}
    output = "sequence"

    def __init__(self, checkpoint: Checkpoint, *, window: float | None, **shared: Any) -> None:
        positive = isinstance(window, int | float) and not isinstance(window, bool) and window > 0
        if window is not None and not positive:
            raise EncoderError(f"{checkpoint.name}: window is {window!r}, expected seconds above 0")
        self._window = window
        super().__init__(checkpoint, **shared)

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a second of silence."""
        rate = self._extractor.sampling_rate
        return int(self.encode([Sound(samples=np.zeros(rate, np.float32), rate=rate)], "audio")[0].values.shape[1])

    def length(self, sample: Sound) -> int:
        """Return the milliseconds of a sound, so that sounds of one length make a batch."""
        return len(sample.samples) * 1000 // sample.rate

    def encode(self, batch: Rows[Sound], modality: str) -> list[Sequence]:
        """Return a sequence a sound: ``(windows, dim)`` at the middle of each window."""
        self._read()
        windows = self._cut(batch)
        with torch.inference_mode():
            values = self._of_windows(windows).cpu().numpy()
        return [
            Sequence(values=values[windows.owners == place], times=windows.times[windows.owners == place])
            for place in range(len(batch))
        ]

    def transcribe(self, batch: Rows[Sound], *, language: str | None = None) -> list[Transcript]:
        """Return what is said in each sound: Whisper models only.

        :param language: as the model names it (``en``, ``zh``); it tells by itself where left out.
        :raises EncoderError: the model writes nothing down, or does not know the language.
        """
        from mmsdk_transformers.speech import Writer

        if self._writer is None:
            self._writer = Writer(self._checkpoint, device=self._device, dtype=self._dtype)
        return self._writer.written(batch, language)

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        super().to(device)
        self._writer: Writer | None = None

    def vectors(self, batch: Rows[Sound], modality: str) -> torch.Tensor:
        """Return the mean of the windows ``(n, dim)`` float32 on the device, with gradients where weights have them."""
        windows = self._cut(batch)
        values = self._of_windows(windows)
        owners = torch.from_numpy(windows.owners).to(values.device)
        counts = torch.bincount(owners).unsqueeze(1)
        return values.new_zeros(len(batch), values.shape[1]).index_add(0, owners, values) / counts

    def _of_windows(self, windows: Windows) -> torch.Tensor:
        """Return ``(w, dim)``; a model that hears the padding gets windows of one length at a time."""
        groups = windows.groups() if self._hears_padding else [list(range(len(windows.pieces)))]
        order = torch.tensor([place for group in groups for place in group])
        parts = [
            self._by_parts(lambda part: self._of_pieces([windows.pieces[place] for place in part]), group)
            for group in groups
        ]
        found = torch.cat(parts)
        return found[order.argsort().to(found.device)]

    def _of_pieces(self, pieces: list[np.ndarray]) -> torch.Tensor:
        """Return ``(n, dim)`` of what fits the device at once."""
        rate = self._extractor.sampling_rate
        with failing(self._checkpoint):
            inputs = self._extractor(pieces, sampling_rate=rate, return_tensors="pt", **self._preparation)
        if "is_longer" in inputs:  # CLAP draws lots who of a batch is long; no window is
            inputs["is_longer"] = torch.zeros_like(inputs["is_longer"])
        return self._by_torch(inputs)

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        if self._checkpoint.joint:
            return pooled(found.model.get_audio_features(**inputs))
        mask = inputs.get("attention_mask")
        if self._longest is not None:  # the model hears windows of one length, and takes no mask
            inputs = {name: one for name, one in inputs.items() if name != "attention_mask"}
        return sound_vectors(found.model(**inputs), mask, found, self._pooling, self._checkpoint.name)

    def _cut(self, batch: Rows[Sound]) -> Windows:
        """Return the windows of sounds at the model's rate."""
        rate = self._extractor.sampling_rate
        width = max(1, round(self._seconds * rate))
        sounds = [resampled(one.samples, one.rate, rate) for one in batch]
        return spread(sounds, rate, width, self._shortest(rate))

    def _shortest(self, rate: int) -> int:
        """Return how many samples the model needs to hear anything at all."""
        config = self._read().model.config
        field, step = 1, 1
        for kernel, stride in zip(getattr(config, "conv_kernel", ()), getattr(config, "conv_stride", ()), strict=True):
            field, step = field + (kernel - 1) * step, step * stride
        return max(field, round(SHORTEST * rate))

    @property
    def _seconds(self) -> float:
        """Return the length of a window.

        :raises EncoderError: the one asked for is longer than the model hears.
        """
        if self._window is None:
            return self._longest or SECONDS
        if self._longest is not None and self._window > self._longest:
            raise EncoderError(
                f"{self._checkpoint.name}: window is {self._window:g} seconds, expected {self._longest:g} at most"
            )
        return self._window

    @property
    def _longest(self) -> float | None:
        """Return the seconds to which the model's preparation fills up or cuts; ``None`` where it does neither."""
        extractor = self._extractor
        if hasattr(extractor, "max_length_s"):  # CLAP
            return float(extractor.max_length_s)
        if hasattr(extractor, "chunk_length"):  # Whisper
            return float(extractor.chunk_length)
        if hasattr(extractor, "num_mel_bins") and hasattr(extractor, "max_length"):  # AST
            return float(extractor.max_length / FRAMES)
        return None

    @property
    def _hears_padding(self) -> bool:
        """Return whether a longer neighbour in the batch would change a window's vector (wav2vec 2.0 base, HuBERT)."""
        return getattr(self._read().model.config, "feat_extract_norm", None) == "group"

    @property
    def _preparation(self) -> dict[str, Any]:
        """Return how the feature extractor is to be called."""
        if self._checkpoint.joint:
            fused = getattr(self._read().model.config.audio_config, "enable_fusion", False)
            return {"truncation": "fusion" if fused else "rand_trunc"}  # of which no window needs either
        if self._longest is None:
            return {"padding": True, "return_attention_mask": not self._hears_padding}
        return {"return_attention_mask": True}

    @cached_property
    def _extractor(self) -> Any:
        """Return the model's own preparation of sounds."""
        from transformers import AutoFeatureExtractor

        with silence(), failing(self._checkpoint):
            found = AutoFeatureExtractor.from_pretrained(
                self._checkpoint.folder, local_files_only=True, trust_remote_code=self._checkpoint.trusted
            )
        if not hasattr(found, "sampling_rate"):
            raise EncoderError(f"{self._checkpoint.name}: the model takes no sound; its preparation knows no rate")
        return found

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), **({"window": float(self._window)} if self._window else {})}
