"""What each modality costs: seconds of one CPU thread for 1,000 rows, decoding and encoding told apart.

    [MMSDK_REAL=../shared] python benchmarks/modalities.py [--rows 64]

Rows are made here (photos of 640 x 480, texts of about forty words, sounds of three seconds at 16 kHz, videos of four
seconds at 25 frames of 320 x 240, tracks of 21 points over a second, DICOM scans of 512 x 512), so that anybody can
repeat it; encoders of real weights are there where ``MMSDK_REAL`` names them. On a GPU the encoder's part shrinks and
decoding stays; ``--device cuda`` measures it where there is one.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import mmsdk
from mmsdk.embed.encoders import open_modality

random = np.random.default_rng(0)
WORDS = ("oak", "lamp", "red", "table", "for", "the", "small", "kitchen", "warm", "light", "three", "legs")


def photo(number: int) -> mmsdk.Media:
    """Return a JPEG."""
    from PIL import Image

    small = random.integers(0, 255, (12, 16, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=88)
    return mmsdk.Media(name=f"{number}.jpg", data=stream.getvalue())


def sound(number: int) -> mmsdk.Media:
    """Return a WAV."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, 0.2 * random.normal(size=48_000).astype(np.float32), 16_000, format="WAV")
    return mmsdk.Media(name=f"{number}.wav", data=stream.getvalue())


def video(number: int) -> mmsdk.Media:
    """Return an MP4 with sound."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 320, 240, "yuv420p"
        track = container.add_stream("aac", rate=16_000, layout="mono")
        base = random.integers(0, 255, (240, 480, 3), np.uint8)
        for step in range(100):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(base[:, step : step + 320]), format="rgb24")
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        heard = av.AudioFrame.from_ndarray(
            0.2 * random.normal(size=(1, 64_000)).astype(np.float32), format="fltp", layout="mono"
        )
        heard.sample_rate, heard.pts, heard.time_base = 16_000, 0, Fraction(1, 16_000)
        container.mux(track.encode(heard))
        container.mux(track.encode())
    return mmsdk.Media(name=f"{number}.mp4", data=stream.getvalue())


def scan(number: int) -> mmsdk.Media:
    """Return a DICOM file."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
    found.PhotometricInterpretation, found.SamplesPerPixel = "MONOCHROME2", 1
    found.Rows = found.Columns = 512
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, 0
    found.PixelData = random.integers(0, 4096, (512, 512), np.uint16).tobytes()
    stream = io.BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return mmsdk.Media(name=f"{number}.dcm", data=stream.getvalue())


def text(number: int) -> tuple[str]:
    """Return about forty words."""
    return (" ".join(random.choice(WORDS, 40)),)


def track(number: int) -> tuple[str]:
    """Return 21 points over 30 steps."""
    return (json.dumps(random.normal(size=(30, 21, 2)).round(3).tolist()),)


def cases(real: Path | None) -> list[tuple[str, str, str, Any]]:
    """Return what is measured: what the cells are, modality, encoder, maker of cells."""
    found = [
        ("photo", "image", "colour-shape", photo),
        ("DICOM scan", "image", "colour-shape", scan),
        ("text", "text", "ngrams", text),
        ("text", "text", "minilm", text),
        ("sound", "audio", "mel-stats", sound),
        ("sound", "audio", "mel-frames", sound),
        ("video", "video", "video-stats", video),
        ("video", "video", "frames:colour-shape", video),
        ("video", "video", "sound:mel-stats", video),
        ("landmarks", "gesture", "gesture-stats", track),
        ("landmarks", "gesture", "landmarks", track),
    ]
    if real is not None:
        models = real / "models"
        found += [
            ("photo", "image", f"transformers:{models}/mobilenet-v2-1.0-224-tf2", photo),
            ("photo", "image", f"onnx:{models}/mobilenet-v2-1.0-224-onnx/model.onnx#pooler_output", photo),
            ("sound", "audio", f"onnx:{models}/yamnet-onnx/yamnet.onnx#embeddings", sound),
            ("video", "video", f"frames:onnx:{models}/mobilenet-v2-1.0-224-onnx/model.onnx#pooler_output", video),
            ("video", "video", f"hands:{models}/hand-landmark-lite-onnx/hand_landmark_lite.onnx", video),
        ]
    return found


def measured(modality: str, name: str, cells: list[Any], device: str) -> tuple[float, float]:
    """Return seconds of decoding and of encoding for 1,000 rows; the first batch of all is not counted."""
    decode = open_modality(modality).decode
    encoder = mmsdk.open_encoder(name, modality, device=device).encoder
    size = int(getattr(encoder, "batch_size", 32))
    encoder.encode([decode(cells[0])], modality)
    started = time.perf_counter()
    samples = [decode(cell) for cell in cells]
    decoded = time.perf_counter()
    for start in range(0, len(samples), size):
        encoder.encode(samples[start : start + size], modality)
    return (decoded - started) * 1000 / len(cells), (time.perf_counter() - decoded) * 1000 / len(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    real = Path(os.environ["MMSDK_REAL"]).resolve() if os.environ.get("MMSDK_REAL") else None
    print(f"seconds for 1,000 rows, {arguments.device}, one thread")
    print(f"{'cells':12s} {'encoder':46s} {'decode':>8s} {'encode':>8s}")
    made: dict[str, list[Any]] = {}
    for what, modality, name, make in cases(real):
        if what not in made:
            made[what] = [make(number) for number in range(arguments.rows)]
        decoding, encoding = measured(modality, name, made[what], arguments.device)
        shown = name.replace(str(real), "...") if real else name
        print(f"{what:12s} {shown[-46:]:46s} {decoding:8.2f} {encoding:8.2f}", flush=True)


if __name__ == "__main__":
    main()
