"""Reading a CSV loads no library of DataFrames, and no torch."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pandas", "polars", "datasets", "torch", "fsspec", "sklearn")


def test_reading_a_csv_loads_nothing_heavy(shop):
    code = (
        "import sys, mmsdk.data\n"
        f"assert len(mmsdk.data.read_table({str(shop / 'products.csv')!r})) == 4\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
