"""What does a missing input cost? A model that loses an input at test, beside one that was trained without it.

    MMSDK_REAL=../shared python benchmarks/missing.py [--sets ikea ikea-sized digits motion] [--seeds 3]
        [--fusion mixed] [--head blend]

Sets with a split of their own (``sets.py``), settings at their default but for those named. ``missing`` is the whole
model with the input taken from every test row, ``left`` a model that was trained on the other inputs alone. ``gain`` is
the paired difference with its 95 % bootstrap interval over rows, positive where the whole model does better; scores are
means over the seeds. The promise is held where the interval does not lie below nought.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from pathlib import Path

import torch
from left_out import missing_against_left
from sets import real_sets, sized_set

SPLIT = ("ikea", "ikea-sized", "digits", "motion")


def main() -> None:
    """Print a line for each input of each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SPLIT), choices=SPLIT)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--fusion", default="gated")
    parser.add_argument("--head", default="plain")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    sets = real_sets(real) | sized_set(real)
    for name in arguments.sets:
        one = sets[name]
        (table,) = one.folds()
        with tempfile.TemporaryDirectory() as folder:
            found = missing_against_left(
                {**one.application, "fusion": arguments.fusion, "head": arguments.head},
                table,
                out=folder,
                seeds=range(arguments.seeds),
                quiet=True,
                allow_outside=True,
            )["label"]
        count = sum(row["part"] == "test" for row in table)
        model = f"{name}, {arguments.fusion} + {arguments.head}"
        print(f"{model}: {one.metric}, {count} test rows, seeds {arguments.seeds}", flush=True)
        for missing, figures in found.items():
            gain, whole, part = figures["gain"], figures["missing"]["value"], figures["left"]["value"]
            held = "held" if gain["high"] >= 0 else "NOT HELD"
            print(
                f"  without {missing:12s} missing {whole:.3f}  left {part:.3f}  "
                f"gain {gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]  {held}",
                flush=True,
            )


if __name__ == "__main__":
    main()
