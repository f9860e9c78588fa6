"""The scheme ``sentence-transformers:``: a model as its own modules make vectors, for whatever they take."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import Clip, EncoderError, Sequence, Sound
from mmsdk_transformers.checkpoint import Checkpoint, check, locate
from mmsdk_transformers.network import failing, silence
from mmsdk_transformers.windows import resampled

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as Rows

    import torch

VERSION = 1
SEQUENCES = ("audio", "video")  # answered as a sequence of one step


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    prompt: str | None = None,
    prompt_name: str | None = None,
) -> SentenceEncoder:
    """Return the encoder of a hub id (``id@revision`` pins) or of a folder.

    :param reference: for example ``sentence-transformers/all-MiniLM-L6-v2`` or ``models/my-e5``. A folder without
        ``modules.json`` is read as a plain transformers text model, its tokens averaged.
    :param modality: ``text``, or ``image``, ``audio``, ``video`` where the model takes them. Sounds and videos become a
        sequence of one step; a sound is cut where the model cuts it.
    :param device: ``cpu`` (float32) or ``cuda`` (float16).
    :param trust_remote_code: run the Python code that came with the model.
    :param prompt: stands before every text, for models that want one.
    :param prompt_name: the name of a prompt that comes with the model (``document``, ``passage``), instead.
    :raises EncoderError: the model cannot be found, reached, read, or does not take the modality.
    """
    checkpoint = locate("sentence-transformers", reference, modality, trusted=trust_remote_code)
    if not (checkpoint.folder / "modules.json").is_file():
        if modality in SEQUENCES:  # the library would read the weights of some families under other names: as noise
            raise EncoderError(f"{checkpoint.name}: has no modules.json; for {modality} use transformers:{reference}")
        check(checkpoint, modality)
    prompts = {"prompt": prompt, "prompt_name": prompt_name}
    chosen = {name: value for name, value in prompts.items() if value is not None}
    if chosen and modality != "text":
        raise EncoderError(f"{checkpoint.name}: {next(iter(chosen))} stands before texts; the input is {modality}")
    return SentenceEncoder(checkpoint, modality, device=device, prompts=chosen)


class SentenceEncoder:
    """``str``, RGB uint8 ``(h, w, 3)``, a sound or a clip to vectors. Weights are read when first needed."""

    def __init__(self, checkpoint: Checkpoint, modality: str, *, device: str, prompts: dict[str, str]) -> None:
        self._checkpoint = checkpoint
        self._modality = modality
        self._prompts = prompts
        self.output = "sequence" if modality in SEQUENCES else "vector"
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"encoder": "sentence-transformers", "version": VERSION, "modality": self._modality}
        return self._checkpoint.fingerprint(**facts, **self._prompts)

    def space(self) -> str:
        """Return which space its vectors lie in: all modalities of a model share one."""
        return self._checkpoint.fingerprint(joint=True)

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
        return self._model.get_embedding_dimension() or len(self._vectors([self._example()])[0])

    def length(self, sample: Any) -> int:
        """Return the number of characters or milliseconds; pictures and clips are all alike."""
        if self._modality == "audio":
            return len(sample.samples) * 1000 // int(sample.rate)
        return len(sample) if self._modality == "text" else 0

    def encode(self, batch: Rows[Any], modality: str) -> np.ndarray | list[Sequence]:
        """Return ``(n, dim)`` float32; of sounds and clips a sequence each, without a step where there is no frame."""
        if self.output == "vector":
            return self._vectors(batch)
        there = [place for place, sample in enumerate(batch) if self._modality == "audio" or len(sample.frames)]
        steps = [Sequence(values=np.zeros((0, self.dim), np.float32), times=np.zeros(0)) for _ in batch]
        vectors = self._vectors([batch[place] for place in there]) if there else np.zeros((0, self.dim), np.float32)
        for place, vector in zip(there, vectors, strict=True):
            steps[place] = Sequence(values=vector[None], times=np.array([_middle(batch[place])]))
        return steps

    def _vectors(self, batch: Rows[Any]) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        model = self._model
        prepare = self._preparation
        with failing(self._checkpoint):
            inputs = [prepare(sample) for sample in batch]
            vectors = model.encode(inputs, batch_size=self.batch_size, show_progress_bar=False, **self._prompts)
        return np.asarray(vectors, np.float32)

    @property
    def _preparation(self) -> Callable[[Any], Any]:
        """Return what makes of a sample what the library takes."""
        if self._modality == "audio":
            rate = self._rate
            return lambda sound: {"array": resampled(sound.samples, sound.rate, rate), "sampling_rate": rate}
        others: dict[str, Callable[[Any], Any]] = {"text": str, "image": _picture, "video": video}
        return others[self._modality]

    @cached_property
    def _rate(self) -> int:
        """Return the samples a second that the model hears.

        :raises EncoderError: its processor does not say, or draws lots.
        """
        processor = self._model[0].processor
        extractor = getattr(processor, "feature_extractor", processor)
        rate = getattr(extractor, "sampling_rate", None)
        if rate is None or hasattr(extractor, "max_length_s"):
            why = "its processor names no sampling rate" if rate is None else "the library cuts sounds for CLAP by lot"
            raise EncoderError(f"{self._checkpoint.name}: {why}; name the model as transformers:...")
        return int(rate)

    def _example(self) -> Any:
        """Return a sample that says nothing."""
        grey = np.full((1, 32, 32, 3), 127, np.uint8)
        examples = {
            "text": "a",
            "image": grey[0],
            "audio": Sound(samples=np.zeros(16_000, np.float32), rate=16_000),
            "video": Clip(frames=grey, times=np.zeros(1), sound=None, duration=0.0),
        }
        return examples[self._modality]

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
        if (name := self._prompts.get("prompt_name")) is not None and name not in model.prompts:
            known = ", ".join(model.prompts) or "none"
            raise EncoderError(f"{self._checkpoint.name}: no prompt named {name!r}; the model comes with {known}")
        return model.eval()


def _picture(sample: np.ndarray) -> Any:
    """Return pixels as the kind of picture that sentence-transformers takes."""
    from PIL import Image

    return Image.fromarray(sample)


def video(clip: Clip) -> dict[str, Any]:
    """Return frames and their rate as the kind of video that sentence-transformers takes."""
    seconds = float(clip.times[-1] - clip.times[0])
    count = len(clip.frames)
    fps = (count - 1) / seconds if seconds > 0 else 1.0
    return {"array": clip.frames, "video_metadata": {"fps": fps, "total_num_frames": count}}


def _middle(sample: Any) -> float:
    """Return the second at which half of a sound or of the frames is over."""
    if hasattr(sample, "frames"):
        return float((sample.times[0] + sample.times[-1]) / 2)
    return len(sample.samples) / float(sample.rate) / 2
