"""Help, version and the list of plugins load nothing heavy; a subprocess proves it, wall time is printed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "numpy", "faiss", "pydantic", "transformers", "sklearn", "pyarrow", "scipy", "pandas", "matplotlib")
CODE = """
import sys
from mmsdk.cli.shell import run
code = run(sys.argv[1:])
loaded = sorted(name for name in {heavy!r} if name in sys.modules)
print("LOADED", code, *loaded)
"""


def loaded_by(code: str, *arguments: str) -> str:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    print(f"{' '.join(arguments)}: {time.perf_counter() - start:.3f} s wall")
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["plugins", "list"],
        ["plugins", "list", "--kind", "encoder"],
        ["plugins", "--help"],
        ["encoders", "--help"],
    ],
    ids=" ".join,
)
def test_the_command_line_is_light(arguments: list[str]) -> None:
    assert loaded_by(CODE.format(heavy=HEAVY), *arguments) == "LOADED 0"


def test_import_mmsdk_is_light() -> None:
    code = f"import mmsdk, sys; print('LOADED', *sorted(name for name in {HEAVY!r} if name in sys.modules))"
    assert loaded_by(code) == "LOADED"


def test_planning_a_fit_is_light() -> None:
    """A dry run loads torch in the process that tries the encoders, and not once more beside it."""
    code = (
        "import sys, mmsdk.app.bill, mmsdk.app.recipes;"
        "print('LOADED', *sorted({'torch', 'sklearn', 'scipy', 'matplotlib', 'transformers'} & set(sys.modules)))"
    )
    assert loaded_by(code) == "LOADED"
