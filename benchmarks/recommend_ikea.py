"""The recommender on real furniture and real rooms: Recall@20 beside its baselines, through the command line.

    MMSDK_REAL=../shared python benchmarks/recommend_ikea.py [--metric "recall@20"] [--out RUN]

Runs the command that it prints, in a process of its own, and shows what its metrics.json holds: the ``val`` pairs asked
for with the ``train`` pairs as history, every baseline, and the difference to the best of them on the same resampled
users. The embedding cache is the user's own, so that a second run is faster; the figures are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGET = 0.18
PARTS = ("test", "val")
SETTINGS = (
    "encoders.image=transformers:{real}/models/mobilenet-v2-1.0-224-tf2",
    "id=item_id",
    "interactions={real}/data/ikea_products/interactions.csv",
    "user=room_id",
    "split=split",
)


def run_recipe(data: Path | str, settings: tuple[str, ...], out: Path) -> dict[str, Any]:
    """Print and run the command in a process of its own; return its metrics.json."""
    words = ["mmsdk", "recipe", "recommend", "--preset", "builtin", "--data", str(data)]
    for setting in settings:
        words += ["--set", setting]
    words += ["--out", str(out), "--overwrite"]
    print("$ " + shlex.join(words))
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "mmsdk", *words[1:]],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode:
        sys.exit(f"exit {answer.returncode}\n{answer.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    embedded = next((line for line in answer.stderr.splitlines() if line.startswith("embedded ")), "")
    print(f"{seconds:.0f} s, {cpu:.0f} s of CPU; {embedded}")
    return dict(json.loads((out / "metrics.json").read_text("utf-8")))


def arguments(text: str) -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metric", default="recall@20")
    parser.add_argument("--out", type=Path, help="the run directory; a temporary one by default")
    return parser.parse_args()


def shown(score: dict[str, Any]) -> str:
    """Return a metric with its interval."""
    return f"{score['value']:.3f}  [{score['low']:.3f}, {score['high']:.3f}]"


def table(metrics: dict[str, Any], metric: str) -> None:
    """Print one task: the run, what it beats, what its inputs are worth, and the paired differences."""
    for task, parts in metrics.items():
        part = next(name for name in PARTS if name in parts)
        ours = parts[part][metric]
        print(f"\n{task}: {metric} ({part}, {ours['n']:,} users, 95 % interval)")
        rows = {"this run": ours, **{name: one[metric] for name, one in parts.get("baselines", {}).items()}}
        singles = {name: one for name, one in parts.get("subsets", {}).items() if "+" not in name and metric in one}
        rows |= {f"this run, items seen by {name} alone": one[metric] for name, one in singles.items()}
        pad = max(map(len, rows))
        for name, one in rows.items():
            print(f"  {name:{pad}}  {shown(one)}")
        for name, one in parts.get("paired", {}).items():
            if metric in one:
                print(f"  this run - {name}: {shown(one[metric])}")
        print(
            "  also: " + "; ".join(f"{name} {one['value']:.3f}" for name, one in parts[part].items() if name != metric)
        )


def by_history(found: dict[str, Any]) -> None:
    """Print what the same users get of whom little is known."""
    print("\nthe same users, of whom so many items are known:")
    for known, one in found.items():
        print(f"  {known:8}" + "  ".join(f"{name} {shown(score)}" for name, score in one.items()))


def cold(found: dict[str, Any]) -> bool:
    """Print how the run does on items that no training pair touches, beside content similarity; whether it is ahead."""
    part = next(name for name in PARTS if name in found)
    ours = found[part]["cold_recall@20"]
    print(f"\ncold_recall@20 {shown(ours)} over {ours['n']} users with such items among the asked for")
    ahead = True
    for name, one in found["paired"].items():
        if name.startswith("content: "):
            print(f"  this run - {name}: {shown(one['cold_recall@20'])}")
            ahead &= name != "content: all" or one["cold_recall@20"]["low"] > 0
    return ahead


def main() -> None:
    """Run and print."""
    words = arguments(__doc__ or "")
    real = os.environ.get("MMSDK_REAL")
    if not real:
        sys.exit("skipped: MMSDK_REAL names no folder of real data")
    real = real.rstrip("/")
    with tempfile.TemporaryDirectory() as temporary:
        settings = tuple(setting.format(real=real) for setting in SETTINGS)
        data = f"{real}/data/ikea_products/manifest.csv"
        metrics = run_recipe(data, settings, words.out or Path(temporary) / "ikea")
    table(metrics, words.metric)
    first = next(iter(metrics.values()))
    if words.metric == "recall@20":
        by_history(first["by_history"])
        ahead = cold(first)
        value = next(first[name] for name in PARTS if name in first)["recall@20"]["value"]
        print(f"\nRecall@20 {value:.3f} (at least {TARGET}) {'ok' if value >= TARGET else 'MISSED'}")
        print(f"cold items: ahead of content similarity (content: all) beyond chance: {'ok' if ahead else 'MISSED'}")


if __name__ == "__main__":
    main()
