"""The fenced blocks of a page, and how they run: in order, in one folder, warnings as errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from mmsdk.cli.shell import run as mmsdk

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall(text(page))


def run_page(page: str) -> None:
    """Run the bash and Python blocks of a page in the working directory; a command that fails is an assertion."""
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, page, "exec"), {"__name__": "__main__"})
        elif language == "bash":
            run_bash(code)


def run_bash(code: str) -> None:
    """Run plain mmsdk commands in this process, where torch is loaded already, and anything else by bash."""
    lines = code.replace("\\\n", " ").strip().splitlines()
    if not all(line.startswith("mmsdk ") and not set(line) & set("$;&|") and " > " not in line for line in lines):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        return
    for line in lines:
        assert mmsdk(shlex.split(line)[1:]) == 0, line
