"""Speech to text by a Whisper model (Radford et al. 2022, arXiv:2212.04356): short sounds together, long ones alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk import EncoderError, Transcript
from mmsdk_transformers.network import failing, moved, silence, width_of
from mmsdk_transformers.windows import resampled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Sequence as Rows

    from mmsdk import Sound
    from mmsdk_transformers.checkpoint import Checkpoint

BATCH = 8
FAINT = 1e-3  # of full scale: where no sample is louder, nobody speaks, and Whisper would make something up
TIED = "proj_out.weight"  # the same numbers as the embedding of words, and not in the file
NO_SPEECH, LEAST_LIKELY = 0.6, -1.0  # a stretch less likely than that, and perhaps no speech, is left out (section 4.5)


class Writer:
    """Writes down what is said in sounds. Its weights are read when first needed.

    :param checkpoint: a Whisper model on this machine.
    :raises EncoderError: it is a model of another kind.
    """

    def __init__(self, checkpoint: Checkpoint, *, device: str, dtype: str) -> None:
        kind = checkpoint.config.get("model_type", "unknown")
        if kind != "whisper":
            raise EncoderError(f"{checkpoint.name}: a model of type {kind} writes nothing down; name a Whisper model")
        self._checkpoint, self._device, self._dtype = checkpoint, device, dtype

    def written(self, sounds: Rows[Sound], language: str | None) -> list[Transcript]:
        """Return what is said in each sound.

        The likeliest word is taken each time (no sampling), so that the same sound gives the same words.

        :raises EncoderError: the model cannot be read, or does not know the language.
        """
        _ = self._tokenizer  # a model without words is refused before its weights are read
        asked = self._asked(language)
        found = [Transcript()] * len(sounds)
        for numbers in self._together(sounds):
            for number, one in zip(numbers, self._heard([sounds[n] for n in numbers], asked), strict=True):
                found[number] = one
        return found

    def _together(self, sounds: Rows[Sound]) -> Iterator[list[int]]:
        """Yield the places of sounds to be heard at once: short ones in batches, a long one alone."""
        longest = self._extractor.chunk_length
        short, long = [], []
        for number, one in enumerate(sounds):
            (long if len(one.samples) > longest * one.rate else short).append(number)
        yield from (short[start : start + BATCH] for start in range(0, len(short), BATCH))
        yield from ([number] for number in long)

    def _heard(self, sounds: list[Sound], asked: Mapping[str, Any]) -> list[Transcript]:
        """Return the words of sounds that fit one batch."""
        loud = [place for place, one in enumerate(sounds) if np.abs(one.samples).max(initial=0.0) >= FAINT]
        found = [Transcript()] * len(sounds)
        if loud:
            rate = self._extractor.sampling_rate
            pieces = [resampled(sounds[place].samples, sounds[place].rate, rate) for place in loud]
            for place, segments in zip(loud, self._segments(pieces, asked), strict=True):
                found[place] = Transcript(tuple(self._spans(segments, sounds[place].seconds)))
        return found

    def _segments(self, pieces: list[np.ndarray], asked: Mapping[str, Any]) -> list[Any]:
        """Return the stretches that the model found in each piece, with their tokens and times."""
        whole = {"truncation": False, "padding": "longest"} if len(pieces[0]) > self._extractor.n_samples else {}
        rate = self._extractor.sampling_rate
        with failing(self._checkpoint), silence(), torch.inference_mode():
            inputs = self._extractor(
                pieces, sampling_rate=rate, return_tensors="pt", return_attention_mask=True, **whole
            )
            answer = self._model.generate(
                **moved(inputs, self._device, self._model.dtype),
                **asked,
                return_segments=True,
                return_timestamps=True,
                num_beams=1,
                do_sample=False,
                temperature=0.0,
                no_speech_threshold=NO_SPEECH,
                logprob_threshold=LEAST_LIKELY,
                condition_on_prev_tokens=False,
            )
        return list(answer["segments"])

    def _spans(self, segments: Rows[Any], seconds: float) -> Iterator[tuple[float, float, str]]:
        """Yield start, end and words of the stretches in which something is said; none reaches over the end."""
        for one in segments:
            text = " ".join(self._tokenizer.decode(one["tokens"], skip_special_tokens=True).split())
            start, end = (min(float(one[name]), seconds) for name in ("start", "end"))
            if text and end > start:
                yield round(start, 2), round(end, 2), text

    def _asked(self, language: str | None) -> dict[str, Any]:
        """Return what a model of several languages has to be told.

        :raises EncoderError: it does not know the language.
        """
        own, name = self._model.generation_config, self._checkpoint.name
        if not getattr(own, "is_multilingual", False):
            if language not in (None, "en"):
                raise EncoderError(f"{name}: the model writes English only, not {language!r}")
            return {}
        codes = sorted(code.strip("<|>") for code in own.lang_to_id)
        if language is not None and language not in codes:
            raise EncoderError(f"{name}: no language named {language!r}; there are {', '.join(codes)}")
        return {"task": "transcribe", "language": language}

    @cached_property
    def _model(self) -> Any:
        """Return the whole model, its weights read.

        :raises EncoderError: they cannot be read, or tensors are missing.
        """
        from transformers import WhisperForConditionalGeneration

        name = self._checkpoint.name
        with silence(), failing(self._checkpoint):
            model, told = WhisperForConditionalGeneration.from_pretrained(
                self._checkpoint.folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=width_of(self._device, self._dtype),
                output_loading_info=True,
            )
        if lacking := sorted(one for one in told["missing_keys"] if one != TIED):
            raise EncoderError(
                f"{name}: its weights lack {len(lacking)} tensors of the part that writes ({', '.join(lacking[:3])}); "
                "name a Whisper model that was saved whole"
            )
        return model.eval().requires_grad_(requires_grad=False).to(self._device)

    @cached_property
    def _extractor(self) -> Any:
        """Return the model's own preparation of sounds."""
        from transformers import AutoFeatureExtractor

        with silence(), failing(self._checkpoint):
            return AutoFeatureExtractor.from_pretrained(self._checkpoint.folder, local_files_only=True)

    @cached_property
    def _tokenizer(self) -> Any:
        """Return the model's words.

        :raises EncoderError: it came without any.
        """
        from transformers import AutoTokenizer

        folder = self._checkpoint.folder
        if not any((folder / one).is_file() for one in ("tokenizer.json", "vocab.json")):
            raise EncoderError(f"{self._checkpoint.name}: {folder} has no tokenizer.json, so no words can be written")
        with silence(), failing(self._checkpoint):
            return AutoTokenizer.from_pretrained(folder, local_files_only=True)
