"""The encoder ``face-shape`` and the scheme ``faces:<detector>[+<encoder>]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import EncoderError, open_encoder
from mmsdk_face.cascade import CascadeDetector
from mmsdk_face.encoder import FaceEncoder
from mmsdk_face.features import FaceFeatures
from mmsdk_face.onnx_detector import OnnxDetector

if TYPE_CHECKING:
    from mmsdk_face.encoder import Detector

CASCADE = "cascade"
SURE = 0.7  # score of a face
MARGIN = 0.1


class FaceShape(FaceEncoder):
    """The encoder that needs no weights: a cascade, outlines and texture.

    :param margin: how much wider than the face the crop is.
    """

    def __init__(self, margin: float = MARGIN) -> None:
        super().__init__(CascadeDetector(), FaceFeatures(), "features", _share("face-shape", "margin", margin))


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    least: float = SURE,
    margin: float = MARGIN,
    **options: Any,
) -> FaceEncoder:
    """Return the encoder of a detector and of what encodes a face.

    :param reference: ``cascade`` or the path of an ONNX detector; then, after a ``+``, any encoder of an image
        (``onnx:fer.onnx#embedding``, ``transformers:DIR``). Without a ``+`` outlines and texture of the face.
    :param least: score from which it is a face; a cascade has none.
    :param margin: how much wider than the face the crop is.
    :param options: of the image encoder.
    :raises EncoderError: there is no such file, an option is out of range, or the image encoder is no use here.
    """
    name, (detector, _, encoder) = f"faces:{reference}", reference.partition("+")
    margin, least = _share(name, "margin", margin), _share(name, "least", least)
    finder: Detector = CascadeDetector() if detector == CASCADE else OnnxDetector(name, _file(name, detector), least)
    identity = "" if detector == CASCADE else f"{least:g} "
    if not encoder:
        if options:
            raise EncoderError(f"{name}: options {', '.join(sorted(options))} are of an encoder; name one after a +")
        return FaceEncoder(finder, FaceFeatures(), f"{identity}features", margin)
    opened = open_encoder(encoder, "image", options=options, device=device, trust_remote_code=trust_remote_code)
    if opened.fitted or opened.sequence:
        kind = "is fitted to its rows" if opened.fitted else "answers sequences itself"
        raise EncoderError(f"{name}: {opened.name!r} {kind}; name an image encoder that answers one vector")
    return FaceEncoder(finder, _Locked(opened), f"{identity}{opened.fingerprint}", margin)


class _Locked:
    """An open encoder that is used by one at a time."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return int(self._opened.step_dim)

    def encode(self, batch: Any, modality: str) -> Any:
        """Return its vectors."""
        with self._opened.lock:
            return self._opened.encoder.encode(batch, modality)


def _file(name: str, path: str) -> Path:
    """Return the file of a detector.

    :raises EncoderError: there is none.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise EncoderError(f"{name}: there is no file {file.absolute()}; write faces:cascade or faces:DETECTOR.onnx")
    return file


def _share(name: str, option: str, value: Any) -> float:
    """Return an option between 0 and 1.

    :raises EncoderError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise EncoderError(f"{name}: {option} is {value!r}, expected a number from 0 to 1")
    return float(value)
