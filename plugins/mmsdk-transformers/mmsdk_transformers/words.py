"""The scheme ``transcript:<audio encoder>``: what is said in a sound, written down, then read by a text encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Sequence, open_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Rows

    from mmsdk import Sound


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    text: str = "minilm",
    text_options: Mapping[str, Any] | None = None,
    language: str | None = None,
) -> WordsEncoder:
    """Return an encoder of what is said in a sound.

    :param reference: an audio encoder that writes down what it hears: ``whisper-base``, ``transformers:DIR``.
    :param text: the text encoder that reads it: ``minilm`` (English), ``e5-small`` (about 100 languages).
    :param text_options: of the text encoder.
    :param language: as the speech model names it (``en``, ``zh``); it tells by itself where left out.
    :raises EncoderError: one of the two cannot be opened, the first writes nothing down, or the second is fitted.
    """
    shared: dict[str, Any] = {"device": device, "trust_remote_code": trust_remote_code}
    heard = open_encoder(reference, "audio", **shared)
    if not callable(getattr(heard.encoder, "transcribe", None)):
        raise EncoderError(
            f"transcript:{reference}: {heard.name!r} writes nothing down; name a Whisper model, such as whisper-base"
        )
    read = open_encoder(text, "text", options=dict(text_options or {}), **shared)
    if read.fitted:
        raise EncoderError(f"transcript:{reference}: text {text!r} is fitted to its rows; name one that is not")
    return WordsEncoder(heard, read, language)


class WordsEncoder:
    """A sound to the vector of its words, as one step; no step where nothing is said, which counts as missing.

    :param heard: what ``mmsdk.open_encoder`` answers for the speech model.
    :param read: and for the text encoder.
    """

    output = "sequence"
    batch_size = 8

    def __init__(self, heard: Any, read: Any, language: str | None) -> None:
        self._heard, self._read, self._language = heard, read, language
        self._told = [0, 0]  # sounds without a word, sounds

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return int(self._read.dim)

    def fingerprint(self) -> str:
        """Return those of both, and the language."""
        return f"transcript {self._heard.fingerprint} {self._language} {self._read.fingerprint}"

    def report(self) -> Mapping[str, tuple[int, int]]:
        """Return in how many sounds nothing was said."""
        return {"without_words": (self._told[0], self._told[1])}

    def transcribe(self, batch: Rows[Sound], *, language: str | None = None) -> list[Any]:
        """Return what is said in each sound, as the speech model does."""
        with self._heard.lock:
            return list(self._heard.encoder.transcribe(batch, language=language or self._language))

    def encode(self, batch: Rows[Sound], modality: str) -> list[Sequence]:
        """Return a sequence a sound: ``(1, dim)``, or ``(0, dim)`` where nothing is said."""
        texts = [one.text for one in self.transcribe(batch)]
        told = [text for text in texts if text]
        self._told[0] += len(texts) - len(told)
        self._told[1] += len(texts)
        if not told:
            return [self._silent() for _ in texts]
        with self._read.lock:
            vectors = iter(np.asarray(self._vectors(told), np.float32))
        return [Sequence(values=next(vectors)[None], times=np.zeros(1)) if text else self._silent() for text in texts]

    def _vectors(self, texts: list[str]) -> Any:
        """Return a vector a text, ``(n, dim)``."""
        answers = self._read.encoder.encode(texts, "text")
        return [one.values.mean(axis=0) for one in answers] if self._read.sequence else answers

    def _silent(self) -> Sequence:
        """Return a sequence without a step."""
        return Sequence(values=np.zeros((0, self.dim), np.float32), times=np.zeros(0))
