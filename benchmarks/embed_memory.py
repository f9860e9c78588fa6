"""Show that the peak memory of embedding does not grow with the rows.

``python benchmarks/embed_memory.py [--rows 10000 100000] [--dim 384]`` embeds made-up texts with a tiny encoder, each
size in a process of its own with an empty cache, and prints the peak resident memory before and after. The table
itself (ids and texts) is in memory throughout and is counted in the first column.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def peak() -> float:
    """Return the peak resident memory of this process so far, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


def measure(rows: int, dim: int) -> None:
    """Embed ``rows`` texts and print what it took as JSON."""
    import numpy as np
    import pyarrow as pa

    from mmsdk.config import load_application
    from mmsdk.data import read_samples, read_table
    from mmsdk.embed import Embedder, EmbeddingCache, OpenEncoder

    class Tiny:
        """The length of a text, in every direction."""

        def __init__(self) -> None:
            self.dim, self.batch_size = dim, 256

        def encode(self, batch: Any, modality: str) -> np.ndarray:
            lengths = np.array([len(text) for text in batch], np.float32)
            return np.repeat(lengths[:, None], self.dim, axis=1)

    texts = pa.array(f"made-up text number {row} of a catalogue" for row in range(rows))
    application = load_application({"inputs": {"title": {"column": "title", "modality": "text"}}})
    samples, _ = read_samples(read_table(pa.table({"title": texts})), application, partial=True)
    opened = OpenEncoder(
        name="tiny", modality="text", origin="benchmark", encoder=Tiny(), fingerprint="tiny", fitted=False, ready=True
    )
    with tempfile.TemporaryDirectory() as folder:
        cache = EmbeddingCache(Path(folder))
        Embedder(cache, threads=1, quiet=True).embed(_first(application, texts), {"title": opened})  # imports
        before, started = peak(), time.process_time()
        result = Embedder(cache, threads=1, quiet=True).embed(samples, {"title": opened})
        first, spent = peak(), time.process_time() - started
        started = time.process_time()
        Embedder(cache, threads=1, quiet=True).embed(samples, {"title": opened})
        again = time.process_time() - started
        vectors = result.values["title"]
        print(json.dumps({"before": before, "after": first, "mb": vectors.nbytes / 1e6, "cpu": spent, "cached": again}))
        cache.close()


def _first(application: Any, texts: Any) -> Any:
    """Return a few rows, to warm everything up that costs memory once."""
    import pyarrow as pa

    from mmsdk.data import read_samples, read_table

    return read_samples(read_table(pa.table({"title": texts[:5000]})), application, partial=True)[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        measure(args.one, args.dim)
        return
    heads = ("peak before MB", "peak after MB", "grown MB", "CPU s", "cached CPU s")
    print(f"{'rows':>9}{'vectors MB':>12}{heads[0]:>16}{heads[1]:>15}{heads[2]:>10}{heads[3]:>8}{heads[4]:>14}")
    for rows in args.rows:
        command = [sys.executable, __file__, "--one", str(rows), "--dim", str(args.dim)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found = json.loads(answer.stdout)
        print(
            f"{rows:9,}{found['mb']:12.1f}{found['before']:16.1f}{found['after']:15.1f}"
            f"{found['after'] - found['before']:10.1f}{found['cpu']:8.2f}{found['cached']:14.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
