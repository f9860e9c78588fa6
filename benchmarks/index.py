"""What the index costs over raw FAISS, and that opening and adding do not grow with it: ratios, measured interleaved.

``python benchmarks/index.py [--quick] [--folder DIR]``. One thread. Every figure is the median of five interleaved
runs; the spread is the fastest and the slowest of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import faiss
import numpy as np

from mmsdk.index import JointIndex
from mmsdk.index.exact import nearest

DIM = 256
RUNS = 5


def clustered(n: int, seed: int, centres: np.ndarray) -> np.ndarray:
    """Return ``(n, DIM)`` float32 of length one, in overlapping clusters of unequal size."""
    rng = np.random.default_rng(seed)
    which = (rng.pareto(1.0, n) * 40).astype(np.int64) % len(centres)
    values = rng.standard_normal((n, DIM), dtype=np.float32)
    values *= np.float32(0.9)
    values += centres[which]
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return values


def measured(works: dict, repeats: dict | int = 1, runs: int = RUNS) -> dict:
    """Run each work in turn, several times; return name -> (wall seconds, CPU seconds) of each run, per repeat."""
    times = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(runs):
        for name, work in works.items():
            count = repeats if isinstance(repeats, int) else repeats[name]
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(count):
                work()
            times[name].append(((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count))
    return times


def shown(name: str, times: list) -> None:
    """Print one line: median CPU and wall, and the spread of the wall."""
    wall, cpu = [w for w, _ in times], [c for _, c in times]
    print(
        f"  {name:<42} cpu {statistics.median(cpu) * 1e3:9.3f} ms   wall {statistics.median(wall) * 1e3:9.3f} ms"
        f"   ({min(wall) * 1e3:.3f} .. {max(wall) * 1e3:.3f})"
    )


def median(times: list, which: int) -> float:
    """Return the median wall (0) or CPU (1) time."""
    return statistics.median(one[which] for one in times)


def verdict(text: str, value: float, bound: float, unit: str) -> None:
    """Print one figure beside its bound."""
    print(f"  {text}: {value:.3f}{unit} (at most {bound:g}{unit}) {'ok' if value <= bound else 'TOO MUCH'}")


def overhead(folder: Path, n: int, kind: str, centres: np.ndarray) -> None:
    """Compare the index with the FAISS index inside it: batch 64 and single queries, k = 10."""
    vectors = clustered(n, 1, centres)
    queries = clustered(1024, 2, centres)
    rows = [{"price": i % 100, "name": f"product {i}"} for i in range(n)]
    index = JointIndex.create(folder, DIM, type=kind)
    index.add([f"sku-{i}" for i in range(n)], vectors, rows)
    index.save()
    info = index.info()
    print(
        f"\n{n:,} x {DIM}, type {info['type']} ({info['why']}), effort {info['effort']},"
        f" recall@10 {info['recall_at_10']:.3f}"
    )
    if info["type"] == "flat":
        raw = faiss.IndexFlatIP(DIM)
        raw.add(vectors)
    else:
        snapshot = next(folder.glob("snapshot-*"))
        raw = faiss.read_index(str(snapshot))
    state = {"at": 0}

    def batch(size: int) -> np.ndarray:
        state["at"] = (state["at"] + size) % (len(queries) - size)
        return queries[state["at"] : state["at"] + size]

    for size, repeats in ((64, 4 if info["type"] == "flat" else 30), (1, 40 if info["type"] == "flat" else 300)):
        works = {
            "raw FAISS": lambda size=size: raw.search(batch(size), 10),
            "search_raw (scores, keys)": lambda size=size: index.search_raw(batch(size), 10),
            "search (hits)": lambda size=size: index.search(batch(size), 10),
            "search (hits, every row read)": lambda size=size: [
                h.row for r in index.search(batch(size), 10) for h in r
            ],
        }
        times = measured(works, repeats)
        print(f" batch {size}")
        for name, one in times.items():
            shown(name, one)
        base = times["raw FAISS"]
        for name in ("search_raw (scores, keys)", "search (hits)"):
            if size == 1:
                verdict(f"{name} adds, cpu", (median(times[name], 1) - median(base, 1)) * 1e3, 0.2, " ms")
            else:
                verdict(f"{name} / raw, cpu", median(times[name], 1) / median(base, 1), 1.1, " x")
    filtered = measured({"search where price < 20": lambda: index.search(batch(64), 10, where="price < 20")}, 2)
    shown("batch 64, where (a fifth passes)", filtered["search where price < 20"])
    index.close()


def growth(folder: Path, n: int, centres: np.ndarray) -> None:
    """Open an index of n vectors, and add 1,000 rows to it and to a small one."""
    print(f"\n{n:,} x {DIM}: opening, and adding 1,000 rows")
    began = time.perf_counter()
    big = JointIndex.create(folder / "big", DIM)
    source = np.lib.format.open_memmap(folder / "source.npy", "w+", np.float32, (n, DIM))
    for start in range(0, n, 50_000):
        source[start : start + 50_000] = clustered(min(50_000, n - start), start, centres)
    big.add([f"sku-{i}" for i in range(n)], source, [{"price": i % 100} for i in range(n)])
    info = big.info()
    print(
        f"  built in {time.perf_counter() - began:.0f} s: type {info['type']} ({info['why']}), effort {info['effort']},"
        f" recall@10 {info['recall_at_10']:.3f}, {sum(info['bytes'].values()) / 1e6:,.0f} MB"
    )
    big.close()
    small = JointIndex.create(folder / "small", DIM)
    small.add([f"sku-{i}" for i in range(10_000)], source[:10_000])
    queries = clustered(64, 3, centres)

    def opened() -> None:
        with JointIndex.open(folder / "big") as index:
            index.search_raw(queries[:1], 10)

    times = measured({"open": lambda: JointIndex.open(folder / "big").close(), "open and answer one query": opened})
    for name, one in times.items():
        shown(name, one)
    verdict("open, wall", median(times["open"], 0), 1, " s")
    big = JointIndex.open(folder / "big")
    state = {"at": 0}

    def add(index: JointIndex) -> None:
        state["at"] += 1
        at = state["at"] * 1000 % 9000
        index.add(
            [f"new-{state['at']}-{i}" for i in range(1000)], source[at : at + 1000], [{"price": i} for i in range(1000)]
        )

    name = f"add 1,000 rows to {n:,}"
    times = measured({"add 1,000 rows to 10,000": lambda: add(small), name: lambda: add(big)})
    for one in times:
        shown(one, times[one])
    verdict(f"{n:,} / 10,000, cpu", median(times[name], 1) / median(times["add 1,000 rows to 10,000"], 1), 1.5, " x")
    print(f"  tail {big.info()['tail']:,} rows, searched exactly beside the snapshot:")
    shown("batch 64", measured({"b": lambda: big.search(queries, 10)}, 3)["b"])
    shown("single query", measured({"b": lambda: big.search(queries[:1], 10)}, 20)["b"])
    big.save()
    print("  after save:")
    shown("batch 64", measured({"b": lambda: big.search(queries, 10)}, 3)["b"])
    shown("single query", measured({"b": lambda: big.search(queries[:1], 10)}, 20)["b"])
    big.close()


def exactness(n: int, centres: np.ndarray) -> None:
    """Compare exact search with FAISS Flat."""
    vectors, queries = clustered(n, 1, centres), clustered(64, 2, centres)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(vectors)
    works = {"FAISS Flat": lambda: flat.search(queries, 10), "exact (torch)": lambda: nearest(queries, vectors, 10)}
    times = measured(works, 2)
    print(f"\nexact search, {n:,} x {DIM}, batch 64")
    for name, one in times.items():
        shown(name, one)
    print(f"  ratio, cpu: {median(times['exact (torch)'], 1) / median(times['FAISS Flat'], 1):.2f} x")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, a minute instead of ten")
    parser.add_argument("--folder", type=Path, help="where to build; a temporary folder by default")
    arguments = parser.parse_args()
    import torch

    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    scale = 10 if arguments.quick else 1
    centres = np.random.default_rng(0).standard_normal((2000, DIM)).astype(np.float32)
    print(
        f"faiss {faiss.__version__}, torch {torch.__version__}, numpy {np.__version__}, one thread, medians of {RUNS}"
    )
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        overhead(folder / "ivf", 100_000 // scale, "ivf", centres)
        overhead(folder / "flat", 100_000 // scale, "flat", centres)
        exactness(100_000 // scale, centres)
        growth(folder, 1_000_000 // scale, centres)


if __name__ == "__main__":
    main()
